"""A tool that is missing told apart from a tool that ran and failed.

The first says nothing about the release (ERRORED, newest attempt counts), the second is a finding that is
remembered. So nothing is called missing on the strength of an exit status alone, or of words that the
project's own output may contain: the message must be the launcher's, and about what was asked for.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_relgate.errors import CannotJudge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class ToolMissing(CannotJudge):
    """A tool that a gate needs is not there, so nothing was judged.

    ``tool`` is its name; ``found``, ``where`` and ``do`` are one line each, as in Finding.
    """

    def __init__(self, tool: str, *, found: str = "", do: str = "") -> None:
        found, do = found or f"{tool} is missing", do or _remedy(tool)
        super().__init__(f"{found}: {do}", do=do)
        self.tool = tool
        self.found = found


def require_tools(needs: Iterable[str], which: Callable[[str], str | None]) -> None:
    """Raise ToolMissing for the first of ``needs`` that ``which`` does not find, before anything runs."""
    for tool in needs:
        if which(tool) is None:
            raise ToolMissing(tool, found=f"{tool} is not on PATH")


def cannot_start(command: Sequence[str], cwd: Path, error: OSError) -> CannotJudge:
    """Why the operating system would not start a command, with what to do about it."""
    tool = command[0]
    reason = error.strerror or str(error)
    if not cwd.is_dir():
        found = f"the folder {cwd}, in which {tool} was to run, is not there"
        return ToolMissing(tool, found=found, do="mend cwd= in the gate, or bring the folder back")
    match error.errno:
        case errno.ENOENT if os.sep in tool and (cwd / tool).exists():
            do = "look at its first line: the interpreter that it names is not there"
            return ToolMissing(tool, found=f"{tool} cannot be started ({reason})", do=do)
        case errno.ENOENT | errno.ENOTDIR if os.sep in tool:
            return ToolMissing(
                tool, found=f"{tool} is not there", do="build it, or mend its path in the gate"
            )
        case errno.ENOENT | errno.ENOTDIR:
            return ToolMissing(tool, found=f"{tool} is not on PATH")
        case errno.EACCES | errno.ENOEXEC | errno.EISDIR:
            do = f"make it executable, or start it by its interpreter (such as `bash {tool}`)"
            return ToolMissing(tool, found=f"{tool} cannot be executed ({reason})", do=do)
        case _:  # too many processes, no memory, too long a command line
            return CannotJudge(f"{tool} could not be started: {reason}")


def missing_tool(argv: Sequence[str], rc: int, tail: str) -> str | None:
    """The tool or subcommand that was missing when ``argv`` ended with ``rc``, or None if a tool failed.

    ``tail`` is the end of the output as CommandResult has it. What is missing from the project itself (a
    script, a recipe of just, a script of npm, a relative path) is a failure and not a missing tool.
    """
    if not rc:
        return None
    if rc in _SHELL_STATUS:
        return _missing_in_shell(tail)
    program = Path(argv[0]).name
    if program in _OF_RUSTUP and (tool := _missing_in_rustup(argv, tail)):
        return tool
    if _PYTHON.fullmatch(program):
        return _missing_module(argv, tail)
    return _missing_subcommand(program, argv, rc, tail)


# -- shells, env, timeout, npm scripts and just recipes: 127 is not found, 126 is not executable (POSIX
# 2.8.2). A dynamic linker that misses a library ends with 127 too, and that is a finding.

_SHELL_STATUS: Final = (126, 127)
_IN_SHELL: Final = re.compile(
    r"^(?:"
    # bash and dash, in any language: `x.sh: line 2: foo: command not found`, `sh: 1: foo: not found`
    r"[^:\n]+: (?:\w+ )?\d+ ?: (?P<script>[^:\s]+) ?: [^:\n]+"
    r"|(?:\S*/)?(?:ba|da|z|k|a)?sh: (?P<shell>[^:\s]+): (?:command )?not found"
    r"|zsh:\d+: command not found: (?P<zsh>\S+)"
    r"|fish: Unknown command: (?P<fish>\S+)"
    r"|(?:\S*/)?(?:env|nice|nohup|setsid|stdbuf|time|timeout|xargs): (?:failed to run command )?"
    r"[‘'`\"]?(?P<wrapper>[^‘’'`\"\s:]+)[’'`\"]?: [^:\n]+"  # noqa: RUF001  (coreutils writes these quotes)
    r"|(?P<library>.*: error while loading shared libraries: .*)"
    r")$",
    re.MULTILINE,
)


def _missing_in_shell(tail: str) -> str | None:
    # Earlier ones were put up with (`foo || true`): the last one is what the status speaks of.
    last = next(iter(reversed(list(_IN_SHELL.finditer(tail)))), None)
    if last is None or last["library"]:
        return None
    name = next(name for name in last.groups() if name).strip()
    of_project = os.sep in name and not name.startswith(os.sep)
    return None if of_project else name


# -- rustup's proxies: cargo, rustc and so on are one program that looks for a toolchain and a component

_OF_RUSTUP: Final = frozenset(
    {"cargo", "cargo-clippy", "cargo-fmt", "cargo-miri", "clippy-driver", "rust-analyzer", "rustc", "rustdoc"}
    | {"rustfmt", "rustup"}
)
_IN_RUSTUP: Final = re.compile(
    # it speaks before any program of the toolchain can
    r"\A(?:(?:(?:info|warning|note): .*)?\n)*error: (?:"
    r"(?:override )?toolchain '(?P<toolchain>[^']+)' is not install(?:ed|able)"
    r"|'(?P<binary>[^']+)' is not installed for the (?:custom )?toolchain"
    r"|the '[^']+' component which provides the command '(?P<component>[^']+)' is not (?:installed|available)"
    r"|[Uu]nknown binary '(?P<unknown>[^']+)' in official toolchain"
    r"|(?P<none>rustup could not choose a version of|no (?:override and no )?default toolchain)"
    r")"
)


def _missing_in_rustup(argv: Sequence[str], tail: str) -> str | None:
    found = _IN_RUSTUP.match(tail)
    if found is None:
        return None
    if found["toolchain"]:
        return f"toolchain {found['toolchain']}"
    if found["none"]:
        return Path(argv[0]).name
    return found["binary"] or found["component"] or found["unknown"]


# -- programs that have subcommands: the word must be the one that was asked for

_UNKNOWN: Final = {
    "cargo": (101, re.compile(r"^error: no such (?:sub)?command: `([^`]+)`", re.MULTILINE), "cargo-"),
    "git": (1, re.compile(r"^git: '([^']+)' is not a git command", re.MULTILINE), "git-"),
    "go": (2, re.compile(r"^go ([^\s:]+): unknown command", re.MULTILINE), "go "),
    "npm": (1, re.compile(r'^Unknown command: "([^"]+)"', re.MULTILINE), "npm "),
}
"""Of each program: the status it ends with, what it says, and how the missing thing is called."""

_NO_LINKER: Final = re.compile(r"^error: linker `([^`]+)` not found", re.MULTILINE)
_NO_PACKAGE: Final = re.compile(
    r"^npm (?:error|ERR!) (?:could not determine executable to run|npx canceled due to missing packages)",
    re.MULTILINE,
)

_WITH_VALUE: Final = {
    "cargo": {"-C", "-Z", "--color", "--config"},
    "git": {"-C", "-c", "--config-env", "--exec-path", "--git-dir", "--namespace", "--work-tree"},
    "go": {"-C"},
    "npm": {"-C", "-w", "--prefix", "--workspace", "--loglevel", "--registry"},
    "npx": {"-c", "-p", "--package"},
}


def _missing_subcommand(program: str, argv: Sequence[str], rc: int, tail: str) -> str | None:
    words = _words(program, argv)
    if program == "npm" and words[:1] in (["exec"], ["x"]):
        program, words = "npx", words[1:]
    if not words:
        return None
    if program == "npx":
        return words[0] if _NO_PACKAGE.search(tail) else None
    status, unknown, prefix = _UNKNOWN.get(program, (0, _NO_PACKAGE, ""))
    if rc == status and words[0] in unknown.findall(tail):
        return prefix + words[0]
    linker = _NO_LINKER.search(tail) if program in ("cargo", "rustc") else None
    return f"linker {linker[1]}" if linker else None


def _words(program: str, argv: Sequence[str]) -> list[str]:
    """What follows the program's name without its options and, for cargo, the toolchain."""
    words = []
    rest = iter(argv[1:])
    for word in rest:
        if word in _WITH_VALUE.get(program, ()):
            next(rest, None)
        elif not word.startswith(("-", "+")):
            words.append(word)
    return words


