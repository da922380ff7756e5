"""What the tests need from npm: a registry server and GitHub's OpenAPI description, in the user's cache.

Versions are exact; another set of versions is another folder. npm finds its registry by its own
configuration. Nothing is written into the repository.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

PACKAGE = {
    "private": True,
    "dependencies": {"verdaccio": "6.8.0", "@octokit/openapi": "23.0.2"},
    # verdaccio asks for a pre-release of node-fetch that not every registry serves.
    "overrides": {"node-fetch": "2.7.0"},
}
INSTALL = ("npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")


@cache
def node_parts() -> Path:
    """Return the ``node_modules`` folder that holds the parts; the first call ever installs them.

    Raises ``RuntimeError`` with npm's own words where that fails: a part that is missing is a failure.
    """
    text = json.dumps(PACKAGE, indent=2, sort_keys=True)
    name = "node-parts-" + hashlib.sha256(text.encode()).hexdigest()[:12]
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pytest-relgate"
    home = cache_home / name
    cache_home.mkdir(parents=True, exist_ok=True)
    with (cache_home / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of one run all ask for it
        if not home.exists():
            _install(text, home)
    return home / "node_modules"


def _install(text: str, home: Path) -> None:
    fresh = Path(tempfile.mkdtemp(prefix=f".{home.name}-", dir=home.parent))
    try:
        (fresh / "package.json").write_text(text, encoding="utf-8")
        done = subprocess.run(INSTALL, cwd=fresh, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            message = f"`{' '.join(INSTALL)}` in {fresh}: {done.stderr or done.stdout}"
            raise RuntimeError(message)
        fresh.rename(home)  # only a whole installation gets the name
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
