"""What a run rests on: the evidence of the phases before it, and what stands in the place of a rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.model import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_relgate.evidence.journal import Reading
    from pytest_relgate.github.permit import Permit
    from pytest_relgate.model import Earlier, Reason
    from pytest_relgate.prepare import Prepared
    from pytest_relgate.unrehearsed import Unrehearsed


def earlier_of(prepared: Prepared) -> tuple[Earlier, ...]:
    """The evidence of every phase that this one needs, verified. SPEC S10, S37."""
    context = prepared.context
    if not context.phase.requires:
        return ()
    from pytest_relgate.evidence.verify import earlier_evidence

    return tuple(
        earlier_evidence(
            (prepared.earlier or prepared.evidence) / context.target / phase,
            phase,
            context=context,
            subject=prepared.subject,
            repository=prepared.repository,
            checks=prepared.checks.repository,
        )
        for phase in context.phase.requires
    )


def look_for_rehearsal(
    prepared: Prepared, earlier: Iterable[Earlier], reading: Reading
) -> Unrehearsed | None:
    """Look at what stands in the place of a rehearsal, where the profile lets anything do so; else None."""
    if prepared.profile.rehearsal.when == "always" or prepared.context.phase is not Phase.PUBLISH:
        return None  # and none of the rooms that look outside is loaded
    from pytest_relgate.unrehearsed_run import of_run

    return of_run(prepared, earlier, reading)


def why_rehearse(prepared: Prepared, found: Unrehearsed | None) -> str | None:
    """Why a rehearsal is needed, empty where none is; None where the profile wants one always."""
    if found is None:
        return None
    from pytest_relgate.rehearsing import why_needed

    return why_needed(found, prepared.context, prepared.subject)


def not_passed(earlier: Iterable[Earlier], rehearse: str | None) -> Iterator[str]:
    """Say which earlier phases have not passed, and why a rehearsal is needed where one may be spared."""
    for one in earlier:
        why = rehearse if one.phase is Phase.REHEARSAL else None
        if one.verdict != "PASSED" and why != "":
            needed = f"; it is needed: {why}" if why else ""
            yield f"{one.phase} has not passed: {one.problem}{needed}"


def permit_of(
    prepared: Prepared,
    earlier: tuple[Earlier, ...],
    facts: Iterable[Reason],
    *,
    in_copy: bool,
    rehearse: str | None,
) -> Permit:
    """Leave to start the publish workflow. Raises CannotJudge, which says what is against it.

    ``facts`` are what speaks against the run so far; ``in_copy`` is whether this is a forked copy of it.
    """
    from pytest_relgate.github.permit import Chain, permit_for

    against = [f"{fact.code}: {fact.message}" for fact in facts]
    if in_copy:
        against.append("this is a forked copy of the run")
    if prepared.subject.dirty:
        against.append(f"the tree is not as committed: {', '.join(prepared.subject.dirt)}")
    if prepared.subject.checks_dirty:
        against.append(f"the checks are not as committed: {', '.join(prepared.checks.dirt[:5])}")
    return permit_for(
        Chain(
            phase=prepared.context.phase,
            target=prepared.context.target,
            commit=prepared.subject.commit,
            mode=prepared.context.mode,
            agent_named=prepared.context.agent_why == "--release-agent",
            locked=prepared.lock is not None,
            against=tuple(against),
            earlier=earlier,
            build_run=prepared.context.build_run,
            recover=prepared.context.recover,
            unrehearsed=rehearse,
        )
    )
