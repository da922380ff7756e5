"""Faults of what GitHub says before a release: that it answers, knows the credentials, commit and tag."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_relgate.model import Phase, State
from pytest_relgate.sandbox.faults.fault import Fault
from pytest_relgate.sandbox.twins.exchange import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable

_JSON = {"content-type": "application/json; charset=utf-8"}


@dataclass(frozen=True)
class OfGitHub:
    """Answers the requests to GitHub whose path matches, and leaves the rest to the twin."""

    path: str
    status: int
    body: Callable[[Request], object]

    def __call__(self, twin: str, request: Request, ask: Callable[[Request], Answer]) -> Answer:
        """Answer."""
        if twin != "github" or not re.search(self.path, request.path):
            return ask(request)
        return Answer(self.status, json.dumps(self.body(request)).encode(), _JSON)


def _says(message: str) -> Callable[[Request], object]:
    return lambda _: {"message": message, "documentation_url": "https://docs.github.com/rest"}


def _elsewhere(request: Request) -> object:
    name = request.path.rpartition("/")[2]
    there = {"sha": "5" * 40, "type": "commit", "url": f"{request.base}/commits/{'5' * 40}"}
    return {
        "ref": f"refs/tags/{name}",
        "node_id": "R",
        "url": f"{request.base}{request.path}",
        "object": there,
    }


FAULTS = (
    Fault(
        "github-down",
        "GitHub answers that it has trouble",
        Phase.PRERELEASE,
        r"answered 503",
        State.ERRORED,
        network=OfGitHub("", 503, _says("No server is currently available")),
    ),
    Fault(
        "credentials-revoked",
        "GitHub does not take the credentials any more",
        Phase.PRERELEASE,
        r"answered 401: access was refused",
        State.ERRORED,
        network=OfGitHub("", 401, _says("Bad credentials")),
    ),
    Fault(
        "commit-not-pushed",
        "the commit under release is not on GitHub",
        Phase.PRERELEASE,
        r"the commit [0-9a-f]{12} is not on GitHub",
        network=OfGitHub(r"/commits/[0-9a-f]{40}$", 422, _says("No commit found for SHA")),
    ),
    Fault(
        "tag-taken",
        "the target's tag is on GitHub already, at another commit",
        Phase.PRERELEASE,
        r"v[0-9.]+ is taken on GitHub",
        network=OfGitHub(r"/git/ref/tags/", 200, _elsewhere),
    ),
)
