"""Logs of failed jobs are read one by one, and what they mean is told; it decides nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_relgate.errors import Finding
from pytest_relgate.github.answers import JobFacts
from pytest_relgate.github.facts import GitHub
from pytest_relgate.github.means import Means
from pytest_relgate.github.triage import FailedJob, RunRecord, Signal, Triage, excerpt, lines_of
from pytest_relgate.profile import parse_profile
from pytest_relgate.profile.triage import TriagePattern
from pytest_relgate.sandbox.twins.exchange import Answer
from tests.github.conftest import job, listed, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.github.conftest import Made

LOG = b"""\
\xef\xbb\xbf2026-03-16T12:00:00.1234567Z ##[group]Run npm publish
2026-03-16T12:00:01.1234567Z \x1b[31mnpm error code ENEEDAUTH\x1b[0m
2026-03-16T12:00:02.1234567Z npm error need auth\tnow \xff
2026-03-16T12:00:03.1234567Z ##[error]Process completed with exit code 1.
2026-03-16T12:00:04.1234567Z Post job cleanup.
"""
PATTERNS = (
    TriagePattern("ENEEDAUTH|E401", "npm got no token", "set NPM_TOKEN", "setting"),
    TriagePattern("No space left", "the disk is full", cause="chance"),
    TriagePattern("exit code [1-9]", "a step failed"),
)


def test_a_log_is_read_without_stamps_and_colours() -> None:
    assert lines_of(LOG) == (
        "##[group]Run npm publish",
        "npm error code ENEEDAUTH",
        "npm error need auth now \ufffd",
        "##[error]Process completed with exit code 1.",
        "Post job cleanup.",
    )
    assert lines_of(b"") == ()
    assert len(lines_of(b"x" * 10_000)[0]) == 400


def test_the_excerpt_ends_with_the_last_error() -> None:
    assert excerpt(lines_of(LOG))[-1] == "##[error]Process completed with exit code 1."
    many = tuple(f"line {number}" for number in range(50))
    assert excerpt(many) == many[-20:]
    assert excerpt((*many, "##[error]no", *many)) == (*many[-19:], "##[error]no")
    assert excerpt(()) == ()


def test_patterns_of_the_profile_find_signals_each_once() -> None:
    found = Triage(PATTERNS).signals((*lines_of(LOG), "npm error E401"))
    assert [(one.says, one.line, one.cause) for one in found] == [
        ("npm got no token", "npm error E401", "setting"),
        ("a step failed", "##[error]Process completed with exit code 1.", ""),
    ]
    assert Triage().signals(lines_of(LOG)) == ()


PROFILE = b"""\
project = "demo"
[channels.npm]
kind = "npm"
job = "publish-npm"
[channels.tap]
kind = "homebrew"
tap = "ada/homebrew-tap"
job = "to-the-tap"
"""


@pytest.mark.parametrize("name", ["to-the-tap", "sync-homebrew-tap", "homebrew-tap-sync"])
def test_a_failed_sync_of_the_tap_names_its_secret_and_the_rerun(name: str) -> None:
    triage = Triage.of(parse_profile(PROFILE, "relgate.toml"))
    assert triage.channels == {"publish-npm": "npm", "to-the-tap": "tap"}
    told = triage.remedy(name, (), "gh run rerun 7 --failed")
    assert told.startswith("check HOMEBREW_TAP_TOKEN: ")
    assert told.endswith("; gh run rerun 7 --failed")
    assert triage.remedy("publish-npm", (), "again") == "again"
    known = Signal("no push", "denied", "check HOMEBREW_TAP_TOKEN")
    assert triage.remedy(name, (known,), "again") == "check HOMEBREW_TAP_TOKEN; again"  # once is enough


def kept_by(pages: dict[str, bytes]) -> Callable[[str, bytes], str]:
    def keep(name: str, raw: bytes) -> str:
        pages[name] = raw
        return f"attached/{name}"

    return keep


def log(raw: bytes) -> Callable[[Any], Answer]:
    return lambda _: Answer(200, raw, {"content-type": "text/plain"})


def test_every_failed_job_is_read_and_no_other(made: Callable[..., Made]) -> None:
    there = made({"/actions/jobs/2/logs": log(LOG), "/actions/jobs/4/logs": Answer(500, b"oops")})
    jobs = [
        job("good", id=1),
        job("npm", "failure", id=2, html_url="https://github.example/job/2"),
        job("gone", "cancelled", id=3),
        job("lost", "timed_out", id=4),
        job("busy", None, id=5),
    ]
    files: dict[str, bytes] = {}
    said: list[str] = []
    facts = msgspec.convert(jobs, tuple[JobFacts, ...])
    read = Triage(PATTERNS).read(there.api, facts, keep=kept_by(files), say=said.append, again="rerun")
    assert [(one.name, one.conclusion, one.log) for one in read] == [
        ("npm", "failure", "attached/job-2.txt"),
        ("gone", "cancelled", ""),
        ("lost", "timed_out", ""),
    ]
    assert (read[0].url, read[0].remedy) == ("https://github.example/job/2", "set NPM_TOKEN; rerun")
    assert "404" in read[1].problem
    assert "500" in read[2].problem
    assert len([one for one in there.said.asked if one.path.endswith("/logs")]) == 5  # 500 is asked thrice
    assert files == {"job-2.txt": LOG}
    assert said == ["npm: npm got no token", "npm: a step failed"]


def test_of_a_matrix_that_failed_as_a_whole_every_job_is_named(made: Callable[..., Made]) -> None:
    there = made({f"/actions/jobs/{number}/logs": log(LOG) for number in range(30)})
    jobs = tuple(JobFacts(number, f"job {number}", "completed", "failure") for number in range(30))
    read = Triage().read(there.api, jobs, keep=lambda *_: None, say=print)
    assert [one.name for one in read] == [one.name for one in jobs]
    assert [one.problem for one in read] == [""] * 20 + ["not read"] * 10


def test_where_github_does_not_answer_no_more_logs_are_asked(made: Callable[..., Made]) -> None:
    there = made({"/actions/jobs/0/logs": Answer(503, b"oops")})
    jobs = tuple(JobFacts(number, f"job {number}", "completed", "failure") for number in range(9))
    read = Triage().read(there.api, jobs, keep=lambda *_: None, say=print, again="rerun")
    assert "503" in read[0].problem
    assert {one.problem for one in read[1:]} == {"not read: another log could not be"}
    assert {one.remedy for one in read} == {"rerun"}
    assert len({one.path for one in there.said.asked}) == 1


def test_a_log_that_cannot_be_kept_changes_nothing_else(made: Callable[..., Made]) -> None:
    def full(name: str, raw: bytes) -> str:
        raise OSError(28, "No space left on device")

    there = made({"/actions/jobs/2/logs": log(LOG)})
    jobs = (JobFacts(2, "npm", "completed", "failure"),)
    (read,) = Triage(PATTERNS).read(there.api, jobs, keep=full, say=print)
    assert (read.log, read.problem) == ("", "the log could not be kept: No space left on device")
    assert read.signals[0].says == "npm got no token"


def test_a_build_keeps_the_logs_of_failed_jobs_while_others_are_at_work(
    made: Callable[..., Made], tmp_path: Path
) -> None:
    pages = {
        "/actions/workflows/release.yml/runs": listed(
            "workflow_runs",
            run(
                5,
                path=".github/workflows/release.yml",
                head_branch="v0.2.0",
                status="in_progress",
                conclusion=None,
            ),
        ),
        "/actions/runs/5/jobs": listed(
            "jobs", job("linux", None, id=6), job("mac", "failure", id=7, html_url="https://github.example/7")
        ),
        "/actions/jobs/7/logs": log(LOG),
    }
    there = made(pages).github
    files: dict[str, bytes] = {}
    said: list[str] = []
    means = Means(tmp_path, keep=kept_by(files), say=said.append, triage=Triage(PATTERNS))
    github = GitHub(there.api, there.workflows, target="v0.2.0", commit=there.commit, environ={}, means=means)
    with pytest.raises(Finding, match="failed jobs: mac") as caught:
        github.build.succeeded()
    assert caught.value.do.startswith("set NPM_TOKEN; gh run view 5 --log-failed")
    assert set(files) == {"job-7.txt", "run-5.json"}
    record = msgspec.json.decode(files["run-5.json"], type=RunRecord)
    assert (record.kind, record.run.id, [one.name for one in record.jobs]) == ("build", 5, ["linux", "mac"])
    assert isinstance(record.failed[0], FailedJob)
    assert record.failed[0].signals[0].says == "npm got no token"
    assert json.loads(files["run-5.json"])["run"]["html_url"].endswith("/actions/runs/5")
    assert said[0] == "mac: npm got no token"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('pattern = "("\nsays = "x"', "expected a regular expression, found"),
        ('pattern = ".*"\nsays = "x"', "expected a regular expression that not every line matches"),
        ('pattern = "a"\nsays = " "', "expected one line of words"),
        ('pattern = "a"', 'missing key "says"'),
        ('pattern = "a"\nsays = "x"\ncause = "luck"', 'expected "code", "setting" or "chance"'),
        ('pattern = "a"\nsays = "x"\nverdict = "red"', 'unknown key "verdict"'),
    ],
)
def test_a_malformed_pattern_is_an_error_with_its_line(text: str, says: str) -> None:
    with pytest.raises(Exception, match=r"relgate\.toml:\d+: ") as caught:
        parse_profile(b'project = "p"\n[[triage]]\n' + text.encode(), "relgate.toml")
    assert says in str(caught.value)
