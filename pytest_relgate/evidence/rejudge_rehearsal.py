"""What stands in the place of a rehearsal, held against git and the profile. SPEC S37.

What GitHub said of credentials is the word of the run, as an attempt is; all else is worked out again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.evidence.finding import DISTRUST, FETCH, Finding, Problem
from pytest_relgate.rehearsing import deciding_paths, machinery_since, wanted_of
from pytest_relgate.source.checks_then import checks_then

if TYPE_CHECKING:
    from pytest_relgate.evidence.seal import Evidence
    from pytest_relgate.profile import Profile
    from pytest_relgate.source.git import Repository
    from pytest_relgate.unrehearsed import Unrehearsed


def check_unrehearsed(
    evidence: Evidence, under: Repository, checks: Repository | None, profile: Profile
) -> Unrehearsed | None:
    """The recorded reasons to go without a rehearsal, once git says the same; None where none are recorded.

    Raises Problem where they are not those that git gives, or the profile allows none.
    """
    record, context = evidence.unrehearsed, evidence.context
    if record is None:
        return None
    if profile.rehearsal.when == "always" or context.recover:
        why = "it is a recovery" if context.recover else "the profile wants one always"
        raise Problem(Finding.TAMPERED, f"it goes without a rehearsal although {why}", DISTRUST)
    if (record.target, record.base) != (context.target, context.base):
        words = f"its word on a rehearsal is about {record.target} after {record.base or 'nothing'}"
        raise Problem(Finding.TAMPERED, words, DISTRUST)
    said = record.machinery
    if said.doubt or said.changed:
        return record  # it asks for a rehearsal, whatever git says
    again = machinery_since(profile, under, context.base_commit, evidence.subject.commit)
    if again.doubt:
        words = f"whether a rehearsal was needed cannot be worked out again: {again.doubt}"
        raise Problem(Finding.UNDECIDED, words, FETCH)
    if again.changed:
        words = f"it goes without a rehearsal although {again.changed[0]} changed since {context.base}"
        raise Problem(Finding.TAMPERED, words, DISTRUST)
    if said != again:
        words = "what it says of the release machinery is not what git gives"
        raise Problem(Finding.TAMPERED, words, DISTRUST)
    if lacking := sorted(wanted_of(profile, again.secrets) - {*record.credentials.wanted}):
        words = f"it goes without a rehearsal and without a word on the secret {lacking[0]}"
        raise Problem(Finding.TAMPERED, words, DISTRUST)
    _check_then(evidence, record, checks)
    return record


def _check_then(evidence: Evidence, record: Unrehearsed, checks: Repository | None) -> None:
    if record.checks.doubt or record.checks.changed:
        return  # it asks for a rehearsal
    then = checks_then(
        checks,
        evidence.subject.checks_commit,
        deciding_paths(evidence.subject.checks_path),
        base=evidence.context.base_commit,
        published=record.credentials.published,
    )
    if then.doubt:
        words = f"whether profile and lock are as they were cannot be worked out again: {then.doubt}"
        raise Problem(Finding.UNDECIDED, words, FETCH)
    if then.changed:
        words = (
            f"it goes without a rehearsal although {then.changed[0]} changed since {evidence.context.base}"
        )
        raise Problem(Finding.TAMPERED, words, DISTRUST)
    if then != record.checks:
        raise Problem(Finding.TAMPERED, "what it says of profile and lock is not what git gives", DISTRUST)
