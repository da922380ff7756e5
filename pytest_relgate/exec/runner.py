"""The commands of one gate: numbered logs, and what each end of a command means for the gate."""

from __future__ import annotations

import hashlib
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pytest_relgate.errors import Finding, RelgateError
from pytest_relgate.exec.cannot_judge import raise_if_known
from pytest_relgate.exec.environment import gate_environment
from pytest_relgate.exec.process import CommandResult, run_command, split_command
from pytest_relgate.exec.redact import secret_values
from pytest_relgate.exec.tools import ToolMissing, brought_by, missing_tool, require_tools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pytest_relgate.exec.cannot_judge import KnownEnd
    from pytest_relgate.exec.redact import Redactor

_READABLE: Final = 100
_NAMED_FILES: Final = 5
_COMMAND_SHOWN: Final = 120


class CommandFailed(Finding):
    """A command ended with another status than 0, or by a signal. ``str()`` has the end of its output."""

    def __init__(self, result: CommandResult, *, where: str) -> None:
        end = f"was killed by {result.signal}" if result.signal else f"exited with {result.rc}"
        do = f"mend it until `{_shown(result.argv)}` passes; its whole output is in {where}"
        super().__init__(f"`{_shown(result.argv)}` {end}", where=where, do=do)
        self.result = result

    def __str__(self) -> str:
        return _with_output(self.found, self.result)


class CommandTimedOut(AssertionError):  # noqa: N818  (reads as a statement in a gate)
    """A command was ended because it ran past its limit. The gate's state is TIMED_OUT."""

    def __init__(self, result: CommandResult, limit: float, *, where: str) -> None:
        self.found = f"`{_shown(result.argv)}` did not end within {limit:g} s"
        self.where = where
        self.do = "find out what it waited for, or raise the limit of the gate if it is slow and right"
        self.result = result
        super().__init__(self.found)

    def __str__(self) -> str:
        return _with_output(self.found, self.result)


class SourceChanged(Finding):
    """A command changed tracked files: a gate that edits what it judges has judged something else."""

    def __init__(self, result: CommandResult, changed: frozenset[str], *, where: str) -> None:
        names = sorted(changed)
        more = f" and {len(names) - _NAMED_FILES} more" if len(names) > _NAMED_FILES else ""
        files = ", ".join(names[:_NAMED_FILES]) + more
        super().__init__(
            f"`{_shown(result.argv)}` changed tracked files, and a gate never edits the source: {files}",
            where=where,
            do="have the gate run the command's check mode (such as `cargo fmt -- --check`)",
        )
        self.result = result


