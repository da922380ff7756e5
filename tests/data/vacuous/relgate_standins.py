"""What a project would write in place of pytest-relgate's fixtures, for runs of pytest alone."""

import subprocess
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    def command(argv: str | list[str]) -> object:
        words = argv.split() if isinstance(argv, str) else argv
        return subprocess.run(words, cwd=request.config.rootpath, check=True)

    return command


@pytest.fixture
def release() -> SimpleNamespace:
    return SimpleNamespace(target="v0.2.0", version="0.2.0")
