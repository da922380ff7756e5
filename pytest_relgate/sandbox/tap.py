"""The Homebrew tap of the sandbox: a git repository with a commit for each release, and no working tree."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_relgate.source.command import git

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "homebrew-tap"
FORMULA: Final = "Formula/plasmite.rb"
_PERSON: Final = "Plasmite Sandbox <sandbox@plasmite.invalid>"
_README: Final = "# Plasmite's tap, in miniature\n\n    $ brew install sandover/tap/plasmite\n"


class Formula(NamedTuple):
    """A commit to the tap: the formula's text, the message, the time (RFC 3339 in UTC)."""

    text: str
    message: str
    when: str


def build_tap(home: Path, formulas: Sequence[Formula]) -> Path:
    """Make the tap in a sandbox's folder, in place of what is there; whole or not at all."""
    workshop = Path(tempfile.mkdtemp(prefix=f".{NAME}.making-", dir=home))
    try:
        made = workshop / "made"
        made.mkdir()
        init_bare(made)
        stream = f"reset refs/heads/main\n{_stream(formulas, first=True)}done\n"
        git(made, "fast-import", "--quiet", "--done", stdin=stream.encode())
        place = home / NAME
        if os.path.lexists(place):
            place.rename(workshop / "replaced")
        made.rename(place)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return home / NAME


def push_formula(tap: Path, formula: Formula) -> None:
    """Commit a formula to the tap's branch."""
    head = git(tap, "rev-parse", "refs/heads/main").stdout.decode().strip()
    stream = _stream([formula], first=False).replace("\nFROM\n", f"\nfrom {head}\n")
    git(tap, "fast-import", "--quiet", "--done", "--force", stdin=f"{stream}done\n".encode())


def formula_at(tap: Path, revision: str = "refs/heads/main") -> str:
    """Text of the formula at a revision."""
    return git(tap, "cat-file", "blob", f"{revision}:{FORMULA}").stdout.decode()


def init_bare(folder: Path) -> None:
    """Make a repository without a working tree, that nobody's configuration, templates or hooks changed.

    It is in ``.git`` of its folder: git that is told to be wary (safe.bareRepository) uses no other.
    """
    bare = {name: value for name, value in os.environ.items() if not name.startswith("GIT_CONFIG")}
    nobody = {**bare, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    words = ("--quiet", "--template=", "--object-format=sha1", "--initial-branch=main")
    git(folder, "init", *words, environ=nobody)
    git(folder, "config", "core.bare", "true", environ=nobody)


def _stream(formulas: Sequence[Formula], *, first: bool) -> str:
    """Spell commits for ``git fast-import``; with ``FROM`` where the branch goes on from what is there."""
    from datetime import datetime

    parts = []
    for number, formula in enumerate(formulas):
        when = f"{datetime.fromisoformat(formula.when).timestamp():.0f} +0000"
        parts.append(f"commit refs/heads/main\nauthor {_PERSON} {when}\ncommitter {_PERSON} {when}\n")
        parts.append(_counted(formula.message + "\n"))
        if number == 0 and not first:
            parts.append("FROM\n")
        if number == 0 and first:
            parts.append(f"M 100644 inline README.md\n{_counted(_README)}")
        parts.append(f"M 100644 inline {FORMULA}\n{_counted(formula.text)}")
    return "".join(parts)


def _counted(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"
