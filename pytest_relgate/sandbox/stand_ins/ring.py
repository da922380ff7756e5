"""The ring of messages that every binding has, as its source says that it behaves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from pytest_relgate.sandbox.stand_ins.words import Unreadable


@dataclass
class Ring:
    """Messages, of which one goes while there are more than ``capacity`` and ``spare``."""

    capacity: int
    goes: Literal["oldest", "newest"]
    spare: int = 0
    messages: list[str] = field(default_factory=list)

    def append(self, message: str) -> None:
        """Append as the source does."""
        self.messages.append(message)
        while len(self.messages) > max(self.capacity + self.spare, 0):
            self.messages.pop(0 if self.goes == "oldest" else -1)


@dataclass(frozen=True)
class Reading:
    """How to read a ring off a language's source. The expression names ``sign`` and ``gone``."""

    expression: str
    oldest: frozenset[str]
    newest: frozenset[str]

    def ring(self, source: str, capacity: int) -> Ring:
        """Make a ring that behaves as the source says. Raises Unreadable where that cannot be seen."""
        found = re.search(self.expression, source)
        if found is None or found["gone"] not in self.oldest | self.newest:
            message = "how messages make room cannot be read"
            raise Unreadable(message)
        spare = {">": 0, ">=": -1}[found["sign"]]
        return Ring(capacity, "oldest" if found["gone"] in self.oldest else "newest", spare)


_OLD, _NEW = frozenset[str], frozenset[str]
RUST = Reading(
    r"while self\.messages\.len\(\) (?P<sign>>=?) self\.capacity \{\s*"
    r"self\.messages\.(?P<gone>\w+\(\w*\));",
    _OLD({"pop_front()", "remove(0)"}),
    _NEW({"pop_back()", "pop()"}),
)
NODE = Reading(
    r"while \(this\.#messages\.length (?P<sign>>=?) this\.#capacity\) this\.#messages\.(?P<gone>\w+)\(\);",
    _OLD({"shift"}),
    _NEW({"pop"}),
)
GO = Reading(
    r"extra := len\(p\.Messages\) - p\.Capacity; extra (?P<sign>>=?) 0 \{\s*"
    r"p\.Messages = p\.Messages(?P<gone>\[.*?\])\n",
    _OLD({"[extra:]"}),
    _NEW({"[:p.Capacity]"}),
)
