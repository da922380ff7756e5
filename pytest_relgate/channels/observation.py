"""What a channel was seen to serve, and what it must serve. Types only; nothing is judged here."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.net.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Mapping


class Presence(StrEnum):
    """Whether the release is there, as far as the channel itself can say."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """The channel says itself that it is not finished: an asset that is still open, say."""
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """Nobody can say: the channel did not answer, or not as it publishes. Never folded into absent."""


class File(msgspec.Struct, frozen=True):
    """One file of the release.

    ``stated`` are the digests that the channel states, ``served`` those of the bytes that it served: hex by
    name of the algorithm. ``unread`` says why the bytes could not be read, empty where they were.
    """

    name: str
    size: int | None = None
    stated: dict[str, str] = {}
    served: dict[str, str] = {}
    unread: str = ""


class Observation(msgspec.Struct, frozen=True):
    """One look at one channel.

    ``version`` is the release's, as the channel spells it, empty where it is not there. ``resolved`` is what
    somebody gets who names no version. ``flags`` are yanked, deprecated, disabled, draft, prerelease,
    withheld. ``odd`` says what contradicts itself there, ``doubts`` what nothing says to be right. ``whole``
    says that the channel calls the release complete, so that no file can come any more. ``commit`` is what
    the channel says that the release was made of. ``mirror``: it was no origin that was asked.
    ``provenance`` is None where the channel does not say. ``problem``, ``do``, ``retry_after`` (in seconds)
    and ``final`` are those of an unknown.
    """

    channel: str
    kind: str
    presence: Presence
    where: str = ""
    version: str = ""
    resolved: str = ""
    files: tuple[File, ...] = ()
    flags: frozenset[str] = frozenset()
    whole: bool = False
    odd: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    commit: str = ""
    published: str = ""
    provenance: bool | None = None
    mirror: bool = False
    problem: str = ""
    do: str = ""
    retry_after: float | None = None
    final: bool = False
    exchanges: tuple[Exchange, ...] = ()


class Expectation(msgspec.Struct, frozen=True):
    """What a channel must serve for a release.

    ``version`` is SemVer without a v, ``spelled`` the same as the channel spells it. ``digests`` are SHA-256
    in hex by file name, from ``source``, never from the channel itself; ``weak`` says that some are from the
    release's own checksum file. ``newest`` says that no higher stable
    release is known, None that nobody could say. ``commit`` is what the release was made of. ``provenance``:
    every file of it has that.
    """

    version: str
    spelled: str
    files: frozenset[str] = frozenset()
    digests: dict[str, str] = {}
    source: str = ""
    weak: bool = False
    prerelease: bool = False
    newest: bool | None = True
    commit: str = ""
    provenance: bool = False

    def flags(self, kind: str) -> frozenset[str]:
        """The flags that a release has by right on a channel of this kind."""
        return frozenset({"prerelease"}) if self.prerelease and kind == "github-release" else frozenset()


def unknown(
    channel: str, kind: str, problem: str, *, do: str = "", final: bool = False, **more: object
) -> Observation:
    """Return the observation of somebody who could see nothing."""
    facts: Mapping[str, object] = more
    return msgspec.structs.replace(
        Observation(channel, kind, Presence.UNKNOWN, problem=problem, do=do, final=final), **facts
    )
