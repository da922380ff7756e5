"""A release in the sandbox, from the first command to the last, and what must not happen on the way."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from pytest_relgate.sandbox.box import open_box
from pytest_relgate.sandbox.faults import FAULTS, Fault
from tests.sandbox.conftest import BEFORE, LIVE, MORE, TARGET, Walk

if TYPE_CHECKING:
    from collections.abc import Callable

MISCHIEF = """\
from pytest_relgate.net.exchange import Unreachable, Why
from pytest_relgate.net.http import Http

true_post = Http.post

def post(self, url, body, **more):
    true_post(self, url, body, **more)
    return Unreachable(url, Why.RESET, 'the connection was reset', ())

Http.post = post
"""


@pytest.fixture(scope="module")
def naming(walk: Walk) -> dict[str, list[str]]:
    """The gates that name each fault of rehearsal and publish."""
    found: dict[str, list[str]] = {}
    for phase in BEFORE:
        done = walk.type(phase, *MORE.get(phase, ()), "-q", "--release-plan=json")
        line = next(line for line in done.stdout.splitlines() if line.startswith("{"))
        for gate in json.loads(line)["gates"]:
            for fault in gate["faults"]:
                found.setdefault(fault, []).append(gate["id"])
    return found


def _red(seal: dict[str, Any]) -> dict[str, dict[str, Any]]:
    passing = ("PASSED", "NOT_TRIGGERED", "BLOCKED_BY")
    return {gate["id"]: gate for gate in seal["gates"] if gate["state"] not in passing}


def _words(gate: dict[str, Any]) -> str:
    return " ".join(" ".join(attempt["message"] for attempt in gate["attempts"]).split())


def test_five_commands_release_it_on_every_channel(
    walk: Walk, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """The whole walk; its wall time is recorded and decides nothing (docs/walk.md has the figure)."""
    walk.back_to("postrelease")
    record_testsuite_property("walk_seconds", round(sum(walk.seconds.values()), 1))
    assert walk.runs() == ["Rehearse v0.1.10", "Publish v0.1.10"]
    box = open_box(walk.path, (), walk.environ)
    try:
        at, tap = box.origins, box.surroundings.tap
        for url in (
            f"{at.crates_index}/pl/as/plasmite",
            f"{at.npm}/plasmite/0.1.10",
            f"{at.pypi}/simple/plasmite/",
            f"{at.github_api}/repos/sandover/plasmite/releases/tags/v0.1.10",
        ):
            with urlopen(url) as answer:
                assert b"0.1.10" in answer.read(), url
    finally:
        box.close()
    shown = subprocess.run(
        ["git", "show", "HEAD:Formula/plasmite.rb"], cwd=tap, capture_output=True, check=True
    )
    assert b"v0.1.10" in shown.stdout


def test_every_report_says_which_run_built_it_and_the_build_what_was_built(walk: Walk) -> None:
    walk.back_to("postrelease")
    seal = walk.seal("build")
    built = {one["name"]: one["sha256"] for one in seal["subject"]["artifacts"]}
    assert {"plasmite-0.1.10.tgz", "plasmite-0.1.10.crate"} <= built.keys()
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in built.values())
    words = rf"run \d+, attempt 1 .?@ {seal['subject']['commit'][:7]}, http\S+/actions/runs/\d+"
    for phase in ("build", "rehearsal", "publish", "postrelease"):
        assert re.search(words, (walk.evidence / TARGET[1] / phase / "report.md").read_text()), phase
        assert re.search(r"^Build +run \d+, attempt 1 @ [0-9a-f]{7}\n +http", walk.said[phase], re.MULTILINE)
    assert (
        "digests: the evidence of the build"
        in (walk.evidence / TARGET[1] / "postrelease" / "report.md").read_text()
    )


@pytest.mark.parametrize("phase", ["prerelease", "build", "rehearsal", "publish", "postrelease"])
def test_another_process_verifies_each_phase(walk: Walk, phase: str) -> None:
    walk.back_to("postrelease")
    commit = walk.seal(phase)["subject"]["commit"]
    folder = walk.evidence / TARGET[1] / phase
    done = subprocess.run(
        [sys.executable, "-m", "pytest_relgate.cli", "verify", folder, "--commit", commit, "--allow-sandbox"],
        cwd=walk.path,
        env=walk.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_dry_run_publishes_nothing(walk: Walk) -> None:
    walk.back_to("rehearsal")
    done = walk.type("publish")
    assert done.returncode == 4
    assert "a dry run ends after the rehearsal" in done.stdout + done.stderr
    assert walk.runs() == ["Rehearse v0.1.10"]


@pytest.mark.parametrize(
    ("phase", "before", "missing"), [("rehearsal", "prerelease", "build"), ("publish", "build", "rehearsal")]
)
def test_nothing_is_started_before_its_turn(walk: Walk, phase: str, before: str, missing: str) -> None:
    walk.back_to(before)
    done = walk.type(phase, *MORE.get(phase, ()))
    assert (done.returncode, walk.seal(phase)["verdict"]) == (1, "BLOCKED")
    (gate,) = _red(walk.seal(phase)).values()
    assert gate["state"] == "ERRORED"
    assert re.search(f"nothing was started: .*{missing} has not passed", _words(gate))
    assert walk.runs() == []


def test_a_publish_that_is_typed_again_goes_on_with_its_run(walk: Walk) -> None:
    walk.back_to("publish")
    for again in ((), ("--release-rerun",)):
        done = walk.type("publish", *LIVE, *again)
        assert (done.returncode, walk.seal("publish")["verdict"]) == (0, "PASSED"), done.stdout
    assert walk.runs() == ["Rehearse v0.1.10", "Publish v0.1.10"]


def test_a_publish_that_somebody_else_started_is_adopted(walk: Walk) -> None:
    walk.back_to("publish")
    shutil.rmtree(walk.evidence / TARGET[1] / "publish")
    (walk.evidence / TARGET[1] / "dispatches-sandbox" / "publish.json").unlink()
    done = walk.type("publish", *LIVE)
    assert (done.returncode, walk.seal("publish")["verdict"]) == (0, "PASSED"), done.stdout
    assert walk.runs() == ["Rehearse v0.1.10", "Publish v0.1.10"]


def test_an_answer_that_is_lost_doubles_nothing(walk: Walk) -> None:
    walk.back_to("rehearsal")
    (walk.folder / "mischief_reset.py").write_text(MISCHIEF)
    done = walk.type("publish", *LIVE, plugin="mischief_reset")
    assert (done.returncode, walk.seal("publish")["verdict"]) == (0, "PASSED"), done.stdout
    assert walk.runs() == ["Rehearse v0.1.10", "Publish v0.1.10"]


@pytest.mark.parametrize(
    "fault", [fault for fault in FAULTS.values() if fault.phase in BEFORE], ids=lambda fault: fault.name
)
def test_each_fault_blocks_at_the_gate_that_names_it(
    walk: Walk, naming: dict[str, list[str]], fault: Fault
) -> None:
    walk.back_to(BEFORE[fault.phase])
    done = walk.type(fault.phase, *MORE.get(fault.phase, ()), "--release-repo", f"sandbox:{fault.name}")
    assert done.returncode == 1, done.stdout
    seal = walk.seal(fault.phase, f"faults/{fault.name}")
    (gate,) = _red(seal).values()
    assert ([gate["id"]], gate["state"]) == (naming[fault.name], fault.expect)
    assert re.search(fault.says, _words(gate), re.IGNORECASE), _words(gate)
