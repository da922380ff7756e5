"""A release that was published in part is recovered: once, and never over other bytes. SPEC S40, S41."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.github.permit import permit_for
from pytest_relgate.model import Phase
from tests.github.test_dispatch import COMMIT, TAG, TITLES, Hub, World, job, makes, resets, said
from tests.github.test_permit import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_relgate.github.publication import Publication
    from pytest_relgate.sandbox.twins.exchange import Answer

RUN = "/actions/runs/101"


class Recovery(World):
    """A publish that reached npm and failed behind it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.build_run = 0
        self.other_bytes: tuple[str, ...] = ()
        self.looked_at: list[tuple[str, ...]] = []
        self.reruns = 0
        self.hub.on_post = [self.post]

    def fail(self) -> None:
        """Publish, and fail after npm was reached."""
        self.hub.jobs = [job("to-npm"), job("to-pypi", "failure"), job("done", "skipped")]
        with pytest.raises(Finding, match=r"failed jobs: to-pypi \(failure\); reached before: to-npm"):
            self.typed().succeeded()
        self.hub.runs[-1]["conclusion"] = "failure"

    def post(self, hub: Hub, body: dict[str, Any]) -> Answer:
        if "inputs" in body:
            if "build_run_id" in body["inputs"]:
                run = hub.run(100 + len(hub.posts), display_title=f"Publish {body['inputs']['build_run_id']}")
                return said(200, {"workflow_run_id": run["id"]})
            return makes(hub, body)
        self.reruns += 1
        run = hub.runs[-1]
        run |= {"run_attempt": run.get("run_attempt", 1) + 1, "conclusion": "success"}
        hub.jobs = [job("to-npm"), job("to-pypi"), job("done")]
        return said(201, {})

    def recovering(self, phase: Phase = Phase.PUBLISH) -> Publication:
        """Type the command with --release-recover."""
        publication = self.typed(phase)
        chain = replace(
            WHOLE,
            phase=phase,
            recover=True,
            build_run=self.build_run,
            earlier=tuple(
                type(one)(one.phase, one.verdict, COMMIT, one.digest, build_run=self.build_run)
                for one in WHOLE.earlier
            ),
        )
        publication.means = replace(
            publication.means, permit=lambda: permit_for(chain), recover=True, served=self.served_by
        )
        return publication

    def served_by(self, jobs: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        self.looked_at.append(jobs)
        return self.other_bytes, ("npm",)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Recovery]:
    made = Recovery(tmp_path)
    yield made
    made.http.close()
    made.served.close()


def test_what_failed_is_run_again_under_the_same_run(world: Recovery) -> None:
    world.fail()
    publication = world.recovering()
    assert (publication.dispatched(), publication.succeeded()) == (True, True)
    assert (publication.run_id, world.reruns, len(world.hub.posts)) == (101, 1, 2)
    assert world.looked_at == [("to-npm",)]  # and no channel that was not reached
    assert world.journal[-1] == ("rerun", "publish.yml", TAG, "run=101")
    assert world.on_disk()["attempt"] == 2
    assert world.typed().succeeded()  # typed again without the option: it goes on with it
    assert world.recovering().succeeded()  # nothing is left to recover
    assert world.reruns == 1


def test_nothing_is_run_again_where_a_channel_serves_other_bytes(world: Recovery) -> None:
    world.fail()
    world.other_bytes = ("npm: x.tgz is not what was built",)
    with pytest.raises(Finding, match=r"nothing was started, .* not what was built: npm: x\.tgz"):
        world.recovering().dispatched()
    assert (world.reruns, world.on_disk()["attempt"]) == (0, 0)


def test_nothing_is_run_again_once_the_tag_has_moved(world: Recovery) -> None:
    world.fail()
    world.hub.tag = "b" * 40
    with pytest.raises(
        Finding, match=r"nothing was started: v1\.0\.0 is at bbbbbbbbbbbb, the release at aaaa"
    ):
        world.recovering().dispatched()
    assert (world.reruns, world.on_disk()["attempt"]) == (0, 0)


def test_a_rerun_that_is_refused_may_be_asked_for_again(world: Recovery) -> None:
    world.fail()
    world.hub.on_post = [lambda *_: said(403, {"message": "Resource not accessible"})]
    with pytest.raises(CannotJudge, match="403"):
        world.recovering().dispatched()
    assert world.on_disk()["attempt"] == 0
    world.hub.on_post = [world.post]
    assert world.recovering().succeeded()


