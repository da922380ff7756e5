"""The pins of workflows: what they fix by hand, what of it changed since base, and what moved in silence.

Pure. SPEC S42: versions stand in constants of the workflow and are bumped on purpose, so a changed one is
shown; a pinned toolchain is new enough for every tool that is compiled with it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_relgate.source.problem import Problem
from pytest_relgate.source.shell import commands_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_relgate.source.shell import Command
    from pytest_relgate.source.workflows import Workflow
    from pytest_relgate.source.yaml_lines import Node

_SHA = re.compile(r"(?:sha256:)?(?:[0-9a-f]{40}|[0-9a-f]{64})")
_COMMENT = re.compile(r"\s#\s*(\S+)")
_EXACT = re.compile(r"=*v?\d[\w.+-]*|[0-9a-f]{40}")
_NUMBERS = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?")
_RUNTIME = re.compile(r"[a-z]+-version|toolchain")
_AT = re.compile(r"(?P<name>@?[A-Za-z][\w./-]*)(?:\[[^\]]*\])?(?:==|@)(?P<value>[^\s;@]+)")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?|\$\{\{\s*env\.([A-Za-z_]\w*)\s*\}\}")
_SHORT = 12  # digits of a commit that a table shows


class Kind(StrEnum):
    """What is pinned."""

    VARIABLE = "variable"
    ACTION = "action"
    TOOL = "tool"
    TOOLCHAIN = "toolchain"
    RUNTIME = "runtime"


class Pin(NamedTuple):
    """One pin. ``version`` is what the comment behind a commit says; ``where`` is ``path:line``."""

    kind: Kind
    name: str
    value: str
    path: str
    line: int
    version: str = ""

    @property
    def where(self) -> str:
        """The place that a person can open."""
        return f"{self.path}:{self.line}"

    @property
    def shown(self) -> str:
        """The value as a table shows it: a commit by its first digits, with the version behind it."""
        value = self.value[:_SHORT] if _SHA.fullmatch(self.value) else self.value
        return f"{self.version} ({value})" if self.version else value or "nothing"

    @property
    def fixed(self) -> bool:
        """Whether nobody but the project can move it: a commit for an action, an exact version elsewhere."""
        if self.kind is Kind.ACTION:
            return bool(_SHA.fullmatch(self.value))
        return bool(_EXACT.fullmatch(self.value)) or bool(_VARIABLE.search(self.value))


class Change(NamedTuple):
    """A pin of one file that is not what it was at base; a side that is empty has none."""

    kind: Kind
    name: str
    path: str
    before: tuple[Pin, ...]
    after: tuple[Pin, ...]


def pins_of(workflow: Workflow, raw: bytes = b"") -> tuple[Pin, ...]:
    """Every pin of a workflow; ``raw`` is its text, in which the comments behind actions stand."""
    lines = raw.decode("utf-8", "replace").splitlines()
    return tuple(dict.fromkeys(_pins(workflow, lines)))


def _pins(workflow: Workflow, lines: list[str]) -> Iterator[Pin]:
    path = workflow.path
    places = [workflow.root, *(job.node for job in workflow.jobs)]
    places += [step.node for job in workflow.jobs for step in job.steps]
    for place in places:
        env = place.get("env")
        for key, value in env.entries if env else ():
            if value.kind == "scalar" and "${{" not in value.text:
                yield Pin(Kind.VARIABLE, key.text, value.text, path, key.line)
        uses = place.get("uses")
        if uses is not None and not uses.text.startswith("./"):
            yield _action(path, uses, lines)
        inputs = place.get("with")
        for key, value in inputs.entries if inputs and uses else ():
            if _RUNTIME.fullmatch(key.text) and value.kind == "scalar":
                kind = Kind.TOOLCHAIN if key.text == "toolchain" else Kind.RUNTIME
                yield Pin(kind, key.text, value.text, path, value.line)
    for job in workflow.jobs:
        for step in job.steps:
            for command in commands_of(step.run):
                yield from _installed(command, path, step.run_line + command.line - 1)


def _action(path: str, uses: Node, lines: list[str]) -> Pin:
    name, _, ref = uses.text.partition("@")
    line = lines[uses.line - 1] if uses.line <= len(lines) else ""
    comment = _COMMENT.search(line.partition(uses.text)[2]) if _SHA.fullmatch(ref) else None
    return Pin(Kind.ACTION, name, ref, path, uses.line, comment[1] if comment else "")


# https://doc.rust-lang.org/cargo/commands/cargo-install.html and `cargo binstall --help`
_CARGO_WITH_VALUE: Final = frozenset(
    {
        "--version",
        "--vers",
        "--target",
        "--targets",
        "--root",
        "--path",
        "--git",
        "--branch",
        "--tag",
        "--rev",
    }
    | {"--bin", "--example", "--features", "-F", "--index", "--registry", "--target-dir", "--jobs", "-j"}
    | {"--profile", "--message-format", "--color", "--config", "-Z", "--install-path", "--manifest-path"}
    | {"--pkg-url", "--pkg-fmt", "--bin-dir", "--strategies", "--disable-strategies", "--log-level"}
    | {"--github-token", "--rate-limit", "--min-tls-version", "--root-certificates", "--settings"}
    | {"--maximum-resolution-timeout"}
)


def _installed(command: Command, path: str, line: int) -> Iterator[Pin]:
    """The tools that a command installs or fetches, each with its version; empty where it has none."""
    match command.words:
        case ("rustup", "toolchain", "install", name, *_) | ("rustup", "default", name, *_):
            yield Pin(Kind.TOOLCHAIN, "rustup", name, path, line)
        case ("cargo", "install" | "binstall", *rest):
            version = _option(rest, ("--version", "--vers"))
            for name in _plain(rest, _CARGO_WITH_VALUE):
                found = _AT.fullmatch(name)
                yield Pin(
                    Kind.TOOL,
                    found["name"] if found else name,
                    found["value"] if found else version,
                    path,
                    line,
                )
        case (("pip" | "pip3" | "pipx"), "install", *rest) | (
            ("python" | "python3"),
            "-m",
            "pip",
            "install",
            *rest,
        ):
            yield from _named(rest, path, line)
        case ("npm", "install" | "i", *rest) if {"-g", "--global"} & set(rest):
            yield from _named(rest, path, line)
        case ("pipx", "run", *rest) | (("uvx" | "npx"), *rest):
            yield from _named(
                rest[: next((n for n, one in enumerate(rest, 1) if one[0] != "-"), 0)], path, line
            )
        case _:
            return


def _named(words: Sequence[str], path: str, line: int) -> Iterator[Pin]:
    for word in words:
        if found := _AT.fullmatch(word):
            yield Pin(Kind.TOOL, found["name"], found["value"], path, line)


def _plain(words: Sequence[str], with_value: frozenset[str]) -> Iterator[str]:
    skip = False
    for word in words:
        if not skip and not word.startswith("-"):
            yield word
        skip = not skip and word in with_value


def _option(words: Sequence[str], names: tuple[str, ...]) -> str:
    for n, word in enumerate(words):
        name, sign, value = word.partition("=")
        if name in names:
            return value if sign else next(iter(words[n + 1 :]), "")
    return ""


# What changed


def changed(before: Iterable[Pin], after: Iterable[Pin]) -> tuple[Change, ...]:
    """The pins that differ between base and now, by file, kind and name; where they stand does not count."""
    old, new = _grouped(before), _grouped(after)
    keys = sorted(old.keys() | new.keys())
    return tuple(
        Change(Kind(kind), name, path, old.get((path, kind, name), ()), new.get((path, kind, name), ()))
        for path, kind, name in keys
        if _values(old.get((path, kind, name), ())) != _values(new.get((path, kind, name), ()))
    )


def _grouped(pins: Iterable[Pin]) -> dict[tuple[str, str, str], tuple[Pin, ...]]:
    found: dict[tuple[str, str, str], tuple[Pin, ...]] = {}
    for pin in pins:
        key = (pin.path, pin.kind.value, pin.name)
        found[key] = (*found.get(key, ()), pin)
    return found


def _values(pins: Iterable[Pin]) -> set[tuple[str, str]]:
    return {(pin.value, pin.version) for pin in pins}


def table(changes: Sequence[Change], base: str) -> str:
    """The changes as a table in Markdown; ``base`` is a tag, empty for a first release."""
    if not base:
        return "No base to compare pins with: this is a first release.\n"
    if not changes:
        return f"No pin of a workflow changed since {base}.\n"
    lines = [f"| pin | kind | {base} | now | where |", "|---|---|---|---|---|"]
    for one in changes:
        where = one.after[0].where if one.after else one.path
        cells = (one.name, one.kind.value, _side(one.before), _side(one.after), where)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def notes(changes: Sequence[Change], base: str) -> str:
    """The changes as lines for a report's notes; empty where there are none."""
    lines = []
    for one in changes:
        where = one.after[0].where if one.after else one.path
        lines.append(
            f"{one.kind} {one.name}: {_side(one.before)} at {base}, {_side(one.after)} now ({where})\n"
        )
    return "".join(lines)


