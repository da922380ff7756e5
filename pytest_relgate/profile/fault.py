"""A fault of a project's own: an edit of the repository under release that a gate exists to find."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile.words import quoted


def _expression(value: object) -> object:
    if isinstance(value, str):
        try:
            re.compile(value)
        except re.error as error:
            message = f"expected a regular expression, found {quoted(value)}: {error}"
            raise RelgateError(message) from None
        if not value.strip():
            message = "expected words of the gate's message, found none: any failure would do"
            raise RelgateError(message)
    return value


def _inside(value: object) -> object:
    if isinstance(value, str):
        path = PurePosixPath(value)
        if not path.parts or path.is_absolute() or ".." in path.parts or path.parts[0] == ".git":
            message = f"expected a path inside the repository under release, found {quoted(value)}"
            raise RelgateError(message)
    return value


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change in ``file`` (all of it where ``find`` is empty), and how a gate that sees it ends."""

    line: Annotated[str, Meta(min_length=1, max_length=200, description="one line that describes the fault")]
    file: Annotated[
        str, Meta(description="a path inside the repository under release", extra={"parse": _inside})
    ]
    says: Annotated[str, Meta(description="a regular expression", extra={"parse": _expression})]
    find: str = ""
    replace: str = ""
    expect: Literal["FAILED", "ERRORED", "TIMED_OUT", "PENDING"] = "FAILED"

    def edited(self, text: str) -> str:
        """Return the file's text with the fault in it. Raises RelgateError where ``find`` is not in it."""
        if not self.find:
            return self.replace
        if self.find not in text:
            message = f"{self.file} does not hold {quoted(self.find)}: mend the fault's find in relgate.toml"
            raise RelgateError(message)
        return text.replace(self.find, self.replace)
