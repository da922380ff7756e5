"""Git tree objects, taken apart and put together again without git. Pure.

The format is git's own: ``<mode> <name>NUL<raw id>`` for each entry, hashed behind ``tree <size>NUL``
(git documentation, "Git Internals - Git Objects"; hash-function-transition for SHA-256).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ObjectFormat = Literal["sha1", "sha256"]


class Entry(NamedTuple):
    """One entry of a tree: its mode and name as stored, its object id in raw bytes."""

    mode: bytes
    name: bytes
    oid: bytes


def object_format(object_id: str) -> ObjectFormat:
    """Tell which hash a repository uses by one of its full object ids (40 or 64 hex)."""
    return "sha256" if len(object_id) == 64 else "sha1"  # noqa: PLR2004  (the length of its hex form)


def entries_of(body: bytes, form: ObjectFormat) -> list[Entry]:
    """Take a tree's bytes apart, in their order."""
    size = hashlib.new(form, usedforsecurity=False).digest_size
    entries = []
    at = 0
    while at < len(body):
        space = body.index(b" ", at)
        end = body.index(b"\0", space)
        at_next = end + 1 + size
        entries.append(Entry(body[at:space], body[space + 1 : end], body[end + 1 : at_next]))
        at = at_next
    return entries


def tree_id(entries: Iterable[Entry], form: ObjectFormat) -> bytes:
    """Hash entries, given in git's order, to the raw id of the tree that they make."""
    body = b"".join(entry.mode + b" " + entry.name + b"\0" + entry.oid for entry in entries)
    return hashlib.new(form, b"tree %d\0" % len(body) + body, usedforsecurity=False).digest()


def folders_above(path: bytes) -> list[bytes]:
    """Name the folders that a path lies in, outermost first, without the root."""
    parts = path.split(b"/")
    return [b"/".join(parts[:n]) for n in range(1, len(parts))]


def id_without(
    trees: Mapping[bytes, bytes], paths: Iterable[bytes], form: ObjectFormat, folder: bytes = b""
) -> bytes | None:
    """Hash ``folder`` as it would be without ``paths``; None when nothing would be left of it.

    ``trees`` maps each existing folder above a path to its tree's bytes, the root under ``b""``.
    Folders that become empty drop out, as they do in git's index.
    """
    gone = set(paths)
    kept: list[Entry] = []
    before = entries_of(trees[folder], form)
    for entry in before:
        path = folder + b"/" + entry.name if folder else entry.name
        if path in gone:
            continue
        if path not in trees:
            kept.append(entry)
            continue
        oid = id_without(trees, gone, form, path)
        if oid is not None:
            kept.append(entry._replace(oid=oid))
    return None if before and not kept else tree_id(kept, form)
