"""Stand-in for zizmor: four of its audits, which every release workflow should pass, in its own JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_relgate.errors import Finding
from pytest_relgate.sandbox.stand_ins.words import Unreadable, say, tell
from pytest_relgate.source.workflows import parse_workflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.source.workflows import Workflow
    from pytest_relgate.source.yaml_lines import Node

_HIGH = 14
"""The status with which zizmor ends when its heaviest finding is of high severity."""
_KNOWN = {"--offline", "--quiet", "--format=json", "--strict-collection"}
_DANGEROUS = ("pull_request_target", "workflow_run")
_SHA = re.compile(r"[0-9a-f]{40}")


def main(arguments: list[str]) -> int:
    """Audit the workflows below the folders that are named."""
    options = {word for word in arguments if word.startswith("-")}
    if options - _KNOWN or "--format=json" not in options:
        raise Unreadable(" ".join(arguments))
    folders = [Path(word) for word in arguments if not word.startswith("-")]
    paths = sorted(path for folder in folders for path in folder.glob("workflows/*.y*ml"))
    if not paths:
        say("error: no inputs collected")
        return 3
    found = []
    for path in paths:
        try:
            found += list(_audit(parse_workflow(str(path), path.read_bytes())))
        except Finding as error:
            say(f"failed to load file://{path} as workflow\n\nCaused by:\n    0: {error.found}")
            return 1
    tell(json.dumps(found, indent=2))
    return _HIGH if found else 0


def _audit(workflow: Workflow) -> Iterator[dict[str, Any]]:
    on = workflow.root.get("on")
    for event in _DANGEROUS:
        if event in workflow.triggers and on is not None:
            yield _row(
                "dangerous-triggers", "use of fundamentally insecure workflow trigger", workflow, on.line
            )
    permissions = workflow.root.get("permissions")
    for key, value in permissions.entries if permissions else ():
        if value.text == "write":
            yield _row("excessive-permissions", "overly broad permissions", workflow, key.line, key.text)
    yield from _commands(workflow, workflow.root, ())
    for job in workflow.jobs:
        yield from _commands(workflow, job.node, ("jobs", job.id))
        for step in job.steps:
            route = ("jobs", job.id, "steps", step.number - 1)
            version = step.uses.partition("@")[2]
            if step.uses and not step.uses.startswith(("./", "docker:")) and not _SHA.fullmatch(version):
                uses = step.node.get("uses")
                line = uses.line if uses else step.line
                yield _row("unpinned-uses", "unpinned action reference", workflow, line, step.uses, route)
            yield from _commands(workflow, step.node, route)


def _commands(workflow: Workflow, node: Node, route: tuple[str | int, ...]) -> Iterator[dict[str, Any]]:
    env = node.get("env")
    allowed = env.get("ACTIONS_ALLOW_UNSECURE_COMMANDS") if env else None
    if allowed is not None and allowed.text.lower() == "true":
        words = "execution of insecure workflow commands is enabled"
        yield _row("insecure-commands", words, workflow, allowed.line, "", route)


def _row(
    ident: str, desc: str, workflow: Workflow, line: int, note: str = "", route: tuple[str | int, ...] = ()
) -> dict[str, Any]:
    """One finding, as far as zizmor's JSON is read."""
    steps = [{"Key": part} if isinstance(part, str) else {"Index": part} for part in route]
    symbolic = {
        "key": {"Local": {"verbatim_path": workflow.path}},
        "annotation": note,
        "route": {"route": steps},
        "kind": "Primary",
    }
    place = {"symbolic": symbolic, "concrete": {"location": {"start_point": {"row": line - 1, "column": 0}}}}
    return {
        "ident": ident,
        "desc": desc,
        "url": f"https://docs.zizmor.sh/audits/#{ident}",
        "determinations": {"severity": "High", "confidence": "High"},
        "locations": [place],
        "ignored": False,
    }
