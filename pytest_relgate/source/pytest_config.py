"""Which file configures pytest for a folder, by pytest's own rules, read from bytes and not by pytest.

Rule: https://docs.pytest.org/en/stable/reference/customize.html#configuration-file-formats
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAMES = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)
"""The names in the order in which pytest looks at them."""


def folders_upwards(folder: str) -> list[str]:
    """A folder of a repository and those above it, the nearest first; the top is the empty string."""
    parts = [] if folder == "." else folder.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), -1, -1)]


def config_above(folder: str, read: Callable[[list[str]], Mapping[str, bytes]]) -> str:
    """The path of the file that configures pytest in ``folder``; empty where there is none.

    Paths are relative to the top of a repository; ``read`` returns the contents of those files that exist.
    """
    return next(iter(configs_above(folder, read)), "")


def configs_above(folder: str, read: Callable[[list[str]], Mapping[str, bytes]]) -> tuple[str, ...]:
    """The file that configures pytest in ``folder`` and in each folder above it, the nearest first.

    Which of them pytest takes depends on the folder that it was typed in and on its arguments.
    """
    wanted = {place: [_join(place, name) for name in NAMES] for place in folders_upwards(folder)}
    found = read([path for paths in wanted.values() for path in paths])
    says = (
        next((path for path in paths if path in found and settings_in(path, found[path]) is not None), "")
        for paths in wanted.values()
    )
    return tuple(filter(None, says))


def settings_in(path: str, text: bytes) -> dict[str, object] | None:
    """The settings of pytest in one file; None when the file says nothing of pytest or cannot be read."""
    name = path.rpartition("/")[2]
    words = text.decode("utf-8", "replace")
    if name.endswith(".toml"):
        return _in_toml(name, words)
    section = "tool:pytest" if name == "setup.cfg" else "pytest"
    return _in_ini(words, section, alone=name in ("pytest.ini", ".pytest.ini"))


def _in_toml(name: str, words: str) -> dict[str, object] | None:
    try:
        document = tomllib.loads(words)
    except tomllib.TOMLDecodeError:
        document = {}
    if name != "pyproject.toml":
        return _table(document.get("pytest")) or {}
    table = _table(_table(document.get("tool")).get("pytest"))
    plain = {key: value for key, value in table.items() if key != "ini_options"}
    if plain:
        return plain
    return _table(table["ini_options"]) if "ini_options" in table else None


def _table(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _in_ini(words: str, section: str, *, alone: bool) -> dict[str, object] | None:
    import iniconfig  # pytest's own reader

    try:
        found = iniconfig.IniConfig("", words)
    except iniconfig.ParseError:
        return {} if alone else None
    if section in found:
        return dict(found[section].items())
    return {} if alone else None


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
