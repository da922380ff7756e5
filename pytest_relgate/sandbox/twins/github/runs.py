"""Runs of workflows: lists with their filters, one run, its attempts, starting it again, cancelling."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_relgate.clock import now
from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.twins.github import git_facts
from pytest_relgate.sandbox.twins.github.call import Access, Problem, Route, not_found
from pytest_relgate.sandbox.twins.github.pages import answer_json, counted_page
from pytest_relgate.sandbox.twins.github.run_facts import filtered, run_in, run_of, suite_of, with_run
from pytest_relgate.sandbox.twins.github.shapes import node_id, number_of, repository, user
from pytest_relgate.sandbox.twins.github.workflow_facts import workflow_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.twins.exchange import Answer
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.world import Job, Run, World


def run_shape(call: Call, run: Run) -> dict[str, Any]:
    """A run, at the attempt that ``run.attempt`` names."""
    url = f"{call.repo}/actions/runs/{run.id}"
    short = repository(call)
    return {
        "id": run.id,
        "name": run.name,
        "node_id": node_id("WFR", run.id),
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "path": run.workflow,
        "display_title": run.title,
        "run_number": run.number,
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": number_of(run.workflow),
        "check_suite_id": suite_of(run),
        "check_suite_node_id": node_id("CS", suite_of(run)),
        "url": url,
        "html_url": f"{call.page}/actions/runs/{run.id}",
        "pull_requests": [],
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "actor": user(call, run.actor),
        "run_attempt": run.attempt,
        "referenced_workflows": [],
        "run_started_at": _started(run),
        "triggering_actor": user(call, run.actor),
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{call.repo}/check-suites/{suite_of(run)}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{run.attempt - 1}" if run.attempt > 1 else None,
        "workflow_url": f"{call.repo}/actions/workflows/{number_of(run.workflow)}",
        "head_commit": head_commit(call, run.head_sha),
        "repository": short,
        "head_repository": short,
    }


def _started(run: Run) -> str:
    started = [job.started_at for job in run.jobs if job.attempt == run.attempt]
    return min(started, default=run.created_at if run.attempt == 1 else run.updated_at)


def head_commit(call: Call, sha: str) -> dict[str, Any] | None:
    """Return what a run says of its commit; nothing where the repository lacks it."""
    try:
        commit = git_facts.commit(call.git, sha)
    except RelgateError:
        return None
    return {
        "id": sha,
        "tree_id": commit.tree,
        "message": commit.message,
        "timestamp": commit.committer.date,
        "author": {"name": commit.author.name, "email": commit.author.email},
        "committer": {"name": commit.committer.name, "email": commit.committer.email},
    }


def _list(call: Call) -> Answer:
    return counted_page(call, "workflow_runs", filtered(call.request, list(call.world.runs)), run_shape)


def _of_workflow(call: Call) -> Answer:
    workflow = workflow_in(call)
    runs = [run for run in call.world.runs if run.workflow == workflow.path]
    return counted_page(call, "workflow_runs", filtered(call.request, runs), run_shape)


def _one(call: Call) -> Answer:
    return answer_json(run_shape(call, run_in(call)))


def _attempt(call: Call) -> Answer:
    run, number = run_in(call), call.number("attempt_number")
    if not 1 <= number <= run.attempt:
        raise not_found()
    if number < run.attempt:  # an attempt that another followed has ended
        jobs = [job for job in run.jobs if job.attempt == number]
        conclusion = "success" if all(j.conclusion in ("success", "skipped") for j in jobs) else "failure"
        run = msgspec.structs.replace(run, attempt=number, status="completed", conclusion=conclusion)
    return answer_json(run_shape(call, run))


def _rerun(call: Call) -> Answer:
    return _again(call, lambda _: False)


def _rerun_failed(call: Call) -> Answer:
    return _again(call, lambda job: job.conclusion in ("success", "skipped"))


def _again(call: Call, keeps: Callable[[Job], bool]) -> Answer:
    """Queue the next attempt of a run: its id stays. Jobs that are kept are in it already, with new ids."""
    number = run_in(call).id

    def step(world: World) -> World:
        run = run_of(world, number)
        if run.status != "completed":
            raise Problem(HTTPStatus.FORBIDDEN, "This workflow is already running")
        last = [job for job in run.jobs if job.attempt == run.attempt]
        kept: list[Job] = [job for job in last if keeps(job)]
        if kept and len(kept) == len(last):
            raise Problem(HTTPStatus.FORBIDDEN, "This workflow run cannot be retried")
        tick = world.tick
        copies = []
        for job in kept:
            tick += 1
            copies.append(msgspec.structs.replace(job, id=tick, attempt=run.attempt + 1))
        changed = msgspec.structs.replace(
            run,
            attempt=run.attempt + 1,
            status="queued",
            conclusion=None,
            updated_at=now(),
            jobs=(*run.jobs, *copies),
        )
        return with_run(msgspec.structs.replace(world, tick=tick), changed)

    world = call.behind.store.change(step)
    call.behind.dispatched(run_of(world, number))
    return answer_json({}, HTTPStatus.CREATED)


def _cancel(call: Call) -> Answer:
    number = run_in(call).id

    def step(world: World) -> World:
        run = run_of(world, number)
        if run.status == "completed":
            raise Problem(HTTPStatus.CONFLICT, "Cannot cancel a workflow run that is completed.")
        moment = now()
        jobs = tuple(
            job
            if job.status == "completed"
            else msgspec.structs.replace(job, status="completed", conclusion="cancelled", completed_at=moment)
            for job in run.jobs
        )
        changed = msgspec.structs.replace(
            run, status="completed", conclusion="cancelled", updated_at=moment, jobs=jobs
        )
        return with_run(world, changed)

    call.behind.store.change(step)
    return answer_json({}, HTTPStatus.ACCEPTED)


def _pending(call: Call) -> Answer:
    """Who must approve a run that waits: nobody, unless it does."""
    run = run_in(call)
    if run.status != "waiting" or not call.world.environments:
        return answer_json([])
    name = call.world.environments[0]
    number = number_of(f"{call.slug}/{name}")
    reviewer = {"type": "User", "reviewer": user(call, call.owner)}
    pending = {
        "environment": {
            "id": number,
            "node_id": node_id("EN", number),
            "name": name,
            "url": f"{call.repo}/environments/{name}",
            "html_url": f"{call.page}/deployments/activity_log?environments_filter={name}",
        },
        "wait_timer": 0,
        "wait_timer_started_at": None,
        "current_user_can_approve": call.caller == "user",
        "reviewers": [reviewer],
    }
    return answer_json([pending])


_REPO = "/repos/{owner}/{repo}/actions"
_DOCS = "actions/workflow-runs#"
_RUN = f"{_REPO}/runs/{{run_id}}"
_OF_WORKFLOW = f"{_REPO}/workflows/{{workflow_id}}/runs"
ROUTES = (
    Route("GET", f"{_REPO}/runs", _list, f"{_DOCS}list-workflow-runs-for-a-repository"),
    Route("GET", _OF_WORKFLOW, _of_workflow, f"{_DOCS}list-workflow-runs-for-a-workflow"),
    Route("GET", _RUN, _one, f"{_DOCS}get-a-workflow-run"),
    Route("GET", f"{_RUN}/attempts/{{attempt_number}}", _attempt, f"{_DOCS}get-a-workflow-run-attempt"),
    Route("POST", f"{_RUN}/rerun", _rerun, f"{_DOCS}re-run-a-workflow", Access.TOKEN),
    Route(
        "POST",
        f"{_RUN}/rerun-failed-jobs",
        _rerun_failed,
        f"{_DOCS}re-run-failed-jobs-from-a-workflow-run",
        Access.TOKEN,
    ),
    Route("POST", f"{_RUN}/cancel", _cancel, f"{_DOCS}cancel-a-workflow-run", Access.TOKEN),
    Route(
        "GET",
        f"{_RUN}/pending_deployments",
        _pending,
        f"{_DOCS}get-pending-deployments-for-a-workflow-run",
    ),
)
