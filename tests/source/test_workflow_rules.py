"""What a release workflow must not do: start by itself, move its pins, write at large, paste into shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import Finding
from pytest_relgate.source import workflow_rules as rules
from pytest_relgate.source.contexts import misplaced_contexts
from pytest_relgate.source.workflows import Workflow, parse_workflow, read_workflow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_relgate.source.problem import Problem

PATH = ".github/workflows/release-publish.yml"
SHA = "0123456789012345678901234567890123456789"
RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "workflow_lint.jsonl").read_text("utf-8").splitlines()
]
ROWS = [row for row in RECORDED if row["invalid_contexts"]]


def workflow(text: str, path: str = PATH) -> Workflow:
    return parse_workflow(path, text.encode())


def says(problems: Iterable[Problem]) -> list[str]:
    return [problem.found for problem in problems]


def places(problems: Iterable[Problem]) -> list[str]:
    return [problem.where.rpartition(":")[2] for problem in problems]


JOBS = "\njobs: {a: {steps: [{run: 'true'}]}}\n"


# Triggers


@pytest.mark.parametrize(
    "on",
    [
        "on: workflow_dispatch",
        "on: [workflow_dispatch]",
        "on: {workflow_dispatch: {}}",
        '"on":\n  workflow_dispatch:',
    ],
)
def test_a_workflow_that_a_person_starts_is_left_alone(on: str) -> None:
    assert rules.not_by_hand_only(workflow(on + JOBS)) == ()


@pytest.mark.parametrize(
    ("on", "event"),
    [
        ("on: {workflow_dispatch: {}, push: {tags: [v*]}}", "push"),
        ("on: [workflow_dispatch, workflow_run]", "workflow_run"),
        ("on:\n  workflow_dispatch:\n  schedule:\n    - cron: 1 1 1 1 1", "schedule"),
        ("on: [workflow_dispatch, repository_dispatch]", "repository_dispatch"),
        ("on: {workflow_dispatch: {}, release: {types: [published]}}", "release"),
    ],
)
def test_a_second_trigger_is_found(on: str, event: str) -> None:
    (found,) = says(rules.not_by_hand_only(workflow(on + JOBS)))
    assert found == f"{PATH} is started by {event}: nothing but workflow_dispatch may start it"


def test_a_trigger_names_its_line() -> None:
    text = "name: x\non:\n  workflow_dispatch:\n  push:\n" + JOBS
    assert places(rules.not_by_hand_only(workflow(text))) == ["4"]


def test_a_workflow_that_nobody_can_start_is_found() -> None:
    assert (
        "so no person can start it" in says(rules.not_by_hand_only(workflow("on: workflow_call" + JOBS)))[0]
    )


@pytest.mark.parametrize(
    "job",
    [
        "{uses: ./.github/workflows/release-publish.yml}",
        "{steps: [{run: gh workflow run release-publish.yml -f rehearsal=false}]}",
        "{steps: [{run: gh workflow run release-publish}]}",
        "{steps: [{run: 'gh api repos/o/r/actions/workflows/release-publish.yml/dispatches -f ref=main'}]}",
        "{steps: [{run: 'curl -X POST $API/actions/workflows/release-publish.yml/dispatches'}]}",
    ],
)
def test_another_workflow_that_starts_it_is_found(job: str) -> None:
    mine = workflow("name: release-publish\non: [workflow_dispatch, workflow_call]" + JOBS)
    path = ".github/workflows/nightly.yml"
    nightly = workflow(f"on: {{schedule: []}}\njobs: {{a: {job}}}\n", path)
    (problem,) = rules.not_by_hand_only(mine, [mine, nightly])
    assert problem.found.startswith(f"{path} is started by schedule and ")
    assert problem.where == f"{path}:2"
    by_hand = workflow(f"on: workflow_dispatch\njobs: {{a: {job}}}\n", path)
    assert rules.not_by_hand_only(mine, [mine, by_hand]) == ()


# Pins

PINNED = "on: workflow_dispatch\nenv:\n  TOOL: '1.2.0'\njobs: {a: {steps: [{run: 'true'}]}}\n"


def test_pins_are_held_to_wherever_they_are_set() -> None:
    pins = {"TOOL": "1.2.0"}
    assert rules.loose_pins([workflow(PINNED)], pins) == ()
    moved = PINNED.replace("{steps", "{env: {TOOL: 1.3.0}, steps")
    (problem,) = rules.loose_pins([workflow(PINNED), workflow(moved)], pins)
    assert problem.found == f"{PATH} sets TOOL to 1.3.0, pinned is 1.2.0"
    assert problem.where == f"{PATH}:4"
    assert "nothing in" in says(rules.loose_pins([workflow("on: push" + JOBS)], pins))[0]


def test_a_number_is_no_other_version_for_the_way_it_is_read() -> None:
    assert rules.loose_pins([workflow(PINNED.replace("'1.2.0'", "1.10"))], {"TOOL": "1.10"}) == ()


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("cargo install cargo-binstall --locked", "cargo-binstall"),
        ("cargo binstall --no-confirm cargo-audit", "cargo-audit"),
        ("pip install twine", "twine"),
        ("python3 -m pip install --upgrade build", "build"),
        ("pipx install poetry", "poetry"),
        ("pipx run twine upload dist/*", "twine"),
        ("npm install -g pnpm", "pnpm"),
        ("npx --yes semantic-release", "semantic-release"),
        ("rustup toolchain install stable --profile minimal", "the toolchain stable"),
    ],
)
def test_a_tool_at_whatever_version_is_newest_is_found(command: str, what: str) -> None:
    text = f"on: push\njobs:\n a:\n  steps:\n   - run: |\n      true\n      {command}\n"
    (problem,) = rules.unpinned_tools(workflow(text))
    assert problem.found == f"job a installs {what} at whatever version is newest: {command}"
    assert problem.where == f"{PATH}:7"


@pytest.mark.parametrize(
    "command",
    [
        "cargo install cargo-binstall --locked --version 1.17.5",
        "cargo install --path .",
        "cargo binstall --no-confirm cargo-audit@0.22.2",
        'cargo install just --version "$JUST"',
        "pip install twine==6.2.0",
        "pip install -r requirements.txt",
        "pip install .",
        "pip install dist/*.whl",
        "pip install --upgrade pip",
        "npm install -g pnpm@9",
        "npm ci",
        "npm install",
        'rustup toolchain install "$RELEASE_RUST_TOOLCHAIN" --profile minimal',
        "rustup toolchain install ${{ env.X }}",
        "rustup toolchain install nightly-2026-01-01",
        "rustup toolchain install 1.88.0",
        "pipx run twine==6.2.0 upload dist/*",
        "npx --yes semantic-release@24 --dry-run",
        "npx plasmite --version",
    ],
)
def test_a_tool_at_a_version_is_left_alone(command: str) -> None:
    text = f"on: push\njobs:\n a:\n  steps:\n   - run: |\n      {command}\n"
    assert rules.unpinned_tools(workflow(text)) == ()


@pytest.mark.parametrize(
    ("uses", "pinned"),
    [
        (f"actions/checkout@{SHA}", True),
        (f"actions/checkout@{SHA} # v4", True),
        ("./.github/actions/x", True),
        ("docker://alpine@sha256:" + "0" * 64, True),
        ("actions/checkout@v4", False),
        ("actions/checkout@main", False),
        ("actions/checkout", False),
        ("docker://alpine:3", False),
        (f"actions/checkout@{SHA[:7]}", False),
    ],
)
def test_actions_are_named_by_a_commit(uses: str, pinned: bool) -> None:
    text = f"on: push\njobs:\n  a:\n    steps:\n      - name: x\n        uses: {uses}\n"
    assert places(rules.unpinned_actions(workflow(text))) == ([] if pinned else ["6"])


def test_a_called_workflow_is_named_by_a_commit_too() -> None:
    text = "on: push\njobs:\n  a:\n    uses: o/r/.github/workflows/x.yml@v1\n"
    assert says(rules.unpinned_actions(workflow(text))) == [
        "job a uses o/r/.github/workflows/x.yml at v1, which its owner can move"
    ]


# Permissions and concurrency


@pytest.mark.parametrize(
    ("top", "job", "found"),
    [
        ("permissions: {contents: read}", "", []),
        ("permissions: {}", "permissions: {contents: write}", []),
        ("permissions: read-all", "", []),
        ("name: x", "permissions: {contents: write}", []),
        ("permissions: {contents: write, id-token: write}", "", ["contents: write", "id-token: write"]),
        ("permissions: write-all", "", ["write-all"]),
        ("name: x", "", ["does not say what job a may do"]),
        ("permissions: {}", "permissions: write-all", ["may write everything"]),
    ],
)
def test_only_the_job_that_needs_it_may_write(top: str, job: str, found: list[str]) -> None:
    text = f"on: push\n{top}\njobs:\n  a:\n    steps: []\n    {job}\n"
    problems = says(rules.loose_permissions(workflow(text)))
    assert len(problems) == len(found)
    assert all(words in problem for words, problem in zip(found, problems, strict=True))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("concurrency: publish", ""),
        ("concurrency: {group: publish, cancel-in-progress: false}", ""),
        ("concurrency: {group: 'p-${{ inputs.release_tag }}'}", ""),
        ("name: x", "has no concurrency group"),
        ("concurrency: {group: publish, cancel-in-progress: true}", "cancels one that is half-way"),
        ("concurrency: {group: p, cancel-in-progress: '${{ inputs.x }}'}", "cancels one that is half-way"),
        ("concurrency: {group: 'p-${{ github.run_id }}'}", "another one for each run"),
    ],
)
def test_two_runs_never_publish_at_once(text: str, found: str) -> None:
    problems = says(rules.racing(workflow(f"on: push\n{text}{JOBS}")))
    assert (found in problems[0]) if found else problems == []


# Contexts


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['file'][18:]}-{row['commit'][:7]}")
def test_every_recorded_context_that_was_not_there_is_found(row: dict[str, Any]) -> None:
    """Each row names places like ``jobs.full.env: runner``; a workflow has just that in it."""
    jobs: dict[str, dict[str, Any]] = {}
    for one in row["invalid_contexts"]:
        (_, job, key), context = one.partition(": ")[0].split("."), one.partition(": ")[2]
        value = f"${{{{ {context}.temp }}}}"
        made = jobs.setdefault(job, {"steps": []})
        made[key] = {f"X{len(made.get('env', {}))}": value, **made.get("env", {})} if key == "env" else value
    problems = misplaced_contexts(workflow(json.dumps({"on": "push", "jobs": jobs})))
    found = [f"{one.found.split()[0]}: {one.found.split()[4].rstrip(',')}" for one in problems]
    assert sorted(found) == sorted(row["invalid_contexts"])


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("jobs: {a: {if: matrix.x, steps: []}}", True),
        ("jobs: {a: {if: secrets.X != '', steps: []}}", True),
        ("jobs: {a: {if: env.X, steps: []}}", True),
        ("jobs: {a: {if: vars.X && needs.b.result && inputs.c && github.ref && always(), steps: []}}", False),
        ("jobs: {a: {steps: [{run: x, if: secrets.X}]}}", True),
        ("jobs: {a: {steps: [{run: x, if: env.X && steps.y.outcome && runner.os && job.status}]}}", False),
        ("jobs: {a: {steps: [{run: '${{ secrets.X }} ${{ hashFiles(''**'') }}'}]}}", False),
        ("jobs: {a: {runs-on: '${{ env.X }}', steps: []}}", True),
        ("jobs: {a: {runs-on: '${{ matrix.os || vars.OS }}', steps: []}}", False),
        ("jobs: {a: {continue-on-error: '${{ env.X }}', steps: []}}", True),
        ("jobs: {a: {environment: {name: x, url: '${{ steps.x.outputs.url }}'}, steps: []}}", False),
        ("jobs: {a: {container: {image: x, env: {A: '${{ secrets.A }}'}}, steps: []}}", False),
        ("jobs: {a: {container: {image: '${{ secrets.A }}'}, steps: []}}", True),
        ("jobs: {a: {outputs: {x: '${{ steps.y.outputs.z }}'}, steps: []}}", False),
        ("env: {A: '${{ runner.os }}'}\njobs: {a: {steps: []}}", True),
        ("env: {A: '${{ github.sha }}-${{ secrets.B }}'}\njobs: {a: {steps: []}}", False),
        ("concurrency: {group: '${{ env.A }}'}\njobs: {a: {steps: []}}", True),
        ("jobs: {a: {steps: [{run: '${{ nosuch.x }}'}]}}", True),
        ("jobs: {a: {steps: [{run: '${{ success() }}'}]}}", True),
        ("jobs: {a: {steps: [{run: '${{ a b }}'}]}}", True),
        ("jobs: {a: {secrets: {x: '${{ secrets.X }}'}, uses: ./x}}", False),
        ("jobs: {a: {with: {x: '${{ secrets.X }}'}, uses: ./x}}", True),
    ],
)
def test_a_context_is_used_only_where_github_has_it(text: str, wrong: bool) -> None:
    assert bool(misplaced_contexts(workflow(f"on: push\n{text}\n"))) == wrong


# Files that are no workflows

# Aliases of aliases: nine times more at each line.
GROWING = b"a0: &a0 [x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (b"", 0, "is empty"),
        (b"a: b\n  c: d\n", 2, "is not YAML"),
        (b"- a\n", 1, "is no workflow"),
        (b"on: push\n", 1, "has no jobs"),
        (b"on: push\njobs: []\n", 2, "has no jobs"),
        (b"on: push\njobs:\n  a: 1\n", 3, "job a is no mapping"),
        (b"jobs: {a: {needs: b, needs: c}}\n", 1, "has the key needs twice"),
        (b"on: \xff\n", 1, "is not UTF-8"),
        (GROWING, 6, "is too large for a workflow"),
        (b"a: &a [*a]\n", 1, "of nothing that is there yet"),
        (b"on: push\njobs: {a: {}}\n---\non: push\n", 3, "holds two documents"),
        (b"a: " + b"[" * 200_000, 1, "too deep"),
    ],
)
def test_what_is_no_workflow_is_a_finding_with_its_line(text: bytes, line: int, words: str) -> None:
    with pytest.raises(Finding, match=words) as error:
        parse_workflow(PATH, text)
    if line:
        assert error.value.where == f"{PATH}:{line}"


def test_a_workflow_that_is_not_there_is_a_finding() -> None:
    with pytest.raises(Finding, match="there is no workflow"):
        read_workflow("x.yml", lambda _: None)


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    lines = [
        b"\xef\xbb\xbfon: push",
        b"jobs:",
        b" a:",
        b"  steps:",
        b"  - run: |",
        b"      a",
        b"      b",
        b"",
    ]
    assert parse_workflow(PATH, b"\r\n".join(lines)).jobs[0].steps[0].run == "a\nb\n"
