"""What a checkpoint knows of a release, and what follows from it. Pure. SPEC S31, S32.

An anomaly is what no patience mends: a partial publish, a publish that failed (again), a build that proves
another source, a tag that moved or means two commits, evidence that was altered. A gate that has not passed
yet is none: which phase passed is for ``relgate verify`` to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from pytest_relgate.model import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

PHASES: Final = (Phase.PRERELEASE, Phase.BUILD, Phase.REHEARSAL, Phase.PUBLISH, Phase.POSTRELEASE)
LIVE: Final = "--release-mode live --release-agent NAME@HOST"
ALWAYS: Final = "this profile has every release rehearsed"
_GOOD: Final = (None, "success", "skipped", "neutral")


class PhaseFact(msgspec.Struct, frozen=True):
    """What the evidence of a phase comes to, verified for the commit under release.

    ``finding`` is the word of ``relgate verify``, empty where there is no evidence. ``when`` is RFC 3339,
    ``commit`` what it judged. ``live_left_out``: gates that only a live run has did not judge.
    """

    phase: Phase
    finding: str = ""
    when: str = ""
    commit: str = ""
    reason: str = ""
    live_left_out: bool = False


class RunFact(msgspec.Struct, frozen=True):
    """A run of the build or the publish workflow, as GitHub shows it now.

    ``red`` are its jobs that failed, ``reached`` the publishing jobs that succeeded.
    """

    kind: Literal["build", "rehearsal", "publish"]
    id: int
    url: str
    status: str
    conclusion: str | None
    attempt: int
    commit: str
    at: str
    red: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether it ended, and not well; a job that failed says so before the end."""
        return bool(self.red) or self.conclusion not in _GOOD

    @property
    def says(self) -> str:
        """How it stands, in a word or two."""
        return (self.conclusion or self.status or "unknown").replace("_", " ")


class ChannelFact(msgspec.Struct, frozen=True):
    """How a channel stands: serves, late, partial, missing, unknown, withdrawn or disagrees."""

    name: str
    state: str
    version: str
    since: str = ""


class Checkpoint(msgspec.Struct, frozen=True):
    """Everything that was seen of one release.

    ``checks`` is the checks folder, ``commit`` the one under release: the tag's, else HEAD. ``tag_there`` is
    the tag's commit on GitHub, empty where there is none and None where nobody could say; ``alike`` are other
    tags of the same version with their commits. ``provenance`` says what a build run proves that is not this
    release. ``rehearse`` says why the release must be rehearsed, empty where it is proved that it need not.
    ``incidents`` are what the channels' table calls so. ``unseen`` says what could not be looked at,
    and why.
    """

    checks: str
    target: str
    why: str
    repository: str
    branch: str
    head: str
    commit: str
    dirt: tuple[str, ...] = ()
    sandbox: bool = False
    tag_here: str = ""
    tag_there: str | None = None
    alike: tuple[tuple[str, str], ...] = ()
    phases: tuple[PhaseFact, ...] = ()
    runs: tuple[RunFact, ...] = ()
    channels: tuple[ChannelFact, ...] = ()
    incidents: tuple[str, ...] = ()
    provenance: str = ""
    unseen: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    rehearse: str = ALWAYS

    def newest(self, kind: str) -> RunFact | None:
        """The newest run of a kind."""
        mine = [run for run in self.runs if run.kind == kind]
        return max(mine, key=lambda run: (run.at, run.id), default=None)

    def phase(self, phase: Phase) -> PhaseFact:
        """What is known of a phase."""
        return next((one for one in self.phases if one.phase is phase), PhaseFact(phase))


class Anomaly(msgspec.Struct, frozen=True):
    """Something that no patience mends, in one line, with where to look and what to do."""

    name: str
    words: str
    where: str = ""
    do: str = ""


def anomalies(seen: Checkpoint) -> tuple[Anomaly, ...]:
    """Everything that is wrong, the worst first (SPEC S32)."""
    return (*_publish(seen), *_build(seen), *_tags(seen), *_evidence(seen))


def exit_status(seen: Checkpoint) -> int:
    """0 where nothing is wrong, 1 for an anomaly, 2 where not everything could be looked at."""
    if anomalies(seen):
        return 1
    return 2 if seen.unseen else 0


def _publish(seen: Checkpoint) -> Iterator[Anomaly]:
    run = seen.newest("publish")
    there = [one.name for one in seen.channels if one.state == "serves"]
    # What is on its way is no anomaly (DESIGN section 4): without a run that failed, time must be over too.
    lacking = [
        one.name
        for one in seen.channels
        if one.state in ("missing", "partial", "late") and one.since == "overdue"
    ]
    for words in seen.incidents:
        if words.startswith("bytes disagree"):
            do = "publish nothing more of it; file the incident, release under the next version"
            yield Anomaly("other bytes", words, run.url if run else "", do)
    for channel in seen.channels:
        told = any(f" {channel.name} " in words for words in seen.incidents)
        if channel.state in ("disagrees", "withdrawn") and not told:
            words = f"{channel.name} {channel.state}: {channel.version}"
            do = f"see how: {command(seen, Phase.POSTRELEASE)}"
            yield Anomaly(f"{channel.name} {channel.state}", words, run.url if run else "", do)
    if run is not None and run.commit != seen.commit:
        words = f"run {run.id} published {run.commit[:12]}, the release is {seen.commit[:12]}"
        yield Anomaly("published from another commit", words, run.url, "see what it published, and who moved")
    if run is None or not run.failed:
        if run is None and there and lacking:
            words = f"{', '.join(there)} serve it, {', '.join(lacking)} do not, and no publish run is known"
            yield Anomaly("partial publish", words, "", "find out who published it and from what")
        return
    reached = there or list(run.reached)
    name = "partial publish" if reached else "failed rerun" if run.attempt > 1 else "failed publish"
    again = f", attempt {run.attempt}," if run.attempt > 1 else ""
    words = f"run {run.id}{again} " + (
        f"failed in {', '.join(run.red)}" if run.red else f"ended as {run.says}"
    )
    if reached:
        words += f"; reached before: {', '.join(reached)}"
    yield Anomaly(
        name,
        words,
        run.url,
        f"see why: gh run view {run.id} --log-failed; mend the cause, then publish the rest: "
        f"{command(seen, Phase.PUBLISH)} --release-recover",
    )
    if reached and run.attempt > 1:
        yield Anomaly("failed rerun", f"attempt {run.attempt} of run {run.id} failed too", run.url)


