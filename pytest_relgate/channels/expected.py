"""What a gate compares with: the profile's facts and the build's, never a channel's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from pytest_relgate.channels.channels import ChannelFacts


@dataclass(frozen=True)
class Expected:
    """What there must be. ``secrets`` are names; the rest is about the gate's ``channel``.

    Raises RelgateError where a gate asks for files, digests or flags and has no ``channel``.
    """

    secrets: tuple[str, ...]
    _channel: ChannelFacts | None = None

    @property
    def files(self) -> frozenset[str]:
        """The names of the files that the channel must serve."""
        return self._of.expectation.files

    @property
    def digests(self) -> dict[str, str]:
        """Their digests as they were built, ``sha256:<hex>`` by file name."""
        return {name: f"sha256:{digest}" for name, digest in self._of.expectation.digests.items()}

    @property
    def flags(self) -> frozenset[str]:
        """The marks that the release has there by right."""
        return self._of.expectation.flags(self._of.seen.kind)

    @property
    def _of(self) -> ChannelFacts:
        if self._channel is None:
            message = (
                "expected files, digests and flags are those of a channel: ask for the fixture channel too"
            )
            raise RelgateError(message)
        return self._channel
