"""What a person sees of a release run in the terminal: 80 columns, verdict first.

Words are those of the reports (``evidence.wording``), so that they cannot say different things.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from pytest_relgate.errors import RECOVERING
from pytest_relgate.evidence import blocking, channel_table, tally, wording
from pytest_relgate.evidence.printable import printable
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pytest

    from pytest_relgate.drilling import Outcome
    from pytest_relgate.evidence.blocking import Card
    from pytest_relgate.model import Record
    from pytest_relgate.session import ReleaseRun

WIDTH = 80
LABEL = 10
CARDS_SHOWN = 20
FOUND_LINES = 6


class Line(NamedTuple):
    """One line of text and how it is marked: a colour or ``bold``, or nothing."""

    text: str
    markup: str = ""


def show(config: pytest.Config, lines: Sequence[Line]) -> None:
    """Write lines to pytest's terminal, or to standard output where it has none."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        print("\n".join(line.text for line in lines))  # noqa: T201  (there is no other terminal)
        return
    reporter.ensure_newline()
    for line in lines:
        markup = dict.fromkeys(line.markup.split(), True)
        reporter.write_line(line.text, **markup)


# -- before the first gate ----------------------------------------------------------------------------


def header(run: ReleaseRun) -> list[Line]:
    """Confirm what is judged, what is kept, what will run, and what already rules PASSED out."""
    context, subject = run.prepared.context, run.prepared.subject
    left = f"relgate  {context.target}  {context.phase}  {context.mode}"
    if context.sandbox:
        left += "  sandbox"
    right = f"{subject.repository} @ {wording.short_commit(subject.commit)}"
    base = f"base {context.base} ({context.base_why})" if context.base else f"no base ({context.base_why})"
    lines = [
        Line(_two_sides(left, right), "bold"),
        *_wrapped(f"target from {context.target_why}   {base}"),
        *_wrapped(
            f"agent {context.agent} ({context.agent_why})   "
            f"tree {'dirty' if subject.dirty else 'clean'}   "
            f"checks {'not committed' if subject.checks_dirty else 'committed'}   "
            f"lock {'ok' if run.prepared.lock is not None else 'none'}"
        ),
        *_wrapped(_counts(run)),
    ]
    if context.reviewed_commit not in ("", subject.checks_commit):
        at = wording.short_commit(context.reviewed_commit)
        lines += _wrapped(f"waivers and sign-offs of {context.reviewed_why} @ {at}")
    lines += _sandbox(run)
    lines += _wrapped(run.prepared.rehearsal)
    for words in run.rules_out():
        lines += _wrapped(f"cannot pass: {words}", "yellow")
    return [*lines, Line("")]


def _sandbox(run: ReleaseRun) -> Iterator[Line]:
    """What of the sandbox is not as it is on other days: its faults, its stand-ins, what was done in it."""
    prepared = run.prepared
    if faults := prepared.context.faults:
        yield from _wrapped(f"faults: {', '.join(faults)}", "yellow")
    if tools := prepared.stand_ins:
        yield from _wrapped(f"stood in for, as this machine lacks them: {', '.join(tools)}", "yellow")
    for words in prepared.box.news() if prepared.box else ():
        yield from _wrapped(f"sandbox: {words}")


def _counts(run: ReleaseRun) -> str:
    gates = run.known_gates()
    if not gates:
        return "gates are counted when they are collected: there is no gates.lock yet"
    forecast = run.forecast()
    parts = [
        f"{len(forecast.kept)} kept from {forecast.kept_from}" if forecast.kept else "",
        f"{forecast.not_due} not due" if forecast.not_due else "",
        f"{forecast.to_run} to run" if forecast.to_run else "none to run",
        f"about {_duration(forecast.seconds)}" if forecast.seconds else "",
    ]
    narrowed = f" (narrowed: {run.prepared.request.narrowed})" if run.prepared.request.narrowed else ""
    return f"{wording.many(len(gates), 'gate')}: {', '.join(filter(None, parts))}{narrowed}"


