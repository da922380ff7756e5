"""A checkpoint as a person reads it: at most 80 columns wide, what is wrong first, what to type last."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from pytest_relgate.evidence.printable import printable
from pytest_relgate.model import Phase
from pytest_relgate.status.checkpoint import PHASES, anomalies, exit_status, next_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.status.checkpoint import Checkpoint, RunFact

WIDTH: Final = 80
_LABEL: Final = 15
_HEAD: Final = {0: "NOTHING WRONG", 1: "ANOMALY", 2: "NOT ALL SEEN"}


def lines(seen: Checkpoint) -> Iterator[str]:
    """The checkpoint, line by line."""
    wrong = anomalies(seen)
    yield from _wrapped(
        f"{_HEAD[exit_status(seen)]}  {seen.target} of {seen.repository} @ {seen.commit[:12]}", "", "  "
    )
    for anomaly in wrong:
        yield from _folded("", f"{anomaly.name}: {anomaly.words}")
        if anomaly.where:
            yield f"    {printable(anomaly.where)}"
    yield ""
    yield from _row("Target", f"{seen.target} ({seen.why})")
    yield from _row("Tree", _tree(seen))
    yield from _row("Tag", _tag(seen))
    yield from _phases(seen)
    yield from _world(seen)
    for words in seen.unseen:
        yield from _row("Not seen", words)
    why, command = next_step(seen)
    yield ""
    yield from _row("Next", why)
    if command.startswith(("pytest", "git")):
        yield from _typed(command)
    elif command:  # in words, with a command at its end
        words, sign, typed = command.rpartition(": pytest ")
        yield from _folded("", f"{words}:" if sign else command)
        if sign:
            yield from _typed(f"pytest {typed}")


def _phases(seen: Checkpoint) -> Iterator[str]:
    for phase in PHASES:
        one = seen.phase(phase)
        if not one.finding:
            yield from _row(phase, "no evidence", *(_rehearse(seen) if phase is Phase.REHEARSAL else ()))
            continue
        reason = f": {one.reason}" if one.reason else ""
        yield from _row(phase, f"{one.finding:<10} {_moment(one.when)}  @ {one.commit[:12]}{reason}")


def _rehearse(seen: Checkpoint) -> Iterator[str]:
    """Whether the release must be rehearsed, and why."""
    if seen.rehearse:
        yield f"needed: {seen.rehearse}"
    else:
        yield "not needed: release machinery and credentials are as they were at the base"


def _world(seen: Checkpoint) -> Iterator[str]:
    asked = seen.tag_there is not None or bool(seen.runs)
    for kind in ("build", "rehearsal", "publish"):
        yield from _row(f"{kind} run", *(_run(seen.newest(kind)) if asked else ("not known",)))
    if seen.channels:
        width = max(len(one.name) for one in seen.channels)
        for number, channel in enumerate(seen.channels):
            since = f"  {channel.since}" if channel.since else ""
            words = f"{channel.name:<{width}}  {channel.state:<9}  {channel.version}{since}"
            yield from _row("" if number else "Channels", words)
    else:
        why = "see below" if seen.unseen else "nothing is known to be published"
        yield from _row("Channels", f"not looked at: {why}")


def _tree(seen: Checkpoint) -> str:
    where = f"{seen.branch or 'no branch'} @ {seen.head[:12]}"
    if seen.dirt:
        return f"{where}, not as committed: {', '.join(seen.dirt[:4])}"
    behind = f", not at {seen.target}" if seen.head != seen.commit else ""
    return f"{where}, as committed{behind}"


def _tag(seen: Checkpoint) -> str:
    here = f"here at {seen.tag_here[:12]}" if seen.tag_here else "not here"
    match seen.tag_there:
        case None:
            return f"{here}, on GitHub not known"
        case "":
            return f"{here}, not on GitHub"
        case commit:
            return f"{here}, on GitHub at {commit[:12]}"


def _run(run: RunFact | None) -> tuple[str, ...]:
    if run is None:
        return ("none that GitHub lists",)
    attempt = f", attempt {run.attempt}" if run.attempt > 1 else ""
    red = f": {', '.join(run.red)}" if run.red else ""
    return (f"{run.id}{attempt}  {_moment(run.at)}  {run.says}{red}", run.url)


def _moment(text: str) -> str:
    return f"{text[:10]} {text[11:16]} UTC" if text else "unfinished"


def _row(label: str, *texts: str) -> Iterator[str]:
    for number, text in enumerate(texts):
        lead = f"{'' if number else label.capitalize():<{_LABEL}}"
        yield from _wrapped(text, lead, " " * _LABEL)


def _folded(lead: str, text: str) -> Iterator[str]:
    yield from _wrapped(text, f"{lead}  ", f"{lead}    ")


def _typed(command: str) -> Iterator[str]:
    """A command over several lines as a shell takes it."""
    parts = textwrap.wrap(command, WIDTH - 6, break_long_words=False, break_on_hyphens=False)
    for number, part in enumerate(parts, start=1):
        yield ("  " if number == 1 else "      ") + part + (" \\" if number < len(parts) else "")


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        printable(text, limit=1000),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
