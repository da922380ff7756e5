"""GitHub and the channels as a checkpoint sees them. Nothing is started; what cannot be seen is said.

Channels are looked at only where something may be published: registries remember for minutes that there is
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_relgate.errors import CannotJudge, Finding, NotYet, RelgateError
from pytest_relgate.github.dispatch import kind_of, names
from pytest_relgate.github.intent import Intent, IntentFile
from pytest_relgate.model import Phase
from pytest_relgate.net.facts import Absent, Known, Unknown
from pytest_relgate.status.checkpoint import ChannelFact, RunFact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.channels.outside import Outside
    from pytest_relgate.github.answers import WorkflowRun

Kind = Literal["build", "rehearsal", "publish"]
_GOOD = (None, "success", "skipped", "neutral")


@dataclass
class World:
    """What is outside, for one release. ``unseen`` grows by what cannot be seen."""

    outside: Outside
    unseen: list[str] = field(default_factory=list)
    runs: list[RunFact] = field(default_factory=list)
    channels: list[ChannelFact] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)
    provenance: str = ""
    _blind: bool = False

    @property
    def repository(self) -> str:
        """The repository on GitHub, by the profile."""
        return self.outside.profile.repository

    def look(self, commit: str) -> None:
        """Look at runs and channels of the release at this commit."""
        self.outside.commit = commit
        self.runs += self._runs()
        self._prove()
        self._look_at_channels()

    def _intent(self, phase: Phase) -> Intent | None:
        place = "dispatches-sandbox" if self.outside.sandbox else "dispatches"
        try:
            return IntentFile(self.outside.evidence / place / f"{phase}.json").read()
        except CannotJudge as error:
            self.unseen.append(str(error))
            return None

    # -- GitHub -------------------------------------------------------------------------------------------

    def _miss(self, what: str, unknown: Unknown) -> None:
        self.unseen.append(f"{what}: {unknown.words}")
        self._blind = True

    def tag(self) -> str | None:
        """The tag's commit on GitHub; empty where there is none, None where nobody can say."""
        try:
            api = self.outside.api
        except CannotJudge as error:
            self.unseen.append(str(error))
            self._blind = True
            return None
        match api.tag_commit(self.outside.target):
            case Known(value=commit):
                return commit
            case Absent():
                return ""
            case Unknown() as unknown:
                self._miss("GitHub", unknown)
                return None

    def _runs(self) -> Iterator[RunFact]:
        if self._blind:
            return
        build = self._build()
        if build is not None:
            yield self._fact("build", build)
        yield from self._publish_runs()

    def _build(self) -> WorkflowRun | None:
        if not self.outside.profile.workflows.build:
            return None
        try:
            return self.outside.github.build.run
        except NotYet:
            return None
        except (CannotJudge, Finding) as error:
            self.unseen.append(f"the build: {error}")
            return None

    def _publish_runs(self) -> Iterator[RunFact]:
        """The newest rehearsal and the newest publish of this release: on record, or by their titles."""
        workflow, api = self.outside.profile.workflows.publish, self.outside.api
        if not workflow:
            return
        intents = {phase: self._intent(phase) for phase in (Phase.REHEARSAL, Phase.PUBLISH)}
        known = {one.run: kind for kind, one in _kinds(intents) if one.run}
        recent = api.recent_runs(workflow)
        if isinstance(recent, Unknown):
            self._miss(f"the runs of {workflow}", recent)
            return
        there = {run.id: run for run in recent.value} if isinstance(recent, Known) else {}
        for number in known.keys() - there.keys():  # older than a list shows
            one = api.run(number)
            if isinstance(one, Known):
                there[number] = one.value
            else:
                do = "; a sandbox that was made anew: relgate sandbox --reset" if self.outside.sandbox else ""
                self.unseen.append(f"run {number}, on record as the {known[number]}: {one.words}{do}")
        found: dict[Kind, WorkflowRun] = {}
        for run in sorted(there.values(), key=lambda run: (run.created_at, run.id)):
            kind = known.get(run.id) or kind_of(run, self.outside.target)
            if kind and (run.id in known or names(run.display_title, self.outside.target)):
                found[kind] = run
        for kind, run in found.items():
            yield self._fact(kind, run)

    def _fact(self, kind: Kind, run: WorkflowRun) -> RunFact:
        red: tuple[str, ...] = ()
        reached: tuple[str, ...] = ()
        asked = self.outside.api.jobs(run.id)
        if isinstance(asked, Known):
            publishing = {one.job for one in self.outside.profile.channels.values() if one.job}
            red = tuple(
                job.name
                for job in asked.value
                if job.conclusion not in (None, "success", "skipped", "neutral")
            )
            if kind == "publish":
                reached = tuple(
                    job.name for job in asked.value if job.name in publishing and job.conclusion == "success"
                )
        elif isinstance(asked, Unknown):
            self.unseen.append(f"the jobs of run {run.id}: {asked.words}")
        return RunFact(
            kind,
            run.id,
            run.html_url,
            run.status or "",
            run.conclusion,
            run.run_attempt,
            run.head_sha,
            run.created_at,
            red,
            reached,
        )

    def _prove(self) -> None:
        """Say what the build run proves that is not this release; nothing while it is at work.

        A build of which no proof is kept any more proves nothing, which is not something else.
        """
        run = next((one for one in self.runs if one.kind == "build"), None)
        if run is None or run.conclusion != "success":
            return
        build = self.outside.github.build
        try:
            build.proves_its_source()
        except Finding as error:
            if build.proof_is_gone:
                self.unseen.append(f"the build's metadata: {error.found}")
            else:
                self.provenance = str(error)
        except (CannotJudge, NotYet) as error:
            self.unseen.append(f"the build's metadata: {error}")

    # -- channels -----------------------------------------------------------------------------------------

    def _look_at_channels(self) -> None:
        if self._blind or not self._may_be_out():
            return
        try:
            table = self.outside.channels.table
        except (RelgateError, NotYet, Finding, CannotJudge) as error:
            self.unseen.append(f"the channels: {error}")
            return
        if table is None:
            return
        self.channels += [ChannelFact(one.channel, one.state, one.version, one.since) for one in table.lines]
        self.incidents += table.incidents
        self.unseen += [
            f"{one.name}: it could not be seen" for one in self.channels if one.state == "unknown"
        ]

    def _may_be_out(self) -> bool:
        if any(run.kind == "publish" for run in self.runs) or self._intent(Phase.PUBLISH) is not None:
            return True
        match self.outside.api.release(self.outside.target):
            case Known():
                return True
            case Absent():
                return False
            case Unknown() as unknown:
                self._miss(f"the release {self.outside.target}", unknown)
                return False


def _kinds(intents: dict[Phase, Intent | None]) -> Iterator[tuple[Kind, Intent]]:
    for phase, intent in intents.items():
        if intent is not None:
            yield ("publish" if phase is Phase.PUBLISH else "rehearsal"), intent
