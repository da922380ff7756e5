"""A release walked through the sandbox: pushed, built, rehearsed, published. SPEC S35-S41, B11."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_relgate.clock import now
from pytest_relgate.sandbox.artifacts import sha256, unzipped
from pytest_relgate.sandbox.changes import ended
from pytest_relgate.sandbox.engine import Engine
from pytest_relgate.sandbox.history import CANDIDATE, tag_at, version_at
from pytest_relgate.sandbox.repository import CANDIDATE_COMMIT
from pytest_relgate.sandbox.runs import PUBLISH, RELEASE, queued
from pytest_relgate.sandbox.store import Store
from pytest_relgate.sandbox.surroundings import Surroundings, healthy
from pytest_relgate.sandbox.tap import formula_at
from pytest_relgate.source.command import environment_for_git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_relgate.sandbox.world import Run, RunArtifact, World

TAG, VERSION = tag_at(CANDIDATE), version_at(CANDIDATE)


def engine_of(around: Surroundings) -> Engine:
    return Engine(around.store, around.origin, around.push_formula, formula=around.formula)


def push(home: Path) -> None:
    """Push the tag, as a person does."""
    environ = environment_for_git(os.environ)
    for words in (["tag", TAG], ["push", "--quiet", home / "origin.git", TAG]):
        subprocess.run(["git", "-C", home / "plasmite", *words], check=True, env=environ)


def dispatch(around: Surroundings, **inputs: str) -> Run:
    made: list[Run] = []
    around.store.change(queued(PUBLISH, CANDIDATE_COMMIT, "main", now(), made, inputs))
    engine_of(around).carry_out(made[0].id)
    return around.store.truth().runs[-1]


def publish(around: Surroundings, *, rehearsal: bool) -> Run:
    return dispatch(around, release_tag=TAG, build_run_id="", rehearsal=str(rehearsal).lower())


def ends(run: Run) -> dict[str, str | None]:
    return {job.name: job.conclusion for job in run.jobs}


def failed(around: Surroundings, run: Run) -> tuple[str, str]:
    """The first job that failed, and its log."""
    job = next(job for job in run.jobs if job.conclusion == "failure")
    return job.name, around.store.get(job.log).decode()


def outside(around: Surroundings) -> tuple[object, ...]:
    world = around.store.truth()
    return (world.releases, world.crates, world.npm, world.pypi, formula_at(around.tap))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sandbox that nobody touches."""
    home = tmp_path_factory.mktemp("template")
    healthy(home).store.read()
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(template, tmp_path / "home")


@pytest.fixture(scope="module")
def walked(
    template: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Surroundings, list[World], tuple[object, ...]]:
    """A release from its tag to its publish: the surroundings, and the world after each step."""
    home = shutil.copytree(template, tmp_path_factory.mktemp("walked") / "home")
    around = healthy(home)
    worlds = [around.store.read()]
    push(home)
    engine = engine_of(around)
    for run in engine.queue_pushed():
        engine.carry_out(run.id)
    worlds.append(around.store.read())
    before = outside(around)
    publish(around, rehearsal=True)
    worlds.append(around.store.read())
    assert outside(around) == before  # a rehearsal publishes nothing
    publish(around, rehearsal=False)
    worlds.append(around.store.read())
    return around, worlds, before


def test_a_pushed_tag_is_built_once(walked: tuple[Surroundings, list[World], object]) -> None:
    around, worlds, _ = walked
    run = worlds[1].runs[-1]
    assert len(worlds[1].runs) == len(worlds[0].runs) + 1
    assert (run.workflow, run.event, run.head_branch, run.head_sha) == (
        RELEASE,
        "push",
        TAG,
        CANDIDATE_COMMIT,
    )
    assert (run.status, run.conclusion, run.number) == ("completed", "success", 11)
    assert set(ends(run)) == {
        "metadata",
        "audit",
        "build (linux_amd64)",
        "build (linux_arm64)",
        "build (darwin_amd64)",
        "build (darwin_arm64)",
        "package",
    }
    assert engine_of(around).queue_pushed() == []


def test_a_publish_puts_what_was_built_on_every_channel(
    walked: tuple[Surroundings, list[World], tuple[object, ...]],
) -> None:
    around, worlds, before = walked
    world, build = worlds[-1], worlds[1].runs[-1]
    assert world.runs[-1].conclusion == world.runs[-2].conclusion == "success"
    files = {
        name.rpartition("/")[2]: sha256(raw)
        for artifact in build.artifacts
        for name, raw in unzipped(around.store.get(artifact.blob)).items()
    }
    assert world.releases[-1].tag == TAG
    assert not world.releases[-1].draft
    served = {
        asset.name: asset.blob for asset in world.releases[-1].assets if asset.name.startswith("plasmite_")
    }
    served |= {file.filename: file.blob for file in world.pypi[0].files if file.version == VERSION}
    served[f"plasmite-{VERSION}.tgz"] = world.npm[0].versions[VERSION].blob
    served[f"plasmite-{VERSION}.crate"] = world.crates[-1].blob
    assert len(served) == 11
    assert served.items() <= files.items()
    assert world.npm[0].tags == {"latest": VERSION}
    text = formula_at(around.tap)
    assert text != before[-1]
    assert all(asset.blob in text for asset in world.releases[-1].assets if asset.name.endswith(".gz"))


