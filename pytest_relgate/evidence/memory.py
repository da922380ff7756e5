"""What earlier runs left: which journal a run goes on with, and what becomes of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence import seal
from pytest_relgate.evidence.as_written import NewerError
from pytest_relgate.evidence.folder import DIGEST, JOURNAL, SEAL, Folder

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.model import Context, Subject

DAMAGED = "move {0} away (it stays evidence of what happened), then type this again: every gate runs anew"


def take_up(folder: Folder, context: Context, subject: Subject) -> journals.Reading:
    """The journal to go on with: of the same release, tree and checks, from its place or from the shelf.

    Evidence of another subject is set aside; of another commit with the same tree a copy stays behind.
    Raises RelgateError for evidence that was altered, OSError where the folder cannot be written.
    """
    reading = read_whole(folder.path)
    if reading.runs:
        last = reading.runs[-1]
        if _is_about(last, context, subject) and not context.faults:  # a fault lasts one run
            if last.subject.commit != subject.commit and (folder.path / DIGEST).exists():
                folder.keep_copy(last.subject.commit)
            return reading
        folder.set_aside(last.subject.commit)
        reading = journals.Reading()
    if context.faults:
        return reading
    found = {place: journals.read(place / JOURNAL) for place in folder.shelved()}
    mine = [place for place, one in found.items() if one.runs and _is_about(one.runs[-1], context, subject)]
    if not mine:
        return reading
    # Of several the longest: the others are copies of its beginning.
    place = max(mine, key=lambda one: found[one].lines)
    read_whole(place)
    folder.go_on_from(place)
    return read_whole(folder.path)


def _is_about(opened: journals.RunOpened, context: Context, subject: Subject) -> bool:
    """Whether a run was about the same release, committed tree and checks, so that its attempts are heard."""
    return release_of(opened.context, opened.subject) == release_of(context, subject)


def release_of(context: Context, subject: Subject) -> tuple[str, str, bool, tuple[str, ...], int, str, str]:
    """What all runs of one journal have in common; what another build run showed is another matter."""
    place = (context.phase, context.target, context.sandbox, context.faults, context.build_run)
    return (*place, subject.committed_tree, subject.checks)


def read_whole(folder: Path) -> journals.Reading:
    """Read the journal; refuse one that lost lines that its seal has, or was edited."""
    reading = journals.read(folder / JOURNAL)
    problem = reading.problem
    try:
        sealed = seal.decode((folder / SEAL).read_bytes())
    except FileNotFoundError:
        sealed = None
    except NewerError as error:
        message = f"the evidence in {folder} cannot be continued: {error}"
        raise RelgateError(message) from None
    except ValueError as error:
        sealed, problem = None, problem or f"{SEAL} is not as it was written ({error})"
    if sealed is not None and not problem:
        lines, head = sealed.journal.lines, sealed.journal.head
        if lines > reading.lines or (lines and reading.heads[lines - 1] != head):
            problem = f"the journal does not hold the {lines} lines that were sealed"
    if problem:
        message = f"the evidence in {folder} was altered: {problem}; {DAMAGED.format(folder)}"
        raise RelgateError(message)
    if reading.newer:
        message = f"the evidence in {folder} cannot be continued: {reading.newer}"
        raise RelgateError(message)
    return reading
