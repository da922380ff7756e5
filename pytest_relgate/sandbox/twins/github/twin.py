"""GitHub's REST API for one project and its tap, answered from the store and from git."""

from __future__ import annotations

import base64
import binascii
import itertools
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.sandbox.twins.answers import tagged
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.sandbox.twins.github import (
    artifacts,
    assets,
    attestations,
    checks,
    commits,
    contents,
    git_data,
    graphql,
    issues,
    jobs,
    releases,
    root,
    runs,
    secrets,
    web,
    workflows,
)
from pytest_relgate.sandbox.twins.github.call import Behind, Call, Caller, Problem, Route, not_found
from pytest_relgate.sandbox.twins.github.git_facts import is_repository
from pytest_relgate.sandbox.twins.github.pages import answer_json
from pytest_relgate.sandbox.twins.github.rates import LIMITS, Rates
from pytest_relgate.sandbox.twins.github.router import Router, check_access
from pytest_relgate.sandbox.twins.github.shapes import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.twins.exchange import Request
    from pytest_relgate.sandbox.world import Run, World

    Found = tuple[Route, dict[str, str]]

VERSIONS: Final = ("2022-11-28",)
"""Versions of the API that the twin speaks: clients that name another get 400."""

_ROOMS: Final = (
    root,
    releases,
    assets,
    git_data,
    commits,
    contents,
    checks,
    workflows,
    runs,
    jobs,
    artifacts,
    secrets,
    attestations,
    graphql,
    issues,
    web,
)
_SERVER_API: Final = "/api/v3"
"""Where a server other than github.com has its API; a client that is given a host asks there."""

_USERS: Final = ("ghp_", "gho_", "ghu_", "github_pat_", "sandbox-token")
_RUNS: Final = "ghs_"
_DOCS: Final = "https://docs.github.com/rest"


