"""The words that reports share: a sentence of verdict, cards, and text that shows all it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.evidence import blocking, tally, wording
from pytest_relgate.evidence.printable import first_line, output, printable
from pytest_relgate.model import Condition, Judged, Proof, Reason, Record, State, Waiver

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words, ünïcode 日本語 🎉", "plain words, ünïcode 日本語 🎉"),
        ("a\nb\r\nc\rd", "a⏎b⏎c␍d"),
        ("\x00\x07\x1b[31m\x7f", "␀␇␛[31m␡"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u200b\ufeff\u2028", "\\u200b\\ufeff\\u2028"),
        ("\ud800\udc80", "\\ud800\\udc80"),
        ("\x85\x9b\ufffe", "\\x85\\x9b\\ufffe"),
        ("one\xa0two", "one two"),
        ("x" * 301, "x" * 200 + " … 1 characters left out … " + "x" * 100),
    ],
)
def test_a_person_sees_every_character_of_a_text(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_lines_stay_lines_where_a_block_is_shown() -> None:
    assert printable("a\tb\r\nc\rd\x00", lines=True) == "a\tb\nc\nd␀"


@given(st.text(st.characters(), max_size=600), st.booleans())
def test_shown_text_holds_nothing_that_hides(text: str, lines: bool) -> None:
    shown = printable(text, lines=lines)
    rest = shown.replace("\n", "").replace("\t", "") if lines else shown
    assert rest.replace("\u3000", "").isprintable()
    shown.encode("utf-8")
    assert len(text) > 300 or len(shown) <= 10 * 300


def test_output_comes_without_colours_and_with_both_its_ends() -> None:
    assert output("  \x1b[1;31merror\x1b[0m: no\n") == "error: no"
    rows = output("\n".join(f"line {number}" for number in range(100))).split("\n")
    assert (rows[0], rows[-1], len(rows)) == ("line 0", "line 99", 25)
    assert "… 76 lines left out …" in rows


def test_the_first_line_is_the_first_that_says_anything() -> None:
    assert first_line("\n \n\x1b[31mred\x1b[0m\nmore") == "red"
    assert first_line("") == ""


def test_a_passed_verdict_is_one_sentence(passed: Record) -> None:
    assert wording.sentence(passed) == "PASSED: 4 of 5 gates judged v0.9.0 in prerelease, 1 not due"


def test_a_blocked_verdict_counts_gates_and_facts_about_the_run(blocked: Record) -> None:
    said = wording.sentence(blocked)
    assert said == "BLOCKED: 12 of 16 gates and 1 fact about the run block v0.9.0 in prerelease"


def _only(a_record: Callable, a_gate: Callable, *codes: str, gates: int = 2) -> Record:
    ours = [a_gate(number) for number in range(gates)]
    states = [*(State(code) for code in codes if code in State.__members__)]
    judged = [
        Judged(gate=each, state=states[number] if number < len(states) else State.PASSED)
        for number, each in enumerate(ours)
    ]
    reasons = tuple(
        Reason(code=code, message="m", gate=ours[number].id if code in State.__members__ else "")
        for number, code in enumerate(codes)
    )
    return a_record(*judged, reasons=reasons)


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        (["FAILED"], "BLOCKED: 1 of 2 gates blocks v0.9.0 in prerelease"),
        (["FAILED", "MISSING"], "BLOCKED: 2 of 2 gates block v0.9.0 in prerelease"),
        (["DIRTY_TREE"], "BLOCKED: 1 fact about the run blocks v0.9.0 in prerelease"),
        (["PENDING"], "BLOCKED: 1 of 2 gates still waits for v0.9.0 in prerelease, nothing else blocks"),
        (["PENDING", "FAILED"], "BLOCKED: 2 of 2 gates block v0.9.0 in prerelease"),
        (["PENDING", "NO_LOCK"], "BLOCKED: 1 of 2 gates and 1 fact about the run block v0.9.0 in prerelease"),
    ],
)
def test_a_release_that_only_waits_is_not_called_bad(
    codes: list[str], said: str, a_record: Callable, a_gate: Callable
) -> None:
    assert wording.sentence(_only(a_record, a_gate, *codes)) == said


def test_the_sandbox_stands_in_the_sentence(a_record: Callable, a_gate: Callable) -> None:
    ours = a_gate()
    record = a_record(Judged(gate=ours, state=State.PASSED), context__sandbox=True)
    assert wording.sentence(record) == "PASSED in the sandbox: 1 of 1 gate judged v0.9.0 in prerelease"
    assert "any real release: this ran in the sandbox" in wording.not_checked(record)


def test_gates_are_counted_by_what_they_do_to_the_verdict(blocked: Record) -> None:
    assert tally.counts(blocked) == tally.Counts(
        gates=16, passed=1, not_due=1, waived=1, advisory=1, blocking=12, run=1, kept=1
    )


def test_each_blocking_gate_has_a_card_with_its_remedy(blocked: Record) -> None:
    cards = blocking.cards(blocked)
    assert sorted(card.state for card in cards) == sorted(r.code for r in blocked.verdict.reasons)
    assert cards[0] == blocking.Card(
        state="FAILED",
        title="every manifest says 0.9.0",
        gate="test_2_versions.py::test_failed",
        where="test_2_versions.py:21",
        found="0.8.0",
        place="bindings/node/native/Cargo.toml:3",
        do='set version = "0.9.0" there and commit',
        log="logs/cargo-test.1.txt",
    )
    dirty = next(card for card in cards if card.title == "the tree is not as committed: Cargo.lock")
    assert dirty.do == "git commit Cargo.lock"


def test_what_is_wrong_stands_before_what_only_waits(blocked: Record) -> None:
    """After a partial publish most gates wait, and one says what is to be done."""
    states = [card.state for card in blocking.cards(blocked)]
    assert set(states[-2:]) == {"PENDING", "BLOCKED_BY"}
    assert not {"PENDING", "BLOCKED_BY"} & set(states[:-2])


def test_a_flaky_gate_tells_what_was_seen_and_when(blocked: Record) -> None:
    flaky = next(card for card in blocking.cards(blocked) if card.state == "FLAKY")
    assert flaky.history == "15:41 failed, 15:58 passed, same tree"


def test_attempts_of_several_days_and_trees_say_so(a_gate: Callable, an_attempt: Callable) -> None:
    ours = a_gate()
    first = an_attempt(ours, State.TIMED_OUT, started="2026-01-31T09:00:00Z", tree="other")
    assert (
        blocking.history((first, an_attempt(ours))) == "2026-01-31 09:00 timed out, 2026-02-01 15:58 passed"
    )
    assert blocking.history((first,)) == ""
    many = blocking.history((*[first] * 9, an_attempt(ours)))
    assert "4 more" in many
    assert many.count(",") == 6


def test_a_gate_falls_back_to_what_its_attempt_and_its_marker_say(
    a_record: Callable, a_gate: Callable, an_attempt: Callable
) -> None:
    ours = a_gate(title="", remedy="ask Ada")
    tried = an_attempt(ours, State.FAILED, message="bad", where="a.toml:1")
    reason = Reason(code=State.FAILED, gate=ours.id, message="", where="")
    (card,) = blocking.cards(
        a_record(Judged(gate=ours, state=State.FAILED, attempts=(tried,)), reasons=(reason,))
    )
    assert (card.title, card.found, card.place, card.do) == (ours.id, "bad", "a.toml:1", "ask Ada")


def test_a_blocking_gate_that_no_reason_names_has_a_card(a_record: Callable, a_gate: Callable) -> None:
    ours = a_gate()
    record = a_record(Judged(gate=ours, state=State.MISSING, why="planned, never judged"))
    assert [card.state for card in blocking.cards(record)] == ["MISSING"]
    assert tally.counts(record).blocking == 1


def test_a_reason_makes_an_advisory_gate_block(a_record: Callable, a_gate: Callable) -> None:
    ours = a_gate(advisory=True)
    judged = Judged(gate=ours, state=State.INVALID)
    assert tally.counts(a_record(judged)).blocking == 0
    reason = Reason(code=State.INVALID, gate=ours.id, message="m")
    assert tally.counts(a_record(judged, reasons=(reason,))).blocking == 1


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ((), "always"),
        (
            (Condition(kind="changed", name="deps", patterns=("a", "b", "c", "d", "e")),),
            "when deps changed (a, b, c, d, 1 more)",
        ),
        (
            (Condition(kind="present", name="dist/*", patterns=("dist/*",)), Condition(kind="live")),
            "when dist/* is there and in live runs only",
        ),
    ],
)
def test_conditions_are_told_in_words(conditions: tuple[Condition, ...], words: str) -> None:
    assert wording.conditions_in_words(conditions) == words


@pytest.mark.parametrize(
    ("held", "words"),
    [(True, "holds"), (False, "does not hold"), (None, "could not be decided")],
)
def test_a_proof_is_told_in_words(held: bool | None, words: str) -> None:
    proof = Proof(
        condition=Condition(kind="changed", name="deps"),
        held=held,
        reason="r",
        base="b" * 40,
        commit="c" * 40,
        looked_at=1,
    )
    said = f"due when deps changed: {words}, r (bbbbbbb..ccccccc, 1 file looked at)"
    assert wording.proof_in_words(proof) == said


@pytest.mark.parametrize(
    ("approver", "words"),
    [
        ("ada", "approved by ada, self-approved"),
        ("grace", "approved by grace, not self-approved"),
        ("", "approved by nobody"),
    ],
)
def test_a_waiver_names_who_when_why_and_whether_it_is_self_approved(approver: str, words: str) -> None:
    waiver = Waiver(
        gate="g",
        release="v0.9.0",
        states=(State.FAILED, State.FLAKY),
        reason="known",
        owner="ada",
        approver=approver,
        created="2026-01-30T09:00:00Z",
        expires="2026-02-14T00:00:00Z",
    )
    said = wording.waiver_in_words(waiver)
    assert said.startswith("waived by ada for v0.9.0 until 2026-02-14 00:00 UTC: known; " + words)
    assert said.endswith("covers FAILED, FLAKY")


def test_an_unused_waiver_is_named(blocked: Record) -> None:
    assert list(wording.unused_waivers(blocked)) == []
    other = msgspec.structs.replace(blocked.waivers[0], gate="test_x.py::test_other")
    record = msgspec.structs.replace(blocked, waivers=(*blocked.waivers, other))
    (said,) = wording.unused_waivers(record)
    assert said.startswith("test_x.py::test_other: not used: waived by ada")


def test_what_was_not_checked_names_narrowing_and_a_missing_lock(blocked: Record, passed: Record) -> None:
    assert wording.not_checked(passed) == ("installs on macOS and Windows: no evidence from there",)
    said = " / ".join(wording.not_checked(blocked))
    assert "gates outside of this run (-k versions)" in said
    assert "no committed gates.lock" in said


def test_the_verify_command_can_be_pasted(passed: Record, blocked: Record) -> None:
    assert wording.verify_command(passed, short=True) == (
        "relgate verify release-evidence/v0.9.0/prerelease --commit 4f1c2ab"
    )
    spaced = msgspec.structs.replace(blocked, folder="my evidence; rm -rf ~")
    assert "verify 'my evidence; rm -rf ~' --commit 4f1c2ab8" in wording.verify_command(spaced)


def test_the_subject_says_where_each_answer_came_from(blocked: Record, a_record: Callable) -> None:
    facts = dict(wording.subject_in_words(blocked))
    assert facts["release"] == "v0.9.0 (--release-target)"
    assert facts["tree"] == "dirty: Cargo.lock"
    assert facts["lock"] == "none"
    assert facts["earlier"] == "build PASSED @ 4f1c2ab"
    first = a_record(context__base="", context__base_why="no lower tag")
    assert dict(wording.subject_in_words(first))["base"] == "none, a first release (no lower tag)"
