"""What a gate can say of the project on GitHub. Each statement is true, or says why not.

A statement that does not hold raises Finding, one that waits for the world NotYet, one that nobody can
judge CannotJudge: each in one line, with the place and what to do.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.github.build import Build
from pytest_relgate.github.publication import Publication
from pytest_relgate.github.secrets import Judged, Shown, judge_secrets
from pytest_relgate.model import Phase
from pytest_relgate.net.credentials import DO, why_none
from pytest_relgate.net.facts import Absent, Known, Unknown, known

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_relgate.github.access import Access
    from pytest_relgate.github.answers import RepositoryFacts, WorkflowRun
    from pytest_relgate.github.api import Api
    from pytest_relgate.github.means import Means
    from pytest_relgate.profile.source import Workflows

SECRET_FLAG: Final = "RELGATE_HAS_"  # noqa: S105  (how a flag is named, no secret)
"""A workflow may set ``RELGATE_HAS_NPM_TOKEN: ${{ secrets.NPM_TOKEN != '' }}``: its token cannot list."""

UNAUTHORIZED: Final = 401

_SKIPS: Final = re.compile(
    r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]|^skip-checks:\s*true", re.MULTILINE
)
# Runs of these events are on the commit itself; one of a pull request is on a merge that is no commit of it.
_OF_THE_COMMIT: Final = ("push", "merge_group", "workflow_dispatch")
_BY_CHANCE: Final = ("schedule", "repository_dispatch")  # on whatever commit the branch happened to be at


class GitHub:
    """The project on GitHub, as read through ``api``.

    ``workflows`` are the profile's; ``target`` is a tag, ``version`` it without its v, ``commit`` what is
    under release. ``environ`` may hold flags that say which secrets are there. ``means`` are what it takes
    to start a run, ``reaching`` the names of the jobs that reach the channels, ``access`` the hosts, the
    tokens, and what is needed of secrets.
    """

    def __init__(
        self,
        api: Api,
        workflows: Workflows,
        *,
        target: str,
        commit: str,
        environ: Mapping[str, str],
        means: Means | None = None,
        reaching: Iterable[str] = (),
        access: Access | None = None,
    ) -> None:
        self.api, self.workflows = api, workflows
        self.target, self.commit = target, commit
        self._environ = environ
        self._means, self._reaching = means, tuple(reaching)
        self._access = access

    @cached_property
    def repository(self) -> RepositoryFacts:
        """The repository. Raises CannotJudge where GitHub does not answer or does not show it."""
        return known(self.api.facts(), f"the repository {self.api.repository}")

    def answers(self) -> Literal[True]:
        """GitHub answers, and the repository is the one that the profile names (SPEC S6)."""
        found = self.repository
        if found.full_name.lower() != self.api.repository.lower():
            words = f"the repository {self.api.repository} is called {found.full_name} by now"
            raise Finding(words, where=found.html_url, do="name it so in relgate.toml")
        if found.archived:
            words = f"the repository {found.full_name} is archived, and nothing can be released from it"
            raise Finding(words, where=found.html_url, do="unarchive it")
        return True

    def takes_the_credentials(self) -> Literal[True]:
        """There are credentials, and GitHub knows them (SPEC S6)."""
        if not self.api.http.knows(self.api.base):
            raise CannotJudge(why_none(self._environ), do=DO)
        match self.api.facts():
            case Unknown(exchanges=exchanges, words=said) if (
                exchanges and exchanges[-1].status == UNAUTHORIZED
            ):
                words = f"GitHub refuses the credentials: {said}"
                raise CannotJudge(words, do="type gh auth login again, or set another GH_TOKEN")
            case Unknown() as unknown:
                words = f"whether GitHub takes the credentials is unknown: {unknown.words}"
                raise CannotJudge(words, do=unknown.do)
            case _:
                pass
        if self.repository.permissions is None:
            words = "GitHub answered as it answers strangers: it does not know the credentials"
            raise CannotJudge(words, do="type gh auth login again, or set another GH_TOKEN")
        return True

    # -- the commit and the tag ---------------------------------------------------------------------------

    def has_the_commit(self) -> Literal[True]:
        """The commit under release is on GitHub (SPEC S34)."""
        match self.api.commit(self.commit):
            case Known():
                return True
            case Absent() as absent:
                words = f"the commit {self.commit[:12]} is not on GitHub: {absent.words}"
                raise Finding(words, do="push it: git push origin HEAD")
            case Unknown() as unknown:
                raise unknown.error()

    def tag(self, name: str) -> str | None:
        """The commit of a tag on GitHub, None where there is no such tag."""
        match self.api.tag_commit(name):
            case Known(value=commit):
                return commit
            case Absent():
                return None
            case Unknown() as unknown:
                raise unknown.error()

    def tag_is_free_or_ours(self) -> Literal[True]:
        """The target's tag is not there yet, or is at the commit under release (SPEC S34, B9)."""
        commit = self.tag(self.target)
        if commit is not None and commit != self.commit:
            words = (
                f"{self.target} is taken on GitHub: it is at {commit[:12]}, the release at {self.commit[:12]}"
            )
            do = "a published tag never moves: release under the next version"
            raise Finding(words, where=self._page(f"tree/{self.target}"), do=do)
        plain = self.target.removeprefix("v") if self.target[:1] == "v" else f"v{self.target}"
        other = self.tag(plain)
        if other is not None and other != self.commit:
            words = (
                f"the tag {plain} means the same version and is at {other[:12]}, "
                f"the release at {self.commit[:12]}"
            )
            do = f"take away the one that is wrong: git push origin :refs/tags/{plain}"
            raise Finding(words, where=self._page(f"tree/{plain}"), do=do)
        return True

    def has_the_tag(self) -> Literal[True]:
        """The target's tag is on GitHub, at the commit under release (SPEC S34, S35)."""
        if self.tag(self.target) is None:
            words = f"the tag {self.target} is not on GitHub yet"
            do = f"push it: git tag {self.target} {self.commit[:12]} && git push origin {self.target}"
            raise NotYet(words, do=do)
        return self.tag_is_free_or_ours()

    # -- CI -----------------------------------------------------------------------------------------------

    def is_green(self) -> Literal[True]:
        """Every workflow that the profile names as CI is green on exactly the commit under release (B9)."""
        if not self.workflows.ci:
            message = "the profile names no workflow under workflows.ci, so nothing says what must be green"
            raise CannotJudge(message, do='add workflows.ci = ["ci.yml"] to relgate.toml')
        for workflow in self.workflows.ci:
            self._is_green(workflow)
        return True

    def _is_green(self, workflow: str) -> None:
        runs = known(self.api.runs(workflow, self.commit), f"the runs of {workflow}")
        mine = _that_decide(runs)
        if not mine:
            raise self._no_run(workflow)
        for run in mine:
            self._judge_run(workflow, run)
            self._judge_jobs(workflow, run)

    def _judge_jobs(self, workflow: str, run: WorkflowRun) -> None:
        jobs = known(self.api.jobs(run.id), f"the jobs of {workflow}")
        red = [job for job in jobs if job.conclusion not in ("success", "skipped", "neutral")]
        if not jobs or all(job.conclusion != "success" for job in jobs):
            words = f"{workflow} ended green on {self.commit[:12]}, and no job of it succeeded"
            raise Finding(words, where=run.html_url, do="mend the conditions of its jobs")
        if red:  # a job that may fail lets its run end green, and is shown by GitHub as it is
            names = ", ".join(f"{job.name} ({job.conclusion})" for job in red[:3])
            words = f"{workflow} ended green on {self.commit[:12]} although not all of its jobs did: {names}"
            raise Finding(words, where=run.html_url, do="mend them, or take continue-on-error away")

    def _judge_run(self, workflow: str, run: WorkflowRun) -> None:
        place = f"{workflow} on {self.commit[:12]}"
        again = "look again when it has ended"
        if run.status == "waiting":
            do = "whoever may approve deployments approves it there"
            words = f"{place} waits for an approval"
            raise NotYet(words, where=run.html_url, do=do)
        if run.status != "completed":
            words = f"{place} is {_said(run.status)}"
            raise NotYet(words, where=run.html_url, do=again)
        if run.conclusion is None:
            words = f"{place} has ended without a conclusion"
            raise CannotJudge(words, where=run.html_url, do=again)
        if run.conclusion != "success":
            words = f"{place} ended as {_said(run.conclusion)}, not as success"
            raise Finding(words, where=run.html_url, do="mend it, push, and release the new commit")

    def _no_run(self, workflow: str) -> Exception:
        """Why there is no run: the commit wants none, it is not there, or the list lags."""
        match self.api.commit(self.commit):
            case Unknown() as unknown:
                return unknown.error()
            case Absent():
                words = f"{workflow} has no run on {self.commit[:12]}: the commit is not on GitHub"
                return Finding(words, do="push it: git push origin HEAD")
            case Known(value=commit) if skip := _SKIPS.search(commit.commit.message):
                words = f"{workflow} has no run on {self.commit[:12]}: its message says {skip[0]}"
                return Finding(
                    words, where=self._page(f"commit/{self.commit}"), do="run CI on a commit without"
                )
            case _:
                words = f"{workflow} has no run on {self.commit[:12]} that GitHub lists"
                do = (
                    f"look again in a minute, lists lag; else run it: gh workflow run {workflow} --ref BRANCH"
                )
                return NotYet(words, where=self._page(f"actions/workflows/{workflow}"), do=do)

    # -- secrets ------------------------------------------------------------------------------------------

    def has_secrets(self, names: Iterable[str]) -> Literal[True]:
        """The secrets are there for the jobs that read them, none older than its token lives (SPEC S9, S14).

        Shown by the repository, its organisation or the environment that a job names; by a flag in the
        environment of this run; or by the preflight of a rehearsal on this commit. Where a level may not be
        read and nothing else shows a secret, nobody can say: CannotJudge.
        """
        wanted = dict.fromkeys(names)
        if not wanted:
            message = "the profile names no secrets, so nothing says which must be there"
            raise CannotJudge(message, do='add secrets.required = ["NPM_TOKEN"] to relgate.toml')
        told = {name: self._environ.get(f"{SECRET_FLAG}{name}", "").strip().lower() for name in wanted}
        judged = [Judged(name, Shown.MISSING) for name in wanted if told[name] == "false"]
        asked = [name for name in wanted if told[name] not in ("true", "false")]
        if asked:
            access = self._access
            uses = access.uses() if access else None
            judged += judge_secrets(asked, self.api, uses, access.days if access else {}, self._preflights)
        for shown in (Shown.MISSING, Shown.OLD):
            found = [one for one in judged if one.shown is shown]
            if found:
                words = f"{shown}: {', '.join(map(str, found))}"
                new = " with a new token" if shown is Shown.OLD else ""
                do = f"gh secret set {found[0].name} --repo {self.api.repository}{new}"
                raise Finding(words, where=self._page("settings/secrets/actions"), do=do)
        unknown = [one for one in judged if one.shown is Shown.UNKNOWN]
        if unknown:
            shown_names = ", ".join(one.name for one in unknown)
            words = f"whether {shown_names} is there is unknown: {unknown[0].words}"
            do = f"let somebody who administers the repository look, or set {SECRET_FLAG}{unknown[0].name}"
            raise CannotJudge(words, do=f"{do} in the workflow that runs this")
        return True

    def _preflights(self) -> frozenset[str]:
        """The jobs that succeeded in the newest run of the publish workflow on this commit."""
        runs = self.api.runs(self.workflows.publish, self.commit)
        newest = runs.value[:1] if isinstance(runs, Known) else ()
        jobs = self.api.jobs(newest[0].id) if newest else None
        ended = jobs.value if isinstance(jobs, Known) else ()
        return frozenset(job.name for job in ended if job.conclusion == "success")

    @property
    def access(self) -> Access:
        """The hosts that a release needs, and the tokens that are at hand."""
        if self._access is None:
            message = "nothing is known of the hosts and tokens here: there is no release run"
            raise CannotJudge(message, do="type pytest -m PHASE --release-target TAG")
        return self._access

    # -- the build ----------------------------------------------------------------------------------------

    @cached_property
    def build(self) -> Build:
        """The run that built the release, and what it uploaded."""
        return Build(
            self.api,
            self.workflows,
            target=self.target,
            commit=self.commit,
            means=self._means,
            given=self._means.build_run if self._means is not None else 0,
        )

    # -- rehearsal and publish ----------------------------------------------------------------------------

    @cached_property
    def rehearsal(self) -> Publication:
        """The run of the publish workflow that publishes nothing."""
        return self._publication(Phase.REHEARSAL)

    @cached_property
    def publication(self) -> Publication:
        """The run of the publish workflow that publishes the release."""
        return self._publication(Phase.PUBLISH)

    def _publication(self, phase: Phase) -> Publication:
        if self._means is None:
            message = "nothing is started from here: there is no release run"
            raise CannotJudge(message, do="type pytest -m PHASE --release-target TAG")
        return Publication(
            self.api,
            self.workflows,
            self._means,
            phase=phase,
            target=self.target,
            commit=self.commit,
            reaching=self._reaching,
        )

    def _page(self, path: str) -> str:
        return f"{self.repository.html_url}/{path}"


def _that_decide(runs: Iterable[WorkflowRun]) -> list[WorkflowRun]:
    """The newest run of each event, of ``runs`` newest first; those that have ended come first.

    A later run by schedule hides no push, and one that was cancelled beside another says nothing.
    """
    mine = [run for run in runs if run.event in _OF_THE_COMMIT + _BY_CHANCE]
    mine = [run for run in mine if run.event in _OF_THE_COMMIT] or mine
    mine = [run for run in mine if run.conclusion != "cancelled"] or mine
    newest: dict[str, WorkflowRun] = {}
    for run in mine:
        newest.setdefault(run.event, run)
    return sorted(newest.values(), key=lambda run: run.status != "completed")


def _said(word: str | None) -> str:
    return (word or "unknown").replace("_", " ")
