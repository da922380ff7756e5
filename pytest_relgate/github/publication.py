"""A run of the publish workflow for one release: started once or adopted, followed to its end, judged.

SPEC S37, S38, S40, S44, S45. A run is never started when one may be there already.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from pytest_relgate.clock import now
from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.github.dispatch import (
    Refused,
    Started,
    Unclear,
    dispatch,
    inputs_of,
    kind_of,
    names,
    names_a_tag,
)
from pytest_relgate.github.intent import Intent, IntentFile
from pytest_relgate.github.triage import GOOD, RunRecord
from pytest_relgate.model import Phase
from pytest_relgate.net.facts import Absent, Known, Unknown, known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_relgate.github.answers import JobFacts, WorkflowRun
    from pytest_relgate.github.api import Api
    from pytest_relgate.github.means import Means
    from pytest_relgate.github.permit import Permit
    from pytest_relgate.github.triage import FailedJob
    from pytest_relgate.net.facts import Fact
    from pytest_relgate.profile.source import Workflows

_PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
_PAUSE: Final = 15.0
_PATIENCE: Final = 6 * 3600.0  # seconds; GitHub ends a job then
_LONGEST_WAIT: Final = 900.0  # seconds that a limit may ask for
_MISSES: Final = 6
_SKEW: Final = timedelta(minutes=2)  # between this machine's clock and GitHub's


class Publication:
    """The publish workflow's run for ``target`` at ``commit``: a rehearsal, or the publish itself.

    ``phase`` is rehearsal or publish; ``reaching`` are the names of the jobs that reach the channels.
    """

    def __init__(
        self,
        api: Api,
        workflows: Workflows,
        means: Means,
        *,
        phase: Phase,
        target: str,
        commit: str,
        reaching: Iterable[str] = (),
    ) -> None:
        self.api, self.workflows, self.means = api, workflows, means
        self.phase, self.target, self.commit = phase, target, commit
        self.reaching = tuple(reaching)
        self.kind: Literal["rehearsal", "publish"] = "publish" if phase is Phase.PUBLISH else "rehearsal"
        self.file = IntentFile(means.folder / f"{phase}.json")

    # -- statements ---------------------------------------------------------------------------------------

    def dispatched(self) -> Literal[True]:
        """The run was started: by us, once, or by somebody else for this release (SPEC S38, S40).

        Raises CannotJudge where it may not be started, and where nobody can say whether it was.
        """
        if not self.run_id:
            message = f"{self.file.path} names no run"
            raise CannotJudge(message, do=f"look for it: {self._page}")
        return True

    def succeeded(self) -> Literal[True]:
        """The run has ended, and well, in every job. Follows it to its end (SPEC S38, S44).

        Raises NotYet for one that waits for an approval, and says whose.
        """
        run, jobs = self._ended
        place = self._place
        if run.conclusion != "success":
            words = f"{place} ended as {run.conclusion}, not as success"
            raise Finding(words, where=run.html_url, do=self._again)
        if not any(job.conclusion == "success" for job in jobs):
            words = f"{place} ended green, and no job of it succeeded"
            raise Finding(words, where=run.html_url, do="mend the conditions of its jobs")
        return True

    def reached_its_end(self) -> Literal[True]:
        """The final job ran, and every job that reaches a channel: none was skipped behind another's back.

        A job that is skipped upstream silently skips everything behind it, and the run ends green.
        """
        run, jobs = self._ended
        wanted = (*self.workflows.final, *self.reaching)
        if not self.workflows.final:
            message = (
                "the profile names no job under workflows.final, so nothing says that the end was reached"
            )
            raise CannotJudge(message, do='add workflows.final = ["JOB"] to relgate.toml')
        missing = [
            name
            for name in dict.fromkeys(wanted)
            if not any(fnmatchcase(job.name, name) and job.conclusion == "success" for job in jobs)
        ]
        if missing:
            words = f"{self._place} ended {run.conclusion}, and these jobs never ran: {', '.join(missing)}"
            raise Finding(words, where=run.html_url, do="see which job before them was skipped, and why")
        return True

    def published_nothing(self) -> Literal[True]:
        """No release came to GitHub while the rehearsal ran.

        Registries are not asked: they would remember for minutes that there is nothing.
        """
        run, _ = self._ended
        match self.api.release(self.target, fresh=True):
            case Absent():
                return True
            case Unknown() as unknown:
                raise unknown.error()
            case Known(value=release):
                when = release.published_at or ""
                if release.draft or not run.created_at <= when <= (run.updated_at or when):
                    return True
                words = f"{self._place} was a rehearsal, and {self.target} was published while it ran"
                do = f"see what it published, and what --field {self.workflows.rehearsal}=true keeps it from"
                raise Finding(words, where=release.html_url, do=do)

    # -- which run ----------------------------------------------------------------------------------------

    @cached_property
    def run_id(self) -> int:
        """The id of the run: the one on record, one that is there already, or one that is started now."""
        if not self.workflows.publish:
            message = "the profile names no workflow under workflows.publish"
            raise CannotJudge(message, do='add workflows.publish = "publish.yml" to relgate.toml')
        permit = self.means.permit()
        if (permit.phase, permit.target, permit.commit) != (self.phase, self.target, self.commit):
            message = f"nothing was started: the permit is for {permit.phase} of {permit.target}"
            raise CannotJudge(message, do="this gate belongs to another phase")
        intent = self._intent()
        if intent is not None:
            return intent.run or self._found_again(intent, "an earlier run ended before an answer came")
        with self.means.waiting():
            there = self._there()
        adopted = self._to_adopt(there)
        if adopted is not None:
            self.file.write(self._new_intent(permit, there, run=adopted.id, adopted=True))
            return adopted.id
        return self._start(permit, there)

    def _intent(self) -> Intent | None:
        intent = self.file.read()
        if intent is None or (intent.commit, intent.target) == (self.commit, self.target):
            return intent
        if self.phase is Phase.PUBLISH:
            words = (
                f"a publish of {self.target} was started for {intent.commit[:12]}, this is {self.commit[:12]}"
            )
            do = f"see what it published: {self._page}; if nothing, move {self.file.path} away"
            raise CannotJudge(words, do=do)
        self.file.set_aside(intent)
        return None

    def _there(self) -> tuple[WorkflowRun, ...]:
        """The dispatched runs that may be of this release. Raises CannotJudge where they cannot be read.

        One at work whose title names no tag may be of any, on whatever commit it was dispatched.
        """
        workflow = self.workflows.publish
        on_commit = known(self.api.runs(workflow, self.commit), f"the runs of {workflow}")
        recent = known(self.api.recent_runs(workflow), f"the runs of {workflow}")
        named = [
            run
            for run in recent
            if names(run.display_title, self.target)
            or (run.status != "completed" and not names_a_tag(run.display_title))
        ]
        found = {run.id: run for run in (*on_commit, *named) if run.event == "workflow_dispatch"}
        return tuple(sorted(found.values(), key=lambda run: (run.created_at, run.id), reverse=True))

    def _to_adopt(self, there: tuple[WorkflowRun, ...]) -> WorkflowRun | None:
        """The run that somebody else started for this release; None where there is none.

        Raises CannotJudge where a run may be a publish of it, and nothing says whether it is.
        """
        kinds = {run.id: self._kind(run) for run in there}
        mine = [run for run in there if kinds[run.id] == self.kind]
        if self.phase is not Phase.PUBLISH:  # a rehearsal that went wrong may be followed by another
            usable = [
                run
                for run in mine
                if run.head_sha == self.commit and (run.status != "completed" or run.conclusion == "success")
            ]
            return usable[0] if usable else None
        if mine:
            at_work = [run for run in mine if run.status != "completed"]
            good = [run for run in mine if run.conclusion == "success"]
            return (at_work or good or mine)[0]
        unsaid = [run for run in there if not kinds[run.id]]
        if unsaid:
            words = (
                f"run {unsaid[0].id} may be a publish of {self.target}: its title does not say what it did"
            )
            do = (
                "look at it, and start nothing before that is known; give the workflow a run-name that says "
                "Rehearse or Publish and the tag"
            )
            raise CannotJudge(words, where=unsaid[0].html_url, do=do)
        return None

    def _kind(self, run: WorkflowRun) -> Literal["rehearsal", "publish", ""]:
        rehearsed, title = self._rehearsed
        if run.id == rehearsed:
            return "rehearsal"
        kind = kind_of(run, self.target)
        # Where the title of what is known to be a rehearsal reads the same, titles tell nothing.
        return "" if kind == "publish" and run.display_title == title else kind

    @cached_property
    def _rehearsed(self) -> tuple[int, str]:
        """The run that is on record as the rehearsal, and its title."""
        intent = IntentFile(self.means.folder / f"{Phase.REHEARSAL}.json").read()
        if intent is None or not intent.run:
            return 0, ""
        run = self.api.run(intent.run)
        return intent.run, run.value.display_title if isinstance(run, Known) else ""

    # -- starting -----------------------------------------------------------------------------------------

    def _start(self, permit: Permit, there: tuple[WorkflowRun, ...]) -> int:
        at = known(self.api.tag_commit(self.target, fresh=True), f"the tag {self.target}")
        if at != self.commit:
            words = f"nothing was started: {self.target} is at {at[:12]}, the release at {self.commit[:12]}"
            raise Finding(words, do="a published tag never moves: release under the next version")
        intent = self._new_intent(permit, there)
        self.file.write(intent)
        given = (f"{name}={value}" for name, value in intent.inputs.items())
        self.means.opens(("dispatch", self.workflows.publish, self.target, *given))
        match dispatch(self.api, permit, self.workflows.publish, self.workflows.rehearsal):
            case Refused(error=error):
                self.file.drop()
                raise error
            case Started(run=0):
                return self._found_again(intent, "GitHub did not say which run it made")
            case Started(run=run):
                self._settle(msgspec.structs.replace(intent, told=run), run)
                return run
            case Unclear(words=words):
                return self._found_again(intent, words)

    def _new_intent(self, permit: Permit, there: Iterable[WorkflowRun], **more: Any) -> Intent:
        return Intent(
            phase=self.phase,
            target=self.target,
            commit=self.commit,
            workflow=self.workflows.publish,
            inputs=inputs_of(permit, self.workflows.rehearsal),
            at=now(),
            known=tuple(run.id for run in there),
            **more,
        )

    def _settle(self, intent: Intent, run: int) -> None:
        self.file.write(msgspec.structs.replace(intent, run=run))

    def _found_again(self, intent: Intent, why: str) -> int:
        """The one run that the intent made, looked for again and again: lists lag.

        Raises CannotJudge where there is none or more than one; nothing is started a second time.
        """
        found: list[WorkflowRun] = []
        with self.means.waiting():
            for pause in self.means.looks:
                self.means.sleep(pause)
                found = [run for run in self._there() if self._may_be(run, intent)]
                if found:
                    break
        if len(found) == 1:
            self._settle(intent, found[0].id)
            return found[0].id
        if found:
            numbers = ", ".join(str(run.id) for run in found)
            words = f"which run was started for {self.target} is not clear ({why}): it may be {numbers}"
            do = f'see which it is, write its id as "run" into {self.file.path}, type the same command again'
        else:
            words = (
                f"whether a {self.kind} of {self.target} was started is not known ({why}), "
                "and GitHub lists none; it is not started again blindly"
            )
            do = f"look for it; if there is none, remove {self.file.path} and type the same command again"
        raise CannotJudge(words, where=self._page, do=do)

    def _may_be(self, run: WorkflowRun, intent: Intent) -> bool:
        earliest = datetime.fromisoformat(intent.at) - _SKEW
        return (
            run.id not in intent.known
            and run.head_sha == intent.commit
            and self._kind(run) in (self.kind, "")
            and _moment(run.created_at) >= earliest
        )

    # -- following ----------------------------------------------------------------------------------------

    @cached_property
    def _ended(self) -> tuple[WorkflowRun, tuple[JobFacts, ...]]:
        """The run and its jobs, once it has ended. Failed jobs are named while others are still at work."""
        number = self.run_id
        ends, told = time.monotonic() + _PATIENCE, dict[str, str]()
        with self.means.waiting():
            for pause in chain(_PAUSES, repeat(_PAUSE)):
                run = self._read(lambda: self.api.run(number), f"run {number}")
                jobs = self._read(lambda: self.api.jobs(number), f"the jobs of run {number}")
                if run.file != self.workflows.publish:
                    words = f"run {number} is one of {run.file}, not of {self.workflows.publish}"
                    raise Finding(words, where=run.html_url, do=f"look at {self.file.path}")
                self._is_this(run)
                self._tell(jobs, told)
                self._name_failures(run, jobs)
                if run.status == "completed":
                    self._keep(run, jobs)
                    return run, jobs
                if run.status == "waiting":
                    raise self._waits(run)
                if time.monotonic() > ends:
                    break
                self.means.sleep(pause)
        words = f"{self._place} is still {(run.status or 'unknown').replace('_', ' ')}"
        raise NotYet(words, where=run.html_url, do="type the same command again: it goes on with this run")

    def _is_this(self, run: WorkflowRun) -> None:
        """Raise where the run is not this release's rehearsal or publish, and where nobody can say."""
        intent, title = self.file.read(), f'its title is "{run.display_title}"'
        told = intent is not None and intent.told == run.id
        look = f"see what it did; {self.file.path} says that it is the {self.kind}"
        said = self._kind(run) if self.phase is Phase.PUBLISH else kind_of(run, self.target)
        others = names_a_tag(run.display_title) and not names(run.display_title, self.target)
        # What GitHub itself called our rehearsal is one, whatever a title says that never changes.
        if others or (said not in ("", self.kind) and not (told and self.phase is Phase.REHEARSAL)):
            words = f"run {run.id} is no {self.kind} of {self.target}: {title}"
            raise Finding(words, where=run.html_url, do=look)
        if run.head_sha != self.commit:
            words = f"{self._place} was on {run.head_sha[:12]}, the release is {self.commit[:12]}"
            if intent is not None and intent.adopted:
                raise CannotJudge(words, where=run.html_url, do=look)
            raise Finding(words, where=run.html_url, do=f"run it at the tag: --ref {self.target}")
        if not said and not told and self.phase is Phase.PUBLISH:
            words = f"whether run {run.id} published {self.target} is not known: {title}"
            do = f"{look}; give the workflow a run-name that says Rehearse or Publish and the tag"
            raise CannotJudge(words, where=run.html_url, do=do)

    def _read(self, ask: Callable[[], Fact[Any]], what: str) -> Any:
        """Ask until it is known; what GitHub cannot say for a while ends no run."""
        for miss in range(_MISSES):
            match ask():
                case Known(value=value):
                    return value
                case Absent() as absent:
                    words = f"{what} is not there: {absent.words}"
                    do = f"look for it: {self._page}; {self.file.path} says that it is the {self.kind}"
                    raise CannotJudge(words, do=do)
                case Unknown() as unknown:
                    asked = unknown.retry_after or 0.0
                    limited = unknown.retry_after is not None
                    if (unknown.final and not limited) or asked > _LONGEST_WAIT or miss == _MISSES - 1:
                        raise unknown.error()
                    self.means.sleep(max(asked, _PAUSES[min(miss, len(_PAUSES) - 1)]))
        raise AssertionError(what)  # pragma: no cover  (the loop returns or raises)

    def _tell(self, jobs: tuple[JobFacts, ...], told: dict[str, str]) -> None:
        """Say what jobs do, each once; ``told`` remembers it."""
        for job in jobs:
            does = (job.conclusion or job.status).replace("_", " ")
            if does != "queued" and told.get(job.name) != does:
                told[job.name] = does
                line = f"{job.name}: {does}"
                self.means.say("".join(char if char.isprintable() else "?" for char in line))

    def _name_failures(self, run: WorkflowRun, jobs: tuple[JobFacts, ...]) -> None:
        red = [job for job in jobs if job.conclusion not in (None, *GOOD)]
        if not red:
            return
        means = self.means
        failed = means.triage.read(self.api, red, keep=means.keep, say=means.say, again=self._again)
        self._keep(run, jobs, failed)
        names = ", ".join(f"{job.name} ({job.conclusion})" for job in red[:4])
        done = [job.name for job in jobs if job.name in self.reaching and job.conclusion == "success"]
        after = f"; reached before: {', '.join(done)}" if done and self.phase is Phase.PUBLISH else ""
        words = f"{self._place}: failed jobs: {names}{after}"
        raise Finding(words, where=red[0].html_url or run.html_url, do=failed[0].remedy or self._again)

    def _keep(self, run: WorkflowRun, jobs: tuple[JobFacts, ...], failed: tuple[FailedJob, ...] = ()) -> None:
        """Put the run and its jobs, with their addresses, into the evidence (SPEC S45)."""
        channels = dict(self.means.triage.channels)
        record = RunRecord(self.kind, self.target, run, jobs, failed, channels, self._again)
        raw = msgspec.json.encode(record, order="deterministic")
        self.means.keep(f"run-{run.id}.json", msgspec.json.format(raw, indent=1))

    def _waits(self, run: WorkflowRun) -> NotYet:
        """A run that waits for an approval, and whose."""
        asked = self.api.approvals(run.id)
        pending = asked.value if isinstance(asked, Known) else ()
        people = [each.reviewer.login or each.reviewer.name for one in pending for each in one.reviewers]
        whose = ", ".join(dict.fromkeys(filter(None, people))) or "whoever may approve deployments"
        where = ", ".join(dict.fromkeys(one.environment.name for one in pending))
        place = f" for {where}" if where else ""
        words = f"{self._place} waits for an approval{place} by {whose}"
        return NotYet(words, where=run.html_url, do="approve it there, then type the same command again")

    # -- words --------------------------------------------------------------------------------------------

    @property
    def _place(self) -> str:
        return f"{self.workflows.publish}, run {self.run_id} ({self.kind} of {self.target})"

    @property
    def _again(self) -> str:
        number = self.run_id
        return (
            f"gh run view {number} --log-failed; mend it, then gh run rerun {number} --failed, "
            "and type the same command again"
        )

    @cached_property
    def _page(self) -> str:
        facts = self.api.facts()
        top = facts.value.html_url if isinstance(facts, Known) else self.api.repository
        return f"{top}/actions/workflows/{self.workflows.publish}"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
