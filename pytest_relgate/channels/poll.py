"""Time, for channels: look at once, then after 2, 4, 8 ... 30 seconds, until there is nothing to wait for.

The only place where anything waits. On the monotonic clock, with full jitter, so that many runs do not ask
at the same moments.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.channels.judge import Judgement
from pytest_relgate.channels.observation import Observation

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST: Final = 2.0
LONGEST: Final = 30.0


@dataclass(frozen=True)
class Clock:
    """The clock, and how one waits on it; tests put others in their place."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


class Settled(msgspec.Struct, frozen=True):
    """What stands once there is nothing to wait for, or no more time.

    ``again`` is seconds to the next look that would make sense, 0 where none would; ``waited`` are the
    seconds that this took.
    """

    seen: Observation
    judgement: Judgement
    looks: int
    again: float = 0.0
    waited: float = 0.0


def settle(
    look: Callable[[bool], Observation],
    judge: Callable[[Observation, bool], Judgement],
    *,
    wait: float,
    clock: Clock = Clock(),
) -> Settled:
    """Look until what is seen cannot change by waiting, or for ``wait`` seconds.

    ``look(fresh)`` observes, past caches where ``fresh``; ``judge(seen, looked_twice)`` says what it means.
    What looks wrong is looked at once more, past caches, at once. A server that asks to be left alone for
    longer than there is time ends it.
    """
    began = clock.now()
    looks, pause = 0, FIRST
    while True:
        seen, judgement, more = _look(look, judge)
        looks += more
        elapsed = clock.now() - began
        if not judgement.may_change:
            return Settled(seen, judgement, looks, 0.0, elapsed)
        asked = seen.retry_after
        delay = pause * clock.jitter() if asked is None else asked + clock.jitter()
        if elapsed + delay > wait:
            return Settled(seen, judgement, looks, max(asked or 0.0, LONGEST), elapsed)
        clock.sleep(delay)
        pause = min(pause * 2, LONGEST)


def _look(
    look: Callable[[bool], Observation], judge: Callable[[Observation, bool], Judgement]
) -> tuple[Observation, Judgement, int]:
    seen = look(False)  # noqa: FBT003  (past caches or not, as the type says)
    judgement = judge(seen, False)  # noqa: FBT003  (looked twice or not, as the type says)
    if not judgement.wrong:
        return seen, judgement, 1
    seen = look(True)  # noqa: FBT003  (as above)
    return seen, judge(seen, True), 2  # noqa: FBT003  (as above)
