"""A forgery that is consistent in itself, chain and digests made anew, still has git against it."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import convert, json, to_builtins
from msgspec.structs import replace

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence import seal
from pytest_relgate.model import Condition, Mode, Phase, Proof, State
from pytest_relgate.subject import checks_digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Bench
    from pytest_relgate.evidence.verify import Verification
    from pytest_relgate.model import Gate

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"
DOCS = Condition("changed", "docs", ("docs/**",))
SOURCE = Condition("changed", "source", ("src/**",))


@dataclass
class Forge:
    """A sealed folder taken apart, to be put together again as somebody would like it to be."""

    bench: Bench
    evidence: seal.Evidence = field(init=False)
    entries: list[journals.Entry] = field(init=False)

    def __post_init__(self) -> None:
        self.evidence = self.bench.evidence()
        self.entries = list(self.bench.reading().entries)

    def sealed(self, **changes: Any) -> None:
        self.evidence = replace(self.evidence, **changes)

    def gate(self, name: str, **changes: Any) -> None:
        gates = [replace(one, **changes) if one.id == name else one for one in self.evidence.gates]
        self.sealed(gates=tuple(gates))

    def runs(self, **changes: Any) -> None:
        """Change every opening line, and the seal where it says the same."""
        self.entries = [
            replace(one, **changes) if isinstance(one, journals.RunOpened) else one for one in self.entries
        ]
        self.sealed(**{name: value for name, value in changes.items() if name in ("context", "subject")})

    def context(self, **changes: Any) -> None:
        self.runs(context=replace(self.evidence.context, **changes))
        short = {name: value for name, value in changes.items() if hasattr(self.evidence, name)}
        self.sealed(**short)

    def subject(self, **changes: Any) -> None:
        self.runs(subject=replace(self.evidence.subject, **changes))

    def ends(self, **changes: Any) -> None:
        self.entries = [
            replace(one, **changes) if isinstance(one, journals.RunClosed) else one for one in self.entries
        ]

    def attempts(self, name: str, **changes: Any) -> None:
        self.entries = [
            replace(one, **changes) if isinstance(one, journals.AttemptClosed) and one.gate == name else one
            for one in self.entries
        ]
        gates = []
        for one in self.evidence.gates:
            done = tuple(replace(attempt, **changes) for attempt in one.attempts)
            gates.append(replace(one, attempts=done) if one.id == name else one)
        self.sealed(gates=tuple(gates))

    def passed(self) -> None:
        self.sealed(verdict="PASSED", reasons=())

    def write(self, folder: Path | None = None) -> None:
        """Seal it, every digest and the whole chain made anew."""
        place = folder or self.bench.folder()
        lines, head = [], ""
        for entry in self.entries:
            lines.append(json.encode(replace(entry, prev=head)))
            head = journals.digest(lines[-1])
        (place / "journal.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        journal = seal.JournalHead(len(lines), head)
        self.sealed(files=seal.files_of(place), journal=journal)
        text = b"".join(seal.encode(self.evidence))
        (place / "evidence.json").write_bytes(text)
        (place / "evidence.json.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  evidence.json\n")

    def verify(self, **expected: Any) -> Verification:
        self.write()
        return self.bench.verify(**expected)


def test_the_tool_itself_forges_well(bench: Bench) -> None:
    bench.run()
    assert Forge(bench).verify().finding == "PASSED"


# -- results ----------------------------------------------------------------------------------------------


def _only_say_so(forge: Forge) -> None:
    forge.passed()


def _say_so_of_the_gate(forge: Forge) -> None:
    forge.passed()
    forge.gate(ONE, state=State.PASSED)


def _leave_the_gate_out(forge: Forge) -> None:
    forge.passed()
    forge.sealed(gates=forge.evidence.gates[1:])


def _drop_the_attempt(forge: Forge) -> None:
    forge.passed()
    forge.gate(ONE, attempts=(), state=State.PASSED)
    forge.entries = [one for one in forge.entries if getattr(one, "gate", "") != ONE]


def _drop_it_and_leave_the_gate_out(forge: Forge) -> None:
    _drop_the_attempt(forge)
    forge.sealed(gates=forge.evidence.gates[1:])
    forge.runs(gates=(TWO,), collected=forge.entries[0].collected[1:])


def _say_waived(forge: Forge) -> None:
    forge.passed()
    forge.gate(ONE, state=State.WAIVED, waived_by="grace")


def _say_advisory(forge: Forge) -> None:
    forge.passed()
    forge.gate(ONE, advisory=True)


def _say_not_due(forge: Forge) -> None:
    _drop_the_attempt(forge)
    proof = Proof(Condition("live", "live"), held=False, reason="dry run")
    forge.gate(ONE, state=State.NOT_TRIGGERED, conditions=(proof,))


def _make_the_marker_advisory(forge: Forge) -> None:
    _say_advisory(forge)
    collected = tuple(replace(one, advisory=True) for one in forge.entries[0].collected)
    forge.runs(collected=collected)


def _give_a_later_pass_the_first_number(forge: Forge) -> None:
    forge.passed()
    failed = next(one for one in forge.entries if getattr(one, "gate", "") == ONE)
    at = forge.entries.index(failed)
    forge.entries.insert(at + 1, replace(failed, outcome=State.PASSED, message=""))
    again = seal.SealedAttempt(1, State.PASSED, 1, failed.started, failed.seconds, "main")
    forge.gate(ONE, state=State.PASSED, attempts=(again,))


@pytest.mark.parametrize(
    "forgery",
    [
        _only_say_so,
        _say_so_of_the_gate,
        _leave_the_gate_out,
        _drop_the_attempt,
        _drop_it_and_leave_the_gate_out,
        _say_waived,
        _say_advisory,
        _say_not_due,
        _make_the_marker_advisory,
        _give_a_later_pass_the_first_number,
    ],
)
def test_a_failure_cannot_be_talked_away(bench: Bench, forgery: Callable[[Forge], None]) -> None:
    bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    forgery(forge)
    assert forge.verify().finding == "TAMPERED"


def test_a_gate_that_was_collected_cannot_be_taken_out_of_the_collection(bench: Bench) -> None:
    bench.run()
    forge = Forge(bench)
    forge.runs(collected=forge.entries[0].collected[:1])
    assert forge.verify().finding == "TAMPERED"


def test_a_run_that_ended_badly_says_why(bench: Bench) -> None:
    bench.run(facts=[("INTERNAL", "pytest broke")], status=3)
    forge = Forge(bench)
    forge.passed()
    forge.ends(facts=())
    assert forge.verify().reasons == ("pytest did not end well, and no fact says so",)


def test_facts_of_the_run_block_whatever_the_seal_says(bench: Bench) -> None:
    bench.run(facts=[("INTERNAL", "pytest broke")])
    forge = Forge(bench)
    forge.passed()
    assert forge.verify().finding == "TAMPERED"


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "PASSED"},
        {"verdict": "PASSED", "reasons": ()},
        {"reasons": ()},
        {"locked": False},
        {"agent": "grace"},
        {"base": ""},
        {"mode": Mode.LIVE},
        {"sandbox": True},
        {"target": "v0.2.1"},
        {"run": 2},
        {"finished": "2026-01-01T00:00:00Z"},
        {"finished": ""},
        {"set_aside": ("maxfail",)},
        {"gates": ()},
    ],
    ids=str,
)
def test_the_seal_cannot_contradict_what_it_seals(bench: Bench, changes: dict[str, Any]) -> None:
    bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    forge.sealed(**changes)
    assert forge.verify(allow_sandbox=True, target=forge.evidence.target).finding == "TAMPERED"


@pytest.mark.parametrize(
    "changes", [{"seconds": 9.0}, {"message": "all is well"}, {"run": 2}, {"number": 2}], ids=str
)
def test_the_seal_tells_of_the_attempts_that_the_journal_has(bench: Bench, changes: dict[str, Any]) -> None:
    bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    attempt = forge.evidence.gates[0].attempts[0]
    for attempts in ((replace(attempt, **changes),), ()):
        forge.gate(ONE, attempts=attempts)
        assert forge.verify().finding == "TAMPERED"


def test_it_says_when_it_was_judged(bench: Bench) -> None:
    bench.run()
    forge = Forge(bench)
    for moment in ("", "soon", "2026-01-01", "9999-99-99"):
        forge.sealed(finished=moment)
        forge.ends(at=moment)
        assert forge.verify().reasons == ("it does not say when it was judged",)


def test_a_run_does_not_go_on_from_a_journal_that_is_another_than_the_one_sealed(bench: Bench) -> None:
    bench.run({ONE: State.FAILED})
    before = (bench.folder() / "evidence.json").read_bytes()
    forge = Forge(bench)
    forge.attempts(ONE, outcome=State.ERRORED)
    forge.write()
    (bench.folder() / "evidence.json").write_bytes(before)
    with pytest.raises(RelgateError, match="the journal does not hold the 4 lines that were sealed"):
        bench.run()


# -- conditions -------------------------------------------------------------------------------------------


@pytest.fixture
def due(bench: Bench, a_gate: Callable[..., Gate]) -> Bench:
    """A gate that was due, because the source changed since the base, and failed."""
    bench.lock(a_gate(ONE, conditions=(SOURCE,)), a_gate(TWO))
    bench.run({ONE: State.FAILED})
    return bench


def _left_out(forge: Forge, **changes: Any) -> None:
    _drop_the_attempt(forge)
    context, subject = forge.evidence.context, forge.evidence.subject
    proof = Proof(
        SOURCE, held=False, reason="none", base=context.base_commit, commit=subject.commit, looked_at=3
    )
    forge.gate(ONE, state=State.NOT_TRIGGERED, conditions=(replace(proof, **changes),))


def test_a_gate_that_was_due_cannot_be_left_out(due: Bench) -> None:
    forge = Forge(due)
    _left_out(forge)
    found = forge.verify()
    assert found.finding == "TAMPERED"
    assert "was left out although src/demo.txt changed" in found.reasons[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"condition": DOCS},
        {"base": ""},
        {"commit": ""},
        {"commit": "1" * 40},
        {"held": None},
        {"matched": ("src/demo.txt",)},
    ],
    ids=str,
)
def test_a_proof_that_proves_nothing_leaves_nothing_out(due: Bench, changes: dict[str, Any]) -> None:
    forge = Forge(due)
    _left_out(forge, **changes)
    assert forge.verify().finding == "TAMPERED"


def test_a_base_that_is_no_tag_below_the_target_is_none(due: Bench) -> None:
    head = due.git("rev-parse", "HEAD")
    for base, commit, wanted in (
        ("v0.1.0", head, "STALE"),
        ("v0.2.0", head, "TAMPERED"),
        ("v0.3.0", head, "TAMPERED"),
        ("HEAD", head, "TAMPERED"),
        ("v0.1.9", head, "UNDECIDED"),
        ("", "", "TAMPERED"),
        ("", head, "TAMPERED"),
        ("v0.1.0", "", "STALE"),
    ):
        forge = Forge(due)
        forge.context(base=base, base_commit=commit)
        _left_out(forge)
        assert forge.verify().finding == wanted, base


def test_a_tracked_file_cannot_have_been_absent(bench: Bench, a_gate: Callable[..., Gate]) -> None:
    present = Condition("present", "source", ("src/*.txt",))
    bench.lock(a_gate(ONE, conditions=(present,)), a_gate(TWO))
    bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    _left_out(forge, condition=present, base="")
    assert forge.verify().finding == "TAMPERED"


def test_a_dry_run_cannot_be_said_to_have_been_live(bench: Bench, a_gate: Callable[..., Gate]) -> None:
    bench.lock(a_gate(ONE, conditions=(Condition("live", "live"),)), a_gate(TWO))
    bench.run()
    forge = Forge(bench)
    forge.context(mode=Mode.LIVE)
    assert forge.verify().finding == "TAMPERED"


# -- subject and checks -----------------------------------------------------------------------------------


def test_results_of_one_commit_are_none_of_another(bench: Bench) -> None:
    bench.run()
    bench.write("src/demo.txt", "later\n")
    later = bench.commit()
    forge = Forge(bench)
    forge.subject(commit=later, checks_commit=later)
    assert forge.verify(commit=later).reasons == ("its tree is not that of the commit",)


def test_checks_of_one_commit_do_not_judge_another(bench: Bench) -> None:
    bench.write("src/demo.txt", "earlier\n")
    earlier = bench.commit()
    bench.write("src/demo.txt", "later\n")
    bench.commit()
    bench.run()
    forge = Forge(bench)
    forge.subject(checks_commit=earlier)
    assert forge.verify().reasons == ("its checks are not those of the commit that it judges",)


@pytest.mark.parametrize("changes", [{"tree": "1" * 40}, {"left_out": ("src",)}, {"left_out": ()}], ids=str)
def test_the_tree_is_that_of_the_commit(bench: Bench, changes: dict[str, Any]) -> None:
    bench.write("release_checks/waivers.toml", "")
    bench.commit()
    bench.run()
    forge = Forge(bench)
    if changes.get("left_out"):
        changes = changes | {"tree": bench.repository.tree_without("HEAD", changes["left_out"])}
    forge.subject(**changes)
    assert forge.verify().finding == "TAMPERED"


def test_a_loose_folder_of_checks_elsewhere_does_not_stand_for_the_projects(
    bench: Bench, a_gate: Callable[..., Gate]
) -> None:
    from pytest_relgate.lockfile import format_lock

    shutil.copytree(bench.path / "release_checks", bench.path / "tests/tiny")
    bench.write("tests/tiny/gates.lock", format_lock([a_gate(ONE, advisory=True), a_gate(TWO)]))
    head = bench.commit()
    bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    digest = checks_digest(bench.repository, head, "tests/tiny", ["pytest.ini"])
    forge.subject(checks_path="tests/tiny", checks=digest, checks_also=("pytest.ini",))
    forge.passed()
    forge.gate(ONE, advisory=True)
    forge.runs(collected=tuple(replace(one, advisory=one.id == ONE) for one in forge.entries[0].collected))
    assert forge.verify().finding == "UNDECIDED"
    assert forge.verify(checks="tests/tiny").finding == "PASSED", "it is what was asked for"


@pytest.mark.parametrize("dropped", ["pytest.ini", "conftest.py"])
def test_the_digest_of_the_checks_covers_what_decides_how_they_run(bench: Bench, dropped: str) -> None:
    bench.write("conftest.py", "")
    bench.commit()
    bench.run()
    forge = Forge(bench)
    subject = forge.evidence.subject
    assert set(subject.checks_also) == {"pytest.ini", "conftest.py"}
    kept = tuple(one for one in subject.checks_also if one != dropped)
    digest = checks_digest(bench.repository, subject.checks_commit, "release_checks", kept)
    forge.subject(checks_also=kept, checks=digest)
    assert forge.verify().reasons == (f"its digest of the checks does not cover {dropped}",)


@pytest.mark.parametrize(
    "changes",
    [
        {"checks": "sha256:" + "0" * 64},
        {"checks_commit": "HEAD"},
        {"checks_commit": ""},
        {"checks_path": ""},
        {"checks_path": "../elsewhere"},
        {"checks_path": "\0"},
        {"checks_also": ("/etc/passwd", "pytest.ini")},
        {"checks_also": ("pytest.ini", "\0")},
        {"checks_also": ("pytest.ini", "nothing.txt")},
        {"checks_dirty": True},
        {"commit": ""},
        {"commit": "HEAD"},
        {"commit": "-h"},
        {"commit": "0" * 40},
        {"dirty": True},
        {"left_out": ("\0",)},
        {"left_out": ("..",)},
    ],
    ids=str,
)
def test_no_subject_passes_that_git_does_not_have(bench: Bench, changes: dict[str, Any]) -> None:
    bench.run()
    forge = Forge(bench)
    forge.subject(**changes)
    assert forge.verify().finding in ("TAMPERED", "UNDECIDED")


def test_runs_about_different_trees_are_not_one_record(bench: Bench) -> None:
    bench.run({ONE: State.ERRORED})
    bench.run()
    forge = Forge(bench)
    first = forge.entries[0]
    forge.entries[0] = replace(first, subject=replace(first.subject, tree="1" * 40))
    assert forge.verify().reasons == ("its runs were about different releases",)


def test_evidence_of_one_phase_does_not_become_that_of_another(bench: Bench) -> None:
    bench.run()
    forge = Forge(bench)
    forge.context(phase=Phase.WEEKLY)
    assert forge.verify().finding == "STALE"
    assert forge.verify(phase=Phase.WEEKLY).finding != "PASSED"


@pytest.mark.parametrize("previous", [{}, {"build": "sha256:" + "0" * 64}])
def test_earlier_evidence_cannot_be_left_unnamed_or_exchanged(
    bench: Bench, a_gate: Callable[..., Gate], previous: dict[str, str]
) -> None:
    phases = ("prerelease", "build", "rehearsal")
    bench.lock(*(a_gate(f"test_gates.py::test_{phase}", phase=phase) for phase in phases))
    for phase in phases:
        bench.phase = phase
        bench.run()
    forge = Forge(bench)
    kept = {"prerelease": forge.evidence.previous["prerelease"]}
    forge.sealed(previous=kept | previous if previous else {})
    assert forge.verify().finding == ("STALE" if previous else "TAMPERED")


WAIVER = """
[[waiver]]
gate = "test_gates.py::test_one"
release = "v0.2.0"
states = ["FAILED"]
reason = "known"
owner = "ada"
approver = "grace"
created = "2026-01-01T00:00:00Z"
expires = "2026-01-20T00:00:00Z"
"""


def test_setting_the_clock_back_does_not_bring_a_waiver_to_life(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write("release_checks/waivers.toml", WAIVER)
    bench.commit()
    monkeypatch.setattr("pytest_relgate.session.now", lambda: "2026-01-10T00:00:00Z")
    bench.run({ONE: State.FAILED}, status=0)
    forge = Forge(bench)
    used = forge.evidence.waivers
    forge.sealed(waivers=())
    found = forge.verify(now="2026-01-15T00:00:00Z")
    assert found.reasons == ("it names other waivers than those that it used",)
    forge.sealed(waivers=used)
    for finished, wanted in (("2026-01-19T00:00:00Z", "BLOCKED"), ("2999-01-01T00:00:00Z", "TAMPERED")):
        forge.sealed(finished=finished)
        forge.ends(at=finished)
        assert forge.verify(now="2026-01-25T00:00:00Z").finding == wanted


# -- what cannot be seen ----------------------------------------------------------------------------------


def test_a_forgery_of_everything_together_is_seen_by_its_head_alone(bench: Bench) -> None:
    """The honest limit of an unsigned chain: docs/evidence.md says so too."""
    run = bench.run({ONE: State.FAILED})
    forge = Forge(bench)
    forge.passed()
    forge.attempts(ONE, outcome=State.PASSED, message="")
    forge.gate(ONE, state=State.PASSED)
    assert forge.verify().finding == "PASSED"
    assert forge.verify(head=run.digest).finding == "REPLAYED"


# -- anything at all --------------------------------------------------------------------------------------

FREE = {"environment", "not_checked", "started"}
FREE_OF_GATES = {"title", "why", "where", "remedy"}


@pytest.fixture(scope="module")
def whole(new_bench: Callable[[], Bench], a_gate: Callable[..., Gate]) -> Bench:
    """Evidence with a bit of everything, which each user leaves as it was."""
    bench = new_bench()
    bench.lock(a_gate(ONE), a_gate(TWO), a_gate("test_gates.py::test_three", conditions=(DOCS,)))
    bench.run({ONE: State.ERRORED, TWO: State.PASSED})
    bench.run()
    return bench


def places(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON document."""
    match value:
        case dict():
            return [path, *(place for key, one in value.items() for place in places(one, (*path, key)))]
        case list():
            return [path, *(place for key, one in enumerate(value) for place in places(one, (*path, key)))]
        case _:
            return [path]


