"""Which incidents a phase's sealed evidence speaks of, and everything that belongs to each.

Read from what lies in the folder: the seal, the journal (for the gates' markers), and what was attached to
it: runs with their failed jobs, and the table of channels. Nothing is asked of anybody.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from pytest_relgate.clock import now
from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import incident as written
from pytest_relgate.evidence import incident_report as report
from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence import seal, wording
from pytest_relgate.evidence.folder import JOURNAL, SEAL
from pytest_relgate.github.triage import CHECK_TAP, TAP_SECRET, RunRecord
from pytest_relgate.judge.incidents import (
    Happening,
    Incident,
    Kind,
    SeenGate,
    SeenJob,
    SeenRun,
    incidents_of,
)
from pytest_relgate.model import ChannelTable, Mode, Phase, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pytest_relgate.evidence.incident import IncidentDocument
    from pytest_relgate.profile import Profile

ATTACHED: Final = "attached"
_LACKS: Final = ("missing", "late", "partial")
_RUN: Final = re.compile(r"/actions/runs/(\d+)")

T = TypeVar("T")


@dataclass(frozen=True)
class Sealed:
    """One phase's evidence, as far as incidents need it. ``digest`` is that of the seal."""

    folder: Path
    evidence: seal.Evidence
    digest: str
    marked: frozenset[str]
    runs: tuple[RunRecord, ...]
    channels: ChannelTable | None


def read_sealed(folder: Path) -> Sealed:
    """Read a phase's evidence folder.

    Raises RelgateError where there is no evidence, or none that can be read.
    """
    try:
        raw = (folder / SEAL).read_bytes()
        evidence = seal.decode(raw)
    except (FileNotFoundError, NotADirectoryError):
        message = (
            f"{folder}: expected evidence, found no {SEAL}: "
            "name a folder that a run printed, as release-evidence/v0.1.10/publish"
        )
        raise RelgateError(message) from None
    except (OSError, ValueError) as error:
        message = f"{folder / SEAL} cannot be read: {error}: do not rely on it, run the phase again"
        raise RelgateError(message) from None
    reading = journals.read(folder / JOURNAL)
    return Sealed(
        folder,
        evidence,
        journals.digest(raw),
        frozenset(gate.id for run in reading.runs for gate in run.collected if gate.incident),
        tuple(_newest(folder, "run-*.json", RunRecord)),
        max(_all(folder, "channel-table*.json", ChannelTable), key=lambda one: one.at, default=None),
    )


def _newest(folder: Path, pattern: str, kind: type[T]) -> Iterator[T]:
    """Read what was attached under one name again and again: the highest number came last."""
    latest: dict[str, tuple[int, Path]] = {}
    for path in (folder / ATTACHED).glob(pattern):
        # run-12.json is the first of run 12, run-12-2.json its second.
        stem = path.name.removesuffix(".json").split("-")
        name, number = "-".join(stem[:2]), int(stem[2]) if len(stem) > 2 and stem[2].isdigit() else 1  # noqa: PLR2004  (the third word is the number)
        if number > latest.get(name, (0, path))[0]:
            latest[name] = (number, path)
    for _, path in sorted(latest.values()):
        yield from _read(path, kind)


def _all(folder: Path, pattern: str, kind: type[T]) -> Iterator[T]:
    for path in (folder / ATTACHED).glob(pattern):
        yield from _read(path, kind)


def _read(path: Path, kind: type[T]) -> Iterator[T]:
    """One document, none where it is of another kind: gates attach what they like."""
    try:
        yield msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return


# -- what happened --------------------------------------------------------------------------------------


def incidents_in(sealed: Sealed, profile: Profile) -> tuple[IncidentDocument, ...]:
    """Return the incidents that the evidence speaks of, each with all that belongs to it."""
    gates = tuple(_gate(gate, sealed.marked) for gate in sealed.evidence.gates)
    runs = tuple(_runs_of(sealed, gates))
    happening = Happening(
        sealed.evidence.phase,
        gates,
        tuple(map(_run, runs)),
        sealed.channels.incidents if sealed.channels else (),
    )
    return tuple(_document(found, sealed, runs, profile) for found in incidents_of(happening))


