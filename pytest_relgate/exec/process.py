"""Running one command: its output to a log, its whole tree of processes ended whatever happens."""

from __future__ import annotations

import os
import shlex
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import TYPE_CHECKING, Final

from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.exec.environment import gate_environment, marked
from pytest_relgate.exec.output import Output
from pytest_relgate.exec.tools import cannot_start
from pytest_relgate.exec.tree import Ended, Tree, ended

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from psutil import Process

    from pytest_relgate.exec.redact import Redactor

LINGER: Final = 1.0
"""Seconds that processes left behind may still hold the output open after the command itself ended."""

_CHUNK: Final = 64 * 1024
_LOOK: Final = 0.05
_READS_OF_A_PIPE: Final = 16
_INTERRUPTIONS: Final = 5
_REAP_PATIENCE: Final = 10.0
_LOST: Final = 255


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended. ``argv`` and ``tail`` are redacted, ``seconds`` is wall time.

    ``rc`` is the exit status, negative for a signal, whose name is then in ``signal`` (``SIGSEGV``).
    ``size`` (bytes) and ``sha256`` (``sha256:<hex>``) are of the whole redacted output; see Output.
    ``left_behind`` names processes that still ran when the command had ended, and were ended.
    """

    argv: tuple[str, ...]
    rc: int
    seconds: float
    size: int
    sha256: str
    tail: str
    timed_out: bool
    signal: str
    log: Path
    left_behind: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether the command ended by itself, in time, with status 0."""
        return self.rc == 0 and not self.timed_out


class _Way(Enum):
    """How the wait for a command came to its end."""

    ENDED = auto()
    HELD_OPEN = auto()
    TIMED_OUT = auto()


def run_command(
    argv: str | Sequence[str],
    *,
    cwd: Path,
    log: Path,
    env: Mapping[str, str] | None,
    redactor: Redactor,
    limit: float | None = None,
) -> CommandResult:
    """Run a command and wait for its end; ``log`` grows while it runs.

    The command stands in a session of its own, reads /dev/null, and writes its two outputs into one.
    When this returns or raises, by whatever way (the ``limit`` in seconds, a KeyboardInterrupt, the
    exception of pytest-timeout), no process of the command is left. ``env`` is its whole environment;
    None is that of this process without what pytest and git hooks left in it.

    Raises RelgateError for a command that cannot be read or a limit that is none, ToolMissing for one
    that cannot be started, CannotJudge when the log cannot be written or the exit status was lost.
    """
    command = split_command(argv)
    if limit is not None and not limit > 0:  # not even for nan
        message = f"expected a limit above 0 seconds for `{shlex.join(command)}`, found {limit}"
        raise RelgateError(message)
    clock = time.monotonic
    started = clock()
    output = Output(log, redactor)
    tree = Tree(os.urandom(16).hex())
    child = None
    try:
        child = _start(command, cwd, marked(gate_environment(os.environ) if env is None else env, tree.mark))
        tree.leader = _first_process(child)
        way = _follow(child, tree.leader, output, started + limit if limit is not None else inf)
        gone = tree.end()
        _drain(child, output)
        rc = _reap(child)
        seconds = clock() - started
        _note_end(output, way, gone, limit)
        output.close()
    except BaseException as interruption:
        try:
            _surely(tree.end, *(tree.kill for _ in range(_INTERRUPTIONS)))
        finally:
            _give_up(child, output, interruption)
        raise
    finally:
        if child is not None and child.stdout is not None:
            child.stdout.close()
    return CommandResult(
        argv=tuple(map(redactor.text, command)),
        rc=rc,
        seconds=seconds,
        size=output.size,
        sha256=output.sha256,
        tail=output.tail(),
        timed_out=way is _Way.TIMED_OUT,
        signal=_signal_name(rc),
        log=log,
        left_behind=() if way is _Way.TIMED_OUT else gone.processes,
    )


def split_command(argv: str | Sequence[str]) -> tuple[str, ...]:
    """The words of a command: a string is split as a shell would, but no shell runs it.

    Raises RelgateError in one line for no words at all, an unbalanced quote, and what no system can run.
    """
    if not isinstance(argv, str):
        words = tuple(map(os.fspath, argv))
    else:
        try:
            words = tuple(shlex.split(argv))
        except ValueError as error:
            message = f"expected a command, found {argv!r}: {str(error).lower()}"
            raise RelgateError(message) from None
    if not words or not words[0]:
        message = f"expected a command such as 'cargo test', found {argv!r}"
        raise RelgateError(message)
    if any("\0" in word for word in words):
        message = f"expected a command without NUL characters, found {argv!r}"
        raise RelgateError(message)
    return words


