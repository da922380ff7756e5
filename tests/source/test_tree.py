"""Trees without some paths, against what git writes after removing them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_relgate.source.command import environment_for_git
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PERSON = {f"GIT_{role}_{what}": "ada@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
PLAIN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
FILES = (
    "a",
    "a.b",  # sorts between the file a and a folder of that name
    "evidence/v1/evidence.json",
    "evidence/v1/logs/1.txt",
    "evidence/v2/evidence.json",
    "checks/waivers.toml",
    "checks/relgate.toml",
    "checks/deep/only/one",
    "checks-more/x",
    "odd/two\nlines",
    "odd/two\nfolders/x",
    "odd/é",
)


def git(folder: Path, *args: str, index: Path | None = None) -> str:
    environ = (
        environment_for_git(os.environ) | PERSON | PLAIN | ({"GIT_INDEX_FILE": str(index)} if index else {})
    )
    run = subprocess.run(
        ["git", "-C", folder, *args], check=True, capture_output=True, text=True, env=environ
    )
    return run.stdout.strip()


def tree_that_git_writes(folder: Path, paths: Sequence[str]) -> str:
    """Remove the paths in an index of our own and let git write its tree, in a copy of the repository."""
    index = folder / ".git" / "index-of-the-test"
    git(folder, "read-tree", "HEAD", index=index)
    if paths:
        remove = ("rm", "-rq", "--cached", "--ignore-unmatch", "--")
        git(folder, "--literal-pathspecs", *remove, *paths, index=index)
    return git(folder, "write-tree", index=index)


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def repo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("project")
    git(folder, "init", "-q", "--template=", "-b", "main", f"--object-format={request.param}")
    git(folder, "config", "core.autocrlf", "false")
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "a").chmod(0o755)
    (folder / "checks/link").symlink_to("relgate.toml")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one", "--no-gpg-sign")
    oid = "1" * len(git(folder, "rev-parse", "HEAD"))
    git(folder, "update-index", "--add", "--cacheinfo", f"160000,{oid},vendor/submodule")
    git(folder, "commit", "-qm", "two", "--no-gpg-sign")
    return Repository.at(folder)


FOLDERS = sorted({"/".join(name.split("/")[:n]) for name in FILES for n in range(1, name.count("/") + 1)})
PATHS = [*FILES, *FOLDERS, "checks/link", "vendor", "vendor/submodule"]
ABSENT = ["nothing", "a/below-a-file", "evidence/v3", "checks/link/x", "vendor/submodule/x", "checks/waivers"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=st.lists(st.sampled_from(PATHS + ABSENT), max_size=5))
def test_the_tree_is_the_one_that_git_writes_without_the_paths(repo: Repository, paths: list[str]) -> None:
    assert repo.tree_without("HEAD", paths) == tree_that_git_writes(repo.path, paths)


@pytest.mark.parametrize("path", PATHS)
def test_each_path_alone_gives_another_tree(repo: Repository, path: str) -> None:
    without = repo.tree_without("HEAD", [path])
    assert without == tree_that_git_writes(repo.path, [path])
    assert without == repo.tree_without("HEAD", [f"./{path}/", path])
    assert without != repo.tree_of("HEAD")


@pytest.mark.parametrize("paths", [[], *([path] for path in ABSENT), ABSENT], ids=ascii)
def test_paths_that_are_not_there_leave_the_tree_as_it_is(repo: Repository, paths: list[str]) -> None:
    assert repo.tree_without("HEAD", paths) == repo.tree_of("HEAD")


def test_nothing_left_is_the_empty_tree(repo: Repository) -> None:
    top = git(repo.path, "ls-tree", "--name-only", "HEAD").splitlines()
    assert repo.tree_without("HEAD", top) == git(repo.path, "hash-object", "-t", "tree", os.devnull)


def test_a_commit_that_only_adds_a_waiver_has_the_same_tree_without_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a").write_text("a")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-qm", "one")
    (tmp_path / "checks/signed").mkdir(parents=True)
    (tmp_path / "checks/signed/off.toml").write_text("x")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "two")
    repo = Repository.at(tmp_path)
    assert repo.tree_without("HEAD", ["checks/signed/off.toml"]) == repo.tree_of("HEAD~1")


def test_no_tree_is_written(repo: Repository) -> None:
    objects = repo.path / ".git" / "objects"
    before = sorted(objects.rglob("*"))
    repo.tree_without("HEAD", ["a", "odd/é", "checks/deep"])
    assert sorted(objects.rglob("*")) == before
