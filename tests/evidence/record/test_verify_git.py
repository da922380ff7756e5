"""What `relgate verify` takes from git: lock, profile, waivers, conditions, tags, the checks themselves."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.model import Condition, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Bench
    from pytest_relgate.evidence.verify import Verification
    from pytest_relgate.model import Gate
    from pytest_relgate.source.git import Repository

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"


def said(found: Verification) -> str:
    return f"{found.finding} {found.finding.exit_status}: {'; '.join(found.reasons)}"


# -- what git has -----------------------------------------------------------------------------------------


def test_without_a_lock_it_is_unlocked(bench: Bench, a_gate: Callable[..., Gate]) -> None:
    bench.git("rm", "-q", "release_checks/gates.lock")
    bench.commit()
    bench.run(collected=[a_gate(ONE), a_gate(TWO)])
    assert bench.evidence().locked is False
    assert said(bench.verify()).startswith("UNLOCKED 2: UNLOCKED: expected a committed gates.lock")


def test_checks_that_were_not_committed_are_blocked(bench: Bench) -> None:
    bench.write("release_checks/test_gates.py", "# edited\n")
    bench.run()
    assert bench.verify().finding == "BLOCKED"


@pytest.mark.parametrize("name", ["conftest.py", "relgate.toml", "gates.lock"])
def test_code_and_settings_of_the_checks_that_git_ignores_block(bench: Bench, name: str) -> None:
    bench.write(".gitignore", f"release_checks/{name}\nrelease_checks/notes.txt\n")
    bench.git("rm", "-q", "--cached", "--ignore-unmatch", f"release_checks/{name}")
    bench.commit()
    bench.write("release_checks/notes.txt", "harmless\n")
    path = bench.path / "release_checks" / name
    path.write_bytes(path.read_bytes() if path.exists() else b"")
    run = bench.run()
    assert run.prepared.checks.dirt == (f"release_checks/{name} is ignored by git",)
    assert "DIRTY_CHECKS" in bench.codes()


def test_a_commit_that_is_not_here_cannot_be_decided(bench: Bench, elsewhere: Repository) -> None:
    bench.run()
    for repository in (None, elsewhere):
        found = bench.verify(repository=repository)
        assert said(found).startswith("UNDECIDED 2: the commit of the checks,")
        assert said(bench.verify(under_release=repository)).startswith(
            "UNDECIDED 2: the commit that it judges,"
        )


def test_a_lock_that_changed_since_does_not_matter_to_the_commit_that_was_judged(
    bench: Bench, a_gate: Callable[..., Gate]
) -> None:
    bench.run()
    head = bench.git("rev-parse", "HEAD")
    bench.lock(a_gate(ONE), a_gate(TWO), a_gate("test_gates.py::test_three"))
    assert bench.verify(commit=head).finding == "PASSED"


def test_a_profile_that_cannot_be_read_cannot_be_decided(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run()
    monkeypatch.setattr("pytest_relgate.profile.facts.SCHEMA", 0)
    found = bench.verify()
    assert said(found).startswith("UNDECIDED 2: release_checks/relgate.toml:1: expected schema = 0")


def test_evidence_of_a_later_schema_cannot_be_decided(bench: Bench) -> None:
    bench.run()
    path = bench.folder() / "evidence.json"
    path.write_bytes(path.read_bytes().replace(b'{"schema": 1', b'{"schema": 2'))
    found = bench.verify()
    assert said(found).startswith("UNDECIDED 2: evidence.json cannot be read: its schema is 2")
    assert "pip install --upgrade pytest-relgate" in found.reasons[0]


WAIVER = """
[[waiver]]
gate = "test_gates.py::test_one"
release = "v0.2.0"
states = ["FAILED"]
reason = "known"
owner = "ada"
approver = "grace"
created = "2026-01-01T00:00:00Z"
expires = "2026-01-20T00:00:00Z"
"""


def test_a_waiver_that_expired_since_blocks(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write("release_checks/waivers.toml", WAIVER)
    bench.commit()
    monkeypatch.setattr("pytest_relgate.session.now", lambda: "2026-01-10T00:00:00Z")
    bench.run({ONE: State.FAILED}, status=0)
    assert bench.evidence().verdict == "PASSED"
    assert bench.verify(now="2026-01-19T00:00:00Z").finding == "PASSED"
    found = bench.verify(now="2026-01-21T00:00:00Z")
    assert said(found).startswith("BLOCKED 1: WAIVER: waiver for test_gates.py::test_one: expired")
    assert bench.verify(now="2025-12-01T00:00:00Z").finding == "PASSED", "a clock behind is no reason"


def test_a_waiver_withdrawn_by_a_later_commit_stays_with_the_commit_that_has_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("release_checks/waivers.toml", WAIVER)
    head = bench.commit()
    monkeypatch.setattr("pytest_relgate.session.now", lambda: "2026-01-10T00:00:00Z")
    bench.run({ONE: State.FAILED}, status=0)
    bench.git("rm", "-q", "release_checks/waivers.toml")
    bench.commit()
    assert bench.verify(now="2026-01-19T00:00:00Z", commit=head).finding == "PASSED"


# -- conditions and base ----------------------------------------------------------------------------------


def test_a_gate_that_was_not_due_is_worked_out_again(bench: Bench, a_gate: Callable[..., Gate]) -> None:
    bench.lock(a_gate(ONE), a_gate(TWO, conditions=(Condition("changed", "docs", ("docs/**",)),)))
    bench.run()
    assert bench.states()["two"] == "NOT_TRIGGERED"
    assert bench.verify().finding == "PASSED"


def test_without_the_base_what_was_due_cannot_be_decided(bench: Bench, a_gate: Callable[..., Gate]) -> None:
    bench.lock(a_gate(ONE), a_gate(TWO, conditions=(Condition("changed", "docs", ("docs/**",)),)))
    bench.run()
    bench.git("tag", "-d", "v0.1.0")
    found = bench.verify()
    assert said(found) == "UNDECIDED 2: the base v0.1.0 is not in this repository"
    assert "git fetch --tags" in found.do


def test_without_the_base_gates_without_conditions_are_decided(bench: Bench) -> None:
    bench.run()
    bench.git("tag", "-d", "v0.1.0")
    assert bench.verify().finding == "PASSED"


def test_a_base_that_was_moved_since_is_stale(bench: Bench) -> None:
    bench.run()
    bench.git("tag", "-f", "v0.1.0", "v0.0.1")
    assert said(bench.verify()).startswith("STALE 1: it compared with")


def test_a_base_of_ones_own_is_named_beside_the_one_that_the_tags_give(bench: Bench) -> None:
    bench.run(release_base="v0.0.1")
    found = bench.verify()
    assert found.finding == "PASSED"
    assert found.notes == ("base v0.0.1 (--release-base); by the tags here: v0.1.0",)


def test_a_tag_that_came_later_changes_nothing_but_a_note(bench: Bench) -> None:
    bench.run()
    bench.git("tag", "v0.1.1")
    found = bench.verify()
    assert (found.finding, found.notes) == (
        "PASSED",
        ("base v0.1.0 (last stable below v0.2.0); by the tags here: v0.1.1",),
    )


@pytest.mark.parametrize("state", ["PASSED", "NOT_TRIGGERED"])
def test_whether_a_built_file_was_there_is_believed(
    bench: Bench, a_gate: Callable[..., Gate], state: str
) -> None:
    bench.write(".gitignore", "dist/\n")
    bench.lock(a_gate(ONE), a_gate(TWO, conditions=(Condition("present", "artifacts", ("dist/*.whl",)),)))
    if state == "PASSED":
        bench.write("dist/demo.whl", "")
    bench.run()
    assert bench.states()["two"] == state
    assert bench.verify().finding == "PASSED"


def test_a_tracked_file_that_was_deleted_is_dirt_and_no_forgery(
    bench: Bench, a_gate: Callable[..., Gate]
) -> None:
    bench.lock(a_gate(ONE), a_gate(TWO, conditions=(Condition("present", "source", ("src/*.txt",)),)))
    (bench.path / "src/demo.txt").unlink()
    bench.run()
    assert (bench.states()["two"], bench.codes()) == ("NOT_TRIGGERED", ["DIRTY"])
    assert bench.verify().finding == "BLOCKED"


# -- released versions ------------------------------------------------------------------------------------


@pytest.fixture
def released(bench: Bench, a_gate: Callable[..., Gate]) -> Bench:
    """The same project with v0.2.0 released, and newer checks."""
    bench.git("tag", "v0.2.0")
    bench.lock(a_gate(ONE, phase="postrelease", reads_world=True))
    bench.phase = "postrelease"
    return bench


def test_a_released_version_is_judged_by_newer_checks(released: Bench) -> None:
    released.run()
    subject = released.evidence().subject
    assert subject.commit == released.git("rev-parse", "v0.2.0^{commit}") != subject.checks_commit
    assert released.verify().finding == "PASSED"


def test_a_tag_that_was_moved_since_is_stale(released: Bench) -> None:
    released.run()
    released.git("tag", "-f", "v0.2.0", "HEAD")
    assert said(released.verify()).startswith("STALE 1: the tag v0.2.0 stands for")


def test_without_the_tag_a_released_version_cannot_be_decided(released: Bench) -> None:
    released.run()
    released.git("tag", "-d", "v0.2.0")
    assert said(released.verify()) == "UNDECIDED 2: the tag v0.2.0 is not in this repository"


# -- the checks -------------------------------------------------------------------------------------------


def test_the_checks_of_another_folder_are_not_those_of_the_project(bench: Bench) -> None:
    shutil.copytree(bench.path / "release_checks", bench.path / "tests/tiny_checks")
    bench.commit()
    bench.checks = "tests/tiny_checks"
    bench.run()
    found = bench.verify()
    reason = "it was judged by the checks in tests/tiny_checks, expected those in release_checks"
    assert said(found) == f"UNDECIDED 2: {reason}"
    assert found.do == "if that is meant: --checks tests/tiny_checks"
    assert bench.verify(checks="tests/tiny_checks").finding == "PASSED"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\nrelease_checks = gates/\n"),
        ("pyproject.toml", '[tool.pytest]\nrelease_checks = "gates"\n'),
        ("pyproject.toml", '[tool.pytest.ini_options]\nrelease_checks = "./gates"\n'),
        ("setup.cfg", "[tool:pytest]\nrelease_checks = gates\n"),
    ],
)
def test_the_projects_own_checks_are_where_its_configuration_says(bench: Bench, name: str, text: str) -> None:
    bench.git("rm", "-q", "pytest.ini")
    bench.write(name, text)
    shutil.copytree(bench.path / "release_checks", bench.path / "gates")
    bench.commit()
    bench.run()
    reason = "it was judged by the checks in release_checks, expected those in gates"
    assert said(bench.verify()) == f"UNDECIDED 2: {reason}"
    bench.checks = "gates"
    bench.run()
    assert bench.verify().finding == "PASSED"
