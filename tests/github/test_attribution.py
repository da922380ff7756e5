"""Whose a publish run is that somebody dispatched from anywhere, in a workflow whose titles say nothing.

SPEC S38. Guards against a second live dispatch of a release, and against a good release that old runs of
other releases would hold up.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.github.attribution import Attribution, speaks_of
from pytest_relgate.model import Phase
from pytest_relgate.net.facts import known
from pytest_relgate.profile.source import Workflows
from pytest_relgate.request import asked_others
from tests.github.conftest import COMMIT, Made, listed, run
from tests.github.test_dispatch import OTHER, TAG, TITLES, World, job, makes, said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_relgate.github.publication import Publication
    from pytest_relgate.sandbox.twins.exchange import Request

BUILDS = "/actions/workflows/release.yml/runs"
BUILT, BEFORE, AFTER = "2026-03-01T10:00:00Z", "2026-02-01T10:00:00Z", "2026-03-02T10:00:00Z"
LOG = "/actions/jobs/7/logs"


class Built(World):
    """A release that was built, and is about to be published; titles of its publish workflow say nothing."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.built(self.build())
        self.other_runs: tuple[int, ...] = ()

    def build(self, **facts: Any) -> dict[str, Any]:
        run = self.hub.run(3, path=".github/workflows/release.yml", created_at=BUILT, event="push") | facts
        self.hub.runs.pop()
        return run

    def built(self, *runs: dict[str, Any]) -> None:
        self.hub.pages[BUILDS] = {"total_count": len(runs), "workflow_runs": list(runs)}

    def typed(self, phase: Phase = Phase.PUBLISH) -> Publication:
        publication = super().typed(phase)
        publication.workflows = Workflows(build="release.yml", publish="publish.yml", final=("done",))
        publication.means = replace(publication.means, other_runs=self.other_runs)
        return publication

    def by_hand(self, **facts: Any) -> None:
        """Somebody dispatched the publish workflow from main, and it ended."""
        self.hub.run(5, **{"head_sha": OTHER, "head_branch": "main", "created_at": AFTER} | facts)

    def starts(self) -> bool:
        """Whether a publish is started: True, or the block is raised."""
        assert self.typed().run_id == 101
        return len(self.hub.posts) == 1


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Built]:
    made = Built(tmp_path)
    yield made
    made.http.close()
    made.served.close()


@pytest.mark.parametrize(
    ("log", "why"),
    [
        ("RELEASE_TAG: v1.0.0\n", "the log of its job to-npm speaks of this version"),
        ("Uploading demo-1.0.0-py3-none-any.whl\n", "the log of its job to-npm speaks of this version"),
        (None, "the log of its job to-npm is not there"),
        ("", "the log of its job to-npm is not there"),
    ],
)
def test_a_run_from_another_branch_that_may_have_published_it_blocks(
    world: Built, log: str | None, why: str
) -> None:
    world.by_hand()
    if log is not None:
        world.hub.pages[LOG] = log or None
    with pytest.raises(CannotJudge, match=f"run 5 may be a publish of {TAG}: .* {why}") as blocked:
        world.typed().dispatched()
    assert blocked.value.where == "https://hub/runs/5"
    assert "--release-other-run 5." in blocked.value.do
    assert (world.hub.posts, world.on_disk()) == ([], {})


@pytest.mark.parametrize(
    "facts",
    [
        {"created_at": BEFORE, "updated_at": BEFORE},
        {"head_branch": "v0.9.0"},
        {"head_branch": "v1.0.0-rc.1", "head_sha": "a" * 40},
        {"display_title": "Publish v0.9.0"},
        {"event": "pull_request"},
        {"conclusion": "startup_failure"},
    ],
)
def test_a_run_that_says_itself_that_it_is_of_another_holds_nothing_up(
    world: Built, facts: dict[str, Any]
) -> None:
    world.by_hand(**facts)
    if facts.get("conclusion"):
        world.hub.jobs = []
    assert world.starts()


def test_a_run_whose_logs_never_speak_of_the_version_is_of_another(world: Built) -> None:
    world.by_hand()
    world.hub.jobs = [job("to-npm"), job("done", "skipped", 8)]
    world.hub.pages[LOG] = "RELEASE_TAG: v0.9.0, 11.0.0, 1.0.01\n"
    assert world.starts()


def test_a_run_that_came_to_no_channel_published_nothing(world: Built) -> None:
    world.by_hand(conclusion="failure")
    world.hub.jobs = [job("resolve", "failure"), job("to-npm", "skipped"), job("done", "skipped")]
    assert world.starts()


def test_a_run_of_which_no_job_is_shown_may_have_done_anything(world: Built) -> None:
    world.by_hand()
    world.hub.jobs = []
    with pytest.raises(CannotJudge, match="run 5 may be a publish"):
        world.typed().dispatched()


def test_a_run_that_was_made_too_early_and_run_again_counts(world: Built) -> None:
    """Dispatched before there was a build, failed, and run again from its page: the same inputs."""
    world.by_hand(created_at=BEFORE, updated_at=AFTER)
    world.hub.pages[LOG] = TAG
    with pytest.raises(CannotJudge, match="run 5 may be a publish"):
        world.typed().dispatched()


