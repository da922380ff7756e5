"""Artifacts of runs: listed also when they have expired, and then without their bytes."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pytest_relgate.sandbox.twins.github.call import Access, Problem, Route, not_found
from pytest_relgate.sandbox.twins.github.objects import redirect, signed
from pytest_relgate.sandbox.twins.github.pages import answer_json, counted_page
from pytest_relgate.sandbox.twins.github.run_facts import run_in
from pytest_relgate.sandbox.twins.github.shapes import node_id, number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_relgate.sandbox.twins.exchange import Answer
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.world import Run, RunArtifact

    Found = tuple[Run, RunArtifact]

_KEPT = timedelta(days=90)


def _shape(call: Call, found: Found) -> dict[str, Any]:
    run, artifact = found
    url = f"{call.repo}/actions/artifacts/{artifact.id}"
    expires = datetime.fromisoformat(artifact.created_at) + _KEPT
    number = number_of(call.slug)
    return {
        "id": artifact.id,
        "node_id": node_id("A", artifact.id),
        "name": artifact.name,
        "size_in_bytes": artifact.size,
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": artifact.expired,
        "digest": f"sha256:{artifact.blob}",
        "created_at": artifact.created_at,
        "updated_at": artifact.created_at,
        "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "workflow_run": {
            "id": run.id,
            "repository_id": number,
            "head_repository_id": number,
            "head_branch": run.head_branch,
            "head_sha": run.head_sha,
        },
    }


def _every(call: Call) -> list[Found]:
    return [(run, artifact) for run in call.world.runs for artifact in run.artifacts]


def _find(call: Call) -> Found:
    number = call.number("artifact_id")
    found = next((one for one in _every(call) if one[1].id == number), None)
    if found is None:
        raise not_found()
    return found


def _page(call: Call, found: Sequence[Found]) -> Answer:
    name = call.request.asked("name")
    wanted = [one for one in found if not name or one[1].name == name]
    wanted.sort(key=lambda one: one[1].id, reverse=True)
    return counted_page(call, "artifacts", wanted, _shape)


def _list(call: Call) -> Answer:
    return _page(call, _every(call))


def _of_run(call: Call) -> Answer:
    run = run_in(call)
    return _page(call, [(run, artifact) for artifact in run.artifacts])


def _one(call: Call) -> Answer:
    return answer_json(_shape(call, _find(call)))


def _zip(call: Call) -> Answer:
    _, artifact = _find(call)
    if call.at["archive_format"] != "zip":
        raise not_found()
    if artifact.expired:
        raise Problem(HTTPStatus.GONE, "Artifact has expired")
    objects, name = call.behind.objects_url(), f"{artifact.name}.zip"
    return redirect(signed(objects, artifact.blob, name=name, kind="application/zip"))


_REPO = "/repos/{owner}/{repo}/actions"
_ONE = f"{_REPO}/artifacts/{{artifact_id}}"
_DOCS = "actions/artifacts#"
ROUTES = (
    Route("GET", f"{_REPO}/artifacts", _list, f"{_DOCS}list-artifacts-for-a-repository"),
    Route("GET", f"{_REPO}/runs/{{run_id}}/artifacts", _of_run, f"{_DOCS}list-workflow-run-artifacts"),
    Route("GET", _ONE, _one, f"{_DOCS}get-an-artifact"),
    Route("GET", f"{_ONE}/{{archive_format}}", _zip, f"{_DOCS}download-an-artifact", Access.TOKEN),
)
