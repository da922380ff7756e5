"""Stand-ins for tools that a machine lacks: visible, thin, and able to fail. DESIGN section 5."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.exec.tools import missing_tool
from pytest_relgate.sandbox.history import CANDIDATE, files_at
from pytest_relgate.sandbox.stand_ins import TOOLS, missing_tools, stand_ins

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

POOL = "src/core/pool.rs"
SERVE = "src/serve.rs"
INDEX = "bindings/node/index.js"
FMT = "cargo fmt --all -- --check"
CLIPPY = "cargo clippy --all-targets -- -D warnings"


@pytest.fixture(scope="module")
def thin(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a machine that has git and nothing else."""
    folder = tmp_path_factory.mktemp("thin")
    git = shutil.which("git")
    assert git
    (folder / "git").symlink_to(git)
    environ = {"PATH": str(folder), "HOME": str(folder)}
    return environ | {"PATH": stand_ins(environ, folder / "stand-ins")[1]}


def write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The candidate's files, without git."""
    folder = tmp_path / "plasmite"
    write(folder, files_at(CANDIDATE))
    return folder


def run(command: str, folder: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    words = command.split()
    program = shutil.which(words[0], path=environ["PATH"])
    assert program
    return subprocess.run(
        [program, *words[1:]],
        cwd=folder,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", [FMT, CLIPPY, "cargo test", "just bindings-test", "just clippy"])
def test_the_healthy_tree_passes(tree: Path, thin: dict[str, str], command: str) -> None:
    done = run(command, tree, thin)
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith(f"{command.partition(' ')[0]}: a stand-in with thin checks")
    touched = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert touched == set(files_at(CANDIDATE))


MISTAKES = [
    (FMT, POOL, "        self.messages.push_back", "          self.messages.push_back", "pool.rs:21:"),
    (FMT, POOL, "    pub fn new", "\tpub fn new", "pool.rs:"),
    (FMT, POOL, "impl Pool {\n", "impl Pool {\n\n\n", "pool.rs:"),
    (FMT, "src/lib.rs", "pub mod cli;\n", "pub mod cli; \n", "lib.rs:4:"),
    (FMT, "tests/remote_integration.rs", "\n#[test]", "\n #[test]", "remote_integration.rs:"),
    (CLIPPY, POOL, "self.messages.len() > self.capacity", "self.messages.len() > 0", "clippy::len-zero"),
    (CLIPPY, POOL, "        pool.append(message);\n        }", "", "unclosed delimiter"),
    (CLIPPY, "src/lib.rs", "pub mod abi;", "pub mod other;", "module `other`"),
    ("cargo test", POOL, "pop_front()", "pop_back()", "makes_room ... FAILED"),
    ("cargo test", POOL, "> self.capacity", ">= self.capacity", "makes_room ... FAILED"),
    ("cargo test", POOL, '["b", "c"]', '["a", "c"]', "makes_room ... FAILED"),
    ("cargo test", SERVE, "authorization != format", "authorization == format", "token ... FAILED"),
    ("cargo test", SERVE, "HTTP/1.1 200 OK", "HTTP/1.1 204", "reads_nothing ... FAILED"),
    ("cargo test", SERVE, "{body}", "{body}\n", "sh: cargo: command not found"),
    ("cargo test --test remote_integration", SERVE, "401", "403", "reads_nothing ... FAILED"),
    ("just node-test", INDEX, "shift()", "pop()", "not ok 1"),
    ("just node-test", INDEX, "./native.js", "./gone.js", "Cannot find module"),
    ("just node-test", INDEX, "Client, Pool,", "Client,", "exports no Pool"),
    ("just node-test", INDEX, "class Client {", "class Client {{", "SyntaxError"),
    ("just node-test", INDEX, "RemoteClient }", "Remote }", "exports no Remote"),
    ("just go-test", "bindings/go/plasmite.go", "[extra:]", "[:p.Capacity]", "expected bc, found ab"),
    ("just go-test", "bindings/go/plasmite.go", "extra > 0 {", "extra > 0 ", "syntax error"),
    ("just go-test", "bindings/go/go.mod", "module ", "nodule ", "no module declaration"),
    (
        "just python-test",
        "bindings/python/plasmite/__init__.py",
        "maxlen=capacity",
        "maxlen=7",
        "AssertionError",
    ),
    ("just nothing", "Justfile", "", "", "does not contain recipe `nothing`"),
]


@pytest.mark.parametrize(
    ("command", "path", "old", "new", "says"),
    MISTAKES,
    ids=lambda value: value.partition("\n")[0][:40],
)
def test_what_is_wrong_with_the_tree_is_found(
    tree: Path, thin: dict[str, str], command: str, path: str, old: str, new: str, says: str
) -> None:
    text = (tree / path).read_text()
    assert old in text
    (tree / path).write_text(text.replace(old, new))
    done = run(command, tree, thin)
    assert done.returncode, done.stdout
    assert says in done.stdout


FORMATS = [
    (POOL, "    pub fn new", "     pub fn new"),
    (POOL, "    capacity: usize,\n}", "capacity: usize,\n}"),
    (POOL, "impl Pool {\n", "impl Pool {\n\n\n"),
    (POOL, "self.messages.pop_front();\n", "self.messages.pop_front();   \n"),
    (POOL, "    #[test]", "\t#[test]"),
    (SERVE, "    let body", "        let body"),
    ("src/main.rs", "            std::process", "        std::process"),
    ("src/lib.rs", "pub mod serve;\n", "pub mod serve;\n\n"),
]


@pytest.mark.parametrize(("path", "old", "new"), FORMATS)
def test_the_formatting_that_is_called_wrong_is_wrong_to_rustfmt(
    tree: Path, thin: dict[str, str], path: str, old: str, new: str
) -> None:
    """Held against the real tool: what the stand-in refuses the real one refuses too."""
    text = (tree / path).read_text()
    assert old in text
    (tree / path).write_text(text.replace(old, new, 1))
    real = run(FMT, tree, os.environ)
    stand_in = run(FMT, tree, thin)
    assert (real.returncode, stand_in.returncode) == (1, 1), real.stdout + stand_in.stdout
    for done in (real, stand_in):
        assert "Diff in " in done.stdout
        assert path in done.stdout


@pytest.mark.parametrize(
    ("command", "tool"),
    [
        ("cargo frobnicate", "cargo"),
        ("cargo fmt --all", "cargo"),
        ("node --inspect", "node"),
        ("npm publish", "npm"),
        ("go build ./...", "go"),
        ("just --dump", "just"),
    ],
)
def test_what_it_cannot_do_is_a_tool_that_is_missing(
    tree: Path, thin: dict[str, str], command: str, tool: str
) -> None:
    """Neither good nor bad: the gate is ERRORED, and says what to install."""
    before = (tree / POOL).read_text()
    done = run(command, tree, thin)
    assert missing_tool(command.split(), done.returncode, done.stdout) == tool
    assert (tree / POOL).read_text() == before


def test_inside_a_recipe_too_it_is_the_tool_that_is_missing(tree: Path, thin: dict[str, str]) -> None:
    (tree / "Justfile").write_text("default:\n    cd bindings/node && node --inspect\n")
    done = run("just", tree, thin)
    assert missing_tool(["just"], done.returncode, done.stdout) == "node"


def test_a_lock_that_is_stale_is_written_anew_as_cargo_does(tree: Path, thin: dict[str, str]) -> None:
    """So that the gate sees that its command changed the source, with either tool."""
    lock = tree / "Cargo.lock"
    whole = lock.read_text()
    for environ in (os.environ, thin):
        lock.write_text(whole.replace("0.1.10", "0.1.9"))
        assert run(CLIPPY, tree, environ).returncode == 0
        assert lock.read_text().split() == whole.split()


ADVISORY = """\
```toml
[advisory]
id = "RUSTSEC-2026-0001"
package = "plasmite"

[versions]
patched = [">= 0.1.11"]
unaffected = ["< 0.1.5"]
```
"""


@pytest.mark.parametrize(
    ("advisory", "status"),
    [
        (ADVISORY, 1),
        (ADVISORY.replace("0.1.11", "0.1.10"), 0),
        (ADVISORY.replace("0.1.5", "0.2.0"), 0),
        (ADVISORY.replace(">= 0.1.11", "^0.1.11"), 127),
    ],
)
def test_an_advisory_about_a_locked_package_is_found(
    tree: Path, thin: dict[str, str], advisory: str, status: int
) -> None:
    audit = "cargo audit --db .scratch/advisory-db --no-fetch"
    assert run(audit, tree, thin).returncode == 2
    write(tree, {".scratch/advisory-db/crates/plasmite/RUSTSEC-2026-0001.md": advisory})
    done = run(audit, tree, thin)
    assert done.returncode == status, done.stdout
    assert ("RUSTSEC-2026-0001" in done.stdout) == (status == 1)


def test_a_tool_that_is_there_is_never_stood_in_for(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("cargo", "node", "python3", "sh"):
        (tools / name).write_text("#!/bin/sh\necho real\n")
        (tools / name).chmod(0o755)
    environ = {"PATH": str(tools)}
    names, path = stand_ins(environ, tmp_path / "stand-ins")
    assert path == f"{tools}{os.pathsep}{tmp_path / 'stand-ins'}"
    assert set(names) == set(TOOLS) - {"cargo", "node"}
    assert run("cargo --version", tmp_path, {"PATH": path}).stdout == "real\n"
    written = {program.name for program in (tmp_path / "stand-ins").iterdir()}
    assert written == set(names)


def test_a_machine_that_has_all_tools_gets_nothing(tmp_path: Path) -> None:
    for name in (*TOOLS, "python3", "sh"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    environ = {"PATH": str(tmp_path)}
    assert missing_tools(environ) == ()
    assert stand_ins(environ, tmp_path / "stand-ins") == ((), str(tmp_path))
    assert not (tmp_path / "stand-ins").exists()


def test_where_cargo_is_missing_its_subcommands_come_with_it(tmp_path: Path) -> None:
    names, path = stand_ins({"PATH": ""}, tmp_path / "stand-ins")
    assert set(names) == {tool for tool in TOOLS if not tool.startswith("cargo-")}
    assert shutil.which("cargo-audit", path=path)


def test_the_package_is_found_where_it_is_and_not_where_the_tool_is_called(
    tree: Path, thin: dict[str, str]
) -> None:
    write(tree, {"pytest_relgate/__init__.py": "raise SystemExit(3)\n"})
    assert run(CLIPPY, tree, thin).returncode == 0
    (tree / "Justfile").write_text(
        "default:\n    @python3 -c 'import os; print(os.getenv(\"PYTHONPATH\"))'\n"
    )
    assert run("just", tree, thin).stdout.splitlines()[-1] == "None"
    assert run("just", tree, thin | {"PYTHONPATH": "/own"}).stdout.splitlines()[-1] == "/own"


def test_python_is_this_one_under_the_name_that_scripts_call(thin: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "which.py").write_text("import sys\nprint(sys.executable)\n")
    assert run("python3 which.py", tmp_path, thin).stdout == f"{sys.executable}\n"
