"""A dispatch is taken or refused by what the workflow file at that ref declares."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Hub, Reply

W = "/repos/sandover/plasmite/actions/workflows"
CHOOSY = """\
name: choosy
run-name: choosy ${{ inputs.nonce }} at ${{ github.ref_name }}
on:
  workflow_dispatch:
    inputs:
      channel: {type: choice, options: [stable, beta], required: true}
      dry: {type: boolean, default: true}
      count: {type: number, default: 3}
      nonce: {required: true, default: none}
      loud: {type: boolean}
"""


def dispatch(hub: Hub, file: str = "release.yml", **body: Any) -> Reply:
    token = body.pop("token", "ghp_person")
    return hub.ask("POST", f"{W}/{file}/dispatches", token=token, body={"ref": "main", **body})


def commit(hub: Hub, name: str, text: str) -> None:
    path = hub.repository / ".github" / "workflows" / name
    path.write_text(text)
    for words in (["add", "-A"], ["commit", "-q", "-m", "work"]):
        subprocess.run(["git", *words], cwd=hub.repository, check=True)


def test_a_dispatch_queues_a_run_and_says_which(hub: Hub) -> None:
    reply = dispatch(hub, "release-publish.yml", inputs={"release_tag": "v0.1.9"}, return_run_details=True)
    assert reply.status == 200
    run = hub.get(reply.json()["run_url"]).json()
    assert (run["status"], run["event"], run["run_attempt"]) == ("queued", "workflow_dispatch", 1)
    assert (run["head_branch"], run["head_sha"]) == ("main", hub.head("main"))
    assert [run.id for run in hub.dispatched] == [reply.json()["workflow_run_id"]]
    inputs = hub.dispatched[0].inputs
    assert (inputs["release_tag"], inputs["rehearsal"]) == ("v0.1.9", "true")


def test_who_does_not_ask_which_run_it_is_gets_no_content(hub: Hub) -> None:
    reply = dispatch(hub, inputs={"tag": "v0.1.10"})
    assert (reply.status, reply.body) == (204, b"")
    assert len(hub.dispatched) == 1


def test_a_tag_is_a_ref_like_a_branch(hub: Hub) -> None:
    dispatch(hub, ref="refs/tags/v0.1.9", inputs={"tag": "v0.1.9"})
    dispatch(hub, ref="v0.1.8", inputs={"tag": "v0.1.8"})
    assert [run.head_branch for run in hub.dispatched] == ["v0.1.9", "v0.1.8"]
    assert [run.head_sha for run in hub.dispatched] == [hub.head("v0.1.9"), hub.head("v0.1.8")]
    assert [run.number for run in hub.dispatched] == [32, 33]


def test_a_workflow_is_dispatched_by_its_number_too(hub: Hub) -> None:
    number = hub.get(f"{W}/release.yml").json()["id"]
    assert dispatch(hub, str(number), inputs={"tag": "v0.1.10"}).status == 204


REFUSED = [
    ({"ref": "nothing", "inputs": {"tag": "v1"}}, "No ref found for: nothing"),
    ({"ref": "", "inputs": {"tag": "v1"}}, 'Invalid request.\n\n"ref" wasn\'t supplied.'),
    ({"inputs": {"tag": "v1", "nope": "1", "also": "2"}}, 'Unexpected inputs provided: ["also", "nope"]'),
    ({"inputs": {}}, "Required input 'tag' not provided"),
    ({}, "Required input 'tag' not provided"),
    ({"inputs": {"tag": ""}}, "Required input 'tag' not provided"),
    ({"inputs": {"tag": ["v1"]}}, "Invalid request.\n\nFor 'properties/inputs', values must be strings."),
    ({"inputs": "v1"}, "Invalid request.\n\nFor 'properties/inputs', values must be strings."),
    (
        {"inputs": {f"i{number}": "1" for number in range(26)}},
        "Invalid request.\n\nNo more than 25 properties are allowed; 26 were supplied.",
    ),
]


@pytest.mark.parametrize(("body", "says"), REFUSED)
def test_inputs_that_do_not_fit_are_refused_and_nothing_is_queued(
    hub: Hub, body: dict[str, Any], says: str
) -> None:
    before = hub.store.read()
    reply = dispatch(hub, **body)
    assert (reply.status, reply.message()) == (422, says)
    assert hub.dispatched == []
    assert hub.store.read() == before


def test_a_commit_is_no_ref_to_dispatch_at(hub: Hub) -> None:
    sha = hub.head()
    assert dispatch(hub, ref=sha, inputs={"tag": "v1"}).message() == f"No ref found for: {sha}"


def test_inputs_have_types_and_defaults_and_a_name_may_hold_them(own_hub: Hub) -> None:
    hub = own_hub
    commit(hub, "choosy.yml", CHOOSY)
    wrong = dispatch(hub, "choosy.yml", inputs={"channel": "alpha"})
    assert wrong.message() == "Provided value 'alpha' for input 'channel' not in the list of allowed values"
    wrong = dispatch(hub, "choosy.yml", inputs={"channel": "beta", "dry": "maybe"})
    assert wrong.message() == "Provided value 'maybe' for input 'dry' not of type boolean"
    assert dispatch(hub, "choosy.yml", inputs={"channel": "beta", "dry": False, "nonce": "n-1"}).status == 204
    run = hub.dispatched[0]
    assert run.inputs == {"channel": "beta", "dry": "false", "count": "3", "nonce": "n-1", "loud": "false"}
    assert run.title == "choosy n-1 at main"


@pytest.mark.parametrize(
    "on", ["on: push", "on: [push, pull_request]", "on:\n  push:\n", "", "on: [", "- a list"]
)
def test_a_workflow_without_the_trigger_is_not_dispatched(own_hub: Hub, on: str) -> None:
    commit(own_hub, "other.yml", f"{on}\n" if on.startswith("-") else f"name: other\n{on}\n")
    reply = dispatch(own_hub, "other.yml")
    assert (reply.status, reply.message()) == (422, "Workflow does not have 'workflow_dispatch' trigger")


@pytest.mark.parametrize(
    "on", ["on: workflow_dispatch", "on: [push, workflow_dispatch]", '"on": {workflow_dispatch: }']
)
def test_the_trigger_is_found_in_every_spelling(own_hub: Hub, on: str) -> None:
    commit(own_hub, "other.yml", f"name: other\n{on}\n")
    assert dispatch(own_hub, "other.yml").status == 204


def test_a_workflow_that_the_ref_does_not_have_is_refused(own_hub: Hub) -> None:
    commit(own_hub, "other.yml", "name: other\non: workflow_dispatch\n")
    reply = dispatch(own_hub, "other.yml", ref="v0.1.9")
    assert reply.message() == "Workflow file .github/workflows/other.yml does not exist at v0.1.9"
    assert dispatch(own_hub, "nothing.yml").status == 404


def test_a_workflow_that_cannot_be_read_is_listed_under_its_path(own_hub: Hub) -> None:
    commit(own_hub, "broken.yaml", "on: [")
    listed = own_hub.get(W).json()["workflows"]
    assert ".github/workflows/broken.yaml" in [workflow["name"] for workflow in listed]


def test_a_dispatch_needs_a_token_and_a_runs_own_will_do(hub: Hub) -> None:
    assert dispatch(hub, token="", inputs={"tag": "v1"}).status == 401
    assert dispatch(hub, token="ghs_run", inputs={"tag": "v1"}).status == 204