def _gate(gate: seal.SealedGate, marked: frozenset[str]) -> SeenGate:
    last = gate.attempts[-1] if gate.attempts else None
    return SeenGate(
        gate.id,
        gate.state,
        gate.title,
        last.message if last else gate.why,
        last.where if last else "",
        gate.id in marked,
        gate.advisory,
    )


def _runs_of(sealed: Sealed, gates: Iterable[SeenGate]) -> Iterator[RunRecord]:
    """The runs that red gates point to: what was attached of an earlier one is history."""
    places = [gate.where for gate in gates if gate.state is State.FAILED]
    numbers = {int(found[1]) for place in places if (found := _RUN.search(place))}
    yield from (one for one in sealed.runs if one.run.id in numbers)


def _run(record: RunRecord) -> SeenRun:
    causes = {job.name: tuple(signal.cause for signal in job.signals) for job in record.failed}
    return SeenRun(
        record.run.html_url,
        record.run.conclusion,
        tuple(
            SeenJob(
                job.name,
                job.conclusion,
                job.html_url or "",
                record.channels.get(job.name, ""),
                causes.get(job.name, ()),
            )
            for job in record.jobs
        ),
        publishes=record.kind == Phase.PUBLISH,
    )


# -- all that belongs to it -----------------------------------------------------------------------------


def _document(
    found: Incident, sealed: Sealed, runs: tuple[RunRecord, ...], profile: Profile
) -> IncidentDocument:
    evidence = sealed.evidence
    runs = runs if found.kind is not Kind.EXCEPTION else ()
    gates = [gate for gate in evidence.gates if gate.id in found.gates]
    waiver = next((one for one in evidence.waivers if one.gate in found.gates), None)
    made = written.IncidentDocument(
        schema=written.SCHEMA,
        key=written.key_of(
            project=profile.project,
            release=evidence.target,
            kind=found.kind,
            about=found.about,
            sandbox=evidence.sandbox,
        ),
        kind=found.kind,
        title=_title(found, evidence.phase),
        words=found.words,
        project=profile.project,
        release=written.tag_of(evidence.target, str(sealed.folder)),
        at=evidence.finished or now(),
        repository=profile.repository,
        phase=evidence.phase,
        mode=evidence.mode,
        agent=evidence.agent,
        commit=evidence.subject.commit,
        sandbox=evidence.sandbox,
        faults=evidence.context.faults,
        run_url=runs[0].run.html_url if runs else "",
        jobs=tuple(_jobs(runs)),
        gates=tuple(map(_gate_line, gates)),
        waiver=wording.waiver_in_words(waiver) if waiver and found.kind is Kind.EXCEPTION else "",
        remedy=tuple(_remedies(found, sealed, runs, gates, profile)),
        rerun=_rerun(found, sealed, runs),
        folder="/".join(sealed.folder.parts[-3:]),  # it is filed: where it lies on this machine is nobody's
        evidence=sealed.digest,
    )
    if found.kind is not Kind.CHANNELS:
        return made
    return msgspec.structs.replace(
        made,
        channels=tuple(_channels(sealed, runs)),
        channels_at=sealed.channels.at if sealed.channels else "",
    )


def _title(found: Incident, phase: Phase) -> str:
    match found.kind:
        case Kind.CHANNELS:
            return found.words
        case Kind.WORKFLOW:
            return f"{phase}: {found.words}"
        case Kind.EXCEPTION:
            return f"exception: {found.words}"


def _jobs(runs: Iterable[RunRecord]) -> Iterator[written.JobLine]:
    for record in runs:
        for job in record.failed:
            yield written.JobLine(
                job.name,
                job.conclusion,
                job.url,
                job.log,
                job.excerpt,
                tuple(written.SignalLine(each.says, each.line, each.remedy) for each in job.signals),
                job.problem,
            )


