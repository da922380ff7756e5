"""Gates on several processes: who is who, and what crosses between them.

Only primitives cross: the controller's facts as one JSON string in ``workerinput``, and one JSON string
on a report or in ``workeroutput``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

KEY = "relgate"


def class_of(nodeid: str) -> str:
    """The class that a node id stands in, or the node id itself."""
    path, _, names = nodeid.partition("::")
    owner, _, _ = names.partition("[")[0].rpartition("::")
    return f"{path}::{owner}" if owner else nodeid


def in_worker() -> bool:
    """Whether this process is one of xdist's workers, by how it was started and not by its environment.

    The environment would be inherited by a pytest that a gate runs as a command.
    """
    frame: FrameType | None = sys._getframe()  # noqa: SLF001  (the documented way to walk callers)
    while frame is not None:
        if frame.f_globals.get("__name__") == "__channelexec__":
            return True
        frame = frame.f_back
    return False
