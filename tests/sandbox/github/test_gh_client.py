"""The real gh works on the twin over TLS; what it is answered is held to GitHub's description as well."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import trustme

from gh_client import Gh
from pytest_relgate.sandbox.twins.github import GitHubTwin
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Hub
    from pytest_relgate.sandbox.world import Run


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture
def gh(own_hub: Hub, authority: trustme.CA, server_context: ssl.SSLContext, tmp_path: Path) -> Iterator[Gh]:
    """Gh, and both hosts served. gh tells hosts apart by name only, so storage has another name."""
    hub = own_hub
    storage = serve(hub.objects, tls=server_context)
    elsewhere = storage.url.replace("127.0.0.1", "localhost")
    hub.twin.twin = GitHubTwin(hub.store, hub.repository, hub.tap, lambda: elsewhere, hub.dispatched.append)
    served = serve(hub.twin, tls=server_context)
    certificate = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(certificate))
    yield Gh(served.url.removeprefix("https://"), "sandover/plasmite", certificate, tmp_path / "gh")
    served.close()
    storage.close()


def good(gh: Gh, *args: str) -> str:
    done = gh(*args)
    assert done.status == 0, done.err
    return done.out


def fields(gh: Gh, *args: str) -> Any:
    return json.loads(good(gh, *args))


def test_gh_reads_releases(gh: Gh) -> None:
    latest = fields(gh, "release", "view", "--json", "tagName,assets,isDraft,publishedAt")
    assert (latest["tagName"], latest["isDraft"]) == ("v0.1.9", False)
    assert latest["assets"][0]["digest"].startswith("sha256:")
    draft = fields(gh, "release", "view", "v0.1.10", "--json", "isDraft,tagName")
    assert draft == {"isDraft": True, "tagName": "v0.1.10"}
    listed = fields(gh, "release", "list", "--json", "tagName,isLatest,isDraft")
    assert [one["tagName"] for one in listed if one["isLatest"]] == ["v0.1.9"]
    assert [one["tagName"] for one in listed] == ["v0.1.10", "v0.1.9", "v0.1.8"]
    missing = gh("release", "view", "v9")
    assert (missing.status, missing.err.strip()) == (1, "release not found")


def test_gh_downloads_an_asset_from_storage(gh: Gh, tmp_path: Path) -> None:
    good(gh, "release", "download", "v0.1.9", "--dir", str(tmp_path / "got"))
    assert [path.read_bytes() for path in (tmp_path / "got").iterdir()] == [b"an archive"]


def test_gh_makes_fills_and_changes_a_release(gh: Gh, own_hub: Hub, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("bytes")
    made = good(gh, "release", "create", "v0.1.11", str(file), "--title", "Next", "--notes", "What changed")
    assert made.strip().endswith("/sandover/plasmite/releases/tag/v0.1.11")
    assert own_hub.head("v0.1.11") == own_hub.head("main")
    file.write_text("other bytes")
    assert "already exists" in gh("release", "upload", "v0.1.11", str(file)).err
    good(gh, "release", "upload", "v0.1.11", str(file), "--clobber")
    good(gh, "release", "edit", "v0.1.11", "--prerelease")
    good(gh, "release", "download", "v0.1.11", "--dir", str(tmp_path / "got"))
    assert (tmp_path / "got" / "notes.txt").read_text() == "other bytes"
    assert fields(gh, "release", "view", "--json", "tagName")["tagName"] == "v0.1.9"
    good(gh, "release", "delete-asset", "v0.1.11", "notes.txt", "--yes")
    good(gh, "release", "delete", "v0.1.11", "--yes")
    taken = gh("release", "create", "v0.1.9", "--title", "x", "--notes", "y")
    assert "Release.tag_name already exists" in taken.err


def test_gh_reads_runs_and_their_jobs(gh: Gh, own_hub: Hub) -> None:
    sha = own_hub.head()
    listed = fields(gh, "run", "list", "--commit", sha, "--status", "success", "--json", "databaseId,headSha")
    assert listed == [{"databaseId": 500, "headSha": sha}]
    assert (
        fields(gh, "run", "list", "--workflow", "release.yml", "--commit", sha[:12], "--json", "databaseId")
        == []
    )
    seen = fields(gh, "run", "view", "520", "--json", "status,jobs,attempt,workflowName")
    assert (seen["status"], seen["attempt"], seen["workflowName"]) == ("in_progress", 1, "release")
    assert [job["status"] for job in seen["jobs"]] == ["completed", "in_progress", "queued"]
    assert "release-metadata" in good(gh, "run", "view", "500")
    assert gh("run", "view", "510", "--exit-status").status == 1
    assert "already completed with 'success'" in good(gh, "run", "watch", "500")


def test_gh_watches_a_run_to_its_end(gh: Gh, own_hub: Hub) -> None:
    twin, asked = own_hub.twin.twin, []

    class Ending:
        """The run ends when it has been looked at twice."""

        name = "github"

        def answer(self, request: Any) -> Any:
            if request.path.endswith("/runs/520"):
                asked.append(request)
                if len(asked) == 3:
                    end(own_hub, 520)
            return twin.answer(request)

    own_hub.twin.twin = Ending()
    done = gh("run", "watch", "520", "--interval", "1", "--exit-status")
    assert done.status == 0, done.err
    assert "Refreshing run status" in done.out
    assert "✓ audit" in done.out


def end(hub: Hub, number: int) -> None:
    def ended(run: Run) -> Run:
        jobs = tuple(
            msgspec.structs.replace(
                job, status="completed", conclusion="success", completed_at=run.updated_at
            )
            for job in run.jobs
        )
        return msgspec.structs.replace(run, status="completed", conclusion="success", jobs=jobs)

    runs = tuple(ended(run) if run.id == number else run for run in hub.store.read().runs)
    hub.change(runs=runs)


def test_gh_reads_logs(gh: Gh) -> None:
    assert good(gh, "run", "view", "500", "--log").count("made dist") == 2
    assert "metadata" in good(gh, "run", "view", "510", "--log-failed")
    assert "made dist" in good(gh, "run", "view", "--job", "501", "--log")


def test_gh_downloads_an_artifact_and_says_which_have_expired(gh: Gh, tmp_path: Path) -> None:
    good(gh, "run", "download", "500", "--name", "release-metadata", "--dir", str(tmp_path / "got"))
    assert (tmp_path / "got" / "metadata.json").read_bytes() == b"{}"
    assert gh("run", "download", "500", "--name", "dist").status == 1


def test_gh_runs_again_and_cancels(gh: Gh, own_hub: Hub) -> None:
    good(gh, "run", "rerun", "510", "--failed")
    assert [(run.id, run.attempt) for run in own_hub.dispatched] == [(510, 2)]
    good(gh, "run", "cancel", "510")
    assert own_hub.run(510).conclusion == "cancelled"


def test_gh_reads_and_dispatches_workflows(gh: Gh, own_hub: Hub) -> None:
    listed = fields(gh, "workflow", "list", "--json", "path,state")
    assert {"path": ".github/workflows/release.yml", "state": "active"} in listed
    assert "name: release-publish" in good(gh, "workflow", "view", "release-publish.yml", "--yaml")
    assert "Total runs 4" in good(gh, "workflow", "view", "release.yml")
    out = good(
        gh, "workflow", "run", "release-publish.yml", "-f", "release_tag=v0.1.9", "-f", "rehearsal=true"
    )
    assert out.strip().endswith(f"/actions/runs/{own_hub.dispatched[0].id}")
    assert own_hub.dispatched[0].inputs["release_tag"] == "v0.1.9"
    refused = gh("workflow", "run", "release.yml", "-f", "nope=1")
    assert 'Unexpected inputs provided: ["nope"]' in refused.err


def test_gh_lists_secrets_of_each_level(gh: Gh) -> None:
    def names(*args: str) -> list[str]:
        return [one["name"] for one in fields(gh, "secret", "list", *args, "--json", "name")]

    assert names() == ["CARGO_REGISTRY_TOKEN", "NPM_TOKEN"]
    assert names("--env", "release") == ["HOMEBREW_TAP_TOKEN"]
    assert names("--org", "sandover") == ["PYPI_API_TOKEN"]
    own = Gh(gh.host, gh.repository, gh.certificate, gh.home, token="ghs_run")
    assert "Resource not accessible by integration" in own("secret", "list").err


def test_gh_follows_pages(gh: Gh) -> None:
    args = ("api", "repos/sandover/plasmite/tags?per_page=3", "--paginate", "--jq", ".[].name")
    assert good(gh, *args).split() == [f"v0.1.{patch}" for patch in range(9, -1, -1)]


def test_gh_knows_who_it_is_and_when_its_token_is_bad(gh: Gh) -> None:
    assert good(gh, "api", "user", "--jq", ".login").strip() == "sandover"
    assert "Logged in to" in good(gh, "auth", "status")
    bad = Gh(gh.host, gh.repository, gh.certificate, gh.home, token="banana")
    assert "Bad credentials (HTTP 401)" in bad("api", "user").err


def test_gh_is_told_what_graphql_here_does_not_know(gh: Gh) -> None:
    asked = gh("api", "graphql", "-f", 'query={repository(owner:"sandover", name:"plasmite"){stars}}')
    assert "Field 'stars' doesn't exist on type 'Repository'" in asked.out + asked.err
