"""What is pasted into shell or script text by an expression: secrets, and what somebody else wrote. Pure.

GitHub fills ``${{ }}`` in before a shell reads the text, so that what stands there is code
(docs.github.com, "Script injections"). What counts is what an expression may become, and not what it asks:
``inputs.x == 'y'`` is true or false, and ``inputs.x && 'a' || 'b'`` is a or b.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_relgate.source.expressions import (
    Call,
    Expression,
    ExpressionError,
    Operation,
    Reference,
    expressions_in,
    parse,
)
from pytest_relgate.source.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.source.workflows import Job, Step, Workflow

_FILLED: Final = ("format", "join", "tojson", "fromjson", "case")
"""The functions that give back what they are given; the others give numbers, sums, true or false."""
_CHECKED: Final = ("boolean", "number", "choice")
"""Types of inputs whose values GitHub checks itself before a run starts."""
_REFS: Final = ("head_ref", "base_ref", "ref", "ref_name")
_BY_GITHUB: Final = frozenset(
    {"action", "after", "before", "created_at", "draft", "id", "merged", "node_id", "number", "sha"}
)
"""Keys of an event whose values GitHub makes: numbers, sums, times and words of its own."""
_CONTEXTS: Final = re.compile(r"\b(?:secrets|inputs|github)\b", re.IGNORECASE)
_OF_OWNER: Final = frozenset({"name", "full_name", "default_branch", "owner"})
"""Keys of an event's repository: names that GitHub allows no special characters in, or its owner chose."""


def pasted(workflow: Workflow) -> tuple[Problem, ...]:
    """Say where a secret, or what somebody else wrote, is pasted into shell or script text."""
    safe = _checked_inputs(workflow)
    return tuple(
        problem
        for job in workflow.jobs
        for step in job.steps
        for problem in _pasted(workflow, job, step, safe)
    )


def _checked_inputs(workflow: Workflow) -> frozenset[str]:
    """The inputs, in lower case, that are of a checked type wherever the workflow defines them."""
    types: dict[str, set[str]] = {}
    for trigger in ("workflow_dispatch", "workflow_call"):
        node = workflow.triggers.get(trigger)
        inputs = node.get("inputs") if node is not None else None
        for name, stated in inputs.entries if inputs is not None else ():
            kind = stated.get("type") if stated.kind == "mapping" else None
            types.setdefault(name.text.lower(), set()).add(kind.text if kind is not None else "string")
    return frozenset(name for name, kinds in types.items() if kinds <= set(_CHECKED))


def _pasted(workflow: Workflow, job: Job, step: Step, safe: frozenset[str]) -> Iterator[Problem]:
    texts = [(step.run, step.run_line)]
    inputs = step.node.get("with")
    script = inputs.get("script") if inputs else None
    if script is not None and "github-script" in step.uses:
        texts.append((script.text, script.text_line))
    for text, line in texts:
        for inside, before in expressions_in(text):
            kind = _kind(inside, safe)
            if kind:
                words = (
                    f"job {job.id}, step {step.number} ({step.title}): {kind} is pasted into the shell text: "
                    f"${{{{ {inside.strip()} }}}}"
                )
                fix = "put it into env: of the step and write the variable"
                yield Problem(words, workflow.at(line + before), fix)


def _kind(inside: str, safe: frozenset[str]) -> str:
    """What an expression pastes, in words; empty for what is harmless."""
    try:
        paths = [tuple(part.lower() for part in one) for one in _becomes(parse(inside))]
    except (ExpressionError, RecursionError):  # GitHub refuses it, or knows more than we do
        paths = [("?",)]
    if any(path[0] == "?" for path in paths):  # a part of what a function gives: fromJSON(inputs.x).y
        paths = [(word.lower(),) for word in _CONTEXTS.findall(inside)]
    if any(path[0] == "secrets" or path == ("github", "token") for path in paths):
        return "a secret"
    return "an input" if any(_is_foreign(path, safe) for path in paths) else ""


def _becomes(expression: Expression) -> Iterator[tuple[str, ...]]:
    """The paths of the values that an expression may become, or that stand in what it becomes."""
    match expression:
        case Reference(path):
            yield path
        case Operation("||", operands):
            for one in operands:
                yield from _becomes(one)
        case Operation("&&", (_, last)):  # the first only where it is false, empty or nothing
            yield from _becomes(last)
        case Call(name, arguments) if name in _FILLED:
            for one in arguments:
                yield from _becomes(one)
        case _:
            return


def _is_foreign(path: tuple[str, ...], safe: frozenset[str]) -> bool:
    """Whether somebody else writes what stands there: who starts a run, or who made what started it."""
    match path:
        case ("inputs", name, *_) | ("github", "event", "inputs", name, *_):
            return name not in safe
        case ("inputs",) | ("github",) | ("github", "event"):
            return True
        case ("github", name):
            return name in _REFS
        case ("github", "event", "repository", name, *_) if name in _OF_OWNER:
            return False
        case ("github", "event", *_, name):
            return name not in _BY_GITHUB
        case _:
            return False
