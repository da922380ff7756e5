"""What one execution of a gate came to, judged by what was raised and never by what a report says.

A report can be rewritten by any conftest; so the exceptions are looked at where they arise, and the
gate's function itself is watched: that it was entered, what it raised, and how long it took.
"""

from __future__ import annotations

import functools
import inspect
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import CannotJudge, NotYet
from pytest_relgate.model import Gate, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.exec.runner import Runner

MESSAGE_LIMIT = 4000  # characters of a failure that the record keeps; the log has it all

# The worst of several findings stands for the execution; earlier in this list is worse.
SEVERITY = (
    State.TIMED_OUT,
    State.FAILED,
    State.INVALID,
    State.ERRORED,
    State.PENDING,
    State.SKIPPED,
    State.BLOCKED_BY,
)


class BlockedBy(pytest.skip.Exception):
    """Raised in the setup of a gate whose sequence has stopped."""


@dataclass(frozen=True)
class Finding:
    """One thing that went wrong in one part (setup, call, teardown) of an execution."""

    state: State
    message: str
    when: str
    where: str = ""
    do: str = ""


@dataclass
class Watch:
    """One execution of one item, as it goes on.

    ``started`` is seconds of the epoch, ``begun`` a reading of ``time.perf_counter``, ``limit`` seconds.
    """

    started: float
    begun: float
    limit: float
    is_function: bool
    gate: Gate
    findings: list[Finding] = field(default_factory=list)
    errors: list[tuple[str, BaseException]] = field(default_factory=list)
    original: Any = None
    made: int = 0
    logged: int = 0
    entered: int = 0
    called: bool = False
    raised: BaseException | None = None
    seconds: float = 0.0
    runner: Runner | None = None

    def probe(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap the gate's function, so that it is seen to run and what it raises is seen."""
        if inspect.iscoroutinefunction(function):  # its wrapper must be one too

            async def body(*args: Any, **kwargs: Any) -> Any:
                self.entered += 1
                try:
                    return await function(*args, **kwargs)
                except BaseException as error:
                    self.raised = error
                    raise
        else:

            def body(*args: Any, **kwargs: Any) -> Any:
                self.entered += 1
                try:
                    return function(*args, **kwargs)
                except BaseException as error:
                    self.raised = error
                    raise

        if function.__dict__:  # what decorators left on it, unittest and hypothesis among them
            return functools.update_wrapper(body, function)
        return body

    def close(self) -> tuple[State, Finding | None]:
        """The outcome once the teardown is over, and the finding that decided it."""
        if not self.findings:
            self._look_for_a_vacuous_pass()
        if not self.findings:
            return State.PASSED, None
        worst = min(self.findings, key=lambda finding: SEVERITY.index(finding.state))
        return worst.state, worst

    def _look_for_a_vacuous_pass(self) -> None:
        if self.raised is not None and not isinstance(self.raised, _OUTCOMES):
            message = f"the gate raised {_one_line(self.raised)}, and a hook swallowed it"
            self.findings.append(Finding(_state(self.raised, "call"), message, "call"))
        elif self.raised is not None:
            message = f"the gate was skipped ({_one_line(self.raised)}), and a hook swallowed it"
            self.findings.append(Finding(State.SKIPPED, message, "call"))
        elif not self.called or (self.is_function and not self.entered):
            message = "the gate's function was never run: a hook ended the test before it"
            self.findings.append(Finding(State.INVALID, message, "call"))
        elif self.runner is not None and not self.runner.calls:
            message = "the gate asks for `run` and ran nothing"
            do = "call run(...) in it, or take the fixture out of its arguments"
            self.findings.append(Finding(State.INVALID, message, "call", do=do))
        elif 0 < self.limit <= self.seconds:
            message = f"it took {self.seconds:.1f} s, past its limit of {self.limit:g} s, and went on"
            self.findings.append(Finding(State.TIMED_OUT, message, "call"))


_OUTCOMES = (pytest.skip.Exception, pytest.xfail.Exception)
_NETWORK_MODULES = ("httpx", "httpcore", "socket", "ssl", "urllib.error", "requests", "urllib3", "http.client")


def finding_of(
    error: BaseException, when: str, *, place: str, xfail: str | None, text: str | None = None
) -> Finding:
    """Say what an exception means for a gate. ``xfail`` is the reason when pytest took it as expected."""
    state = _state(error, when)
    message = text if text is not None else _text(error)
    if xfail is not None:
        state, message = State.SKIPPED, f"expected to fail ({xfail or 'no reason given'}): {message}"
    found = getattr(error, "found", None)
    if isinstance(found, str):
        message = found
    where = getattr(error, "where", "")
    do = getattr(error, "do", "") or getattr(error, "remedy", "")
    return Finding(
        state,
        message[:MESSAGE_LIMIT],
        when,
        where if isinstance(where, str) and where else place,
        do if isinstance(do, str) else "",
    )


def _state(error: BaseException, when: str) -> State:
    match error:
        case BlockedBy():
            return State.BLOCKED_BY
        case pytest.skip.Exception() | pytest.xfail.Exception():
            return State.SKIPPED
        case CannotJudge():
            return State.ERRORED
        case NotYet():
            return State.PENDING
        case pytest.fail.Exception() if "from pytest-timeout" in str(error):
            return State.TIMED_OUT
        case _ if type(error).__name__ == "CommandTimedOut":
            return State.TIMED_OUT
        case AssertionError() | pytest.fail.Exception():
            return State.FAILED
        case ConnectionError() | TimeoutError():
            return State.ERRORED
        case _ if type(error).__module__.startswith(_NETWORK_MODULES):
            return State.ERRORED
        case _:
            return State.FAILED if when == "call" else State.ERRORED


def _text(error: BaseException) -> str:
    if isinstance(error, pytest.skip.Exception) and type(error) is pytest.skip.Exception:
        return f"skipped: {error.msg}"
    text = str(error).strip()
    name = type(error).__name__
    if isinstance(error, (AssertionError, pytest.fail.Exception, *_OUTCOMES)):
        return text or f"{name} without a message"
    return f"{name}: {text}" if text else name


def _one_line(error: BaseException) -> str:
    return _text(error).partition("\n")[0][:200]


def place_of(error: BaseException, folder: str, rootdir: str, fallback: str) -> str:
    """The innermost ``path:line`` of a traceback below a folder, relative to the root directory."""
    place = fallback
    trace = error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path.startswith(folder):
            place = f"{os.path.relpath(path, rootdir)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
