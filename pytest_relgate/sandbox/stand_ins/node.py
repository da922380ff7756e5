"""Stand-in for node: modules are found and their names checked, a test of the pool is judged.

Nothing is executed: what a module requires and exports, what it does when it is loaded, and how a class
begins are read off its text.
"""

from __future__ import annotations

import json
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_relgate.sandbox.stand_ins.ring import NODE
from pytest_relgate.sandbox.stand_ins.words import Unreadable, code_of, literals, say, tell, unbalanced
from pytest_relgate.source.native import HEAD, native_of

_REQUIRE = re.compile(r"const (?:\{ ([\w, ]+) \}|\w+) = require\('([^']+)'\);?")
_EXPORTS = re.compile(r"^module\.exports = \{ ([\w, ]+) \};$", re.MULTILINE)
_LOADS = re.compile(r"\bload\(\)")
_THROWS = re.compile(r"throw new Error\(`(.*?)`\)")
_TEST = re.compile(r"^test\('(.*?)', \(\) => \{\n(.*?)^\}\);$", re.DOTALL | re.MULTILINE)
_TEST_BODY = re.compile(
    r"\s*const pool = new Pool\((\d+)\);\s*for \(const message of '(\w+)'\) pool\.append\(message\);\s*"
    r"assert\.deepStrictEqual\(\[\.\.\.pool\], \[(.*?)\]\);\s*"
)
_COMMAND_LINE = re.compile(
    r"try \{\s*console\.log\(`plasmite \$\{new Client\(\)\.version\(\)\}`\);\s*\} catch \(error\) \{\s*"
    r"console\.error\(`(.*?)`\);\s*process\.exitCode = 1;\s*\}"
)


class Thrown(Exception):  # noqa: N818  (what JavaScript throws)
    """An error that the script would end with."""


@dataclass(frozen=True)
class Module:
    """A module that was loaded without an error."""

    path: Path
    text: str
    exports: tuple[str, ...]
    requires: dict[str, Path]

    def begins(self, name: str) -> None:
        """Do what ``new NAME()`` does. Raises Thrown."""
        if name in self.requires:
            module(self.requires[name]).begins(name)
            return
        found = re.search(rf"^class {name} \{{\n(.*?)^\}}", self.text, re.DOTALL | re.MULTILINE)
        if found is None:
            message = f"{name} is not a constructor"
            raise Thrown(message)
        constructor = re.search(r"^  constructor\(.*?^  \}", found[1], re.DOTALL | re.MULTILINE)
        if constructor and _LOADS.search(constructor[0]):
            self.loads()

    def loads(self) -> Path:
        """Load the addon as ``native.js`` does. Raises Thrown with that file's words."""
        native = module(self.requires["load"]) if "load" in self.requires else self
        system = f"{sys.platform}-{_CPU.get(platform.machine().lower(), platform.machine().lower())}"
        addon = native.path.parent / "native" / system / "index.node"
        if addon.is_file() and addon.stat().st_size:
            found = native_of(addon.read_bytes()[:HEAD])
            if found is None or _CPU.get(platform.machine().lower()) in map(_CPU.get, found.processors):
                return addon
            message = f"{addon}: it is for {found}"
            raise Thrown(message)
        words = _THROWS.search(native.text)
        said = words[1] if words else "${error.message}"
        reason = f"Cannot find module '{addon}'"
        raise Thrown(said.replace("${platform}", system).replace("${error.message}", reason))


_CPU = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def main(arguments: list[str]) -> int:
    """Run the tests of the folder, a line of code, or a script."""
    try:
        match arguments:
            case ["--test"]:
                return _tests()
            case ["-e", code]:
                return _line(code)
            case [script] if script.endswith(".js"):
                return _script(Path(script))
            case ["--version"]:
                tell("v18.0.0")
                return 0
            case _:
                message = f"node {' '.join(arguments)}"
                raise Unreadable(message)
    except Thrown as error:
        say(f"Uncaught Error: {error}")
        return 1


