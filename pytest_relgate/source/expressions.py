"""The expression language of GitHub workflows: parsed, and evaluated over what is known. Pure.

https://docs.github.com/actions/reference/workflows-and-actions/expressions. A value that is not known is
ANY; one that may be several things is the set of them, so that a condition is true, false, or either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Value = str | float | bool | None
Values = frozenset[Value] | None
"""The values that something may have; None (ANY) where nothing is known of it."""

ANY: Final[Values] = None
STATUS_FUNCTIONS: Final = frozenset({"success", "failure", "always", "cancelled"})
FUNCTIONS: Final = STATUS_FUNCTIONS | frozenset(
    {"contains", "startswith", "endswith", "format", "join", "tojson", "fromjson", "hashfiles", "case"}
)
MOST_VALUES = 16
LONGEST, DEEPEST = 21_000, 50
"""GitHub's own bounds (actions/runner, ExpressionConstants): what is longer or deeper, it refuses."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>-?(?:0x[0-9a-fA-F]+|0o[0-7]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<sign>==|!=|<=|>=|&&|\|\||[<>!().,\[\]*])
    )""",
    re.VERBOSE,
)
_INSIDE = re.compile(r"\$\{\{(?P<inside>(?:[^'}]|'(?:[^']|'')*'|\}(?!\}))*)\}\}", re.DOTALL)


class ExpressionError(ValueError):
    """An expression that GitHub would refuse; the text says why."""


@dataclass(frozen=True)
class Literal:
    """A number, a text, true, false or null."""

    value: Value


@dataclass(frozen=True)
class Reference:
    """A value of a context: ``needs.build.result`` is ``("needs", "build", "result")``; ``*`` is any key."""

    path: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function with its arguments; the name is in lower case, as GitHub does not tell cases apart."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Operation:
    """An operator with one operand (``!``) or two."""

    sign: str
    operands: tuple[Expression, ...]


Expression = Literal | Reference | Call | Operation


def expressions_in(text: str) -> Iterator[tuple[str, int]]:
    """Give each ``${{ }}`` of a text: what stands inside, and how many lines stand before it."""
    for found in _INSIDE.finditer(text):
        yield found["inside"], text.count("\n", 0, found.start())


def parse(text: str) -> Expression:
    """Parse an expression without its braces. Raises ExpressionError."""
    if len(text) > LONGEST:
        message = f"longer than {LONGEST:,} characters"
        raise ExpressionError(message)
    tokens = list(_tokens(text))
    _check_depth(tokens)
    expression, at = _binary(tokens, 0, 0)
    if at != len(tokens):
        message = f"unexpected {tokens[at]}"
        raise ExpressionError(message)
    return expression


def parse_condition(text: str) -> Expression:
    """Parse what stands behind ``if:``, with or without braces.

    A text that is more than one ``${{ }}`` is a text to GitHub, and so true: ``${{ a }} && b`` always holds.
    GitHub writes it as ``format('{0} && b', a)``, so that a status function within the braces takes away the
    ``success()`` that it adds otherwise; one outside of them is text.
    """
    stripped = text.strip()
    whole = _INSIDE.fullmatch(stripped)
    if whole:
        return parse(whole["inside"])
    if "${{" in stripped:
        inner = tuple(parse(inside) for inside, _ in expressions_in(stripped))
        filled = Call("format", (Literal(stripped), *inner))
        return Operation("||", (filled, Literal(stripped)))  # what it is filled with makes it no less true
    return parse(stripped) if stripped else Literal(value=True)


def walk(expression: Expression) -> Iterator[Expression]:
    """Give an expression and everything in it."""
    yield expression
    inner = {Call: "arguments", Operation: "operands"}.get(type(expression))
    for one in getattr(expression, inner) if inner else ():
        yield from walk(one)


def asks_for_status(expression: Expression) -> bool:
    """Whether it calls a status function, so that GitHub adds no ``success()`` of its own."""
    return any(isinstance(one, Call) and one.name in STATUS_FUNCTIONS for one in walk(expression))


def evaluate(  # noqa: PLR0911  (one answer for each kind of expression)
    expression: Expression,
    value_of: Callable[[tuple[str, ...]], Values],
    status: Callable[[str], frozenset[bool]],
) -> Values:
    """Return the values that an expression may have.

    ``value_of`` gives those of a context's path (in lower case), ``status`` those of a status function;
    it is asked for ``any:failure`` where a condition looks whether any of its needs ended so.
    """
    match expression:
        case Literal(value):
            return frozenset([value])
        case Reference(path):
            return value_of(tuple(step.lower() for step in path))
        case Call(name, _) if name in STATUS_FUNCTIONS:
            return frozenset[Value](status(name))
        case Call("contains", (Reference(("needs", "*", "result")), Literal(value))):
            return frozenset[Value](status(f"any:{value}"))
        case Call(name, arguments):
            return _called(name, [evaluate(one, value_of, status) for one in arguments])
        case Operation("!", (operand,)):
            return frozenset[Value](not one for one in truths(evaluate(operand, value_of, status)))
        case Operation(sign, (left, right)):
            return _operated(sign, evaluate(left, value_of, status), evaluate(right, value_of, status))
        case _:
            return ANY


def truths(values: Values) -> frozenset[bool]:
    """Whether a value of these holds as a condition: true, false, or either."""
    if values is None:
        return frozenset({True, False})
    return frozenset(_true(value) for value in values)


def _operated(sign: str, left: Values, right: Values) -> Values:
    if sign == "&&":
        return _either(left, right, stops_at=False)
    if sign == "||":
        return _either(left, right, stops_at=True)
    if left is None or right is None:
        return frozenset[Value]({True, False})
    return frozenset[Value](_compared(sign, a, b) for a in left for b in right)


def _either(left: Values, right: Values, *, stops_at: bool) -> Values:
    """``&&`` and ``||`` give one of their operands: the left one if its truth is ``stops_at``."""
    if left is not None:
        stopped = frozenset(value for value in left if _true(value) is stops_at)
        if stopped == left:
            return left
        return ANY if right is None else stopped | right
    if right is not None and all(_true(value) is stops_at for value in right):
        return right | {stops_at}
    return ANY


def _true(value: Value) -> bool:
    return bool(value) and value == value  # noqa: PLR0124  (NaN is false)


def _number(value: Value) -> float:
    match value:
        case None:
            return 0.0
        case str():
            try:
                return float(int(value, 0)) if value.lower().startswith(("0x", "0o")) else float(value or 0)
            except ValueError:
                return float("nan")
        case _:
            return float(value)


def _compared(sign: str, left: Value, right: Value) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        a, b = left.lower(), right.lower()  # GitHub ignores case when it compares texts
        order = (a > b) - (a < b)
    else:
        x, y = _number(left), _number(right)
        if x != x or y != y:  # noqa: PLR0124  (NaN is equal to nothing, and neither above nor below)
            return sign == "!="
        order = (x > y) - (x < y)
    return {
        "==": order == 0,
        "!=": order != 0,
        "<": order < 0,
        "<=": order <= 0,
        ">": order > 0,
        ">=": order >= 0,
    }[sign]


def _called(name: str, arguments: list[Values]) -> Values:
    """The functions whose answer is known when their arguments are; ANY for the others."""
    if name == "fromjson" and len(arguments) == 1 and arguments[0] is not None:
        words: dict[Value, Value] = {"true": True, "false": False, "null": None}
        return frozenset(words[one] for one in arguments[0]) if arguments[0] <= words.keys() else ANY
    if name not in ("contains", "startswith", "endswith") or len(arguments) != 2:  # noqa: PLR2004  (each of them takes two)
        return ANY
    left, right = arguments
    if left is None or right is None:
        return ANY
    pairs = [(_text(a), _text(b)) for a in left for b in right]
    if name == "contains":
        return frozenset[Value](b in a for a, b in pairs)
    if name == "startswith":
        return frozenset[Value](a.startswith(b) for a, b in pairs)
    return frozenset[Value](a.endswith(b) for a, b in pairs)


def _text(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return str(value).lower()


# Parsing, by precedence: ||, &&, == and !=, comparisons, !, then what stands on its own.

_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))


def _tokens(text: str) -> Iterator[str]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found:
            message = f"unexpected {text[at:].strip()[:20]}"
            raise ExpressionError(message)
        yield found[0].strip()
        at = found.end()


def _binary(tokens: list[str], at: int, level: int) -> tuple[Expression, int]:
    if level == len(_LEVELS):
        return _unary(tokens, at)
    left, at = _binary(tokens, at, level + 1)
    signs, operands = [], [left]
    while at < len(tokens) and tokens[at] in _LEVELS[level]:
        signs.append(tokens[at])
        right, at = _binary(tokens, at + 1, level + 1)
        operands.append(right)
    return _joined(signs, operands), at


def _joined(signs: list[str], operands: list[Expression]) -> Expression:
    """Operands of one level: of a long ``a && b && c`` a flat tree, for which the order does not matter."""
    if len(operands) == 1:
        return operands[0]
    if signs[0] in ("&&", "||"):
        half = len(operands) // 2
        left, right = _joined(signs, operands[:half]), _joined(signs, operands[half:])
        return Operation(signs[0], (left, right))
    if len(signs) > DEEPEST:
        message = f"nested more than {DEEPEST} deep"
        raise ExpressionError(message)
    found = operands[0]
    for sign, right in zip(signs, operands[1:], strict=True):
        found = Operation(sign, (found, right))
    return found


def _check_depth(tokens: list[str]) -> None:
    depth = denied = 0
    for sign in tokens:
        depth += (sign in "([") - (sign in ")]")
        denied = denied + 1 if sign == "!" else 0
        if depth + denied > DEEPEST:
            message = f"nested more than {DEEPEST} deep"
            raise ExpressionError(message)


def _unary(tokens: list[str], at: int) -> tuple[Expression, int]:
    if _at(tokens, at) == "!":
        operand, at = _unary(tokens, at + 1)
        return Operation("!", (operand,)), at
    if _at(tokens, at) == "(":
        inside, at = _binary(tokens, at + 1, 0)
        return inside, _past(tokens, at, ")")
    return _primary(tokens, at)


def _primary(tokens: list[str], at: int) -> tuple[Expression, int]:
    token = _at(tokens, at)
    if token.startswith("'"):
        return Literal(token[1:-1].replace("''", "'")), at + 1
    if re.match(r"-?[.\d]", token):
        return Literal(_number(token)), at + 1
    if token in ("true", "false", "null"):
        return Literal({"true": True, "false": False}.get(token)), at + 1
    if not re.match(r"[A-Za-z_]", token):
        message = f"expected a value, found {token or 'the end'}"
        raise ExpressionError(message)
    if _peek(tokens, at + 1) == "(":
        return _call(tokens, at)
    return _reference(tokens, at)


def _call(tokens: list[str], at: int) -> tuple[Expression, int]:
    name = tokens[at].lower()
    if name not in FUNCTIONS:
        message = f"there is no function {tokens[at]}"
        raise ExpressionError(message)
    arguments: list[Expression] = []
    at += 2
    while _at(tokens, at) != ")":
        argument, at = _binary(tokens, at, 0)
        arguments.append(argument)
        if _at(tokens, at) == ",":
            at += 1
    at += 1
    call: Expression = Call(name, tuple(arguments))
    while _peek(tokens, at) in (".", "["):  # what fromJSON gives has keys; which is not known
        _, at = _step(tokens, at)
        call = Reference(("?",))
    return call, at


def _reference(tokens: list[str], at: int) -> tuple[Expression, int]:
    path = [tokens[at]]
    at += 1
    while _peek(tokens, at) in (".", "["):
        step, at = _step(tokens, at)
        path.append(step)
    return Reference(tuple(path)), at


def _step(tokens: list[str], at: int) -> tuple[str, int]:
    if tokens[at] == ".":
        return _at(tokens, at + 1), at + 2
    inside, at = (Literal("*"), at + 2) if _at(tokens, at + 1) == "*" else _binary(tokens, at + 1, 0)
    key = str(inside.value) if isinstance(inside, Literal) else "?"
    return key, _past(tokens, at, "]")


def _past(tokens: list[str], at: int, sign: str) -> int:
    if _at(tokens, at) != sign:
        message = f"expected {sign}, found {_peek(tokens, at) or 'the end'}"
        raise ExpressionError(message)
    return at + 1


def _peek(tokens: list[str], at: int) -> str:
    return tokens[at] if at < len(tokens) else ""


def _at(tokens: list[str], at: int) -> str:
    if at >= len(tokens):
        message = "the expression ends too early"
        raise ExpressionError(message)
    return tokens[at]
