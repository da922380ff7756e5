"""Verification of sealed evidence, by a process of its own and from what git has.

It reads the folder's bytes, then lock, profile and checks from git at the commit that the evidence names,
judges again with the same pure function, and compares. What an unsigned chain cannot prove (that somebody
did not forge all of it together) stands in ``docs/evidence.md``.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_relgate.clock import now
from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence import seal
from pytest_relgate.evidence.as_written import NAME, NewerError, schema_of, this_version
from pytest_relgate.evidence.build_run import artifacts_of, without_artifacts
from pytest_relgate.evidence.carried import carries
from pytest_relgate.evidence.finding import AGAIN, DISTRUST, Expectation, Finding, Problem, Verification
from pytest_relgate.evidence.folder import DIGEST, FAULTY, JOURNAL, SEAL
from pytest_relgate.evidence.memory import release_of
from pytest_relgate.evidence.rejudge import judge_again
from pytest_relgate.model import Earlier, Phase, State, Verdict
from pytest_relgate.source.versions import names_a_release

if TYPE_CHECKING:
    from pytest_relgate.model import Context, Subject
    from pytest_relgate.source.git import Repository

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")

__all__ = ["Expectation", "Finding", "Verification", "earlier_evidence", "verify_folder"]


def verify_folder(folder: Path, expectation: Expectation) -> Verification:
    """Verify one evidence folder. Never raises for what stands in it."""
    evidence: seal.Evidence | None = None
    digest = ""
    try:
        text = _bytes_of(folder)
        digest = journals.digest(text)
        evidence = _read_seal(folder, text)
        _check_digest(folder, text, evidence)
        reading = _check_files(folder, evidence)
        _check_expectation(folder, evidence, digest, expectation)
        _check_journal(evidence, reading)
        _check_artifacts(folder, evidence)
        if evidence.subject.checks_dirty or not evidence.subject.checks_commit:
            return _conclude(_as_sealed(evidence), evidence, digest)
        earlier = _earlier(folder, evidence, expectation)
        verdict, notes = _judge_again(evidence, reading, earlier, expectation)
    except Problem as problem:
        return Verification(problem.finding, (problem.reason,), problem.do, evidence, digest)
    except RelgateError as error:
        return Verification(Finding.UNDECIDED, (str(error),), "", evidence, digest)
    except OSError as error:
        reason = f"{folder} cannot be read: {error.strerror or error}"
        return Verification(Finding.UNDECIDED, (reason,), "", evidence, digest)
    return _conclude(verdict, evidence, digest, notes)


def _judge_again(
    evidence: seal.Evidence,
    reading: journals.Reading,
    earlier: tuple[Earlier, ...],
    expectation: Expectation,
) -> tuple[Verdict, tuple[str, ...]]:
    """Judge again; what contradicts the rules of this version may have been right by those of another."""
    try:
        return judge_again(evidence, reading, earlier, expectation)
    except Problem as problem:
        wrote, ours = evidence.environment.get(NAME, ""), this_version()
        if problem.finding is not Finding.TAMPERED or not wrote or wrote == ours:
            raise
        reason = f"{NAME} {wrote} judged it, and by the rules of {ours} {problem.reason}"
        do = f"verify it with that version (pip install {NAME}=={wrote}), or run the phase again"
        raise Problem(Finding.UNDECIDED, reason, do) from None


def _conclude(
    verdict: Verdict, evidence: seal.Evidence, digest: str, notes: tuple[str, ...] = ()
) -> Verification:
    if verdict.passed and evidence.verdict == "BLOCKED":
        # Only what stands beside it can have changed: an earlier phase that had not passed then.
        reasons = tuple(f"{reason.code}, when it was judged: {reason.message}" for reason in evidence.reasons)
        return Verification(Finding.BLOCKED, reasons, AGAIN, evidence, digest, notes)
    if verdict.passed:
        return Verification(Finding.PASSED, (), "", evidence, digest, notes)
    reasons = tuple(f"{reason.gate or reason.code}: {reason.message}" for reason in verdict.reasons)
    remedies = tuple(reason.remedy for reason in verdict.reasons)
    do = remedies[0] if remedies else ""
    finding = Finding.PENDING if verdict.only_pending else Finding.BLOCKED
    if any(reason.code == "UNLOCKED" for reason in verdict.reasons):
        finding = Finding.UNLOCKED
    return Verification(finding, reasons, do, evidence, digest, notes, remedies)


# -- the folder's own bytes -----------------------------------------------------------------------------


def _bytes_of(folder: Path) -> bytes:
    path = folder / SEAL
    if path.is_symlink():
        raise Problem(Finding.TAMPERED, f"{SEAL} is a link", DISTRUST)
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        reason = f"there is no {SEAL} in {folder}"
        do = "name the folder that a run printed, as release-evidence/v0.1.10/prerelease"
        raise Problem(Finding.UNDECIDED, reason, do) from None


def _read_seal(folder: Path, text: bytes) -> seal.Evidence:
    """What the bytes say. Those of another version are no less whole for it, as far as their digest goes."""
    try:
        return seal.decode(text)
    except NewerError as error:
        if schema_of(text) == seal.SCHEMA and os.path.lexists(folder / DIGEST):
            _check_digest_line(folder, text)
        raise Problem(Finding.UNDECIDED, f"{SEAL} cannot be read: {error}") from None
    except ValueError as error:
        reason = f"{SEAL} is not what a run wrote: {error}"
        raise Problem(Finding.TAMPERED, reason, DISTRUST) from None


def _check_digest(folder: Path, text: bytes, evidence: seal.Evidence) -> None:
    again = "type the run's command again: gates that passed are kept"
    if evidence.verdict == "BLOCKED" and any(reason.code == "INCOMPLETE" for reason in evidence.reasons):
        raise Problem(Finding.INCOMPLETE, "the run did not reach its end", again)
    if not os.path.lexists(folder / DIGEST):
        raise Problem(Finding.INCOMPLETE, f"{DIGEST} is not there: it was never sealed", again)
    _check_digest_line(folder, text)


def _check_digest_line(folder: Path, text: bytes) -> None:
    path = folder / DIGEST
    line = f"{hashlib.sha256(text).hexdigest()}  {SEAL}\n".encode()
    if not seal.is_plain_file(path) or path.read_bytes() != line:
        raise Problem(Finding.TAMPERED, f"{DIGEST} does not fit {SEAL}", DISTRUST)


def _check_files(folder: Path, evidence: seal.Evidence) -> journals.Reading:
    found, sealed = seal.files_of(folder), evidence.files
    changed = sorted(
        [f"{name} is missing" for name in sealed.keys() - found.keys()]
        + [f"{name} was added" for name in found.keys() - sealed.keys()]
        + [f"{name} was changed" for name in sealed.keys() & found.keys() if sealed[name] != found[name]]
    )
    path = folder / JOURNAL
    reading = journals.read(path) if seal.is_plain_file(path) else None
    if reading is None:
        changed.append(f"{JOURNAL} is missing" if not os.path.lexists(path) else f"{JOURNAL} is no file")
    elif reading.problem or reading.torn:
        changed.append(reading.problem or f"{JOURNAL} has {reading.torn} bytes that are no line")
    elif (reading.lines, reading.head) != (evidence.journal.lines, evidence.journal.head):
        changed.append(f"{JOURNAL} has {reading.lines} lines, {evidence.journal.lines} were sealed")
    if changed or reading is None:
        raise Problem(Finding.TAMPERED, "; ".join(changed), DISTRUST)
    if reading.newer:
        raise Problem(Finding.UNDECIDED, f"{JOURNAL} cannot be read: {reading.newer}")
    return reading


# -- what was expected of it ----------------------------------------------------------------------------


def _check_expectation(folder: Path, evidence: seal.Evidence, digest: str, expectation: Expectation) -> None:
    if expectation.head and expectation.head.removeprefix("sha256:") != digest.removeprefix("sha256:"):
        reason = f"its head is {digest}, expected {expectation.head}: this is another seal"
        raise Problem(Finding.REPLAYED, reason, "take the folder that the run with that head wrote")
    phase, target = _expected_at(folder, expectation)
    if (phase or evidence.phase, target or evidence.target) != (evidence.phase, evidence.target):
        expected = " ".join(word for word in (target, phase) if word)
        reason = f"it judges {evidence.target} {evidence.phase}, expected {expected}"
        raise Problem(Finding.STALE, reason, "take the folder of that phase, or run the phase")
    wanted = expectation.commit
    if wanted and not evidence.subject.commit.startswith(wanted):
        reason = f"it judges commit {evidence.subject.commit[:12] or 'none'}, expected {wanted[:12]}"
        raise Problem(Finding.STALE, reason, "run the phase again on that commit")
    if evidence.sandbox and not expectation.allow_sandbox:
        faults = f" with {', '.join(evidence.context.faults)}" if evidence.context.faults else ""
        reason = f"it judges the sandbox{faults} and no release"
        raise Problem(Finding.SANDBOX, reason, "to look at it all the same: --allow-sandbox")


def _expected_at(folder: Path, expectation: Expectation) -> tuple[str, str]:
    """Phase and target that evidence should be of: as asked for, else as its place says."""
    place = Path(os.path.abspath(folder))  # noqa: PTH100  (links stay)
    phase = place.name if place.name in set(Phase) else ""
    target = place.parent.name if phase and names_a_release(place.parent.name) else ""
    return expectation.phase or phase, expectation.target or target


# -- what its parts say of each other -------------------------------------------------------------------


def _check_journal(evidence: seal.Evidence, reading: journals.Reading) -> None:
    """See that seal and journal speak of one run, and of one release throughout."""
    if not reading.runs:
        raise Problem(Finding.INCOMPLETE, "no run stands in its journal", AGAIN)
    last, end = reading.runs[-1], reading.entries[-1]
    if not isinstance(end, journals.RunClosed):
        raise Problem(Finding.INCOMPLETE, "its last run did not reach its end", AGAIN)
    context = evidence.context
    checks: tuple[tuple[bool, str], ...] = (
        (
            (last.context, last.subject, last.run, end.at, end.set_aside, end.unrehearsed)
            == (
                *(context, without_artifacts(evidence.subject), evidence.run, evidence.finished),
                *(evidence.set_aside, evidence.unrehearsed),
            ),
            f"{SEAL} and {JOURNAL} speak of different runs",
        ),
        (
            len({release_of(one.context, one.subject) for one in reading.runs}) == 1,
            "its runs were about different releases",
        ),
        (
            (evidence.phase, evidence.target, evidence.base, evidence.mode, evidence.agent, evidence.sandbox)
            == (context.phase, context.target, context.base, context.mode, context.agent, context.sandbox),
            f"{SEAL} contradicts itself about target, base, mode or agent",
        ),
        (_INSTANT.fullmatch(evidence.finished) is not None, "it does not say when it was judged"),
        ((evidence.verdict == "PASSED") == (not evidence.reasons), "its verdict contradicts its reasons"),
        (end.exit_status in (0, 1, 5) or bool(end.facts), "pytest did not end well, and no fact says so"),
    )
    for holds, otherwise in checks:
        if not holds:
            raise Problem(Finding.TAMPERED, otherwise, DISTRUST)


def _check_artifacts(folder: Path, evidence: seal.Evidence) -> None:
    """See that what was built is what the build phase wrote down."""
    subject = evidence.subject
    if subject.artifacts and subject.artifacts != artifacts_of(folder, subject.commit):
        words = f"{SEAL} says that something else was built than is written down beside it"
        raise Problem(Finding.TAMPERED, words, DISTRUST)


def _as_sealed(evidence: seal.Evidence) -> Verdict:
    """Checks that are not in git cannot be read again; such evidence is BLOCKED by itself."""
    if evidence.verdict == "PASSED":
        raise Problem(Finding.TAMPERED, "it says PASSED although its checks were not committed", DISTRUST)
    return Verdict(passed=False, reasons=evidence.reasons, gates=())


# -- earlier phases -------------------------------------------------------------------------------------


def _earlier(folder: Path, evidence: seal.Evidence, expectation: Expectation) -> tuple[Earlier, ...]:
    """The earlier evidence beside a folder; where it was judged with others, that ends the verification."""
    found = []
    beside = _beside(folder, evidence)
    for phase in evidence.phase.requires:
        one = earlier_evidence(
            beside / phase,
            phase,
            context=evidence.context,
            subject=evidence.subject,
            repository=expectation.under_release,
            checks=expectation.repository,
        )
        recorded = evidence.previous.get(phase)
        if phase is Phase.REHEARSAL and evidence.unrehearsed is not None:
            found.append(one)  # it was judged without, and is judged again by what stands in its place
            continue
        if evidence.verdict == "PASSED" and one.digest != recorded and not _carried(one, beside, recorded):
            if recorded is None:
                reason = f"it says PASSED and names no evidence of {phase}"
                raise Problem(Finding.TAMPERED, reason, DISTRUST)
            if not one.digest:
                reason = f"the evidence of {phase} is not beside it"
                raise Problem(Finding.UNDECIDED, reason, f"put it at {beside / phase}")
            reason = f"the evidence of {phase} beside it is not the one that it was judged with"
            raise Problem(Finding.STALE, reason, AGAIN)
        found.append(one)
    return tuple(found)


def _carried(one: Earlier, beside: Path, recorded: str | None) -> bool:
    """Whether the earlier evidence was only sealed anew since, with nothing judged in between."""
    return recorded is not None and one.verdict == "PASSED" and carries(beside / one.phase, recorded)


def _beside(folder: Path, evidence: seal.Evidence) -> Path:
    """Where evidence of earlier phases is: that of a run under faults is in a folder of its own."""
    root = folder.parent.parent
    if evidence.context.faults and root.parent.name == FAULTY:
        return root.parent.parent / evidence.target
    return folder.parent


def earlier_evidence(
    folder: Path,
    phase: Phase,
    *,
    context: Context,
    subject: Subject,
    repository: Repository | None,
    checks: Repository | None,
) -> Earlier:
    """What the evidence of an earlier phase says, verified as ``relgate verify`` does it.

    ``context`` and ``subject`` are those of the later run: the earlier one must be about the same release,
    commit and checks folder, and that of the build about the same build run.
    """
    expectation = Expectation(
        now=now(),
        repository=checks,
        under_release=repository,
        commit=subject.commit,
        allow_sandbox=context.sandbox,
        phase=phase,
        target=context.target,
        checks=subject.checks_path,
    )
    found = verify_folder(folder, expectation)
    evidence, passed = found.evidence, found.finding is Finding.PASSED
    problem = "" if passed else f"{found.finding}: {'; '.join(found.reasons[:3])}"
    if passed and evidence is not None and evidence.sandbox != context.sandbox:
        problem = "SANDBOX: a release cannot rest on it" if evidence.sandbox else "that of no sandbox"
    if passed and evidence is not None and phase is Phase.BUILD:
        problem = problem or _of_another_build(evidence.context.build_run, context.build_run)
    if passed and evidence is not None and evidence.context.faults:
        problem = f"SANDBOX: it ran under {', '.join(evidence.context.faults)}, which settles nothing"
    return Earlier(
        phase=phase,
        verdict="BLOCKED" if problem else "PASSED",
        commit=evidence.subject.commit if evidence else "",
        digest=found.digest if evidence else "",
        live_only_left_out=evidence is not None and _live_left_out(evidence),
        problem=problem,
        build_run=evidence.context.build_run if evidence is not None else 0,
    )


def _of_another_build(judged: int, wanted: int) -> str:
    """Why what one build run showed says nothing of another one (SPEC S40); empty where it is the same."""
    if judged == wanted:
        return ""
    one, other = (f"run {number}" if number else "the tag's run" for number in (judged, wanted))
    return f"that of another build: it judged {one}, this is about {other} (--release-build-run)"


def _live_left_out(evidence: seal.Evidence) -> bool:
    """Whether gates that judge live runs only did not judge."""
    return any(
        gate.state is State.NOT_TRIGGERED
        and any(proof.condition.kind == "live" and proof.held is False for proof in gate.conditions)
        for gate in evidence.gates
    )
