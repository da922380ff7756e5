"""Waiting: at once, then 2, 4, 8 ... 30 seconds with jitter, and never past what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_relgate.channels.judge import Judgement, judge
from pytest_relgate.channels.observation import Expectation, File, Observation, Presence
from pytest_relgate.channels.poll import Clock, Settled, settle
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Callable

DIGEST = "a" * 64
WANTED = Expectation("0.2.0", "0.2.0", frozenset({"f"}), {"f": DIGEST})
SERVED = Observation(
    "it",
    "npm",
    Presence.COMPLETE,
    version="0.2.0",
    resolved="0.2.0",
    files=(File("f", 1, {"sha256": DIGEST}),),
)
ABSENT = Observation("it", "npm", Presence.ABSENT)
BLIND = Observation("it", "npm", Presence.UNKNOWN, problem="500")
REFUSED = Observation("it", "npm", Presence.UNKNOWN, problem="401", final=True)
LIMITED = Observation("it", "npm", Presence.UNKNOWN, problem="429", retry_after=40.0)
YANKED = msgspec.structs.replace(SERVED, flags=frozenset({"yanked"}))


class World:
    """Shows one thing after another, the last again and again; its clock goes on only by sleeping."""

    def __init__(self, *shown: Observation, fresh: Observation | None = None, takes: float = 0.0) -> None:
        self.shown, self.fresh, self.takes = list(shown), fresh, takes
        self.time = 0.0
        self.slept: list[float] = []
        self.looks: list[bool] = []

    def look(self, fresh: bool) -> Observation:
        self.looks.append(fresh)
        self.time += self.takes
        if fresh and self.fresh is not None:
            return self.fresh
        return self.shown.pop(0) if len(self.shown) > 1 else self.shown[0]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def settle(self, wait: float, jitter: Callable[[], float] = lambda: 1.0) -> Settled:
        clock = Clock(lambda: self.time, self.sleep, jitter)
        return settle(self.look, self.judge, wait=wait, clock=clock)

    def judge(self, seen: Observation, twice: bool) -> Judgement:
        return judge(seen, WANTED, age=None, looked_twice=twice)


def version(settled: Settled) -> State:
    return settled.judgement.state(settled.judgement.version)


def test_without_a_wait_it_looks_once() -> None:
    world = World(ABSENT, SERVED)
    settled = world.settle(0)
    assert (version(settled), world.looks, world.slept) == (State.PENDING, [False], [])
    assert settled.again > 0


def test_what_is_served_is_looked_at_once() -> None:
    world = World(SERVED)
    settled = world.settle(1000)
    assert (version(settled), world.looks, settled.again) == (State.PASSED, [False], 0)


def test_pauses_double_up_to_half_a_minute() -> None:
    world = World(*[ABSENT] * 8, SERVED)
    assert version(world.settle(1000)) is State.PASSED
    assert world.slept == [2, 4, 8, 16, 30, 30, 30, 30]


def test_jitter_is_full() -> None:
    world = World(*[ABSENT] * 3, SERVED)
    world.settle(1000, jitter=iter([0.0, 0.5, 0.25]).__next__)
    assert world.slept == [0, 2, 2]


def test_it_ends_before_it_waits_past_what_there_is() -> None:
    world = World(ABSENT)
    settled = world.settle(20)
    assert version(settled) is State.PENDING
    assert world.slept == [2, 4, 8]
    assert world.time <= 20


def test_looks_take_time_too() -> None:
    world = World(ABSENT, takes=6)
    world.settle(20)
    assert world.time <= 26  # the last look began in time


@pytest.mark.parametrize("shown", [ABSENT, BLIND])
def test_what_may_change_is_looked_at_again(shown: Observation) -> None:
    assert version(World(shown, SERVED).settle(10)) is State.PASSED


def test_what_stays_unknown_is_an_error_in_the_end() -> None:
    assert version(World(BLIND).settle(10)) is State.ERRORED


def test_refused_access_is_not_asked_again() -> None:
    world = World(REFUSED, SERVED)
    assert version(world.settle(1000)) is State.ERRORED
    assert len(world.looks) == 1


def test_what_looks_wrong_is_looked_at_once_more_past_caches() -> None:
    world = World(YANKED, fresh=YANKED)
    settled = world.settle(1000)
    assert (version(settled), world.looks, world.slept) == (State.FAILED, [False, True], [])


def test_a_second_look_that_is_right_clears_the_first() -> None:
    assert version(World(YANKED, fresh=SERVED).settle(0)) is State.PASSED


def test_a_second_look_that_sees_nothing_is_an_error() -> None:
    assert version(World(YANKED, fresh=BLIND).settle(0)) is State.ERRORED


def test_a_server_that_wants_peace_gets_it() -> None:
    world = World(LIMITED, SERVED)
    assert version(world.settle(60)) is State.PASSED
    assert world.slept == [41]


def test_a_server_that_wants_more_time_than_there_is_ends_it_now() -> None:
    world = World(LIMITED, SERVED)
    settled = world.settle(30)
    assert (version(settled), world.slept, settled.again) == (State.ERRORED, [], 40)