def log_name(gate_id: str) -> str:
    """A gate's id as the stem of a file name: readable, and unique by 8 hex digits of the id's sha256.

    Two ids that differ only in letter case or in characters that file names cannot have stay two. Of a
    long id the end is kept, where its parameters stand: at most 100 characters and the 9 behind them.
    """
    digest = hashlib.sha256(gate_id.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", gate_id)
    return f"{plain[-_READABLE:].strip('-.') or 'gate'}-{digest}"


@dataclass
class Runner:
    """Runs the commands of one gate in the repository under release.

    ``cwd`` is the repository, ``logs`` a folder of the evidence folder, ``slug`` the gate's ``log_name``.
    ``tracked_changes`` names the tracked files that are not as committed; ``journal`` is told of every
    command before it starts. ``calls`` counts commands that were started; ``last_log`` is the newest log,
    relative to the evidence folder. ``own_bytecode_switch`` is as in gate_environment. ``errored`` are the
    ends of commands that could not judge, by the profile, beside those that are known of every tool.
    """

    cwd: Path
    logs: Path
    slug: str
    redactor: Redactor
    environ: Mapping[str, str]
    tracked_changes: Callable[[], frozenset[str]] | None = None
    journal: Callable[[dict[str, Any]], None] | None = None
    own_bytecode_switch: bool = False
    errored: Sequence[KnownEnd] = ()
    calls: int = field(default=0, init=False)
    last_log: str = field(default="", init=False)

    def __call__(
        self,
        argv: str | Sequence[str],
        *,
        needs: str | Sequence[str] = (),
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        limit: float | None = None,
        check: bool = True,
    ) -> CommandResult:
        """Run a command; return how it ended.

        ``argv`` is split as a shell would, but no shell runs it. ``needs`` names programs that must be on
        PATH, ``cwd`` a folder of the repository, ``limit`` seconds. ``env`` is added to the environment;
        what in it is named like a secret is redacted too. With ``check=False`` a failure is returned.

        Raises CommandFailed, CommandTimedOut, SourceChanged; ToolMissing and CouldNotRun whatever ``check``
        says, because what could not judge must not pass for what found a fault; RelgateError for a bad call.
        """
        command = split_command(argv)
        folder = self._folder(cwd)
        environment = gate_environment(self.environ, env, own_bytecode_switch=self.own_bytecode_switch)
        require_tools([needs] if isinstance(needs, str) else needs, _finder(environment))
        redactor = self.redactor.adding(secret_values(env or {}))
        before = self.tracked_changes() if self.tracked_changes else frozenset()
        log = self._next_log()
        if self.journal:
            words = [redactor.text(word) for word in command]
            self.journal({"kind": "command", "argv": words, "cwd": cwd or ".", "log": self.last_log})
        self.calls += 1
        try:
            result = run_command(
                command, cwd=folder, log=log, env=environment, redactor=redactor, limit=limit
            )
        except ToolMissing:
            self.calls -= 1
            raise
        self._judge(command, result, limit, check=check)
        changed = (self.tracked_changes() if self.tracked_changes else frozenset()) - before
        if changed:
            raise SourceChanged(result, changed, where=self.last_log)
        return result

    def _judge(
        self, command: tuple[str, ...], result: CommandResult, limit: float | None, *, check: bool
    ) -> None:
        if result.timed_out:
            raise CommandTimedOut(result, limit or 0, where=self.last_log)
        tool = missing_tool(command, result.rc, result.tail)
        if tool is not None:
            found = f"`{_shown(result.argv)}` needs {tool}, which is not there"
            raise ToolMissing(tool, found=found, do=brought_by(command, tool))
        raise_if_known(
            command,
            result.rc,
            result.tail,
            self.errored,
            shown=_shown(result.argv),
            where=self.last_log,
        )
        if check and not result.succeeded:
            raise CommandFailed(result, where=self.last_log)

    def _folder(self, cwd: str | None) -> Path:
        repository = self.cwd.resolve()
        folder = (repository / (cwd or ".")).resolve()
        if not folder.is_relative_to(repository):
            message = (
                f"expected cwd= to name a folder of the repository, found {cwd!r}, which leads out of it"
            )
            raise RelgateError(message)
        return folder

    def _next_log(self) -> Path:
        """The first free name: the logs of earlier attempts are evidence and stay."""
        number, name = 1, f"{self.slug}.txt"
        while (self.logs / name).exists():
            number += 1
            name = f"{self.slug}-{number}.txt"
        self.last_log = f"{self.logs.name}/{name}"
        return self.logs / name


def _finder(environ: Mapping[str, str]) -> Callable[[str], str | None]:
    """How the command itself will look for a tool; cargo looks for its subcommands at home too."""
    import os
    import shutil

    home = environ.get("CARGO_HOME") or f"{environ.get('HOME', '')}/.cargo"

    def which(tool: str) -> str | None:
        path = environ.get("PATH", os.defpath)
        if tool.startswith("cargo-"):
            path = os.pathsep.join((path, f"{home}/bin"))
        return shutil.which(tool, path=path)

    return which


def _shown(argv: Sequence[str]) -> str:
    text = " ".join(shlex.join(argv).split())
    return text if len(text) <= _COMMAND_SHOWN else f"{text[: _COMMAND_SHOWN - 2]} …"


def _with_output(found: str, result: CommandResult) -> str:
    return f"{found}\n{result.tail}" if result.tail else found
