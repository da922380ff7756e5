"""The client of an audit: no credentials, one deadline for all of it, and files are kept to be opened."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from pytest_relgate.net.exchange import Answer, Unreachable, Why, shown
from pytest_relgate.net.http import Http

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.net.exchange import Outcome
    from pytest_relgate.net.request import Request

LONGEST: Final = 300.0
"""Seconds that a whole audit may take (SPEC B13)."""


class Keeping(Http):
    """Reads without credentials until a moment; what it hashes lies in a folder by its SHA-256 afterwards.

    ``seconds`` is how long it may take in all.
    """

    def __init__(self, seconds: float = LONGEST, *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(())
        self.seconds = seconds
        self._now, self._ends = now, now() + seconds
        self._folder = tempfile.TemporaryDirectory(prefix="relgate-audit-")

    def close(self) -> None:
        """Close every connection and remove what was kept."""
        super().close()
        self._folder.cleanup()

    def end(self) -> None:
        """Let nothing more be asked."""
        self._ends = self._now()

    def file(self, sha256: str) -> Path | None:
        """Where the bytes with this digest (hex) lie, None for bytes that were not read."""
        path = Path(self._folder.name) / sha256
        return path if sha256 and path.exists() else None

    def ask(self, request: Request) -> Outcome:
        """Ask within the time that is left; a file that is read comes to lie in the folder."""
        left = self._ends - self._now()
        if left <= 0:
            words = f"{shown(request.url)}: the {self.seconds:g} s that an audit may take are over"
            return Unreachable(request.url, Why.TIMEOUT, words, ())
        limits = request.limits._replace(total=min(request.limits.total, left))
        request = replace(request, limits=limits)
        return self._kept(request) if request.algorithms else super().ask(request)

    def _kept(self, request: Request) -> Outcome:
        with tempfile.NamedTemporaryFile(dir=self._folder.name, delete=False) as file:
            outcome = super().ask(replace(request, into=cast("BinaryIO", file)))
        path = Path(file.name)
        if isinstance(outcome, Answer) and outcome.status == HTTPStatus.OK:
            path.replace(path.with_name(outcome.digests["sha256"]))
        else:
            path.unlink()
        return outcome
