"""How runs are carried out: GitHub's rules for needs, conditions, matrices, attempts. SPEC B9, S41."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.sandbox.actions import newest_of
from pytest_relgate.sandbox.carry import carry
from pytest_relgate.sandbox.runs import queued
from pytest_relgate.sandbox.site import Site, Source
from pytest_relgate.sandbox.world import Job, Run, Secret, World

if TYPE_CHECKING:
    from collections.abc import Callable

WORKFLOW = ".github/workflows/demo.yml"
FAIL = '{uses: "actions/download-artifact@v4", with: {name: nobody}}'  # there is no such artifact

UPLOAD = '{uses: "actions/upload-artifact@v4", with: {name: proof, path: metadata.json}}'


class Play:
    """A world with one workflow; runs of it are carried out at once."""

    def __init__(self, jobs: str, *, on: str = "workflow_dispatch:") -> None:
        shown = textwrap.indent(textwrap.dedent(jobs).replace("FAIL", FAIL), "  ")
        text = f"name: demo\non:\n  {on}\njobs:\n{shown}"
        self.world = World(secrets=(Secret("TOKEN", "2026", "2026"),))
        self.blobs: dict[str, bytes] = {}
        self.seen: list[World] = []
        source = Source("c" * 40, {WORKFLOW: text})
        self.site = Site(
            look=lambda: self.world,
            put=self._put,
            get=self.blobs.__getitem__,
            source=lambda ref: source if ref == source.commit else None,
            push_formula=lambda *_: None,
            clock=lambda: "2026-01-01T00:00:00Z",
        )

    def _put(self, raw: bytes) -> str:
        name = str(len(self.blobs))
        self.blobs[name] = raw
        return name

    def _apply(self, change: Callable[[World], World]) -> None:
        self.world = change(self.world)
        self.seen.append(self.world)

    def run(self, commit: str = "c" * 40, **inputs: str) -> Run:
        made: list[Run] = []
        self._apply(queued(WORKFLOW, commit, "main", "2026-01-01T00:00:00Z", made, inputs))
        return self.carry(made[0])

    def carry(self, run: Run) -> Run:
        for change in carry(run, self.site):
            self._apply(change)
        return self.world.runs[-1]

    def again(self, *, keep: tuple[str, ...]) -> Run:
        """Run it again; successful jobs of these names are kept."""
        run = self.world.runs[-1]
        copies = tuple(
            msgspec.structs.replace(job, id=job.id + 900, attempt=run.attempt + 1)
            for job in run.jobs
            if job.name in keep
        )
        fresh = msgspec.structs.replace(
            run, attempt=run.attempt + 1, status="queued", conclusion=None, jobs=(*run.jobs, *copies)
        )
        self.world = msgspec.structs.replace(self.world, runs=(fresh,))
        return self.carry(fresh)


def ends(run: Run) -> dict[str, str | None]:
    return {job.name: job.conclusion for job in run.jobs}


def test_jobs_wait_for_what_they_need() -> None:
    play = Play(
        """
        last: {needs: [left, right], steps: [{run: echo}]}
        left: {needs: first, steps: [{run: echo}]}
        right: {needs: first, steps: [{run: echo}]}
        first: {steps: [{run: echo}]}
        """
    )
    run = play.run()
    assert (run.status, run.conclusion) == ("completed", "success")
    assert [job.name for job in run.jobs] == ["first", "left", "right", "last"]
    states = [
        tuple((job.name, job.status) for job in world.runs[-1].jobs if job.status != "completed")
        for world in play.seen
    ]
    assert (("left", "in_progress"), ("right", "in_progress")) in states  # side by side
    assert (("first", "queued"),) in states
    assert not any(
        dict(found).keys() & {"last"} and dict(found).keys() & {"left", "right"} for found in states
    )
    assert [world.runs[-1].status for world in play.seen][:2] == ["queued", "in_progress"]


def test_a_failure_skips_everything_behind_it() -> None:
    run = Play(
        """
        first: {steps: [FAIL]}
        behind: {needs: first, steps: [{run: echo}]}
        far: {needs: behind, steps: [{run: echo}]}
        told: {needs: behind, if: failure(), steps: [{run: echo}]}
        always: {needs: far, if: always(), steps: [{run: echo}]}
        beside: {steps: [{run: echo}]}
        """
    ).run()
    assert run.conclusion == "failure"
    assert ends(run) == {
        "first": "failure",
        "beside": "success",
        "behind": "skipped",
        "far": "skipped",
        "told": "success",
        "always": "success",
    }


def test_a_job_skipped_on_purpose_takes_all_behind_it_along_and_the_run_is_green() -> None:
    run = Play(
        """
        first: {if: "inputs.nothing", steps: [{run: echo}]}
        behind: {needs: first, steps: [{run: echo}]}
        far: {needs: behind, steps: [{run: echo}]}
        wary: {needs: behind, if: "!cancelled()", steps: [{run: echo}]}
        """
    ).run()
    assert run.conclusion == "success"
    assert ends(run) == {"first": "skipped", "behind": "skipped", "far": "skipped", "wary": "success"}


def test_a_matrix_has_a_job_for_each_cell_and_one_red_cell_is_enough() -> None:
    run = Play(
        """
        build:
          strategy: {matrix: {include: [{os: linux, get: none}, {os: mac, get: nobody}]}}
          name: build (${{ matrix.os }})
          steps:
            - {uses: "actions/download-artifact@v4", if: "matrix.get == 'nobody'", with: {name: nobody}}
        test: {strategy: {matrix: {os: [a, b], py: [1, 2]}}, steps: [{run: echo}]}
        behind: {needs: build, steps: [{run: echo}]}
        """
    ).run()
    assert ends(run) == {
        "build (linux)": "success",
        "build (mac)": "failure",
        "test (a, 1)": "success",
        "test (a, 2)": "success",
        "test (b, 1)": "success",
        "test (b, 2)": "success",
        "behind": "skipped",
    }


def test_steps_after_a_failure_run_only_where_they_say_so() -> None:
    run = Play(
        """
        one:
          steps:
            - FAIL
            - {name: next, run: echo}
            - {name: cleanup, if: always(), run: echo}
            - {name: told, if: failure(), run: echo}
        two:
          continue-on-error: true
          steps: [FAIL]
        three:
          steps: [{uses: "actions/download-artifact@v4", continue-on-error: true, with: {name: nobody}}]
        """
    ).run()
    assert ends(run) == {"one": "failure", "two": "failure", "three": "success"}
    assert [step.conclusion for step in run.jobs[0].steps] == ["failure", "skipped", "success", "success"]
    assert run.conclusion == "failure"


def test_a_run_whose_failures_are_tolerated_is_green() -> None:
    run = Play("two: {continue-on-error: true, steps: [FAIL]}").run()
    assert (ends(run), run.conclusion) == ({"two": "failure"}, "success")


def test_inputs_have_their_types_and_defaults() -> None:
    play = Play(
        """
        dry: {if: inputs.rehearsal, steps: [{run: echo}]}
        real: {if: "!inputs.rehearsal", steps: [{run: echo}]}
        named: {if: "inputs.tag == 'v1'", steps: [{run: echo}]}
        """,
        on="workflow_dispatch: {inputs: {rehearsal: {type: boolean, default: true}, tag: {default: v1}}}",
    )
    assert ends(play.run()) == {"dry": "success", "real": "skipped", "named": "success"}
    assert ends(play.run(rehearsal="false", tag="v2")) == {
        "dry": "skipped",
        "real": "success",
        "named": "skipped",
    }


def test_a_job_gives_outputs_to_those_behind_it() -> None:
    run = Play(
        """
        first:
          outputs: {word: "${{ github.ref_name }}-${{ needs.nobody.outputs.x }}"}
          steps: [{run: echo}]
        behind: {needs: first, if: "needs.first.outputs.word == 'main-'", steps: [{run: echo}]}
        """
    ).run()
    assert ends(run) == {"first": "success", "behind": "success"}


def test_needs_that_go_in_a_circle_or_to_nobody_fail_the_run() -> None:
    for jobs in (
        "a: {needs: b, steps: [{run: echo}]}\nb: {needs: a, steps: [{run: echo}]}",
        "a: {steps: [{run: echo}]}\nb: {needs: nobody, steps: [{run: echo}]}",
    ):
        assert Play(jobs).run().conclusion == "failure"


def test_a_workflow_that_cannot_be_read_fails_at_once() -> None:
    play = Play("a: {steps: [{run: echo}]}")
    others = [
        Play(jobs).run() for jobs in ("", "a: [", "a: {if: 'bad(', steps: []}", "a: {steps: 3}", "a: b")
    ]
    for run in (play.run("d" * 40), *others):
        assert (run.status, run.conclusion) == ("completed", "failure")


def test_a_run_that_was_cancelled_meanwhile_stays_so() -> None:
    play = Play("a: {steps: [{run: echo}]}")
    made: list[Run] = []
    play._apply(queued(WORKFLOW, "c" * 40, "main", "2026-01-01T00:00:00Z", made))
    changes = carry(made[0], play.site)
    play._apply(next(changes))
    ended = msgspec.structs.replace(play.world.runs[0], status="completed", conclusion="cancelled")
    play.world = msgspec.structs.replace(play.world, runs=(ended,))
    for change in changes:
        play._apply(change)
    assert play.world.runs == (ended,)


def test_a_new_attempt_keeps_the_jobs_that_went_well() -> None:
    play = Play(
        """
        first: {outputs: {word: yes}, steps: [{name: once, run: echo}]}
        second: {needs: first, steps: [FAIL]}
        third: {needs: [first, second], if: "needs.first.outputs.word", steps: [{run: echo}]}
        """
    )
    assert ends(play.run()) == {"first": "success", "second": "failure", "third": "skipped"}
    before = len(play.blobs)
    run = play.again(keep=("first", "third"))
    jobs = [job for job in run.jobs if job.attempt == 2]
    assert {job.name: job.conclusion for job in jobs} == {
        "first": "success",
        "second": "failure",
        "third": "skipped",
    }
    assert len(play.blobs) == before + 1  # only the second has a new log
    assert [job.attempt for job in run.jobs].count(1) == 3
    assert isinstance(jobs[0], Job)


def test_every_attempts_artifacts_are_listed_and_the_newest_of_a_name_is_taken() -> None:
    """A build that was run again lists two of a name, as GitHub's own list of a run does. SPEC S36."""
    play = Play(
        """
        first: {steps: [{uses: actions/checkout@v4}, {run: "echo > metadata.json", env: {TAG: v1}}, UPLOAD]}
        second: {needs: first, steps: [FAIL]}
        """.replace("UPLOAD", UPLOAD)
    )
    once = play.run()
    again = play.again(keep=())
    assert [one.name for one in once.artifacts] == ["proof"]
    assert [one.name for one in again.artifacts] == ["proof", "proof"]
    assert [one.id for one in newest_of(again)] == [again.artifacts[-1].id]


def test_a_log_has_a_time_on_each_line_and_says_why_it_failed() -> None:
    play = Play("a: {steps: [FAIL]}")
    job = play.run().jobs[0]
    lines = play.blobs[job.log].decode().splitlines()
    assert lines[-2:] == [
        "2026-01-01T00:00:00.0000000Z Unable to download artifact(s): Artifact not found for name: nobody",
        "2026-01-01T00:00:00.0000000Z ##[error]Process completed with exit code 1.",
    ]
