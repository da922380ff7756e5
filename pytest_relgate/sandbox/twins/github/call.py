"""What a handler of the GitHub twin is given, what it may refuse with, and how a route is declared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.twins.exchange import Answer, Request
    from pytest_relgate.sandbox.world import Run, World


class Caller(StrEnum):
    """Who asks, told by the kind of the token."""

    ANONYMOUS = "anonymous"
    USER = "user"
    """A person's token with the scopes repo, workflow and admin:org: reads, writes and sees drafts."""
    WORKFLOW = "workflow"
    """A run's own token (``ghs_...``): actions may be written; contents, secrets and drafts are closed."""


class Access(StrEnum):
    """What a route asks of its caller."""

    PUBLIC = "public"
    TOKEN = "token"  # noqa: S105  (a kind of access)
    LOGS = "logs"
    """Logs of a public repository are for those who are signed in; the refusal has words of its own."""
    CONTENTS = "contents"
    """Writing releases: not with a run's own token, which reads contents here."""
    SECRETS = "secrets"
    """A run's own token can be given no permission for secrets, whatever the workflow asks for."""


class Problem(Exception):  # noqa: N818  (the service's decision, and no failure of ours)
    """Raised where GitHub refuses, also within a step of the store: nothing is changed then.

    ``errors`` are the objects of a validation error (``resource``, ``field``, ``code``, ``message``).
    ``docs`` is what the error points to; without it that is the description of the operation.
    """

    def __init__(
        self, status: int, message: str, errors: tuple[Mapping[str, Any], ...] = (), *, docs: str = ""
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.errors, self.docs = status, message, errors, docs


def not_found() -> Problem:
    """What GitHub says of anything that is not there, or not for this caller to see."""
    return Problem(HTTPStatus.NOT_FOUND, "Not Found")


@dataclass(frozen=True)
class Behind:
    """Where the facts come from, and who is told of a run that was queued."""

    store: Store
    repository: Path
    tap: Path
    objects_url: Callable[[], str]
    dispatched: Callable[[Run], None]


@dataclass(frozen=True)
class Call:
    """One request, understood.

    ``world`` is what there is of the repository in the path: the tap has no releases and no runs.
    ``api`` and ``web`` are base URLs as the client knows them; ``at`` holds the values of the template.
    """

    request: Request
    api: str
    web: str
    caller: Caller
    world: World
    behind: Behind
    at: Mapping[str, str]
    docs: str
    slug: str = ""
    folder: Path | None = None

    @property
    def repo(self) -> str:
        """URL of the repository in the API."""
        return f"{self.api}/repos/{self.slug}"

    @property
    def page(self) -> str:
        """URL of the repository in a browser."""
        return f"{self.web}/{self.slug}"

    @property
    def owner(self) -> str:
        """Login of the repository's owner."""
        return self.slug.partition("/")[0]

    @property
    def git(self) -> Path:
        """Folder of the git repository."""
        if self.folder is None:
            raise not_found()
        return self.folder

    def number(self, name: str) -> int:
        """Return a number out of the path. Raises Problem (404) where it is none."""
        text = self.at[name]
        if not (text.isascii() and text.isdigit()):
            raise not_found()
        return int(text)

    def body(self) -> dict[str, Any]:
        """Return the request's body as an object. Raises Problem (400) where it is none."""
        if not self.request.body:
            return {}
        try:
            document = msgspec.json.decode(self.request.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Problem(HTTPStatus.BAD_REQUEST, "Problems parsing JSON") from None
        if not isinstance(document, dict):
            raise Problem(HTTPStatus.BAD_REQUEST, "Body should be a JSON object")
        return document


@dataclass(frozen=True)
class Route:
    """One operation. ``template`` and ``docs`` are those of GitHub's OpenAPI description.

    ``docs`` is the part of the documentation's address behind ``https://docs.github.com/rest/``.
    """

    method: str
    template: str
    handler: Callable[[Call], Answer]
    docs: str
    needs: Access = Access.PUBLIC
