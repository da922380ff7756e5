"""Registries as others wrote them, on loopback: verdaccio for npm, devpi for PyPI, files for cargo.

Each fixture starts its server once in a session, and the server ends with it however it ends: it lives as
long as a pipe that this process holds. Each begins empty; what a test needs it publishes under a name of
its own.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import socket
import subprocess
import sys
import tarfile
import threading
import time
import tomllib
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from node_parts import node_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

START = 90  # seconds that a server may take on a machine that is busy with other tests
# Runs a command until nobody holds the other end of standard input any more.
WHILE_HELD = '"$@" & server=$!; cat >/dev/null; kill $server; wait $server'
USER = "ada"

VERDACCIO = """\
storage: ./storage
auth: {htpasswd: {file: ./htpasswd, max_users: 10}}
uplinks: {}
packages:
  '@*/*': {access: $all, publish: $authenticated, unpublish: $authenticated}
  '**': {access: $all, publish: $authenticated, unpublish: $authenticated}
web: {enable: false}
middlewares: {audit: {enabled: false}}
log: {type: stdout, format: json, level: http}
"""


@dataclass(frozen=True)
class Verdaccio:
    """An npm registry. ``token`` may publish."""

    url: str
    token: str
    home: Path

    def publish(self, *tarballs: Path, tag: str = "latest") -> None:
        """Publish tarballs as ``npm publish`` does."""
        npmrc = self.home / "npmrc"
        npmrc.write_text(f"{self.url.removeprefix('http:')}/:_authToken={self.token}\n")
        for tarball in tarballs:
            argv = ["npm", "publish", str(tarball), "--registry", self.url, "--tag", tag]
            _run([*argv, "--userconfig", str(npmrc), "--cache", str(self.home / "cache")], self.home)


@dataclass(frozen=True)
class Devpi:
    """A Python package index.

    ``url`` answers as PyPI lays out its addresses (``{url}/simple/NAME/``); ``index`` is where devpi itself
    has its Simple API, ``upload`` takes uploads from ``user`` with ``password``.
    """

    url: str
    index: str
    upload: str
    user: str = "root"
    password: str = ""

    def publish(self, *files: Path) -> None:
        """Upload files as twine does."""
        argv = [sys.executable, "-m", "twine", "upload", "--non-interactive", "--disable-progress-bar"]
        account = ["--repository-url", self.upload, "-u", self.user, "-p", self.password or "none"]
        _run([*argv, *account, *map(str, files)], Path.cwd())


@dataclass(frozen=True)
class CargoRegistry:
    """A sparse registry of plain files: the index at ``{url}/``, crates below ``{url}/crates/``."""

    url: str
    home: Path

    def publish(self, *crates: Path, yanked: bool = False) -> None:
        """Add ``.crate`` files to the index, in this order."""
        for crate in crates:
            raw = crate.read_bytes()
            manifest = _manifest(crate)
            name, version = manifest["package"]["name"], manifest["package"]["version"]
            for place in (f"{name}/{version}/download", f"{name}/{name}-{version}.crate"):
                target = self.home / "crates" / place
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(raw)
            line = {
                "name": name,
                "vers": version,
                "deps": [_dependency(*one) for one in manifest.get("dependencies", {}).items()],
                "cksum": hashlib.sha256(raw).hexdigest(),
                "features": manifest.get("features", {}),
                "yanked": yanked,
            }
            index = self.home / _place(name)
            index.parent.mkdir(parents=True, exist_ok=True)
            with index.open("a", encoding="utf-8") as out:
                out.write(json.dumps(line) + "\n")


@pytest.fixture(scope="session")
def verdaccio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verdaccio]:
    """The npm registry verdaccio."""
    with run_verdaccio(tmp_path_factory.mktemp("verdaccio")) as server:
        yield server


@pytest.fixture(scope="session")
def devpi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devpi]:
    """The Python package index devpi."""
    with run_devpi(tmp_path_factory.mktemp("devpi")) as server:
        yield server


@pytest.fixture(scope="session")
def cargo_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CargoRegistry]:
    """A registry of files for cargo."""
    with run_cargo_registry(tmp_path_factory.mktemp("cargo-registry")) as server:
        yield server


@contextmanager
def run_verdaccio(home: Path) -> Iterator[Verdaccio]:
    """Run verdaccio with a folder of its own, with one user and no uplink."""
    (home / "config.yaml").write_text(VERDACCIO)
    url, port = _free()
    program = node_parts() / "verdaccio" / "bin" / "verdaccio"
    argv = ["node", str(program), "--config", "config.yaml", "--listen", f"127.0.0.1:{port}"]
    with _serving(argv, home, f"{url}/-/ping"):
        account = {"name": USER, "password": "a-loopback-word", "email": "ada@example.org"}
        answered = _ask("PUT", f"{url}/-/user/org.couchdb.user:{USER}", account)
        yield Verdaccio(url, answered["token"], home)


@contextmanager
def run_devpi(home: Path) -> Iterator[Devpi]:
    """Run devpi with a folder of its own: one index, no mirror of any other."""
    folder = Path(sys.executable).parent
    state = str(home / "state")
    _run([str(folder / "devpi-init"), "--serverdir", state, "--no-root-pypi"], home)
    url, port = _free()
    argv = [str(folder / "devpi-server"), "--serverdir", state, "--host", "127.0.0.1", "--port", str(port)]
    argv += ["--offline-mode", "--absolute-urls", "--enable-core-metadata", "--threads", "4"]
    with _serving(argv, home, f"{url}/+api"):
        login = _ask("POST", f"{url}/+login", {"user": "root", "password": ""})["result"]["password"]
        allowed = {"X-Devpi-Auth": base64.b64encode(f"root:{login}".encode()).decode()}
        _ask("PUT", f"{url}/root/dev", {"bases": [], "volatile": False}, allowed)
        with _laid_out_as_pypi(f"{url}/root/dev/+simple/") as pypi:
            yield Devpi(pypi, f"{url}/root/dev/+simple/", f"{url}/root/dev/", password=login)


@contextmanager
def run_cargo_registry(home: Path) -> Iterator[CargoRegistry]:
    """Serve a folder as a sparse registry."""
    handler = partial(_Files, directory=str(home))
    with _listening(handler) as url:
        (home / "config.json").write_text(json.dumps({"dl": f"{url}/crates", "api": None}))
        yield CargoRegistry(url, home)


# -- processes --------------------------------------------------------------------------------------------


@contextmanager
def _serving(argv: list[str], home: Path, probe: str) -> Iterator[None]:
    """Run a server until the block ends or this process does; begin when it answers the probe."""
    log = home / "server.log"
    with log.open("wb") as out:
        held = subprocess.Popen(
            ["sh", "-c", WHILE_HELD, "sh", *argv],
            cwd=home,
            env=_environment(home),
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # an interrupt at the terminal reaches the tests first
        )
    try:
        _wait_for(probe, log)
        yield
    finally:
        held.communicate(timeout=30)


def _wait_for(probe: str, log: Path) -> None:
    end = time.monotonic() + START
    while True:
        try:
            with urllib.request.urlopen(probe, timeout=5):
                return
        except OSError:
            if time.monotonic() > end:
                message = f"no answer from {probe} in {START} s; it said: {log.read_text()[-2000:]}"
                raise RuntimeError(message) from None
            time.sleep(0.05)


def _run(argv: list[str], folder: Path) -> None:
    done = subprocess.run(
        argv, cwd=folder, env=_environment(folder), capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        message = f"{' '.join(argv[:4])} ended with {done.returncode}: {done.stdout}{done.stderr}"
        raise RuntimeError(message)


def _environment(home: Path) -> dict[str, str]:
    """An environment that knows no proxy, no registry and no account."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "NO_UPDATE_NOTIFIER": "1"}


