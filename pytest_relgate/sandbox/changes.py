"""Changes of the world that runs make: ids, jobs, artifacts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_relgate.sandbox.world import Conclusion, Job, Run, RunArtifact, World


def numbered(world: World) -> tuple[World, int]:
    """Take the next number of the world: ids are made of them."""
    number = world.tick + 1
    return msgspec.structs.replace(world, tick=number), number


def changed(world: World, run: int, change: Callable[[Run], Run]) -> World:
    """The world with one run of it changed; a run that somebody ended meanwhile stays ended."""
    runs = tuple(change(one) if one.id == run and one.status != "completed" else one for one in world.runs)
    return msgspec.structs.replace(world, runs=runs)


def begun(run: int, when: str) -> Callable[[World], World]:
    """A queued run starts."""
    return lambda world: changed(
        world, run, lambda one: msgspec.structs.replace(one, status="in_progress", updated_at=when)
    )


def ended(run: int, conclusion: Conclusion, when: str) -> Callable[[World], World]:
    """A run comes to its end."""
    return lambda world: changed(
        world,
        run,
        lambda one: msgspec.structs.replace(one, status="completed", conclusion=conclusion, updated_at=when),
    )


def with_job(world: World, run: int, job: Job) -> World:
    """The world with one job of a run as it is now, in place of another one of its name and attempt."""

    def change(one: Run) -> Run:
        others = [each for each in one.jobs if (each.name, each.attempt) != (job.name, job.attempt)]
        when = job.completed_at or job.started_at
        return msgspec.structs.replace(one, jobs=(*others, job), updated_at=when)

    return changed(world, run, change)


def with_artifact(world: World, run: int, artifact: Callable[[int], RunArtifact]) -> World:
    """The world with one artifact more in a run; it is given its id."""
    world, number = numbered(world)
    made = artifact(number)
    return changed(world, run, lambda one: msgspec.structs.replace(one, artifacts=(*one.artifacts, made)))


def with_expired(world: World, wanted: Mapping[str, bool]) -> World:
    """The world in which these secrets have expired, or have not."""
    secrets = (
        msgspec.structs.replace(one, expired=wanted.get(one.name, one.expired)) for one in world.secrets
    )
    return msgspec.structs.replace(world, secrets=tuple(secrets))
