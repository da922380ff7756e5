"""Whether the input that is to hold a publish back is a switch at all. Pure. SPEC S37, S40."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_relgate.source.problem import Problem

if TYPE_CHECKING:
    from pytest_relgate.source.workflow_graph import Graph
    from pytest_relgate.source.yaml_lines import Node

_SWITCH: Final = frozenset({"true", "false", ""})


def not_a_switch(graph: Graph, name: str, inputs: Node) -> tuple[Problem, ...]:
    """Say why an input cannot say whether a run is a rehearsal: it holds other words, or names the release.

    A switch is a boolean, a choice of true and false, or a text that is neither anything else by default nor
    what is checked out.
    """
    declared = inputs.get(name)
    stated = {key: declared.get(key) for key in ("type", "default", "options")} if declared else {}
    kind = node.text if (node := stated.get("type")) else "string"
    default = node.text if (node := stated.get("default")) and not node.null else ""
    options = set(node.texts()) if (node := stated.get("options")) else set()
    where = graph.workflow.at(declared.line if declared else graph.workflow.trigger_line)
    why = ""
    if kind == "choice" and not {"true", "false"} <= options:
        why = f"it is a choice of {', '.join(sorted(options)) or 'nothing'}"
    elif kind not in ("boolean", "string", "choice"):
        why = f"it is of the type {kind}"
    elif kind == "string" and default.lower() not in _SWITCH:
        why = f"it is a text, {default} by default"
    elif kind == "string" and (at := _names_what_is_released(graph, name)):
        why = f"it names what is released ({at})"
    if not why:
        return ()
    words = f"the input {name} of {graph.workflow.path} cannot hold a publish back: {why}"
    do = "name a boolean input in [workflows] rehearsal of relgate.toml"
    return (Problem(words, where, do),)


def _names_what_is_released(graph: Graph, name: str) -> str:
    """Where an input is checked out, or is handed over as a tag; empty for nowhere."""
    read = rf"\$\{{\{{[^}}]*\binputs\.{re.escape(name)}\b(?!\s*[=!&?])[^}}]*\}}\}}"
    for member in graph.members.values():
        for step in member.job.steps:
            inputs = step.node.get("with")
            for key, value in inputs.entries if inputs else ():
                if key.text in ("ref", "tag", "tag_name") and re.search(read, value.text):
                    return member.workflow.at(value.line)
            for scalar in step.node.scalars():
                if re.search(rf"refs/tags/{read}", scalar.text):
                    return member.workflow.at(scalar.line)
    return ""
