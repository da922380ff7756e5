"""No byte of a sealed folder can change without its being seen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Bench

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"
FINGERPRINTED = (
    "logs/test_gates.py-test_one.txt",
    "attached/table.md",
    "report.md",
    "report.html",
    "junit.xml",
)


@pytest.fixture
def sealed(bench: Bench) -> Bench:
    """Evidence that passed after a gate could not be judged, with a log and an attached file."""

    def work(_: object) -> None:
        for name in FINGERPRINTED[:2]:
            path = bench.folder() / name
            path.parent.mkdir(exist_ok=True)
            path.write_text("what the gate saw\n" * 20)

    bench.run({ONE: State.ERRORED})
    bench.run(during=work)
    assert bench.verify().finding == "PASSED"
    return bench


def flips(path: Path, every: int = 1) -> list[tuple[int, bytes]]:
    """The bytes of a file with one of them changed, at one place after another."""
    whole = path.read_bytes()
    return [
        (at, whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        for at in range(0, len(whole), every)
    ]


@pytest.mark.parametrize(
    ("name", "every"),
    [
        ("evidence.json", 1),
        ("evidence.json.sha256", 1),
        ("journal.jsonl", 1),
        *((name, 97) for name in FINGERPRINTED),
    ],
)
def test_no_changed_byte_passes(sealed: Bench, name: str, every: int) -> None:
    path = sealed.folder() / name
    whole = path.read_bytes()
    for at, changed in flips(path, every):
        path.write_bytes(changed)
        finding = sealed.verify().finding
        assert finding == "TAMPERED" or (name == "evidence.json" and finding == "UNDECIDED"), (at, finding)
    path.write_bytes(whole)
    assert sealed.verify().finding == "PASSED"


def test_no_file_can_go(sealed: Bench) -> None:
    folder = sealed.folder()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 3 + len(FINGERPRINTED)
    wanted = {"evidence.json": "UNDECIDED", "evidence.json.sha256": "INCOMPLETE"}
    for path in files:
        text = path.read_bytes()
        path.unlink()
        assert sealed.verify().finding == wanted.get(path.name, "TAMPERED"), path.name
        path.write_bytes(text)
    assert sealed.verify().finding == "PASSED"


def test_no_file_can_be_shortened_or_continued(sealed: Bench) -> None:
    for path in [path for path in sealed.folder().rglob("*") if path.is_file()]:
        text = path.read_bytes()
        for other in (b"", text[:-1], text + b"\n", text + text, text[: len(text) // 2]):
            path.write_bytes(other)
            assert sealed.verify().finding == "TAMPERED", (path.name, other[-20:])
        path.write_bytes(text)
    assert sealed.verify().finding == "PASSED"


@pytest.mark.parametrize("name", ["note.txt", "logs/more.txt", "a/b/c", ".hidden", "logs/evidence.json"])
def test_no_file_can_be_added(sealed: Bench, name: str) -> None:
    path = sealed.folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    assert sealed.verify().reasons == (f"{name} was added",)


def test_an_empty_folder_is_nothing(sealed: Bench) -> None:
    (sealed.folder() / "empty").mkdir()
    assert sealed.verify().finding == "PASSED"


def test_no_link_stands_for_a_file(sealed: Bench, tmp_path: Path) -> None:
    folder = sealed.folder()
    for number, path in enumerate([path for path in folder.rglob("*") if path.is_file()]):
        there = tmp_path / str(number)
        path.rename(there)
        path.symlink_to(there)
        assert sealed.verify().finding == "TAMPERED", path.name
        path.unlink()
        there.rename(path)
    logs = folder / "logs"
    logs.rename(tmp_path / "logs")
    logs.symlink_to(tmp_path / "logs")
    assert sealed.verify().finding == "TAMPERED"


def test_nothing_but_files_stands_for_a_file(sealed: Bench) -> None:
    for name in ("journal.jsonl", "report.md", "evidence.json.sha256"):
        path = sealed.folder() / name
        text = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        assert sealed.verify().finding == "TAMPERED", name
        path.unlink()
        path.mkdir()
        assert sealed.verify().finding == "TAMPERED", name
        path.rmdir()
        path.write_bytes(text)
    (sealed.folder() / "evidence.json").unlink()
    (sealed.folder() / "evidence.json").mkdir()
    assert sealed.verify().finding == "UNDECIDED"


def test_no_line_of_the_journal_can_go_come_twice_or_change_places(sealed: Bench) -> None:
    path = sealed.folder() / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    count = len(lines)
    for at in range(count):
        others = [
            lines[:at] + lines[at + 1 :],
            [*lines[: at + 1], *lines[at:]],
            [*lines[:at], *reversed(lines[at : at + 2]), *lines[at + 2 :]] if at + 1 < count else [],
            lines[at:],
            lines[:at],
        ]
        for changed in others:
            if changed != lines:
                path.write_bytes(b"".join(changed))
                assert sealed.verify().finding == "TAMPERED", at


def test_a_run_does_not_go_on_from_evidence_that_was_altered(sealed: Bench) -> None:
    from pytest_relgate.errors import RelgateError

    path = sealed.folder() / "journal.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    edited = [b"".join(lines[:at] + lines[at + 1 :]) for at in range(len(lines))]
    edited += [whole.replace(b'"ERRORED"', b'"PASSED"'), b"", whole[: len(whole) // 2]]
    for changed in edited:
        path.write_bytes(changed)
        with pytest.raises(RelgateError, match=r"was altered.*move .* away") as error:
            sealed.run()
        assert "\n" not in str(error.value)
        assert path.read_bytes() == changed, "what was found is left as it was found"
    path.unlink()
    with pytest.raises(RelgateError, match="was altered"):
        sealed.run()


def test_a_file_whose_name_is_no_text_is_sealed_like_any_other(bench: Bench) -> None:
    name = os.fsdecode(b"logs/\xff\xfe.txt")
    bench.run(during=lambda _: (bench.folder() / name).write_text("odd"))
    assert bench.verify().finding == "PASSED"
    (bench.folder() / name).write_text("even")
    assert bench.verify().reasons == (f"bytes:{os.fsencode(name).hex()} was changed",)


@pytest.mark.parametrize("name", ["evidence.json", "evidence.json.sha256", "journal.jsonl", "report.md"])
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_stands_in_a_file_is_answered(whole: Bench, name: str, data: st.DataObject) -> None:
    path = whole.folder() / name
    before = path.read_bytes()
    pieces = st.one_of(
        st.binary(max_size=200),
        st.sampled_from(
            [b"{", b'{"schema": 1, ', b"\x00" * 600, b"[" * 5000, b"\n", b'"\\ud800"', before[:400]]
        ),
        st.integers(0, len(before)).map(lambda at: before[at:]),
    )
    changed = b"".join(data.draw(st.lists(pieces, max_size=4)))
    path.write_bytes(changed)
    try:
        found = whole.verify()
    finally:
        path.write_bytes(before)
    assert found.finding == "PASSED" if changed == before else found.finding != "PASSED"
    assert all("\n" not in reason for reason in found.reasons)


@pytest.fixture(scope="module")
def whole(new_bench: Callable[[], Bench]) -> Bench:
    """Evidence that passed, which each user leaves as it was."""
    bench = new_bench()
    bench.run()
    return bench
