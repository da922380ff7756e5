from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import psutil
import pytest

from pytest_relgate.exec import process as process_room
from pytest_relgate.exec import tree as tree_room
from pytest_relgate.exec.process import CommandResult, run_command
from pytest_relgate.exec.redact import Redactor
from pytest_relgate.exec.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAEMON = """
    import os, sys, time
    if os.fork():
        os.wait()
        sys.stdout.write(open(sys.argv[1]).readline())
        sys.exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    if sys.argv[2] == "quiet":
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
    os.write(os.open(sys.argv[1], os.O_WRONLY), b"daemon up\\n")
    time.sleep(600)
"""


ONCE_HEARD = "until [ -s log.txt ]; do sleep 0.02; done;"
"""Shell: wait until the output was taken. A signal to a process that still starts would test its start."""


class Interrupted(BaseException):
    """Like the exceptions of pytest.fail, which pytest-timeout raises in a signal handler."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CommandResult]:
    monkeypatch.setattr(tree_room, "TERM_GRACE", 0.3)
    monkeypatch.setattr(process_room, "LINGER", 0.3)

    def run(*argv: str, **options: object) -> CommandResult:
        return run_command(
            argv, cwd=tmp_path, log=tmp_path / "log.txt", env=None, redactor=Redactor(), **options
        )

    return run


@pytest.fixture
def _interruptible() -> Iterator[None]:
    def interrupt(*_: object) -> NoReturn:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield
    signal.signal(signal.SIGUSR1, before)


def python(code: str, *argv: str) -> tuple[str, ...]:
    return (sys.executable, "-c", textwrap.dedent(code), *argv)


def test_the_limit_ends_a_command_with_its_children(
    run: Callable[..., CommandResult], tmp_path: Path
) -> None:
    result = run("bash", "-c", "echo begun; sleep 600 & (sleep 600; true) & wait", limit=0.5)
    assert result.timed_out
    assert not result.succeeded
    assert (result.rc, result.signal) == (-signal.SIGTERM, "SIGTERM")
    assert result.tail == "begun"
    assert (tmp_path / "log.txt").read_text() == "begun\n[relgate] ended after its limit of 0.5 s\n"


def test_the_limit_holds_for_a_command_that_closed_its_output(run: Callable[..., CommandResult]) -> None:
    assert run("bash", "-c", "exec >&- 2>&-; sleep 600", limit=0.3).timed_out


def test_the_limit_holds_for_a_command_that_never_stops_printing(run: Callable[..., CommandResult]) -> None:
    assert run("yes", limit=0.3).timed_out


def test_a_command_that_ignores_sigterm_is_killed(run: Callable[..., CommandResult]) -> None:
    code = "trap '' TERM; echo begun; while :; do sleep 0.1; done"
    result = run("bash", "-c", code, limit=0.5)
    assert result.timed_out
    assert result.signal == "SIGKILL"


def test_a_command_may_clean_up_when_its_limit_ends_it(
    run: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree_room, "TERM_GRACE", 30)
    result = run("bash", "-c", "trap 'echo cleaned up; exit 0' TERM; sleep 600 & wait", limit=0.5)
    assert result.tail == "cleaned up"
    assert (result.rc, result.timed_out, result.succeeded) == (0, True, False)


@pytest.mark.parametrize("manner", ["quiet", "holding the output open"])
def test_a_daemon_is_ended_when_its_command_has_ended(
    run: Callable[..., CommandResult], tmp_path: Path, manner: str
) -> None:
    os.mkfifo(tmp_path / "up")
    result = run(*python(DAEMON, str(tmp_path / "up"), manner))
    assert result.succeeded
    assert result.tail == "daemon up"
    assert len(result.left_behind) == 1
    assert "[relgate] still running when the command had ended" in (tmp_path / "log.txt").read_text()


def test_a_daemon_is_ended_when_the_limit_ends_its_command(
    run: Callable[..., CommandResult], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "up")
    code = DAEMON.replace("sys.exit(0)", "sys.stdout.flush(); time.sleep(600)")
    result = run(*python(code, str(tmp_path / "up"), "quiet"), limit=1)
    assert result.timed_out


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("(env -i sleep 600 & echo $! > pid); wait", id="orphan in the session"),
        pytest.param("env -i setsid sleep 600 & echo $! > pid; wait", id="child out of the session"),
    ],
)
def test_a_process_without_its_mark_is_ended_while_it_can_be_known(
    run: Callable[..., CommandResult], tmp_path: Path, code: str
) -> None:
    run("bash", "-c", f"{code}; sleep 600", limit=0.7)
    pid = int((tmp_path / "pid").read_text())
    with suppress(psutil.NoSuchProcess):
        left = psutil.Process(pid)
        if left.status() != psutil.STATUS_ZOMBIE:
            left.kill()
            pytest.fail(f"{code!r} left {left}")


def test_a_status_that_is_late_is_waited_for(
    run: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first thread of a process can be gone for a while before the system has its status."""
    answers = [(0, 0), (0, 0)]
    waitpid = os.waitpid
    monkeypatch.setattr(os, "waitpid", lambda *args: answers.pop() if answers else waitpid(*args))
    assert run("bash", "-c", "exit 3").rc == 3
    assert answers == []


def test_a_process_left_in_the_background_does_not_hang_the_run(run: Callable[..., CommandResult]) -> None:
    result = run("bash", "-c", "sleep 600 & echo done")
    assert result.succeeded
    assert result.tail == "done"
    assert [name.partition(" ")[0] for name in result.left_behind] == ["sleep"]


