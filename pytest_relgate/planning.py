"""``--release-lock`` and ``--release-plan``: what gates there are, and what a run would do. Runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.crossing import RunFacts
from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence.folder import JOURNAL
from pytest_relgate.handed import facts_of, ruled_out
from pytest_relgate.judge.conditions import may_match_below
from pytest_relgate.lockfile import NAME, read_lock, write_lock
from pytest_relgate.model import Context, Gate, Mode, Phase
from pytest_relgate.prepare import Place, Prepared, read_place
from pytest_relgate.request import PHASES, Request
from pytest_relgate.source.git import Repository
from pytest_relgate.source.pytest_config import NAMES, settings_in
from pytest_relgate.source.target import newest_tag

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from pytest_relgate.execution import Execution

HIDING = ("python_files", "python_classes", "python_functions", "norecursedirs")
"""By these a project says what a test is, and so what can be a gate."""


def facts_for_lock(
    request: Request, options: argparse.Namespace, place: Place, environ: Mapping[str, str]
) -> RunFacts:
    """What collecting for a lock needs: the profile, and the repository whose files patterns must match."""
    profile, _, repository, box = read_place(request, options, place, environ)
    return RunFacts(
        context=Context(
            phase=Phase(request.phase or Phase.PRERELEASE),
            target="",
            target_why="",
            base="",
            base_why="",
            base_commit="",
            mode=Mode.DRY_RUN,
            agent="",
            agent_why="",
            sandbox=box is not None,
        ),
        commit="",
        checks=str(request.checks),
        rootdir=str(place.rootdir),
        repository=str(repository.path),
        logs="",
        run=0,
        changes=dict(profile.changes),
        present=dict(profile.present),
        secret_names=(),
        limit=profile.limits.gate,
        profile=profile,
    )


def facts_for_plan(prepared: Prepared, rootdir: Path) -> RunFacts:
    """What a run would know, read from its evidence folder without touching it."""
    context = prepared.context
    folder = prepared.evidence / context.target / context.phase
    reading = journals.read(folder / JOURNAL)
    known = prepared.lock or (reading.runs[-1].collected if reading.runs else ())
    return facts_of(
        prepared,
        reading.attempts(),
        [gate for gate in known if gate.phase == context.phase],
        rootdir,
        logs=folder,
        run=0,
    )


def write(request: Request, execution: Execution, trouble: Sequence[str]) -> list[str]:
    """Write the lock from what was collected; of one phase only when one was asked for.

    Raises RelgateError, and writes nothing, when the command line leaves gates out, there are none, one is
    malformed, something could not be collected, or a pattern matches no file at the newest tag or at HEAD.
    """
    if request.narrowed:
        message = f"a lock is of all gates, and this would leave some out: take {request.narrowed} off"
        raise RelgateError(message)
    if trouble:
        message = f"the lock was not written, not everything could be collected: {'; '.join(trouble[:3])}"
        raise RelgateError(message)
    mine = ("", request.phase)  # a gate without one valid phase is malformed in each
    gates = [gate for gate in execution.selection.gates.values() if not request.phase or gate.phase in mine]
    seen: set[str] = set()
    for gate in gates:
        problem = gate.problem or ("two gates have this id" if gate.id in seen else "")
        if problem:
            message = f"the lock was not written: {gate.where}: {problem}"
            raise RelgateError(message)
        seen.add(gate.id)
    _check_patterns(gates, Path(execution.facts.repository), execution.facts.profile.tag)
    old = read_lock(request.checks) or ()
    kept = [gate for gate in old if request.phase and gate.phase != request.phase]
    merged = sorted([*kept, *gates], key=lambda gate: PHASES.index(gate.phase))
    if not merged:
        message = (
            f"the lock was not written: expected gates in {request.checks.name}/, found none"
            f"{f': {hidden}' if (hidden := hidden_by(request.checks)) else ''}"
        )
        raise RelgateError(message)
    path = write_lock(request.checks, merged)
    before, after = {gate.id: gate for gate in old}, {gate.id: gate for gate in merged}
    counts = ", ".join(
        f"{number} {phase}" for phase in PHASES if (number := sum(gate.phase == phase for gate in merged))
    )
    fresh, gone = len(after.keys() - before.keys()), len(before.keys() - after.keys())
    return [
        f"relgate: wrote {path.parent.name}/{NAME}: {counts or 'no gates'}",
        f"relgate: {fresh} new, {gone} gone; review the change and commit it",
    ]


def hidden_by(checks: Path) -> str:
    """Which words of the project's own configuration say what a test is, and may hide gates; or nothing."""
    for folder in checks.parents:
        for name in NAMES:
            try:
                settings = settings_in(name, (folder / name).read_bytes())
            except OSError:
                continue
            if settings is not None:
                keys = [key for key in HIDING if key in settings]
                return f"{', '.join(keys)} of {name} may hide them" if keys else ""
    return ""


