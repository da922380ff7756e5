"""A fault of the sandbox: one thing that is wrong with a release, with a word to switch it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_relgate.model import Phase, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.twins.exchange import Mischief
    from pytest_relgate.sandbox.world import World


@dataclass(frozen=True)
class Fault:
    """What goes wrong, where, and how the gates that exist for it must end.

    ``name`` is one kebab-case word, ``line`` describes the fault in one line. ``says`` is a regular
    expression that the message of such a gate must match: red for the right reason. ``expect`` is its state.

    ``files`` gives the candidate's files (text by path) with the fault in them, ``world`` the world outside,
    ``network`` answers requests to twins, ``tools`` is environment for stand-ins of tools, and ``formula``
    gives what the tap has in place of a formula (its text, and that of the version before).

    ``beside`` changes what the repository ignores; such a fault has ``files`` too, so that it is done to a
    repository of its own.
    """

    name: str
    line: str
    phase: Phase
    says: str
    expect: State = State.FAILED
    files: Callable[[dict[str, str]], dict[str, str]] | None = None
    world: Callable[[World, Store], World] | None = None
    network: Mischief | None = None
    tools: Mapping[str, str] | None = None
    formula: Callable[[str, str], str] | None = None
    beside: Callable[[Path], None] | None = None
