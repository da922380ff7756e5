"""Every gate of the channels names faults that there are, every fault of theirs is named by a gate. B10."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.model import Phase
from pytest_relgate.sandbox.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKS = Path(__file__).parents[2] / "release_checks"
FILES = {Phase.POSTRELEASE: "test_8_channels.py", Phase.WEEKLY: "test_9_weekly.py"}


def gates(file: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The tests of a file by name, each with the faults that it names."""
    spec = importlib.util.spec_from_file_location(f"checks_{file[:6]}", CHECKS / file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    places: list[Any] = [module, *(one for one in vars(module).values() if isinstance(one, type))]
    for place in places:
        for name, one in vars(place).items():
            if name.startswith("test_"):
                marks = [mark for mark in getattr(one, "pytestmark", []) if mark.name == "gate"]
                yield name, tuple(fault for mark in marks for fault in mark.kwargs.get("faults", ()))


@pytest.mark.parametrize("file", FILES.values())
def test_every_gate_names_faults_that_there_are(file: str) -> None:
    found = dict(gates(file))
    assert [name for name, faults in found.items() if not faults] == []
    assert {fault for faults in found.values() for fault in faults} - FAULTS.keys() == set()


def test_every_fault_is_named_by_a_gate() -> None:
    named = {fault for file in FILES.values() for _, faults in gates(file) for fault in faults}
    assert {name for name, fault in FAULTS.items() if fault.phase in FILES} - named == set()
