"""Whether what a run judges is still as it was when the run began: HEAD, the source, the checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Reason
from pytest_relgate.subject import moved, no_dirt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_relgate.prepare import Prepared

_SHOWN = 5


def look_again(prepared: Prepared, unreviewed: Iterable[str]) -> Iterator[Reason]:
    """Yield what rules PASSED out since the run began. ``unreviewed`` names code that git does not have."""
    subject = prepared.subject
    if found := tuple(unreviewed):
        words = f"code judged that nobody reviewed: {_listed(found)}"
        yield Reason("DIRTY_CHECKS", words, remedy="commit it, or take it away, then run again")
    if not subject.commit:
        return
    try:
        if prepared.context.phase.source:
            yield from _of_source(prepared)
        if not subject.checks_dirty and (changes := moved(prepared.checks)):
            words = f"the checks changed during the run: {_listed(changes)}"
            yield Reason("DIRTY_CHECKS", words, remedy="git status, then run again")
    except RelgateError as error:
        yield Reason("STALE", f"the repository cannot be read any more: {error}")


def _of_source(prepared: Prepared) -> Iterator[Reason]:
    subject, head = prepared.subject, prepared.repository.head()
    if head != subject.commit:
        words = f"HEAD moved from {subject.commit[:12]} to {head[:12]} during the run"
        yield Reason("STALE", words, remedy="type the same command again for the new commit")
    elif not subject.dirty and (dirt := _dirt(prepared)):
        words = f"tracked source changed during the run: {', '.join(dirt[:_SHOWN])}"
        remedy = "a gate never edits the source: find the one that did, git restore"
        yield Reason("DIRTY", words, remedy=remedy)


def _dirt(prepared: Prepared) -> tuple[str, ...]:
    places = no_dirt(prepared.repository, prepared.checks, prepared.evidence)
    return prepared.repository.dirt(untracked=False, exclude=places)


def _listed(names: tuple[str, ...]) -> str:
    left = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f", and {left} more" if left > 0 else "")
