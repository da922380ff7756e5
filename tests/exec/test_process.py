from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.exec.process import CommandResult, run_command, split_command
from pytest_relgate.exec.redact import Redactor
from pytest_relgate.exec.tools import ToolMissing


class Run(Protocol):
    def __call__(self, *argv: str, **options: object) -> CommandResult: ...


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*argv: str, secrets: tuple[str, ...] = (), **options: object) -> CommandResult:
        given = {"cwd": tmp_path, "log": tmp_path / "logs" / "log.txt", "env": None, **options}
        return run_command(argv, redactor=Redactor(secrets), **given)

    return run


def python(code: str, *argv: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *argv)


def test_both_outputs_are_in_the_log_in_their_order(run: Run) -> None:
    result = run("bash", "-c", "echo one; echo two >&2; printf three")
    assert result.succeeded
    assert (result.rc, result.signal, result.timed_out, result.left_behind) == (0, "", False, ())
    assert result.tail == "one\ntwo\nthree"
    printed = b"one\ntwo\nthree"
    assert result.log.read_bytes() == printed
    assert result.size == len(printed)
    assert result.sha256 == f"sha256:{hashlib.sha256(printed).hexdigest()}"
    assert result.seconds > 0


def test_a_failure_has_its_status(run: Run) -> None:
    result = run("bash", "-c", "exit 3")
    assert (result.rc, result.succeeded, result.tail) == (3, False, "")


def test_a_death_by_signal_has_its_name(run: Run) -> None:
    result = run("bash", "-c", "kill -SEGV $$")
    assert (result.rc, result.signal, result.succeeded) == (-11, "SIGSEGV", False)


def test_a_command_stands_in_its_own_session(run: Run) -> None:
    code = "import os; print(os.getsid(0) == os.getpid() == os.getpgrp())"
    assert run(*python(code)).tail == "True"


def test_a_command_reads_nothing_of_what_pytest_reads(run: Run) -> None:
    readable, writable = os.pipe()
    os.write(writable, b"typed by a person\n")
    before = os.dup(0)
    os.dup2(readable, 0)
    try:
        assert run("head", "-n", "1").tail == ""
    finally:
        os.dup2(before, 0)
        for fd in (before, readable, writable):
            os.close(fd)


def test_a_command_runs_in_its_folder_with_its_environment(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    result = run("/bin/sh", "-c", "pwd -P; echo $ONLY$HOME", cwd=tmp_path / "sub", env={"ONLY": "this"})
    assert result.tail == f"{(tmp_path / 'sub').resolve()}\nthis"


def test_a_program_is_looked_for_on_the_path_of_the_command(run: Run, tmp_path: Path) -> None:
    program = tmp_path / "only-here"
    program.write_text("#!/bin/sh\necho found\n")
    program.chmod(0o755)
    assert run("only-here", env={"PATH": str(tmp_path)}).tail == "found"


def test_the_log_grows_while_the_command_runs(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    code = """
import pathlib, sys, time
print("ready", flush=True)
while pathlib.Path(sys.argv[1]).read_text() != "ready\\n":
    time.sleep(0.01)
"""
    assert run(*python(code, str(log)), log=log, limit=60).succeeded


def test_a_log_of_an_earlier_command_is_written_anew(run: Run) -> None:
    run("echo", "a long first output")
    assert run("echo", "short").log.read_text() == "short\n"


def test_output_that_is_no_text_is_kept_as_it_is(run: Run) -> None:
    raw = bytes(range(256)) * 3
    result = run(*python("import sys; sys.stdout.buffer.write(bytes(range(256)) * 3)"))
    assert result.log.read_bytes() == raw
    assert result.sha256 == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert "\x1b" not in result.tail
    assert "\ufffd" in result.tail


def test_a_secret_written_in_two_pieces_is_redacted(run: Run) -> None:
    code = """
import sys, time
for part in ("token hunt", "er22-xyz seen\\n"):
    sys.stdout.write(part)
    sys.stdout.flush()
    time.sleep(0.2)
"""
    result = run(*python(code, "hunter22-xyz"), secrets=("hunter22-xyz",))
    assert result.log.read_text() == "token [redacted] seen\n"
    assert result.tail == "token [redacted] seen"
    assert result.argv[-1] == "[redacted]"
    assert result.size == len("token [redacted] seen\n")


def test_a_secret_in_colours_does_not_reach_the_tail(run: Run) -> None:
    result = run("printf", r"\033[1mhunter22\033[0m-xyz\n", secrets=("hunter22-xyz",))
    assert result.tail == "[redacted]"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("cargo test", ("cargo", "test")),
        ("cargo fmt --all -- --check", ("cargo", "fmt", "--all", "--", "--check")),
        ("bash -c 'echo $HOME | cat'", ("bash", "-c", "echo $HOME | cat")),
        (["a b", "c"], ("a b", "c")),
        ([Path("/bin/true")], ("/bin/true",)),
    ],
)
def test_a_command_is_words(argv: str | list[str], words: tuple[str, ...]) -> None:
    assert split_command(argv) == words


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        ("", "found ''"),
        ("   ", "found '   '"),
        ([], "found []"),
        ([""], "found ['']"),
        ("echo 'open", "no closing quotation"),
        ("echo \\", "no escaped character"),
        (["echo", "a\0b"], "NUL"),
    ],
)
def test_a_command_that_is_none_is_refused_in_one_line(argv: str | list[str], found: str) -> None:
    with pytest.raises(RelgateError) as raised:
        split_command(argv)
    assert found in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_that_is_none_is_refused(run: Run, limit: float) -> None:
    with pytest.raises(RelgateError, match="above 0 seconds"):
        run("true", limit=limit)