class GitHubTwin:
    """The API and the pages for downloads, below one address.

    Git facts come from ``repository`` and ``tap``, everything else from the store. ``objects_url`` gives
    the address of the storage host, ``dispatched`` is told of a run that was queued, also of one that is
    to run again (its ``attempt`` is above 1 then; jobs that it keeps are in it). A token that starts like
    a person's (``ghp_``, ``github_pat_``, ...) is one, ``ghs_`` is a run's own, any other is bad.
    """

    def __init__(
        self,
        store: Store,
        repository: Path,
        tap: Path,
        objects_url: Callable[[], str],
        dispatched: Callable[[Run], None],
        *,
        limits: Mapping[Caller, int] = LIMITS,
    ) -> None:
        self._behind = Behind(store, repository, tap, objects_url, dispatched)
        self._rates = Rates(limits)
        self._router = Router(route for room in _ROOMS for route in room.ROUTES)
        self._numbers = itertools.count(1)

    @property
    def name(self) -> str:
        """``github``."""
        return "github"

    def answer(self, request: Request) -> Answer:
        """Answer one request to the API or to the pages."""
        prefix = _SERVER_API if request.path.startswith(f"{_SERVER_API}/") else ""
        path = request.path.removeprefix(prefix)
        if path.startswith("/api/"):  # /api/graphql and /api/uploads of such a server
            prefix, path = _SERVER_API, "/" + path.removeprefix("/api/").removeprefix("uploads/")
        found = self._router.find(request.method, self._named(path))
        if found is not None and found[0] in web.ROUTES:
            return self._page(request, found)
        token = _token(request)
        key, caller, docs = token or "anonymous", Caller.ANONYMOUS, ""
        try:
            caller = _caller(token)
            docs = found[0].docs if found else ""
            _check_request(request)
            if path == "/rate_limit":
                return self._finish(request, self._rate_limit(key, caller), key, caller)
            if path != "/graphql":  # which has an allowance of its own
                self._rates.spend(key, caller)
            if found is None:
                raise not_found()
            check_access(found[0], caller)
            answer = found[0].handler(self._call(request, found, prefix, caller))
        except Problem as problem:
            answer = _refusal(problem, docs)
        return self._finish(request, answer, key, caller)

    def _page(self, request: Request, found: Found) -> Answer:
        """Answer as the browser's host does, which asks for no token and counts nothing."""
        try:
            return found[0].handler(self._call(request, found, "", Caller.ANONYMOUS))
        except Problem as problem:
            return Answer(problem.status, b"Not Found", {"content-type": "text/plain; charset=utf-8"})

    def _call(self, request: Request, found: Found, prefix: str, caller: Caller) -> Call:
        route, at = found
        world = self._behind.store.read()
        slug, folder = "", None
        if "repo" in at:
            slug, folder = self._repository(world, f"{at['owner']}/{at['repo']}".removesuffix(".git"))
            if slug == world.tap:
                world = msgspec.structs.replace(
                    world, releases=(), runs=(), secrets=(), environments=(), attestations=(), issues=()
                )
        return Call(
            request=request,
            api=request.base + prefix,
            web=request.base,
            caller=caller,
            world=world,
            behind=self._behind,
            at=at,
            docs=route.docs,
            slug=slug,
            folder=folder,
        )

    def _repository(self, world: World, asked: str) -> tuple[str, Path]:
        """Return the name as it is written and the folder of a repository, found without regard to case."""
        known = {
            world.repository.lower(): (world.repository, self._behind.repository),
            world.tap.lower(): (world.tap, self._behind.tap),
        }
        found = known.get(asked.lower())
        if found is None or not is_repository(found[1]):
            raise not_found()
        return found

    def _named(self, path: str) -> str:
        """Write a repository that is named by its number, as links to other pages do, by its name."""
        head, _, rest = path.removeprefix("/repositories/").partition("/")
        if path.startswith("/repositories/") and head.isdigit():
            world = self._behind.store.read()
            for slug in (world.repository, world.tap):
                if str(number_of(slug)) == head:
                    return f"/repos/{slug}/{rest}"
        return path

    def _rate_limit(self, key: str, caller: Caller) -> Answer:
        core = self._rates.state(key, caller)
        search = {"limit": 10, "used": 0, "remaining": 10, "reset": core["reset"]}
        return answer_json({"resources": {"core": core, "search": search}, "rate": core})

    def _finish(self, request: Request, answer: Answer, key: str, caller: Caller) -> Answer:
        """Give an answer the headers that every answer of the API has."""
        if request.method in ("GET", "HEAD"):
            answer = tagged(request, answer, weak=True)
            if answer.status == HTTPStatus.NOT_MODIFIED and caller is not Caller.ANONYMOUS:
                self._rates.refund(key)
        number = next(self._numbers)
        shared = "public" if caller is Caller.ANONYMOUS else "private"
        headers = {
            "x-github-request-id": f"5A4D:{number:06X}:{number * 7919:08X}",
            "x-github-media-type": "github.v3; format=json",
            "x-github-api-version-selected": VERSIONS[0],
            "cache-control": f"{shared}, max-age=60, s-maxage=60",
            "vary": "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With",
            **self._rates.headers(key, caller),
            **answer.headers,
        }
        if caller is Caller.USER:
            headers["x-oauth-scopes"] = "admin:org, repo, workflow"
        if request.method == "HEAD":
            return replace(answer, body=b"", headers=headers)
        return replace(answer, headers=headers)


def _token(request: Request) -> str:
    """Return the token, however the client spells it; empty without one."""
    scheme, _, rest = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return rest
        return password or user
    return rest.strip() or scheme


def _caller(token: str) -> Caller:
    if not token:
        return Caller.ANONYMOUS
    if token.startswith(_USERS):
        return Caller.USER
    if token.startswith(_RUNS):
        return Caller.WORKFLOW
    raise Problem(HTTPStatus.UNAUTHORIZED, "Bad credentials")


def _check_request(request: Request) -> None:
    """Raise Problem for what GitHub refuses whatever is asked for."""
    if not request.headers.get("user-agent"):
        words = (
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
        )
        raise Problem(HTTPStatus.FORBIDDEN, words)
    version = request.headers.get("x-github-api-version", VERSIONS[0])
    if version not in VERSIONS:
        message = (
            f'"{version}" is not a supported version. The following versions are supported: {VERSIONS[0]}'
        )
        raise Problem(HTTPStatus.BAD_REQUEST, message)


def _refusal(problem: Problem, docs: str) -> Answer:
    """Answer with an error, as GitHub words it: what is wrong, and where the operation is described."""
    document: dict[str, object] = {"message": problem.message}
    if problem.errors:
        document["errors"] = problem.errors
    document["documentation_url"] = f"{_DOCS}/{problem.docs or docs}".removesuffix("/")
    document["status"] = str(problem.status)
    return answer_json(document, problem.status)
