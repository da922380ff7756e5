"""What a gate can say of a channel, and of all of them together.

A fact that is as expected is given; one that is not raises: Finding (FAILED), NotYet (PENDING) or
CannotJudge (ERRORED), as it was judged, so that ``assert channel.version == release.version`` can fail for no
other reason than a wrong version.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from pytest_relgate.channels.agreement import disagreements, told
from pytest_relgate.channels.judge import Opinion, Standing
from pytest_relgate.channels.table import disagrees
from pytest_relgate.errors import CannotJudge, Finding, NotYet, RelgateError
from pytest_relgate.model import State
from pytest_relgate.source.problem import none_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_relgate.channels.history import History
    from pytest_relgate.channels.observation import Expectation, Observation
    from pytest_relgate.channels.opened import Opened
    from pytest_relgate.channels.poll import Settled
    from pytest_relgate.model import ChannelTable


@dataclass(frozen=True)
class ChannelFacts:
    """One channel, settled. ``name`` is the profile's; ``seen`` is the last observation."""

    name: str
    settled: Settled
    expectation: Expectation

    def __repr__(self) -> str:
        return f"<channel {self.name}>"

    @property
    def seen(self) -> Observation:
        """What was seen last."""
        return self.settled.seen

    @property
    def version(self) -> str:
        """The version that the channel serves for this release, as SemVer."""
        self._need(self.settled.judgement.version)
        found = self.seen.version
        return self.expectation.version if found == self.expectation.spelled else found

    @property
    def files(self) -> frozenset[str]:
        """The names of the release's files."""
        self._need(self.settled.judgement.files)
        return frozenset(file.name for file in self.seen.files)

    @property
    def digests(self) -> dict[str, str]:
        """The digests of what the channel serves, ``sha256:<hex>`` by file name."""
        self._need(self.settled.judgement.digests)
        found = {
            file.name: file.served.get("sha256") or file.stated.get("sha256", "") for file in self.seen.files
        }
        return {name: f"sha256:{digest}" for name, digest in found.items()}

    @property
    def flags(self) -> frozenset[str]:
        """The release's marks there: yanked, deprecated, draft, prerelease, withheld."""
        self._need(self.settled.judgement.flags)
        return self.seen.flags

    @property
    def provenance(self) -> bool:
        """Whether every file has provenance; what must have it and has not raises."""
        self._need(self.settled.judgement.provenance)
        return self.seen.provenance is True

    @property
    def serves(self) -> bool:
        """Whether the channel serves the release, as far as it is known. Judges nothing."""
        return self.settled.judgement.version.standing is Standing.SERVED

    def _need(self, opinion: Opinion) -> None:
        """Raise what the opinion stands for, unless the fact is as expected."""
        raised = self.raised_for(opinion)
        if raised is not None:
            raise raised

    def raised_for(self, opinion: Opinion) -> Exception | None:
        """What a gate raises that asks for the fact of this opinion; None where it is as expected."""
        where, do = self.seen.where, opinion.do
        match self.settled.judgement.state(opinion):
            case State.PASSED:
                return None
            case State.FAILED:
                return Finding(opinion.words, where=where, do=do)
            case State.PENDING:
                return NotYet(opinion.words, where=where, do=self._when() or do)
            case _:
                return CannotJudge(opinion.words, where=where, do=do)

    def _when(self) -> str:
        again = self.settled.again
        if not again:
            return ""
        return f"look again in {round(again)} s or later, or wait with --release-wait 20m"


