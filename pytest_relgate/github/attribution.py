"""Whose a run of the publish workflow is, where its title does not say. SPEC S38, S40.

GitHub's API shows no inputs. A run that is not proved to be of another release may have published this one,
on whatever branch it was dispatched, and no publish is started beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pytest_relgate.errors import CannotJudge
from pytest_relgate.github.dispatch import names, names_a_tag
from pytest_relgate.net.facts import Known, known
from pytest_relgate.source.versions import names_a_release

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_relgate.github.answers import JobFacts, WorkflowRun
    from pytest_relgate.github.api import Api
    from pytest_relgate.profile.source import Workflows

AGAIN: Final = timedelta(days=31)
"""How long after it was made a run can be run again: 30 days, docs.github.com, "Re-running workflows"."""

_LOGS: Final = 40  # jobs of a run whose logs are read
_CORE: Final = re.compile(r"\d+\.\d+\.\d+")


@dataclass
class Attribution:
    """What tells the runs of the publish workflow apart, for the release of ``target`` at ``commit``.

    ``reaching`` are the names of the jobs that reach channels, ``named`` is the build run that somebody
    named (0 for none), ``others`` are the runs that somebody looked at and says are of other releases.
    """

    api: Api
    workflows: Workflows
    target: str
    commit: str
    reaching: tuple[str, ...] = ()
    named: int = 0
    others: frozenset[int] = frozenset()

    @cached_property
    def since(self) -> str:
        """When the first build of this release was made, RFC 3339: nothing publishes it before it is built.

        Builds of its commit count, and those for its tag at any commit: it may have moved. Raises CannotJudge
        where GitHub shows none.
        """
        workflow = self.workflows.build
        what = f"the runs of {workflow}"
        on_commit = known(self.api.runs(workflow, self.commit), what)
        built = [*on_commit, *known(self.api.runs_at(workflow, self.target), what)]
        if self.named:
            built.append(known(self.api.run(self.named), f"run {self.named}"))
        if not built:
            message = (
                f"since when {self.target} can have been published is not known: "
                f"GitHub lists no run of {workflow} for it"
            )
            raise CannotJudge(message, do="look again in a minute, lists lag")
        return min(run.created_at for run in built)

    def runs(self) -> tuple[WorkflowRun, ...]:
        """Every run of the publish workflow that can have done anything since then, newest first.

        Where the profile names no build, those that GitHub lists first.
        """
        workflow = self.workflows.publish
        what = f"the runs of {workflow}"
        if not self.workflows.build:
            return known(self.api.recent_runs(workflow), what)
        since = datetime.fromisoformat(self.since)
        made = (since - AGAIN).isoformat()
        listed = known(self.api.recent_runs(workflow, since=made), what)
        return tuple(run for run in listed if not run.updated_at or run.updated_at >= self.since)

    def may_be_ours(self, run: WorkflowRun) -> str:  # noqa: PLR0911  (one answer for each)
        """Say why nobody can tell that a run is of another release; empty where that is proved.

        ``run`` is one whose title does not say whether it rehearsed or published this release.
        """
        if run.id in self.others or is_of_another(run, self.target):
            return ""
        if run.status != "completed":
            return "it is at work"
        if (
            run.run_attempt > 1
        ):  # jobs and logs are those of the newest attempt: an earlier one may have published
            return f"it was run again, and what attempt 1 of {run.run_attempt} did is not told"
        jobs = self.api.jobs(run.id)
        if not isinstance(jobs, Known):
            return f"its jobs could not be read: {jobs.words}"
        if reached_nothing(run, jobs.value, self.reaching):
            return ""
        if names(run.display_title, self.target):
            return "names this release"
        return self._by_logs(jobs.value)

    def _by_logs(self, jobs: tuple[JobFacts, ...]) -> str:
        """Why its logs do not prove that it is another's: a publish of this version names it."""
        ran = [job for job in jobs if job.conclusion != "skipped"]
        if not ran or len(ran) > _LOGS:
            return f"GitHub shows {len(ran) or 'no'} jobs of it"
        for job in ran:
            log = self.api.job_log(job.id)
            if not isinstance(log, Known) or not log.value:
                return f"the log of its job {job.name} is not there"
            # A number is ASCII: a byte a sign keeps a long log as small as it came.
            if speaks_of(log.value.decode("latin-1"), self.target):
                return f"the log of its job {job.name} speaks of this version"
        return ""


def is_of_another(run: WorkflowRun, target: str) -> bool:
    """Whether a run says itself that it is of another release: by its title, or by the tag it ran at."""
    title = run.display_title
    if names_a_tag(title, target) and not names(title, target):
        return True
    return run.head_branch != target and names_a_release(run.head_branch or "")


def reached_nothing(run: WorkflowRun, jobs: Iterable[JobFacts], reaching: tuple[str, ...]) -> bool:
    """Whether a run never began, or every job of it that reaches a channel is there and was skipped."""
    ends = [(job.name, job.conclusion) for job in jobs]
    if not ends:
        return run.conclusion == "startup_failure"
    ran = {name for name, end in ends if end != "skipped"}  # two jobs may have one name
    skipped = {name for name, _ in ends} - ran
    return not ran or (bool(reaching) and skipped.issuperset(reaching))


def speaks_of(text: str, target: str) -> bool:
    """Whether a text has the numbers of a version in it, with whatever behind them."""
    found = _CORE.search(target)
    core = found[0] if found else target
    return re.search(rf"(?<![\d.]){re.escape(core)}(?!\d)", text) is not None
