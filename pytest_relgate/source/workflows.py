"""GitHub workflows as data: triggers, jobs, steps, each with its line. Pure.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_relgate.errors import Finding
from pytest_relgate.source.yaml_lines import Node, read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = ".github/workflows"


@dataclass(frozen=True)
class Step:
    """One step of a job. ``run`` and ``uses`` are empty where they are not there."""

    number: int
    line: int
    node: Node
    name: str = ""
    run: str = ""
    run_line: int = 0
    uses: str = ""
    condition: str = ""
    continue_on_error: bool = False

    @property
    def title(self) -> str:
        """What a person knows it by."""
        return self.name or self.uses or self.run.strip().partition("\n")[0][:60] or f"step {self.number}"


@dataclass(frozen=True)
class Job:
    """One job. ``needs`` are as written; ``continue_on_error`` is None where an expression decides it."""

    id: str
    line: int
    node: Node
    needs: tuple[str, ...] = ()
    condition: str = ""
    condition_line: int = 0
    steps: tuple[Step, ...] = ()
    uses: str = ""
    continue_on_error: bool | None = False


@dataclass(frozen=True)
class Workflow:
    """One workflow file. ``triggers`` maps an event to what stands under it."""

    path: str
    root: Node
    name: str = ""
    triggers: dict[str, Node | None] = field(default_factory=dict)
    trigger_line: int = 1
    jobs: tuple[Job, ...] = ()

    def job(self, name: str) -> Job | None:
        """Return a job by its id."""
        return next((job for job in self.jobs if job.id == name), None)

    def at(self, line: int) -> str:
        """A place in the file that a person can open."""
        return f"{self.path}:{line}"


def parse_workflow(path: str, raw: bytes) -> Workflow:
    """Parse a workflow file. Raises Finding, with its line, for what GitHub would not run."""
    root = read_yaml(path, raw)
    if root.kind != "mapping":
        message = f"{path} is no workflow: expected a mapping, found a {root.kind}"
        raise Finding(message, where=f"{path}:{root.line}")
    jobs = root.get("jobs")
    if jobs is None or jobs.kind != "mapping" or not jobs.entries:
        message = f"{path} has no jobs"
        raise Finding(message, where=f"{path}:{(jobs or root).line}", do="write them under jobs:")
    on = next((key for key, _ in root.entries if key.text == "on"), None)
    name = root.get("name")
    return Workflow(
        path=path,
        root=root,
        name=name.text if name else "",
        triggers=_triggers(root.get("on")),
        trigger_line=on.line if on else root.line,
        jobs=tuple(_job(path, key, value) for key, value in jobs.entries),
    )


def read_workflow(name: str, read: Callable[[str], bytes | None]) -> Workflow:
    """Read the workflow of this file name from a repository. Raises Finding where it is not there."""
    path = f"{FOLDER}/{name}"
    raw = read(path)
    if raw is None:
        message = f"there is no workflow {path}"
        raise Finding(message, where=path, do="add it, or mend [workflows] of relgate.toml")
    return parse_workflow(path, raw)


def _triggers(node: Node | None) -> dict[str, Node | None]:
    if node is None:
        return {}
    if node.kind == "mapping":
        return {key.text: None if value.null else value for key, value in node.entries}
    return dict.fromkeys(node.texts())


def _job(path: str, key: Node, node: Node) -> Job:
    if node.kind != "mapping":
        message = f"{path}: job {key.text} is no mapping"
        raise Finding(message, where=f"{path}:{key.line}")
    steps = node.get("steps")
    condition = node.get("if")
    needs = node.get("needs")
    uses = node.get("uses")
    return Job(
        id=key.text,
        line=key.line,
        node=node,
        needs=needs.texts() if needs else (),
        condition=condition.text if condition else "",
        condition_line=condition.line if condition else 0,
        steps=tuple(_step(n, one) for n, one in enumerate(steps.items, 1)) if steps else (),
        uses=uses.text if uses else "",
        continue_on_error=_whether(node.get("continue-on-error")),
    )


def _step(number: int, node: Node) -> Step:
    run, uses, name, condition = (node.get(key) for key in ("run", "uses", "name", "if"))
    return Step(
        number=number,
        line=node.line,
        node=node,
        name=name.text if name else "",
        run=run.text if run else "",
        run_line=run.text_line if run else 0,
        uses=uses.text if uses else "",
        condition=condition.text if condition else "",
        continue_on_error=_whether(node.get("continue-on-error")) is True,
    )


def _whether(node: Node | None) -> bool | None:
    """True, false, or None where an expression decides."""
    if node is None or node.null:
        return False
    if "${{" in node.text:
        return None
    return node.true
