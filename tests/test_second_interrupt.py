"""An impatient second Ctrl-C ends in a verdict like the first, and in no traceback."""

from __future__ import annotations

from typing import Any


def test_a_second_interruption_is_told_as_the_first_one_is(project: Any) -> None:
    project.write("conftest.py", "def pytest_keyboard_interrupt():\n    raise KeyboardInterrupt\n")
    project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        'def test_one():\n    """One holds."""\n    raise KeyboardInterrupt\n\n\n'
        'def test_two(release):\n    """Two holds."""\n',
    )
    project.commit()
    run = project.release()
    assert (run.status, "Traceback" in run.out) == (2, False), run.out
    assert "BLOCKED v0.2.0" in run.out
    assert project.codes() == {"INTERRUPTED", "MISSING"}
