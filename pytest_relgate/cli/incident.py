"""``relgate incident``: what a release's evidence calls an incident, and filing it, once, when asked to."""

from __future__ import annotations

import shlex
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.clock import now
from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.evidence import incident as written
from pytest_relgate.evidence import incident_report as report
from pytest_relgate.evidence.folder import SEAL, ignore_in_git
from pytest_relgate.evidence.printable import printable
from pytest_relgate.evidence.verify import Expectation, Finding, verify_folder
from pytest_relgate.incidents import read_sealed, write_incidents
from pytest_relgate.judge.incidents import Kind
from pytest_relgate.model import Mode, Phase
from pytest_relgate.profile import load_profile
from pytest_relgate.request import PROFILE
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from pytest_relgate.evidence.incident import IncidentDocument
    from pytest_relgate.profile import Profile

WIDTH: Final = 80
DONE, FAILED, NOTHING = 0, 1, 3
_CHECKS: Final = "release_checks"


@dataclass(frozen=True)
class Project:
    """The checkout that holds the checks, and its profile. ``top`` is its folder."""

    top: Path
    profile: Profile


def incident(options: argparse.Namespace) -> int:
    """Do what was asked for; return the exit status.

    Raises RelgateError for arguments that cannot be meant, and for evidence that cannot be relied on.
    """
    match options.action:
        case "declare":
            return _declare(options)
        case "file":
            return _file(options)
        case _:
            return _show(options)


# -- what there is --------------------------------------------------------------------------------------


def _project(options: argparse.Namespace, checks: str) -> Project:
    top = Repository.at(Path(options.repo or ".")).path
    return Project(top, load_profile(top / (options.checks or checks or _CHECKS) / PROFILE))


def _incidents(options: argparse.Namespace) -> tuple[Project, list[tuple[Path, IncidentDocument]]]:
    """The project, and the incidents of the evidence that was named, with their files."""
    place = Path(options.evidence)
    if place.suffix == ".json" and place.is_file():
        return _project(options, ""), [(place, written.decode(place.read_bytes(), str(place)))]
    folders = _phases(place)
    project = _project(options, _checks_of(folders))
    try:
        found = [path for folder in folders for path in write_incidents(folder, project.profile)]
        now_there = frozenset(found)
    except OSError as error:
        message = f"the incidents of {place} cannot be written down: {error.strerror or error}: make room"
        raise RelgateError(message) from None
    if not (place / SEAL).exists():  # a release's folder: what was declared by hand counts too
        found += sorted((place / written.FOLDER).glob(f"{Kind.EXCEPTION}-*.json"))
    paths = [path for path in dict.fromkeys(found) if not path.name.endswith(_RECEIPT)]
    documents = [(path, written.decode(path.read_bytes(), str(path))) for path in paths]
    # What an earlier run wrote down, and the evidence of now does not say, is history: its file can be named.
    return project, [(path, one) for path, one in documents if path in now_there or one.by]


def _phases(place: Path) -> list[Path]:
    """The folders of evidence that a place has: itself, or those of a release's phases, verified."""
    folders = [place] if (place / SEAL).exists() else [place / phase for phase in Phase]
    found = [folder for folder in folders if (folder / SEAL).exists()]
    if not found and not (place / written.FOLDER).is_dir():
        message = (
            f"{place}: expected a folder of evidence or an incident's file, found none: "
            "name what a run printed, as release-evidence/v0.1.10/publish"
        )
        raise RelgateError(message)
    for folder in found:
        _rely_on(folder)
    return found


def _rely_on(folder: Path) -> None:
    """Refuse evidence that was altered since it was sealed."""
    found = verify_folder(folder, Expectation(now(), None, None, allow_sandbox=True))
    if found.finding is Finding.TAMPERED or found.evidence is None:
        message = f"{folder}: {found.finding}: {'; '.join(found.reasons[:2])}: {found.do}"
        raise RelgateError(message)


def _checks_of(folders: list[Path]) -> str:
    return read_sealed(folders[-1]).evidence.subject.checks_path if folders else ""


# -- show -----------------------------------------------------------------------------------------------


def _show(options: argparse.Namespace) -> int:
    project, found = _incidents(options)
    if options.json:
        print(msgspec.json.encode([document for _, document in found]).decode())
        return DONE
    if options.markdown:
        print("\n".join(report.markdown(document) for _, document in found), end="")
        return DONE
    to = _default(project.profile)
    lines = [line for path, document in found for line in _lines(path, document, to)]
    print("\n".join(lines) if lines else _none(options.evidence))
    return DONE


def _none(place: str) -> str:
    words = f"no incident in {place}: what failed, if anything, is mended and run again"
    return "\n".join(_folded(words, ""))


def _lines(path: Path, document: IncidentDocument, to: str) -> Iterator[str]:
    yield from _folded(report.title(document), "")
    sandbox = "sandbox, " if document.sandbox else ""
    yield from _folded(f"{document.kind}, {sandbox}{document.mode}, key {document.key}")
    if document.run_url:
        yield from _folded(f"run {document.run_url}")
    for job in document.jobs:
        yield from _folded(f"job {job.name}: {job.conclusion} {job.url}")
        for signal in job.signals:
            yield from _folded(f"saw {signal.says}: {signal.line}")
    for row in document.channels:
        yield from _folded(f"channel {row.channel}: {' '.join(filter(None, [row.state, row.note]))}")
    for remedy in document.remedy:
        yield from _folded(f"do: {remedy}")
    if document.rerun:
        yield f"  then: {printable(document.rerun)}"
    receipt = _receipt(path)
    # A command and a path stay on one line, so that they can be copied.
    yield f"  filed: {printable(receipt.reference)}" if receipt else f"  file it: {_again(path, to)}"
    yield f"  whole: {path.with_suffix('.md')}"


