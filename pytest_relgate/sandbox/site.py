"""What a run that is carried out can reach: the world, bytes, sources by commit, the tap, a clock."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_relgate.sandbox.world import World


@dataclass(frozen=True)
class Source:
    """A commit (40 hex digits) with its files, text by path."""

    commit: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Site:
    """The surroundings of a run.

    ``look`` gives the world as it is seen now, ``put`` and ``get`` keep bytes by their SHA-256, ``source``
    gives what a revision stands for, or None, ``push_formula`` commits a formula to the tap (text, message,
    time), ``clock`` gives the time, RFC 3339 in UTC, and ``formula`` the text that the tap has.
    """

    look: Callable[[], World]
    put: Callable[[bytes], str]
    get: Callable[[str], bytes]
    source: Callable[[str], Source | None]
    push_formula: Callable[[str, str, str], None]
    clock: Callable[[], str]
    formula: Callable[[], str] = lambda: ""


@functools.lru_cache(maxsize=64)
def parsed(text: str) -> dict[str, Any]:
    """Read a workflow file."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it is there
    try:
        found: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506  (both loaders are safe ones)
    except yaml.YAMLError as error:
        message = f"a workflow cannot be read: {error}"
        raise RelgateError(message) from None
    return found
