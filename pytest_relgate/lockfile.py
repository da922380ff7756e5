"""``gates.lock``: the committed plan. One gate a line, so that a review shows what changed.

The lock is the denominator of a verdict (SPEC B1): a gate that stands here must judge.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Literal

import msgspec

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Condition, Gate, Phase

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAME = "gates.lock"


class LockedGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What of a gate decides about it. ``limit`` is in seconds."""

    id: str
    phase: Phase
    limit: float
    advisory: bool = False
    waivable: bool = True
    reads_world: bool = False
    sequence: str = ""
    conditions: tuple[Condition, ...] = ()


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as it is written."""

    schema: Literal[1]
    gates: tuple[LockedGate, ...]


def parse_lock(text: bytes, name: str = NAME) -> tuple[Gate, ...]:
    """Read the gates of a lock.

    Raises RelgateError, one line with the file's name, when the text is no lock.
    """
    try:
        lock = msgspec.json.decode(text, type=Lock)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"{name} is not a lock ({error}): write it anew with pytest --release-lock"
        raise RelgateError(message) from None
    return tuple(
        Gate(
            id=sys.intern(gate.id),
            phase=gate.phase,
            conditions=gate.conditions,
            advisory=gate.advisory,
            waivable=gate.waivable,
            reads_world=gate.reads_world,
            sequence=gate.sequence,
            limit=gate.limit,
        )
        for gate in lock.gates
    )


def read_lock(checks: Path) -> tuple[Gate, ...] | None:
    """Read the lock of a checks folder; None where there is none."""
    path = checks / NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise RelgateError(message) from None
    return parse_lock(text, f"{checks.name}/{NAME}")


def format_lock(gates: Iterable[Gate]) -> bytes:
    """Write gates as a lock, in the order given."""
    lines = [
        msgspec.json.encode(
            LockedGate(
                id=gate.id,
                phase=Phase(gate.phase),
                limit=gate.limit,
                advisory=gate.advisory,
                waivable=gate.waivable,
                reads_world=gate.reads_world,
                sequence=gate.sequence,
                conditions=gate.conditions,
            )
        )
        for gate in gates
    ]
    body = b",\n".join(b"  " + line for line in lines)
    return b'{"schema": 1, "gates": [\n' + body + b"\n]}\n"


def write_lock(checks: Path, gates: Iterable[Gate]) -> Path:
    """Write the lock beside the profile, whole or not at all."""
    path = checks / NAME
    fresh = path.with_name(f".{NAME}.{os.getpid()}")
    try:
        fresh.write_bytes(format_lock(gates))
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        message = f"{path} cannot be written: {error.strerror}"
        raise RelgateError(message) from None
    return path