def _start(command: tuple[str, ...], cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    import subprocess

    try:
        return subprocess.Popen(  # noqa: S603  (a gate runs what the gate says; no shell)
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        raise cannot_start(command, cwd, error) from error
    except ValueError as error:  # a name with = or a value with NUL
        message = f"expected an environment that {command[0]} can be given: {error}"
        raise RelgateError(message) from error


def _first_process(child: subprocess.Popen[bytes]) -> Process | None:
    import psutil

    try:
        return psutil.Process(child.pid)
    except psutil.NoSuchProcess:  # somebody reaped it already: _reap says so
        return None


def _follow(child: subprocess.Popen[bytes], leader: Process | None, output: Output, deadline: float) -> _Way:
    """Read what the command prints until it has ended and nobody holds its output open any more."""
    import selectors

    clock = time.monotonic
    pipe = _pipe(child)
    next_look, patience = 0.0, inf
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_READ)
        while True:
            if ready.select(_LOOK) and not _read(pipe, output):
                break
            now = clock()
            if patience == inf and now >= min(next_look, deadline):
                next_look = now + _LOOK
                if leader is None or ended(leader):
                    patience = now + LINGER
                elif now >= deadline:
                    return _Way.TIMED_OUT
            if now >= patience:
                return _Way.HELD_OPEN
    pause = 0.0005
    while leader is not None and not ended(leader):  # it closed its output and works on, or is about to end
        if clock() >= deadline:
            return _Way.TIMED_OUT
        time.sleep(pause)
        pause = min(pause * 2, _LOOK)
    return _Way.ENDED


def _pipe(child: subprocess.Popen[bytes]) -> int:
    assert child.stdout is not None  # noqa: S101  (for the type checker: it was asked for)
    pipe = child.stdout.fileno()
    os.set_blocking(pipe, False)
    return pipe


def _read(pipe: int, output: Output) -> bool:
    """Read once; whether there may be more."""
    try:
        data = os.read(pipe, _CHUNK)
    except BlockingIOError:
        return True
    output.feed(data)
    return bool(data)


def _drain(child: subprocess.Popen[bytes], output: Output) -> None:
    """Read what ended processes left in the pipe: at most what a pipe holds, should one still write."""
    import select

    pipe = _pipe(child)
    for _ in range(_READS_OF_A_PIPE):
        if not select.select([pipe], [], [], 0)[0] or not _read(pipe, output):
            return


def _reap(child: subprocess.Popen[bytes]) -> int:
    """The exit status, negative for a signal. Raises CannotJudge where the system no longer has it.

    Popen would answer 0 then: where SIGCHLD is ignored, every failure would be a success.
    """
    patience = time.monotonic() + _REAP_PATIENCE
    pid = 0
    try:
        while not pid and time.monotonic() < patience:  # its last threads may still be on their way out
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            time.sleep(0 if pid else _LOOK / 10)
    except ChildProcessError:
        child.returncode = _LOST
        message = (
            "the exit status of the command was lost: SIGCHLD is ignored, or something in this process reaps "
            "children that are not its own; run pytest from a plain shell"
        )
        raise CannotJudge(message) from None
    if not pid:
        child.returncode = _LOST
        message = f"the command could not be ended (process {child.pid}): end it by hand, then run again"
        raise CannotJudge(message)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode


def _note_end(output: Output, way: _Way, gone: Ended, limit: float | None) -> None:
    if way is _Way.TIMED_OUT:
        output.note(f"ended after its limit of {limit:g} s")
    elif gone.processes:
        output.note(f"still running when the command had ended, and ended: {', '.join(gone.processes)}")
    elif way is _Way.HELD_OPEN:
        output.note("somebody out of reach still held the output open when the command had ended")
    if gone.survived:
        output.note(f"could not be ended: {', '.join(gone.survived)}")


def _surely(*ways: Callable[[], object]) -> None:
    """Do it one way or another, although Ctrl-C or a time limit may raise in the middle of each."""
    interruption = None
    for way in ways:
        try:
            way()
        except BaseException as error:  # noqa: BLE001  (raised below)
            interruption = error
        else:
            break
    if interruption is not None:
        raise interruption


def _give_up(child: subprocess.Popen[bytes] | None, output: Output, why: BaseException) -> None:
    """Leave the log as complete as it can be; what is wrong already is what will be said."""

    def reap() -> None:
        if child is not None and child.returncode is None:
            with suppress(CannotJudge):
                _reap(child)

    def close() -> None:
        with suppress(CannotJudge, OSError):
            if child is not None and not isinstance(why, CannotJudge):
                _drain(child, output)
            output.note(str(why) if isinstance(why, CannotJudge) else f"interrupted: {type(why).__name__}")
            output.close()

    try:
        _surely(*(reap for _ in range(_INTERRUPTIONS)))
    finally:
        close()


def _signal_name(rc: int) -> str:
    if rc >= 0:
        return ""
    try:
        return signal.Signals(-rc).name
    except ValueError:  # a real-time signal between SIGRTMIN and SIGRTMAX has no name
        return f"signal {-rc}"
