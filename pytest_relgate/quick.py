"""What a release run of many gates saves of pytest's own work and memory, to have them for its own.

Nothing here changes what is judged or shown: what pytest would work out again for every gate is remembered,
and what nobody will look at again is let go.
"""

from __future__ import annotations

import contextlib
import gc
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType

_ELSEWHERE = frozenset({"__wrapped__", "place_as"})  # of functions that stand for another one
_OFTEN = 500  # gates


@contextlib.contextmanager
def long_lived() -> Iterator[None]:
    """Take what is made inside for long-lived: the garbage collector neither runs nor looks at it later."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


def let_go(config: pytest.Config, known: dict[int, Any]) -> None:
    """Let go of many tests when pytest has ended, so that their record is written where they were.

    ``known`` are the gates that this process has collected; what somebody else still holds stays.
    """
    if len(known) < _OFTEN:
        return
    known.clear()
    session = config.pluginmanager.get_plugin("session")
    if session is not None:
        session.items = []
    gc.unfreeze()
    gc.collect()


class Places:
    """Where tests stand, as pytest reports it: worked out once a file and class, and not once a test.

    Pytest asks the file system where a function is, for every one of its parameters.
    """

    def __init__(self) -> None:
        self._files: dict[str, str | None] = {}
        self._above: dict[tuple[int, str], str | None] = {}

    def of(self, item: pytest.Item) -> tuple[str, int | None]:
        """The file of an item relative to the root directory, and its line counted from 0."""
        code = _plain_code(item)
        if code is not None and "location" not in item.__dict__:
            if code.co_filename not in self._files:
                path, line, _ = item.location
                self._files[code.co_filename] = path if line == code.co_firstlineno - 1 else None
                item.__dict__.pop("location", None)  # its name may still be changed
            if (known := self._files[code.co_filename]) is not None:
                return known, code.co_firstlineno - 1
        path, line, _ = item.location
        return path, line

    def settle(self, items: Iterable[pytest.Item]) -> None:
        """Put ``location`` where pytest would keep it, for plain test functions."""
        for item in items:
            code = _plain_code(item)
            if code is None or (path := self._files.get(code.co_filename)) is None:
                continue
            key = (id(item.parent), code.co_filename)  # items keep their parents
            if key not in self._above:
                name = item.location[2]
                self._above[key] = name.removesuffix(item.name) if name.endswith(item.name) else None
            elif (above := self._above[key]) is not None:
                item.__dict__.setdefault("location", (path, code.co_firstlineno - 1, above + item.name))


def _plain_code(item: pytest.Item) -> CodeType | None:
    """The code of a test that is a function and stands for no other one."""
    if type(item) is not pytest.Function:
        return None
    function = item.obj
    function = getattr(function, "__func__", function)
    if type(function) is not FunctionType or not _ELSEWHERE.isdisjoint(function.__dict__):
        return None
    return function.__code__


class _Answers(dict["os.PathLike[str]", Any]):
    """Answers that were given once, by question."""

    def __init__(self, ask: Callable[[os.PathLike[str]], Any]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, path: os.PathLike[str]) -> Any:
        answer = self[path] = self._ask(path)
        return answer


class HookProxies:
    """The hooks that are called for a path, without the conftests of other folders: worked out once a path.

    Pytest works them out ten times a test. Taken up when all conftests are loaded; forgotten whenever a
    plugin comes.
    """

    def __init__(self, session: pytest.Session) -> None:
        self._known = _Answers(session.gethookproxy)
        session.config.pluginmanager.register(self, "relgate-hooks")
        session.gethookproxy = self._known.__getitem__  # type: ignore[assignment, method-assign]  # this session alone has its own

    def pytest_plugin_registered(self) -> None:
        """Another plugin may be a conftest."""
        self._known.clear()


class SilentReports:
    """Lets go of the reports that pytest's terminal keeps and has nothing to show of.

    They are those of setups and teardowns that passed without output: two of three. ``--durations`` looks at
    all of them.
    """

    def __init__(self, config: pytest.Config) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        self._stats: dict[str, list[Any]] | None = getattr(reporter, "stats", None)
        if config.getoption("durations", None) is not None:
            self._stats = None
        self._left = _OFTEN

    def one_more(self) -> None:
        """A gate has ended."""
        self._left -= 1
        if not self._left:
            self._left = _OFTEN
            if self._stats is not None:
                kept = self._stats.get("", [])
                kept[:] = [report for report in kept if _says_something(report)]


def _says_something(report: Any) -> bool:
    return report.outcome != "passed" or bool(report.sections or report.user_properties)
