"""Durations as a profile and ``command(limit=...)`` write them."""

from __future__ import annotations

import re

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile.words import shown

_DAY = 24 * 60 * 60.0
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PLAIN = re.compile(_NUMBER)
_UNITS = re.compile(rf"(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?")


def seconds(text: object) -> float:
    """Return a duration in seconds.

    A number (``90``) is seconds; a string is seconds (``"90"``) or hours, minutes and seconds in this
    order, each once and each with decimals where wanted: ``"90s"``, ``"2m"``, ``"1h30m"``, ``"1.5h"``.

    Raises RelgateError for anything else, for nothing at all, and for more than 24 hours: a limit that
    never ends or never starts is no limit.
    """
    value = _read(text)
    if value is None:
        message = f'expected a duration such as 90, "90s", "2m", "1h30m" or "1.5h", found {shown(text)}'
        raise RelgateError(message)
    if not 0 < value <= _DAY:  # false for nan too
        message = f'expected a duration above 0 and up to "24h", found {shown(text)}'
        raise RelgateError(message)
    return float(value)


def _read(text: object) -> float | None:
    if isinstance(text, bool):
        return None
    if isinstance(text, int | float):
        return text
    if not isinstance(text, str):
        return None
    if _PLAIN.fullmatch(text):
        return float(text)
    match = _UNITS.fullmatch(text)
    if match is None or not text:
        return None
    hours, minutes, rest = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest
