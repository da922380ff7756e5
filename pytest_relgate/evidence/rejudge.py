"""Judging sealed evidence again, with what git has of the checks and of the commit under release.

Nothing that git knows is taken from the evidence: not the lock, not the profile, not what the digest of
the checks covers, not the tree, not what changed since the base.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_relgate.evidence import seal
from pytest_relgate.evidence.finding import AGAIN, DISTRUST, FETCH, Expectation, Finding, Problem
from pytest_relgate.evidence.wording import signed_in_words
from pytest_relgate.judge import decide, decide_conditions, reconcile
from pytest_relgate.judge.rehearsal import in_words
from pytest_relgate.lockfile import NAME as LOCK
from pytest_relgate.lockfile import parse_lock
from pytest_relgate.model import Decision, Gate, State, Tables
from pytest_relgate.profile import Profile, parse_profile
from pytest_relgate.request import PROFILE
from pytest_relgate.source.as_committed import rows_of
from pytest_relgate.source.dependencies import compared
from pytest_relgate.source.links import Links
from pytest_relgate.source.pytest_config import (
    NAMES,
    config_above,
    configs_above,
    folders_upwards,
    settings_in,
)
from pytest_relgate.source.reviewed_commit import beside, comes_after
from pytest_relgate.source.versions import base_of, version_of_tag
from pytest_relgate.subject import PACKAGE, checks_digest, foreign_to_evidence
from pytest_relgate.waiverfile import Reviewed, read_reviewed, reviewed_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_relgate.evidence.journal import Reading, RunClosed
    from pytest_relgate.evidence.seal import Evidence
    from pytest_relgate.model import Earlier, Judged, Proof, Subject, Verdict
    from pytest_relgate.source.git import Repository
    from pytest_relgate.unrehearsed import Unrehearsed

_FULL_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
EARLIER = "EARLIER"


@dataclass(frozen=True)
class Committed:
    """What git has of the checks at the commit that the evidence names; ``lock`` is None without one."""

    profile: Profile
    lock: tuple[Gate, ...] | None
    notes: tuple[str, ...] = ()


def judge_again(
    evidence: Evidence, reading: Reading, earlier: tuple[Earlier, ...], expectation: Expectation
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict as of now, and what is worth saying beside it.

    Raises Problem where the evidence says anything else than what it records comes to, RelgateError where
    git or a file of the checks cannot be read.
    """
    committed = _committed(evidence, expectation)
    under = expectation.under_release
    if (
        not _FULL_ID.fullmatch(evidence.subject.commit)
        or under is None
        or not under.exists(evidence.subject.commit)
    ):
        reason = f"the commit that it judges, {evidence.subject.commit or 'none'}, is not in this repository"
        raise Problem(Finding.UNDECIDED, reason, FETCH)
    _check_subject(evidence, under)
    notes = (*committed.notes, *_check_base(evidence, under, committed.profile))
    reviewed, note = _reviewed(evidence, expectation.repository, committed.profile)
    spared = None
    if evidence.unrehearsed is not None:
        from pytest_relgate.evidence.rejudge_rehearsal import check_unrehearsed

        spared = check_unrehearsed(evidence, under, expectation.repository, committed.profile)
    decisions = _decisions(evidence, under)
    bench = _Bench(evidence, reading, earlier, committed, reviewed, decisions, spared)
    _compare(evidence, bench.judge(evidence.finished), committed)
    verdict = bench.judge(max(expectation.now, evidence.finished))
    signed = (f"{one.gate.id}: {words}" for one in verdict.gates if (words := signed_in_words(one)))
    waived = (f"{one.gate.id}: {one.why}" for one in verdict.gates if one.waiver is not None)
    without = [one for one in verdict.notes if spared is not None and one == in_words(spared)]
    return verdict, (*notes, *([note] if note else []), *signed, *waived, *without)


# -- the checks -----------------------------------------------------------------------------------------


def _committed(evidence: Evidence, expectation: Expectation) -> Committed:
    subject = evidence.subject
    commit, folder = subject.checks_commit, subject.checks_path
    repository = expectation.repository
    if repository is None or not _FULL_ID.fullmatch(commit) or not repository.exists(commit):
        reason = f"the commit of the checks, {commit}, is not in this repository"
        raise Problem(Finding.UNDECIDED, reason, FETCH)
    notes = _check_place(repository, commit, folder, expectation.checks)
    names = {name: name if folder == "." else f"{folder}/{name}" for name in (PROFILE, LOCK)}
    contents = repository.contents_through_links(commit, list(names.values()))
    files = {name: contents[path] for name, path in names.items() if path in contents}
    notes = (*notes, *_check_covered(repository, subject))
    if checks_digest(repository, commit, folder, subject.checks_also) != subject.checks:
        reason = "the checks in git at that commit are not the ones that judged"
        raise Problem(Finding.TAMPERED, reason, DISTRUST)
    if PROFILE not in files:
        raise Problem(Finding.UNDECIDED, f"{names[PROFILE]} is not in git at {commit}", FETCH)
    lock = parse_lock(files[LOCK], names[LOCK]) if LOCK in files else None
    return Committed(parse_profile(files[PROFILE], names[PROFILE]), lock, notes)


