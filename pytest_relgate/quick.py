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


class Places:
    """Where tests stand, as pytest reports it, worked out once a file and not once a test.

    Pytest asks the file system where a function is, for every one of its parameters.
    """

    def __init__(self) -> None:
        self._files: dict[tuple[int, str], tuple[str, str] | None] = {}

    def settle(self, items: Iterable[pytest.Item]) -> None:
        """Put ``location`` where pytest would keep it, for plain test functions."""
        files = self._files
        for item in items:
            if type(item) is not pytest.Function:
                continue
            function = item.obj
            function = getattr(function, "__func__", function)
            if type(function) is not FunctionType or not _ELSEWHERE.isdisjoint(function.__dict__):
                continue
            code = function.__code__
            key = (id(item.parent), code.co_filename)  # items keep their parents
            if key not in files:
                files[key] = self._asked(item, code)
            elif (found := files[key]) is not None:
                path, above = found
                item.__dict__.setdefault("location", (path, code.co_firstlineno - 1, above + item.name))

    @staticmethod
    def _asked(item: pytest.Function, code: CodeType) -> tuple[str, str] | None:
        """The file as pytest has it, and what stands before a test's name; None where it has another view."""
        path, line, name = item.location
        if line != code.co_firstlineno - 1 or not name.endswith(item.name):
            return None
        return path, name.removesuffix(item.name)


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
        session.gethookproxy = self._known.__getitem__  # type: ignore[assignment, method-assign]

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
