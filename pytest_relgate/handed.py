"""What every process that executes gates is handed: worked out once, from what is on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_relgate.clock import now
from pytest_relgate.crossing import RunFacts
from pytest_relgate.judge import match_waivers, settle
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_relgate.model import Attempt, Decision, Gate
    from pytest_relgate.prepare import Prepared


def facts_of(
    prepared: Prepared,
    attempts: Mapping[str, Sequence[Attempt]],
    gates: Sequence[Gate],
    rootdir: Path,
    *,
    logs: Path,
    run: int,
) -> RunFacts:
    """Work out what is kept, what failed before and what is waived, for the processes that execute."""
    settled, failed_before = remembered(prepared, attempts, gates)
    return RunFacts(
        context=prepared.context,
        commit=prepared.subject.commit,
        checks=str(prepared.request.checks),
        rootdir=str(rootdir),
        repository=str(prepared.repository.path),
        logs=str(logs),
        run=run,
        changes=dict(prepared.profile.changes),
        present=dict(prepared.profile.present),
        secret_names=prepared.profile.secrets.names,
        limit=prepared.profile.limits.gate,
        changed=prepared.changed,
        files=prepared.files,
        tables=prepared.tables,
        settled=frozenset() if prepared.rerun else settled,
        failed_before=failed_before,
        unsigned_before=_unsigned(prepared, attempts, failed_before),
        waived=_waived(prepared, gates),
        origins=prepared.origins,
        environ=dict(prepared.environ),
        profile=prepared.profile,
        wait=prepared.request.wait,
        reviews=prepared.reviewed.reviews,
    )


def remembered(
    prepared: Prepared, attempts: Mapping[str, Sequence[Attempt]], gates: Sequence[Gate]
) -> tuple[frozenset[str], frozenset[str]]:
    """The gates that are settled for this subject, and those that failed on its tree and are not."""
    subject, reviewed = prepared.subject, prepared.reviewed
    settled, failed = set(), set()
    for gate in gates:
        done = attempts.get(gate.id)
        if not done:
            continue
        state, _ = settle(
            done,
            tree=subject.tree,
            checks=subject.checks,
            base=prepared.context.base_commit,
            reads_world=gate.reads_world,
            signoff=next(
                (one for one in reviewed.signoffs if (one.gate, one.tree) == (gate.id, subject.tree)), None
            ),
            reviews=frozenset(one.diff for one in reviewed.reviews if one.gate == gate.id),
            mode=prepared.context.mode,
        )
        if state.settled:
            settled.add(gate.id)
        elif any(
            attempt.outcome.remembered and (attempt.tree, attempt.checks) == subject.key for attempt in done
        ):
            failed.add(gate.id)
    return frozenset(settled), frozenset(failed)


def _unsigned(
    prepared: Prepared, attempts: Mapping[str, Sequence[Attempt]], failed: Iterable[str]
) -> frozenset[str]:
    """Those of the gates that failed on this tree for want of a review alone."""
    key = prepared.subject.key
    mine = {name: [one for one in attempts[name] if (one.tree, one.checks) == key] for name in failed}
    return frozenset(
        name
        for name, done in mine.items()
        if all(one.unsigned for one in done if one.outcome.remembered or one.outcome is State.FLAKY)
    )


def ruled_out(prepared: Prepared) -> Iterator[str]:
    """What rules PASSED out whatever the gates say, in words."""
    if prepared.lock is None:
        yield "there is no gates.lock: type pytest --release-lock, review it and commit it"
    if prepared.context.phase.source and prepared.subject.dirty:
        yield f"the tree is not as committed: {', '.join(prepared.subject.dirt)}"
    if prepared.subject.checks_dirty:
        yield f"the checks are not as committed: {', '.join(prepared.checks.dirt[:5])}"


def _waived(prepared: Prepared, gates: Sequence[Gate]) -> dict[str, tuple[State, ...]]:
    usable, _ = match_waivers(
        prepared.reviewed.waivers,
        target=prepared.context.target,
        now=now(),
        approvers=prepared.profile.approvers.people,
    )
    waivable = {gate.id for gate in gates if gate.waivable}
    return {
        gate: tuple({state for waiver in waivers for state in waiver.states})
        for gate, waivers in usable.items()
        if gate in waivable
    }


@dataclass(frozen=True)
class Forecast:
    """What a run will do: gates kept and since when (HH:MM, UTC), not due, to run, seconds it took before."""

    kept: frozenset[str]
    kept_from: str
    not_due: int
    to_run: int
    seconds: float


def forecast(
    prepared: Prepared,
    attempts: Mapping[str, Sequence[Attempt]],
    gates: Sequence[Gate],
    decisions: Mapping[str, Decision],
) -> Forecast:
    """Say what a run will do with these gates."""
    settled, failed = remembered(prepared, attempts, gates)
    kept = frozenset() if prepared.rerun else settled
    not_due = {gate.id for gate in gates if gate.conditions and not decisions[gate.id].due} - failed - kept
    to_run = [gate.id for gate in gates if gate.id not in kept and gate.id not in not_due]
    times = [attempts[name][-1].seconds for name in to_run if attempts.get(name)]
    since = max((attempts[name][-1].started for name in kept), default="")
    return Forecast(kept, since[11:16], len(not_due), len(to_run), sum(times))
