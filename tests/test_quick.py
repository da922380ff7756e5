"""What a release run saves of pytest's work changes nothing that pytest says, calls or shows."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

QUICK = [word for name in ("randomly", "asyncio", "html") for word in ("-p", f"no:{name}")]
ALL_KINDS = """\
import functools
import unittest

import pytest

from shared import InAnotherFile, borrowed

pytestmark = pytest.mark.prerelease


def wrapped(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)
    return inner


def placed(function):
    function.place_as = borrowed
    return function


@pytest.mark.parametrize("number", range(3))
def test_numbers(number):
    pass


@wrapped
def test_wrapped():
    pass


@placed
def test_placed():
    pass


def test_plain():
    pass


test_borrowed = borrowed


class TestClass(InAnotherFile):
    def test_own(self):
        pass

    @staticmethod
    def test_static():
        pass

    class TestInner:
        @pytest.mark.parametrize("number", range(2))
        def test_inner(self, number):
            pass


class TestCase(unittest.TestCase):
    def test_case(self):
        pass


def test_last():
    pass
"""
PLACES = """\
import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if item.name == "test_numbers[1]":
            item.name = "test_numbers[one]"


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    for item in session.items:
        asked = pytest.Item.location.func(item)
        assert item.location == asked, (item.location, asked)
"""


def test_places_are_those_that_pytest_would_find(project: Project) -> None:
    project.write("release_checks/test_gates.py", ALL_KINDS)
    project.write(
        "release_checks/shared.py",
        "class InAnotherFile:\n    def test_inherited(self):\n        pass\n\n\ndef borrowed():\n    pass\n",
    )
    project.write("release_checks/conftest.py", PLACES)
    project.write("pytest.ini", "[pytest]\npythonpath = release_checks\n")
    project.lock()
    done = project.release(*QUICK)
    assert done.status == 0, done.out
    assert len(project.states()) == 14, done.out


def test_a_conftest_is_asked_about_its_own_folder_alone(project: Project) -> None:
    gate = "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\ndef test_{0}():\n    pass\n"
    for folder in ("one", "two"):
        project.write(f"release_checks/{folder}/test_{folder}.py", gate.format(folder))
    project.write(
        "release_checks/two/conftest.py", "def pytest_runtest_setup():\n    assert False, 'only in two'\n"
    )
    project.lock()
    done = project.release(*QUICK)
    assert (done.status, project.states()["test_one"], project.states()["test_two"]) == (
        1,
        "PASSED",
        "FAILED",
    ), done.out


def test_a_plugin_that_comes_in_the_middle_is_asked(project: Project) -> None:
    project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\nclass Late:\n"
        "    def pytest_runtest_call(self):\n        assert False, 'late'\n\n\n"
        "def test_a(request):\n    request.config.pluginmanager.register(Late())\n\n\n"
        "def test_b():\n    pass\n",
    )
    project.lock()
    done = project.release(*QUICK)
    assert (done.status, project.states()) == (1, {"test_a": "PASSED", "test_b": "FAILED"}), done.out


@pytest.mark.parametrize(("options", "kept"), [((), 200), (("--durations=1",), 1198)])
def test_reports_that_say_nothing_are_let_go(project: Project, options: tuple[str, ...], kept: int) -> None:
    project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n@pytest.fixture\ndef loud():\n"
        "    print('heard')\n    yield\n    print('heard')\n\n\n"
        "def test_loud(loud):\n    pass\n\n\n"
        "@pytest.mark.parametrize('number', range(599))\ndef test_silent(number):\n    pass\n",
    )
    project.write(
        "release_checks/conftest.py",
        "def pytest_terminal_summary(terminalreporter):\n"
        "    reports = terminalreporter.stats.get('', [])\n"
        "    print('kept', len([one for one in reports if not one.sections]))\n"
        "    print('loud', len([one for one in reports if one.sections]))\n"
        "    print('passed', len(terminalreporter.stats.get('passed', [])))\n",
    )
    project.lock()
    done = project.release(*QUICK, *options)
    assert done.status == 0, done.out
    assert done.line("loud") == "loud 2"
    assert done.line("passed") == "passed 600"
    assert kept - 5 <= int(done.line("kept").removeprefix("kept")) <= kept + 5, done.out


def test_the_rooms_are_loaded_as_they_are(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLD_STARTS", "1")
    project.write(
        "release_checks/test_rooms.py",
        "import sys\nimport pytest\n\n\n@pytest.mark.prerelease\ndef test_rooms():\n"
        "    from pytest_relgate.evidence import report_html\n"
        "    for name in ('session', 'execution', 'evidence.report_html'):\n"
        "        loader = sys.modules['pytest_relgate.' + name].__loader__\n"
        "        assert type(loader).__name__ == 'SourceFileLoader'\n",
    )
    project.lock()
    done = project.release(*QUICK)
    assert done.status == 0, done.out


LETS_GO = """\
import sys
import weakref

