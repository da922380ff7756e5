"""Twins of registries on loopback, and a proxy that notes who wanted to talk to anybody else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from pytest_relgate.sandbox.store import Store
from pytest_relgate.sandbox.twins.crates import CratesTwin
from pytest_relgate.sandbox.twins.exchange import Answer, Request
from pytest_relgate.sandbox.twins.npm import NpmTwin
from pytest_relgate.sandbox.twins.pypi import PypiTwin
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_relgate.sandbox.twins.exchange import Twin
    from pytest_relgate.sandbox.twins.server import Served


@dataclass
class Loopback:
    """Twins that listen for the length of a test. ``asked`` is all that they were asked, in order."""

    asked: list[tuple[str, str, str, int]] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)

    def serve(self, twin: Twin, *mischief: Any) -> str:
        """Let a twin listen; return its address."""
        served = serve(twin, mischief, seen=self._note)
        self.served.append(served)
        return served.url

    def of(self, twin: str) -> list[tuple[str, str, int]]:
        """What one twin was asked: method, path, status of the answer."""
        return [(method, path, status) for name, method, path, status in self.asked if name == twin]

    def paths(self, twin: str) -> set[str]:
        """The paths that one twin was asked for."""
        return {path for _, path, _ in self.of(twin)}

    def _note(self, twin: str, request: Request, answer: Answer) -> None:
        self.asked.append((twin, request.method, request.path, answer.status))


class Outside:
    """The proxy that leads nowhere."""

    name = "outside"

    def answer(self, request: Request) -> Answer:
        return Answer(403, b"nobody but loopback\n", {"connection": "close"})


def ask(
    twin: Twin, method: str, target: str, body: bytes = b"", *, token: str = "", **headers: str
) -> Answer:
    """Ask a twin without a network. ``headers`` are spelled with underscores."""
    path, _, query = target.partition("?")
    values = {name: tuple(found) for name, found in parse_qs(query).items()}
    sent = {"user-agent": "tests (tests@example.org)"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        sent["authorization"] = token
    return twin.answer(Request(method, path, values, sent, body, "http://twin"))


@pytest.fixture(name="ask")
def ask_fixture() -> Any:
    """``ask(twin, "GET", "/path", body, token=..., accept=...)``: a request without a network."""
    return ask


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """Twins of one test, closed after it."""
    found = Loopback()
    yield found
    for served in found.served:
        served.close()


@pytest.fixture
def proxy(loopback: Loopback) -> Iterator[str]:
    """The proxy's address. The test fails where anybody wanted to go through it."""
    url = loopback.serve(Outside())
    yield url
    assert loopback.of("outside") == [], "a client wanted to talk to somebody else"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A world with nothing in it."""
    return Store(tmp_path / "world")


@pytest.fixture
def crates_url(loopback: Loopback, store: Store) -> str:
    return loopback.serve(CratesTwin(store))


@pytest.fixture
def npm_url(loopback: Loopback, store: Store) -> str:
    return loopback.serve(NpmTwin(store))


@pytest.fixture
def pypi_url(loopback: Loopback, store: Store) -> str:
    return loopback.serve(PypiTwin(store))
