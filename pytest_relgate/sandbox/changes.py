"""Changes of the world that runs make: ids, jobs, artifacts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.world import Conclusion, Job, Run, RunArtifact, World


def numbered(world: World) -> tuple[World, int]:
    """Take the next number of the world: ids are made of them."""
    return msgspec.structs.replace(world, tick=world.tick + 1), world.tick


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
    """The world with one job of a run as it is now."""

    def change(one: Run) -> Run:
        jobs = {each.id: each for each in one.jobs} | {job.id: job}
        when = job.completed_at or job.started_at
        return msgspec.structs.replace(one, jobs=tuple(jobs.values()), updated_at=when)

    return changed(world, run, change)


def with_artifact(world: World, run: int, artifact: Callable[[int], RunArtifact]) -> World:
    """The world with one artifact more in a run; it is given its id."""
    world, number = numbered(world)
    made = artifact(number)
    return changed(world, run, lambda one: msgspec.structs.replace(one, artifacts=(*one.artifacts, made)))
