"""The errors that this package raises. Each carries the one line that a person reads."""

from __future__ import annotations

from typing import Final

RECOVERING: Final = "type the same command with --release-recover"
"""What to do about a publish that broke off; the last line of a report types it out."""


class RelgateError(Exception):
    """Bad input or a state that cannot be worked with.

    The text is one line: what was expected, what was found, where, and what to type next.
    The plugin shows it as pytest's usage error (exit 4), the command line as ``relgate: ...``.
    """


class CannotJudge(Exception):  # noqa: N818  (reads as a statement in a gate)
    """A gate could not be judged: tool missing, network, credentials. Its state is ERRORED.

    ``found``, ``where`` and ``do`` as in Finding.
    """

    def __init__(self, found: str = "", *, where: str = "", do: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.where = where
        self.do = do


class NotYet(Exception):  # noqa: N818  (reads as a statement in a gate)
    """The world has not caught up with the release. The gate's state is PENDING.

    ``found``, ``where`` and ``do`` as in Finding.
    """

    def __init__(self, found: str = "", *, where: str = "", do: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.where = where
        self.do = do


class Finding(AssertionError):  # noqa: N818  (reads as a statement in a gate)
    """A gate judged and found something wrong. The gate's state is FAILED.

    ``found`` says what is there, ``where`` is a place a person can open (``path:line`` or a URL),
    ``do`` is the next thing to do; each is one line and may be empty.
    """

    def __init__(self, found: str, *, where: str = "", do: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.where = where
        self.do = do


class NotSigned(Finding):
    """A gate found a diff that nobody has signed off: FAILED, until a named person has read that diff.

    ``diff`` is its ``sha256:`` digest. It is the one failure that a word of a person answers, and no change
    of the tree: so it is forgotten once the review is on record, and only then.
    """

    def __init__(self, found: str, *, diff: str, where: str = "", do: str = "") -> None:
        super().__init__(found, where=where, do=do)
        self.diff = diff
