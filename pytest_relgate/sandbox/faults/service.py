"""Faults of GitHub: CI, secrets, and the build of a release with its artifacts. SPEC S9, S35, S36, B9."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Phase, State
from pytest_relgate.sandbox import artifacts
from pytest_relgate.sandbox.faults.fault import Fault
from pytest_relgate.sandbox.faults.overlay import artifact, build_run, ci_run, pypi, together
from pytest_relgate.sandbox.native import library
from pytest_relgate.sandbox.runs import RELEASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.faults.overlay import Members, Overlay
    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import Job, PypiFile, Run, World

# -- CI and secrets -------------------------------------------------------------------------------------


def _red(run: Run) -> Run:
    jobs = (*run.jobs[:-1], msgspec.structs.replace(run.jobs[-1], conclusion="failure"))
    return msgspec.structs.replace(run, conclusion="failure", jobs=jobs)


def _queued(run: Run) -> Run:
    return msgspec.structs.replace(run, status="queued", conclusion=None, jobs=())


def _without_npm_token(world: World, _: Store) -> World:
    secrets = tuple(secret for secret in world.secrets if secret.name != "NPM_TOKEN")
    return msgspec.structs.replace(world, secrets=secrets)


# -- the build ------------------------------------------------------------------------------------------


def _with_metadata(change: Callable[[dict[str, str], World], dict[str, str]]) -> Overlay:
    def members(found: Members, world: World, _: Store) -> Members:
        facts = change(json.loads(found[artifacts.METADATA]), world)
        return {**found, artifacts.METADATA: (json.dumps(facts, indent=2) + "\n").encode()}

    return artifact("release-metadata", members)


def _build_before(world: World, tag: str) -> Run:
    """The build of the release before a tag's."""
    builds = [run for run in world.runs if run.workflow == RELEASE]
    at = next(number for number, run in enumerate(builds) if run.head_branch == tag)
    return builds[at - 1]


def _wrong_source(facts: dict[str, str], world: World) -> dict[str, str]:
    return {**facts, "source_sha": _build_before(world, facts["tag"]).head_sha}


def _another_tag(facts: dict[str, str], world: World) -> dict[str, str]:
    tag = _build_before(world, facts["tag"]).head_branch
    return {
        **facts,
        "tag": tag,
        "version": tag.removeprefix("v"),
        "source_ref": f"refs/tags/{tag}",
    }


def _second_metadata(found: Members, _: World, __: Store) -> Members:
    return {**found, f"again/{artifacts.METADATA}": found[artifacts.METADATA]}


def _expired(run: Run, _: World, __: Store) -> Run:
    """What was built is kept for fewer days than what says so (``retention-days`` of its upload)."""
    gone = tuple(
        msgspec.structs.replace(one, expired=one.name != "release-metadata") for one in run.artifacts
    )
    return msgspec.structs.replace(run, artifacts=gone)


def _one_red_cell(run: Run, _: World, __: Store) -> Run:
    """One platform failed; another one's runner is still at work, so that the run goes on."""

    def change(job: Job) -> Job | None:
        match job.name:
            case "build (darwin_arm64)":
                return msgspec.structs.replace(job, conclusion="failure")
            case "build (darwin_amd64)":
                return msgspec.structs.replace(
                    job, status="in_progress", conclusion=None, completed_at=None, steps=(), log=""
                )
            case "package":
                return None
            case _:
                return job

    kept = (change(job) for job in run.jobs)
    return msgspec.structs.replace(
        run,
        status="in_progress",
        conclusion=None,
        jobs=tuple(job for job in kept if job is not None),
    )


# -- wheels ---------------------------------------------------------------------------------------------

_ARTIFACT = "py-dist-linux_amd64"
_PLATFORM = "manylinux_2_28_x86_64"
_LIBRARY = "plasmite/_native/libplasmite.so"


