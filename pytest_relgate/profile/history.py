"""The part of the profile that speaks of releases that are out: since when, and which were given up."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile.source import ChannelName
from pytest_relgate.profile.words import quoted

_TAG = re.compile(r"v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?")


def _tag(value: object) -> object:
    if isinstance(value, str) and value and not _TAG.fullmatch(value):
        message = f"expected a release tag vX.Y.Z, found {quoted(value)}"
        raise RelgateError(message)
    return value


ReleaseTag = Annotated[str, Meta(min_length=1, description="a release tag vX.Y.Z", extra={"parse": _tag})]
OptionalTag = Annotated[str, Meta(description='a release tag vX.Y.Z, or ""', extra={"parse": _tag})]


class History(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which release on every tag must be on every channel; empty: from the first one."""

    since: OptionalTag = ""


class Abandoned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A release that was given up: it may be missing or withdrawn on ``channels``, on all of them without."""

    tag: ReleaseTag
    reason: Annotated[str, Meta(min_length=1, description="why, in words")]
    successor: ReleaseTag
    channels: tuple[ChannelName, ...] = ()

    def on(self, channel: str) -> bool:
        """Whether it was given up on a channel."""
        return not self.channels or channel in self.channels
