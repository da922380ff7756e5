"""One request on its way: what it came to, for the record, and where a redirect of it may lead."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from pytest_relgate.clock import rfc3339
from pytest_relgate.net.exchange import Exchange, Why, origin_of, shown
from pytest_relgate.net.request import ANYWHERE

if TYPE_CHECKING:
    from collections.abc import Mapping

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CACHE_HEADERS: Final = ("x-cache", "cf-cache-status", "last-modified", "etag")


class Stop(Exception):  # noqa: N818  (ends one exchange)
    """Why there is no answer, in one line."""

    def __init__(self, why: Why, words: str) -> None:
        super().__init__(words)
        self.why, self.words = why, words


@dataclass
class Hop:
    """One request on its way, for the record."""

    method: str
    url: str
    asked: str
    began: float
    started: float
    content: bytes | None = None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def exchange(self, problem: str = "") -> Exchange:
        """What the record keeps of it; ``problem`` says why it came to nothing."""
        age = self.headers.get("age", "").strip()
        return Exchange(
            method=self.method,
            url=shown(self.url, query=_same_origin(self.url, self.asked)),
            status=self.status,
            at=rfc3339(int(self.began)),
            seconds=round(time.monotonic() - self.started, 3),
            size=self.size,
            sha256=f"sha256:{self.digests['sha256']}" if "sha256" in self.digests else "",
            age=int(age) if age.isascii() and age.isdigit() else None,
            cached="; ".join(
                f"{name}: {self.headers[name]}" for name in _CACHE_HEADERS if name in self.headers
            )[:200],
            problem=problem,
        )


def _same_origin(one: str, other: str) -> bool:
    try:
        return origin_of(one) == origin_of(other)
    except ValueError:  # a registry may say anything to be an address
        return False


def redirect(hop: Hop, asked: str, follow: frozenset[str]) -> str:
    """Return where a redirect leads, empty where the answer is none; refuse what must not be followed."""
    if hop.status not in _REDIRECTS:
        return ""
    location = hop.headers.get("location", "")
    if not location:
        raise Stop(Why.REDIRECT, f"it was redirected ({hop.status}) without saying where to")
    try:
        there = urljoin(hop.url, location)
        origin = origin_of(there)
        named = "@" in urlsplit(there).netloc
    except ValueError:
        raise Stop(Why.REDIRECT, f"it was redirected to {shown(location)!r}, which is no address") from None
    if hop.url.startswith("https:") and not there.startswith("https:"):
        raise Stop(
            Why.REDIRECT, f"it was redirected from https to {origin}, which anybody can read and change"
        )
    if named:
        raise Stop(Why.REDIRECT, f"it was redirected to an address with a user name at {origin}")
    if origin not in {origin_of(asked), *follow} and follow != ANYWHERE:
        words = f"it was redirected to {origin}; what is there is not what was asked, and was not followed"
        raise Stop(Why.REDIRECT, words)
    return there
