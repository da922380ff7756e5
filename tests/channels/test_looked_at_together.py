"""All channels are looked at at the same time, and what was built is found meanwhile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pytest_relgate.channels.outside import OBSERVERS

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from pytest_relgate.channels.look import Look
    from pytest_relgate.channels.observation import Observation
    from pytest_relgate.channels.outside import Outside

PATIENCE = 20.0  # seconds until a meeting that not all come to is given up: then it fails


def test_no_look_waits_for_another_nor_for_the_build(
    outside: Callable[..., Outside], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = outside()
    meeting = threading.Barrier(len(world.profile.channels) + 1, timeout=PATIENCE)

    def together(observe: Callable[[Look], Observation]) -> Callable[[Look], Observation]:
        def see(look: Look) -> Observation:
            meeting.wait()
            return observe(look)

        return see

    for kind, observe in list(OBSERVERS.items()):
        monkeypatch.setitem(OBSERVERS, kind, together(observe))  # type: ignore[arg-type]  # takes what it wraps takes
    find = world._built

    def built() -> object:
        meeting.wait()
        return find()

    monkeypatch.setattr(world, "_built", built)
    assert world.channels.serving == world.channels.expected
    assert not meeting.broken
