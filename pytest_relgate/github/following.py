"""A run of the publish workflow, followed to its end: what its jobs do, and whose word it waits for.

SPEC S38, S44, S45.
"""

from __future__ import annotations

import time
from functools import cached_property
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.github.starting import PAUSES, StartedRun
from pytest_relgate.github.triage import GOOD, RunRecord
from pytest_relgate.model import Phase
from pytest_relgate.net.facts import Known

if TYPE_CHECKING:
    from pytest_relgate.github.answers import JobFacts, WorkflowRun
    from pytest_relgate.github.triage import FailedJob

_PAUSE: Final = 15.0
_PATIENCE: Final = 6 * 3600.0  # seconds; GitHub ends a job then


class FollowedRun(StartedRun):
    """A run that was started, or adopted, and is followed."""

    _looks = 0

    # -- following ----------------------------------------------------------------------------------------

    @cached_property
    def _ended(self) -> tuple[WorkflowRun, tuple[JobFacts, ...]]:
        """The run and its jobs, once it has ended. Failed jobs are named while others are still at work."""
        number = self.run_id
        ends, told = time.monotonic() + _PATIENCE, dict[str, str]()
        with self.means.waiting():
            for pause in chain(PAUSES, repeat(_PAUSE)):
                run = self.read(lambda: self.api.run(number), f"run {number}")
                jobs = self.read(lambda: self.api.jobs(number), f"the jobs of run {number}")
                if self._is_behind(run):
                    self.means.sleep(pause)
                    continue
                if run.file != self.workflows.publish:
                    words = f"run {number} is one of {run.file}, not of {self.workflows.publish}"
                    raise Finding(words, where=run.html_url, do=f"look at {self.file.path}")
                self.is_this(run)
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

    def _is_behind(self, run: WorkflowRun) -> bool:
        """Whether GitHub still shows the attempt before the one that was asked for.

        Raises CannotJudge where it goes on to.
        """
        intent = self.file.read()
        if intent is None or run.run_attempt >= intent.attempt:
            return False
        self._looks += 1
        if self._looks > len(self.means.looks):
            words = (
                f"attempt {intent.attempt} of run {run.id} was asked for, and GitHub shows {run.run_attempt}"
            )
            raise CannotJudge(words, where=run.html_url, do="see whether it runs, then type it again")
        return True

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
