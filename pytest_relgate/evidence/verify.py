"""Verification of sealed evidence, by a process of its own and from what git has.

It reads the folder's bytes, then reads lock, profile and checks from git at the commit that the evidence
names, judges again with the same pure function, and compares. What an unsigned chain cannot prove
(that somebody did not forge all of it together) stands in ``docs/evidence.md``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence import seal
from pytest_relgate.evidence.folder import DIGEST, JOURNAL, SEAL
from pytest_relgate.judge import decide, decide_conditions, proof_problem, reconcile
from pytest_relgate.lockfile import NAME as LOCK
from pytest_relgate.lockfile import parse_lock
from pytest_relgate.model import Decision, Earlier, Gate, Phase, Reason, State, Verdict
from pytest_relgate.profile import Profile, parse_profile
from pytest_relgate.request import PROFILE
from pytest_relgate.subject import REVIEWED, checks_digest
from pytest_relgate.waiverfile import parse_signoffs, parse_waivers

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.model import Attempt
    from pytest_relgate.source.git import Repository


class Finding(StrEnum):
    """What a verification comes to, in the words that it prints."""

    PASSED = "PASSED"
    BLOCKED = "BLOCKED"
    PENDING = "PENDING"
    INCOMPLETE = "INCOMPLETE"
    STALE = "STALE"
    TAMPERED = "TAMPERED"
    REPLAYED = "REPLAYED"
    SANDBOX = "SANDBOX"
    UNLOCKED = "UNLOCKED"
    UNDECIDED = "UNDECIDED"

    @property
    def exit_status(self) -> int:
        """0 passed, 1 blocked, 2 cannot decide, 3 only pending."""
        match self:
            case Finding.PASSED:
                return 0
            case Finding.PENDING:
                return 3
            case Finding.UNLOCKED | Finding.UNDECIDED:
                return 2
            case _:
                return 1


@dataclass(frozen=True)
class Verification:
    """What was found, why, and what to type next; ``evidence`` is None when it could not be read."""

    finding: Finding
    reasons: tuple[str, ...]
    do: str = ""
    evidence: seal.Evidence | None = None
    digest: str = ""


@dataclass(frozen=True)
class Expectation:
    """What the one who asks knows: the commit to be released, the head that a run printed, the moment.

    ``repository`` holds the checks, ``under_release`` the commit; None is not to be had.
    """

    now: str
    repository: Repository | None
    under_release: Repository | None
    commit: str = ""
    head: str = ""
    allow_sandbox: bool = False


class _Problem(Exception):  # noqa: N818  (an early end of the verification, not an error of the program)
    def __init__(self, finding: Finding, reason: str, do: str = "") -> None:
        super().__init__(reason)
        self.finding, self.reason, self.do = finding, reason, do


def verify_folder(folder: Path, expectation: Expectation) -> Verification:
    """Verify one evidence folder. Never raises for what stands in it."""
    evidence: seal.Evidence | None = None
    digest = ""
    try:
        text, evidence = _read_seal(folder)
        digest = journals.digest(text)
        _check_digest(folder, text, evidence)
        reading = _check_files(folder, evidence)
        _check_expectation(evidence, digest, expectation)
        verdict = _judge_again(folder, evidence, reading, expectation)
    except _Problem as problem:
        return Verification(problem.finding, (problem.reason,), problem.do, evidence, digest)
    except RelgateError as error:
        return Verification(Finding.UNDECIDED, (str(error),), "", evidence, digest)
    except OSError as error:
        reason = f"{folder} cannot be read: {error.strerror or error}"
        return Verification(Finding.UNDECIDED, (reason,), "", evidence, digest)
    return _conclude(verdict, evidence, digest)


def _conclude(verdict: Verdict, evidence: seal.Evidence, digest: str) -> Verification:
    if verdict.passed:
        return Verification(Finding.PASSED, (), "", evidence, digest)
    reasons = tuple(f"{reason.gate or reason.code}: {reason.message}" for reason in verdict.reasons)
    do = verdict.reasons[0].remedy
    if any(reason.code == "UNLOCKED" for reason in verdict.reasons):
        return Verification(Finding.UNLOCKED, reasons, do, evidence, digest)
    finding = Finding.PENDING if verdict.only_pending else Finding.BLOCKED
    return Verification(finding, reasons, do, evidence, digest)


def _read_seal(folder: Path) -> tuple[bytes, seal.Evidence]:
    try:
        text = (folder / SEAL).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        reason = f"there is no {SEAL} in {folder}"
        raise _Problem(Finding.UNDECIDED, reason, "name the folder that a run printed") from None
    try:
        return text, seal.decode(text)
    except ValueError as error:  # msgspec's errors are ValueErrors
        reason = f"{SEAL} is not what a run wrote: {error}"
        raise _Problem(Finding.TAMPERED, reason, "do not rely on it: run the phase again") from None


def _check_digest(folder: Path, text: bytes, evidence: seal.Evidence) -> None:
    again = "type the run's command again: gates that passed are kept"
    if evidence.verdict == "BLOCKED" and any(reason.code == "INCOMPLETE" for reason in evidence.reasons):
        raise _Problem(Finding.INCOMPLETE, "the run did not reach its end", again)
    try:
        line = (folder / DIGEST).read_bytes()
    except FileNotFoundError:
        raise _Problem(Finding.INCOMPLETE, f"{DIGEST} is not there: it was never sealed", again) from None
    if line != f"{hashlib.sha256(text).hexdigest()}  {SEAL}\n".encode():
        reason = f"{DIGEST} does not fit {SEAL}"
        raise _Problem(Finding.TAMPERED, reason, "do not rely on it: run the phase again")


def _check_files(folder: Path, evidence: seal.Evidence) -> journals.Reading:
    found, sealed = seal.files_of(folder), evidence.files
    changed = sorted(
        [f"{name} is missing" for name in sealed.keys() - found.keys()]
        + [f"{name} was added" for name in found.keys() - sealed.keys()]
        + [f"{name} was changed" for name in sealed.keys() & found.keys() if sealed[name] != found[name]]
    )
    reading = journals.parse((folder / JOURNAL).read_bytes()) if (folder / JOURNAL).is_file() else None
    if reading is None:
        changed.append(f"{JOURNAL} is missing")
    elif reading.problem or reading.torn:
        changed.append(reading.problem or f"{JOURNAL} has {reading.torn} bytes that are no line")
    elif (reading.lines, reading.head) != (evidence.journal.lines, evidence.journal.head):
        changed.append(f"{JOURNAL} has {reading.lines} lines, {evidence.journal.lines} were sealed")
    if changed or reading is None:
        raise _Problem(Finding.TAMPERED, "; ".join(changed), "do not rely on it: run the phase again")
    return reading


def _check_expectation(evidence: seal.Evidence, digest: str, expectation: Expectation) -> None:
    if expectation.head and expectation.head.removeprefix("sha256:") != digest.removeprefix("sha256:"):
        reason = f"its head is {digest}, expected {expectation.head}: this is another seal"
        raise _Problem(Finding.REPLAYED, reason, "take the folder that the run with that head wrote")
    wanted = expectation.commit
    if wanted and evidence.subject.commit != wanted:
        reason = f"it judges commit {evidence.subject.commit or 'none'}, not {wanted}"
        raise _Problem(Finding.STALE, reason, "run the phase again on that commit")
    if evidence.sandbox and not expectation.allow_sandbox:
        reason = "it judges the sandbox, not a release"
        raise _Problem(Finding.SANDBOX, reason, "to look at it all the same: --allow-sandbox")


@dataclass(frozen=True)
class _Committed:
    """What git has of the checks at the commit that the evidence names."""

    profile: Profile
    lock: tuple[Gate, ...] | None
    files: dict[str, bytes]
    folder: str


def _judge_again(
    folder: Path, evidence: seal.Evidence, reading: journals.Reading, expectation: Expectation
) -> Verdict:
    runs = reading.runs
    if not runs:
        raise _Problem(Finding.INCOMPLETE, "no run stands in its journal", "run the phase again")
    last = runs[-1]
    if (last.context, last.subject, last.run) != (evidence.context, evidence.subject, evidence.run):
        raise _Problem(Finding.TAMPERED, f"{SEAL} and {JOURNAL} speak of different runs")
    closed = [entry for entry in reading.entries if isinstance(entry, journals.RunClosed)]
    if not closed or closed[-1].run != last.run:
        raise _Problem(Finding.INCOMPLETE, "its last run did not reach its end", "run the phase again")
    _check_projection(evidence)
    facts = closed[-1].facts
    if evidence.subject.checks_dirty or not evidence.subject.checks_commit:
        return _as_sealed(evidence)
    committed = _committed(evidence, expectation)
    decisions = _decisions_again(evidence, last, committed, expectation)
    again = _decide(folder, evidence, reading, committed, decisions, facts, evidence.finished, expectation)
    recorded = {gate.id: gate.state for gate in evidence.gates}
    if again.word != evidence.verdict or {j.gate.id: j.state for j in again.gates} != recorded:
        reason = f"what it records gives {again.word}, yet it says {evidence.verdict} with other states"
        raise _Problem(Finding.TAMPERED, reason, "do not rely on it: run the phase again")
    if expectation.now <= evidence.finished:
        return again
    return _decide(folder, evidence, reading, committed, decisions, facts, expectation.now, expectation)


def _check_projection(evidence: seal.Evidence) -> None:
    """The short fields at the top say what the context says."""
    context = evidence.context
    short = (evidence.phase, evidence.target, evidence.base, evidence.mode, evidence.agent, evidence.sandbox)
    long = (context.phase, context.target, context.base, context.mode, context.agent, context.sandbox)
    if short != long:
        raise _Problem(Finding.TAMPERED, f"{SEAL} contradicts itself about target, base, mode or agent")


def _as_sealed(evidence: seal.Evidence) -> Verdict:
    """Checks that are not in git cannot be read again; such evidence is BLOCKED by itself."""
    if evidence.verdict == "PASSED":
        raise _Problem(Finding.TAMPERED, "it says PASSED although its checks were not committed")
    return Verdict(passed=False, reasons=evidence.reasons, gates=())


def _committed(evidence: seal.Evidence, expectation: Expectation) -> _Committed:
    subject = evidence.subject
    repository = expectation.repository
    if repository is None or not repository.exists(f"{subject.checks_commit}^{{commit}}"):
        reason = f"the commit of the checks, {subject.checks_commit}, is not in this repository"
        raise _Problem(Finding.UNDECIDED, reason, "type it in a checkout that has it (git fetch)")
    folder = subject.checks_path
    names = {name: f"{folder}/{name}" if folder != "." else name for name in (PROFILE, LOCK, *REVIEWED)}
    contents = repository.contents(subject.checks_commit, list(names.values()))
    files = {name: contents[path] for name, path in names.items() if path in contents}
    if checks_digest(repository, subject.checks_commit, folder, subject.checks_also) != subject.checks:
        reason = "the checks in git at that commit are not the ones that judged"
        raise _Problem(Finding.TAMPERED, reason, "do not rely on it: run the phase again")
    if PROFILE not in files:
        raise _Problem(Finding.UNDECIDED, f"{folder}/{PROFILE} is not in git at {subject.checks_commit}")
    profile = parse_profile(files[PROFILE], names[PROFILE])
    lock = parse_lock(files[LOCK], names[LOCK]) if LOCK in files else None
    return _Committed(profile, lock, files, folder)


def _decisions_again(
    evidence: seal.Evidence, last: journals.RunOpened, committed: _Committed, expectation: Expectation
) -> dict[str, Decision]:
    """Decide conditions again from git; what only the machine of the run saw must carry its proof."""
    context, subject = evidence.context, evidence.subject
    repository = expectation.under_release
    here = repository is not None and repository.exists(f"{subject.commit}^{{commit}}")
    changed: tuple[str, ...] | None = None
    if repository is not None and here and context.base_commit:
        changed = repository.changed(context.base_commit, subject.commit)
    proofs = {gate.id: gate.conditions for gate in evidence.gates if gate.conditions}
    found: dict[str, Decision] = {}
    for gate in (*last.collected, *(committed.lock or ())):
        if gate.id in found or not gate.conditions or gate.id not in proofs:
            continue
        recorded = Decision(gate.id, proofs[gate.id])
        again = decide_conditions(
            gate,
            changed=changed,
            base=context.base_commit,
            commit=subject.commit,
            files=None,
            mode=context.mode,
            first_release=not context.base,
        )
        for said, seen in zip(recorded.proofs, again.proofs, strict=False):
            if said.held is False and seen.held is True:
                raise _Problem(
                    Finding.TAMPERED, f"{gate.id} was left out although {seen.reason}", "run the phase again"
                )
            if said.held is False and seen.held is None and said.condition.kind == "changed":
                reason = f"whether {gate.id} was due cannot be seen without commit {subject.commit}"
                raise _Problem(Finding.UNDECIDED, reason, "type it in a checkout that has it")
        if not recorded.due and (problem := proof_problem(recorded, gate)):
            raise _Problem(Finding.TAMPERED, f"{gate.id} was left out without proof: {problem}")
        found[gate.id] = recorded
    return found


def _decide(  # noqa: PLR0913  (what a verdict depends on)
    folder: Path,
    evidence: seal.Evidence,
    reading: journals.Reading,
    committed: _Committed,
    decisions: dict[str, Decision],
    facts: tuple[Reason, ...],
    now: str,
    expectation: Expectation,
) -> Verdict:
    context = evidence.context
    phase = context.phase
    plan = reconcile(
        phase=phase,
        target=context.target,
        mode=context.mode,
        lock=None if committed.lock is None else [gate for gate in committed.lock if gate.phase == phase],
        collected=reading.runs[-1].collected,
    )
    attempts: dict[str, list[Attempt]] = reading.attempts()
    earlier = tuple(
        earlier_evidence(
            folder.parent / needed,
            needed,
            sandbox=context.sandbox,
            repository=expectation.under_release,
            checks=expectation.repository,
        )
        for needed in phase.requires
    )
    for one in earlier:
        if one.digest and evidence.previous.get(one.phase) not in (None, one.digest):
            reason = f"the evidence of {one.phase} beside it is not the one it was judged with"
            raise _Problem(Finding.STALE, reason, f"run {phase} again")
    return decide(
        plan,
        decisions,
        attempts,
        parse_waivers(committed.files.get(REVIEWED[0], b""), REVIEWED[0]),
        evidence.subject,
        earlier,
        now,
        base=context.base_commit,
        signoffs=parse_signoffs(committed.files.get(REVIEWED[1], b""), REVIEWED[1]),
        approvers=committed.profile.approvers.people,
        facts=facts,
    )


def earlier_evidence(
    folder: Path,
    phase: Phase,
    *,
    sandbox: bool,
    repository: Repository | None,
    checks: Repository | None,
) -> Earlier:
    """What an earlier phase's evidence says, verified as ``relgate verify`` does it."""
    from pytest_relgate.execution import now

    expectation = Expectation(now(), checks, repository, allow_sandbox=sandbox)
    found = verify_folder(folder, expectation)
    evidence = found.evidence
    left_out = evidence is not None and any(
        gate.state is State.NOT_TRIGGERED
        and any(proof.condition.kind == "live" and proof.held is False for proof in gate.conditions)
        for gate in evidence.gates
    )
    return Earlier(
        phase=phase,
        verdict="PASSED" if found.finding is Finding.PASSED else "BLOCKED",
        commit=evidence.subject.commit if evidence else "",
        digest=found.digest if evidence else "",
        live_only_left_out=left_out,
        problem="" if found.finding is Finding.PASSED else f"{found.finding}: {'; '.join(found.reasons[:3])}",
    )


