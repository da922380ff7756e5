"""What is wrong with the order in which a publish workflow publishes. Pure. SPEC S11, S12, S37, S39.

A job *waits for* another when it cannot run unless that one succeeded, whichever way it ended otherwise:
failed, cancelled, or skipped. That something stands among its needs is not enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_relgate.source import rehearsal_rules
from pytest_relgate.source.problem import Problem
from pytest_relgate.source.publishing import Channel, published_by, published_by_action
from pytest_relgate.source.shell_guard import guarded_against
from pytest_relgate.source.unseen import unseen_steps
from pytest_relgate.source.workflow_graph import EITHER, Graph, Member, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_relgate.source.workflow_graph import Fate
    from pytest_relgate.source.workflows import Step

ENDS = ("failure", "cancelled", "skipped")


@dataclass(frozen=True)
class Roles:
    """Which jobs are what, as patterns of job ids with ``*`` and ``?`` (``[workflows]`` of the profile)."""

    preflight: tuple[str, ...] = ("*preflight*",)
    provenance: tuple[str, ...] = ("resolve-*", "*provenance*")
    homebrew: tuple[str, ...] = ("*homebrew*",)
    publishes: tuple[str, ...] = ()
    final: tuple[str, ...] = ()


@dataclass(frozen=True)
class Publisher:
    """One step that publishes, or a whole job that the profile says does (``step`` is None)."""

    member: Member
    channel: Channel
    what: str
    where: str
    step: Step | None = None


@dataclass(frozen=True)
class Topology:
    """A publish workflow's graph with what its jobs are. ``read`` gives files of the repository."""

    graph: Graph
    roles: Roles
    read: Callable[[str], bytes | None] = lambda _: None

    @cached_property
    def publishers(self) -> tuple[Publisher, ...]:
        """Everything in the workflow that publishes, in the order of its jobs."""
        return tuple(one for member in self.graph.members.values() for one in self._publishers(member))

    def _publishers(self, member: Member) -> Iterator[Publisher]:
        found = [one for step in member.job.steps for one in self._published(member, step)]
        if not found and _matches(member, self.roles.publishes):
            yield Publisher(member, Channel.OTHER, "as the profile says", member.where)
        yield from found

    def _published(self, member: Member, step: Step) -> Iterator[Publisher]:
        at = member.workflow.at
        if step.uses.startswith("./"):
            for inner, what in self._in_action(step.uses, frozenset()):
                yield Publisher(member, inner, f"{what} (in {step.uses})", at(step.line), step)
        elif channel := published_by_action(step.uses):
            yield Publisher(member, channel, step.uses, at(step.line), step)
        folder = step.node.get("working-directory")
        inside = "" if folder is None or "${{" in folder.text else folder.text
        for one in published_by(step.run, self.read, folder=inside):
            line = step.run_line + one.line - 1
            yield Publisher(member, one.channel, one.what, at(line), step)

    def _in_action(self, uses: str, seen: frozenset[str]) -> Iterator[tuple[Channel, str]]:
        """What an action of the repository publishes, with the actions that it uses itself."""
        from pytest_relgate.source.yaml_lines import read_yaml

        folder = uses.removeprefix("./").rstrip("/")
        if folder in seen:
            return
        for name in ("action.yml", "action.yaml"):
            raw = self.read(f"{folder}/{name}")
            runs = read_yaml(f"{folder}/{name}", raw).get("runs") if raw is not None else None
            steps = runs.get("steps") if runs else None
            for one in steps.items if steps else ():
                used, run = one.get("uses"), one.get("run")
                if used and used.text.startswith("./"):
                    yield from self._in_action(used.text, seen | {folder})
                elif used and (channel := published_by_action(used.text)):
                    yield channel, used.text
                for found in published_by(run.text, self.read) if run else ():
                    yield found.channel, found.what

    def publishing(self, *, registry: bool | None = None) -> tuple[Member, ...]:
        """The jobs that publish: to registries, to anything else, or (None) at all."""
        wanted = (one.member for one in self.publishers if registry in (None, one.channel.registry))
        return tuple({member.id: member for member in wanted}.values())

    def releasing(self) -> tuple[Member, ...]:
        """The jobs that make the GitHub release."""
        return self.publishing_to(Channel.RELEASE)

    def publishing_to(self, channel: Channel) -> tuple[Member, ...]:
        """The jobs that publish to a channel by what they run."""
        wanted = (one.member for one in self.publishers if one.channel is channel)
        return tuple({member.id: member for member in wanted}.values())

    @property
    def final(self) -> tuple[Member, ...]:
        """The jobs that come after everything is published: the profile's, else those of the release."""
        return self._named_final() or self.releasing()

    def _named_final(self) -> tuple[Member, ...]:
        return tuple(one for one in self.graph.members.values() if _matches(one, self.roles.final))

    def opaque(self) -> tuple[Member, ...]:
        """The jobs whose work stands in another repository, so that nothing is known of it."""
        return tuple(one for one in self.graph.members.values() if one.opaque)

    # What is wrong

    def unseen(self) -> tuple[Problem, ...]:
        """Say which steps may publish out of sight, unless the profile says that their job publishes."""
        visible = {id(one.step) for one in self.publishers if one.step is not None}
        return tuple(
            Problem(
                f"job {member.id}, step {step.number} ({step.title}) runs {_one_line(one.what)}: "
                "whether and where that publishes cannot be seen",
                member.workflow.at((step.run_line or step.line) + one.line - 1),
                f"look what it does; if it publishes, name {member.job.id} in [workflows] publishes",
            )
            for member in self.graph.members.values()
            if not _matches(member, self.roles.publishes)
            for step, one in unseen_steps(member, self.read, lambda step: id(step) in visible)
        )

    def opaque_jobs(self) -> tuple[Problem, ...]:
        """Say which jobs are defined in another repository, so that their order says nothing."""
        return tuple(
            Problem(
                f"job {one.id} is {one.job.uses}, which is not in this repository: nobody knows what it does",
                one.where,
                "look at it there; say what it publishes in [workflows] publishes of relgate.toml",
            )
            for one in self.opaque()
        )

    def broken(self) -> tuple[Problem, ...]:
        """What GitHub would refuse or never run: unknown needs, circles, conditions that are none."""
        return self.graph.problems

    def nothing_published(self) -> tuple[Problem, ...]:
        """Say where the workflow has no job for a registry, or none for the GitHub release."""
        path = self.graph.workflow.path
        fix = "name the job in [workflows] publishes of relgate.toml, if it publishes in a way of its own"
        unseen = self.unseen()
        fix = f"{unseen[0].found}: {fix}" if unseen else fix
        problems = []
        if not self.publishing(registry=True):
            problems.append(Problem(f"no job of {path} publishes to a registry", path, fix))
        if not self.releasing() and not self.roles.final:
            problems.append(Problem(f"no job of {path} makes a GitHub release", path, fix))
        return tuple(problems)

    def unguarded(self, role: str) -> tuple[Problem, ...]:
        """Say which publishing jobs may run although no job of a role has succeeded.

        ``role`` is ``preflight``, ``provenance`` or ``homebrew``. Whatever goes to a registry or makes the
        release must wait for one; a tap is what the alignment is about, so its own job counts as one.
        """
        patterns: tuple[str, ...] = getattr(self.roles, role)
        gates = [one for one in self.graph.members.values() if _matches(one, patterns)]
        path = self.graph.workflow.path
        if not patterns:
            return ()
        if not gates:
            words = f"no job of {path} is named {' or '.join(patterns)}, so nothing waits for {role}"
            return (Problem(words, path, f"add one, or mend [workflows] {role} of relgate.toml"),)
        return tuple(
            problem
            for member in self.publishing()
            if member not in gates
            for problem in self._unguarded(member, gates, role)
        )

    def _unguarded(self, member: Member, gates: list[Member], role: str) -> Iterator[Problem]:
        behind = [gate for gate in gates if gate.id in self.graph.ancestors(member.id)]
        if not behind:
            names = ", ".join(gate.id for gate in gates)
            yield Problem(
                f"job {member.id} publishes and does not wait for {role} ({names})",
                member.where,
                f"add {names} to its needs",
            )
            return
        ways = [way for gate in behind for way in [self._way_past(member, gate)]]
        if all(ways):
            yield next(way for way in ways if way)

    def _way_past(self, member: Member, gate: Member) -> Problem | None:
        """How a job may run although a job that it comes behind did not succeed; None if it cannot."""
        for end in ENDS:
            if end == "skipped" and not gate.job.condition and gate.scope:
                continue  # in a called workflow nothing skips it but a job before it that failed
            fates = self.graph.fates(Scenario({gate.id: end}, healthy=False))
            if True not in fates[member.id].runs:
                continue
            if end == "failure" and gate.job.continue_on_error is not False:
                words = f"job {member.id} publishes even if {gate.id} fails: that job has continue-on-error"
                return Problem(words, gate.where, "take continue-on-error out")
            first = self._first_past(gate, fates, member)
            ended = {"failure": "failed", "cancelled": "was cancelled", "skipped": "was skipped"}[end]
            words = (
                f"job {member.id} publishes even if {gate.id} {ended}: "
                f"`if: {_one_line(first.job.condition)}` of {first.id} lets it"
            )
            return Problem(words, first.condition_where, "let it run only if all of its needs succeeded")
        return None

    def _first_past(self, gate: Member, fates: dict[str, Fate], member: Member) -> Member:
        """The first job behind a gate that runs in spite of it, on the way to another."""
        way = {*self.graph.ancestors(member.id), member.id}
        for name, one in self.graph.members.items():
            behind = gate.id in self.graph.ancestors(name) and not gate.id.startswith(f"{name} / ")
            if name in way and behind and True in fates[name].runs:
                return one
        return member

    def final_too_early(self) -> tuple[Problem, ...]:
        """Say which jobs the last ones do not wait for.

        The release waits for the registries; a job that the profile calls final waits for whatever publishes.
        """
        final = self._named_final()
        pairs = [(one, other) for one in self.releasing() for other in self.publishing(registry=True)]
        pairs += [(one, other) for one in final for other in self.publishing()]
        wrong = (
            self._unwaited(one, other) for one, other in pairs if one != other and not self._waits(one, other)
        )
        return tuple(dict.fromkeys(wrong))

    def _waits(self, member: Member, other: Member) -> bool:
        return other.id in self.graph.ancestors(member.id) and self._way_past(member, other) is None

    def _unwaited(self, final: Member, member: Member) -> Problem:
        way = self._way_past(final, member) if member.id in self.graph.ancestors(final.id) else None
        if way:
            return way
        words = f"job {final.id} does not wait for {member.id}, which publishes"
        return Problem(words, final.where, f"add {member.id} to its needs")

    def steps_after_failure(self) -> tuple[Problem, ...]:
        """Say which steps publish even though an earlier step of their job failed."""
        return tuple(
            Problem(
                f"job {one.member.id} publishes ({_one_line(one.what)}) even if an earlier step failed: "
                f"`if: {_one_line(one.step.condition)}`",
                one.where,
                "let it run only if the steps before it succeeded",
            )
            for one in self.publishers
            if one.step is not None
            and one.step.number > 1
            and True in self._step_runs(one, Scenario(), failed=True)
        )

    def unrehearsed(self) -> tuple[Problem, ...]:
        """Say what a rehearsal would publish, or that the workflow cannot be rehearsed at all."""
        name, path = self.graph.rehearsal, self.graph.workflow.path
        dispatch = self.graph.workflow.triggers.get("workflow_dispatch")
        inputs = dispatch.get("inputs") if dispatch else None
        if inputs is None or inputs.get(name) is None:
            words = f"{path} has no input {name}, so it cannot be rehearsed"
            return (
                Problem(words, self.graph.workflow.at(self.graph.workflow.trigger_line), "add the input"),
            )
        if no_switch := rehearsal_rules.not_a_switch(self.graph, name, inputs):
            return no_switch
        rehearsal = Scenario(rehearsal=True)
        fates = self.graph.fates(rehearsal)
        return tuple(
            Problem(
                f"a rehearsal publishes: job {one.member.id} runs {_one_line(one.what)} "
                + self._whatever(one),
                one.where,
                f"add to the step: if: ${{{{ !inputs.{name} }}}}",
            )
            for one in self.publishers
            if True in fates[one.member.id].runs
            and True in self._step_runs(one, rehearsal, failed=False)
            and not self._asks_in_shell(one)
        )

    def _whatever(self, publisher: Publisher) -> str:
        name = self.graph.rehearsal
        asks = publisher.step is not None and name.lower() in publisher.step.run.lower()
        return f"and how its shell asks for {name} cannot be read" if asks else f"whatever {name} says"

    def _asks_in_shell(self, publisher: Publisher) -> bool:
        """Whether the shell text keeps a rehearsal from publishing itself, so that it can be seen."""
        if publisher.step is None:
            return False
        line = int(publisher.where.rpartition(":")[2]) - publisher.step.run_line + 1
        return guarded_against(self.graph.rehearsal, publisher.step.run, line, publisher.what)

    def _step_runs(self, publisher: Publisher, scenario: Scenario, *, failed: bool) -> frozenset[bool]:
        """Whether what publishes may run, where an earlier step of its job failed or none did."""
        if publisher.step is None:
            return EITHER
        return self.graph.step_runs(publisher.member.id, publisher.step.condition, scenario, failed=failed)

    def silently_skipped(self) -> tuple[Problem, ...]:
        """Say which publishing or final job is skipped, in a run that ends green, because another one is.

        A job that is skipped on purpose skips everything behind it that asks for success, and GitHub calls
        the run a success. A job that no live release runs is the same.
        """
        live = self.graph.fates(Scenario())
        needed = {one.id: one for one in (*self.publishing(), *self.final)}
        problems = []
        for member in needed.values():
            if True not in live[member.id].runs:
                if any(
                    True not in live[other].runs for other in self.graph.ancestors(member.id) & live.keys()
                ):
                    continue  # said of the job that it comes behind
                words = (
                    f"job {member.id} never runs in a live release: `if: {_one_line(member.job.condition)}`"
                )
                problems.append(Problem(words, member.condition_where, "mend the condition"))
                continue
            problems += [self._skipped_with(member, one) for one in self._that_skip(member)]
        return tuple(problems)

    def _that_skip(self, member: Member) -> list[Member]:
        """The jobs before it that may be skipped on purpose, and then skip it; the first of each way."""
        found = []
        live = self.graph.fates(Scenario())
        for name in self.graph.members:
            one = self.graph.members[name]
            if name not in self.graph.ancestors(member.id) or not one.job.condition:
                continue
            ended = self.graph.fates(Scenario({name: "skipped"}))
            above = self.graph.ancestors(name)
            chosen = False in live[name].runs and all(live[other].runs == {True} for other in above)
            if chosen and True not in ended[member.id].runs:
                found.append(one)
        return found

    @staticmethod
    def _skipped_with(member: Member, other: Member) -> Problem:
        words = (
            f"if job {other.id} is skipped on purpose (`if: {_one_line(other.job.condition)}`), "
            f"{member.id} is skipped with it and the run still ends green"
        )
        return Problem(words, other.condition_where, "put the condition on its steps, not on the job")

    # What may go wrong although the order is right

    def hazards(self) -> tuple[Problem, ...]:
        """What may go wrong in a right order: registries in parallel, a tap before its archives are there."""
        if self.graph.problems:
            return ()  # what never runs has no order
        problems = []
        registries = self.publishing(registry=True)
        for n, one in enumerate(registries):
            beside = [
                other
                for other in registries[n + 1 :]
                if one.id not in self.graph.ancestors(other.id)
                and other.id not in self.graph.ancestors(one.id)
            ]
            if beside:
                names = ", ".join(other.id for other in beside)
                words = f"job {one.id} publishes beside {names}: one may succeed while another fails"
                problems.append(Problem(words, one.where, "let each wait for the one before it"))
        releasing = {one.id for one in self.releasing()}
        for tap in (one for one in self.publishers if one.channel is Channel.TAP):
            if releasing and not self.graph.ancestors(tap.member.id) & releasing:
                words = (
                    f"job {tap.member.id} pushes the tap before the release that hosts its archives is there"
                )
                problems.append(Problem(words, tap.where, "let it wait for the release"))
        return tuple(problems)


def _matches(member: Member, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(member.job.id, pattern) for pattern in patterns)


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 80 else f"{flat[:77]}..."  # noqa: PLR2004  (what a line of a report holds)
