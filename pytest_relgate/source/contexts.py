"""Which contexts an expression may use, by where it stands in a workflow. Pure.

GitHub refuses a whole workflow file for one of them, and shows it only when somebody looks: a release
workflow was dead for a week that way. The table is that of
https://docs.github.com/actions/reference/workflows-and-actions/contexts#context-availability.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_relgate.source.expressions import (
    STATUS_FUNCTIONS,
    Call,
    ExpressionError,
    Reference,
    expressions_in,
    parse,
    parse_condition,
    walk,
)
from pytest_relgate.source.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.source.expressions import Expression
    from pytest_relgate.source.workflows import Job, Workflow
    from pytest_relgate.source.yaml_lines import Node

_ROOT: Final = frozenset({"github", "inputs", "vars"})
_NEEDS: Final = _ROOT | {"needs"}
_MATRIX: Final = _NEEDS | {"strategy", "matrix"}
_STEP: Final = _MATRIX | {"job", "runner", "env", "secrets", "steps"}
_ALL: Final = _STEP | {"jobs"}

_WORKFLOW: Final = {
    "run-name": _ROOT,
    "concurrency": _ROOT,
    "env": _ROOT | {"secrets"},
}
_JOB: Final = {
    "concurrency": _MATRIX,
    "container": _MATRIX,
    "continue-on-error": _MATRIX,
    "defaults": _MATRIX | {"env"},
    "env": _MATRIX | {"secrets"},
    "environment": _MATRIX,
    "if": _NEEDS,
    "name": _MATRIX,
    "outputs": _STEP,
    "runs-on": _MATRIX,
    "secrets": _MATRIX | {"secrets"},
    "services": _MATRIX,
    "strategy": _NEEDS,
    "timeout-minutes": _MATRIX,
    "with": _MATRIX,
}
# Deeper places with rights of their own.
_JOB_INNER: Final = {
    ("container", "credentials"): _MATRIX | {"env", "secrets"},
    ("container", "env"): _MATRIX | {"job", "runner", "env", "secrets"},
    ("environment", "url"): _MATRIX | {"job", "runner", "env", "steps"},
}
_STEP_KEYS: Final = {"if": _STEP - {"secrets"}}


def misplaced_contexts(workflow: Workflow) -> tuple[Problem, ...]:
    """Say which expressions use a context, or a function, that is not there where they stand."""
    return tuple(_of_workflow(workflow))


def _of_workflow(workflow: Workflow) -> Iterator[Problem]:
    for key, value in workflow.root.entries:
        if key.text in _WORKFLOW:
            yield from _below(workflow, value, key.text, _WORKFLOW[key.text], condition=False)
    for job in workflow.jobs:
        yield from _of_job(workflow, job)


def _of_job(workflow: Workflow, job: Job) -> Iterator[Problem]:
    place = f"jobs.{job.id}"
    for key, value in job.node.entries:
        if key.text not in _JOB:
            continue
        allowed = _JOB[key.text]
        for inner, deeper in value.entries:
            own = _JOB_INNER.get((key.text, inner.text))
            yield from _below(workflow, deeper, f"{place}.{key.text}", own or allowed, condition=False)
        if value.kind != "mapping":
            yield from _below(workflow, value, f"{place}.{key.text}", allowed, condition=key.text == "if")
    for step in job.steps:
        for key, value in step.node.entries:
            allowed = _STEP_KEYS.get(key.text, _STEP)
            at = f"{place}.steps[{step.number - 1}].{key.text}"
            yield from _below(workflow, value, at, allowed, condition=key.text == "if")


def _below(
    workflow: Workflow, node: Node, place: str, allowed: frozenset[str], *, condition: bool
) -> Iterator[Problem]:
    for scalar in node.scalars():
        for text, before in _texts(scalar, condition=condition):
            where = workflow.at(scalar.text_line + before)
            try:
                expression = parse_condition(text) if condition else parse(text)
            except ExpressionError as error:
                words = f"{place}: GitHub refuses the expression {text.strip()}: {error}"
                yield Problem(words, where, "mend it")
                continue
            yield from _wrong(expression, place, where, allowed, condition=condition)


def _texts(scalar: Node, *, condition: bool) -> Iterator[tuple[str, int]]:
    if condition:
        if scalar.text.strip():
            yield scalar.text, 0
    else:
        yield from expressions_in(scalar.text)


def _wrong(
    expression: Expression, place: str, where: str, allowed: frozenset[str], *, condition: bool
) -> Iterator[Problem]:
    for one in walk(expression):
        if isinstance(one, Reference) and one.path[0].lower() not in allowed | {"?"}:
            name = one.path[0]
            known = "there is no such context" if name.lower() not in _ALL else "it is not available there"
            words = f"{place} uses the context {name}, and {known}: GitHub refuses the whole file"
            yield Problem(words, where, f"available there: {', '.join(sorted(allowed))}")
        if isinstance(one, Call) and one.name in STATUS_FUNCTIONS and not condition:
            words = f"{place} calls {one.name}(), which is for conditions only: GitHub refuses the whole file"
            yield Problem(words, where, "put it into an if:")
