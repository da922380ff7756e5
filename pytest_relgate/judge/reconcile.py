"""The plan: what the committed lock says must judge, held against what was collected (SPEC B1).

The lock is the denominator. A marker may be stricter than the lock and never looser: looser is a
change of the plan, and a change of the plan is a commit that somebody reviews.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Phase, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_relgate.model import Condition, Gate, Mode

_RELOCK = "if that is meant, run `pytest --release-lock` and commit gates.lock"
_PHASES = frozenset(map(str, Phase))


def reconcile(
    *,
    phase: Phase,
    target: str,
    mode: Mode,
    lock: Sequence[Gate] | None,
    collected: Sequence[Gate],
) -> Plan:
    """Make the plan of ``phase``. Raises nothing: what does not fit stands in the plan, by gate id.

    ``lock`` and ``collected`` may hold gates of every phase; those of other phases are left aside. A
    collected gate without one valid phase (``Gate.phase`` is then no phase name) is malformed in every
    phase. ``lock`` is None where there is no ``gates.lock``: the plan is then what was collected, and
    not locked. The plan keeps the lock's order, which a sequence is judged by.
    """
    invalid: dict[str, list[str]] = {}
    planned = _once([gate for gate in lock or () if _concerns(gate, phase)], "gates.lock", invalid)
    found = _once(
        [gate for gate in collected if _concerns(gate, phase) or gate.id in planned], "collection", invalid
    )
    notes: list[str] = []
    return Plan(
        phase=phase,
        target=target,
        mode=mode,
        gates=tuple(found.values() if lock is None else _merge(planned, found, invalid, notes)),
        locked=lock is not None,
        missing={one: "planned in gates.lock and not collected" for one in planned if one not in found},
        unplanned=_unplanned(lock, planned, found),
        invalid={one: "; ".join(told) for one, told in invalid.items()},
        notes=tuple(notes),
        elsewhere=_elsewhere(phase, [*(lock or ()), *collected], planned),
    )


def _concerns(gate: Gate, phase: Phase) -> bool:
    return gate.phase == phase or gate.phase not in _PHASES


def _once(gates: Iterable[Gate], source: str, invalid: dict[str, list[str]]) -> dict[str, Gate]:
    """The gates by id, the first of each, with what is malformed about them noted in ``invalid``."""
    found: dict[str, Gate] = {}
    doubled: set[str] = set()
    for gate in gates:
        if gate.id not in found:
            found[gate.id] = gate
        elif gate.id not in doubled:
            doubled.add(gate.id)
            invalid.setdefault(gate.id, []).append(f"twice in {source}, expected each id once")
        if problem := gate.problem or ("" if gate.phase in _PHASES else _no_phase(gate)):
            invalid.setdefault(gate.id, []).append(_at(problem, gate.where or source))
    return found


def _merge(
    planned: Mapping[str, Gate],
    found: Mapping[str, Gate],
    invalid: dict[str, list[str]],
    notes: list[str],
) -> Iterator[Gate]:
    """The planned gates, each as strict as both the lock and its marker have it."""
    for gate in planned.values():
        marked = found.get(gate.id)
        if marked is None:
            yield gate
            continue
        kept, loosened, tightened = _stricter(gate, marked)
        if loosened:
            told = f"looser than gates.lock: {'; '.join(loosened)}; {_RELOCK}"
            invalid.setdefault(gate.id, []).append(_at(told, marked.where))
        if tightened:
            notes.append(f"{gate.id} is stricter than gates.lock: {'; '.join(tightened)}")
        yield kept


def _unplanned(
    lock: Sequence[Gate] | None, planned: Mapping[str, Gate], found: Mapping[str, Gate]
) -> dict[str, str]:
    extra = [] if lock is None else [gate for gate in found.values() if gate.id not in planned]
    phases = {gate.id: gate.phase for gate in lock or ()} if extra else {}
    return {gate.id: _at(_why_unplanned(phases.get(gate.id, "")), gate.where) for gate in extra}


def _elsewhere(phase: Phase, gates: Iterable[Gate], planned: Mapping[str, Gate]) -> tuple[str, ...]:
    others = [gate.id for gate in gates if gate.phase != phase and gate.phase in _PHASES]
    return tuple(dict.fromkeys(one for one in others if one not in planned)) if others else ()


def _stricter(lock: Gate, marked: Gate) -> tuple[Gate, list[str], list[str]]:
    """The stricter of both, what the marker loosens, what it tightens."""
    if (
        lock.conditions == marked.conditions
        and lock.phase == marked.phase
        and lock.advisory is marked.advisory
        and lock.waivable is marked.waivable
        and lock.reads_world is marked.reads_world
        and lock.sequence == marked.sequence
        and lock.limit == marked.limit
    ):
        return marked, [], []
    loosened: list[str] = []
    tightened: list[str] = []
    for field, looser in _differences(lock, marked):
        was, now = _told(lock, field), _told(marked, field)
        (loosened if looser else tightened).append(f"{field} is {now}, the lock says {was}")
    conditions_loosened = any(told.startswith("conditions ") for told in loosened)
    kept = msgspec.structs.replace(
        marked,
        phase=lock.phase,
        conditions=lock.conditions if conditions_loosened else marked.conditions,
        advisory=lock.advisory and marked.advisory,
        waivable=lock.waivable and marked.waivable,
        reads_world=lock.reads_world and marked.reads_world,
        sequence=lock.sequence or marked.sequence,
        limit=min(lock.limit or marked.limit, marked.limit or lock.limit),
    )
    return kept, loosened, tightened


def _differences(lock: Gate, marked: Gate) -> Iterator[tuple[str, bool]]:
    """Each field that decides and differs, with whether the marker is the looser one."""
    if marked.phase != lock.phase:
        yield "phase", True
    if marked.advisory != lock.advisory:
        yield "advisory", marked.advisory
    if marked.waivable != lock.waivable:
        yield "waivable", marked.waivable
    if marked.reads_world != lock.reads_world:
        yield "reads_world", marked.reads_world
    locked = {_key(condition) for condition in lock.conditions}
    found = {_key(condition) for condition in marked.conditions}
    if found != locked:
        # All conditions must hold for a gate to be due: one more leaves it out more often.
        yield "conditions", not found <= locked
    if marked.sequence != lock.sequence:
        yield "sequence", bool(lock.sequence)
    if marked.limit != lock.limit:
        # 0 is no limit known: dropped where the lock has one, added where it has none.
        yield "limit", lock.limit != 0 and not 0 < marked.limit < lock.limit


def _key(condition: Condition) -> tuple[object, ...]:
    # The name is for people; what a condition means is its kind and its patterns.
    return (condition.kind, *condition.lists)


def _told(gate: Gate, field: str) -> str:
    if field == "conditions":
        return ", ".join(_condition(one) for one in gate.conditions) or "none"
    if field == "limit":
        return f"{gate.limit:g} s" if gate.limit else "none"
    return str(getattr(gate, field)) or "none"


def _condition(condition: Condition) -> str:
    lists = (" ".join(patterns) for patterns in condition.lists if patterns)
    return f"{condition.kind}({' or '.join(lists) or condition.name})"


def _no_phase(gate: Gate) -> str:
    return f"expected one phase of {', '.join(Phase)}, found {gate.phase or 'none'}"


def _why_unplanned(phase: str) -> str:
    return f"gates.lock has it in phase {phase}" if phase else "collected and not in gates.lock"


def _at(message: str, where: str) -> str:
    return f"{message} ({where})" if where else message
