"""What a build made is written down once its artifacts are complete: later phases hold channels against it.

SPEC S10, S36, B6. Guards against a subject without digests, and against digests of another attempt.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_relgate.errors import Finding
from pytest_relgate.github.build import Build
from pytest_relgate.github.means import Means
from pytest_relgate.model import Artifact, BuildRun
from tests.github.conftest import COMMIT, run
from tests.github.test_github_statements import BUILD, DIST, GOOD, metadata, runs, uploaded, zipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.github.conftest import Made

    Make = Callable[..., Made]


def looked_at(made: Make, folder: Path, pages: dict[str, Any]) -> tuple[Build, dict[str, bytes], Made]:
    """The build of the pages, and what it keeps in the evidence."""
    there = made(pages, artifacts=("release-metadata", "dist"))
    kept: dict[str, bytes] = {}
    means = Means(folder, keep=kept.__setitem__)
    build = Build(there.api, there.github.workflows, target="v0.2.0", commit=COMMIT, means=means)
    return build, kept, there


def made_of(name: str, raw: bytes) -> Artifact:
    return Artifact(name, f"sha256:{hashlib.sha256(raw).hexdigest()}", len(raw))


def test_what_was_built_is_written_down_by_file(made: Make, tmp_path: Path) -> None:
    dist = ("dist", zipped(a__demo=b"bytes", b=b"more"))
    build, kept, _ = looked_at(made, tmp_path, uploaded(GOOD, dist))
    assert build.has_artifacts()
    assert msgspec.json.decode(kept["build-run.json"], type=BuildRun) == BuildRun(
        1, 1, build.run.html_url, COMMIT, (made_of("b", b"more"), made_of("demo", b"bytes"))
    )


def test_of_a_run_that_ran_again_the_last_attempt_is_written_down(made: Make, tmp_path: Path) -> None:
    again = ("dist", zipped(demo=b"built again"))
    pages = uploaded(GOOD, DIST, ("release-metadata", zipped(metadata_json=metadata())), again)
    pages |= {BUILD: runs(run(path="release.yml", head_branch="v0.2.0", run_attempt=2))}
    build, kept, _ = looked_at(made, tmp_path, pages)
    assert build.has_artifacts()
    record = msgspec.json.decode(kept["build-run.json"], type=BuildRun)
    assert (record.attempt, record.artifacts) == (2, (made_of("demo", b"built again"),))


def test_a_name_that_stands_for_different_bytes_is_left_out(made: Make, tmp_path: Path) -> None:
    build, kept, _ = looked_at(made, tmp_path, uploaded(GOOD, ("dist", zipped(a__x=b"1", b__x=b"2", y=b"3"))))
    assert build.has_artifacts()
    record = msgspec.json.decode(kept["build-run.json"], type=BuildRun)
    assert record.artifacts == (made_of("y", b"3"),)


@pytest.mark.parametrize(
    "pages", [uploaded(GOOD), uploaded(GOOD, DIST, expired=True), uploaded(GOOD, ("dist", b"no zip"))]
)
def test_nothing_is_written_down_of_a_build_that_is_not_whole(
    made: Make, tmp_path: Path, pages: dict[str, Any]
) -> None:
    build, kept, _ = looked_at(made, tmp_path, pages)
    with pytest.raises(Finding):
        build.has_artifacts()
    assert kept == {}


def test_an_archive_that_another_gate_has_read_is_not_asked_for_again(made: Make, tmp_path: Path) -> None:
    build, kept, there = looked_at(made, tmp_path, uploaded(GOOD, DIST))
    for artifact in build.artifacts:
        for _ in build.files(artifact):
            pass
    assert build.has_artifacts()
    assert "build-run.json" in kept
    assert len([one for one in there.said.asked if one.path.endswith("/zip")]) == 2
