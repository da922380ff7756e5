"""What an exception means for a gate: its state, what was found, where, and what to do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

import pytest
from _pytest.outcomes import Skipped

from pytest_relgate import errors
from pytest_relgate.errors import CannotJudge, NotSigned, NotYet
from pytest_relgate.evidence.printable import writable
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_relgate.exec.redact import Redactor

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


class BlockedBy(Skipped):
    """Raised in the setup of a gate whose sequence has stopped."""


@dataclass(frozen=True)
class Finding:
    """One thing that went wrong in one part (setup, call, teardown) of an execution.

    ``unsigned`` is the digest of the diff whose review is all that was missing; empty for anything else.
    """

    state: State
    message: str
    when: str
    where: str = ""
    do: str = ""
    unsigned: str = ""


_OUTCOMES = (pytest.skip.Exception, pytest.xfail.Exception)
_NETWORK = frozenset({"httpx", "httpcore", "socket", "ssl", "urllib", "requests", "urllib3", "http"})


def finding_of(error: BaseException, when: str, *, place: str, xfail: str | None) -> Finding:
    """Say what an exception means for a gate. ``xfail`` is the reason when pytest took it as expected."""
    state = state_of(error, when)
    message = _text(error)
    if xfail is not None:
        state, message = State.SKIPPED, f"expected to fail ({xfail or 'no reason given'}): {message}"
    found = getattr(error, "found", None)
    if isinstance(found, str) and found:
        message = _with_the_end(found, str(error))
    where = getattr(error, "where", "")
    do = getattr(error, "do", "") or getattr(error, "remedy", "")
    return Finding(
        state,
        message[:MESSAGE_LIMIT],
        when,
        where if isinstance(where, str) and where else place,
        do if isinstance(do, str) else "",
        error.diff if isinstance(error, NotSigned) else "",
    )


def unsigned_diffs(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The diffs whose reviews are all that an execution failed for; else none."""
    remembered = [one.unsigned for one in findings if one.state.remembered]
    return tuple(dict.fromkeys(remembered)) if all(remembered) else ()


def _with_the_end(found: str, text: str) -> str:
    """What was found, and the end of the output that an error of a command carries behind it."""
    output = text.removeprefix(found)
    if output == text or not output.startswith("\n") or not output.strip():  # words of one line say it all
        return found
    return f"{found}\n{output[-(MESSAGE_LIMIT // 2) :].strip()}"


def swallowed(error: BaseException, when: str) -> Finding:
    """An exception that no report told of."""
    told = "was skipped" if isinstance(error, _OUTCOMES) else "raised"
    message = f"the gate {told} ({_one_line(error)}), and a hook swallowed it"
    return Finding(state_of(error, when), message, when)


def state_of(error: BaseException, when: str) -> State:  # noqa: C901, PLR0911  (one answer for each kind)
    """The state that an exception in a part of a test (setup, call, teardown) stands for.

    AssertionError in a setup is FAILED: what it asserts is about the release. Of a group the worst counts.
    """
    match error:
        case BaseExceptionGroup():
            return min((state_of(one, when) for one in error.exceptions), key=SEVERITY.index)
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
        case _ if type(error).__module__.partition(".")[0] in _NETWORK:
            return State.ERRORED
        case _:
            return State.FAILED if when == "call" else State.ERRORED


def _text(error: BaseException) -> str:
    if isinstance(error, pytest.skip.Exception) and type(error) is pytest.skip.Exception:
        return f"skipped: {error.msg}"
    if isinstance(error, SystemExit):
        return f"sys.exit({error.code!r}) was called"
    if isinstance(error, BaseExceptionGroup):
        return f"{error.message}: {'; '.join(map(_one_line, error.exceptions))}"
    text = str(error).strip()
    name = type(error).__name__
    if isinstance(error, (AssertionError, pytest.fail.Exception, *_OUTCOMES)):
        return text or f"{name} without a message"
    return f"{name}: {text}" if text else name


def _one_line(error: BaseException) -> str:
    return _text(error).partition("\n")[0][:200]


def end_at_the_gate(excinfo: pytest.ExceptionInfo[BaseException], folder: str) -> None:
    """Let the traceback of what a fixture's statement says end at the gate that makes the statement.

    Of what was raised before any gate could speak, the place that raised it is left.
    """
    if not isinstance(excinfo.value, (errors.Finding, CannotJudge, NotYet)):
        return
    frames = []
    trace: TracebackType | None = excinfo.tb
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    own = [number for number, one in enumerate(frames) if one.tb_frame.f_code.co_filename.startswith(folder)]
    kept = frames[: own[-1] + 1] if own else frames[-1:]
    shorter: TracebackType | None = None
    for one in reversed(kept):
        shorter = TracebackType(shorter, one.tb_frame, one.tb_lasti, one.tb_lineno)
    if shorter is not None:
        excinfo.traceback = type(excinfo.traceback)(shorter)


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


def make_writable(report: pytest.TestReport) -> None:
    """A report crosses to the controller as UTF-8, and a lone surrogate in it would end the run."""
    if isinstance(report.longrepr, tuple):
        path, line, words = report.longrepr
        report.longrepr = (path, line, writable(words))
    elif (words := report.longreprtext) != (text := writable(words)):
        report.longrepr = text


def without_exception(report: pytest.TestReport, when: str, place: str) -> Finding:
    """A report that is no plain pass although nothing was raised: an xpass, or a hook's own word."""
    words = str(getattr(report, "wasxfail", "") or report.longrepr or "")[:500]
    if hasattr(report, "wasxfail") or words.startswith("[XPASS(strict)]"):
        return Finding(State.SKIPPED, f"it passed where it was expected to fail: {words}", when, place)
    state = State.SKIPPED if report.outcome == "skipped" else State.FAILED
    return Finding(state, words or f"a hook reported it as {report.outcome}", when, place)


def redact(report: pytest.TestReport, redactor: Redactor) -> None:
    """Replace secrets in all that a report carries."""
    text = redactor.text
    if report.longrepr is not None and redactor.holds(report.longreprtext):
        if isinstance(report.longrepr, tuple):
            path, line, words = report.longrepr
            report.longrepr = (path, line, text(words))
        else:
            report.longrepr = text(report.longreprtext)
    report.sections = [(name, text(words)) for name, words in report.sections]
    report.user_properties = [(name, text(str(value))) for name, value in report.user_properties]
    if hasattr(report, "wasxfail"):
        report.wasxfail = text(report.wasxfail)
