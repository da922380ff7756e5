"""A reviewed diff is known by its digest: what was read is signed, and nothing else is."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.model import Review
from pytest_relgate.source import reviewed_diff
from pytest_relgate.source.git import Repository
from pytest_relgate.source.reviewed_diff import ChangedFile, SignOffs, changed_files, digest_of, matching

if TYPE_CHECKING:
    from pathlib import Path

GATE = "test_review.py::test_server"
GIT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


@dataclass
class Work:
    path: Path
    signed: list[str] = field(default_factory=list)

    def git(self, *args: str) -> str:
        command = ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *args]
        done = subprocess.run(
            command, cwd=self.path, env=os.environ | GIT, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, files: dict[str, str]) -> str:
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "work")
        return self.git("rev-parse", "HEAD")

    def signoffs(self, *reviews: Review, **changes: Any) -> SignOffs:
        facts = {
            "gate": GATE,
            "repository": Repository(self.path),
            "base": "v1.0.0",
            "base_commit": self.git("rev-parse", "v1.0.0"),
            "commit": self.git("rev-parse", "HEAD"),
            "changes": {"server": ("src/serve*", "!src/serve.md"), "docs": ("docs/",)},
            "reviews": reviews,
            "file": "release_checks/signoffs.toml",
            "signed": self.signed.append,
        }
        return SignOffs(**(facts | changes))

    def found(self, *names: str, **changes: Any) -> Finding:
        with pytest.raises(Finding) as caught:
            self.signoffs(**changes).covers(*(names or ("server",)))
        return caught.value

    def diff(self, *names: str) -> str:
        """The digest that the gate prints."""
        (line,) = [line for line in self.found(*names).found.splitlines() if line.startswith("diff=")]
        return line.removeprefix('diff="').removesuffix('"')


def review(diff: str, gate: str = GATE, person: str = "ada") -> Review:
    return Review(gate, diff, person, "read it twice")


@pytest.fixture
def work(tmp_path: Path) -> Work:
    made = Work(tmp_path)
    made.git("init", "-q")
    made.commit({"src/serve.rs": "old\n", "src/lib.rs": "old\n", "docs/index.md": "old\n"})
    made.git("tag", "v1.0.0")
    made.commit({"src/serve.rs": "new\n"})
    return made


def test_what_nobody_read_is_found_with_the_entry_to_paste(work: Work) -> None:
    head = work.git("rev-parse", "HEAD")
    found = work.found()
    said, *entry = found.found.splitlines()
    assert said == "nobody signed off what changed in server since v1.0.0 (1 file, src/serve.rs)"
    assert entry == [
        "[[review]]",
        f'gate="{GATE}"',
        f'diff="{work.diff()}"',
        'person="..."',
        'reason="..."',
    ]
    assert all(" " not in line for line in entry), "a terminal folds at spaces"
    assert found.where == "src/serve.rs"
    read = f"git diff v1.0.0 {head[:12]} -- src/serve.rs"
    assert found.do == f"read {read}; a named person then commits this entry to release_checks/signoffs.toml"
    assert "+new" in work.git(*read.split()[1:])


def test_a_review_of_the_diff_covers_it_and_is_told_of(work: Work) -> None:
    assert work.signoffs(review("sha256:" + "0" * 64), review(work.diff())).covers("server")
    assert work.signed == [work.diff()]


@pytest.mark.parametrize("where", ["src/serve.rs", "src/serve/token.rs"])
def test_one_more_commit_to_what_was_read_voids_the_sign_off(work: Work, where: str) -> None:
    signed = review(work.diff())
    work.commit({where: "newer\n"})
    with pytest.raises(
        Finding, match=r"^what ada reviewed of server is another diff than the one since v1\.0\.0"
    ):
        work.signoffs(signed).covers("server")
    assert work.signed == []


def test_commits_elsewhere_leave_the_sign_off_alone(work: Work) -> None:
    signed = review(work.diff())
    work.commit(
        {"src/lib.rs": "new\n", "docs/index.md": "new\n", "src/serve.md": "what a pattern takes away\n"}
    )
    work.commit({})
    assert work.signoffs(signed).covers("server")


def test_the_same_diff_in_other_commits_is_the_same_diff(work: Work) -> None:
    signed = review(work.diff())
    work.git("checkout", "-q", "-b", "again", "v1.0.0")
    work.commit({"src/serve.rs": "half\n"})
    work.commit({"src/serve.rs": "new\n"})
    assert work.signoffs(signed).covers("server")


def test_another_base_is_another_diff(work: Work) -> None:
    signed = review(work.diff())
    work.git("checkout", "-q", "-b", "other", "v1.0.0")
    work.commit({"src/serve.rs": "between\n"})
    work.git("tag", "v1.1.0")
    work.commit({"src/serve.rs": "new\n"})
    with pytest.raises(Finding):
        work.signoffs(signed, base="v1.1.0", base_commit=work.git("rev-parse", "v1.1.0")).covers("server")


def test_a_program_that_became_executable_is_another_diff(work: Work) -> None:
    signed = review(work.diff())
    (work.path / "src/serve.rs").chmod(0o755)
    work.commit({})
    with pytest.raises(Finding):
        work.signoffs(signed).covers("server")


@pytest.mark.parametrize("gate", ["test_review.py::test_other", ""])
def test_a_review_for_another_gate_is_none(work: Work, gate: str) -> None:
    with pytest.raises(Finding, match=r"^nobody signed off"):
        work.signoffs(review(work.diff(), gate=gate)).covers("server")


def test_what_did_not_change_needs_nobody(work: Work) -> None:
    assert work.signoffs().covers("docs")
    assert work.signoffs().covers("docs/")
    assert work.signed == []


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("sever",), r"covers\('sever'\): the profile's \[changes\] holds server, docs, dependencies"),
        (("docs", "sever"), r"covers\('sever'\)"),
        (("no/such/place",), "no/such/place matches no file at base or commit"),
        (("docs", "no/such/place"), "no/such/place matches no file"),
        (("!docs/",), "!docs/ matches no file"),
        (("gone",), r"gone/\* matches no file"),
    ],
)
def test_a_slip_in_a_name_is_not_taken_for_nothing_changed(
    work: Work, names: tuple[str, ...], says: str
) -> None:
    tables = {"dependencies": ("**/Cargo.toml",), "gone": ("gone/*",)}
    with pytest.raises(CannotJudge, match=says):
        work.signoffs(tables=tables).covers(*names)


def test_a_change_set_of_tables_is_reviewed_too(work: Work) -> None:
    work.commit({"Cargo.toml": "[package]\n"})
    facts = {"changes": {"server": ("src/serve*",)}, "tables": {"deps": ("Cargo.*",), "server": ("Cargo.*",)}}
    assert "in deps since v1.0.0 (1 file, Cargo.toml)" in work.found("deps", **facts).found
    assert "(2 files, Cargo.toml)" in work.found("server", **facts).found


def test_patterns_of_one_call_are_one_list_as_in_a_gitignore(work: Work) -> None:
    work.commit({"src/notes.md": "new\n"})
    assert "(2 files, src/notes.md)" in work.found("src/").found
    assert "(1 file, src/serve.rs)" in work.found("src/", "!src/*.md").found


def test_sets_and_patterns_together_are_one_diff(work: Work) -> None:
    work.commit({"docs/index.md": "new\n"})
    both = work.diff("server", "docs/*.md")
    assert both not in (work.diff("server"), work.diff("docs"))
    assert both == work.diff("docs", "server")
    assert "server and docs/*.md since" in work.found("server", "docs/*.md").found


def test_a_file_that_moved_out_of_the_way_is_part_of_the_diff(work: Work) -> None:
    signed = review(work.diff())
    work.git("mv", "src/serve.rs", "src/listen.rs")
    work.commit({})
    with pytest.raises(Finding):
        work.signoffs(signed).covers("server")


def test_in_a_first_release_all_of_it_is_new(work: Work) -> None:
    found = work.found(base="", base_commit="")
    assert found.found.startswith("nobody signed off what changed in server in this first release (1 file,")
    empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    assert found.do.startswith(f"read git diff {empty} ")
    assert "new file" in work.git(*found.do.removeprefix("read git ").partition(";")[0].split())


def test_nothing_of_somebodys_configuration_changes_the_digest(work: Work) -> None:
    work.commit({"src/serve two.rs": "x\n", "src/serve\u00e9.rs": "x\n"})
    before = work.diff()
    for name, value in (
        ("diff.renames", "copies"),
        ("diff.noprefix", "true"),
        ("core.abbrev", "7"),
        ("core.quotePath", "true"),
        ("diff.algorithm", "patience"),
        ("diff.orderFile", "docs/index.md"),
        ("diff.ignoreSubmodules", "all"),
    ):
        work.git("config", name, value)
    (work.path / ".gitattributes").write_text("*.rs -diff\n")
    assert work.diff() == before


def test_a_submodule_at_another_commit_is_part_of_every_diff(work: Work, tmp_path: Path) -> None:
    other = Work(tmp_path / "other")
    other.path.mkdir()
    other.git("init", "-q")
    other.commit({"x": "x\n"})
    work.git("submodule", "--quiet", "add", str(other.path), "vendor/x")
    before = work.diff()
    work.commit({})
    assert work.diff() != before


def test_a_base_that_is_not_here_cannot_be_judged(work: Work) -> None:
    with pytest.raises(CannotJudge) as caught:
        work.signoffs(base_commit="1" * 40).covers("server")
    assert "git fetch --tags" in caught.value.do


def test_a_gate_that_names_nothing_cannot_be_judged(work: Work) -> None:
    with pytest.raises(CannotJudge, match="needs a change set"):
        work.signoffs().covers()


def test_it_takes_one_git_process(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    signed, asked = work.signoffs(review(work.diff())), []
    git = reviewed_diff.git
    monkeypatch.setattr(reviewed_diff, "git", lambda *args: (asked.append(args), git(*args))[1])
    assert signed.covers("server")
    assert len(asked) == 1


def test_the_digest_is_the_same_tomorrow() -> None:
    files = [ChangedFile("b", ":100644 100644 1 2 M"), ChangedFile("a", ":000000 100644 0 1 A")]
    wanted = "sha256:e5c11746b15f4f00b7748f168e8bc3c3d3bc7272387be996a9d49612c2ed113f"
    assert digest_of(files) == digest_of(reversed(files)) == wanted


def test_a_submodule_matches_whatever_is_asked_for() -> None:
    files = [ChangedFile("vendor/x", ":160000 160000 1 2 M"), ChangedFile("a", ":100644 100644 1 2 M")]
    assert matching(files, [("src/",)]) == (files[0],)


def test_many_files_are_read_by_their_folders(work: Work) -> None:
    work.commit({f"src/serve/{name}.rs": "new\n" for name in "abcdef"})
    found = work.found()
    assert "(7 files, src/serve.rs)" in found.found
    assert " -- src src/serve; " in found.do


def test_commits_of_sha256_are_compared_as_well(tmp_path: Path) -> None:
    made = Work(tmp_path)
    made.git("init", "-q", "--object-format=sha256")
    made.commit({"src/serve.rs": "old\n"})
    files = changed_files(Repository(made.path), "", made.git("rev-parse", "HEAD"))
    assert [file.path for file in files] == ["src/serve.rs"]