def test_an_attempt_that_does_not_come_is_nobodys_verdict(world: Recovery) -> None:
    world.fail()
    world.hub.on_post = [resets]
    with pytest.raises(CannotJudge, match="attempt 2 of run 101 was asked for, and GitHub shows 1"):
        world.recovering().succeeded()
    world.hub.on_post = [world.post]
    assert world.recovering().succeeded()


def test_a_run_at_work_is_followed_and_not_run_again(world: Recovery) -> None:
    world.fail()
    world.hub.runs[-1] |= {"status": "in_progress", "conclusion": None}
    assert world.recovering().dispatched()
    assert world.reruns == 0


def test_without_a_publish_there_is_nothing_to_recover(world: Recovery) -> None:
    with pytest.raises(CannotJudge, match=f"nothing to recover: no publish of {TAG} is known"):
        world.recovering().dispatched()
    assert world.hub.posts == []


def test_a_publish_of_somebody_else_is_recovered_too(world: Recovery) -> None:
    world.hub.run(101, display_title=TITLES["false"], conclusion="failure")
    world.hub.jobs = [job("to-npm"), job("to-pypi", "failure")]
    assert world.recovering().succeeded()
    assert (world.reruns, world.on_disk()["adopted"]) == (1, True)


# -- from a build run that was named ----------------------------------------------------------------------


def test_a_publish_is_started_anew_from_the_build_that_was_named(world: Recovery) -> None:
    world.fail()
    world.build_run = 55
    world.hub.jobs = [job("to-npm"), job("done")]
    publication = world.recovering()
    assert (publication.succeeded(), publication.run_id) == (True, 102)
    assert world.hub.posts[-1]["inputs"] == {"build_run_id": "55", "rehearsal": "false"}
    assert world.recovering().run_id == 102  # typed again it goes on with that
    assert (len(world.hub.posts), world.reruns) == (2, 0)
    assert (world.folder / "publish-run-101.json").exists()


def test_a_title_that_names_the_build_tells_the_run_where_no_answer_did(world: Recovery) -> None:
    world.build_run = 55

    def makes_untold(hub: Hub, _: dict[str, Any]) -> Answer:
        hub.run(300, display_title="Publish 55")
        return said(204)

    world.hub.on_post = [makes_untold]
    publication = world.recovering()
    assert (publication.run_id, publication.succeeded()) == (300, True)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"status": "in_progress", "conclusion": None}, "run 101 of .* is at work"),
        ({"conclusion": "success"}, "run 101 has published"),
    ],
)
def test_nothing_is_started_anew_beside_a_run_that_may_publish(
    world: Recovery, facts: dict[str, Any], says: str
) -> None:
    world.hub.run(101, display_title=TITLES["false"], **facts)
    world.build_run = 55
    with pytest.raises(CannotJudge, match=says):
        world.recovering().dispatched()
    assert world.hub.posts == []


def test_nothing_is_started_anew_where_a_channel_serves_other_bytes(world: Recovery) -> None:
    world.fail()
    world.build_run, world.other_bytes = 55, ("npm: other bytes",)
    with pytest.raises(Finding, match="not what was built"):
        world.recovering().dispatched()
    assert len(world.hub.posts) == 1


# -- the permit -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"build_run": 55}, "by its run only in recovery"),
        ({"build_run": 55, "recover": True}, "build passed for the tag's run, this would start from run 55"),
    ],
)
def test_a_build_by_its_run_needs_recovery_and_evidence_of_that_run(facts: dict[str, Any], says: str) -> None:
    with pytest.raises(CannotJudge, match=says):
        permit_for(replace(WHOLE, **facts))


def test_evidence_of_a_run_that_was_named_is_no_leave_to_publish_the_tags(world: Recovery) -> None:
    del world
    earlier = tuple(
        type(one)(one.phase, one.verdict, COMMIT, one.digest, build_run=55 if one.phase == "build" else 0)
        for one in WHOLE.earlier
    )
    with pytest.raises(CannotJudge, match="build passed for run 55, this would start from the tag's run"):
        permit_for(replace(WHOLE, earlier=earlier))
    assert permit_for(replace(WHOLE, earlier=earlier, build_run=55, recover=True)).build_run == 55
