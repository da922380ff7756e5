"""How the rooms of this package are loaded in a release run: as Python itself would load them.

Pytest rewrites the assertions of everything that a plugin's distribution holds. Here there are none to
rewrite, and a release run writes no bytecode: what is loaded in the middle of one would be parsed,
rewritten and compiled again in every run.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

PACKAGE = "pytest_relgate."
EXTENSIONS = "typing_extensions"


class Unwritten:
    """Finds the modules of this package before pytest does."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of ours; None for any other."""
        return PathFinder.find_spec(name, path, target) if name.startswith(PACKAGE) else None


def load_as_they_are() -> None:
    """From now on, load the modules of this package without pytest's changes."""
    if Unwritten not in sys.meta_path:
        sys.meta_path.insert(0, Unwritten)
    _load_msgspec()


def _load_msgspec() -> None:
    """Load msgspec without typing_extensions, of which it takes what Python 3.11 has itself.

    Where it is not installed, msgspec takes the same from typing. Where it is, as with anyio below httpx, it
    would be a fifth of the memory that a release run adds to pytest.
    """
    if EXTENSIONS in sys.modules or "msgspec" in sys.modules:
        return
    sys.modules[EXTENSIONS] = None  # type: ignore[assignment]  # as the import system spells "not to be had"
    try:
        import msgspec  # noqa: F401  (loaded here once for all rooms)
    finally:
        del sys.modules[EXTENSIONS]
