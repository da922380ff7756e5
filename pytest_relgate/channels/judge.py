"""What an observation means. Pure: no network, no clock, no disk.

Time alone never gives FAILED. What is wrong is FAILED only after a second look that went past caches;
what nobody can say is ERRORED and never taken for an absence. DESIGN section 4.

A mirror proves itself only: bytes, a file too much or a version that was withdrawn there are judged there,
and what it lacks, gives out of date or must not hand out is unknown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from pytest_relgate.channels.observation import Expectation, File, Observation, Presence
from pytest_relgate.model import State

USUAL: Final = {"npm": 7200.0, "pypi": 3600.0}
"""Seconds after the publish from which a channel is overdue; others from USUAL_ELSE. Never red by itself."""

USUAL_ELSE: Final = 1800.0

_WITHDRAWN: Final = ("yanked", "disabled", "deprecated", "draft", "withheld")


class Standing(StrEnum):
    """How one fact of a channel stands."""

    SERVED = "served"
    ABSENT = "absent"
    PARTIAL = "partial"
    LATE = "late"
    DIVERGED = "diverged"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"

    @property
    def waits(self) -> bool:
        """Whether the world may still catch up."""
        return self in (Standing.ABSENT, Standing.PARTIAL, Standing.LATE)

    @property
    def wrong(self) -> bool:
        """Whether no time mends it."""
        return self in (Standing.DIVERGED, Standing.WITHDRAWN)


class Opinion(msgspec.Struct, frozen=True):
    """How one fact stands, and why in one line. ``do`` is what to do; ``final``: waiting helps nothing."""

    standing: Standing
    words: str = ""
    do: str = ""
    final: bool = False


SERVED: Final = Opinion(Standing.SERVED)


class Judgement(msgspec.Struct, frozen=True):
    """How the facts of one channel stand. ``confirmed``: what is wrong was seen on a second look too.

    ``overdue`` says that the channel takes longer than it usually does. ``measured_by`` is where the expected
    digests are from, in words; a weaker source is called so there.
    """

    version: Opinion
    files: Opinion
    digests: Opinion
    flags: Opinion
    confirmed: bool = False
    overdue: bool = False
    measured_by: str = ""
    provenance: Opinion = SERVED

    @property
    def opinions(self) -> tuple[Opinion, ...]:
        """All of them."""
        return (self.version, self.files, self.digests, self.flags, self.provenance)

    @property
    def wrong(self) -> bool:
        """Whether something is wrong that no time mends."""
        return any(opinion.standing.wrong for opinion in self.opinions)

    @property
    def may_change(self) -> bool:
        """Whether waiting may change it: nothing is wrong, and something waits or could not be seen."""
        return not self.wrong and any(
            opinion.standing.waits or (opinion.standing is Standing.UNKNOWN and not opinion.final)
            for opinion in self.opinions
        )

    def state(self, opinion: Opinion) -> State:
        """The state of a gate that asks for the fact that this opinion is of."""
        match opinion.standing:
            case Standing.SERVED:
                return State.PASSED
            case Standing.ABSENT | Standing.PARTIAL | Standing.LATE:
                return State.PENDING
            case Standing.DIVERGED | Standing.WITHDRAWN:
                return State.FAILED if self.confirmed else State.PENDING
            case Standing.UNKNOWN:
                return State.ERRORED


def judge(seen: Observation, expected: Expectation, *, age: float | None, looked_twice: bool) -> Judgement:
    """Compare what was seen with what is expected.

    ``age`` is seconds since the publish, None where that is not known; it makes a channel overdue and
    decides nothing else. ``looked_twice`` says that this observation went past caches, after another
    that had shown something wrong.
    """
    usual = USUAL.get(seen.kind, USUAL_ELSE)
    overdue = age is not None and age > usual
    late = f"; overdue: it usually takes less than {_duration(usual)}" if overdue else ""
    if seen.mirror:  # what it must not hand out says nothing of the origin
        seen = msgspec.structs.replace(seen, flags=seen.flags - {"withheld"})
    version = _version(seen, expected)
    files = digests = flags = provenance = _nothing(seen, expected) if version.standing.wrong else version
    if seen.version:
        files, digests = _files(seen, expected), _digests(seen, expected)
        provenance = _provenance(seen, expected)
    if seen.version or seen.flags:
        flags = _flags(seen, expected)

    def said(opinion: Opinion) -> Opinion:
        waits = opinion.standing.waits
        return msgspec.structs.replace(opinion, words=opinion.words + late) if waits else opinion

    made = Judgement(
        said(version),
        said(files),
        said(digests),
        said(flags),
        confirmed=looked_twice,
        measured_by=expected.source,
        provenance=said(provenance),
    )
    still = any(opinion.standing.waits for opinion in made.opinions)
    return msgspec.structs.replace(made, overdue=overdue and still)


def _nothing(seen: Observation, expected: Expectation) -> Opinion:
    return Opinion(Standing.ABSENT, f"{seen.channel} does not have {expected.spelled}", _AGAIN)


_TO_MOVE_BACK: Final = {
    "npm": "move the dist-tag latest back to the last stable version",
    "github-release": "mark it as a prerelease: gh release edit --prerelease",
}
_AGAIN: Final = "look again later, or wait with --release-wait 20m"
_ORIGIN: Final = "ask the origin, or look again later"


def _version(seen: Observation, expected: Expectation) -> Opinion:  # noqa: C901, PLR0911  (a case each)
    place, wanted = seen.channel, expected.spelled
    if seen.presence is Presence.UNKNOWN:
        return Opinion(Standing.UNKNOWN, seen.problem or f"{place} could not be seen", seen.do, seen.final)
    if "withheld" in seen.flags:
        return _withdrawn(seen, expected, "withheld")
    if not seen.version:
        return _not_there(seen, expected)
    if expected.commit and seen.commit and seen.commit != expected.commit:
        words = f"{place} has {wanted} at the commit {seen.commit[:12]}, expected {expected.commit[:12]}"
        return Opinion(Standing.DIVERGED, words, "find out who moved the tag; release under the next version")
    for flag in ("yanked", "disabled", "draft"):
        if flag in seen.flags:
            return _withdrawn(seen, expected, flag)
    if expected.prerelease:
        if seen.resolved == wanted and seen.kind in _TO_MOVE_BACK and not seen.mirror:
            words = f"{place} gives {wanted}, a prerelease, to whoever names no version"
            return Opinion(Standing.DIVERGED, words, _TO_MOVE_BACK[seen.kind])
        return SERVED
    if seen.resolved == wanted or (not seen.resolved and seen.mirror):
        return SERVED
    if seen.mirror and (expected.newest or _older(seen.resolved, wanted)):
        words = f"{place}, a mirror, gives {seen.resolved} to whoever names no version"
        return Opinion(Standing.UNKNOWN, words, _ORIGIN)
    if seen.kind == "github-release" and seen.whole and expected.newest is not False:
        return _not_the_latest(seen, wanted)
    if not seen.resolved or _older(seen.resolved, wanted):
        gets = f"still {seen.resolved}" if seen.resolved else "nothing"
        words = f"{place} has {wanted}, and whoever names no version gets {gets}"
        return Opinion(Standing.LATE, words, _AGAIN)
    return _given_out_instead(seen, expected)


def _not_the_latest(seen: Observation, wanted: str) -> Opinion:
    """The newest stable release is out and another one is marked as the latest: that stays so by itself."""
    words = f"{seen.channel} has {wanted}, and marks {seen.resolved or 'none'} as the latest release"
    return Opinion(Standing.DIVERGED, words, f"gh release edit v{wanted} --latest")


def _given_out_instead(seen: Observation, expected: Expectation) -> Opinion:
    """What it means that whoever names no version gets one that is not older."""
    if expected.newest is None:
        return _later_or_not(seen)
    if not expected.newest:
        return SERVED
    words = f"{seen.channel} gives {seen.resolved} to whoever names no version, expected {expected.spelled}"
    return Opinion(Standing.DIVERGED, words, "find out who published it and from what")


def _not_there(seen: Observation, expected: Expectation) -> Opinion:  # noqa: PLR0911  (a case each)
    place, wanted = seen.channel, expected.spelled
    if seen.mirror:
        words = f"{place}, a mirror, does not have {wanted}: it may come, and the origin may have it"
        return Opinion(Standing.UNKNOWN, words, _ORIGIN)
    if not seen.resolved:
        return _nothing(seen, expected)
    if seen.resolved == wanted:
        return Opinion(Standing.PARTIAL, f"{place} points at {wanted}, and does not have it yet", _AGAIN)
    if _older(seen.resolved, wanted):
        words = f"{place} serves {seen.resolved} and not yet {wanted}"
        return Opinion(Standing.LATE, words, _AGAIN)
    if expected.newest is None:
        return _later_or_not(seen)
    if expected.newest:
        words = f"{place} serves {seen.resolved}, expected {wanted}: another or a newer version"
        return Opinion(Standing.DIVERGED, words, "find out who published it and from what")
    if seen.kind == "homebrew":
        words = f"{place} serves {seen.resolved} by now, and has one version at a time"
        return Opinion(Standing.UNKNOWN, words, "judge the newest release", final=True)
    return _nothing(seen, expected)


def _later_or_not(seen: Observation) -> Opinion:
    words = f"{seen.channel} serves {seen.resolved}, and nobody could say whether this project released it"
    return Opinion(Standing.UNKNOWN, words, "type git fetch --tags, then look again")


def _withdrawn(seen: Observation, expected: Expectation, flag: str) -> Opinion:
    said = "still a draft, which nobody sees" if flag == "draft" else flag
    words = f"{seen.channel}: {expected.spelled} is {said}"
    if flag == "draft" and not seen.whole:  # whoever publishes may be at work on it
        return Opinion(Standing.PARTIAL, words, _AGAIN)
    return Opinion(
        Standing.WITHDRAWN, words, "find out who did it and why; a release is replaced by the next"
    )


def _files(seen: Observation, expected: Expectation) -> Opinion:  # noqa: PLR0911  (a case each)
    place = f"{seen.channel} {expected.spelled}"
    if not expected.files:
        words = f"{place}: nothing says which files it must have"
        do = f"name them in relgate.toml: [artifacts] {seen.channel} = [...]"
        return Opinion(Standing.UNKNOWN, words, do, final=True)
    have = [file.name for file in seen.files]
    extra = sorted(set(have) - expected.files)
    missing = sorted(expected.files - set(have))
    twice = sorted({name for name in have if have.count(name) > 1})
    if extra or twice or seen.odd:
        problems = [*seen.odd, *(f"{name} is there and is not expected" for name in extra)]
        problems += [f"{name} is there twice" for name in twice]
        problems += [f"{name} is missing" for name in missing]
        return Opinion(Standing.DIVERGED, f"{place}: {'; '.join(problems)}", "find out who put it there")
    if seen.doubts:
        return Opinion(Standing.UNKNOWN, f"{place}: {'; '.join(seen.doubts)}", seen.do, final=True)
    if missing:
        words = f"{place} lacks {', '.join(missing)}"
        if seen.mirror:
            return Opinion(Standing.UNKNOWN, f"{words}, a mirror: it may come, or the origin has it", _ORIGIN)
        if seen.whole and seen.presence is Presence.COMPLETE:
            return Opinion(
                Standing.DIVERGED, f"{words}, and calls itself complete", "publish the next version"
            )
        return Opinion(Standing.PARTIAL, words, _AGAIN)
    if seen.presence is Presence.PARTIAL:
        return Opinion(Standing.PARTIAL, f"{place} is not finished by its own word", _AGAIN)
    return SERVED


def _digests(seen: Observation, expected: Expectation) -> Opinion:
    place = f"{seen.channel} {expected.spelled}"
    mine = [file for file in seen.files if file.name in expected.files]
    wrong = [words for file in mine if (words := _wrong_bytes(file, expected))]
    if wrong:
        do = "publish the next version from one build; nobody should install this"
        return Opinion(Standing.DIVERGED, f"{place}: {'; '.join(wrong)}", do)
    unread = [f"{file.name}: {file.unread}" for file in mine if file.unread]
    unread += [
        f"{file.name}: there are no bytes of it and no SHA-256"
        for file in mine
        if not file.unread and not (file.served.get("sha256") or file.stated.get("sha256"))
    ]
    if unread:
        return Opinion(Standing.UNKNOWN, f"{place}: {'; '.join(unread)}", "look again")
    bare = [file.name for file in mine if file.name not in expected.digests]
    if bare or not expected.files:
        names = ", ".join(bare) or "its files"
        words = f"{place}: nothing but the channel itself says what {names} must be{_asked(expected)}"
        return Opinion(Standing.UNKNOWN, words, "judge the build of this release first", final=True)
    missing = sorted(expected.files - {file.name for file in mine})
    if missing:
        lacks = Standing.UNKNOWN if seen.mirror else Standing.PARTIAL
        return Opinion(lacks, f"{place} lacks {', '.join(missing)}", _ORIGIN if seen.mirror else _AGAIN)
    return SERVED


def _asked(expected: Expectation) -> str:
    return f" ({expected.source})" if expected.source else ""


def _wrong_bytes(file: File, expected: Expectation) -> str:
    """Say what is wrong with a file's bytes, empty for nothing that is known."""
    right = expected.digests.get(file.name)
    served = file.served.get("sha256")
    found = served or file.stated.get("sha256")
    for name, digest in file.stated.items():
        if name in file.served and file.served[name] != digest:
            return f"{file.name} is served as other bytes than the channel states ({name} {_short(digest)})"
    if right and found and found != right:
        return f"{file.name} is not what was built: expected {_short(right)}, found {_short(found)}"
    return ""


