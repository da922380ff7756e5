"""YAML as nodes that know their line. Nothing is constructed: a scalar stays the text that was written.

So ``on:`` stays ``on`` (YAML 1.1 reads it as true), a date stays a text, and a finding can name its line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NoReturn

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
    reader = _Reader(path)
    try:
        for event in yaml.parse(raw.decode("utf-8-sig"), Loader=loader):
            reader.take(event)
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
    if reader.root is None:
        message = f"{path} is empty"
        raise Finding(message, where=path)
    return reader.root


@dataclass
class _Open:
    """A sequence or a mapping whose end has not come yet."""

    kind: Literal["sequence", "mapping"]
    line: int
    anchor: str | None
    nodes: list[Node] = field(default_factory=list)


@dataclass
class _Reader:
    """Puts nodes together from the parser's events: the composer of libyaml recurses, and dies of depth."""

    path: str
    root: Node | None = None
    _open: list[_Open] = field(default_factory=list)
    _anchors: dict[str, Node] = field(default_factory=dict)
    _sizes: dict[int, int] = field(default_factory=dict)

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        match type(event).__name__:
            case "ScalarEvent":
                block = event.style in ("|", ">")
                plain = event.style in (None, "")
                self._add(Node("scalar", line, event.value, line + block, plain=plain), event.anchor, 1)
            case "AliasEvent":
                node = self._anchors.get(event.anchor)
                if node is None:
                    self._refuse(
                        line, f"has the alias {event.anchor} of nothing that is there yet", "name it"
                    )
                self._add(node, None, self._sizes[id(node)])
            case "SequenceStartEvent" | "MappingStartEvent":
                kind: Literal["sequence", "mapping"] = (
                    "sequence" if type(event).__name__ == "SequenceStartEvent" else "mapping"
                )
                self._open.append(_Open(kind, line, event.anchor))
                if len(self._open) > DEEPEST:
                    self._refuse(line, "is too deep for a workflow", "write it in fewer levels")
            case "SequenceEndEvent" | "MappingEndEvent":
                self._close(self._open.pop())
            case "DocumentStartEvent" if self.root is not None:
                self._refuse(line, "holds two documents", "leave one of them")

    def _close(self, ended: _Open) -> None:
        size = 1 + sum(self._sizes[id(node)] for node in ended.nodes)
        if ended.kind == "sequence":
            node = Node("sequence", ended.line, items=tuple(ended.nodes))
        else:
            entries = tuple(zip(ended.nodes[::2], ended.nodes[1::2], strict=True))
            self._no_key_twice(entries)
            node = Node("mapping", ended.line, entries=entries)
        self._add(node, ended.anchor, size)

    def _add(self, node: Node, anchor: str | None, size: int) -> None:
        """``size`` is the number of nodes with every alias written out."""
        self._sizes[id(node)] = size
        if size > MOST_NODES:
            self._refuse(node.line, "is too large for a workflow", "write out its aliases")
        if anchor:
            self._anchors[anchor] = node
        if self._open:
            self._open[-1].nodes.append(node)
        else:
            self.root = node

    def _no_key_twice(self, entries: tuple[tuple[Node, Node], ...]) -> None:
        seen: set[str] = set()
        for key, _ in entries:
            if key.text in seen:
                words = f"has the key {key.text} twice, so one of the two is lost"
                self._refuse(key.line, words, "take one of them out")
            seen.add(key.text)

    def _refuse(self, line: int, words: str, do: str) -> NoReturn:
        message = f"{self.path} {words}"
        raise Finding(message, where=f"{self.path}:{line}", do=do)