def _side(pins: Iterable[Pin]) -> str:
    return ", ".join(dict.fromkeys(pin.shown for pin in pins)) or "none"


# What moved in silence


def silent(before: Sequence[Pin], after: Sequence[Pin], base: str) -> Iterator[Problem]:
    """Say which pins moved without saying so since ``base``, or may move by themselves from now on.

    A version that names another commit than before, or two commits at once; what was fixed and floats now.
    """
    commits: dict[tuple[str, str], Pin] = {}
    for pin in (one for one in after if one.version and one.fixed):
        first = commits.setdefault((pin.name, pin.version), pin)
        if first.value != pin.value:
            words = (
                f"{pin.name} {pin.version} is two commits: {first.value[:_SHORT]} ({first.where}) "
                f"and {pin.value[:_SHORT]}"
            )
            yield Problem(words, pin.where, f"look which commit the tag {pin.version} is, and name that one")
    known = {(pin.name, pin.version): pin for pin in before if pin.version and pin.fixed}
    for key, pin in commits.items():
        old = known.get(key)
        if old is not None and old.value != pin.value:
            words = (
                f"{pin.name} moved and still says {pin.version}: {old.value[:_SHORT]} at {base}, "
                f"{pin.value[:_SHORT]} now"
            )
            do = "look whose commit that is; if it is meant, say its version behind it"
            yield Problem(words, pin.where, do)
    yield from _loosened(before, after, base)


