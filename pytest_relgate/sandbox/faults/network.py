"""Faults on the way between a client and the services, as their manuals and DESIGN section 4 tell them."""

from __future__ import annotations

import json
import threading
import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_relgate.model import Phase, State
from pytest_relgate.sandbox.faults.fault import Fault
from pytest_relgate.sandbox.faults.overlay import version_of, without
from pytest_relgate.sandbox.twins.exchange import Answer, Request, Reset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import World

    Ask = Callable[[Request], Answer]

_SERVICES: Final = frozenset({"github", "crates", "npm", "pypi"})
_REGISTRIES: Final = frozenset({"crates", "npm", "pypi"})
_SECONDS_TO_PROPAGATE: Final = 6.0
_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class Always:
    """Answers every request to the twins of these names itself."""

    say: Callable[[Request], Answer]
    twins: frozenset[str] = _SERVICES

    def __call__(self, twin: str, request: Request, ask: Ask) -> Answer:
        """Answer."""
        return self.say(request) if twin in self.twins else ask(request)


@dataclass(frozen=True)
class FirstMissing:
    """The first request for each path is answered with 404, the others are answered truly."""

    seen: set[tuple[str, str]] = field(default_factory=set)
    mutex: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, twin: str, request: Request, ask: Ask) -> Answer:
        """Answer."""
        if twin not in _REGISTRIES:
            return ask(request)
        key = (twin, request.path)
        with self.mutex:
            first = key not in self.seen
            self.seen.add(key)
        return Answer(404, b"not found\n", _TEXT) if first else ask(request)


@dataclass
class Slow:
    """An overlay: for some seconds from the first look on, registries do not have the version."""

    restless = True  # what it gives changes with time
    began: float | None = None

    def __call__(self, world: World, store: Store) -> World:
        """Lay it over the world."""
        if self.began is None:
            self.began = time.monotonic()
        if time.monotonic() - self.began > _SECONDS_TO_PROPAGATE:
            return world
        return without(world, version_of(world, store))


def _too_many(_: Request) -> Answer:
    return Answer(429, b"Too Many Requests\n", {**_TEXT, "retry-after": "3600"})


def _secondary(_: Request) -> Answer:
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    body = json.dumps({"message": message, "documentation_url": "https://docs.github.com/rest"}).encode()
    headers = {"content-type": "application/json; charset=utf-8", "retry-after": "3600"}
    return Answer(403, body, headers)


def _broken(_: Request) -> Answer:
    return Answer(500, b"Internal Server Error\n", _TEXT)


def _page(_: Request) -> Answer:
    page = b"<!doctype html>\n<title>Please sign in</title>\n<h1>Please sign in to this network</h1>\n"
    return Answer(200, page, {"content-type": "text/html; charset=utf-8"})


def _elsewhere(request: Request) -> Answer:
    return Answer(302, b"", {"location": f"https://elsewhere.invalid{request.path}"})


def _endless(_: Request) -> Answer:
    def spaces() -> Iterator[bytes]:
        while True:
            yield b" " * 65536

    return Answer(200, spaces(), {"content-type": "application/json"})


def _bomb(_: Request) -> Answer:
    """A gigabyte of spaces, sent as a megabyte."""

    def packed() -> Iterator[bytes]:
        packer = zlib.compressobj(9, wbits=31)
        for _ in range(1024):
            yield packer.compress(b" " * 1048576)
        yield packer.flush()

    return Answer(200, packed(), {"content-type": "application/json", "content-encoding": "gzip"})


def _reset(_: Request) -> Answer:
    raise Reset


def _no_runs_yet(twin: str, request: Request, ask: Ask) -> Answer:
    """The list of runs lags behind: it shows none, while each run is there by its id."""
    if twin == "github" and request.method == "GET" and request.path.endswith("/runs"):
        body = json.dumps({"total_count": 0, "workflow_runs": []}).encode()
        return Answer(200, body, {"content-type": "application/json; charset=utf-8"})
    return ask(request)


FAULTS = (
    Fault(
        "lagging-run-list",
        "GitHub's list of runs does not show any run yet",
        Phase.BUILD,
        r"has no run .*that GitHub lists",
        State.PENDING,
        network=_no_runs_yet,
    ),
    Fault(
        "slow-propagation",
        "the registries show the version only after some seconds",
        Phase.POSTRELEASE,
        r"does not have|and not yet",
        State.PENDING,
        world=Slow(),
    ),
    Fault(
        "404-then-200",
        "every first request to a registry is answered with 404",
        Phase.POSTRELEASE,
        r"does not have|and not yet",
        State.PENDING,
        network=FirstMissing(),
    ),
    Fault(
        "429-with-retry-after",
        "every service wants to be left alone for an hour",
        Phase.POSTRELEASE,
        r"answered 429: a rate limit is exceeded",
        State.ERRORED,
        network=Always(_too_many),
    ),
    Fault(
        "secondary-limit",
        "GitHub's secondary rate limit is exceeded",
        Phase.POSTRELEASE,
        r"answered 403: a rate limit is exceeded",
        State.ERRORED,
        network=Always(_secondary, frozenset({"github"})),
    ),
    Fault(
        "server-errors",
        "every service answers with 500",
        Phase.POSTRELEASE,
        r"answered 500",
        State.ERRORED,
        network=Always(_broken),
    ),
    Fault(
        "html-instead-of-json",
        "every service answers with a page to sign in",
        Phase.POSTRELEASE,
        r"found HTML",
        State.ERRORED,
        network=Always(_page),
    ),
    Fault(
        "redirect-elsewhere",
        "every service sends the client to another host",
        Phase.POSTRELEASE,
        r"redirected to https://elsewhere\.invalid",
        State.ERRORED,
        network=Always(_elsewhere),
    ),
    Fault(
        "endless-body",
        "every service sends an answer that does not end",
        Phase.POSTRELEASE,
        r"goes on after the \d+ bytes",
        State.ERRORED,
        network=Always(_endless),
    ),
    Fault(
        "gzip-bomb",
        "every service sends a gigabyte packed into one megabyte",
        Phase.POSTRELEASE,
        r"unpacks to more than the \d+ bytes",
        State.ERRORED,
        network=Always(_bomb),
    ),
    Fault(
        "reset-connection",
        "every service resets the connection",
        Phase.POSTRELEASE,
        r"the connection was reset",
        State.ERRORED,
        network=Always(_reset),
    ),
)
