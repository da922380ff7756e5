"""Bytes that another version of this package wrote: what can be read of them, and what cannot.

The promise stands in ``docs/evidence.md``. A version reads what every earlier one of the same schema wrote: a
member that was added since is absent there, and its default says what its absence means. What a later
version added cannot be left aside, for it may be what blocks: such evidence is not decided, and is no less
whole for it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "pytest-relgate"
UPGRADE: Final = f"type pip install --upgrade {NAME}"

_encode = msgspec.json.Encoder().encode


class NewerError(ValueError):
    """The evidence holds what only a later version of this package can read."""


class _Numbered(msgspec.Struct, frozen=True):
    """What every version of the evidence has: the number of its schema."""

    schema: int


class Link(msgspec.Struct, frozen=True):
    """What every line of every version of the journal has."""

    prev: str
    kind: str


def schema_of(text: bytes) -> int:
    """The number of the schema that some bytes are of; 0 where they are no evidence of any version."""
    try:
        return msgspec.json.decode(text, type=_Numbered).schema
    except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return 0


def link_of(line: bytes) -> Link | None:
    """What any version can read of a line of the journal; None where it is no line of any."""
    try:
        return msgspec.json.decode(line, type=Link)
    except (ValueError, RecursionError):
        return None


def is_laid_out(text: bytes, read: msgspec.Struct) -> bool:
    """Whether bytes are those that a version which knew fewer members would have written for ``read``.

    Each value is the one that was read and stands where every version puts it; nothing is there twice.
    """
    raw = msgspec.json.decode(text)
    return _is_same(raw, read) and b"".join(_members(raw)) == text


def _members(raw: dict[str, object]) -> Iterator[bytes]:
    """The layout of every version of the evidence: a member a line, the gates last, a gate a line."""
    lead = b"{"
    for name, value in raw.items():
        if name != "gates":
            yield lead + _encode(name) + b": " + _encode(value) + b",\n"
            lead = b" "
    gates = raw["gates"]
    yield b' "gates": ['
    lead = b"\n  "
    for gate in gates if isinstance(gates, list) else ():
        yield lead + _encode(gate)
        lead = b",\n  "
    yield b"]}\n" if lead == b"\n  " else b"\n ]}\n"


def _is_same(raw: object, read: object) -> bool:
    """Whether what JSON holds is what was read of it, where members may be absent and none may be more."""
    match read:
        case msgspec.Struct():
            known = read.__struct_encode_fields__
            return isinstance(raw, dict) and all(
                name in known and _is_same(value, getattr(read, name)) for name, value in raw.items()
            )
        case dict():
            return (
                isinstance(raw, dict)
                and raw.keys() == read.keys()
                and all(_is_same(raw[name], value) for name, value in read.items())
            )
        case tuple():
            return isinstance(raw, list) and len(raw) == len(read) and all(map(_is_same, raw, read))
        case Enum():
            return isinstance(raw, str) and raw == read.value
        case _:
            return type(raw) is type(read) and bool(raw == read)


def this_version() -> str:
    """The version of this package as it is installed; empty where it is not."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(NAME)
    except PackageNotFoundError:
        return ""