def module(path: Path) -> Module:
    """Load a module. Raises Thrown where Node would throw."""
    if not path.is_file():
        message = f"Cannot find module '{path}'"
        raise Thrown(message)
    text = path.read_text(encoding="utf-8")
    if line := unbalanced(text):
        message = f"{path}:{line}: SyntaxError"
        raise Thrown(message)
    requires: dict[str, Path] = {}
    for names, wanted in _REQUIRE.findall(text):
        if wanted.startswith("node:"):
            continue
        found = _resolve(wanted, path.parent)
        loaded = module(found)
        for name in filter(None, names.split(", ")):
            if name not in loaded.exports:
                message = f"{path}: {wanted} exports no {name}"
                raise Thrown(message)
            requires[name] = found
    exported = _EXPORTS.search(text)
    one = Module(path, text, tuple(exported[1].split(", ")) if exported else (), requires)
    if any(_LOADS.search(line) for line in _top_level(text)):
        one.loads()
    return one


def _top_level(text: str) -> list[str]:
    """The lines that run when a module is loaded: those outside of every bracket."""
    depth, lines = 0, []
    for line in code_of(text).splitlines():
        if depth == 0 and not line.startswith("function"):
            lines.append(line)
        depth += sum(line.count(sign) for sign in "([{") - sum(line.count(sign) for sign in ")]}")
    return lines


def _resolve(wanted: str, folder: Path) -> Path:
    if wanted.startswith("."):
        place = (folder / wanted).resolve()
        return place if place.suffix == ".js" else _main_of(place)
    for at in (folder.resolve(), *folder.resolve().parents):
        if (at / "node_modules" / wanted).is_dir():
            return _main_of(at / "node_modules" / wanted)
    message = f"Cannot find module '{wanted}'"
    raise Thrown(message)


def _main_of(folder: Path) -> Path:
    package: dict[str, Any] = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    return folder / str(package.get("main", "index.js"))


def _line(code: str) -> int:
    found = re.fullmatch(r"(const \{ [\w, ]+ \} = require\('([\w-]+)'\);) new (\w+)\((.*?)\);", code.strip())
    if found is None:
        raise Unreadable(code)
    loaded = module(_resolve(found[2], Path()))
    names = (_REQUIRE.findall(found[1])[0][0]).split(", ")
    if found[3] not in names or found[3] not in loaded.exports:
        message = f"{found[3]} is not a constructor"
        raise Thrown(message)
    loaded.begins(found[3])
    return 0


def _script(path: Path) -> int:
    try:
        loaded = module(path)
        found = _COMMAND_LINE.search(loaded.text)
        if found is None:
            raise Unreadable(str(path))
        client = module(loaded.requires["Client"])
    except KeyError as missing:
        message = f"{missing} is not defined"
        raise Thrown(message) from None
    try:
        client.begins("Client")
    except Thrown as error:
        say(found[1].replace("${error.message}", str(error)))
        return 1
    version = json.loads((client.path.parent / "package.json").read_text(encoding="utf-8"))["version"]
    carried = str(version).encode() in client.loads().read_bytes()
    tell(f"plasmite {version if carried else 'of another version'}")
    return 0


def _tests() -> int:
    failed = passed = 0
    for path in sorted(Path("test").glob("*.test.js")):
        loaded = module(path)
        for name, body in _TEST.findall(loaded.text):
            problem = _problem(body, loaded, path)
            tell(f"{'not ok' if problem else 'ok'} {failed + passed + 1} - {name}")
            if problem:
                tell(f"  {problem}")
            failed, passed = failed + bool(problem), passed + (not problem)
    tell(f"# tests {failed + passed}\n# pass {passed}\n# fail {failed}")
    return int(failed > 0)


def _problem(body: str, test: Module, path: Path) -> str:
    found = _TEST_BODY.fullmatch(body)
    if found is None or "Pool" not in test.requires:
        message = f"{path}: a test"
        raise Unreadable(message)
    ring = NODE.ring(module(test.requires["Pool"]).text, int(found[1]))
    for message in found[2]:
        ring.append(message)
    expected = literals(found[3])
    return "" if ring.messages == expected else f"expected {expected}, found {ring.messages}"
