"""How often who may ask, and the headers that say so."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from pytest_relgate.sandbox.twins.github.call import Caller, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMITS: Final[Mapping[Caller, int]] = {Caller.ANONYMOUS: 60, Caller.USER: 5000, Caller.WORKFLOW: 1000}
"""Requests in an hour (GitHub, "Rate limits for the REST API")."""

_HOUR: Final = 3600
_DOCS: Final = "overview/resources-in-the-rest-api#rate-limiting"


@dataclass
class _Window:
    used: int
    ends: int


@dataclass
class Rates:
    """Counts the requests of each token in its hour. Safe to use from several threads."""

    limits: Mapping[Caller, int] = field(default_factory=lambda: LIMITS)
    _windows: dict[str, _Window] = field(default_factory=dict)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, key: str, caller: Caller) -> None:
        """Count one request. Raises Problem (403) for one too many."""
        with self._mutex:
            window = self._window(key)
            if window.used >= self.limits[caller]:
                whose = "127.0.0.1" if caller is Caller.ANONYMOUS else "user ID 1"
                words = f"API rate limit exceeded for {whose}."
                raise Problem(HTTPStatus.FORBIDDEN, words, docs=_DOCS)
            window.used += 1

    def refund(self, key: str) -> None:
        """Take one request back: a 304 to who is signed in costs nothing."""
        with self._mutex:
            window = self._window(key)
            window.used = max(0, window.used - 1)

    def state(self, key: str, caller: Caller) -> dict[str, int]:
        """Return limit, remaining, used and the second of the epoch at which the hour ends."""
        with self._mutex:
            window = self._window(key)
            limit = self.limits[caller]
            return {
                "limit": limit,
                "used": window.used,
                "remaining": limit - window.used,
                "reset": window.ends,
            }

    def headers(self, key: str, caller: Caller) -> dict[str, str]:
        """Return the state as headers of an answer."""
        state = self.state(key, caller)
        return {f"x-ratelimit-{name}": str(value) for name, value in state.items()} | {
            "x-ratelimit-resource": "core"
        }

    def _window(self, key: str) -> _Window:
        now = int(time.time())
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            window = self._windows[key] = _Window(0, now + _HOUR)
        return window
