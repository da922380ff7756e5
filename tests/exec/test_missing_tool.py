from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.exec.process import run_command, split_command
from pytest_relgate.exec.redact import Redactor
from pytest_relgate.exec.tools import ToolMissing, brought_by, missing_tool, require_tools

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "here.sh": "echo hi\nno-such-tool --x\n",
    "goes-on.sh": "no-such-tool --x\nexit 3\n",
    "gives-up.sh": "set -e\nno-such-tool --x || exit 1\n",
    "just-127.sh": "exit 127\n",
    "relative.sh": "./scripts/not-built-yet\n",
    "absolute.sh": "/opt/no/such/tool\n",
    "not-executable.sh": "./here.sh\n",
    "imports.py": "import no_such_module\n",
    "importing/__init__.py": "import no_such_module\n",
    "importing/__main__.py": "",
    "importing/sub.py": "",
    "package/__init__.py": "",
    "prints.py": "import sys\nprint('error: no such command: `audit`')\nsys.exit(101)\n",
    "package.json": '{"name": "x", "version": "1.0.0", "scripts": {"bad": "no-such-tool", "fail": "exit 3"}}',
    "Makefile": "bad:\n\tno-such-tool\n",
}

# What is run for real, and the tool that is missing then; None where the project failed.
REAL: dict[str, str | None] = {
    "bash -c no-such-tool": "no-such-tool",
    "bash -c 'true; no-such-tool | cat; exit 0'": None,
    "bash here.sh": "no-such-tool",
    "sh here.sh": "no-such-tool",
    "bash -euo pipefail here.sh": "no-such-tool",
    "bash goes-on.sh": None,
    "bash gives-up.sh": None,
    "bash just-127.sh": None,
    "bash relative.sh": None,
    "bash absolute.sh": "/opt/no/such/tool",
    "bash not-executable.sh": None,
    "bash no-such-script.sh": None,
    "env no-such-tool": "no-such-tool",
    "timeout 60 no-such-tool": "no-such-tool",
    "cargo frobnicate --deep": "cargo-frobnicate",
    "cargo --color always frobnicate": "cargo-frobnicate",
    "cargo +no-such-toolchain build": "toolchain no-such-toolchain",
    "rustup run no-such-toolchain cargo": "toolchain no-such-toolchain",
    "cargo build": None,
    "git frobnicate": "git-frobnicate",
    "git -C . frobnicate": "git-frobnicate",
    "git log frobnicate": None,
    "npm frobnicate": "npm frobnicate",
    "npm run no-such-script": None,
    "npm run bad": "no-such-tool",
    "npm run fail": None,
    "node missing.js": None,
    "make bad": None,
    f"{sys.executable} -m no_such_module": "python -m no_such_module",
    f"{sys.executable} -Im no_such_module": "python -m no_such_module",
    f"{sys.executable} -W error -mno_such.module": "python -m no_such.module",
    f"{sys.executable} -m package.sub": "python -m package.sub",
    f"{sys.executable} -m package": None,
    f"{sys.executable} -m importing": None,
    f"{sys.executable} -m importing.sub": None,
    f"{sys.executable} imports.py": None,
    f"{sys.executable} missing.py": None,
    f"{sys.executable} prints.py": None,
    f"{sys.executable} -c 'import no_such_module'": None,
}


@pytest.mark.parametrize("command", [command for command in REAL if shutil.which(split_command(command)[0])])
def test_a_missing_tool_is_told_from_a_failure_of_the_project(tmp_path: Path, command: str) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    result = run_command(
        command,
        cwd=tmp_path,
        log=tmp_path / "log.txt",
        env={**os.environ, "RUSTUP_AUTO_INSTALL": "0"},
        redactor=Redactor(),
    )
    assert missing_tool(split_command(command), result.rc, result.tail) == REAL[command], result.tail


