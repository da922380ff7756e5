"""Changes of what the world holds of one version: faults are made of these. Pure but for stored bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.sandbox import artifacts
from pytest_relgate.sandbox.runs import CI, RELEASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import (
        Crate,
        NpmPackage,
        NpmVersion,
        PypiFile,
        Release,
        Run,
        RunArtifact,
        World,
    )

    Overlay = Callable[[World, Store], World]
    Members = dict[str, bytes]

NEWER = "0.2.0"
"""A version that nobody of the project has published."""


def version_of(world: World, store: Store) -> str:
    """The version that a fault is about: the target, else the newest that is on crates.io."""
    return store.target or world.crates[-1].version


# -- GitHub ---------------------------------------------------------------------------------------------


def each_run(change: Callable[[Run], Run | None], *, of: Callable[[Run], bool]) -> Callable[[World], World]:
    """Change the newest run of those that are meant, or take it away (None)."""

    def overlay(world: World) -> World:
        newest = next((run for run in reversed(world.runs) if of(run)), None)
        runs = (change(run) if run is newest else run for run in world.runs)
        return msgspec.structs.replace(world, runs=tuple(run for run in runs if run is not None))

    return overlay


def ci_run(change: Callable[[Run], Run | None]) -> Overlay:
    """Change the run of CI on the candidate."""
    return lambda world, _: each_run(change, of=lambda run: run.workflow == CI)(world)


def build_run(change: Callable[[Run, World, Store], Run]) -> Overlay:
    """Change the build run of the version."""

    def overlay(world: World, store: Store) -> World:
        tag = f"v{version_of(world, store)}"
        return each_run(
            lambda run: change(run, world, store),
            of=lambda run: run.workflow == RELEASE and run.head_branch == tag,
        )(world)

    return overlay


def artifact(name: str, change: Callable[[Members, World, Store], Members]) -> Overlay:
    """Change what is in an artifact of the version's build."""

    def in_run(run: Run, world: World, store: Store) -> Run:
        def changed(one: RunArtifact) -> RunArtifact:
            if one.name != name:
                return one
            members = change(artifacts.unzipped(store.get(one.blob)), world, store)
            raw = artifacts.zipped(members)
            return msgspec.structs.replace(one, blob=store.put(raw), size=len(raw))

        return msgspec.structs.replace(run, artifacts=tuple(map(changed, run.artifacts)))

    return build_run(in_run)


def release(change: Callable[[Release, Store], Release | None]) -> Overlay:
    """Change the version's GitHub release, or take it away (None)."""

    def overlay(world: World, store: Store) -> World:
        tag = f"v{version_of(world, store)}"
        found = (change(one, store) if one.tag == tag else one for one in world.releases)
        return msgspec.structs.replace(world, releases=tuple(one for one in found if one is not None))

    return overlay


# -- registries -----------------------------------------------------------------------------------------


def crate(change: Callable[[Crate, Store], Crate | None]) -> Overlay:
    """Change the version of the crate, or take it away (None)."""

    def overlay(world: World, store: Store) -> World:
        version = version_of(world, store)
        found = (change(one, store) if one.version == version else one for one in world.crates)
        return msgspec.structs.replace(world, crates=tuple(one for one in found if one is not None))

    return overlay


def package(change: Callable[[NpmPackage, str, Store], NpmPackage]) -> Overlay:
    """Change the npm package; ``change`` is told the version."""

    def overlay(world: World, store: Store) -> World:
        version = version_of(world, store)
        return msgspec.structs.replace(world, npm=tuple(change(one, version, store) for one in world.npm))

    return overlay


def npm(change: Callable[[NpmVersion, Store], NpmVersion]) -> Overlay:
    """Change the version on npm."""

    def in_package(one: NpmPackage, version: str, store: Store) -> NpmPackage:
        if version not in one.versions:
            return one
        versions = {**one.versions, version: change(one.versions[version], store)}
        return msgspec.structs.replace(one, versions=versions)

    return package(in_package)


def pypi(change: Callable[[tuple[PypiFile, ...], str, Store], tuple[PypiFile, ...]]) -> Overlay:
    """Change the version's files on PyPI, all at once; ``change`` is told the version."""

    def overlay(world: World, store: Store) -> World:
        version = artifacts.python_version(version_of(world, store))

        def files(all_files: tuple[PypiFile, ...]) -> tuple[PypiFile, ...]:
            mine = tuple(file for file in all_files if file.version == version)
            others = tuple(file for file in all_files if file.version != version)
            return (*others, *(change(mine, version, store) if mine else ()))

        projects = tuple(msgspec.structs.replace(one, files=files(one.files)) for one in world.pypi)
        return msgspec.structs.replace(world, pypi=projects)

    return overlay


def together(*overlays: Overlay) -> Overlay:
    """Lay several over the world, one after the other."""

    def overlay(world: World, store: Store) -> World:
        for one in overlays:
            world = one(world, store)
        return world

    return overlay


def without(world: World, version: str) -> World:
    """The world as the registries show it before a version comes."""
    spelled = artifacts.python_version(version)

    def package_before(one: NpmPackage) -> NpmPackage:
        versions = {number: each for number, each in one.versions.items() if number != version}
        newest = list(versions)[-1] if versions else ""
        tags = {tag: newest if number == version else number for tag, number in one.tags.items()}
        return msgspec.structs.replace(one, versions=versions, tags=tags)

    projects = tuple(
        msgspec.structs.replace(one, files=tuple(file for file in one.files if file.version != spelled))
        for one in world.pypi
    )
    return msgspec.structs.replace(
        world,
        crates=tuple(one for one in world.crates if one.version != version),
        npm=tuple(map(package_before, world.npm)),
        pypi=projects,
    )


# -- bytes ----------------------------------------------------------------------------------------------


def cut(raw: bytes) -> bytes:
    """The first half of a file, as an upload leaves it that broke off."""
    return raw[: len(raw) // 2]


def rebuilt(raw: bytes) -> bytes:
    """The same archive from another build: what is in it is the same, its bytes are not."""
    if raw.startswith(b"PK"):
        return artifacts.zipped(dict(reversed(artifacts.unzipped(raw).items())))
    return artifacts.tarred(dict(reversed(artifacts.untarred(raw).items())))
