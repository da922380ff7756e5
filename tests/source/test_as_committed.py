"""The bytes in a working tree against a commit, whatever git is told to make of them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.source.as_committed import LINK, look
from pytest_relgate.source.command import environment_for_git

if TYPE_CHECKING:
    from pathlib import Path

PERSON = {f"GIT_{role}_{what}": "ada@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
GATE = "def test_one():\n    assert 1 == 2\n"


def git(folder: Path, *args: str) -> str:
    environ = environment_for_git(os.environ) | PERSON
    run = subprocess.run(
        ["git", "-C", folder, "-c", "protocol.file.allow=always", *args],
        check=True,
        capture_output=True,
        text=True,
        env=environ,
    )
    return run.stdout.strip()


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(params=["sha1", "sha256"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository with a gate, a link and something beside the checks."""
    top = tmp_path / "project"
    top.mkdir()
    git(top, "init", "-q", "--object-format", request.param)
    write(top, {"checks/test_a.py": GATE, "checks/run": "#!/bin/sh\n", "src/x": "x"})
    (top / "checks/link").symlink_to("test_a.py")
    commit(top)
    return top


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "work")


def dirt(folder: Path, *places: str) -> list[str]:
    return look(folder, git(folder, "rev-parse", "HEAD"), places or ["checks"]).dirt


def test_what_was_seen_are_the_bytes(folder: Path) -> None:
    sight = look(folder, "HEAD", ["checks"])
    assert sight.dirt == []
    assert sight.seen["checks/test_a.py"] == hashlib.sha256(GATE.encode()).hexdigest()
    assert sight.seen["checks/link"] == LINK
    assert set(sight.seen) == {"checks/test_a.py", "checks/link", "checks/run"}
    assert set(look(folder, "HEAD", ["."]).seen) == {*sight.seen, "src/x"}
    assert look(folder, "HEAD", []).seen == {}


@pytest.mark.parametrize("where", [".git/info/attributes", ".gitattributes"])
def test_a_clean_filter_hides_nothing(folder: Path, where: str) -> None:
    git(folder, "config", "filter.hide.clean", "sed /LOCAL/d")
    write(folder, {where: "*.py filter=hide\n"})
    commit(folder) if where == ".gitattributes" else None
    write(folder, {"checks/test_a.py": GATE.replace("():\n", "():\n    return  # LOCAL\n")})
    git(folder, "add", "-A")
    assert git(folder, "status", "--porcelain") == ""
    assert dirt(folder) == ["checks/test_a.py"]


def test_an_encoding_of_the_working_tree_hides_nothing(folder: Path) -> None:
    write(folder, {".git/info/attributes": "*.py working-tree-encoding=UTF-7\n"})
    write(folder, {"checks/test_a.py": GATE.replace("assert 1 == 2", "+AGE-ssert 1 == 2")})
    git(folder, "add", "-A")
    assert git(folder, "status", "--porcelain") == ""
    assert dirt(folder) == ["checks/test_a.py"]


@pytest.mark.parametrize(
    "attributes",
    ["*.py text eol=crlf\n", "* text=auto eol=crlf\n", "*.py ident\n"],
    ids=["eol", "auto", "ident"],
)
def test_what_a_checkout_converts_is_as_committed(folder: Path, attributes: str) -> None:
    write(folder, {".gitattributes": attributes, "checks/test_a.py": f"# $Id$\n{GATE}"})
    commit(folder)
    (folder / "checks/test_a.py").unlink()
    git(folder, "checkout", "-q", "checks")
    found = (folder / "checks/test_a.py").read_bytes()
    assert (b"\r\n" in found) is ("crlf" in attributes)
    assert (b"$Id$" in found) is ("ident" not in attributes)
    assert dirt(folder) == []
    write(folder, {"checks/test_a.py": found.replace(b"1 == 2", b"1 == 1")})
    assert dirt(folder) == ["checks/test_a.py"]


def test_a_large_file_is_the_one_that_its_pointer_names(folder: Path) -> None:
    """https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md"""
    body = b"golden\n" * 1000
    digest = hashlib.sha256(body).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(body)}\n"
    write(folder, {"checks/golden.bin": pointer})
    commit(folder)
    write(folder, {"checks/golden.bin": body})
    assert dirt(folder) == []
    write(folder, {"checks/golden.bin": body + b"more"})
    assert dirt(folder) == ["checks/golden.bin"]


@pytest.mark.parametrize("case", ["gone", "folder", "link", "retargeted", "no link"])
def test_another_kind_of_file_is_no_file(folder: Path, case: str) -> None:
    gate, link = folder / "checks/test_a.py", folder / "checks/link"
    if case in ("gone", "folder", "link"):
        gate.unlink()
    else:
        link.unlink()
    match case:
        case "folder":
            gate.mkdir()
        case "link":
            (folder / "same.py").write_text(GATE)
            gate.symlink_to("../same.py")
        case "retargeted":
            link.symlink_to("run")
        case "no link":
            link.write_text("test_a.py")
    assert dirt(folder) == ["checks/test_a.py" if case in ("gone", "folder", "link") else "checks/link"]


def test_a_submodule_is_looked_into(tmp_path: Path) -> None:
    library, top = tmp_path / "library", tmp_path / "project"
    for folder in (library, top):
        folder.mkdir()
        git(folder, "init", "-q")
        write(folder, {"x.py": "x = 1\n"})
        commit(folder)
    git(top, "submodule", "--quiet", "add", str(library), "checks/sub")
    commit(top)
    sight = look(top, "HEAD", ["checks"])
    assert (set(sight.seen), sight.dirt) == ({"checks/sub/x.py"}, [])
    write(top, {"checks/sub/x.py": "x = 2\n", "checks/sub/y.py": ""})
    assert dirt(top) == ["checks/sub/x.py"]
    git(top, "submodule", "--quiet", "deinit", "-f", "checks/sub")
    assert look(top, "HEAD", ["checks"]).seen == {}
