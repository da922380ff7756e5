"""The project's own file of targets, as the profile names it: its rows say what a release is made of. Pure.

SPEC B8: expected files come from what the project has already. A row is a platform, say; a name of a file is
made of every row that a condition lets through. Nothing here ever comes out empty: what cannot be read, or
matches nothing, cannot be judged.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.profile.source import PLACEHOLDERS, ChannelName, _inside
from pytest_relgate.profile.words import quoted, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Scalar = str | int | bool
Row = dict[str, object]

_FIELD: Final = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
_PLACE: Final = re.compile(rf"\{{({_FIELD})\}}")
_NOWHERE: Final = object()


def _file(value: object) -> object:
    if isinstance(value, str) and value:
        _inside(value)
        if not value.endswith((".json", ".toml")):
            message = (
                f"expected the path of a file of JSON or TOML, NAME.json or NAME.toml, found {quoted(value)}"
            )
            raise RelgateError(message)
    return value


def _template(value: object) -> object:
    """Refuse a name with a folder in it, or with braces that stand for nothing."""
    if isinstance(value, str):
        left = _PLACE.sub("", value)
        if not value or re.search(r"[/\\{}\s]", left) or not value.isprintable():
            message = (
                "expected the name of a file, with {version}, {pep440}, {tag} or the {field} of a row where "
                f"they stand, found {quoted(value)}"
            )
            raise RelgateError(message)
    return value


def _held(value: object) -> object:
    """Refuse what is no path in an archive, each part of it a name like those above."""
    _inside(value)
    if isinstance(value, str):
        for part in value.split("/"):
            _template(part)
        if places := set(_PLACE.findall(value)) & set(PLACEHOLDERS):
            message = (
                f"expected the {{field}} of a row alone, found {{{min(places)}}}, which is the release's"
            )
            raise RelgateError(message)
    return value


def _where(value: object) -> object:
    """Every condition as field and list of values; tables, which TOML makes of dotted keys, as fields too."""
    return _conditions(value, "") if isinstance(value, dict) else value


def _conditions(table: Row, before: str) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for key, value in table.items():
        field = f"{before}{key}"
        if not re.fullmatch(_FIELD, field):
            message = f"expected the name of a field, found {quoted(field)}"
            raise RelgateError(message)
        if isinstance(value, dict) and value:
            found |= _conditions(value, f"{field}.")
            continue
        values = value if isinstance(value, list) else [value]
        if not values or any(type(one) not in (str, int, bool) for one in values):
            wrong = next((one for one in values if type(one) not in (str, int, bool)), value)
            expected = "a string, an integer, true, false or an array of such"
            message = f"{field}: expected {expected}, found {shown(wrong)}"
            raise RelgateError(message)
        found[field] = values
    return found


Where = Annotated[
    dict[str, tuple[Scalar, ...]],
    Meta(description="a table of fields and their values", extra={"parse": _where}),
]


class Each(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file for each row: ``name`` with fields of the row in it, of the rows that ``where`` lets through.

    ``where`` maps a field to its values, dotted where it is in a table of the row; all must hold.
    """

    name: Annotated[str, Meta(description="the name of a file", extra={"parse": _template})]
    where: Where = {}


