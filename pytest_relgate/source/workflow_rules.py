"""What a release workflow must not do, whatever its jobs are for. Pure. SPEC S15, S33, S42.

Triggers, pinned actions and tools, permissions, concurrency, and what is pasted into shell text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_relgate.source.problem import Problem
from pytest_relgate.source.shell import commands_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_relgate.source.shell import Command
    from pytest_relgate.source.workflows import Workflow
    from pytest_relgate.source.yaml_lines import Node

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_EXACT = re.compile(r"=?v?\d+(\.\d+)*([.+-][\w.+-]+)?|[0-9a-f]{40}")
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]\w*\}?|\$\{\{[^}]*\}\}")
_WRITES = ("write", "write-all")


def not_by_hand_only(workflow: Workflow, others: Sequence[Workflow] = ()) -> tuple[Problem, ...]:
    """Say what starts a publish workflow but a person's dispatch; ``others`` are those beside it (S33)."""
    path = workflow.path
    problems = [
        Problem(
            f"{path} is started by {name}: nothing but workflow_dispatch may start it",
            workflow.at(_line_of_trigger(workflow, name)),
            f"take {name} out of on:",
        )
        for name in workflow.triggers
        if name not in ("workflow_dispatch", "workflow_call")
    ]
    if "workflow_dispatch" not in workflow.triggers:
        words = f"{path} has no workflow_dispatch, so no person can start it"
        problems.append(Problem(words, workflow.at(workflow.trigger_line), "add workflow_dispatch to on:"))
    for other in others:
        if other.path != path:
            problems += _starts(other, workflow)
    return tuple(problems)


def _line_of_trigger(workflow: Workflow, name: str) -> int:
    on = workflow.root.get("on")
    for key, _ in on.entries if on else ():
        if key.text == name:
            return key.line
    return next((one.line for one in on.items if one.text == name), on.line) if on else 1


def _starts(other: Workflow, workflow: Workflow) -> Iterator[Problem]:
    """Where another workflow starts this one: it calls it, or dispatches it."""
    by_itself = sorted(other.triggers.keys() - {"workflow_dispatch"})
    if not by_itself:
        return
    file = workflow.path.rpartition("/")[2]
    names = {file, workflow.name} - {""}
    for job in other.jobs:
        if job.uses.partition("@")[0] == f"./{workflow.path}":
            words = f"{other.path} is started by {', '.join(by_itself)} and calls {workflow.path}"
            yield Problem(words, other.at(job.line), "let nothing but a person start it")
        for step in job.steps:
            for command in commands_of(step.run):
                text = command.text
                dispatches = f"workflows/{file}/dispatches" in text or (
                    command.words[:3] == ("gh", "workflow", "run") and names & set(command.words)
                )
                if dispatches:
                    words = (
                        f"{other.path} is started by {', '.join(by_itself)} and dispatches {workflow.path}"
                    )
                    line = step.run_line + command.line - 1
                    yield Problem(words, other.at(line), "let nothing but a person start it")


def loose_pins(workflows: Sequence[Workflow], pins: Mapping[str, str]) -> tuple[Problem, ...]:
    """Say which pins the release workflows do not hold to: another value, or none anywhere (S15)."""
    problems: list[Problem] = []
    for name, value in pins.items():
        found = [(workflow, node) for workflow in workflows for node in _variables(workflow, name)]
        if not found and workflows:
            paths = " and ".join(workflow.path for workflow in workflows)
            words = f"{name} is pinned to {value}, and nothing in {paths} sets it"
            do = f"set {name}: {value!a} under env:, or take it out of [pins] if nothing needs it any more"
            problems.append(Problem(words, workflows[0].path, do))
        problems += [
            Problem(
                f"{workflow.path} sets {name} to {node.text or 'nothing'}, pinned is {value}",
                workflow.at(node.line),
                f"set it to {value}, or raise the pin in relgate.toml on purpose",
            )
            for workflow, node in found
            if node.text != value
        ]
    return tuple(problems)


def _variables(workflow: Workflow, name: str) -> Iterator[Node]:
    """Every place where a workflow sets a variable: for all of it, for a job, for a step."""
    places = [workflow.root, *(job.node for job in workflow.jobs)]
    places += [step.node for job in workflow.jobs for step in job.steps]
    for place in places:
        variables = place.get("env")
        value = variables.get(name) if variables else None
        if value is not None:
            yield value


def unpinned_actions(workflow: Workflow) -> tuple[Problem, ...]:
    """Say which actions are named by a tag or a branch, which can be moved, and not by a commit."""
    used = [(job.id, job.line, job.uses, job.node) for job in workflow.jobs]
    used += [(job.id, step.line, step.uses, step.node) for job in workflow.jobs for step in job.steps]
    problems = []
    for job, line, uses, node in used:
        name, _, version = uses.partition("@")
        if not uses or uses.startswith("./") or _SHA.fullmatch(version.removeprefix("sha256:")):
            continue
        written = node.get("uses")
        words = f"job {job} uses {name} at {version or 'no version'}, which its owner can move"
        at = workflow.at(written.line if written else line)
        problems.append(Problem(words, at, f"name the commit: {name}@<40 hex digits> # {version}"))
    return tuple(problems)


