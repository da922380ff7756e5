"""The table of all gates as HTML: one row per gate of the record, whoever ran it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.evidence import tally, wording
from pytest_relgate.evidence.printable import BLOCK, LINE, printable
from pytest_relgate.evidence.tally import Standing
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_relgate.evidence.pytest_html_page import Result
    from pytest_relgate.model import Attempt, Judged, Record

COLUMNS = (("result", "State"), ("testId", "Gate"), ("", "Why"), ("duration", "Time"), ("", "Log"))
"""The columns: what pytest-html's script sorts by, and the heading."""

FILTERS = {
    "failed": "blocking",
    "error": "blocking, not judged",
    "xfailed": "waived or advisory",
    "skipped": "not due",
    "passed": "passed",
    "xpassed": "not a gate",
    "rerun": "reruns",
}
"""What pytest-html's script can filter by (it knows these seven), and what each is here."""

OUTPUT = 64 * 1024
"""Characters of a gate's output that its row holds; the whole is in its log."""

_MARKUP = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;", ord("'"): "&#39;"}
_LOG = re.compile(r"(?!.*\.\.)[\w.][\w./-]*", re.ASCII)
_LINK = re.compile(r"https://[\w.-]+(?::\d+)?(?:/[\w./?=&%#@~+,:-]*)?", re.ASCII)
_JUDGED_NOTHING = frozenset(
    (State.ERRORED, State.CRASHED, State.MISSING, State.INVALID, State.STALE, State.UNPLANNED),
)
_ORDER = (Standing.BLOCKS, Standing.TOLERATED, Standing.NOT_DUE, Standing.PASSED)


class Row(msgspec.Struct, frozen=True):
    """One row. ``cells`` are markup, every other text is as it stands; ``media`` are pictures of the test.

    ``filter`` is one of :data:`FILTERS`; ``duration`` is in pytest-html's words, which its script sorts by.
    """

    id: str
    filter: str
    cells: tuple[str, ...]
    detail: str
    duration: str
    media: tuple[tuple[str, str, str], ...] = ()


def esc(text: str, *, lines: bool = False) -> str:
    """Return what a person can see of any text, without its markup."""
    limit = OUTPUT if lines else BLOCK
    return printable(text, limit=limit, lines=lines).translate(_MARKUP)


def linked(place: str) -> str:
    """Return a place as markup: an https URL as a link that shows itself, anything else as it is."""
    shown = esc(place)
    return f'<a href="{shown}" rel="noreferrer">{shown}</a>' if _LINK.fullmatch(place) else shown


def log_link(log: str) -> str:
    """Return a link to a log in the evidence folder, and nothing for a path that leaves it."""
    return f'<a href="{esc(log)}">log</a>' if len(log) <= LINE and _LOG.fullmatch(log) else ""


def rows(record: Record, results: Mapping[str, Result]) -> list[Row]:
    """Return a row for each gate, what blocks first, with what pytest-html has to say of it.

    ``results`` are pytest-html's by node id. One that belongs to no gate (a module that could not be
    collected) gets a row of its own at the end, and says so.
    """
    names = tally.named(record)
    prefix = _prefix(record, results)
    ordered: dict[Standing, list[Row]] = {each: [] for each in _ORDER}
    known = set()
    for judged in record.verdict.gates:
        where = tally.standing(judged, names)
        node = prefix + judged.gate.id
        known.add(node)
        ordered[where].append(_row(judged, record, where, names, results.get(node)))
    strays = [_stray(node, result) for node, result in results.items() if node not in known]
    return [row for each in _ORDER for row in ordered[each]] + strays


def _prefix(record: Record, results: Mapping[str, Result]) -> str:
    """Return what stands before a gate's id in pytest's node ids: the path of the checks folder."""
    ids = {judged.gate.id for judged in record.verdict.gates}
    votes: dict[str, int] = {}
    for node in results:
        path = node.partition("::")[0]
        for end in (0, *(match.end() for match in re.finditer("/", path))):
            if node[end:] in ids:
                votes[node[:end]] = votes.get(node[:end], 0) + 1
    return max(votes, key=votes.__getitem__, default="")


