"""A Homebrew formula, parsed and never evaluated: which url and sha256 stand for which platform. SPEC S11.

https://docs.brew.sh/Formula-Cookbook#handling-different-system-configurations: ``on_macos``, ``on_linux``,
``on_arm``, ``on_intel``, ``OS.mac?``, ``OS.linux?``, ``Hardware::CPU.arm?``, ``Hardware::CPU.intel?``, with
``if``, ``elsif``, ``else``, ``unless`` and modifiers. What stands under any other condition is not known. A
platform that the formula is not for (``depends_on arch: :x86_64``, ``depends_on :macos``) has nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_relgate.errors import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

PLATFORMS = ("darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64")
"""Every platform that a formula can speak of, as release archives are called."""

_EVERY = frozenset(PLATFORMS)
_OF_BLOCK = {"on_macos": "darwin", "on_linux": "linux", "on_arm": "arm64", "on_intel": "amd64"}
_OF_QUESTION = {
    "OS.mac?": "darwin",
    "OS.linux?": "linux",
    "Hardware::CPU.arm?": "arm64",
    "Hardware::CPU.intel?": "amd64",
}
# Every platform here has 64 bits; GoReleaser asks for them in each branch that it writes.
_ALWAYS = {"Hardware::CPU.is_64_bit?": True, "Hardware::CPU.is_32_bit?": False, "true": True, "false": False}
_OF_NEED = {
    ":macos": "darwin",
    ":linux": "linux",
    "arch: :arm64": "arm64",
    "arch: :arm": "arm64",
    "arch: :x86_64": "amd64",
    "arch: :intel": "amd64",
}
_WITHDRAWN = frozenset({"deprecate!", "disable!"})
# Blocks that say nothing of the archive: what they hold is for later, or for something else.
_ELSEWHERE = frozenset({"test", "resource", "livecheck", "bottle", "service", "patch", "head", "go_resource"})
_STATED = frozenset({"url", "sha256", "version"})
_NOT_FOR = "not for"


@dataclass(frozen=True)
class Stated:
    """One ``url``, ``sha256`` or ``version``. ``value`` is None where only Ruby could tell it.

    ``deprecate!`` and ``disable!`` are stated too; their value is the date from which on they hold, empty for
    none. ``certain`` is False where it stands under a condition that is not about the platform.
    """

    kind: str
    value: str | None
    platforms: frozenset[str]
    line: int
    certain: bool = True


@dataclass(frozen=True)
class Formula:
    """What a formula states, in its order. ``path`` is the file that it stands in."""

    path: str
    stated: tuple[Stated, ...]

    @property
    def version(self) -> str | None:
        """The version that it states first, None where it states none."""
        return next((one.value for one in self.stated if one.kind == "version"), None)

    def of(self, kind: str, platform: str) -> tuple[Stated, ...]:
        """What it states of a kind (``url``, ``sha256``) for a platform."""
        return tuple(one for one in self.stated if one.kind == kind and platform in one.platforms)

    def at(self, line: int) -> str:
        """A place in the file that a person can open."""
        return f"{self.path}:{line}" if line else self.path


def read_formula(path: str, raw: bytes) -> Formula:
    """Read a formula. Raises Finding, with its line, for what is no Ruby."""
    import tree_sitter

    tree = tree_sitter.Parser(_ruby()).parse(raw.removeprefix(b"\xef\xbb\xbf"))
    if tree.root_node.has_error:
        line = _line_of_error(tree.root_node)
        message = f"{path} is not Ruby that can be read"
        raise Finding(message, where=f"{path}:{line}", do="mend its syntax")
    stated = _where_it_is_for(tuple(_stated(tree.root_node, _EVERY, certain=True)))
    version = next((one.value for one in stated if one.kind == "version"), None)
    return Formula(path, tuple(_with_version(one, version) for one in stated))


def _where_it_is_for(stated: tuple[Stated, ...]) -> tuple[Stated, ...]:
    """Take the platforms that the formula is not for out of everything that it states."""
    gone = frozenset(name for one in stated if one.kind == _NOT_FOR and one.certain for name in one.platforms)
    return tuple(
        Stated(one.kind, one.value, one.platforms - gone, one.line, one.certain)
        for one in stated
        if one.kind != _NOT_FOR
    )


@cache
def _ruby() -> Any:
    import tree_sitter
    import tree_sitter_ruby

    return tree_sitter.Language(tree_sitter_ruby.language())


def _line_of_error(node: Any) -> int:
    while True:
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inner is None:
            return int(node.start_point[0]) + 1
        node = inner


def _with_version(one: Stated, version: str | None) -> Stated:
    """Put the version where ``#{version}`` stands; any other interpolation is not known."""
    if one.value is None or "#{" not in one.value:
        return one
    value = one.value.replace("#{version}", version) if version else one.value
    return Stated(one.kind, None if "#{" in value else value, one.platforms, one.line, one.certain)


def _stated(node: Any, platforms: frozenset[str], *, certain: bool) -> Iterator[Stated]:
    match node.type:
        case "method" | "singleton_method" | "comment":
            return
        case "call":
            yield from _call(node, platforms, certain=certain)
        case "identifier" if _text(node) in _WITHDRAWN:
            yield Stated(_text(node), "", platforms, int(node.start_point[0]) + 1, certain)
        case "if" | "unless" | "elsif" | "if_modifier" | "unless_modifier":
            yield from _branches(node, platforms, certain=certain)
        case "while" | "until" | "for" | "case" | "begin" | "lambda" | "while_modifier" | "until_modifier":
            for child in node.named_children:
                yield from _stated(child, platforms, certain=False)
        case _:
            for child in node.named_children:
                yield from _stated(child, platforms, certain=certain)


