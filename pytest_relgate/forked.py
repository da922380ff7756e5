"""Forked copies of a process that executes gates.

A gate may fork. The copy may work for its gate; were it to come back from there it would go on with the run
beside its parent, execute the gates that follow and write their record a second time. So it ends there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_watched: dict[int, tuple[pytest.Config, Callable[[], None]]] = {}
_hooked: list[bool] = []


def end_copies(config: pytest.Config, let_go: Callable[[], None]) -> Callable[[], None]:
    """From now on a copy of this process lets go of what it inherited, and ends when pytest goes on in it.

    ``let_go`` is called in the copy. Returns what undoes this.
    """
    if not _hooked:  # what is registered stays so: once for all runs of a process
        os.register_at_fork(after_in_child=_in_the_copy)
        _hooked.append(True)
    _watched[id(config)] = (config, let_go)
    return lambda: _watched.pop(id(config), None) and None


def _in_the_copy() -> None:
    for config, let_go in _watched.values():
        config.pluginmanager.register(_Copy(), "relgate-copy")
        let_go()


def _leave() -> NoReturn:
    os._exit(1)  # nothing that stands behind it in the stack is the copy's


class _Copy:
    """The hooks that a copy comes to first, wherever it was made."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self) -> None:
        """It has come back from a gate."""
        _leave()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self) -> None:
        """It has come back from a file that was collected."""
        _leave()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """It has come back from a conftest."""
        _leave()

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """It was ended, and would tell of it."""
        _leave()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """It would end the session."""
        _leave()

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """It would clean up what is not its own."""
        _leave()
