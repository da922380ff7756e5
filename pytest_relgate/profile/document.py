"""One TOML file read strictly: typed by msgspec structs, every error one line with file and line.

A struct says what a key must be with ``msgspec.Meta``: ``description`` is what an error expects, and
``extra={"parse": ...}`` names a function from the value as written to the value as typed, which raises
RelgateError for a bad one. Nothing else is needed to add a key.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from msgspec import inspect

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile.locate import line_of
from pytest_relgate.profile.words import Step, Steps, did_you_mean, dotted, one_of, printable, quoted, shown
from pytest_relgate.profile.words import table as table_name

T = TypeVar("T", bound=msgspec.Struct)

_SOME_KEY: Final = -1  # msgspec writes "..." for a key of a mapping, whichever it was


@dataclass(frozen=True)
class Document:
    """A TOML file that could be parsed. ``name`` is what errors call it."""

    name: str
    text: str
    table: dict[str, object]

    def line(self, path: Steps) -> int | None:
        """Return the line, from 1, on which ``path`` or the nearest thing around it stands."""
        return line_of(self.text, path)

    def error(self, path: Steps, problem: str) -> RelgateError:
        """Return the error that says ``problem`` of the line on which ``path`` stands."""
        line = self.line(path)
        return RelgateError(f"{self.name}{f':{line}' if line else ''}: {problem}")

    def typed(self, kind: type[T]) -> T:
        """Return the document as ``kind``, a struct that forbids unknown fields.

        Raises RelgateError for the first thing that does not fit.
        """
        parsed = self._parsed(self.table, inspect.type_info(kind), ())
        try:
            return msgspec.convert(parsed, kind)
        except msgspec.ValidationError as error:
            path, of_key = _path(error, parsed, kind)
            raise self.error(*_problem(path, self.table, kind, of_key=of_key)) from None

    def _parsed(self, value: object, node: inspect.Type, path: Steps) -> object:
        """Return ``value`` with the ``parse`` functions of its type applied, inner ones first."""
        match value, _bare(node):
            case dict(), inspect.StructType() | inspect.DictType():
                value = {k: self._parsed(v, _inner(node, k), (*path, k)) for k, v in value.items()}
            case list(), inspect.VarTupleType():
                value = [self._parsed(v, _inner(node, i), (*path, i)) for i, v in enumerate(value)]
        extra = node.extra if isinstance(node, inspect.Metadata) else None
        if not extra or "parse" not in extra:
            return value
        try:
            return extra["parse"](value)
        except RelgateError as error:
            raise self.error(path, f"{dotted(path)}: {error}") from None


def read(text: bytes, name: str) -> Document:
    """Parse the bytes of a TOML file that errors call ``name``; a byte order mark is accepted.

    Raises RelgateError for what is not UTF-8 or not TOML.
    """
    name = printable(name)
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"{name}:{line}: expected UTF-8, found a byte that is not; save the file as UTF-8"
        raise RelgateError(message) from None
    try:
        return Document(name, decoded, tomllib.loads(decoded))
    except tomllib.TOMLDecodeError as error:
        line, problem = _syntax_error(str(error), decoded)
        message = f"{name}:{line}: expected TOML, found an error in its syntax: {printable(problem)}"
    except (ValueError, RecursionError):
        # An integer of thousands of digits, or brackets nested a thousand deep.
        message = f"{name}: expected TOML, found a number too long or brackets too deep to read"
    raise RelgateError(message)


def read_file(path: Path) -> bytes | None:
    """Return the bytes of ``path``, or None if there is no such file.

    Raises RelgateError for a directory, for what is no regular file (a pipe would never end), and for
    what cannot be read.
    """
    try:
        if path.is_dir():
            problem = "is a directory"
        elif path.exists() and not path.is_file():
            problem = "is no regular file"
        else:
            return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = f"cannot be read: {error.strerror or type(error).__name__}"
    except ValueError:
        problem = "is no path of a file"
    message = f"{display(path)}: expected a file that can be read, found that it {problem}"
    raise RelgateError(message)


def display(path: Path) -> str:
    """Return ``path`` as errors name it: relative to the working directory where it lies below it."""
    try:
        return printable(str(path.relative_to(Path.cwd())))
    except (ValueError, OSError):
        return printable(str(path))


def _syntax_error(message: str, text: str) -> tuple[int, str]:
    """Split tomllib's message into the line and the problem."""
    if place := re.search(r" \(at line (\d+), column (\d+)\)$", message):
        return int(place[1]), f"{message[: place.start()]} (column {place[2]})"
    return text.rstrip().count("\n") + 1, message


def _path(error: msgspec.ValidationError, table: object, kind: type[T]) -> tuple[Steps, bool]:
    """Return the place of an error, and whether it speaks of the key there and not of its value."""
    found = re.search(r" - at (`key` in )?`\$([^`]*)`$", str(error))
    if found is None:
        return (), False
    steps: list[Step] = []
    for name, index in re.findall(r"\.(\w+)|\[(\d+|\.\.\.)\]", found[2]):
        steps.append(name or (int(index) if index.isdecimal() else _SOME_KEY))
    if found[1]:
        steps.append(_SOME_KEY)
    return _named(tuple(steps), error, table, kind), bool(found[1])


