"""A project whose pytest configuration is strict can be judged: black's keys come from tests/conftest.py.

A release run loads the conftest files of the checks alone, and pytest refused the keys of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

STRICT = """[pytest]
addopts = --strict-config --strict-markers
testpaths = tests
filterwarnings = error
optional-tests = no_jupyter
"""


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_a_key_that_another_conftest_registers_is_set_aside_and_named(
    project: Any, words: Sequence[str]
) -> None:
    project.write("pytest.ini", STRICT)
    project.write(
        "tests/conftest.py", 'def pytest_addoption(parser):\n    parser.addini("optional-tests", "")\n'
    )
    project.commit()
    run = project.release(*words)
    assert run.status == 0, run.out
    assert run.line("Set aside ").startswith("Set aside optional-tests of pytest.ini")
