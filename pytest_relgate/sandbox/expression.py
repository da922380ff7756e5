"""Expressions of GitHub workflows, as far as release workflows use them.

Grammar and coercions follow GitHub's "Evaluate expressions in workflows": literals, property access,
``! == != && ||``, parentheses, the four status functions, ``contains() startsWith() endsWith()``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<sign>&&|\|\||==|!=|[!().,\[\]])"
    r"|(?P<name>[A-Za-z_][\w-]*))"
)
_HOLE: Final = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_STATUS: Final = frozenset({"success", "failure", "always", "cancelled"})


def evaluate(text: str, facts: Mapping[str, Any]) -> Any:
    """Value of an expression; ``facts`` are contexts by name, and ``status``, a word, for status functions.

    Raises RelgateError for what is not understood.
    """
    return _Reader(text, facts).all()


def filled(text: str, facts: Mapping[str, Any]) -> str:
    """Text with every ``${{ ... }}`` replaced by its value."""
    return _HOLE.sub(lambda found: spelled(evaluate(found[1], facts)), text)


def condition(text: object, facts: Mapping[str, Any]) -> bool:
    """Whether an ``if:`` holds. One without a status function means ``success() &&`` before it."""
    if text is None:
        return bool(facts.get("status", "success") == "success")
    plain = str(text).strip()
    whole = _HOLE.fullmatch(plain)
    inside = whole[1] if whole else plain
    asks = any(re.search(rf"\b{name}\s*\(", inside) for name in _STATUS)
    if not asks and facts.get("status", "success") != "success":
        return False
    return truth(evaluate(inside, facts))


def truth(value: Any) -> bool:
    """Whether a value counts as true: false, 0, the empty text and null do not."""
    return value not in (False, 0, "", None)


def spelled(value: Any) -> str:
    """A value as it stands in text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


class _Reader:
    """Reads and evaluates by recursive descent."""

    def __init__(self, text: str, facts: Mapping[str, Any]) -> None:
        self.text, self.facts = text, facts
        self.tokens = list(_tokens(text))
        self.at = 0

    def all(self) -> Any:
        value = self._either()
        if self.at < len(self.tokens):
            raise self._refusal()
        return value

    def _either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value if truth(value) else other
        return value

    def _both(self) -> Any:
        value = self._same()
        while self._take("&&"):
            other = self._same()
            value = other if truth(value) else value
        return value

    def _same(self) -> Any:
        value = self._not()
        while sign := (self._take("==") or self._take("!=")):
            equal = _equal(value, self._not())
            value = equal if sign == "==" else not equal
        return value

    def _not(self) -> Any:
        if self._take("!"):
            return not truth(self._not())
        return self._one()

    def _one(self) -> Any:
        if self._take("("):
            value = self._either()
            self._must(")")
            return value
        kind, word = self._next()
        if kind == "text":
            return word[1:-1].replace("''", "'")
        if kind == "number":
            return float(word) if "." in word else int(word)
        if kind != "name":
            raise self._refusal()
        if self._take("("):
            return self._call(word)
        if word in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[word]
        return self._properties(self.facts.get(word))

    def _properties(self, value: Any) -> Any:
        while True:
            if self._take("."):
                key: Any = self._next()[1]
            elif self._take("["):
                key = self._either()
                self._must("]")
            else:
                return value
            value = value.get(key) if isinstance(value, dict) else None

    def _call(self, name: str) -> Any:
        given: list[Any] = []
        while not self._take(")"):
            given.append(self._either())
            self._take(",")
        status = self.facts.get("status", "success")
        match name, given:
            case "always", []:
                return True
            case (("success" | "failure" | "cancelled"), []):
                return status == name
            case "contains", [list() as within, what]:
                return any(_equal(one, what) for one in within)
            case "contains", [within, what]:
                return spelled(what).lower() in spelled(within).lower()
            case "startsWith", [within, what]:
                return spelled(within).lower().startswith(spelled(what).lower())
            case "endsWith", [within, what]:
                return spelled(within).lower().endswith(spelled(what).lower())
            case _:
                raise self._refusal()

    def _take(self, sign: str) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at] == ("sign", sign):
            self.at += 1
            return sign
        return ""

    def _must(self, sign: str) -> None:
        if not self._take(sign):
            raise self._refusal()

    def _next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise self._refusal()
        self.at += 1
        return self.tokens[self.at - 1]

    def _refusal(self) -> RelgateError:
        return RelgateError(f"the sandbox does not understand the workflow expression {self.text.strip()!r}")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            message = f"the sandbox does not understand the workflow expression {text.strip()!r}"
            raise RelgateError(message)
        yield str(found.lastgroup), found[str(found.lastgroup)]
        at = found.end()


def _equal(one: Any, other: Any) -> bool:
    """Equality as GitHub has it: text without regard to case, and what differs in type as numbers."""
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if type(one) is type(other):
        return bool(one == other)
    return _number(one) == _number(other)


def _number(value: Any) -> float | None:
    match value:
        case None | "":
            return 0
        case bool() | int() | float():
            return float(value)
        case str():
            try:
                return float(value)
            except ValueError:
                return None
        case _:
            return None
