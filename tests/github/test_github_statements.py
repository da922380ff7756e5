"""What GitHub says of a project is true, a finding, awaited, or unknown: four different answers."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.github.facts import GitHub
from pytest_relgate.sandbox.twins.exchange import Answer, Request
from tests.github.conftest import COMMIT, OTHER, Made, Pages, job, listed, repository, run

Make = Callable[..., Made]
Ask = Callable[[GitHub], Any]
CI = "/actions/workflows/ci.yml/runs"
ALL_RUNS = "/actions/runs"
JOBS = "/actions/runs/1/jobs"
BUILD = "/actions/workflows/release.yml/runs"
TAG = "/git/ref/tags/v0.2.0"
REFUSED = Answer(403, b'{"message": "Resource not accessible by integration"}')


def runs(*rows: dict[str, Any]) -> dict[str, Any]:
    return listed("workflow_runs", *rows)


def ref(sha: str = COMMIT, kind: str = "commit") -> dict[str, Any]:
    return {"ref": "refs/tags/v0.2.0", "object": {"sha": sha, "type": kind}}


def no_page_but_the_first(rows: list[dict[str, Any]]) -> Callable[[Request], dict[str, Any]]:
    return lambda request: {
        "total_count": len(rows),
        "workflow_runs": rows if request.asked("page") == "1" else [],
    }


ANSWERS: Ask = lambda github: github.answers()
CREDENTIALS: Ask = lambda github: github.takes_the_credentials()
PUSHED: Ask = lambda github: github.has_the_commit()
FREE: Ask = lambda github: github.tag_is_free_or_ours()
TAGGED: Ask = lambda github: github.has_the_tag()
GREEN: Ask = lambda github: github.is_green()
SECRETS: Ask = lambda github: github.has_secrets(["NPM_TOKEN", "TAP_TOKEN"])
BUILT: Ask = lambda github: github.build.succeeded()
COMPLETE: Ask = lambda github: github.build.has_artifacts()
PROVED: Ask = lambda github: github.build.proves_its_source()

TRUE: dict[str, tuple[Pages, Ask]] = {
    "answers": ({}, ANSWERS),
    "another-case": ({"": repository(full_name="Ada/Demo")}, ANSWERS),
    "credentials": ({}, CREDENTIALS),
    "pushed": ({}, PUSHED),
    "tag-planned": ({}, FREE),
    "tag-ours": ({TAG: ref()}, FREE),
    "tag-annotated": (
        {
            TAG: ref("c" * 40, "tag"),
            f"/git/tags/{'c' * 40}": {"tag": "v0.2.0", "object": {"sha": COMMIT, "type": "commit"}},
        },
        TAGGED,
    ),
    "green": ({}, GREEN),
    "green-by-a-skipped-job": ({JOBS: listed("jobs", job(), job("docs", "skipped"))}, GREEN),
    "green-after-a-red-one": (
        {CI: runs(run(1, conclusion="success"), run(0, conclusion="failure"))},
        GREEN,
    ),
    "green-where-the-list-by-commit-lags": (
        {CI: lambda request: runs() if request.asked("head_sha") else runs(run())},
        GREEN,
    ),
    "green-where-the-workflow's-list-lags": ({CI: runs(), ALL_RUNS: runs(run())}, GREEN),
    "green-with-a-ref-in-its-path": ({CI: runs(run(path=".github/workflows/ci.yml@main"))}, GREEN),
    "green-beside-a-cancelled-duplicate": (
        {CI: runs(run(2, conclusion="cancelled"), run(1))},
        GREEN,
    ),
    "green-beside-a-cancelled-one-by-hand": (
        {CI: runs(run(2, event="workflow_dispatch", conclusion="cancelled"), run(1))},
        GREEN,
    ),
    "green-before-a-red-one-by-schedule": (
        {CI: runs(run(2, event="schedule", conclusion="failure"), run(1))},
        GREEN,
    ),
    "green-by-schedule-alone": ({CI: runs(run(1, event="schedule"))}, GREEN),
    "secrets-of-the-repository": (
        {"/actions/secrets": listed("secrets", {"name": "NPM_TOKEN"}, {"name": "TAP_TOKEN"})},
        SECRETS,
    ),
    "secrets-of-the-organisation": (
        {
            "/actions/secrets": listed("secrets", {"name": "NPM_TOKEN"}),
            "/actions/organization-secrets": listed("secrets", {"name": "TAP_TOKEN"}),
        },
        SECRETS,
    ),
    "secrets-although-one-level-is-closed": (
        {
            "/actions/secrets": listed("secrets", {"name": "NPM_TOKEN"}, {"name": "TAP_TOKEN"}),
            "/actions/organization-secrets": REFUSED,
        },
        SECRETS,
    ),
    "built": (
        {BUILD: runs(run(path="release.yml", head_branch="v0.2.0")), JOBS: listed("jobs", job("build"))},
        BUILT,
    ),
    "built-by-dispatch": (
        {
            BUILD: runs(run(path="release.yml", event="workflow_dispatch")),
            JOBS: listed("jobs", job("build")),
        },
        BUILT,
    ),
    "built-by-push-and-dispatched-for-another-tag": (
        {
            BUILD: runs(
                run(2, path="release.yml", event="workflow_dispatch"),
                run(path="release.yml", head_branch="v0.2.0"),
            ),
            JOBS: listed("jobs", job("build")),
            "/actions/runs/2/jobs": listed("jobs"),
        },
        BUILT,
    ),
    "built-again-at-the-tag": (
        {
            BUILD: runs(
                run(2, path="release.yml", head_branch="v0.2.0", event="workflow_dispatch"),
                run(path="release.yml", head_branch="v0.2.0", conclusion="failure"),
            ),
            "/actions/runs/2/jobs": listed("jobs", job("build")),
        },
        BUILT,
    ),
}

NOT_TRUE: dict[str, tuple[Pages, Ask, type[Exception], str]] = {
    "renamed": ({"": repository(full_name="ada/other")}, ANSWERS, Finding, "is called ada/other by now"),
    "archived": ({"": repository(archived=True)}, ANSWERS, Finding, "archived"),
    "no-repository": ({"": None}, ANSWERS, CannotJudge, "answered 404"),
    "down": ({"": Answer(502)}, ANSWERS, CannotJudge, "answered 502"),
    "stranger": ({"": repository(permissions=None)}, CREDENTIALS, CannotJudge, "as it answers strangers"),
    "not-pushed": ({f"/commits/{COMMIT}": Answer(422, b"{}")}, PUSHED, Finding, "is not on GitHub"),
    "commit-unknown": ({f"/commits/{COMMIT}": Answer(500)}, PUSHED, CannotJudge, "answered 500"),
    "tag-taken": ({TAG: ref(OTHER)}, FREE, Finding, "v0.2.0 is taken on GitHub: it is at bbbbbbbbbbbb"),
    "tag-twice": (
        {TAG: ref(COMMIT), TAG.replace("v0.2.0", "0.2.0"): ref(OTHER)},
        FREE,
        Finding,
        "the tag 0.2.0 means the same version and is at bbbbbbbbbbbb",
    ),
    "tag-unknown": ({TAG: REFUSED}, FREE, CannotJudge, "access was refused"),
    "tag-of-a-tree": ({TAG: ref(OTHER, "tree")}, FREE, CannotJudge, "points at a tree"),
    "tag-not-there": ({}, TAGGED, NotYet, "not on GitHub yet"),
    "red": ({CI: runs(run(conclusion="failure"))}, GREEN, Finding, "ended as failure"),
    "cancelled": ({CI: runs(run(conclusion="cancelled"))}, GREEN, Finding, "ended as cancelled"),
    "skipped": ({CI: runs(run(conclusion="skipped"))}, GREEN, Finding, "ended as skipped"),
    "red-after-a-green-one": (
        {CI: runs(run(1, conclusion="success"), run(2, conclusion="failure"))},
        GREEN,
        Finding,
        "ended as failure",
    ),
    "red-before-a-green-one-by-schedule": (
        {
            CI: runs(run(2, event="schedule"), run(1, conclusion="failure")),
            "/actions/runs/2/jobs": listed("jobs", job()),
        },
        GREEN,
        Finding,
        "ended as failure",
    ),
    "red-before-a-green-one-by-hand": (
        {
            CI: runs(run(2, event="workflow_dispatch"), run(1, conclusion="failure")),
            "/actions/runs/2/jobs": listed("jobs", job()),
        },
        GREEN,
        Finding,
        "ended as failure",
    ),
    "red-before-one-at-work": (
        {
            CI: runs(
                run(2, event="merge_group", status="queued", conclusion=None), run(1, conclusion="failure")
            )
        },
        GREEN,
        Finding,
        "ended as failure",
    ),
    "cancelled-and-by-schedule-green": (
        {CI: runs(run(2, event="schedule"), run(1, conclusion="cancelled"))},
        GREEN,
        Finding,
        "ended as cancelled",
    ),
    "cancelled-while-another-runs": (
        {CI: runs(run(2, conclusion="cancelled"), run(1, status="in_progress", conclusion=None))},
        GREEN,
        NotYet,
        "is in progress",
    ),
    "queued": ({CI: runs(run(status="queued", conclusion=None))}, GREEN, NotYet, "is queued"),
    "running": ({CI: runs(run(status="in_progress", conclusion=None))}, GREEN, NotYet, "is in progress"),
    "awaits-approval": ({CI: runs(run(status="waiting", conclusion=None))}, GREEN, NotYet, "an approval"),
    "no-conclusion": ({CI: runs(run(conclusion=None))}, GREEN, CannotJudge, "without a conclusion"),
    "no-run": ({CI: runs(), ALL_RUNS: runs()}, GREEN, NotYet, "has no run on aaaaaaaaaaaa that GitHub lists"),
    "of-another-commit": (
        {CI: runs(run(head_sha=OTHER)), ALL_RUNS: runs(run(head_sha=OTHER))},
        GREEN,
        NotYet,
        "has no run on aaaaaaaaaaaa",
    ),
    "of-another-workflow": (
        {CI: runs(run(path=".github/workflows/lint.yml")), ALL_RUNS: runs()},
        GREEN,
        NotYet,
        "has no run",
    ),
    "of-a-pull-request": ({CI: runs(run(event="pull_request"))}, GREEN, NotYet, "has no run"),
    "skip-ci": (
        {
            CI: runs(),
            ALL_RUNS: runs(),
            f"/commits/{COMMIT}": {"sha": COMMIT, "commit": {"message": "Typo\n\n[skip ci]"}},
        },
        GREEN,
        Finding,
        r"its message says \[skip ci\]",
    ),
    "no-run-and-not-pushed": (
        {CI: runs(), ALL_RUNS: runs(), f"/commits/{COMMIT}": Answer(422, b"{}")},
        GREEN,
        Finding,
        "the commit is not on GitHub",
    ),
    "no-jobs": ({JOBS: listed("jobs")}, GREEN, Finding, "no job of it succeeded"),
    "only-skipped-jobs": ({JOBS: listed("jobs", job("a", "skipped"))}, GREEN, Finding, "no job of it"),
    "a-job-that-may-fail": (
        {JOBS: listed("jobs", job(), job("flaky", "failure"))},
        GREEN,
        Finding,
        r"flaky \(failure\)",
    ),
    "runs-unknown": ({CI: Answer(200, b"<html>")}, GREEN, CannotJudge, "found HTML"),
    "no-such-workflow": ({CI: None, ALL_RUNS: None}, GREEN, CannotJudge, "answered 404"),
    "secret-missing": (
        {
            "/actions/secrets": listed("secrets", {"name": "NPM_TOKEN"}),
            "/environments": listed("environments"),
        },
        SECRETS,
        Finding,
        "not configured: TAP_TOKEN",
    ),
    "secrets-closed": (
        {"/actions/secrets": REFUSED, "/actions/organization-secrets": REFUSED, "/environments": REFUSED},
        SECRETS,
        CannotJudge,
        "is unknown",
    ),
    "secrets-hidden": ({"/actions/secrets": None}, SECRETS, CannotJudge, "is unknown"),
    "one-level-closed-and-not-elsewhere": (
        {
            "/actions/secrets": listed("secrets", {"name": "NPM_TOKEN"}),
            "/actions/organization-secrets": REFUSED,
        },
        SECRETS,
        CannotJudge,
        "whether TAP_TOKEN is there is unknown",
    ),
    "no-build": ({BUILD: runs(), ALL_RUNS: runs()}, BUILT, NotYet, "has no run for v0.2.0"),
    "build-of-another-branch": (
        {BUILD: runs(run(path="release.yml", head_branch="v0.3.0")), ALL_RUNS: runs()},
        BUILT,
        NotYet,
        "has no run for v0.2.0",
    ),
    "build-runs": (
        {
            BUILD: runs(run(path="release.yml", head_branch="v0.2.0", status="in_progress", conclusion=None)),
            JOBS: listed("jobs", job("build", None)),
        },
        BUILT,
        NotYet,
        "is in progress",
    ),
    "build-runs-and-has-failed": (
        {
            BUILD: runs(run(path="release.yml", head_branch="v0.2.0", status="in_progress", conclusion=None)),
            JOBS: listed("jobs", job("build (a)", "failure"), job("build (b)", None)),
        },
        BUILT,
        Finding,
        r"failed jobs: build \(a\)",
    ),
    "build-failed": (
        {
            BUILD: runs(run(path="release.yml", head_branch="v0.2.0", conclusion="startup_failure")),
            JOBS: listed("jobs"),
        },
        BUILT,
        Finding,
        "ended as startup_failure",
    ),
    "build-without-jobs": (
        {BUILD: runs(run(path="release.yml", head_branch="v0.2.0")), JOBS: listed("jobs")},
        BUILT,
        Finding,
        "has no jobs",
    ),
}


@pytest.mark.parametrize(("pages", "ask"), TRUE.values(), ids=TRUE)
def test_what_is_so_is_true(made: Make, pages: Pages, ask: Ask) -> None:
    assert ask(made(pages).github) is True


@pytest.mark.parametrize(("pages", "ask", "kind", "words"), NOT_TRUE.values(), ids=NOT_TRUE)
def test_what_is_not_says_why_and_what_to_do(
    made: Make, pages: Pages, ask: Ask, kind: type[Exception], words: str
) -> None:
    with pytest.raises((Finding, NotYet, CannotJudge)) as caught:
        ask(made(pages).github)
    assert type(caught.value) is kind, caught.value
    assert re.search(words, str(caught.value))
    assert "\n" not in str(caught.value)
    assert caught.value.do or caught.value.where


def test_without_credentials_nobody_is_asked(made: Make) -> None:
    here = made({}, token=False)
    with pytest.raises(CannotJudge, match="there are no credentials"):
        here.github.takes_the_credentials()
    assert not here.said.asked


@pytest.mark.parametrize(("flag", "kind"), [("true", None), ("false", Finding), ("", CannotJudge)])
def test_a_flag_of_the_workflow_says_whether_a_secret_is_there(
    made: Make, flag: str, kind: type[Exception] | None
) -> None:
    environ = {"RELGATE_HAS_NPM_TOKEN": flag, "RELGATE_HAS_TAP_TOKEN": "true"}
    here = made({"/actions/secrets": REFUSED}, environ=environ)
    if kind is None:
        assert SECRETS(here.github)
        assert not here.said.asked
    else:
        with pytest.raises(kind):
            SECRETS(here.github)


def test_runs_are_asked_for_by_a_whole_commit_only(made: Make) -> None:
    with pytest.raises(ValueError, match="expected a commit of 40 hex digits"):
        made({}).api.runs("ci.yml", "abc1234")
    with pytest.raises(ValueError, match="expected a commit"):
        made({}).api.runs("ci.yml", "")


def test_every_page_of_a_list_is_read(made: Make) -> None:
    jobs = [job(f"job {number}") for number in range(250)]

    def page(request: Request) -> dict[str, Any]:
        start = (int(request.asked("page")) - 1) * 100
        return {"total_count": 250, "jobs": jobs[start : start + 100]}

    here = made({JOBS: page})
    assert here.github.is_green()
    assert len([one for one in here.said.asked if one.path.endswith("/jobs")]) == 3


def test_a_list_without_an_end_is_no_list(made: Make) -> None:
    here = made({JOBS: {"total_count": 10**6, "jobs": [job()] * 100}})
    with pytest.raises(CannotJudge, match="there are more than 1000"):
        here.github.is_green()


def test_a_draft_is_found_by_listing(made: Make) -> None:
    draft = {
        "id": 1,
        "tag_name": "v0.2.0",
        "draft": True,
        "prerelease": False,
        "html_url": "https://x",
        "assets": [],
    }
    fact = made({"/releases": [draft]}).api.release("v0.2.0")
    assert fact.value.draft  # type: ignore[union-attr]  # of a release that is there


# -- what the build uploaded ----------------------------------------------------------------------------


def zipped(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, raw in files.items():
            archive.writestr(name.replace("__", "/").replace("_json", ".json"), raw)
    return out.getvalue()


def metadata(**facts: str) -> bytes:
    right = {"tag": "v0.2.0", "version": "0.2.0", "source_sha": COMMIT, "source_run_id": "1"}
    return json.dumps(right | facts).encode()


def uploaded(*archives: tuple[str, bytes], **facts: Any) -> Pages:
    rows, pages = [], {}
    for number, (name, raw) in enumerate(archives, 50):
        row = {
            "id": number,
            "name": name,
            "size_in_bytes": len(raw),
            "expired": False,
            "archive_download_url": "https://x",
            "digest": f"sha256:{hashlib.sha256(raw).hexdigest()}",
        }
        rows.append(row | facts)
        pages[f"/actions/artifacts/{number}/zip"] = Answer(200, raw)
    return pages | {
        BUILD: runs(run(path="release.yml", head_branch="v0.2.0")),
        "/actions/runs/1/artifacts": listed("artifacts", *rows),
    }


GOOD = ("release-metadata", zipped(metadata_json=metadata()))
DIST = ("dist", zipped(demo=b"bytes"))


def test_a_build_that_proves_its_source(made: Make) -> None:
    here = made(uploaded(GOOD, DIST), artifacts=("release-metadata", "dist"))
    assert PROVED(here.github)
    assert COMPLETE(here.github)


@pytest.mark.parametrize(
    ("archives", "words"),
    [
        ((DIST,), "has no artifacts named release-metadata"),
        ((GOOD, GOOD), "has 2 artifacts named release-metadata"),
        ((("release-metadata", zipped()),), "holds 0 metadata files"),
        ((("release-metadata", zipped(a_json=metadata(), b_json=metadata())),), "holds 2 metadata files"),
        ((("release-metadata", b"no zip"),), "is no zip archive"),
        ((("release-metadata", zipped(m_json=b"{")),), "is no build metadata"),
        ((("release-metadata", zipped(m_json=b'{"tag": 1}')),), "is no build metadata"),
        ((("release-metadata", zipped(m_json=bytes(2 << 20))),), "is larger than"),
        ((("release-metadata", zipped(m_json=metadata(tag="v0.1.0"))),), "tag: expected v0.2.0, found"),
        ((("release-metadata", zipped(m_json=metadata(version="0.1.0"))),), "version: expected 0.2.0"),
        ((("release-metadata", zipped(m_json=metadata(source_sha=OTHER))),), "source_sha: expected a{40}"),
        ((("release-metadata", zipped(m_json=metadata(source_sha=COMMIT[:7]))),), "source_sha: expected"),
        ((("release-metadata", zipped(m_json=metadata(source_run_id="9"))),), "source_run_id: expected 1"),
    ],
    ids=[
        "none", "two", "empty", "two-files", "no-zip", "cut", "shape", "bomb", "tag", "version", "commit",
        "short", "run",
    ],
)  # fmt: skip
def test_a_build_that_does_not(made: Make, archives: tuple[tuple[str, bytes], ...], words: str) -> None:
    with pytest.raises(Finding, match=words):
        PROVED(made(uploaded(*archives)).github)


@pytest.mark.parametrize(
    ("facts", "words"),
    [({"expired": True}, "has expired"), ({"digest": f"sha256:{'0' * 64}"}, "is not what was uploaded")],
)
def test_metadata_that_is_not_there_any_more_proves_nothing(
    made: Make, facts: dict[str, Any], words: str
) -> None:
    with pytest.raises(Finding, match=words):
        PROVED(made(uploaded(GOOD, **facts)).github)


def test_of_a_run_that_was_started_again_the_newest_artifact_of_a_name_stands(made: Make) -> None:
    before = ("release-metadata", zipped(metadata_json=metadata(version="0.0.1")))
    pages = uploaded(before, DIST, GOOD, DIST)
    again = pages | {BUILD: runs(run(path="release.yml", head_branch="v0.2.0", run_attempt=2))}
    here = made(again, artifacts=("release-metadata", "dist")).github
    assert (PROVED(here), COMPLETE(here)) == (True, True)
    once = made(pages, artifacts=("release-metadata", "dist")).github
    with pytest.raises(Finding, match="release-metadata is there 2 times"):
        COMPLETE(once)


@pytest.mark.parametrize(
    ("pages", "gone"),
    [
        (uploaded(GOOD, DIST), False),
        (uploaded(("release-metadata", b"no zip")), False),
        (uploaded(GOOD, expired=True), True),
        (uploaded(GOOD) | {"/actions/artifacts/50/zip": Answer(410)}, True),
        (uploaded(DIST), True),
        (uploaded(), True),
    ],
)
def test_a_proof_that_is_not_kept_any_more_is_told_from_a_bad_one(
    made: Make, pages: Pages, *, gone: bool
) -> None:
    assert made(pages).github.build.proof_is_gone is gone


def test_an_archive_that_went_away_has_expired(made: Make) -> None:
    with pytest.raises(Finding, match=r"has expired: .* answered 410"):
        PROVED(made(uploaded(GOOD) | {"/actions/artifacts/50/zip": Answer(410)}).github)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (("release-metadata", "dist", "more"), "more is missing"),
        (("release-metadata",), "dist is there and is not expected"),
    ],
)
def test_artifacts_are_compared_as_a_set(made: Make, wanted: tuple[str, ...], words: str) -> None:
    with pytest.raises(Finding, match=words):
        COMPLETE(made(uploaded(GOOD, DIST), artifacts=wanted).github)


def test_what_the_profile_does_not_name_cannot_be_judged(made: Make) -> None:
    for ask in (COMPLETE, GREEN, BUILT):
        with pytest.raises(CannotJudge, match="the profile names no"):
            ask(made(uploaded(GOOD), ci=(), build="" if ask is BUILT else "release.yml").github)
    with pytest.raises(CannotJudge, match="names no secrets"):
        made({}).github.has_secrets([])