def _reviewed(evidence: Evidence, repository: Repository | None, profile: Profile) -> tuple[Reviewed, str]:
    """Waivers and sign-offs where the run read them: at the commit of the checks, or a later one.

    Beside them what is to be said of a commit that the profile's branch does not hold.
    """
    subject = evidence.subject
    commit = evidence.context.reviewed_commit or subject.checks_commit
    if repository is None or not _FULL_ID.fullmatch(commit) or not repository.exists(commit):
        reason = f"the commit that waivers and sign-offs were read from, {commit}, is not in this repository"
        raise Problem(Finding.UNDECIDED, reason, FETCH)
    if not comes_after(repository, subject.checks_commit, commit):
        if repository.is_shallow():
            reason = f"whether {commit[:12]} holds the checks is not known: history is cut off here"
            raise Problem(Finding.UNDECIDED, reason, FETCH)
        reason = f"its waivers and sign-offs are those of {commit[:12]}, which does not hold the checks"
        raise Problem(Finding.TAMPERED, reason, DISTRUST)
    note = beside(repository, subject.checks_commit, commit, profile.approvers.branch)
    return read_reviewed(repository, commit, subject.checks_path), note


def _check_place(repository: Repository, commit: str, folder: str, wanted: str) -> tuple[str, ...]:
    """See that it was the project's own checks that judged, and not another folder that looks like them.

    Where the top of the repository has none, as with several projects in one, that is worth a note.
    """
    expected = wanted or _own_checks(repository, commit)
    if expected and folder != expected:
        reason = f"it was judged by the checks in {folder}, expected those in {expected}"
        raise Problem(Finding.UNDECIDED, reason, f"if that is meant: --checks {folder}")
    return () if expected else (f"judged by the checks in {folder}: --checks {folder} says that it must be",)


def _own_checks(repository: Repository, commit: str) -> str:
    """Where the project's checks are by its own configuration; empty where there are none."""

    def read(paths: list[str]) -> Mapping[str, bytes]:
        return repository.contents_through_links(commit, paths)

    path = config_above(".", read)
    found = settings_in(path, read([path])[path]) if path else None
    named = (found or {}).get("release_checks")
    folder = posixpath.normpath(named.strip("/") if isinstance(named, str) and named else "release_checks")
    if folder.startswith(".."):  # outside of the repository, which verifies nothing about it
        return ""
    if repository.files(commit, f"{folder}/{PROFILE}"):
        return folder
    if not read([f"{folder}/{PROFILE}"]):
        return ""
    return Links.of(repository, commit).real(folder)


def _check_covered(repository: Repository, subject: Subject) -> tuple[str, ...]:
    """See that the digest of the checks covers what decides how they run, as git has it, and nothing else.

    A configuration of pytest that is not above the checks folder is worth a note: it depends on the folder
    that the run was typed in.
    """
    commit, also = subject.checks_commit, set(subject.checks_also)
    deciding, elsewhere = _deciding(repository, commit, subject.checks_path)
    gone = {path for path in also if path != "." and not repository.files(commit, path)}
    if lacking := (deciding - also) | gone:
        reason = f"its digest of the checks does not cover {min(lacking)}"
        raise Problem(Finding.TAMPERED, reason, DISTRUST)
    more = [
        path for path in sorted(also - deciding) if not any(text.endswith(f"/{path}") for text in elsewhere)
    ]
    configures = {*NAMES, "conftest.py"}
    if strange := [path for path in more if path.rpartition("/")[2] not in configures]:
        reason = f"its digest of the checks covers {strange[0]}, which does not decide how they run"
        raise Problem(Finding.TAMPERED, reason, DISTRUST)
    return tuple(f"judged under {path}, which is not above the checks" for path in more)


