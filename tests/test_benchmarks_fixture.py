"""A gate that asks for ``benchmarks`` runs both sides; the table is in the evidence and in the report."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project

BENCH = 'print(\'{{"results": [{{"bench": "append", "ms_per_msg": {}}}]}}\')\n'
GATES = f"""\
import pytest

pytestmark = pytest.mark.prerelease


def test_speed(benchmarks):
    assert benchmarks.none_is_slower([{sys.executable!r}, "bench.py"], runs=3)
"""


def test_both_sides_run_and_the_report_has_the_table(bare_project: Project) -> None:
    project = bare_project
    project.write("bench.py", BENCH.format(1.0))
    project.write("release_checks/test_gates.py", GATES)
    project.commit()
    project.git("tag", "-f", "v0.1.0")
    project.write("bench.py", BENCH.format(1.1))
    project.lock()
    assert project.release().status == 0
    assert project.states() == {"test_speed": "PASSED"}
    table = (project.folder() / "attached/benchmarks.md").read_text()
    assert "| append | 1 | 3: 1 to 1 | 1.1 | 3: 1.1 to 1.1 | +10.0 % | no slower |" in table
    assert (
        "| append | 1 | 3: 1 to 1 | 1.1 | 3: 1.1 to 1.1 |" in (project.folder() / "report.html").read_text()
    )
    logs = [path.read_text() for path in (project.folder() / "logs").iterdir()]
    assert [sum(f'"ms_per_msg": {time}' in log for log in logs) for time in ("1.0", "1.1")] == [3, 3]
    assert len(project.git("worktree", "list").splitlines()) == 1
