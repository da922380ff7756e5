"""Conditions: whether a gate applies to this release, with the proof of it (SPEC U3, S25-S27).

The answer is "no" only where it is proved. Whatever could not be worked out lets the gate run.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from pytest_relgate.model import Decision, Mode, Proof, Tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pathspec import GitIgnoreSpec

    from pytest_relgate.model import Condition, Gate

_SHOWN = 20
_NAMED = 3
_NO_TABLES = Tables()


class _Facts(NamedTuple):
    changed: Sequence[str] | None
    base: str
    commit: str
    files: Sequence[str] | None
    mode: Mode
    first_release: bool
    tables: Tables


def decide_conditions(
    gate: Gate,
    *,
    changed: Sequence[str] | None,
    base: str,
    commit: str,
    files: Sequence[str] | None,
    mode: Mode,
    first_release: bool,
    tables: Tables = _NO_TABLES,
) -> Decision:
    """Decide whether ``gate`` is due, with one proof for each of its conditions, in their order.

    ``changed`` are the paths that differ between ``base`` and ``commit`` (both commits), ``files``
    those that exist at ``commit``; both relative to the root of the repository, and None where they
    could not be worked out. Patterns are read as git reads a ``.gitignore``. In a first release every
    condition holds, except ``live``, which is about the mode alone. ``tables`` is what is known of the
    dependency tables of changed files; of a file that it does not speak of every byte counts. Raises nothing.
    """
    facts = _Facts(changed, base, commit, files, mode, first_release, tables)
    return Decision(gate.id, tuple(_prove(condition, facts) for condition in gate.conditions))


def decide_every(
    gates: Iterable[Gate],
    *,
    changed: Sequence[str] | None,
    base: str,
    commit: str,
    files: Sequence[str] | None,
    mode: Mode,
    first_release: bool,
    tables: Tables = _NO_TABLES,
) -> dict[str, Decision]:
    """As :func:`decide_conditions`, for many gates by id: each distinct condition is looked at once."""
    facts = _Facts(changed, base, commit, files, mode, first_release, tables)
    proofs: dict[Condition, Proof] = {}
    decisions: dict[str, Decision] = {}
    for gate in gates:
        for condition in gate.conditions:
            if condition not in proofs:
                proofs[condition] = _prove(condition, facts)
        decisions[gate.id] = Decision(gate.id, tuple([proofs[one] for one in gate.conditions]))
    return decisions


def proof_problem(
    decision: Decision,
    gate: Gate,
    *,
    commit: str | None = None,
    base: str | None = None,
    mode: Mode | None = None,
) -> str:
    """Say why ``decision`` does not prove that ``gate`` need not judge; empty if it does prove it.

    ``commit``, ``base`` and ``mode`` are compared with what the proof records, where they are given.
    Rule: a gate that was not triggered counts only with its recorded decision (DESIGN section 3.4).
    """
    if decision.gate != gate.id:
        return f"the decision is about {decision.gate}"
    if tuple(proof.condition for proof in decision.proofs) != gate.conditions:
        return "the conditions that were decided are not those of the gate"
    against = [proof for proof in decision.proofs if proof.held is False]
    if not against:
        return "no condition was found not to hold"
    for proof in against:
        if problem := _weakness(proof, commit=commit, base=base, mode=mode):
            return problem
    return ""


def _weakness(proof: Proof, *, commit: str | None, base: str | None, mode: Mode | None) -> str:
    kind = proof.condition.kind
    problem = ""
    if kind == "live":
        problem = "the run is live" if mode is Mode.LIVE else ""
    elif not proof.commit:
        problem = "no commit is recorded"
    elif commit is not None and proof.commit != commit:
        problem = f"decided at commit {_short(proof.commit)}, expected {_short(commit)}"
    elif proof.matched:
        problem = f"{proof.matched[0]} matches, so the condition holds"
    elif kind == "changed" and not proof.base:
        problem = "no base is recorded"
    elif kind == "changed" and base is not None and proof.base != base:
        problem = f"compared with {_short(proof.base)}, expected base {_short(base) or 'none'}"
    return problem


def _prove(condition: Condition, facts: _Facts) -> Proof:
    if condition.kind == "live":
        live = facts.mode is Mode.LIVE
        return Proof(condition, live, f"the mode is {facts.mode}", facts.base, facts.commit)
    if facts.first_release:
        reason = "first release: there is nothing to compare with, so every condition holds"
        return Proof(condition, held=True, reason=reason, base=facts.base, commit=facts.commit)
    if condition.kind == "present":
        return _prove_present(condition, facts)
    return _prove_changed(condition, facts)


def _prove_changed(condition: Condition, facts: _Facts) -> Proof:
    if facts.changed is None or not facts.base or not facts.commit:
        return _undecided(condition, facts, "what changed since the base could not be worked out")
    span = f"between {_short(facts.base)} and {_short(facts.commit)}"
    return _match(condition, facts, facts.changed, found=f"changed {span}", every=f"changed paths {span}")


def _prove_present(condition: Condition, facts: _Facts) -> Proof:
    if facts.files is None or not facts.commit:
        return _undecided(condition, facts, "which files exist could not be worked out")
    there = f"at {_short(facts.commit)}"
    return _match(condition, facts, facts.files, found=f"exists {there}", every=f"files {there}")


def _match(condition: Condition, facts: _Facts, paths: Sequence[str], *, found: str, every: str) -> Proof:
    whole = [_spec(patterns) for patterns in condition.lists]
    by_table = [_spec(patterns) for patterns in condition.tables]
    told = " or ".join(" ".join(patterns) for patterns in (*condition.lists, *condition.tables))
    if None in (*whole, *by_table) or not (whole or by_table):
        return _undecided(condition, facts, f"expected patterns that git can match, found {told or 'none'}")
    known = {*facts.tables.alike, *facts.tables.unreadable} if by_table else frozenset()
    # Twenty are enough to see why; a change of a hundred thousand files need not be matched to its end.
    deciding = (
        path
        for path in paths
        if _any_matches(whole, path) or (path not in known and _any_matches(by_table, path))
    )
    matched = tuple(islice(deciding, _SHOWN))
    held, reason = bool(matched), f"{matched[0]} {found}" if matched else ""
    alike = tuple(path for path in facts.tables.alike if _any_matches(by_table, path)) if by_table else ()
    doubt = next((path for path in facts.tables.unreadable if by_table and _any_matches(by_table, path)), "")
    if not matched and doubt:
        return _undecided(condition, facts, facts.tables.unreadable[doubt])
    if not matched:
        reason = f"none of {len(paths)} {every} matches {condition.name or told}"
        if alike:
            reason += f", and the dependency tables of {_listed(alike)} are the same"
    return Proof(condition, held, reason, facts.base, facts.commit, len(paths), matched, alike[:_SHOWN])


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more


def _any_matches(lists: Iterable[GitIgnoreSpec | None], path: str) -> bool:
    below = path.endswith("/")
    return any(
        spec is not None and (spec.match_file(path) or (below and may_match_below(spec, path)))
        for spec in lists
    )


def may_match_below(spec: GitIgnoreSpec, folder: str) -> bool:
    """Whether the patterns could match a file below ``folder``, a path that ends in ``/``.

    That is how a submodule stands in what changed: what differs in it this repository cannot say, and what
    cannot be decided lets a gate run.
    """
    parts = folder.rstrip("/").split("/")
    may = False
    for pattern in spec.patterns:
        if pattern.include and _reaches_below(str(pattern.pattern), parts):
            may = True
        elif pattern.include is False and pattern.match_file(folder) is not None:
            may = False  # all of it is taken away
    return may


def _reaches_below(pattern: str, folder: Sequence[str]) -> bool:
    """Whether a pattern without ``!`` is not bound to places other than a folder's, as far as both go."""
    body = pattern.rstrip("/")
    if "/" not in body:
        return True  # it matches at any depth
    for wanted, part in zip(body.removeprefix("/").split("/"), folder, strict=False):
        if wanted == "**":
            return True
        spec = _spec((f"/{wanted}",))
        if spec is None or not spec.match_file(part):
            return False
    return True


def _undecided(condition: Condition, facts: _Facts, reason: str) -> Proof:
    return Proof(condition, None, f"undecided: {reason}", facts.base, facts.commit)


@lru_cache(maxsize=1024)
def _spec(patterns: tuple[str, ...]) -> GitIgnoreSpec | None:
    """The patterns compiled, or None if one of them cannot match: a condition of it proves nothing."""
    import re

    from pathspec import GitIgnoreSpec

    try:
        spec = GitIgnoreSpec.from_lines(patterns)
    except (ValueError, re.error):
        return None
    if any(pattern.include is None for pattern in spec.patterns):
        return None
    return spec if any(pattern.include for pattern in spec.patterns) else None


def _short(commit: str) -> str:
    return commit[:12]
