"""JSON into types of msgspec, from any number of threads.

msgspec works out what a Struct holds when it is first asked for, and msgspec 0.22 lets a second thread see
that half done: two threads that first read a type, or one type and another that holds it, end the process
with a segmentation fault. So it is worked out under one lock for all types; reading needs none.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_LOCK = threading.Lock()
_known: dict[Any, msgspec.json.Decoder[Any]] = {}


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return the one decoder of a type."""
    found = _known.get(kind)
    if found is None:
        with _LOCK:
            found = _known.setdefault(kind, msgspec.json.Decoder(kind))
    return found


def read_json(raw: bytes | str, kind: type[T]) -> T:
    """Return a document of JSON as ``kind``. Raises msgspec.DecodeError for anything else."""
    return decoder(kind).decode(raw)