def _short(digest: str) -> str:
    return f"{digest[:12]}..."


def _flags(seen: Observation, expected: Expectation) -> Opinion:
    by_right = expected.flags(seen.kind)
    for flag in _WITHDRAWN:
        if flag in seen.flags and flag not in by_right:
            return _withdrawn(seen, expected, flag)
    place = f"{seen.channel} {expected.spelled}"
    if extra := sorted(seen.flags - by_right):
        return Opinion(
            Standing.DIVERGED, f"{place} is marked {', '.join(extra)}, and is not", "take the mark off"
        )
    if lacking := sorted(by_right - seen.flags):
        return Opinion(Standing.DIVERGED, f"{place} is not marked {', '.join(lacking)}, and is", "mark it")
    return SERVED


def _provenance(seen: Observation, expected: Expectation) -> Opinion:
    """Whether what must have provenance has it: npm and PyPI take it with the files, and show it so."""
    place = f"{seen.channel} {expected.spelled}"
    if not expected.provenance or seen.provenance:
        return SERVED
    if seen.provenance is None:
        words = f"{place}: a mirror does not say whether there is provenance"
        return Opinion(Standing.UNKNOWN, words, _ORIGIN, final=True)
    words = f"{place} has no provenance of all its files, and the profile says that it has"
    return Opinion(
        Standing.DIVERGED, words, "find out who published it and how; publish the next version with it"
    )


def _older(found: str, wanted: str) -> bool:
    """Whether a version is certainly older; one that cannot be read is not.

    Spellings of SemVer and of PEP 440 are told apart by who can read them.
    """
    from packaging.version import InvalidVersion
    from packaging.version import Version as Pep440
    from semver import Version

    try:
        return Version.parse(found) < Version.parse(wanted)
    except ValueError:
        pass
    try:
        return Pep440(found) < Pep440(wanted)
    except InvalidVersion:
        return False


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"  # noqa: PLR2004  (3600 s are an hour)
