"""Seals that a newer one carries are few, and what later evidence rests on is never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.evidence import carried
from pytest_relgate.evidence.journal import digest
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from conftest import Bench
    from pytest_relgate.model import Gate


def test_a_phase_typed_again_and_again_carries_the_newest_seals_and_what_is_rested_on(
    bench: Bench, a_gate: Callable[..., Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carried, "KEPT", 2)
    phases = ("prerelease", "build", "rehearsal")
    bench.lock(*(a_gate(f"test_gates.py::test_{phase}", phase=phase) for phase in phases))
    for phase in phases:
        bench.phase = phase
        bench.run()
    rested_on = digest((bench.folder("build") / "evidence.json").read_bytes()).removeprefix("sha256:")
    bench.phase, seals = "build", []
    for _ in range(4):
        seals.append(digest((bench.folder() / "evidence.json").read_bytes()).removeprefix("sha256:"))
        bench.run()
    kept = {path.stem for path in (bench.folder() / "sealed").iterdir()}
    assert kept == {rested_on, *seals[-2:]}, "the newest two, and the oldest, which the rehearsal names"
    bench.phase = "rehearsal"
    assert bench.verify().finding == "PASSED"
    assert len([one for done in bench.reading().attempts().values() for one in done]) == 1
    bench.phase = "build"
    bench.run({"test_gates.py::test_build": State.FAILED}, release_rerun=True)
    assert not (bench.folder() / "sealed").exists(), "something was judged since: no seal says that any more"
    assert bench.verify().finding == "BLOCKED"
