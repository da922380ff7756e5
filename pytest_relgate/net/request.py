"""What is asked for, and what asking may take: addresses, limits, credentials. Types only, no network."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MIB: Final = 1 << 20
DOCUMENT: Final = 8 * MIB
"""The most that a document may have, in bytes, before and after it is unpacked.

Read into objects it may take six times its bytes (measured on rows that are as short as can be), or five
times as one text with a sign outside of Unicode's first plane; all of it must stay below 64 MiB.
"""

ANYWHERE: Final = frozenset({"*"})
"""Follow a redirect to any host, without credentials: for signed addresses that an API hands out."""


@dataclass(frozen=True)
class Credential:
    """A secret header for one origin (``https://host``)."""

    origin: str
    value: str = field(repr=False)
    header: str = "authorization"


class Limits(NamedTuple):
    """What one exchange may take, redirects and tries included: seconds, and bytes of the body.

    ``whole`` is the most of it that is kept in memory, where the body itself is wanted.
    """

    total: float = 30.0
    size: int = DOCUMENT
    whole: int = DOCUMENT


PAGE: Final = Limits()
"""The limits of a document."""

FILE: Final = Limits(total=600.0, size=4096 * MIB)
"""The limits of a file that is hashed as it comes."""


@dataclass(frozen=True)
class Request:
    """One question to a server, redirects and tries included.

    ``follow`` names the origins, beside its own, to which a redirect is followed. With ``algorithms`` the
    answer is hashed as it comes, and kept nowhere but in ``into``, where that is given. ``fresh`` asks every
    cache on the way to look anew.
    """

    url: str
    accept: str = "*/*"
    headers: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = PAGE
    follow: frozenset[str] = frozenset()
    algorithms: tuple[str, ...] = ()
    fresh: bool = False
    into: BinaryIO | None = None

    @property
    def sent(self) -> dict[str, str]:
        """The headers that are sent. Identity encoding: a digest of what was unpacked is of no file."""
        own = {"accept": self.accept, "accept-encoding": "identity", "user-agent": user_agent()}
        anew = {"cache-control": "no-cache", "pragma": "no-cache"} if self.fresh else {}
        return {**own, **self.headers, **anew}


@functools.cache
def user_agent() -> str:
    """Who asks. The policies of registries want a name that a person can find."""
    try:
        version = metadata.version("pytest-relgate")
    except metadata.PackageNotFoundError:
        version = "0"
    return f"pytest-relgate/{version} (release verification; python-httpx)"
