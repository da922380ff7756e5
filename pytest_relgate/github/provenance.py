"""Which run built a release, and whether it proves that it did. Pure. SPEC S10, S35, S36.

What a run says of itself is compared with what the release is: workflow, event, commit and tag of the run;
tag, version, source commit, source tag, run and workflow of its metadata. Nothing that differs is let pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.source.versions import names_a_release, tag_like, version_of_tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_relgate.github.answers import WorkflowRun


class Metadata(msgspec.Struct, frozen=True):
    """What a build says of itself in its metadata file."""

    tag: str
    version: str
    source_sha: str
    source_ref: str = ""
    source_run_id: str = ""
    source_workflow: str = ""


def run_for(runs: Iterable[WorkflowRun], target: str) -> WorkflowRun | None:
    """Choose the run that built a target, of runs on its commit, newest first; None where there is none.

    One that was pushed carries the tag as its branch; one that was dispatched carries the branch it was
    dispatched from, and its metadata tells what it built: it stands only where there is none of the tag, and
    where that branch is no other tag, as of a release candidate on the same commit.
    Of several the newest that succeeded stands.
    """
    # Whoever opens a pull request names its branch, as the tag too; and what runs for it is a merge.
    there = tuple(run for run in runs if not run.event.startswith("pull_request"))
    tagged = [run for run in there if run.head_branch == target]
    untagged = [run for run in there if not names_a_release(run.head_branch or "")]
    mine = tagged or [run for run in untagged if run.event == "workflow_dispatch"]
    good = [run for run in mine if run.conclusion == "success"]
    return next(iter(good or mine), None)


def run_problems(run: WorkflowRun, *, workflow: str, target: str, commit: str) -> Iterator[str]:
    """What a run that was named says that the build of this release would not say."""
    if run.file != workflow:
        yield f"workflow: expected {workflow}, found {run.file or 'none'}"
    if run.event not in ("push", "workflow_dispatch"):
        yield f"event: expected push or workflow_dispatch, found {run.event}"
    if run.head_sha != commit:
        yield f"head_sha: expected {commit}, found {run.head_sha}"
    of_a_tag = names_a_release(run.head_branch or "")
    if run.head_branch != target and (run.event == "push" or of_a_tag):
        yield f"tag: expected {target}, found {run.head_branch or 'none'}"


def metadata_problems(built: Metadata, run: WorkflowRun, *, target: str, commit: str) -> Iterator[str]:
    """What a build's metadata says that is not of this run and this release.

    What a project leaves out of it (source_ref, source_run_id, source_workflow) is not judged; tag, version
    and source_sha are never left out.
    """
    if version_of_tag(built.tag, like=target) is None:
        yield f"tag: expected {tag_like(target, 'X.Y.Z')} (SemVer 2.0), found {built.tag!a}"
    elif built.tag != target:
        yield f"tag: expected {target}, found {built.tag}"
    stem = run.file.rpartition(".")[0]
    ref = f"refs/tags/{target}"
    expected = {
        "version": (built.version, (target.removeprefix("v"),)),
        "source_sha": (built.source_sha, (commit,)),
        "source_run_id": (built.source_run_id or str(run.id), (str(run.id),)),
        "source_workflow": (built.source_workflow or stem, (stem, run.file, run.name)),
    }
    if built.source_ref.startswith("refs/tags/"):
        expected["source_ref"] = (built.source_ref, (ref,))
    for key, (found, right) in expected.items():
        if found not in right:
            yield f"{key}: expected {right[0]}, found {found or 'nothing'}"
    if run.head_sha != commit:
        yield f"head_sha: expected {commit}, found {run.head_sha}"
