"""An incident as it is written down: one JSON document and the same for a person, beside the phases.

They lie in ``<target>/incidents/``, outside the sealed folders, so that a seal stays as it was; each names
the seal that it speaks of.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta
from semver import Version

from pytest_relgate.errors import RelgateError
from pytest_relgate.judge.incidents import Kind

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA: Final = 1
FOLDER: Final = "incidents"
_KEY: Final = 16  # hex digits
_SPACES: Final = " "


class GateLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A gate that speaks of the incident."""

    id: str
    state: str
    title: str = ""
    found: str = ""
    where: str = ""
    do: str = ""


class SignalLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """What triage found in a log. It decides nothing."""

    says: str
    line: str
    remedy: str = ""


class JobLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A job that failed: its address, the end of its log, what triage says."""

    name: str
    conclusion: str
    url: str = ""
    log: str = ""
    excerpt: tuple[str, ...] = ()
    signals: tuple[SignalLine, ...] = ()
    problem: str = ""


class ChannelCells(msgspec.Struct, frozen=True, omit_defaults=True):
    """One channel: how it stands, and what is known of it."""

    channel: str
    state: str
    version: str = ""
    note: str = ""


class Earlier(msgspec.Struct, frozen=True):
    """The same incident as other evidence had it before."""

    evidence: str
    at: str
    words: str


class IncidentDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """An incident with its evidence, as it is filed. Times are RFC 3339 in UTC.

    ``key`` is the same for the same incident, whoever writes it down and however often. ``evidence`` is the
    digest of the seal that it was read from, ``folder`` that evidence as it was named. ``by`` is who declared
    it, empty where the evidence itself says so. ``before`` is what was written down earlier of the same.
    """

    schema: Literal[1]
    key: str
    kind: Kind
    title: str
    words: str
    project: str
    release: Annotated[str, Meta(description="the tag")]
    at: str
    repository: str = ""
    phase: str = ""
    mode: str = "dry-run"
    agent: str = ""
    by: str = ""
    commit: str = ""
    sandbox: bool = False
    faults: tuple[str, ...] = ()
    run_url: str = ""
    jobs: tuple[JobLine, ...] = ()
    channels: tuple[ChannelCells, ...] = ()
    channels_at: str = ""
    gates: tuple[GateLine, ...] = ()
    waiver: str = ""
    remedy: tuple[str, ...] = ()
    rerun: Annotated[str, Meta(description="the command that runs the phase again for the same target")] = ""
    folder: str = ""
    evidence: str = ""
    before: tuple[Earlier, ...] = ()


def tag_of(release: str, where: str) -> str:
    """Return a release as its tag: ``0.5.0`` and ``v0.5.0`` are one.

    Raises RelgateError for what is no version; ``where`` is what was typed.
    """
    text = release.strip()
    plain = text[1:] if text[:1] in ("v", "V") else text
    try:
        return f"v{Version.parse(plain)}"
    except (ValueError, TypeError):
        message = f"{where}: expected a release like v0.5.0, found {release!r}"
        raise RelgateError(message) from None


def key_of(*, project: str, release: str, kind: Kind, about: str, sandbox: bool) -> str:
    """Return what tells an incident from every other: the same for the same, however it is spelt.

    ``about`` is the phase, the gate or the reason that it is about. What happened in the sandbox is another.
    """
    words = (
        project.strip().casefold(),
        tag_of(release, "the release"),
        str(kind),
        _SPACES.join(about.split()).casefold() if kind is Kind.EXCEPTION and "::" not in about else about,
        "sandbox" if sandbox else "",
    )
    return hashlib.sha256("\n".join(words).encode("utf-8", "backslashreplace")).hexdigest()[:_KEY]


def encode(document: IncidentDocument) -> bytes:
    """Return the document as JSON that a person can read."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def decode(raw: bytes, where: str) -> IncidentDocument:
    """Return what was written. Raises RelgateError for what is no such document."""
    try:
        return msgspec.json.decode(raw, type=IncidentDocument)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"{where}: expected an incident as relgate writes it, found something else ({error})"
        raise RelgateError(message) from None


def place_of(target_folder: Path, document: IncidentDocument) -> Path:
    """Return where an incident of this release is written: ``incidents/<kind>-<key>.json``."""
    return target_folder / FOLDER / f"{document.kind}-{document.key}.json"


def write(target_folder: Path, document: IncidentDocument, markdown: str) -> Path:
    """Write an incident as JSON and Markdown, each whole or not at all; return the JSON's path.

    What was written down of the same incident from other evidence stays in it. Raises OSError where it
    cannot be written.
    """
    place = place_of(target_folder, document)
    place.parent.mkdir(parents=True, exist_ok=True)
    for path, raw in (
        (place.with_suffix(".md"), markdown.encode("utf-8", "backslashreplace")),
        (place, encode(document)),
    ):
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_bytes(raw)
        fresh.replace(path)
    return place


def with_history(target_folder: Path, document: IncidentDocument) -> IncidentDocument:
    """Return the document with what an earlier one of the same key said."""
    place = place_of(target_folder, document)
    try:
        old = decode(place.read_bytes(), str(place))
    except (OSError, RelgateError):
        return document
    if old.evidence == document.evidence and old.by == document.by:
        return msgspec.structs.replace(document, before=old.before, at=old.at)
    before = (*old.before, Earlier(old.evidence, old.at, old.words))
    return msgspec.structs.replace(document, before=before)
