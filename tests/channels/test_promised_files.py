"""What a release promises is read from its own commit, and every gate that needs it is red without it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_relgate.channels.promised import held_by, promised_by
from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.profile import parse_profile
from pytest_relgate.sandbox.twins.exchange import Answer, Request
from pytest_relgate.sandbox.twins.server import serve
from pytest_relgate.source.artifact_facts import ArtifactFacts, expected_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_relgate.channels.outside import Outside
    from tests.conftest import Project

TARGETS = """
[targets]
file = "release/targets.json"
rows = "targets"
[targets.artifacts]
pypi = [{ name = "demo-{pep440}-py3-none-{os}.whl", where = { served.pypi = "official" } }]
[targets.holds]
npm = [{ name = "native/{os}/index.node", where = { served.pypi = "official" } }]
[built]
holds.npm = ["index.js"]
[artifacts]
pypi = ["demo-{version}.tar.gz"]
crates = ["demo-{version}.crate"]
"""
OWN = "demo-{version}.tar.gz"
GATES = '''
import pytest
pytestmark = pytest.mark.prerelease


def test_channel(channel, expected):
    """The channel has the files."""
    assert channel.files == expected.files


def test_built(artifacts):
    """The build has the files."""
    assert sorted(artifacts.expected) == [
        "demo-0.2.0-py3-none-linux.whl", "demo-0.2.0-py3-none-windows.whl",
        "demo-0.2.0.crate", "demo-0.2.0.tar.gz",
    ]
'''


def write(project: Project, *served: str, others: tuple[str, ...] = ("plan9",)) -> None:
    rows = [{"os": one, "served": {"pypi": "official"}} for one in served]
    rows += [{"os": one, "served": {"pypi": None}} for one in others]
    project.write("release/targets.json", json.dumps({"targets": rows}))


def test_the_commit_under_release_says_and_nothing_that_came_after(bare_project: Project) -> None:
    profile = parse_profile(b'project = "demo"\n' + TARGETS.encode(), "relgate.toml")
    before = bare_project.git("rev-parse", "HEAD")
    write(bare_project, "linux", "windows")
    released = bare_project.commit()
    write(bare_project, "linux")
    later = bare_project.commit()
    write(bare_project, "other")

    def names(commit: str) -> dict[str, tuple[str, ...]]:
        return promised_by(profile, bare_project.path, commit)

    assert names(released) == {
        "pypi": (OWN, *(f"demo-{{pep440}}-py3-none-{one}.whl" for one in ("linux", "windows"))),
        "crates": ("demo-{version}.crate",),
    }
    assert held_by(profile, bare_project.path, released) == {
        "npm": ("index.js", "native/linux/index.node", "native/windows/index.node")
    }
    assert names(later)["pypi"] == (OWN, "demo-{pep440}-py3-none-linux.whl")
    with pytest.raises(CannotJudge, match=r"release/targets\.json is not in the commit under release"):
        names(before)
    with pytest.raises(CannotJudge, match=r"release/targets\.json cannot be read from the commit"):
        names("f" * 40)

    place: Path = bare_project.path / "release" / "targets.json"
    place.rename(bare_project.path / "elsewhere.json")
    place.symlink_to("../elsewhere.json")
    with pytest.raises(
        CannotJudge, match="an error in its syntax"
    ):  # the link's text, and not what it leads to
        names(bare_project.commit())


class Index:
    """A Python index that has these files."""

    name = "pypi"

    def __init__(self) -> None:
        self.offers: list[str] = []

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/files/"):
            return Answer(200, b"bytes")
        files: list[dict[str, Any]] = [
            {"filename": one, "url": f"/files/{one}", "hashes": {}} for one in self.offers
        ]
        page = {"meta": {"api-version": "1.1"}, "name": "demo", "files": files}
        return Answer(200, json.dumps(page).encode(), {"content-type": "application/vnd.pypi.simple.v1+json"})


def test_a_file_that_a_row_promises_and_the_channel_lacks_is_red(
    bare_project: Project, request: pytest.FixtureRequest
) -> None:
    """The channel names the file that it lacks; a row that gives no name leaves both unjudged."""
    index = Index()
    server = serve(index)
    request.addfinalizer(server.close)
    channel = f'[channels.pypi]\nkind = "pypi"\nbase = "{server.url}/simple"\n'
    head = 'project = "demo"\nrepository = "ada/demo"\n'
    bare_project.write("release_checks/relgate.toml", head + TARGETS + channel)
    bare_project.write("release_checks/test_gates.py", GATES)
    write(bare_project, "linux", "windows")
    bare_project.lock()
    index.offers = ["demo-0.2.0.tar.gz", "demo-0.2.0-py3-none-linux.whl"]
    done = bare_project.release()
    assert done.status == 1
    assert bare_project.states() == {"test_channel[pypi]": "PENDING", "test_built": "PASSED"}, done.out
    assert "lacks demo-0.2.0-py3-none-windows.whl" in " ".join(done.out.split())

    write(bare_project, "linux", others=("windows", ""))
    broken = bare_project.path / "release" / "targets.json"
    broken.write_text(broken.read_text().replace("linux", "li/nux"))
    bare_project.commit()
    done = bare_project.release()
    assert done.status == 1
    assert bare_project.states() == {"test_channel[pypi]": "ERRORED", "test_built": "ERRORED"}, done.out
    said = " ".join(done.out.split())
    assert 'release/targets.json: row 1, os: expected a part of a file\'s name, found "li/nux"' in said
    assert "Traceback" not in said


def built(world: Outside, of: Outside) -> ArtifactFacts:
    """What the build of a release made, against the files that another look at it promises."""
    templates = [
        name for names in promised_by(of.profile, of.repository, of.commit).values() for name in names
    ]
    build = world.github.build
    return ArtifactFacts(
        lambda: ((one.name, path, file) for one in build.artifacts for path, file in build.files(one)),
        expected_names(templates, "0.1.9", "v0.1.9"),
        licences=(),
        largest=1,
    )


def with_targets(world: Outside, *platforms: str) -> Outside:
    """The same release, from a commit that no branch knows, with a targets file of these platforms."""

    def git(*words: str, stdin: str = "") -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=ada", "-c", "user.email=ada@example.org", *words],
            cwd=world.repository, input=stdin, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    rows = [{"sdk": sdk, "node": node} for sdk, _, node in (one.partition("=") for one in platforms)]
    blob = git("hash-object", "-w", "--stdin", stdin=json.dumps(rows))
    folder = git("mktree", stdin=f"100644 blob {blob}\ttargets.json\n")
    listed = git("ls-tree", world.commit)
    tree = git("mktree", stdin=f"{listed}\n040000 tree {folder}\trelease\n")
    world.commit = git("commit-tree", tree, "-p", world.commit, "-m", "targets")
    stated = """
    [targets]
    file = "release/targets.json"
    artifacts.github = [{ name = "plasmite_{version}_{sdk}.tar.gz" }]
    holds.npm = [{ name = "native/{node}/index.node" }]
    """
    targets = parse_profile(b'project = "plasmite"\n' + stated.encode(), "relgate.toml").targets
    artifacts = {**world.profile.artifacts, "github": ("sha256sums.txt",)}
    built = msgspec.structs.replace(world.profile.built, holds={})
    world.profile = msgspec.structs.replace(world.profile, targets=targets, artifacts=artifacts, built=built)
    return world


SERVED = tuple(
    f"{system}_{sdk}={system}-{node}"
    for system in ("darwin", "linux")
    for sdk, node in (("amd64", "x64"), ("arm64", "arm64"))
)


def test_the_rows_of_a_release_are_all_that_it_serves(outside: Callable[..., Outside]) -> None:
    world = with_targets(outside(), *SERVED)
    assert built(outside(), world).are_complete()
    channels = world.channels
    assert channels["github"].files == channels["github"].expectation.files
    assert len(channels["github"].expectation.files) == len(SERVED) + 1
    assert channels.opened.hold_their_files()


def test_a_row_more_is_red_in_the_build_on_the_channel_and_within_its_archives(
    outside: Callable[..., Outside],
) -> None:
    world = with_targets(outside(), *SERVED, "windows_amd64=win32-x64")
    with pytest.raises(Finding, match=r"plasmite_0\.1\.9_windows_amd64\.tar\.gz"):
        built(outside(), world).are_complete()
    channels = world.channels
    with pytest.raises((Finding, NotYet), match=r"plasmite_0\.1\.9_windows_amd64\.tar\.gz"):
        assert channels["github"].files
    with pytest.raises(Finding, match=r"native/win32-x64/index\.node"):
        channels.opened.hold_their_files()