@pytest.mark.parametrize("env", [{"A=B": "1"}, {"A": "1\0"}], ids=["name", "value"])
def test_an_environment_that_is_none_is_refused(run: Run, env: dict[str, str]) -> None:
    with pytest.raises(RelgateError, match="expected an environment that true can be given"):
        run("true", env=env)


def test_a_missing_program_is_a_missing_tool(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ToolMissing) as raised:
        run("no-such-tool-here", "test")
    assert raised.value.tool == "no-such-tool-here"
    assert str(raised.value) == (
        "no-such-tool-here is not on PATH: install no-such-tool-here, or put it on PATH"
    )
    assert "not on PATH" in (tmp_path / "logs" / "log.txt").read_text()


def test_what_cannot_be_executed_is_a_missing_tool(run: Run, tmp_path: Path) -> None:
    (tmp_path / "script.sh").write_text("echo hi\n")
    with pytest.raises(ToolMissing, match=r"Permission denied.*bash \./script\.sh"):
        run("./script.sh")
    (tmp_path / "script.sh").chmod(0o755)
    with pytest.raises(ToolMissing, match="Exec format error"):
        run("./script.sh")
    (tmp_path / "script.sh").write_text("#!/no/such/interpreter\n")
    with pytest.raises(ToolMissing, match="look at its first line"):
        run("./script.sh")
    with pytest.raises(ToolMissing, match=r"\./nothing is not there"):
        run("./nothing")


def test_a_missing_folder_is_said_to_be_missing(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="in which true was to run, is not there"):
        run("true", cwd=tmp_path / "nowhere")


def test_what_the_system_refuses_to_start_cannot_be_judged(run: Run) -> None:
    with pytest.raises(CannotJudge, match="could not be started: Argument list too long"):
        run("echo", "x" * 200_000)


def test_a_log_that_cannot_be_made_cannot_be_judged(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotJudge, match=r"cannot be written \((Not a directory|File exists)\)"):
        run("true", log=tmp_path / "file" / "log.txt")


def test_a_full_disk_ends_the_command_and_cannot_be_judged(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.symlink_to("/dev/full")
    with pytest.raises(CannotJudge, match="No space left on device"):
        run("bash", "-c", "sleep 600 & echo x; wait", log=log)


def test_a_disk_that_fills_up_while_a_command_runs_ends_it(tmp_path: Path) -> None:
    code = f"""
import resource
from pathlib import Path
from pytest_relgate.errors import CannotJudge
from pytest_relgate.exec.process import run_command
from pytest_relgate.exec.redact import Redactor
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
here = Path({str(tmp_path)!r})
try:
    run_command("bash -c 'sleep 600 & yes'", cwd=here, log=here / "log.txt", env=None, redactor=Redactor())
except CannotJudge as error:
    print(error)
"""
    done = subprocess.run(python(code), capture_output=True, text=True, check=True)
    assert "cannot be written (File too large)" in done.stdout
    assert (tmp_path / "log.txt").stat().st_size == 100_000


def test_a_failure_is_none_where_its_status_was_lost(tmp_path: Path) -> None:
    """Where SIGCHLD is ignored, subprocess answers 0 for every command."""
    code = f"""
import signal
from pathlib import Path
from pytest_relgate.errors import CannotJudge
from pytest_relgate.exec.process import run_command
from pytest_relgate.exec.redact import Redactor
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
here = Path({str(tmp_path)!r})
try:
    print(run_command("false", cwd=here, log=here / "log.txt", env=None, redactor=Redactor()))
except CannotJudge as error:
    print("cannot judge:", error)
"""
    done = subprocess.run(python(code), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("cannot judge: the exit status of the command was lost")
    assert done.stderr == ""


def test_hundreds_of_megabytes_cost_little_memory(tmp_path: Path) -> None:
    script = tmp_path / "measure.py"
    script.write_text(f"""
import resource, sys
from pathlib import Path
from pytest_relgate.exec.process import run_command
from pytest_relgate.exec.redact import Redactor
def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
before = peak()
result = run_command(
    ["bash", "-c", "yes 'a line of output' | head -c 300000000"],
    cwd=Path("/"), log=Path({str(tmp_path / "log.txt")!r}), env=None, redactor=Redactor(["a-secret-of-ours"]),
)
print(result.size, before, peak() - before)
""")
    # The highest memory of a process counts what it was forked from: here a small shell, not this one.
    words = ["bash", "-c", f"{shlex.join([sys.executable, str(script)])}; exit $?"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=os.environ)
    size, before, more = map(int, done.stdout.split())
    assert size == 300_000_000
    assert before < 30 * 1024**2
    assert more <= 20 * 1024**2
    assert (tmp_path / "log.txt").stat().st_size < 17 * 1024**2 + 100