def test_builds_for_the_tag_at_an_earlier_commit_count(world: Built) -> None:
    """The tag was moved after it was published from there."""
    world.built(world.build(), world.build(head_sha=OTHER, created_at="2026-01-10T00:00:00Z"))
    world.by_hand(created_at="2026-01-11T00:00:00Z", updated_at="2026-01-11T00:00:00Z")
    world.hub.pages[LOG] = TAG
    with pytest.raises(CannotJudge, match="run 5 may be a publish"):
        world.typed().dispatched()


def test_nothing_starts_where_no_build_is_listed(world: Built) -> None:
    world.built()
    with pytest.raises(CannotJudge, match=r"since when v1\.0\.0 can have been published is not known"):
        world.typed().dispatched()
    assert world.hub.posts == []


def test_what_somebody_looked_at_holds_nothing_up_and_is_on_record(world: Built) -> None:
    world.by_hand()
    world.hub.pages[LOG] = TAG
    world.other_runs = (5,)
    assert world.starts()
    assert world.journal[-1][-1] == "other-run=5"
    assert world.on_disk()["known"] == [5]


def test_a_publish_by_its_title_is_adopted_whatever_somebody_says(world: Built) -> None:
    world.by_hand(display_title=TITLES["false"], created_at="2026-03-01T10:00:01Z")
    world.other_runs = (5,)
    assert world.typed().run_id == 5
    assert world.hub.posts == []


def test_a_title_that_names_the_release_and_no_kind_blocks(world: Built) -> None:
    world.by_hand(display_title=TAG)
    world.hub.pages[LOG] = "nothing of it"
    with pytest.raises(CannotJudge, match=r"run 5 may be a publish of .* names this release"):
        world.typed().dispatched()


def test_runs_are_listed_back_to_the_first_build_and_no_further(made: Callable[..., Made]) -> None:
    """Behind more pages than one: a filtered list lags, and one page may not reach back."""
    rows = [
        run(number, created_at=f"2026-03-{31 - number // 50:02}T00:00:00Z", path=".github/workflows/p.yml")
        for number in range(500)
    ]

    def page(request: Request) -> Any:
        first = 100 * (int(request.asked("page")) - 1)
        return listed("workflow_runs", *rows[first : first + 100])

    there = made({"/actions/workflows/p.yml/runs": page})
    found = known(there.api.recent_runs("p.yml", since="2026-03-28T00:00:00Z"))
    assert {row["id"] for row in rows if row["created_at"] >= "2026-03-28"} <= {one.id for one in found}
    assert len(there.said.asked) == 3


def test_a_run_that_was_run_again_is_found_behind_a_page_of_newer_ones(made: Callable[..., Made]) -> None:
    """A list is ordered by when runs were made, and one can be run again for a month."""
    path = ".github/workflows/publish.yml"
    newer = [run(number, created_at=AFTER, updated_at=AFTER, path=path) for number in range(100, 199)]
    newer.append(run(199, created_at="2026-02-20T10:00:00Z", path=path))
    early = run(5, created_at=BEFORE, updated_at=AFTER, path=path)

    def page(request: Request) -> Any:
        return listed("workflow_runs", *(newer if request.asked("page") == "1" else [early]))

    built = run(3, created_at=BUILT, path=".github/workflows/release.yml")
    there = made({"/actions/workflows/publish.yml/runs": page, BUILDS: listed("workflow_runs", built)})
    workflows = Workflows(build="release.yml", publish="publish.yml")
    found = Attribution(there.api, workflows, TAG, COMMIT).runs()
    assert 5 in {one.id for one in found}


def test_rehearsals_of_ours_are_known_whatever_their_titles_say(world: Built) -> None:
    world.hub.on_post = [lambda hub, _: said(200, {"workflow_run_id": hub.run(4)["id"]}), makes]
    rehearsal = world.typed(Phase.REHEARSAL)
    assert rehearsal.run_id == 4
    (world.folder / "rehearsal.json").rename(world.folder / "rehearsal-bbbbbbbbbbbb.json")
    assert world.typed().run_id == 102


@pytest.mark.parametrize(
    ("named", "phase", "says"),
    [(["x"], "publish", "expected the number of a run"), (["5"], "rehearsal", "publishes nothing")],
)
def test_only_a_publish_is_told_of_other_runs(named: list[str], phase: str, says: str) -> None:
    with pytest.raises(RelgateError, match=says):
        asked_others(argparse.Namespace(release_other_run=named), phase)
    assert asked_others(argparse.Namespace(release_other_run=["5", "7"]), "publish") == (5, 7)


@given(before=st.text(), after=st.text())
def test_a_text_with_the_tag_in_it_speaks_of_it(before: str, after: str) -> None:
    assert speaks_of(f"{before} v1.2.3 {after}", "v1.2.3")


def test_a_run_that_was_run_again_is_not_known_by_its_last_attempt(world: Built) -> None:
    world.by_hand(run_attempt=2, conclusion="failure")
    world.hub.jobs = [job("resolve", "failure"), job("to-npm", "skipped"), job("done", "skipped")]
    with pytest.raises(CannotJudge, match="it was run again, and what attempt 1 of 2 did is not told"):
        world.typed().dispatched()
    assert world.hub.posts == []
    world.other_runs = (5,)
    assert world.starts()


def test_a_job_that_was_skipped_hides_none_of_its_name_that_ran(world: Built) -> None:
    world.by_hand(conclusion="failure")
    world.hub.jobs = [job("to-npm"), job("to-npm", "skipped", 8), job("done", "skipped", 9)]
    with pytest.raises(CannotJudge, match="run 5 may be a publish"):
        world.typed().dispatched()
    assert world.hub.posts == []
