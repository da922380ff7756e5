"""What is an incident, and what is none: SPEC S29, S30, S58."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pytest_relgate.judge.incidents import (
    Happening,
    Incident,
    Kind,
    SeenGate,
    SeenJob,
    SeenRun,
    incidents_of,
)
from pytest_relgate.model import Phase, State

RUN = "https://github.example/ada/demo/actions/runs/7"
ORDINARY = [state for state in State if state not in (State.FAILED, State.WAIVED)]


def gate(state: State = State.FAILED, **facts: Any) -> SeenGate:
    return msgspec.structs.replace(SeenGate("test_a.py::test_a", state, "It holds", "it does not"), **facts)


def jobs(*ended: str | None, channels: bool = False) -> tuple[SeenJob, ...]:
    """Jobs a, b, c ... that ended so."""
    names = "abcdef"[: len(ended)]
    return tuple(
        SeenJob(name, end, channel=name.upper() if channels else "")
        for name, end in zip(names, ended, strict=True)
    )


def found(phase: Phase, *gates: SeenGate, **facts: Any) -> list[tuple[Kind, str]]:
    return [(one.kind, one.words) for one in incidents_of(Happening(phase, gates, **facts))]


def run(conclusion: str | None, *jobs: SeenJob, publishes: bool = False) -> tuple[SeenRun, ...]:
    return (SeenRun(RUN, conclusion, jobs, publishes=publishes),)


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("state", ORDINARY)
def test_a_gate_that_waits_could_not_judge_or_passed_is_no_incident(phase: Phase, state: State) -> None:
    assert found(phase, gate(state, incident=True), runs=run("failure", *jobs("failure"))) == []


@pytest.mark.parametrize("phase", list(Phase))
def test_an_ordinary_failure_is_no_incident(phase: Phase) -> None:
    assert found(phase, gate()) == []
    assert found(phase, gate(), runs=run("success", *jobs("success"))) == []


@pytest.mark.parametrize("phase", [Phase.BUILD, Phase.REHEARSAL, Phase.PUBLISH])
@pytest.mark.parametrize(
    ("conclusion", "ended", "words"),
    [
        ("failure", ("success", "failure"), "failed: b (failure)"),
        ("failure", ("timed_out", "failure"), "failed: a (timed_out) and b (failure)"),
        (None, ("failure", None), "failed: a (failure)"),
        ("startup_failure", (), "the workflow did not start: GitHub cannot read it"),
        ("failure", (), "the workflow did not start: GitHub cannot read it"),
    ],
)
def test_a_workflow_that_needs_a_change_of_code(
    phase: Phase, conclusion: str | None, ended: tuple[str | None, ...], words: str
) -> None:
    assert found(phase, gate(), runs=run(conclusion, *jobs(*ended))) == [(Kind.WORKFLOW, words)]


@pytest.mark.parametrize("phase", [Phase.PRERELEASE, Phase.POSTRELEASE, Phase.WEEKLY])
def test_a_workflow_that_another_phase_judges_is_none_of_this_one(phase: Phase) -> None:
    assert found(phase, gate(), runs=run("failure", *jobs("failure"))) == []


def test_a_cancelled_run_needs_no_change_of_code() -> None:
    assert found(Phase.BUILD, gate(), runs=run("cancelled", *jobs("cancelled", "skipped"))) == []


@pytest.mark.parametrize(
    ("causes", "incident"),
    [
        ((), True),
        (("",), True),
        (("code",), True),
        (("setting",), False),
        (("chance", ""), False),
        (("setting", "code"), True),
    ],
)
def test_what_triage_says_of_every_failed_job_spares_an_incident(
    causes: tuple[str, ...], incident: bool
) -> None:
    told = SeenJob("a", "failure", causes=causes)
    assert bool(found(Phase.BUILD, gate(), runs=run("failure", told))) is incident
    assert found(Phase.BUILD, gate(), runs=run("failure", told, SeenJob("b", "failure"))) != []


@pytest.mark.parametrize(
    ("conclusion", "ended", "words"),
    [
        ("failure", ("success", "failure", "skipped"), "partial publish: A got it, B and C did not"),
        (None, ("success", "failure", None), "partial publish: A got it, B and C did not"),
        ("success", ("success", "skipped", "success"), "partial publish: A and C got it, B did not"),
        ("cancelled", ("success", "cancelled"), "partial publish: A got it, B did not"),
    ],
)
def test_a_partial_publish_is_one_incident_with_its_failed_jobs(
    conclusion: str | None, ended: tuple[str | None, ...], words: str
) -> None:
    runs = run(conclusion, *jobs(*ended, channels=True), publishes=True)
    assert found(Phase.PUBLISH, gate(), runs=runs) == [(Kind.CHANNELS, words)]


@pytest.mark.parametrize(
    ("ended", "kind"),
    [(("failure", "skipped"), [Kind.WORKFLOW]), (("success", "success"), []), (("success", None), [])],
)
def test_a_publish_that_reached_all_or_none_is_not_partial(
    ended: tuple[str | None, ...], kind: list[Kind]
) -> None:
    conclusion = None if None in ended else "failure"
    runs = run(conclusion, *jobs(*ended, channels=True), publishes=True)
    assert [one for one, _ in found(Phase.PUBLISH, gate(), runs=runs)] == kind


def test_a_rehearsal_reaches_no_channel() -> None:
    runs = run("failure", *jobs("success", "failure", channels=True))
    assert found(Phase.REHEARSAL, gate(), runs=runs) == [(Kind.WORKFLOW, "failed: b (failure)")]


@pytest.mark.parametrize("phase", [Phase.POSTRELEASE, Phase.WEEKLY])
def test_channels_that_disagree_are_one_incident(phase: Phase) -> None:
    other = gate(id="test_a.py::test_b")
    both = ("npm serves other bytes", "pypi serves other bytes")
    assert found(phase, gate(), other, disagreements=both) == [(Kind.CHANNELS, both[0])]
    assert found(phase, gate(State.PENDING), disagreements=both) == []


@pytest.mark.parametrize(
    ("phase", "kind"),
    [
        (Phase.PRERELEASE, Kind.EXCEPTION),
        (Phase.BUILD, Kind.WORKFLOW),
        (Phase.PUBLISH, Kind.WORKFLOW),
        (Phase.POSTRELEASE, Kind.CHANNELS),
        (Phase.WEEKLY, Kind.CHANNELS),
    ],
)
def test_a_gate_that_says_so_makes_one_whenever_it_fails(phase: Phase, kind: Kind) -> None:
    assert found(phase, gate(incident=True)) == [(kind, "it does not")]
    assert found(phase, gate(incident=True, advisory=True)) == []


@pytest.mark.parametrize("phase", list(Phase))
def test_each_used_waiver_is_one(phase: Phase) -> None:
    gates = (gate(State.WAIVED, id="a"), gate(State.WAIVED, id="b"), gate(State.PASSED, id="c"))
    made = incidents_of(Happening(phase, gates))
    assert [(one.kind, one.about, one.gates) for one in made] == [
        (Kind.EXCEPTION, "a", ("a",)),
        (Kind.EXCEPTION, "b", ("b",)),
    ]


def test_an_incident_names_the_gates_that_speak_of_it() -> None:
    gates = (gate(id="a"), gate(State.PASSED, id="b"), gate(id="c", incident=True))
    made = incidents_of(Happening(Phase.POSTRELEASE, gates))
    assert made == (Incident(Kind.CHANNELS, "", "it does not", ("a", "c")),)
