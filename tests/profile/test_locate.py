"""On which line of a TOML text something stands."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.profile.locate import line_of, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EVERYTHING = """\
# a comment with a [table] and a "quote
top = 1
"quoted key" = 'it"s'
a.b . "c.d" = 1.5  # dotted

[changes]  # a table
dependencies = [
  "one", # ] not the end
  'two]',

  [ 3,
    4 ], { x = 1, y = [
  5] },
]
text = \"\"\"
[not.a.table]
key = "no" \\\"""
\"\"\"\"
after = '''
[neither]''''
"b\\u0061r" = { }
when = 1979-05-27 07:32:00Z

[[waiver]]
gate = "a"
[[waiver]]
gate = "b"
  [waiver.inner]
  deep = true
  [[waiver.list]]
  [[waiver.list]]
  x = []
[one.two.three]
[one]
here = -inf
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("top",), 2),
        (("quoted key",), 3),
        (("a",), 4),
        (("a", "b", "c.d"), 4),
        (("changes",), 6),
        (("changes", "dependencies"), 7),
        (("changes", "dependencies", 0), 8),
        (("changes", "dependencies", 1), 9),
        (("changes", "dependencies", 2), 11),
        (("changes", "dependencies", 2, 0), 11),
        (("changes", "dependencies", 2, 1), 12),
        (("changes", "dependencies", 3), 12),
        (("changes", "dependencies", 3, "x"), 12),
        (("changes", "dependencies", 3, "y"), 12),
        (("changes", "dependencies", 3, "y", 0), 13),
        (("changes", "text"), 15),
        (("changes", "after"), 19),
        (("changes", "bar"), 21),
        (("changes", "when"), 22),
        (("waiver",), 24),
        (("waiver", 0), 24),
        (("waiver", 0, "gate"), 25),
        (("waiver", 1), 26),
        (("waiver", 1, "gate"), 27),
        (("waiver", 1, "inner", "deep"), 29),
        (("waiver", 1, "list"), 30),
        (("waiver", 1, "list", 1), 31),
        (("waiver", 1, "list", 1, "x"), 32),
        (("one", "two"), 33),
        (("one",), 34),
        (("one", "here"), 35),
        # What the text does not write is placed at the nearest thing around it.
        (("waiver", 1, "reason"), 26),
        (("changes", "dependencies", 9), 7),
        (("nowhere",), None),
        (("nowhere", "else"), None),
        (("not", "a", "table"), None),
        (("changes", "not"), 6),
    ],
)
def test_a_path_stands_on_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(EVERYTHING, path) == line
    assert line_of(EVERYTHING.replace("\n", "\r\n"), path) == line


def test_the_example_is_toml_and_everything_in_it_is_found() -> None:
    table = tomllib.loads(EVERYTHING)
    assert set(paths(table)) == set(lines_of(EVERYTHING))
    assert table["changes"]["dependencies"] == ["one", "two]", [3, 4], {"x": 1, "y": [5]}]


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


@dataclass
class Writer:
    """Writes values as TOML, laid out as ``draw`` likes, and keeps the lines."""

    draw: Callable[[st.SearchStrategy[Any]], Any]
    text: str = ""
    lines: dict[tuple[str | int, ...], int] = field(default_factory=dict)

    def mark(self, path: tuple[str | int, ...]) -> None:
        self.lines[path] = self.text.count("\n") + 1

    def gap(self, *, newlines: bool) -> None:
        choices = ["", " ", "\t"] + (["\n", "\n\n", ' # ] } = "\n', "\r\n"] if newlines else [])
        self.text += self.draw(st.sampled_from(choices))

    def key(self, name: str) -> None:
        bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
        self.text += name if bare and self.draw(st.booleans()) else json.dumps(name, ensure_ascii=False)

    def value(self, value: object, path: tuple[str | int, ...]) -> None:
        match value:
            case list():
                self.text += "["
                for index, inner in enumerate(value):
                    self.gap(newlines=True)
                    self.mark((*path, index))
                    self.value(inner, (*path, index))
                    self.gap(newlines=True)
                    self.text += "," if index < len(value) - 1 or self.draw(st.booleans()) else ""
                self.gap(newlines=True)
                self.text += "]"
            case dict():
                self.text += "{"
                for index, (name, inner) in enumerate(value.items()):
                    self.text += "," if index else ""
                    self.pair(name, inner, path)
                self.text += "}"
            case str() if "'" not in value and "\r" not in value and self.draw(st.booleans()):
                self.text += f"'''\n{value}'''"
            case _:
                self.text += json.dumps(value, ensure_ascii=False)

    def pair(self, name: str, value: object, path: tuple[str | int, ...]) -> None:
        self.gap(newlines=False)
        self.mark((*path, name))
        self.key(name)
        self.gap(newlines=False)
        self.text += "="
        self.gap(newlines=False)
        self.value(value, (*path, name))
        self.gap(newlines=False)

    def body(self, table: dict[str, Any], path: tuple[str | int, ...]) -> None:
        for name, value in table.items():
            self.pair(name, value, path)
            self.text += self.draw(st.sampled_from(["\n", "\r\n", "# [x]\n", "\n\n"]))

    def header(self, name: str, path: tuple[str | int, ...], *, doubled: bool) -> None:
        self.mark(path)
        self.text += "[[" if doubled else "["
        self.key(name)
        self.text += "]]\n" if doubled else "] # = {\n"


NAMES = st.text("abc-_ .'\"[]#=\\é", min_size=1, max_size=4)
SCALARS = (
    st.integers(-9, 9)
    | st.booleans()
    | st.floats(-9, 9).map(lambda x: round(x, 2))
    | st.text("ab\n\"'[]{}#=, \\")
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TABLES = st.dictionaries(NAMES, VALUES, max_size=3)


@given(
    st.data(), TABLES, st.dictionaries(NAMES, TABLES | st.lists(TABLES, min_size=1, max_size=2), max_size=2)
)
def test_every_place_of_a_written_document_is_found(
    data: st.DataObject, top: dict[str, Any], tables: dict[str, Any]
) -> None:
    tables = {name: table for name, table in tables.items() if name not in top}
    writer = Writer(data.draw)
    writer.body(top, ())
    for name, table in tables.items():
        if isinstance(table, dict):
            writer.header(name, (name,), doubled=False)
            writer.body(table, (name,))
        else:
            for index, one in enumerate(table):
                writer.header(name, (name, index), doubled=True)
                writer.body(one, (name, index))
            writer.lines[(name,)] = writer.lines[(name, 0)]
    assert tomllib.loads(writer.text) == top | tables
    assert lines_of(writer.text) == writer.lines


@given(st.text("ab.=,[]{}\"'\\#\n\r \t1") | st.text())
def test_no_text_at_all_ends_in_a_crash(text: str) -> None:
    last = text.count("\n") + 1
    assert all(1 <= line <= last for line in lines_of(text).values())


def test_a_key_that_is_no_toml_stands_as_written() -> None:
    assert lines_of('"\\q" = 1') == {('"\\q"',): 1}


def test_a_thousand_brackets_are_looked_at() -> None:
    assert lines_of("a = " + "[" * 5000)[("a", *[0] * 4999)] == 1
