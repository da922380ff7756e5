"""The command of the README under every fault of its phase: BLOCKED, at the gates that name the fault.

PATH is cut down to Python and git: the drill of the core gates runs with the machine's own tools.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

import warm
from checkout import cloned
from light import LIGHT
from pytest_relgate.model import Phase
from pytest_relgate.sandbox.faults import FAULTS, Fault

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

PRERELEASE = [fault for fault in FAULTS.values() if fault.phase is Phase.PRERELEASE]
CORE = "test_4_core.py"
WHOLE = ("formatting", "version-drift", "ci-red", "parallel-publish")
"""Under these every gate runs. Under another fault the core gates, which take the time, and the rest run only
where a gate of theirs names it: what is left out is MISSING, and is not asked about."""


class Checkout:
    """A clone of this repository on a machine that has Python and git, with a sandbox of its own."""

    def __init__(self, folder: Path) -> None:
        self.path, self.environ = cloned(folder)

    def pytest(self, *args: str, cold: bool = False) -> subprocess.CompletedProcess[str]:
        """Type it; from a warm start, unless it is to be cold: see ``parts/warm.py``."""
        words = ("-p", "no:cacheprovider", *LIGHT, *args)
        if cold:
            return warm.cold(("-m", "pytest", *words), cwd=self.path, env=self.environ, timeout=240)
        return warm.run(words, cwd=self.path, env=self.environ, timeout=240)

    def plan(self) -> list[dict[str, Any]]:
        """The gates of the phase."""
        args = ("-q", "-m", "prerelease", "--release-target", "v0.1.10", "--release-plan=json")
        out = self.pytest(*args).stdout
        line = next(line for line in out.splitlines() if line.startswith("{"))
        gates: list[dict[str, Any]] = json.loads(line)["gates"]
        return gates

    def release(
        self, evidence: Path, *args: str, cold: bool = False
    ) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        done = self.pytest(
            "release_checks",
            *("-m", "prerelease", "--release-target", "v0.1.10"),
            *("--release-evidence", str(evidence), "-p", "no:html", *args),
            cold=cold,
        )
        found = list(evidence.rglob("evidence.json"))
        assert len(found) == 1, done.stdout
        return done, json.loads(found[0].read_text())


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("main-command"))


@pytest.fixture(scope="session")
def naming(checkout: Checkout) -> dict[str, set[str]]:
    """The gates that name each fault."""
    found: dict[str, set[str]] = {}
    for gate in checkout.plan():
        for fault in gate["faults"]:
            found.setdefault(fault, set()).add(gate["id"])
    return found


def narrowing(named: set[str]) -> tuple[str, ...]:
    """What leaves out the gates of the other kind, where those that name a fault are all of one."""
    core = {"::TestCargo::" in gate or "::TestBindings::" in gate for gate in named}
    if core == {True}:
        return ("-k", CORE)
    return ("-k", "not TestCargo and not TestBindings") if core == {False} else ()


def test_the_main_command_passes(checkout: Checkout, tmp_path: Path) -> None:
    done, evidence = checkout.release(tmp_path, cold=True)
    assert (done.returncode, evidence["verdict"], evidence["sandbox"]) == (0, "PASSED", True), done.stdout


@pytest.mark.parametrize("fault", PRERELEASE, ids=lambda fault: fault.name)
def test_the_main_command_blocks_where_the_fault_is(
    fault: Fault, checkout: Checkout, naming: dict[str, set[str]], tmp_path: Path
) -> None:
    narrowed = narrowing(naming[fault.name]) if fault.name not in WHOLE else ()
    done, evidence = checkout.release(tmp_path, "--release-repo", f"sandbox:{fault.name}", *narrowed)
    deciding = [
        gate for gate in evidence["gates"] if gate["id"] in naming[fault.name] and not gate.get("advisory")
    ]
    expected = (1, "BLOCKED") if deciding or narrowed else (0, "PASSED")
    assert (done.returncode, evidence["verdict"]) == expected, done.stdout
    passing = ("PASSED", "NOT_TRIGGERED", "MISSING") if narrowed else ("PASSED", "NOT_TRIGGERED")
    red = {gate["id"]: gate for gate in evidence["gates"] if gate["state"] not in passing}
    assert set(red) == naming[fault.name], {name: gate["why"] for name, gate in red.items()}
    assert len(red) < sum(gate["state"] == "PASSED" for gate in evidence["gates"]), done.stdout
    for name, gate in red.items():
        words = " ".join(attempt["message"] for attempt in gate["attempts"])
        assert gate["state"] == fault.expect, name
        assert re.search(fault.says, " ".join(words.split()), re.IGNORECASE), words


def test_every_fault_of_the_phase_is_named_by_a_gate(naming: dict[str, set[str]]) -> None:
    assert {fault.name for fault in PRERELEASE} - naming.keys() == set()
    assert set(WHOLE) <= naming.keys()


def test_every_gate_of_the_phase_names_a_fault(checkout: Checkout, naming: dict[str, set[str]]) -> None:
    planned = {gate["id"] for gate in checkout.plan()}
    assert planned - set().union(*naming.values()) == set()
