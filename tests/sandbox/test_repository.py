"""The sandbox's repository: real git, the same everywhere, whole whatever happens. SPEC B11."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.formula import PATH as FORMULA
from pytest_relgate.sandbox.formula import PLATFORMS, filled_formula
from pytest_relgate.sandbox.history import CANDIDATE, files_at, tag_at, version_at
from pytest_relgate.sandbox.repository import (
    CANDIDATE_COMMIT,
    build_repository,
    ensure_repository,
    sandbox_home,
)
from pytest_relgate.source.command import environment_for_git
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

VERSIONED = {
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "bindings/node/native/Cargo.toml",
    "bindings/node/package-lock.json",
    "bindings/node/package.json",
    "bindings/python/pyproject.toml",
}


def git(folder: Path, *args: str) -> str:
    environ = environment_for_git(os.environ)
    run = subprocess.run(
        ["git", "-C", folder, *args], check=True, capture_output=True, text=True, env=environ
    )
    return run.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "plasmite"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository that no test changes."""
    return Repository(build_repository(tmp_path_factory.mktemp("built") / "plasmite"))


def test_the_candidate_is_the_same_commit_on_every_machine(built: Repository) -> None:
    assert built.head() == CANDIDATE_COMMIT
    assert built.branch() == "main"
    assert built.dirt() == ()
    assert git(built.path, "fsck", "--strict") == ""


def test_ten_releases_are_tagged_and_the_candidate_is_not(built: Repository) -> None:
    commits = git(built.path, "rev-list", "--reverse", "HEAD").split()
    assert {tag.name: tag.commit for tag in built.tags()} == {
        f"v0.1.{n}": commit for n, commit in enumerate(commits[:-1])
    }
    assert len(commits) == 11
    kinds = git(built.path, "for-each-ref", "--format=%(objecttype)", "refs/tags").split()
    assert set(kinds) == {"tag", "commit"}


@pytest.mark.parametrize("patch", range(CANDIDATE + 1))
def test_every_release_carries_its_version_everywhere(built: Repository, patch: int) -> None:
    version = version_at(patch)
    rev = tag_at(patch) if patch < CANDIDATE else "HEAD"
    found = {path: raw.decode() for path, raw in built.contents(rev, built.files(rev)).items()}
    assert found == files_at(patch)
    assert tomllib.loads(found["Cargo.toml"])["package"]["version"] == version
    packages = tomllib.loads(found["Cargo.lock"])["package"]
    assert [item["version"] for item in packages if item["name"] == "plasmite"] == [version]
    assert tomllib.loads(found["bindings/node/native/Cargo.toml"])["package"]["version"] == version
    assert tomllib.loads(found["bindings/python/pyproject.toml"])["project"]["version"] == version
    assert json.loads(found["bindings/node/package.json"])["version"] == version
    lock = json.loads(found["bindings/node/package-lock.json"])
    assert lock["version"] == lock["packages"][""]["version"] == version
    assert re.findall(r"^## \[(.+?)\]", found["CHANGELOG.md"], re.MULTILINE)[:2] == ["Unreleased", version]


def test_between_the_last_release_and_the_candidate_no_dependency_changes(built: Repository) -> None:
    assert set(built.changed("v0.1.9", "HEAD")) == VERSIONED | {"src/cli.rs"}
    for path in ("Cargo.toml", "Cargo.lock", "bindings/python/pyproject.toml"):
        before, after = (built.contents(rev, [path])[path].decode() for rev in ("v0.1.9", "HEAD"))
        assert before.replace("0.1.9", "0.1.10") == after


def test_earlier_releases_change_what_change_sets_look_at(built: Repository) -> None:
    def beyond_versions(patch: int) -> set[str]:
        return set(built.changed(tag_at(patch - 1), tag_at(patch))) - VERSIONED

    server = {"src/serve.rs", "tests/remote_integration.rs", "ui/index.html", "spec/remote/v0/SPEC.md"}
    assert beyond_versions(1) == {"src/lib.rs", *server}
    assert beyond_versions(4) == {"src/core/pool.rs"}
    assert beyond_versions(6) == {".github/workflows/release.yml", ".github/workflows/release-publish.yml"}
    assert b"libc" in built.contents("v0.1.3", ["Cargo.lock"])["Cargo.lock"]


