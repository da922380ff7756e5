"""What a verification comes to, and what the one who asks knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_relgate.evidence.seal import Evidence
    from pytest_relgate.model import Phase
    from pytest_relgate.source.git import Repository

AGAIN = "run the phase again: gates that passed are kept"
DISTRUST = "do not rely on it: move the folder away and run the phase again"
FETCH = "type it in a checkout that has it (git fetch --tags)"


class Finding(StrEnum):
    """What a verification comes to, in the words that it prints."""

    PASSED = "PASSED"
    BLOCKED = "BLOCKED"
    PENDING = "PENDING"
    INCOMPLETE = "INCOMPLETE"
    STALE = "STALE"
    TAMPERED = "TAMPERED"
    REPLAYED = "REPLAYED"
    SANDBOX = "SANDBOX"
    UNLOCKED = "UNLOCKED"
    UNDECIDED = "UNDECIDED"

    @property
    def exit_status(self) -> int:
        """0 passed, 1 blocked, 2 cannot decide, 3 only pending."""
        match self:
            case Finding.PASSED:
                return 0
            case Finding.PENDING:
                return 3
            case Finding.UNLOCKED | Finding.UNDECIDED:
                return 2
            case (
                Finding.BLOCKED
                | Finding.INCOMPLETE
                | Finding.STALE
                | Finding.TAMPERED
                | Finding.REPLAYED
                | Finding.SANDBOX
            ):
                return 1


@dataclass(frozen=True)
class Verification:
    """What was found, why, and what to type next; ``evidence`` is None when it could not be read.

    ``digest`` is that of the seal's bytes, the head that a run prints; ``notes`` decide nothing. ``remedies``
    says for each of ``reasons`` what to do about it, where they differ; ``do`` is the first of them.
    """

    finding: Finding
    reasons: tuple[str, ...]
    do: str = ""
    evidence: Evidence | None = None
    digest: str = ""
    notes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expectation:
    """What the one who asks knows: the moment, the repositories, and what the evidence should be about.

    ``repository`` holds the checks, ``under_release`` the commit; None is not to be had. ``commit`` is a
    full id or the beginning of one, ``head`` the digest that a run printed, ``checks`` the path of the
    checks folder in its repository. Where ``phase`` or ``target`` is empty the folder's path says them.
    """

    now: str
    repository: Repository | None
    under_release: Repository | None
    commit: str = ""
    head: str = ""
    allow_sandbox: bool = False
    phase: Phase | None = None
    target: str = ""
    checks: str = ""


class Problem(Exception):  # noqa: N818  (an early end of a verification, not an error of the program)
    """The verification ends here with this finding."""

    def __init__(self, finding: Finding, reason: str, do: str = "") -> None:
        super().__init__(reason)
        self.finding, self.reason, self.do = finding, reason, do