def _deciding(repository: Repository, commit: str, folder: str) -> tuple[set[str], tuple[str, ...]]:
    """What decides how the checks run, beside their folder, and the texts of links that git cannot follow.

    These are the conftest files above it, what configures pytest there, the packages that it is in, and
    what links among all these lead to.
    """
    above = folders_upwards(folder)[1:]
    conftests = [f"{place}/conftest.py" if place else "conftest.py" for place in above]
    configs = configs_above(folder, lambda paths: repository.contents_through_links(commit, paths))
    within = f"{folder}/" if folder != "." else ""
    found = {*repository.contents(commit, conftests), *_packages(repository, commit, folder)}
    found |= {path for path in configs if not path.startswith(within)}
    if not any(row.is_link for row in rows_of(repository.path, commit, [folder, *found])):
        return found, ()
    links = Links.of(repository, commit)
    leads = links.below([folder, *found])
    lost = (links.texts[link] for link, real in leads.items() if not real)
    elsewhere = tuple(text.rstrip("/") for text in lost if text.startswith("/"))
    targets = {real for real in leads.values() if real not in ("", folder) and not real.startswith(within)}
    return found | targets, elsewhere


def _packages(repository: Repository, commit: str, folder: str) -> list[str]:
    """The ``__init__.py`` of each package that the checks folder is a package in."""
    paths = [f"{place}/{PACKAGE}" if place else PACKAGE for place in folders_upwards(folder)]
    there = repository.contents_through_links(commit, paths)
    found = []
    for below, path in pairwise(paths):
        if below not in there or path not in there:
            break
        found.append(path)
    return found


# -- the subject ----------------------------------------------------------------------------------------


def _check_subject(evidence: Evidence, under: Repository) -> None:
    """See that tree, commit and checks belong together in git."""
    subject, phase = evidence.subject, evidence.phase
    reviewed = reviewed_at(subject.checks_path)
    own = any(path in reviewed for path in subject.left_out)
    problem = ""
    if phase.source and own and subject.checks_commit != subject.commit:
        problem = "its checks are not those of the commit that it judges"
    for path in subject.left_out:
        if path not in reviewed and (other := foreign_to_evidence(under, subject.commit, path)):
            problem = f"its tree leaves {other} out, which is no evidence"
    tree = under.tree_without(subject.commit, subject.left_out)
    if tree != (subject.committed_tree if subject.dirty else subject.tree):
        problem = "its tree is not that of the commit"
    if problem:
        raise Problem(Finding.TAMPERED, problem, DISTRUST)
    if phase.source:
        return
    tag = f"refs/tags/{evidence.target}"
    if not under.exists(tag):
        raise Problem(Finding.UNDECIDED, f"the tag {evidence.target} is not in this repository", FETCH)
    if (there := under.commit_of(tag)) != subject.commit:
        reason = f"the tag {evidence.target} stands for {there[:12]} now, it judges {subject.commit[:12]}"
        raise Problem(Finding.STALE, reason, "find out who moved the tag, then run the phase again")


def _check_base(evidence: Evidence, under: Repository, profile: Profile) -> tuple[str, ...]:
    """See that the base is a lower tag at the commit that was compared with."""
    context = evidence.context
    base, target = (version_of_tag(tag, like=profile.tag) for tag in (context.base, context.target))
    if target is None or (context.base and (base is None or base >= target)):
        reason = f"its base {context.base} is no release below {context.target}"
        raise Problem(Finding.TAMPERED, reason, DISTRUST)
    tags = {tag.name: tag.commit for tag in under.tags()}
    if context.base and context.base in tags and tags[context.base] != context.base_commit:
        here = tags[context.base][:12]
        reason = f"it compared with {context.base_commit[:12]}, {context.base} stands for {here} now"
        raise Problem(Finding.STALE, reason, AGAIN)
    if (
        context.base
        and context.base not in tags
        and any(_compared(gate.conditions) for gate in evidence.gates)
    ):
        raise Problem(Finding.UNDECIDED, f"the base {context.base} is not in this repository", FETCH)
    derived = base_of(context.target, tags, profile.base.policy, like=profile.tag).tag
    if context.base != derived:
        return (f"base {context.base or 'none'} ({context.base_why}); by the tags here: {derived or 'none'}",)
    return ()


def _compared(proofs: tuple[Proof, ...]) -> bool:
    return any(proof.condition.kind == "changed" and proof.held is False for proof in proofs)


# -- conditions -----------------------------------------------------------------------------------------


