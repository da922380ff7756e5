"""YAML as nodes that know their line. Nothing is constructed: a scalar stays the text that was written.

So ``on:`` stays ``on`` (YAML 1.1 reads it as true), a date stays a text, and a finding can name its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pytest_relgate.errors import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_NODES = 50_000
"""More nodes than a workflow has: aliases of aliases grow without end."""
DEEPEST = 60
"""More levels than a workflow has."""


@dataclass(frozen=True)
class Node:
    """One node of a document. ``line`` counts from 1; ``text_line`` is where a block scalar's text begins."""

    kind: Literal["scalar", "sequence", "mapping"]
    line: int
    text: str = ""
    text_line: int = 0
    plain: bool = False
    items: tuple[Node, ...] = ()
    entries: tuple[tuple[Node, Node], ...] = ()

    @property
    def null(self) -> bool:
        """Whether nothing stands there."""
        return self.kind == "scalar" and self.plain and self.text in ("", "~", "null", "Null", "NULL")

    @property
    def true(self) -> bool:
        """Whether it is the boolean true."""
        return self.kind == "scalar" and self.plain and self.text in ("true", "True", "TRUE")

    def get(self, key: str) -> Node | None:
        """Return what stands under a key of a mapping, None where it is not there."""
        return next((value for name, value in self.entries if name.text == key), None)

    def texts(self) -> tuple[str, ...]:
        """Return the scalars of a sequence, or the one scalar alone."""
        if self.kind == "scalar":
            return () if self.null else (self.text,)
        return tuple(item.text for item in self.items if item.kind == "scalar")

    def scalars(self) -> Iterator[Node]:
        """Give every scalar below, keys left out."""
        match self.kind:
            case "scalar":
                yield self
            case "sequence":
                for item in self.items:
                    yield from item.scalars()
            case "mapping":
                for _, value in self.entries:
                    yield from value.scalars()


def read_yaml(path: str, raw: bytes) -> Node:
    """Read a document. Raises Finding, with its line, for what is no single YAML document."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(raw.decode("utf-8-sig"), Loader=loader)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"{path} is not UTF-8"
        raise Finding(message, where=f"{path}:{line}", do="save the file as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        message = f"{path} is not YAML: {problem}"
        raise Finding(message, where=f"{path}:{line}", do="mend its syntax") from None
    except RecursionError:
        message = f"{path} is nested too deep to read"
        raise Finding(message, where=path) from None
    if root is None:
        message = f"{path} is empty"
        raise Finding(message, where=path)
    return _Reader(path).node(root, 0)


@dataclass
class _Reader:
    path: str
    count: int = 0

    def node(self, node: Any, depth: int) -> Node:
        self.count += 1
        line = node.start_mark.line + 1
        if self.count > MOST_NODES or depth > DEEPEST:
            message = f"{self.path} is too large or too deep for a workflow"
            raise Finding(message, where=f"{self.path}:{line}", do="write out its aliases")
        match node.id:
            case "sequence":
                return Node("sequence", line, items=tuple(self.node(one, depth + 1) for one in node.value))
            case "mapping":
                entries = tuple((self.node(k, depth + 1), self.node(v, depth + 1)) for k, v in node.value)
                self._no_key_twice(entries)
                return Node("mapping", line, entries=entries)
            case _:
                block = node.style in ("|", ">")
                return Node("scalar", line, node.value, line + block, plain=node.style in (None, ""))

    def _no_key_twice(self, entries: tuple[tuple[Node, Node], ...]) -> None:
        seen: set[str] = set()
        for key, _ in entries:
            if key.text in seen:
                message = f"{self.path} has the key {key.text} twice, so one of the two is lost"
                raise Finding(message, where=f"{self.path}:{key.line}", do="take one of them out")
            seen.add(key.text)
