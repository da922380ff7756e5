"""Reading GitHub's REST API: one method a fact, each Known, Absent or Unknown. Nothing is judged here.

Serial requests, obeyed limits, no token to another host: docs.github.com, "Best practices for using the
REST API".
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar
from urllib.parse import quote

import msgspec

from pytest_relgate.github.answers import (
    ArtifactFacts,
    ArtifactsPage,
    CommitFacts,
    EnvironmentsPage,
    JobFacts,
    JobsPage,
    PendingDeployment,
    Ref,
    ReleaseFacts,
    ReleaseName,
    RepositoryFacts,
    RunsPage,
    SecretsPage,
    TagObject,
    WorkflowRun,
)
from pytest_relgate.github.secrets import Levels
from pytest_relgate.net.exchange import Answer, origin_of, shown
from pytest_relgate.net.facts import Absent, Fact, Known, Unknown, is_html, json_of, text_of
from pytest_relgate.net.request import ANYWHERE, FILE, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_relgate.net.exchange import Exchange, Outcome
    from pytest_relgate.net.http import Http

P = TypeVar("P")
T = TypeVar("T")

JSON: Final = "application/vnd.github+json"
RAW: Final = "application/vnd.github.raw+json"
VERSION: Final = {"x-github-api-version": "2022-11-28"}
ARCHIVE: Final = Limits(total=300.0, size=2 << 30)
"""The limits of an artifact's archive, which holds native libraries. It is kept on disk."""

LOG: Final = Limits(size=24 << 20, whole=24 << 20)
"""The limits of a job's log, which stays as it came."""

TEXT: Final = Limits(size=2 << 20, whole=2 << 20)
"""The limits of a file that a person wrote: a manifest, a formula, a list of checksums."""

_PAGE: Final = 100  # the most that GitHub gives at once
_RELEASES: Final = 30  # a release of many assets takes a hundred kilobytes
_ROWS: Final = 1000  # filtered lists end there
_KEPT: Final = 4 << 20  # bytes of all rows of a list, as JSON
_SHA: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_CREDENTIALS: Final = (
    "see whether the credentials may read this: set GH_TOKEN, or type gh auth login; "
    "a workflow's token needs the permission in its `permissions:`"
)