def test_a_second_publish_leaves_alone_what_is_served_with_the_same_bytes(
    walked: tuple[Surroundings, list[World], object],
) -> None:
    around, *_ = walked
    before = outside(around)
    run = publish(around, rehearsal=False)
    assert run.conclusion == "success"
    publishing = [job for job in run.jobs if job.name.startswith("publish-") and "complete" not in job.name]
    assert len(publishing) == 5
    for job in publishing:
        assert "served already, with the same bytes" in around.store.get(job.log).decode(), job.name
    assert outside(around) == before


def _crate(world: World, blob: str) -> World:
    crates = (*world.crates[:-1], msgspec.structs.replace(world.crates[-1], blob=blob))
    return msgspec.structs.replace(world, crates=crates)


def _npm(world: World, blob: str) -> World:
    package = world.npm[0]
    other = msgspec.structs.replace(package.versions[VERSION], blob=blob)
    versions = {**package.versions, VERSION: other}
    return msgspec.structs.replace(world, npm=(msgspec.structs.replace(package, versions=versions),))


def _pypi(world: World, blob: str) -> World:
    project = world.pypi[0]
    files = (*project.files[:-1], msgspec.structs.replace(project.files[-1], blob=blob))
    return msgspec.structs.replace(world, pypi=(msgspec.structs.replace(project, files=files),))


def _release(world: World, blob: str) -> World:
    newest = world.releases[-1]
    assets = (msgspec.structs.replace(newest.assets[0], blob=blob), *newest.assets[1:])
    return msgspec.structs.replace(
        world, releases=(*world.releases[:-1], msgspec.structs.replace(newest, assets=assets))
    )


@pytest.mark.parametrize(
    ("change", "job", "says"),
    [
        (_crate, "publish-crates-io", "crate plasmite@0.1.10 already exists"),
        (_npm, "publish-npm", "cannot publish over the previously published versions"),
        (_pypi, "publish-pypi", "File already exists"),
        (_release, "publish-github-release", "already exists: v0.1.10"),
    ],
    ids=["crates", "npm", "pypi", "github"],
)
def test_a_second_publish_is_refused_where_other_bytes_are_served(
    walked: tuple[Surroundings, list[World], object],
    change: Callable[[World, str], World],
    job: str,
    says: str,
) -> None:
    around, *_ = walked
    other = around.store.put(b"other bytes")
    seen = Store(around.store.home, [lambda world, _: change(world, other)])
    name, log = failed(around, publish(Surroundings(seen, around.origin, around.tap), rehearsal=False))
    assert (name, says in log) == (job, True)


def test_a_credential_that_has_expired_passes_the_look_for_it_and_is_refused_where_it_is_used(
    walked: tuple[Surroundings, list[World], object],
) -> None:
    around, *_ = walked

    def expired(world: World, _: Store) -> World:
        secrets = (msgspec.structs.replace(one, expired=one.name == "NPM_TOKEN") for one in world.secrets)
        return msgspec.structs.replace(world, secrets=tuple(secrets))

    seen = Store(around.store.home, [expired])
    run = publish(Surroundings(seen, around.origin, around.tap), rehearsal=False)
    name, log = failed(around, run)
    assert (name, ends(run)["preflight"], "ENEEDAUTH" in log) == ("publish-npm", "success", True)


def test_recovery_is_by_the_id_of_the_build(walked: tuple[Surroundings, list[World], object]) -> None:
    around, worlds, _ = walked
    build = worlds[1].runs[-1]
    run = dispatch(around, release_tag="", build_run_id=str(build.id), rehearsal="true")
    assert run.conclusion == "success"
    for inputs, said in (
        (
            {"release_tag": TAG, "build_run_id": str(build.id)},
            "give release_tag, or build_run_id for recovery",
        ),
        ({"release_tag": "v0.1.99", "build_run_id": ""}, "no build run of v0.1.99 succeeded"),
        ({"release_tag": "", "build_run_id": "7"}, "run 7 is no successful build"),
    ):
        name, log = failed(around, dispatch(around, **inputs, rehearsal="true"))
        assert (name, said in log) == ("resolve-build-run", True)


