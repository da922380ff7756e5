"""From pytest items to gates: reads markers, refuses what is malformed, sets limits.

A malformed gate is not an exception: its ``problem`` says what is wrong, and it blocks.
"""

from __future__ import annotations

import fnmatch
import os
import sys
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pytest
from _pytest.compat import NOTSET
from _pytest.fixtures import FixtureFunctionDefinition

from pytest_relgate import fixtures
from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence.printable import writable
from pytest_relgate.model import GLOB_SIGNS, Condition, Gate
from pytest_relgate.quick import Places
from pytest_relgate.request import PHASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from _pytest import nodes

WORLD_FIXTURES = frozenset({"github", "channel", "channels"})
OWN_FIXTURES = tuple(
    name for name, value in vars(fixtures).items() if isinstance(value, FixtureFunctionDefinition)
)
RETRIES = ("flaky", "retry")  # marks of plugins that try a test again until it passes
GATE_FACTS: dict[str, type] = {
    "remedy": str,
    "advisory": bool,
    "incident": bool,
    "waivable": bool,
    "reads_world": bool,
    "faults": tuple,
}
READ = frozenset(
    {*PHASES, *RETRIES, "gate", "when_changed", "when_present", "live_only", "sequence", "timeout"}
)


@dataclass
class Collector:
    """Makes gates of items. ``changes`` and ``present`` are the named pattern lists of the profile.

    ``limit`` is the limit in seconds of a gate that states none, ``channels`` and ``tables`` the
    profile's.
    """

    checks: Path
    rootdir: Path
    changes: Mapping[str, tuple[str, ...]]
    present: Mapping[str, tuple[str, ...]]
    limit: float
    channels: tuple[str, ...] = ()
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    retried: bool = field(default=False, init=False)
    places: Places = field(default_factory=Places, init=False)
    left_out: dict[str, str] = field(default_factory=dict, init=False)
    _files: dict[Path, str] = field(default_factory=dict)
    _inherited: dict[int, list[tuple[Any, pytest.Mark]]] = field(default_factory=dict)
    _alike: dict[tuple[Any, ...], tuple[Gate, str]] = field(default_factory=dict)

    def id_of(self, node: nodes.Node, nodeid: str) -> str:
        """The gate id of a node: its file's path relative to the checks folder, then as pytest has it.

        A node id alone does not say: what its path is relative to depends on root directory and arguments.
        """
        _, names_follow, names = nodeid.partition("::")
        return sys.intern(f"{self._file(node.path)}{names_follow}{names}")

    def _file(self, path: Path) -> str:
        """A path relative to the checks folder; empty for one outside of it."""
        found = self._files.get(path)
        if found is None:
            inside = os.path.relpath(path, self.checks).replace(os.sep, "/")
            found = self._files[path] = "" if inside.startswith("../") else inside
        return found

    def is_below(self, node: nodes.Node) -> bool:
        """Whether a node lies below the checks folder."""
        return bool(self._file(node.path))

    def is_gate(self, item: pytest.Item) -> bool:
        """Whether an item is a gate: below the checks folder, and a test function or marked with a phase."""
        return bool(self._file(item.path)) and (
            isinstance(item, pytest.Function) or any(mark.name in PHASES for mark in item.iter_markers())
        )

    def ignored(self, path: Path, config: pytest.Config) -> None:
        """A file or folder is not collected: remember it where a conftest of the project says so."""
        place = self._file(path)
        why = _ignored_by(path, config) if place else ""
        if why:
            self.left_out[place] = why

    def gate(self, item: pytest.Item, nodeid: str) -> Gate:
        """Read one gate off an item. Gates of one function that share their markers are read once."""
        own = [mark for mark in item.own_markers if mark.name in READ]
        function = getattr(item, "function", item)
        key = (id(item.parent), function, *map(id, own))  # items keep their parents and marks
        alike = self._alike.get(key)
        if alike is None:
            marks = [(item, mark) for mark in own] + self._marks_above(item)
            alike = self._alike[key] = _Reader(self, item, marks).read(), _words(item)
        gate, words = alike
        return Gate(
            id=self.id_of(item, nodeid),
            phase=gate.phase,
            title=writable(_title(item, words)),
            conditions=gate.conditions,
            advisory=gate.advisory,
            waivable=gate.waivable,
            reads_world=gate.reads_world,
            sequence=gate.sequence,
            limit=gate.limit,
            incident=gate.incident,
            remedy=writable(gate.remedy),
            where=gate.where,
            problem=writable(gate.problem),
            faults=self._faults_of(item, gate.faults),
        )

    def _faults_of(self, item: pytest.Item, faults: tuple[str, ...]) -> tuple[str, ...]:
        """Of a gate that is about one channel, without the faults that are another channel's by name."""
        mine = getattr(getattr(item, "callspec", None), "params", {}).get("channel")
        others = tuple(f"{name}-" for name in self.channels if name != mine)
        return tuple(fault for fault in faults if not fault.startswith(others)) if mine else faults

    def _marks_above(self, item: pytest.Item) -> list[tuple[Any, pytest.Mark]]:
        parent = item.parent
        found = self._inherited.get(id(parent))
        if found is None:
            pairs = parent.iter_markers_with_node() if parent is not None else ()
            found = self._inherited[id(parent)] = [(node, mark) for node, mark in pairs if mark.name in READ]
        return found

    def gates(self, items: Iterable[pytest.Item]) -> Iterator[tuple[pytest.Item, str, Gate]]:
        """The gates among items, each with its item and pytest's node id (which takes time to spell)."""
        seen: set[str] = set()
        for item in items:
            if not self.is_gate(item):
                continue
            nodeid = item.nodeid
            gate = self.gate(item, nodeid)
            if nodeid in seen:
                problem = "; ".join(filter(None, [gate.problem, "two gates have this id: rename one"]))
                gate = msgspec.structs.replace(gate, problem=problem)
            seen.add(nodeid)
            yield item, nodeid, gate


