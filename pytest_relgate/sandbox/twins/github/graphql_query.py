"""Just enough of GraphQL to read a query and to pick what it asks for (GraphQL, October 2021, section 2)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r'[\s,]+|#[^\n]*|(\.\.\.|[!$():=@\[\]{|}]|-?\d[\d.eE+-]*|[_A-Za-z]\w*|"(?:[^"\\]|\\.)*")')


class QueryError(Exception):
    """Raised with the service's words for a query that it cannot answer."""


@dataclass(frozen=True)
class Selection:
    """One field that is asked for, and what of it. ``arguments`` are values, variables put in."""

    name: str
    alias: str
    arguments: Mapping[str, Any]
    inner: tuple[Selection, ...]


@dataclass(frozen=True)
class Kind:
    """A thing of some type: its fields are values, or functions of a field's arguments."""

    type: str
    fields: Mapping[str, Any]


@dataclass
class _Reader:
    tokens: list[str]
    variables: Mapping[str, Any]
    at: int = 0
    fragments: dict[str, int] = field(default_factory=dict)

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            message = f"Expected {wanted or 'more'}, actual: {token or 'end of file'}"
            raise QueryError(message)
        self.at += 1
        return token

    def skip_block(self) -> None:
        depth = 0
        while True:
            depth += {"{": 1, "}": -1}.get(self.take(), 0)
            if depth == 0:
                return

    def selections(self) -> tuple[Selection, ...]:
        found: list[Selection] = []
        self.take("{")
        while self.peek() != "}":
            found += self._spread() if self.peek() == "..." else [self._field()]
        self.take("}")
        return tuple(found)

    def _spread(self) -> tuple[Selection, ...]:
        self.take("...")
        if self.peek() == "on":
            self.take()
            self.take()
            return self.selections()
        name = self.take()
        if name not in self.fragments:
            message = f"Fragment {name} was used, but not defined"
            raise QueryError(message)
        here, self.at = self.at, self.fragments[name]
        found = self.selections()
        self.at = here
        return found

    def _field(self) -> Selection:
        name = alias = self.take()
        if self.peek() == ":":
            self.take()
            name = self.take()
        arguments: dict[str, Any] = {}
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                key = self.take()
                self.take(":")
                arguments[key] = self._value()
            self.take(")")
        inner = self.selections() if self.peek() == "{" else ()
        return Selection(name, alias, arguments, inner)

    def _value(self) -> Any:
        token = self.take()
        match token:
            case "$":
                return self.variables.get(self.take())
            case "[":
                items = []
                while self.peek() != "]":
                    items.append(self._value())
                self.take("]")
                return items
            case "{":
                members = {}
                while self.peek() != "}":
                    key = self.take()
                    self.take(":")
                    members[key] = self._value()
                self.take("}")
                return members
            case _:
                try:
                    return json.loads(token)
                except json.JSONDecodeError:  # the name of an enumeration's value
                    return token


def read(query: str, variables: Mapping[str, Any]) -> tuple[Selection, ...]:
    """Read a query with one operation. Raises QueryError where it is none."""
    reader = _Reader([token for token in _TOKEN.findall(query) if token], variables)
    operation = None
    while reader.peek():
        if reader.peek() == "{":
            operation = reader.at
        else:
            word, name = reader.take(), reader.peek()
            while reader.peek() != "{":
                reader.take()
            if word == "fragment":
                reader.fragments[name] = reader.at
            elif word == "query":
                operation = reader.at
            else:
                message = f"the sandbox knows no {word}"
                raise QueryError(message)
        reader.skip_block()
    if operation is None:
        message = "A query attribute must be specified and must be a string."
        raise QueryError(message)
    reader.at = operation
    return reader.selections()


def pick(value: Any, selections: tuple[Selection, ...]) -> Any:
    """Pick what is asked for. Raises QueryError for a field that a type has not."""
    if isinstance(value, (list, tuple)):
        return [pick(item, selections) for item in value]
    if not isinstance(value, Kind):
        return value
    picked = {}
    for one in selections:
        if one.name == "__typename":
            picked[one.alias] = value.type
            continue
        if one.name not in value.fields:
            message = f"Field '{one.name}' doesn't exist on type '{value.type}'"
            raise QueryError(message)
        found = value.fields[one.name]
        picked[one.alias] = pick(found(one.arguments) if callable(found) else found, one.inner)
    return picked
