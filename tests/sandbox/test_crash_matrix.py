"""A live publish that is killed anywhere, and typed again: started at most once, never PASSED too early.

What stands on disk at a boundary is what a kill there leaves: one publish gives every state, and those in
which something could go wrong are gone on from. One is killed in earnest.
``benchmarks/crash_matrix.py`` kills at every boundary, and at any time. SPEC S38, S41, B4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crash_cases import Matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.conftest import Walk

WELL, BLIND, THERE = "passed", "blocked, nothing there", "blocked"
TRIED = {  # the states that are gone on from, and what that comes to: without and with lists that lag
    "journal RunOpened half 1": (WELL,),
    "replace publish.json before 1": (WELL,),  # an intent that was being written
    "replace publish.json after 1": (BLIND, BLIND),  # it will be started, or was: nobody can say
    "journal CommandOpened after 1": (BLIND,),
    "post after 1": (WELL, THERE),  # its answer is lost
    "replace publish.json before 2": (WELL, THERE),  # it came, and was not written down
    "replace publish.json after 2": (WELL,),
    "journal AttemptClosed half 2": (WELL,),
    "open run-N.json after 1": (WELL,),
    "journal AttemptClosed half 4": (WELL,),
    "journal RunClosed half 1": (WELL,),
    "replace report.html after 1": (WELL,),
    "write .evidence.json.sha256.new after 1": (WELL,),
    "replace evidence.json after 2": (WELL,),  # sealed, and the seal's digest is not
}
OTHERS = {  # as harmless as those beside them; the benchmark takes them too
    *("mkdir publish before 1", "unlink .probe.new before 1", "write .evidence.json.new after 1"),
    *("replace evidence.json after 1", "mkdir logs after 1", "journal RunOpened before 1"),
    *("journal RunOpened after 1", "journal AttemptClosed half 1", "journal AttemptClosed after 1"),
    *("journal CommandOpened half 1", "journal AttemptClosed after 2"),
    *("mkdir attached after 1", "attach run-N.json after 1", "journal AttemptClosed half 3"),
    *("journal AttemptClosed after 3", "journal AttemptClosed after 4", "journal RunClosed after 1"),
    *("write .report.md.new after 1", "write .junit.xml.new after 1", "write .report.html.new after 1"),
    *("replace report.md after 1", "replace junit.xml after 1", "write .evidence.json.new after 2"),
    "replace evidence.json.sha256 after 1",
}


@pytest.fixture
def matrix(walk: Walk) -> Iterator[Matrix]:
    """A walk that stands before its publish, and a warm process to publish from."""
    walk.back_to("rehearsal")
    with Matrix(walk.path, walk.environ, walk.folder / "matrix") as made:
        yield made


def test_a_publish_that_died_anywhere_is_started_once_and_ends_well(matrix: Matrix) -> None:
    # What a publish leaves on its way is known; whatever comes to it is to be sorted in above.
    assert set(matrix.states) == set(TRIED) | OTHERS
    for at, endings in TRIED.items():
        for lag, expected in enumerate(endings):
            ending = matrix.left(matrix.states[at], lag=bool(lag))
            assert (at, lag, ending.problems, ending.again) == (at, lag, (), expected)
    ending = matrix.killed("post after 1")
    assert (ending.problems, ending.again) == ((), WELL)
