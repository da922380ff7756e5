"""Which release is judged, against which base, and by whom. SPEC S1, S3, S5.

Every answer comes with where it came from. A value that is there but wrong is an error that names
its source; the next source is never tried in its place.
"""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Phase
from pytest_relgate.source.versions import (
    PLAIN,
    WITH_V,
    Policy,
    base_of,
    names_a_release,
    newest_of,
    parse_target,
    version_of_tag,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_relgate.source.git import Repository

LONGEST_AGENT = 200
# Characters that could start a line of their own, or turn the reading direction, in evidence.
_UNREADABLE = {"Cc", "Cs", "Zl", "Zp"}
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def resolve_target(
    *,
    option: str | None,
    environ: Mapping[str, str],
    repo: Repository,
    phase: Phase,
    newest: Callable[[], str | None],
    like: str = WITH_V,
) -> tuple[str, str]:
    """Find the release target and say where it came from.

    Tried in this order: the option, ``RELEASE_TARGET``, the tag of the CI event, the version tag at
    HEAD and, for postrelease and weekly, ``newest()``. Rehearsal and publish take the option only.
    ``like`` is ``tag`` of the profile: whether release tags have a v.
    Raises RelgateError for a source that holds no version, for two versions at HEAD, or for none.
    """
    if option is not None:
        parse_target(option, "--release-target", like=like)
        return option, "--release-target"
    if phase in (Phase.REHEARSAL, Phase.PUBLISH):
        message = (
            f"{phase} takes its target from the command line only: type `--release-target {_form(like)}`"
        )
        raise RelgateError(message)
    for text, source in _from_environment(environ):
        parse_target(text, source, like=like)
        return text, source
    tags = repo.tags_at(repo.head())
    versions = [name for name in tags if version_of_tag(name, like=like)]
    if len(versions) > 1:
        names = " and ".join(versions)
        message = (
            f"HEAD carries more than one version, {names}: choose with `--release-target {versions[-1]}`"
        )
        raise RelgateError(message)
    if versions:
        return versions[0], "tag at HEAD"
    if phase in (Phase.POSTRELEASE, Phase.WEEKLY):
        tag = newest()
        if tag is not None:
            source = "newest release"
            parse_target(tag, source, like=like)
            return tag, source
    others = f" ({', '.join(tags[:3])} is none)" if tags else ""
    message = (
        "expected a release target, found no --release-target, no RELEASE_TARGET, no tag of a CI event "
        f"and no version tag at HEAD{others}: type `--release-target {_form(like)}`"
    )
    if other := next((name for name in tags if names_a_release(name)), ""):
        spelling = WITH_V if other[:1] == "v" else PLAIN
        message += f', or say tag = "{spelling}" in relgate.toml if {other} is a release'
    raise RelgateError(message)


def _form(like: str) -> str:
    return like.replace(PLAIN, "X.Y.Z")


def _from_environment(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Targets that the environment names, with their sources, first come first.

    ``RELEASE_TARGET`` that is set but empty is reported: somebody meant to fill it. The variables of a
    CI event are GitHub's (REF_TYPE tells tags from branches) and GitLab's (set for tags only).
    """
    found = []
    if "RELEASE_TARGET" in environ:
        found.append((environ["RELEASE_TARGET"], "RELEASE_TARGET"))
    if environ.get("GITHUB_REF_TYPE") == "tag":
        found.append((environ.get("GITHUB_REF_NAME", ""), "tag of the CI event (GITHUB_REF_NAME)"))
    if environ.get("CI_COMMIT_TAG"):
        found.append((environ["CI_COMMIT_TAG"], "tag of the CI event (CI_COMMIT_TAG)"))
    return found


def newest_tag(repo: Repository, *, like: str = WITH_V) -> str | None:
    """Highest stable tag of a repository, else its highest prerelease, else None."""
    return newest_of((tag.name for tag in repo.tags()), like=like)


def resolve_base(
    *, override: str | None, target: str, repo: Repository, policy: Policy = "auto"
) -> tuple[str, str, str]:
    """Find the base tag, its commit, and say why it is the base; two empty strings for a first release.

    An override must be a tag of the repository and lie below the target. Without one a shallow clone
    is refused: lower tags may be missing there. Raises RelgateError for all of these.
    """
    commits = {tag.name: tag.commit for tag in repo.tags()}
    if override is not None:
        _check_override(override, target, commits)
        return override, commits[override], "--release-base"
    if repo.is_shallow():
        message = (
            f"expected the whole history, found a shallow clone at {repo.path}, where lower tags may be "
            "missing: type `git fetch --unshallow --tags` (GitHub Actions: checkout with fetch-depth: 0)"
        )
        raise RelgateError(message)
    base = base_of(target, commits, policy, like=target)
    nearly = [name for name in base.ignored if name.lstrip("vV")[:1].isdigit()]
    form = _form(WITH_V if target[:1] == "v" else PLAIN)
    note = f" (no {form} and so left out: {_first(nearly, 3)})" if nearly else ""
    if not base.tag and base_of(_other(target), nearly, policy, like=_other(target)).tag:
        other = PLAIN if target[:1] == "v" else WITH_V
        note = f'{note[:-1]}; if these are the releases, say tag = "{other}" in relgate.toml)'
    return base.tag, commits.get(base.tag, ""), base.why + note


def _other(target: str) -> str:
    """A target in the other spelling."""
    return target[1:] if target[:1] == "v" else f"v{target}"


def _check_override(override: str, target: str, commits: Mapping[str, str]) -> None:
    version = parse_target(override, "--release-base", "--release-base", like=target)
    wanted = parse_target(target, like=target)
    if override not in commits:
        message = (
            f"--release-base: expected a tag of the repository, found none named {override}: "
            "type `git tag --list` to see the tags, `git fetch --tags` to get them"
        )
        raise RelgateError(message)
    if version >= wanted:
        relation = "equal to" if version == wanted else "above"
        message = (
            f"--release-base: expected a tag below {target}, found {override}, which is {relation} it "
            "in SemVer precedence: name a lower one"
        )
        raise RelgateError(message)


def agent_of(option: str | None, environ: Mapping[str, str], identity: str) -> tuple[str, str]:
    """Who runs this, and where that came from (SPEC S3). ``identity`` is git's, or empty.

    Without the option the value is assumed, and ``why`` starts with "assumed": the CI's actor, git's
    identity, or the user at this host. Raises RelgateError for an agent that is empty, too long, or
    holds characters that a line of evidence cannot show.
    """
    if option is not None:
        return _readable(option, "--release-agent"), "--release-agent"
    user = environ.get("USER") or environ.get("LOGNAME") or ""
    candidates = (
        (environ.get("GITHUB_ACTOR", ""), "GITHUB_ACTOR"),
        (environ.get("GITLAB_USER_LOGIN", ""), "GITLAB_USER_LOGIN"),
        (identity, "git's user.name and user.email"),
        (f"{user}@{os.uname().nodename}" if user else "", "user and host"),
    )
    for agent, source in candidates:
        if agent:
            return _readable(agent, source), f"assumed from {source}"
    return "unknown", "assumed: nothing here says who runs this"


def _readable(agent: str, source: str) -> str:
    bad = [char for char in agent if unicodedata.category(char) in _UNREADABLE or char in _BIDI]
    if bad or not agent.strip() or agent != agent.strip() or len(agent) > LONGEST_AGENT:
        found = ascii(agent[:LONGEST_AGENT])
        message = (
            f"{source}: expected one line of at most {LONGEST_AGENT} characters that names a person or "
            f"model@host, found {found}: type `--release-agent ada@laptop`"
        )
        raise RelgateError(message)
    return agent


def _first(names: list[str], count: int) -> str:
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more
