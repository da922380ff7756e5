"""What is looked at where a release may go without a rehearsal: git, GitHub, the checks. SPEC S37."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from pytest_relgate.errors import CannotJudge, Finding, NotYet, RelgateError
from pytest_relgate.github.since import credentials_since
from pytest_relgate.judge.rehearsal import about_machinery, why_rehearse
from pytest_relgate.lockfile import NAME as LOCK
from pytest_relgate.model import Phase
from pytest_relgate.profile import FILE_NAME
from pytest_relgate.source.checks_then import checks_then
from pytest_relgate.source.machinery import Parts, compared
from pytest_relgate.unrehearsed import ChecksThen, Credentials, Machinery, Unrehearsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_relgate.github.api import Api
    from pytest_relgate.model import Context, Earlier, Subject
    from pytest_relgate.profile import Profile
    from pytest_relgate.source.git import Repository


def parts_of(profile: Profile) -> Parts:
    """What the release machinery begins with."""
    return Parts(
        build=profile.workflows.build,
        publish=profile.workflows.publish,
        formula=profile.formula,
        also=profile.rehearsal.machinery,
        documents=tuple(filter(None, (profile.changelog,))),
    )


def wanted_of(profile: Profile, read: Iterable[str]) -> frozenset[str]:
    """The secrets that a release needs: those that workflows ``read``, and those that the profile names."""
    stated = (*profile.secrets.required, *profile.secrets.live)
    channels = (one.secret for one in profile.channels.values() if one.secret)
    return frozenset(name.upper() for name in (*read, *stated, *channels))


def machinery_since(profile: Profile, repository: Repository, base: str, commit: str) -> Machinery:
    """Compare the release machinery of two commits; what git cannot say is a doubt."""
    if not base or not commit:
        return Machinery(base, commit, doubt="there is no base to compare with")
    try:
        return compared(repository, base, commit, parts_of(profile))
    except (RelgateError, Finding) as error:
        return Machinery(base, commit, doubt=f"what changed could not be worked out: {error}")


def unrehearsed(  # noqa: PLR0913  (what is looked at, each by its name)
    profile: Profile,
    repository: Repository,
    *,
    target: str,
    base: str,
    base_commit: str,
    commit: str,
    checks: Repository | None,
    checks_commit: str,
    checks_paths: Sequence[str],
    api: Callable[[], Api] | None,
) -> Unrehearsed:
    """Look at all that a release without a rehearsal rests on. Never raises: what is not seen is a doubt.

    ``api`` opens GitHub's API, None where it is not to be asked; nor is it where git alone says enough.
    """
    machinery = machinery_since(profile, repository, base_commit, commit)
    if machinery.changed or machinery.doubt:
        return Unrehearsed(target, base, machinery, Credentials(), ChecksThen())
    credentials = _credentials(profile, machinery, base, api)
    try:
        then = checks_then(
            checks, checks_commit, checks_paths, base=base_commit, published=credentials.published
        )
    except RelgateError as error:
        then = ChecksThen(doubt=str(error))
    return Unrehearsed(target, base, machinery, credentials, then)


def _credentials(
    profile: Profile, machinery: Machinery, base: str, api: Callable[[], Api] | None
) -> Credentials:
    if api is None:
        return Credentials(doubt="GitHub was not asked about the credentials")
    try:
        return credentials_since(
            api(),
            profile.workflows,
            base=base,
            commit=machinery.base_commit,
            wanted=wanted_of(profile, machinery.secrets),
            environments=machinery.environments,
            reaching=[one.job for one in profile.channels.values() if one.job],
        )
    except (CannotJudge, Finding, NotYet, RelgateError, ValueError) as error:
        return Credentials(doubt=f"the credentials could not be looked at: {error}")


def foreseen(
    profile: Profile, repository: Repository, context: Context, subject: Subject, checks: Repository | None
) -> str:
    """What git says of a rehearsal long before the publish, for people; empty where there is no question."""
    if context.phase not in (Phase.PRERELEASE, Phase.BUILD) or profile.rehearsal.when == "always":
        return ""
    base = context.base_commit
    there = checks is not None and bool(base) and checks.exists(base)
    paths = deciding_paths(subject.checks_path)
    then = checks_then(checks, subject.checks_commit, paths, base=base, published="") if there else None
    record = Unrehearsed(
        context.target,
        context.base,
        machinery_since(profile, repository, base, subject.commit),
        Credentials(),
        then or ChecksThen(),
    )
    changed = record.checks.changed
    said = (f"{one} changed since {context.base}" for one in changed)
    if why := next(chain(about_machinery(record, base, subject.commit), said), ""):
        return f"A rehearsal is needed: {why}"
    return (
        f"No rehearsal is needed by what git says: no release machinery changed since {context.base}. "
        "GitHub is asked about credentials before the publish"
    )


def why_needed(record: Unrehearsed, context: Context, subject: Subject) -> str:
    """Why this release needs a rehearsal; empty where it is proved that it needs none."""
    return why_rehearse(
        record,
        target=context.target,
        base=context.base_commit,
        commit=subject.commit,
        checks=subject.checks_commit,
    )


def carries(one: Earlier, commit: str) -> bool:
    """Whether the evidence of an earlier phase carries a live run on this commit."""
    return (one.verdict, one.problem, one.commit) == ("PASSED", "", commit) and not one.live_only_left_out


def deciding_paths(folder: str) -> tuple[str, str]:
    """Profile and lock of a checks folder, by its path in its repository."""
    within = "" if folder in ("", ".") else f"{folder}/"
    return f"{within}{FILE_NAME}", f"{within}{LOCK}"
