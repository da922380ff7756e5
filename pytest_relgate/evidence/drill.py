"""What a drill came to, beside the evidence: ``drill-PHASE/drill.json`` for later runs.

A drill speaks of the checks that were drilled: once they change it says nothing any more. SPEC B10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Drill

if TYPE_CHECKING:
    from pathlib import Path

DRILL = "drill.json"


def folder_of(evidence: Path, target: str, phase: str) -> Path:
    """Folder of a phase's drill, beside the folder of its evidence."""
    return evidence / target / f"drill-{phase}"


def read_drill(folder: Path, checks: str, *, sandbox: bool) -> Drill | None:
    """Return the last drill of these checks; None where there is none or it was of other checks.

    One in the sandbox says nothing of a repository, nor the other way round.
    """
    try:
        drill = msgspec.json.decode((folder / DRILL).read_bytes(), type=Drill)
    except (OSError, ValueError):  # it only informs: what cannot be read proves nothing
        return None
    return drill if (drill.checks, drill.sandbox) == (checks, sandbox) else None