def _row(
    judged: Judged, record: Record, where: Standing, names: frozenset[str], result: Result | None
) -> Row:
    gate = judged.gate
    seconds = judged.attempts[-1].seconds if judged.attempts else None
    title = f"<span>{esc(gate.title)}</span>" if gate.title else ""
    log = judged.attempts[-1].log if judged.attempts else ""
    detail = "\n".join(_detail(judged, record))
    if result and result.log:
        detail += f"\n\n{result.log}"
    return Row(
        id=printable(gate.id, limit=LINE),
        filter=_filter(judged, where),
        cells=(
            f'<td class="col-result">{judged.state}</td>',
            f'<td class="col-testId">{title}<code>{esc(printable(gate.id))}</code></td>',
            f'<td class="col-why">{esc(wording.why_in_words(judged, record, names))}</td>',
            f'<td class="col-duration">{duration(seconds)}</td>',
            f'<td class="col-links">{log_link(log)}</td>',
        ),
        detail=detail,
        duration=f"{round((seconds or 0) * 1000)} ms",
        media=result.media if result else (),
    )


def _filter(judged: Judged, where: Standing) -> str:
    match where:
        case Standing.BLOCKS:
            return "error" if judged.state in _JUDGED_NOTHING else "failed"
        case Standing.TOLERATED:
            return "xfailed"
        case Standing.NOT_DUE:
            return "skipped"
        case Standing.PASSED:
            return "passed"


def _stray(node: str, result: Result) -> Row:
    return Row(
        id=printable(node),
        filter="xpassed",
        cells=(
            '<td class="col-result">not a gate</td>',
            f'<td class="col-testId"><code>{esc(printable(node))}</code></td>',
            '<td class="col-why">pytest reported it, and the record has no gate of this name</td>',
            '<td class="col-duration"></td>',
            '<td class="col-links"></td>',
        ),
        detail=result.log,
        duration="0 ms",
        media=result.media,
    )


def _detail(judged: Judged, record: Record) -> Iterator[str]:
    gate = judged.gate
    proofs = judged.decision.proofs if judged.decision else ()
    kept = record.kept.get(gate.id)
    facts = (
        ("why", printable(judged.why, limit=BLOCK, lines=True)),
        ("test", printable(gate.where)),
        ("due", wording.conditions_in_words(gate.conditions) if gate.conditions else ""),
        *(("proof", wording.proof_in_words(proof)) for proof in proofs),
        *(("matched", printable(", ".join(proof.matched[:10]), limit=BLOCK)) for proof in proofs),
        ("advisory", "recorded and shown, never decides" if gate.advisory else ""),
        ("waiver", wording.waiver_in_words(judged.waiver) if judged.waiver else ""),
        ("kept", wording.kept_in_words(kept) if kept else ""),
        *(fact for attempt in judged.attempts for fact in _attempt(attempt)),
        ("do", printable(gate.remedy, limit=BLOCK)),
    )
    yield f"{judged.state}  {printable(gate.id)}"
    for label, words in facts:
        if words:
            yield f"{label:<10}{words}"


def _attempt(attempt: Attempt) -> Iterator[tuple[str, str]]:
    what = f"{attempt.number}: {wording.state_in_words(attempt.outcome)} at {printable(attempt.started)}"
    how = f"{duration(attempt.seconds)}, run {attempt.run}, worker {printable(attempt.worker)}"
    yield "attempt", f"{what}, {how}"
    yield "said", printable(attempt.message, limit=BLOCK, lines=True)
    yield "at", printable(attempt.where)


def duration(seconds: float | None) -> str:
    """Return a duration as people read it: ``0.4 s``, ``41 min``."""
    if seconds is None:
        return ""
    if seconds < 10:  # noqa: PLR2004  (below, a tenth is worth reading)
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