def _loosened(before: Sequence[Pin], after: Sequence[Pin], base: str) -> Iterator[Problem]:
    loose = {(pin.kind, pin.name) for pin in before if not pin.fixed}
    held = {(pin.kind, pin.name): pin for pin in before if (pin.kind, pin.name) not in loose}
    for pin in after:
        old = held.get((pin.kind, pin.name))
        if old is not None and not pin.fixed and pin.kind is not Kind.VARIABLE:
            words = f"{pin.kind} {pin.name} was pinned to {old.shown} at {base} and floats now: {pin.shown}"
            yield Problem(words, pin.where, f"pin it again: {pin.name}@{old.value}")


# Whether the toolchain is new enough


def too_old(
    pins: Sequence[Pin], toolchain: str, needed_by: Mapping[str, Mapping[str, str]]
) -> tuple[tuple[Problem, ...], tuple[str, ...]]:
    """Say which tools need a newer Rust than the variable ``toolchain`` pins, and what nobody knows.

    ``needed_by`` maps a tool, or the variable that pins it, to the least Rust by version of the tool. What is
    not known are versions without a fact, in words.
    """
    problems: list[Problem] = []
    unknown: list[str] = []
    variables = {pin.name: pin for pin in pins if pin.kind is Kind.VARIABLE}
    every = [pin for pin in pins if pin.kind is Kind.VARIABLE and pin.name == toolchain]
    have = min(every, key=lambda pin: _numbers(pin.value) or (0, 0, 0), default=None)  # the oldest decides
    if have is None or _numbers(have.value) is None:
        found = f"it is {have.value}" if have else "nothing sets it"
        words = f"{toolchain} is to pin the toolchain, and {found}"
        where = have.where if have else (pins[0].path if pins else "")
        return (Problem(words, where, f"set {toolchain} to a version like 1.88.0"),), ()
    for tool, facts in needed_by.items():
        stated = [pin for pin in pins if pin.name == tool and pin.kind in (Kind.VARIABLE, Kind.TOOL)]
        if not stated:
            words = f"relgate.toml says what Rust {tool} needs, and no release workflow pins {tool}"
            problems.append(Problem(words, have.path, f"take {tool} out of [rust.needed_by], or pin it"))
        for pin in dict.fromkeys(_resolved(one, variables) for one in stated):
            least = facts.get(pin.value.lstrip("=v"))
            if least is None:
                unknown.append(f"{tool} {pin.value or 'at no version'} ({pin.where})")
            elif (_numbers(least) or (0, 0, 0)) > (_numbers(have.value) or (0, 0, 0)):
                words = f"{pin.name} {pin.value}".rstrip()
                words = f"{words} needs Rust {least}, and {toolchain} is {have.value}"
                do = (
                    f"raise {toolchain} to {least} or later{f', or pin an older {tool}' if pin.value else ''}"
                )
                problems.append(Problem(words, have.where, do))
    return tuple(dict.fromkeys(problems)), tuple(dict.fromkeys(unknown))


def _resolved(pin: Pin, variables: Mapping[str, Pin]) -> Pin:
    """A tool whose version is a variable, at the value of that variable."""
    found = _VARIABLE.fullmatch(pin.value)
    named = variables.get(found[1] or found[2]) if found else None
    return pin._replace(value=named.value) if named else pin


def _numbers(version: str) -> tuple[int, int, int] | None:
    found = _NUMBERS.match(version.lstrip("="))
    return (int(found[1]), int(found[2] or 0), int(found[3] or 0)) if found else None