def test_what_the_world_lacks_stops_a_publish(walked: tuple[Surroundings, list[World], object]) -> None:
    around, *_ = walked

    def without_secret(world: World, _: Store) -> World:
        secrets = tuple(one for one in world.secrets if one.name != "NPM_TOKEN")
        return msgspec.structs.replace(world, secrets=secrets)

    seen = Store(around.store.home, [without_secret])
    run = publish(Surroundings(seen, around.origin, around.tap), rehearsal=True)
    name, log = failed(around, run)
    assert (name, "NPM_TOKEN is not configured" in log) == ("preflight", True)


def test_a_build_whose_files_have_expired_is_not_published(
    walked: tuple[Surroundings, list[World], object],
) -> None:
    around, *_ = walked

    def expired(world: World, _: Store) -> World:
        def one(artifact: RunArtifact) -> RunArtifact:
            return msgspec.structs.replace(artifact, expired=artifact.name != "release-metadata")

        runs = (msgspec.structs.replace(run, artifacts=tuple(map(one, run.artifacts))) for run in world.runs)
        return msgspec.structs.replace(world, runs=tuple(runs))

    seen = Store(around.store.home, [expired])
    name, log = failed(around, publish(Surroundings(seen, around.origin, around.tap), rehearsal=True))
    assert (name, "Artifact has expired (HTTP 410)" in log) == ("align-homebrew", True)


def test_a_tag_pushed_meanwhile_is_noticed_and_built_beside(home: Path) -> None:
    around = healthy(home)
    engine = engine_of(around)
    engine.notice()
    assert around.store.read().runs[-1].name == "ci"
    push(home)
    states = set()
    for _ in range(3):
        engine.notice()
    deadline = time.monotonic() + 60
    while (run := around.store.read().runs[-1]).status != "completed":
        states.add(run.status)
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert (run.name, run.conclusion) == ("release", "success")
    assert "in_progress" in states
    assert [one.name for one in around.store.read().runs].count("release") == 11


def test_a_run_that_a_killed_process_left_is_gone_on_with(home: Path) -> None:
    around = healthy(home)
    push(home)
    program = (
        "import os, sys; from pathlib import Path\n"
        "from pytest_relgate.sandbox.engine import Engine\n"
        "from pytest_relgate.sandbox.surroundings import healthy\n"
        "around = healthy(Path(sys.argv[1]))\n"
        "engine = Engine(around.store, around.origin, around.push_formula)\n"
        "change, left = around.store.change, [9]\n"
        "def counted(step):\n"
        "    left[0] -= 1\n"
        "    return change(step) if left[0] else os.kill(os.getpid(), 9)\n"
        "around.store.change = counted\n"
        "for run in engine.queue_pushed(): engine.carry_out(run.id)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, home], check=False).returncode == -9
    left = around.store.read().runs[-1]
    assert (left.status, left.name) == ("in_progress", "release")
    done = [job.id for job in left.jobs if job.status == "completed"]
    assert done
    engine = engine_of(around)
    engine.resume()
    deadline = time.monotonic() + 60
    while (run := around.store.read().runs[-1]).status != "completed":
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert run.conclusion == "success"
    assert set(done) <= {job.id for job in run.jobs}  # what was done is not done again
    assert len({job.name for job in run.jobs}) == len(run.jobs)


def test_two_engines_carry_out_a_run_once(home: Path) -> None:
    around, other = healthy(home), healthy(home)
    push(home)
    engines = [engine_of(around), engine_of(other)]
    runs = [run for engine in engines for run in engine.queue_pushed()]
    assert len(runs) == 1
    threads = [threading.Thread(target=engine.carry_out, args=(runs[0].id,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run = around.store.read().runs[-1]
    assert run.conclusion == "success"
    assert len(run.jobs) == 7
    assert len(run.artifacts) == 16


def test_a_runner_that_breaks_fails_its_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    around = healthy(home)
    push(home)
    engine = engine_of(around)
    (run,) = engine.queue_pushed()

    def broken(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr("pytest_relgate.sandbox.engine.carry", broken)
    engine._quietly(run.id)
    found = around.store.read().runs[-1]
    assert (found.id, found.status, found.conclusion) == (run.id, "completed", "failure")


def test_a_cancelled_run_stops(home: Path) -> None:
    around = healthy(home)
    push(home)
    engine = engine_of(around)
    (run,) = engine.queue_pushed()
    change, left = around.store.change, [5]

    def counted(step: object) -> World:
        left[0] -= 1
        if left[0] == 0:
            change(ended(run.id, "cancelled", now()))
        return change(step)  # type: ignore[arg-type]  # a step of any kind

    around.store.change = counted  # type: ignore[method-assign]  # counts in its place
    engine.carry_out(run.id)
    found = around.store.read().runs[-1]
    assert (found.status, found.conclusion, left[0]) == ("completed", "cancelled", 0)
