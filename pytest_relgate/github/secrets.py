"""Whether the secrets of a release are there, for the jobs that read them, and young enough. SPEC S9, S14.

Shown by GitHub's API on three levels, by a flag of the workflow, or by the preflight of a rehearsal. A level
that may not be read says nothing about what is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_relgate.github.api import Api
    from pytest_relgate.net.facts import Unknown
    from pytest_relgate.source.workflow_secrets import Use, Uses


@dataclass(frozen=True)
class Levels:
    """Secrets by name with the time (RFC 3339) of their last change.

    ``shared`` are those of the repository and its organisation, ``environments`` those of each environment
    that was asked for; ``unread`` the levels that could not be read, by the environment's name, empty for the
    shared ones.
    """

    shared: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unread: Mapping[str, Unknown] = field(default_factory=dict)


class Shown(StrEnum):
    """What is known of one secret."""

    THERE = "there"
    MISSING = "not configured"
    OLD = "probably expired"
    UNKNOWN = "unknown"


class Judged(NamedTuple):
    """One secret: what is known of it, and why, in words."""

    name: str
    shown: Shown
    words: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.words})" if self.words else self.name


def judge_secrets(
    names: Iterable[str],
    api: Api,
    uses: Uses | None,
    days: Mapping[str, int],
    succeeded: Callable[[], frozenset[str]],
) -> list[Judged]:
    """Say what GitHub shows of these secrets. ``succeeded`` gives the jobs that did on the commit.

    Where a level may not be read, a preflight that read a secret and succeeded shows that it is there.
    """
    levels = api.secrets(uses.environments if uses else ())
    now = datetime.now(UTC)
    judged = [judge_secret(one, levels, uses, longest=days.get(one), now=now) for one in names]
    if uses is None or all(one.shown is not Shown.UNKNOWN for one in judged):
        return judged
    good = succeeded()
    seen = {secret for secret, job in uses.preflight if job in good}
    there = [one for one in judged if one.shown is Shown.UNKNOWN and one.name in seen]
    return [Judged(one.name, Shown.THERE) if one in there else one for one in judged]


def judge_secret(
    name: str, levels: Levels, uses: Uses | None, *, longest: float | None, now: datetime
) -> Judged:
    """Say what the levels show of one secret. ``longest`` are the days that its token can live.

    ``uses`` is what the jobs read, None where no workflow says so.
    """
    mine = uses.of(name) if uses else ()
    if mine:
        times = [_given(name, levels, use.environment) for use in mine]
    else:
        named = uses.environments if uses else ()
        given = (_given(name, levels, one) for one in ("", *named))
        times = [next((time for time in given if time is not None), None)]
    if all(time is not None for time in times):
        return _aged(name, [time for time in times if time is not None], longest, now)
    without = next((use for use, time in zip(mine, times, strict=False) if time is None), None)
    return _without(name, levels, without, uses)


def _given(name: str, levels: Levels, environment: str | None) -> str | None:
    """When the secret was set that a job in this environment is given; None where it is given none."""
    return levels.environments.get(environment or "", {}).get(name, levels.shared.get(name))


def _without(name: str, levels: Levels, use: Use | None, uses: Uses | None) -> Judged:
    """What is to be said of a secret that ``use`` is not given as far as is known; None is any job."""
    if use is not None and use.environment is None:
        return Judged(name, Shown.UNKNOWN, f"an expression names the environment of job {use.job}")
    asked = [use.environment] if use else list(uses.environments) if uses else []
    closed = [levels.unread[one] for one in ("", *filter(None, asked)) if one in levels.unread]
    if closed:
        return Judged(name, Shown.UNKNOWN, closed[0].words)
    elsewhere = [one for one, there in levels.environments.items() if name in there]
    if not elsewhere:
        return Judged(name, Shown.MISSING)
    if uses is None:
        words = f"it is in the environment {', '.join(elsewhere)}, and nothing says which jobs run there"
        return Judged(name, Shown.UNKNOWN, words)
    runs = "and no job of the release runs there"
    if use is not None:
        runs = f"and job {use.job} " + (
            f"runs in {use.environment}" if use.environment else "names no environment"
        )
    return Judged(name, Shown.MISSING, f"it is in the environment {', '.join(elsewhere)}, {runs}")


def _aged(name: str, updated: Iterable[str], longest: float | None, now: datetime) -> Judged:
    for time in updated:
        days = age_in_days(time, now)
        if longest is not None and days is not None and days > longest:
            words = f"set {days:.0f} days ago, and its token lives {longest:g} days at most"
            return Judged(name, Shown.OLD, words)
    return Judged(name, Shown.THERE)


def age_in_days(time: str, now: datetime) -> float | None:
    """Days since an RFC 3339 time; None for what is none."""
    try:
        then = datetime.fromisoformat(time)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return (now - then).total_seconds() / 86400