RECORDED: dict[str, tuple[str, int, str, str | None]] = {
    "cargo": ("cargo audit --no-fetch", 101, "error: no such command: `audit`\n\nhelp: ...", "cargo-audit"),
    "older cargo": ("cargo audit", 101, "error: no such subcommand: `audit`", "cargo-audit"),
    "test that prints it": ("cargo test", 101, "running 1 test\nerror: no such command: `audit`", None),
    "audit that finds": ("cargo audit", 1, "error: 1 vulnerability found!", None),
    "audit that prints it": ("cargo audit", 1, "error: no such command: `audit`", None),
    "component": (
        "cargo fmt --all -- --check",
        1,
        (
            "error: 'cargo-fmt' is not installed for the toolchain 'stable-x86_64-unknown-linux-gnu'.\n"
            "To install, run `rustup component add rustfmt`"
        ),
        "cargo-fmt",
    ),
    "newer component": (
        "cargo miri test",
        1,
        (
            "error: the 'miri' component which provides the command 'cargo-miri' is not available for the "
            "'stable-x86_64-unknown-linux-gnu' toolchain"
        ),
        "cargo-miri",
    ),
    "binary": (
        "rust-analyzer --version",
        1,
        "error: Unknown binary 'rust-analyzer' in official toolchain 'stable-x86_64-unknown-linux-gnu'.",
        "rust-analyzer",
    ),
    "toolchain file": (
        "cargo build",
        1,
        (
            "info: syncing channel updates\n"
            "error: toolchain '1.88.0-x86_64-unknown-linux-gnu' is not installed\n"
            "help: run `rustup toolchain install 1.88.0-x86_64-unknown-linux-gnu` to install it\n"
            "Stack backtrace:\n   0: anyhow"
        ),
        "toolchain 1.88.0-x86_64-unknown-linux-gnu",
    ),
    "no toolchain": (
        "cargo build",
        1,
        "error: rustup could not choose a version of cargo to run, because one wasn't specified explicitly",
        "cargo",
    ),
    "program that prints it": ("cargo run", 1, "Running `x`\nerror: toolchain 'x' is not installed", None),
    "linker": (
        "cargo build",
        101,
        "   Compiling x v0.1.0\nerror: linker `cc` not found\n  |\n  = note: No such file",
        "linker cc",
    ),
    "target of the project": ("cargo build", 101, "error[E0463]: can't find crate for `std`", None),
    "go": ("go frobnicate", 2, "go frobnicate: unknown command\nRun 'go help' for usage.", "go frobnicate"),
    "go vet finds": ("go vet ./...", 1, "./x.go:3: unreachable code", None),
    "npx": (
        "npx --no cowsay hi",
        1,
        'npm error npx canceled due to missing packages and no YES option: ["cowsay@1.6.0"]',
        "cowsay",
    ),
    "npm exec": ("npm exec --no cowsay", 1, "npm ERR! could not determine executable to run", "cowsay"),
    "just recipe": ("just bindings-test", 1, "error: Justfile does not contain recipe `bindings-test`", None),
    "just tool": (
        "just bindings-test",
        127,
        (
            "cargo nope\nsh: 1: maturin: not found\n"
            "error: Recipe `bindings-test` failed on line 4 with exit code 127"
        ),
        "maturin",
    ),
    "npm tool in a workspace": (
        "npm test",
        127,
        (
            "sh: line 1: tsc: command not found\nnpm error Lifecycle script `test` failed with error:\n"
            "npm error code 127"
        ),
        "tsc",
    ),
    "zsh": ("zsh -c foo", 127, "zsh:1: command not found: foo", "foo"),
    "fish": ("fish -c foo", 127, "fish: Unknown command: foo\nfish: \nfoo\n^~^", "foo"),
    "german bash": ("bash x.sh", 127, "x.sh: Zeile 2: foo: Kommando nicht gefunden.", "foo"),
    "french bash": ("bash x.sh", 127, "x.sh: ligne 2: foo : commande introuvable", "foo"),
    "env of macOS": ("env foo", 127, "env: foo: No such file or directory", "foo"),
    "old dash, script missing": ("sh x.sh", 127, "sh: 0: Can't open x.sh", None),
    "tool without permission": (
        "bash x.sh",
        126,
        "x.sh: line 1: /usr/bin/foo: Permission denied",
        "/usr/bin/foo",
    ),
    "library missing": (
        "target/release/pls --version",
        127,
        "pls: error while loading shared libraries: libssl.so.1.1: cannot open shared object file",
        None,
    ),
    "library missing after a tolerated tool": (
        "bash smoke.sh",
        127,
        (
            "smoke.sh: line 2: foo: command not found\n"
            "bin/pls: error while loading shared libraries: libssl.so.1.1: cannot open shared object file"
        ),
        None,
    ),
    "last of several": (
        "bash x.sh",
        127,
        "x.sh: line 1: put-up-with: command not found\nx.sh: line 2: ends-it: command not found",
        "ends-it",
    ),
    "cargo succeeds": ("cargo run", 0, "error: toolchain 'x' is not installed", None),
    "module of a module": (
        "python3 -m importing.sub",
        1,
        (
            "/usr/bin/python3: Error while finding module specification for 'importing.sub' "
            "(ModuleNotFoundError: No module named 'other')"
        ),
        None,
    ),
    "module of another command": (
        "python3 -m importing.sub",
        1,
        (
            "/usr/bin/python3: Error while finding module specification for 'importing.other' "
            "(ModuleNotFoundError: No module named 'importing')"
        ),
        None,
    ),
    "success": ("bash x.sh", 0, "x.sh: line 1: foo: command not found", None),
    "python of Windows heritage": (
        "python3.12 -m build",
        1,
        "/usr/bin/python3.12: No module named build",
        "python -m build",
    ),
    "module of another name": ("python3 -m build", 1, "/usr/bin/python3: No module named other", None),
    "program of python": ("python3 x.py -m build", 1, "/usr/bin/python3: No module named build", None),
}


