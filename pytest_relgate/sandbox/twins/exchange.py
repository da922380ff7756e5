"""What crosses between a client and a twin: a request, an answer. Types only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True)
class Request:
    """A request as it came. ``path`` is still percent-encoded, header names are lower case.

    ``query`` keeps every value of a name; ``base`` is the URL that the client reached the twin by,
    without a slash at its end: links in answers start with it.
    """

    method: str
    path: str
    query: Mapping[str, tuple[str, ...]]
    headers: Mapping[str, str]
    body: bytes
    base: str

    def asked(self, name: str, default: str = "") -> str:
        """Return the first value of a query's name."""
        return next(iter(self.query.get(name, ())), default)


@dataclass(frozen=True)
class Answer:
    """An answer. A body that is iterated is sent in chunks as it comes; it may never end (a fault)."""

    status: int
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Reset(Exception):  # noqa: N818  (what happens to the connection, and no failure of ours)
    """Raised in place of an answer: the connection is reset."""


class Twin(Protocol):
    """One service. ``name`` is a word: ``github``, ``objects``, ``crates``, ``npm``, ``pypi``, ``go``."""

    @property
    def name(self) -> str:
        """The service's name in addresses, logs and faults."""
        ...

    def answer(self, request: Request) -> Answer:
        """Answer one request; called from several threads at once."""
        ...


class Mischief(Protocol):
    """A network fault: it sees every request to a twin, and answers itself or asks the twin."""

    def __call__(self, twin: str, request: Request, ask: Callable[[Request], Answer]) -> Answer:
        """Answer a request to the twin of this name; ``ask`` gives its true answer."""
        ...
