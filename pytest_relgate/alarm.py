"""What makes a release run of many gates quick: a cheaper alarm, and a collector that knows what stays."""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

# The function behind ``signal.signal``, which spends most of its time on making enums.
_set_handler: Callable[[int, Any], Any] = getattr(signal.signal, "__wrapped__", signal.signal)
_ALARM = int(signal.SIGALRM)


class Alarm:
    """pytest-timeout's signal method, with its own ending of a test, set up in fewer steps.

    Implements the hooks that pytest-timeout documents for this; any other method is left to it.
    """

    def __init__(self, rang: Callable[[pytest.Item], None]) -> None:
        self._rang = rang
        self._item: pytest.Item | None = None
        self._settings: Any = None

    def set(self, item: pytest.Item, settings: Any) -> bool | None:
        """Set the alarm for an item; None leaves it to pytest-timeout."""
        if settings.method != "signal" or threading.current_thread() is not threading.main_thread():
            return None
        self._item, self._settings = item, settings
        _set_handler(_ALARM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, settings.timeout)
        return True

    def cancel(self, item: pytest.Item) -> bool | None:
        """Cancel the alarm of an item; None for one that was not set here."""
        if self._item is not item:
            return None
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._item = None
        return True

    def _ring(self, _number: int, _frame: object) -> None:
        __tracebackhide__ = True
        from pytest_timeout import timeout_sigalrm  # type: ignore[import-untyped]

        if self._item is not None:
            self._rang(self._item)  # the gate may swallow what is raised next
            timeout_sigalrm(self._item, self._settings)


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