import pytest

from pytest_relgate.quick import let_go, long_lived

ITEMS = weakref.WeakSet()


class Collected:
    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self):
        with long_lived():
            return (yield)

    def pytest_collection_finish(self, session):
        ITEMS.update(session.items)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config):
        status = yield
        let_go(config, {id(item): item for item in ITEMS})
        print(len(ITEMS), "are held")
        return status


sys.exit(pytest.main(sys.argv[1:], plugins=[Collected()]))
"""


@pytest.mark.parametrize(("count", "held"), [(500, 0), (499, 499)])
def test_many_tests_are_let_go_before_their_record_is_written(tmp_path: Path, count: int, held: int) -> None:
    (tmp_path / "run.py").write_text(LETS_GO)
    (tmp_path / "test_numbers.py").write_text(
        f"import pytest\n\n\n@pytest.mark.parametrize('number', range({count}))\n"
        "def test_number(number):\n    pass\n"
    )
    words = ["run.py", "-q", "-p", "no:cacheprovider", "test_numbers.py", *QUICK]
    done = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert f"{count} passed" in done.stdout, done.stdout + done.stderr
    assert f"{held} are held" in done.stdout


def test_what_python_has_itself_is_not_loaded_again_with_msgspec() -> None:
    words = (
        "import sys\nfrom pytest_relgate.rooms import load_as_they_are\nload_as_they_are()\n"
        "assert 'msgspec' in sys.modules\nassert 'typing_extensions' not in sys.modules\n"
        "import typing_extensions\n"
    )
    subprocess.run([sys.executable, "-c", words], check=True)


TELLS_WHAT_IS_LOADED = """\
import atexit
import sys

atexit.register(lambda: print("\\n".join(f"loaded: {name}" for name in sys.modules)))
"""
ROOMS = ("audit", "channels", "cli", "github", "net", "sandbox", "status", "source.workflow", "rehearsing")
HEAVY = {"httpx", "packaging", "psutil", "tree_sitter", "typing_extensions", "yaml"}


def test_a_run_loads_no_room_that_none_of_its_gates_asks_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLD_STARTS", "1")
    project.write("release_checks/conftest.py", TELLS_WHAT_IS_LOADED)
    project.write(
        "release_checks/test_gates.py",
        "import pytest\n\n\n@pytest.mark.prerelease\ndef test_one():\n    pass\n",
    )
    project.lock()
    done = project.release(*QUICK)
    loaded = {line.removeprefix("loaded: ") for line in done.out.splitlines() if line.startswith("loaded: ")}
    ours = {name.partition(".")[2] for name in loaded if name.startswith("pytest_relgate.")}
    assert (done.status, "evidence.seal" in ours) == (0, True), done.out
    assert {name for name in ours if name.startswith(ROOMS)} == {"net", "net.origins"}
    assert loaded & HEAVY == set()
