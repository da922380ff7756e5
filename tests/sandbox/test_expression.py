"""Workflow expressions as GitHub's documentation has them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.expression import condition, evaluate, filled

FACTS: dict[str, Any] = {
    "inputs": {"rehearsal": True, "release_tag": "v1.2.3", "build_run_id": ""},
    "needs": {"publish-npm": {"result": "skipped", "outputs": {"tag": "v1"}}},
    "github": {"ref_name": "main", "event_name": "push"},
    "matrix": {"platform": "linux"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'it''s'", "it's"),
        ("7", 7),
        ("-1.5", -1.5),
        ("null", None),
        ("true && 'yes' || 'no'", "yes"),
        ("inputs.build_run_id && 'yes' || 'no'", "no"),
        ("inputs.build_run_id || github.ref_name", "main"),
        ("!inputs.rehearsal", False),
        ("!(inputs.rehearsal && false)", True),
        ("needs.publish-npm.result == 'Skipped'", True),
        ("needs['publish-npm'].outputs.tag", "v1"),
        ("needs.nobody.result", None),
        ("needs.nobody.result == ''", True),
        ("inputs.rehearsal == 'true'", False),  # 1 is no number of 'true'
        ("inputs.rehearsal == 1", True),
        ("'10' == 10", True),
        ("'a' != 'b'", True),
        ("contains('Hello', 'ell')", True),
        ("startsWith(github.ref_name, 'MA')", True),
        ("endsWith(inputs.release_tag, '.3')", True),
        ("1 == 1 == true", True),
    ],
)
def test_values(text: str, value: object) -> None:
    assert evaluate(text, FACTS) == value
    assert type(evaluate(text, FACTS)) is type(value)


@pytest.mark.parametrize(
    "text", ["", "a b", "(1", "1 +", "frobnicate()", "'open", "a..b", "1 == ", "needs[", "%"]
)
def test_what_is_not_understood_is_one_line(text: str) -> None:
    with pytest.raises(RelgateError, match=r"^the sandbox does not understand the workflow expression "):
        evaluate(text, FACTS)


@pytest.mark.parametrize(
    ("text", "status", "runs"),
    [
        (None, "success", True),
        (None, "failure", False),
        (None, "skipped", False),
        ("${{ !inputs.rehearsal }}", "success", False),
        ("inputs.rehearsal", "success", True),
        ("inputs.rehearsal", "failure", False),  # success() is implied
        ("always()", "failure", True),
        ("${{ always() && inputs.rehearsal }}", "skipped", True),
        ("failure()", "failure", True),
        ("failure()", "skipped", False),
        ("!cancelled()", "skipped", True),
        ("success() || needs.publish-npm.result == 'skipped'", "skipped", True),
        (True, "success", True),
        (False, "success", False),
    ],
)
def test_conditions(text: object, status: str, runs: object) -> None:
    spelled = {True: "true", False: "false"}.get(text, text) if isinstance(text, bool) else text
    assert condition(spelled, {**FACTS, "status": status}) is runs


def test_text_is_filled() -> None:
    assert (
        filled("dist-${{ matrix.platform }}-${{inputs.rehearsal}}.${{ null }}", FACTS) == "dist-linux-true."
    )
    assert filled("$PLAIN {{ x }}", FACTS) == "$PLAIN {{ x }}"