def _channels(sealed: Sealed, runs: Iterable[RunRecord]) -> Iterator[written.ChannelCells]:
    """The channels as they were looked at, or else as the publish reached them."""
    if sealed.channels is not None:
        for line in sealed.channels.lines:
            note = ", ".join(filter(None, [line.files, line.digests, line.since]))
            yield written.ChannelCells(line.channel, line.state, line.version, note)
        return
    for record in runs:
        ended = {job.name: job.conclusion or job.status for job in record.jobs}
        for job, channel in record.channels.items():
            state = "reached" if ended.get(job) == "success" else "not reached"
            yield written.ChannelCells(channel, state, "", f"{job}: {ended.get(job, 'never ran')}")


def _gate_line(gate: seal.SealedGate) -> written.GateLine:
    last = gate.attempts[-1] if gate.attempts else None
    return written.GateLine(
        gate.id,
        gate.state,
        gate.title,
        (last.message if last else "") or gate.why,
        last.where if last else "",
        (last.do if last else "") or gate.remedy,
    )


def _remedies(
    found: Incident,
    sealed: Sealed,
    runs: Iterable[RunRecord],
    gates: Iterable[seal.SealedGate],
    profile: Profile,
) -> Iterator[str]:
    """What to do, once each: for failed jobs, for channels that lack the release, and for gates."""
    said = [job.remedy for record in runs for job in record.failed]
    if found.kind is Kind.EXCEPTION:
        said.append("mend what was let go before the next release, and take the waiver away")
    else:
        said += [gate.attempts[-1].do for gate in gates if gate.attempts and gate.state is State.FAILED]
        taps = {name for name, channel in profile.channels.items() if channel.kind == "homebrew"}
        named = TAP_SECRET in " ".join(said)
        if found.kind is Kind.CHANNELS and taps & set(_lacking(sealed)) and not named:
            said.append(CHECK_TAP)
    yield from dict.fromkeys(filter(None, said))


def _lacking(sealed: Sealed) -> Iterator[str]:
    """The channels on which the release is not, or not whole."""
    lines = sealed.channels.lines if sealed.channels else ()
    yield from (line.channel for line in lines if line.state in _LACKS)


def _rerun(found: Incident, sealed: Sealed, runs: Iterable[RunRecord]) -> str:
    """The command that goes on with the same target: what is missing is published, all else judged again.

    SPEC S41, S45.
    """
    evidence = sealed.evidence
    publish = found.kind is Kind.CHANNELS and any(_lacking(sealed)) and evidence.phase is not Phase.PUBLISH
    phase, live = (Phase.PUBLISH, True) if publish else (evidence.phase, evidence.mode == Mode.LIVE)
    words = ["pytest", evidence.subject.checks_path or ".", "-m", phase]
    words += ["--release-target", evidence.target]
    if live:
        agent = evidence.agent if evidence.mode == Mode.LIVE else "YOU"
        words += ["--release-mode", "live", "--release-agent", agent]
    failed = phase in (Phase.REHEARSAL, Phase.PUBLISH) and any(record.failed for record in runs)
    if publish or failed:  # jobs that failed run again, those that went well do not
        words.append("--release-recover")
    return shlex.join(words)


# -- on disk --------------------------------------------------------------------------------------------


def write_incidents(folder: Path, profile: Profile) -> tuple[Path, ...]:
    """Write down the incidents of a phase's evidence beside it; return their files. Files nothing.

    Raises RelgateError where the evidence cannot be read, OSError where they cannot be written.
    """
    target_folder = folder.parent
    found = []
    for document in incidents_in(read_sealed(folder), profile):
        whole = written.with_history(target_folder, document)
        found.append(written.write(target_folder, whole, report.markdown(whole)))
    return tuple(found)


def noted(folder: Path, profile: Profile) -> tuple[str, ...]:
    """Write them down at the end of a run, and say each in words; one that cannot be written is said too."""
    try:
        paths = write_incidents(folder, profile)
        found = [written.decode(path.read_bytes(), str(path)) for path in paths]
    except (OSError, RelgateError) as error:
        return (f"whether there is one is not written down: {error}",)
    return tuple(report.title(document) for document in found)
