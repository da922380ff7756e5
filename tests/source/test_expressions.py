"""GitHub's expressions, parsed and evaluated over what is known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.source.expressions import (
    ANY,
    ExpressionError,
    Reference,
    Values,
    asks_for_status,
    evaluate,
    expressions_in,
    parse,
    parse_condition,
    truths,
    walk,
)

KNOWN: dict[tuple[str, ...], Values] = {
    ("needs", "a", "result"): frozenset({"failure"}),
    ("needs", "b", "result"): frozenset({"success", "skipped"}),
    ("inputs", "rehearsal"): frozenset({False}),
    ("inputs", "text"): frozenset({"Ada's"}),
}
STATUS = {"success": False, "failure": True, "always": True, "cancelled": False}


def holds(text: str) -> set[bool]:
    values = evaluate(
        parse_condition(text),
        lambda path: KNOWN.get(path, ANY),
        lambda name: frozenset({STATUS[name]}) if name in STATUS else frozenset({True, False}),
    )
    return set(truths(values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", {True}),
        ("!true", {False}),
        ("always()", {True}),
        ("ALWAYS()", {True}),
        ("!cancelled()", {True}),
        ("success() || failure()", {True}),
        ("always() && needs.a.result == 'success'", {False}),
        ("always() && needs.a.result != 'success'", {True}),
        ("needs.b.result == 'success'", {True, False}),
        ("needs.b.result == 'success' || needs.b.result == 'skipped'", {True, False}),
        ("needs.A.Result == 'FAILURE'", {True}),  # neither keys nor texts have a case
        ("needs['a'].result == 'failure'", {True}),
        ("vars.X == 'y'", {True, False}),
        ("vars.X == 'y' && false", {False}),
        ("vars.X == 'y' || true", {True}),
        ("!inputs.rehearsal", {True}),
        ("inputs.rehearsal == 'true'", {False}),
        ("inputs.rehearsal == 0", {True}),
        ("inputs.text == 'ada''s'", {True}),
        ("'' || 'x'", {True}),
        ("''", {False}),
        ("null == 0", {True}),
        ("'abc' == 0", {False}),
        ("1 < 2 && 2 >= 2 && 'a' < 'B'", {True}),
        ("0x10 == 16 && -1.5e1 == -15", {True}),
        ("contains('release-1', 'REL') && startsWith('abc', 'A') && endsWith('abc', 'C')", {True}),
        ("fromJSON('true') && !fromJSON('false')", {True}),
        ("fromJSON(vars.X).list[0]", {True, False}),
        ("contains(fromJSON('[1]'), 1)", {True, False}),
        ("hashFiles('**/x') != ''", {True, False}),
        ("(true && false) || !(false)", {True}),
        ("${{ false }}", {False}),
        ("  ${{ !inputs.rehearsal && 'yes' || 'no' }}  ", {True}),
        ("", {True}),
    ],
)
def test_a_condition_is_true_false_or_either(text: str, expected: set[bool]) -> None:
    assert holds(text) == expected


def test_a_text_around_an_expression_is_true_whatever_it_says() -> None:
    assert holds("${{ false }} && false") == {True}
    assert holds("${{ false }} ${{ false }}") == {True}


@pytest.mark.parametrize(
    "text", ["a &&", "(a", "a b", "needs.", "nosuch()", "a ? b : c", "a['x'", "'open", "a = b", "&& a"]
)
def test_what_github_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def test_a_status_function_is_found_wherever_it_stands() -> None:
    assert asks_for_status(parse("a && !(b || cancelled())"))
    assert not asks_for_status(parse("needs.success.result == 'always()'"))


@pytest.mark.parametrize("text", ["(" * 51 + "a", "!" * 51 + "a", "a[" * 51, "f(" * 51, "1" + " == 1" * 51])
def test_what_github_refuses_as_too_deep_is_refused_and_not_died_of(text: str) -> None:
    with pytest.raises(ExpressionError, match="nested more than 50 deep"):
        parse(text)
    with pytest.raises(ExpressionError, match="longer than 21,000 characters"):
        parse("a" * 21_001)
    with pytest.raises(ExpressionError, match="nested more than 50 deep"):
        parse("(" * 10_000)


@pytest.mark.parametrize(("sign", "last"), [("&&", False), ("||", True)])
def test_a_long_row_of_operands_is_evaluated(sign: str, last: bool) -> None:
    """4,000 of them fit into what GitHub takes."""
    given = parse(f" {sign} ".join(["a"] * 3000 + ["b"]))
    found = evaluate(given, lambda path: frozenset({last if path == ("b",) else not last}), lambda _: ANY)
    assert truths(found) == {last}
    assert sum(isinstance(one, Reference) for one in walk(given)) == 3001


def test_expressions_of_a_text_come_with_their_line() -> None:
    text = "a ${{ x }}\nb ${{ '}}' }} c\n${{ y }"
    assert list(expressions_in(text)) == [(" x ", 0), (" '}}' ", 1)]


WORDS = st.sampled_from(["true", "false", "vars.x", "needs.a.result == 'success'", "cancelled()", "'t'"])
CONDITIONS = st.recursive(
    WORDS,
    lambda inner: st.one_of(
        st.builds("!({})".format, inner),
        st.builds("({}) && ({})".format, inner, inner),
        st.builds("({}) || ({})".format, inner, inner),
    ),
    max_leaves=8,
)


@given(CONDITIONS, st.sampled_from(["failure", "success"]), st.booleans())
def test_what_is_not_known_is_either_and_never_wrong(condition: str, result: str, variable: bool) -> None:
    """With everything known there is one answer, and it is among those with less known."""
    some = evaluate(parse(condition), lambda _: ANY, lambda _: frozenset({True, False}))
    every = evaluate(
        parse(condition),
        lambda path: frozenset({result if path[0] == "needs" else variable}),
        lambda _: frozenset({variable}),
    )
    assert len(truths(every)) == 1
    assert truths(every) <= truths(some)
