"""A gate that was due cannot be made one that was not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from pytest_relgate.model import Condition, Mode, Proof, State
from tests.evidence.record.conftest import Forge

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Bench
    from pytest_relgate.model import Gate

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"
DOCS = Condition("changed", "docs", ("docs/**",))
SOURCE = Condition("changed", "source", ("src/**",))


def _drop_the_attempt(forge: Forge) -> None:
    forge.passed()
    forge.gate(ONE, attempts=(), state=State.PASSED)
    forge.entries = [one for one in forge.entries if getattr(one, "gate", "") != ONE]


@pytest.fixture
def due(bench: Bench, a_gate: Callable[..., Gate]) -> Bench:
    """A gate that was due, because the source changed since the base, and failed."""
    bench.lock(a_gate(ONE, conditions=(SOURCE,)), a_gate(TWO))
    bench.run({ONE: State.FAILED})
    return bench


def _left_out(forge: Forge, **changes: Any) -> None:
    _drop_the_attempt(forge)
    context, subject = forge.evidence.context, forge.evidence.subject
    proof = Proof(
        SOURCE, held=False, reason="none", base=context.base_commit, commit=subject.commit, looked_at=3
    )
    forge.gate(ONE, state=State.NOT_TRIGGERED, conditions=(replace(proof, **changes),))


def test_a_gate_that_was_due_cannot_be_left_out(due: Bench) -> None:
    forge = Forge(due)
    _left_out(forge)
    found = forge.verify()
    assert found.finding == "TAMPERED"
    assert "was left out although src/demo.txt changed" in found.reasons[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"condition": DOCS},
        {"base": ""},
        {"commit": ""},
        {"commit": "1" * 40},
        {"held": None},
        {"matched": ("src/demo.txt",)},
    ],
    ids=str,
)
def test_a_proof_that_proves_nothing_leaves_nothing_out(due: Bench, changes: dict[str, Any]) -> None:
    forge = Forge(due)
    _left_out(forge, **changes)
    assert forge.verify().finding == "TAMPERED"


def test_a_base_that_is_no_tag_below_the_target_is_none(due: Bench) -> None:
    head = due.git("rev-parse", "HEAD")
    for base, commit, wanted in (
        ("v0.1.0", head, "STALE"),
        ("v0.2.0", head, "TAMPERED"),
        ("v0.3.0", head, "TAMPERED"),
        ("HEAD", head, "TAMPERED"),
        ("v0.1.9", head, "UNDECIDED"),
        ("", "", "TAMPERED"),
        ("", head, "TAMPERED"),
        ("v0.1.0", "", "STALE"),
    ):
        forge = Forge(due)
        forge.context(base=base, base_commit=commit)
        _left_out(forge)
        assert forge.verify().finding == wanted, base


def test_a_tracked_file_cannot_have_been_absent(bench: Bench, a_gate: Callable[..., Gate]) -> None:
    present = Condition("present", "source", ("src/*.txt",))
    bench.lock(a_gate(ONE, conditions=(present,)), a_gate(TWO))
    bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    _left_out(forge, condition=present, base="")
    assert forge.verify().finding == "TAMPERED"


def test_a_dry_run_cannot_be_said_to_have_been_live(bench: Bench, a_gate: Callable[..., Gate]) -> None:
    bench.lock(a_gate(ONE, conditions=(Condition("live", "live"),)), a_gate(TWO))
    bench.run()
    forge = Forge(bench)
    forge.context(mode=Mode.LIVE)
    assert forge.verify().finding == "TAMPERED"
