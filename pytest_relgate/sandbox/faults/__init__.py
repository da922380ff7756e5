"""Named faults of the sandbox. Every module beside this one gives its own in a tuple ``FAULTS``."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FAULTS", "Fault", "find"]


def _all() -> Iterator[Fault]:
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        yield from getattr(importlib.import_module(f"{__name__}.{module.name}"), "FAULTS", ())


FAULTS: dict[str, Fault] = {fault.name: fault for fault in _all()}
"""Every fault, by its name."""


def find(name: str) -> Fault:
    """Return the fault of this name.

    Raises RelgateError in one line, with the nearest name, for one that there is not.
    """
    found = FAULTS.get(name)
    if found is None:
        near = difflib.get_close_matches(name, FAULTS, 1)
        guess = f"did you mean {near[0]}? " if near else ""
        message = f"the sandbox knows no fault named {name!r}: {guess}relgate sandbox --list-faults names all"
        raise RelgateError(message)
    return found
