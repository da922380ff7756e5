"""Copies of a folder of the sandbox or of evidence, to stand where it stood before, again and again.

What is never written to again once it is there (bytes under their digest, objects of git) is linked.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_NEVER_CHANGES = {"blobs", "objects"}


def copied(source: Path, place: Path) -> None:
    """Copy a folder to a place where nothing is."""

    def copy(one: str, other: str) -> None:
        if _NEVER_CHANGES.isdisjoint(Path(one).parts[-4:-1]):
            shutil.copy2(one, other, follow_symlinks=False)
        else:
            os.link(one, other, follow_symlinks=False)

    shutil.copytree(source, place, symlinks=True, copy_function=copy)


def put_back(source: Path, place: Path) -> None:
    """Let a folder be as it was when it was copied."""
    shutil.rmtree(place, ignore_errors=True)
    copied(source, place)
