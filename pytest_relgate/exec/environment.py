"""The environment in which a gate's commands run: the user's own, without what this test run left in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKER: Final = "RELGATE_COMMAND"
"""Names the commands that a process belongs to: their marks, outermost first, with colons between."""

# A command that is itself a test run would take itself for a worker of ours, or send its coverage to
# ours. PYTEST_ADDOPTS and the like were meant for this run, not for the project's own.
_OF_TESTS: Final = re.compile(r"PYTEST_.*|COV_CORE_.*|COVERAGE_(?:PROCESS_.*|RUN)")

# What `git rev-parse --local-env-vars` lists, and what hooks get: inside a hook git would answer about
# the repository and the index of the hook. GIT_CONFIG_COUNT stays: it carries safe.directory in CI.
_OF_HOOKS: Final = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INDEX_VERSION",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_QUARANTINE_PATH",
        "GIT_REFLOG_ACTION",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)


def gate_environment(
    environ: Mapping[str, str], extra: Mapping[str, str] | None = None, *, own_bytecode_switch: bool = False
) -> dict[str, str]:
    """The environment of a command: ``environ`` without what pytest, xdist, coverage and git hooks left.

    ``extra`` is added last and wins. ``own_bytecode_switch`` says that PYTHONDONTWRITEBYTECODE was set by
    this run and not by the user; only then is it taken out.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not _OF_TESTS.fullmatch(name)
        and name not in _OF_HOOKS
        and not (own_bytecode_switch and name == "PYTHONDONTWRITEBYTECODE")
    }
    return kept | dict(extra or {})


def marked(environ: Mapping[str, str], mark: str) -> dict[str, str]:
    """``environ`` with ``mark`` in MARKER. Commands inside a command carry the marks of both."""
    outer = environ.get(MARKER)
    return {**environ, MARKER: f"{outer}:{mark}" if outer else mark}


def carries(environ: Mapping[str, str], mark: str) -> bool:
    """Whether a process with this environment belongs to the command of ``mark``."""
    return mark in environ.get(MARKER, "").split(":")
