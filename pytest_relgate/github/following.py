"""A run of the publish workflow, followed to its end: what its jobs do, and whose word it waits for.

SPEC S38, S44, S45.
"""

from __future__ import annotations

import re
import time
from functools import cached_property
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.github.starting import PAUSES, StartedRun
from pytest_relgate.github.triage import GOOD, RunRecord, shown
from pytest_relgate.model import Phase
from pytest_relgate.net.facts import Known

if TYPE_CHECKING:
    from pytest_relgate.github.answers import JobFacts, WorkflowRun
    from pytest_relgate.github.triage import FailedJob

_PAUSE: Final = 15.0
_PATIENCE: Final = 6 * 3600.0  # seconds; GitHub ends a job then
_NAMED: Final = 4  # jobs in one line
_SHOWN: Final = 3  # lines of a log that are said at once
_WIDTH: Final = 160
_FOLDS: Final = re.compile(r"##\[(end)?group\]")


class FollowedRun(StartedRun):
    """A run that was started, or adopted, and is followed."""

    _looks = 0

    # -- following ----------------------------------------------------------------------------------------

    @cached_property
    def _ended(self) -> tuple[WorkflowRun, tuple[JobFacts, ...]]:
        """The run and its jobs, once it has ended, and well in every job.

        Each job that failed is read when it has failed, and the run is followed on: to its own end, to an
        approval that it waits for, or as long as patience lasts. Then all that failed is one Finding.
        """
        number = self.run_id
        ends, told = time.monotonic() + _PATIENCE, dict[str, str]()
        failed: dict[int, FailedJob] = {}
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
                self._read_failures(run, jobs, failed)
                waits = None if run.status == "completed" else self._waits(run, jobs)
                if waits is not None or run.status == "completed" or time.monotonic() > ends:
                    break
                self.means.sleep(pause)
        if failed:
            raise self._failures(run, jobs, tuple(failed.values()), waits)
        if run.status == "completed":
            self._keep(run, jobs)
            return run, jobs
        words = f"{self._place} is still {(run.status or 'unknown').replace('_', ' ')}"
        do = "type the same command again: it goes on with this run"
        raise waits or NotYet(words, where=run.html_url, do=do)

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
        """Say what jobs do, each once; ``told`` remembers it. Of one that failed, where to look."""
        for job in jobs:
            does = (job.conclusion or job.status).replace("_", " ")
            if does != "queued" and told.get(job.name) != does:
                told[job.name] = does
                where = "" if job.conclusion in (None, *GOOD) else f"  {job.html_url or ''}"
                self.means.say(shown(f"{job.name}: {does}{where}".rstrip()))

    def _read_failures(
        self, run: WorkflowRun, jobs: tuple[JobFacts, ...], failed: dict[int, FailedJob]
    ) -> None:
        """Read the jobs that failed since the last look into ``failed``, say what they say, keep it (S44).

        A log that was not there when its job had ended is looked for once more at the end of the run.
        """
        red = [job for job in jobs if job.conclusion not in (None, *GOOD)]
        last = run.status == "completed"
        new = [job for job in red if job.id not in failed or (last and not failed[job.id].read)]
        means = self.means
        for job in new:
            read = means.triage.read(
                self.api, [job], keep=means.keep, say=means.say, again=self._again, before=len(failed)
            )
            failed |= {one.id: one for one in read}
            for line in [line for one in read for line in one.excerpt if not _FOLDS.match(line)][-_SHOWN:]:
                means.say(f"  {line[:_WIDTH]}")
        if new:
            self._keep(run, jobs, tuple(failed.values()))

    def _failures(
        self,
        run: WorkflowRun,
        jobs: tuple[JobFacts, ...],
        failed: tuple[FailedJob, ...],
        waits: NotYet | None,
    ) -> Finding:
        """Everything that failed of a run, and how far it had come."""
        names = ", ".join(f"{job.name} ({job.conclusion})" for job in failed[:_NAMED])
        more = f", and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        done = [job.name for job in jobs if job.name in self.reaching and job.conclusion == "success"]
        after = f"; reached before: {', '.join(done)}" if done and self.phase is Phase.PUBLISH else ""
        signals = dict.fromkeys(signal.says for job in failed for signal in job.signals)
        says = f"; the logs say: {', '.join(list(signals)[:_NAMED])}" if signals else ""
        goes_on = "" if run.status == "completed" else f"; the run is {(run.status or '').replace('_', ' ')}"
        if waits is not None:
            goes_on = f"; {waits}"
        words = f"{self._place}: failed jobs: {names}{more}{after}{says}{goes_on}"
        do = next((job.remedy for job in failed if job.remedy), self._again)
        return Finding(words, where=failed[0].url or run.html_url, do=do)

    def _keep(self, run: WorkflowRun, jobs: tuple[JobFacts, ...], failed: tuple[FailedJob, ...] = ()) -> None:
        """Put the run and its jobs, with their addresses, into the evidence (SPEC S45)."""
        channels = dict(self.means.triage.channels)
        record = RunRecord(self.kind, self.target, run, jobs, failed, channels, self._again)
        raw = msgspec.json.encode(record, order="deterministic")
        self.means.keep(f"run-{run.id}.json", msgspec.json.format(raw, indent=1))

    def _waits(self, run: WorkflowRun, jobs: tuple[JobFacts, ...]) -> NotYet | None:
        """A run that waits for an approval, and whose; None for one of which something is at work."""
        held = run.status == "waiting" or any(job.status == "waiting" for job in jobs)
        if not held or any(job.status == "in_progress" for job in jobs):
            return None
        asked = self.api.approvals(run.id)
        pending = asked.value if isinstance(asked, Known) else ()
        if run.status != "waiting" and not pending:
            return None
        people = [each.reviewer.login or each.reviewer.name for one in pending for each in one.reviewers]
        whose = ", ".join(dict.fromkeys(filter(None, people))) or "whoever may approve deployments"
        where = ", ".join(dict.fromkeys(one.environment.name for one in pending))
        place = f" for {where}" if where else ""
        words = f"{self._place} waits for an approval{place} by {whose}"
        return NotYet(words, where=run.html_url, do="approve it there, then type the same command again")