def _check_patterns(gates: Sequence[Gate], repository: Path, like: str) -> None:
    """A pattern that can match nothing would leave its gate out for ever."""
    asked = {
        (condition.kind, pattern): gate
        for gate in gates
        for condition in gate.conditions
        for pattern in (one for patterns in (*condition.lists, *condition.tables) for one in patterns)
        if condition.kind == "changed" and not pattern.startswith("!")
    }
    if not asked:
        return
    repo = Repository(repository)
    newest = newest_tag(repo, like=like)
    commits = [repo.head(), *([repo.commit_of(f"refs/tags/{newest}")] if newest else [])]
    files = {path for commit in commits for path in repo.files(commit)}
    submodules = {f"{path}/" for commit in commits for path in repo.submodules(commit)}
    from pathspec import GitIgnoreSpec

    for (_, pattern), gate in asked.items():
        spec = GitIgnoreSpec.from_lines([pattern])
        if not any(spec.match_files(files)) and not any(may_match_below(spec, one) for one in submodules):
            message = (
                f"the lock was not written: {gate.where}: the pattern {pattern!r} matches no file at HEAD"
                f"{f' or {newest}' if newest else ''}, so the gate would never run: mend or drop it"
            )
            raise RelgateError(message)


class Row(msgspec.Struct, frozen=True):
    """One gate of a plan: what a run would do with it, and why."""

    id: str
    will: str
    why: str
    title: str
    faults: tuple[str, ...] = ()


def rows(execution: Execution) -> list[Row]:
    """What a run would do with each gate of the phase."""
    collected = execution.selection.collected
    if collected is None:
        return []
    decisions = {decision.gate: decision for decision in collected.decisions}
    chosen = set(collected.chosen)
    facts = execution.facts
    found = []
    for gate in collected.gates:
        decision = decisions.get(gate.id)
        against = [proof.reason for proof in decision.proofs if proof.held is False] if decision else []
        if gate.problem:
            will, why = "refuse", gate.problem
        elif gate.id in chosen:
            will = "run"
            flaky = gate.id in facts.failed_before - facts.unsigned_before and not gate.reads_world
            why = "it failed on this tree: a pass would be FLAKY" if flaky else "not settled yet"
        elif gate.id in facts.settled:
            will, why = "keep", "it passed on this tree"
        elif against:
            will, why = "leave out", "; ".join(against)
        else:
            will, why = "leave out", "this command line narrows it away"
        found.append(Row(gate.id, will, why, gate.title, gate.faults))
    return found


def show(request: Request, execution: Execution, prepared: Prepared | None) -> list[str]:
    """The plan as text, one gate a line, or as one line of JSON; with what rules PASSED out already."""
    cannot = list(ruled_out(prepared)) if prepared is not None else []
    found = rows(execution)
    context = execution.facts.context
    if request.plan_format == "json":
        plan = {
            "phase": context.phase,
            "target": context.target,
            "base": context.base,
            "cannot_pass": cannot,
            "gates": found,
        }
        return [msgspec.json.encode(plan).decode()]
    counted = {
        will: sum(row.will == will for row in found) for will in ("run", "keep", "leave out", "refuse")
    }
    summary = ", ".join(f"{number} to {will}" for will, number in counted.items() if number)
    lines = [f"relgate plan  {context.target}  {context.phase}: {summary or 'no gates'}"]
    lines += [prepared.rehearsal] if prepared is not None and prepared.rehearsal else []
    lines += [f"cannot pass: {words}" for words in cannot]
    lines += [f"{row.will:<10} {row.id}\n           {row.why}" for row in found]
    return lines