def _build(seen: Checkpoint) -> Iterator[Anomaly]:
    run = seen.newest("build")
    if seen.provenance:
        do = f"publish nothing from it; build {seen.target} from {seen.commit[:12]}"
        yield Anomaly("provenance mismatch", seen.provenance, run.url if run else "", do)
    if run is not None and run.failed and run.attempt > 1:
        words = f"attempt {run.attempt} of build run {run.id} failed too: {', '.join(run.red) or run.says}"
        yield Anomaly("failed rerun", words, run.url, f"gh run view {run.id} --log-failed")


def _tags(seen: Checkpoint) -> Iterator[Anomaly]:
    here, there = seen.tag_here, seen.tag_there
    if here and there and here != there:
        words = f"{seen.target} is at {here[:12]} here and at {there[:12]} on GitHub"
        do = "a published tag never moves: git fetch --tags --force, or release under the next version"
        yield Anomaly("moved tag", words, do=do)
    for name, commit in seen.alike:
        if commit != seen.commit:
            words = f"{name} means the same version and is at {commit[:12]}, not at {seen.commit[:12]}"
            yield Anomaly("conflicting tags", words, do=f"take away the one that is wrong: git tag -d {name}")
    published = seen.phase(Phase.PUBLISH)
    tag = there or here
    if tag and published.finding == "STALE" and published.commit and published.commit != tag:
        words = (
            f"{seen.target} was published from {published.commit[:12]} and its tag is at {tag[:12]} by now"
        )
        yield Anomaly("moved tag", words, do="find out who moved it; release under the next version")


def _evidence(seen: Checkpoint) -> Iterator[Anomaly]:
    for one in seen.phases:
        if one.finding in ("TAMPERED", "REPLAYED"):
            words = f"the evidence of {one.phase} is not as it was sealed: {one.reason}"
            do = f"trust none of it; move it away and judge again: {command(seen, one.phase)}"
            yield Anomaly("altered evidence", words, do=do)


# -- what to type next ------------------------------------------------------------------------------------


def command(seen: Checkpoint, phase: Phase, *, live: bool = False) -> str:
    """The command of a phase."""
    words = f"pytest {seen.checks} -m {phase} --release-target {seen.target}"
    return f"{words} {LIVE}" if live or phase is Phase.PUBLISH else words


def next_step(seen: Checkpoint) -> tuple[str, str]:
    """What to do next: why in words, and the command (empty where there is none to type)."""
    wrong = anomalies(seen)
    if wrong:
        return f"{wrong[0].name}: nothing else before that is settled", wrong[0].do
    due = next((phase for phase in PHASES if _is_due(seen, phase)), None)
    if due is None:
        return f"nothing is left to do: {seen.target} is out, and every phase passed", ""
    return _before(seen, due) or (_why(seen.phase(due)), _due(seen, due))


def _is_due(seen: Checkpoint, phase: Phase) -> bool:
    done = seen.phase(Phase.PUBLISH).finding == "PASSED"  # which rests on a rehearsal, or on what spares one
    if phase is Phase.REHEARSAL and (done or not seen.rehearse):
        return False
    return seen.phase(phase).finding != "PASSED"


def _before(seen: Checkpoint, due: Phase) -> tuple[str, str] | None:
    """What must be done before the phase that is due can be judged; None for nothing."""
    if due.source and seen.dirt:
        return f"commit or restore what is not as committed: {', '.join(seen.dirt[:3])}", "git status"
    if due.source and seen.head != seen.commit:
        fetch = "git fetch --tags && " if seen.tag_there and not seen.tag_here else ""
        why = f"HEAD is not at {seen.target}: judge the release itself"
        return why, f"{fetch}git switch --detach {seen.target}"
    if due is Phase.BUILD and seen.tag_there == "" and not seen.sandbox:
        tag = "" if seen.tag_here else f"git tag -a {seen.target} {seen.commit[:12]} && "
        return f"{seen.target} is not on GitHub yet: push it", f"{tag}git push origin {seen.target}"
    if due is Phase.PUBLISH:
        earlier = (phase for phase in PHASES[:3] if seen.rehearse or phase is not Phase.REHEARSAL)
        lacking = next((phase for phase in earlier if seen.phase(phase).live_left_out), None)
        if lacking is not None:
            return f"{lacking} left out gates that only a live run has", command(seen, lacking, live=True)
    return None


def _due(seen: Checkpoint, due: Phase) -> str:
    waits = due is Phase.POSTRELEASE and seen.phase(due).finding == "PENDING"
    return command(seen, due) + (" --release-wait 20m" if waits else "")


def _why(one: PhaseFact) -> str:
    match one.finding:
        case "":
            return f"{one.phase} has not been judged"
        case "PENDING":
            return f"{one.phase} waits: {one.reason}"
        case _:
            return f"{one.phase} is {one.finding}: {one.reason}"
