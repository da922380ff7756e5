"""The channel table in a terminal of 80 columns, and the one of the newest look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.evidence import wording
from pytest_relgate.evidence.channel_table import HEADINGS, asked, lines, newest
from pytest_relgate.model import ChannelLine, ChannelTable

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.model import Record

LINE = ChannelLine("npm", "serves", "0.1.10", "1 of 1", "as built", "2026-11-22 15:00 UTC")
TABLE = ChannelTable("2026-11-22T16:02:00Z", (LINE,), "the evidence of the build")
CELL = st.text(max_size=60)


def test_a_short_table_is_shown_whole() -> None:
    assert list(lines(TABLE)) == [
        "channel  state   version  files   digests   since or overdue",
        "npm      serves  0.1.10   1 of 1  as built  2026-11-22 15:00 UTC",
    ]


@given(st.lists(st.builds(ChannelLine, CELL, CELL, CELL, CELL, CELL, CELL), min_size=1, max_size=3))
def test_no_line_is_wider_than_a_terminal(rows: list[ChannelLine]) -> None:
    shown = list(lines(ChannelTable("", tuple(rows))))
    assert len(shown) == len(rows) + 1
    assert all(len(line) <= 80 for line in shown)


def test_the_newest_look_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "attached"
    folder.mkdir()
    older = msgspec.structs.replace(TABLE, at="2026-11-22T16:01:00Z")
    (folder / "channel-table.json").write_bytes(msgspec.json.encode(TABLE))
    (folder / "channel-table-2.json").write_bytes(msgspec.json.encode(older))
    (folder / "channel-table-3.json").write_text("{")
    (folder / "channel-npm.json").write_text("{}")
    assert newest(tmp_path) == TABLE
    assert newest(tmp_path / "nowhere") is None


@pytest.mark.parametrize("measured", ["", "the evidence of the build"])
def test_it_says_when_and_by_what(measured: str) -> None:
    said = asked(msgspec.structs.replace(TABLE, measured_by=measured))
    assert said == "looked at 2026-11-22 16:02 UTC" + (f"; expected digests: {measured}" if measured else "")


def test_a_weak_measure_is_said_in_words(passed: Record) -> None:
    weak = msgspec.structs.replace(TABLE, weak=("github", "homebrew"))
    said = wording.not_checked(msgspec.structs.replace(passed, channels=weak))
    assert any("whether what github, homebrew has is what was built" in words for words in said)
    assert wording.not_checked(msgspec.structs.replace(passed, channels=TABLE)) == wording.not_checked(passed)
    assert len(HEADINGS) == len(LINE.__struct_fields__)