def _free() -> tuple[str, int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}", port


def _ask(method: str, url: str, document: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(
        url,
        json.dumps(document).encode(),
        {"content-type": "application/json", "accept": "application/json", **(headers or {})},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


# -- servers of this process ------------------------------------------------------------------------------


@contextmanager
def _listening(handler: Any) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def _laid_out_as_pypi(index: str) -> Iterator[str]:
    """Pass requests for ``/simple/`` on to devpi's index; answers come back as devpi gave them."""

    class Passed(_Files):
        def do_GET(self) -> None:
            where = index + self.path.removeprefix("/simple/")
            request = urllib.request.Request(where, headers={"accept": self.headers.get("accept", "*/*")})
            try:
                answer: Any = urllib.request.urlopen(request, timeout=30)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                body = answer.read()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                        self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with _listening(Passed) as url:
        yield url


# -- crates -----------------------------------------------------------------------------------------------


def _manifest(crate: Path) -> dict[str, Any]:
    with tarfile.open(crate) as tar:
        inner = next(one for one in tar.getnames() if one.count("/") == 1 and one.endswith("/Cargo.toml"))
        handle = tar.extractfile(inner)
        assert handle is not None
        return tomllib.loads(handle.read().decode())


def _dependency(name: str, asked: Any) -> dict[str, Any]:
    asked = {"version": asked} if isinstance(asked, str) else asked
    return {
        "name": name,
        "req": asked.get("version", "*"),
        "features": asked.get("features", []),
        "optional": asked.get("optional", False),
        "default_features": asked.get("default-features", True),
        "target": None,
        "kind": "normal",
    }


def _place(name: str) -> str:
    folder = {1: "1", 2: "2", 3: f"3/{name[0]}"}.get(len(name), f"{name[:2]}/{name[2:4]}")
    return f"{folder}/{name}"
