"""Stand-in for cargo: ``fmt --check``, ``clippy``, ``test``, ``build``, ``run`` of a benchmark, ``audit``."""

from __future__ import annotations

import platform
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from pytest_relgate.sandbox.native import PLATFORMS, library
from pytest_relgate.sandbox.stand_ins import audit, bench, rust, rust_tests
from pytest_relgate.sandbox.stand_ins.words import Unreadable, say, tell

FAILED = 101
"""The status with which cargo ends when compiling or a test failed."""


def main(arguments: list[str]) -> int:  # noqa: PLR0911  (one for each subcommand)
    """Run one subcommand."""
    words = [word for word in arguments if not word.startswith("+")]
    match words[:1]:
        case ["fmt"]:
            return _fmt(words[1:])
        case ["clippy"]:
            return _clippy()
        case ["test"]:
            return _test(words[1:])
        case ["build"]:
            return _build(words[1:])
        case ["run"] if _value(words, "--example") == bench.EXAMPLE.stem:
            return bench.main()
        case ["audit"]:
            return audit.main(words)
        case ["--version" | "-V"]:
            tell("cargo 1.88.0 (stand-in)")
            return 0
        case _:
            message = f"cargo {' '.join(words)}"
            raise Unreadable(message)


def _fmt(words: list[str]) -> int:
    if "--check" not in words:
        message = "cargo fmt without --check, which edits the source"
        raise Unreadable(message)
    lines = {path: rust.misplaced(text) for path, text in rust.sources("src", "tests").items()}
    wrong = {path: line for path, line in lines.items() if line}
    for path, line in wrong.items():
        tell(f"Diff in {path.resolve()}:{line}:")
    return int(bool(wrong))


def _clippy() -> int:
    files = rust.sources("src", "tests")
    problem = _resolved() or rust.does_not_compile(files)
    found = [problem] if problem else list(rust.lints(files))
    for line in found:
        say(line)
    if found:
        say(f"error: could not compile `plasmite` (lib) due to {len(found)} previous errors")
    return FAILED if found else 0


def _test(words: list[str]) -> int:
    files = rust.sources("src", "tests")
    if problem := _resolved() or rust.does_not_compile(files):
        say(problem)
        return FAILED
    chosen = Path("tests", f"{words[words.index('--test') + 1]}.rs") if "--test" in words[:-1] else None
    if chosen and chosen not in files:
        say(f"error: no test target named `{chosen.stem}`")
        return FAILED
    failed = passed = 0
    for path, name, problem in rust_tests.tests(files):
        if chosen in (None, path):
            tell(f"test {path}::{name} ... {'FAILED' if problem else 'ok'}")
            if problem:
                tell(f"  {problem}")
            failed, passed = failed + bool(problem), passed + (not problem)
    tell(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed")
    return FAILED if failed else 0


def _build(words: list[str]) -> int:
    manifest = Path(_value(words, "--manifest-path") or "Cargo.toml")
    target = Path(_value(words, "--target-dir") or "target")
    root = manifest.parent
    files = rust.sources(str(root / "src"))
    if problem := (_resolved() if root == Path() else "") or rust.does_not_compile(files):
        say(problem)
        return FAILED
    if "--example" in words:
        return 0
    package = _manifest(manifest)["package"]
    name = _manifest(manifest).get("lib", {}).get("name", package["name"]).replace("-", "_")
    folder = target / ("release" if "--release" in words else "debug")
    folder.mkdir(parents=True, exist_ok=True)
    ending = "dylib" if sys.platform == "darwin" else "so"
    (folder / f"lib{name}.{ending}").write_bytes(_native(package["version"]))
    return 0


def _native(version: str) -> bytes:
    """A library that says what it is for, and that a stand-in made it: nothing can load it."""
    cpu = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), "")
    system = f"{sys.platform}-{cpu}"
    header = library(system, version) if system in PLATFORMS else f"plasmite {version}\n".encode()
    return header + b"made by a stand-in for cargo\n"


def _value(words: list[str], option: str) -> str:
    return words[words.index(option) + 1] if option in words[:-1] else ""


def _manifest(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _resolved() -> str:
    """Bring Cargo.lock up to date with Cargo.toml, as cargo does without a word."""
    try:
        version = _manifest(Path("Cargo.toml"))["package"]["version"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        return f"error: failed to parse manifest at `Cargo.toml`: {error}"
    lock = Path("Cargo.lock")
    text = lock.read_text(encoding="utf-8")
    own = re.compile(r'(?<=name = "plasmite"\nversion = ").*(?="\n)')
    fresh = own.sub(version, text)
    if fresh != text:
        lock.write_text(fresh, encoding="utf-8")
    return ""
