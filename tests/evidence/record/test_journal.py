"""The journal: what a crash or a power cut leaves of it, and what of that a later run believes."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence.appending import Journal
from pytest_relgate.evidence.journal import (
    AttemptClosed,
    CommandOpened,
    Entry,
    Reading,
    RunClosed,
    RunOpened,
)
from pytest_relgate.model import Context, Mode, Phase, Reason, State, Subject

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Bench

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"
CONTEXT = Context(Phase.PRERELEASE, "v0.2.0", "", "v0.1.0", "", "b" * 40, Mode.DRY_RUN, "ada", "")
SUBJECT = Subject("demo", "c" * 40, "d" * 40, dirty=False, checks="sha256:e")


def opened(run: int = 1) -> RunOpened:
    return RunOpened("", run, "2026-01-01T00:00:00Z", CONTEXT, SUBJECT, (ONE, TWO), ())


def closed(run: int = 1, *facts: str) -> RunClosed:
    return RunClosed("", run, "2026-01-01T00:00:00Z", 0, tuple(Reason(code, "moved") for code in facts))


def attempt(gate: str = ONE, outcome: State = State.PASSED, number: int = 1, run: int = 1) -> AttemptClosed:
    return AttemptClosed("", run, gate, number, outcome, "2026-01-01T00:00:00Z", 1.5, "main")


def command(run: int = 1) -> CommandOpened:
    return CommandOpened("", run, ONE, ("cargo", "test"), "2026-01-01T00:00:00Z")


def written(path: Path, *entries: Entry) -> bytes:
    journal = Journal.open(path, journals.read(path))
    for entry in entries:
        journal.append(entry, durable=False)
    journal.close()
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_what_was_written_is_read_in_its_order(path: Path) -> None:
    entries = (opened(), command(), attempt(), attempt(TWO, State.FAILED), closed())
    reading = journals.parse(written(path, *entries))
    assert [type(one) for one in reading.entries] == [type(one) for one in entries]
    assert (reading.torn, reading.problem, reading.lines) == (0, "", 5)
    assert [one.prev for one in reading.entries] == ["", *reading.heads[:-1]]


def test_an_absent_journal_is_empty(path: Path) -> None:
    assert journals.read(path) == Reading()


def test_a_second_run_goes_on_with_the_chain(path: Path) -> None:
    written(path, opened(), attempt(), closed())
    reading = journals.parse(written(path, opened(2), attempt(number=2, run=2)))
    assert (reading.lines, reading.problem) == (5, "")
    assert [one.number for one in reading.attempts()[ONE]] == [1, 2]


def test_the_opening_line_names_the_gates_and_what_was_asked_for(path: Path) -> None:
    (line,) = written(path, opened()).splitlines()
    assert f'"gates":["{ONE}","{TWO}"]'.encode() in line
    assert b'"target":"v0.2.0"' in line


# -- torn -------------------------------------------------------------------------------------------------


def durable_before(reading: Reading, size: int, whole: bytes) -> int:
    """How many lines were on disk for certain when a file of this size was left: to the last one fsynced."""
    sizes = [len(line) for line in whole.splitlines(keepends=True)]
    ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
    kept = [at for at, end in enumerate(ends) if end <= size and journals._is_durable(reading.entries[at])]
    return max(kept, default=-1) + 1


TAILS = [b"", b"\0" * 512, b"\0" * 4096 + b"\n", b"garbage", b"\xff\xfe\n{", b'{"kind":"attempt"', b"\n\n"]


@pytest.mark.parametrize("tail", TAILS, ids=[f"tail{number}" for number in range(len(TAILS))])
def test_no_failure_that_reached_the_disk_is_forgotten_wherever_the_journal_is_torn(
    bench: Bench, path: Path, tail: bytes
) -> None:
    for outcome in (State.FAILED, State.TIMED_OUT):
        bench.run({ONE: outcome, TWO: State.ERRORED})
    whole = (bench.folder() / "journal.jsonl").read_bytes()
    before = journals.parse(whole)
    for size in range(len(whole) + 1):
        torn = whole[:size] + tail
        reading = journals.parse(torn)
        sure = durable_before(before, size, whole)
        assert reading.problem == "", size
        assert reading.lines >= sure, size
        assert before.entries[: reading.lines] == reading.entries
        if size % 16:
            continue
        path.write_bytes(torn)
        journal = Journal.open(path, reading)
        assert (journal.lines, journal.head) == (reading.lines, reading.head)
        journal.close()
        after = journals.parse(path.read_bytes())
        assert (after.torn, after.problem, after.entries) == (0, "", reading.entries)


def test_a_run_goes_on_from_a_torn_journal(bench: Bench) -> None:
    bench.run({ONE: State.FAILED}, finish=False)
    path = bench.folder() / "journal.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for size, flaky in (
        (len(whole) - len(lines[-1]), True),
        (len(whole) - 1, True),
        (len(lines[0]) + len(lines[1]), True),
        (len(lines[0]) + len(lines[1]) - 1, False),  # the failure had not reached the disk
        (len(lines[0]), False),
        (7, False),
    ):
        path.write_bytes(whole[:size] + b"\0" * 40)
        bench.run()
        assert bench.states() == {"one": "FLAKY" if flaky else "PASSED", "two": "PASSED"}, size
        assert bench.reading().runs[-1].dropped > 0
        shutil.rmtree(bench.path / "release-evidence")
        bench.run({ONE: State.FAILED}, finish=False)


def test_zeros_in_the_middle_are_a_power_cut_if_nothing_durable_stands_behind_them(path: Path) -> None:
    whole = written(path, opened(), attempt(), attempt(TWO), attempt(ONE, number=2))
    lines = whole.splitlines(keepends=True)
    hole = lines[0] + lines[1][:30] + b"\0" * (len(lines[1]) - 31) + b"\n" + lines[2] + lines[3]
    reading = journals.parse(hole)
    assert (reading.lines, reading.problem) == (1, "")
    whole = written(path, attempt(TWO, State.FAILED, number=2))
    reading = journals.parse(hole + whole.splitlines(keepends=True)[-1])
    assert "line 2 of the journal does not continue the chain" in reading.problem


# -- edited -----------------------------------------------------------------------------------------------


def test_a_line_in_the_middle_that_is_gone_or_edited_is_a_problem(path: Path) -> None:
    whole = written(path, opened(), attempt(), attempt(TWO, State.FAILED), closed())
    lines = whole.splitlines(keepends=True)
    for at in range(len(lines) - 1):
        gone = b"".join(lines[:at] + lines[at + 1 :])
        edited = b"".join([*lines[:at], lines[at].replace(b"main", b"gw00"), *lines[at + 1 :]])
        for changed in {gone, edited} - {whole}:
            reading = journals.parse(changed)
            assert reading.problem.startswith("line ")
            assert "\n" not in reading.problem


@pytest.mark.parametrize(
    "entries",
    [
        (attempt(),),
        (closed(),),
        (command(),),
        (opened(), attempt(run=2)),
        (opened(), closed(run=2)),
        (opened(), closed(), attempt()),
        (opened(), closed(), closed()),
        (opened(), opened()),
        (opened(2), opened(1)),
    ],
    ids=lambda entries: "-".join(f"{type(one).__name__}{one.run}" for one in entries),
)
def test_a_line_out_of_its_place_is_a_problem(path: Path, entries: tuple[Entry, ...]) -> None:
    """Nothing that a run did not open is an attempt: it would be dropped without a word."""
    reading = journals.parse(written(path, *entries))
    assert "of the journal is out of place: run" in reading.problem


def test_a_run_that_died_may_be_followed_by_the_next(path: Path) -> None:
    assert journals.parse(written(path, opened(), attempt(), opened(3), closed(3))).problem == ""


# -- what a run hears ---------------------------------------------------------------------------------------


def test_passes_of_a_run_whose_source_moved_are_of_no_known_tree(path: Path) -> None:
    entries = (opened(), attempt(), attempt(TWO, State.FAILED), closed(1, "DIRTY"))
    reading = journals.parse(written(path, *entries))
    assert [one.tree for done in reading.attempts().values() for one in done] == [
        "d" * 40 + "+moved",
        "d" * 40,
    ]
    assert reading.attempts(1)[ONE][0].tree == "d" * 40, "the run itself says so by its fact"
    assert journals.parse(written(path, opened(2))).attempts(2)[ONE][0].tree.endswith("+moved")


def test_commands_without_an_end_are_known(path: Path) -> None:
    reading = journals.parse(written(path, opened(), command(), attempt(), command()))
    assert len(reading.opened_commands()) == 1
    assert journals.parse(written(path, opened(2))).opened_commands() == ()


# -- writing ----------------------------------------------------------------------------------------------


def test_what_blocks_is_on_disk_before_the_run_goes_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of write and fsync of every line, by the file's own handle."""
    events: list[str] = []
    real_write, real_sync = os.write, os.fsync

    def write(handle: int, text: bytes) -> int:
        kind = next(
            (word for word in ("run", "attempt", "command", "end") if b'"kind":"%b"' % word.encode() in text),
            "",
        )
        if kind:
            outcome = next((str(one) for one in State if b'"outcome":"%b"' % one.encode() in text), "")
            events.append(f"{kind} {outcome}".strip())
        return real_write(handle, text)

    def sync(handle: int) -> None:
        path = bench.folder() / "journal.jsonl"
        if path.exists() and os.fstat(handle).st_ino == path.stat().st_ino:
            events.append("fsync")
        real_sync(handle)

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(os, "fsync", sync)
    bench.run({ONE: State.FAILED}, during=lambda run: run.command_starts(TWO, ("true",)))
    assert events == [
        "fsync",  # the file is there before its first line
        "run",
        "fsync",
        "attempt FAILED",
        "fsync",
        "attempt PASSED",
        "command",
        "end",
        "fsync",
        "fsync",  # its end
    ]


