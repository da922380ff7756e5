from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import CannotJudge, Finding, RelgateError
from pytest_relgate.exec.redact import Redactor
from pytest_relgate.exec.runner import CommandFailed, CommandTimedOut, Runner, SourceChanged, log_name
from pytest_relgate.exec.tools import ToolMissing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Repository:
    """A folder whose tracked files are those that it had in the beginning."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.committed = self._texts()

    def _texts(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.folder.glob("*.rs")}

    def changes(self) -> frozenset[str]:
        now = self._texts()
        return frozenset(name for name in self.committed if now.get(name) != self.committed[name])


@pytest.fixture
def journal() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def make(tmp_path: Path, journal: list[dict[str, Any]]) -> Callable[..., Runner]:
    repository = tmp_path / "repository"
    (repository / "bindings" / "go").mkdir(parents=True)
    for number in range(8):
        (repository / f"file{number}.rs").write_text("fn main() {}\n")

    def make(**options: Any) -> Runner:
        fields = {
            "cwd": repository,
            "logs": tmp_path / "evidence" / "logs",
            "slug": "gate-12345678",
            "redactor": Redactor(["hunter22-xyz"]),
            "environ": os.environ,
            "tracked_changes": Repository(repository).changes,
            "journal": journal.append,
            **options,
        }
        return Runner(**fields)

    return make


@pytest.fixture
def runner(make: Callable[..., Runner]) -> Runner:
    return make()


def test_a_command_that_succeeds_is_returned(runner: Runner, tmp_path: Path) -> None:
    result = runner("bash -c 'echo hi; pwd'")
    assert result.succeeded
    assert result.tail == f"hi\n{tmp_path / 'repository'}"
    assert result.log == tmp_path / "evidence" / "logs" / "gate-12345678.txt"
    assert runner.last_log == "logs/gate-12345678.txt"
    assert runner.calls == 1


def test_logs_are_numbered(runner: Runner) -> None:
    assert [runner(["echo", str(n)]).log.name for n in range(3)] == [
        "gate-12345678.txt",
        "gate-12345678-2.txt",
        "gate-12345678-3.txt",
    ]
    assert runner.calls == 3


def test_the_log_of_an_earlier_run_stays(make: Callable[..., Runner]) -> None:
    first = make()("echo first").log
    second = make()("echo second").log
    assert (first.read_text(), second.read_text()) == ("first\n", "second\n")
    assert second.name == "gate-12345678-2.txt"


def test_a_command_that_fails_is_a_finding(runner: Runner) -> None:
    with pytest.raises(CommandFailed) as raised:
        runner("bash -c 'echo the reason; exit 101'")
    error = raised.value
    assert isinstance(error, Finding)
    assert error.found == "`bash -c 'echo the reason; exit 101'` exited with 101"
    assert error.where == "logs/gate-12345678.txt"
    assert error.do.startswith("mend it until")
    assert str(error) == f"{error.found}\nthe reason"
    assert error.result.rc == 101
    assert runner.calls == 1


def test_a_command_that_is_killed_is_a_finding(runner: Runner) -> None:
    with pytest.raises(CommandFailed, match="was killed by SIGSEGV"):
        runner("bash -c 'kill -SEGV $$'")


def test_an_unchecked_failure_is_returned(runner: Runner) -> None:
    assert runner("bash -c 'exit 3'", check=False).rc == 3


def test_a_command_past_its_limit_has_timed_out(runner: Runner) -> None:
    for check in (True, False):
        with pytest.raises(CommandTimedOut) as raised:
            runner("bash -c 'echo begun; sleep 600'", limit=0.5, check=check)
    error = raised.value
    assert isinstance(error, AssertionError)
    assert not isinstance(error, Finding)
    assert error.found == "`bash -c 'echo begun; sleep 600'` did not end within 0.5 s"
    assert str(error) == f"{error.found}\nbegun"
    assert error.where == "logs/gate-12345678-2.txt"
    assert error.do


@pytest.mark.parametrize("check", [True, False])
def test_a_missing_tool_cannot_be_taken_for_a_failure(runner: Runner, *, check: bool) -> None:
    with pytest.raises(ToolMissing) as raised:
        runner("bash -c no-such-tool", check=check)
    assert isinstance(raised.value, CannotJudge)
    assert raised.value.tool == "no-such-tool"
    assert raised.value.do == "install no-such-tool, or put it on PATH"
    assert runner.calls == 1


def test_a_command_that_cannot_start_was_not_called(runner: Runner) -> None:
    with pytest.raises(ToolMissing):
        runner("no-such-tool")
    assert runner.calls == 0


@pytest.mark.parametrize("needs", ["no-such-tool", ["bash", "no-such-tool"], ("no-such-tool",)])
def test_a_needed_tool_is_looked_for_before_anything_runs(
    runner: Runner,
    journal: list[dict[str, Any]],
    needs: Any,
) -> None:
    with pytest.raises(ToolMissing) as raised:
        runner("true", needs=needs)
    assert raised.value.tool == "no-such-tool"
    assert runner.calls == 0
    assert journal == []
    assert not runner.logs.exists()


def test_a_needed_tool_is_looked_for_where_the_command_will_look(
    make: Callable[..., Runner], tmp_path: Path
) -> None:
    for folder, name in (("bin", "just-here"), ("cargo/bin", "cargo-audit")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / name).write_text("#!/bin/sh\n")
        (tmp_path / folder / name).chmod(0o755)
    runner = make(environ={"PATH": f"{tmp_path / 'bin'}:/bin", "CARGO_HOME": str(tmp_path / "cargo")})
    assert runner("true", needs=["just-here", "cargo-audit"]).succeeded
    assert make()("true", needs="just-here", env={"PATH": f"{tmp_path / 'bin'}:/bin"}).succeeded


def test_a_gate_never_edits_the_source(runner: Runner) -> None:
    with pytest.raises(SourceChanged) as raised:
        runner("bash -c 'for f in *.rs; do echo >> $f; done'")
    error = raised.value
    assert isinstance(error, Finding)
    assert error.found.endswith(
        "changed tracked files, and a gate never edits the source: "
        "file0.rs, file1.rs, file2.rs, file3.rs, file4.rs and 3 more"
    )
    assert error.where == "logs/gate-12345678.txt"
    assert "check mode" in error.do


def test_what_was_changed_before_is_not_blamed_on_the_command(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "repository" / "file1.rs").write_text("edited\n")
    assert runner("true").succeeded
    with pytest.raises(SourceChanged, match=r"the source: file2\.rs$"):
        runner("bash -c 'echo >> file1.rs; echo >> file2.rs'", check=False)


def test_an_unchecked_failure_that_edits_the_source_is_a_finding(runner: Runner) -> None:
    with pytest.raises(SourceChanged):
        runner("bash -c 'rm file1.rs; exit 1'", check=False)


def test_new_files_are_no_change_of_the_source(runner: Runner) -> None:
    assert runner("touch new.txt").succeeded


def test_a_command_may_run_in_a_folder_of_the_repository(runner: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "repository" / "bindings" / "go"
    assert runner("pwd", cwd="bindings/go").tail == str(folder)
    assert runner("pwd", cwd=str(folder)).tail == str(folder)


def test_a_folder_outside_the_repository_is_refused(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "repository" / "link").symlink_to(tmp_path)
    for cwd in ("..", "bindings/../../x", str(tmp_path), "/", "link"):
        with pytest.raises(RelgateError, match="leads out of it"):
            runner("true", cwd=cwd)
    assert runner.calls == 0


def test_a_folder_that_is_missing_cannot_be_judged(runner: Runner) -> None:
    with pytest.raises(ToolMissing, match="is not there"):
        runner("true", cwd="bindings/ruby")


def test_the_environment_is_the_users_and_what_the_gate_adds(make: Callable[..., Runner]) -> None:
    environ = {"PATH": os.environ["PATH"], "A": "1", "PYTEST_ADDOPTS": "-x", "PYTHONDONTWRITEBYTECODE": "1"}
    command = "bash -c 'echo $A $B [$PYTEST_ADDOPTS] [$PYTHONDONTWRITEBYTECODE]'"
    assert make(environ=environ)(command, env={"B": "2"}).tail == "1 2 [] [1]"
    assert make(environ=environ, own_bytecode_switch=True)(command).tail == "1 [] []"


def test_secrets_are_redacted_wherever_a_person_may_read_them(
    runner: Runner, journal: list[dict[str, Any]]
) -> None:
    with pytest.raises(CommandFailed) as raised:
        runner(
            ["bash", "-c", 'echo "$0 $NEW_TOKEN"; exit 1', "hunter22-xyz"],
            env={"NEW_TOKEN": "of-this-command-only"},
        )
    error = raised.value
    shown = f"{error!s} {error.found} {error.do} {error.result} {journal} {error.result.log.read_text()}"
    assert "hunter22-xyz" not in shown
    assert "of-this-command-only" not in shown
    assert error.result.tail == "[redacted] [redacted]"


def test_a_command_is_journaled_before_it_starts(make: Callable[..., Runner], tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    def note(entry: dict[str, Any]) -> None:
        assert not (tmp_path / "evidence" / "logs").exists()
        seen.append(entry)

    make(journal=note)("echo 'a b'", cwd="bindings")
    assert seen == [
        {"kind": "command", "argv": ["echo", "a b"], "cwd": "bindings", "log": "logs/gate-12345678.txt"}
    ]


def test_a_runner_needs_neither_journal_nor_git(make: Callable[..., Runner]) -> None:
    assert make(journal=None, tracked_changes=None)("true").succeeded


def test_a_long_command_is_shown_on_one_bounded_line(runner: Runner) -> None:
    with pytest.raises(CommandFailed) as raised:
        runner(["bash", "-c", "exit 1", "several\nlines", "x" * 500])
    assert "\n" not in raised.value.found
    assert len(raised.value.found) < 160


@pytest.mark.parametrize(
    ("gate", "readable"),
    [
        ("test_1_core.py::TestCargo::test_gate[cargo-test]", "test_1_core.py-TestCargo-test_gate-cargo-test"),
        ("sub/test_x.py::test_y", "sub-test_x.py-test_y"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "gate"),
        ("", "gate"),
        ("test_x.py::test_y[ü \udc80\0/]", "test_x.py-test_y"),
    ],
)
def test_a_log_is_named_after_its_gate(gate: str, readable: str) -> None:
    digest = hashlib.sha256(gate.encode("utf-8", "backslashreplace")).hexdigest()
    assert log_name(gate) == f"{readable}-{digest[:8]}"


def test_log_names_are_bounded_and_tell_gates_apart() -> None:
    gates = [
        "t.py::test[a]",
        "t.py::test[A]",
        "t.py::test[a/]",
        "t.py::test-a",
        *(f"t.py::test[{'x' * 200}{n}]" for n in range(20)),
    ]
    names = [log_name(gate) for gate in gates]
    assert len({name.lower() for name in names}) == len(gates)
    assert max(map(len, names)) <= 109
    assert names[-1][:-9].endswith("x19")
