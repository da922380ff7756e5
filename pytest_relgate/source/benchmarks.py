"""Whether a candidate is slower than the base, told from runs of both. Pure. SPEC S26.

The test: of each side the median counts, compared exactly and without rounding. A candidate is slower where
its median is at least the threshold above the base's, and where every run of it is slower than every run of
the base once one run is set aside, the base's slowest or the candidate's fastest: one outlier neither makes
nor hides a regression. Where the medians say slower and the runs do not, or where runs
of the same code lie further apart than any threshold could tell, nothing is proved and nothing may pass.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LEAST: Final = 3
"""Runs a side without which nothing is told."""

APART: Final = 4
"""Thresholds that runs of one side may lie apart, one of them set aside; beyond that the host is noisy."""


_MOST_DIGITS: Final = 400  # more than a float has: a time of 1e999999999 would take all memory


class Unclear(Exception):  # noqa: N818  (it carries words; who asked decides whose fault it is)
    """What a benchmark printed cannot be read; the text says what was expected and what was found."""


@dataclass(frozen=True)
class Rules:
    """What is compared and when it counts. Times are in the unit of ``metric``.

    ``names`` are the fields of a result that tell scenarios apart, the first of them the benchmark's name;
    ``only`` the benchmarks that count (all of them without any). ``threshold`` is in percent. Two medians
    below ``noise_floor`` are the same; ``floors`` are of single benchmarks: where the base's median is below,
    a difference is shown and decides nothing. Raises RelgateError for a threshold that is none.
    """

    metric: str
    names: tuple[str, ...]
    only: tuple[str, ...] = ()
    threshold: Fraction = Fraction(15)
    noise_floor: Fraction = Fraction(0)
    floors: Mapping[str, Fraction] = field(default_factory=dict)
    least: int = LEAST

    def __post_init__(self) -> None:
        if self.threshold <= 0 or self.noise_floor < 0:
            message = (
                "expected a threshold above 0 % and a noise floor of 0 or more, found "
                f"{shown(self.threshold)} % and {shown(self.noise_floor)}"
            )
            raise RelgateError(message)


class Standing(StrEnum):
    """What a scenario comes to."""

    SAME = "no slower"
    SLOWER = "slower"
    VANISHED = "vanished"
    NEW = "new"
    BELOW = "below the noise floor"
    FLOOR = "slower, on a base too fast to decide"
    NO_METRIC = "without its metric"
    NO_BASE = "without its metric at the base"
    FEW = "too few runs"
    NOISY = "too noisy to tell"

    @property
    def fails(self) -> bool:
        """Whether something is wrong with the candidate."""
        return self in (Standing.SLOWER, Standing.VANISHED, Standing.NO_METRIC)

    @property
    def undecided(self) -> bool:
        """Whether nothing is known, so that nothing may pass."""
        return self in (Standing.NO_BASE, Standing.FEW, Standing.NOISY)


Run = dict[tuple[str, ...], list[Fraction | None]]
"""What one run measured of each scenario; None is a result without the metric, or with no time in it."""


@dataclass(frozen=True)
class Side:
    """One side of a scenario: its times, sorted, and in how many runs of how many it was."""

    times: tuple[Fraction, ...]
    lacking: int
    seen: int
    runs: int

    @property
    def median(self) -> Fraction:
        """The median, exact; only where there are times."""
        middle = len(self.times) // 2
        if len(self.times) % 2:
            return self.times[middle]
        return (self.times[middle - 1] + self.times[middle]) / 2

    @property
    def spread(self) -> Fraction:
        """How far the times lie apart, the most extreme one set aside where there are enough."""
        if len(self.times) < LEAST:
            return Fraction(0)
        return min(self.times[-2] - self.times[0], self.times[-1] - self.times[1])


@dataclass(frozen=True)
class Row:
    """One scenario on both sides and what it comes to."""

    scenario: tuple[str, ...]
    base: Side
    candidate: Side
    standing: Standing

    @property
    def name(self) -> str:
        """The scenario in words."""
        return " ".join(part for part in self.scenario if part)

    @property
    def percent(self) -> str:
        """How much slower (with a minus, faster) the candidate is; empty where nothing can be compared."""
        if not (self.base.times and self.candidate.times and self.base.median):
            return ""
        change = (self.candidate.median / self.base.median - 1) * 100
        sign = "+" if change >= 0 else "-"  # a minus of its own: -0.04 is no +0.0
        return f"{sign}{_decimal(abs(change)):.1f} %"


@dataclass(frozen=True)
class Comparison:
    """Every scenario of either side, those that are wrong first."""

    rows: tuple[Row, ...]
    rules: Rules

    @property
    def failing(self) -> tuple[Row, ...]:
        """What is wrong with the candidate."""
        return tuple(row for row in self.rows if row.standing.fails)

    @property
    def undecided(self) -> tuple[Row, ...]:
        """What cannot be told."""
        return tuple(row for row in self.rows if row.standing.undecided)

    @property
    def compared(self) -> bool:
        """Whether any scenario is on both sides."""
        return any(row.standing not in (Standing.NEW, Standing.VANISHED) for row in self.rows)


def read_run(text: str, rules: Rules) -> Run:
    """Read what one run printed: a JSON object with ``results``, on lines of their own.

    Numbers are taken as they are written, so that no rounding decides. Raises Unclear.
    """
    document = _object_in(text)
    results = document.get("results")
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        message = f"expected an array of objects as results, found {type(results).__name__}"
        raise Unclear(message)
    run: Run = {}
    for one in results:
        if rules.only and one.get(rules.names[0]) not in rules.only:
            continue
        run.setdefault(_scenario(one, rules), []).append(_time(one.get(rules.metric)))
    return run


def compare(base: Sequence[Run], candidate: Sequence[Run], rules: Rules) -> Comparison:
    """Compare runs of the base with runs of the candidate, scenario by scenario."""
    scenarios = dict.fromkeys(name for run in (*base, *candidate) for name in run)
    rows = []
    for scenario in scenarios:
        sides = _side(base, scenario), _side(candidate, scenario)
        rows.append(Row(scenario, *sides, _standing(scenario[0], *sides, rules)))
    order = [*(one for one in Standing if one.fails), *(one for one in Standing if one.undecided)]
    rank = {standing: number for number, standing in enumerate(order)}
    return Comparison(tuple(sorted(rows, key=lambda row: rank.get(row.standing, len(order)))), rules)


def _standing(name: str, base: Side, candidate: Side, rules: Rules) -> Standing:  # noqa: PLR0911  (one for each)
    if not candidate.seen:
        return Standing.VANISHED
    if not base.seen:
        return Standing.NEW
    if base.lacking:
        return Standing.NO_BASE
    if candidate.lacking:
        return Standing.NO_METRIC
    if any(len(side.times) < rules.least or side.seen < side.runs for side in (base, candidate)):
        return Standing.FEW
    if max(base.median, candidate.median) < rules.noise_floor:
        return Standing.BELOW
    decides = base.median >= rules.floors.get(name, Fraction(0))
    if candidate.median * 100 >= base.median * (100 + rules.threshold):
        if not decides:
            return Standing.FLOOR
        return Standing.SLOWER if _is_apart(base, candidate) else Standing.NOISY
    far = any(side.spread * 100 > side.median * rules.threshold * APART for side in (base, candidate))
    return Standing.NOISY if far and decides else Standing.SAME


def _is_apart(base: Side, candidate: Side) -> bool:
    """Whether every run of the candidate is slower than every run of the base, one of them set aside."""
    if min(len(base.times), len(candidate.times)) < LEAST:
        return candidate.times[0] > base.times[-1]
    return candidate.times[0] > base.times[-2] or candidate.times[1] > base.times[-1]


def _side(runs: Sequence[Run], scenario: tuple[str, ...]) -> Side:
    found = [time for run in runs for time in run.get(scenario, ())]
    times = sorted(time for time in found if time is not None)
    return Side(tuple(times), len(found) - len(times), sum(scenario in run for run in runs), len(runs))


def _scenario(result: Mapping[str, Any], rules: Rules) -> tuple[str, ...]:
    first, *others = (result.get(name) for name in rules.names)
    told = [
        f"{name}={value}" for name, value in zip(rules.names[1:], others, strict=True) if value is not None
    ]
    return (str(first), *told)


def _time(value: object) -> Fraction | None:
    """A time as it is written; None for what is none, as no number, a negative one or NaN."""
    if not isinstance(value, (_Number, int)) or isinstance(value, bool):
        return None
    time = Decimal(str(value))
    if not time.is_finite() or time < 0 or abs(time.adjusted()) > _MOST_DIGITS:
        return None
    return Fraction(time)


class _Number(str):
    """A number of a JSON text with a point or an exponent, as it is written."""

    __slots__ = ()


def _object_in(text: str) -> dict[str, Any]:
    """The JSON object that an output holds, whatever lines stand around it."""
    decoder = json.JSONDecoder(parse_float=_Number, parse_constant=_Number)
    for at in _beginnings(text):
        try:
            document, _ = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            return document
    message = "expected a JSON object with results, found none in what the benchmark printed"
    raise Unclear(message)


def _beginnings(text: str) -> Iterator[int]:
    """Where a line begins with a brace."""
    at = 0 if text.startswith("{") else text.find("\n{") + 1
    while at or text[:1] == "{":
        yield at
        following = text.find("\n{", at)
        if following < 0:
            return
        at = following + 1


# -- for people


def shown(time: Fraction) -> str:
    """A time in few digits."""
    return f"{_decimal(time):.4g}"


def _decimal(number: Fraction) -> Decimal:
    """For showing: a float is not wide enough for all of them."""
    return Decimal(number.numerator) / Decimal(number.denominator)


def said(row: Row, base: str) -> str:  # noqa: PLR0911  (one for each standing)
    """What is to be said of one scenario; ``base`` is the base's tag."""
    match row.standing:
        case Standing.SLOWER:
            times = f"{shown(row.candidate.median)} where {base} has {shown(row.base.median)}"
            return f"{row.name} is slower: {times} ({row.percent})"
        case Standing.VANISHED:
            return f"{row.name} has vanished: {base} has it, the candidate has not"
        case Standing.NO_METRIC:
            return f"{row.name} has no time in {row.candidate.lacking} results of the candidate"
        case Standing.NO_BASE:
            return f"{row.name} has no time in {row.base.lacking} results of {base}"
        case Standing.FEW:
            before = f"{row.base.seen} of {row.base.runs} at {base}"
            now = f"{row.candidate.seen} of {row.candidate.runs} here"
            return f"{row.name} has too few runs to tell: {before}, {now}"
        case Standing.NOISY:
            return (
                f"{row.name} is too noisy to tell: {_range(row.base)} at {base}, {_range(row.candidate)} here"
            )
        case _:
            return f"{row.name} is {row.standing}"


def table(comparison: Comparison, base: str, candidate: str) -> str:
    """The comparison as Markdown, for the evidence."""
    rules = comparison.rules
    head = (
        f"# {candidate} against {base}\n\n"
        f"Medians of {rules.metric}. Slower is {shown(rules.threshold)} % or more, with every run apart once "
        f"one is set aside. Below {shown(rules.noise_floor)} two medians are the same.\n\n"
        f"| scenario | {base} | runs | {candidate} | runs | change | |\n|---|---:|---|---:|---|---:|---|\n"
    )
    lines = [
        f"| {_cell(row.name)} | {_median(row.base)} | {_range(row.base)} | {_median(row.candidate)} "
        f"| {_range(row.candidate)} | {row.percent} | {row.standing} |\n"
        for row in comparison.rows
    ]
    return head + "".join(lines)


def _median(side: Side) -> str:
    return shown(side.median) if side.times else ""


def _range(side: Side) -> str:
    return f"{len(side.times)}: {shown(side.times[0])} to {shown(side.times[-1])}" if side.times else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
