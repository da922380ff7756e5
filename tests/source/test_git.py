"""Facts of real repositories, as git itself made them. Trees and dirt have files of their own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.source.command import environment_for_git
from pytest_relgate.source.git import Repository, Tag, slug_of
from pytest_relgate.source.links import Links

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GIT = shutil.which("git") or "git"
PERSON = {f"GIT_{role}_{what}": "ada@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *args: str, stdin: str | None = None) -> str:
    environ = environment_for_git(os.environ) | PERSON
    run = subprocess.run(
        [GIT, "-C", folder, *args], check=True, capture_output=True, text=True, env=environ, input=stdin
    )
    return run.stdout.strip()


def commit(folder: Path, files: dict[str, str], message: str = "change") -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of the person who runs the tests."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {"src/lib.rs": "one", "README": "read"})
    return Repository.at(folder)


class CountedGit:
    """A git on PATH that writes down how it was called."""

    def __init__(self, folder: Path, environment: str = "") -> None:
        self.log = folder / "calls"
        script = folder / "bin" / "git"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\necho "$*" >> "{self.log}"\n{environment} exec "{GIT}" "$@"\n')
        script.chmod(0o755)
        self.path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"

    @property
    def count(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountedGit:
    counting = CountedGit(tmp_path)
    monkeypatch.setenv("PATH", counting.path)
    return counting


@pytest.mark.parametrize("inside", [".", "src", "src/lib.rs"])
def test_a_repository_is_found_from_anywhere_inside(repo: Repository, inside: str) -> None:
    assert Repository.at(repo.path / inside) == repo


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda folder: folder.mkdir(), "expected a git repository, found none at"),
        (lambda _: None, "found nothing at"),
        (lambda folder: git(folder.parent, "init", "-q", "--bare", folder.name), "found a bare repository"),
    ],
    ids=["no repository", "no folder", "bare"],
)
def test_where_there_is_no_working_tree_one_line_says_so(
    tmp_path: Path, make: Callable[[Path], object], complaint: str
) -> None:
    folder = tmp_path / "there"
    make(folder)
    with pytest.raises(RelgateError, match=complaint) as caught:
        Repository.at(folder / "x" if complaint == "found nothing at" else folder)
    assert "\n" not in str(caught.value)


def test_a_repository_of_another_user_is_refused_with_the_way_out(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", CountedGit(tmp_path, "GIT_TEST_ASSUME_DIFFERENT_OWNER=1").path)
    with pytest.raises(
        RelgateError, match=r"another user owns it: type `git config --global --add safe\.dir"
    ):
        Repository.at(repo.path)


def test_a_machine_without_git_is_told_so(repo: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repo.path))
    with pytest.raises(RelgateError, match="expected git on PATH"):
        repo.head()


def test_before_the_first_commit_there_is_no_head(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(RelgateError, match=r"expected a commit in .*, found none yet"):
        Repository.at(tmp_path).head()


def test_variables_that_point_elsewhere_are_not_followed(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    commit(other, {"x": "x"})
    for name, value in {
        "GIT_DIR": other / ".git",
        "GIT_WORK_TREE": other,
        "GIT_INDEX_FILE": other / "index",
        "GIT_OBJECT_DIRECTORY": other / ".git/objects",
        "GIT_COMMON_DIR": other / ".git",
        "GIT_NAMESPACE": "elsewhere",
        "GIT_CONFIG_PARAMETERS": f"'core.worktree={other}'",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_EXTERNAL_DIFF": "false",
    }.items():
        monkeypatch.setenv(name, str(value))
    assert Repository.at(repo.path) == repo
    assert repo.files("HEAD") == ("README", "src/lib.rs")
    assert repo.dirt() == repo.dirt(exclude=["x"]) == ()
    assert repo.changed("HEAD", "HEAD") == ()


def test_every_way_to_name_a_commit_gives_its_full_id(repo: Repository) -> None:
    first = repo.head()
    second = commit(repo.path, {"README": "again"})
    git(repo.path, "tag", "light")
    git(repo.path, "tag", "-m", "x", "annotated")
    git(repo.path, "tag", "-m", "x", "nested", "annotated")
    for rev in (second, second[:9], "HEAD", "main", "light", "annotated", "nested", "refs/tags/nested"):
        assert repo.commit_of(rev) == second
        assert repo.exists(rev)
    assert repo.commit_of("HEAD~1") == first
    assert repo.tree_of("nested") == git(repo.path, "rev-parse", "HEAD^{tree}")


@pytest.mark.parametrize(
    "rev",
    ["v9.9.9", "1" * 40, "1" * 64, "-x", "--all", "--help", "", "a\nb", "a\0b", "HEAD~9", "HEAD:README"],
)
def test_what_names_no_commit_is_refused(repo: Repository, rev: str) -> None:
    for ask in (repo.commit_of, repo.tree_of, repo.files, lambda rev: repo.changed("HEAD", rev)):
        with pytest.raises(RelgateError, match="expected a commit or tag") as caught:
            ask(rev)
        assert str(caught.value).isprintable()
    assert not repo.exists(rev)


def test_a_replacement_object_does_not_stand_in_for_a_commit(repo: Repository) -> None:
    first = repo.head()
    tree = repo.tree_of(first)
    second = commit(repo.path, {"README": "again"})
    git(repo.path, "replace", first, second)
    assert repo.tree_of(first) == tree


def test_tags_are_peeled_and_those_of_no_commit_left_out(repo: Repository) -> None:
    first = repo.head()
    git(repo.path, "tag", "light")
    git(repo.path, "tag", "-m", "one\n\ntwo", "annotated")
    git(repo.path, "tag", "-m", "x", "nested", "annotated")
    git(repo.path, "tag", "-m", "x", "deeper", "nested")
    git(repo.path, "tag", "blob", "HEAD:README")
    git(repo.path, "tag", "-m", "x", "annotated-tree", "HEAD^{tree}")
    git(repo.path, "tag", "-m", "x", "nested-tree", "annotated-tree")
    second = commit(repo.path, {"README": "again"})
    git(repo.path, "tag", "go/v1.0.0")
    assert repo.tags() == (
        Tag("annotated", first),
        Tag("deeper", first),
        Tag("go/v1.0.0", second),
        Tag("light", first),
        Tag("nested", first),
    )
    assert repo.tags_at(second) == repo.tags_at("HEAD") == ("go/v1.0.0",)
    assert repo.tags_at(first) == ("annotated", "deeper", "light", "nested")


def test_ten_thousand_tags_take_one_process(repo: Repository, counted: CountedGit) -> None:
    head = repo.head()
    git(repo.path, "tag", "-m", "x", "annotated")
    names = sorted(f"v{n // 100}.{n % 100}.0" for n in range(10_000))
    packed = "# pack-refs with: peeled fully-peeled sorted \n"
    (repo.path / ".git/packed-refs").write_text(
        packed + "".join(f"{head} refs/tags/{name}\n" for name in names)
    )
    before = counted.count
    assert len(repo.tags()) == 10_001
    assert counted.count == before + 1


def test_the_branch_is_named_even_beside_a_tag_of_its_name(repo: Repository) -> None:
    git(repo.path, "tag", "main")
    assert repo.branch() == "main"
    git(repo.path, "checkout", "-qb", "release/0.9")
    assert repo.branch() == "release/0.9"
    git(repo.path, "checkout", "-q", "--detach")
    assert repo.branch() == ""


def test_a_shallow_clone_is_known(repo: Repository, tmp_path: Path) -> None:
    commit(repo.path, {"README": "again"})
    assert not repo.is_shallow()
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repo.path}", "clone")
    assert Repository.at(tmp_path / "clone").is_shallow()


@pytest.mark.parametrize(
    ("url", "slug"),
    [
        ("https://github.com/ada/engine", "ada/engine"),
        ("https://github.com/ada/engine.git", "ada/engine"),
        ("https://github.com/ada/engine.git/", "ada/engine"),
        ("https://ada:secret@github.com/ada/engine.rs.git", "ada/engine.rs"),
        ("https://x-access-token:ghs_secret@ghe.example:8443/ada/engine", "ada/engine"),
        ("ssh://git@ssh.github.com:443/ada/engine.git", "ada/engine"),
        ("git://github.com/ada/engine", "ada/engine"),
        ("git@github.com:ada/engine.git", "ada/engine"),
        ("github.com:ada/engine", "ada/engine"),
        ("git@github.com:/ada/engine", "ada/engine"),
        ("https://gitlab.com/group/sub/engine.git", ""),
        ("https://secret@github.com/engine", ""),
        ("https://github.com/../engine", ""),
        ("https://[broken/ada/engine", ""),
        ("file:///srv/ada/engine.git", ""),
        ("/srv/ada/engine.git", ""),
        ("../ada/engine", ""),
        ("./a:ada/engine", ""),
        ("https://github.com/ada/engine?token=secret", ""),
        ("", ""),
    ],
)
def test_the_slug_of_a_remote_never_holds_its_credentials(url: str, slug: str) -> None:
    expected = "ada/engine" if "?token" in url else slug
    assert slug_of(url) == expected
    assert "secret" not in slug_of(url)


def test_the_slug_comes_from_origin(repo: Repository) -> None:
    assert repo.remote_slug() == ""
    git(repo.path, "remote", "add", "upstream", "https://github.com/bob/engine")
    assert repo.remote_slug() == ""
    git(repo.path, "config", "url.https://github.com/.insteadOf", "gh:")
    git(repo.path, "remote", "add", "origin", "gh:ada/engine.git")
    assert repo.remote_slug() == "ada/engine"


def test_the_identity_is_what_git_has_been_told(repo: Repository) -> None:
    assert repo.identity() == ""
    git(repo.path, "config", "user.email", "ada@example.org")
    assert repo.identity() == "ada@example.org"
    git(repo.path, "config", "user.name", "Ada Lovelace")
    assert repo.identity() == "Ada Lovelace <ada@example.org>"


def test_a_rename_counts_as_both_paths(repo: Repository) -> None:
    base = repo.head()
    git(repo.path, "config", "diff.renames", "copies")
    git(repo.path, "mv", "src/lib.rs", "src/core.rs")
    (repo.path / "README").chmod(0o755)
    commit(repo.path, {"new file": "x"})
    expected = ("README", "new file", "src/core.rs", "src/lib.rs")
    assert repo.changed(base, "HEAD") == repo.changed("HEAD", base) == expected


def test_a_submodule_that_moved_stands_for_all_below_it(repo: Repository) -> None:
    """Which of its files differ its own repository knows: patterns on them must not go by in silence."""
    first, second = "1" * 40, "2" * 40
    (repo.path / "vendor/library").mkdir(parents=True)
    git(repo.path, "update-index", "--add", "--cacheinfo", f"160000,{first},vendor/library")
    before = commit(repo.path, {"vendor/plain": "one"})
    git(repo.path, "update-index", "--cacheinfo", f"160000,{second},vendor/library")
    after = commit(repo.path, {"vendor/plain": "two"})
    assert repo.changed(before, after) == ("vendor/library", "vendor/library/", "vendor/plain")
    assert repo.changed(after, after) == ()
    assert repo.submodules(after) == ("vendor/library",)


def test_a_hundred_thousand_changed_files_take_one_process(tmp_path: Path, counted: CountedGit) -> None:
    folder = tmp_path / "large"
    git(tmp_path, "init", "-q", "-b", "main", "large")
    who = "committer a <a> 0 +0000"
    names = "".join(f"M 100644 :1 {n % 300}/{n}\n" for n in range(100_000))
    empty = f"commit refs/heads/main\n{who}\ndata 0\n"
    stream = f"blob\nmark :1\ndata 1\nx\n{empty}{empty}"
    git(folder, "fast-import", "--quiet", stdin=stream + names)
    repo = Repository.at(folder)
    before = counted.count
    assert len(repo.changed("main~1", "main")) == 100_000
    assert counted.count == before + 1


ODD_NAMES = [
    b"caf\xc3\xa9",
    b"two\nlines",
    b'"quoted"',
    b"-dash",
    b":(glob)*",
    b"a b\tc",
    b"back\\slash",
    b"*",
]


@pytest.mark.parametrize("folder", ["", "odd/"], ids=["top", "below"])
@pytest.mark.parametrize("name", [os.fsdecode(name) for name in ODD_NAMES], ids=ascii)
def test_any_file_name_comes_through(repo: Repository, folder: str, name: str) -> None:
    path = f"{folder}{name}"
    other = f"{folder}other"
    base = commit(repo.path, {other: "other"})
    commit(repo.path, {path: "content of it"})
    assert repo.changed(base, "HEAD") == (path,)
    assert repo.files("HEAD", path) == (path,)
    assert repo.contents("HEAD", [path, "README"]) == {path: b"content of it", "README": b"read"}
    (repo.path / path).write_text("changed")
    (repo.path / other).write_text("changed")
    assert repo.dirt() == tuple(sorted([path, other]))
    assert repo.dirt([path]) == repo.dirt(exclude=[other]) == (path,)
    assert repo.dirt(exclude=[path]) == (other,)
    assert repo.tree_without("HEAD", [path]) == repo.tree_of(base)


def test_a_name_that_is_not_utf8_is_shown_with_its_bytes(repo: Repository) -> None:
    with open(os.fsencode(repo.path) + b"/caf\xe9", "wb"):
        pass
    assert repo.dirt() == ("caf\\xe9",)
    base = repo.head()
    commit(repo.path, {})
    assert repo.changed(base, "HEAD") == ("caf\\xe9",)
    assert repo.files("HEAD")[-1] == "src/lib.rs"


def test_files_are_those_below_one_folder_or_none(repo: Repository) -> None:
    commit(repo.path, {"src/a/b.rs": "", "src2/c.rs": ""})
    assert repo.files("HEAD", "src") == repo.files("HEAD", "src/") == ("src/a/b.rs", "src/lib.rs")
    assert repo.files("HEAD", "nothing") == ()


def test_contents_leave_out_what_is_no_file(repo: Repository) -> None:
    (repo.path / "link").symlink_to("README")
    commit(repo.path, {"empty": "", "binary": "\0\n\0"})
    asked = ["README", "README", "src", "missing", "empty", "link", "binary", "src/lib.rs/x", "new\nline"]
    found = repo.contents("HEAD", asked)
    assert found == {"README": b"read", "empty": b"", "link": b"README", "binary": b"\0\n\0"}
    assert repo.contents("HEAD", []) == {}


def test_links_are_followed_within_a_commit_and_not_out_of_it(repo: Repository) -> None:
    links = {
        "to-file": "real/file",
        "to-folder": "real",
        "out": "/etc",
        "up": "../x",
        "round": "round",
        "no": "no-x",
    }
    for name, target in links.items():
        (repo.path / name).symlink_to(target)
    (repo.path / "top").symlink_to(".")
    here = commit(repo.path, {"real/file": "text", "real/deep/more": "more"})
    expected = {
        "to-file": "real/file",
        "to-folder/deep/more": "real/deep/more",
        "to-folder": "real",
        "top/to-folder/file": "real/file",
        "real/file": "real/file",
        "top": ".",
        ".": ".",
        "out": "",
        "out/passwd": "",
        "up": "",
        "round": "",
        "no": "",
        "nothing": "",
    }
    found = Links.of(repo, here)
    assert {path: found.real(path) for path in expected} == expected
    read = repo.contents_through_links(
        here, ["to-file", "to-folder/file", "round", "no", "up", "out", "real"]
    )
    assert read == {"to-file": b"text", "to-folder/file": b"text"}


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "src/../../x", ".", "a\0b"])
def test_a_path_outside_the_repository_is_refused(repo: Repository, path: str) -> None:
    for ask in (
        lambda: repo.contents("HEAD", [path]),
        lambda: repo.tree_without("HEAD", [path]),
        lambda: repo.dirt([path]),
        lambda: repo.dirt(exclude=[path]),
    ):
        with pytest.raises(RelgateError, match="expected a path below the top"):
            ask()


def test_an_unforeseen_failure_is_one_line_of_gits_own(repo: Repository) -> None:
    (repo.path / ".git/index").write_bytes(b"DIRC broken")
    with pytest.raises(
        RelgateError, match=r"^git status ended with 128 in .*: (fatal|error): .*index"
    ) as caught:
        repo.dirt()
    assert "\n" not in str(caught.value)


def test_nothing_is_written(repo: Repository) -> None:
    base = repo.head()
    commit(repo.path, {"src/a.rs": "a", "b": "b"})
    git(repo.path, "update-index", "--assume-unchanged", "b")
    os.utime(repo.path / "README", (1, 1))  # git would like to refresh its index

    def state() -> dict[str, tuple[str, int]]:
        return {
            str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            for path in repo.path.rglob("*")
            if path.is_file()
        }

    before = state()
    Repository.at(repo.path / "src")
    repo.tags_at("HEAD")
    repo.branch()
    repo.is_shallow()
    repo.remote_slug()
    repo.identity()
    repo.dirt(["src"], exclude=["b"])
    repo.dirt()
    repo.tree_without("HEAD", ["src", "b"])
    repo.changed(base, "HEAD")
    repo.contents("HEAD", repo.files("HEAD"))
    assert state() == before
