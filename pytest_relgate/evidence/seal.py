"""The seal: ``evidence.json``, written last, over everything else in the folder.

Its bytes are canonical: reading and writing it again gives the same bytes, so that no byte can change
unseen; ``evidence.json.sha256`` (for ``sha256sum -c``) carries its digest, the head that a run prints.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

import msgspec

from pytest_relgate.evidence.folder import DIGEST, JOURNAL, SEAL
from pytest_relgate.model import (
    Attempt,
    Context,
    Gate,
    Judged,
    Mode,
    Phase,
    Proof,
    Reason,
    Record,
    State,
    Subject,
    Waiver,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SCHEMA = 1


class SealedAttempt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One execution as the evidence shows it."""

    number: int
    outcome: State
    run: int
    started: str
    seconds: float
    worker: str
    message: str = ""
    where: str = ""
    do: str = ""
    log: str = ""


class SealedGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One gate of the plan with its state; ``conditions`` carry the proof of each."""

    id: str
    state: State
    title: str = ""
    why: str = ""
    advisory: bool = False
    waived_by: str = ""
    where: str = ""
    remedy: str = ""
    kept: bool = False
    conditions: tuple[Proof, ...] = ()
    attempts: tuple[SealedAttempt, ...] = ()


class JournalHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the journal was when this was sealed, and the digest of its last line."""

    lines: int
    head: str


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``evidence.json``. The published JSON Schema is ``docs/evidence.schema.json``."""

    schema: Literal[1]
    verdict: Literal["PASSED", "BLOCKED"]
    reasons: tuple[Reason, ...]
    phase: Phase
    target: str
    base: str
    mode: Mode
    agent: str
    sandbox: bool
    locked: bool
    subject: Subject
    context: Context
    run: int
    started: str
    finished: str
    environment: dict[str, str]
    waivers: tuple[Waiver, ...]
    set_aside: tuple[str, ...]
    not_checked: tuple[str, ...]
    files: dict[str, str]
    journal: JournalHead
    previous: dict[str, str]
    gates: tuple[SealedGate, ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Evidence).decode


def encode(evidence: Evidence) -> Iterator[bytes]:
    """The canonical bytes, in pieces: one member a line, one gate a line."""
    fields = [name for name in evidence.__struct_fields__ if name != "gates"]
    for number, name in enumerate(fields):
        lead = b"{" if number == 0 else b" "
        yield lead + _encode(name) + b": " + _encode(getattr(evidence, name)) + b",\n"
    yield b' "gates": ['
    for number, gate in enumerate(evidence.gates):
        yield (b"\n  " if number == 0 else b",\n  ") + _encode(gate)
    yield b"\n ]}\n" if evidence.gates else b"]}\n"


def decode(text: bytes) -> Evidence:
    """Read evidence. Raises ValueError when the bytes are not what ``encode`` writes."""
    evidence = _decode(text)
    if b"".join(encode(evidence)) != text:
        message = "its bytes are not the ones that were written"
        raise ValueError(message)
    return evidence


def blocked(
    context: Context, subject: Subject, reason: Reason, *, run: int, started: str, journal: JournalHead
) -> Evidence:
    """What stands on disk until a run has judged: BLOCKED, with the one reason."""
    return Evidence(
        schema=SCHEMA,
        verdict="BLOCKED",
        reasons=(reason,),
        phase=context.phase,
        target=context.target,
        base=context.base,
        mode=context.mode,
        agent=context.agent,
        sandbox=context.sandbox,
        locked=False,
        subject=subject,
        context=context,
        run=run,
        started=started,
        finished="",
        environment={},
        waivers=(),
        set_aside=(),
        not_checked=(),
        files={},
        journal=journal,
        previous={},
        gates=(),
    )


def evidence_of(record: Record, files: Mapping[str, str], journal: JournalHead) -> Evidence:
    """Project a record onto what is sealed."""
    context = record.context
    return Evidence(
        schema=SCHEMA,
        verdict=record.verdict.word,
        reasons=record.verdict.reasons,
        phase=context.phase,
        target=context.target,
        base=context.base,
        mode=context.mode,
        agent=context.agent,
        sandbox=context.sandbox,
        locked=record.locked,
        subject=record.subject,
        context=context,
        run=record.run,
        started=record.started,
        finished=record.finished,
        environment=record.environment,
        waivers=record.waivers,
        set_aside=record.set_aside,
        not_checked=record.not_checked,
        files=dict(files),
        journal=journal,
        previous={earlier.phase: earlier.digest for earlier in record.earlier if earlier.digest},
        gates=tuple(
            sealed_gate(judged, kept=judged.gate.id in record.kept) for judged in record.verdict.gates
        ),
    )


def sealed_gate(judged: Judged, *, kept: bool) -> SealedGate:
    """One gate as the evidence shows it."""
    gate: Gate = judged.gate
    return SealedGate(
        id=gate.id,
        state=judged.state,
        title=gate.title,
        why=judged.why,
        advisory=gate.advisory,
        waived_by=judged.waiver.owner if judged.waiver else "",
        where=gate.where,
        remedy=gate.remedy,
        kept=kept,
        conditions=judged.decision.proofs if judged.decision else (),
        attempts=tuple(map(_sealed_attempt, judged.attempts)),
    )


def _sealed_attempt(attempt: Attempt) -> SealedAttempt:
    return SealedAttempt(
        number=attempt.number,
        outcome=attempt.outcome,
        run=attempt.run,
        started=attempt.started,
        seconds=attempt.seconds,
        worker=attempt.worker,
        message=attempt.message,
        where=attempt.where,
        do=attempt.do,
        log=attempt.log,
    )


def digest_file(path: Path) -> str:
    """The sha256 of a file's bytes as written, ``sha256:<hex>``."""
    with path.open("rb") as handle:
        return f"sha256:{hashlib.file_digest(handle, 'sha256').hexdigest()}"


def files_of(folder: Path) -> dict[str, str]:
    """The digest of every file in a folder but the seal, its digest and the journal, by relative path.

    A link is named by where it points and never followed.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name in (SEAL, DIGEST, JOURNAL):
            continue
        if path.is_symlink():
            found[name] = f"link:{path.readlink()}"
        elif path.is_file():
            found[name] = digest_file(path)
        elif not path.is_dir():
            found[name] = "special"
    return found
