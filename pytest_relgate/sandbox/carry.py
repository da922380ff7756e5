"""How a queued run is carried out: its jobs along the graph of the workflow file, step by step.

Each change of the world is yielded by itself, so that whoever carries the run out decides how fast. What
steps do is in ``actions.py``; needs, matrices, conditions and outputs are GitHub's "Workflow syntax".
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.actions import Cell, StepFailedError, do
from pytest_relgate.sandbox.changes import begun, ended, numbered, with_job
from pytest_relgate.sandbox.expression import condition, filled, spelled
from pytest_relgate.sandbox.site import parsed
from pytest_relgate.sandbox.world import EXPIRED, Conclusion, Job, Run, Step, World

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from pytest_relgate.sandbox.site import Site

# What reading a workflow raises that GitHub would refuse before it starts anything.
_UNREADABLE = (RelgateError, KeyError, TypeError, AttributeError, ValueError)
_WORDS: dict[str, Conclusion] = {"success": "success", "failure": "failure", "skipped": "skipped"}


@dataclass
class _Graph:
    """Jobs of a run: what the file says, how each ended, what it gave."""

    jobs: Mapping[str, Mapping[str, Any]]
    results: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    def needs(self, name: str) -> tuple[str, ...]:
        """The jobs that a job names as its needs."""
        given = self.jobs[name].get("needs") or ()
        return (given,) if isinstance(given, str) else tuple(given)

    def before(self, name: str) -> set[str]:
        """Every job that must have ended before this one starts."""
        found: set[str] = set()
        look = [name]
        while look:
            new = set(self.needs(look.pop())) - found
            found |= new
            look += new & self.jobs.keys()
        return found

    def ready(self) -> list[str]:
        """The jobs that have not begun and whose needs have ended."""
        return [
            name
            for name in self.jobs
            if name not in self.results and all(need in self.results for need in self.needs(name))
        ]

    def status(self, name: str) -> str:
        """What ``success()`` and ``failure()`` go by: every job before this one, not only its needs."""
        ends = {self.results.get(one, "skipped") for one in self.before(name)}
        return "failure" if "failure" in ends else "skipped" if "skipped" in ends else "success"


def carry(run: Run, site: Site) -> Iterator[Callable[[World], World]]:
    """Carry out a queued run; yield each change of the world.

    The run fails at once where its workflow file is not there or cannot be read.
    """
    try:
        workflow = _workflow(run, site)
        yield begun(run.id, site.clock())
        yield from _carry_jobs(run, site, workflow)
    except _UNREADABLE:
        yield ended(run.id, "failure", site.clock())


def _carry_jobs(run: Run, site: Site, workflow: dict[str, Any]) -> Iterator[Callable[[World], World]]:
    graph = _Graph(workflow["jobs"])
    while ready := graph.ready():
        cells = [_Work(run, site, workflow, graph, name) for name in ready]
        working = [work.stages() for work in cells]
        for changes in itertools.zip_longest(*working):  # side by side, as runners are
            yield from filter(None, changes)
        for work in cells:
            graph.results[work.name] = work.result
            graph.outputs[work.name] = work.outputs
    failed = "failure" in graph.results.values() or len(graph.results) < len(graph.jobs)
    yield ended(run.id, "failure" if failed else "success", site.clock())


def _workflow(run: Run, site: Site) -> dict[str, Any]:
    found = site.source(run.head_sha)
    if found is None or run.workflow not in found.files:
        message = f"no {run.workflow} at {run.head_sha}"
        raise RelgateError(message)
    workflow = parsed(found.files[run.workflow])
    if not workflow["jobs"]:
        message = f"{run.workflow} has no jobs"
        raise RelgateError(message)
    return workflow


class _Work:
    """One job of the file with all its cells."""

    def __init__(self, run: Run, site: Site, workflow: Mapping[str, Any], graph: _Graph, name: str) -> None:
        self.run, self.site, self.workflow, self.graph, self.name = run, site, workflow, graph, name
        self.job = graph.jobs[name]
        self.result = "success"
        self.outputs: dict[str, str] = {}
        self.facts: dict[str, Any] = {
            "github": _github(run),
            "inputs": _inputs(run, workflow),
            "secrets": {one.name: EXPIRED if one.expired else "***" for one in site.look().secrets},
            "vars": {},
            "runner": {"os": "Linux", "arch": "X64", "temp": "/tmp"},  # noqa: S108  (a word in an expression)
            "needs": {
                need: {"result": graph.results[need], "outputs": graph.outputs[need]}
                for need in graph.needs(name)
            },
            "status": graph.status(name),
        }

    def stages(self) -> Iterator[Callable[[World], World]]:
        """Carry out every cell, side by side."""
        if not condition(self.job.get("if"), self.facts):
            self.result = "skipped"
            yield self._skipped()
            return
        cells = _cells(self.job)
        if self._kept(cells):
            return
        working = [self._cell(matrix) for matrix in cells]
        for changes in itertools.zip_longest(*working):
            yield from filter(None, changes)

    def _kept(self, cells: list[dict[str, Any]]) -> bool:
        """Whether an earlier attempt did this job well and it is not done again.

        What it gave to others is worked out anew: such a job changes nothing outside itself.
        """
        done = {
            job.name
            for job in self.run.jobs
            if (job.attempt, job.conclusion) == (self.run.attempt, "success")
        }
        if not all(self._title(matrix) in done for matrix in cells):
            return False
        if self.job.get("outputs"):
            for matrix in cells:
                for _ in self._steps(self._begin(matrix), [], []):
                    pass
        return True

    def _skipped(self) -> Callable[[World], World]:
        when = self.site.clock()

        def step(world: World) -> World:
            world, number = numbered(world)
            job = Job(number, self._title({}), "completed", "skipped", when, when, self.run.attempt)
            return with_job(world, self.run.id, job)

        return step

    def _title(self, matrix: Mapping[str, Any]) -> str:
        facts = self.facts | {"matrix": matrix}
        if "name" in self.job:
            return filled(str(self.job["name"]), facts)
        values = ", ".join(spelled(value) for value in matrix.values() if not isinstance(value, dict))
        return f"{self.name} ({values})" if values else self.name

    def _cell(self, matrix: dict[str, Any]) -> Iterator[Callable[[World], World]]:
        site, title = self.site, self._title(matrix)
        made: list[int] = []
        started = site.clock()

        def queue(world: World) -> World:
            world, number = numbered(world)
            made.append(number)
            job = Job(number, title, "queued", None, started, None, self.run.attempt)
            return with_job(world, self.run.id, job)

        yield queue
        job = Job(made[-1], title, "in_progress", None, started, None, self.run.attempt)
        yield lambda world: with_job(world, self.run.id, job)
        cell = self._begin(matrix)
        steps: list[Step] = []
        log: list[str] = []
        yield from self._steps(cell, steps, log)
        result = _WORDS["success" if cell.facts["status"] == "success" else "failure"]
        if result == "failure" and not self.job.get("continue-on-error"):
            self.result = "failure"
        whole = msgspec.structs.replace(
            job,
            status="completed",
            conclusion=result,
            completed_at=site.clock(),
            steps=tuple(steps),
            log=site.put("".join(log).encode()),
        )
        yield lambda world: with_job(world, self.run.id, whole)

    def _begin(self, matrix: dict[str, Any]) -> Cell:
        return Cell(
            run=self.run,
            site=self.site,
            facts={**self.facts, "matrix": matrix, "status": "success", "steps": {}},
            environ=self._environ(self.workflow, self.job, matrix=matrix),
        )

    def _steps(
        self, cell: Cell, steps: list[Step], log: list[str]
    ) -> Generator[Callable[[World], World], None, None]:
        """Do the steps of a cell, and work out what the job gives to others."""
        for number, given in enumerate(self.job.get("steps", ()), 1):
            name = _step_name(given, cell.facts)
            conclusion: Conclusion = "skipped"
            if condition(given.get("if"), cell.facts):
                conclusion = yield from self._step(cell, given, log)
            steps.append(Step(number, name, "completed", conclusion))
        facts = cell.facts | {"status": "success"}
        for name, text in (self.job.get("outputs") or {}).items():
            self.outputs[name] = filled(str(text), facts)

    def _environ(self, *levels: Mapping[str, Any], matrix: Mapping[str, Any]) -> dict[str, str]:
        facts = self.facts | {"matrix": matrix}
        return {
            name: filled(spelled(value), facts)
            for level in levels
            for name, value in (level.get("env") or {}).items()
        }

    def _step(
        self, cell: Cell, given: Mapping[str, Any], log: list[str]
    ) -> Generator[Callable[[World], World], None, Conclusion]:
        """Do one step; the world's change, if it makes one, is yielded. Returns its conclusion."""
        own = {name: filled(spelled(value), cell.facts) for name, value in (given.get("env") or {}).items()}

        def say(words: str) -> None:
            log.extend(f"{self.site.clock()[:-1]}.0000000Z {line}\n" for line in words.splitlines())

        say(f"##[group]Run {given.get('uses') or str(given.get('run', '')).strip()}\n##[endgroup]")
        outputs: dict[str, str] = {}
        try:
            change = do(cell, given, own, outputs, say)
        except StepFailedError as error:
            say(f"{error}\n##[error]Process completed with exit code 1.")
            if not given.get("continue-on-error"):
                cell.facts["status"] = "failure"
            return "failure"
        if change is not None:
            yield change
        if "id" in given:
            cell.facts["steps"][given["id"]] = {"outputs": outputs, "outcome": "success"}
        return "success"


