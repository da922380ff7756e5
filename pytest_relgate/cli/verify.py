"""``relgate verify``: what CI asks before it publishes."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence.printable import printable
from pytest_relgate.evidence.verify import Expectation, Finding, Verification, verify_folder
from pytest_relgate.execution import now
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    import argparse

SHOWN = 20
_HEX = re.compile(r"[0-9a-f]{7,64}")


def verify(options: argparse.Namespace) -> int:
    """Verify one folder, print what it comes to, and return the exit status."""
    folder = Path(options.folder)
    repository = _repository(options.repo)
    under_release = _repository(options.under_release) if options.under_release else repository
    expectation = Expectation(
        now=now(),
        repository=repository,
        under_release=under_release,
        commit=_commit(options.commit, under_release),
        head=_head(options.head),
        allow_sandbox=options.allow_sandbox,
    )
    found = verify_folder(folder, expectation)
    print(_json(found) if options.json else _text(found, folder, expectation))  # noqa: T201  (the answer)
    return found.finding.exit_status


def _repository(path: str | None) -> Repository | None:
    try:
        return Repository.at(Path(path or "."))
    except RelgateError:
        if path:
            raise
        return None


def _commit(text: str | None, repository: Repository | None) -> str:
    """The full id of the commit asked for; a short one needs the repository to be made whole."""
    if text is None:
        return ""
    if repository is not None and repository.exists(f"{text}^{{commit}}"):
        return repository.commit_of(text)
    if not _HEX.fullmatch(text):
        message = f"--commit: expected a commit of this repository or its hex digits, found {text!r}"
        raise RelgateError(message)
    return text


def _head(text: str | None) -> str:
    if text is None:
        return ""
    if not re.fullmatch(r"(sha256:)?[0-9a-f]{64}", text):
        message = f"--head: expected sha256:<64 hex digits> as a run prints it, found {text!r}"
        raise RelgateError(message)
    return text


def _json(found: Verification) -> str:
    evidence = found.evidence
    answer = {
        "finding": found.finding,
        "exit": found.finding.exit_status,
        "reasons": found.reasons,
        "do": found.do,
        "head": found.digest,
        "target": evidence.target if evidence else "",
        "phase": evidence.phase if evidence else "",
        "commit": evidence.subject.commit if evidence else "",
    }
    return msgspec.json.encode(answer).decode()


def _text(found: Verification, folder: Path, expectation: Expectation) -> str:
    evidence = found.evidence
    about = f"{evidence.target} {evidence.phase} @ {evidence.subject.commit[:12]}" if evidence else str(folder)
    lines = [f"{found.finding}  {printable(about)}"]
    for reason in found.reasons[:SHOWN]:
        lines += textwrap.wrap(
            printable(reason),
            80,
            initial_indent="  ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
    if len(found.reasons) > SHOWN:
        lines.append(f"  and {len(found.reasons) - SHOWN} more")
    if found.do:
        lines.append(f"  do: {printable(found.do)}")
    if found.finding is Finding.PASSED and not expectation.commit:
        lines.append("  not compared with a commit: give the one to be released with --commit")
    return "\n".join(lines)
