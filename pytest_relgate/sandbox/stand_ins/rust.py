"""What the stand-in for cargo sees of Rust: its layout, what cannot compile, and a few lints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_relgate.sandbox.stand_ins.words import code_of, unbalanced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

INDENT = 4
_CONTINUES = (".", "&&", "||", "?")

# Name of the lint, what it looks like in code, what clippy says of it.
_LINTS = (
    ("needless-return", re.compile(r"\breturn\b[^;\n]*;\s*\n\s*\}\s*\n(?:\s*\n|\}|\Z)"), "unneeded `return`"),
    ("len-zero", re.compile(r"\.len\(\) (?:==|!=|>) 0\b"), "length comparison to zero"),
    ("bool-comparison", re.compile(r"[=!]= (?:true|false)\b"), "equality checks against a bool"),
    ("get-first", re.compile(r"\.get\(0\)"), "accessing first element with `.get(0)`"),
)


def sources(*folders: str) -> dict[Path, str]:
    """Every Rust file below these folders."""
    paths = sorted(path for folder in folders for path in Path(folder).rglob("*.rs"))
    return {path: path.read_text(encoding="utf-8") for path in paths}


def misplaced(text: str) -> int:
    """The first line that rustfmt would write otherwise, by indentation and blanks; 0 if there is none."""
    depth, before = 0, ""
    lines = text.split("\n")
    for number, (line, code) in enumerate(zip(lines, code_of(text).split("\n"), strict=True), 1):
        own = code.strip()
        if line != line.rstrip() or "\t" in line or (not line and not before and number < len(lines)):
            return number
        if own:
            closing = len(own) - len(own.lstrip(")]}"))
            allowed = {INDENT * (depth - bool(closing))}
            if own.startswith(_CONTINUES):
                allowed.add(INDENT * (depth + 1))
            if len(line) - len(line.lstrip()) not in allowed:
                return number
        opened = sum(own.count(sign) for sign in "([{") - sum(own.count(sign) for sign in ")]}")
        depth += max(-1, min(1, opened))  # brackets that open on one line indent once
        before = line
    return 0 if text.endswith("\n") and not text.endswith("\n\n") else len(lines)


def does_not_compile(files: Mapping[Path, str]) -> str:
    """What a compiler would refuse at once: brackets without partner, modules without file."""
    for path, text in files.items():
        if line := unbalanced(text):
            return f"error: this file contains an unclosed delimiter\n --> {path}:{line}"
        for name in re.findall(r"^(?:pub )?mod (\w+);", text, re.MULTILINE):
            own = path.stem in ("lib", "main", "mod")
            place = path.parent if own else path.with_suffix("")
            if not {place / f"{name}.rs", place / name / "mod.rs"} & files.keys():
                return f"error[E0583]: file not found for module `{name}`\n --> {path}"
    return ""


def lints(files: Mapping[Path, str]) -> Iterator[str]:
    """What clippy says of a few lints."""
    for path, text in files.items():
        code = code_of(text)
        for name, pattern, words in _LINTS:
            for found in pattern.finditer(code):
                line = code.count("\n", 0, found.start()) + 1
                note = f"note: `-D clippy::{name}` implied by `-D warnings`"
                yield f"error: {words}\n --> {path}:{line}\n  = {note}"
