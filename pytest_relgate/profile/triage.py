"""The part of the profile that reads logs of failed jobs: what a line means, and what to do about it."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile.words import quoted

Cause = Literal["", "code", "setting", "chance"]
"""What mends a failure: a change of code, of a setting or credential, or nothing but another try."""


def _expression(value: object) -> object:
    """Refuse what is no regular expression, and one that every line matches."""
    if not isinstance(value, str):
        return value
    try:
        empty = re.compile(value).search("") is not None
    except re.error as error:
        message = f"expected a regular expression, found {quoted(value)}: {error}"
        raise RelgateError(message) from None
    if empty:
        message = f"expected a regular expression that not every line matches, found {quoted(value)}"
        raise RelgateError(message)
    return value


def _sentence(value: object) -> object:
    if isinstance(value, str) and (not value.strip() or not value.isprintable()):
        message = f"expected one line of words, found {quoted(value)}"
        raise RelgateError(message)
    return value


Words = Annotated[str, Meta(description="one line of words", extra={"parse": _sentence})]
OptionalWords = Annotated[
    str,
    Meta(
        description='one line of words, or ""',
        extra={"parse": lambda value: value if value == "" else _sentence(value)},
    ),
]


class TriagePattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One signal: ``pattern`` is looked for in each line of a failed job's log (SPEC S44).

    ``says`` is what it means, ``remedy`` what to do, ``cause`` what mends it. Signals explain; they decide
    nothing.
    """

    pattern: Annotated[str, Meta(description="a regular expression", extra={"parse": _expression})]
    says: Words
    remedy: OptionalWords = ""
    cause: Annotated[Cause, Meta(description='"code", "setting" or "chance"')] = ""
