"""What the profile says of commands that could not judge: the end of their output, by name."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile.words import quoted

ORDINARY: Final = (
    "error: test failed, to rerun pass `--lib`",
    "error: could not compile `demo` (lib) due to 1 previous error",
    "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    "npm error code 1",
    "FAILED (failures=1)",
    "AssertionError: 1 != 2",
    "make: *** [Makefile:2: test] Error 1",
    "FAIL",
    "",
)
"""The last lines of ordinary failures: a pattern that matches one of them would hide them all."""


def _whole(ends: str) -> str:
    return rf"^(?:{ends})\Z"


def _hidden(ends: str) -> str:
    """The ordinary failure that a pattern would hide, empty where it hides none."""
    for line in ORDINARY:
        if re.search(_whole(ends), line, re.MULTILINE):
            return line or "an output that ends with an empty line"
    return ""


def _expression(value: object) -> object:
    """Refuse what is no regular expression, and what would hide ordinary failures."""
    if not isinstance(value, str):
        return value
    try:
        re.compile(value)
        re.compile(_whole(value))  # flags for all of it would be for more than it
    except re.error as error:
        message = f"expected a regular expression, found {quoted(value)}: {error}"
        raise RelgateError(message) from None
    if hidden := _hidden(value):
        message = (
            f"expected a tool's own last line, found {quoted(value)}, which ordinary failures end with too "
            f"({hidden}): write the whole line that says what was missing"
        )
        raise RelgateError(message)
    return value


def _command(value: object) -> object:
    if isinstance(value, str):
        try:
            words = shlex.split(value)
        except ValueError as error:
            message = f"expected the words that a command begins with, found {quoted(value)}: {error}"
            raise RelgateError(message) from None
        if not words:
            message = f"expected the words that a command begins with, found {quoted(value)}"
            raise RelgateError(message)
    return value


class Errored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An end of a command's output that says that it could not judge: its gate is ERRORED, not FAILED.

    ``command`` are the words that the command begins with, ``status`` is its exit status, ``ends`` a regular
    expression for whole lines up to the end of its output, ``do`` what a person does about it.
    """

    command: Annotated[
        str, Meta(description="the words that a command begins with", extra={"parse": _command})
    ]
    status: Annotated[int, Meta(ge=1, le=255, description="an exit status from 1 to 255")]
    ends: Annotated[str, Meta(description="a regular expression", extra={"parse": _expression})]
    do: Annotated[str, Meta(pattern=r"\A\S[^\n]*\Z", max_length=200, description="one line")]
