"""Where this plugin keeps its state on pytest's config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

EXECUTION: pytest.StashKey[Any] = pytest.StashKey()
RELEASE_RUN: pytest.StashKey[Any] = pytest.StashKey()
GATES_BELOW: pytest.StashKey[dict[Path, bool]] = pytest.StashKey()
