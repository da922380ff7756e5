"""Which jobs read which secrets, in which environment; and what each channel is published with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_relgate.sandbox.history import files_at
from pytest_relgate.source.workflow_graph import Graph, graph_of
from pytest_relgate.source.workflow_secrets import Published, Use, uses_of, without_credential
from pytest_relgate.source.workflows import parse_workflow

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/secrets_and_pins.jsonl").read_text().splitlines()
]
PATH = ".github/workflows/release-publish.yml"


def graph(jobs: Any, others: dict[str, Any] | None = None, **root: Any) -> Graph:
    text = json.dumps({"on": "workflow_dispatch", **root, "jobs": jobs}).encode()
    given = {path: json.dumps(one).encode() for path, one in (others or {}).items()}
    return graph_of(parse_workflow(PATH, text), given.get)


def job(*secrets: str, **more: Any) -> dict[str, Any]:
    env = {f"X{n}": f"${{{{ {one} }}}}" for n, one in enumerate(secrets)}
    return {"runs-on": "x", "steps": [{"run": "make", "env": env}], **more}


def test_every_recorded_secret_is_found() -> None:
    for row in ROWS:
        read = [f"secrets.{name}" for name in row["secrets"]]
        found = uses_of([graph({"a": job(*read, "secrets.GITHUB_TOKEN")})])
        assert sorted(use.secret for use in found.uses) == row["secrets"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("${{ secrets.A }}", ["A"]),
        ("${{ secrets['A'] || secrets.b }}", ["A", "B"]),
        ("${{ secrets . A }}", ["A"]),
        ("${{ secrets.GITHUB_TOKEN }}", []),
        ("secrets.A", []),
        ("${{ needs.secrets.outputs.A }}", []),
    ],
)
def test_a_secret_is_read_in_an_expression(text: str, names: list[str]) -> None:
    found = uses_of([graph({"a": {"runs-on": "x", "steps": [{"run": "x", "env": {"A": text}}]}})])
    assert [use.secret for use in found.uses] == names


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("release", "release"),
        ({"name": "release", "url": "x"}, "release"),
        ("${{ inputs.x }}", None),
        (None, ""),
    ],
)
def test_the_environment_of_a_job(environment: Any, expected: str | None) -> None:
    (use,) = uses_of([graph({"a": job("secrets.A", environment=environment)})]).uses
    assert use.environment == expected


def test_what_stands_above_all_jobs_is_read_by_each() -> None:
    jobs = {"a": job(environment="release"), "b": job()}
    found = uses_of([graph(jobs, env={"T": "${{ secrets.T }}"})])
    assert [(use.secret, use.job, use.environment) for use in found.uses] == [
        ("T", "a", "release"),
        ("T", "b", ""),
    ]
    assert found.environments == ("release",)


def test_a_called_workflow_reads_what_its_caller_gives() -> None:
    called = {"jobs": {"inner": job("secrets.token", environment="release")}}
    inherits = {"on": "workflow_call", **called}
    named = {"on": {"workflow_call": {"secrets": {"token": {"required": True}}}}, **called}
    path = "./.github/workflows/inner.yml"
    for other, secrets, expected in (
        (inherits, "inherit", [("TOKEN", "a / inner", "release")]),
        (named, {"token": "${{ secrets.NPM_TOKEN }}"}, [("NPM_TOKEN", "a", "")]),
    ):
        made = graph({"a": {"uses": path, "secrets": secrets}}, {path.removeprefix("./"): other})
        assert [(use.secret, use.job, use.environment) for use in uses_of([made]).uses] == expected


def test_the_miniature_reads_its_secrets_in_the_environment_release() -> None:
    read = {path: text.encode() for path, text in files_at(10).items()}.get
    raw = read(PATH)
    assert raw
    found = uses_of([graph_of(parse_workflow(PATH, raw), read)], ("preflight",))
    assert {use.environment for use in found.uses} == {"release"}
    assert ("NPM_TOKEN", "preflight") in found.preflight
    assert {use.job for use in found.of("NPM_TOKEN")} == {"preflight", "publish-npm"}
    assert isinstance(found.uses[0], Use)


IDENTIFIES = {"permissions": {"id-token": "write"}}
WANTING = {
    "reads-it": (Published("npm", "npm", "a", "T"), job("secrets.T"), ""),
    "does-not-read-it": (Published("npm", "npm", "a", "T"), job("secrets.U"), "does not read it, only U"),
    "trusted": (Published("pypi", "pypi", "a", trusted=True), job(**IDENTIFIES), ""),
    "trusted-without-the-right": (
        Published("pypi", "pypi", "a", trusted=True),
        job("secrets.T"),
        "has no id-token: write",
    ),
    "nothing-said-and-a-secret": (Published("npm", "npm", "a"), job("secrets.U"), ""),
    "nothing-said-and-a-right": (Published("npm", "npm", "a"), job(**IDENTIFIES), ""),
    "nothing-at-all": (Published("npm", "npm", "a"), job("github.token"), "publishes with nothing"),
    "own-token-for-a-release": (Published("github", "github-release", "a"), job("github.token"), ""),
    "no-such-job": (Published("npm", "npm", "b"), job(), "has no such job"),
    "no-job-named": (Published("npm", "npm", ""), job(), ""),
}


@pytest.mark.parametrize(("channel", "made", "words"), WANTING.values(), ids=list(WANTING))
def test_a_channel_is_published_with_what_the_profile_says(
    channel: Published, made: dict[str, Any], words: str
) -> None:
    found = [one.found for one in without_credential(graph({"a": made}), [channel])]
    assert [words in one for one in found] == ([True] if words else [])


def test_a_job_of_another_name_is_found_by_what_it_runs() -> None:
    """One profile for a project and its history: the release was made by ``release``, the tap by a sync."""
    jobs = {"release": job("secrets.T"), "sync": job("secrets.U"), "other": job()}
    made = graph(jobs)
    channel = Published("npm", "npm", "publish-npm", "T")

    def found(*publishing: str, of: Published = channel) -> list[str]:
        members = [made.members[one] for one in publishing]
        return [one.found for one in without_credential(made, [of], {"npm": members, "pypi": ()})]

    assert found("release") == []
    assert ["job sync is to publish with T" in one for one in found("release", "sync")] == [True]
    (nothing,) = found()
    assert "has no such job, and none that is seen to publish to npm" in nothing
    assert found("sync", of=channel._replace(job="release")) == []
    assert len(found("other", of=channel._replace(job=""))) == 1
    assert found("other", of=Published("npm", "npm", "")) == []


def test_a_job_that_may_identify_itself_is_told_what_the_profile_is_to_say() -> None:
    made = graph({"a": job(**IDENTIFIES)})
    (problem,) = without_credential(made, [Published("npm", "npm", "a", "T")])
    assert "it may publish as a trusted publisher, which the profile does not say" in problem.found
    assert "trusted = true in place of secret in [channels.npm]" in problem.do


def test_the_rights_of_the_workflow_hold_for_a_job_that_states_none() -> None:
    trusted = [Published("pypi", "pypi", "a", trusted=True)]
    assert not list(without_credential(graph({"a": job()}, permissions="write-all"), trusted))
    assert not list(without_credential(graph({"a": job()}, **IDENTIFIES), trusted))
    assert list(without_credential(graph({"a": job(permissions={})}, **IDENTIFIES), trusted))


def test_the_publisher_that_had_neither_a_token_nor_a_right_would_have_been_found() -> None:
    """Versions that read no secret for PyPI and may not identify themselves: the release failed."""
    for row in ROWS:
        permissions = {"id-token": "write"} if row["oidc"] else {}
        read = [f"secrets.{name}" for name in row["secrets"]]
        made = graph({"publish-pypi": job(*read, permissions=permissions)})
        found = list(without_credential(made, [Published("pypi", "pypi", "publish-pypi", "PYPI_API_TOKEN")]))
        assert bool(found) == ("PYPI_API_TOKEN" not in row["secrets"]), row["commit"]
