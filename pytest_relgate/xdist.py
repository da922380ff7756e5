"""Gates on several processes: how work is dealt out, and what crosses between the processes.

Only primitives cross: the controller's facts as one JSON string in ``workerinput``, and one JSON string
on a report or in ``workeroutput``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

KEY = "relgate"


class ClassScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Deals out a class as one piece, in order, and every other gate by itself.

    xdist's ``loadgroup`` renames node ids and its ``loadscope`` keeps whole modules together;
    both also run the gate again on which a worker died.
    """

    def __init__(
        self, config: pytest.Config, log: Producer | None, is_sequence: Callable[[str], bool]
    ) -> None:
        super().__init__(config, log)
        self._is_sequence = is_sequence

    def _split_scope(self, nodeid: str) -> str:
        return class_of(nodeid)

    def remove_node(self, node: WorkerController) -> str | None:
        """Forget a worker; the gate on which it died is judged (CRASHED), the others are dealt out anew.

        What is left of a sequence is not: the gate that died was a step of it.
        """
        crashed: str | None = None
        for scope, work_unit in self.assigned_work.pop(node).items():
            for nodeid, completed in work_unit.items():
                if not completed and crashed is None:
                    crashed = nodeid
                    work_unit[nodeid] = True
                    if self._is_sequence(nodeid):
                        work_unit.update(dict.fromkeys(work_unit, True))
            if not all(work_unit.values()):
                self.workqueue[scope] = work_unit
        for other in self.assigned_work:
            self._reschedule(other)
        return crashed


def class_of(nodeid: str) -> str:
    """The class that a node id stands in, or the node id itself."""
    name = nodeid.partition("[")[0]
    owner, _, _ = name.rpartition("::")
    return owner if "::" in owner else nodeid


def in_worker() -> bool:
    """Whether this process is one of xdist's workers, by how it was started and not by its environment.

    The environment would be inherited by a pytest that a gate runs as a command.
    """
    frame = sys._getframe()  # noqa: SLF001  (the documented way to walk callers)
    while frame is not None:
        if frame.f_globals.get("__name__") == "__channelexec__":
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False
