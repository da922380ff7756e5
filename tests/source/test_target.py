"""Where target, base and agent come from, with real repositories. SPEC S1, S3, S5."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Phase
from pytest_relgate.source.git import Repository
from pytest_relgate.source.target import agent_of, newest_tag, resolve_base, resolve_target

if TYPE_CHECKING:
    from pathlib import Path

CLEAN = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
PERSON = {f"GIT_{role}_{what}": "ada@x" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *args: str) -> str:
    run = subprocess.run(
        ["git", "-C", folder, *args], check=True, capture_output=True, text=True, env=CLEAN | PERSON
    )
    return run.stdout.strip()


def commit(folder: Path, text: str, *tags: str) -> str:
    (folder / "file").write_text(text)
    git(folder, "add", "file")
    git(folder, "commit", "-qm", text)
    for tag in tags:
        git(folder, "tag", tag)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """Three commits: v0.1.0 and junk, v0.2.0-rc.1, v0.2.0; then one without a tag."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "one", "v0.1.0", "v0.01.5", "nightly")
    commit(folder, "two", "v0.2.0-rc.1")
    commit(folder, "three", "v0.2.0")
    commit(folder, "four")
    return Repository.at(folder)


def never() -> str | None:
    pytest.fail("the remote was asked")


def target(
    repo: Repository, phase: Phase = Phase.PRERELEASE, option: str | None = None, **environ: str
) -> tuple[str, str]:
    return resolve_target(option=option, environ=environ, repo=repo, phase=phase, newest=never)


EVENT = {"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v0.7.0"}


def test_the_option_wins_over_everything(repo: Repository) -> None:
    found = target(repo, option="v0.9.0", RELEASE_TARGET="v0.8.0", **EVENT)
    assert found == ("v0.9.0", "--release-target")


def test_then_comes_the_variable(repo: Repository) -> None:
    assert target(repo, RELEASE_TARGET="v0.8.0", **EVENT) == ("v0.8.0", "RELEASE_TARGET")


@pytest.mark.parametrize(
    ("event", "name"), [(EVENT, "GITHUB_REF_NAME"), ({"CI_COMMIT_TAG": "v0.7.0"}, "CI_COMMIT_TAG")]
)
def test_then_the_tag_of_the_ci_event_before_the_tag_at_head(
    repo: Repository, event: dict[str, str], name: str
) -> None:
    git(repo.path, "tag", "v0.3.0")
    assert target(repo, **event) == ("v0.7.0", f"tag of the CI event ({name})")