class _Reader:
    """Reads the markers of one item once."""

    def __init__(self, collector: Collector, item: pytest.Item, marks: list[tuple[Any, pytest.Mark]]) -> None:
        self.collector = collector
        self.item = item
        self.marks = marks
        self.problems: list[str] = []
        self.phases: list[str] = []
        self.facts: dict[str, Any] = {}
        self.conditions: list[Condition] = []
        self.sequence = ""
        self.limit: float | None = None

    def read(self) -> Gate:
        """What the markers make of a gate; its id, title and place are the item's own."""
        self._markers()
        self._phase()
        self._fixtures()
        self._axis()
        return Gate(
            id="",
            phase=self.phases[0] if len(self.phases) == 1 else "",
            conditions=tuple(self.conditions),
            advisory=self.facts.get("advisory", False),
            waivable=self.facts.get("waivable", True),
            reads_world=self.facts.get("reads_world", False)
            or not WORLD_FIXTURES.isdisjoint(getattr(self.item, "fixturenames", ())),
            sequence=self.sequence,
            limit=self.collector.limit if self.limit is None else self.limit,
            incident=self.facts.get("incident", False),
            remedy=self.facts.get("remedy", ""),
            where=self._where(),
            problem="; ".join(self.problems),
            faults=self.facts.get("faults", ()),
        )

    def _where(self) -> str:
        path, line = self.collector.places.of(self.item)
        return f"{path}:{line + 1}" if line is not None else path

    def _markers(self) -> None:
        for node, mark in self.marks:
            match mark.name:
                case "gate":
                    self._facts(mark)
                case "when_changed" | "when_present":
                    self._condition(mark)
                case "live_only":
                    self.conditions.append(Condition("live", "live"))
                case "sequence":
                    self._sequence(node)
                case "timeout":
                    if self.limit is None:
                        self._limit(mark)
                case "flaky" | "retry":
                    self.collector.retried = True
                case name:
                    if name not in self.phases:
                        self.phases.append(name)

    def _phase(self) -> None:
        if not self.phases:
            self.problems.append(f"it has no phase: mark it with one of {', '.join(PHASES)}")
        elif len(self.phases) > 1:
            self.problems.append(f"it has {len(self.phases)} phases ({', '.join(self.phases)}): keep one")

    def _facts(self, mark: pytest.Mark) -> None:
        if mark.args:
            self.problems.append("the gate marker takes names only, as in gate(remedy='...')")
        for name, value in mark.kwargs.items():
            kind = GATE_FACTS.get(name)
            if kind is None:
                self.problems.append(f"gate({name}=...) is unknown: it takes {', '.join(GATE_FACTS)}")
            elif not isinstance(value, kind):
                self.problems.append(f"gate({name}=...) takes a {kind.__name__}, not {value!r}")
            elif name == "faults":
                self._faults(mark.kwargs["faults"])
            else:
                self.facts.setdefault(name, value)

    def _faults(self, names: tuple[Any, ...]) -> None:
        """A class names the faults of all its gates, and each gate its own beside them."""
        if not all(isinstance(name, str) and name for name in names):
            self.problems.append(f"gate(faults=...) takes names of faults, as strings, not {names!r}")
            return
        known = self.facts.get("faults", ())
        self.facts["faults"] = (*known, *(name for name in names if name not in known))

    def _condition(self, mark: pytest.Mark) -> None:
        kind: Literal["changed", "present"] = "changed" if mark.name == "when_changed" else "present"
        named = self.collector.changes if kind == "changed" else self.collector.present
        table = "changes" if kind == "changed" else "present"
        if not mark.args or mark.kwargs or not all(isinstance(arg, str) and arg for arg in mark.args):
            self.problems.append(f"{mark.name} takes names of [{table}] or patterns, as strings")
            return
        lists: list[tuple[str, ...]] = []
        patterns: list[str] = []
        compared = self.collector.tables if kind == "changed" else {}
        for name in mark.args:
            if name in named:
                lists.append(named[name])
            elif name in compared:
                pass
            elif GLOB_SIGNS.isdisjoint(name):
                known = ", ".join({**named, **compared}) or "nothing yet"
                self.problems.append(f"{mark.name}({name!r}): the profile's [{table}] holds {known}")
            else:
                patterns.append(name)
        if patterns and (problem := _unusable(patterns)):
            self.problems.append(f"{mark.name}: {problem}")
        elif patterns:  # those of one marker make one list, in their order, as a .gitignore does
            lists.append(tuple(patterns))
        first, *others = lists or [()]
        tables = tuple(compared[name] for name in mark.args if name in compared)
        self.conditions.append(Condition(kind, " or ".join(mark.args), first, tuple(others), tables))

    def _sequence(self, node: object) -> None:
        if not isinstance(node, pytest.Class):
            self.problems.append("sequence stands on a class: its tests run in order, the first red stops it")
            return
        self.sequence = self.collector.id_of(node, node.nodeid)

    def _limit(self, mark: pytest.Mark) -> None:
        value = mark.args[0] if mark.args else mark.kwargs.get("timeout")
        if value is None:  # a mark about the method only: the profile says how long
            return
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
            self.problems.append(f"timeout({value!r}) is no limit: every gate has one, in seconds above 0")
            value = 0.0
        self.limit = float(value)

    def _axis(self) -> None:
        """Of no parameters pytest makes one test that it skips."""
        callspec = getattr(self.item, "callspec", None)
        if callspec is not None and any(value is NOTSET for value in callspec.params.values()):
            self.problems.append("its parameters are empty: nothing would be judged")

    def _fixtures(self) -> None:
        """A fixture of the plugin that something else overrides would make a gate mean another thing."""
        definitions = getattr(getattr(self.item, "_fixtureinfo", None), "name2fixturedefs", {})
        for name in OWN_FIXTURES:
            found = definitions.get(name)
            if not found:
                continue
            function = found[-1].func
            by_axis = function.__module__.startswith("_pytest.")
            if by_axis and name not in ("run", "release", "attach"):
                continue  # a parameter of the gate's own that has such a name
            if function.__module__ != fixtures.__name__:
                code = getattr(function, "__code__", None)
                path = os.path.relpath(code.co_filename, self.collector.rootdir) if code else ""
                place = f" in {path}:{code.co_firstlineno}" if code else ""
                self.problems.append(f"the fixture {name} is overridden{place}: give that one another name")


