"""Which runs and jobs there are, and what changes in a run when it is started again or cancelled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.sandbox.twins.github.call import not_found

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.twins.exchange import Request
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.world import Job, Run, World

MOST_FILTERED = 1000
"""A list of runs with any filter ends there; the same list without one does not."""

_SUITE = 7_000_000_000
_FILTERS = ("actor", "branch", "check_suite_id", "created", "event", "head_sha", "status")
_RANGE = re.compile(r"(?P<low>[^.]+?)\.\.(?P<high>.+)")
_COMPARED = re.compile(r"(?P<sign>>=|<=|>|<)?(?P<moment>.+)")


def run_in(call: Call) -> Run:
    """Return the run whose id stands in the path."""
    return run_of(call.world, call.number("run_id"))


def run_of(world: World, number: int) -> Run:
    """Return the run with this id. Raises Problem (404) where there is none."""
    found = next((run for run in world.runs if run.id == number), None)
    if found is None:
        raise not_found()
    return found


def job_in(call: Call) -> tuple[Run, Job]:
    """Return the job whose id stands in the path, with its run."""
    number = call.number("job_id")
    for run in call.world.runs:
        for job in run.jobs:
            if job.id == number:
                return run, job
    raise not_found()


def with_run(world: World, changed: Run) -> World:
    """Put a run in the place of the one with its id."""
    runs = tuple(changed if run.id == changed.id else run for run in world.runs)
    return msgspec.structs.replace(world, runs=runs)


def suite_of(run: Run) -> int:
    """Return the id of a run's check suite: one for all its attempts."""
    return _SUITE + run.id


def jobs_of(run: Run, attempt: int | None = None) -> list[Job]:
    """Return the jobs of one attempt, the newest one unless another is named."""
    wanted = run.attempt if attempt is None else attempt
    return [job for job in run.jobs if job.attempt == wanted]


def filtered(request: Request, runs: list[Run]) -> list[Run]:
    """Return the runs that a request asks for, newest first, cut at the most that a search gives.

    A filter that is empty is none. ``head_sha`` is compared whole, so that an abbreviated one finds
    nothing. ``status`` is a status or a conclusion.
    """
    asked = {name: value for name in _FILTERS if (value := request.asked(name))}
    found = sorted(runs, key=lambda run: (run.created_at, run.id), reverse=True)
    for name, value in asked.items():
        found = [run for run in found if _matches(run, name, value)]
    return found[:MOST_FILTERED] if asked else found


def _matches(run: Run, name: str, value: str) -> bool:
    if name == "created":
        return created_within(value)(run.created_at)
    facts: dict[str, tuple[str | None, ...]] = {
        "actor": (run.actor,),
        "branch": (run.head_branch,),
        "check_suite_id": (str(suite_of(run)),),
        "event": (run.event,),
        "head_sha": (run.head_sha,),
        "status": (run.status, run.conclusion),
    }
    return value in facts[name]


def created_within(value: str) -> Callable[[str], bool]:
    """Return what tells whether a time lies in a range of GitHub's search syntax.

    ``2026-01-31``, ``>=2026-01-31T12:00:00Z``, ``2026-01-01..2026-01-31``, ``*..2026-01-31``: a date
    stands for its whole day.
    """
    if between := _RANGE.fullmatch(value):
        low, high = _span(between["low"])[0], _span(between["high"])[1]
        return lambda time: low <= time <= high
    compared = _COMPARED.fullmatch(value)
    low, high = _span(compared["moment"] if compared else value)
    match compared["sign"] if compared else None:
        case ">=":
            return lambda time: time >= low
        case "<=":
            return lambda time: time <= high
        case ">":
            return lambda time: time > high
        case "<":
            return lambda time: time < low
        case _:
            return lambda time: low <= time <= high


def _span(moment: str) -> tuple[str, str]:
    """Return the first and the last moment of a date or a time; ``*`` is without end."""
    if moment == "*":
        return "", "9"
    if "T" not in moment:
        return f"{moment}T00:00:00", f"{moment}T23:59:59~"
    time = moment.removesuffix("Z").removesuffix("+00:00")
    return time, f"{time}~"
