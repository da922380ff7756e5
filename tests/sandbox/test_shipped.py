"""The world before the candidate: ten releases out on every channel, each from one build. SPEC B11."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_relgate.sandbox.artifacts import (
    METADATA,
    is_for_crates,
    is_for_npm,
    is_for_pypi,
    is_for_release,
    sha256,
    unzipped,
)
from pytest_relgate.sandbox.history import CANDIDATE, tag_at, version_at
from pytest_relgate.sandbox.repository import CANDIDATE_COMMIT
from pytest_relgate.sandbox.runs import CI, PUBLISH, RELEASE, WEEKLY
from pytest_relgate.sandbox.surroundings import Surroundings, healthy
from pytest_relgate.sandbox.tap import formula_at
from pytest_relgate.source.command import git
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.sandbox.world import Run, World

SHIPPED = range(CANDIDATE)


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    return healthy(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def world(around: Surroundings) -> World:
    return around.store.read()


@pytest.fixture(scope="module")
def commits(around: Surroundings) -> list[str]:
    return git(around.origin, "rev-list", "--reverse", "main").stdout.decode().split()


def runs_of(world: World, workflow: str) -> list[Run]:
    return [run for run in world.runs if run.workflow == workflow]


def built(around: Surroundings, run: Run) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for artifact in run.artifacts:
        members = unzipped(around.store.get(artifact.blob))
        found |= {name.rpartition("/")[2]: raw for name, raw in members.items()}
    return found


def test_every_release_was_built_rehearsed_and_published(world: World, commits: list[str]) -> None:
    tags = [tag_at(patch) for patch in SHIPPED]
    builds = runs_of(world, RELEASE)
    assert [(run.head_branch, run.head_sha, run.event) for run in builds] == [
        (tag, commit, "push") for tag, commit in zip(tags, commits[:-1], strict=True)
    ]
    assert [(run.inputs["release_tag"], run.inputs["rehearsal"]) for run in runs_of(world, PUBLISH)] == [
        (tag, rehearsal) for tag in tags for rehearsal in ("true", "false")
    ]
    assert len(runs_of(world, WEEKLY)) == 1
    for run in world.runs:
        assert (run.status, run.conclusion) == ("completed", "success")
        assert run.jobs
        assert {(job.status, job.conclusion) for job in run.jobs} == {("completed", "success")}
        assert run.created_at <= run.jobs[0].started_at < run.updated_at
    for workflow in (CI, RELEASE, PUBLISH):
        found = runs_of(world, workflow)
        assert [run.number for run in found] == list(range(1, len(found) + 1))


def test_ci_is_green_on_the_candidate_and_nothing_of_it_is_out(around: Surroundings, world: World) -> None:
    newest = runs_of(world, CI)[-1]
    assert (newest.head_sha, newest.conclusion, newest.head_branch) == (CANDIDATE_COMMIT, "success", "main")
    version, tag = version_at(CANDIDATE), tag_at(CANDIDATE)
    assert tag not in {known.name for known in Repository(around.origin).tags()}
    assert version not in str((world.releases, world.crates, world.npm, world.pypi, world.attestations))


@pytest.mark.parametrize("patch", [9, 8])
def test_the_channels_serve_what_was_built(around: Surroundings, world: World, patch: int) -> None:
    version, tag = version_at(patch), tag_at(patch)
    (run,) = (run for run in runs_of(world, RELEASE) if run.head_branch == tag)
    files = built(around, run)
    (release,) = (one for one in world.releases if one.tag == tag)
    served = {asset.name: asset.blob for asset in release.assets}
    (crate,) = (one for one in world.crates if one.version == version)
    served[f"plasmite-{version}.crate"] = crate.blob
    served[f"plasmite-{version}.tgz"] = world.npm[0].versions[version].blob
    served |= {file.filename: file.blob for file in world.pypi[0].files if file.version == version}
    expected = {
        name: sha256(raw)
        for name, raw in files.items()
        if is_for_release(name) or is_for_crates(name) or is_for_npm(name) or is_for_pypi(name)
    }
    sums = served.pop("sha256sums.txt")  # made by the publish, from what was built
    assert served == expected
    assert len(served) == 11
    listed = dict(reversed(line.split("  ")) for line in around.store.get(sums).decode().splitlines())
    assert listed == {name: digest for name, digest in served.items() if name.startswith("plasmite_")}
    assert files[METADATA]


def test_every_channel_has_every_release(around: Surroundings, world: World) -> None:
    versions = [version_at(patch) for patch in SHIPPED]
    assert [one.tag for one in world.releases] == [tag_at(patch) for patch in SHIPPED]
    assert [one.version for one in world.crates] == versions
    assert list(world.npm[0].versions) == versions
    assert world.npm[0].tags == {"latest": versions[-1]}
    assert [file.version for file in world.pypi[0].files] == [v for v in versions for _ in range(5)]
    assert {len(one.assets) for one in world.releases} == {5}
    commits = git(around.tap, "log", "--format=%s", "--reverse", "main").stdout.decode().splitlines()
    assert commits == [f"plasmite {tag_at(patch)}" for patch in SHIPPED]
    for patch in SHIPPED:
        text = formula_at(around.tap, f"main~{CANDIDATE - 1 - patch}")
        assert f'version "{version_at(patch)}"' in text
        for asset in world.releases[patch].assets[:4]:
            assert f'/{asset.name}"' in text
            assert asset.blob in text
    assert {one.subject for one in world.attestations} == {
        f"sha256:{asset.blob}" for one in world.releases for asset in one.assets if asset.name.endswith(".gz")
    }


def test_ids_are_unique_and_rise(world: World) -> None:
    ids = [run.id for run in world.runs]
    ids += [job.id for run in world.runs for job in run.jobs]
    ids += [artifact.id for run in world.runs for artifact in run.artifacts]
    ids += [one.id for one in world.releases] + [asset.id for one in world.releases for asset in one.assets]
    assert len(set(ids)) == len(ids)
    assert max(ids) == world.tick


def test_old_artifacts_have_expired_and_secrets_are_there(world: World) -> None:
    kept = [run.head_branch for run in runs_of(world, RELEASE) if not run.artifacts[0].expired]
    assert kept == ["v0.1.8", "v0.1.9"]
    assert {secret.name for secret in world.secrets} == {
        "CARGO_REGISTRY_TOKEN",
        "HOMEBREW_TAP_TOKEN",
        "NPM_TOKEN",
        "PYPI_API_TOKEN",
    }


def test_logs_say_what_each_step_did(around: Surroundings, world: World) -> None:
    (job,) = (job for job in runs_of(world, PUBLISH)[-1].jobs if job.name == "publish-crates-io")
    log = around.store.get(job.log).decode()
    assert "Uploading plasmite v0.1.9" in log
    assert all(line[10] == "T" and line[27:29] == "Z " for line in log.splitlines())
    (rehearsed,) = (job for job in runs_of(world, PUBLISH)[-2].jobs if job.name == "publish-crates-io")
    assert [step.conclusion for step in rehearsed.steps] == ["success", "skipped"]


def test_the_world_is_the_same_each_time_it_is_made(
    world: World, tmp_path: Path, around: Surroundings
) -> None:
    again = healthy(tmp_path / "again")
    assert again.store.read() == world
    heads = [git(one.tap, "rev-parse", "main").stdout for one in (again, around)]
    assert heads[0] == heads[1]