def test_a_dispatch_is_on_disk_before_it_starts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    real = Journal.append

    def append(journal: Journal, entry: Entry, *, durable: bool) -> None:
        if isinstance(entry, CommandOpened):
            seen.append(durable)
        real(journal, entry, durable=durable)

    monkeypatch.setattr(Journal, "append", append)
    bench.phase = "build"
    bench.run(during=lambda run: run.command_starts(ONE, ("gh", "workflow", "run")))
    assert seen == [True]


def test_a_line_that_a_full_disk_refused_is_written_before_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(path, Reading())
    journal.append(opened(), durable=True)
    real = os.write
    room = [40]

    def write(handle: int, text: bytes) -> int:
        """A disk that takes a part of a line before it says that it is full."""
        if not room:
            raise OSError(28, "No space left on device")
        return real(handle, text[: room.pop()])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        for entry in (attempt(ONE, State.FAILED), attempt(TWO)):
            with pytest.raises(OSError, match="No space"):
                journal.append(entry, durable=True)
            assert journals.read(path).torn == 0, "a line is there whole or not at all"
    journal.append(closed(), durable=False)
    journal.close()
    told = [(one.gate, one.outcome) for one in journals.read(path).entries if isinstance(one, AttemptClosed)]
    assert told == [(ONE, "FAILED"), (TWO, "PASSED")]


def test_a_word_that_is_no_text_is_written_by_its_number(path: Path) -> None:
    odd = CommandOpened("", 1, ONE, ("cat", "caf\udce9"), "2026-01-01T00:00:00Z")
    (_, line) = written(path, opened(), odd).splitlines()
    assert rb'"argv":["cat","caf\\udce9"]' in line
    assert journals.read(path).problem == ""
