"""The channel table: which channels serve the release, which do not, which disagree. Pure. SPEC S58."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_relgate.channels.judge import Standing
from pytest_relgate.model import ChannelLine, ChannelTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_relgate.channels.channels import ChannelFacts
    from pytest_relgate.channels.judge import Opinion

_WORDS: Final = {
    Standing.SERVED: "serves",
    Standing.LATE: "late",
    Standing.PARTIAL: "partial",
    Standing.ABSENT: "missing",
    Standing.UNKNOWN: "unknown",
    Standing.WITHDRAWN: "withdrawn",
    Standing.DIVERGED: "disagrees",
}
"""Best first: a channel stands as its worst fact."""

_WORST: Final = tuple(_WORDS)


def table_of(
    facts: Sequence[ChannelFacts],
    failed_jobs: Mapping[str, str],
    *,
    at: str,
    measured_by: str = "",
    weak: Sequence[str] = (),
) -> ChannelTable:
    """Put what was seen of each channel into a table.

    ``failed_jobs`` maps a channel that does not serve the release to its publish job that did not succeed,
    ``at`` is RFC 3339 in UTC.
    """
    return ChannelTable(
        at=at,
        lines=tuple(map(_line, facts)),
        measured_by=measured_by,
        weak=tuple(weak),
        incidents=(*_asymmetry(facts, failed_jobs), *_disagreements(facts)),
    )


def standing_of(one: ChannelFacts) -> Standing:
    """How a channel stands: as its worst fact does. Bytes that nobody can measure are said to be so apart.

    Files count where the profile says which there must be.
    """
    judgement = one.settled.judgement
    if not one.expectation.files:
        return max((judgement.version.standing, judgement.flags.standing), key=_WORST.index)
    measured = judgement.digests if judgement.digests.standing.wrong else judgement.files
    opinions = (judgement.version, judgement.files, judgement.flags, measured)
    return max((opinion.standing for opinion in opinions), key=_WORST.index)


def disagrees(one: ChannelFacts) -> bool:
    """Whether a channel serves other bytes than were built, seen twice."""
    judgement = one.settled.judgement
    return judgement.confirmed and judgement.digests.standing is Standing.DIVERGED


def _asymmetry(facts: Sequence[ChannelFacts], failed_jobs: Mapping[str, str]) -> list[str]:
    """Channels that lack what others serve, where no time will bring it."""
    serving = [one.name for one in facts if one.serves]
    if not serving:
        return []
    return [
        f"{one.name} lacks what {', '.join(serving)} already serve: its publish job "
        f"{failed_jobs[one.name]} did not succeed"
        for one in facts
        if not one.serves and one.name in failed_jobs
    ]


def _disagreements(facts: Sequence[ChannelFacts]) -> list[str]:
    return [f"bytes disagree: {one.settled.judgement.digests.words}" for one in facts if disagrees(one)]


def _line(one: ChannelFacts) -> ChannelLine:
    expected, seen = one.expectation, one.seen
    have = {file.name for file in seen.files}
    extra = len(have - expected.files)
    files = f"{len(have & expected.files)} of {len(expected.files)}"
    files += f", {extra} too much" if extra else ""
    if not expected.files:
        files = f"{len(have)}, none stated"
    return ChannelLine(
        channel=one.name,
        state=_WORDS[standing_of(one)],
        version=_version(one),
        files=files if seen.version else "not known" if _is_unknown(one) else "none",
        digests=_digests(one),
        since=_since(one),
    )


def _is_unknown(one: ChannelFacts) -> bool:
    """Whether nobody can say if the release is there."""
    return one.settled.judgement.version.standing is Standing.UNKNOWN and not one.seen.version


def _version(one: ChannelFacts) -> str:
    seen, wanted = one.seen, one.expectation.spelled
    if _is_unknown(one):
        return "not known"
    if not seen.version:
        return f"{seen.resolved or 'none'}, not {wanted}"
    if one.settled.judgement.version.standing is Standing.SERVED or seen.resolved in ("", seen.version):
        return seen.version
    return f"{seen.version}, gives {seen.resolved}"


def _digests(one: ChannelFacts) -> str:
    opinion: Opinion = one.settled.judgement.digests
    match opinion.standing:
        case Standing.SERVED:
            return "from checksums" if one.expectation.weak else "as built"
        case Standing.DIVERGED:
            return "not as built"
        case Standing.UNKNOWN:
            return "not known"
        case _ if not one.seen.version:
            return "none"
        case _:
            return "incomplete"


def _since(one: ChannelFacts) -> str:
    judgement = one.settled.judgement
    if judgement.overdue:
        return "overdue"
    if any(opinion.standing.waits for opinion in judgement.opinions):
        return "not overdue"
    published = one.seen.published
    return f"{published[:10]} {published[11:16]} UTC" if published and one.seen.version else ""
