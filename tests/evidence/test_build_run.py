"""The build run that evidence rests on: read as the build phase wrote it, under its seal, or not at all."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_relgate.evidence.build_run import artifacts_of, newest, rested_on
from pytest_relgate.model import Artifact, BuildRun, Phase

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "a" * 40
BUILT = BuildRun(7, 2, "https://hub/runs/7", COMMIT, (Artifact("x.tgz", f"sha256:{'0' * 64}", 3),))


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """The evidence of a build whose run was looked at twice."""
    folder = tmp_path / "build"
    (folder / "attached").mkdir(parents=True)
    write(folder / "attached" / "build-run.json", msgspec.structs.replace(BUILT, id=6))
    write(folder / "attached" / "build-run-10.json", BUILT)
    write(folder / "attached" / "build-run-9.json", msgspec.structs.replace(BUILT, id=5))
    seal(folder)
    return folder


def write(path: Path, run: BuildRun) -> None:
    path.write_bytes(msgspec.json.encode(run))


def seal(folder: Path, commit: str = COMMIT) -> None:
    files = {
        f"attached/{path.name}": f"sha256:{sha256(path.read_bytes()).hexdigest()}"
        for path in (folder / "attached").iterdir()
    }
    (folder / "evidence.json").write_text(json.dumps({"subject": {"commit": commit}, "files": files}))


def test_the_last_look_counts(build: Path) -> None:
    assert newest(build) == rested_on(build, Phase.BUILD, COMMIT) == BUILT
    assert artifacts_of(build, COMMIT) == BUILT.artifacts


@pytest.mark.parametrize("phase", [Phase.REHEARSAL, Phase.PUBLISH, Phase.POSTRELEASE])
def test_later_phases_rest_on_the_build_beside_them(build: Path, phase: Phase) -> None:
    assert rested_on(build.parent / phase.value, phase, COMMIT) == BUILT
    assert rested_on(build.parent / "prerelease", Phase.PRERELEASE, COMMIT) is None


def test_what_no_seal_covers_is_not_shown(build: Path) -> None:
    write(build / "attached" / "build-run-11.json", msgspec.structs.replace(BUILT, id=8))
    assert rested_on(build.parent / "publish", Phase.PUBLISH, COMMIT) is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff"])
def test_what_cannot_be_read_is_not_shown(build: Path, raw: bytes) -> None:
    (build / "evidence.json").write_bytes(raw)
    assert rested_on(build.parent / "publish", Phase.PUBLISH, COMMIT) is None
    (build / "attached" / "build-run-10.json").write_bytes(raw)
    assert newest(build) is None


def test_a_build_of_another_commit_is_not_what_it_rests_on(build: Path) -> None:
    other = "b" * 40
    assert rested_on(build.parent / "publish", Phase.PUBLISH, other) is None
    assert rested_on(build, Phase.BUILD, other) is None
    assert artifacts_of(build, other) == ()
