"""Which gitignore-style patterns can decide a condition.

A pattern that silently matches nothing leaves its gate out of every release, so what can be seen of
that here is refused here; a pattern that matches no file is refused when the lock is written.
"""

from __future__ import annotations

import re
import warnings

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile.words import quoted


def checked_pattern(pattern: object) -> object:
    """Return ``pattern`` if git's rules for ignore files can use it; what is no string is left to typing.

    Raises RelgateError for a pattern that does not compile or that can match no path of a repository.
    """
    if isinstance(pattern, str) and (problem := _problem(pattern)):
        message = f"expected a gitignore-style pattern, found {quoted(pattern)}, {problem}"
        raise RelgateError(message)
    return pattern


def checked_patterns(patterns: object) -> object:
    """Return ``patterns`` unless every one of them takes away: such a list never matches.

    Raises RelgateError.
    """
    if not isinstance(patterns, list | tuple) or not patterns:
        return patterns
    if all(isinstance(pattern, str) and pattern.startswith("!") for pattern in patterns):
        message = 'expected at least one pattern without "!", found only patterns that take files away'
        raise RelgateError(message)
    return patterns


def _problem(pattern: str) -> str:  # noqa: PLR0911  (one answer for each way to be wrong)
    if not pattern.isprintable():
        return "which holds a character that is not printable"
    body = pattern.removeprefix("!")
    if not body.strip():
        return "which is empty"
    if body.startswith(" ") or (body.endswith(" ") and not body.endswith("\\ ")):
        return "which begins or ends with a space"
    if re.search(r"\[:[a-z]+:\]", body):
        return "whose bracket class is not supported: write the characters, such as [a-z]"
    segments = body.removeprefix("/").removesuffix("/").split("/")
    if not all(segments):
        return "which holds an empty path segment"
    if "." in segments or ".." in segments:
        return 'which holds "." or "..": patterns are relative to the root of the repository'
    return _does_not_compile(pattern)


def _does_not_compile(pattern: str) -> str:
    from pathspec import GitIgnoreSpec  # slow to import, and needed here only

    try:
        with warnings.catch_warnings():
            # re warns of a class such as "[a--b]" that it may one day read otherwise.
            warnings.simplefilter("error")
            compiled = GitIgnoreSpec.from_lines([pattern]).patterns
    except (ValueError, LookupError, RecursionError, OverflowError, Warning, re.error):
        return "which does not compile"
    if not any(one.include is not None for one in compiled):
        return "which matches nothing (a comment, or a bracket that is not closed)"
    return ""