def _decisions(evidence: Evidence, under: Repository) -> dict[str, Decision]:
    """The recorded decisions, each held against git; what only the machine of the run saw is believed."""
    context, subject = evidence.context, evidence.subject
    recorded = {gate.id: Decision(gate.id, gate.conditions) for gate in evidence.gates if gate.conditions}
    left_out = [one for one in recorded.values() if not one.due]
    kinds = {proof.condition.kind for one in left_out for proof in one.proofs if proof.held is False}
    compare = "changed" in kinds and bool(context.base_commit)
    changed = under.changed(context.base_commit, subject.commit) if compare else None
    by_table = any(proof.condition.tables for one in left_out for proof in one.proofs)
    tables = compared(under, context.base_commit, subject.commit, changed or ()) if by_table else Tables()
    # A tracked file exists. Files that git ignores, as built ones, existed on that machine or did not.
    look = "present" in kinds and evidence.phase.source and not subject.dirty
    files = _files(under, subject.commit) if look else None
    for one in left_out:
        again = decide_conditions(
            Gate(one.gate, evidence.phase, conditions=tuple(proof.condition for proof in one.proofs)),
            changed=changed,
            base=context.base_commit,
            commit=subject.commit,
            files=files,
            mode=context.mode,
            first_release=not context.base,
            tables=tables,
        )
        for said, seen in zip(one.proofs, again.proofs, strict=True):
            if said.held is False and seen.held is True:
                reason = f"{one.gate} was left out although {seen.reason}"
                raise Problem(Finding.TAMPERED, reason, DISTRUST)
            if said.held is False and seen.held is None and said.condition.kind == "changed":
                reason = f"whether {one.gate} was due cannot be worked out again: {seen.reason}"
                raise Problem(Finding.UNDECIDED, reason, FETCH)
    return recorded


def _files(repository: Repository, commit: str) -> tuple[str, ...]:
    """The files of a commit; a submodule is none, and what it holds is not known here."""
    submodules = frozenset(repository.submodules(commit))
    return tuple(path for path in repository.files(commit) if path not in submodules)


# -- the verdict ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bench:
    evidence: Evidence
    reading: Reading
    earlier: tuple[Earlier, ...]
    committed: Committed
    reviewed: Reviewed
    decisions: Mapping[str, Decision]
    unrehearsed: Unrehearsed | None = None

    def judge(self, now: str) -> Verdict:
        context, committed = self.evidence.context, self.committed
        end: RunClosed = self.reading.entries[-1]  # type: ignore[assignment]  # looked at before
        plan = reconcile(
            phase=context.phase,
            target=context.target,
            mode=context.mode,
            lock=committed.lock,
            collected=self.reading.runs[-1].collected,
        )
        return decide(
            plan,
            self.decisions,
            self.reading.attempts(self.evidence.run),
            self.reviewed.waivers,
            self.evidence.subject,
            self.earlier,
            now,
            base=context.base_commit,
            signoffs=self.reviewed.signoffs,
            reviews=self.reviewed.reviews,
            denied=self.reviewed.denied,
            later=context.reviewed_commit not in ("", self.evidence.subject.checks_commit),
            approvers=committed.profile.approvers.people,
            facts=end.facts,
            unrehearsed=self.unrehearsed,
        )


def _compare(evidence: Evidence, again: Verdict, committed: Committed) -> None:
    """See that the evidence says what its record comes to. Earlier phases are looked at as they are now."""
    blocked = any(reason.code != EARLIER for reason in again.reasons)
    said = any(reason.code != EARLIER for reason in evidence.reasons)
    found = [_row(seal.sealed_gate(one, kept=_is_kept(one, evidence))) for one in again.gates]
    sealed = [_row(one) for one in evidence.gates]
    differs = sorted({str(row[0]) for row in {*found} ^ {*sealed}})
    problem = ""
    if differs or found != sealed:
        problem = (
            f"what it records of {differs[0] if differs else 'its gates'} comes to another state than it says"
        )
    elif blocked != said:
        problem = (
            f"what it records gives {'BLOCKED' if blocked else 'PASSED'}, and it says {evidence.verdict}"
        )
    elif evidence.locked != (committed.lock is not None):
        problem = "it contradicts git about there being a gates.lock"
    elif evidence.waivers != tuple(one.waiver for one in again.gates if one.waiver):
        problem = "it names other waivers than those that it used"
    if problem:
        raise Problem(Finding.TAMPERED, problem, DISTRUST)


def _row(gate: seal.SealedGate) -> tuple[object, ...]:
    """What a gate comes to; its words are another matter, and may be put better by a later version."""
    return (gate.id, gate.state, gate.advisory, gate.waived_by, gate.kept, gate.attempts)


def _is_kept(one: Judged, evidence: Evidence) -> bool:
    return one.state is State.PASSED and bool(one.attempts) and one.attempts[-1].run != evidence.run
