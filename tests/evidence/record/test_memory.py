"""A failure is remembered (SPEC B3): what runs on the same tree, and on others, know of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_relgate.model import Condition, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Bench
    from pytest_relgate.model import Gate

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"


@pytest.mark.parametrize("outcome", [State.FAILED, State.CRASHED, State.TIMED_OUT])
def test_a_pass_after_a_failure_on_the_same_tree_is_flaky(bench: Bench, outcome: State) -> None:
    bench.run({ONE: outcome})
    assert bench.states() == {"one": outcome, "two": "PASSED"}
    run = bench.run()
    assert bench.states() == {"one": "FLAKY", "two": "PASSED"}
    assert run.record is not None
    assert bench.run().record is not None
    assert bench.codes() == ["FLAKY"]


@pytest.mark.parametrize("outcome", [State.ERRORED, State.PENDING, State.SKIPPED, State.BLOCKED_BY])
def test_what_was_no_judgement_is_superseded_by_one(bench: Bench, outcome: State) -> None:
    bench.run({ONE: outcome})
    assert bench.evidence().verdict == "BLOCKED"
    bench.run()
    assert bench.evidence().verdict == "PASSED"


def test_a_failure_after_it_could_not_be_judged_is_still_remembered(bench: Bench) -> None:
    for outcome in (State.FAILED, State.ERRORED, State.PASSED):
        bench.run({ONE: outcome})
    assert bench.states()["one"] == "FLAKY"


def test_a_gate_that_reads_the_world_is_judged_by_its_newest_look(
    bench: Bench, a_gate: Callable[..., Gate]
) -> None:
    bench.lock(a_gate(ONE, reads_world=True), a_gate(TWO))
    bench.run({ONE: State.FAILED})
    bench.run()
    assert bench.states() == {"one": "PASSED", "two": "PASSED"}


def test_an_empty_commit_clears_nothing(bench: Bench) -> None:
    bench.run({ONE: State.FAILED})
    head = bench.commit("nothing")
    bench.run()
    assert bench.states()["one"] == "FLAKY"
    assert bench.evidence().subject.commit == head


def test_another_commit_and_its_revert_clear_nothing(bench: Bench) -> None:
    bench.run({ONE: State.FAILED})
    bench.write("src/demo.txt", "mended\n")
    bench.commit()
    bench.run()
    assert bench.evidence().verdict == "PASSED"
    bench.git("revert", "--no-edit", "HEAD")
    bench.run()
    assert bench.states() == {"one": "FLAKY", "two": "PASSED"}
    assert [one.run for one in bench.reading().runs] == [1, 2]


def test_a_failure_is_remembered_although_a_run_died_between_commit_and_revert(bench: Bench) -> None:
    bench.run({ONE: State.FAILED})
    bench.write("src/demo.txt", "mended\n")
    bench.commit()
    bench.run(finish=False)
    (bench.folder() / "journal.jsonl").unlink()  # as if it had died before its first line
    bench.git("revert", "--no-edit", "HEAD")
    bench.run()
    assert bench.states()["one"] == "FLAKY"


def test_a_new_tree_clears_a_failure(bench: Bench) -> None:
    bench.run({ONE: State.FAILED})
    bench.write("src/demo.txt", "mended\n")
    bench.commit()
    bench.run()
    assert bench.evidence().verdict == "PASSED"
    assert len(bench.reading().runs) == 1


def test_other_checks_are_another_judge(bench: Bench) -> None:
    bench.run({ONE: State.FAILED})
    bench.write("release_checks/test_gates.py", "import pytest\n\npytestmark = [pytest.mark.prerelease]\n")
    bench.commit()
    bench.run()
    assert bench.evidence().verdict == "PASSED"


WAIVER = """
[[waiver]]
gate = "test_gates.py::test_one"
release = "v0.2.0"
states = ["FAILED"]
reason = "known, and mended after the release"
owner = "ada"
approver = "grace"
created = "2026-01-01T00:00:00Z"
expires = "2026-01-20T00:00:00Z"
"""


def test_a_committed_waiver_loses_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_relgate.session.now", lambda: "2026-01-10T00:00:00Z")
    bench.run({ONE: State.FAILED})
    bench.write("release_checks/waivers.toml", WAIVER)
    bench.commit()
    run = bench.run({ONE: State.FAILED}, status=0)
    assert bench.states() == {"one": "WAIVED", "two": "PASSED"}
    assert bench.evidence().verdict == "PASSED"
    assert bench.reading().runs[-1].gates == (ONE,), "the gate that had passed is kept"
    assert [one.number for one in run.attempts[ONE]] == [1, 2]


def test_a_sign_off_clears_flaky_and_loses_nothing(bench: Bench) -> None:
    bench.run({ONE: State.FAILED})
    bench.run()
    assert bench.states()["one"] == "FLAKY"
    tree = bench.evidence().subject.tree
    bench.write(
        "release_checks/signoffs.toml",
        f'[[signoff]]\ngate = "{ONE}"\ntree = "{tree}"\nperson = "ada"\ncause = "the disk was full"\n',
    )
    bench.commit()
    bench.run()
    assert bench.states() == {"one": "PASSED", "two": "PASSED"}
    assert bench.reading().runs[-1].gates == ()
    assert [one.number for one in bench.evidence().gates[0].attempts] == [1, 2]


def test_another_base_keeps_failures_and_no_passes(bench: Bench) -> None:
    bench.run({ONE: State.FAILED})
    bench.run(release_base="v0.0.1")
    assert bench.reading().runs[-1].gates == (ONE, TWO), "a pass under another base is not kept"
    assert bench.states() == {"one": "FLAKY", "two": "PASSED"}


def test_settled_gates_are_kept_and_run_again_when_asked(bench: Bench) -> None:
    bench.run()
    bench.run()
    assert bench.reading().runs[-1].gates == ()
    assert [one.kept for one in bench.evidence().gates] == [True, True]
    bench.run(release_rerun=True)
    assert bench.reading().runs[-1].gates == (ONE, TWO)
    assert bench.states() == {"one": "PASSED", "two": "PASSED"}
    assert [one.number for one in bench.evidence().gates[0].attempts] == [1, 2]


def test_a_narrowed_run_leaves_what_was_settled(bench: Bench) -> None:
    bench.run({TWO: State.FAILED}, narrowed=[ONE])
    assert bench.states() == {"one": "MISSING", "two": "FAILED"}
    bench.run(narrowed=[TWO])
    assert bench.states() == {"one": "PASSED", "two": "FAILED"}


def test_a_run_narrowed_by_a_path_keeps_what_is_proved_of_other_files(
    bench: Bench, a_gate: Callable[..., Gate]
) -> None:
    bench.write("release_checks/test_more.py", "")
    other = a_gate("test_more.py::test_two", conditions=(Condition("changed", "docs", ("docs/**",)),))
    bench.lock(a_gate(ONE), other)
    bench.run(collected=[a_gate(ONE)], paths=("release_checks/test_gates.py",))
    assert bench.states() == {"one": "PASSED", "two": "NOT_TRIGGERED"}
    assert bench.verify().finding == "PASSED"


def test_a_second_attempt_in_one_run_is_flaky(bench: Bench) -> None:
    bench.run({ONE: [State.FAILED, State.PASSED]})
    assert bench.states()["one"] == "FLAKY"


def test_attempts_are_numbered_without_gaps_over_runs(bench: Bench) -> None:
    for outcome in (State.ERRORED, State.PENDING, State.ERRORED):
        bench.run({ONE: outcome}, finish=False)
    bench.run()
    attempts = bench.reading().attempts()
    assert [(one.number, one.run) for one in attempts[ONE]] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert [one.number for one in bench.evidence().gates[0].attempts] == [1, 2, 3, 4]


def test_each_run_says_who_ran_it_how_and_against_what(bench: Bench) -> None:
    bench.run()
    bench.run(release_agent="grace@laptop", release_base="v0.0.1")
    bench.run(release_mode="live", release_agent="codex@build")
    told = [(one.context.agent, one.context.base, one.context.mode) for one in bench.reading().runs]
    assert told == [
        ("ada@laptop", "v0.1.0", "dry-run"),
        ("grace@laptop", "v0.0.1", "dry-run"),
        ("codex@build", "v0.1.0", "live"),
    ]
    assert bench.evidence().agent == "codex@build"


def test_the_command_that_continues_a_run_asks_for_the_same(bench: Bench) -> None:
    commands = []
    for options in ({}, {"release_base": "v0.0.1"}, {"release_mode": "live", "release_agent": "ada@laptop"}):
        record = bench.run(**options).record
        assert record is not None
        commands.append(record.command)
    plain = "pytest release_checks -m prerelease --release-target v0.2.0"
    assert commands == [
        plain,
        f"{plain} --release-base v0.0.1",
        f"{plain} --release-mode live --release-agent ada@laptop",
    ]


# -- what judged something else than the commit -----------------------------------------------------------


def test_a_pass_on_a_dirty_tree_is_none_of_the_commit(bench: Bench) -> None:
    bench.write("src/demo.txt", "not committed\n")
    bench.run()
    assert (bench.codes(), bench.states()["one"]) == (["DIRTY"], "PASSED")
    bench.git("restore", ".")
    bench.run({ONE: State.FAILED})
    assert bench.states() == {"one": "FAILED", "two": "PASSED"}
    assert bench.reading().runs[-1].gates == (ONE, TWO)


def test_a_failure_on_a_dirty_tree_is_none_of_the_commit(bench: Bench) -> None:
    bench.write("src/demo.txt", "not committed\n")
    bench.run({ONE: State.FAILED})
    bench.git("restore", ".")
    bench.run()
    assert bench.evidence().verdict == "PASSED"


def test_a_dirty_tree_is_known_again_as_long_as_nobody_touches_it(bench: Bench) -> None:
    bench.write("src/demo.txt", "not committed\n")
    bench.run({ONE: State.FAILED})
    bench.run()
    assert bench.states() == {"one": "FLAKY", "two": "PASSED"}
    assert bench.reading().runs[-1].gates == (ONE,)
    bench.write("src/demo.txt", "edited again\n")
    bench.run()
    assert bench.reading().runs[-1].gates == (ONE, TWO)
    assert bench.states() == {"one": "PASSED", "two": "PASSED"}


def test_a_failure_on_a_dirty_tree_does_not_make_a_gate_due(
    bench: Bench, a_gate: Callable[..., Gate]
) -> None:
    bench.write("docs/guide.md", "new\n")
    bench.commit()
    bench.git("tag", "v0.1.5")
    bench.lock(a_gate(ONE, conditions=(Condition("changed", "docs", ("docs/**",)),)), a_gate(TWO))
    bench.write("src/demo.txt", "not committed\n")
    bench.run({ONE: State.FAILED}, release_base="v0.1.0")
    assert bench.states()["one"] == "FAILED"
    bench.git("restore", ".")
    bench.run()
    assert bench.states() == {"one": "NOT_TRIGGERED", "two": "PASSED"}
    assert bench.reading().runs[-1].gates == (TWO,)


@pytest.mark.parametrize("code", ["DIRTY", "STALE", "DIRTY_CHECKS"])
def test_a_pass_of_a_run_in_which_the_source_moved_is_not_kept(bench: Bench, code: str) -> None:
    bench.run({TWO: State.FAILED}, facts=[(code, "it moved")])
    assert bench.states() == {"one": "PASSED", "two": "FAILED"}
    assert bench.verify().finding == "BLOCKED"
    bench.run()
    assert bench.reading().runs[-1].gates == (ONE, TWO)
    assert bench.states() == {"one": "PASSED", "two": "FLAKY"}


def test_source_that_changes_during_a_run_is_seen(bench: Bench) -> None:
    bench.run(during=lambda _: bench.write("src/demo.txt", "changed by a gate\n"))
    assert bench.codes() == ["DIRTY"]


def test_a_head_that_moves_during_a_run_is_seen(bench: Bench) -> None:
    bench.run(during=lambda _: bench.commit("meanwhile"))
    assert bench.codes() == ["STALE"]


# -- planned and not collected ----------------------------------------------------------------------------


def test_a_planned_gate_that_was_not_collected_is_missing_though_it_had_passed(
    bench: Bench, a_gate: Callable[..., Gate]
) -> None:
    bench.run()
    assert bench.evidence().verdict == "PASSED"
    bench.run(collected=[a_gate(ONE)])
    assert bench.states() == {"one": "PASSED", "two": "MISSING"}
    assert bench.evidence().verdict == "BLOCKED"
    assert bench.verify().finding == "BLOCKED"