class Channels:
    """All channels of the profile, settled. ``failed_jobs`` maps a channel to its publish job that failed.

    ``table`` is what reports show of them; ``opened`` opens their archives.
    """

    def __init__(
        self,
        facts: Mapping[str, ChannelFacts],
        failed_jobs: Mapping[str, str],
        table: ChannelTable | None = None,
        opened: Callable[[Channels], Opened] | None = None,
        history: Callable[[], History] | None = None,
    ) -> None:
        self._facts, self._failed_jobs, self.table = dict(facts), dict(failed_jobs), table
        self._open, self._ledgers = opened, history

    def __repr__(self) -> str:
        return f"<channels {', '.join(self._facts)}>"

    def __iter__(self) -> Iterator[ChannelFacts]:
        return iter(self._facts.values())

    def __getitem__(self, name: str) -> ChannelFacts:
        found = self._facts.get(name)
        if found is None:
            known = ", ".join(self._facts) or "none"
            message = f"the profile has no channel named {name}: it has {known}"
            raise RelgateError(message)
        return found

    @cached_property
    def opened(self) -> Opened:
        """The archives as they are served, opened: ``assert channels.opened.are_sound()``.

        ``hold_their_files()``, ``carry_their_licences()``, ``are_for_their_platforms()``,
        ``say_their_version()``. They are read again when a gate first asks.
        """
        if self._open is None:
            message = "nothing gives the archives of these channels"
            raise RelgateError(message)
        return self._open(self)

    @cached_property
    def history(self) -> History:
        """Every release that is out, on every channel: ``assert channels.history.has_no_gap()``.

        ``has_no_rogue_version()``, ``has_nothing_withdrawn()``. The lists are read when a gate first asks.
        """
        if self._ledgers is None:
            message = "nothing gives the history of these channels"
            raise RelgateError(message)
        return self._ledgers()

    def agree(self) -> Literal[True]:
        """One artifact has one digest wherever it is served or spoken of, the build included.

        Raises Finding with the file and who says what; NotYet or CannotJudge where there is no digest to
        compare, as what is there was judged.
        """
        said = told(self)
        none_of(disagreements(said))
        raised = [problem for one in self if (problem := one.raised_for(one.settled.judgement.version))]
        for kind in (CannotJudge, NotYet):
            for problem in raised:
                if isinstance(problem, kind):
                    raise problem
        if not said:
            message = "no file has its digest told by two places, so that nothing can be compared"
            raise CannotJudge(message)
        return True

    def have_their_provenance(self) -> Literal[True]:
        """Every file has provenance on the channels that the profile promises it for.

        Raises Finding, NotYet or CannotJudge, the worst of them, as it was judged; CannotJudge where the
        profile promises it for none.
        """
        mine = [one for one in self if one.expectation.provenance]
        if not mine:
            message = "the profile says of no channel that its files have provenance"
            raise CannotJudge(message, do="add provenance = true to [channels.NAME] of relgate.toml")
        raised = [problem for one in mine if (problem := one.raised_for(one.settled.judgement.provenance))]
        for kind in (Finding, CannotJudge, NotYet):
            for problem in raised:
                if isinstance(problem, kind):
                    raise problem
        return True

    @property
    def expected(self) -> frozenset[str]:
        """The names of all channels: a release is on every one of them or on none (SPEC S12)."""
        return frozenset(self._facts)

    @property
    def serving(self) -> frozenset[str]:
        """The names of the channels that serve the release: its version, and no other bytes than were built.

        Where they are not all, the others are named with their reasons. That is a finding where something
        is wrong or the job that should have published did not succeed; else it waits, or is unknown.
        """
        serving = frozenset(one.name for one in self if one.serves and not disagrees(one))
        rest = [one for one in self if not one.serves]
        wrong = [one for one in self if one.serves and disagrees(one)]
        if not rest and not wrong:
            return serving
        shown = f"{', '.join(sorted(serving)) or 'no channel'} of {len(self._facts)} serve the release"
        failed = [name for one in rest if (name := self._failed_jobs.get(one.name))]
        jobs = f"publish jobs that did not succeed: {', '.join(failed)}" if failed else ""
        reasons = "; ".join(one.settled.judgement.version.words for one in rest)
        if wrong:
            other = f"other bytes than were built: {', '.join(one.name for one in wrong)}"
            differing = "; ".join(one.settled.judgement.digests.words for one in wrong)
            found = "; ".join(filter(None, (shown, other, jobs, reasons, differing)))
            do = "nobody should install it: find out which bytes are right, and publish the next version"
            raise Finding(found, where=wrong[0].seen.where, do=do)
        if failed:
            found = f"{shown}; {jobs}; {reasons}"
            raise Finding(found, do="publish again for the same target; what is out stays out")
        raised = [one.raised_for(one.settled.judgement.version) for one in rest]
        found = f"{shown}; {reasons}"
        for kind in (Finding, CannotJudge, NotYet):
            worst = next((one for one in raised if isinstance(one, kind)), None)
            if worst is not None:
                raise kind(found, where=worst.where, do=worst.do)
        return serving
