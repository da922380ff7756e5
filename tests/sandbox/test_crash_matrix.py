"""A live publish that is killed at a boundary, and typed again: started at most once, never PASSED too early.

Two of the boundaries, the worst; ``benchmarks/crash_matrix.py`` takes all of them. SPEC S38, S41, B4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crashing import Matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.conftest import Walk


@pytest.fixture(scope="module")
def matrix(walk: Walk) -> Iterator[Matrix]:
    """A walk that stands before its publish, and a warm process to publish from."""
    with Matrix(walk.path, walk.environ, lambda: walk.back_to("rehearsal")) as made:
        yield made


@pytest.mark.parametrize(
    ("at", "lag"),
    [
        ("intent after 1", False),  # it will be started, or was: nobody can say
        ("post after 1", True),  # it was, its answer is lost, and no list shows it for a while
    ],
)
def test_a_publish_killed_at_a_boundary_is_started_once_and_ends_well(
    matrix: Matrix, at: str, lag: bool
) -> None:
    assert matrix.problems(at, lag=lag) == []
