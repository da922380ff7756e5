"""Run a stand-in: ``python -m pytest_relgate.sandbox.stand_ins TOOL ARGUMENT...``."""

from __future__ import annotations

import importlib
import sys

from pytest_relgate.sandbox.stand_ins.words import Unreadable, say

MODULES = {
    "bash": "shell",
    "cargo": "cargo",
    "cargo-audit": "audit",
    "cargo-clippy": "cargo",
    "cargo-fmt": "cargo",
    "go": "go",
    "just": "just",
    "node": "node",
    "npm": "npm",
}


def main(tool: str, arguments: list[str]) -> int:
    """Run one stand-in; give its exit status."""
    say(f"{tool}: a stand-in with thin checks of its own, because this machine has no {tool}")
    try:
        status: int = importlib.import_module(f"{__package__}.{MODULES[tool]}").main(arguments)
    except Unreadable as problem:
        say(f"{tool}: this is beyond the stand-in: {problem}")
        say(f"sh: {tool}: command not found")
        return 127
    return status


sys.exit(main(sys.argv[1], sys.argv[2:]))