def test_the_workflows_are_what_their_names_say(built: Repository) -> None:
    paths = built.files("HEAD", ".github/workflows")
    flows = {Path(path).stem: yaml.safe_load(raw) for path, raw in built.contents("HEAD", paths).items()}
    assert {name: flow["name"] for name, flow in flows.items()} == {name: name for name in flows}
    assert set(flows["release-publish"][True]) == {"workflow_dispatch"}  # yaml reads `on` as true
    jobs = flows["release-publish"]["jobs"]
    order = list(jobs)
    needs = [jobs[job].get("needs", []) for job in order]
    for before, (job, needed) in zip(order, list(zip(order, needs, strict=True))[1:], strict=False):
        assert before in needed, job  # one after the other
    assert set(needs[-1]) >= {job for job in order if job.startswith("publish-")} - {order[-1]}
    for flow in flows.values():
        assert flow["permissions"] == {"contents": "read"}
        assert flow["concurrency"]["group"]
        for job in flow["jobs"].values():
            used = [step["uses"] for step in job["steps"] if "uses" in step]
            assert all(re.search(r"@[0-9a-f]{40}$", action) for action in used)


def test_what_workflows_and_recipes_call_is_there(built: Repository) -> None:
    paths = [*built.files("HEAD", ".github/workflows"), "Justfile", *built.files("HEAD", "scripts")]
    texts = "\n".join(raw.decode() for raw in built.contents("HEAD", paths).values())
    called = set(re.findall(r"\bscripts/[\w.]+", texts))
    assert called == set(built.files("HEAD", "scripts"))


def test_the_workflows_are_sound(built: Repository) -> None:
    """As zizmor sees it, without the network."""
    zizmor = Path(sys.executable).with_name("zizmor")
    command = [zizmor, "--offline", "--no-progress", "--format=json", built.path / ".github/workflows"]
    linted = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (linted.returncode, json.loads(linted.stdout)) == (0, []), linted.stdout


def test_every_package_carries_licence_and_notices(built: Repository) -> None:
    for name in ("LICENSE", "THIRD_PARTY_NOTICES.md"):
        paths = [name, *(f"bindings/{binding}/{name}" for binding in ("go", "node", "python"))]
        assert len(set(built.contents("HEAD", paths).values())) == 1


def test_the_formula_is_filled_with_what_was_built(built: Repository, tmp_path: Path) -> None:
    sums = {platform: f"{number:064x}" for number, platform in enumerate(PLATFORMS)}
    lines = [f"{digest}  plasmite_0.1.10_{name}.tar.gz\n" for name, digest in sums.items()]
    (tmp_path / "sums").write_text("".join(lines))
    command = [sys.executable, "scripts/fill_formula.py", "0.1.10", tmp_path / "sums"]
    filled = subprocess.run(command, cwd=built.path, capture_output=True, text=True, check=True).stdout
    template = built.contents("HEAD", [FORMULA])[FORMULA].decode()
    assert filled == filled_formula(template, "0.1.10", sums)
    assert "@" not in filled
    (tmp_path / "sums").write_text("".join(lines[1:]))
    lacking = subprocess.run(command, cwd=built.path, capture_output=True, text=True, check=False)
    assert (lacking.returncode, lacking.stdout) == (1, "")
    assert "@DARWIN_AMD64@" in lacking.stderr


def hostile_configuration(folder: Path) -> dict[str, str]:
    """Settings of a user that would change commits, files or where they go."""
    template = folder / "template"
    (template / "hooks").mkdir(parents=True)
    hook = "#!/bin/sh\ntouch hooked\nexit 1\n"
    for name in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change"):
        (template / "hooks" / name).write_text(hook)
        (template / "hooks" / name).chmod(0o755)
    config = folder / "gitconfig"
    config.write_text(
        "[user]\n\tname = Somebody\n\temail = else@example.org\n\tuseConfigOnly = true\n"
        f"[init]\n\ttemplateDir = {template}\n\tdefaultBranch = trunk\n\tdefaultObjectFormat = sha256\n"
        f"[core]\n\thooksPath = {template / 'hooks'}\n\tautocrlf = true\n\teol = crlf\n\tfileMode = false\n"
        f"\tattributesFile = {folder / 'attributes'}\n\texcludesFile = {folder / 'ignore'}\n"
        "[commit]\n\tgpgSign = true\n[tag]\n\tgpgSign = true\n[gpg]\n\tprogram = /bin/false\n"
        "[fastimport]\n\tunpackLimit = 1\n[i18n]\n\tcommitEncoding = latin1\n"
    )
    (folder / "attributes").write_text("* text=auto eol=crlf ident\n")
    (folder / "ignore").write_text("*.md\n")
    return {
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "init.defaultBranch",
        "GIT_CONFIG_VALUE_0": "trunk",
        "GIT_DEFAULT_HASH": "sha256",
        "GIT_AUTHOR_NAME": "Somebody",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z",
        "GIT_DIR": str(folder / "elsewhere"),
        "GIT_TEMPLATE_DIR": str(template),
        "TZ": "Asia/Kathmandu",
    }


