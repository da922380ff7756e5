"""A candidate is slower where medians say so exactly and runs agree; what cannot be told never passes."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.errors import RelgateError
from pytest_relgate.source.benchmarks import (
    Comparison,
    Rules,
    Standing,
    Unclear,
    compare,
    read_run,
    said,
    table,
)
from pytest_relgate.source.benchmarks_runs import NAMES

DATA = Path(__file__).parents[1] / "data"
CORE = ("append", "multi_writer", "get_scan")
PLAIN = Rules("ms", ("bench",), noise_floor=Fraction("0.0001"))


def recorded() -> list[Any]:
    lines = (DATA / "bench_compare.jsonl").read_text("utf-8").splitlines()
    return [
        pytest.param(json.loads(line), id=f"{n}-{json.loads(line)['case']}") for n, line in enumerate(lines)
    ]


def rules_of(row: dict[str, Any]) -> Rules:
    given = row["params"]
    return Rules(
        "ms_per_msg",
        NAMES,
        CORE,
        Fraction(str(given["threshold"])),
        Fraction(str(given["noise"])),
        {"get_scan": Fraction(str(given["floor"]))},
        least=min(3, given["runs"]),  # the original asked for as many as it was told to
    )


def runs_of(side: list[Any], rules: Rules) -> list[Any]:
    texts = [one if isinstance(one, str) else json.dumps({"results": one}) for one in side]
    return [read_run(text, rules) for text in texts]


# Where the original was wrong, by case: what it must come to.
WRONG = {
    "base_missing_metric": Standing.NO_BASE,
    "current_null_metric": Standing.NO_METRIC,
    "current_string_metric": Standing.NO_METRIC,
    "scenario_disappears": Standing.VANISHED,
    "scenario_renamed_notes": Standing.VANISHED,
    "durability_differs": Standing.VANISHED,
    "pool_size_big": Standing.VANISHED,  # two sizes that it took for one
    "empty_results_current": Standing.VANISHED,
    "scenario_only_in_some_runs": Standing.FEW,
}
# What each of its answers may be here. A difference that it called a candidate only, one outlier hid, or
# nobody can tell. Where it rounded, a difference of 15 % exactly was none.
MAY_BE = {
    "regressed": {Standing.SLOWER},
    "noise_floor": {Standing.BELOW},
    "no_baseline": {Standing.BELOW},
    "candidate_regression": {Standing.SLOWER, Standing.NOISY},
    "ok": {Standing.SAME},
}


@pytest.mark.parametrize("row", recorded())
def test_as_the_original_where_it_was_right(row: dict[str, Any]) -> None:
    if row["params"]["threshold"] in (-5, ""):
        with pytest.raises((RelgateError, ValueError)):
            rules_of(row)
        return
    rules = rules_of(row)
    if row["case"] in ("invalid_json", "no_results_key"):
        with pytest.raises(Unclear):
            runs_of(row["current_runs"], rules)
        return
    found = compare(runs_of(row["base_runs"], rules), runs_of(row["current_runs"], rules), rules)
    if row["case"] in WRONG:
        assert {one.standing for one in (*found.failing, *found.undecided)} == {WRONG[row["case"]]}
        return
    told = {one["key"]: one["status"] for one in row.get("comparisons", ())}
    for one in found.rows:
        status = told.get(key_of(one.scenario))
        exact = status == "ok" and one.base.median * 115 == one.candidate.median * 100
        expected = MAY_BE["regressed" if exact else status] if status else {Standing.NEW, Standing.VANISHED}
        fast = one.scenario[0] == "get_scan" and one.base.times and one.base.median < rules.floors["get_scan"]
        if fast and (exact or status == "candidate_regression"):
            expected = {Standing.FLOOR}
        assert one.standing in expected
    assert found.failing or found.undecided or not found.compared or row["exit"] != 1


def key_of(scenario: tuple[str, ...]) -> str:
    fields = dict(part.split("=", 1) for part in scenario[1:])
    return (
        f"{scenario[0]}|dur={fields.get('durability', 'n/a')}|writers={fields.get('writers', 0)}"
        f"|payload={fields.get('payload_bytes', 0)}|pool={fields.get('pool_size', 0)}"
        f"|notes={fields.get('notes', 'n/a')}"
    )


def times(base: list[str], candidate: list[str], rules: Rules = PLAIN) -> Comparison:
    def runs(values: list[str]) -> list[Any]:
        return [read_run(f'{{"results": [{{"bench": "a", "ms": {value}}}]}}', rules) for value in values]

    return compare(runs(base), runs(candidate), rules)


@pytest.mark.parametrize(
    ("base", "candidate", "expected"),
    [
        (["1", "1", "1"], ["1.15"] * 3, Standing.SLOWER),  # as written, not as floats have it
        (["1", "1", "1"], ["1.1499999999999999999999"] * 3, Standing.SAME),
        (["0.1", "0.1", "0.3"], ["0.115"] * 3, Standing.SLOWER),  # the base's outlier hides nothing
        (["1", "1", "1", "5"], ["2"] * 4, Standing.SLOWER),
        (["1", "1", "1"], ["0.5", "2", "2"], Standing.SLOWER),  # nor does the candidate's
        (["1", "2", "3"], ["1.5", "2.5", "3.5"], Standing.NOISY),
        (["1", "1", "1"], ["1", "1", "2"], Standing.SAME),  # and none makes one
        (["1", "1", "9"], ["1", "1", "1"], Standing.SAME),
        (["1", "2", "4"], ["1", "2", "4"], Standing.SAME),
        (["1", "2", "4", "8"], ["1", "2", "4", "8"], Standing.NOISY),
        (["1", "1"], ["1", "1"], Standing.FEW),
        (["1", "1", "1"], ["2", "2"], Standing.FEW),
        (["null", "1", "1"], ["1", "1", "1"], Standing.NO_BASE),
        (["1", "1", "1"], ["1", "1", "true"], Standing.NO_METRIC),
        (["1", "1", "1"], ["1", "1", "-1"], Standing.NO_METRIC),
        (["1", "1", "1"], ["1", "1", "NaN"], Standing.NO_METRIC),
        (["1", "1", "1"], ["1", "1", "Infinity"], Standing.NO_METRIC),
        (["0", "0", "0"], ["1", "1", "1"], Standing.SLOWER),
        (["0.00005"] * 3, ["0.00009"] * 3, Standing.BELOW),
        (["0.00009"] * 3, ["0.0001"] * 3, Standing.SAME),
        (["1", "1", "1"], ["1", "1", "1e999999999"], Standing.NO_METRIC),
        (["1e-300"] * 3, ["1e300"] * 3, Standing.SLOWER),
    ],
)
def test_what_a_scenario_comes_to(base: list[str], candidate: list[str], expected: Standing) -> None:
    (row,) = times(base, candidate).rows
    assert row.standing is expected
    assert "a" in said(row, "v1.0.0")


def test_a_scenario_of_some_runs_only_has_too_few_of_them() -> None:
    some, none = read_run('{"results": [{"bench": "a", "ms": 1}]}', PLAIN), read_run('{"results": []}', PLAIN)
    for base, candidate in (([some] * 4, [*[some] * 3, none]), ([*[some] * 3, none], [some] * 4)):
        (row,) = compare(base, candidate, PLAIN).rows
        assert row.standing is Standing.FEW
        assert "3 of 4" in said(row, "v1.0.0")


def test_the_table_shows_every_scenario_those_that_are_wrong_first() -> None:
    def run(**values: float) -> Any:
        return read_run(json.dumps({"results": [{"bench": k, "ms": v} for k, v in values.items()]}), PLAIN)

    found = compare([run(same=1, slow=1, gone=1)] * 3, [run(same=1, slow=2, fresh=1)] * 3, PLAIN)
    assert [row.name for row in found.rows] == ["slow", "gone", "same", "fresh"]
    assert said(found.rows[0], "v1.0.0") == "slow is slower: 2 where v1.0.0 has 1 (+100.0 %)"
    text = table(found, "v1.0.0", "v1.1.0")
    assert "| slow | 1 | 3: 1 to 1 | 2 | 3: 2 to 2 | +100.0 % | slower |" in text
    assert "| gone | 1 | 3: 1 to 1 |  |  |  | vanished |" in text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"results": []}', {}),
        ('cargo: a stand-in\n{"results": [{"bench": "a", "ms": 1}]}\n[relgate] left behind\n', {("a",): [1]}),
        ('{broken\n{"results": [{"bench": "a", "ms": 0.5}]}', {("a",): [Fraction("0.5")]}),
    ],
)
def test_the_object_is_found_in_what_was_printed(text: str, found: dict[Any, Any]) -> None:
    assert read_run(text, PLAIN) == found


@pytest.mark.parametrize(
    "text", ["", "nothing", "[]", "{", '{"results": 1}', '{"results": [1]}', "x {}", "{}"]
)
def test_what_is_no_result_is_said(text: str) -> None:
    with pytest.raises(Unclear, match="expected"):
        read_run(text, PLAIN)


TIMES = st.lists(st.integers(1, 1000).map(str), min_size=3, max_size=7)


@given(TIMES, TIMES, st.integers(1, 50))
def test_what_is_slower_stays_so_when_it_is_slower_still(
    base: list[str], candidate: list[str], more: int
) -> None:
    """And no order of the runs, nor another unit, changes what they come to."""
    (row,) = times(base, candidate).rows
    (slower,) = times(base, [str(int(time) * more) for time in candidate]).rows
    if row.standing is Standing.SLOWER:
        assert slower.standing is Standing.SLOWER
    assert times(base[::-1], sorted(candidate)).rows == (row,)
    (scaled,) = times([f"{time}000" for time in base], [f"{time}000" for time in candidate]).rows
    assert scaled.standing is row.standing


@given(TIMES)
def test_the_same_times_are_never_slower(same: list[str]) -> None:
    (row,) = times(same, same).rows
    assert row.standing in (Standing.SAME, Standing.NOISY)
