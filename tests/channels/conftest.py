"""The world outside as gates see it, over a sandbox that is made once for all of these tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_relgate.channels.outside import Outside, surroundings
from pytest_relgate.profile import load_profile
from pytest_relgate.sandbox.box import Box, open_box
from pytest_relgate.source.git import Repository

ROOT = Path(__file__).parents[2]
Open = Callable[..., Outside]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache folder that the sandbox of these tests lives in."""
    folder = tmp_path_factory.mktemp("cache")
    box = open_box(ROOT, (), {**os.environ, "XDG_CACHE_HOME": str(folder)})
    assert box.origins  # the repository is made, and with the first look the world
    box.surroundings.store.read()
    box.close()
    return folder


@pytest.fixture
def outside(cache: Path, tmp_path: Path) -> Iterator[Open]:
    """Look at a release of the sandbox, with faults or without."""
    boxes: list[Box] = []
    made: list[Outside] = []

    def look(*faults: str, target: str = "v0.1.9", wait: float = 0.0, evidence: Path = tmp_path) -> Outside:
        box = open_box(ROOT, faults, {**os.environ, "XDG_CACHE_HOME": str(cache)})
        boxes.append(box)
        box.aim(target)
        repository = Repository(Path(box.repository))
        commits = {tag.name: tag.commit for tag in repository.tags()}
        made.append(
            Outside(
                profile=load_profile(ROOT / "release_checks" / "relgate.toml"),
                target=target,
                commit=commits.get(target) or repository.head(),
                repository=repository.path,
                origins=box.origins,
                environ=surroundings({}, sandbox=True),
                sandbox=True,
                evidence=evidence,
                wait=wait,
            )
        )
        return made[-1]

    yield look
    for one in made:
        one.close()
    for box in boxes:
        box.close()
