"""Evidence of another subject is set aside, whole, and taken up again when its tree comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Bench
    from pytest_relgate.model import Gate

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"


def shelf(bench: Bench, commit: str) -> Path:
    return bench.folder().parent / "superseded" / commit / bench.phase


def test_evidence_of_another_tree_is_set_aside_and_still_verified(bench: Bench) -> None:
    first = bench.git("rev-parse", "HEAD")
    run = bench.run()
    bench.write("src/demo.txt", "later\n")
    bench.commit()
    bench.run()
    assert bench.verify(shelf(bench, first), commit=first, head=run.digest).finding == "PASSED"
    assert bench.verify(commit=first).finding == "STALE"


def test_evidence_of_another_commit_with_the_same_tree_leaves_a_copy(bench: Bench) -> None:
    first = bench.git("rev-parse", "HEAD")
    run = bench.run()
    head = bench.commit("nothing")
    bench.run()
    assert bench.verify(shelf(bench, first), commit=first, head=run.digest).finding == "PASSED"
    assert bench.verify(commit=head).finding == "PASSED"
    assert bench.reading().runs[-1].gates == (), "nothing has to run again"


def test_evidence_by_other_checks_is_set_aside(bench: Bench, a_gate: Callable[..., Gate]) -> None:
    bench.git("tag", "v0.2.0")
    bench.phase = "postrelease"
    bench.lock(a_gate(ONE, phase="postrelease"))
    run = bench.run({ONE: State.FAILED})
    commit = bench.evidence().subject.commit
    bench.write("release_checks/test_gates.py", "import pytest\n\npytestmark = [pytest.mark.postrelease]\n")
    bench.commit()
    bench.run()
    assert (len(bench.reading().runs), bench.evidence().subject.commit) == (1, commit)
    assert bench.verify(shelf(bench, commit), head=run.digest).finding == "BLOCKED"


def test_a_run_that_was_never_sealed_leaves_no_copy(bench: Bench) -> None:
    first = bench.git("rev-parse", "HEAD")
    bench.run(finish=False)
    bench.commit("nothing")
    bench.run()
    assert not shelf(bench, first).exists()


def test_the_shelf_is_never_overwritten(bench: Bench) -> None:
    first = bench.git("rev-parse", "HEAD")
    bench.run({ONE: State.FAILED})
    bench.write("src/demo.txt", "later\n")
    bench.commit()
    bench.run()
    aside = {path: path.read_bytes() for path in shelf(bench, first).rglob("*") if path.is_file()}
    bench.git("checkout", "-q", first)
    bench.run()
    assert bench.states()["one"] == "FLAKY"
    bench.git("checkout", "-q", "-")
    bench.run()
    bench.git("checkout", "-q", first)
    bench.run()
    assert bench.states()["one"] == "FLAKY"
    assert [one.number for one in bench.reading().attempts()[ONE]] == [1, 2, 3]
    assert {path: path.read_bytes() for path in aside} == aside
    assert {place.name for place in shelf(bench, first).parent.iterdir()} == {"prerelease", "prerelease-2"}


def test_logs_come_back_with_their_journal(bench: Bench) -> None:
    first = bench.git("rev-parse", "HEAD")
    log = bench.folder() / "logs/one.txt"
    bench.run({ONE: State.FAILED}, during=lambda _: log.write_text("what it saw"))
    bench.write("src/demo.txt", "later\n")
    bench.commit()
    bench.run()
    assert not log.exists()
    bench.git("checkout", "-q", first)
    bench.run()
    assert log.read_text() == "what it saw"
    assert bench.verify().finding == "BLOCKED"


def test_a_failure_on_the_shelf_that_was_altered_is_not_forgotten_in_silence(bench: Bench) -> None:
    first = bench.git("rev-parse", "HEAD")
    bench.run({ONE: State.FAILED})
    bench.write("src/demo.txt", "later\n")
    bench.commit()
    bench.run()
    journal = shelf(bench, first) / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + b"".join(lines[2:]))
    bench.git("checkout", "-q", first)
    with pytest.raises(RelgateError, match=rf"the evidence in {shelf(bench, first)} was altered"):
        bench.run()


def test_evidence_of_another_release_in_this_place_is_set_aside(bench: Bench) -> None:
    bench.run({ONE: State.FAILED})
    there = bench.folder()
    bench.target = "v0.3.0"
    bench.folder().parent.mkdir()
    there.rename(bench.folder())
    bench.run()
    assert bench.evidence().verdict == "PASSED"
    assert bench.verify(shelf(bench, bench.git("rev-parse", "HEAD")), target="v0.2.0").finding == "BLOCKED"


def test_evidence_of_a_later_version_is_left_alone(bench: Bench) -> None:
    bench.run()
    path = bench.folder() / "evidence.json"
    later = path.read_bytes().replace(b'{"schema": 1', b'{"schema": 2')
    path.write_bytes(later)
    with pytest.raises(RelgateError, match=r"cannot be continued: its schema is 2.*pip install --upgrade"):
        bench.run()
    assert path.read_bytes() == later
