"""The releases that are out, channel by channel: no version without a tag, and the other way round.

A version that nobody tagged was published by somebody else, or by mistake; a tag that is missing somewhere is
a publish that nobody finished. What was given up on purpose stands in the profile, with reason and successor.
SPEC S13, S56, S58.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from packaging.version import InvalidVersion
from packaging.version import Version as Pep440
from semver import Version

from pytest_relgate.errors import CannotJudge, NotYet
from pytest_relgate.source.ecosystems import pep440_of
from pytest_relgate.source.problem import Problem, none_of
from pytest_relgate.source.versions import names_a_release, tag_like, version_of_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pytest_relgate.channels.ledger import Ledger
    from pytest_relgate.profile.history import Abandoned

_PYTHON: Final = re.compile(r"([0-9.]+)(a|b|rc|\.dev)([0-9]+)")


@dataclass(frozen=True)
class History:
    """What every channel serves, against the tags.

    ``tags`` are those of the clone that is at hand, ``target`` is the release that is judged: what is above
    it is not out yet. ``asks_for`` asks the remote for a tag that the clone lacks, and raises CannotJudge
    where nobody can say. ``unknown`` are the channels that did not tell.
    """

    ledgers: Sequence[Ledger]
    unknown: Sequence[CannotJudge]
    tags: frozenset[str]
    target: str
    since: str
    abandoned: Sequence[Abandoned]
    asks_for: Callable[[str], bool]

    def has_no_rogue_version(self) -> Literal[True]:
        """Every version that a channel serves has a tag."""
        return self._none_of(self._rogue())

    def has_no_gap(self) -> Literal[True]:
        """Every tag is on every channel, save those that the profile calls abandoned."""
        __tracebackhide__ = True
        lacking = {ledger: self._lacking(ledger) for ledger in self.ledgers}
        self._none_of((*_gaps(lacking, self.target), *self._misstated()))
        for ledger, tags in lacking.items():
            if tags and ledger.mirror:
                message = f"{ledger.channel}, a mirror, lacks {', '.join(tags)}: the origin may have it"
                raise CannotJudge(message, where=ledger.where, do="ask the origin")
        late = [ledger.channel for ledger, tags in lacking.items() if self.target in tags]
        if late:
            message = f"{self.target}, the release itself, is not on {', '.join(late)} so far"
            raise NotYet(message, do="judge the channels of the release: pytest -m postrelease")
        return True

    def has_nothing_withdrawn(self) -> Literal[True]:
        """Nothing is yanked or deprecated that the profile does not call abandoned."""
        return self._none_of(self._withdrawn())

    def _none_of(self, problems: Iterable[Problem]) -> Literal[True]:
        __tracebackhide__ = True
        none_of(problems)
        for one in self.unknown:
            raise one
        if not self.ledgers:
            message = "no channel of the profile has a list of its versions"
            raise CannotJudge(message)
        return True

    # -- what is wrong ----------------------------------------------------------------------------------

    def _rogue(self) -> Iterator[Problem]:
        given_up = {one.tag for one in self.abandoned}
        for ledger in self.ledgers:
            known = {_spelled(tag, ledger.kind) for tag in self.tags | given_up}
            for number in ledger.versions:
                if (
                    number in known
                    or self._is_before(number)
                    or any(map(self.asks_for, self._tags_for(number)))
                ):
                    continue
                words = f"{ledger.channel} serves {number}, and there is no tag of it"
                do = "find out who published it and from what; yank it, or list it in [abandoned]"
                yield Problem(words, ledger.where, do)

    def _lacking(self, ledger: Ledger) -> list[str]:
        return [
            tag
            for tag in self._judged()
            if (spelled := _spelled(tag, ledger.kind))
            and spelled not in ledger.versions
            and not self._is_given_up(tag, ledger.channel)
        ]

    def _withdrawn(self) -> Iterator[Problem]:
        tags = self._judged()
        for ledger in self.ledgers:
            for tag in tags:
                said = ledger.versions.get(_spelled(tag, ledger.kind) or "", "")
                if said and not self._is_given_up(tag, ledger.channel):
                    words = f"{ledger.channel}: {tag} is {said}, and the profile does not call it abandoned"
                    do = "take that back, or list it in [abandoned] with the reason and its successor"
                    yield Problem(words, ledger.where, do)

    def _misstated(self) -> Iterator[Problem]:
        """What the profile says of abandoned releases and is not so."""
        for one in self.abandoned:
            successor, given_up = (version_of_tag(tag, like=self.target) for tag in (one.successor, one.tag))
            if one.successor not in self.tags and not self.asks_for(one.successor):
                yield Problem(
                    f"{one.tag} is abandoned for {one.successor}, and there is no such tag",
                    "",
                    "mend [abandoned]",
                )
            elif successor and given_up and successor <= given_up:
                words = f"{one.tag} is abandoned for {one.successor}, which does not come after it"
                yield Problem(words, "", "mend [abandoned]")

    # -- what is judged ---------------------------------------------------------------------------------

    def _judged(self) -> list[str]:
        """The release tags from ``since`` to the target, lowest first.

        Raises CannotJudge where the tags at hand are not those: a clone without them would judge nothing.
        """
        for tag in filter(None, (self.since, self.target)):
            if tag not in self.tags:
                message = f"the tag {tag} is not in this clone, so that nobody can say which releases are out"
                raise CannotJudge(message, do="git fetch --tags --unshallow, or --tags alone")
        read = {tag: version_of_tag(tag, like=self.target) for tag in self.tags}
        versions = {tag: version for tag, version in read.items() if version is not None}
        top = versions[self.target]
        return sorted(
            (
                tag
                for tag, one in versions.items()
                if one <= top and not self._is_before(tag.removeprefix("v"))
            ),
            key=lambda tag: (versions[tag], tag),
        )

    def _tags_for(self, number: str) -> list[str]:
        """The tags that may stand for a version, in either spelling, with a v where the target has one."""
        found = _PYTHON.fullmatch(number)
        if found is None:
            return [tag_like(self.target, number)]
        word = {"a": "alpha", "b": "beta"}.get(found[2], found[2].removeprefix("."))
        return [tag_like(self.target, f"{found[1]}-{word}{dot}{found[3]}") for dot in (".", "")]

    def _is_given_up(self, tag: str, channel: str) -> bool:
        return any(one.tag == tag and one.on(channel) for one in self.abandoned)

    def _is_before(self, number: str) -> bool:
        """Whether a version is older than the first that is judged, in either spelling."""
        if not self.since:
            return False
        try:
            return Version.parse(number) < Version.parse(self.since.removeprefix("v"))
        except ValueError:
            pass
        python = pep440_of(self.since.removeprefix("v"))
        try:
            return python is not None and Pep440(number) < Pep440(python)
        except InvalidVersion:
            return False


def _gaps(lacking: Mapping[Ledger, Sequence[str]], target: str) -> Iterator[Problem]:
    """Tags that a channel lacks; that of the release itself may still come."""
    for ledger, tags in lacking.items():
        earlier = [tag for tag in tags if tag != target]
        if earlier and not ledger.mirror:
            words = f"{ledger.channel} lacks {', '.join(earlier)}"
            do = "publish it there, or list it in [abandoned] with the reason and its successor"
            yield Problem(words, ledger.where, do)


def _spelled(tag: str, kind: str) -> str | None:
    """A tag's version as a kind of channel spells it; None where it is none, or has no spelling there."""
    if not names_a_release(tag):
        return None
    version = tag.removeprefix("v")
    return pep440_of(version) if kind == "pypi" else version
