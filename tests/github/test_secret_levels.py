"""A secret is there for the jobs that read it, on the level that they are given, and young enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.github.access import Access
from pytest_relgate.github.facts import GitHub
from pytest_relgate.github.secrets import Levels, Shown, age_in_days, judge_secret
from pytest_relgate.net.facts import Unknown
from pytest_relgate.net.origins import PUBLIC
from pytest_relgate.profile.source import Workflows
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.source.workflow_secrets import Use, Uses
from tests.github.conftest import COMMIT, Made, Pages, job, listed, run

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NEW, OLD = "2026-05-01T00:00:00Z", "2026-01-01T00:00:00Z"
CLOSED = Unknown("it answered 403", "", ())


def uses(*environments: str | None, **more: Any) -> Uses:
    mine = tuple(Use("NPM_TOKEN", f"job-{n}", one, "x.yml:1") for n, one in enumerate(environments))
    return Uses(mine, tuple(one for one in environments if one), **more)


JUDGED = {
    "of-the-repository": (Levels({"NPM_TOKEN": NEW}), uses("", "release"), Shown.THERE, ""),
    "of-the-environment": (Levels({}, {"release": {"NPM_TOKEN": NEW}}), uses("release"), Shown.THERE, ""),
    "nowhere": (Levels({}, {"release": {}}), uses("release"), Shown.MISSING, ""),
    "of-another-environment": (
        Levels({}, {"release": {}, "staging": {"NPM_TOKEN": NEW}}),
        uses("release"),
        Shown.MISSING,
        "it is in the environment staging, and job job-0 runs in release",
    ),
    "a-job-without-environment": (
        Levels({}, {"release": {"NPM_TOKEN": NEW}}),
        uses("release", ""),
        Shown.MISSING,
        "job job-1 names no environment",
    ),
    "an-expression": (
        Levels({}, {"release": {"NPM_TOKEN": NEW}}),
        uses("release", None),
        Shown.UNKNOWN,
        "an expression names the environment of job job-1",
    ),
    "an-expression-and-shared": (Levels({"NPM_TOKEN": NEW}), uses(None), Shown.THERE, ""),
    "closed-level": (Levels({}, {"release": {}}, {"": CLOSED}), uses("release"), Shown.UNKNOWN, "403"),
    "closed-environment": (Levels({}, {}, {"release": CLOSED}), uses("release"), Shown.UNKNOWN, "403"),
    "closed-environment-of-others": (Levels({}, {}, {"staging": CLOSED}), uses("release"), Shown.MISSING, ""),
    "closed-and-there": (Levels({"NPM_TOKEN": NEW}, {}, {"": CLOSED}), uses(""), Shown.THERE, ""),
    "read-by-nobody": (
        Levels({}, {"release": {"NPM_TOKEN": NEW}}),
        Uses((), ("release",)),
        Shown.THERE,
        "",
    ),
    "read-by-nobody-elsewhere": (
        Levels({}, {"staging": {"NPM_TOKEN": NEW}}),
        Uses((), ("release",)),
        Shown.MISSING,
        "and no job of the release runs there",
    ),
    "no-workflow": (
        Levels({}, {"release": {"NPM_TOKEN": NEW}}),
        None,
        Shown.UNKNOWN,
        "nothing says which jobs run there",
    ),
    "old": (Levels({"NPM_TOKEN": OLD}), uses(""), Shown.OLD, "set 151 days ago, and its token lives 90 days"),
    "old-but-not-for-the-environment": (
        Levels({"NPM_TOKEN": OLD}, {"release": {"NPM_TOKEN": NEW}}),
        uses("release"),
        Shown.THERE,
        "",
    ),
    "old-for-one-job": (
        Levels({"NPM_TOKEN": OLD}, {"release": {"NPM_TOKEN": NEW}}),
        uses("release", ""),
        Shown.OLD,
        "151 days",
    ),
    "without-a-time": (Levels({"NPM_TOKEN": ""}), uses(""), Shown.THERE, ""),
}


@pytest.mark.parametrize(("levels", "read", "shown", "words"), JUDGED.values(), ids=list(JUDGED))
def test_a_secret_is_what_its_levels_show(
    levels: Levels, read: Uses | None, shown: Shown, words: str
) -> None:
    judged = judge_secret("NPM_TOKEN", levels, read, longest=90, now=NOW)
    assert judged.shown is shown, judged
    assert words in judged.words


def test_without_a_longest_life_no_secret_is_old() -> None:
    judged = judge_secret(
        "NPM_TOKEN", Levels({"NPM_TOKEN": "2010-01-01T00:00:00Z"}), None, longest=None, now=NOW
    )
    assert judged.shown is Shown.THERE


@pytest.mark.parametrize(
    ("time", "days"),
    [
        ("2026-05-31T00:00:00Z", 1),
        ("2026-05-31T02:00:00+02:00", 1),
        ("2026-05-31T00:00:00", 1),
        ("soon", None),
    ],
)
def test_the_age_of_a_time(time: str, days: float | None) -> None:
    assert age_in_days(time, NOW) == days


# As GitHub says it

REFUSED = Answer(403, b'{"message": "Resource not accessible by integration"}')
PREFLIGHT = (("NPM_TOKEN", "preflight"),)
RUNS = "/actions/workflows/publish.yml/runs"


@pytest.fixture
def project(made: Callable[..., Made]) -> Callable[..., GitHub]:
    def make(pages: Pages, read: Uses, days: int = 90) -> GitHub:
        here = made(pages)
        return GitHub(
            here.api,
            Workflows(publish="publish.yml"),
            target="v0.2.0",
            commit=COMMIT,
            environ={},
            access=Access(
                here.api.http, PUBLIC, {}, "ada/demo", {}, uses=lambda: read, days={"NPM_TOKEN": days}
            ),
        )

    return make


def secret(updated: str = "") -> dict[str, str]:
    return {"name": "NPM_TOKEN", "updated_at": updated or f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def on(level: str) -> Pages:
    """The secret on one level, with two environments."""
    pages: Pages = {
        "/actions/secrets": listed("secrets"),
        "/environments": listed("environments", {"name": "release"}, {"name": "staging"}),
        "/environments/release/secrets": listed("secrets"),
        "/environments/staging/secrets": listed("secrets"),
    }
    return pages | {level: listed("secrets", secret())}


@pytest.mark.parametrize(
    ("level", "there"),
    [
        ("/actions/secrets", True),
        ("/actions/organization-secrets", True),
        ("/environments/release/secrets", True),
        ("/environments/staging/secrets", False),
    ],
)
def test_an_environment_counts_only_for_the_jobs_that_name_it(
    project: Callable[..., GitHub], level: str, there: bool
) -> None:
    github = project(on(level), uses("release"))
    if there:
        assert github.has_secrets(["NPM_TOKEN"])
    else:
        with pytest.raises(Finding, match=r"not configured: NPM_TOKEN \(it is in the environment staging"):
            github.has_secrets(["NPM_TOKEN"])


@pytest.mark.parametrize(
    ("ended", "preflight", "there"),
    [
        ("success", PREFLIGHT, True),
        ("failure", PREFLIGHT, False),
        ("skipped", PREFLIGHT, False),
        ("success", (), False),
    ],
)
def test_the_preflight_of_a_rehearsal_shows_what_may_not_be_listed(
    project: Callable[..., GitHub], ended: str, preflight: tuple[tuple[str, str], ...], there: bool
) -> None:
    runs = listed("workflow_runs", run(7, path=".github/workflows/publish.yml", event="workflow_dispatch"))
    pages = {
        "/actions/secrets": REFUSED,
        "/actions/organization-secrets": REFUSED,
        "/environments": REFUSED,
        "/environments/release/secrets": REFUSED,
        RUNS: runs,
        "/actions/runs/7/jobs": listed("jobs", job("preflight", ended), job("publish")),
    }
    github = project(pages, uses("release", preflight=preflight))
    if there:
        assert github.has_secrets(["NPM_TOKEN"])
    else:
        with pytest.raises(CannotJudge, match="whether NPM_TOKEN is there is unknown"):
            github.has_secrets(["NPM_TOKEN"])


def test_a_secret_that_is_older_than_its_token_lives_is_called_probably_expired(
    project: Callable[..., GitHub],
) -> None:
    old = secret(f"{datetime.now(UTC) - timedelta(days=100):%Y-%m-%dT%H:%M:%SZ}")
    pages = {"/actions/secrets": listed("secrets", old)}
    with pytest.raises(Finding, match=r"probably expired: NPM_TOKEN \(set 100 days ago") as caught:
        project(pages, uses("")).has_secrets(["NPM_TOKEN"])
    assert caught.value.do == "gh secret set NPM_TOKEN --repo ada/demo with a new token"
    assert project(pages, uses(""), days=101).has_secrets(["NPM_TOKEN"])
