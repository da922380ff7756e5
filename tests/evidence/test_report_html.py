"""The HTML report: pytest-html's page with the record's own rows, and nothing hostile in it alive."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_relgate.evidence.report_html import finish, first_screen, standalone
from pytest_relgate.model import ChannelLine, ChannelTable, Judged, Reason, Record, State

if TYPE_CHECKING:
    from collections.abc import Callable

# Everything that the page is made of. A hostile text that became an element would add to it.
ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "h3", "strong", "p",
    "span", "dl", "div", "dt", "dd", "details", "summary", "section", "article", "pre", "code", "a", "b",
    "ul", "li", "label", "input", "button", "table", "thead", "tbody", "tr", "th", "td", "template",
    "img", "video", "source", "br", "footer", "script",
}  # fmt: skip
OTHER_MAKE = "<!-- relgate: pytest-html's page was not recognised"


def blob_of(page: str, seen: Callable) -> dict:
    (blob,) = seen(page).attribute("data-jsonblob")
    return json.loads(blob)


def entry_of(page: str, seen: Callable, gate: str) -> dict:
    (entry,) = blob_of(page, seen)["tests"][gate]
    return entry


def alone(record: Record, _: str) -> str:
    return standalone(record)


def with_pytest_html(record: Record, written: str) -> str:
    return finish(written, record)


@pytest.fixture(params=[with_pytest_html, alone])
def make(request: pytest.FixtureRequest) -> Callable[[Record, str], str]:
    return request.param


def test_the_first_screen_stands_first_and_needs_no_script(
    make: Callable, blocked: Record, written_page: str, seen: Callable
) -> None:
    page = make(blocked, written_page)
    assert re.search(r"<body>\s*<main", page)
    said = " ".join("".join(seen(page).first_screen).split())
    for words in (
        "BLOCKED: 12 of 16 gates and 1 fact about the run block v0.9.0 in prerelease",
        blocked.subject.commit,
        "dry-run",
        "ada@laptop (--release-agent)",
        "v0.8.0 (last stable)",
        "dirty: Cargo.lock",
        "FAILED every manifest says 0.9.0",
        "bindings/node/native/Cargo.toml:3",
        'set version = "0.9.0" there and commit',
        "15:41 failed, 15:58 passed, same tree",
        "the tree is not as committed: Cargo.lock",
        "waived by ada for v0.9.0 until 2026-02-14 00:00 UTC",
        "self-approved",
        "due when benchmarks changed (src/storage/**, benches/**): does not hold",
        "installs on macOS and Windows: no evidence from there",
        "maxfail = 1 of pyproject.toml: every gate judges",
        "waiver for test_old: not used",
        f"relgate verify release-evidence/v0.9.0/prerelease --commit {blocked.subject.commit}",
    ):
        assert words in said, words


def test_each_blocking_gate_has_a_card(blocked: Record, seen: Callable) -> None:
    states = seen(first_screen(blocked)).attribute("data-state")
    assert sorted(states) == sorted(reason.code for reason in blocked.verdict.reasons)


def test_the_channel_table_has_its_place(passed: Record, seen: Callable) -> None:
    row = ChannelLine("npm", "serves", "0.9.0", "1 of 1", "as built", "<b>latest</b>")
    table = ChannelTable("2026-11-22T16:02:00Z", (row,))
    page = seen(standalone(msgspec.structs.replace(passed, channels=table)))
    assert page.tags()["table"] == 3
    assert "<b>latest</b>" in page.words
    assert seen(standalone(passed)).tags()["table"] == 2


@pytest.mark.parametrize(
    ("codes", "mood"), [(["FAILED"], "blocked"), (["PENDING"], "pending"), (["PENDING", "FACT"], "blocked")]
)
def test_a_release_that_only_waits_does_not_look_bad(
    codes: list[str], mood: str, a_record: Callable, a_gate: Callable
) -> None:
    ours = a_gate()
    reasons = tuple(Reason(code=code, gate="" if code == "FACT" else ours.id, message="m") for code in codes)
    state = State(codes[0])
    screen = first_screen(a_record(Judged(gate=ours, state=state), reasons=reasons))
    assert f"relgate-{mood}" in screen
    assert ("What it waits for" in screen) == (mood == "pending")


def test_the_sandbox_is_named_at_the_top(a_record: Callable, seen: Callable) -> None:
    page = seen(first_screen(a_record(context__sandbox=True, context__faults=("npm-missing",))))
    assert "Sandbox with npm-missing: this is evidence of no release." in page.first_screen


def test_every_gate_has_a_row_whoever_ran_it(
    make: Callable, blocked: Record, written_page: str, seen: Callable
) -> None:
    rows = seen(make(blocked, written_page)).rows
    for judged in blocked.verdict.gates:
        assert (judged.gate.id, judged.state) in rows


def test_what_blocks_stands_first_in_the_table(blocked: Record, seen: Callable) -> None:
    states = [state for _, state in seen(standalone(blocked)).rows]
    assert states[12:] == ["WAIVED", "FAILED", "NOT_TRIGGERED", "PASSED"]


def test_rows_say_what_the_record_says_and_not_what_pytest_said(
    a_record: Callable, a_gate: Callable, written_page: str, seen: Callable
) -> None:
    ours = a_gate(id="test_2_versions.py::test_passed")
    reason = Reason(code="FAILED", gate=ours.id, message="m")
    page = finish(written_page, a_record(Judged(gate=ours, state=State.FAILED), reasons=(reason,)))
    assert (ours.id, "FAILED") in seen(page).rows
    entry = entry_of(page, seen, ours.id)
    assert entry["result"] == "failed"
    assert entry["resultsTableRow"][0] == '<td class="col-result">FAILED</td>'


def test_log_and_pictures_of_pytest_html_are_taken_over(
    blocked: Record, written_page: str, seen: Callable
) -> None:
    page = finish(written_page, blocked)
    failed = entry_of(page, seen, "test_2_versions.py::test_failed")
    assert "assert found == &quot;0.9.0&quot;" in failed["log"]
    assert "&lt;b id=pwned&gt;bold&lt;/b&gt;" in failed["log"]
    assert "RuntimeError" in entry_of(page, seen, "test_2_versions.py::test_errored")["log"]
    flaky = entry_of(page, seen, "test_2_versions.py::test_flaky")
    assert [extra["format_type"] for extra in flaky["extras"]] == ["image"]
    assert flaky["extras"][0]["content"].startswith("data:image/png;base64,")
    assert "&lt;b id=pwned&gt;markup of a gate&lt;/b&gt;" in flaky["log"]
    assert "URL: javascript:alert(1)" in flaky["log"]
    assert "Image: https://example.org/pixel.png" in flaky["log"]
    assert "words of a hook" in flaky["log"]
    assert "&lt;em" not in flaky["log"]


def test_a_gate_that_pytest_did_not_run_tells_why_in_its_row(
    blocked: Record, written_page: str, seen: Callable
) -> None:
    page = finish(written_page, blocked)
    assert "planned, never judged" in entry_of(page, seen, "test_2_versions.py::test_missing")["log"]
    assert "kept from 2026-02-01" in entry_of(page, seen, "test_2_versions.py::test_passed")["log"]
    left_out = entry_of(page, seen, "test_2_versions.py::test_not_triggered")["log"]
    assert "87 files looked at" in left_out


def test_a_gate_cannot_take_the_name_of_a_part_of_the_page(
    a_record: Callable, a_gate: Callable, written_page: str, seen: Callable
) -> None:
    # The script makes it the id of the gate's row.
    ours = a_gate(id="environment")
    page = finish(written_page, a_record(Judged(gate=ours, state=State.PASSED)))
    assert entry_of(page, seen, ours.id)["testId"] == "gate:environment"
    assert "gate:environment" not in seen(page).attribute("id")


def test_a_log_of_the_wrong_gate_is_never_taken(
    a_record: Callable, a_gate: Callable, written_page: str, seen: Callable
) -> None:
    other = a_gate(id="elsewhere/test_2_versions.py::test_failed")
    page = finish(written_page, a_record(Judged(gate=other, state=State.PASSED)))
    assert "0.9.0&quot;" not in entry_of(page, seen, other.id)["log"]


def test_what_pytest_reported_beside_the_gates_has_a_row_that_says_so(
    blocked: Record, written_page: str, seen: Callable
) -> None:
    page = finish(written_page, blocked)
    assert ("release_checks/test_9_broken.py", "not a gate") in seen(page).rows
    entry = entry_of(page, seen, "release_checks/test_9_broken.py")
    assert "this module cannot be collected" in entry["log"]


def assert_nothing_alive(text: str, seen: Callable, scripts: int) -> None:
    page = seen(text)
    tags = page.tags()
    assert set(tags) <= ELEMENTS
    assert (tags["script"], tags["style"], tags["title"], tags["main"]) == (scripts, 1, 1, 1)
    assert "pwned" not in page.attribute("id")
    assert not [name for _, names in page.elements for name in names if name.startswith("on")]
    for link in page.attribute("href"):
        assert re.fullmatch(r"https://example\.org[\w./]*|[\w.][\w./-]{0,300}", link)
    assert [source for source in page.attribute("src") if source] == []
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066\u200b\ufeff\ud800-\udfff]", text)


def test_hostile_text_becomes_no_element(
    make: Callable, hostile_of_one: Record, written_page: str, seen: Callable
) -> None:
    assert_nothing_alive(make(hostile_of_one, written_page), seen, int(make is with_pytest_html))


def test_hostile_texts_together_become_no_element(
    make: Callable, hostile: Record, written_page: str, seen: Callable
) -> None:
    assert_nothing_alive(make(hostile, written_page), seen, int(make is with_pytest_html))


def test_texts_in_the_data_of_the_script_are_escaped(
    hostile: Record, written_page: str, seen: Callable
) -> None:
    blob = blob_of(finish(written_page, hostile), seen)
    for entries in blob["tests"].values():
        for entry in entries:
            inner = "".join([entry["log"], *entry["resultsTableRow"]])
            assert set(seen(inner).tags()) <= {"td", "span", "code", "a"}
    for name, value in blob["environment"].items():
        assert not seen(name + value).tags()


def test_the_page_allows_its_own_script_and_style_and_nothing_else(
    blocked: Record, written_page: str, seen: Callable
) -> None:
    for page, has_script in ((finish(written_page, blocked), True), (standalone(blocked), False)):
        (policy,) = [
            names["content"]
            for tag, names in seen(page).elements
            if tag == "meta" and names.get("http-equiv") == "Content-Security-Policy"
        ]
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == "'none'"
        for rule, tag in (("script-src", "script"), ("style-src", "style")):
            bodies = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
            digests = [base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies]
            if bodies:
                assert rules[rule] == " ".join(f"'sha256-{digest}'" for digest in digests)
        assert ("script-src" in rules) == has_script
        assert "unsafe" not in policy
        assert page.index("Content-Security-Policy") < page.index("<style>")


def test_nothing_is_loaded_from_elsewhere(make: Callable, blocked: Record, written_page: str) -> None:
    page = make(blocked, written_page)
    assert "<link" not in page
    assert not re.search(r"(src|url\()\s*=?\s*[\"']?https?:", page)


def test_the_environment_holds_no_secret(blocked: Record, written_page: str, seen: Callable) -> None:
    assert "hunter2" in written_page
    environment = {
        "python": "3.11.7",
        "NPM_TOKEN": "s3cret-1",
        "proxy": "http://ada:s3cret-2@proxy:3128",
        "note": "ghp_" + "s3cret3" * 6,
    }
    page = finish(written_page, msgspec.structs.replace(blocked, environment=environment))
    assert "hunter2" not in page
    assert "s3cret" not in page
    kept = blob_of(page, seen)["environment"]
    assert kept["python"] == "3.11.7"
    assert kept["left out"] == "3 that could hold a secret"
    assert "html 4." in kept["Plugins"]
    assert not {"deploy_token", "Jenkins"} & set(kept)


def test_the_page_names_the_pytest_html_that_wrote_its_table(blocked: Record, written_page: str) -> None:
    page = finish(written_page, blocked)
    assert re.search(r"Table by pytest-html 4\.\d+", page)
    assert OTHER_MAKE not in page


SPOILS: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "other": lambda _: "<html><body>pytest-html 5</body></html>",
    "no templates": lambda page: page.replace("<!-- TEMPLATES -->", ""),
    "no data": lambda page: page.replace("data-jsonblob", "data-blob"),
    "a list": lambda page: re.sub('data-jsonblob="[^"]*"', 'data-jsonblob="[1]"', page),
    "no JSON": lambda page: re.sub('data-jsonblob="[^"]*"', 'data-jsonblob="{"', page),
    "no tests": lambda page: re.sub('data-jsonblob="[^"]*"', 'data-jsonblob="{&#34;tests&#34;: []}"', page),
    "half a page": lambda page: page[: len(page) // 2],
    "no end": lambda page: page.replace("</script>", ""),
    "wants more": lambda page: page.replace("getElementById('environment')", "getElementById('new')"),
}


@pytest.mark.parametrize("name", SPOILS)
def test_a_page_of_another_make_gives_way_to_one_of_our_own(
    name: str, blocked: Record, written_page: str, seen: Callable
) -> None:
    page = finish(SPOILS[name](written_page), blocked)
    assert OTHER_MAKE in page
    assert page.replace(page[page.index(OTHER_MAKE) : page.index("-->") + 4], "") == standalone(blocked)
    assert seen(page).tags()["script"] == 0


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_page_makes_it_fail(data: st.DataObject, passed: Record, written_page: str) -> None:
    start = data.draw(st.integers(0, len(written_page)))
    end = data.draw(st.integers(start, len(written_page)))
    page = finish(written_page[:start] + data.draw(st.text(max_size=20)) + written_page[end:], passed)
    assert '<main class="relgate relgate-passed" data-verdict="PASSED">' in page


def test_a_hook_that_writes_into_the_summary_writes_nothing_into_the_report(
    passed: Record, written_page: str, seen: Callable
) -> None:
    spoiled = written_page.replace(
        '<div class="additional-summary prefix">',
        '<div class="additional-summary prefix"><h1 id="pwned">all is well</h1><script>alert(1)</script>'
        '<div id="data-container" data-jsonblob="{}"></div>',
    )
    page = finish(spoiled, passed)
    assert OTHER_MAKE not in page
    assert "all is well" not in page
    assert seen(page).tags()["script"] == 1


def test_logs_outside_of_the_evidence_folder_are_no_links(
    a_record: Callable, a_gate: Callable, an_attempt: Callable, seen: Callable
) -> None:
    for log in (
        "/etc/passwd",
        "../x.txt",
        "logs/../../x",
        "javascript:alert(1)",
        "https://example.org/x",
        "",
    ):
        ours = a_gate()
        tried = an_attempt(ours, log=log)
        page = seen(standalone(a_record(Judged(gate=ours, state=State.PASSED, attempts=(tried,)))))
        assert page.attribute("href") == []


def test_a_run_that_lost_every_gate_shows_some_cards_and_counts_the_rest(
    many: Callable[[int], Record], seen: Callable
) -> None:
    record = many(120)
    gates = tuple(Judged(gate=each.gate, state=State.MISSING) for each in record.verdict.gates)
    reasons = tuple(Reason(code="MISSING", gate=each.gate.id, message="planned") for each in gates)
    verdict = msgspec.structs.replace(record.verdict, passed=False, reasons=reasons, gates=gates)
    page = seen(standalone(msgspec.structs.replace(record, verdict=verdict)))
    assert page.tags()["article"] == 50
    assert "70 more blocking gates in the table below." in page.words
    assert len(page.rows) == 120
