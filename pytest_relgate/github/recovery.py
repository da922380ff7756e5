"""Publishing the rest of a release that was published in part, or not at all. SPEC S40, S41.

The jobs that failed are run again; or, where a build run is named, the publish is started anew from that
build. What is out already stays out: where a channel that was reached serves other bytes than were built,
nothing is started.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.github.dispatch import BUILD_INPUT, Refused, rerun_failed
from pytest_relgate.model import Phase

if TYPE_CHECKING:
    from pytest_relgate.github.answers import JobFacts, WorkflowRun
    from pytest_relgate.github.permit import Permit
    from pytest_relgate.github.starting import StartedRun


def recovered(run: StartedRun, permit: Permit) -> int:
    """Return the id of the run that goes on; it is started, or what failed of it is.

    Raises CannotJudge where there is nothing to recover or nobody can say, and Finding where a channel
    serves other bytes.
    """
    intent = run.intent()
    if intent is not None and not intent.run:
        run.found_again(intent, "an earlier run ended before an answer came")
        intent = run.intent()
    by_name = intent.inputs.get(BUILD_INPUT, "") if intent is not None else ""
    if permit.build_run and by_name != str(permit.build_run):
        return _anew(run, permit)
    if intent is not None and intent.run:
        return _again(run, permit, intent.run)
    before = run.to_adopt(run.there())
    if before is None:
        words = f"there is nothing to recover: no {run.kind} of {run.target} is known"
        raise CannotJudge(words, where=run.page, do="type the same command without --release-recover")
    return _again(run, permit, before.id)


def _again(run: StartedRun, permit: Permit, number: int) -> int:
    """Run the jobs again that failed, unless it is at work or ended well."""
    found: WorkflowRun = run.read(lambda: run.api.run(number), f"run {number}")
    if run.file.read() is None:
        run.file.write(run.new_intent(permit, (), run=number, adopted=True))
    run.is_this(found)
    if found.status != "completed" or found.conclusion == "success":
        return number
    run.has_its_tag()
    _refuse_other_bytes(run, number)
    intent = run.intent()
    assert intent is not None  # noqa: S101  (it was written above)
    asked = msgspec.structs.replace(intent, run=number, attempt=found.run_attempt + 1)
    run.file.write(asked)
    run.means.opens(("rerun", run.workflows.publish, run.target, f"run={number}"))
    match rerun_failed(run.api, permit, number):
        case Refused(error=error):
            run.file.write(intent)
            raise error
        case _:  # taken; or nobody can say, and the run itself will show
            return number


def _anew(run: StartedRun, permit: Permit) -> int:
    """Start it from the build run that was named, once nothing of this release is at work or published."""
    there = run.there()
    for one in there:
        kind = run.kind_of_run(one)
        if kind not in (run.kind, "") or (not kind and not run.may_be_ours(one)):
            continue
        if one.status != "completed":
            words = f"nothing was started: run {one.id} of {run.target} is at work"
            raise CannotJudge(
                words, where=one.html_url, do="wait for its end, then type the same command again"
            )
        if one.conclusion == "success" and run.phase is Phase.PUBLISH:
            words = f"nothing was started: run {one.id} has published {run.target}, or may have"
            do = "look at it; if it did, type the same command without --release-recover"
            raise CannotJudge(words, where=one.html_url, do=do)
        _refuse_other_bytes(run, one.id)
    intent = run.intent()
    if intent is not None:
        run.file.keep_as_run(intent)
    return run.start(permit, there)


def _refuse_other_bytes(run: StartedRun, number: int) -> None:
    """Refuse where a channel that the run reached serves other bytes than were built.

    The others are not asked: they would remember that there is nothing.
    """
    if run.phase is not Phase.PUBLISH:
        return
    jobs: tuple[JobFacts, ...] = run.read(lambda: run.api.jobs(number), f"the jobs of run {number}")
    done = [job.name for job in jobs if job.name in run.reaching and job.conclusion == "success"]
    if not done:
        return
    wrong, right = run.means.served(tuple(done))
    if wrong:
        words = f"nothing was started, what is out is not what was built: {'; '.join(wrong)}"
        do = "file the incident; publish nothing more of it, release under the next version"
        raise Finding(words, where=run.page, do=do)
    if right:
        run.means.say(f"served already, as it was built: {', '.join(right)}")
