"""Faults of access: a registry that does not answer, tokens that are not taken, secrets that do not help."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Phase, State
from pytest_relgate.sandbox.faults.fault import Fault
from pytest_relgate.sandbox.twins.exchange import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import Secret, World

_JSON = {"content-type": "application/json; charset=utf-8"}


@dataclass(frozen=True)
class Says:
    """Answers the requests to one service whose path matches, and leaves the rest to its twin."""

    service: str
    path: str
    status: int
    words: str
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, twin: str, request: Request, ask: Callable[[Request], Answer]) -> Answer:
        """Answer."""
        if twin != self.service or not re.search(self.path, request.path):
            return ask(request)
        body = json.dumps({"message": self.words}).encode()
        return Answer(self.status, body, {**_JSON, **self.headers})


def _npm_token(change: Callable[[Secret], Secret]) -> Callable[[World, Store], World]:
    def overlay(world: World, _: Store) -> World:
        secrets = tuple(change(one) if one.name == "NPM_TOKEN" else one for one in world.secrets)
        return msgspec.structs.replace(world, secrets=secrets, environments=(*world.environments, "staging"))

    return overlay


FAULTS = (
    Fault(
        "registry-down",
        "npm answers that it has trouble",
        Phase.PRERELEASE,
        r"npm.* answered 503|NPM_TOKEN: .* answered 503",
        State.ERRORED,
        network=Says("npm", "", 503, "Service Unavailable"),
    ),
    Fault(
        "token-refused",
        "npm does not know the token any more",
        Phase.PRERELEASE,
        r"NPM_TOKEN is refused: .*/-/whoami answered 401",
        network=Says("npm", "/-/whoami$", 401, "Unauthorized"),
    ),
    Fault(
        "token-unclear",
        "npm does not say whether it knows the token",
        Phase.PRERELEASE,
        r"whether the registry takes it cannot be told: NPM_TOKEN: .*/-/whoami answered 403",
        State.ERRORED,
        network=Says("npm", "/-/whoami$", 403, "Forbidden"),
    ),
    Fault(
        "empty-token",
        "the token for npm is handed over empty",
        Phase.PRERELEASE,
        r"NPM_TOKEN is empty",
        tools={"NPM_TOKEN": ""},
    ),
    Fault(
        "old-secret",
        "the secret NPM_TOKEN is older than a token of npm lives",
        Phase.PRERELEASE,
        r"probably expired: NPM_TOKEN \(set \d+ days ago, and its token lives 90 days at most\)",
        world=_npm_token(lambda one: msgspec.structs.replace(one, updated_at="2024-01-01T00:00:00Z")),
    ),
    Fault(
        "secret-elsewhere",
        "the secret NPM_TOKEN is in an environment in which no job of the release runs",
        Phase.PRERELEASE,
        r"not configured: NPM_TOKEN \(it is in the environment staging, and job preflight runs in release\)",
        world=_npm_token(lambda one: msgspec.structs.replace(one, level="environment:staging")),
    ),
    Fault(
        "secrets-closed",
        "GitHub does not let the credentials list secrets",
        Phase.PRERELEASE,
        r"whether .*NPM_TOKEN.* is there is unknown: .*answered 403",
        State.ERRORED,
        network=Says(
            "github", "/secrets$|organization-secrets$", 403, "Resource not accessible by integration"
        ),
    ),
)