@pytest.mark.parametrize(
    "event", [{"GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "v9.9.9"}, {"CI_COMMIT_TAG": ""}]
)
def test_a_branch_event_names_no_target(repo: Repository, event: dict[str, str]) -> None:
    git(repo.path, "tag", "-m", "annotated", "v0.3.0")
    git(repo.path, "tag", "v0.3")
    assert target(repo, **event) == ("v0.3.0", "tag at HEAD")


def test_two_versions_at_head_are_named_and_refused(repo: Repository) -> None:
    git(repo.path, "tag", "v0.3.0")
    git(repo.path, "tag", "v0.3.0-rc.1")
    with pytest.raises(RelgateError, match=r"v0\.3\.0 and v0\.3\.0-rc\.1.*--release-target"):
        target(repo)


@pytest.mark.parametrize("phase", [Phase.POSTRELEASE, Phase.WEEKLY])
def test_after_the_release_the_newest_is_judged(repo: Repository, phase: Phase) -> None:
    found = resolve_target(option=None, environ={}, repo=repo, phase=phase, newest=lambda: newest_tag(repo))
    assert found == ("v0.2.0", "newest release")


@pytest.mark.parametrize("phase", [Phase.PRERELEASE, Phase.BUILD])
def test_before_the_release_nothing_is_guessed(repo: Repository, phase: Phase) -> None:
    git(repo.path, "tag", "v0.3")
    with pytest.raises(RelgateError, match=r"found no .*HEAD \(v0\.3 is none\): type `--release-target"):
        target(repo, phase)


def test_no_newest_release_is_an_error(repo: Repository) -> None:
    with pytest.raises(RelgateError, match="expected a release target"):
        resolve_target(option=None, environ={}, repo=repo, phase=Phase.WEEKLY, newest=lambda: None)


@pytest.mark.parametrize("phase", [Phase.REHEARSAL, Phase.PUBLISH])
def test_rehearsal_and_publish_take_the_command_line_only(repo: Repository, phase: Phase) -> None:
    git(repo.path, "tag", "v0.3.0")
    with pytest.raises(RelgateError, match=f"{phase} takes its target from the command line only"):
        target(repo, phase, RELEASE_TARGET="v0.3.0", **EVENT)
    assert target(repo, phase, option="v0.3.0") == ("v0.3.0", "--release-target")


@pytest.mark.parametrize(
    ("option", "environ", "source"),
    [
        ("", {}, "--release-target"),
        ("0.9.0", {"RELEASE_TARGET": "v0.9.0"}, "--release-target"),
        (None, {"RELEASE_TARGET": ""}, "RELEASE_TARGET"),
        (None, {"RELEASE_TARGET": "v1", **EVENT}, "RELEASE_TARGET"),
        (None, {**EVENT, "GITHUB_REF_NAME": "nightly"}, r"tag of the CI event \(GITHUB_REF_NAME\)"),
        (None, {"GITHUB_REF_TYPE": "tag"}, r"tag of the CI event \(GITHUB_REF_NAME\)"),
        (None, {"CI_COMMIT_TAG": "v1.2"}, r"tag of the CI event \(CI_COMMIT_TAG\)"),
    ],
)
def test_an_invalid_value_names_its_source_and_is_never_skipped(
    repo: Repository, option: str | None, environ: dict[str, str], source: str
) -> None:
    git(repo.path, "tag", "v0.3.0")
    with pytest.raises(RelgateError, match=rf"^{source}: expected vX\.Y\.Z"):
        target(repo, option=option, **environ)


def test_a_newest_release_that_is_no_version_is_refused(repo: Repository) -> None:
    with pytest.raises(RelgateError, match=r"^newest release: expected vX\.Y\.Z"):
        resolve_target(option=None, environ={}, repo=repo, phase=Phase.WEEKLY, newest=lambda: "weekly-7")


def test_the_base_comes_with_its_commit(repo: Repository) -> None:
    expected = git(repo.path, "rev-parse", "v0.2.0")
    tag, found, why = resolve_base(override=None, target="v0.3.0", repo=repo, policy="auto")
    assert (tag, found) == ("v0.2.0", expected)
    assert why == "last stable below v0.3.0 (no vX.Y.Z and so left out: v0.01.5)"


def test_a_first_release_has_no_base(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    commit(tmp_path, "one")
    found = resolve_base(override=None, target="v0.1.0", repo=Repository.at(tmp_path), policy="auto")
    assert found == ("", "", "first release: no lower stable tag")


def test_an_override_below_the_target_is_taken(repo: Repository) -> None:
    expected = git(repo.path, "rev-parse", "v0.1.0")
    found = resolve_base(override="v0.1.0", target="v0.3.0", repo=repo, policy="auto")
    assert found == ("v0.1.0", expected, "--release-base")


@pytest.mark.parametrize(
    ("override", "complaint"),
    [
        ("", "expected vX"),
        ("0.1.0", "type `--release-base v0.1.0`"),
        ("nightly", "expected vX"),
        ("v0.01.5", "type `--release-base v0.1.5`"),
        ("v0.1.11", "found none named v0.1.11"),
        ("v0.2.0", "which is equal to it"),
        ("v0.3.0", "which is above it"),
    ],
)
def test_any_other_override_is_refused(repo: Repository, override: str, complaint: str) -> None:
    git(repo.path, "tag", "v0.3.0")
    with pytest.raises(RelgateError) as caught:
        resolve_base(override=override, target="v0.2.0", repo=repo, policy="auto")
    assert str(caught.value).startswith("--release-base: ")
    assert complaint in str(caught.value)


def test_an_override_equal_but_for_build_metadata_is_refused(repo: Repository) -> None:
    with pytest.raises(RelgateError, match="equal to it"):
        resolve_base(override="v0.2.0", target="v0.2.0+b", repo=repo, policy="auto")


def test_a_shallow_clone_is_refused_unless_the_base_is_named(repo: Repository, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth", "2", f"file://{repo.path}", str(clone))
    shallow = Repository.at(clone)
    for wanted in ("v0.3.0", "v0.1.0"):  # one with a lower tag in sight, one without any
        with pytest.raises(RelgateError, match="git fetch --unshallow --tags"):
            resolve_base(override=None, target=wanted, repo=shallow, policy="auto")
    assert resolve_base(override="v0.2.0", target="v0.3.0", repo=shallow, policy="auto")[0] == "v0.2.0"


def test_the_agent_is_the_option(repo: Repository) -> None:
    assert agent_of("opus@build-7", {"GITHUB_ACTOR": "x"}, repo.identity()) == (
        "opus@build-7",
        "--release-agent",
    )


@pytest.mark.parametrize(
    ("environ", "identity", "agent"),
    [
        ({"GITHUB_ACTOR": "ada", "GITLAB_USER_LOGIN": "bob"}, "Eve <e@x>", "ada"),
        ({"GITLAB_USER_LOGIN": "bob", "USER": "root"}, "Eve <e@x>", "bob"),
        ({"USER": "root"}, "Eve <e@x>", "Eve <e@x>"),
        ({"USER": "root"}, "", f"root@{os.uname().nodename}"),
        ({"USER": "", "LOGNAME": "kim"}, "", f"kim@{os.uname().nodename}"),
        ({}, "", "unknown"),
    ],
)
def test_an_agent_that_nobody_named_is_assumed_and_says_so(
    environ: dict[str, str], identity: str, agent: str
) -> None:
    found, why = agent_of(None, environ, identity)
    assert found == agent
    assert why.startswith("assumed")


@pytest.mark.parametrize(
    "agent",
    [
        "",
        " ",
        "ada\n",
        "ada\nverdict: PASSED",
        "a\x1b[2Jb",
        "a\u2028b",
        "a\u202eb",
        "a\udce4",
        "x" * 201,
        "\tada",
    ],
)
def test_an_agent_that_would_not_be_one_readable_line_is_refused(agent: str) -> None:
    with pytest.raises(RelgateError) as caught:
        agent_of(agent, {}, "")
    assert str(caught.value).startswith("--release-agent: ")
    assert str(caught.value).isprintable()
    with pytest.raises(RelgateError, match=r"^GITHUB_ACTOR: "):
        agent_of(None, {"GITHUB_ACTOR": agent or "\n"}, "")


@pytest.mark.parametrize("agent", ["Zoë 李", "ada@laptop", "x" * 200, "Ada Lovelace <ada@example.org>"])
def test_other_names_are_kept_as_they_are(agent: str) -> None:
    assert agent_of(agent, {}, "")[0] == agent