def _duration(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004  (a minute and a half reads better in seconds)
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"


# -- after the last -----------------------------------------------------------------------------------


def closing(run: ReleaseRun) -> list[Line]:
    """The verdict, what blocks with what to do, the reports, and what to type next."""
    record = run.record
    if record is None:
        return []
    return list(_closing(record, run))


def _closing(record: Record, run: ReleaseRun) -> Iterator[Line]:
    verdict, colour = record.verdict, "green" if record.verdict.passed else "red"
    yield Line("")
    yield Line(f" {verdict.word} {record.context.target} ".center(WIDTH, "="), f"{colour} bold")
    yield from _sum(_where(record), _numbers(record))
    yield Line("")
    shown = blocking.cards(record)
    own = [card for card in shown if card.state != State.BLOCKED_BY]
    for card in own[:CARDS_SHOWN]:
        yield from _card(card)
    if len(own) > CARDS_SHOWN:
        yield Line(f"and {len(own) - CARDS_SHOWN} more: see the report")
        yield Line("")
    yield from _behind([card for card in shown if card.state == State.BLOCKED_BY])
    yield from _channels(record)
    yield from _remarks(record)
    for words in run.prepared.box.news() if run.prepared.box else ():
        yield from _paragraph("Note", words)
    folder = record.folder
    for number, words in enumerate(filter(None, wording.build_in_words(record).split(", http"))):
        yield Line(f"{'' if number else 'Build':<{LABEL}}{'http' if number else ''}{words}")
    if run.digest:
        report = "report.html" if (run.folder.path / "report.html").exists() else "report.md"
        yield Line(f"{'Report':<{LABEL}}{folder}/{report}")
        if any(card.log for card in own):
            yield Line(f"{'Logs':<{LABEL}}{folder}/logs/")
        yield from _typed("Check", wording.verify_command(record, short=True))
        yield Line(f"{'Head':<{LABEL - 1}}{run.digest}")  # 71 characters: to fit in 80
    for words in run.incidents:
        yield from _paragraph("Incident", words)
    if run.incidents:
        live = "" if record.context.mode == "live" else " --mode live"
        yield from _typed("File it", f"relgate incident file {folder}{live}")
    yield from _next(record)


def _channels(record: Record) -> Iterator[Line]:
    """The channel table, where not everything is well."""
    if record.channels is None or record.verdict.passed:
        return
    for text in channel_table.lines(record.channels):
        yield Line(text)
    for words in record.channels.incidents:
        yield from _paragraph("Incident", printable(words))
    yield Line("")


def _where(record: Record) -> str:
    word = wording.where_in_words(record.context)
    return f"{record.context.phase}{word} @ {wording.short_commit(record.subject.commit)}"


def _numbers(record: Record) -> str:
    count = tally.counts(record)
    parts = [
        f"{count.passed} passed",
        f"{count.not_due} not due" if count.not_due else "",
        f"{count.waived} waived" if count.waived else "",
        f"{count.advisory} advisory red" if count.advisory else "",
        f"{count.blocking + count.run} blocking" if count.blocking + count.run else "",
    ]
    return "   ".join(filter(None, parts))


def _card(card: Card) -> Iterator[Line]:
    head = f"{card.state:<{LABEL - 2}}  "
    if card.where:
        yield Line(_two_sides(_cut(head + card.title, WIDTH - len(card.where) - 2), card.where), "bold")
    else:
        for part in _fold(card.title, WIDTH - len(head)):
            yield Line(head + part, "bold")
            head = " " * len(head)
    yield from _labelled("gate", [card.gate] if card.gate and card.gate != card.title else [])
    found = card.history if card.state == State.FLAKY and card.history else card.found
    rows = [line for line in found.splitlines() if line.strip()]
    if len(rows) > FOUND_LINES:  # a command's output is told at its end, an assertion at its beginning
        rows = [rows[0], *rows[1 - FOUND_LINES :]] if card.log else rows[:FOUND_LINES]
    if card.place and card.place != card.log:
        rows.append(card.place)
    yield from _labelled("saw" if card.state == State.FLAKY else "found", rows)
    yield from _labelled("do", [card.do] if card.do else [])
    yield from _labelled("log", [card.log] if card.log else [])
    yield Line("")


def _behind(cards: Sequence[Card]) -> Iterator[Line]:
    """The gates that did not run because one before them did not pass: that one has its card."""
    held: dict[str, list[str]] = {}
    for card in cards:
        held.setdefault(card.found, []).append(card.title)
    for found, titles in held.items():
        which = "gate that comes" if len(titles) == 1 else "gates that come"
        yield Line(f"{State.BLOCKED_BY}  {len(titles)} {which} later in its sequence", "bold")
        yield from _labelled("found", [line for line in found.splitlines() if line.strip()])
        yield from _labelled("gates", titles[:CARDS_SHOWN])
        if len(titles) > CARDS_SHOWN:
            yield from _labelled("", [f"and {len(titles) - CARDS_SHOWN} more: see the report"])
        yield Line("")


def _labelled(label: str, rows: Sequence[str]) -> Iterator[Line]:
    for number, row in enumerate(rows):
        lead = f"  {label if number == 0 else '':<{LABEL - 2}}"
        for part in _fold(row, WIDTH - LABEL):
            yield Line(lead + part)
            lead = " " * LABEL


def _remarks(record: Record) -> Iterator[Line]:
    not_due = [
        printable(judged.gate.title or judged.gate.id)
        for judged in record.verdict.gates
        if judged.state is State.NOT_TRIGGERED
    ]
    advisory = [
        f"{printable(judged.gate.title or judged.gate.id)} ({judged.state})"
        for judged in record.verdict.gates
        if judged.gate.advisory and not judged.state.passing
    ]
    for title, words in wording.signed_off(record):
        yield from _paragraph("Signed", f"{title}: {words}")
    if not_due:
        yield from _paragraph("Not due", f"{', '.join(not_due)} (see the report)")
    if advisory:
        yield from _paragraph("Advisory", ", ".join(advisory))
    for title, words in wording.waived(record):
        yield from _paragraph("Waived", f"{title}: {words}")
    for words in record.set_aside:
        yield from _paragraph("Set aside", printable(words))
    for words in record.verdict.notes:
        yield from _paragraph("Note", printable(words))


def _next(record: Record) -> Iterator[Line]:
    verdict = record.verdict
    if verdict.passed:
        return
    if record.context.faults:
        words, command = "without the fault:", record.command.partition(" --release-repo ")[0]
    elif verdict.only_pending:
        words, command = "nothing to mend; look again later with the same command:", record.command
    elif any(RECOVERING in reason.remedy for reason in verdict.reasons):
        words, command = "mend what is named above, then recover:", f"{record.command} --release-recover"
    else:
        words, command = "mend what is named above, then the same command:", record.command
    yield Line(f"{'Next':<{LABEL}}{words}")
    yield from _typed("", command)


def tell_github(config: pytest.Config, run: ReleaseRun, environ: Mapping[str, str]) -> None:
    """In GitHub Actions: the job summary, and an ``::error`` line per blocking gate."""
    if environ.get("GITHUB_ACTIONS") != "true" or run.record is None:
        return
    from pytest_relgate.evidence.report_github import error_lines, write_summary

    lines = [Line(line) for line in error_lines(run.record)]
    summary = environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        note = write_summary(run.record, summary)
        lines += [Line(note)] if note else []
    show(config, lines)


def drilled(outcome: Outcome) -> list[Line]:
    """What a drill came to: each fault and gate, then the sum and the gates that are not proved."""
    return list(_drilled(outcome))


def _drilled(outcome: Outcome) -> Iterator[Line]:
    yield Line("")
    for trial in outcome.trials:
        proved = trial.answer == "proved"
        yield Line(f"{trial.answer.upper():<{LABEL - 2}}  {trial.fault}", "" if proved else "red bold")
        yield from _labelled("gate", [printable(trial.gate)])
        yield from _labelled("fault", [outcome.lines[trial.fault]])
        said = ": ".join(filter(None, [trial.seen.state or "not judged", printable(trial.seen.words)]))
        yield from _labelled("said", [_cut(said, 3 * (WIDTH - LABEL))])
    drill = outcome.drill
    colour = "green" if outcome.proves else "red"
    yield Line("")
    yield Line(f" {wording.drill_in_words(drill).partition(',')[0]} ".center(WIDTH, "="), f"{colour} bold")
    for gate, why in drill.unproved.items():
        yield from _paragraph("unproved", f"{printable(gate)}: {printable(why)}")
    yield Line(f"{'Report':<{LABEL}}{outcome.folder / 'drill.md'}")
    yield Line(f"{'Logs':<{LABEL}}{outcome.folder / 'logs'}")


def _sum(where: str, numbers: str) -> Iterator[Line]:
    """What was judged and the counts: on one line where that is wide enough."""
    if len(where) + len(numbers) + 2 <= WIDTH:
        yield Line(_two_sides(where, numbers))
        return
    yield from _wrapped(where)
    yield from _wrapped(numbers)


# -- text ----------------------------------------------------------------------------------------------


def _two_sides(left: str, right: str) -> str:
    gap = WIDTH - len(left) - len(right)
    return f"{left}{' ' * gap}{right}" if gap > 1 else f"{left}  {right}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _fold(text: str, width: int) -> list[str]:
    """Fold at spaces; a path or a command without any stays whole, so that it can be copied."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def _wrapped(text: str, markup: str = "") -> list[Line]:
    return [Line(part, markup) for part in _fold(text, WIDTH)]


def _typed(label: str, command: str) -> Iterator[Line]:
    """A command to type; one that is too long on several lines, as a shell takes them."""
    rows = _fold(command, WIDTH - LABEL)
    if len(rows) > 1:  # an option stays with its value
        together = re.sub(r"(--[a-z-]+) (?=[^- ])", "\\1\0", command)
        rows = [row.replace("\0", " ") for row in _fold(together, WIDTH - LABEL - 4)]
    if len(rows) > 1 and not _same_words(rows, command):  # a name with a blank in it would be broken
        rows = [command]
    lead = f"{label:<{LABEL}}"
    for number, row in enumerate(rows, start=1):
        more = " \\" if number < len(rows) else ""
        yield Line(f"{lead}{row}{more}")
        lead = " " * (LABEL + 2)


def _same_words(rows: Sequence[str], command: str) -> bool:
    import shlex

    try:
        return [word for row in rows for word in shlex.split(row)] == shlex.split(command)
    except ValueError:  # a quotation that is open
        return False


def _paragraph(label: str, text: str) -> Iterator[Line]:
    lead = f"{label:<{LABEL}}"
    for part in _fold(text, WIDTH - LABEL):
        yield Line(lead + part)
        lead = " " * LABEL
