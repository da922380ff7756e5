"""No green can be vacuous: every row of ``data/vacuous`` ends BLOCKED, whatever pytest alone makes of it.

A row says what stands in a project, how it is run, what pytest without the plugin exits with for the same
files (``plain``, measured), and what a release run comes to: exit status, states, reasons, verification.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_relgate.cli import main as relgate

if TYPE_CHECKING:
    from conftest import Outcome, Project

TABLES = Path(__file__).parent / "data/vacuous"
HEADER = '''\
import pytest

pytestmark = pytest.mark.prerelease


def test_good():
    """It holds."""
'''
# Plugins that no row is about cost half a second at every start.
HEAVY = (
    *("anyio", "asyncio", "html", "html_fixtures", "hypothesispytest", "metadata", "pytest_cov"),
    *("pytest_jsonreport", "pytest_reportlog", "randomly"),
    *("flaky", "pytest-retry", "rerunfailures"),
)
PASSING = {"PASSED", "NOT_TRIGGERED", "WAIVED"}


class Locked(msgspec.Struct, forbid_unknown_fields=True):
    """A line of ``gates.lock``."""

    id: str
    phase: str = "prerelease"
    limit: float = 1800.0
    advisory: bool = False
    waivable: bool = True
    sequence: str = ""
    conditions: list[dict[str, Any]] = []


class Row(msgspec.Struct, forbid_unknown_fields=True):
    """One way of not having judged.

    ``gates`` follow HEADER in ``test_gates.py``; ``conftest`` stands beside them. The lock is ``lock``, else
    what ``--release-lock`` writes of ``healthy``, else the gates that ``states`` names and ``test_good``.
    ``only``, and every field that ends in ``_n2``, is about several processes.
    """

    name: str
    plain: int
    gates: str = ""
    header: str = HEADER
    conftest: str = ""
    ini: str = ""
    profile: str = ""
    files: dict[str, str] = {}
    dirty: dict[str, str] = {}
    healthy: str = ""
    lock: list[str | Locked] | None = None
    lock_text: str = ""
    no_lock: bool = False
    args: list[str] = []
    paths: bool = False
    env: dict[str, str] = {}
    python: list[str] = []
    plugins: list[str] = []
    workers: list[str] = []
    cache: bool = False
    again: bool = False
    no_target: bool = False
    only: str = ""
    plain_env: dict[str, str] | None = None
    plain_k: str = ""
    plain_n2: int | None = None
    exit: int = 1
    exit_n2: int | None = None
    good: str = "PASSED"
    good_n2: str = ""
    states: dict[str, str] = {}
    states_n2: dict[str, str] | None = None
    ignore_unplanned: bool = False
    codes: list[str] | None = None
    codes_n2: list[str] | None = None
    verify: str = "BLOCKED"
    verify_n2: str = ""
    says: str = ""

    def expected(self, workers: str) -> Expected:
        """What a run with so many workers must come to."""
        several = workers == "n2"
        verify = (several and self.verify_n2) or self.verify
        good = (several and self.good_n2) or self.good
        states = self.states_n2 if several and self.states_n2 is not None else self.states
        states = {"test_good": good, **states}
        codes = self.codes_n2 if several and self.codes_n2 is not None else self.codes
        return Expected(
            exit=self.exit_n2 if several and self.exit_n2 is not None else self.exit,
            states={} if verify == "INCOMPLETE" else states,
            codes=sorted(set(states.values()) - PASSING) if codes is None else codes,
            verify=verify,
        )


class Expected(msgspec.Struct):
    exit: int
    states: dict[str, str]
    codes: list[str]
    verify: str


class Table(msgspec.Struct, forbid_unknown_fields=True):
    row: list[Row]


def cases() -> list[Any]:
    rows = [
        (table.stem, row)
        for table in sorted(TABLES.glob("*.toml"))
        for row in msgspec.toml.decode(table.read_bytes(), type=Table).row
    ]
    return [
        pytest.param(row, workers, id=f"{table}: {row.name} -{workers}")
        for table, row in rows
        for workers in ("n0", "n2")
        if row.only in ("", workers)
    ]


@pytest.mark.parametrize(("row", "workers"), cases())
def test_no_green_is_vacuous(
    row: Row, workers: str, bare_project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    build(bare_project, row)
    expected = row.expected(workers)

    if workers == (row.only or "n0"):
        assert plain(bare_project, row, workers).status == row.plain
    elif row.plain_n2 is not None:
        assert plain(bare_project, row, workers).status == row.plain_n2

    done = release(bare_project, row, workers)
    if row.again:
        assert done.status != 0, done.out
        done = release(bare_project, row, workers)
    assert done.status == expected.exit, done.out
    assert expected.exit != 4 or "Traceback" not in done.out, done.out

    found = verification(bare_project, capsys)
    assert found["finding"] == expected.verify, (found, done.out)
    assert found["exit"] != 0
    if expected.verify == "UNDECIDED":
        assert not bare_project.folder().exists()
        assert row.says in done.out
        return
    evidence = bare_project.evidence()
    assert row.says in done.out + json.dumps(evidence)
    states = bare_project.states()
    if row.ignore_unplanned:
        states = {name: state for name, state in states.items() if state != "UNPLANNED"}
    assert evidence["verdict"] == "BLOCKED"
    assert (states, sorted(bare_project.codes())) == (expected.states, expected.codes), done.out


def build(project: Project, row: Row) -> None:
    """Write what the row says and commit it."""
    project.write("pytest.ini", f"[pytest]\n{row.ini}\n")
    if row.profile:
        project.write("release_checks/relgate.toml", f'schema = 1\nproject = "demo"\n{row.profile}')
    if row.conftest:
        project.write("release_checks/conftest.py", row.conftest)
    for name, text in row.files.items():
        project.write(name, text)
    gates = "release_checks/test_gates.py"
    if row.healthy:
        project.write(gates, f"{row.header}\n{row.healthy}")
        project.lock()
    elif not row.no_lock:
        project.write("release_checks/gates.lock", row.lock_text or lock_of(row))
    project.write(gates, f"{row.header}\n{row.gates}")
    project.commit("as the row says")
    for name, text in row.dirty.items():
        project.write(name, text)


def lock_of(row: Row) -> str:
    lines = row.lock
    if lines is None:
        planned = [name for name, state in row.states.items() if state != "UNPLANNED"]
        lines = [f"test_gates.py::{name}" for name in ("test_good", *planned)]
    gates = [Locked(line) if isinstance(line, str) else line for line in lines]
    return msgspec.json.encode({"schema": 1, "gates": gates}).decode()


def words(row: Row, workers: str) -> list[str]:
    """What both runs have on their command line."""
    without = [name for name in HEAVY if name not in row.plugins]
    return [
        *([] if row.cache else ["-p", "no:cacheprovider"]),
        *(word for name in without for word in ("-p", f"no:{name}")),
        *("-m", "prerelease"),
        *(word.format(python=sys.executable) for word in row.workers or [f"-{workers}"]),
        *row.args,
    ]


def plain(project: Project, row: Row, workers: str) -> Outcome:
    """The same files with pytest alone, in a copy of the project."""
    copy = type(project)(project.path.with_name("plain"))
    shutil.copytree(project.path, copy.path)
    environ = row.env if row.plain_env is None else row.plain_env
    environ = environ | {"COUNT": str(copy.path.with_name("count-plain")), "PYTHONPATH": str(TABLES)}
    alone = ["-p", "no:relgate", "-p", "relgate_standins", *(["-k", row.plain_k] if row.plain_k else [])]
    folder = [] if row.paths else ["release_checks"]
    command = [*alone, *words(row, workers), *folder]
    if row.again:
        typed(copy, row, workers, command, environ)
    return typed(copy, row, workers, command, environ)


def release(project: Project, row: Row, workers: str) -> Outcome:
    environ = row.env | {"COUNT": str(project.path.with_name("count"))}
    target = [] if row.no_target else ["--release-target", "v0.2.0"]
    return typed(project, row, workers, [*words(row, workers), *target], environ)


def typed(project: Project, row: Row, workers: str, command: list[str], environ: dict[str, str]) -> Outcome:
    """Type it: each row once in a process of its own, with workers, and once from a warm start, without."""
    if workers == "n2" or row.only or row.python:
        return project.python(*row.python, "-m", "pytest", *command, environ=environ)
    return project.typed(*command, environ=environ)


def verification(project: Project, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    folder = str(project.folder())
    status = relgate(["verify", folder, "--repo", str(project.path), "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["exit"] == status
    return found
