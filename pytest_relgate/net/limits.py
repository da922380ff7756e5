"""How long a server asks to be left alone. Pure.

RFC 9110 section 10.2.3 for Retry-After; GitHub's documentation of its REST API for the rest.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAST_UNSAID: Final = 60.0
"""Seconds to wait for a server that says that it is too much, and not for how long."""

LONGEST: Final = 24 * 3600.0
"""More than this is taken for this."""

_WORDS: Final = (b"secondary rate limit", b"rate limit exceeded", b"abuse detection")
_MAY_LIMIT: Final = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def asked_to_wait(status: int, headers: Mapping[str, str], body: bytes, now: float) -> float | None:
    """Return the seconds that a server asks to wait, None where it does not speak of a limit.

    ``headers`` have lower-case names; ``now`` is seconds of the epoch. Of a 403 the headers or its words
    must say that it is about a limit: it may be about permission as well.
    """
    if status not in _MAY_LIMIT:
        return None
    stated = _retry_after(headers.get("retry-after"), now)
    if stated is not None:
        return stated
    spent = headers.get("x-ratelimit-remaining", "").strip() == "0"
    reset = _number(headers.get("x-ratelimit-reset"))
    if spent and reset is not None:
        return _bounded(reset - now)
    told = any(words in body[:4096].lower() for words in _WORDS)
    if status == HTTPStatus.TOO_MANY_REQUESTS or spent or told:
        return LEAST_UNSAID
    return None


def _retry_after(text: str | None, now: float) -> float | None:
    """Read seconds or a date; a value that is neither asks for the least."""
    if text is None:
        return None
    number = _number(text)
    if number is not None:
        return _bounded(number)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return LEAST_UNSAID
    return _bounded((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now)


def _number(text: str | None) -> float | None:
    plain = (text or "").strip()
    return float(plain) if plain.isascii() and plain.isdigit() and len(plain) <= len("9" * 15) else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST)