def _ignored_by(path: Path, config: pytest.Config) -> str:
    """The setting of a conftest that keeps pytest from collecting a path, and its place; else empty."""
    for conftest in config.pluginmanager._getconftestmodules(path.parent):  # noqa: SLF001  (as pytest does)
        place = getattr(conftest, "__file__", None) or ""
        folder = os.path.dirname(place)
        for name in ("collect_ignore", "collect_ignore_glob"):
            for entry in getattr(conftest, name, None) or ():
                full = os.path.join(folder, entry)
                same = fnmatch.fnmatch(str(path), full) if name.endswith("glob") else str(path) == full
                if same:
                    return f"{name} in {os.path.relpath(place, config.rootpath)} leaves it out"
    return ""


def _unusable(patterns: list[str]) -> str:
    """Why patterns of a marker can decide nothing; empty where they can."""
    from pytest_relgate.profile.pattern import checked_pattern, checked_patterns

    try:
        checked_patterns([checked_pattern(pattern) for pattern in patterns])
    except RelgateError as error:
        return str(error)
    return ""


def original_of(item: pytest.Item) -> object:
    """The function that an item was collected from, as its module or class has it; else the item's own.

    A hook can have put another one into the item before anybody looks. Nothing is called to find it, and an
    object that decides by itself what it is on an instance is taken as the item has it.
    """
    parent, name = getattr(item.parent, "obj", None), getattr(item, "originalname", None)
    if parent is not None and isinstance(name, str):
        places = parent.__mro__ if isinstance(parent, type) else (parent,)
        found = next((vars(place)[name] for place in places if name in vars(place)), None)
        found = getattr(found, "__func__", found)  # of a static or class method
        if isinstance(found, FunctionType):
            return found
    return getattr(item, "function", None)


def _words(item: pytest.Item) -> str:
    """What a gate's function is called to people: the first line of its docstring, else its name."""
    function = getattr(item, "function", None)
    words = (getattr(function, "__doc__", None) or "").strip().partition("\n")[0].strip().rstrip(".")
    if words:
        return words
    name = getattr(item, "originalname", item.name) or item.name
    return name.removeprefix("test_").replace("_", " ")


def _title(item: pytest.Item, words: str) -> str:
    """The title of one gate: a command as typed, else the words with the parameter's id."""
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return words
    for value in callspec.params.values():
        line = getattr(value, "command_line", None)
        if isinstance(line, str):
            return line
    return f"{words} [{callspec.id}]"
