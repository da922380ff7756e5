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

TOOLS: Final = (
    *("bash", "cargo", "cargo-audit", "cargo-clippy", "cargo-fmt", "go", "just", "node", "npm", "zizmor"),
)
"""What can be stood in for, by the name of the program."""

_SAME: Final = {"python3": sys.executable, "sh": "/bin/sh"}
"""What every machine has, under the name by which scripts call it: itself, and no stand-in."""


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
    same = [name for name in _SAME if shutil.which(name, path=path) is None]
    if not missing and not same:
        return (), path
    folder.mkdir(parents=True, exist_ok=True)
    for tool in missing:
        _put(folder / tool, _stand_in(tool))
    for name in same:
        _put(folder / name, f"exec {shlex.quote(_SAME[name])}")
    names = tuple(tool for tool in missing if "cargo" not in missing or not tool.startswith("cargo-"))
    return names, os.pathsep.join((path, str(folder)))


def _stand_in(tool: str) -> str:
    """The lines that start a stand-in, whatever folder it is called in."""
    here = shlex.quote(str(Path(__file__).parents[3]))
    found = f"export PYTHONPATH={here}${{PYTHONPATH:+:$PYTHONPATH}}"
    return f"{found}\nexec {shlex.quote(sys.executable)} -P -B -m {__name__} {tool}"


def _put(program: Path, lines: str) -> None:
    """Write a program; whole or not at all, as others may start it meanwhile."""
    fresh = program.with_name(f".{program.name}.{os.getpid()}")
    fresh.write_text(f'#!/bin/sh\n{lines} "$@"\n', encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(program)
