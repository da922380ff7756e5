"""A publish that broke off: what is out is judged by its bytes, before the rest is published. SPEC S41."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_relgate.channels.recovery import served

if TYPE_CHECKING:
    from tests.channels.conftest import Open


@pytest.mark.parametrize("fault", ["github-draft", "github-not-latest"])
def test_a_mark_of_the_github_release_is_no_other_bytes(outside: Open, fault: str) -> None:
    there = outside(fault)
    job = there.profile.channels["github"].job
    assert served(there, [job]) == ((), ("github",))


def test_a_github_release_with_other_bytes_is_told(outside: Open) -> None:
    there = outside("github-wrong-digest")
    wrong, right = served(there, [there.profile.channels["github"].job])
    assert "is not what was built" in " ".join(wrong)
    assert right == ()
