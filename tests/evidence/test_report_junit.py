"""The JUnit report: valid XML for any record, red whenever the verdict is."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_relgate.evidence.report_junit import ROWS, RUN_CASE, junit
from pytest_relgate.model import Judged, Reason, Record, State

if TYPE_CHECKING:
    from collections.abc import Callable

ERRORS = {State.ERRORED, State.CRASHED, State.MISSING, State.INVALID, State.STALE, State.UNPLANNED}


def suite_of(record: Record) -> ET.Element:
    # As bytes, with the encoding that the document declares.
    root = ET.fromstring("".join(junit(record)).encode("utf-8"))
    (suite,) = root.findall("testsuite")
    return suite


def outcome(case: ET.Element) -> str:
    return next((child.tag for child in case if child.tag != "properties"), "passed")


def by_state(record: Record) -> dict[str, list[ET.Element]]:
    cases: dict[str, list[ET.Element]] = {}
    for case in suite_of(record).iter("testcase"):
        state = case.find("properties/property[@name='state']")
        cases.setdefault("" if state is None else state.get("value"), []).append(case)
    return cases


def assert_counts(suite: ET.Element) -> None:
    cases = list(suite.iter("testcase"))
    outcomes = [outcome(case) for case in cases]
    assert suite.get("tests") == str(len(cases))
    assert suite.get("failures") == str(outcomes.count("failure"))
    assert suite.get("errors") == str(outcomes.count("error"))
    assert suite.get("skipped") == str(outcomes.count("skipped"))
    for case in cases:
        assert len([child for child in case if child.tag != "properties"]) <= 1


def test_each_state_is_a_failure_an_error_or_skipped(blocked: Record) -> None:
    cases = by_state(blocked)
    assert set(cases) == {*State, ""}
    for state in State:
        if state is State.PASSED:
            expected = "passed"
        elif state.passing:
            expected = "skipped"
        else:
            expected = "error" if state in ERRORS else "failure"
        assert outcome(cases[state][0]) == expected, state


def test_a_failed_advisory_gate_is_skipped_and_says_what_it_found(blocked: Record) -> None:
    (_, advisory) = by_state(blocked)[State.FAILED]
    assert outcome(advisory) == "skipped"
    said = advisory.find("skipped").get("message")
    assert said == "FAILED: advisory, does not decide: CHANGELOG.md still says unreleased"


def test_a_failure_tells_what_was_found_where_and_what_to_do(blocked: Record) -> None:
    failure = by_state(blocked)[State.FAILED][0].find("failure")
    assert failure.get("message") == "FAILED: 0.8.0"
    for words in (
        "bindings/node/native/Cargo.toml:3",
        'set version = "0.9.0" there',
        "test_2_versions.py:21",
    ):
        assert words in failure.text


def test_skipped_gates_say_why(blocked: Record) -> None:
    cases = by_state(blocked)
    assert "waived by ada for v0.9.0" in cases[State.WAIVED][0].find("skipped").get("message")
    assert "does not hold" in cases[State.NOT_TRIGGERED][0].find("skipped").get("message")


def test_a_kept_gate_is_there_and_says_since_when(passed: Record) -> None:
    (kept,) = [case for case in suite_of(passed).iter("testcase") if case.get("name") == "test_gate[g1]"]
    assert kept.find("properties/property[@name='kept']").get("value") == "2026-02-01T15:41:12Z"


def test_the_suite_names_verdict_target_and_commit(blocked: Record) -> None:
    facts = {each.get("name"): each.get("value") for each in suite_of(blocked).findall("properties/property")}
    assert facts["verdict"] == "BLOCKED"
    assert facts["target"] == "v0.9.0"
    assert facts["commit"] == blocked.subject.commit
    assert facts["locked"] == "false"


def test_facts_about_the_run_are_an_error_of_their_own(blocked: Record) -> None:
    (case,) = by_state(blocked)[""]
    assert (case.get("name"), outcome(case)) == (RUN_CASE, "error")
    assert "DIRTY_TREE" in case.find("error").text
    assert "git commit Cargo.lock" in case.find("error").text


def test_a_blocked_record_whose_gates_all_passed_is_red(passed: Record) -> None:
    reasons = (Reason(code="NO_LOCK", message="no gates.lock"),)
    verdict = msgspec.structs.replace(passed.verdict, passed=False, reasons=reasons)
    suite = suite_of(msgspec.structs.replace(passed, verdict=verdict))
    assert suite.get("errors") == "1"
    assert_counts(suite)


def test_a_reason_about_a_passed_gate_makes_its_case_red(a_record: Callable, a_gate: Callable) -> None:
    ours = a_gate()
    reason = Reason(code="LOOSENED", gate=ours.id, message="its limit was raised")
    suite = suite_of(a_record(Judged(gate=ours, state=State.PASSED), reasons=(reason,)))
    assert [outcome(case) for case in suite.iter("testcase")] == ["failure"]
    assert suite.find("testcase/failure").get("message") == "LOOSENED: its limit was raised"


def test_a_reason_about_a_gate_that_the_record_lacks_is_not_lost(a_record: Callable) -> None:
    suite = suite_of(a_record(reasons=(Reason(code="MISSING", gate="test_x.py::test_y", message="m"),)))
    assert suite.get("errors") == "1"
    assert "test_x.py::test_y" in suite.find("testcase/error").text


@pytest.mark.parametrize(
    ("name", "group", "case"),
    [
        (
            "test_1_core.py::TestCargo::test_gate[cargo-test]",
            "test_1_core.py::TestCargo",
            "test_gate[cargo-test]",
        ),
        ("a/test_x.py::test_y[b::c[d]]", "a/test_x.py", "test_y[b::c[d]]"),
        ("test_x.py", "", "test_x.py"),
        ("::odd", "", "::odd"),
        ("[::]", "", "[::]"),
        ("test_x.py::", "test_x.py", ""),
    ],
)
def test_group_and_name_joined_are_the_gate(
    name: str, group: str, case: str, a_record: Callable, a_gate: Callable
) -> None:
    (found,) = suite_of(a_record(Judged(gate=a_gate(id=name), state=State.PASSED))).iter("testcase")
    assert (found.get("classname"), found.get("name")) == (group, case)


def test_any_text_makes_valid_xml(hostile_of_one: Record, hostile: Record) -> None:
    assert_counts(suite_of(hostile_of_one))
    assert_counts(suite_of(hostile))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_counts_are_those_of_the_cases(data: st.DataObject, records: st.SearchStrategy[Record]) -> None:
    record = data.draw(records)
    suite = suite_of(record)
    assert_counts(suite)
    red = int(suite.get("failures")) + int(suite.get("errors"))
    assert bool(red) is not record.verdict.passed


def test_five_thousand_gates_come_in_small_chunks(many: Callable[[int], Record]) -> None:
    chunks = list(junit(many(5000)))
    assert max(chunk.count("<testcase ") for chunk in chunks) == ROWS
    assert sum(chunk.count("<testcase ") for chunk in chunks) == 5000
