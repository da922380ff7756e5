"""Runs, jobs, logs and artifacts as GitHub keeps them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_relgate.sandbox.twins.github.run_facts import created_within
from pytest_relgate.sandbox.world import Job

if TYPE_CHECKING:
    from conftest import Hub

A = "/repos/sandover/plasmite/actions"


def ids(hub: Hub, query: str = "", of: str = "runs") -> list[int]:
    return [run["id"] for run in hub.get(f"{A}/{of}?{query}").json()["workflow_runs"]]


def test_filters_narrow_a_list(hub: Hub) -> None:
    everything = [530, 520, 510, 500]
    assert ids(hub) == everything
    assert ids(hub, "status=success") == [500]
    assert ids(hub, "status=completed") == [510, 500]
    assert ids(hub, "status=waiting") == [530]
    assert ids(hub, "event=schedule") == []
    assert ids(hub, "branch=main&event=push&actor=ada") == everything
    assert ids(hub, "branch=v0.1.9") == []
    assert ids(hub, "created=2026-03-16") == everything
    assert ids(hub, "created=<2026-03-16") == []
    assert ids(hub, "check_suite_id=7000000510") == [510]
    assert ids(hub, of="workflows/release.yml/runs") == everything
    assert ids(hub, of="workflows/release-publish.yml/runs") == []


def test_only_a_whole_sha_finds_runs_and_an_empty_one_filters_nothing(hub: Hub) -> None:
    sha = hub.head()
    assert len(ids(hub, f"head_sha={sha}")) == 4
    assert ids(hub, f"head_sha={sha[:12]}") == []
    assert len(ids(hub, "head_sha=")) == 4


def test_a_filtered_list_ends_at_a_thousand_and_the_whole_one_does_not(hub: Hub) -> None:
    run = hub.run(500)
    many = tuple(
        msgspec.structs.replace(run, id=10_000 + number, jobs=(), artifacts=()) for number in range(1003)
    )
    hub.change(runs=many)
    assert hub.get(f"{A}/runs?per_page=1").json()["total_count"] == 1003
    assert hub.get(f"{A}/runs?per_page=1&event=push").json()["total_count"] == 1000
    assert ids(hub, "event=push&per_page=100&page=11") == []


@pytest.mark.parametrize(
    ("asked", "time", "fits"),
    [
        ("2026-03-16", "2026-03-16T23:59:59Z", True),
        ("2026-03-16", "2026-03-17T00:00:00Z", False),
        (">=2026-03-16", "2026-03-16T00:00:00Z", True),
        (">2026-03-16", "2026-03-16T12:00:00Z", False),
        ("<=2026-03-16", "2026-03-16T23:59:59Z", True),
        (">2026-03-16T12:00:00Z", "2026-03-16T12:00:01Z", True),
        (">2026-03-16T12:00:00Z", "2026-03-16T12:00:00Z", False),
        ("<2026-03-16T12:00:00Z", "2026-03-16T12:00:00Z", False),
        ("2026-03-01..2026-03-16", "2026-03-16T12:00:00Z", True),
        ("2026-03-01..2026-03-15", "2026-03-16T12:00:00Z", False),
        ("*..2026-03-16", "2020-01-01T00:00:00Z", True),
        ("2026-03-16T12:00:00Z..*", "2026-03-16T12:00:00Z", True),
        ("2026-03-16T12:00:00+00:00..*", "2026-03-16T11:00:00Z", False),
    ],
)
def test_times_are_told_as_in_a_search(asked: str, time: str, *, fits: bool) -> None:
    assert created_within(asked)(time) is fits


def jobs(hub: Hub, number: int, query: str = "") -> list[tuple[str, int]]:
    found = hub.get(f"{A}/runs/{number}/jobs?{query}").json()["jobs"]
    return [(job["name"], job["run_attempt"]) for job in found]


def test_running_again_keeps_the_id_and_raises_the_attempt(hub: Hub) -> None:
    assert hub.ask("POST", f"{A}/runs/510/rerun").status == 201
    again = hub.get(f"{A}/runs/510").json()
    assert (again["run_attempt"], again["status"], again["conclusion"]) == (2, "queued", None)
    assert again["previous_attempt_url"].endswith("/runs/510/attempts/1")
    first = hub.get(again["previous_attempt_url"]).json()
    assert (first["run_attempt"], first["conclusion"], first["previous_attempt_url"]) == (1, "failure", None)
    assert [(run.id, run.attempt) for run in hub.dispatched] == [(510, 2)]
    assert jobs(hub, 510) == []
    assert jobs(hub, 510, "filter=all") == [("build", 1), ("metadata", 1)]
    assert hub.get(f"{A}/runs/510/attempts/1/jobs").json()["total_count"] == 2
    assert hub.get(f"{A}/runs/510/attempts/3").status == 404
    assert hub.get(f"{A}/runs/510/attempts/3/jobs").status == 404
    assert hub.ask("POST", f"{A}/runs/510/rerun").message() == "This workflow is already running"


def test_running_the_failed_jobs_again_keeps_those_that_passed(hub: Hub) -> None:
    assert hub.ask("POST", f"{A}/runs/510/rerun-failed-jobs").status == 201
    assert jobs(hub, 510) == [("build", 2)]
    assert jobs(hub, 510, "filter=all") == [("build", 1), ("metadata", 1), ("build", 2)]
    numbers = [job.id for job in hub.run(510).jobs]
    assert len(set(numbers)) == 3
    assert hub.ask("POST", f"{A}/runs/500/rerun-failed-jobs").status == 403


def test_cancelling_ends_what_runs_and_nothing_that_has_ended(hub: Hub) -> None:
    assert hub.ask("POST", f"{A}/runs/520/cancel").status == 202
    assert hub.get(f"{A}/runs/520").json()["conclusion"] == "cancelled"
    conclusions = [job["conclusion"] for job in hub.get(f"{A}/runs/520/jobs").json()["jobs"]]
    assert conclusions == ["success", "cancelled", "cancelled"]
    assert hub.ask("POST", f"{A}/runs/500/cancel").status == 409


@pytest.mark.parametrize("what", ["rerun", "rerun-failed-jobs", "cancel"])
def test_nobody_starts_or_ends_a_run_without_a_token(hub: Hub, what: str) -> None:
    before = hub.store.read()
    assert hub.ask("POST", f"{A}/runs/510/{what}", token="").status == 401
    assert hub.ask("POST", f"{A}/runs/77/{what}").status == 404
    assert hub.store.read() == before


def test_a_run_that_waits_says_whose_approval_it_needs(hub: Hub) -> None:
    waiting = hub.get(f"{A}/runs/530/pending_deployments").json()[0]
    assert waiting["environment"]["name"] == "release"
    assert [one["reviewer"]["login"] for one in waiting["reviewers"]] == ["sandover"]
    assert hub.get(f"{A}/runs/500/pending_deployments").json() == []


def test_a_log_is_there_when_the_job_has_ended(hub: Hub) -> None:
    reply = hub.get(f"{A}/jobs/501/logs")
    assert reply.status == 302
    assert hub.fetch(reply.header("location")).body.endswith(b"made dist\n")
    assert hub.get(f"{A}/jobs/522/logs").status == 404  # in progress
    assert hub.get(f"{A}/jobs/523/logs").status == 404  # queued
    lost = Job(599, "cancelled", "completed", "cancelled", "2026-03-16T12:00:00Z", "2026-03-16T12:00:00Z")
    hub.change(runs=(msgspec.structs.replace(hub.run(500), jobs=(lost,)),))
    assert hub.get(f"{A}/jobs/599/logs").status == 404  # cancelled before it had one
    assert hub.get(f"{A}/jobs/599").json()["conclusion"] == "cancelled"


def test_logs_of_a_run_are_a_zip_with_a_text_for_each_job_that_has_one(hub: Hub) -> None:
    for address in (f"{A}/runs/520/logs", f"{A}/runs/520/attempts/1/logs"):
        raw = hub.fetch(hub.get(address).header("location")).body
        assert zipfile.ZipFile(io.BytesIO(raw)).namelist() == ["0_build.txt"]
    assert hub.get(f"{A}/runs/530/logs").status == 404


def test_logs_are_for_those_who_are_signed_in(hub: Hub) -> None:
    reply = hub.get(f"{A}/jobs/501/logs", token="")
    assert (reply.status, reply.message()) == (403, "Must have admin rights to Repository.")


def test_an_artifact_comes_as_a_zip_until_it_expires(hub: Hub) -> None:
    facts = {one["name"]: one for one in hub.get(f"{A}/runs/500/artifacts").json()["artifacts"]}
    kept = facts["release-metadata"]
    raw = hub.fetch(hub.get(kept["archive_download_url"]).header("location")).body
    assert kept["digest"] == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert facts["dist"]["expired"] is True
    gone = hub.get(facts["dist"]["archive_download_url"])
    assert (gone.status, gone.message()) == (410, "Artifact has expired")
    assert hub.get(f"{A}/artifacts/503/tar").status == 404
    assert hub.get(kept["archive_download_url"], token="").status == 401


def test_artifacts_are_found_by_name(hub: Hub) -> None:
    found = hub.get(f"{A}/artifacts?name=dist").json()
    assert [one["id"] for one in found["artifacts"]] == [504]
    assert hub.get(f"{A}/artifacts").json()["total_count"] == 2


def test_check_runs_are_the_jobs_of_the_newest_attempt(hub: Hub) -> None:
    hub.ask("POST", f"{A}/runs/510/rerun-failed-jobs")
    address = f"/repos/sandover/plasmite/commits/{hub.head()}/check-runs"
    newest = hub.get(f"{address}?filter=latest").json()
    assert newest["total_count"] == 6
    assert hub.get(f"{address}?filter=all").json()["total_count"] == 8
    assert hub.get(f"{address}?check_name=audit").json()["check_runs"][0]["status"] == "queued"
    assert hub.get(f"{address}?status=completed&app_id=15368").json()["total_count"] == 4
    assert hub.get(f"{address}?app_id=1").json()["total_count"] == 0


def test_without_statuses_the_combined_one_is_pending_however_green_ci_is(hub: Hub) -> None:
    assert hub.get("/repos/sandover/plasmite/commits/main/status").json()["state"] == "pending"