class Api:
    """GitHub's API for one repository (``owner/name``); ``base`` is the API's address.

    Every fact carries its exchanges.
    """

    def __init__(self, http: Http, base: str, repository: str) -> None:
        self.http, self.base, self.repository = http, base, repository

    # -- repository and git -----------------------------------------------------------------------------

    def facts(self, *, fresh: bool = False) -> Fact[RepositoryFacts]:
        """The repository itself."""
        return self._one("", RepositoryFacts, f"the repository {self.repository}", fresh=fresh)

    def tag_commit(self, tag: str, *, fresh: bool = False) -> Fact[str]:
        """The commit of a tag, through as many annotated tags as there are."""
        what = f"the tag {tag} of {self.repository}"
        ref = self._one(f"/git/ref/tags/{_quoted(tag)}", Ref, what, fresh=fresh)
        if not isinstance(ref, Known):
            return ref
        points_at, exchanges = ref.value.object, ref.exchanges
        for _ in range(5):
            if points_at.type == "commit":
                return Known(points_at.sha, exchanges)
            if points_at.type != "tag":
                break
            inner = self._one(f"/git/tags/{_quoted(points_at.sha)}", TagObject, what)
            if not isinstance(inner, Known):
                return inner
            points_at, exchanges = inner.value.object, (*exchanges, *inner.exchanges)
        words = f"{what} points at a {points_at.type}, and a release is of a commit"
        return Unknown(words, f"look at it: git cat-file -p {tag}", exchanges, final=True)

    def branch_head(self, branch: str, *, fresh: bool = False) -> Fact[str]:
        """The commit of a branch. Files are read at it: hosts of raw files cache branches for minutes."""
        what = f"the branch {branch} of {self.repository}"
        ref = self._one(f"/git/ref/heads/{_quoted(branch)}", Ref, what, fresh=fresh)
        return Known(ref.value.object.sha, ref.exchanges) if isinstance(ref, Known) else ref

    def commit(self, sha: str) -> Fact[CommitFacts]:
        """A commit, by all of its digits. GitHub answers 422 for one that it does not have."""
        what = f"the commit {sha[:12]} of {self.repository}"
        outcome = self._ask(f"/commits/{_quoted(sha)}")
        if isinstance(outcome, Answer) and outcome.status == 422:  # noqa: PLR2004  (no commit for this SHA)
            return Absent(outcome.url, outcome.status, outcome.exchanges)
        return json_of(outcome, CommitFacts, what, credential=_CREDENTIALS)

    def contents(self, path: str, sha: str, *, fresh: bool = False) -> Fact[bytes]:
        """The bytes of a file at a commit."""
        what = f"{path} of {self.repository} at {sha[:12]}"
        place = f"/contents/{_quoted(path, safe='/')}?ref={_quoted(sha)}"
        outcome = self._ask(place, accept=RAW, limits=TEXT, fresh=fresh)
        if isinstance(outcome, Answer) and outcome.status == HTTPStatus.OK and is_html(outcome):
            words = f"{what}: expected the file, found HTML at {shown(outcome.url)}"
            return Unknown(
                words, "look again; if it stays, a proxy answers in the place of GitHub", outcome.exchanges
            )
        return text_of(outcome, what, credential=_CREDENTIALS)

    # -- releases -----------------------------------------------------------------------------------------

    def release(self, tag: str, *, fresh: bool = False) -> Fact[ReleaseFacts]:
        """The release of a tag; a draft too, where the credential may see drafts (they answer 404 by tag)."""
        what = f"the release {tag} of {self.repository}"
        found = self._one(f"/releases/tags/{_quoted(tag)}", ReleaseFacts, what, fresh=fresh)
        if not isinstance(found, Absent):
            return found
        if not self.http.knows(self.base):
            return found  # strangers see no drafts
        outcome = self._ask(f"/releases?per_page={_RELEASES}", fresh=fresh)  # drafts stand first
        listed = json_of(outcome, tuple[ReleaseFacts, ...], what, credential=_CREDENTIALS)
        if not isinstance(listed, Known):
            return listed if isinstance(listed, Unknown) else found
        named = [one for one in listed.value if one.tag_name == tag]
        exchanges = (*found.exchanges, *listed.exchanges)
        return Known(named[0], exchanges) if named else Absent(found.url, found.status, exchanges)

    def releases(self) -> Fact[tuple[ReleaseName, ...]]:
        """Every release, newest first; drafts too, where the credential may see them."""
        what = f"the releases of {self.repository}"
        return self._paged("/releases", tuple[ReleaseName, ...], what, lambda page: page, each=_RELEASES)

    def latest_release(self, *, fresh: bool = False) -> Fact[ReleaseFacts]:
        """The release that is marked as the latest, by the date of its commit or because somebody said so."""
        return self._one(
            "/releases/latest", ReleaseFacts, f"the latest release of {self.repository}", fresh=fresh
        )

    def asset_digests(
        self, url: str, algorithms: tuple[str, ...], *, largest: int, fresh: bool = False
    ) -> Outcome:
        """Read an asset's bytes by its API address, keep size and digests."""
        limits = Limits(FILE.total, largest)
        return self.http.hashed(url, algorithms=algorithms, limits=limits, follow=ANYWHERE, fresh=fresh)

    def asset_bytes(self, url: str, what: str) -> Fact[bytes]:
        """Read a small asset whole, such as a file of checksums."""
        return text_of(
            self.http.get(url, accept="application/octet-stream", limits=TEXT, follow=ANYWHERE), what
        )

    # -- runs ---------------------------------------------------------------------------------------------

    def runs(self, workflow: str, sha: str) -> Fact[tuple[WorkflowRun, ...]]:
        """Runs of a workflow file on exactly this commit, newest first.

        The filtered list is a search index that lags, so an empty one is asked for in other ways too. A
        commit that is not written out would give runs of any commit, and is refused with ValueError.
        """
        if not _SHA.fullmatch(sha):
            message = f"expected a commit of 40 hex digits, found {sha!r}"
            raise ValueError(message)
        what = f"the runs of {workflow} on {sha[:12]}"
        place = f"/actions/workflows/{_quoted(workflow)}/runs"
        exchanges: tuple[Exchange, ...] = ()
        for query in (f"{place}?head_sha={sha}", place, f"/actions/runs?head_sha={sha}"):
            first = (lambda _: True) if query == place else None
            page = self._paged(query, RunsPage, what, lambda one: one.workflow_runs, enough=first)
            if not isinstance(page, Known):
                return page
            exchanges += page.exchanges
            right = {run.id: run for run in page.value if run.head_sha == sha and run.file == workflow}
            if right:
                ordered = sorted(right.values(), key=lambda run: (run.created_at, run.id), reverse=True)
                return Known(tuple(ordered), exchanges)
        return Known((), exchanges)

    def recent_runs(self, workflow: str, *, since: str = "") -> Fact[tuple[WorkflowRun, ...]]:
        """The newest runs of a workflow file, whatever their commit, newest first.

        With ``since`` (RFC 3339) all that were made after it; the list without a filter does not lag.
        """
        place = f"/actions/workflows/{_quoted(workflow)}/runs"

        def enough(found: list[WorkflowRun]) -> bool:
            return not since or found[-1].created_at < since

        what = f"the runs of {workflow}"
        return self._paged(place, RunsPage, what, lambda one: one.workflow_runs, enough=enough)

    def runs_at(self, workflow: str, ref: str) -> Fact[tuple[WorkflowRun, ...]]:
        """Runs of a workflow file for a tag or a branch, whatever commit it was at."""
        place = f"/actions/workflows/{_quoted(workflow)}/runs?branch={_quoted(ref)}"
        page = self._paged(
            place, RunsPage, f"the runs of {workflow} for {ref}", lambda one: one.workflow_runs
        )
        if not isinstance(page, Known):
            return page
        right = tuple(run for run in page.value if run.head_branch == ref and run.file == workflow)
        return Known(right, page.exchanges)

    def run(self, number: int) -> Fact[WorkflowRun]:
        """A run whose id is known: no list is asked, and no list lags."""
        return self._one(f"/actions/runs/{number}", WorkflowRun, f"run {number}", fresh=True)

    def approvals(self, run: int) -> Fact[tuple[PendingDeployment, ...]]:
        """The environments that a run waits to be let into."""
        place = f"/actions/runs/{run}/pending_deployments"
        return self._one(place, tuple[PendingDeployment, ...], f"the approvals of run {run}")

    def jobs(self, run: int) -> Fact[tuple[JobFacts, ...]]:
        """The jobs of a run's newest attempt."""
        place = f"/actions/runs/{run}/jobs?filter=latest"
        return self._paged(place, JobsPage, f"the jobs of run {run}", lambda page: page.jobs)

    def job_log(self, job: int) -> Fact[bytes]:
        """The log of a job; 404 for one that has not completed, and for one that was cancelled."""
        outcome = self._ask(f"/actions/jobs/{job}/logs", limits=LOG, follow=ANYWHERE)
        return text_of(outcome, f"the log of job {job}", credential=_CREDENTIALS)

    def artifacts(self, run: int) -> Fact[tuple[ArtifactFacts, ...]]:
        """The artifacts of a run."""
        place = f"/actions/runs/{run}/artifacts"
        return self._paged(place, ArtifactsPage, f"the artifacts of run {run}", lambda page: page.artifacts)

    def archive(self, artifact: ArtifactFacts, into: BinaryIO | None = None) -> Fact[str]:
        """Write the zip archive of an artifact, and give its digest, ``sha256:<hex>``.

        Absent with 410 for one that has expired.
        """
        outcome = self.http.hashed(
            f"{self.base}/repos/{self.repository}/actions/artifacts/{artifact.id}/zip",
            accept=JSON,
            headers=VERSION,
            limits=ARCHIVE,
            follow=ANYWHERE,
            into=into,
        )
        fact = text_of(outcome, f"the artifact {artifact.name}", credential=_CREDENTIALS)
        if isinstance(fact, Known) and isinstance(outcome, Answer):
            return Known(f"sha256:{outcome.digests['sha256']}", fact.exchanges)
        assert not isinstance(fact, Known)  # noqa: S101  (only an answer is Known)
        return fact

    # -- secrets ------------------------------------------------------------------------------------------

    def secrets(self, environments: Iterable[str] = ()) -> Levels:
        """Names of secrets with the time of their last change, on three levels, and what could not be read.

        Repository, organisation, environment: those that there are, and those of ``environments``. A refusal,
        which GitHub spells 404 as well where a caller may not know that there is anything, says nothing about
        what is there.
        """
        shared: dict[str, str] = {}
        unread: dict[str, Unknown] = {}
        for number, place in enumerate(("/actions/secrets", "/actions/organization-secrets")):
            found = self._secrets_at(place, hidden=number == 0)
            if isinstance(found, Unknown):
                unread.setdefault("", found)
            else:
                shared = {**found, **shared}
        listed = self._paged(
            "/environments", EnvironmentsPage, "the environments", lambda one: one.environments
        )
        known = [one.name for one in listed.value] if isinstance(listed, Known) else []
        inside: dict[str, dict[str, str]] = {}
        for name in dict.fromkeys((*known, *environments)):
            found = self._secrets_at(f"/environments/{_quoted(name)}/secrets", hidden=False)
            if isinstance(found, Unknown):
                unread[name] = found
            else:
                inside[name] = found
        if isinstance(listed, Unknown) and not environments:
            unread.setdefault("", listed)
        return Levels(shared, inside, unread)

    def _secrets_at(self, place: str, *, hidden: bool) -> dict[str, str] | Unknown:
        """The secrets of one level. ``hidden`` is whether a 404 is a refusal, and no missing level."""
        what = f"the secrets at {place.strip('/')}"
        match self._paged(place, SecretsPage, what, lambda one: one.secrets):
            case Known(value=secrets):
                return {one.name.upper(): one.updated_at for one in secrets}
            case Absent() as absent if hidden:
                return Unknown(f"{what}: {absent.words}", _CREDENTIALS, absent.exchanges, final=True)
            case Absent():
                return {}  # a person has no organisation; an environment comes with its first run
            case Unknown() as unknown:
                return unknown

    # -- asking -------------------------------------------------------------------------------------------

    def _ask(self, path: str, *, accept: str = JSON, **more: Any) -> Outcome:
        url = f"{self.base}/repos/{self.repository}{path}"
        # A renamed repository redirects within the API; its asset and log addresses lead elsewhere.
        more.setdefault("follow", frozenset({origin_of(self.base)}))
        return self.http.get(url, accept=accept, headers=VERSION, **more)

    def _one(self, path: str, kind: type[T], what: str, *, fresh: bool = False) -> Fact[T]:
        return json_of(self._ask(path, fresh=fresh), kind, what, credential=_CREDENTIALS, each=b"{")

    def _paged(
        self,
        path: str,
        kind: type[P],
        what: str,
        rows: Callable[[P], tuple[T, ...]],
        *,
        enough: Callable[[list[T]], bool] | None = None,
        each: int = _PAGE,
    ) -> Fact[tuple[T, ...]]:
        """Every row of a list, ``each`` of them a page, until it is ``enough``.

        A list that goes on after what GitHub shows is Unknown, and so is a page of more than was asked for.
        """
        found: list[T] = []
        exchanges: tuple[Exchange, ...] = ()
        sign, kept, pages = "&" if "?" in path else "?", 0, -(-_ROWS // each)
        for number in range(1, pages + 1):
            page = self._one(f"{path}{sign}per_page={each}&page={number}", kind, what)
            if not isinstance(page, Known):
                return page
            exchanges += page.exchanges
            some = rows(page.value)
            kept += len(msgspec.json.encode(some))
            if len(some) > each or kept > _KEPT:
                words = (
                    f"{what}: {each} rows a page were asked for, and {len(some)} came, {kept} bytes in all"
                )
                return Unknown(words, "see what answers there", exchanges, final=True)
            found += some
            if len(some) < each or (enough is not None and enough(found)):
                return Known(tuple(found), exchanges)
        words = f"{what}: there are more than {each * pages}, and GitHub shows no more"
        return Unknown(words, "narrow it down by hand", exchanges, final=True)


def _quoted(text: str, safe: str = "") -> str:
    return quote(text, safe=safe)
