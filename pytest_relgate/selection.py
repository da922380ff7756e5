"""Which of the collected gates a process executes, in which order, and what it tells of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_relgate.collect import Collector, original_of
from pytest_relgate.crossing import Collected, RunFacts
from pytest_relgate.judge import decide_conditions
from pytest_relgate.loaded import Loaded, loaded_below

if TYPE_CHECKING:
    import pytest

    from pytest_relgate.model import Decision, Gate


class Known(NamedTuple):
    """A gate as it was collected. It keeps its item, and with it the item's ``id``."""

    item: pytest.Item
    nodeid: str
    gate: Gate
    function: object


@dataclass
class Selection:
    """The gates that one process has collected.

    ``gates`` are by node id, ``known`` by the id of their item; ``stopped`` maps a sequence to the gate at
    which it has stopped; ``scripts`` are the files of the checks that gates have run as commands; ``asked``
    are the gates that the command line speaks of, due or not.
    """

    facts: RunFacts
    collector: Collector = field(init=False)
    gates: dict[str, Gate] = field(default_factory=dict)
    known: dict[int, Known] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    collected: Collected | None = None
    asked: set[str] = field(default_factory=set)
    scripts: set[str] = field(default_factory=set)
    _loaded: set[str] = field(default_factory=set)
    _known_code: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        facts = self.facts
        self.collector = Collector(
            Path(facts.checks),
            Path(facts.rootdir),
            facts.changes,
            facts.present,
            facts.limit,
            tuple(facts.profile.channels),
            facts.profile.tables,
        )

    def spread_over_channels(self, metafunc: pytest.Metafunc) -> None:
        """Give a gate that asks for ``channel`` one execution for each, unless it names its channels."""
        asked = "channel" in metafunc.fixturenames and self.collector.is_below(metafunc.definition)
        own = (mark.args[:1] for mark in metafunc.definition.iter_markers("parametrize"))
        if asked and not any("channel" in names for names in own):
            metafunc.parametrize("channel", list(self.facts.profile.channels), indirect=True)

    def read(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Read the gates off all collected items, before anything narrows them; return the order."""
        for item, nodeid, gate in self.collector.gates(items):
            self.gates[nodeid] = gate
            self.known[id(item)] = Known(item, nodeid, gate, original_of(item))
        return list(items)

    def choose(self, before: list[pytest.Item], items: list[pytest.Item]) -> list[pytest.Item]:
        """Put what is left back in its order, keep what is to run, return what is not.

        ``items`` is changed in place, as pytest wants it.
        """
        phase = self.facts.context.phase
        mine = {node: gate for node, gate in self.gates.items() if gate.phase == phase or not gate.phase}
        decisions = {gate.id: self._decide(gate) for gate in mine.values() if gate.conditions}
        not_due = {name for name, decision in decisions.items() if not decision.due}
        aside = self.facts.settled | (not_due - self.facts.failed_before)
        left = set(map(id, items))
        chosen: list[pytest.Item] = []
        names: list[str] = []
        dropped: list[pytest.Item] = []
        for item in before:
            if id(item) not in left:
                continue
            known = self.known.get(id(item))
            gate = mine.get(known.nodeid) if known else None
            if gate is not None:
                self.asked.add(gate.id)
            if gate is not None and gate.id not in aside:
                chosen.append(item)
                names.append(gate.id)
            else:
                dropped.append(item)
        items[:] = chosen
        self.collector.places.settle(chosen)
        self.collected = Collected(
            tuple(mine.values()),
            tuple(names),
            tuple(decisions.values()),
            self.collector.retried,
            self.load(before),
            self.collector.left_out,
        )
        self._stop_broken_sequences([gate for gate in mine.values() if gate.sequence], not_due)
        return dropped

    def load(self, items: list[pytest.Item]) -> tuple[Loaded, ...]:
        """What this process has loaded of the checks since it was last asked."""
        found = loaded_below(Path(self.facts.checks), items, self._loaded, self.scripts)
        self._loaded.update(file.path for file in found)
        self._known_code = (len(sys.modules), len(self.scripts))
        return found

    def has_fresh_code(self) -> bool:
        """Whether a gate has brought code since it was last asked for."""
        return (len(sys.modules), len(self.scripts)) != self._known_code

    def _decide(self, gate: Gate) -> Decision:
        facts = self.facts
        return decide_conditions(
            gate,
            changed=facts.changed,
            base=facts.context.base_commit,
            commit=facts.commit,
            files=facts.files,
            mode=facts.context.mode,
            first_release=not facts.context.base,
            tables=facts.tables,
        )

    def _stop_broken_sequences(self, gates: list[Gate], not_due: set[str]) -> None:
        """A gate that is neither kept nor run now stops its sequence before the first test."""
        runs = set(self.collected.chosen) if self.collected and gates else set()
        for gate in gates:
            settled = gate.id in self.facts.settled or gate.id in not_due
            if gate.id not in runs and not settled and not gate.advisory:
                self.stopped.setdefault(gate.sequence, gate.id)
