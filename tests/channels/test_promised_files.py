"""What a release promises is read from its own commit, and every gate that needs it is red without it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.channels.promised import held_by, promised_by
from pytest_relgate.errors import CannotJudge
from pytest_relgate.profile import parse_profile
from pytest_relgate.sandbox.twins.exchange import Answer, Request
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    from pathlib import Path

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
