"""What came back from outside, typed: an answer, or why there is none. Types only; no network here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_URL = 300  # characters of an address that the record keeps


class Exchange(msgspec.Struct, frozen=True):
    """One request and what came of it, for the record: no credentials, no signed address.

    ``status`` is 0 where nothing came. ``age`` is a cache's own word in seconds; ``cached`` are the other
    headers that speak of caches. ``sha256`` is of the bytes as they came, ``sha256:<hex>``.
    """

    method: str
    url: str
    status: int
    at: str
    seconds: float
    size: int = 0
    sha256: str = ""
    age: int | None = None
    cached: str = ""
    problem: str = ""


class Why(StrEnum):
    """Why there is no answer."""

    NAME = "name"
    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"
    TLS = "tls"
    TRUNCATED = "truncated"
    PROTOCOL = "protocol"
    TOO_LARGE = "too large"
    ENCODING = "encoding"
    REDIRECT = "redirect"

    @property
    def transient(self) -> bool:
        """Whether asking again may give another answer."""
        return self not in (Why.TLS, Why.TOO_LARGE, Why.ENCODING, Why.REDIRECT)


@dataclass(frozen=True)
class Answer:
    """What a server answered. Header names are lower case; ``exchanges`` are all hops, the last one last.

    ``body`` is empty where the bytes were hashed as they came: then ``digests`` has them (hex by name of
    the algorithm) and ``size`` counts them.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    size: int
    exchanges: tuple[Exchange, ...]
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def exchange(self) -> Exchange:
        """The last hop."""
        return self.exchanges[-1]


@dataclass(frozen=True)
class Unreachable:
    """No answer. ``words`` is one line that says what was asked, what came, and names the address."""

    url: str
    why: Why
    words: str
    exchanges: tuple[Exchange, ...]


Outcome = Answer | Unreachable


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as ``https://host`` or ``http://host:8080``.

    Raises ValueError for what is no http or https address.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        message = f"expected an http or https address, found {shown(url)}"
        raise ValueError(message)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def shown(url: str, *, query: bool = True) -> str:
    """Return an address as the record keeps it: without user names, and on another host without query."""
    try:
        parts = urlsplit(url)
        host = (parts.netloc or "").rpartition("@")[2]
        text = urlunsplit((parts.scheme, host, parts.path, parts.query if query else "", ""))
    except ValueError:
        text = url.partition("?")[0]
    plain = "".join(char if char.isprintable() else "?" for char in text)
    return plain if len(plain) <= _LONGEST_URL else f"{plain[:_LONGEST_URL]}..."
