"""What pytest is told to write does not go over evidence: with it would go what failed before."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.modes import refuse_places

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

PHASE = "release-evidence/v0.2.0/prerelease"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("basetemp", "release-evidence"),
        ("basetemp", "release-evidence/v0.2.0"),
        ("basetemp", f"{PHASE}/tmp"),
        ("basetemp", f"sub/../{PHASE}"),
        ("basetemp", "link"),
        ("basetemp", ".."),
        ("xmlpath", f"{PHASE}/journal.jsonl"),
        ("xmlpath", f"{PHASE}/junit.xml"),
        ("log_file", f"{PHASE}/journal.jsonl"),
        ("htmlpath", f"{PHASE}/report.html"),
        ("report_log", "release-evidence/v0.2.0/superseded/abc/prerelease/journal.jsonl"),
    ],
)
def test_what_would_write_over_evidence_is_refused(tmp_path: Path, name: str, given: str) -> None:
    (tmp_path / PHASE).mkdir(parents=True)
    (tmp_path / "link").symlink_to("release-evidence/v0.2.0")
    with pytest.raises(RelgateError, match=r"would write over the evidence in .*name another place"):
        refuse_places(argparse.Namespace(**{name: given}), tmp_path / "release-evidence", tmp_path)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("basetemp", None),
        ("basetemp", "tmp"),
        ("basetemp", "release-evidence/tmp"),
        ("xmlpath", "junit.xml"),
        ("xmlpath", "release-evidence/junit.xml"),
        ("xmlpath", "release-evidence/v0.2.0/pytest.xml"),
        ("log_file", "/dev/null"),
    ],
)
def test_what_goes_elsewhere_is_not(tmp_path: Path, name: str, given: str | None) -> None:
    refused = ""
    try:
        refuse_places(argparse.Namespace(**{name: given}), tmp_path / "release-evidence", tmp_path)
    except RelgateError as error:
        refused = str(error)
    assert refused == ""


def test_a_failure_is_not_forgotten_by_where_pytest_puts_temporary_files(bare_project: Project) -> None:
    """Pytest empties its folder for them before the first: with evidence in it a flaky gate passed."""
    project = bare_project
    gate = "def test_one(tmp_path):\n    import os\n    assert 'BROKEN' not in os.environ, 'broken'\n"
    project.write(
        "release_checks/test_gates.py", f"import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n{gate}"
    )
    project.lock()
    project.release(environ={"BROKEN": "yes"})
    before = (project.folder() / "journal.jsonl").read_bytes()
    refused = project.release("--basetemp=release-evidence/v0.2.0")
    assert refused.status == 4
    assert "--basetemp=release-evidence/v0.2.0 would write over the evidence" in " ".join(refused.out.split())
    assert (project.folder() / "journal.jsonl").read_bytes() == before
