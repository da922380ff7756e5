"""A forgery of results that is consistent in itself, chain and digests made anew, has git against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import seal
from pytest_relgate.model import Condition, Mode, Proof, State
from tests.evidence.record.conftest import Forge

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Bench

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"


def test_the_tool_itself_forges_well(bench: Bench) -> None:
    bench.run()
    assert Forge(bench).verify().finding == "PASSED"


# -- results ----------------------------------------------------------------------------------------------


def _only_say_so(forge: Forge) -> None:
    forge.passed()


def _say_so_of_the_gate(forge: Forge) -> None:
    forge.passed()
    forge.gate(ONE, state=State.PASSED)


def _leave_the_gate_out(forge: Forge) -> None:
    forge.passed()
    forge.sealed(gates=forge.evidence.gates[1:])


def _drop_the_attempt(forge: Forge) -> None:
    forge.passed()
    forge.gate(ONE, attempts=(), state=State.PASSED)
    forge.entries = [one for one in forge.entries if getattr(one, "gate", "") != ONE]


def _drop_it_and_leave_the_gate_out(forge: Forge) -> None:
    _drop_the_attempt(forge)
    forge.sealed(gates=forge.evidence.gates[1:])
    forge.runs(gates=(TWO,), collected=forge.entries[0].collected[1:])


def _say_waived(forge: Forge) -> None:
    forge.passed()
    forge.gate(ONE, state=State.WAIVED, waived_by="grace")


def _say_advisory(forge: Forge) -> None:
    forge.passed()
    forge.gate(ONE, advisory=True)


def _say_not_due(forge: Forge) -> None:
    _drop_the_attempt(forge)
    proof = Proof(Condition("live", "live"), held=False, reason="dry run")
    forge.gate(ONE, state=State.NOT_TRIGGERED, conditions=(proof,))


def _make_the_marker_advisory(forge: Forge) -> None:
    _say_advisory(forge)
    collected = tuple(replace(one, advisory=True) for one in forge.entries[0].collected)
    forge.runs(collected=collected)


def _give_a_later_pass_the_first_number(forge: Forge) -> None:
    forge.passed()
    failed = next(one for one in forge.entries if getattr(one, "gate", "") == ONE)
    at = forge.entries.index(failed)
    forge.entries.insert(at + 1, replace(failed, outcome=State.PASSED, message=""))
    again = seal.SealedAttempt(1, State.PASSED, 1, failed.started, failed.seconds, "main")
    forge.gate(ONE, state=State.PASSED, attempts=(again,))


@pytest.mark.parametrize(
    "forgery",
    [
        _only_say_so,
        _say_so_of_the_gate,
        _leave_the_gate_out,
        _drop_the_attempt,
        _drop_it_and_leave_the_gate_out,
        _say_waived,
        _say_advisory,
        _say_not_due,
        _make_the_marker_advisory,
        _give_a_later_pass_the_first_number,
    ],
)
def test_a_failure_cannot_be_talked_away(bench: Bench, forgery: Callable[[Forge], None]) -> None:
    bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    forgery(forge)
    assert forge.verify().finding == "TAMPERED"


def test_a_gate_that_was_collected_cannot_be_taken_out_of_the_collection(bench: Bench) -> None:
    bench.run()
    forge = Forge(bench)
    forge.runs(collected=forge.entries[0].collected[:1])
    assert forge.verify().finding == "TAMPERED"


def test_a_run_that_ended_badly_says_why(bench: Bench) -> None:
    bench.run(facts=[("INTERNAL", "pytest broke")], status=3)
    forge = Forge(bench)
    forge.passed()
    forge.ends(facts=())
    assert forge.verify().reasons == ("pytest did not end well, and no fact says so",)


def test_facts_of_the_run_block_whatever_the_seal_says(bench: Bench) -> None:
    bench.run(facts=[("INTERNAL", "pytest broke")])
    forge = Forge(bench)
    forge.passed()
    assert forge.verify().finding == "TAMPERED"


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "PASSED"},
        {"verdict": "PASSED", "reasons": ()},
        {"reasons": ()},
        {"locked": False},
        {"agent": "grace"},
        {"base": ""},
        {"mode": Mode.LIVE},
        {"sandbox": True},
        {"target": "v0.2.1"},
        {"run": 2},
        {"finished": "2026-01-01T00:00:00Z"},
        {"finished": ""},
        {"set_aside": ("maxfail",)},
        {"gates": ()},
    ],
    ids=str,
)
def test_the_seal_cannot_contradict_what_it_seals(bench: Bench, changes: dict[str, Any]) -> None:
    bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    forge.sealed(**changes)
    assert forge.verify(allow_sandbox=True, target=forge.evidence.target).finding == "TAMPERED"


@pytest.mark.parametrize(
    "changes", [{"seconds": 9.0}, {"message": "all is well"}, {"run": 2}, {"number": 2}], ids=str
)
def test_the_seal_tells_of_the_attempts_that_the_journal_has(bench: Bench, changes: dict[str, Any]) -> None:
    bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    attempt = forge.evidence.gates[0].attempts[0]
    for attempts in ((replace(attempt, **changes),), ()):
        forge.gate(ONE, attempts=attempts)
        assert forge.verify().finding == "TAMPERED"


def test_it_says_when_it_was_judged(bench: Bench) -> None:
    bench.run()
    forge = Forge(bench)
    for moment in ("", "soon", "2026-01-01", "9999-99-99"):
        forge.sealed(finished=moment)
        forge.ends(at=moment)
        assert forge.verify().reasons == ("it does not say when it was judged",)


def test_a_run_does_not_go_on_from_a_journal_that_is_another_than_the_one_sealed(bench: Bench) -> None:
    bench.run({ONE: State.FAILED})
    before = (bench.folder() / "evidence.json").read_bytes()
    forge = Forge(bench)
    forge.attempts(ONE, outcome=State.ERRORED)
    forge.write()
    (bench.folder() / "evidence.json").write_bytes(before)
    with pytest.raises(RelgateError, match="the journal does not hold the 4 lines that were sealed"):
        bench.run()


# -- what cannot be seen ----------------------------------------------------------------------------------


def test_a_forgery_of_everything_together_is_seen_by_its_head_alone(bench: Bench) -> None:
    """The honest limit of an unsigned chain: docs/evidence.md says so too."""
    run = bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    forge.passed()
    forge.attempts(ONE, outcome=State.PASSED, message="")
    forge.gate(ONE, state=State.PASSED)
    assert forge.verify().finding == "PASSED"
    assert forge.verify(head=run.digest).finding == "REPLAYED"
