"""One thing that is wrong with a source tree, and how several of them are said at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_relgate.errors import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_SHOWN = 6
"""How many problems stand in one message; the rest are counted."""


@dataclass(frozen=True)
class Problem:
    """What was found, each on one line: ``where`` is ``path:line`` or empty, ``do`` the next thing to do."""

    found: str
    where: str = ""
    do: str = ""

    def __str__(self) -> str:
        return self.found if self.where in self.found else f"{self.found} ({self.where})"


def none_of(problems: Iterable[Problem]) -> Literal[True]:
    """Return True where nothing is wrong, so that a gate can assert it.

    Raises Finding with every problem in one message, placed at the first of them.
    """
    __tracebackhide__ = True  # what pytest shows is the gate
    several = list(dict.fromkeys(problems))
    if not several:
        return True
    first = several[0]
    if len(several) == 1:
        raise Finding(first.found, where=first.where, do=first.do)
    shown = "; ".join(str(problem) for problem in several[:MOST_SHOWN])
    rest = f"; and {len(several) - MOST_SHOWN} more" if len(several) > MOST_SHOWN else ""
    fixes = list(dict.fromkeys(problem.do for problem in several if problem.do))
    message = f"{len(several)} problems: {shown}{rest}"
    raise Finding(message, where=first.where, do="; ".join(fixes[:3]))
