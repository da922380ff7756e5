"""Stand-in for go: tests of a package, and programs that use a module, which append to a pool and join it."""

from __future__ import annotations

import io
import os
import re
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from pytest_relgate.sandbox.stand_ins.ring import GO
from pytest_relgate.sandbox.stand_ins.words import Unreadable, literals, say, tell, unbalanced

_MODULES = "go/pkg/mod"
_TEST = re.compile(r"^func (Test\w+)\(t \*testing\.T\) \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
_BODY = re.compile(
    r"\s*pool := Pool\{Capacity: (\d+)\}\s*for _, message := range \[\]string\{(.*?)\} \{\s*"
    r"pool\.Append\(message\)\s*\}\s*"
    r'if got := strings\.Join\(pool\.Messages, ""\); got != "(.*?)" \{\s*t\.Fatalf\("(.*?)", got\)\s*\}\s*'
)


_PROGRAM = re.compile(
    r'package main\s+import \(\s*"fmt"\s+"strings"\s+plasmite "(?P<module>[^"]+)"\s*\)\s*func main\(\) \{\s*'
    r"pool := plasmite\.Pool\{Capacity: (?P<size>\d+)\}\s*"
    r"for _, message := range \[\]string\{(?P<messages>.*?)\} \{\s*pool\.Append\(message\)\s*\}\s*"
    r'fmt\.Println\(strings\.Join\(pool\.Messages, ""\)\)\s*\}\s*'
)


def main(arguments: list[str]) -> int:
    """Test the module of the folder; with ``-C`` begin a module, get another one for it, run its program."""
    match arguments:
        case ["-C", folder, "mod", "init", name]:
            (Path(folder) / "go.mod").write_text(f"module {name}\n\ngo 1.22\n", encoding="utf-8")
            return 0
        case ["-C", folder, "get", spec] if "@" in spec:
            return _get(Path(folder), *spec.split("@", 1))
        case ["-C", folder, "run", "."]:
            return _run(Path(folder))
        case _:
            return _test(arguments)


def _get(folder: Path, module: str, version: str) -> int:
    base = os.environ.get("GOPROXY", "")
    if not base.startswith("http://127.0.0.1:"):
        message = f"the module proxy {base}"
        raise Unreadable(message)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{base}/{module}/@v/{version}.zip", timeout=60) as answer:
            raw = answer.read()
    except urllib.error.HTTPError as error:
        said = error.read().decode("utf-8", "replace").strip()
        say(f"go: {module}@{version}: reading {base}/{module}/@v/{version}.zip: {error.code}: {said}")
        return 1
    except OSError as error:
        raise Unreadable(str(error)) from None
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        archive.extractall(folder / _MODULES)
    with (folder / "go.mod").open("a", encoding="utf-8") as out:
        out.write(f"\nrequire {module} {version}\n")
    say(f"go: added {module} {version}")
    return 0


def _run(folder: Path) -> int:
    text = (folder / "main.go").read_text(encoding="utf-8")
    found = _PROGRAM.fullmatch(text)
    if found is None:
        message = f"{folder / 'main.go'}"
        raise Unreadable(message)
    required = re.search(
        rf"^require {re.escape(found['module'])} (\S+)$", (folder / "go.mod").read_text(), re.MULTILINE
    )
    if required is None:
        say(f"main.go: no required module provides package {found['module']}; to add it:")
        return 1
    place = folder / _MODULES / f"{found['module']}@{required[1]}"
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in sorted(place.glob("*.go"))
        if not path.name.endswith("_test.go")
    )
    if not re.search(r"^type Pool struct", code, re.MULTILINE):
        say("./main.go: undefined: plasmite.Pool")
        return 1
    ring = GO.ring(code, int(found["size"]))
    for message in literals(found["messages"]):
        ring.append(message)
    tell("".join(ring.messages))
    return 0


def _test(arguments: list[str]) -> int:
    if arguments[:1] != ["test"] or not set(arguments[1:]) <= {"./...", "."}:
        message = " ".join(arguments)
        raise Unreadable(message)
    module = re.search(r"^module (\S+)$", Path("go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    if module is None:
        say("go: error reading go.mod: no module declaration")
        return 1
    sources = {path: path.read_text(encoding="utf-8") for path in sorted(Path().glob("*.go"))}
    for path, text in sources.items():
        if line := unbalanced(text):
            tell(f"./{path}:{line}: syntax error")
            return 1
    code = "\n".join(text for path, text in sources.items() if not path.name.endswith("_test.go"))
    failed = False
    for path, text in sources.items():
        for test in _TEST.finditer(text):
            if problem := _problem(test[2], code, path):
                failed = True
                tell(f"--- FAIL: {test[1]} (0.00s)\n    {path}: {problem}")
    tell(f"FAIL\t{module[1]}" if failed else f"ok  \t{module[1]}")
    return int(failed)


def _problem(body: str, code: str, path: Path) -> str:
    found = _BODY.fullmatch(body)
    if found is None:
        message = f"{path}: a test"
        raise Unreadable(message)
    ring = GO.ring(code, int(found[1]))
    for message in literals(found[2]):
        ring.append(message)
    got = "".join(ring.messages)
    return "" if got == found[3] else found[4].replace("%s", got)
