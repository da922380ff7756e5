"""Which workflows the repository has, what starts them, and whether inputs fit what they declare."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.expression import filled
from pytest_relgate.sandbox.twins.github import git_facts
from pytest_relgate.sandbox.twins.github.call import Problem, not_found
from pytest_relgate.sandbox.twins.github.shapes import BRANCH, number_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_relgate.sandbox.twins.github.call import Call

FOLDER = ".github/workflows"
MOST_INPUTS = 25


@dataclass(frozen=True)
class Workflow:
    """A workflow file at some commit, read as YAML. ``name`` is its path where it has none."""

    path: str
    name: str
    document: Mapping[Any, Any]


def workflows(folder: Path, ref: str = BRANCH) -> list[Workflow]:
    """Return the workflows at a branch, a tag or a commit; none where there is no such thing."""
    commit = git_facts.resolve(folder, ref)
    if commit is None:
        return []
    return [
        _read(entry.path, git_facts.blob(folder, entry.sha))
        for entry in git_facts.entries(folder, commit, f"{FOLDER}/")
        if entry.kind == "blob" and PurePosixPath(entry.path).suffix in (".yml", ".yaml")
    ]


@lru_cache(maxsize=64)
def _read(path: str, raw: bytes) -> Workflow:
    import yaml

    try:
        document = yaml.safe_load(raw)
    except (yaml.YAMLError, UnicodeDecodeError):
        document = None
    if not isinstance(document, dict):  # GitHub registers it all the same, under its path
        document = {}
    return Workflow(path, str(document.get("name") or path), document)


def workflow_in(call: Call) -> Workflow:
    """Return the workflow that the path names by its id or by its file's name.

    GitHub knows those of the default branch. Raises Problem (404) for any other.
    """
    asked = call.at["workflow_id"]
    for workflow in workflows(call.git):
        if asked in (PurePosixPath(workflow.path).name, str(number_of(workflow.path))):
            return workflow
    raise not_found()


def at_ref(folder: Path, path: str, ref: str) -> tuple[Workflow, str, str]:
    """Return a workflow as it is at a branch or tag, with the ref's short name and its commit.

    Raises Problem (422) for a ref that is neither, as a commit id is, and where the file is not there.
    """
    short = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    named = {one.name: one.commit for one in git_facts.refs(folder, "refs/")}
    spellings = (ref, f"refs/heads/{ref}", f"refs/tags/{ref}")
    commit = next((named[name] for name in spellings if name in named), None)
    if commit is None:
        _refuse(f"No ref found for: {ref}")
    found = next((one for one in workflows(folder, commit) if one.path == path), None)
    if found is None:
        _refuse(f"Workflow file {path} does not exist at {ref}")
    return found, short, commit


def dispatch_inputs(workflow: Workflow, given: object) -> dict[str, str]:
    """Return the inputs of a dispatch as texts, defaults filled in.

    Raises Problem (422) where the workflow is not dispatched at all, for an input that it does not
    declare, a required one that is missing, and a value outside a choice or of another type.
    """
    declared = _declared(workflow)
    if not isinstance(given, dict) or any(isinstance(value, (dict, list)) for value in given.values()):
        _refuse("Invalid request.\n\nFor 'properties/inputs', values must be strings.")
    if len(given) > MOST_INPUTS:
        _refuse(
            f"Invalid request.\n\nNo more than {MOST_INPUTS} properties are allowed; "
            f"{len(given)} were supplied."
        )
    if unknown := sorted(set(given) - set(declared)):
        _refuse(f"Unexpected inputs provided: {json.dumps(unknown)}")
    inputs: dict[str, str] = {}
    for name, facts in declared.items():
        value = given.get(name)
        if value is None or value == "":
            value = facts.get("default")
        if value is None:
            if facts.get("required"):
                _refuse(f"Required input '{name}' not provided")
            value = "false" if facts.get("type") == "boolean" else ""
        inputs[name] = _checked(name, facts, _text(value))
    return inputs


def _declared(workflow: Workflow) -> dict[str, dict[str, Any]]:
    triggers = workflow.document.get(True, workflow.document.get("on"))  # YAML 1.1 reads `on` as true
    if isinstance(triggers, str):
        triggers = [triggers]
    if not isinstance(triggers, (list, dict)) or "workflow_dispatch" not in triggers:
        _refuse("Workflow does not have 'workflow_dispatch' trigger")
    facts = triggers["workflow_dispatch"] if isinstance(triggers, dict) else None
    inputs = facts.get("inputs") if isinstance(facts, dict) else None
    return {str(name): value or {} for name, value in (inputs or {}).items()}


def _checked(name: str, facts: Mapping[str, Any], text: str) -> str:
    match facts.get("type", "string"):
        case "boolean" if text not in ("true", "false"):
            _refuse(f"Provided value '{text}' for input '{name}' not of type boolean")
        case "choice" if text not in [_text(option) for option in facts.get("options", ())]:
            _refuse(f"Provided value '{text}' for input '{name}' not in the list of allowed values")
    return text


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


def title_of(workflow: Workflow, inputs: Mapping[str, str], ref: str) -> str:
    """Return the title of a dispatched run: ``run-name`` with inputs and the ref's name put in.

    A name that the sandbox does not understand is left away, as one that is empty.
    """
    declared = _declared(workflow)
    typed: dict[str, Any] = {
        name: value == "true" if declared.get(name, {}).get("type") == "boolean" else value
        for name, value in inputs.items()
    }
    facts = {
        "inputs": typed,
        "github": {"ref_name": ref, "workflow": workflow.name, "event": {"inputs": dict(inputs)}},
    }
    pattern = str(workflow.document.get("run-name") or "")
    try:
        return filled(pattern, facts).strip() or workflow.name
    except RelgateError:
        return workflow.name


def _refuse(message: str) -> NoReturn:
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, message)
