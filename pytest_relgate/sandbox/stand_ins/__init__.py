"""Stand-ins for tools that a machine lacks, for the sandbox alone: thin checks, but true ones.

Each is a program that says on its first line of standard error that it stands in. It reads the tree as it
is and can fail: where it cannot read what it finds, it ends as a shell does for a tool that is not there,
so that the gate is ERRORED and nothing is called good or bad. A real tool on PATH is always used.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TOOLS: Final = ("bash", "cargo", "cargo-audit", "cargo-clippy", "cargo-fmt", "go", "just", "node", "npm")
"""What can be stood in for, by the name of the program."""

_SAME: Final = "python3"
"""The Python of this process under the name by which scripts call it: itself, and no stand-in."""


def missing_tools(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name the tools that are not on PATH."""
    path = environ.get("PATH", os.defpath)
    return tuple(tool for tool in TOOLS if shutil.which(tool, path=path) is None)


def stand_ins(environ: Mapping[str, str], folder: Path) -> tuple[tuple[str, ...], str]:
    """Put a stand-in for each tool that PATH lacks into ``folder``; tell which, and the PATH that finds them.

    A stand-in for cargo is named without the subcommands that come with it. The folder stands at the end
    of PATH, so that whatever is there wins. Raises OSError where the folder cannot be written.
    """
    path = environ.get("PATH", os.defpath)
    missing = missing_tools(environ)
    same = () if shutil.which(_SAME, path=path) else (_SAME,)
    if not missing and not same:
        return (), path
    folder.mkdir(parents=True, exist_ok=True)
    for tool in missing:
        _put(folder / tool, f"-P -B -m {__name__} {tool}")
    for name in same:
        _put(folder / name, "")
    names = tuple(tool for tool in missing if "cargo" not in missing or not tool.startswith("cargo-"))
    return names, os.pathsep.join((path, str(folder)))


def _put(program: Path, arguments: str) -> None:
    """Write a program that starts this Python; whole or not at all, as others may start it meanwhile."""
    here = str(Path(__file__).parents[3])  # where this package is found, whatever the caller's folder is
    found = f"PYTHONPATH={shlex.quote(here)}${{PYTHONPATH:+:$PYTHONPATH}} " if arguments else ""
    text = f'#!/bin/sh\n{found}exec {shlex.quote(sys.executable)} {arguments} "$@"\n'
    fresh = program.with_name(f".{program.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(program)
