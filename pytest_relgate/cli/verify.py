"""``relgate verify``: what CI asks before it publishes."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.clock import now
from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import seal
from pytest_relgate.evidence.folder import SEAL
from pytest_relgate.evidence.printable import printable
from pytest_relgate.evidence.verify import Expectation, Finding, Verification, verify_folder
from pytest_relgate.model import Phase
from pytest_relgate.source.git import Repository
from pytest_relgate.source.versions import WITH_V, names_a_release, parse_target

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

WIDTH = 80
SHOWN = 20
_HEX = re.compile(r"[0-9a-f]{7,64}")


def verify(options: argparse.Namespace) -> int:
    """Verify one folder, print what it comes to, and return the exit status.

    Raises RelgateError for arguments that cannot be meant.
    """
    folder = Path(options.folder)
    repository = _repository(options.repo, "--repo")
    under_release = _under_release(options.under_release, folder, repository)
    expectation = Expectation(
        now=now(),
        repository=repository,
        under_release=under_release,
        commit=_commit(options.commit, folder, under_release),
        head=_head(options.head),
        allow_sandbox=options.allow_sandbox,
        phase=_phase(options.phase),
        target=_target(options.target),
        checks=_checks(options.checks),
    )
    found = verify_folder(folder, expectation)
    if options.json:
        print(_json(found))
    else:
        print("\n".join(_lines(found, folder, expectation)))
    return found.finding.exit_status


# -- what was asked -------------------------------------------------------------------------------------


def _repository(path: str | None, option: str) -> Repository | None:
    try:
        return Repository.at(Path(path or "."))
    except RelgateError as error:
        if path is None:
            return None
        if Path(path).is_dir():  # there is a folder, and git says what is wrong with it
            raise
        message = f"{option}: expected a folder of a git repository, found nothing at {path}"
        raise RelgateError(message) from error


def _under_release(path: str | None, folder: Path, checks: Repository | None) -> Repository | None:
    """The repository under release: the one named, else the sandbox's or the one that the profile names."""
    if path is not None:
        return _repository(path, "--under-release")
    sealed = _sealed(folder)
    if sealed is None:
        return checks
    if checks is None:
        return None
    try:
        if sealed.sandbox:
            from pytest_relgate.sandbox.box import repository_of

            return Repository.at(repository_of(checks.path, sealed.context.faults, os.environ))
        return Repository.at(checks.path / _named_by_profile(sealed, checks))
    except RelgateError:  # the verification says what is not to be had
        return checks


def _named_by_profile(sealed: seal.Evidence, checks: Repository) -> str:
    from pytest_relgate.profile import parse_profile
    from pytest_relgate.request import PROFILE

    name = f"{sealed.subject.checks_path or '.'}/{PROFILE}".removeprefix("./")
    text = checks.contents_through_links(sealed.subject.checks_commit, [name]).get(name)
    return parse_profile(text, name).under_release if text is not None else "."


def _commit(text: str | None, folder: Path, repository: Repository | None) -> str:
    """The full id of the commit asked for; a short one is made whole where the repository has it.

    What the repository does not have and the evidence does not name is no commit that anybody knows:
    evidence is stale only beside one that is there.
    """
    if text is None:
        return ""
    if repository is not None and repository.exists(text):
        return repository.commit_of(text)
    if not _HEX.fullmatch(text.lower()):
        message = f"--commit: expected a commit of this repository or 7 of its hex digits, found {text!r}"
        raise RelgateError(message)
    known = _sealed(folder)
    if repository is not None and known is not None and not known.subject.commit.startswith(text.lower()):
        message = (
            f"--commit: {text} is no commit of {repository.path}: type git fetch there if it is new, or "
            "--commit $(git rev-parse HEAD), or name its repository with --under-release"
        )
        raise RelgateError(message)
    return text.lower()


def _sealed(folder: Path) -> seal.Evidence | None:
    """The evidence in a folder as it stands there; None where it cannot be read."""
    try:
        return seal.decode((folder / SEAL).read_bytes())
    except (OSError, ValueError):
        return None


def _head(text: str | None) -> str:
    if text is None:
        return ""
    if not re.fullmatch(r"(sha256:)?[0-9a-f]{64}", text.lower()):
        message = f"--head: expected sha256:<64 hex digits> as a run prints it, found {text!r}"
        raise RelgateError(message)
    return text.lower()


def _phase(text: str | None) -> Phase | None:
    if text is None:
        return None
    if text not in set(Phase):
        message = f"--phase: expected one of {', '.join(Phase)}, found {text!r}"
        raise RelgateError(message)
    return Phase(text)


def _target(text: str | None) -> str:
    if text is None:
        return ""
    parse_target(text, "--target", "--target", like=text if names_a_release(text) else WITH_V)
    return text


def _checks(text: str | None) -> str:
    if text is None:
        return ""
    folder = os.path.normpath(text)
    if not text or os.path.isabs(text) or folder.startswith(".."):  # noqa: PTH117  (a path in git, not on disk)
        message = f"--checks: expected a path from the top of the repository, found {text!r}"
        raise RelgateError(message)
    return folder


# -- what is answered -----------------------------------------------------------------------------------


def _json(found: Verification) -> str:
    evidence = found.evidence
    answer = {
        "finding": found.finding,
        "exit": found.finding.exit_status,
        "reasons": found.reasons,
        "do": found.do,
        "remedies": found.remedies,
        "notes": found.notes,
        "head": found.digest,
        "verdict": evidence.verdict if evidence else "",
        "target": evidence.target if evidence else "",
        "phase": evidence.phase if evidence else "",
        "mode": evidence.mode if evidence else "",
        "sandbox": evidence.sandbox if evidence else False,
        "commit": evidence.subject.commit if evidence else "",
    }
    return msgspec.json.encode(answer).decode()


def _lines(found: Verification, folder: Path, expectation: Expectation) -> Iterator[str]:
    evidence = found.evidence
    place = f"sandbox {evidence.phase}" if evidence and evidence.sandbox else evidence and evidence.phase
    about = (
        f"{evidence.target} {place} @ {evidence.subject.commit[:12] or 'none'}" if evidence else str(folder)
    )
    yield f"{found.finding}  {printable(about)}"
    near = _nearby(folder) if evidence is None else None
    do = f"relgate verify {near}" if near else found.do
    remedies = found.remedies or (do,) * len(found.reasons)
    for number, (reason, remedy) in enumerate(zip(found.reasons[:SHOWN], remedies, strict=False), start=1):
        yield from _folded(reason)
        if remedy and remedies[number : number + 1] != (remedy,):  # of several in a row alike the last
            yield from _folded(f"do: {remedy}")
    if len(found.reasons) > SHOWN:
        yield f"  and {len(found.reasons) - SHOWN} more"
    for note in found.notes:
        yield from _folded(f"note: {note}")
    if found.finding is Finding.PASSED and not expectation.commit:
        yield "  note: not compared with a commit: name the one to be released, --commit SHA"


def _folded(text: str) -> list[str]:
    """Fold at spaces; a path or a digest stays whole, so that it can be copied."""
    return textwrap.wrap(
        printable(text, limit=2000),
        WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _nearby(folder: Path) -> Path | None:
    """Evidence below the folder that was named, the newest: of a release it has one for each phase."""
    try:
        found = [path for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{SEAL}")]
        return max(found, key=lambda path: path.stat().st_mtime).parent if found else None
    except OSError:
        return None
