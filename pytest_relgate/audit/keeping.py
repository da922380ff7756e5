"""The client of an audit: no credentials, one deadline for all of it, and files are kept to be opened."""

from __future__ import annotations

import tempfile
import threading
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from pytest_relgate.net.exchange import Answer, Unreachable, Why, shown
from pytest_relgate.net.http import FILE, Http, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_relgate.net.exchange import Outcome

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
        self._file = threading.local()

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

    def hashed(
        self,
        url: str,
        *,
        algorithms: tuple[str, ...] = ("sha256",),
        accept: str = "application/octet-stream",
        limits: Limits = FILE,
        follow: frozenset[str] = frozenset(),
        fresh: bool = False,
    ) -> Outcome:
        """Read a file as it comes, and keep it."""
        with tempfile.NamedTemporaryFile(dir=self._folder.name, delete=False) as file:
            self._file.of_thread = file
            try:
                outcome = super().hashed(
                    url, algorithms=algorithms, accept=accept, limits=limits, follow=follow, fresh=fresh
                )
            finally:
                self._file.of_thread = None
        path = Path(file.name)
        if isinstance(outcome, Answer) and outcome.status == HTTPStatus.OK:
            path.replace(path.with_name(outcome.digests["sha256"]))
        else:
            path.unlink()
        return outcome

    def _kept(self) -> BinaryIO | None:
        return getattr(self._file, "of_thread", None)

    def _ask(
        self,
        url: str,
        accept: str,
        headers: Mapping[str, str],
        limits: Limits,
        follow: frozenset[str],
        algorithms: tuple[str, ...],
        *,
        fresh: bool,
    ) -> Outcome:
        left = self._ends - self._now()
        if left <= 0:
            words = f"{shown(url)}: the {self.seconds:g} s that an audit may take are over"
            return Unreachable(url, Why.TIMEOUT, words, ())
        limits = limits._replace(total=min(limits.total, left))
        return super()._ask(url, accept, headers, limits, follow, algorithms, fresh=fresh)
