"""How a fault changes the candidate's files: a text in place of another, a file less, a file more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[dict[str, str]], dict[str, str]]


def replacing(path: str, old: str, new: str) -> Change:
    """Replace the first ``old`` in a file. The change raises RelgateError if it is not there."""

    def change(files: dict[str, str]) -> dict[str, str]:
        text = files.get(path, "")
        if old not in text:
            message = f"the fault cannot be made: expected {old!a} in {path}, found none"
            raise RelgateError(message)
        return {**files, path: text.replace(old, new, 1)}

    return change


def without(*paths: str) -> Change:
    """Leave files out. The change raises RelgateError if one is not there."""

    def change(files: dict[str, str]) -> dict[str, str]:
        missing = [path for path in paths if path not in files]
        if missing:
            message = f"the fault cannot be made: expected {missing[0]}, found none"
            raise RelgateError(message)
        return {path: text for path, text in files.items() if path not in paths}

    return change


def adding(path: str, text: str) -> Change:
    """Put a file beside the others, or in the place of one."""
    return lambda files: {**files, path: text}
