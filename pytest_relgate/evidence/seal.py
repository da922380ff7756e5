"""The seal: ``evidence.json``, written last, over everything else in the folder.

Its bytes are canonical: what is read is written in one way only, so that no byte can change unseen;
``evidence.json.sha256`` (for ``sha256sum -c``) carries the digest of the bytes as written, the head that a
run prints. Members that were added since an older version wrote it are absent (``as_written.py``).
"""

from __future__ import annotations

import hashlib
import os
import stat
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from pytest_relgate.evidence.as_written import (
    NAME,
    UPGRADE,
    NewerError,
    is_laid_out,
    schema_of,
    this_version,
)
from pytest_relgate.evidence.folder import DIGEST, JOURNAL, SEAL
from pytest_relgate.model import (
    Attempt,
    Context,
    Drill,
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
from pytest_relgate.unrehearsed import Unrehearsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SCHEMA: Final = 1


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
    signed: Annotated[
        tuple[str, ...], Meta(description="digests of the diffs that it passed by a named person's review of")
    ] = ()
    unsigned: Annotated[
        tuple[str, ...], Meta(description="digests of the diffs whose reviews are all that it failed for")
    ] = ()


class SealedGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One gate of the plan with its state."""

    id: Annotated[str, Meta(description="node id relative to the checks folder")]
    state: State
    title: Annotated[str, Meta(description="first line of the gate's docstring")] = ""
    why: Annotated[str, Meta(description="how the state came about, for people")] = ""
    advisory: Annotated[bool, Meta(description="recorded and shown, and never decides")] = False
    waived_by: Annotated[str, Meta(description="owner of the waiver that lets it go, or empty")] = ""
    where: Annotated[str, Meta(description="path:line of the gate")] = ""
    remedy: Annotated[str, Meta(description="what to do when it is red")] = ""
    kept: Annotated[bool, Meta(description="settled by an earlier run and not run again")] = False
    conditions: Annotated[
        tuple[Proof, ...], Meta(description="each declared condition, with why it holds or not")
    ] = ()
    attempts: Annotated[
        tuple[SealedAttempt, ...], Meta(description="every execution that counts for this subject")
    ] = ()


class JournalHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the journal was when this was sealed, and the digest of its last line."""

    lines: int
    head: str


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``evidence.json``: what one run concluded about one phase of one release."""

    schema: Literal[1]
    verdict: Annotated[Literal["PASSED", "BLOCKED"], Meta(description="BLOCKED until proved otherwise")]
    reasons: Annotated[tuple[Reason, ...], Meta(description="why it is BLOCKED; none when PASSED")]
    phase: Phase
    target: Annotated[str, Meta(description="the release judged, as its tag")]
    base: Annotated[str, Meta(description="the tag compared with; empty in a first release")]
    mode: Mode
    agent: Annotated[str, Meta(description="who ran it, as stated or assumed")]
    sandbox: Annotated[bool, Meta(description="the sandbox was judged, and no release")]
    locked: Annotated[bool, Meta(description="the plan stood in a gates.lock")]
    subject: Subject
    context: Annotated[Context, Meta(description="what was asked for, and where each answer came from")]
    run: Annotated[int, Meta(description="number of the run that sealed this, from 1")]
    started: Annotated[str, Meta(description="RFC 3339 in UTC")]
    finished: Annotated[str, Meta(description="RFC 3339 in UTC; empty until the run ended")]
    environment: Annotated[dict[str, str], Meta(description="versions of what ran; not verified")]
    waivers: Annotated[tuple[Waiver, ...], Meta(description="the waivers that were used")]
    set_aside: Annotated[
        tuple[str, ...], Meta(description="what of the project's pytest settings was put aside")
    ]
    not_checked: Annotated[tuple[str, ...], Meta(description="what this evidence does not speak of")]
    files: Annotated[
        dict[str, str], Meta(description="digest of each other file of the folder, by relative path")
    ]
    journal: JournalHead
    previous: Annotated[
        dict[str, str], Meta(description="digest of the earlier phases' evidence.json, by phase")
    ]
    gates: tuple[SealedGate, ...]
    drill: Annotated[
        Drill | None, Meta(description="the last drill of these checks: which gates are proved able to fail")
    ] = None
    unrehearsed: Annotated[
        Unrehearsed | None,
        Meta(description="what stands in the place of a rehearsal, or says why one is needed"),
    ] = None


_encode = msgspec.json.Encoder().encode


@cache
def _decoder() -> msgspec.json.Decoder[Evidence]:
    return msgspec.json.Decoder(Evidence)  # takes its time, and a first run reads nothing


def encode(evidence: Evidence, gates: Iterable[SealedGate] | None = None) -> Iterator[bytes]:
    """The canonical bytes, in pieces: one member a line, one gate a line.

    ``gates`` stand for the evidence's own, so that they need not be in memory all at once.
    """
    fields = [name for name in evidence.__struct_fields__ if name != "gates"]
    for number, name in enumerate(fields):
        lead = b"{" if number == 0 else b" "
        yield lead + _encode(name) + b": " + _encode(getattr(evidence, name)) + b",\n"
    yield b' "gates": ['
    lead = b"\n  "
    for gate in evidence.gates if gates is None else gates:
        yield lead + _encode(gate)
        lead = b",\n  "
    yield b"]}\n" if lead == b"\n  " else b"\n ]}\n"


def decode(text: bytes) -> Evidence:
    """Read evidence.

    Raises NewerError when they hold what only a later version of this package knows, another ValueError
    when the bytes are not what a version writes.
    """
    try:
        evidence = _decoder().decode(text)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        number = schema_of(text)
        if number == SCHEMA:
            message = (
                f"it holds what {NAME} {this_version()} does not know ({error}): a newer one wrote it, or "
                f"somebody altered it; {UPGRADE}"
            )
            raise NewerError(message) from None
        if number > SCHEMA:
            message = (
                f"its schema is {number}, written by a newer {NAME}, and this one reads schema {SCHEMA}: "
                f"{UPGRADE}"
            )
            raise NewerError(message) from None
        raise ValueError(str(error)) from None
    if b"".join(encode(evidence)) != text and not is_laid_out(text, evidence):
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


class Pieces:
    """The seal of a record, to be written once: its bytes piece by piece, its digest once they are out."""

    def __init__(self, record: Record, files: Mapping[str, str], journal: JournalHead) -> None:
        self._record = record
        self._evidence = evidence_of(record, files, journal, with_gates=False)
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in encode(self._evidence, sealed_gates(self._record)):
            self._hash.update(piece)
            yield piece

    @property
    def digest(self) -> str:
        """``sha256:<hex>`` of what has been given out."""
        return f"sha256:{self._hash.hexdigest()}"

    def digest_line(self) -> Iterator[str]:
        """The line that ``sha256sum -c`` reads, worked out when it is asked for."""
        yield f"{self._hash.hexdigest()}  {SEAL}\n"


def sealed_gates(record: Record) -> Iterator[SealedGate]:
    """The gates of a record as the evidence shows them, one by one."""
    for judged in record.verdict.gates:
        yield sealed_gate(judged, kept=judged.gate.id in record.kept)


def evidence_of(
    record: Record, files: Mapping[str, str], journal: JournalHead, *, with_gates: bool = True
) -> Evidence:
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
        gates=tuple(sealed_gates(record)) if with_gates else (),
        drill=record.drill,
        unrehearsed=record.unrehearsed,
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
        attempts=tuple(map(sealed_attempt, judged.attempts)),
    )


def sealed_attempt(attempt: Attempt) -> SealedAttempt:
    """One attempt as the evidence shows it."""
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
        signed=attempt.signed,
        unsigned=attempt.unsigned,
    )


def digest_file(path: Path) -> str:
    """The sha256 of a file's bytes as written, ``sha256:<hex>``."""
    with path.open("rb") as handle:
        return f"sha256:{hashlib.file_digest(handle, 'sha256').hexdigest()}"


def files_of(folder: Path) -> dict[str, str]:
    """The digest of every file in a folder but the seal, its digest and the journal, by relative path.

    A link is named by where it points and never followed. Folders themselves do not count: neither git
    nor an upload of CI keeps an empty one. OSError passes through.
    """
    top = os.fspath(folder)
    found: dict[str, str] = {}
    for place, folders, names in os.walk(top, onerror=_give_up):
        links = [name for name in folders if os.path.islink(f"{place}/{name}")]  # noqa: PTH114  (many files)
        for name in (*names, *links):
            path = f"{place}/{name}"
            inside = path[len(top) + 1 :]
            if inside not in (SEAL, DIGEST, JOURNAL):
                found[_spelt(inside)] = _digest_of(path)
    return dict(sorted(found.items()))


def is_plain_file(path: Path) -> bool:
    """Whether a path is a file itself, and no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _give_up(error: OSError) -> None:
    raise error


def _digest_of(path: str) -> str:
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return _spelt(f"link:{os.readlink(path)}")  # noqa: PTH115  (a name of any bytes)
    return digest_file(Path(path)) if stat.S_ISREG(mode) else "special"


def _spelt(name: str) -> str:
    """A file's name as JSON can hold it: one that is not UTF-8 by its bytes in hex."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return f"bytes:{os.fsencode(name).hex()}"
    return name