def put(value: Any, path: tuple[Any, ...], new: object) -> Any:
    """The document with something else in one place."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "PASSED", "FAILED", "HEAD", "..", "/", "\0", "v0.1.0", "0" * 40, "a\nb"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.just([]),
    st.just({}),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_a_seal_says_is_answered_and_nothing_that_matters_is_believed(
    whole: Bench, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    forge = Forge(whole)
    before = to_builtins(forge.evidence)
    after = before
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(after)))
        after = put(after, place, data.draw(VALUES))
    try:
        forge.evidence = convert(after, seal.Evidence)
    except ValueError:
        return
    folder = tmp_path_factory.mktemp("forged") / "prerelease"
    shutil.copytree(whole.folder(), folder)
    forge.write(folder)
    found = whole.verify(folder)
    if found.finding == "PASSED":
        assert _what_matters(forge.evidence) == _what_matters(whole.evidence())


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_a_journal_says_is_answered(
    whole: Bench, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    forge = Forge(whole)
    entries = to_builtins(forge.entries)
    for _ in range(data.draw(st.integers(1, 3))):
        entries = put(entries, data.draw(st.sampled_from(places(entries)[1:])), data.draw(VALUES))
    try:
        forge.entries = convert(entries, list[journals.Entry])
    except ValueError:
        return
    folder = tmp_path_factory.mktemp("forged") / "prerelease"
    shutil.copytree(whole.folder(), folder)
    forge.write(folder)
    found = whole.verify(folder)
    assert found.finding in ("PASSED", "BLOCKED", "TAMPERED", "INCOMPLETE", "UNDECIDED")


def _what_matters(evidence: seal.Evidence) -> dict[str, Any]:
    plain = to_builtins(evidence)
    gates = [{key: one[key] for key in one.keys() - FREE_OF_GATES} for one in plain["gates"]]
    return {key: plain[key] for key in plain.keys() - FREE - {"gates", "files", "journal"}} | {"gates": gates}
