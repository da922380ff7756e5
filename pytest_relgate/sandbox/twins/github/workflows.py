"""Workflows, and how one is dispatched."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_relgate.clock import now
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.sandbox.twins.github.call import Access, Problem, Route
from pytest_relgate.sandbox.twins.github.pages import answer_json, counted_page
from pytest_relgate.sandbox.twins.github.shapes import BRANCH, FOUNDED, node_id, number_of
from pytest_relgate.sandbox.twins.github.workflow_facts import (
    Workflow,
    at_ref,
    dispatch_inputs,
    title_of,
    workflow_in,
    workflows,
)
from pytest_relgate.sandbox.world import Run, World

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.github.call import Call


def _shape(call: Call, workflow: Workflow) -> dict[str, Any]:
    number = number_of(workflow.path)
    file = PurePosixPath(workflow.path).name
    return {
        "id": number,
        "node_id": node_id("W", number),
        "name": workflow.name,
        "path": workflow.path,
        "state": "active",
        "created_at": FOUNDED,
        "updated_at": FOUNDED,
        "url": f"{call.repo}/actions/workflows/{number}",
        "html_url": f"{call.page}/blob/{BRANCH}/{workflow.path}",
        "badge_url": f"{call.page}/actions/workflows/{file}/badge.svg",
    }


def _list(call: Call) -> Answer:
    return counted_page(call, "workflows", workflows(call.git), _shape)


def _one(call: Call) -> Answer:
    return answer_json(_shape(call, workflow_in(call)))


def _dispatch(call: Call) -> Answer:
    """Queue a run; say which one if the client asks for it, as newer clients do."""
    body, known = call.body(), workflow_in(call)
    ref = body.get("ref")
    if not isinstance(ref, str) or not ref:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, 'Invalid request.\n\n"ref" wasn\'t supplied.')
    workflow, branch, commit = at_ref(call.git, known.path, ref)
    inputs = dispatch_inputs(workflow, body.get("inputs") or {})
    made: list[Run] = []

    def step(world: World) -> World:
        before = [run.number for run in world.runs if run.workflow == workflow.path]
        moment = now()
        run = Run(
            id=world.tick + 1,
            number=max(before, default=0) + 1,
            workflow=workflow.path,
            name=workflow.name,
            title=title_of(workflow, inputs, branch),
            event="workflow_dispatch",
            head_sha=commit,
            head_branch=branch,
            status="queued",
            conclusion=None,
            created_at=moment,
            updated_at=moment,
            inputs=inputs,
        )
        made.append(run)
        return msgspec.structs.replace(world, tick=world.tick + 1, runs=(*world.runs, run))

    call.behind.store.change(step)
    run = made[0]
    call.behind.dispatched(run)
    if not body.get("return_run_details"):
        return Answer(HTTPStatus.NO_CONTENT)
    return answer_json(
        {
            "workflow_run_id": run.id,
            "run_url": f"{call.repo}/actions/runs/{run.id}",
            "html_url": f"{call.page}/actions/runs/{run.id}",
        }
    )


_REPO = "/repos/{owner}/{repo}/actions/workflows"
_DOCS = "actions/workflows#"
ROUTES = (
    Route("GET", _REPO, _list, f"{_DOCS}list-repository-workflows"),
    Route("GET", f"{_REPO}/{{workflow_id}}", _one, f"{_DOCS}get-a-workflow"),
    Route(
        "POST",
        f"{_REPO}/{{workflow_id}}/dispatches",
        _dispatch,
        f"{_DOCS}create-a-workflow-dispatch-event",
        Access.TOKEN,
    ),
)
