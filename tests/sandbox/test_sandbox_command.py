"""``relgate sandbox``: served in the foreground, ended cleanly, listed and reset. SPEC B11."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from pytest_relgate.cli import main
from pytest_relgate.sandbox.faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Sandbox:
    """``relgate sandbox`` in a process of its own."""

    def __init__(self, checkout: Path, cache: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest_relgate.cli", "sandbox", "--repo", checkout, *arguments],
            env={**os.environ, "XDG_CACHE_HOME": str(cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.lines: list[str] = []
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                break
        else:
            pytest.fail(f"it ended at once: {self.lines} {self.process.communicate()[1]}")

    def place(self, label: str) -> str:
        return next(line.split()[1] for line in self.lines if line.startswith(f"  {label} "))

    def exports(self) -> dict[str, str]:
        found = {}
        for line in self.lines:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").partition("=")
                (found[name],) = shlex.split(value) or [""]
        return found

    def end(self, number: signal.Signals) -> str:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        assert (self.process.returncode, err) == (0, "")
        return out


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkout")


@pytest.fixture
def started(checkout: Path, cache: Path) -> Iterator[Sandbox]:
    sandbox = Sandbox(checkout, cache)
    yield sandbox
    sandbox.process.kill()
    sandbox.process.communicate()


def no_one_listens(url: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(started: Sandbox, number: signal.Signals, checkout: Path) -> None:
    assert started.lines[0] == f"The sandbox of {checkout}"
    npm = started.place("npm")
    answer = httpx.get(f"{npm}/plasmite/0.1.9", trust_env=False)
    assert answer.json()["version"] == "0.1.9"
    out = started.end(number)
    assert "  npm     GET  /plasmite/0.1.9  200" in out
    assert out.endswith("The sandbox has ended; what happened in it is kept.\n")
    assert all(no_one_listens(started.place(label)) for label in ("GitHub", "crates.io", "npm", "PyPI"))


def test_what_it_says_to_paste_leads_commands_to_it(started: Sandbox) -> None:
    exports = started.exports()
    assert exports["npm_config_registry"] == f"{started.place('npm')}/"
    environ = {"PATH": os.environ["PATH"], "HOME": os.devnull} | exports
    told = subprocess.run(
        ["npm", "view", "plasmite", "version"], env=environ, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "0.1.9"


def test_faults_are_served_from_a_copy(checkout: Path, cache: Path) -> None:
    sandbox = Sandbox(checkout, cache, "--fault", "npm-absent,ci-red")
    assert sandbox.lines[1] == "with npm-absent, ci-red: nothing that happens now is kept"
    assert httpx.get(f"{sandbox.place('npm')}/plasmite/0.1.9", trust_env=False).status_code == 404
    sandbox.end(signal.SIGTERM)
    healthy = Sandbox(checkout, cache)
    assert httpx.get(f"{healthy.place('npm')}/plasmite/0.1.9", trust_env=False).status_code == 200
    healthy.end(signal.SIGTERM)


def test_every_fault_is_listed_by_its_phase_in_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox", "--list-faults"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    phase, found = "", {}
    for line in lines:
        if re.fullmatch(r"[a-z]+", line):
            phase = line
        elif parts := re.fullmatch(r"  ([a-z0-9-]+) +\S.*", line):
            found[parts[1]] = phase
    found.pop("pytest", None)
    assert found == {name: fault.phase for name, fault in FAULTS.items()}
    assert lines[-2] == "  pytest release_checks -m PHASE --release-target v0.1.10 \\"
    assert lines[-1] == "      --release-repo sandbox:FAULT,FAULT"


def test_a_reset_forgets_everything_but_not_under_a_run(
    started: Sandbox,
    checkout: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    reset = ["sandbox", "--reset", "--repo", str(checkout)]
    assert main(reset) == 2
    assert capsys.readouterr().err.startswith("relgate: a run is using the sandbox at ")
    httpx.get(f"{started.place('npm')}/plasmite", trust_env=False)
    started.end(signal.SIGTERM)
    (home,) = cache.glob("pytest-relgate/sandbox/*")
    assert (home / "world.json").exists()
    assert main(reset) == 0
    assert not home.exists()
    assert main(reset) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fault", "ci-rot"], "the sandbox knows no fault named 'ci-rot': did you mean ci-red?"),
        (["--repo", "nowhere"], "--repo: expected a folder, found none at nowhere"),
        (["extra"], "unrecognized arguments: extra"),
        (["--expire", "NOPE"], "there is no secret NOPE in the sandbox: it has "),
    ],
)
def test_a_slip_is_one_line(
    arguments: list[str],
    said: str,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    try:
        status = main(["sandbox", *arguments])
    except SystemExit as ended:
        status = int(str(ended.code))
    error = capsys.readouterr().err
    assert (status, error.count("\n")) == (2, 1)
    assert error.startswith(f"relgate: {said}")
