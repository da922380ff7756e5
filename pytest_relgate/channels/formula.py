"""A Homebrew formula's structure: version, and which archive with which checksum stands for which platform.

Parsed by tree-sitter, never evaluated. docs.brew.sh/Formula-Cookbook, "Handling different system
configurations".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from tree_sitter import Node

_PLATFORMS: Final = {"on_macos": "macos", "on_linux": "linux", "on_arm": "arm", "on_intel": "intel"}
_WORDS: Final = {
    "macos": ("darwin", "macos", "apple"),
    "linux": ("linux",),
    "arm": ("arm64", "aarch64"),
    "intel": ("amd64", "x86_64", "x64"),
}
_AGAINST: Final = {"macos": "linux", "linux": "macos", "arm": "intel", "intel": "arm"}
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_TAG: Final = re.compile(r"/v?(\d+\.\d+\.\d+[^/]*)/")


class Archive(msgspec.Struct, frozen=True):
    """An archive of a formula. ``platform`` names the branches that it stands in, like macos arm."""

    url: str
    sha256: str
    platform: tuple[str, ...] = ()


class Formula(msgspec.Struct, frozen=True):
    """A formula. ``odd`` says what contradicts itself in it; ``problem`` why it could not be read."""

    version: str = ""
    archives: tuple[Archive, ...] = ()
    odd: tuple[str, ...] = ()
    problem: str = ""


@dataclass
class _Scope:
    """What stands in one branch: strings by the name of the call."""

    platform: tuple[str, ...]
    said: dict[str, list[str]] = field(default_factory=dict)


def read_formula(raw: bytes) -> Formula:
    """Read a formula's text."""
    import tree_sitter_ruby
    from tree_sitter import Language, Parser

    tree = Parser(Language(tree_sitter_ruby.language())).parse(raw)
    if tree.root_node.has_error:
        return Formula(problem="it is not Ruby")
    scopes: list[_Scope] = []
    _walk(tree.root_node, _Scope(()), scopes)
    versions = {text for scope in scopes for text in scope.said.get("version", [])}
    if len(versions) > 1:
        return Formula(problem=f"it says {len(versions)} versions: {', '.join(sorted(versions))}")
    version = next(iter(versions), "")
    odd: list[str] = []
    archives = [one for scope in scopes for one in _archives(scope, version, odd)]
    if not version:
        tags = {found[1] for one in archives if (found := _TAG.search(one.url))}
        version = tags.pop() if len(tags) == 1 else ""
    odd += [words for one in archives if (words := _contradiction(one))]
    return Formula(version, tuple(archives), tuple(odd))


def _walk(node: Node, scope: _Scope, scopes: list[_Scope]) -> None:
    """Collect what is said, scope by scope."""
    if scope not in scopes:
        scopes.append(scope)
    for child in node.named_children:
        match child.type:
            case "call":
                _call(child, scope, scopes)
            case "if":
                _branch(child, scope, scopes)
            case "method" | "singleton_method":
                continue  # what happens at installation is no statement about archives
            case _:
                _walk(child, scope, scopes)


def _call(node: Node, scope: _Scope, scopes: list[_Scope]) -> None:
    name = _text(node.child_by_field_name("method"))
    block = node.child_by_field_name("block")
    if name in ("test", "resource", "service", "livecheck", "bottle", "head"):
        return
    if block is not None:
        platform = (_PLATFORMS[name],) if name in _PLATFORMS else ()
        _walk(block, _Scope((*scope.platform, *platform)) if platform else scope, scopes)
        return
    arguments = node.child_by_field_name("arguments")
    first = arguments.named_children[0] if arguments is not None and arguments.named_children else None
    if first is not None and first.type == "string":
        scope.said.setdefault(name, []).append(_text(first)[1:-1])


def _branch(node: Node, scope: _Scope, scopes: list[_Scope]) -> None:
    """``if Hardware::CPU.arm?`` and ``if OS.mac?``, with what stands in ``else``."""
    condition = _text(node.child_by_field_name("condition"))
    named = {"CPU.arm?": "arm", "CPU.intel?": "intel", "OS.mac?": "macos", "OS.linux?": "linux"}
    mine = next((word for sign, word in named.items() if condition.endswith(sign)), None)
    here = (*scope.platform, mine) if mine else scope.platform
    there = (*scope.platform, _AGAINST[mine]) if mine else scope.platform
    for part, platform in (("consequence", here), ("alternative", there)):
        child = node.child_by_field_name(part)
        if child is not None:
            inner = _Scope(platform)
            (_branch if child.type == "elsif" else _walk)(child, inner, scopes)


def _archives(scope: _Scope, version: str, odd: list[str]) -> list[Archive]:
    urls = [url.replace("#{version}", version) for url in scope.said.get("url", [])]
    sums = scope.said.get("sha256", [])
    place = " ".join(scope.platform) or "every platform"
    if len(urls) != len(sums) or len(urls) > 1:
        odd.append(f"for {place} there are {len(urls)} urls and {len(sums)} checksums")
    found = []
    for url, digest in zip(urls, sums, strict=False):
        if not _HEX.fullmatch(digest) or digest.lower() == _EMPTY:
            odd.append(f"for {place} the checksum is none: {digest[:64]!r}")
        found.append(Archive(url, digest.lower(), scope.platform))
    return found


def _contradiction(archive: Archive) -> str:
    """Say so where an archive's name speaks of another platform than the branch that it stands in."""
    name = archive.url.rpartition("/")[2].lower()
    for branch in archive.platform:
        against = _AGAINST[branch]
        if any(word in name for word in _WORDS[against]) and not any(word in name for word in _WORDS[branch]):
            return f"{name} stands where {' '.join(archive.platform)} installs from"
    return ""


def _text(node: Node | None) -> str:
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""