def _folded(text: str, indent: str = "  ") -> list[str]:
    """Fold at spaces; an address, a path or a command's word stays whole."""
    return textwrap.wrap(
        printable(text, limit=2000),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


# -- declare --------------------------------------------------------------------------------------------


def _declare(options: argparse.Namespace) -> int:
    place = Path(options.evidence)
    reason = " ".join(options.reason.split())
    if not reason or not options.agent.strip():
        message = "expected --reason and --agent to say something: who lets go of what, and why"
        raise RelgateError(message)
    if (place / SEAL).exists():
        _rely_on(place)
        sealed = read_sealed(place)
        evidence, folder, release, digest = (
            sealed.evidence,
            place.parent,
            sealed.evidence.target,
            sealed.digest,
        )
    else:
        evidence, digest = None, ""
        release = written.tag_of(place.name, str(place))
        folder = place.with_name(release)
    project = _project(options, evidence.subject.checks_path if evidence else "")
    sandbox = evidence.sandbox if evidence else False
    document = written.IncidentDocument(
        schema=written.SCHEMA,
        key=written.key_of(
            project=project.profile.project,
            release=release,
            kind=Kind.EXCEPTION,
            about=reason,
            sandbox=sandbox,
        ),
        kind=Kind.EXCEPTION,
        title=f"exception: {reason}",
        words=reason,
        project=project.profile.project,
        release=written.tag_of(release, str(place)),
        at=now(),
        repository=project.profile.repository,
        phase=evidence.phase if evidence else "",
        mode=evidence.mode if evidence else Mode.DRY_RUN,
        agent=evidence.agent if evidence else "",
        by=printable(options.agent.strip()),
        commit=evidence.subject.commit if evidence else "",
        sandbox=sandbox,
        faults=evidence.context.faults if evidence else (),
        folder=str(place) if evidence else "",
        evidence=digest,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ignore_in_git(folder.parent)
        whole = written.with_history(folder, document)
        path = written.write(folder, whole, report.markdown(whole))
    except OSError as error:
        message = f"{folder}: the incident cannot be written down: {error.strerror or error}: make room"
        raise RelgateError(message) from None
    print(f"declared: {path}")
    print(f"file it: {_again(path, _default(project.profile))}")
    return DONE


# -- file -----------------------------------------------------------------------------------------------

_RECEIPT: Final = ".filed.json"


class Receipt(msgspec.Struct, frozen=True):
    """That an incident was filed: where, as what, and when (RFC 3339 in UTC)."""

    key: str
    to: str
    reference: str
    at: str


def _receipt(path: Path) -> Receipt | None:
    try:
        return msgspec.json.decode(path.with_suffix(_RECEIPT).read_bytes(), type=Receipt)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _default(profile: Profile) -> str:
    return "command" if profile.incidents.command else "github"


def _again(path: Path, to: str) -> str:
    return f"relgate incident file {shlex.quote(str(path))} --to {to} --mode live"


def _file(options: argparse.Namespace) -> int:
    project, found = _incidents(options)
    if not found:
        print(_none(options.evidence))
        return NOTHING
    to = options.to or _default(project.profile)
    live = [one for one in found if (options.mode or one[1].mode) == Mode.LIVE]
    for path, document in found:
        if (path, document) not in live:
            _tell_dry(path, document, to)
    if not live:
        return NOTHING
    return FAILED if _file_live(options, project, live, to) else DONE


def _tell_dry(path: Path, document: IncidentDocument, to: str) -> None:
    lines = [
        *_folded(f"would file: {report.title(document)}", ""),
        *_folded("nothing was filed: this is a dry run; to file it type"),
        f"  {_again(path, to)}",
    ]
    print("\n".join(lines))


def _file_live(
    options: argparse.Namespace, project: Project, live: Iterable[tuple[Path, IncidentDocument]], to: str
) -> int:
    """File each incident; return how many could not be. One that fails keeps none of the others."""
    from pytest_relgate.cli.trackers import tracker

    failed = 0
    for path, document in live:
        try:
            with tracker(
                to, project.top, project.profile, document, allow_sandbox=options.allow_sandbox
            ) as one:
                known = _receipt(path)
                reference, fresh = one.file(document, known.reference if known and known.to == to else "")
        except CannotJudge as error:
            failed += 1
            lines = [
                *_folded(f"relgate: not filed: {error.found}", ""),
                *_folded(f"do: {error.do}"),
                *_folded(f"nothing is lost, it stays in {path}; then type"),
                f"  {_again(path, to)}",
            ]
            print("\n".join(lines), file=sys.stderr)
            continue
        said = "filed" if fresh else "it is there already"
        print("\n".join(_folded(f"{said}: {reference}", "")))
        _keep(path, Receipt(document.key, to, reference, now()))
    return failed


def _keep(path: Path, receipt: Receipt) -> None:
    """Note beside the incident that it was filed; where that cannot be written the tracker knows it."""
    place = path.with_suffix(_RECEIPT)
    try:
        place.write_bytes(msgspec.json.format(msgspec.json.encode(receipt), indent=1) + b"\n")
    except OSError as error:
        print(f"note: {place} cannot be written: {error.strerror or error}", file=sys.stderr)
