"""A gate that asks for `channel` judges every channel; what waits and what is unknown say so."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.sandbox.twins.exchange import Answer, Request
from pytest_relgate.sandbox.twins.server import Served, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Project

GATES = '''
import pytest
pytestmark = pytest.mark.prerelease


class TestChannel:
    def test_version(self, channel, release):
        """The channel serves the version."""
        assert channel.version == release.version

    def test_files(self, channel, expected):
        """The channel has the files."""
        assert channel.files == expected.files


def test_all_or_none(channels):
    """Every channel serves the release."""
    assert channels.serving == channels.expected
'''
WHEEL, SDIST = "demo-0.2.0-py3-none-any.whl", "demo-0.2.0.tar.gz"
FILES = (WHEEL, SDIST)


class Index:
    """A Python index of one project; ``offers`` are the names of its files now."""

    name = "pypi"

    def __init__(self, *offers: str) -> None:
        self.offers: Callable[[], tuple[str, ...]] = lambda: offers
        self.says: Answer | None = None
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        if self.says is not None:
            return self.says
        if request.path.startswith("/files/"):
            return Answer(200, b"bytes")
        files = [{"filename": one, "url": f"/files/{one}", "hashes": {}} for one in self.offers()]
        page = {"meta": {"api-version": "1.1"}, "name": "demo", "files": files}
        return Answer(200, json.dumps(page).encode(), {"content-type": "application/vnd.pypi.simple.v1+json"})


@pytest.fixture
def index() -> Iterator[Callable[..., tuple[Index, str]]]:
    """Serve an index; give it and its address."""
    served: list[Served] = []

    def make(*offers: str) -> tuple[Index, str]:
        one = Index(*offers)
        served.append(serve(one))
        return one, f"{served[-1].url}/simple"

    yield make
    for server in served:
        server.close()


def channels(project: Project, *, mirror: bool = False, **urls: str) -> None:
    """Write a profile with these channels, and the gates."""
    lines = ["schema = 1", 'project = "demo"']
    for name, url in urls.items():
        lines += [f"[channels.{name}]", 'kind = "pypi"', f'base = "{url}"']
        lines += ["mirror = true"] if mirror else []
    lines += ["[artifacts]", *(f"{name} = {json.dumps(FILES)}" for name in urls), ""]
    project.write("release_checks/relgate.toml", "\n".join(lines))
    project.write("release_checks/test_gates.py", GATES)
    project.lock()


def test_every_channel_is_judged_by_each_gate(bare_project: Project, index: Any) -> None:
    (one, first), (_, second) = index(*FILES), index(*FILES)
    channels(bare_project, one=first, two=second)
    done = bare_project.release()
    assert done.status == 0, done.out
    assert bare_project.states() == {
        "TestChannel::test_version[one]": "PASSED",
        "TestChannel::test_version[two]": "PASSED",
        "TestChannel::test_files[one]": "PASSED",
        "TestChannel::test_files[two]": "PASSED",
        "test_all_or_none": "PASSED",
    }
    pages = [request for request in one.asked if request.path.startswith("/simple/")]
    assert len(pages) == 1, "all gates of a process look once, together"
    assert (bare_project.folder() / "attached" / "channel-one.json").is_file()
    assert (bare_project.folder() / "attached" / "channel-table.json").is_file()
    row = "| one | serves | 0.2.0 | 2 of 2 |"
    assert row in (bare_project.folder() / "report.md").read_text()
    again = bare_project.release("-n2", "--release-rerun")
    assert again.status == 0, again.out
    assert row in (bare_project.folder() / "report.md").read_text()
    page = (bare_project.folder() / "report.html").read_text()
    assert page.index('class="relgate-channels"') < page.index('id="results-table"')
    assert "channel  state" not in again.out, "a run that passes needs no table in the terminal"


def test_what_has_not_come_yet_is_pending_and_passes_once_it_has(bare_project: Project, index: Any) -> None:
    one, url = index(WHEEL)
    channels(bare_project, one=url)
    done = bare_project.release()
    assert done.status == 1
    assert bare_project.states()["TestChannel::test_version[one]"] == "PASSED"
    assert bare_project.states()["TestChannel::test_files[one]"] == "PENDING"
    assert f"lacks {SDIST}" in " ".join(done.out.split())
    commit = bare_project.git("rev-parse", "HEAD")
    folder = str(bare_project.folder())
    assert bare_project.relgate("verify", folder, "--commit", commit).status == 3

    one.offers = lambda: FILES
    done = bare_project.release()
    assert done.status == 0, done.out
    assert bare_project.states()["TestChannel::test_files[one]"] == "PASSED"


def test_what_is_wrong_fails_after_a_second_look(bare_project: Project, index: Any) -> None:
    one, url = index(*FILES, "demo-0.2.0-py3-none-win_amd64.whl")
    channels(bare_project, one=url)
    done = bare_project.release()
    assert done.status == 1
    assert bare_project.states()["TestChannel::test_files[one]"] == "FAILED"
    assert "win_amd64.whl is there and is not expected" in " ".join(done.out.split())
    lines = done.out.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("channel  state"))
    assert lines[at + 1].split()[:3] == ["one", "disagrees", "0.2.0"]
    assert max(map(len, lines[at : at + 2])) <= 80
    pages = [request for request in one.asked if request.path.startswith("/simple/")]
    assert [request.headers.get("cache-control") for request in pages] == [None, "no-cache"]


@pytest.mark.parametrize(
    "says", [Answer(500), Answer(200, b"<html>"), Answer(404), Answer(401)], ids=["500", "html", "404", "401"]
)
def test_what_nobody_can_say_is_an_error(bare_project: Project, index: Any, says: Answer) -> None:
    one, url = index(*FILES)
    one.says = says  # a mirror's 404 says nothing of the origin
    channels(bare_project, mirror=True, one=url)
    done = bare_project.release()
    assert done.status == 1
    assert set(bare_project.states().values()) == {"ERRORED"}, done.out


def test_waiting_counts_against_no_limit(bare_project: Project, index: Any) -> None:
    one, url = index(*FILES)
    channels(bare_project, one=url)
    gates = GATES.replace("class TestChannel", "@pytest.mark.timeout(1)\nclass TestChannel")
    bare_project.write("release_checks/test_gates.py", gates)
    bare_project.lock()
    began: list[float] = []

    def later() -> tuple[str, ...]:
        began.append(time.monotonic())
        return FILES if time.monotonic() - began[0] > 1.5 else (WHEEL,)

    one.offers = later
    done = bare_project.release("--release-wait", "60s")
    assert done.status == 0, done.out
    assert len(began) > 1


def test_a_profile_without_channels_leaves_nothing_judged(bare_project: Project) -> None:
    bare_project.write("release_checks/test_gates.py", GATES)
    bare_project.commit()
    done = bare_project.release()
    assert done.status != 0
    states = set(bare_project.states().values())
    assert "PASSED" not in {state for name, state in bare_project.states().items() if "TestChannel" in name}
    assert states & {"INVALID", "UNPLANNED", "MISSING"}


def test_a_plain_run_leaves_the_gates_out(bare_project: Project, index: Any) -> None:
    one, url = index(*FILES)
    channels(bare_project, one=url)
    bare_project.write("tests/test_own.py", "def test_own():\n    pass\n")
    done = bare_project.pytest("release_checks", "tests")
    assert done.status == 0, done.out
    assert "1 passed" in done.out
    assert not one.asked


def test_a_gate_of_one_channel_has_the_faults_of_that_channel(bare_project: Project, index: Any) -> None:
    _, url = index(*FILES)
    channels(bare_project, one=url, two=url)
    named = '@pytest.mark.gate(faults=("one-late", "two-late", "down"))\n    def test_version'
    bare_project.write("release_checks/test_gates.py", GATES.replace("def test_version", named))
    bare_project.lock()
    done = bare_project.release("-q", "--release-plan=json")
    line = next(line for line in done.out.splitlines() if line.startswith("{"))
    faults = {gate["id"].partition("::")[2]: gate["faults"] for gate in json.loads(line)["gates"]}
    assert faults["TestChannel::test_version[one]"] == ["one-late", "down"]
    assert faults["TestChannel::test_version[two]"] == ["two-late", "down"]