@pytest.mark.parametrize(("command", "rc", "tail", "tool"), RECORDED.values(), ids=RECORDED)
def test_recorded_ends_are_told_apart(command: str, rc: int, tail: str, tool: str | None) -> None:
    assert missing_tool(split_command(command), rc, tail) == tool


@pytest.mark.parametrize(
    ("tool", "do"),
    [
        ("cargo", "install cargo, or put it on PATH"),
        ("toolchain 1.88.0", "type `rustup toolchain install 1.88.0`"),
        ("python -m build", "install the module build for that Python"),
        (
            "npm frobnicate",
            "install a version of npm that knows `npm frobnicate`, or mend the command of the gate",
        ),
        ("linker cc", "install cc, or put it on PATH"),
    ],
)
def test_a_missing_tool_says_what_to_do(tool: str, do: str) -> None:
    missing = ToolMissing(tool)
    assert (missing.tool, missing.do) == (tool, do)
    assert str(missing) == f"{tool} is missing: {do}"


@pytest.mark.parametrize(
    ("command", "tool", "do"),
    [
        (("npm", "test"), "xo", "type npm ci, which brings what scripts of package.json call, or install xo"),
        (("/usr/bin/pnpm", "run", "x"), "tsc", "type pnpm install, which brings "),
        (("npm", "test"), "node", ""),
        (("npm", "x"), "npm frobnicate", ""),
        (("bash", "x.sh"), "xo", ""),
    ],
)
def test_a_tool_of_a_script_is_brought_by_the_package_manager(
    command: tuple[str, ...], tool: str, do: str
) -> None:
    said = brought_by(command, tool)
    assert said.startswith(do)
    assert bool(said) == bool(do)


def test_tools_are_required_before_anything_runs() -> None:
    there = {"cargo": "/usr/bin/cargo"}
    require_tools(["cargo"], there.get)
    with pytest.raises(ToolMissing) as raised:
        require_tools(["cargo", "cargo-audit", "just"], there.get)
    assert raised.value.tool == "cargo-audit"
    assert str(raised.value) == "cargo-audit is not on PATH: install cargo-audit, or put it on PATH"
