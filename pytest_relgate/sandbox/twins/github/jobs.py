"""Jobs of runs, and their logs: there is none before the job has ended."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

from pytest_relgate.sandbox.twins.github.call import Access, Route, not_found
from pytest_relgate.sandbox.twins.github.objects import redirect, signed
from pytest_relgate.sandbox.twins.github.pages import answer_json, counted_page
from pytest_relgate.sandbox.twins.github.run_facts import job_in, jobs_of, run_in
from pytest_relgate.sandbox.twins.github.shapes import node_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_relgate.sandbox.twins.exchange import Answer
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.world import Job, Run, Step

_NOT_YET_RUN = ("queued", "waiting", "requested", "pending")


def job_shape(call: Call, run: Run, job: Job) -> dict[str, Any]:
    """One job of one attempt of a run."""
    on_runner = job.status not in _NOT_YET_RUN and job.conclusion != "skipped"
    return {
        "id": job.id,
        "run_id": run.id,
        "workflow_name": run.name,
        "head_branch": run.head_branch,
        "run_url": f"{call.repo}/actions/runs/{run.id}",
        "run_attempt": job.attempt,
        "node_id": node_id("CR", job.id),
        "head_sha": run.head_sha,
        "url": f"{call.repo}/actions/jobs/{job.id}",
        "html_url": f"{call.page}/actions/runs/{run.id}/job/{job.id}",
        "status": job.status,
        "conclusion": job.conclusion,
        "created_at": run.created_at,
        "started_at": job.started_at or run.created_at,
        "completed_at": job.completed_at,
        "name": job.name,
        "steps": [_step_shape(job, step) for step in job.steps],
        "check_run_url": f"{call.repo}/check-runs/{job.id}",
        "labels": ["ubuntu-24.04"],
        "runner_id": 1 if on_runner else 0,
        "runner_name": "GitHub Actions 1" if on_runner else "",
        "runner_group_id": 0,
        "runner_group_name": "GitHub Actions" if on_runner else "",
    }


def _step_shape(job: Job, step: Step) -> dict[str, Any]:
    ended = step.status == "completed"
    return {
        "name": step.name,
        "status": step.status,
        "conclusion": step.conclusion,
        "number": step.number,
        "started_at": None if step.status in _NOT_YET_RUN else job.started_at,
        "completed_at": (job.completed_at or job.started_at) if ended else None,
    }


def _page(call: Call, run: Run, jobs: Sequence[Job]) -> Answer:
    return counted_page(call, "jobs", jobs, lambda one, job: job_shape(one, run, job))


def _of_run(call: Call) -> Answer:
    run = run_in(call)
    every = call.request.asked("filter", "latest") == "all"
    return _page(call, run, run.jobs if every else jobs_of(run))


def _of_attempt(call: Call) -> Answer:
    run, number = run_in(call), call.number("attempt_number")
    if not 1 <= number <= run.attempt:
        raise not_found()
    return _page(call, run, jobs_of(run, number))


def _one(call: Call) -> Answer:
    run, job = job_in(call)
    return answer_json(job_shape(call, run, job))


def _log(call: Call) -> Answer:
    _, job = job_in(call)
    if job.status != "completed" or not job.log:
        raise not_found()
    return redirect(signed(call.behind.objects_url(), job.log, kind="text/plain"))


def _run_logs(call: Call) -> Answer:
    run = run_in(call)
    return _archive(call, run, run.attempt)


def _attempt_logs(call: Call) -> Answer:
    return _archive(call, run_in(call), call.number("attempt_number"))


def _archive(call: Call, run: Run, attempt: int) -> Answer:
    """Pack the logs of an attempt as GitHub does: one text for a job, named by its place and name."""
    jobs = [job for job in jobs_of(run, attempt) if job.status == "completed" and job.log]
    if not jobs:
        raise not_found()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, job in enumerate(jobs):
            spelt = "".join("" if letter in '/\\:*?"<>|' else letter for letter in job.name)
            member = zipfile.ZipInfo(f"{number}_{spelt}.txt")  # always the same date: the same bytes
            archive.writestr(member, call.behind.store.get(job.log), zipfile.ZIP_DEFLATED)
    blob = call.behind.store.put(packed.getvalue())
    name = f"logs_{run.id}.zip"
    return redirect(signed(call.behind.objects_url(), blob, name=name, kind="application/zip"))


_ACTIONS = "/repos/{owner}/{repo}/actions"
_RUN = f"{_ACTIONS}/runs/{{run_id}}"
_ATTEMPT = f"{_RUN}/attempts/{{attempt_number}}"
_DOCS = "actions/workflow-jobs#"
_RUNS_DOCS = "actions/workflow-runs#"
ROUTES = (
    Route("GET", f"{_RUN}/jobs", _of_run, f"{_DOCS}list-jobs-for-a-workflow-run"),
    Route("GET", f"{_ATTEMPT}/jobs", _of_attempt, f"{_DOCS}list-jobs-for-a-workflow-run-attempt"),
    Route("GET", f"{_ACTIONS}/jobs/{{job_id}}", _one, f"{_DOCS}get-a-job-for-a-workflow-run"),
    Route(
        "GET",
        f"{_ACTIONS}/jobs/{{job_id}}/logs",
        _log,
        f"{_DOCS}download-job-logs-for-a-workflow-run",
        Access.LOGS,
    ),
    Route("GET", f"{_RUN}/logs", _run_logs, f"{_RUNS_DOCS}download-workflow-run-logs", Access.LOGS),
    Route(
        "GET",
        f"{_ATTEMPT}/logs",
        _attempt_logs,
        f"{_RUNS_DOCS}download-workflow-run-attempt-logs",
        Access.LOGS,
    ),
)
