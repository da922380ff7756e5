"""Files that gates put into the evidence."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from pytest_relgate.exec.redact import Redactor

FOLDER = "attached"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def attach(evidence: Path, name: str, content: str | bytes | Path, redactor: Redactor) -> str:
    """Copy ``content`` (text, bytes, or a file's path) under a plain file name; return the relative path.

    A name that is taken gets a number. Secrets are replaced in what is text.
    Raises RelgateError for a name that is no plain file name.
    """
    if not _NAME.fullmatch(name):
        message = f"attach({name!r}): expected a plain file name such as table.md, no folders"
        raise RelgateError(message)
    folder = evidence / FOLDER
    folder.mkdir(exist_ok=True)
    stem, dot, suffix = name.partition(".")
    number = 1
    while True:
        place = folder / (name if number == 1 else f"{stem}-{number}{dot}{suffix}")
        try:
            handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            break
        except FileExistsError:
            number += 1
    stream = redactor.stream()
    with os.fdopen(handle, "wb") as out:
        if isinstance(content, Path):
            with content.open("rb") as source:
                while chunk := source.read(1 << 16):
                    out.write(stream.feed(chunk))
        else:
            out.write(stream.feed(content.encode() if isinstance(content, str) else content))
        out.write(stream.close())
    return f"{FOLDER}/{place.name}"
