"""The twin of the Go module proxy, as the real go takes it and request by request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.sandbox.artifacts import unzipped
from pytest_relgate.sandbox.origin import ensure_origin
from pytest_relgate.sandbox.repository import ensure_repository
from pytest_relgate.sandbox.twins.exchange import Request
from pytest_relgate.sandbox.twins.go import GoTwin

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.twins.exchange import Answer

MODULE = "github.com/sandover/plasmite/bindings/go"
GO = Path(sys.executable).parent / "go"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_origin(ensure_repository(tmp_path_factory.mktemp("home") / "plasmite"))


@pytest.fixture
def get(origin: Path) -> Callable[[str], Answer]:
    twin = GoTwin(origin, "sandover/plasmite")
    return lambda path: twin.answer(Request("GET", path, {}, {}, b"", "http://twin"))


def body(answer: Answer) -> bytes:
    assert isinstance(answer.body, bytes)
    return answer.body


def test_released_tags_are_versions(get: Callable[[str], Answer]) -> None:
    listed = body(get(f"/{MODULE}/@v/list")).decode().split()
    assert listed == [f"v0.1.{patch}" for patch in range(10)]
    info = json.loads(body(get(f"/{MODULE}/@latest")))
    assert info["Version"] == "v0.1.9"
    assert json.loads(body(get(f"/{MODULE}/@v/v0.1.9.info"))) == info
    assert body(get(f"/{MODULE}/@v/v0.1.9.mod")).startswith(f"module {MODULE}\n".encode())


def test_everything_in_the_zip_is_below_module_and_version(get: Callable[[str], Answer]) -> None:
    names = unzipped(body(get(f"/{MODULE}/@v/v0.1.3.zip"))).keys()
    assert {f"{MODULE}@v0.1.3/{name}" for name in ("go.mod", "plasmite.go", "LICENSE")} <= names
    assert all(name.startswith(f"{MODULE}@v0.1.3/") for name in names)


@pytest.mark.parametrize(
    "path",
    [
        f"/{MODULE}/@v/v0.1.10.info",
        f"/{MODULE}/@v/v9.9.9.zip",
        f"/{MODULE}/@v/v0.1.9.txt",
        "/github.com/sandover/other/@v/list",
        f"/{MODULE.replace('github', '!github')}/@v/list",
        "/",
    ],
)
def test_what_is_not_released_is_absent(get: Callable[[str], Answer], path: str) -> None:
    answer = get(path)
    assert answer.status == 404
    assert body(answer).startswith(b"not found: ")


def test_go_itself_takes_it(origin: Path, tmp_path: Path, loopback: Any) -> None:
    url = loopback.serve(GoTwin(origin, "sandover/plasmite"))
    own = {"GOPATH": str(tmp_path / "go"), "GOCACHE": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    own |= {"GOPROXY": url, "GOSUMDB": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw"}

    def go(*args: str) -> subprocess.CompletedProcess[str]:
        command = [str(GO), "-C", str(tmp_path), *args]
        environ = {"PATH": os.environ["PATH"], **own}
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    assert go("mod", "init", "example.com/new").returncode == 0
    done = go("get", f"{MODULE}@v0.1.9")
    assert done.returncode == 0, done.stderr
    assert f"go: added {MODULE} v0.1.9" in done.stderr
    assert (tmp_path / "go/pkg/mod" / f"{MODULE}@v0.1.9" / "plasmite.go").is_file()
    assert go("list", "-m", "-versions", MODULE).stdout.split()[-1] == "v0.1.9"
    missing = go("get", f"{MODULE}@v9.9.9")
    assert missing.returncode == 1
    assert "404" in missing.stderr
