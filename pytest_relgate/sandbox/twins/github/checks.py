"""What CI says of a commit: check runs and suites made of runs and jobs, and the older statuses."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pytest_relgate.sandbox.twins.github import git_facts
from pytest_relgate.sandbox.twins.github.call import Problem, Route, not_found
from pytest_relgate.sandbox.twins.github.pages import answer_json, counted_page, list_page
from pytest_relgate.sandbox.twins.github.run_facts import jobs_of, suite_of
from pytest_relgate.sandbox.twins.github.runs import head_commit
from pytest_relgate.sandbox.twins.github.shapes import actions_app, node_id, repository

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.exchange import Answer
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.world import Job, Run

    Found = tuple[Run, Job]


def _check_shape(call: Call, found: Found) -> dict[str, Any]:
    run, job = found
    page = f"{call.page}/actions/runs/{run.id}/job/{job.id}"
    url = f"{call.repo}/check-runs/{job.id}"
    return {
        "id": job.id,
        "name": job.name,
        "node_id": node_id("CR", job.id),
        "head_sha": run.head_sha,
        "external_id": f"{run.id}-{job.id}",
        "url": url,
        "html_url": page,
        "details_url": page,
        "status": job.status,
        "conclusion": job.conclusion,
        "started_at": job.started_at or None,
        "completed_at": job.completed_at,
        "output": {
            "title": None,
            "summary": None,
            "text": None,
            "annotations_count": 0,
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": suite_of(run)},
        "app": actions_app(call),
        "pull_requests": [],
    }


def _suite_shape(call: Call, run: Run) -> dict[str, Any]:
    url = f"{call.repo}/check-suites/{suite_of(run)}"
    return {
        "id": suite_of(run),
        "node_id": node_id("CS", suite_of(run)),
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "status": run.status,
        "conclusion": run.conclusion,
        "url": url,
        "before": "0" * 40,
        "after": run.head_sha,
        "pull_requests": [],
        "app": actions_app(call),
        "repository": repository(call),
        "created_at": run.created_at,
        "updated_at": run.updated_at,
        "rerequestable": True,
        "runs_rerequestable": False,
        "latest_check_runs_count": len(jobs_of(run)),
        "check_runs_url": f"{url}/check-runs",
        "head_commit": head_commit(call, run.head_sha),
    }


def _commit(call: Call) -> str:
    sha = git_facts.resolve(call.git, call.at["ref"])
    if sha is None:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"No commit found for SHA: {call.at['ref']}")
    return sha


def _runs(call: Call, sha: str) -> list[Run]:
    return sorted((run for run in call.world.runs if run.head_sha == sha), key=lambda run: -run.id)


def _check_runs(call: Call) -> Answer:
    request = call.request
    every = request.asked("filter", "latest") == "all"
    found = [
        (run, job)
        for run in _runs(call, _commit(call))
        for job in reversed(run.jobs if every else jobs_of(run))
    ]
    name, status, app = request.asked("check_name"), request.asked("status"), request.asked("app_id")
    wanted = [
        (run, job)
        for run, job in found
        if name in ("", job.name) and status in ("", job.status) and app in ("", "15368")
    ]
    return counted_page(call, "check_runs", wanted, _check_shape)


def _suites(call: Call) -> Answer:
    return counted_page(call, "check_suites", _runs(call, _commit(call)), _suite_shape)


def _find(call: Call) -> Found:
    number = call.number("check_run_id")
    found = next(((run, job) for run in call.world.runs for job in run.jobs if job.id == number), None)
    if found is None:
        raise not_found()
    return found


def _one(call: Call) -> Answer:
    return answer_json(_check_shape(call, _find(call)))


def _annotations(call: Call) -> Answer:
    _find(call)
    return list_page(call, (), lambda _, each: each)


def _suite(call: Call) -> Answer:
    number = call.number("check_suite_id")
    found = next((run for run in call.world.runs if suite_of(run) == number), None)
    if found is None:
        raise not_found()
    return answer_json(_suite_shape(call, found))


def _status(call: Call) -> Answer:
    """The combined status. Actions leave none behind: without any it is pending, however green CI is."""
    sha = _commit(call)
    return answer_json(
        {
            "state": "pending",
            "statuses": [],
            "sha": sha,
            "total_count": 0,
            "repository": repository(call),
            "commit_url": f"{call.repo}/commits/{sha}",
            "url": f"{call.repo}/commits/{sha}/status",
        }
    )


_REPO = "/repos/{owner}/{repo}"
_COMMIT = f"{_REPO}/commits/{{ref}}"
_RUNS_DOCS, _SUITES_DOCS = "checks/runs#", "checks/suites#"
_STATUS_DOCS = "commits/statuses#get-the-combined-status-for-a-specific-reference"
_ONE = f"{_REPO}/check-runs/{{check_run_id}}"
ROUTES = (
    Route("GET", f"{_COMMIT}/check-runs", _check_runs, f"{_RUNS_DOCS}list-check-runs-for-a-git-reference"),
    Route("GET", f"{_COMMIT}/check-suites", _suites, f"{_SUITES_DOCS}list-check-suites-for-a-git-reference"),
    Route("GET", f"{_COMMIT}/status", _status, _STATUS_DOCS),
    Route("GET", _ONE, _one, f"{_RUNS_DOCS}get-a-check-run"),
    Route("GET", f"{_ONE}/annotations", _annotations, f"{_RUNS_DOCS}list-check-run-annotations"),
    Route("GET", f"{_REPO}/check-suites/{{check_suite_id}}", _suite, f"{_SUITES_DOCS}get-a-check-suite"),
)
