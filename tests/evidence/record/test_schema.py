"""The published JSON Schema is that of the evidence that is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from pytest_relgate.evidence.finding import Finding
from pytest_relgate.evidence.schema import written
from pytest_relgate.model import Condition, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Bench
    from pytest_relgate.model import Gate

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"
PUBLISHED = Path(__file__).parents[3] / "docs/evidence.schema.json"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(PUBLISHED.read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def evidence(bench: Bench) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bench.folder() / "evidence.json").read_bytes())
    return found


def test_the_published_schema_is_current() -> None:
    again = "python -m pytest_relgate.evidence.schema > docs/evidence.schema.json"
    assert PUBLISHED.read_text() == written(), again


def test_every_part_says_what_it_is() -> None:
    parts = json.loads(PUBLISHED.read_text())["$defs"]
    assert {"Evidence", "Subject", "SealedGate", "Proof", "Reason"} <= parts.keys()
    assert all(part["description"] for part in parts.values())


def test_the_documentation_names_every_finding_with_its_status_and_every_file(bench: Bench) -> None:
    text = (PUBLISHED.parent / "evidence.md").read_text()
    for finding in Finding:
        assert f"\n| {finding.exit_status} | {finding} | " in text
    bench.run()
    for path in bench.folder().iterdir():
        assert path.name in text


def test_evidence_fits_whatever_came_of_the_run(
    bench: Bench, a_gate: Callable[..., Gate], validator: Draft202012Validator
) -> None:
    docs = Condition("changed", "docs", ("docs/**",))
    bench.lock(
        a_gate(ONE), a_gate(TWO, conditions=(docs,)), a_gate("test_gates.py::test_three", advisory=True)
    )
    bench.run(finish=False)
    assert evidence(bench)["reasons"][0]["code"] == "INCOMPLETE"
    validator.validate(evidence(bench))
    bench.write("src/demo.txt", "dirty\n")
    bench.run(
        {ONE: State.FAILED, "test_gates.py::test_three": State.TIMED_OUT}, facts=[("INTERNAL", "broke")]
    )
    assert {reason["code"] for reason in evidence(bench)["reasons"]} == {"FAILED", "INTERNAL", "DIRTY"}
    validator.validate(evidence(bench))
    bench.git("restore", ".")
    bench.run()
    assert evidence(bench)["verdict"] == "PASSED"
    validator.validate(evidence(bench))


def test_nothing_unknown_fits(bench: Bench, validator: Draft202012Validator) -> None:
    bench.run()
    with pytest.raises(ValidationError, match="Additional properties are not allowed"):
        validator.validate(evidence(bench) | {"approved": True})
    with pytest.raises(ValidationError, match="'MAYBE' is not one of"):
        validator.validate(evidence(bench) | {"verdict": "MAYBE"})
    with pytest.raises(ValidationError, match="'subject' is a required property"):
        validator.validate({name: one for name, one in evidence(bench).items() if name != "subject"})
