"""What gates assert of source, workflows and artifacts: true of the miniature, false under their faults."""

from __future__ import annotations

import ast
import io
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.profile import load_profile
from pytest_relgate.sandbox import artifacts as built
from pytest_relgate.sandbox.faults import workflows
from pytest_relgate.sandbox.history import CANDIDATE, files_at, version_at
from pytest_relgate.source.artifact_facts import ArtifactFacts, expected_names
from pytest_relgate.source.facts import SourceFacts
from pytest_relgate.source.files import CommittedFiles, GivenFiles, WorkingFiles
from pytest_relgate.source.git import Repository
from pytest_relgate.source.problem import MOST_SHOWN, Problem, none_of
from pytest_relgate.source.topology import Roles
from pytest_relgate.source.workflow_facts import WorkflowFacts
from pytest_relgate.source.workflow_secrets import Published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKS = Path(__file__).parents[2] / "release_checks"
PROFILE = load_profile(CHECKS / "relgate.toml")
VERSION = version_at(CANDIDATE)


def facts(files: dict[str, str]) -> dict[str, Any]:
    given = GivenFiles({path: text.encode() for path, text in files.items()})
    named = PROFILE.workflows
    return {
        "source": SourceFacts(given, PROFILE.manifests, PROFILE.changelog, PROFILE.formula),
        "workflow": WorkflowFacts(
            files=given,
            publish_name=named.publish,
            build_name=named.build,
            roles=Roles(named.preflight, named.provenance, named.homebrew, named.publishes, named.final),
            pins=dict(PROFILE.pins),
            rehearsal=named.rehearsal,
            repository=PROFILE.repository,
            base="v0.1.9",
            base_files=GivenFiles({path: text.encode() for path, text in files_at(CANDIDATE - 1).items()}),
            toolchain=PROFILE.rust.toolchain,
            needed_by={tool: dict(versions) for tool, versions in PROFILE.rust.needed_by.items()},
            channels=tuple(
                Published(name, one.kind, one.job, one.secret, one.trusted)
                for name, one in PROFILE.channels.items()
            ),
        ),
    }