def _wheel(change: Callable[[Members, str], Members]) -> Overlay:
    """Change the wheel for Linux on x64: in the build's artifact, and on PyPI where it is published."""

    def repacked(name: str, raw: bytes) -> bytes:
        version = name.split("-")[1]
        info = f"plasmite-{version}.dist-info"
        found = artifacts.unzipped(raw)
        found.pop(f"{info}/RECORD")
        return artifacts.with_record(change(found, version), info)

    def built(found: Members, _: World, __: Store) -> Members:
        return {name: repacked(name, raw) for name, raw in found.items()}

    def published(files: tuple[PypiFile, ...], _: str, store: Store) -> tuple[PypiFile, ...]:
        def file(one: PypiFile) -> PypiFile:
            if _PLATFORM not in one.filename:
                return one
            raw = repacked(one.filename, store.get(one.blob))
            return msgspec.structs.replace(one, blob=store.put(raw), size=len(raw))

        return tuple(map(file, files))

    return together(artifact(_ARTIFACT, built), pypi(published))


def _no_library(found: Members, _: str) -> Members:
    return {name: raw for name, raw in found.items() if name != _LIBRARY}


def _other_architecture(found: Members, version: str) -> Members:
    return {**found, _LIBRARY: library("linux-arm64", version)}


def _no_licence(found: Members, _: str) -> Members:
    return {name: raw for name, raw in found.items() if not name.endswith("/licenses/LICENSE")}


FAULTS = (
    Fault(
        "ci-red",
        "CI failed on the candidate's commit",
        Phase.PRERELEASE,
        r"ci\.yml on [0-9a-f]{12} ended as failure",
        world=ci_run(_red),
    ),
    Fault(
        "ci-missing",
        "CI never ran on the candidate's commit",
        Phase.PRERELEASE,
        r"ci\.yml has no run on [0-9a-f]{12}",
        State.PENDING,
        world=ci_run(lambda _: None),
    ),
    Fault(
        "ci-queued",
        "CI on the candidate's commit waits for a runner",
        Phase.PRERELEASE,
        r"ci\.yml on [0-9a-f]{12} is queued",
        State.PENDING,
        world=ci_run(_queued),
    ),
    Fault(
        "missing-secret",
        "the repository has no secret NPM_TOKEN",
        Phase.PRERELEASE,
        r"not configured: NPM_TOKEN",
        world=_without_npm_token,
    ),
    Fault(
        "wrong-source-sha",
        "the build's metadata names the commit of the release before",
        Phase.BUILD,
        r"source_sha: expected [0-9a-f]{40}, found [0-9a-f]{40}",
        world=_with_metadata(_wrong_source),
    ),
    Fault(
        "build-of-another-tag",
        "the build's metadata is that of the release before",
        Phase.BUILD,
        r"tag: expected v[0-9.]+, found v[0-9.]+",
        world=_with_metadata(_another_tag),
    ),
    Fault(
        "two-metadata-files",
        "the metadata artifact holds two metadata files",
        Phase.BUILD,
        r"holds 2 metadata files",
        world=artifact("release-metadata", _second_metadata),
    ),
    Fault(
        "expired-artifact",
        "the build's artifacts have expired, all but its metadata",
        Phase.BUILD,
        r"has expired",
        world=build_run(_expired),
    ),
    Fault(
        "failed-matrix-job",
        "one platform's build failed while others still run",
        Phase.BUILD,
        r"failed jobs: build \(darwin_arm64\)",
        world=build_run(_one_red_cell),
    ),
    Fault(
        "wheel-without-native-library",
        "the wheel for Linux on x64 carries no native library",
        Phase.BUILD,
        r"manylinux_2_28_x86_64\.whl promises amd64 on linux, and has no native file",
        world=_wheel(_no_library),
    ),
    Fault(
        "wheel-of-another-architecture",
        "the wheel for Linux on x64 carries a library for arm64",
        Phase.BUILD,
        r"manylinux_2_28_x86_64\.whl: .*is for linux arm64, promised is linux amd64",
        world=_wheel(_other_architecture),
    ),
    Fault(
        "wheel-without-licence",
        "the wheel for Linux on x64 lacks the licence",
        Phase.BUILD,
        r"manylinux_2_28_x86_64\.whl: it has no LICENSE",
        world=_wheel(_no_licence),
    ),
)
