"""The closing block of the terminal: commands that can be copied, and no card that says nothing."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_relgate import terminal
from pytest_relgate.evidence.blocking import Card

WORDS = st.lists(st.text("abc-/.' \"$", max_size=30), min_size=1, max_size=12)


@example(["aaaa$", "aaaaaaaaaaaaaaa'", "aaaaaaaaaaaaaaaaaaaaaa'' '"])  # folded within a quotation
@given(WORDS)
def test_a_command_that_is_folded_is_the_same_command_to_a_shell(words: list[str]) -> None:
    command = shlex.join(words)
    shown = "\n".join(line.text for line in terminal._typed("Check", command))
    assert shlex.split(shown.removeprefix("Check").replace("\\\n", "")) == words


@pytest.mark.parametrize(
    "command",
    [
        "relgate verify release-evidence/v0.1.10/postrelease --commit b41647a --allow-sandbox",
        "pytest -m publish --release-target v0.1.10 --release-mode live --release-agent ada@laptop",
    ],
)
def test_a_long_command_fits_into_80_columns(command: str) -> None:
    assert len(command) > terminal.WIDTH - terminal.LABEL
    assert all(len(line.text) <= terminal.WIDTH for line in terminal._typed("Check", command))


def test_gates_that_wait_for_another_have_one_card_together() -> None:
    held = [Card("BLOCKED_BY", f"{name} was done", found="blocked by a.py::test_a") for name in "bc"]
    alone = Card("BLOCKED_BY", "d was done", found="blocked by z.py::test_z")
    assert [line.text.rstrip() for line in terminal._behind([*held, alone])] == [
        "BLOCKED_BY  2 gates that come later in its sequence",
        "  found   blocked by a.py::test_a",
        "  gates   b was done",
        "          c was done",
        "",
        "BLOCKED_BY  1 gate that comes later in its sequence",
        "  found   blocked by z.py::test_z",
        "  gates   d was done",
        "",
    ]
