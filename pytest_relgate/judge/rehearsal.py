"""Whether a release needs a rehearsal: a pure function of what is on record. SPEC S37.

It does, always, unless it is proved that release machinery and credentials are as they were when the base was
published. Whatever could not be seen, worked out or read is no proof.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_relgate.unrehearsed import Credentials, Setting, Unrehearsed

_NAMED: Final = 3


def why_rehearse(record: Unrehearsed | None, *, target: str, base: str, commit: str, checks: str) -> str:
    """Say why this release needs a rehearsal; empty if it is proved that it needs none.

    ``base`` and ``commit`` are commits, ``base`` empty in a first release; ``checks`` is the commit of the
    checks that judge. Raises nothing.
    """
    if record is None:
        return "nothing says that release machinery and credentials did not change"
    return next(_reasons(record, target, base, commit, checks), "")


def in_words(record: Unrehearsed) -> str:
    """What stands in the place of a rehearsal, for people. Only for a record that proves it."""
    machinery, credentials = record.machinery, record.credentials
    secrets = f", and none of {len(credentials.wanted)} secrets was set since" if credentials.wanted else ""
    return (
        f"No rehearsal: release machinery and credentials are as they were at {record.base}, whose publish "
        f"succeeded (run {credentials.run}, {credentials.published}); none of {machinery.looked_at} changed "
        f"paths is machinery{secrets}"
    )


def _reasons(record: Unrehearsed, target: str, base: str, commit: str, checks: str) -> Iterator[str]:
    if record.target != target:
        yield f"what is on record is about {record.target or 'no release'}"
    yield from about_machinery(record, base, commit)
    then = record.checks
    if then.changed:
        yield f"{_listed(then.changed)} changed since {record.base}"
    if then.doubt or not then.commit:
        yield then.doubt or f"what the checks were at {record.base} is not on record"
    if then.now != checks:
        yield f"what is on record is about the checks of {then.now[:12] or 'no commit'}"
    yield from _about_credentials(record)


def about_machinery(record: Unrehearsed, base: str, commit: str) -> Iterator[str]:
    """Why git alone says that a rehearsal is needed; nothing where it does not. As ``why_rehearse``."""
    machinery = record.machinery
    if not base or not record.base:
        yield "a first release has nothing to compare with"
    elif (machinery.base_commit, machinery.commit) != (base, commit):
        yield (
            f"what is on record compares {machinery.base_commit[:12] or 'nothing'} with "
            f"{machinery.commit[:12] or 'nothing'}, expected {base[:12]} with {commit[:12] or 'nothing'}"
        )
    elif machinery.changed:
        yield f"{_listed(machinery.changed)} changed since {record.base}"
    elif machinery.doubt:
        yield machinery.doubt
    elif not machinery.files or not machinery.patterns:
        yield "no release machinery was found to compare"


def _about_credentials(record: Unrehearsed) -> Iterator[str]:
    found, base = record.credentials, record.base
    since = _moment(found.published)
    if found.doubt:
        yield found.doubt
    if not found.run or since is None:
        yield f"no publish of {base} is known that succeeded"
        return
    if found.commit != record.machinery.base_commit:
        yield f"run {found.run} published another commit than that of {base}"
    if lacking := sorted({*record.machinery.secrets} - {*found.wanted}):
        yield f"when {_listed(lacking)} was set was not asked"
    by_name = {name: [one for one in found.settings if one.name == name] for name in found.wanted}
    for name, settings in by_name.items():
        if not settings:
            yield f"when the secret {name} was set is not known"
        yield from _set_since(settings, since, found, base)


def _set_since(settings: Iterable[Setting], since: datetime, found: Credentials, base: str) -> Iterator[str]:
    for one in settings:
        at = _moment(one.at)
        where = f" of the environment {one.environment}" if one.environment else ""
        if at is None:
            yield f"when the secret {one.name}{where} was set is not known"
        elif at >= since:
            yield (
                f"the secret {one.name}{where} was set on {one.at}, after the publish of {base} began "
                f"({found.published})"
            )


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return ", ".join(every[:_NAMED]) + more
