"""Waivers and sign-offs are read from a commit that the evidence names, the checks' own or a later one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence.wording import subject_in_words
from pytest_relgate.model import State
from pytest_relgate.profile import parse_profile
from pytest_relgate.source.reviewed_commit import reviewed_commit
from pytest_relgate.waiverfile import parse_reviewed
from tests.evidence.record.conftest import Forge
from tests.judge.conftest import Case, attempts, gate, only, planned

if TYPE_CHECKING:
    from conftest import Bench

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"
PROFILE = 'schema = 1\nproject = "demo"\n\n[approvers]\npeople = ["grace", "ada"]\n'
WAIVERS, SIGNOFFS = "release_checks/waivers.toml", "release_checks/signoffs.toml"


def waiver(**changes: str) -> str:
    """A waiver that is in force."""
    created = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    rows = {
        "gate": f'"{ONE}"',
        "release": '"v0.2.0"',
        "states": '["FAILED"]',
        "reason": '"known upstream"',
        "owner": '"ada"',
        "approver": '"grace"',
        "created": f'"{created.isoformat()}"',
        "expires": f'"{(created + timedelta(days=7)).isoformat()}"',
    } | changes
    return "[[waiver]]\n" + "".join(f"{key} = {value}\n" for key, value in rows.items())


def now_of(found: Any) -> str:
    return str(found.finished)


@pytest.fixture
def tagged(bench: Bench) -> Bench:
    """The gates judged the tag v0.2.0, one failed, and the waiver was committed on main afterwards."""
    bench.write("release_checks/relgate.toml", PROFILE + 'branch = "main"\n')
    bench.commit("waivers are merged to main")
    bench.git("tag", "v0.2.0")
    bench.run({ONE: State.FAILED})
    assert bench.evidence().verdict == "BLOCKED"
    bench.write(WAIVERS, waiver())
    bench.commit("waive")
    bench.write("src/demo.txt", "later work\n")
    bench.commit("go on")
    bench.git("checkout", "-q", "v0.2.0")
    return bench


def verified(bench: Bench) -> tuple[str, tuple[str, ...]]:
    found = bench.verify(now=now_of(bench.evidence()))
    return str(found.finding), found.reasons


def test_a_waiver_committed_after_the_tag_lets_the_tag_pass(tagged: Bench) -> None:
    run = tagged.run({ONE: State.FAILED}, status=0)
    assert run.record is not None
    evidence = tagged.evidence()
    assert (evidence.verdict, tagged.states()) == ("PASSED", {"one": "WAIVED", "two": "PASSED"})
    assert evidence.subject.commit == evidence.subject.checks_commit == tagged.git("rev-parse", "v0.2.0")
    assert evidence.context.reviewed_commit == tagged.git("rev-parse", "main")
    assert evidence.context.reviewed_why == "main (approvers.branch)"
    told = f"those of commit {evidence.context.reviewed_commit[:7]}, main (approvers.branch)"
    assert dict(subject_in_words(run.record))["waivers"] == told
    assert tagged.reading().runs[-1].gates == (ONE,), "what had passed is kept"
    assert verified(tagged) == ("PASSED", ())
    (note,) = tagged.verify(now=evidence.finished).notes
    assert note.startswith(f"{ONE}: FAILED: ")
    assert "; policy exception (an incident): waived by ada until " in note


def test_main_goes_on_and_the_evidence_stays_with_the_commit_that_it_names(tagged: Bench) -> None:
    tagged.run({ONE: State.FAILED}, status=0)
    tagged.git("checkout", "-q", "main")
    tagged.git("rm", "-q", WAIVERS)
    tagged.commit("withdraw")
    assert verified(tagged) == ("PASSED", ())
    tagged.git("checkout", "-q", "v0.2.0")
    tagged.run({ONE: State.FAILED})
    assert (tagged.evidence().verdict, tagged.states()["one"]) == ("BLOCKED", "FAILED")
    assert verified(tagged)[0] == "BLOCKED"


def test_a_commit_that_is_not_here_cannot_be_decided_and_one_beside_the_checks_is_forged(
    tagged: Bench,
) -> None:
    tagged.run({ONE: State.FAILED}, status=0)
    forge = Forge(tagged)
    forge.context(reviewed_commit="1" * 40)
    forge.write()
    assert verified(tagged) == (
        "UNDECIDED",
        (f"the commit that waivers and sign-offs were read from, {'1' * 40}, is not in this repository",),
    )
    other = tagged.git("commit-tree", "-m", "an orphan", "main^{tree}")
    forge.context(reviewed_commit=other)
    forge.write()
    assert verified(tagged) == (
        "TAMPERED",
        (f"its waivers and sign-offs are those of {other[:12]}, which does not hold the checks",),
    )


def test_history_that_is_cut_off_decides_nothing(tagged: Bench) -> None:
    tagged.run({ONE: State.FAILED}, status=0)
    tagged.write(".git/shallow", f"{tagged.git('rev-parse', 'main')}\n")
    finding, (reason,) = verified(tagged)
    assert (finding, reason.partition(" holds ")[2]) == (
        "UNDECIDED",
        "the checks is not known: history is cut off here",
    )


@pytest.mark.parametrize("branch", ["main", "origin/main", "refs/heads/main"])
def test_a_tag_that_is_called_like_the_branch_is_not_the_branch(tagged: Bench, branch: str) -> None:
    head, main = tagged.git("rev-parse", "v0.2.0"), tagged.git("rev-parse", "main")
    tagged.git("update-ref", "refs/remotes/origin/main", main)
    tagged.git(
        "update-ref", f"refs/tags/{branch}", tagged.git("commit-tree", "-p", main, "-m", "x", "main^{tree}")
    )
    for asked, named in (("", branch), (branch, "")):
        assert reviewed_commit(tagged.repository, head, asked=asked, branch=named).commit == main
    tagged.git("tag", "elsewhere", main)
    found = reviewed_commit(tagged.repository, head, asked="", branch="elsewhere")
    assert (found.commit, found.note.partition(": ")[2]) == (
        head,
        "elsewhere (approvers.branch) is not in this checkout",
    )


def test_waivers_of_a_commit_that_the_branch_does_not_hold_are_named(tagged: Bench) -> None:
    main = tagged.git("rev-parse", "main")
    tagged.git("branch", "-f", "main", "v0.2.0")
    tagged.git("branch", "mine", main)
    tagged.run({ONE: State.FAILED}, status=0, release_reviewed="mine")
    note = f"waivers and sign-offs are those of {main[:12]}, which main (approvers.branch) does not hold"
    assert note in tagged.evidence().set_aside
    found = tagged.verify(now=now_of(tagged.evidence()))
    assert (found.finding, found.notes[0]) == ("PASSED", note)
    tagged.git("branch", "-f", "main", main)  # merged since
    assert note not in tagged.verify(now=now_of(tagged.evidence())).notes
    tagged.git("branch", "-D", "main")
    notes = tagged.verify(now=now_of(tagged.evidence())).notes
    assert notes[0].endswith(f"those of {main[:12]}: main (approvers.branch) is not in this checkout")


def test_evidence_cannot_name_a_commit_without_the_waiver_that_it_used(tagged: Bench) -> None:
    tagged.run({ONE: State.FAILED}, status=0)
    forge = Forge(tagged)
    forge.context(reviewed_commit=forge.evidence.subject.checks_commit)
    forge.write()
    finding, (reason,) = verified(tagged)
    assert (finding, reason.partition(" comes to ")[0]) == ("TAMPERED", f"what it records of {ONE}")


# -- which commit -----------------------------------------------------------------------------------------


def test_without_a_branch_it_is_the_commit_of_the_checks(bench: Bench) -> None:
    head = bench.git("rev-parse", "HEAD")
    assert reviewed_commit(bench.repository, head, asked="", branch="") == (
        head,
        "the commit of the checks",
        "",
    )


def test_a_branch_behind_the_checks_says_nothing_newer(bench: Bench) -> None:
    bench.git("branch", "stable", "v0.1.0")
    head = bench.git("rev-parse", "HEAD")
    found = reviewed_commit(bench.repository, head, asked="", branch="stable")
    assert found == (head, "the commit of the checks, later than stable", "")


@pytest.mark.parametrize("there", [True, False])
def test_a_branch_that_does_not_hold_the_checks_is_named_and_not_read(bench: Bench, *, there: bool) -> None:
    head = bench.git("rev-parse", "HEAD")
    if there:
        bench.git("checkout", "-q", "-b", "other", "v0.1.0")
        bench.commit("apart")
    found = reviewed_commit(bench.repository, head, asked="", branch="other")
    why = "does not hold this commit" if there else "is not in this checkout"
    assert found.commit == head
    assert found.note == f"waivers and sign-offs are those of {head[:12]}: other (approvers.branch) {why}"


def test_a_commit_that_is_asked_for_wins_over_the_branch_of_the_profile(tagged: Bench) -> None:
    run = tagged.run({ONE: State.FAILED}, release_reviewed="v0.2.0")
    context = run.prepared.context
    assert context.reviewed_commit == tagged.git("rev-parse", "v0.2.0")
    assert context.reviewed_why == "--release-reviewed v0.2.0"
    assert run.record is not None
    assert run.record.command.endswith(" --release-reviewed v0.2.0")
    assert tagged.states()["one"] == "FAILED"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            "nowhere",
            "--release-reviewed: expected a commit or a branch of the checks' repository, found none",
        ),
        ("v0.1.0", "--release-reviewed: expected a commit that holds the checks ("),
    ],
)
def test_a_commit_that_cannot_be_meant_is_refused(bench: Bench, asked: str, told: str) -> None:
    with pytest.raises(RelgateError) as caught:
        bench.run(release_reviewed=asked)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize("branch", ["main", "origin/main", "release/1.x+fix", "v1@ada"])
def test_a_branch_is_named_as_git_names_it(branch: str) -> None:
    profile = parse_profile(f'project = "demo"\n[approvers]\nbranch = "{branch}"\n'.encode(), "relgate.toml")
    assert profile.approvers.branch == branch


@pytest.mark.parametrize("branch", ["--all", "a b", "main~1", "main^", "a:b", "@{-1}"])
def test_what_is_no_name_of_a_branch_is_refused(branch: str) -> None:
    with pytest.raises(
        RelgateError, match=r"^relgate\.toml:3: approvers\.branch: expected the name of a branch"
    ):
        parse_profile(f'project = "demo"\n[approvers]\nbranch = "{branch}"\n'.encode(), "relgate.toml")


# -- what is not committed --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["untracked", "staged", "ignored"])
def test_a_waiver_that_is_not_committed_does_not_count_and_is_named(bench: Bench, how: str) -> None:
    bench.write(WAIVERS, waiver())
    if how == "staged":
        bench.git("add", WAIVERS)
    if how == "ignored":
        bench.write(".git/info/exclude", "waivers.toml\n")
    bench.run({ONE: State.FAILED})
    evidence = bench.evidence()
    assert bench.codes() == ["FAILED"], "it is neither a waiver nor dirt"
    assert not evidence.subject.dirty
    assert not evidence.subject.checks_dirty
    head = bench.git("rev-parse", "HEAD")[:12]
    assert evidence.set_aside == (
        f"{WAIVERS} is not as committed: what counts is what commit {head} has; commit it",
    )
    assert verified(bench)[0] == "BLOCKED"


def test_an_edit_of_a_committed_waiver_waits_for_its_commit(bench: Bench) -> None:
    bench.write(WAIVERS, waiver())
    bench.commit()
    bench.write(WAIVERS, waiver(states='["ERRORED"]'))
    bench.run({ONE: State.FAILED}, status=0)
    assert (bench.evidence().verdict, bench.states()["one"]) == ("PASSED", "WAIVED")
    assert bench.evidence().set_aside[0].startswith(f"{WAIVERS} is not as committed")
    assert verified(bench) == ("PASSED", ())


def test_a_draft_does_not_make_a_good_release_bad(bench: Bench) -> None:
    bench.write(WAIVERS, "[[waiver]]\nhalf written")
    bench.write(SIGNOFFS, "")
    bench.run()
    assert (bench.evidence().verdict, len(bench.evidence().set_aside)) == ("PASSED", 2)
    assert verified(bench) == ("PASSED", ())


# -- what is malformed ------------------------------------------------------------------------------------

SIGNED = f'[[signoff]]\ngate = "{ONE}"\ntree = "{"1" * 40}"\nperson = "ada"\ncause = "the disk was full"\n'
READ = f'[[review]]\ngate = "{ONE}"\ndiff = "sha256:{"1" * 64}"\nperson = "ada"\nreason = "read it"\n'
FAR = '"2999-01-01T00:00:00Z"'

DENIED: dict[str, tuple[str, str, str]] = {
    "no TOML": (WAIVERS, "[[waiver]\n", "WAIVER: release_checks/waivers.toml:1: expected TOML"),
    "no UTF-8": (WAIVERS, '[[waiver]]\ngate = "\udcff"\n', "waivers.toml:2: expected UTF-8"),
    "no table of waivers": (WAIVERS, "[waiver]\n", "waivers.toml:1: waiver: expected tables written"),
    "an unknown table": (WAIVERS, "[[wavier]]\n", 'unknown key "wavier" in the top level; did you mean'),
    "a sign-off among waivers": (WAIVERS, SIGNED, 'unknown key "signoff" in the top level'),
    "an unknown key": (WAIVERS, waiver(scope='"all"'), 'waivers.toml:10: unknown key "scope" in [[waiver]]'),
    "a key too few": (WAIVERS, "[[waiver]]\n", 'waivers.toml:1: missing key "gate" in [[waiver]]'),
    "no gate's id": (WAIVERS, waiver(gate='"fmt"'), "waiver[0].gate: expected the id of a gate"),
    "no release": (
        WAIVERS,
        waiver(release='"0.2"'),
        'waiver[0].release: expected a release such as "v0.1.10"',
    ),
    "no state": (WAIVERS, waiver(states="[]"), "waiver[0].states: expected an array of at least one"),
    "MISSING": (WAIVERS, waiver(states='["MISSING"]'), 'found "MISSING", which never is'),
    "STALE": (WAIVERS, waiver(states='["STALE"]'), 'found "STALE", which never is'),
    "INVALID": (WAIVERS, waiver(states='["INVALID"]'), 'found "INVALID", which never is'),
    "no reason": (WAIVERS, waiver(reason='"..."'), "waiver[0].reason: expected words that say why"),
    "no owner": (WAIVERS, waiver(owner='""'), "waiver[0].owner: expected the name of a person"),
    "a draft's approver": (WAIVERS, waiver(approver='"..."'), 'expected the name of a person, found "..."'),
    "no approver of the profile": (
        WAIVERS,
        waiver(approver='"mallory"'),
        f"waiver for {ONE}: expected an approver of the profile (grace, ada), found mallory",
    ),
    "approved alone": (WAIVERS, waiver(owner='"grace"'), "grace approved it alone, and another approver"),
    "no time": (WAIVERS, waiver(created='"today"'), "waiver[0].created: expected a time with an offset"),
    "no offset": (
        WAIVERS,
        waiver(expires='"2999-01-01T00:00:00"'),
        "waiver[0].expires: expected a time with",
    ),
    "upside down": (WAIVERS, waiver(created=FAR, expires=FAR), "waiver[0].expires: expected a time after"),
    "too long": (WAIVERS, waiver(expires=FAR), f"waiver for {ONE}: expected at most 30 days, found"),
    "in the future": (
        WAIVERS,
        waiver(created=FAR, expires='"2999-01-08T00:00:00Z"'),
        f"waiver for {ONE}: created in the future",
    ),
    "expired": (
        WAIVERS,
        waiver(created='"2024-01-01T00:00:00Z"', expires='"2024-01-08T00:00:00Z"'),
        f"waiver for {ONE}: expired 2024-01-08T00:00:00Z",
    ),
    "a duplicate": (WAIVERS, waiver() + waiver(), "waivers.toml:10: expected one waiver for FAILED of"),
    "no such gate": (
        WAIVERS,
        waiver(gate='"test_gates.py::test_gone"'),
        "waiver for test_gates.py::test_gone: expected a planned gate, found none of that id",
    ),
    "no sign-offs": (SIGNOFFS, "signoff = 1\n", "SIGNOFF: release_checks/signoffs.toml:1: signoff: expected"),
    "a sign-off's unknown key": (SIGNOFFS, SIGNED + 'until = "x"\n', 'unknown key "until" in [[signoff]]'),
    "a sign-off without a cause": (SIGNOFFS, SIGNED.replace("the disk was full", " "), "signoff[0].cause: "),
    "a sign-off of no tree": (
        SIGNOFFS,
        SIGNED.replace("1" * 40, "HEAD"),
        "signoff[0].tree: expected the whole",
    ),
    "a sign-off by nobody": (SIGNOFFS, SIGNED.replace("ada", "..."), "signoff[0].person: expected the name"),
    "a sign-off twice": (SIGNOFFS, SIGNED + SIGNED, "signoffs.toml:6: expected one sign-off of"),
    "a review of no diff": (
        SIGNOFFS,
        READ.replace("sha256:", ""),
        "review[0].diff: expected the digest of a",
    ),
    "a review without a reason": (
        SIGNOFFS,
        READ.replace("read it", "..."),
        "review[0].reason: expected words",
    ),
    "a review's unknown key": (SIGNOFFS, READ + 'tree = "x"\n', 'unknown key "tree" in [[review]]'),
    "a review by nobody": (SIGNOFFS, READ.replace('"ada"', '""'), "review[0].person: expected the name of a"),
    "a review twice": (SIGNOFFS, READ + READ, "signoffs.toml:6: expected one review by"),
    "a review for no such gate": (
        SIGNOFFS,
        READ.replace("test_one", "test_gone"),
        "sign-off for test_gates.py::test_gone: expected a planned gate, found none of that id",
    ),
}


# Of these nothing in the file is read on; the others stand together in one file.
WHOLE = ("no TOML", "no UTF-8", "no table of waivers", "an unknown table", "a sign-off among waivers")


def case_of(name: str, text: str) -> Case:
    """Two gates that passed, under a file with this text."""
    raw = text.encode("utf-8", "surrogateescape")
    reviewed = parse_reviewed({name.rpartition("/")[2]: (name, raw)})
    return Case(
        plan=planned(gate(ONE), gate(TWO), target="v0.2.0"),
        attempts={ONE: attempts(ONE, State.PASSED), TWO: attempts(TWO, State.PASSED)},
        waivers=reviewed.waivers,
        signoffs=reviewed.signoffs,
        reviews=reviewed.reviews,
        denied=reviewed.denied,
        approvers=("grace", "ada"),
        now=datetime.now(UTC).isoformat(),
    )


@pytest.mark.parametrize(("name", "text", "told"), DENIED.values(), ids=list(DENIED))
def test_every_malformation_blocks_with_its_reason(name: str, text: str, told: str) -> None:
    reason = only(case_of(name, text))
    assert reason.code == ("WAIVER" if name == WAIVERS else "SIGNOFF")
    assert told in f"{reason.code}: {reason.message}"
    assert reason.remedy


def apart(name: str, text: str, state: State) -> str:
    """An entry about a state of its own, so that only what is meant to be a duplicate is one."""
    return text if name in ("MISSING", "STALE", "INVALID") else text.replace('["FAILED"]', f'["{state}"]')


@pytest.mark.parametrize("file", [WAIVERS, SIGNOFFS])
def test_verify_reads_the_same_slips_from_git(bench: Bench, file: str) -> None:
    rows = [(name, text) for name, (at, text, _) in DENIED.items() if at == file and name not in WHOLE]
    rows = [(name, text) for name, text in rows if name != "no sign-offs"]
    judged = [name for name, text in rows if not case_of(file, text).denied]
    states = dict(zip([*judged, "a duplicate"], (one for one in State if one.waivable), strict=False))
    bench.write(file, "".join(apart(name, text, states.get(name, State.FAILED)) for name, text in rows))
    bench.commit()
    bench.run()
    reasons = bench.evidence().reasons
    assert len(reasons) == len(rows)
    assert verified(bench) == ("BLOCKED", tuple(f"{one.code}: {one.message}" for one in reasons))


def test_verify_reads_a_file_that_is_none_from_git(bench: Bench) -> None:
    bench.write(WAIVERS, "[[waiver]\n")
    bench.write(SIGNOFFS, b'person = "\xff"\n')
    bench.commit()
    bench.run()
    (first, second) = bench.evidence().reasons
    assert (first.code, second.code) == ("WAIVER", "SIGNOFF")
    assert verified(bench) == ("BLOCKED", (f"WAIVER: {first.message}", f"SIGNOFF: {second.message}"))


def test_every_slip_of_a_file_has_its_own_reason_and_its_line(bench: Bench) -> None:
    bench.write(WAIVERS, waiver(owner='""') + waiver() + waiver(reason='""') + waiver())
    bench.commit()
    bench.run({ONE: State.FAILED}, status=0)
    reasons = bench.evidence().reasons
    assert [reason.where for reason in reasons] == [f"{WAIVERS}:{line}" for line in (6, 23, 28)]
    assert bench.states()["one"] == "WAIVED", "what is in order counts, and the slips block"
    assert len(verified(bench)[1]) == 3


def test_a_forger_cannot_drop_what_is_malformed(bench: Bench) -> None:
    bench.write(WAIVERS, waiver(owner='""'))
    bench.commit()
    bench.run()
    forge = Forge(bench)
    forge.passed()
    assert forge.verify().reasons == ("what it records gives BLOCKED, and it says PASSED",)


def test_an_unused_waiver_is_a_note_and_no_reason(bench: Bench) -> None:
    bench.write(WAIVERS, waiver())
    bench.commit()
    run = bench.run()
    assert bench.evidence().verdict == "PASSED"
    assert run.record is not None
    assert run.record.verdict.notes == (f"waiver for {ONE}: not used",)
