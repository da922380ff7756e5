"""What markers say of a gate: as the lock writes it down, and as a malformed one is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Project

QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]
PROFILE = """\
schema = 1
project = "demo"

[limits]
gate = "90s"

[changes]
docs = ["README.md", "docs/"]

[present]
wheels = ["dist/*.whl"]
"""
GATES = """\
import pytest

from pytest_relgate.fixtures import command

pytestmark = [pytest.mark.prerelease, pytest.mark.gate(waivable=False)]


def test_plain():
    pass


@pytest.mark.gate(advisory=True, remedy="type make")
def test_facts():
    pass


@pytest.mark.gate(waivable=True)
def test_nearer_marks_win():
    pass


@pytest.mark.when_changed("docs", "src/*.txt")
@pytest.mark.when_present("wheels")
@pytest.mark.live_only
def test_conditions():
    pass


@pytest.mark.parametrize("argv", [command("cargo fmt --check", id="fmt", limit="2m")])
def test_command(argv, run):
    run(argv)


@pytest.mark.timeout(method="thread")
def test_limit_of_the_profile():
    pass


@pytest.mark.timeout(5)
class TestClass:
    def test_limit_of_the_class(self):
        pass


@pytest.mark.sequence
class TestSteps:
    def test_step(self):
        pass


@pytest.mark.gate(reads_world=True)
def test_world():
    pass
"""


def write(project: Project, gates: str) -> None:
    project.write("release_checks/relgate.toml", PROFILE)
    project.write("release_checks/test_gates.py", gates)
    project.commit("gates")


def lock(project: Project) -> dict[str, dict[str, Any]]:
    done = project.pytest(*QUICK, "--release-lock")
    assert done.status == 0, done.out
    text = json.loads((project.path / "release_checks/gates.lock").read_text())
    return {gate.pop("id").removeprefix("test_gates.py::"): gate for gate in text["gates"]}


def test_the_lock_says_what_decides_about_a_gate(bare_project: Project) -> None:
    bare_project.write("docs/index.md", "demo\n")
    write(bare_project, GATES)
    plain = {"phase": "prerelease", "limit": 90.0, "waivable": False}
    assert lock(bare_project) == {
        "test_plain": plain,
        "test_facts": plain | {"advisory": True},
        "test_nearer_marks_win": {"phase": "prerelease", "limit": 90.0},
        "test_conditions": plain
        | {
            "conditions": [
                {"kind": "live", "name": "live"},
                {"kind": "present", "name": "wheels", "patterns": ["dist/*.whl"]},
                {
                    "kind": "changed",
                    "name": "docs or src/*.txt",
                    "patterns": ["README.md", "docs/"],
                    "others": [["src/*.txt"]],
                },
            ]
        },
        "test_command[fmt]": plain | {"limit": 120.0},
        "test_limit_of_the_profile": plain,
        "TestClass::test_limit_of_the_class": plain | {"limit": 5.0},
        "TestSteps::test_step": plain | {"sequence": "test_gates.py::TestSteps"},
        "test_world": plain | {"reads_world": True},
    }


def test_a_lock_of_one_phase_keeps_the_others(bare_project: Project) -> None:
    write(bare_project, "import pytest\n\n\n@pytest.mark.build\ndef test_built():\n    pass\n")
    assert set(lock(bare_project)) == {"test_built"}
    both = "import pytest\n\n\n@pytest.mark.build\ndef test_other():\n    pass\n\n\n"
    bare_project.write(
        "release_checks/test_gates.py", f"{both}@pytest.mark.weekly\ndef test_installs():\n    pass\n"
    )
    done = bare_project.pytest(*QUICK, "--release-lock", "-m", "weekly")
    assert "1 new, 0 gone" in done.out, done.out
    text = (bare_project.path / "release_checks/gates.lock").read_text()
    assert "test_built" in text
    assert "test_installs" in text
    assert "test_other" not in text


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("def test_x():\n    pass", "it has no phase: mark it with one of prerelease, build,"),
        ("@p.build\n@p.weekly\ndef test_x():\n    pass", "it has 2 phases (weekly, build): keep one"),
        ("@p.build\n@p.gate('make')\ndef test_x():\n    pass", "the gate marker takes names only"),
        (
            "@p.build\n@p.gate(advise=True)\ndef test_x():\n    pass",
            "gate(advise=...) is unknown: it takes remedy",
        ),
        ("@p.build\n@p.gate(incident=1)\ndef test_x():\n    pass", "gate(incident=...) takes a bool, not 1"),
        (
            "@p.build\n@p.when_changed()\ndef test_x():\n    pass",
            "when_changed takes names of [changes] or patterns",
        ),
        ("@p.build\n@p.when_changed('dox')\ndef test_x():\n    pass", "the profile's [changes] holds docs"),
        ("@p.build\n@p.when_present('dox')\ndef test_x():\n    pass", "the profile's [present] holds wheels"),
        (
            "@p.build\n@p.when_changed('dox/*')\ndef test_x():\n    pass",
            "the pattern 'dox/*' matches no file",
        ),
        ("@p.build\n@p.sequence\ndef test_x():\n    pass", "sequence stands on a class"),
        ("@p.build\n@p.timeout(0)\ndef test_x():\n    pass", "timeout(0) is no limit"),
        ("@p.build\n@p.timeout(-1)\ndef test_x():\n    pass", "timeout(-1) is no limit"),
        ("@p.build\n@p.timeout(float('inf'))\ndef test_x():\n    pass", "timeout(inf) is no limit"),
        ("@p.build\n@p.parametrize('a', [])\ndef test_x(a):\n    pass", "its parameters are empty"),
        (
            "@pytest.fixture\ndef run():\n    return print\n\n\n@p.build\ndef test_x(run):\n    pass",
            "the fixture run is overridden in release_checks/test_gates.py:6",
        ),
        ("", "expected gates in release_checks/, found none"),
        ("import nothing_of_that_name", "not everything could be collected"),
        ("pytest.skip('later', allow_module_level=True)", "not everything could be collected"),
        (
            "@p.build\nclass TestX:\n    def __init__(self):\n        pass",
            "not everything could be collected",
        ),
    ],
)
def test_a_malformed_gate_is_not_locked(bare_project: Project, gate: str, told: str) -> None:
    write(bare_project, f"import pytest\n\np = pytest.mark\n\n\n{gate}\n")
    for phase in ([], ["-m", "build"]):
        done = bare_project.pytest(*QUICK, "--release-lock", *phase)
        assert done.status == 4, done.out
        said = [line for line in done.out.splitlines() if line.startswith("ERROR: the lock was not written")]
        assert len(said) == 1, done.out
        assert told in said[0]
        assert not (bare_project.path / "release_checks/gates.lock").exists()
