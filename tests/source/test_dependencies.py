"""A manifest counts by its dependency tables: moving the project's own version changes none of them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.judge import decide_conditions
from pytest_relgate.model import Condition, Gate, Mode, Proof, Tables
from pytest_relgate.source.dependencies import compare, compared
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from pathlib import Path

CARGO_TOML = """\
[package]
name = "demo"
version = "1.0.0"
description = "before"

[dependencies]
libc = "0.2"
demo-core = { path = "core", version = "=1.0.0" }

[target.'cfg(unix)'.dependencies]
nix = "0.27"

[workspace.dependencies]
tower = { version = "0.5", features = ["trace"] }

[features]
default = []

[patch.crates-io]
libc = { git = "https://example.org/libc" }
"""
CARGO_LOCK = """\
version = 3

[[package]]
name = "demo"
version = "1.0.0"
dependencies = ["demo-core 1.0.0", "libc"]

[[package]]
name = "demo-core"
version = "1.0.0"

[[package]]
name = "libc"
version = "0.2.169"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "aa"
"""
PACKAGE = '{"name": "demo", "version": "1.0.0", "files": ["a"], "dependencies": {"ws": "^8.0.0"}}'
PACKAGE_LOCK = """\
{"name": "demo", "version": "1.0.0", "lockfileVersion": 3, "packages": {
  "": {"name": "demo", "version": "1.0.0", "bin": {"demo": "x"}, "dependencies": {"ws": "^8.0.0"}},
  "packages/core": {"name": "demo-core", "version": "1.0.0"},
  "node_modules/demo-core": {"resolved": "packages/core", "link": true},
  "node_modules/ws": {"version": "8.18.0", "resolved": "https://example.org/ws", "integrity": "sha512-a"}}}
"""
PYPROJECT = """\
[build-system]
requires = ["setuptools>=68"]

[project]
name = "demo"
version = "1.0.0"
dependencies = ["httpx>=0.27"]

[dependency-groups]
test = ["pytest"]

[tool.poetry]
version = "1.0.0"

[tool.poetry.group.dev.dependencies]
ruff = "^0.6"

[tool.ruff]
line-length = 80
"""
UV_LOCK = """\
version = 1

[[package]]
name = "demo"
version = "1.0.0"
source = { editable = "." }
dependencies = [{ name = "httpx" }]

[[package]]
name = "httpx"
version = "0.27.0"
source = { registry = "https://example.org/simple" }
"""
GO_MOD = """\
module example.org/demo // ours

go 1.22

require (
\texample.org/a v1.0.0 // indirect
)
"""
REQUIREMENTS = "httpx==0.27.0 \\\n    --hash=sha256:aa\n# a comment\nrich\n"

# As Poetry wrote it before 1.3: the digests stand apart from the packages.
POETRY_LOCK = """\
[[package]]
name = "httpx"
version = "0.27.0"

[metadata]
lock-version = "1.1"
python-versions = "^3.11"
content-hash = "aa"