def _step_name(given: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    if "name" in given:
        return filled(str(given["name"]), facts)
    if "uses" in given:
        return f"Run {str(given['uses']).partition('@')[0]}"
    return f"Run {str(given.get('run', '')).strip().splitlines()[0]}"


def _cells(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The cells of a job's matrix: the product of its axes, or what it includes; one without any."""
    matrix = (job.get("strategy") or {}).get("matrix") or {}
    if not isinstance(matrix, dict):
        return [{}]
    axes = {name: values for name, values in matrix.items() if name not in ("include", "exclude")}
    cells: list[dict[str, Any]] = [dict(one) for one in matrix.get("include", ())]
    if axes:
        cells += [dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*axes.values())]
    return cells or [{}]


def _github(run: Run) -> dict[str, Any]:
    kind = "tags" if run.event == "push" and run.head_branch.startswith("v") else "heads"
    return {
        "sha": run.head_sha,
        "ref_name": run.head_branch,
        "ref": f"refs/{kind}/{run.head_branch}",
        "run_id": str(run.id),
        "run_number": str(run.number),
        "run_attempt": str(run.attempt),
        "event_name": run.event,
        "actor": run.actor,
        "workflow": run.name,
        "token": "***",
    }


def _inputs(run: Run, workflow: Mapping[Any, Any]) -> dict[str, Any]:
    """Inputs with their defaults. YAML 1.1 reads the key ``on`` as true."""
    triggers = workflow.get("on", workflow.get(True)) or {}
    dispatch = triggers.get("workflow_dispatch") if isinstance(triggers, dict) else None
    found: dict[str, Any] = {}
    for name, about in ((dispatch or {}).get("inputs") or {}).items():
        value: Any = run.inputs.get(name, (about or {}).get("default", ""))
        if (about or {}).get("type") == "boolean" and not isinstance(value, bool):
            value = str(value).lower() == "true"
        found[name] = value
    return found
