"""A condition is "no" only where that is proved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_relgate.judge import decide_conditions, decide_every, proof_problem
from pytest_relgate.model import Condition, Decision, Gate, Mode, Tables

DATA = Path(__file__).parents[1] / "data"
BASE, COMMIT = "b" * 40, "c" * 40
LOCKFILES = Condition("changed", "dependencies", ("Cargo.lock", "**/package-lock.json"))
ARCHIVES = Condition("present", "archives", ("dist/*.tar.gz",))
LIVE = Condition("live", "live")


def gate(*conditions: Condition) -> Gate:
    return Gate("test_x.py::test_y", "prerelease", conditions=conditions)


def decide(*conditions: Condition, **facts: object) -> Decision:
    given = {
        "changed": (),
        "base": BASE,
        "commit": COMMIT,
        "files": (),
        "mode": Mode.DRY_RUN,
        "first_release": False,
    }
    return decide_conditions(gate(*conditions), **{**given, **facts})


def held(condition: Condition, **facts: object) -> bool | None:
    return decide(condition, **facts).proofs[0].held


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (("vendor/x",), True),
        (("vendor/**",), True),
        (("vendor/x/**",), True),
        (("vendor/x/src/*.c",), True),  # some file of it may differ, and nobody here knows which
        (("/vendor/*/src/",), True),
        (("**/src/*.c",), True),
        (("*.c",), True),
        (("vendor/y/**",), False),
        (("vendor/y/src/*.c",), False),
        (("src/**",), False),
        (("vendor/**", "!vendor/x/**"), True),  # the submodule itself is not below itself
        (("*.c", "!vendor/**"), False),
        (("vendor/**", "!*.md"), True),
        (("!vendor/x", "vendor/x/src/**"), True),
    ],
    ids=str,
)
def test_patterns_below_a_submodule_hold_when_it_moves(patterns: tuple[str, ...], *, expected: bool) -> None:
    """As ``Repository.changed`` names a submodule: its path, and once more as a folder."""
    condition = Condition("changed", "c", patterns)
    assert held(condition, changed=["vendor/x", "vendor/x/", "README.md"]) is expected


def test_of_several_lists_each_is_read_by_itself() -> None:
    """What one set takes away another may still match."""
    code, docs = ("src/**", "!src/generated/**"), ("docs/**", "!src/**")
    apart = Condition("changed", "code or docs", code, (docs,))
    assert held(apart, changed=["src/a.py"]) is True
    assert held(apart, changed=["docs/a.md"]) is True
    assert held(apart, changed=["src/generated/a.py"]) is False
    assert held(Condition("changed", "mixed", (*code, *docs)), changed=["src/a.py"]) is False
    assert held(Condition("changed", "one cannot be read", code, (("!docs",),)), changed=["docs/a"]) is None
    assert Condition("changed", "c", code, (docs,)) != Condition("changed", "c", code)


def test_a_gate_without_conditions_is_due() -> None:
    assert decide() == Decision("test_x.py::test_y")
    assert decide().due


@pytest.mark.parametrize(
    ("condition", "facts", "expected"),
    [
        (LOCKFILES, {"changed": ["Cargo.lock"]}, True),
        (LOCKFILES, {"changed": ["a/b/package-lock.json"]}, True),
        (LOCKFILES, {"changed": ["crates/x/Cargo.lock"]}, True),  # as git reads it: at any depth
        (LOCKFILES, {"changed": ["Cargo.lock.orig", "README.md"]}, False),
        (LOCKFILES, {"changed": []}, False),
        (LOCKFILES, {"changed": None}, None),
        (LOCKFILES, {"changed": [], "base": ""}, None),
        (LOCKFILES, {"changed": [], "commit": ""}, None),
        (LOCKFILES, {"changed": None, "base": "", "first_release": True}, True),
        (ARCHIVES, {"files": ["dist/x.tar.gz"]}, True),
        (ARCHIVES, {"files": ["x.tar.gz"], "changed": ["dist/x.tar.gz"]}, False),
        (ARCHIVES, {"files": None}, None),
        (ARCHIVES, {"files": [], "commit": ""}, None),
        (ARCHIVES, {"files": [], "base": "", "first_release": True}, True),
        (LIVE, {}, False),
        (LIVE, {"mode": Mode.LIVE}, True),
        (LIVE, {"base": "", "first_release": True}, False),
    ],
)
def test_what_a_condition_comes_to(condition: Condition, facts: dict[str, Any], expected: object) -> None:
    assert held(condition, **facts) is expected


@pytest.mark.parametrize(
    "patterns",
    [(), ("!src/x",), ("",), ("# src",), ("src/[a",), ("src/**", "\\"), ("src/[z-a]",), ("a", "# b")],
    ids=["none", "negated", "empty", "comment", "open bracket", "backslash", "bad range", "one of two"],
)
def test_patterns_that_cannot_match_prove_nothing(patterns: tuple[str, ...]) -> None:
    decision = decide(Condition("changed", "x", patterns), changed=["README.md"])
    assert decision.proofs[0].held is None
    assert decision.due
    assert "expected patterns" in decision.proofs[0].reason


def test_a_negated_pattern_takes_paths_out() -> None:
    condition = Condition("changed", "hot", ("src/**", "!src/docs/**"))
    assert held(condition, changed=["src/docs/a.md"]) is False
    assert held(condition, changed=["src/docs/a.md", "src/a.rs"]) is True


def test_a_proof_records_what_was_compared_and_looked_at() -> None:
    proof = decide(LOCKFILES, changed=["README.md", "src/a.rs"]).proofs[0]
    assert (proof.condition, proof.base, proof.commit) == (LOCKFILES, BASE, COMMIT)
    assert (proof.looked_at, proof.matched) == (2, ())
    assert proof.reason == (
        "none of 2 changed paths between bbbbbbbbbbbb and cccccccccccc matches dependencies"
    )


def test_a_proof_shows_at_most_twenty_paths() -> None:
    changed = [f"{number}/Cargo.lock" for number in range(50)]
    proof = decide(LOCKFILES, changed=changed).proofs[0]
    assert proof.matched == tuple(changed[:20])
    assert proof.looked_at == 50
    assert proof.reason.startswith("0/Cargo.lock changed between")


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        ({"changed": ["Cargo.lock"], "mode": Mode.LIVE}, True),
        ({"changed": ["Cargo.lock"]}, False),
        ({"mode": Mode.LIVE}, False),
        ({"changed": None, "mode": Mode.LIVE}, True),
        ({"changed": None}, False),  # undecided beside a proved no
    ],
)
def test_all_conditions_of_a_gate_must_hold(facts: dict[str, Any], *, due: bool) -> None:
    assert decide(LOCKFILES, LIVE, **facts).due is due


def test_many_gates_are_decided_as_each_of_them() -> None:
    gates = [Gate(f"g{i}", "build", conditions=(LOCKFILES, LIVE)[: i % 3]) for i in range(6)]
    facts: dict[str, Any] = {
        "changed": ["x"],
        "base": BASE,
        "commit": COMMIT,
        "files": (),
        "mode": Mode.DRY_RUN,
        "first_release": False,
    }
    assert decide_every(gates, **facts) == {one.id: decide_conditions(one, **facts) for one in gates}


def rows() -> list[Any]:
    found = [json.loads(line) for line in (DATA / "triggers.jsonl").read_text("utf-8").splitlines()]
    return [pytest.param(row, id=f"{row['base']}..{row['target']}") for row in found]


@pytest.mark.parametrize("row", rows())
def test_the_change_sets_trigger_as_they_should_have_on_real_releases(row: dict[str, Any]) -> None:
    sets = json.loads((DATA / "trigger_globs.json").read_text("utf-8"))["proposed"]
    for name, expected in row["triggers"].items():
        condition = Condition("changed", name, tuple(sets[name]))
        proof = decide(
            condition, changed=row["files"], base=row["base_commit"], commit=row["target_commit"]
        ).proofs[0]
        assert proof.held is expected["triggered"], name
        assert list(proof.matched) == expected["deciding"][:20], name


@pytest.mark.parametrize("row", rows())
def test_dependencies_trigger_by_content_as_they_should_have_on_real_releases(row: dict[str, Any]) -> None:
    """By path they do in every release; what the manifests hold is recorded as which of them decide."""
    sets = json.loads((DATA / "trigger_globs.json").read_text("utf-8"))["proposed"]
    expected = row["triggers"]["dependencies"]
    same = Tables(tuple(path for path in expected["deciding"] if path not in expected["semantic_deciding"]))
    by_content = decide(
        Condition("changed", "dependencies", tables=(tuple(sets["dependencies"]),)),
        changed=row["files"],
        tables=same,
    ).proofs[0]
    assert by_content.held is expected["semantic_triggered"]
    assert list(by_content.matched) == expected["semantic_deciding"]
    assert (by_content.held is False and bool(by_content.alike)) is expected["only_own_version_bump"]


LEFT_OUT = decide(LOCKFILES, ARCHIVES, LIVE)


def test_a_recorded_decision_carries() -> None:
    here = gate(LOCKFILES, ARCHIVES, LIVE)
    assert proof_problem(LEFT_OUT, here) == ""
    assert proof_problem(LEFT_OUT, here, commit=COMMIT, base=BASE, mode=Mode.DRY_RUN) == ""


def broken(**changes: object) -> Decision:
    proof = msgspec.structs.replace(LEFT_OUT.proofs[0], **changes)
    return Decision(LEFT_OUT.gate, (proof, *LEFT_OUT.proofs[1:]))


@pytest.mark.parametrize(
    ("decision", "problem"),
    [
        (msgspec.structs.replace(LEFT_OUT, gate="other"), "the decision is about other"),
        (Decision(LEFT_OUT.gate), "not those of the gate"),
        (Decision(LEFT_OUT.gate, LEFT_OUT.proofs[1:]), "not those of the gate"),
        (Decision(LEFT_OUT.gate, LEFT_OUT.proofs[::-1]), "not those of the gate"),
        (broken(condition=Condition("changed", "dependencies", ("x",))), "not those of the gate"),
        (broken(commit=""), "no commit is recorded"),
        (broken(base=""), "no base is recorded"),
        (broken(matched=("Cargo.lock",)), "Cargo.lock matches"),
        (broken(commit="d" * 40), "decided at commit dddddddddddd, expected cccccccccccc"),
        (broken(base="d" * 40), "compared with dddddddddddd, expected base bbbbbbbbbbbb"),
    ],
)
def test_a_proof_that_does_not_carry_says_why(decision: Decision, problem: str) -> None:
    found = proof_problem(decision, gate(LOCKFILES, ARCHIVES, LIVE), commit=COMMIT, base=BASE)
    assert problem in found


def test_a_live_only_gate_is_not_left_out_of_a_live_run() -> None:
    assert proof_problem(decide(LIVE), gate(LIVE), mode=Mode.LIVE) == "the run is live"
    assert proof_problem(decide(LIVE), gate(LIVE), mode=Mode.DRY_RUN) == ""


def test_a_decision_that_leaves_nothing_out_proves_nothing() -> None:
    assert proof_problem(decide(), gate()) == "no condition was found not to hold"
    due = decide(LOCKFILES, changed=["Cargo.lock"])
    assert proof_problem(due, gate(LOCKFILES)) == "no condition was found not to hold"
    undecided = decide(LOCKFILES, changed=None)
    assert proof_problem(undecided, gate(LOCKFILES)) == "no condition was found not to hold"
