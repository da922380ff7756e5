"""What was built, where its files lie in a folder: as a person or a workflow downloaded them from the build.

It stands behind the evidence and the run of the build, and before the release's own checksum file. Only
folders that the profile names for it are believed: what somebody packed by hand is no build of the release.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.errors import CannotJudge
from pytest_relgate.exec.hashing import sha256_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pytest_relgate.channels.built import Built


def with_local(built: Built, wanted: Collection[str], top: Path, folders: Iterable[str]) -> Built:
    """Add the digests of ``wanted`` files that no stronger source told, from these folders below ``top``.

    A name that stands for different bytes is left out. Links are not followed. Raises CannotJudge for a file
    that cannot be read.
    """
    found: dict[str, str] = {}
    unclear: set[str] = set()
    places: list[str] = []
    for folder in folders:
        for path in _files(top / folder):
            if path.name not in wanted or path.name in built.digests:
                continue
            digest = _digest(path)
            places.append(folder)
            if found.setdefault(path.name, digest) != digest:
                unclear.add(path.name)
    new = {name: digest for name, digest in found.items() if name not in unclear}
    if not new:
        return built
    said = f"the files below {', '.join(dict.fromkeys(places))}, as they were downloaded"
    source = f"{built.source}; {said}" if built.source else said
    return msgspec.structs.replace(built, digests={**built.digests, **new}, source=source)


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _digest(path: Path) -> str:
    try:
        return sha256_of(path).removeprefix("sha256:")
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}"
        raise CannotJudge(message, do="make it readable, or take it out of built.downloaded") from None
