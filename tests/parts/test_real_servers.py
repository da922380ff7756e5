"""The real servers that tests are held against end with their session, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from node_parts import node_parts

SERVED = """
import sys, pathlib, time
sys.path.insert(0, sys.argv[1])
from real_servers import run_verdaccio
with run_verdaccio(pathlib.Path(sys.argv[2])) as server:
    print(server.url, flush=True)
    if sys.argv[3] == "fail":
        raise SystemExit(3)
    time.sleep(60)
"""


@pytest.mark.parametrize("end", ["killed", "fail"])
def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path, end: str) -> None:
    node_parts()
    parts = str(Path(__file__).parent)
    argv = [sys.executable, "-c", SERVED, parts, str(tmp_path), end]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as held:
        assert held.stdout is not None
        url = held.stdout.readline().strip()
        if end == "killed":
            os.kill(held.pid, signal.SIGKILL)
    assert url.startswith("http://127.0.0.1:")
    while True:  # the suite's own limit ends this where the server stays
        try:
            urllib.request.urlopen(f"{url}/-/ping", timeout=5).close()
        except OSError:
            return
        time.sleep(0.05)


def test_npm_parts_are_installed_once_and_exactly() -> None:
    first = node_parts()
    assert (first / "verdaccio" / "package.json").read_text().count('"version": "6.8.0"') == 1
    node_parts.cache_clear()
    before = first.stat().st_mtime_ns
    assert node_parts() == first
    assert first.stat().st_mtime_ns == before
