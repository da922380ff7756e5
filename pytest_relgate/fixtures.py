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

    from pytest_relgate.channels.channels import ChannelFacts, Channels
    from pytest_relgate.channels.expected import Expected
    from pytest_relgate.channels.outside import Outside
    from pytest_relgate.exec.runner import Runner
    from pytest_relgate.execution import Execution
    from pytest_relgate.github.facts import GitHub
    from pytest_relgate.source.artifact_facts import ArtifactFacts
    from pytest_relgate.source.benchmarks_runs import Benchmarks
    from pytest_relgate.source.facts import SourceFacts
    from pytest_relgate.source.files import Files
    from pytest_relgate.source.reviewed_diff import SignOffs
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
    id: str,  # noqa: A002  (pytest.param's own word)
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
    if execution is None or request.node.nodeid not in execution.selection.gates:
        pytest.fail(f"the fixture {request.fixturename} is for gates below the checks folder", pytrace=False)
    return execution


def _world(request: pytest.FixtureRequest) -> Outside:
    from pytest_relgate.outward import outside_of

    return outside_of(_execution(request), request.config)


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

    Returns its path relative to the evidence folder. Secrets are replaced in text. The lines of a file
    ``note-NAME.txt`` stand among the notes of the reports, the newest of each name.
    """
    return _execution(request).attach


@pytest.fixture
def source(request: pytest.FixtureRequest) -> SourceFacts:
    """Facts of the source under release: ``assert source.carries(release.version)``.

    ``has_fresh_lockfiles()``, ``has_final_changelog(version)``, ``has_a_consistent_formula()``,
    ``has_fresh_advisories(folder)``; ``source.manifests`` is what was read. A statement that does not hold
    is a finding with file, line and what to do.
    """
    from pytest_relgate.source.facts import SourceFacts

    execution = _execution(request)
    profile = execution.facts.profile
    top = Path(execution.facts.repository)
    return SourceFacts(_files(execution), profile.manifests, profile.changelog, profile.formula, top)


@pytest.fixture
def benchmarks(request: pytest.FixtureRequest) -> Benchmarks:
    """Benchmarks of base and candidate: ``assert benchmarks.none_is_slower(command, build=...)``.

    Each side is built in a worktree of its own, and their runs take turns. What is slower, or gone, is a
    finding; what cannot be told, as on a noisy host, is an error. The table is put into the evidence.
    """
    from dataclasses import replace

    from pytest_relgate.source.benchmarks_runs import Benchmarks

    execution = _execution(request)
    facts, own = execution.facts, execution.runner(request.node.nodeid)

    def runs_in(place: Path) -> Any:
        there = replace(own, cwd=place, tracked_changes=None)

        def run(argv: str | Sequence[str], **named: Any) -> Any:
            try:
                return there(argv, **named)
            finally:
                own.calls, own.last_log = own.calls + there.calls, there.last_log
                there.calls = 0

        return run

    def keep(name: str, text: str) -> None:
        execution.attach(name, text)
        request.node.add_report_section("call", name, text)  # so that the gate's row of the report has it

    return Benchmarks(
        repository=Path(facts.repository),
        base=facts.context.base,
        base_commit=facts.context.base_commit,
        candidate=facts.context.target,
        commit=facts.commit,
        runs_in=runs_in,
        attach=keep,
    )


@pytest.fixture
def workflow(request: pytest.FixtureRequest) -> WorkflowFacts:
    """Facts of the release workflows: ``assert workflow.publishes_only_behind("preflight")``.

    ``workflow.publish`` is the publish workflow with its jobs and steps, ``workflow.topology`` who
    publishes and in what order. A statement that does not hold is a finding with job, step, line and fix.
    """
    from pytest_relgate.source.files import CommittedFiles
    from pytest_relgate.source.git import Repository
    from pytest_relgate.source.topology import Roles
    from pytest_relgate.source.workflow_facts import WorkflowFacts
    from pytest_relgate.source.workflow_secrets import Published

    execution = _execution(request)
    profile, context = execution.facts.profile, execution.facts.context
    stated = profile.workflows
    return WorkflowFacts(
        files=_files(execution),
        publish_name=stated.publish,
        build_name=stated.build,
        roles=Roles(stated.preflight, stated.provenance, stated.homebrew, stated.publishes, stated.final),
        pins=dict(profile.pins),
        rehearsal=stated.rehearsal,
        repository=profile.repository,
        severity=stated.severity,
        base=context.base,
        base_files=CommittedFiles(Repository(Path(execution.facts.repository)), context.base_commit)
        if context.base_commit
        else None,
        toolchain=profile.rust.toolchain,
        needed_by={tool: dict(facts) for tool, facts in profile.rust.needed_by.items()},
        channels=tuple(
            Published(name, one.kind, one.job, one.secret, one.trusted)
            for name, one in profile.channels.items()
        ),
    )


@pytest.fixture
def github(request: pytest.FixtureRequest) -> GitHub:
    """The project on GitHub: ``assert github.is_green()``.

    ``has_the_commit()``, ``tag_is_free_or_ours()``, ``has_secrets(names)``; ``github.build`` is the run that
    built the release: ``succeeded()``, ``has_artifacts()``, ``proves_its_source()``. ``github.rehearsal``
    and ``github.publication`` are the runs that rehearse and publish it: ``dispatched()``, which starts one
    unless it is there, ``succeeded()``, ``reached_its_end()``, ``published_nothing()``. A statement that does
    not hold is a finding; one that waits is pending, one that nobody can judge an error.
    """
    return _world(request).github


@pytest.fixture
def channel(request: pytest.FixtureRequest) -> ChannelFacts:
    """A channel of the profile, once for each: ``assert channel.version == release.version``.

    ``files``, ``digests`` and ``flags`` compare with those of ``expected``. All channels are looked at
    together, and settled before the first assert. What has not arrived yet is pending and no failure.
    """
    return _world(request).channels[request.param]


@pytest.fixture
def channels(request: pytest.FixtureRequest) -> Channels:
    """All channels of the profile: ``assert channels.serving == channels.expected``."""
    return _world(request).channels


@pytest.fixture
def expected(request: pytest.FixtureRequest) -> Expected:
    """What there must be by the profile and the build: ``assert channel.files == expected.files``.

    ``files``, ``digests`` and ``flags`` are those of the gate's ``channel``, ``secrets`` the repository's.
    """
    from pytest_relgate.channels.expected import Expected

    execution = _execution(request)
    secrets = execution.facts.profile.secrets
    live = secrets.live if execution.facts.context.mode == "live" else ()
    of = request.getfixturevalue("channel") if "channel" in request.fixturenames else None
    channels = execution.facts.profile.channels.values()
    of_channels = (one.secret for one in channels if one.secret and one.secret not in secrets.live)
    return Expected(tuple(dict.fromkeys((*secrets.required, *of_channels, *live))), of)


@pytest.fixture
def artifacts(request: pytest.FixtureRequest, github: GitHub) -> ArtifactFacts:
    """What the build run of the release made: ``assert artifacts.carry_their_licences()``.

    ``are_sound()``, ``are_complete()``, ``are_for_their_platforms()``, ``are_not_too_large()``;
    ``artifacts.archives`` is what is in each. A statement that does not hold is a finding with the file.
    """
    from pytest_relgate.channels.promised import promised_by
    from pytest_relgate.source.artifact_facts import ArtifactFacts, expected_names

    facts = _execution(request).facts
    profile, build = facts.profile, github.build
    promised = promised_by(profile, Path(facts.repository), facts.commit)
    templates = [name for names in promised.values() for name in names]
    return ArtifactFacts(
        load=lambda: (
            (artifact.name, path, file)
            for artifact in build.artifacts
            for path, file in build.files(artifact)
        ),
        expected=expected_names(templates, facts.context.target.removeprefix("v"), facts.context.target),
        licences=profile.built.licences,
        largest=profile.built.largest,
    )


@pytest.fixture
def signoff(request: pytest.FixtureRequest) -> SignOffs:
    """Whether a named person reviewed what changed: ``assert signoff.covers("server")``.

    ``covers`` takes change sets of relgate.toml or patterns. The diff between base and commit, limited to
    them, has a digest; who read it commits the entry that the gate prints to signoffs.toml. One more commit
    to these files is another diff, which nobody has read.
    """
    import os

    from pytest_relgate.source.git import Repository
    from pytest_relgate.source.reviewed_diff import SignOffs
    from pytest_relgate.waiverfile import SIGNOFFS

    execution = _execution(request)
    facts = execution.facts
    return SignOffs(
        gate=execution.selection.gates[request.node.nodeid].id,
        repository=Repository(Path(facts.repository)),
        base=facts.context.base,
        base_commit=facts.context.base_commit,
        commit=facts.commit,
        changes=facts.changes,
        tables=facts.profile.tables,
        reviews=facts.reviews,
        file=os.path.relpath(Path(facts.checks, SIGNOFFS), facts.rootdir),
        signed=execution.signed,
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
