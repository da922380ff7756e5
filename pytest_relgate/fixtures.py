"""The fixtures that gates use, and ``command`` for their parameters. Each hands over to a room below."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.keys import EXECUTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _pytest.mark import ParameterSet

    from pytest_relgate.exec.runner import Runner
    from pytest_relgate.execution import Execution
    from pytest_relgate.source.facts import SourceFacts
    from pytest_relgate.source.files import Files
    from pytest_relgate.source.workflow_facts import WorkflowFacts


class CommandLine(str):
    """A command of a gate's parameter: its words, as typed, are the title of the gate."""

    __slots__ = ()

    @property
    def command_line(self) -> str:
        """The command as typed."""
        return str(self)


def command(
    line: str,
    *,
    id: str,  # noqa: A002
    limit: str | float,
    remedy: str = "",
    faults: Sequence[str] = (),
    marks: Sequence[Any] = (),
) -> ParameterSet:
    """A command as a parameter of a gate, with its limit as pytest-timeout's mark.

    ``line`` is split as a shell splits words, without a shell; ``limit`` is seconds, or ``"90s"``,
    ``"2m"``, ``"1h30m"``. ``remedy`` and ``faults`` are those of the gate marker. Raises RelgateError for
    a limit that is none.
    """
    from pytest_relgate.profile import seconds

    allowed = seconds(limit)
    facts: dict[str, Any] = {"remedy": remedy} if remedy else {}
    if faults:
        facts["faults"] = tuple(faults)
    own = [pytest.mark.timeout(allowed), *([pytest.mark.gate(**facts)] if facts else [])]
    return pytest.param(CommandLine(line), id=id, marks=[*own, *marks])


@dataclass(frozen=True)
class Release:
    """The release that is judged.

    ``target`` and ``base`` are tags (``base`` is empty for a first release), ``version`` is the target
    without its v, ``repository`` the folder under release, ``commit`` 40 hex digits.
    """

    target: str
    version: str
    base: str
    mode: str
    agent: str
    phase: str
    repository: Path
    commit: str


def _execution(request: pytest.FixtureRequest) -> Execution:
    execution: Execution | None = request.config.stash.get(EXECUTION, None)
    if execution is None or request.node.nodeid not in execution.gates:
        pytest.fail(f"the fixture {request.fixturename} is for gates below the checks folder", pytrace=False)
    return execution


@pytest.fixture
def release(request: pytest.FixtureRequest) -> Release:
    """The release that is judged: target, version, base, mode, agent, phase, repository, commit."""
    facts = _execution(request).facts
    context = facts.context
    return Release(
        target=context.target,
        version=context.target.removeprefix("v"),
        base=context.base,
        mode=context.mode,
        agent=context.agent,
        phase=context.phase,
        repository=Path(facts.repository),
        commit=facts.commit,
    )


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Runner:
    """Run a command in the repository under release; red when it fails, with the end of its output.

    ``run("cargo test")``, ``run(argv, needs="cargo-audit", cwd="bindings/go", env={...})``. A tool that
    is missing is ERRORED, not red. The whole output is in the evidence folder, secrets replaced.
    """
    return _execution(request).runner(request.node.nodeid)


@pytest.fixture
def attach(request: pytest.FixtureRequest) -> Any:
    """Put a file or a text into the evidence folder: ``attach("table.md", text_or_bytes_or_path)``.

    Returns its path relative to the evidence folder. Secrets are replaced in text.
    """
    return _execution(request).attach


@pytest.fixture
def source(request: pytest.FixtureRequest) -> SourceFacts:
    """Facts of the source under release: ``assert source.carries(release.version)``.

    ``has_fresh_lockfiles()``, ``has_final_changelog(version)``; ``source.manifests`` is what was read. A
    statement that does not hold is a finding with file, line and what to do.
    """
    from pytest_relgate.source.facts import SourceFacts

    execution = _execution(request)
    profile = execution.facts.profile
    return SourceFacts(_files(execution), profile.manifests, profile.changelog)


@pytest.fixture
def workflow(request: pytest.FixtureRequest) -> WorkflowFacts:
    """Facts of the release workflows: ``assert workflow.publishes_only_behind("preflight")``.

    ``workflow.publish`` is the publish workflow with its jobs and steps, ``workflow.topology`` who
    publishes and in what order. A statement that does not hold is a finding with job, step, line and fix.
    """
    from pytest_relgate.source.topology import Roles
    from pytest_relgate.source.workflow_facts import WorkflowFacts

    execution = _execution(request)
    profile = execution.facts.profile
    stated = profile.workflows
    return WorkflowFacts(
        files=_files(execution),
        publish_name=stated.publish,
        build_name=stated.build,
        roles=Roles(stated.preflight, stated.provenance, stated.homebrew, stated.publishes, stated.final),
        pins=dict(profile.pins),
        rehearsal=stated.rehearsal,
        repository=profile.repository,
    )


def _files(execution: Execution) -> Files:
    """The files under release: a source phase judges what lies in the tree, as its commands do."""
    from pytest_relgate.model import Phase
    from pytest_relgate.source.files import CommittedFiles, WorkingFiles
    from pytest_relgate.source.git import Repository

    facts = execution.facts
    top = Path(facts.repository)
    if Phase(facts.context.phase).source:
        return WorkingFiles(top)
    return CommittedFiles(Repository(top), facts.commit)
