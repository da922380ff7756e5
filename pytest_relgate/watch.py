"""One execution of a gate, as it goes on: what is watched, so that no hook can make up how it ended.

A report can be rewritten by any conftest. So exceptions are looked at where they arise, and the gate's
function itself is watched: that it was entered, what it raised, what it returned, how long it took.
"""

from __future__ import annotations

import functools
import inspect
import reprlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_relgate.model import Gate, State
from pytest_relgate.outcome import SEVERITY, Finding, swallowed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CellType

    import pytest

    from pytest_relgate.exec.runner import Runner


@dataclass(frozen=True)
class Clock:
    """The clocks as they were before any gate ran: a gate may put others into the ``time`` module."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = time.perf_counter


CLOCK = Clock()
REACH = 50  # callables looked at to find a gate's function behind what stands in its place


@dataclass(slots=True)
class Watch:
    """One execution of one item.

    ``started`` is seconds of the epoch, ``begun`` a reading of ``CLOCK.steady``. ``made`` and ``logged``
    count the reports that pytest made of it and those that reached us: more of the latter are made up.
    ``set_up`` and ``torn_down`` say that these parts came to their end without an exception, ``told``
    that pytest shows by itself that something is wrong. ``waited`` are seconds that count against no limit.
    ``signed`` are the digests of diffs whose review the gate rests on.
    """

    item: pytest.Item
    nodeid: str
    gate: Gate
    started: float
    begun: float
    is_function: bool
    findings: list[Finding] = field(default_factory=list)
    errors: list[tuple[str, BaseException]] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)
    made: int = 0
    logged: int = 0
    set_up: bool = False
    torn_down: bool = False
    told: bool = False
    called: bool = False
    rang: bool = False
    entered: int = 0
    raised: BaseException | None = None
    returned: str = ""
    seconds: float = 0.0
    waited: float = 0.0
    call_seconds: float = 0.0
    runner: Runner | None = None
    _original: Any = None
    _alone: bool = False

    # -- the function ---------------------------------------------------------------------------------

    def watch_function(self) -> None:
        """Put the probe in the place of the gate's function."""
        item: Any = self.item
        self._original = item.obj
        item.obj = probe = self._probe(self._original)
        if self._alone:  # an async method of a TestCase is looked up by unittest, by its name
            setattr(item.instance, item.name, probe)

    def let_go(self) -> None:
        """Put the gate's function back."""
        if self._original is None:
            return
        item: Any = self.item
        item.obj, self._original = self._original, None
        if self._alone:
            delattr(item.instance, item.name)

    def _probe(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap the gate's function, so that it is seen to run, what it raises and what it returns."""
        if inspect.iscoroutinefunction(function):
            from _pytest.unittest import TestCaseFunction  # loads unittest

            self._alone = isinstance(self.item, TestCaseFunction)
            body = self._async_probe(function)
        else:
            body = self._plain_probe(function)
        if function.__dict__:  # what decorators left on it, unittest and hypothesis among them
            return functools.update_wrapper(body, function)
        return body

    def _plain_probe(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def body(*args: object, **kwargs: object) -> object:
            self.entered += 1
            try:
                result: object = function(*args, **kwargs)
            except BaseException as error:
                self.raised = error
                raise
            if result is not None:
                self.returned = reprlib.repr(result)
            return result

        return body

    def _async_probe(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A coroutine function again: that is how pytest's plugins and unittest tell it."""

        async def body(*args: object, **kwargs: object) -> object:
            self.entered += 1
            try:
                result: object = await function(*args, **kwargs)
            except BaseException as error:
                self.raised = error
                raise
            if result is not None:
                self.returned = reprlib.repr(result)
            return result

        return body

    # -- the end --------------------------------------------------------------------------------------

    def close(self) -> tuple[State, Finding | None]:
        """The outcome once the teardown is over, and the finding that decided it."""
        self.seconds = CLOCK.steady() - self.begun
        if self.logged > self.made:
            words = "a hook made up a report of it: what was raised was not seen"
            self.findings.append(Finding(State.INVALID, words, "call"))
        if not self.findings:
            self._look_for_a_vacuous_pass()
        if not self.findings:
            return State.PASSED, None
        worst = min(self.findings, key=lambda finding: SEVERITY.index(finding.state))
        return worst.state, worst

    def _look_for_a_vacuous_pass(self) -> None:
        if self.raised is not None:
            self.findings.append(swallowed(self.raised, "call"))
        elif problem := self._hollow():
            self.findings.append(Finding(State.INVALID, problem[0], "call", do=problem[1]))
        elif self.rang or 0 < self.gate.limit <= self.seconds - self.waited:
            took = self.call_seconds if limits_the_call_only(self.item) else self.seconds - self.waited
            if self.rang or took >= self.gate.limit:
                message = f"it took {took:.1f} s, past its limit of {self.gate.limit:g} s, and went on"
                self.findings.append(Finding(State.TIMED_OUT, message, "call"))

    def _hollow(self) -> tuple[str, str] | None:
        """Why a gate without a finding has not judged, and what to do; None if it has."""
        if self.set_up and self.torn_down and self.entered and not self.returned and self.runner is None:
            return None  # most gates
        never_run = not self.called or (self.is_function and not self.entered)
        silent = self.runner is not None and not self.runner.calls
        asked_in_vain = "call run(...) in it, or take the fixture out of its arguments"
        ways = (
            (not self.set_up, "its setup did not come to its end, and a hook swallowed why", ""),
            (never_run, "the gate's function was never run: a hook ended the test before it", ""),
            (self.returned, f"the gate returned {self.returned}, which nobody looks at", "write an assert"),
            (not self.torn_down, "its teardown did not come to its end, and a hook swallowed why", ""),
            (silent, "the gate asks for `run` and ran nothing", asked_in_vain),
        )
        return next(((problem, do) for happened, problem, do in ways if happened), None)


def limits_the_call_only(item: pytest.Item) -> bool:
    """Whether pytest-timeout's limit is for the function without its fixtures: by mark, else by ini."""
    mark = item.get_closest_marker("timeout")
    said = mark.kwargs.get("func_only") if mark is not None else None
    return bool(item.config.getini("timeout_func_only") if said is None else said)


def reaches(function: object, original: object) -> bool:
    """Whether a function is the original one, or could call it: it wraps it, or has it in its closure."""
    if original is None:
        return True
    seen: set[int] = set()
    ahead = [function]
    while ahead and len(seen) < REACH:
        one = ahead.pop(0)
        one = getattr(one, "__func__", one)
        if one is original:
            return True
        if id(one) in seen:
            continue
        seen.add(id(one))
        ahead += [getattr(one, "__wrapped__", None), getattr(one, "func", None)]  # wraps, partial
        ahead += [cell.cell_contents for cell in getattr(one, "__closure__", None) or () if _is_full(cell)]
        ahead = [candidate for candidate in ahead if callable(candidate)]
    return False


def _is_full(cell: CellType) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
