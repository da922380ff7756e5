"""The graph of a workflow's jobs, and which of them may run when others end badly. Pure. SPEC S39.

Conditions are not matched by words. A scenario fixes what is known (a job failed, the run is a rehearsal),
and every job's condition is evaluated over the results that its needs may have; so ``always() &&
needs.x.result == 'success'`` is as good as no condition, and ``!cancelled()`` is none at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_relgate.source.expressions import (
    ANY,
    ExpressionError,
    Literal,
    Value,
    asks_for_status,
    evaluate,
    parse_condition,
    truths,
)
from pytest_relgate.source.problem import Problem
from pytest_relgate.source.workflows import Job, Workflow, parse_workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_relgate.source.expressions import Expression, Values

EITHER: Final = frozenset({True, False})
MOST_CALLS: Final = 10  # workflows that call workflows; GitHub allows four levels


@dataclass(frozen=True)
class Member:
    """One job in the graph. Jobs of a called workflow stand under ``caller / job``.

    ``behind`` are the ids that it needs, ``scope`` the prefix of the ids that its condition speaks of.
    ``caller`` is the job that calls the workflow it stands in, ``calls`` the jobs of the one that it calls.
    """

    id: str
    job: Job
    workflow: Workflow
    condition: Expression
    behind: tuple[str, ...] = ()
    scope: str = ""
    caller: str = ""
    calls: tuple[str, ...] = ()
    opaque: bool = False

    @property
    def where(self) -> str:
        """The place of the job in its file."""
        return self.workflow.at(self.job.line)

    @property
    def condition_where(self) -> str:
        """The place of its condition, or of the job where it has none."""
        return self.workflow.at(self.job.condition_line or self.job.line)


@dataclass(frozen=True)
class Scenario:
    """What is taken as given. ``ended`` maps jobs to the result that they have, whatever would decide it.

    ``rehearsal`` is the value of the input of that name, None where it may be either. ``healthy`` is whether
    every other job that runs succeeds.
    """

    ended: dict[str, str] = field(default_factory=dict)
    rehearsal: bool | None = False
    healthy: bool = True

    @property
    def cancelled(self) -> frozenset[bool]:
        """Whether the run may have been cancelled."""
        return EITHER if "cancelled" in self.ended.values() else frozenset({False})


@dataclass(frozen=True)
class Fate:
    """What may become of a job: whether its conditions let it run, and the results that others see."""

    runs: frozenset[bool]
    results: frozenset[str]


@dataclass(frozen=True)
class Graph:
    """The jobs of a workflow, in an order in which every one comes after those that it needs.

    ``problems`` are what GitHub would refuse or never run: unknown needs, circles, conditions that cannot
    be parsed, called workflows that are not there.
    """

    workflow: Workflow
    members: dict[str, Member]
    problems: tuple[Problem, ...] = ()
    rehearsal: str = "rehearsal"
    repository: str = ""
    _above: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)
    _counted: dict[str, frozenset[str]] = field(default_factory=dict, repr=False, compare=False)
    _fates: dict[tuple[object, ...], dict[str, Fate]] = field(default_factory=dict, repr=False, compare=False)

    def ancestors(self, name: str) -> frozenset[str]:
        """Every job that this one comes behind, through needs and calls."""
        if name not in self._above:
            self._above[name] = self._found_above(name)
        return self._above[name]

    def _found_above(self, name: str) -> frozenset[str]:
        found: set[str] = set()
        left = [name]
        while left:
            member = self.members[left.pop()]
            above = {*member.behind, *member.calls, *_first_of_call(member, self.members)}
            left += above - found
            found |= above
        return frozenset(found - {name})

    def counted(self, name: str) -> frozenset[str]:
        """The ancestors that a status function of a job looks at: those in the same workflow file."""
        if name not in self._counted:
            self._counted[name] = frozenset(_above_in(self.members, name) & self.members.keys())
        return self._counted[name]

    def fates(self, scenario: Scenario) -> dict[str, Fate]:
        """What may become of every job in a scenario. Worked out once for each: it is asked for every job."""
        given = (*sorted(scenario.ended.items()), scenario.rehearsal, scenario.healthy)
        if given not in self._fates:
            fates: dict[str, Fate] = {}
            for name in self.members:
                fates[name] = _Judged(self, scenario, fates, self.members[name]).fate()
            self._fates[given] = fates
        return self._fates[given]

    def step_runs(self, name: str, condition: str, scenario: Scenario, *, failed: bool) -> frozenset[bool]:
        """Whether a condition lets a step of a job run, where an earlier step failed or none did."""
        try:
            parsed = parse_condition(condition)
        except ExpressionError:
            return EITHER
        member = self.members[name]
        judged = _Judged(self, scenario, self.fates(scenario), member)
        return judged.step_runs(parsed, failed=failed)


def graph_of(
    workflow: Workflow,
    read: Callable[[str], bytes | None] = lambda _: None,
    *,
    rehearsal: str = "rehearsal",
    repository: str = "",
) -> Graph:
    """Build the graph of a workflow, with the workflows of the repository that its jobs call.

    ``rehearsal`` is the name of the input that keeps it from publishing, ``repository`` is ``owner/name``.
    """
    problems: list[Problem] = []
    members: dict[str, Member] = {}
    for member in _members(workflow, read, "", "", problems, 0):
        members[member.id] = member
    order = _ordered(members)
    if len(order) < len(members):
        stuck = sorted(members.keys() - order.keys())
        names = [name for name in stuck if name in _above_in(members, name)]
        first = members[names[0]]
        words = f"jobs need each other in a circle, so none of them ever runs: {', '.join(names)}"
        problems.append(Problem(words, first.where, "take one of the needs out"))
        order |= {name: members[name] for name in stuck}
    return Graph(workflow, order, tuple(problems), rehearsal, repository)


def _members(
    workflow: Workflow,
    read: Callable[[str], bytes | None],
    scope: str,
    caller: str,
    problems: list[Problem],
    depth: int,
) -> Iterator[Member]:
    known = {job.id for job in workflow.jobs}
    for job in workflow.jobs:
        unknown = [name for name in job.needs if name not in known]
        problems += [
            Problem(
                f"job {job.id} needs {name}, and there is no such job", workflow.at(job.line), "mend needs"
            )
            for name in unknown
        ]
        inner: list[Member] = []
        name = f"{scope}{job.id}"
        if job.uses.startswith("./") and depth < MOST_CALLS:
            path = job.uses.removeprefix("./")
            raw = read(path)
            if raw is None:
                words = f"job {job.id} calls {path}, and there is no such workflow"
                problems.append(Problem(words, workflow.at(job.line), "mend uses"))
            else:
                called = parse_workflow(path, raw)
                inner = list(_members(called, read, f"{name} / ", name, problems, depth + 1))
        gate = Member(
            id=name,
            job=job,
            workflow=workflow,
            condition=_condition(workflow, job, problems),
            behind=tuple(f"{scope}{one}" for one in job.needs if one in known),
            scope=scope,
            caller=caller,
            calls=tuple(one.id for one in inner),
            opaque=bool(job.uses) and not inner,
        )
        yield from inner
        yield gate


def _condition(workflow: Workflow, job: Job, problems: list[Problem]) -> Expression:
    try:
        return parse_condition(job.condition)
    except ExpressionError as error:
        words = f"job {job.id}: GitHub refuses the condition {job.condition}: {error}"
        problems.append(Problem(words, workflow.at(job.condition_line), "mend it"))
        return Literal(value=True)


def _ordered(members: dict[str, Member]) -> dict[str, Member]:
    """The members in an order in which each follows what it needs; what stands in a circle is left out."""
    order: dict[str, Member] = {}
    left = dict(members)
    while left:
        ready = [name for name, one in left.items() if _first(one, members) <= order.keys()]
        if not ready:
            break
        for name in ready:
            order[name] = left.pop(name)
    return order


def _first(member: Member, members: dict[str, Member]) -> set[str]:
    """What must be known before this member: its needs, what it calls, and what its caller needs."""
    return {*member.behind, *member.calls, *_first_of_call(member, members)}


def _first_of_call(member: Member, members: dict[str, Member]) -> set[str]:
    """What the callers of a member's workflow need."""
    caller = members.get(member.caller)
    return {*caller.behind, *_first_of_call(caller, members)} if caller else set()


