"""Which run built a release, and what it proves: recorded cases, and a run that was named. SPEC S35, S36.

``tests/data/provenance.jsonl`` has what the original scripts did (``exit``); ``right`` is what must be said,
empty where the run is the build. What the recording kept the same in every row (the run's id, ref and branch
in the metadata) stands there as the case means it. Four rows were accepted by the original, wrongly.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.errors import CannotJudge, Finding, NotYet, RelgateError
from pytest_relgate.github.answers import WorkflowRun
from pytest_relgate.github.build import Build
from pytest_relgate.github.provenance import Metadata, metadata_problems, run_for, run_problems
from pytest_relgate.request import asked_recovery
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.source.versions import parse_target
from tests.github.conftest import COMMIT, OTHER, Made, listed, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.twins.exchange import Request

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/provenance.jsonl").read_text().splitlines()
]
FILE = ".github/workflows/release.yml"


def zipped(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


def build_run(number: int = 7, **facts: Any) -> dict[str, Any]:
    plain = {
        "path": FILE,
        "name": "release",
        "head_branch": "v0.2.0",
        "html_url": f"https://hub/runs/{number}",
    }
    return run(number, **plain | facts)


def pages_of(row: dict[str, Any]) -> dict[str, Any]:
    """GitHub as a row has it."""
    pages: dict[str, Any] = {}
    runs = []
    for number, facts in row["runs"].items():
        at_work = not facts["conclusion"]
        made = build_run(
            int(number),
            path=f".github/workflows/{facts['workflowName']}.yml",
            name=facts["workflowName"],
            event=facts["event"],
            head_sha=facts["headSha"],
            head_branch=facts["headBranch"],
            status="in_progress" if at_work else "completed",
            conclusion=facts["conclusion"] or None,
        )
        runs.append(made)
        raw = zipped(row["metadata"].get(number, {}))
        artifact = {
            "id": int(number),
            "name": "release-metadata",
            "size_in_bytes": len(raw),
            "expired": False,
            "archive_download_url": "https://hub/zip",
        }
        pages[f"/actions/runs/{number}"] = made
        pages[f"/actions/runs/{number}/jobs"] = listed(
            "jobs",
            {"id": 1, "name": "x", "status": "completed"} | {"conclusion": facts["conclusion"] or None},
        )
        pages[f"/actions/runs/{number}/artifacts"] = listed(
            "artifacts", *([artifact] if row["metadata"].get(number) else [])
        )
        pages[f"/actions/artifacts/{number}/zip"] = Answer(200, raw, {"content-type": "application/zip"})
    pages["/actions/workflows/release.yml/runs"] = listed("workflow_runs", *runs)
    pages["/actions/runs"] = listed("workflow_runs", *runs)
    return pages


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['script'][:7]}-{row['case']}")
def test_a_recorded_build_is_judged_rightly(made: Callable[..., Made], row: dict[str, Any]) -> None:
    api = made(pages_of(row))
    said = ""
    try:
        parse_target(row["tag"])
        options = argparse.Namespace(release_build_run=row["run"] or None, release_recover=False)
        number, _ = asked_recovery(options, "build")
        build = Build(api.api, api.github.workflows, target=row["tag"], commit="a" * 40, given=number)
        build.succeeded()
        build.proves_its_source()
    except (RelgateError, Finding, NotYet, CannotJudge) as error:
        said = str(error)
    assert re.search(row["right"], said) if row["right"] else not said, said


# -- a run that was named ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"path": ".github/workflows/ci.yml"}, r"workflow: expected release\.yml, found ci\.yml"),
        ({"head_sha": OTHER}, "head_sha: expected a+, found b+"),
        ({"head_branch": "v0.1.0"}, r"tag: expected v0\.2\.0, found v0\.1\.0"),
        ({"head_branch": "main"}, r"tag: expected v0\.2\.0, found main"),
        ({"head_branch": None}, r"tag: expected v0\.2\.0, found none"),
        ({"head_branch": "v0.1.0", "event": "workflow_dispatch"}, r"tag: expected v0\.2\.0"),
        ({"event": "pull_request"}, "event: expected push or workflow_dispatch, found pull_request"),
    ],
)
def test_a_named_run_of_something_else_is_a_finding(
    made: Callable[..., Made], facts: dict[str, Any], says: str
) -> None:
    api = made({"/actions/runs/7": build_run(**facts)})
    build = Build(api.api, api.github.workflows, target="v0.2.0", commit=COMMIT, given=7)
    with pytest.raises(Finding, match=f"run 7 did not build v0\\.2\\.0: {says}"):
        _ = build.run


def test_a_named_run_is_found_behind_any_list(made: Callable[..., Made]) -> None:
    """Newer runs fill every page that a list shows; the run that was named is asked for by its id."""
    newer = [build_run(number) for number in range(200, 100, -1)]
    old = build_run(7, head_branch="main", event="workflow_dispatch", run_attempt=3)
    pages = {
        "/actions/runs/7": old,
        "/actions/workflows/release.yml/runs": listed("workflow_runs", *newer),
    }
    api = made(pages)
    build = Build(api.api, api.github.workflows, target="v0.2.0", commit=COMMIT, given=7)
    assert (build.run.id, build.run.run_attempt) == (7, 3)
    assert [request.path.rpartition("/demo")[2] for request in api.said.asked] == ["/actions/runs/7"]


def test_a_run_of_long_ago_is_found_by_its_commit(made: Callable[..., Made]) -> None:
    """1,000 newer runs on other commits: the list is asked for the commit and not read to its end."""
    many = [build_run(number, head_sha=OTHER) for number in range(1200, 200, -1)]

    def runs(request: Request) -> dict[str, Any]:
        mine = [one for one in (*many, build_run(7)) if request.asked("head_sha") in ("", one["head_sha"])]
        page = int(request.asked("page") or 1)
        return listed("workflow_runs", *mine[100 * (page - 1) : 100 * page])

    api = made({"/actions/workflows/release.yml/runs": runs})
    assert Build(api.api, api.github.workflows, target="v0.2.0", commit=COMMIT).run.id == 7


# -- pure -------------------------------------------------------------------------------------------------

RUN = WorkflowRun(7, COMMIT, "v0.2.0", "push", "completed", "success", "https://hub", "2026", FILE, "release")
BUILT = Metadata("v0.2.0", "0.2.0", COMMIT, "refs/tags/v0.2.0", "7", "release")


def test_a_build_that_says_what_it_is_has_no_problems() -> None:
    assert list(metadata_problems(BUILT, RUN, target="v0.2.0", commit=COMMIT)) == []
    assert list(run_problems(RUN, workflow="release.yml", target="v0.2.0", commit=COMMIT)) == []


@given(
    st.sampled_from(["tag", "version", "source_sha", "source_ref", "source_run_id", "source_workflow"]),
    st.text(max_size=30),
)
def test_metadata_that_says_anything_else_is_refused(key: str, text: str) -> None:
    right = {"tag": "v0.2.0", "version": "0.2.0", "source_sha": COMMIT}
    other = {"source_ref": "refs/tags/v0.1.0"}.get(key, text)
    if other in (getattr(BUILT, key), "release.yml") or (not other and key not in right):
        return
    facts = {name: getattr(BUILT, name) for name in BUILT.__struct_fields__} | {key: other}
    assert list(metadata_problems(Metadata(**facts), RUN, target="v0.2.0", commit=COMMIT))


@given(st.lists(st.tuples(st.sampled_from(["v0.2.0", "main", "v0.1.0", None]), st.booleans(), st.booleans())))
def test_a_run_of_the_tag_stands_before_any_other(shapes: list[tuple[str | None, bool, bool]]) -> None:
    runs = [
        WorkflowRun(
            number,
            COMMIT,
            branch,
            "workflow_dispatch" if by_hand else "push",
            "completed",
            "success" if good else "failure",
            "",
            "",
            FILE,
        )
        for number, (branch, by_hand, good) in enumerate(shapes, start=1)
    ]
    found = run_for(runs, "v0.2.0")
    tagged = [one for one in runs if one.head_branch == "v0.2.0"]
    if tagged:
        good = [one for one in tagged if one.conclusion == "success"]
        assert found == (good or tagged)[0]
    else:
        assert found is None or found.event == "workflow_dispatch"


def test_a_run_that_was_dispatched_at_another_tag_of_the_commit_is_no_build_of_this_one() -> None:
    candidate = msgspec.convert(
        build_run(9, event="workflow_dispatch", head_branch="v0.2.0-rc.1"), WorkflowRun
    )
    by_hand = msgspec.convert(build_run(8, event="workflow_dispatch", head_branch="main"), WorkflowRun)
    assert run_for([candidate], "v0.2.0") is None
    assert run_for([candidate, by_hand], "v0.2.0") == by_hand
    assert run_for([candidate, by_hand], "v0.2.0-rc.1") == candidate


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
def test_a_pull_request_whose_branch_is_named_as_the_tag_is_no_build(event: str) -> None:
    theirs = msgspec.convert(build_run(9, event=event), WorkflowRun)
    ours = msgspec.convert(build_run(7), WorkflowRun)
    assert run_for([theirs, ours], "v0.2.0") == ours
    assert run_for([theirs], "v0.2.0") is None
