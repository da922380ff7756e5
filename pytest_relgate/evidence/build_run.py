"""The build run that evidence rests on, as the build phase wrote it down: which run, and what it built.

It lies beside the evidence of the build as ``attached/build-run.json``, once for each look; the seal covers
it. SPEC S10, S35, S36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.evidence.folder import SEAL
from pytest_relgate.model import Artifact, BuildRun, Phase, Subject

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "build-run"
_RESTS_ON_IT: Final = (Phase.REHEARSAL, Phase.PUBLISH, Phase.POSTRELEASE)


class _Subject(msgspec.Struct, frozen=True):
    commit: str


class _Sealed(msgspec.Struct, frozen=True):
    subject: _Subject
    files: dict[str, str]


def newest(folder: Path) -> BuildRun | None:
    """What was written down last in an evidence folder; None where nothing was, or it cannot be read."""
    numbered: list[tuple[int, Path]] = []
    for path in (folder / "attached").glob(f"{NAME}*.json"):
        number = path.name.removesuffix(".json").removeprefix(NAME).removeprefix("-")
        if not number or number.isdigit():
            numbered.append((int(number or "1"), path))
    return _read(max(numbered)[1]) if numbered else None


def rested_on(folder: Path, phase: Phase, commit: str) -> BuildRun | None:
    """The build run of the evidence in ``folder``: its own, or for later phases that of the build beside it.

    None where nobody wrote it down for this commit, under a seal.
    """
    if phase is Phase.BUILD:
        found = newest(folder)
    elif phase in _RESTS_ON_IT:
        found = _sealed(folder.parent / str(Phase.BUILD), commit)
    else:
        return None
    return found if found is not None and found.commit == commit else None


def _sealed(folder: Path, commit: str) -> BuildRun | None:
    from pytest_relgate.evidence.journal import digest

    try:
        seal = msgspec.json.decode((folder / SEAL).read_bytes(), type=_Sealed)
        altered = any(
            seal.files.get(f"attached/{path.name}") != digest(path.read_bytes())
            for path in (folder / "attached").glob(f"{NAME}*.json")
        )
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if altered or seal.subject.commit != commit else newest(folder)


def with_artifacts(subject: Subject, build: BuildRun | None, phase: Phase) -> Subject:
    """The subject of the build phase, with what was built; of any other phase, as it is."""
    if phase is not Phase.BUILD or build is None:
        return subject
    return msgspec.structs.replace(subject, artifacts=build.artifacts)


def without_artifacts(subject: Subject) -> Subject:
    """The subject as it was before anything was built: what a run's journal opens with."""
    return msgspec.structs.replace(subject, artifacts=())


def artifacts_of(folder: Path, commit: str) -> tuple[Artifact, ...]:
    """What the build in an evidence folder made, as it is written down there for this commit."""
    found = newest(folder)
    return found.artifacts if found is not None and found.commit == commit else ()


def _read(path: Path) -> BuildRun | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=BuildRun)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
