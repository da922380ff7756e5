"""Waivers and sign-offs as the files beside the profile write them (SPEC B5).

They are read from a commit, never from the disk, and every malformation is a reason to block, so that a
slip of the pen denies and never waives. What needs a clock (expired, too long, created in the future) or
the profile (who may approve) is judged elsewhere.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Reason, Review, Signoff, State, Waiver
from pytest_relgate.profile.document import Document, read
from pytest_relgate.profile.facts import Line
from pytest_relgate.profile.words import quoted, shown

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from pytest_relgate.source.git import Repository

WAIVERS: Final = "waivers.toml"
SIGNOFFS: Final = "signoffs.toml"
DENIED: Final = {WAIVERS: "WAIVER", SIGNOFFS: "SIGNOFF"}
"""The code of the reason for what is wrong in a file, by its name."""

T = TypeVar("T", bound=msgspec.Struct)
Row = TypeVar("Row", bound=msgspec.Struct)

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


def _named(value: object) -> object:
    """Refuse what names nobody: a draft has "..." where a name must be written."""
    if isinstance(value, str) and not re.search(r"\w", value):
        message = f"expected the name of a person, found {quoted(value)}"
        raise RelgateError(message)
    return value


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
        # a draft has "..." where somebody must write: that is no reason, and nobody's name
        pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\w[^\x00-\x1f\x7f-\x9f]*\Z",
        description="words that say why",
        extra={"parse": _folded},
    ),
]
_Person = Annotated[Line, Meta(description="the name of a person", extra={"parse": _named})]
_Instant = Annotated[str, Meta(description="a time with an offset", extra={"parse": _instant})]
_Tree = Annotated[
    str,
    Meta(pattern=r"\A([0-9a-f]{40}|[0-9a-f]{64})\Z", description="the whole id of a tree"),
]

_Digest = Annotated[
    str,
    Meta(
        pattern=r"\Asha256:[0-9a-f]{64}\Z",
        description="the digest of a diff as the gate prints it, sha256: and 64 hex digits",
    ),
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


class _Review(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    gate: _GateId
    diff: _Digest
    person: _Person
    reason: _Prose


class _Waivers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    waiver: Annotated[tuple[_Waiver, ...], Meta(description="tables written [[waiver]]")] = ()


class _Signoffs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    signoff: Annotated[tuple[_Signoff, ...], Meta(description="tables written [[signoff]]")] = ()
    review: Annotated[tuple[_Review, ...], Meta(description="tables written [[review]]")] = ()


# An entry in order, by its table: what stands before an entry that is looked at alone.
_IN_ORDER: Final[dict[str, dict[str, object]]] = {
    "waiver": {
        "gate": "a.py::b",
        "release": "v1.0.0",
        "states": ["FAILED"],
        "reason": "a",
        "owner": "a",
        "approver": "a",
        "created": "2026-03-01T12:00:00Z",
        "expires": "2026-03-08T12:00:00Z",
    },
    "signoff": {"gate": "a.py::b", "tree": "0" * 40, "person": "a", "cause": "a"},
    "review": {"gate": "a.py::b", "diff": f"sha256:{'0' * 64}", "person": "a", "reason": "a"},
}


class Reviewed(msgspec.Struct, frozen=True):
    """What the reviewed files of one commit say. ``denied`` are reasons to block, one for each slip."""

    waivers: tuple[Waiver, ...] = ()
    signoffs: tuple[Signoff, ...] = ()
    reviews: tuple[Review, ...] = ()
    denied: tuple[Reason, ...] = ()


def reviewed_at(folder: str) -> list[str]:
    """Where the waivers and sign-offs of a checks folder are, from the top of its repository."""
    return [name if folder == "." else f"{folder}/{name}" for name in DENIED]


def read_reviewed(repository: Repository, commit: str, folder: str) -> Reviewed:
    """Read waivers and sign-offs of the checks folder ``folder`` as ``commit`` has them. One git process.

    A file that the commit lacks says nothing. Raises RelgateError where git cannot be asked.
    """
    contents = repository.contents_through_links(commit, reviewed_at(folder))
    return parse_reviewed(
        {path.rpartition("/")[2]: (path, text) for path, text in contents.items()},
    )


def parse_reviewed(files: Mapping[str, tuple[str, bytes]]) -> Reviewed:
    """Parse the reviewed files, by name, each with its path and its bytes."""
    path, text = files.get(WAIVERS, (WAIVERS, b""))
    waivers, bad_waivers = _waivers(text, path)
    denied = [_denial(problem, WAIVERS) for problem in bad_waivers]
    path, text = files.get(SIGNOFFS, (SIGNOFFS, b""))
    signoffs, reviews, bad_signoffs = _signoffs(text, path)
    denied += [_denial(problem, SIGNOFFS) for problem in bad_signoffs]
    return Reviewed(waivers, signoffs, reviews, tuple(denied))


def parse_waivers(text: bytes, name: str) -> tuple[Waiver, ...]:
    """Return the waivers that ``text`` writes, in its order; errors call it ``name``.

    Times are RFC 3339 in UTC whatever they were written in; white space in a reason is folded.
    Raises RelgateError, one line with file and line, for anything malformed and for two waivers that
    cover the same state of the same gate in the same release.
    """
    waivers, problems = _waivers(text, name)
    for problem in problems:
        raise problem
    return waivers


def parse_signoffs(text: bytes, name: str) -> tuple[Signoff, ...]:
    """Return the sign-offs of flaky gates that ``text`` writes, in its order; errors call it ``name``.

    Raises RelgateError, one line with file and line, for anything malformed and for a person who signs
    the same gate of the same tree, or the same diff, twice.
    """
    signoffs, _, problems = _signoffs(text, name)
    for problem in problems:
        raise problem
    return signoffs


def _waivers(text: bytes, name: str) -> tuple[tuple[Waiver, ...], list[RelgateError]]:
    """The waivers in order, and what is wrong with the others, by line."""
    try:
        document = read(text, name)
    except RelgateError as error:
        return (), [error]
    rows, problems = _entries(document, _Waivers, "waiver", Waiver)
    seen: dict[Hashable, int] = {}
    good = []
    for index, waiver in rows:
        wrong = _times(document, index, waiver)
        for state in waiver.states:
            wanted = f"one waiver for {state} of {quoted(waiver.gate)} in {waiver.release}"
            key = (waiver.gate, waiver.release, state)
            wrong = wrong or _twice(document, seen, ("waiver", index), key, wanted)
        if wrong is None:
            good.append(waiver)
        else:
            problems.append(wrong)
    return tuple(good), problems


def _signoffs(text: bytes, name: str) -> tuple[tuple[Signoff, ...], tuple[Review, ...], list[RelgateError]]:
    """The sign-offs of flaky gates and the reviews in order, and what is wrong with the others."""
    try:
        document = read(text, name)
    except RelgateError as error:
        return (), (), [error]
    seen: dict[Hashable, int] = {}
    signed, problems = _entries(document, _Signoffs, "signoff", Signoff)
    signoffs = []
    for index, one in signed:
        wanted = f"one sign-off of {quoted(one.person)} for {quoted(one.gate)} on this tree"
        key: Hashable = (one.gate, one.tree, one.person)
        if wrong := _twice(document, seen, ("signoff", index), key, wanted):
            problems.append(wrong)
        else:
            signoffs.append(one)
    rows, more = _entries(document, _Signoffs, "review", Review)
    problems += [one for one in more if str(one) not in map(str, problems)]  # one of the whole file
    reviews = []
    for index, review in rows:
        wanted = f"one review by {quoted(review.person)} of this diff for {quoted(review.gate)}"
        key = (review.gate, review.diff, review.person)
        if wrong := _twice(document, seen, ("review", index), key, wanted):
            problems.append(wrong)
        else:
            reviews.append(review)
    return tuple(signoffs), tuple(reviews), problems


def _entries(
    document: Document, kind: type[T], key: str, row: type[Row]
) -> tuple[list[tuple[int, Row]], list[RelgateError]]:
    """The entries of an array of tables, each with its index, and what is wrong with the others.

    Where the file itself is none of waivers or sign-offs, nothing in it counts.
    """
    written = document.table.get(key, [])
    entries = written if isinstance(written, list) else []
    try:
        _as(document, kind, key, written if not entries else [])
    except RelgateError as error:
        return [], [error]
    good: list[tuple[int, Row]] = []
    problems: list[RelgateError] = []
    for index, entry in enumerate(entries):
        before = [_IN_ORDER[key] for _ in range(index)]
        try:
            typed = _as(document, kind, key, [*before, entry])
        except RelgateError as error:
            problems.append(error)
        else:
            good.append((index, msgspec.convert(getattr(typed, key)[-1], row, from_attributes=True)))
    return good, problems


def _as(document: Document, kind: type[T], key: str, entries: object) -> T:
    """The document with these entries in the place of its own, typed; its other entries are left out."""
    table = {name: value for name, value in document.table.items() if name not in kind.__struct_fields__}
    return replace(document, table={**table, key: entries}).typed(kind)


def _denial(problem: RelgateError, file: str) -> Reason:
    where, _, words = str(problem).partition(": ")
    return Reason(
        DENIED[file],
        f"{where}: {words}",
        remedy=f"correct or remove it in {file}, and have that reviewed",
        where=where,
    )


def _times(document: Document, index: int, waiver: Waiver) -> RelgateError | None:
    created, expires = (dt.datetime.fromisoformat(time) for time in (waiver.created, waiver.expires))
    if created < expires:
        return None
    problem = f"expected a time after created ({waiver.created}), found {waiver.expires}"
    return document.error(("waiver", index, "expires"), f"waiver[{index}].expires: {problem}")


def _twice(
    document: Document, seen: dict[Hashable, int], place: tuple[str, int], key: Hashable, wanted: str
) -> RelgateError | None:
    """The error of an entry that says what one before it says; None if none before it does."""
    table, index = place
    first = seen.setdefault(key, index)
    if first == index:
        return None
    line = document.line((table, first))
    return document.error(
        place, f"expected {wanted}, found a second one{f' (first: line {line})' if line else ''}"
    )
