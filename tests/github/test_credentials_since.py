"""What GitHub says of credentials since the base was published: that publish, and when secrets were set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.github.since import credentials_since
from pytest_relgate.profile.source import Workflows
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.unrehearsed import Setting
from tests.github.conftest import COMMIT, JSON, OTHER, Made, job, listed, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.unrehearsed import Credentials

RUNS = "/actions/workflows/publish.yml/runs"
WORKFLOWS = Workflows(publish="publish.yml", final=("done",))
CLOSED = Answer(403, b'{"message": "Resource not accessible by integration"}', JSON)
OLD, NEW = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"


def published(number: int = 5, **facts: Any) -> dict[str, Any]:
    """A run of the publish workflow that published v1.0.0."""
    plain = {
        "event": "workflow_dispatch",
        "display_title": "Publish v1.0.0",
        "path": ".github/workflows/publish.yml",
        "created_at": "2026-03-01T00:00:00Z",
    }
    return run(number, **{**plain, **facts})


def secrets(**at: str) -> dict[str, Any]:
    return listed("secrets", *({"name": name, "created_at": OLD, "updated_at": at[name]} for name in at))


def jobs(**ended: str) -> dict[str, Any]:
    return listed("jobs", *(job(name, how, id=number) for number, (name, how) in enumerate(ended.items())))


def pages(**more: Any) -> dict[str, Any]:
    """A release that was published, and secrets that were set before."""
    return {
        RUNS: listed("workflow_runs", published()),
        "/actions/runs/5/jobs": jobs(npm="success", done="success"),
        "/actions/secrets": secrets(NPM_TOKEN=OLD),
        "/environments": listed("environments", {"name": "release"}),
        "/environments/release/secrets": secrets(NPM_TOKEN=NEW, TAP_TOKEN=OLD),
        **more,
    }


def seen(made: Made) -> Credentials:
    return credentials_since(
        made.api,
        WORKFLOWS,
        base="v1.0.0",
        commit=COMMIT,
        wanted=("npm_token", "TAP_TOKEN", "GONE"),
        environments=("release",),
        reaching=("npm",),
    )


def test_it_says_which_run_published_and_when_each_secret_was_set(made: Callable[..., Made]) -> None:
    found = seen(made(pages()))
    assert (found.run, found.commit, found.published, found.doubt) == (5, COMMIT, "2026-03-01T00:00:00Z", "")
    assert found.wanted == ("GONE", "NPM_TOKEN", "TAP_TOKEN")
    assert found.settings == (
        Setting("NPM_TOKEN", OLD),
        Setting("NPM_TOKEN", NEW, "release"),
        Setting("TAP_TOKEN", OLD, "release"),
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"conclusion": "failure"}, "run 5 ended as failure"),
        ({"status": "in_progress", "conclusion": None}, "run 5 ended as in_progress"),
        ({"display_title": "Rehearse v1.0.0"}, "none is listed"),
        ({"display_title": "Publish v1.0.0-rc.1"}, "none is listed"),
        ({"display_title": "release-publish"}, "none is listed"),
        ({"event": "push"}, "none is listed"),
        ({"head_sha": OTHER}, "the publish of v1.0.0 is not known"),
    ],
)
def test_what_is_no_publish_of_the_base_is_none(
    made: Callable[..., Made], facts: dict[str, Any], words: str
) -> None:
    found = seen(made(pages(**{RUNS: listed("workflow_runs", published(**facts))})))
    assert (found.run, words in found.doubt) == (0, True)


def test_the_newest_publish_that_succeeded_counts(made: Callable[..., Made]) -> None:
    later = {"created_at": "2026-03-02T00:00:00Z"}
    more = {RUNS: listed("workflow_runs", published(6, conclusion="failure", **later), published())}
    assert seen(made(pages(**more))).run == 5


@pytest.mark.parametrize(
    ("page", "answer", "words"),
    [
        ("/actions/runs/5/jobs", jobs(npm="skipped", done="success"), "skipped npm"),
        ("/actions/runs/5/jobs", jobs(npm="success"), "skipped done"),
        ("/actions/secrets", CLOSED, "when the secrets were set is unknown"),
        ("/environments/release/secrets", CLOSED, "environment release were set is unknown"),
        ("/actions/runs/5/jobs", CLOSED, "jobs of the publish of v1.0.0 are not known"),
        (RUNS, CLOSED, "the publish of v1.0.0 is not known"),
    ],
)
def test_what_cannot_be_seen_is_a_doubt(
    made: Callable[..., Made], page: str, answer: Any, words: str
) -> None:
    assert words in seen(made(pages(**{page: answer}))).doubt
