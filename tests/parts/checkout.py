"""A clone of this repository, and a sandbox of its own, where there are Python and git and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOREIGN = ("PYTEST_", "GITHUB_", "GH_", "CI", "RELEASE_", "COV_", "RELGATE_")


def cloned(folder: Path) -> tuple[Path, dict[str, str]]:
    """Clone it into a folder; return the checkout, and the environment of whoever works in it."""
    path, tools = folder / "checkout", folder / "bin"
    subprocess.run(["git", "clone", "-q", ROOT, path], check=True)
    tools.mkdir()
    git = shutil.which("git")
    assert git
    (tools / "git").symlink_to(git)
    (tools / "python3").symlink_to(sys.executable)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return path, kept | {"PATH": str(tools), "XDG_CACHE_HOME": str(folder / "cache")}