def _named(path: Steps, error: msgspec.ValidationError, table: object, kind: type[T]) -> Steps:
    """Return ``path`` with each unnamed key named: it is the one that alone gives the same error."""
    while _SOME_KEY in path:
        at = path.index(_SOME_KEY)
        around = _at(table, path[:at])
        entries = around.items() if isinstance(around, dict) else ()
        alone = ((key, _with(table, path[:at], {key: value})) for key, value in entries)
        found = next(((key, one) for key, one in alone if _fails_alike(one, kind, error)), None)
        if found is None:
            return path[:at]
        key, table = found
        path = (*path[:at], key, *path[at + 1 :])
    return path


def _fails_alike(table: object, kind: type[T], error: msgspec.ValidationError) -> bool:
    try:
        msgspec.convert(table, kind)
    except msgspec.ValidationError as other:
        return str(other) == str(error)
    return False


def _with(value: object, path: Steps, new: object) -> object:
    """Return a copy of ``value`` in which ``path`` is ``new``."""
    if not path:
        return new
    match value, path[0]:
        case dict(), step:
            return value | {step: _with(value[step], path[1:], new)}
        case list(), int(index):
            return [*value[:index], _with(value[index], path[1:], new), *value[index + 1 :]]
    return value


def _at(value: object, path: Steps) -> object:
    """Return what stands at ``path`` in ``value``."""
    for step in path:
        match value, step:
            case dict(), _:
                value = value.get(step)
            case list(), int(index):
                value = value[index]
    return value


def _problem(path: Steps, table: object, kind: type[T], *, of_key: bool) -> tuple[Steps, str]:
    """Return the place to show and what a person is told instead of msgspec's message."""
    root = inspect.type_info(kind)
    if of_key:
        keys = _bare(_type_at(root, path[:-1]))
        expected = _expected(keys.key_type) if isinstance(keys, inspect.DictType) else "another key"
        return path, f"{table_name(path[:-1])}: expected {expected}, found {shown(path[-1])}"
    value, node = _at(table, path), _type_at(root, path)
    if isinstance(node, inspect.StructType) and isinstance(value, dict):
        return _wrong_keys(path, value, node, root)
    near = did_you_mean(value, _choices(node)) if isinstance(value, str) else ""
    return path, f"{dotted(path)}: expected {_expected(node)}, found {shown(value)}{near}"


def _wrong_keys(
    path: Steps, table: dict[str, object], node: inspect.StructType, root: inspect.Type
) -> tuple[Steps, str]:
    known = {field.encode_name: field for field in node.fields}
    unknown = next((name for name in table if name not in known), None)
    if unknown is None:
        missing = next(name for name, field in known.items() if field.required and name not in table)
        expected = _expected(known[missing].type)
        return path, f"missing key {quoted(missing)} in {table_name(path)}; expected {expected}"
    if near := did_you_mean(unknown, known):
        advice = near
    elif not isinstance(_inner(root, unknown), inspect.AnyType):
        advice = "; it belongs to the top level, above the first [table]"
    else:
        advice = f"; expected {one_of(known)}"
    return (*path, unknown), f"unknown key {quoted(unknown)} in {table_name(path)}{advice}"


def _type_at(node: inspect.Type, path: Steps) -> inspect.Type:
    for step in path:
        node = _inner(node, step)
    return node


def _inner(node: inspect.Type, step: Step) -> inspect.Type:
    """Return the type of what stands at ``step`` in a value of type ``node``."""
    match _bare(node):
        case inspect.StructType(fields=fields):
            return next((field.type for field in fields if field.encode_name == step), inspect.AnyType())
        case inspect.DictType(value_type=inner) | inspect.VarTupleType(item_type=inner):
            return inner
        case _:
            return inspect.AnyType()


def _bare(node: inspect.Type) -> inspect.Type:
    return node.type if isinstance(node, inspect.Metadata) else node


def _choices(node: inspect.Type) -> tuple[str, ...]:
    match _bare(node):
        case inspect.LiteralType(values=values):
            return tuple(str(value) for value in values)
        case inspect.EnumType(cls=kind) if issubclass(kind, Enum):
            return tuple(str(member.value) for member in kind)
        case _:
            return ()


def _expected(node: inspect.Type) -> str:  # noqa: PLR0911  (one answer for each kind of type)
    """Return what a value of type ``node`` is, in words."""
    if isinstance(node, inspect.Metadata) and node.extra_json_schema:
        return str(node.extra_json_schema["description"])
    if choices := _choices(node):
        return one_of(choices)
    match _bare(node):
        case inspect.StrType():
            return "a string"
        case inspect.IntType():
            return "an integer"
        case inspect.BoolType():
            return "true or false"
        case inspect.VarTupleType():
            return "an array"
        case inspect.DictType() | inspect.StructType():
            return "a table"
        case _:
            return "a value of another kind"
