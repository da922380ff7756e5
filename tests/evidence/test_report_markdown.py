"""The Markdown report: nothing that a gate says is markup, and it can be cut between any two chunks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pytest_relgate.evidence.report_markdown import CARDS, ROWS, code, fence, markdown, prose
from pytest_relgate.model import ChannelLine, ChannelTable, Judged, Reason, Record, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from markdown_it.token import Token

BLOCKS = {
    "heading", "paragraph", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td",
    "inline", "fence",
}  # fmt: skip
# What GitHub turns into links, pictures or formulas after Markdown is done, outside of code.
LINKED = re.compile(
    r"@\w|#\d|://|www\.|\w@\w|:\w+:|\$|\b[0-9a-f]{7,40}\b|\b[A-Z]+-\d|[<>&\\*_~`\[\]]", re.IGNORECASE
)  # fmt: skip


def parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or ()]


def assert_no_markup(text: str) -> None:
    tokens = parsed(text)
    assert {token.type.removesuffix("_open").removesuffix("_close") for token in tokens} <= BLOCKS
    assert {child.type for child in inline(tokens)} <= {"text", "code_inline"}
    words = "\n".join(child.content for child in inline(tokens) if child.type == "text")
    assert not LINKED.search(words.replace("NOT_TRIGGERED", "").replace("TIMED_OUT", ""))
    assert [token.tag for token in tokens if token.type == "heading_open"].count("h2") == 1


def test_the_verdict_comes_first(passed: Record, blocked: Record) -> None:
    assert "".join(markdown(passed)).startswith("## PASSED: 4 of 5 gates judged v0.9.0 in prerelease")
    assert "".join(markdown(blocked)).startswith("## BLOCKED: 12 of 16 gates")


def test_it_tells_remedy_waiver_what_was_not_checked_and_how_to_verify(blocked: Record) -> None:
    text = "".join(markdown(blocked))
    assert '- do: set version = "0.9.0" there and commit\n' in text
    assert "- at: `bindings/node/native/Cargo.toml:3`\n" in text
    assert "- The gate that is waived: waived by ada for v0.9.0 until 2026-02-14" in text
    assert "approved by ada, self-approved" in text
    assert "### Not checked\n\n- installs on macOS and Windows: no evidence from there\n" in text
    assert "### Set aside\n\n- maxfail = 1 of pyproject.toml: every gate judges\n" in text
    assert "### Notes\n\n- waiver for `test_old:` not used\n" in text
    assert "```sh\nrelgate verify release-evidence/v0.9.0/prerelease --commit 4f1c2ab8" in text


def test_a_gate_that_was_kept_or_not_due_says_so_in_the_table(passed: Record) -> None:
    text = "".join(markdown(passed))
    assert re.search(r"\| PASSED \| `\S+\[g1\]` .* kept from 2026-02-01 `15:41` UTC \|", text)
    assert re.search(r"\| NOT_TRIGGERED \| .*does not hold, no dependency table differs", text)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("plain words, 3 of them", "plain words, 3 of them"),
        ("like deadbeef1 or 1234567", "like `deadbeef1` or `1234567`"),
        ("x" * 301, "x" * 200 + " … 1 characters left out … " + "x" * 100),
    ],
)
def test_a_title_in_the_table_is_no_link(
    title: str, shown: str, a_record: Callable, a_gate: Callable
) -> None:
    record = a_record(Judged(gate=a_gate(title=title), state=State.PASSED))
    assert f"` | {shown} |  |  |\n" in "".join(markdown(record))


def test_the_channel_table_has_its_place(passed: Record) -> None:
    row = ChannelLine("npm", "serves", "0.9.0", "1 of 1", "as built", "latest | <b>5</b>")
    table = ChannelTable("2026-11-22T16:02:00Z", (row,), "the build", (), ("npm lacks <b>it</b>",))
    text = "".join(markdown(msgspec.structs.replace(passed, channels=table)))
    assert "| channel | state | version | files | digests | since or overdue |" in text
    assert "| npm | serves | 0.9.0 | 1 of 1 | as built | latest `\\| <b>5</b>` |" in text
    assert "- npm lacks `<b>it</b>`" in text


def test_nothing_that_a_gate_says_is_markup(hostile_of_one: Record) -> None:
    assert_no_markup("".join(markdown(hostile_of_one)))


def test_hostile_texts_together_are_no_markup_either(hostile: Record) -> None:
    assert_no_markup("".join(markdown(hostile)))


def test_every_row_of_the_table_has_its_five_cells(hostile: Record) -> None:
    tokens = parsed("".join(markdown(hostile)))
    last = [place for place, token in enumerate(tokens) if token.type == "table_open"][-1]
    cells = [token.type for token in tokens[last:]].count("td_open")
    assert cells == 5 * len(hostile.verdict.gates)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_code_shows_exactly_its_text(text: str) -> None:
    shown = [child for token in parsed(code(text)) for child in token.children or ()]
    assert [child.content for child in shown] == ([text] if text else [])
    assert all(child.type == "code_inline" for child in shown)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00\x0b\x0c")))
@example("a\n```\nb\n````\nc")
@example("~~~\n")
def test_a_block_shows_exactly_its_lines(text: str) -> None:
    (block,) = parsed(fence(text))
    assert (block.type, block.content) == ("fence", text + "\n")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_prose_shows_exactly_its_words(text: str) -> None:
    tokens = parsed(prose(text))
    assert {child.type for child in inline(tokens)} <= {"text", "code_inline"}
    assert "".join(child.content for child in inline(tokens)).split() == text.split()
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("every manifest says 0.9.0, at last.", "every manifest says 0.9.0, at last."),
        ("don't (yet) be 100% sure: v1.0.0-rc.1?", "don't (yet) be 100% sure: v1.0.0-rc.1?"),
        ("fixes gh-12, perhaps", "fixes `gh-12,` perhaps"),
        ("ask @ada about #12", "ask `@ada` about `#12`"),
        ("see https://a.b/c now", "see `https://a.b/c` now"),
        ("a | b", "a `|` b"),
        ("x = 1", "x = 1"),
        ("- x", "`-` x"),
        ("1. x", "`1.` x"),
        ("at deadbee1", "at `deadbee1`"),
    ],
)
def test_words_of_plain_letters_stay_as_they_are(text: str, shown: str) -> None:
    assert prose(text) == shown


def test_a_cut_between_two_chunks_breaks_nothing(hostile: Record) -> None:
    chunks = list(markdown(hostile))
    for end in range(1, len(chunks)):
        text = "".join(chunks[:end]) + "\n\n**Cut here:** x\n"
        *_, opened, said, closed = parsed(text)
        assert (opened.type, closed.type) == ("paragraph_open", "paragraph_close")
        assert said.content == "**Cut here:** x"


def test_five_thousand_gates_come_in_small_chunks(many: Callable[[int], Record]) -> None:
    chunks = list(markdown(many(5000)))
    assert max(chunk.count("\n") for chunk in chunks) <= ROWS + 4
    assert sum(chunk.count("| PASSED |") for chunk in chunks) == 5000


def test_a_run_that_lost_every_gate_shows_some_cards_and_counts_the_rest(
    many: Callable[[int], Record],
) -> None:
    record = many(120)
    gates = tuple(Judged(gate=each.gate, state=State.MISSING) for each in record.verdict.gates)
    reasons = tuple(Reason(code="MISSING", gate=each.gate.id, message="planned") for each in gates)
    verdict = msgspec.structs.replace(record.verdict, passed=False, reasons=reasons, gates=gates)
    text = "".join(markdown(msgspec.structs.replace(record, verdict=verdict)))
    assert text.count("#### MISSING") == CARDS
    assert "70 more blocking gates in the table below." in text