def test_a_process_that_goes_on_printing_in_the_background_is_ended(
    run: Callable[..., CommandResult],
) -> None:
    result = run("bash", "-c", "yes & echo done")
    assert result.succeeded
    assert [name.partition(" ")[0] for name in result.left_behind] == ["yes"]


def test_a_process_that_ends_soon_after_its_command_is_waited_for(
    run: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_room, "LINGER", 30)
    result = run("bash", "-c", "(sleep 0.3; echo last words) & echo done")
    assert result.tail == "done\nlast words"
    assert result.left_behind == ()


THREADS = """
    import ctypes, os, sys, threading, time
    def work():
        time.sleep(float(sys.argv[1]))
        print("from a thread", flush=True)
        os._exit(3)
    threading.Thread(target=work).start()
    ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_command_lives_as_long_as_its_last_thread(run: Callable[..., CommandResult]) -> None:
    result = run(*python(THREADS, "1"))
    assert (result.rc, result.tail, result.left_behind) == (3, "from a thread", ())


def test_a_command_that_lives_in_its_last_thread_has_a_limit(run: Callable[..., CommandResult]) -> None:
    assert run(*python(THREADS, "600"), limit=0.5).timed_out


def test_a_tree_of_many_processes_is_ended(run: Callable[..., CommandResult]) -> None:
    code = """
        for i in $(seq 20); do
            (trap '' TERM; while :; do sleep 0.05; (sleep 600) & done) &
        done
        echo begun
        wait
    """
    result = run("bash", "-c", code, limit=0.5)
    assert result.timed_out
    assert result.tail == "begun"


@pytest.mark.usefixtures("_interruptible")
# such an exception may fall between the opening of a file and its first use
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
class TestExceptionsOfSignalHandlers:
    def test_an_exception_in_the_wait_ends_the_tree(
        self, run: Callable[..., CommandResult], tmp_path: Path
    ) -> None:
        code = f"""
            sleep 600 & setsid sleep 600 & echo begun
            {ONCE_HEARD} kill -USR1 $PPID
            wait
        """
        with pytest.raises(Interrupted):
            run("bash", "-c", code)
        assert (tmp_path / "log.txt").read_text() == "begun\n[relgate] interrupted: Interrupted\n"

    def test_an_exception_while_the_tree_is_ended_does_not_save_it(
        self, run: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tree_room, "TERM_GRACE", 1)
        code = f"""
            trap 'kill -USR1 $PPID' TERM; echo begun
            {ONCE_HEARD} kill -USR1 $PPID
            while :; do sleep 0.1; done
        """
        with pytest.raises(Interrupted):
            run("bash", "-c", code)

    def test_an_exception_while_a_limit_ends_the_tree_does_not_save_it(
        self, run: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tree_room, "TERM_GRACE", 1)
        code = "trap 'kill -USR1 $PPID' TERM; echo begun; while :; do sleep 0.1; done"
        with pytest.raises(Interrupted):
            run("bash", "-c", code, limit=0.5)

    def test_an_exception_while_a_command_starts_ends_it(
        self, run: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Then nobody has heard of its process id yet: only its mark is known."""
        begun = []
        start = process_room._start

        def start_and_raise(*args: object) -> NoReturn:
            begun.append(start(*args))
            raise Interrupted

        monkeypatch.setattr(process_room, "_start", start_and_raise)
        with pytest.raises(Interrupted):
            run("sleep", "600")
        assert begun[0].wait() == -signal.SIGTERM
        begun[0].stdout.close()

    def test_ctrl_c_ends_the_tree(self, run: Callable[..., CommandResult]) -> None:
        with pytest.raises(KeyboardInterrupt):
            run("bash", "-c", f"sleep 600 & echo begun; {ONCE_HEARD} kill -INT $PPID; wait")


def test_a_stranger_is_not_touched(run: Callable[..., CommandResult]) -> None:
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        run("bash", "-c", "sleep 600 & wait", limit=0.3)
        run("bash", "-c", "sleep 600 & exit")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_stranger_with_the_number_of_an_ended_process_is_not_touched() -> None:
    stranger = subprocess.Popen(["bash", "-c", "sleep 600 & wait"], start_new_session=True)
    try:
        leader = psutil.Process(stranger.pid)
        leader._ident = (stranger.pid, 1.0)  # born when another process had this number
        tree = Tree("mark", leader)
        assert tree.members() == []
        assert tree.end().processes == ()
        assert stranger.poll() is None
    finally:
        os.killpg(stranger.pid, signal.SIGKILL)
        stranger.wait()


def test_a_command_inside_a_command_can_be_ended_by_the_outer_one(
    run: Callable[..., CommandResult], tmp_path: Path
) -> None:
    """A gate that tests a plugin like this one: what its own commands left is the outer one's to end."""
    code = f"""
        import os
        from pathlib import Path
        from pytest_relgate.exec import process
        from pytest_relgate.exec.redact import Redactor
        here = Path({str(tmp_path)!r})
        process.Tree.end = lambda self: os._exit(0)  # dies in the middle
        words = ["bash", "-c", "setsid sleep 600 >/dev/null 2>&1 & exit"]
        process.run_command(words, cwd=here, log=here / "inner.txt", env=None, redactor=Redactor())
    """
    result = run(*python(code))
    assert [name.partition(" ")[0] for name in result.left_behind] == ["sleep"]
