from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.exec import output as output_room
from pytest_relgate.exec.output import Output
from pytest_relgate.exec.redact import Redactor

if TYPE_CHECKING:
    from pathlib import Path


def output_of(log: Path, *pieces: bytes, notes: tuple[str, ...] = ()) -> Output:
    output = Output(log, Redactor(["hunter22-xyz"]))
    for piece in pieces:
        output.feed(piece)
    for note in notes:
        output.note(note)
    output.close()
    return output


@pytest.mark.parametrize("piece", [1, 7, 1000, 5000])
@pytest.mark.parametrize("size", [0, 999, 1000, 1001, 1099, 1100, 1101, 1500, 5000])
def test_a_log_keeps_the_beginning_and_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, piece: int
) -> None:
    monkeypatch.setattr(output_room, "KEPT_FIRST", 1000)
    monkeypatch.setattr(output_room, "KEPT_LAST", 100)
    raw = random.Random(size).randbytes(size)
    log = tmp_path / "log.txt"
    output = output_of(log, *(raw[i : i + piece] for i in range(0, size, piece)))
    assert output.size == size
    assert output.sha256 == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    if size <= 1100:
        assert log.read_bytes() == raw
    else:
        between = f"\n[relgate] {size - 1100} bytes are left out here\n".encode()
        assert log.read_bytes() == raw[:1000] + between + raw[-100:]


def test_notes_stand_on_lines_of_their_own_and_do_not_count(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    output = output_of(log, b"no newline", notes=("first hunter22-xyz", "second"))
    assert log.read_text() == "no newline\n[relgate] first [redacted]\n[relgate] second\n"
    assert output.size == len("no newline")
    output_of(log, b"newline\n", notes=("first",))
    assert log.read_text() == "newline\n[relgate] first\n"


def test_what_a_secret_might_begin_with_is_not_lost_at_the_end(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert output_of(log, b"all of hunter").tail() == "all of hunter"
    assert log.read_text() == "all of hunter"


@pytest.mark.parametrize(
    ("raw", "tail"),
    [
        (b"", ""),
        (b"one\n\n\n", "one"),
        (b"a\r\nb\r\n", "a\nb"),
        (b" 10%\r 20%\r100%\n", " 10%\n 20%\n100%"),
        (b"\x1b[31;1mred\x1b[0m \x1b[2Kline", "red line"),
        (b"\x1b]0;title\x07\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\ \x1b(Bend", "link end"),
        (b"bell\x07 nul\x00 back\x08 del\x7f", "bell␇ nul␀ back␈ del\\x7f"),
        ("left\u202eright \u200b \x9b \u2028".encode(), "left\\u202eright \\u200b \\x9b \\u2028"),
        (b"\xff\xfe caf\xc3\xa9 \xc3", "\ufffd\ufffd café \ufffd"),
        (b"tab\there", "tab\there"),
        (b"\x1b[1mhunter22\x1b[0m-xyz", "[redacted]"),
    ],
    ids=repr,
)
def test_the_tail_is_fit_to_be_shown(tmp_path: Path, raw: bytes, tail: str) -> None:
    assert output_of(tmp_path / "log.txt", raw).tail() == tail


def test_the_tail_is_the_last_lines(tmp_path: Path) -> None:
    raw = "".join(f"line {number}\n" for number in range(100_000)).encode()
    lines = output_of(tmp_path / "log.txt", raw).tail().split("\n")
    assert (len(lines), lines[0], lines[-1]) == (40, "line 99960", "line 99999")


def test_the_tail_of_one_endless_line_is_bounded(tmp_path: Path) -> None:
    tail = output_of(tmp_path / "log.txt", "é".encode() * 100_000, b"end").tail()
    assert len(tail.encode()) <= 8 * 1024
    assert tail.endswith("éend")
    assert "\ufffd" not in tail


def test_a_log_is_closed_once(tmp_path: Path) -> None:
    output = output_of(tmp_path / "log.txt", b"once\n")
    output.close()
    assert (tmp_path / "log.txt").read_text() == "once\n"
