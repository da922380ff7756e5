"""What of a release's machinery and credentials git cannot show, in words. Pure. SPEC S37.

An action at a tag is whatever its tag is at today, a workflow of another repository reads secrets that
nobody sees here, and a variable of the repository changes without a commit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_relgate.source.expressions import expressions_in
from pytest_relgate.source.yaml_lines import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_relgate.source.workflow_secrets import Uses
    from pytest_relgate.source.yaml_lines import Node

_PINNED: Final = re.compile(r"@(sha256:)?([0-9a-f]{64}|[0-9a-f]{40})$")
_ELSEWHERE: Final = re.compile(r"[^./][^@]*/\.github/workflows/[^@]+\.ya?ml@")
_READS: Final = re.compile(
    r"(?<![\w.'-])(secrets|vars)\b(\s*\.\s*[A-Za-z_]\w*|\s*\[\s*'[A-Za-z_]\w*'\s*\])?", re.IGNORECASE
)


def unseen_in(uses: Uses, files: Sequence[str], texts: Mapping[str, bytes]) -> str:
    """Say what of these files nobody can see here; empty where all of it can be seen.

    Raises Finding for a workflow or an action that is no YAML.
    """
    unknown = next((one for one in uses.uses if one.environment is None), None)
    if unknown is not None:
        return (
            f"job {unknown.job} runs in an environment that an expression names, so its secrets are unknown"
        )
    for path in files:
        if path.endswith((".yml", ".yaml")) and path.startswith(".github/") and path in texts:
            for words in _unseen(read_yaml(path, texts[path])):
                return f"{path}: {words}"
    return ""


def _unseen(root: Node) -> Iterator[str]:
    for key, node in _entries(root):
        if key == "uses" and node.kind == "scalar":
            yield from _about(node.text)
        text = node.text if node.kind == "scalar" else ""
        for inside in (text,) if key == "if" else [one for one, _ in expressions_in(text)]:
            yield from _reads(inside)


def _about(uses: str) -> Iterator[str]:
    if uses.startswith("./"):
        return
    if _ELSEWHERE.match(uses):
        yield f"{uses} is a workflow of another repository, and what it does and reads cannot be seen here"
    elif not _PINNED.search(uses):
        yield f"{uses} may have moved since: pin it by its commit"


def _reads(expression: str) -> Iterator[str]:
    for found in _READS.finditer(expression):
        if found[1].lower() == "vars":
            name = f" {found[2].strip(' .[]')}" if found[2] else ""
            yield f"it reads the variable{name} of the repository, which changes without a commit"
        elif not found[2]:
            yield "it reads secrets whose names it does not say"


def _entries(node: Node) -> Iterator[tuple[str, Node]]:
    """Every entry below a node, items of lists under the key of their list."""
    for key, value in node.entries:
        yield key.text, value
        for item in value.items:
            yield key.text, item
            yield from _entries(item)
        yield from _entries(value)
