"""Waivers and sign-offs as the files beside the profile write them (SPEC B5).

Every malformation is an error, so that a slip of the pen denies and never waives. What needs a clock
(expired, too long, created in the future) or the profile (who may approve) is judged elsewhere.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Signoff, State, Waiver
from pytest_relgate.profile.document import Document, display, read, read_file
from pytest_relgate.profile.facts import Line
from pytest_relgate.profile.words import quoted, shown

if TYPE_CHECKING:
    from pathlib import Path

WAIVERS: Final = "waivers.toml"
SIGNOFFS: Final = "signoffs.toml"

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ](?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_WAIVABLE = f"a state that may be waived ({', '.join(state for state in State if state.waivable)})"


def _instant(value: object) -> str:
    """Return a TOML date-time, or a string of RFC 3339, as RFC 3339 in UTC.

    Raises RelgateError for anything else, and for a time without an offset: it is no instant.
    """
    moment = value if isinstance(value, dt.datetime) else None
    try:
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            moment = dt.datetime.fromisoformat(value.upper())
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):  # no such day, or a year that UTC pushes over the edge
        pass
    message = f'expected a time with an offset such as "2026-03-01T12:00:00Z", found {shown(value)}'
    raise RelgateError(message)


def _waivable(value: object) -> object:
    if isinstance(value, str) and value in set(State) and not State(value).waivable:
        message = f"expected {_WAIVABLE}, found {quoted(value)}, which never is"
        raise RelgateError(message)
    return value


def _once(states: object) -> object:
    if (
        isinstance(states, list)
        and all(isinstance(one, str) for one in states)
        and len(set(states)) < len(states)
    ):
        message = "expected each state once, found one of them twice"
        raise RelgateError(message)
    return states


def _folded(value: object) -> object:
    """Join the lines of a text, which a report quotes on one."""
    return " ".join(value.split()) if isinstance(value, str) else value


_GateId = Annotated[
    str,
    Meta(
        pattern=r"\A[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*::[^\x00-\x1f\x7f-\x9f]+\Z",
        description='the id of a gate such as "test_core.py::test_gate[fmt]"',
    ),
]
_Release = Annotated[
    str,
    Meta(
        # https://semver.org, with the v of the tag
        pattern=r"\Av(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}"
        r"(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?"
        r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?\Z",
        description='a release such as "v0.1.10"',
    ),
]
_States = Annotated[
    tuple[Annotated[State, Meta(description=_WAIVABLE, extra={"parse": _waivable})], ...],
    Meta(min_length=1, description=f"an array of at least one: {_WAIVABLE}", extra={"parse": _once}),
]
_Prose = Annotated[
    str,
    Meta(
        pattern=r"\A[^\x00-\x1f\x7f-\x9f]+\Z",
        description="words that say why",
        extra={"parse": _folded},
    ),
]
_Person = Annotated[Line, Meta(description="the name of a person")]
_Instant = Annotated[str, Meta(description="a time with an offset", extra={"parse": _instant})]
_Tree = Annotated[
    str,
    Meta(pattern=r"\A([0-9a-f]{40}|[0-9a-f]{64})\Z", description="the whole id of a tree"),
]


class _Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    gate: _GateId
    release: _Release
    states: _States
    reason: _Prose
    owner: _Person
    approver: _Person
    created: _Instant
    expires: _Instant


class _Signoff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    gate: _GateId
    tree: _Tree
    person: _Person
    cause: _Prose


class _Waivers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    waiver: Annotated[tuple[_Waiver, ...], Meta(description="tables written [[waiver]]")] = ()


class _Signoffs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    signoff: Annotated[tuple[_Signoff, ...], Meta(description="tables written [[signoff]]")] = ()


def load_waivers(path: Path) -> tuple[Waiver, ...]:
    """Return the waivers of the file ``path``; no file is no waiver.

    Raises RelgateError, one line with file and line.
    """
    text = read_file(path)
    return () if text is None else parse_waivers(text, display(path))


def parse_waivers(text: bytes, name: str) -> tuple[Waiver, ...]:
    """Return the waivers that ``text`` writes, in its order; errors call it ``name``.

    Times are RFC 3339 in UTC whatever they were written in; white space in a reason is folded.
    Raises RelgateError, one line with file and line, for anything malformed and for two waivers that
    cover the same state of the same gate in the same release.
    """
    document = read(text, name)
    waivers = tuple(
        msgspec.convert(one, Waiver, from_attributes=True) for one in document.typed(_Waivers).waiver
    )
    seen: dict[tuple[str, str, State], int] = {}
    for index, waiver in enumerate(waivers):
        _check_times(document, index, waiver)
        for state in waiver.states:
            first = seen.setdefault((waiver.gate, waiver.release, state), index)
            if first != index:
                problem = f"expected one waiver for {state} of {quoted(waiver.gate)} in {waiver.release}"
                raise _twice(document, "waiver", first, index, problem)
    return waivers


def load_signoffs(path: Path) -> tuple[Signoff, ...]:
    """Return the sign-offs of the file ``path``; no file is no sign-off.

    Raises RelgateError, one line with file and line.
    """
    text = read_file(path)
    return () if text is None else parse_signoffs(text, display(path))


def parse_signoffs(text: bytes, name: str) -> tuple[Signoff, ...]:
    """Return the sign-offs that ``text`` writes, in its order; errors call it ``name``.

    Raises RelgateError, one line with file and line, for anything malformed and for a person who signs
    the same gate of the same tree twice.
    """
    document = read(text, name)
    signoffs = tuple(
        msgspec.convert(one, Signoff, from_attributes=True) for one in document.typed(_Signoffs).signoff
    )
    seen: dict[tuple[str, str, str], int] = {}
    for index, one in enumerate(signoffs):
        first = seen.setdefault((one.gate, one.tree, one.person), index)
        if first != index:
            problem = f"expected one sign-off of {quoted(one.person)} for {quoted(one.gate)} on this tree"
            raise _twice(document, "signoff", first, index, problem)
    return signoffs


def _check_times(document: Document, index: int, waiver: Waiver) -> None:
    created, expires = (dt.datetime.fromisoformat(time) for time in (waiver.created, waiver.expires))
    if created >= expires:
        problem = f"expected a time after created ({waiver.created}), found {waiver.expires}"
        raise document.error(("waiver", index, "expires"), f"waiver[{index}].expires: {problem}")


def _twice(document: Document, key: str, first: int, second: int, problem: str) -> RelgateError:
    line = document.line((key, first))
    return document.error(
        (key, second), f"{problem}, found a second one{f' (first: line {line})' if line else ''}"
    )
