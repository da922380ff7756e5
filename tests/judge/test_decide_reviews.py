"""A gate that a person's word lets pass: whose word it was, that it stands, and what blocks in the files."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from pytest_relgate.model import Reason, Review, Signoff
from tests.judge.conftest import A, B, Case, attempt, judged, only, planned

DIFF = "sha256:" + "1" * 64
READ = Review("b", DIFF, "ada", "read it twice")


def reviewed(*reviews: Review) -> Case:
    """Two gates that passed, the second one by a review of a diff."""
    one = msgspec.structs.replace(attempt("b"), signed=(DIFF,))
    return Case(attempts={"a": (attempt("a"),), "b": (one,)}, reviews=reviews)


def test_a_pass_by_a_review_says_whose_it_is() -> None:
    case = reviewed(READ)
    assert case.verdict().passed
    assert judged(case).why.endswith("; signed off by ada: read it twice (diff sha256:111111111111)")


def test_everybody_who_read_the_diff_is_named_and_nobody_else() -> None:
    grace = msgspec.structs.replace(READ, person="grace", reason="no new route")
    older = msgspec.structs.replace(READ, person="linus", diff="sha256:" + "2" * 64)
    why = judged(reviewed(READ, older, grace)).why
    assert "ada: read it twice (diff sha256:111111111111); grace: no new route (diff" in why
    assert "linus" not in why


@pytest.mark.parametrize("other", [{"diff": "sha256:" + "2" * 64}, {"gate": "a"}], ids=str)
def test_a_pass_whose_review_is_gone_is_no_pass(other: dict[str, str]) -> None:
    assert only(reviewed()).code == "STALE"
    assert only(reviewed(msgspec.structs.replace(READ, **other))).code == "STALE"


def test_a_pass_that_asked_for_no_review_names_nobody() -> None:
    case = Case(reviews=(READ,))
    assert case.verdict().passed
    assert "signed off" not in judged(case).why


@pytest.mark.parametrize("passing", [True, False])
def test_what_is_malformed_in_the_files_blocks_whatever_the_gates_say(*, passing: bool) -> None:
    slip = Reason("WAIVER", "waivers.toml:5: no such key")
    case = Case(denied=(slip,)) if passing else Case(denied=(slip,), attempts={})
    verdict = case.verdict()
    assert not verdict.passed
    assert verdict.reasons[0] == slip
    assert len(verdict.reasons) == (1 if passing else 3)


def test_a_review_for_no_gate_blocks() -> None:
    reason = only(Case(reviews=(msgspec.structs.replace(READ, gate="gone"),)))
    assert (reason.code, reason.message) == (
        "SIGNOFF",
        "sign-off for gone: expected a planned gate, found none of that id in phase prerelease",
    )


def test_a_sign_off_of_this_tree_for_no_gate_blocks_and_one_of_another_tree_is_a_note() -> None:
    here = Signoff("gone", "tree", "ada", "the port was taken")
    assert only(Case(signoffs=(here,))).code == "SIGNOFF"
    elsewhere = Case(signoffs=(msgspec.structs.replace(here, tree="1" * 40),))
    assert elsewhere.verdict().passed
    assert elsewhere.verdict().notes == ("the sign-off of gone is for tree 111111111111, this one is tree",)


def test_a_sign_off_for_a_gate_of_another_phase_is_that_phases_to_judge() -> None:
    plan = planned(A, B, elsewhere=("gone",))
    here = Signoff("gone", "tree", "ada", "the port was taken")
    case = Case(plan=plan, signoffs=(here,), reviews=(msgspec.structs.replace(READ, gate="gone"),))
    assert (case.verdict().passed, case.verdict().notes) == (True, ())
    assert replace(case, plan=planned(A, B)).verdict().passed is False


def test_a_review_for_a_gate_that_came_after_the_checks_is_no_slip() -> None:
    came_since = msgspec.structs.replace(READ, gate="new")
    case = reviewed(READ, came_since)
    assert only(case).code == "SIGNOFF"
    assert replace(case, later=True).verdict().passed
    here = Signoff("new", "tree", "ada", "the port was taken")
    assert only(replace(case, later=True, signoffs=(here,))).code == "SIGNOFF", "this tree has no such gate"


def test_reviews_that_nothing_passed_by_are_one_note() -> None:
    older = [msgspec.structs.replace(READ, diff="sha256:" + digit * 64) for digit in "23"]
    assert reviewed(READ).verdict().notes == ()
    (note,) = reviewed(READ, *older).verdict().notes
    assert note == "2 reviews by ada: not used, of another diff than this release's"
    assert Case(reviews=(READ,)).verdict().notes == (
        "1 review by ada: not used, of another diff than this release's",
    )