class EachHeld(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file in an archive for each row: as Each, and ``name`` is a path there."""

    name: Annotated[str, Meta(description="a path in an archive", extra={"parse": _held})]
    where: Where = {}


class Targets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The project's file of targets, where its rows stand in it, and the files that they give by channel.

    ``rows`` is a dotted path to the list; empty: the file is the list.
    """

    file: Annotated[str, Meta(description='a path in the repository, or ""', extra={"parse": _file})] = ""
    rows: Annotated[str, Meta(pattern=rf"\A({_FIELD})?\Z", description="the name of a field, or dotted")] = ""
    artifacts: dict[
        ChannelName,
        Annotated[tuple[Each, ...], Meta(min_length=1, description="an array of at least one table")],
    ] = {}
    holds: dict[
        ChannelName,
        Annotated[tuple[EachHeld, ...], Meta(min_length=1, description="an array of at least one table")],
    ] = {}


def half_said(targets: Targets) -> str:
    """Return what is missing between the keys of ``[targets]``, empty for nothing."""
    used = targets.artifacts or targets.holds
    if used and not targets.file:
        return 'expected file = "release/targets.json" or the like, whose rows these are made of, found none'
    if targets.file and not used:
        return f"expected artifacts, which say what files the rows of {targets.file} give, found none"
    return ""


def names_by_channel(targets: Targets, raw: bytes | None) -> dict[str, tuple[str, ...]]:
    """Return the names of the files by channel, the release's {version} and the like still in them.

    ``raw`` are the bytes of the file, None where there is none. Raises CannotJudge for a file that is
    missing or malformed, for a field that no row has, for a name that no row gives or that two give.
    """
    rows = rows_of(targets, raw)
    return {
        channel: _names(targets.file, f"targets.artifacts.{channel}", each, rows)
        for channel, each in targets.artifacts.items()
    }


def held_by_channel(targets: Targets, raw: bytes | None) -> dict[str, tuple[str, ...]]:
    """Return the files that every archive of a channel must hold, likewise."""
    rows = rows_of(targets, raw)
    return {
        channel: _names(targets.file, f"targets.holds.{channel}", each, rows)
        for channel, each in targets.holds.items()
    }


def rows_of(targets: Targets, raw: bytes | None) -> list[Row]:
    """Return the rows of the file. Raises CannotJudge where it has none that can be read."""
    file = targets.file
    if raw is None:
        message = f"{file} is not in the commit under release, and the expected files come from it"
        raise CannotJudge(message, where=file, do="commit it, or mend targets.file in relgate.toml")
    found = _parsed(file, raw)
    for step in targets.rows.split(".") if targets.rows else ():
        found = found.get(step, _NOWHERE) if isinstance(found, dict) else _NOWHERE
    place = targets.rows or "the document"
    if not isinstance(found, list) or not found:
        there = "nothing" if found is _NOWHERE else _said(found)
        raise _cannot(file, f"expected a list of rows at {place}, found {there}", "mend it, or targets.rows")
    for number, row in enumerate(found, 1):
        if not isinstance(row, dict):
            raise _cannot(
                file, f"row {number}: expected a table of fields, found {_said(row)}", "mend the row"
            )
    return found


def _parsed(file: str, raw: bytes) -> object:
    form = "TOML" if file.endswith(".toml") else "JSON"
    try:
        text = raw.decode("utf-8-sig")
        if form == "TOML":
            return tomllib.loads(text)
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        problem = "brackets too deep to read"
    except UnicodeDecodeError:
        problem = "bytes that are no UTF-8"
    except json.JSONDecodeError as error:
        problem = f"an error in its syntax on line {error.lineno}"
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        problem = f"an error in its syntax{f' on line {line[1]}' if line else ''}"
    except RelgateError as error:
        problem = str(error)
    except ValueError:
        problem = "a number too long to read"
    raise _cannot(file, f"expected {form}, found {problem}", "mend the file")


def _once(pairs: list[tuple[str, object]]) -> Row:
    """Refuse a key that stands twice: readers of JSON do not agree which of the two holds."""
    found: Row = {}
    for key, value in pairs:
        if key in found:
            message = f"the key {quoted(key)} twice in one object"
            raise RelgateError(message)
        found[key] = value
    return found


def _names(
    file: str, place: str, templates: Sequence[Each | EachHeld], rows: Sequence[Row]
) -> tuple[str, ...]:
    given: dict[str, int] = {}
    for index, each in enumerate(templates):
        here = f"{place}[{index}]"
        known = {field: any(_field(row, field) is not _NOWHERE for row in rows) for field in each.where}
        for field, anywhere in known.items():
            if not anywhere:
                raise _cannot(file, f"no row has the field {quoted(field)}", f"mend where of {here}")
        chosen = [(number, row) for number, row in enumerate(rows, 1) if _matches(row, each.where)]
        if not chosen:
            raise _cannot(
                file, f"no row matches where of {here}, so {quoted(each.name)} is no file", f"mend {here}"
            )
        for number, row in chosen:
            name = _filled(file, here, each.name, number, row)
            if name in given:
                both = f"rows {given[name]} and {number} both give"
                words = both if given[name] != number else f"row {number} gives twice"
                raise _cannot(file, f"{words} {quoted(name)}", f"mend the rows, or {here}")
            given[name] = number
    return tuple(given)


def _field(row: object, field: str) -> object:
    for step in field.split("."):
        if not isinstance(row, dict) or step not in row:
            return _NOWHERE
        row = row[step]
    return row


def _matches(row: Row, where: Mapping[str, tuple[Scalar, ...]]) -> bool:
    """Whether every condition holds; true is not 1."""
    return all(
        any(type(one) is type(value) and one == value for one in values)
        for field, values in where.items()
        for value in [_field(row, field)]
    )


def _filled(file: str, here: str, template: str, number: int, row: Row) -> str:
    """The template with the row's fields in it."""

    def value_of(match: re.Match[str]) -> str:
        if match[1] in PLACEHOLDERS:
            return match[0]
        value = _field(row, match[1])
        if value is _NOWHERE or value is None:
            problem = f"row {number} has no {quoted(match[1])}, which {quoted(template)} needs"
            raise _cannot(file, problem, f"mend the row, or {here}")
        good = (isinstance(value, str) and value.isprintable() and re.fullmatch(r"[^/\\{}\s]+", value)) or (
            type(value) is int and 0 <= value < 1 << 64
        )
        if not good:
            problem = f"row {number}, {match[1]}: expected a part of a file's name, found {_said(value)}"
            raise _cannot(file, problem, "mend the row")
        return str(value)

    return _PLACE.sub(value_of, template)


def _said(value: object) -> str:
    return "null" if value is None else shown(value)


def _cannot(file: str, problem: str, do: str) -> CannotJudge:
    return CannotJudge(f"{file}: {problem}", where=file, do=do)
