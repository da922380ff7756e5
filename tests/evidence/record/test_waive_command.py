"""`relgate waive GATE` drafts the entry that lets a release go on, and refuses what nothing may let go."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.cli.main import main
from pytest_relgate.model import State
from pytest_relgate.waiverfile import parse_waivers

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Bench
    from pytest_relgate.model import Gate

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"


@pytest.fixture
def type_in(bench: Bench, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def typed(*words: str) -> tuple[int, str, str]:
        status = main(["waive", "--repo", str(bench.path), *words])
        return status, *capsys.readouterr()

    return typed


Typed = Any


def refused(found: tuple[int, str, str]) -> str:
    status, out, err = found
    assert (status, out) == (2, "")
    assert err.startswith("relgate: ")
    assert err.count("\n") == 1, "one line"
    return err.removeprefix("relgate: ").rstrip()


def test_what_is_drafted_said_and_committed_lets_the_release_go_on(bench: Bench, type_in: Typed) -> None:
    bench.git("config", "user.name", "Ada")
    bench.run({ONE: State.FAILED})
    status, out, err = type_in(ONE)
    assert status == 0
    (entry,) = tomllib.loads(out)["waiver"]
    assert (entry["gate"], entry["release"], entry["states"]) == (ONE, "v0.2.0", ["FAILED"])
    assert (entry["reason"], entry["owner"], entry["approver"]) == ("...", "Ada", "grace")
    assert entry["expires"] - entry["created"] == timedelta(days=7)
    assert abs(datetime.now(UTC) - entry["created"]) < timedelta(hours=1)
    assert out.startswith(f"# it found: {ONE} found something\n[[waiver]]\n")
    assert "nothing was written: add it to waivers.toml; say why, have grace review it" in err
    assert not (bench.path / "release_checks/waivers.toml").exists()

    bench.write("release_checks/waivers.toml", out)
    bench.commit("not filled in")
    bench.run({ONE: State.FAILED})
    assert bench.codes() == ["WAIVER", "FAILED"], "a draft waives nothing"
    bench.write("release_checks/waivers.toml", out.replace('"..."', '"known upstream"'))
    bench.commit("waive")
    bench.run({ONE: State.FAILED}, status=0)
    assert (bench.evidence().verdict, bench.states()["one"]) == ("PASSED", "WAIVED")
    assert bench.verify(now=bench.evidence().finished).finding == "PASSED"


@pytest.mark.parametrize(
    ("runs", "states"),
    [
        ([State.ERRORED], ["ERRORED"]),
        ([State.FAILED, State.ERRORED], ["ERRORED", "FAILED"]),
        ([State.FAILED, State.PASSED], ["FAILED", "FLAKY"]),
    ],
)
def test_it_covers_all_that_speaks_against_the_gate(
    bench: Bench, type_in: Typed, runs: list[State], states: list[str]
) -> None:
    for outcome in runs:
        bench.run({ONE: outcome})
    (entry,) = tomllib.loads(type_in(ONE)[1])["waiver"]
    assert entry["states"] == states
    _, out, _ = type_in(ONE, "--reason", "known")
    bench.write("release_checks/waivers.toml", out)
    bench.commit()
    bench.run({ONE: runs[-1]}, status=0)
    assert bench.states()["one"] == "WAIVED"


def test_it_is_appended_when_that_is_asked_for_and_once(bench: Bench, type_in: Typed) -> None:
    bench.run({ONE: State.FAILED, TWO: State.ERRORED})
    asked = ("--write", "--reason", 'the "port"\nis taken', "--owner", "ada", "--days", "3")
    for gate in (ONE, f"release_checks/{TWO}"):
        status, _, err = type_in(gate, *asked)
        assert (status, err) == (
            0,
            "relgate: appended to waivers.toml; have grace review it, and commit it\n",
        )
    file = bench.path / "release_checks/waivers.toml"
    first, second = parse_waivers(file.read_bytes(), "waivers.toml")
    assert (first.gate, second.gate, second.states) == (ONE, TWO, (State.ERRORED,))
    assert first.reason == 'the "port" is taken'
    told = refused(type_in(ONE, *asked))
    assert told.startswith(f"waivers.toml has a waiver for FAILED of {ONE} in v0.2.0 already: commit it")
    assert len(parse_waivers(file.read_bytes(), "waivers.toml")) == 2


@pytest.mark.parametrize("words", [("--reason", "a\x7fb"), ("--owner", "a\x7fb")])
def test_what_could_not_be_read_again_is_not_drafted(
    bench: Bench, type_in: Typed, words: tuple[str, str]
) -> None:
    bench.run({ONE: State.FAILED})
    assert refused(type_in(ONE, *words, "--write")).startswith("the entry:")
    assert not (bench.path / "release_checks/waivers.toml").exists()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            "test_gates.py::test_won",
            "no gate of gates.lock has the id 'test_gates.py::test_won': did you mean '",
        ),
        ("test_one", f"no gate of gates.lock has the id 'test_one': did you mean {ONE!r}?"),
        ("zzz", "no gate of gates.lock has the id 'zzz': pytest -m PHASE --release-plan shows all"),
    ],
)
def test_a_gate_that_there_is_not_is_refused_with_the_nearest(
    bench: Bench, type_in: Typed, asked: str, told: str
) -> None:
    bench.run({ONE: State.FAILED})
    assert refused(type_in(asked)).startswith(told)


def test_a_gate_that_passed_needs_no_waiver(bench: Bench, type_in: Typed) -> None:
    bench.run({ONE: State.FAILED})
    assert refused(type_in(TWO)) == f"{TWO} in v0.2.0 is PASSED: there is nothing to waive"


def test_a_gate_that_can_never_be_waived_is_refused(
    bench: Bench, type_in: Typed, a_gate: Callable[..., Gate]
) -> None:
    bench.lock(a_gate(ONE, waivable=False), a_gate(TWO))
    bench.run({ONE: State.FAILED})
    assert refused(type_in(ONE)) == (
        f"{ONE} can never be waived (waivable=False in its plan): mend what it finds"
    )


@pytest.mark.parametrize("outcome", [State.INVALID, State.BLOCKED_BY, None])
def test_what_was_not_judged_can_never_be_waived(bench: Bench, type_in: Typed, outcome: State | None) -> None:
    bench.run({ONE: outcome} if outcome else {}, narrowed=() if outcome else (ONE,))
    state = outcome or State.MISSING
    told = refused(type_in(ONE))
    assert told.startswith(f"{ONE} in v0.2.0 is {state}, which can never be waived: ")
    assert "pytest -m prerelease --release-target v0.2.0" in told


def test_a_release_without_evidence_is_refused_with_the_command_that_makes_it(
    bench: Bench, type_in: Typed
) -> None:
    told = refused(type_in(ONE))
    assert told.endswith("so nothing is known to waive: type pytest -m prerelease --release-target vX.Y.Z")
    bench.run({ONE: State.FAILED})
    told = refused(type_in(ONE, "--release", "v0.3.0"))
    assert told.endswith("type pytest -m prerelease --release-target v0.3.0")
    assert "--release: expected vX.Y.Z" in refused(type_in(ONE, "--release", "next"))


def test_the_newest_evidence_speaks_unless_a_release_is_named(bench: Bench, type_in: Typed) -> None:
    bench.run({ONE: State.FAILED})
    bench.target = "v0.2.1"
    bench.run({ONE: State.ERRORED})
    (newest,) = tomllib.loads(type_in(ONE)[1])["waiver"]
    (named,) = tomllib.loads(type_in(ONE, "--release", "v0.2.0")[1])["waiver"]
    assert (newest["release"], newest["states"]) == ("v0.2.1", ["ERRORED"])
    assert (named["release"], named["states"]) == ("v0.2.0", ["FAILED"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--days", "31"), "--days: expected 1 to 30, found 31"),
        (("--days", "0"), "--days: expected 1 to 30, found 0"),
        (("--approver", "mallory"), "--approver: expected one of grace, ada ([approvers] of relgate.toml)"),
    ],
)
def test_who_and_how_long_are_held_to_the_rules(
    bench: Bench, type_in: Typed, words: tuple[str, ...], told: str
) -> None:
    bench.run({ONE: State.FAILED})
    assert refused(type_in(ONE, *words)).startswith(told)


@pytest.mark.parametrize(("owner", "approver"), [("ada", "grace"), ("Grace", "ada"), ("linus", "grace")])
def test_another_person_than_the_owner_is_to_approve(
    bench: Bench, type_in: Typed, owner: str, approver: str
) -> None:
    bench.run({ONE: State.FAILED})
    (entry,) = tomllib.loads(type_in(ONE, "--owner", owner)[1])["waiver"]
    assert entry["approver"] == approver


def test_without_approvers_nothing_is_drafted(bench: Bench, type_in: Typed) -> None:
    bench.write("release_checks/relgate.toml", 'project = "demo"\n')
    bench.commit()
    bench.run({ONE: State.FAILED})
    assert refused(type_in(ONE)).startswith("nobody may approve a waiver: name people in [approvers] of")


def test_a_malformed_file_is_named_before_anything_is_added(bench: Bench, type_in: Typed) -> None:
    bench.run({ONE: State.FAILED})
    file = bench.write("release_checks/waivers.toml", "[[waiver]]\n")
    assert refused(type_in(ONE, "--write")).startswith('waivers.toml:1: missing key "gate"')
    assert file.read_text() == "[[waiver]]\n"
