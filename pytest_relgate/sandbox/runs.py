"""Runs that are queued: by a push of a branch or tag, a schedule, or a dispatch. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from pytest_relgate.sandbox.changes import numbered
from pytest_relgate.sandbox.world import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.world import World

_FOLDER: Final = ".github/workflows"
CI: Final = f"{_FOLDER}/ci.yml"
RELEASE: Final = f"{_FOLDER}/release.yml"
PUBLISH: Final = f"{_FOLDER}/release-publish.yml"
WEEKLY: Final = f"{_FOLDER}/weekly-install-sanity.yml"


def queued(
    workflow: str,
    commit: str,
    branch: str,
    when: str,
    made: list[Run],
    inputs: dict[str, str] | None = None,
) -> Callable[[World], World]:
    """Queue a run of a workflow file; it is added to ``made``.

    With ``inputs`` somebody dispatched it; ``branch`` is the tag where a tag was pushed.
    """
    event: Literal["push", "workflow_dispatch", "schedule"] = (
        "workflow_dispatch" if inputs is not None else "schedule" if workflow == WEEKLY else "push"
    )
    name = workflow.rpartition("/")[2].removesuffix(".yml")

    def step(world: World) -> World:
        world, number = numbered(world)
        title = name if event != "push" else f"Release {branch}" if branch[:1] == "v" else "Push to main"
        if workflow == PUBLISH and inputs is not None:  # as its run-name says
            kind = "Publish" if inputs.get("rehearsal") == "false" else "Rehearse"
            title = f"{kind} {inputs.get('release_tag') or inputs.get('build_run_id', '')}"
        run = Run(
            id=number,
            number=1 + sum(one.workflow == workflow for one in world.runs),
            workflow=workflow,
            name=name,
            title=title,
            event=event,
            head_sha=commit,
            head_branch=branch,
            status="queued",
            conclusion=None,
            created_at=when,
            updated_at=when,
            inputs=dict(inputs or {}),
        )
        made.append(run)
        return msgspec.structs.replace(world, runs=(*world.runs, run))

    return step
