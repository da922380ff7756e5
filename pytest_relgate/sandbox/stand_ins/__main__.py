"""Run a stand-in: ``python -m pytest_relgate.sandbox.stand_ins TOOL ARGUMENT...``."""

from __future__ import annotations

import importlib
import os
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
    "zizmor": "zizmor",
}


def main(tool: str, arguments: list[str]) -> int:
    """Run one stand-in; give its exit status."""
    _forget_where_we_are()
    say(f"{tool}: a stand-in with thin checks of its own, because this machine has no {tool}")
    try:
        status: int = importlib.import_module(f"{__package__}.{MODULES[tool]}").main(arguments)
    except Unreadable as problem:
        say(f"{tool}: this is beyond the stand-in: {problem}")
        say(f"sh: {tool}: command not found")
        return 127
    return status


def _forget_where_we_are() -> None:
    """Take out of PYTHONPATH what the program put in front: other Pythons that are started have their own."""
    _, _, rest = os.environ.get("PYTHONPATH", "").partition(os.pathsep)
    if rest:
        os.environ["PYTHONPATH"] = rest
    else:
        os.environ.pop("PYTHONPATH", None)


sys.exit(main(sys.argv[1], sys.argv[2:]))
