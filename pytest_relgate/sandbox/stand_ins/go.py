"""Stand-in for go: ``go test`` of a package whose tests append to a pool and join what is left."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_relgate.sandbox.stand_ins.ring import GO
from pytest_relgate.sandbox.stand_ins.words import Unreadable, literals, say, tell, unbalanced

_TEST = re.compile(r"^func (Test\w+)\(t \*testing\.T\) \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
_BODY = re.compile(
    r"\s*pool := Pool\{Capacity: (\d+)\}\s*for _, message := range \[\]string\{(.*?)\} \{\s*"
    r"pool\.Append\(message\)\s*\}\s*"
    r'if got := strings\.Join\(pool\.Messages, ""\); got != "(.*?)" \{\s*t\.Fatalf\("(.*?)", got\)\s*\}\s*'
)


def main(arguments: list[str]) -> int:
    """Test the module of the folder."""
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