def unpinned_tools(workflow: Workflow) -> tuple[Problem, ...]:
    """Say which helper tools are installed at whatever version is newest (S42)."""
    return tuple(
        Problem(
            f"job {job.id} installs {what} at whatever version is newest: {command.text[:80]}",
            workflow.at(step.run_line + command.line - 1),
            "name its version, in a variable that relgate.toml pins",
        )
        for job in workflow.jobs
        for step in job.steps
        for command in commands_of(step.run)
        for what in _floating(command)
    )


def _floating(command: Command) -> Iterator[str]:
    """The tools that a command installs without saying which version."""
    match command.words:
        case ("cargo", "install" | "binstall", *rest) if not {"--path", "--git", "-V", "--help"} & set(rest):
            if not any(word.startswith(("--version", "--vers")) for word in rest):
                yield from (one for one in _named(rest, {"--target", "--root"}) if "@" not in one)
        case (("pip" | "pip3" | "pipx"), "install", *rest):
            yield from _loose_requirements(rest)
        case (("python" | "python3"), "-m", "pip", "install", *rest):
            yield from _loose_requirements(rest)
        case ("npm", "install" | "i", *rest) if {"-g", "--global"} & set(rest):
            yield from (
                one for one in _named(rest, set()) if not re.search(r".@[\d$]", one) and "/" not in one[1:2]
            )
        case ("rustup", "toolchain", "install", name, *_) if not _exact(name):
            yield f"the toolchain {name}"
        # npx without --yes runs what is installed in the project, which its lockfile pins
        case ("npx", *rest) if not {"--yes", "-y"} & set(rest):
            return
        case (("uvx" | "npx"), *rest) | ("pipx", "run", *rest):
            tool = next(iter(_named(rest, {"--from", "--python"})), "")
            if tool and not re.search(r"[=@]", tool) and not {"--from", "--spec"} & set(rest):
                yield tool


def _loose_requirements(rest: list[str]) -> Iterator[str]:
    files = {"-r", "--requirement", "-e", "--editable", "--group", "-c", "--constraint"}
    if files & set(rest) or any(word.startswith("--require-hashes") for word in rest):
        return
    for one in _named(rest, {"--index-url", "-i", "--find-links", "-f", "--python", "--target", "-t"}):
        local = one.startswith((".", "/", "$", "*")) or "/" in one or one.endswith((".whl", ".tar.gz"))
        if not local and not re.search(r"==|===|@", one) and one not in ("pip", "setuptools", "wheel"):
            yield one


def _named(rest: Sequence[str], with_value: set[str]) -> list[str]:
    """The words that are no options and no options' values."""
    found: list[str] = []
    for n, word in enumerate(rest):
        if not word.startswith("-") and not (n and rest[n - 1] in with_value):
            found.append(word)
    return found


def _exact(name: str) -> bool:
    return bool(
        _EXACT.fullmatch(name) or _VARIABLE.search(name) or re.match(r"(nightly|beta|stable)-\d", name)
    )


def loose_permissions(workflow: Workflow) -> tuple[Problem, ...]:
    """Say where every job of a workflow may write, or nothing says what a job may (least permission)."""
    top = workflow.root.get("permissions")
    problems = []
    if top is None:
        bare = [job for job in workflow.jobs if job.node.get("permissions") is None]
        if bare:
            words = f"{workflow.path} does not say what job {bare[0].id} may do, so a default decides"
            problems.append(Problem(words, workflow.at(bare[0].line), "add: permissions: {contents: read}"))
    else:
        problems += [
            Problem(
                f"{workflow.path} gives every job {what}",
                workflow.at(line),
                "give it to the job that needs it",
            )
            for what, line in _given(top)
        ]
    for job in workflow.jobs:
        node = job.node.get("permissions")
        if node is not None and node.text == "write-all":
            words = f"job {job.id} may write everything"
            problems.append(Problem(words, workflow.at(node.line), "name the permissions that it needs"))
    return tuple(problems)


def _given(node: Node) -> Iterator[tuple[str, int]]:
    if node.kind == "scalar" and node.text == "write-all":
        yield "write-all", node.line
    for key, value in node.entries:
        if value.text in _WRITES:
            yield f"{key.text}: write", key.line


def racing(workflow: Workflow) -> tuple[Problem, ...]:
    """Say whether two runs of a publish workflow can race, or one can be cut off by the next."""
    node = workflow.root.get("concurrency")
    if node is None:
        words = f"{workflow.path} has no concurrency group, so two runs can publish at once"
        return (Problem(words, workflow.path, "add: concurrency: {group: ..., cancel-in-progress: false}"),)
    cancels = node.get("cancel-in-progress")
    if cancels is not None and (cancels.true or "${{" in cancels.text):
        words = f"a new run of {workflow.path} cancels one that is half-way through publishing"
        return (Problem(words, workflow.at(cancels.line), "set cancel-in-progress: false"),)
    group = node.text or (found.text if (found := node.get("group")) else "")
    varying = re.search(r"github\.(run_id|run_number|sha)\b", group)
    if varying:
        words = f"the concurrency group of {workflow.path} is another one for each run, so two runs can race"
        return (Problem(words, workflow.at(node.line), f"take {varying[0]} out of it"),)
    return ()
