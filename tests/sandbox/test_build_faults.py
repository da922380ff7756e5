"""Each fault of the build phase, at the gates that name it and for the reason that it stands for.

The gates themselves are called, as a run calls them, without a run around them. SPEC S35, S36, S47, B10.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.channels.outside import Outside, surroundings
from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.model import Phase, State
from pytest_relgate.profile.facts import load_profile
from pytest_relgate.sandbox.box import open_box
from pytest_relgate.sandbox.faults import FAULTS, Fault
from pytest_relgate.sandbox.history import CANDIDATE, tag_at
from pytest_relgate.source.artifact_facts import ArtifactFacts, expected_names
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_relgate.channels.outside import Outside as World

CHECKS = Path(__file__).parents[2] / "release_checks"
TARGET = tag_at(CANDIDATE)
OF_BUILD = [fault for fault in FAULTS.values() if fault.phase is Phase.BUILD]
STATES = ((Finding, State.FAILED), (NotYet, State.PENDING), (CannotJudge, State.ERRORED))


@cache
def gates() -> tuple[tuple[str, str, Any, tuple[str, ...]], ...]:
    """Name, sequence (empty for none), function and named faults of each gate of the build, in order."""
    found = []
    for path in (CHECKS / "test_5_artifacts.py", CHECKS / "test_6_build.py"):
        spec = importlib.util.spec_from_file_location(f"build_{path.stem}", path)
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        classes = [one() for name, one in vars(module).items() if name.startswith("Test")]
        for place in (module, *classes):
            sequence = "" if place is module else type(place).__name__
            for name, gate in inspect.getmembers(place, inspect.isroutine):
                if name.startswith("test_"):
                    marks = [mark for mark in getattr(gate, "pytestmark", ()) if mark.name == "gate"]
                    faults = tuple(fault for mark in marks for fault in mark.kwargs.get("faults", ()))
                    line = inspect.unwrap(getattr(gate, "__func__", gate)).__code__.co_firstlineno
                    found.append((path.name, line, name, sequence, gate, faults))
    return tuple(
        (name, sequence, gate, faults)
        for _, _, name, sequence, gate, faults in sorted(found, key=lambda one: one[:2])
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("build-faults")


@pytest.fixture
def world(home: Path) -> Iterator[Callable[[tuple[str, ...]], World]]:
    """The candidate, built in the sandbox, under faults."""
    opened: list[Any] = []

    def make(faults: tuple[str, ...]) -> World:
        box = open_box(home, faults, {"XDG_CACHE_HOME": str(home / "cache")})
        opened.append(box)
        box.aim(TARGET, Phase.BUILD)
        made = Outside(
            profile=load_profile(CHECKS / "relgate.toml"),
            target=TARGET,
            commit=Repository.at(box.repository).head(),
            repository=box.repository,
            origins=box.origins,
            environ=surroundings({}, sandbox=True),
            sandbox=True,
            evidence=home / "evidence",
        )
        opened.append(made)
        return made

    yield make
    for one in reversed(opened):
        one.close()


def judged(outside: World) -> dict[str, tuple[State, str]]:
    """The gates of the build that do not pass, as a run would say."""
    build, profile = outside.github.build, outside.profile
    names = [name for each in profile.artifacts.values() for name in each]
    given: dict[str, Any] = {
        "github": outside.github,
        "artifacts": ArtifactFacts(
            load=lambda: (
                (artifact.name, path, file)
                for artifact in build.artifacts
                for path, file in build.files(artifact)
            ),
            expected=expected_names(names, TARGET.removeprefix("v"), TARGET),
            licences=profile.built.licences,
            largest=profile.built.largest,
        ),
    }
    red: dict[str, tuple[State, str]] = {}
    stopped: set[str] = set()
    for name, sequence, gate, _ in gates():
        if sequence in stopped:
            continue
        try:
            gate(**{wanted: given[wanted] for wanted in inspect.signature(gate).parameters})
        except (Finding, NotYet, CannotJudge, AssertionError) as error:
            state = next((state for kind, state in STATES if isinstance(error, kind)), State.FAILED)
            red[name] = (state, " ".join(str(error).split()))
            stopped |= {sequence} - {""}
    return red


def test_without_a_fault_every_gate_of_the_build_passes(world: Callable[[tuple[str, ...]], World]) -> None:
    assert judged(world(())) == {}
    assert len(gates()) >= 9


@pytest.mark.parametrize("fault", OF_BUILD, ids=lambda fault: fault.name)
def test_each_fault_of_the_build_blocks_at_the_gates_that_name_it(
    world: Callable[[tuple[str, ...]], World], fault: Fault
) -> None:
    naming = {name for name, _, _, faults in gates() if fault.name in faults}
    red = judged(world((fault.name,)))
    assert naming
    assert naming <= red.keys(), red
    for name in naming:
        state, words = red[name]
        assert state is fault.expect
        assert re.search(fault.says, words, re.IGNORECASE), words
