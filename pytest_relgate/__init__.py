"""Release gates as pytest tests, and evidence of a run that fails closed.

A gate file imports what it needs from here::

    from pytest_relgate import command

Everything is loaded where it is used: pytest imports this package at every start of its users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_relgate.errors import CannotJudge, Finding, NotYet, RelgateError
    from pytest_relgate.fixtures import command

__all__ = ["CannotJudge", "Finding", "NotYet", "RelgateError", "command"]

_HOME = {
    "CannotJudge": "errors",
    "Finding": "errors",
    "NotYet": "errors",
    "RelgateError": "errors",
    "command": "fixtures",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
