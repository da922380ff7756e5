"""What a publish run rests on that goes without a rehearsal, looked at or remembered. SPEC S37."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.evidence.journal import CommandOpened, RunClosed
from pytest_relgate.model import Phase
from pytest_relgate.rehearsing import carries, deciding_paths, unrehearsed, why_needed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_relgate.evidence.journal import Reading
    from pytest_relgate.model import Context, Earlier, Subject
    from pytest_relgate.prepare import Prepared
    from pytest_relgate.unrehearsed import Unrehearsed


def of_run(prepared: Prepared, earlier: Iterable[Earlier], reading: Reading) -> Unrehearsed | None:
    """What a release run rests on in the place of a rehearsal; None where it asks for one, or has one.

    A recovery asks for one always: it is no release like the one before. What was proved when this publish
    was started stays so: a token that is set anew the day after is none that it went with.
    """
    context, subject = prepared.context, prepared.subject
    if context.phase is not Phase.PUBLISH or context.recover or prepared.profile.rehearsal.when == "always":
        return None
    if any(one.phase is Phase.REHEARSAL and carries(one, subject.commit) for one in earlier):
        return None
    if (then := _when_started(reading, context, subject)) is not None:
        return then
    from pytest_relgate.channels.outside import Outside, surroundings

    outside = Outside(
        profile=prepared.profile,
        target=context.target,
        commit=subject.commit,
        repository=prepared.repository.path,
        origins=prepared.origins,
        environ=surroundings(prepared.environ, context.sandbox),
        sandbox=context.sandbox,
        evidence=prepared.evidence / context.target,
    )
    try:
        return unrehearsed(
            prepared.profile,
            prepared.repository,
            target=context.target,
            base=context.base,
            base_commit=context.base_commit,
            commit=subject.commit,
            checks=prepared.checks.repository,
            checks_commit=subject.checks_commit,
            checks_paths=deciding_paths(subject.checks_path),
            api=lambda: outside.api,
        )
    finally:
        outside.close()


def _when_started(reading: Reading, context: Context, subject: Subject) -> Unrehearsed | None:
    """What the run rested on that started the publish of this release; None where none is on record."""
    started: set[int] = set()
    for entry in reading.entries:
        if isinstance(entry, CommandOpened) and entry.argv[:1] == ("dispatch",):
            started.add(entry.run)
        record = entry.unrehearsed if isinstance(entry, RunClosed) and entry.run in started else None
        if record is not None and not why_needed(record, context, subject):
            return record
    return None
