"""Faults of releases that have been out for long, and of what is installed from them. SPEC S53-S55."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Phase
from pytest_relgate.sandbox import artifacts
from pytest_relgate.sandbox.faults import overlay
from pytest_relgate.sandbox.faults.fault import Fault
from pytest_relgate.sandbox.twins.exchange import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.faults.overlay import Overlay
    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.twins.exchange import Request
    from pytest_relgate.sandbox.world import PypiFile, World

    Members = dict[str, bytes]

_OF_THE_MODULE = "type Pool struct"


def _before(world: World, store: Store) -> str:
    """The version before the one that is judged."""
    versions = [one.version for one in world.crates]
    judged = overlay.version_of(world, store)
    return versions[versions.index(judged) - 1] if judged in versions else versions[-1]


def _forgotten_on_pypi(world: World, store: Store) -> World:
    gone = artifacts.python_version(_before(world, store))
    projects = tuple(
        msgspec.structs.replace(one, files=tuple(file for file in one.files if file.version != gone))
        for one in world.pypi
    )
    return msgspec.structs.replace(world, pypi=projects)


def _forgotten_on_github(world: World, store: Store) -> World:
    gone = f"v{_before(world, store)}"
    return msgspec.structs.replace(world, releases=tuple(one for one in world.releases if one.tag != gone))


def _wheels(change: Callable[[Members], Members]) -> Overlay:
    """Change every wheel of the version on PyPI: which one is installed, the machine decides."""

    def file(one: PypiFile, store: Store) -> PypiFile:
        if not one.filename.endswith(".whl"):
            return one
        info = f"plasmite-{one.version}.dist-info"
        found = artifacts.unzipped(store.get(one.blob))
        found.pop(f"{info}/RECORD")
        raw = artifacts.with_record(change(found), info)
        return msgspec.structs.replace(one, blob=store.put(raw), size=len(raw))

    return overlay.pypi(lambda files, _, store: tuple(file(one, store) for one in files))


def _without_module(found: Members) -> Members:
    return {name: raw for name, raw in found.items() if name != "plasmite/_native/__init__.py"}


def _module_of_another_name(twin: str, request: Request, ask: Callable[[Request], Answer]) -> Answer:
    """The Go module is served with its type renamed, so that what uses it does not compile."""
    answer = ask(request)
    if twin != "go" or not request.path.endswith(".zip") or not isinstance(answer.body, bytes):
        return answer
    found = artifacts.unzipped(answer.body)
    changed = {
        name: raw.replace(_OF_THE_MODULE.encode(), b"type Puddle struct").replace(b"*Pool", b"*Puddle")
        for name, raw in found.items()
    }
    body = artifacts.zipped(changed)
    return Answer(answer.status, body, {**answer.headers, "content-length": str(len(body))})


FAULTS = (
    Fault(
        "forgotten-on-pypi",
        "PyPI lacks the release before, which is on every other channel",
        Phase.WEEKLY,
        r"pypi lacks v[0-9.]+",
        world=_forgotten_on_pypi,
    ),
    Fault(
        "forgotten-on-github",
        "the release before has a tag and no GitHub release",
        Phase.WEEKLY,
        r"github lacks v[0-9.]+",
        world=_forgotten_on_github,
    ),
    Fault(
        "wheel-that-cannot-be-imported",
        "the wheels on PyPI lack a module that the package imports",
        Phase.WEEKLY,
        r"No module named 'plasmite\._native|ModuleNotFoundError|cannot import name",
        world=_wheels(_without_module),
    ),
    Fault(
        "go-module-that-does-not-compile",
        "the Go module is served without the type that its users name",
        Phase.WEEKLY,
        r"undefined: plasmite\.Pool",
        network=_module_of_another_name,
    ),
)
"""The faults of this file."""