def _above_in(members: dict[str, Member], name: str) -> set[str]:
    found: set[str] = set()
    left = list(members[name].behind)
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += members[one].behind
    return found


@dataclass
class _Judged:
    """One member in one scenario."""

    graph: Graph
    scenario: Scenario
    fates: dict[str, Fate]
    member: Member

    def fate(self) -> Fate:
        runs = self._runs(self.member)
        ended = self.scenario.ended.get(self.member.id)
        results = frozenset({ended}) if ended else self._results(runs)
        return Fate(runs, self._as_seen(results))

    def _runs(self, member: Member) -> frozenset[bool]:
        """Whether its condition lets it run, and, in a called workflow, its caller's too."""
        held = truths(
            evaluate(
                member.condition,
                lambda path: self._value(path, member),
                lambda name: self._status(name, member),
            )
        )
        if not asks_for_status(member.condition):
            held = _both(held, self._status("success", member))
        caller = self.graph.members.get(member.caller)
        return _both(held, self._runs(caller)) if caller else held

    def step_runs(self, condition: Expression, *, failed: bool) -> frozenset[bool]:
        if failed and not asks_for_status(condition):
            return frozenset({False})
        status = {"success": not failed, "failure": failed, "always": True, "cancelled": False}
        return truths(
            evaluate(
                condition,
                lambda path: self._value(path, self.member),
                lambda name: frozenset({status[name]}) if name in status else EITHER,
            )
        )

    def _results(self, runs: frozenset[bool]) -> frozenset[str]:
        found: set[str] = set()
        if False in runs:
            found.add("skipped")
        if True in runs and self.member.calls:
            found |= self._called_results()
        elif True in runs:
            found.add("success")
            if not self.scenario.healthy:
                found.add("failure")
            if True in self.scenario.cancelled:
                found.add("cancelled")
        return frozenset(found)

    def _called_results(self) -> set[str]:
        """A called workflow ends as its jobs do; those that are skipped do not make it fail."""
        inside = [self.fates[name].results for name in self.member.calls if name in self.fates]
        found = {bad for bad in ("failure", "cancelled") if any(bad in one for one in inside)}
        if all(one & {"success", "skipped"} for one in inside):
            found.add("success")
        return found

    def _as_seen(self, results: frozenset[str]) -> frozenset[str]:
        """A failure that ``continue-on-error`` hides is a success to those that need the job."""
        if "failure" not in results or self.member.job.continue_on_error is False:
            return results
        hidden = results | {"success"}
        return hidden - {"failure"} if self.member.job.continue_on_error else hidden

    def _status(self, name: str, member: Member) -> frozenset[bool]:
        if name == "always":
            return frozenset({True})
        if name == "cancelled":
            return self.scenario.cancelled
        if name.startswith("any:"):
            needs = [self.fates[one].results for one in member.behind if one in self.fates]
            return _any(needs, name.removeprefix("any:"))
        # GitHub asks every ancestor, not only the direct needs: one that was skipped skips all behind it.
        above = [self.fates[one].results for one in self.graph.counted(member.id) if one in self.fates]
        if name == "failure":
            return _any(above, "failure")
        if all(one == {"success"} for one in above):
            return frozenset({True})
        return EITHER if all("success" in one for one in above) else frozenset({False})

    def _value(self, path: tuple[str, ...], member: Member) -> Values:  # noqa: PLR0911  (one answer for each)
        rehearsal = self.scenario.rehearsal
        match path:
            case ("needs", name, "result"):
                return self._result_of(name, member)
            case ("inputs", name) if name == self.graph.rehearsal.lower():
                typed = _declared_type(member.workflow, self.graph.rehearsal)
                return _known(rehearsal) if typed == "boolean" else _known_text(rehearsal)
            case ("github", "event", "inputs", name) | ("needs", _, "outputs", name) if (
                name == self.graph.rehearsal.lower()
            ):
                return _known_text(rehearsal)
            case ("github", "event_name"):
                return frozenset({"workflow_dispatch"})
            case ("github", "repository") if self.graph.repository:
                return frozenset({self.graph.repository})
            case ("github", "repository_owner") if self.graph.repository:
                return frozenset({self.graph.repository.partition("/")[0]})
            case _:
                return ANY

    def _result_of(self, name: str, member: Member) -> Values:
        """A job that is not among the needs has no result there, even if it is an ancestor."""
        found = next((one for one in member.behind if one.lower() == f"{member.scope}{name}".lower()), None)
        if found is None:
            return frozenset[Value]({None})
        return frozenset[Value](self.fates[found].results) if found in self.fates else ANY


def _declared_type(workflow: Workflow, name: str) -> str:
    for trigger in ("workflow_dispatch", "workflow_call"):
        node = workflow.triggers.get(trigger)
        inputs = node.get("inputs") if node else None
        declared = inputs.get(name) if inputs else None
        kind = declared.get("type") if declared else None
        if declared is not None:
            return kind.text if kind else "string"
    return "string"


def _known(value: bool | None) -> Values:  # noqa: FBT001  (a value, not a switch)
    return ANY if value is None else frozenset[Value]({value})


def _known_text(value: bool | None) -> Values:  # noqa: FBT001  (a value, not a switch)
    return ANY if value is None else frozenset[Value]({str(value).lower()})


def _both(left: frozenset[bool], right: frozenset[bool]) -> frozenset[bool]:
    return frozenset(a and b for a in left for b in right)


def _any(results: list[frozenset[str]], wanted: str) -> frozenset[bool]:
    if any(one == {wanted} for one in results):
        return frozenset({True})
    return EITHER if any(wanted in one for one in results) else frozenset({False})
