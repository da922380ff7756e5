"""Four reports of one record: each is read back, and says what the record says."""

from __future__ import annotations

import html
import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pytest_relgate.evidence import wording
from pytest_relgate.evidence.printable import LINE, printable
from pytest_relgate.evidence.report_github import LINES, error_lines
from pytest_relgate.evidence.report_html import finish, standalone
from pytest_relgate.evidence.report_junit import RUN_CASE, junit
from pytest_relgate.evidence.report_markdown import markdown
from pytest_relgate.model import Record, State

if TYPE_CHECKING:
    from collections.abc import Callable

Rows = list[tuple[str, str]]


def states_of(record: Record, limit: int = LINE) -> Rows:
    return sorted((printable(each.gate.id, limit=limit), each.state) for each in record.verdict.gates)


def read_markdown(text: str) -> tuple[str, Rows]:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    words = ["".join(child.content for child in token.children or ()) for token in tokens]
    heading = next(words[place + 1] for place, token in enumerate(tokens) if token.type == "heading_open")
    rows: Rows = []
    for place, token in enumerate(tokens):
        if (
            token.type == "tr_open"
            and tokens[place + 1].type == "td_open"
            and len(row_of(tokens, place)) == 5
        ):
            state, gate, *_ = row_of(tokens, place)
            rows.append((gate, state))
    return heading.partition(" ")[0].strip(":"), sorted(rows)


def row_of(tokens: list, place: int) -> list[str]:
    cells = []
    for token in tokens[place:]:
        if token.type == "inline":
            cells.append("".join(child.content for child in token.children or ()))
        if token.type == "tr_close":
            break
    return cells


def read_junit(text: str) -> tuple[str, Rows, bool]:
    root = ET.fromstring(text)
    suite = root.find("testsuite")
    facts = {each.get("name"): each.get("value") for each in suite.findall("properties/property")}
    rows: Rows = []
    for case in suite.iter("testcase"):
        state = case.find("properties/property[@name='state']")
        if state is not None:
            group, name = case.get("classname"), case.get("name")
            rows.append((f"{group}::{name}" if group else name, state.get("value")))
        else:
            assert case.get("name") == RUN_CASE
    red = any(True for _ in root.iter("failure")) or any(True for _ in root.iter("error"))
    return facts["verdict"], sorted(rows), red


def read_html(page: str, seen: Callable) -> tuple[str, Rows, Rows]:
    parsed = seen(page)
    words = "".join(parsed.first_screen)
    assert re.findall(r"PASSED|BLOCKED", words)[0] == parsed.attribute("data-verdict")[0]
    drawn: Rows = []
    for blob in parsed.attribute("data-jsonblob"):
        tests = json.loads(blob)["tests"]
        for entries in tests.values():
            for entry in entries:
                state, gate, *_ = entry["resultsTableRow"]
                found = re.search(r"<code>(.*)</code>", gate)
                drawn.append((html.unescape(found[1]), re.sub("<[^>]*>", "", state)))
    real = [row for row in parsed.rows if row[1] != "not a gate"]
    return parsed.attribute("data-verdict")[0], sorted(real), sorted(d for d in drawn if d[1] != "not a gate")


def blocking_states(record: Record) -> list[str]:
    return sorted(reason.code for reason in record.verdict.reasons)


def assert_agreed(record: Record, page: str, seen: Callable) -> None:
    word = record.verdict.word
    assert read_markdown("".join(markdown(record))) == (word, states_of(record))
    verdict, rows, red = read_junit("".join(junit(record)))
    assert (verdict, rows) == (word, states_of(record, 3 * LINE))
    assert red == (word == "BLOCKED")
    for text, drawn_too in ((finish(page, record), True), (standalone(record), False)):
        verdict, rows, drawn = read_html(text, seen)
        assert (verdict, rows) == (word, states_of(record))
        assert drawn == (states_of(record) if drawn_too else [])
    lines = error_lines(record)
    assert bool(lines) == (word == "BLOCKED")
    if len(record.verdict.reasons) <= LINES:
        titles = [re.search(r"title=([A-Z_]+)%3A ", line)[1] for line in lines]
        assert sorted(titles) == blocking_states(record)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_report_disagrees_with_its_record(
    data: st.DataObject, records: st.SearchStrategy[Record], written_page: str, seen: Callable
) -> None:
    assert_agreed(data.draw(records), written_page, seen)


@pytest.mark.parametrize("name", ["passed", "blocked", "hostile"])
def test_no_report_disagrees_with_a_record_of_every_kind(
    name: str, request: pytest.FixtureRequest, written_page: str, seen: Callable
) -> None:
    assert_agreed(request.getfixturevalue(name), written_page, seen)


def test_every_state_has_a_row_in_the_record_that_these_tests_use(blocked: Record) -> None:
    assert {each.state for each in blocked.verdict.gates} == set(State)


def test_a_blocked_record_without_reasons_is_green_in_no_report(
    a_record: Callable, written_page: str, seen: Callable
) -> None:
    record = a_record()
    silent = type(record)(
        **{name: getattr(record, name) for name in record.__struct_fields__}
        | {"verdict": type(record.verdict)(passed=False, reasons=(), gates=())}
    )
    assert read_junit("".join(junit(silent)))[2]
    assert error_lines(silent)
    assert wording.sentence(silent).startswith("BLOCKED")
    assert read_html(finish(written_page, silent), seen)[0] == "BLOCKED"
