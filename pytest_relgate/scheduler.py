"""How gates are dealt out to xdist's workers. Loaded only where there are some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadScopeScheduling

from pytest_relgate.xdist import class_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from xdist.remote import Producer
    from xdist.workermanage import WorkerController


class ClassScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist says no types
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
