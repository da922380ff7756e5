"""Secrets, and what somebody else wrote, are no shell text; what an expression only asks is not pasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_relgate.source.pasting import pasted
from pytest_relgate.source.workflows import Workflow, parse_workflow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_relgate.source.problem import Problem

SHA = "a" * 40


def workflow(text: str) -> Workflow:
    return parse_workflow("x.yml", text.encode())


def says(problems: Iterable[Problem]) -> list[str]:
    return [one.found for one in problems]


def places(problems: Iterable[Problem]) -> list[str]:
    return [one.where.rpartition(":")[2] for one in problems]


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("secrets.TOKEN", "a secret"),
        ("secrets['TOKEN']", "a secret"),
        ("github.token", "a secret"),
        ("inputs.release_tag", "an input"),
        ("github.event.inputs.release_tag", "an input"),
        ("github.event.pull_request.title", "an input"),
        ("github.head_ref", "an input"),
        ("inputs.tag || github.ref_name", "an input"),
        ("format('v{0}', inputs.tag)", "an input"),
        ("toJSON(github.event)", "an input"),
        ("fromJSON(inputs.info).version", "an input"),
        ("fromJSON(secrets.ALL)['a']", "a secret"),
        ("fromJSON(needs.a.outputs.x).y", ""),
        ("inputs.list[0]", "an input"),
        ("toJSON(secrets)", "a secret"),
        ("inputs.tag && secrets.TOKEN || github.sha", "a secret"),
        ("inputs", "an input"),
        ("inputs.tag = 1", "an input"),
        ("inputs.tag == 'x'", ""),
        ("!inputs.tag", ""),
        ("contains(inputs.tag, 'rc')", ""),
        ("inputs.tag && '--pre' || ''", ""),
        ("secrets.TOKEN != ''", ""),
        ("github.ref == 'refs/heads/main' && 'latest' || 'next'", ""),
        ("github.event.pull_request.number", ""),
        ("github.event.pull_request.head.sha", ""),
        ("github.event.repository.name", ""),
        ("github.event.repository.description", "an input"),
        ("env.X", ""),
        ("github.sha", ""),
        ("github.ref_type", ""),
        ("matrix.platform", ""),
        ("needs.a.outputs.x", ""),
    ],
)
def test_what_somebody_else_wrote_is_no_shell_text(expression: str, kind: str) -> None:
    run = f"     run: |\n      true\n      x ${{{{ {expression} }}}}\n"
    text = f"on: push\njobs:\n a:\n  steps:\n   - name: n\n{run}"
    problems = pasted(workflow(text))
    assert says(problems) == (
        [f"job a, step 1 (n): {kind} is pasted into the shell text: ${{{{ {expression} }}}}"] if kind else []
    )
    assert places(problems) == (["8"] if kind else [])


def test_what_is_handed_over_as_a_variable_is_not_pasted() -> None:
    text = "on: push\njobs: {a: {steps: [{run: 'x $T', env: {T: '${{ secrets.T }}'}}]}}\n"
    assert pasted(workflow(text)) == ()


def test_a_script_of_javascript_is_code_too() -> None:
    text = (
        f"on: push\njobs:\n a:\n  steps:\n   - uses: actions/github-script@{SHA}\n"
        "     with:\n      script: f('${{ github.event.issue.title }}')\n"
    )
    assert places(pasted(workflow(text))) == ["7"]


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ("x: {type: boolean}", 0),
        ("X: {type: choice, options: [a]}", 0),
        ("x: {type: number}", 0),
        ("x: {type: string}", 1),
        ("x: {type: environment}", 1),
        ("x: {required: true}", 1),
        ("x:", 1),
        ("y: {type: boolean}", 1),
    ],
)
def test_an_input_whose_values_github_checks_is_no_free_text(inputs: str, found: int) -> None:
    jobs = "jobs: {a: {steps: [{run: 'f ${{ inputs.x }}'}]}}"
    text = f"on:\n workflow_dispatch:\n  inputs:\n   {inputs}\n{jobs}\n"
    assert len(pasted(workflow(text))) == found
    free = text.replace("on:\n", "on:\n workflow_call: {inputs: {x: {type: string}}}\n")
    assert len(pasted(workflow(free))) == 1
