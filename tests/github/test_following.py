"""A run is followed to its own end: what fails on the way is read when it fails, and all of it is said.

SPEC S38, S44, S45. Guards against an end at the first failed job, and against logs that nobody read.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import Finding, NotYet
from pytest_relgate.github.triage import Triage
from pytest_relgate.profile.triage import TriagePattern
from pytest_relgate.sandbox.twins.exchange import Answer
from tests.github.test_dispatch import Hub, World, job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_relgate.github.publication import Publication

PATTERNS = (TriagePattern("ENEEDAUTH", "npm did not take the token", "check NPM_TOKEN", "setting"),)
LOGS = "/actions/jobs/{}/logs"


class Followed(World):
    """A publish whose jobs end one after another. ``events`` is what was said and asked, in order."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.kept: dict[str, bytes] = {}
        self.events: list[str] = []

    def publication(self) -> Publication:
        made = self.typed()
        made.means = replace(made.means, keep=self._keep, say=self.events.append, triage=Triage(PATTERNS))
        return made

    def _keep(self, name: str, raw: bytes) -> str:
        self.kept[name] = raw
        self.events.append(f"kept {name}")
        return f"attached/{name}"

    def looks(self, *each: tuple[str, list[dict[str, Any]]]) -> None:
        """What GitHub shows, look after look: the run's status, its jobs."""
        self.hub.then = [self._shows(*one) for one in each]

    def _shows(self, status: str, jobs: list[dict[str, Any]]) -> Callable[[Hub], None]:
        def then(hub: Hub) -> None:
            red = any(one["conclusion"] == "failure" for one in jobs)
            ended = ("failure" if red else "success") if status == "completed" else None
            hub.runs[-1] |= {"status": status, "conclusion": ended}
            hub.jobs = jobs
            self.events.append(f"-- {status}")

        return then


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Followed]:
    made = Followed(tmp_path)
    yield made
    made.http.close()
    made.served.close()


def _log(text: str) -> Answer:
    return Answer(200, text.encode(), {"content-type": "text/plain"})


def _logs(world: Followed, pages: dict[int, str]) -> None:
    def answer(request: Any) -> Answer:
        for number, text in pages.items():
            if request.path.endswith(LOGS.format(number)):
                return _log(text)
        return Hub.answer(world.hub, request)

    world.hub.answer = answer  # type: ignore[method-assign]  # answers in its place


FIRST = job("mac", "failure", 7)
SECOND = job("linux", "failure", 8)
BUSY = [job("linux", None, 8), job("to-npm", "success", 9)]


def test_a_failed_job_is_read_at_once_and_the_run_is_followed_to_its_end(world: Followed) -> None:
    red = "##[endgroup]\nnpm error code ENEEDAUTH\n##[error]exit 1\n"
    _logs(world, {7: red, 8: "no space\n##[error]exit 2\n"})
    world.looks(
        ("in_progress", [FIRST, *BUSY]),
        ("in_progress", [FIRST, *BUSY]),
        ("completed", [FIRST, SECOND, BUSY[1]]),
    )
    with pytest.raises(Finding) as raised:
        world.publication().succeeded()
    assert world.events == [
        "-- in_progress",
        "mac: failure  https://hub/jobs/mac",
        "linux: in progress",
        "to-npm: success",
        "kept job-7.txt",
        "mac: npm did not take the token",
        "  npm error code ENEEDAUTH",
        "  ##[error]exit 1",
        "kept run-101.json",
        "-- in_progress",
        "-- completed",
        "linux: failure  https://hub/jobs/linux",
        "kept job-8.txt",
        "  no space",
        "  ##[error]exit 2",
        "kept run-101.json",
    ]
    words = str(raised.value)
    assert "failed jobs: mac (failure), linux (failure); reached before: to-npm" in words
    assert "the logs say: npm did not take the token" in words
    assert raised.value.do.startswith("check NPM_TOKEN; gh run view 101 --log-failed; mend it")
    assert raised.value.where == "https://hub/jobs/mac"
    record = json.loads(world.kept["run-101.json"])
    assert [(one["name"], one["url"], one["log"]) for one in record["failed"]] == [
        ("mac", "https://hub/jobs/mac", "attached/job-7.txt"),
        ("linux", "https://hub/jobs/linux", "attached/job-8.txt"),
    ]
    assert record["run"]["conclusion"] == "failure"


def test_a_log_that_comes_late_is_looked_for_at_the_end(world: Followed) -> None:
    logs: dict[int, str] = {}
    _logs(world, logs)
    world.looks(("in_progress", [FIRST, *BUSY]))
    world.hub.then.append(lambda _: logs.update({7: "##[error]exit 1\n"}) or None)
    world.hub.then.append(lambda hub: hub.runs[-1].update(status="completed", conclusion="failure"))
    with pytest.raises(Finding, match=r"failed jobs: mac \(failure\)"):
        world.publication().succeeded()
    record = json.loads(world.kept["run-101.json"])
    assert [(one["log"], one["problem"]) for one in record["failed"]] == [("attached/job-7.txt", "")]


WAITS = {"status": "waiting", "conclusion": None}
GRACE = [
    {"environment": {"name": "release"}, "reviewers": [{"type": "User", "reviewer": {"login": "grace"}}]}
]


def test_an_approval_is_waited_for_once_nothing_else_is_at_work(world: Followed) -> None:
    world.hub.pages["/actions/runs/101/pending_deployments"] = GRACE
    gated = job("to-npm", None) | WAITS
    world.looks(("waiting", [job("linux", None), gated]), ("waiting", [job("linux"), gated]))
    with pytest.raises(NotYet, match="waits for an approval for release by grace"):
        world.publication().succeeded()
    assert world.events[-1] == "linux: success"  # it was followed until that had ended


def test_a_job_that_waits_is_seen_although_the_run_does_not_say_so(world: Followed) -> None:
    world.hub.pages["/actions/runs/101/pending_deployments"] = GRACE
    world.looks(("in_progress", [job("linux"), job("to-npm", None) | WAITS]))
    with pytest.raises(NotYet, match="by grace"):
        world.publication().succeeded()


def test_what_failed_is_said_although_the_rest_waits_for_somebody(world: Followed) -> None:
    world.hub.pages["/actions/runs/101/pending_deployments"] = GRACE
    world.looks(("waiting", [FIRST, job("to-npm", None) | WAITS]))
    with pytest.raises(Finding, match=r"failed jobs: mac \(failure\); .*waits for an approval .* by grace"):
        world.publication().succeeded()


def test_a_matrix_that_fails_as_a_whole_costs_no_more_than_its_first_logs(world: Followed) -> None:
    jobs = [job(f"cell {number}", "failure", number) for number in range(30)]
    world.looks(("completed", jobs))
    with pytest.raises(Finding, match=r"cell 3 \(failure\), and 26 more"):
        world.publication().succeeded()
    assert len({one for one in world.hub.asked if one.endswith("/logs")}) == 20