def test_the_users_configuration_does_not_matter(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in hostile_configuration(tmp_path).items():
        monkeypatch.setenv(name, value)
    before = os.umask(0o077)
    try:
        build_repository(folder)
    finally:
        os.umask(before)
    repo = Repository.at(folder)
    assert repo.path == folder
    assert (repo.head(), repo.branch()) == (CANDIDATE_COMMIT, "main")
    assert repo.dirt() == ()
    assert (folder / "README.md").read_bytes() == files_at(CANDIDATE)["README.md"].encode()
    (folder / "README.md").unlink()
    git(folder, "checkout", "-q", "--", "README.md")
    assert b"\r" not in (folder / "README.md").read_bytes()
    assert not list(tmp_path.rglob("hooked"))
    assert not (folder / ".git" / "hooks").exists()
    (folder / "NEW.md").touch()
    assert repo.dirt() == ("NEW.md",)  # the user's ignore file is not asked


def age(folder: Path) -> int:
    """Tell whether the repository is still the one that was made first."""
    return folder.stat().st_ino


def test_an_intact_repository_is_kept(folder: Path) -> None:
    assert ensure_repository(folder) == folder
    made = age(folder)
    (folder / "target").mkdir()
    (folder / "target" / "output").write_text("built")
    git(folder, "tag", "v0.1.10")
    assert ensure_repository(folder) == folder
    assert age(folder) == made
    assert (folder / "target" / "output").exists()


def commit(folder: Path) -> object:
    return git(folder, "commit", "-q", "--allow-empty", "-m", "more")


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "README.md").write_text("changed"),
        lambda folder: (folder / "new").touch(),
        lambda folder: (folder / "Cargo.toml").unlink(),
        commit,
        lambda folder: git(folder, "checkout", "-q", "--detach"),
        lambda folder: git(folder, "checkout", "-q", "v0.1.9"),
        lambda folder: git(folder, "checkout", "-q", "-b", "other"),
        lambda folder: git(folder, "tag", "-d", "v0.1.9"),
        lambda folder: git(folder, "tag", "-f", "v0.1.9", "v0.1.8"),
        lambda folder: git(folder, "tag", "v9.9.9"),
        lambda folder: git(folder, "tag", "v0.1.10", "v0.1.9"),
        lambda folder: (folder / ".git" / "HEAD").unlink(),
        lambda folder: (folder / ".git" / "index").write_text("broken"),
        lambda folder: shutil.rmtree(folder / ".git" / "objects"),
        lambda folder: shutil.rmtree(folder / ".git"),
        lambda folder: (shutil.rmtree(folder), folder.mkdir()),
        lambda folder: (shutil.rmtree(folder), folder.write_text("a file")),
        lambda folder: (shutil.rmtree(folder), folder.symlink_to("nowhere")),
    ],
    ids=[
        "changed",
        "untracked",
        "deleted",
        "commit",
        "detached",
        "older",
        "branch",
        "tag deleted",
        "tag moved",
        "tag added",
        "target's tag elsewhere",
        "no HEAD",
        "broken index",
        "no objects",
        "no git",
        "empty",
        "file",
        "dangling link",
    ],
)
def test_anything_else_is_made_anew(folder: Path, damage: Callable[[Path], object]) -> None:
    build_repository(folder)
    damage(folder)
    ensure_repository(folder)
    repo = Repository(folder)
    assert (repo.head(), repo.branch(), repo.dirt()) == (CANDIDATE_COMMIT, "main", ())
    assert [tag.name for tag in repo.tags()] == [tag_at(patch) for patch in range(CANDIDATE)]
    assert sorted(path.name for path in folder.parent.iterdir()) == [".plasmite.lock", "plasmite"]


