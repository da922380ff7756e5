"""The permit to start a publish workflow: only the check of the whole chain makes one. SPEC S10, S37, S38."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, final

from pytest_relgate.errors import CannotJudge
from pytest_relgate.model import Mode, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.model import Earlier

_MADE_HERE: Final = object()


@final
class Permit:
    """Leave to start one run of the publish workflow, for one phase of one release at one commit.

    ``permit_for`` alone makes one. Whether the run is a rehearsal is no choice of anybody's: it follows
    from the phase, and there is no permit for the publish phase outside of a live run.
    """

    __slots__ = ("_build_run", "_commit", "_phase", "_target")

    def __init__(self, chain: Chain, leave: object = None) -> None:
        """Raises TypeError: ask ``permit_for``."""
        if leave is not _MADE_HERE:
            message = "a permit is made by permit_for alone"
            raise TypeError(message)
        self._phase, self._target, self._commit = chain.phase, chain.target, chain.commit
        self._build_run = chain.build_run

    @property
    def phase(self) -> Phase:
        """Rehearsal or publish."""
        return self._phase

    @property
    def target(self) -> str:
        """The tag."""
        return self._target

    @property
    def commit(self) -> str:
        """The commit of the tag, 40 hex digits."""
        return self._commit

    @property
    def build_run(self) -> int:
        """The build run to start from by name; 0 for the tag's."""
        return self._build_run

    @property
    def rehearsal(self) -> bool:
        """Whether the run must publish nothing."""
        return self._phase is not Phase.PUBLISH

    def __reduce__(self) -> NoReturn:
        """Raises TypeError: a permit is not copied, and does not leave the process."""
        message = "a permit is not copied"
        raise TypeError(message)


@dataclass(frozen=True)
class Chain:
    """What a permit hangs on, as it is at the moment of asking.

    ``agent_named`` is whether somebody was named on the command line; ``against`` holds in words what
    already rules PASSED out (a dirty tree, no lock, a moved HEAD); ``earlier`` is the evidence of the
    earlier phases. ``build_run`` is the build run that was named, 0 for the tag's; ``recover`` is whether
    the release is recovered. ``unrehearsed`` says why a rehearsal is needed, empty where it is proved that
    none is; None where the profile wants one always (SPEC S37).
    """

    phase: Phase
    target: str
    commit: str
    mode: Mode
    agent_named: bool
    locked: bool
    against: tuple[str, ...]
    earlier: tuple[Earlier, ...]
    build_run: int = 0
    recover: bool = False
    unrehearsed: str | None = None


def permit_for(chain: Chain) -> Permit:
    """Check the chain and make the permit.

    Raises CannotJudge, which names everything that is missing.
    """
    problems = tuple(_problems(chain))
    if problems:
        message = f"nothing was started: {'; '.join(words for words, _ in problems)}"
        raise CannotJudge(message, do=problems[0][1])
    return Permit(chain, _MADE_HERE)


def _problems(chain: Chain) -> Iterator[tuple[str, str]]:
    """What stands against it, each with what to do."""
    if chain.phase not in (Phase.REHEARSAL, Phase.PUBLISH):
        words = f"a run of {chain.phase} starts no workflow, only rehearsal and publish do"
        yield words, "move the gate to the phase that it belongs to"
        return
    if chain.phase is Phase.PUBLISH and chain.mode is not Mode.LIVE:
        yield "a dry run publishes nothing", "type --release-mode live --release-agent NAME@HOST"
    if chain.phase is Phase.PUBLISH and not chain.agent_named:
        yield "nobody is named who runs it", "type --release-agent NAME@HOST"
    if not chain.locked:
        yield "there is no plan", "type pytest --release-lock, review gates.lock and commit it"
    if not chain.target or len(chain.commit) not in (40, 64):
        yield "what is released is not known", "name the tag with --release-target"
    if chain.build_run and not chain.recover:
        words = f"a {chain.phase} takes the build of the tag, by its run only in recovery"
        yield words, "leave --release-build-run out, or type --release-recover beside it"
    for words in chain.against:
        yield words, "commit or restore it, then type the same command again"
    yield from _earlier_problems(chain)


def _earlier_problems(chain: Chain) -> Iterator[tuple[str, str]]:
    there = {one.phase: one for one in chain.earlier}
    for phase in chain.phase.requires:
        problem = _problem_of(chain, phase, there.get(phase))
        if problem is None:
            continue
        words, do = problem
        if phase is Phase.REHEARSAL and chain.unrehearsed is not None:
            if not chain.unrehearsed:
                continue
            words = f"a rehearsal is needed: {chain.unrehearsed}; {words}"
        yield words, do


def _problem_of(chain: Chain, phase: Phase, one: Earlier | None) -> tuple[str, str] | None:
    """What is wrong with the evidence of an earlier phase, and what to do; None for nothing."""
    again = f"type pytest -m {phase} --release-target {chain.target}"
    if one is None:
        return f"{phase} has no evidence", again
    if one.verdict != "PASSED" or one.problem:
        return f"{phase} has not passed: {one.problem or one.verdict}", again
    if one.commit != chain.commit:
        return f"{phase} passed on {one.commit[:12]}, this is {chain.commit[:12]}", again
    if phase is Phase.BUILD and one.build_run != chain.build_run:
        judged, this = (f"run {run}" if run else "the tag's run" for run in (one.build_run, chain.build_run))
        words = f"build passed for {judged}, this would start from {this}"
        named = f" --release-build-run {chain.build_run}" if chain.build_run else ""
        return words, f"{again}{named}"
    if chain.mode is Mode.LIVE and one.live_only_left_out:
        do = f"{again} --release-mode live --release-agent NAME@HOST"
        return f"{phase} left out gates that only a live run has", do
    return None
