"""A job of the publish is looked up in a publish of this release, and in nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.channels.outside import Outside
from pytest_relgate.github.answers import JobFacts, WorkflowRun
from pytest_relgate.net.facts import Known
from pytest_relgate.net.origins import PUBLIC
from pytest_relgate.profile import Profile
from pytest_relgate.profile.source import Workflows

if TYPE_CHECKING:
    from pathlib import Path

TAG, COMMIT, OTHER = "v1.0.0", "a" * 40, "b" * 40
REHEARSAL, PUBLISH = f"Rehearse {TAG}", f"Publish {TAG}, live"


def run(number: int, title: str, commit: str) -> WorkflowRun:
    return WorkflowRun(
        number,
        commit,
        TAG,
        "workflow_dispatch",
        "completed",
        "failure",
        "x",
        "2026-01-01T00:00:00Z",
        "publish.yml",
        display_title=title,
    )


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ([(2, PUBLISH, COMMIT), (1, REHEARSAL, COMMIT)], [2]),
        ([(2, REHEARSAL, COMMIT), (1, PUBLISH, COMMIT)], [1]),
        ([(2, PUBLISH, OTHER)], [2]),
        ([(2, "Publish v0.9.0", COMMIT), (1, PUBLISH, COMMIT)], [1]),
        ([(2, REHEARSAL, COMMIT)], []),
        ([(2, "publish", COMMIT)], []),
        ([(2, "publish", COMMIT), (1, PUBLISH, COMMIT)], []),
        ([(2, "Publish v0.9.0", COMMIT)], []),
        ([(2, "publish", OTHER)], []),
    ],
)
def test_only_a_publish_of_this_release_says_how_its_jobs_ended(
    tmp_path: Path, listed: list[tuple[int, str, str]], asked: list[int]
) -> None:
    runs, seen = tuple(run(*each) for each in listed), list[int]()

    def jobs(number: int) -> Any:
        seen.append(number)
        return Known((JobFacts(7, "to-npm", "completed", "failure"),), ())

    profile = Profile(project="demo", repository="ada/demo", workflows=Workflows(publish="publish.yml"))
    outside = Outside(profile, TAG, COMMIT, tmp_path, PUBLIC, {}, sandbox=True, evidence=tmp_path)
    outside.__dict__["api"] = SimpleNamespace(recent_runs=lambda _: Known(runs, ()), jobs=jobs)
    assert outside._publish_jobs == ({"to-npm": "failure"} if asked else {})
    assert seen == asked
