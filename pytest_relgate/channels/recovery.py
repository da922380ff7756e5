"""What a publish that failed has reached, looked at before the rest is published (SPEC S41)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.errors import CannotJudge, Finding, NotYet

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_relgate.channels.channels import ChannelFacts
    from pytest_relgate.channels.judge import Opinion
    from pytest_relgate.channels.outside import Outside


def served(outside: Outside, jobs: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Look at the channels that these jobs reach, and at no other.

    Return what is wrong on them, in words, and the names of those that serve what was built. One that
    shows nothing yet is neither. Raises CannotJudge where nobody can say.
    """
    channels = {name: one for name, one in outside.profile.channels.items() if one.job in jobs}
    profile = msgspec.structs.replace(outside.profile, channels=channels)
    there = replace(outside, profile=profile, attach=None, wait=0.0, _open=[])
    wrong: list[str] = []
    right: list[str] = []
    try:
        for one in there.channels:
            raised = [one.raised_for(opinion) for opinion in _of_its_bytes(one)]
            bad = [str(error) for error in raised if isinstance(error, Finding)]
            unknown = next((error for error in raised if isinstance(error, CannotJudge)), None)
            if bad:
                wrong += dict.fromkeys(bad)
            elif unknown is not None:
                raise unknown
            elif not any(isinstance(error, NotYet) for error in raised):
                right.append(one.name)
    finally:
        there.close()
    return tuple(dict.fromkeys(wrong)), tuple(right)


def _of_its_bytes(one: ChannelFacts) -> tuple[Opinion, ...]:
    """What of a channel says that it serves something else.

    The marks of a GitHub release (a draft, not the latest) are put right by what has not run yet, or by hand:
    where its tag is at the right commit they say nothing of what is in it.
    """
    judgement = one.settled.judgement
    if (
        one.seen.kind == "github-release"
        and one.seen.version
        and one.seen.commit in ("", one.expectation.commit)
    ):
        return judgement.files, judgement.digests
    return judgement.opinions