def test_a_broken_repository_inside_another_is_not_taken_for_that(folder: Path) -> None:
    build_repository(folder.parent)
    build_repository(folder)
    (folder / ".git" / "HEAD").unlink()
    ensure_repository(folder)
    assert (folder / ".git" / "HEAD").exists()


def test_a_change_is_committed_in_place_of_the_candidates_files(folder: Path) -> None:
    def change(files: dict[str, str]) -> dict[str, str]:
        return {path: text for path, text in files.items() if path != "LICENSE"} | {"NEW.md": "new\n"}

    ensure_repository(folder, change)
    repo = Repository(folder)
    assert set(repo.changed("v0.1.9", "HEAD")) == VERSIONED | {"src/cli.rs", "LICENSE", "NEW.md"}
    assert repo.head() != CANDIDATE_COMMIT
    assert repo.dirt() == ()
    assert [tag.name for tag in repo.tags()] == [tag_at(patch) for patch in range(CANDIDATE)]
    made = age(folder)
    git(folder, "tag", "v0.1.10")
    ensure_repository(folder, change)
    assert age(folder) == made
    ensure_repository(folder)  # the healthy one in its place: another repository
    assert (Repository(folder).head(), age(folder) == made) == (CANDIDATE_COMMIT, False)


def start(folder: Path, **environ: str) -> subprocess.Popen[bytes]:
    program = (
        "import sys; from pathlib import Path;"
        "from pytest_relgate.sandbox.repository import ensure_repository as ensure;"
        "ensure(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", program, folder]
    return subprocess.Popen(command, env={**os.environ, **environ}, stderr=subprocess.PIPE)


def test_processes_at_once_leave_one_whole_repository(folder: Path) -> None:
    running = [start(folder) for _ in range(4)]
    assert [process.communicate()[1] for process in running] == [b""] * 4
    assert [process.returncode for process in running] == [0] * 4
    made = age(folder)
    ensure_repository(folder)
    assert age(folder) == made
    assert Repository(folder).head() == CANDIDATE_COMMIT


@pytest.mark.parametrize("step", ["init", "fast-import", "reset"])
def test_a_kill_half_way_leaves_nothing_half_made(folder: Path, tmp_path: Path, step: str) -> None:
    build_repository(folder)
    (folder / "new").touch()
    kept = age(folder)
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    killing = f'case " $* " in *" {step} "*) kill -KILL $PPID; exit 1;; esac'
    wrapper.write_text(f'#!/bin/sh\n{killing}\nexec "{shutil.which("git")}" "$@"\n')
    wrapper.chmod(0o755)
    process = start(folder, PATH=f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert age(folder) == kept
    assert len(list(folder.parent.glob(".plasmite.making-*"))) == 1
    ensure_repository(folder)
    assert Repository(folder).dirt() == ()
    assert sorted(path.name for path in folder.parent.iterdir()) == [".plasmite.lock", "plasmite"]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RelgateError, match=r"^the sandbox cannot be made at .*XDG_CACHE_HOME") as caught:
        ensure_repository(tmp_path / "file" / "plasmite")
    assert "\n" not in str(caught.value)


def test_each_checkout_has_a_home_of_its_own_in_the_cache(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    (tmp_path / "link").symlink_to(one)
    environ = {"HOME": "/home/ada", "XDG_CACHE_HOME": "/caches"}
    assert sandbox_home(one, environ) == sandbox_home(tmp_path / "link", environ)
    assert sandbox_home(one, environ) != sandbox_home(two, environ)
    assert sandbox_home(one, environ).is_relative_to("/caches/pytest-relgate")
    for cache in ("", "relative"):
        home = sandbox_home(one, {"HOME": "/home/ada", "XDG_CACHE_HOME": cache})
        assert home.is_relative_to("/home/ada/.cache/pytest-relgate")


def test_without_a_home_the_sandbox_has_no_place(tmp_path: Path) -> None:
    with pytest.raises(RelgateError, match="set XDG_CACHE_HOME"):
        sandbox_home(tmp_path, {})