@cache
def gates() -> dict[str, tuple[str, frozenset[str]]]:
    """The statement of every gate on source and workflows, and the faults that it names."""
    found = {}
    for name in ("test_1_source.py", "test_2_workflows.py"):
        for node in ast.walk(ast.parse((CHECKS / name).read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and isinstance(node.body[-1], ast.Assert):
                if "run" in {given.arg for given in node.args.args}:
                    continue  # a command judges: held by the runs of the sandbox
                marks = " ".join(map(ast.unparse, node.decorator_list))
                faults = re.search(r"faults=\(([^)]*)\)", marks)
                named = frozenset(re.findall(r"'([\w-]+)'", faults[1])) if faults else frozenset()
                found[node.name] = (ast.unparse(node.body[-1].test), named)
    return found


def said(statement: str, about: dict[str, Any]) -> str:
    """What a statement finds wrong, empty where it holds."""
    release = type("Release", (), {"version": VERSION})
    try:
        assert eval(statement, {**about, "release": release, "attach": lambda *_: None}) is True
    except Finding as error:
        return error.found
    return ""


def test_every_statement_is_true_of_the_miniature() -> None:
    about = facts(files_at(CANDIDATE))
    assert len(gates()) > 15
    assert {name: words for name, (one, _) in gates().items() if (words := said(one, about))} == {}


@pytest.mark.parametrize("fault", workflows.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_turns_exactly_the_gates_red_that_name_it(fault: Any) -> None:
    if not any(fault.name in named for _, named in gates().values()):
        assert fault.name in ("whitespace-error", "insecure-commands")  # those gates are commands
        return
    about = facts(fault.files(files_at(CANDIDATE)))
    found = {name: words for name, (one, _) in gates().items() if (words := said(one, about))}
    assert found.keys() == {name for name, (_, named) in gates().items() if fault.name in named}
    assert all(re.search(fault.says, words) for words in found.values()), found


def test_a_fault_that_cannot_be_made_is_an_error_and_no_healthy_repository() -> None:
    from pytest_relgate.errors import RelgateError

    for fault in workflows.FAULTS:
        if fault.name not in ("unpinned-action", "no-concurrency-group", "whitespace-error", "hidden-job"):
            with pytest.raises((RelgateError, KeyError, ValueError)):
                fault.files({})  # type: ignore[misc]  # of the rows that have files


# What cannot be judged is not called wrong


@pytest.mark.parametrize(
    "statement",
    [
        lambda: SourceFacts(GivenFiles({})).carries("1.0.0"),
        lambda: SourceFacts(GivenFiles({})).has_final_changelog("1.0.0"),
        lambda: SourceFacts(GivenFiles({})).has_a_consistent_formula(),
        lambda: WorkflowFacts(GivenFiles({}), "").starts_by_hand_only(),
        lambda: ArtifactFacts(list, (), (), 1).are_sound(),
        lambda: ArtifactFacts(list, ("a.tgz",), (), 1).are_complete(),
        lambda: ArtifactFacts(lambda: [("x", "a.tgz", io.BytesIO())], (), (), 1).are_complete(),
        lambda: ArtifactFacts(lambda: [("x", "a.tgz", io.BytesIO())], (), (), 1).carry_their_licences(),
        lambda: expected_names(["a-{pep440}.whl"], "1.0.0-next.1"),
    ],
    ids=range(9),
)
def test_without_the_facts_nothing_is_judged(statement: Callable[[], object]) -> None:
    with pytest.raises(CannotJudge):
        statement()


@pytest.mark.parametrize(
    "statement",
    [
        lambda: SourceFacts(GivenFiles({}), changelog_path="C.md").has_final_changelog("1.0.0"),
        lambda: SourceFacts(GivenFiles({}), formula_path="f.rb").has_a_consistent_formula(),
        lambda: SourceFacts(GivenFiles({}), ("Cargo.toml",)).carries("1.0.0"),
        lambda: WorkflowFacts(GivenFiles({}), "x.yml").starts_by_hand_only(),
    ],
    ids=range(4),
)
def test_a_file_that_the_profile_names_and_is_not_there_is_a_finding(statement: Callable[[], object]) -> None:
    with pytest.raises(Finding, match=r"there is no|found no file"):
        statement()


# Several problems at once


def test_several_problems_are_one_message_with_the_first_place() -> None:
    problems = [Problem(f"no {n}", f"f:{n}", "do it" if n < 5 else f"do {n}") for n in range(9)]
    with pytest.raises(Finding) as error:
        none_of(problems)
    assert error.value.found.startswith("9 problems: no 0 (f:0); no 1 (f:1)")
    assert error.value.found.endswith(f"and {9 - MOST_SHOWN} more")
    assert (error.value.where, error.value.do) == ("f:0", "do it; do 5; do 6")
    assert none_of([]) is True


# Files


def test_files_come_from_the_tree_or_from_a_commit(project: Any) -> None:
    project.write("docs/a.md", "committed")
    commit = project.commit()
    project.write("docs/a.md", "changed")
    tree, stored = WorkingFiles(project.path), CommittedFiles(Repository(project.path), commit)
    assert (tree.read("docs/a.md"), stored.read("docs/a.md")) == (b"changed", b"committed")
    assert tree.names("docs") == stored.names("docs") == ("docs/a.md",)
    assert tree.read("nothing") is stored.read("nothing") is None
    assert tree.names("nothing") == stored.names("nothing") == ()


def test_nothing_outside_the_repository_is_read(tmp_path: Path) -> None:
    from pytest_relgate.errors import RelgateError

    (tmp_path / "secret").write_text("x")
    top = tmp_path / "repo"
    top.mkdir()
    (top / "link").symlink_to(tmp_path / "secret")
    (top / "folder").mkdir()
    for name in ("link", "../secret", "folder"):
        with pytest.raises(RelgateError, match=name):
            WorkingFiles(top).read(name)


# What was built


def made(change: Callable[[dict[str, bytes]], dict[str, bytes]] = dict) -> ArtifactFacts:
    files = change(built.build(VERSION, files_at(CANDIDATE), "0" * 40))
    templates = [name for names in PROFILE.artifacts.values() for name in names]

    def load() -> Iterator[tuple[str, str, io.BytesIO]]:
        return ((name, f"dist/{name}", io.BytesIO(raw)) for name, raw in files.items())

    return ArtifactFacts(
        load, expected_names(templates, VERSION), PROFILE.built.licences, PROFILE.built.largest
    )


def test_a_build_of_the_miniature_is_as_it_should_be() -> None:
    found = made()
    assert found.are_sound()
    assert found.are_complete()
    assert found.carry_their_licences()
    assert found.are_for_their_platforms()
    assert found.are_not_too_large()


def test_an_archive_that_is_missing_is_named() -> None:
    gone = f"plasmite-{VERSION}.tgz"
    with pytest.raises(Finding, match=f"{gone} is missing"):
        made(lambda files: {name: raw for name, raw in files.items() if name != gone}).are_complete()


def test_a_broken_archive_is_there_and_broken() -> None:
    broken = f"plasmite-{VERSION}.tgz"
    found = made(lambda files: {**files, broken: files[broken][:100]})
    with pytest.raises(Finding, match=f"{broken} is broken or cut short"):
        found.are_sound()
    assert found.are_complete()


def test_one_name_for_two_files_is_found() -> None:
    both = [("a", "x-1.tgz", io.BytesIO(b"1")), ("b", "x-1.tgz", io.BytesIO(b"2"))]
    with pytest.raises(Finding, match="is in a and in b, with other bytes"):
        ArtifactFacts(lambda: both, (), (), 1).are_sound()


def test_what_cannot_be_had_is_not_called_wrong() -> None:
    def load() -> Any:
        message = "the artifact has expired"
        raise Finding(message)

    with pytest.raises(CannotJudge, match="the artifact has expired"):
        ArtifactFacts(load, (), (), 1).are_sound()