[metadata.files]
httpx = [{ file = "httpx-0.27.0.tar.gz", hash = "sha256:aa" }]
"""

ONLY_THE_VERSION = [
    ("Cargo.toml", CARGO_TOML, [("1.0.0", "1.1.0"), ("before", "after")]),
    ("a/Cargo.lock", CARGO_LOCK, [("1.0.0", "1.1.0")]),
    ("package.json", PACKAGE, [("1.0.0", "1.1.0"), ('["a"]', '["a", "b"]')]),
    ("package-lock.json", PACKAGE_LOCK, [("1.0.0", "1.1.0"), ('{"demo": "x"}', '{"demo": "y"}')]),
    ("pyproject.toml", PYPROJECT, [("1.0.0", "1.1.0"), ("80", "100")]),
    ("uv.lock", UV_LOCK, [("1.0.0", "1.1.0")]),
    ("go.mod", GO_MOD, [(" // indirect", ""), ("// ours", "")]),
    ("requirements-dev.txt", REQUIREMENTS, [("# a comment", "# another"), ("rich\n", "rich  # words\n")]),
    ("poetry.lock", POETRY_LOCK, [('"1.1"', '"2.0"')]),
]
A_DEPENDENCY = [
    ("Cargo.toml", CARGO_TOML, 'libc = "0.2"', 'libc = "0.3"'),
    ("Cargo.toml", CARGO_TOML, 'libc = "0.2"\n', ""),
    ("Cargo.toml", CARGO_TOML, 'path = "core"', 'path = "heart"'),
    ("Cargo.toml", CARGO_TOML, "[dependencies]", "[build-dependencies]"),
    ("Cargo.toml", CARGO_TOML, "cfg(unix)", "cfg(windows)"),
    ("Cargo.toml", CARGO_TOML, 'nix = "0.27"', 'nix = "0.28"'),
    ("Cargo.toml", CARGO_TOML, '["trace"]', '["trace", "cors"]'),
    ("Cargo.toml", CARGO_TOML, "default = []", 'default = ["dep:zip"]'),
    ("Cargo.toml", CARGO_TOML, "https://example.org/libc", "https://example.org/other"),
    ("Cargo.lock", CARGO_LOCK, "0.2.169", "0.2.170"),
    ("Cargo.lock", CARGO_LOCK, '"aa"', '"bb"'),
    ("Cargo.lock", CARGO_LOCK, ', "libc"]', "]"),
    ("Cargo.lock", CARGO_LOCK, "rust-lang/crates.io-index", "someone/index"),
    ("package.json", PACKAGE, "^8.0.0", "^8.1.0"),
    ("package.json", PACKAGE, '"dependencies"', '"devDependencies"'),
    ("package.json", PACKAGE, '"files": ["a"]', '"overrides": {"ws": "8.0.0"}'),
    ("package-lock.json", PACKAGE_LOCK, "8.18.0", "8.18.1"),
    ("package-lock.json", PACKAGE_LOCK, "sha512-a", "sha512-b"),
    ("package-lock.json", PACKAGE_LOCK, "^8.0.0", "^8.1.0"),
    ("pyproject.toml", PYPROJECT, "setuptools>=68", "setuptools>=70"),
    ("pyproject.toml", PYPROJECT, "httpx>=0.27", "httpx>=0.28"),
    ("pyproject.toml", PYPROJECT, '["pytest"]', '["pytest", "rich"]'),
    ("pyproject.toml", PYPROJECT, "^0.6", "^0.7"),
    ("uv.lock", UV_LOCK, "0.27.0", "0.27.1"),
    ("uv.lock", UV_LOCK, '[{ name = "httpx" }]', "[]"),
    ("poetry.lock", UV_LOCK, "0.27.0", "0.27.1"),
    ("poetry.lock", POETRY_LOCK, "sha256:aa", "sha256:bb"),
    ("pdm.lock", POETRY_LOCK, "sha256:aa", "sha256:bb"),
    ("package.json", PACKAGE, '"files": ["a"]', '"pnpm": {"overrides": {"ws": "8.0.0"}}'),
    ("package.json", PACKAGE, '"files": ["a"]', '"dependenciesMeta": {"ws": {"built": true}}'),
    ("package.json", PACKAGE, '"files": ["a"]', '"patchedDependencies": {"ws@8.0.0": "a.patch"}'),
    ("go.mod", GO_MOD, "v1.0.0", "v1.0.1"),
    ("go.mod", GO_MOD, "go 1.22", "go 1.23"),
    ("go.mod", GO_MOD, "example.org/demo", "example.org/other"),  # it holds no version that a release moves
    ("go.sum", "a v1.0.0 h1:aa=\n", "aa=", "bb="),
    ("requirements.txt", REQUIREMENTS, "sha256:aa", "sha256:bb"),
    ("requirements.txt", REQUIREMENTS, "rich", "poor"),
    ("requirements.txt", "# pip ends a comment here \\\nrich==1\n", "rich==1", "rich==2"),
    ("requirements.txt", "a==1 \\\n  # words \\\nb==1\n", "b==1", "b==2"),
    ("requirements.txt", "a==1 \\\n", "a==1", "a==2"),
    ("setup.py", "setup(version='1.0.0')\n", "1.0.0", "1.1.0"),  # nothing is known of it but its bytes
]


def two(path: str, before: str, after: str) -> Tables:
    assert before != after
    return compare([path], {path: before.encode()}, {path: after.encode()})


@pytest.mark.parametrize(
    ("path", "text", "edits"), ONLY_THE_VERSION, ids=[row[0] for row in ONLY_THE_VERSION]
)
def test_what_is_the_projects_own_changes_no_table(
    path: str, text: str, edits: list[tuple[str, str]]
) -> None:
    after = text
    for old, new in edits:
        assert old in after
        after = after.replace(old, new)
    assert two(path, text, after) == Tables((path,))
    assert two(path, text.replace("\n", "\r\n"), after) == Tables((path,))


@pytest.mark.parametrize(("path", "text", "old", "new"), A_DEPENDENCY, ids=lambda value: value[:20])
def test_what_is_a_dependency_does(path: str, text: str, old: str, new: str) -> None:
    assert old in text
    assert two(path, text, text.replace(old, new)) == Tables()


def test_two_crates_that_trade_places_in_a_lockfile_are_no_change() -> None:
    head, *crates = CARGO_LOCK.split("[[package]]")
    assert two("Cargo.lock", CARGO_LOCK, "[[package]]".join([head, *crates[::-1]])) == Tables(("Cargo.lock",))


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("Cargo.toml", "[package", "Cargo.toml is not TOML"),
        ("Cargo.lock", "package = 3", "expected tables [[package]]"),
        ("package.json", "{", "package.json is not JSON"),
        ("package.json", "[]", "expected an object"),
        ("package-lock.json", '{"packages": []}', "expected an object as packages"),
        ("go.mod", "\xff", "go.mod is not UTF-8"),
        ("pyproject.toml", '[project]\ndynamic = ["dependencies"]', "its dependencies are dynamic"),
        ("package.json", '{"a":' * 100_000, "too deep"),
    ],
    ids=lambda value: value[:20],
)
def test_what_cannot_be_read_decides_nothing(path: str, text: str, says: str) -> None:
    raw = text.encode("latin-1")
    assert says in compare([path], {path: raw}, {path: raw + b" "}).unreadable[path]
    sound = {"Cargo.toml": CARGO_TOML, "package.json": PACKAGE, "go.mod": GO_MOD}.get(path)
    if sound:  # one side is enough
        assert says in compare([path], {path: sound.encode()}, {path: raw}).unreadable[path]
        assert says in compare([path], {path: raw}, {path: sound.encode()}).unreadable[path]


def test_a_manifest_that_is_new_or_gone_is_a_change() -> None:
    raw = {"Cargo.toml": b"[package]\nname = 'demo'\n"}
    assert compare(raw, raw, {}) == compare(raw, {}, raw) == Tables()


@given(st.sampled_from([row[:2] for row in ONLY_THE_VERSION]), st.data())
def test_no_text_ends_a_run(row: tuple[str, str], data: st.DataObject) -> None:
    """Cut, doubled and scrambled manifests are alike, unreadable or neither: they raise nothing."""
    path, text = row
    at, until = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    other = text[:at] + data.draw(st.text(max_size=5)) + text[until:]
    found = compare([path], {path: text.encode()}, {path: other.encode("utf-8", "surrogatepass")})
    assert len(found.alike) + len(found.unreadable) <= 1


# -- what a condition makes of it

SET = Condition("changed", "dependencies", ("vendor/",), tables=(("**/Cargo.toml", "**/setup.py"),))


def proof(changed: list[str], tables: Tables, condition: Condition = SET) -> Proof:
    facts: dict[str, Any] = {"base": "b" * 40, "commit": "c" * 40, "files": (), "mode": Mode.DRY_RUN}
    gate = Gate("g", "prerelease", conditions=(condition,))
    return decide_conditions(gate, changed=changed, first_release=False, tables=tables, **facts).proofs[0]


@pytest.mark.parametrize(
    ("changed", "tables", "held", "matched"),
    [
        (["Cargo.toml"], Tables(("Cargo.toml",)), False, ()),
        (["Cargo.toml"], Tables(), True, ("Cargo.toml",)),  # nothing says that its tables are alike
        (["Cargo.toml", "a/Cargo.toml"], Tables(("Cargo.toml",)), True, ("a/Cargo.toml",)),
        (["Cargo.toml", "vendor/x.c"], Tables(("Cargo.toml",)), True, ("vendor/x.c",)),
        (["vendor/Cargo.toml"], Tables(("vendor/Cargo.toml",)), True, ("vendor/Cargo.toml",)),  # by its bytes
        (["setup.py"], Tables(), True, ("setup.py",)),
        (["Cargo.toml"], Tables(unreadable={"Cargo.toml": "not TOML"}), None, ()),
        (["Cargo.toml", "setup.py"], Tables(unreadable={"Cargo.toml": "not TOML"}), True, ("setup.py",)),
        (["go.mod"], Tables(unreadable={"go.mod": "not UTF-8"}), False, ()),  # the set does not name it
        (["README.md"], Tables(), False, ()),
    ],
)
def test_a_change_set_of_tables(
    changed: list[str], tables: Tables, held: object, matched: tuple[str, ...]
) -> None:
    found = proof(changed, tables)
    assert (found.held, found.matched) == (held, matched)
    assert "not TOML" in found.reason or held is not None


def test_the_proof_names_the_files_whose_tables_are_the_same() -> None:
    changed = [f"{name}/Cargo.toml" for name in "abcde"]
    found = proof(["README.md", *changed], Tables((*changed, "go.mod")))
    assert (found.looked_at, found.alike) == (6, tuple(changed))
    assert found.reason == (
        "none of 6 changed paths between bbbbbbbbbbbb and cccccccccccc matches dependencies, and the "
        "dependency tables of a/Cargo.toml, b/Cargo.toml, c/Cargo.toml and 2 more are the same"
    )


def test_a_set_of_tables_alone_is_decided_and_one_that_git_cannot_match_is_not() -> None:
    alone = Condition("changed", "d", tables=(("Cargo.toml",),))
    assert proof(["README.md"], Tables(), alone).held is False
    assert proof(["README.md"], Tables(), Condition("changed", "d", tables=(("!x",),))).held is None
    assert proof(["README.md"], Tables(), Condition("changed", "d", tables=((),))).held is None


# -- from git


def test_however_many_files_changed_git_is_asked_four_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*args: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *args], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    for step in ("1.0.0", "1.1.0"):
        for number in range(40):
            folder = tmp_path / f"crate{number}"
            folder.mkdir(exist_ok=True)
            (folder / "Cargo.toml").write_text(CARGO_TOML.replace("1.0.0", step))
        (tmp_path / "crate7/Cargo.toml").write_text(CARGO_TOML.replace('"0.27"', f'"{step}"'))
        git("add", "-A")
        git("commit", "-q", "-m", step)
    (tmp_path / "crate8/Cargo.toml").unlink()
    (tmp_path / "crate8/Cargo.toml").symlink_to("../crate9/Cargo.toml")
    git("add", "-A")
    git("commit", "-q", "-m", "a link is no TOML")
    repository = Repository(tmp_path)
    base, commit = repository.commit_of("HEAD~2"), repository.head()
    changed = repository.changed(base, commit)
    asked: list[Any] = []
    started = subprocess.run

    def counted(*args: Any, **named: Any) -> Any:
        asked.append(args)
        return started(*args, **named)

    monkeypatch.setattr(subprocess, "run", counted)
    tables = compared(repository, base, commit, changed)
    assert len(asked) == 4
    assert (len(changed), len(tables.alike)) == (40, 38)
    assert "crate7/Cargo.toml" not in tables.alike
    assert set(tables.unreadable) == {"crate8/Cargo.toml"}
    assert compared(repository, base, commit, ["README.md"]) == Tables()
    assert len(asked) == 4