# -- python -m: the module that was asked for, not one that it imports

_PYTHON: Final = re.compile(r"(?:python|pypy)[\d.]*t?")
_MODULE_SWITCH: Final = re.compile(r"-[bBdEiIOPqsSuvx]*m(.*)")
_NO_MODULE: Final = re.compile(r"^\S*(?:python|pypy)\S*: No module named (\S+)$", re.MULTILINE)
_NO_PARENT: Final = re.compile(
    r"^\S*(?:python|pypy)\S*: Error while finding module specification for '([^']+)' "
    r"\(ModuleNotFoundError: No module named '([^']+)'\)$",
    re.MULTILINE,
)


def _missing_module(argv: Sequence[str], tail: str) -> str | None:
    module = _module(argv)
    if not module:
        return None
    parents = {parent for asked, parent in _NO_PARENT.findall(tail) if asked == module}
    if module in _NO_MODULE.findall(tail) or any(f"{module}.".startswith(f"{p}.") for p in parents):
        return f"python -m {module}"
    return None


def _module(argv: Sequence[str]) -> str:
    """The module that ``python -m`` was asked for; empty where something else is run."""
    rest = iter(argv[1:])
    for word in rest:
        if switch := _MODULE_SWITCH.fullmatch(word):
            return switch[1] or next(rest, "")
        if word in ("-W", "-X", "--check-hash-based-pycs"):
            next(rest, None)
        elif not word.startswith("-"):
            return ""
    return ""


def brought_by(command: Sequence[str], tool: str) -> str:
    """What brings a tool that a script of package.json calls; empty for others: it is no program to install.

    docs.npmjs.com/cli/v11/commands/npm-run: scripts find what lies in ``node_modules/.bin``.
    """
    launcher = os.path.basename(command[0]) if command else ""  # noqa: PTH119  (a word, no path)
    if launcher not in ("npm", "pnpm", "yarn") or " " in tool or tool in ("node", launcher):
        return ""
    install = "npm ci" if launcher == "npm" else f"{launcher} install"
    return f"type {install}, which brings what scripts of package.json call, or install {tool}"


def _remedy(tool: str) -> str:
    kind, _, name = tool.partition(" ")
    match kind:
        case "toolchain":
            return f"type `rustup toolchain install {name}`"
        case "linker":
            return f"install {name}, or put it on PATH"
        case "python":
            return f"install the module {tool.rpartition(' ')[2]} for that Python"
        case _ if name:
            return f"install a version of {kind} that knows `{tool}`, or mend the command of the gate"
        case _:
            return f"install {tool}, or put it on PATH"
