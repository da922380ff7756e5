"""Where a run keeps what it started: runs that are real, of the sandbox and under a fault never meet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.outward import dispatches_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Config:
    """A pytest configuration that ends when it is told to."""

    def __init__(self) -> None:
        self.ends: list[Callable[[], object]] = []

    def add_cleanup(self, step: Callable[[], object]) -> None:
        self.ends.append(step)


def folder(place: Path, config: Config, *faults: str, sandbox: bool = True) -> Path:
    context = SimpleNamespace(faults=faults, sandbox=sandbox)
    execution: Any = SimpleNamespace(facts=SimpleNamespace(context=context, logs=f"{place}/publish/logs"))
    whole: Any = config
    return dispatches_of(execution, whole)


@pytest.mark.parametrize(("sandbox", "name"), [(False, "dispatches"), (True, "dispatches-sandbox")])
def test_runs_find_again_what_was_started_in_their_own_world(
    tmp_path: Path, sandbox: bool, name: str
) -> None:
    assert [folder(tmp_path, Config(), sandbox=sandbox) for _ in range(2)] == [tmp_path / name] * 2


def test_what_was_started_under_a_fault_is_gone_with_the_run(tmp_path: Path) -> None:
    config = Config()
    first, second = folder(tmp_path, config, "rehearsal-fails"), folder(tmp_path, config, "rehearsal-fails")
    assert first != second
    first.mkdir()
    (first / "rehearsal.json").touch()
    for step in config.ends:
        step()
    assert list(tmp_path.iterdir()) == []
