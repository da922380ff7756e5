"""How the time of a gate is limited: by pytest-timeout, in fewer steps.

pytest-timeout asks every test twice for its settings, in hook wrappers of the old and dear kind. Where
all gates of a run are limited in the usual way, one wrapper here does the work, with pytest-timeout's own
ending of a test; anything else is left to it.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

# The function behind ``signal.signal``, which spends most of its time on making enums.
_set_handler: Callable[[int, Any], Any] = getattr(sys.modules.get("_signal"), "signal", signal.signal)
_ALARM = int(signal.SIGALRM)
_LASTING = (
    "pytest_exception_interact",
    "pytest_enter_pdb",
    "pytest_timeout_set_timer",
    "pytest_timeout_cancel_timer",
)


class Alarm:
    """pytest-timeout's signal method, with its own ending of a test, set up in fewer steps.

    ``set`` and ``cancel`` implement the hooks that pytest-timeout documents for this; any other method is
    left to it. ``rang`` is told of an alarm before the test is ended.
    """

    def __init__(self, rang: Callable[[pytest.Item], None]) -> None:
        self._rang = rang
        self._item: pytest.Item | None = None
        self._settings: Any = None

    def set(self, item: pytest.Item, settings: Any) -> bool | None:
        """Set the alarm for an item; None leaves it to pytest-timeout."""
        if settings.method != "signal" or threading.current_thread() is not threading.main_thread():
            return None
        self.begin(item, settings)
        return True

    def begin(self, item: pytest.Item, settings: Any) -> None:
        """Set the alarm for an item, as pytest-timeout's settings have it."""
        self._item, self._settings = item, settings
        _set_handler(_ALARM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, settings.timeout)

    def cancel(self, item: pytest.Item) -> bool | None:
        """Cancel the alarm of an item; None for one that was not set here."""
        if self._item is not item:
            return None
        self.end()
        return True

    def end(self) -> None:
        """Cancel the alarm."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._item = None

    def _ring(self, _number: int, _frame: object) -> None:
        __tracebackhide__ = True
        from pytest_timeout import timeout_sigalrm

        if self._item is not None:
            self._rang(self._item)  # the gate may swallow what is raised next
            timeout_sigalrm(self._item, self._settings)


class Limits:
    """One wrapper around every gate in the place of pytest-timeout's two. ``by_item`` is by the items' id."""

    def __init__(self, alarm: Alarm, by_item: dict[int, Any], otherwise: Any) -> None:
        self._alarm = alarm
        self._by_item = by_item
        self._otherwise = otherwise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Limit the gate's time, setup and teardown included."""
        self._alarm.begin(item, self._by_item.get(id(item), self._otherwise))
        try:
            return (yield)
        finally:
            self._alarm.end()


@contextlib.contextmanager
def put_off(item: pytest.Item) -> Iterator[None]:
    """Take an item's limit away while something is waited for; afterwards the whole of it begins again."""
    import pytest_timeout

    hooks = item.config.hook
    settings = pytest_timeout._get_item_settings(item)  # noqa: SLF001  (nothing public tells them)
    limited = bool(settings.timeout) and not settings.func_only
    if limited:
        hooks.pytest_timeout_cancel_timer(item=item)
    try:
        yield
    finally:
        if limited:
            hooks.pytest_timeout_set_timer(item=item, settings=settings)


def take_over(config: pytest.Config, alarm: Alarm, ours: object, items: Sequence[pytest.Item]) -> None:
    """Limit the gates of a run here, where all are limited in the usual way and nobody else has a hand in it.

    Usual is pytest-timeout's alarm around the whole test, in the main thread. ``ours`` is the plugin whose
    timer hooks are the alarm's.
    """
    import pytest_timeout

    manager = config.pluginmanager
    name = manager.get_name(pytest_timeout)
    settings = pytest_timeout.get_env_settings(config)
    usual = (
        name is not None
        and settings.method == "signal"
        and not settings.func_only
        and bool(settings.timeout)
        and not config.stash.get(pytest_timeout.SESSION_EXPIRE_KEY, 0)
        and threading.current_thread() is threading.main_thread()
        and {one.plugin for one in _timers(manager)} <= {ours, pytest_timeout}
    )
    limits = _limits(items, settings.timeout) if usual else None
    if limits is None:
        return
    settings_of = {seconds: settings._replace(timeout=seconds) for seconds in set(limits)}
    by_item = {id(item): settings_of[seconds] for item, seconds in zip(items, limits, strict=True)}
    manager.unregister(pytest_timeout)
    manager.register(_without_wrappers(pytest_timeout), name)
    manager.register(Limits(alarm, by_item, settings), "relgate-limits")


def _timers(manager: pytest.PytestPluginManager) -> list[Any]:
    callers = (manager.hook.pytest_timeout_set_timer, manager.hook.pytest_timeout_cancel_timer)
    return [one for caller in callers for one in caller.get_hookimpls()]


def _without_wrappers(plugin: ModuleType) -> ModuleType:
    """What pytest may still call of pytest-timeout in the middle of a run."""
    rest = ModuleType(plugin.__name__, plugin.__doc__)
    for hook in _LASTING:
        setattr(rest, hook, getattr(plugin, hook))
    return rest


def _limits(items: Sequence[pytest.Item], otherwise: float) -> list[float] | None:
    """The limit of each item in seconds, by its closest mark; None where a mark says anything else."""
    found: list[float] = []
    above: dict[pytest.Collector | None, float | None] = {}
    for item in items:
        seconds = _closest(item.own_markers, None)
        if seconds is None:
            parent = item.parent
            if parent not in above:
                nodes = parent.iter_parents() if parent is not None else ()
                above[parent] = _closest((mark for node in nodes for mark in node.own_markers), otherwise)
            seconds = above[parent]
        if not seconds:
            return None
        found.append(seconds)
    return found


def _closest(marks: Iterable[pytest.Mark], otherwise: float | None) -> float | None:
    """What the first timeout mark says, in seconds; 0 where that is no plain limit."""
    mark = next((mark for mark in marks if mark.name == "timeout"), None)
    if mark is None:
        return otherwise
    if len(mark.args) + len(mark.kwargs) != 1 or not mark.kwargs.keys() <= {"timeout"}:
        return 0.0
    said = mark.args[0] if mark.args else mark.kwargs["timeout"]
    plain = isinstance(said, (int, float)) and not isinstance(said, bool) and 0 < said < float("inf")
    return float(said) if plain else 0.0