def _call(node: Any, platforms: frozenset[str], *, certain: bool) -> Iterator[Stated]:
    method = _text(node.child_by_field_name("method"))
    block = node.child_by_field_name("block")
    if method in _ELSEWHERE:
        return
    if node.child_by_field_name("receiver") is not None:
        for child in block.named_children if block is not None else ():
            yield from _stated(child, platforms, certain=False)
        return
    arguments = node.child_by_field_name("arguments")
    if method in _STATED | _WITHDRAWN | {"depends_on"}:
        if arguments is not None or method in _WITHDRAWN:
            yield from _statement(method, arguments, platforms, int(node.start_point[0]) + 1, certain=certain)
    elif block is not None:
        part = _OF_BLOCK.get(method)
        inside = _narrowed(platforms, part) if part else platforms
        known = certain and (part is not None or method == "stable") and arguments is None
        for child in block.named_children:
            yield from _stated(child, inside, certain=known)


def _statement(
    method: str, arguments: Any, platforms: frozenset[str], line: int, *, certain: bool
) -> Iterator[Stated]:
    if method == "depends_on":
        yield Stated(_NOT_FOR, None, platforms - _needed(arguments, platforms), line, certain)
    elif method in _WITHDRAWN:
        yield Stated(method, _since(arguments), platforms, line, certain)
    elif arguments.named_children:
        first = arguments.named_children[0]
        if first.type == "conditional":
            for value, inside, sure in _ternary(first, platforms):
                yield Stated(method, _string(value), inside, line, certain and sure)
        else:
            yield Stated(method, _string(first), platforms, line, certain)


def _needed(arguments: Any, platforms: frozenset[str]) -> frozenset[str]:
    """Those of the platforms that a ``depends_on`` lets the formula be installed on.

    ``macos: :ventura`` asks for a version of macOS, and for nothing on Linux.
    """
    text = re.sub(r"\s+", " ", _text(arguments).strip().removeprefix("(").removesuffix(")").strip())
    text = re.sub(r":arch *=> *", "arch: ", text)
    words = re.fullmatch(r"arch: ?\[([^\]]*)\]", text)
    names = [f"arch: {one.strip()}" for one in words[1].split(",")] if words else [text]
    if not all(name in _OF_NEED for name in names):
        return platforms
    return frozenset(one for name in names for one in _narrowed(platforms, _OF_NEED[name]))


def _since(arguments: Any) -> str | None:
    """The date of a ``deprecate!`` or ``disable!``: empty for none, None where only Ruby could tell it."""
    for pair in arguments.named_children if arguments is not None else ():
        if pair.type == "pair" and _text(pair.child_by_field_name("key")).strip(":") == "date":
            return _string(pair.child_by_field_name("value"))
    return ""


def _branches(node: Any, platforms: frozenset[str], *, certain: bool) -> Iterator[Stated]:
    holds, sure = _condition(node.child_by_field_name("condition"), platforms)
    fails = platforms - holds if sure else platforms
    if node.type.startswith("unless"):
        holds, fails = fails, holds
    body = node.child_by_field_name("body") if "modifier" in node.type else None
    consequence = body or node.child_by_field_name("consequence")
    if consequence is not None:
        yield from _stated(consequence, holds, certain=certain and sure)
    alternative = node.child_by_field_name("alternative")
    if alternative is not None:
        yield from _stated(alternative, fails, certain=certain and sure)


def _ternary(node: Any, platforms: frozenset[str]) -> Iterator[tuple[Any, frozenset[str], bool]]:
    holds, sure = _condition(node.child_by_field_name("condition"), platforms)
    yield node.child_by_field_name("consequence"), holds, sure
    yield node.child_by_field_name("alternative"), platforms - holds if sure else platforms, sure


def _condition(node: Any, platforms: frozenset[str]) -> tuple[frozenset[str], bool]:
    """The platforms on which a condition holds, and whether that is known."""
    text = _text(node)
    if text in _OF_QUESTION:
        return _narrowed(platforms, _OF_QUESTION[text]), True
    if text in _ALWAYS:
        return (platforms if _ALWAYS[text] else frozenset()), True
    if node is not None and node.type == "parenthesized_statements" and node.named_child_count == 1:
        return _condition(node.named_children[0], platforms)
    if node is not None and node.type == "unary" and text.startswith("!"):
        holds, sure = _condition(node.child_by_field_name("operand"), platforms)
        return (platforms - holds if sure else platforms), sure
    if node is not None and node.type == "binary":
        left, left_sure = _condition(node.child_by_field_name("left"), platforms)
        right, right_sure = _condition(node.child_by_field_name("right"), platforms)
        sign = _text(node.child_by_field_name("operator"))
        if sign in ("&&", "and", "||", "or") and left_sure and right_sure:
            return (left & right if sign in ("&&", "and") else left | right), True
    return platforms, False


def _narrowed(platforms: frozenset[str], part: str) -> frozenset[str]:
    return frozenset(one for one in platforms if part in one.split("_"))


def _string(node: Any) -> str | None:
    """The text of a string literal, with interpolations as they are written; None for anything else."""
    if node is None or node.type != "string":
        return None
    parts = []
    for child in node.named_children:
        if child.type == "escape_sequence":
            return None
        parts.append(_text(child))
    return "".join(parts)


def _text(node: Any) -> str:
    return node.text.decode("utf-8", "replace") if node is not None else ""
