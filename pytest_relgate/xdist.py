"""Gates on several processes: how work is dealt out, and what crosses between the processes.

Only primitives cross: the controller's facts as one JSON string in ``workerinput``, and one JSON string
on a report or in ``workeroutput``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    import pytest
    from xdist.remote import Producer  # type: ignore[import-untyped]
    from xdist.workermanage import WorkerController  # type: ignore[import-untyped]

KEY = "relgate"


class ClassScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Deals out a class as one piece, in order, and every other gate by itself.

    xdist's ``loadgroup`` renames node ids and its ``loadscope`` keeps whole modules together;
    both also run the gate again on which a worker died.
    """

    def __init__(
        self,
        config: pytest.Config,
        log: Producer | None,
        stops_a_sequence: Callable[[str], bool],
        has_left: Callable[[WorkerController], bool],
    ) -> None:
        super().__init__(config, log)
        self._stops_a_sequence = stops_a_sequence
        self._has_left = has_left

    def _split_scope(self, nodeid: str) -> str:
        return class_of(nodeid)

    def remove_node(self, node: WorkerController) -> str | None:
        """Forget a worker; the gate on which it died is judged (CRASHED), the others are dealt out anew.

        What is left of a sequence is not: the gate that died was a step of it. Nor is what is left of a
        worker that ended by itself, because somebody ended the run.
        """
        units = self.assigned_work.pop(node)
        left = {scope: unit for scope, unit in units.items() if not all(unit.values())}
        if not left or self._has_left(node):
            return None
        crashed: str = next(nodeid for unit in left.values() for nodeid, done in unit.items() if not done)
        for scope, unit in left.items():
            if crashed in unit:
                ended = list(unit) if self._stops_a_sequence(crashed) else [crashed]
                unit.update(dict.fromkeys(ended, True))
            if not all(unit.values()):
                self.workqueue[scope] = unit
        for other in self.assigned_work:
            self._reschedule(other)
        return crashed


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
