from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VARIABLE = "OF_THIS_TEST"


def _running(mark: str) -> list[psutil.Process]:
    found = []
    for pid in psutil.pids():
        try:
            process = psutil.Process(pid)
            if process.environ().get(VARIABLE) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def of_this_test(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[psutil.Process]]:
    """What runs with the environment of this test: known by other means than the code under test has."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv(VARIABLE, mark)
    return lambda: _running(mark)


@pytest.fixture(autouse=True)
def _no_process_is_left(of_this_test: Callable[[], list[psutil.Process]]) -> Iterator[None]:
    yield
    left = of_this_test()
    for process in left:
        process.kill()
    assert not left
