"""The advisory database of the sandbox: what ``just audit-db`` fetches, in small.

It lies in ``.scratch`` of the repository under release, which the repository ignores. Its form is RustSec's:
a git repository with ``crates/NAME/ID.md`` (https://github.com/RustSec/advisory-db).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pytest_relgate.source.command import git

FOLDER: Final = ".scratch/advisory-db"
VULNERABLE: Final = "ringbuf-sketch"
"""A crate that there is in the sandbox only, with a known vulnerability in every version below 0.2.0."""

_FRESH: Final = timedelta(days=1)
_ADVISORY: Final = """\
```toml
[advisory]
id = "RUSTSEC-2026-0001"
package = "ringbuf-sketch"
date = "2026-01-05"
url = "https://example.invalid/ringbuf-sketch"
categories = ["memory-corruption"]

[versions]
patched = [">= 0.2.0"]
```

# A message that was dropped can be read again

It exists in the sandbox only.
"""


def ensure_advisories(repository: Path) -> None:
    """Have a database of today below a repository, as somebody has who just fetched it."""
    place = repository / FOLDER
    try:
        age = datetime.now(UTC).timestamp() - (place / ".git").stat().st_mtime
    except OSError:
        age = float("inf")
    if not 0 <= age < _FRESH.total_seconds():
        write_advisories(repository)


def write_advisories(repository: Path, *, age: timedelta = timedelta()) -> None:
    """Write the database as it was some time ago, in the place of what is there."""
    place = repository / FOLDER
    place.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=".advisory-db-", dir=place.parent))
    try:
        made = workshop / "made"
        advisory = made / "crates" / VULNERABLE / "RUSTSEC-2026-0001.md"
        advisory.parent.mkdir(parents=True)
        advisory.write_text(_ADVISORY, encoding="utf-8")
        when = f"{(datetime.now(UTC) - age).timestamp():.0f} +0000"
        nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
        git(made, "init", "-q", "--template=", "--initial-branch=main", environ=nobody)
        path, size = advisory.relative_to(made), len(_ADVISORY.encode())
        stream = (
            f"commit refs/heads/main\nauthor Sandbox <sandbox@plasmite.invalid> {when}\n"
            f"committer Sandbox <sandbox@plasmite.invalid> {when}\ndata 10\nAdvisories\n"
            f"M 100644 inline {path}\ndata {size}\n{_ADVISORY}\ndone\n"
        )
        git(made, "fast-import", "--quiet", "--done", stdin=stream.encode(), environ=nobody)
        git(made, "reset", "-q", "--hard", environ=nobody)
        if place.exists():
            place.rename(workshop / "replaced")
        made.rename(place)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def remove_advisories(repository: Path) -> None:
    """Leave the repository as it is where nobody has fetched them."""
    shutil.rmtree(repository / FOLDER, ignore_errors=True)
