"""``python -m pytest`` in a fork of a process that has loaded what every run loads: half of its work.

``run()`` takes what ``subprocess.run`` takes and gives what it gives. The fork has the working folder, the
environment, the arguments, the standard streams and ``sys.path`` of a fresh start; it ends as Python ends,
and it is killed or ends itself as it likes. What it does not have is the work of importing pytest, the
plugins that LIGHT leaves, and this package. Which plugins a run has is its own command line's to say.

A run whose start is not that plain has a process of its own: another interpreter's switch, a variable that
Python itself reads at its start. ``COLD_STARTS=1 pytest`` gives every run one.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from light import LIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOADED = (  # what pytest, its plugins and a release run come to import, beside what stands in plugins
    *("_pytest.pastebin", "code", "email.parser", "pdb", "unittest", "xml.etree.ElementTree"),
    *("execnet", "jinja2", "pytest_html.report", "pytest_html.selfcontained_report", "xdist.newhooks"),
    *("pytest_relgate.start", "pytest_relgate.hooks", "pytest_relgate.planning", "pytest_relgate.incidents"),
    *("pytest_relgate.evidence.report_junit", "pytest_relgate.evidence.report_html"),
    *("pytest_relgate.cli.main", "pytest_relgate.cli.verify"),
)
READ_AT_START = ("PYTHON", "LANG", "LC_", "LD_", "TZ", "MALLOC_", "GLIBC_")
"""Variables that Python or its libraries read once: where one differs, so may the process."""
_PATH = "PYTHONPATH"
_PACKAGE = "pytest_relgate"
_COLD = "cold"
_LONGEST = 1 << 20


class _Warm:
    """One process that forks, with the package of one checkout or the installed one, and the socket to it."""

    def __init__(self, package: str) -> None:
        self.made_in = os.getpid()
        self.lock = threading.Lock()
        self.ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno()), package],
                env=_plain(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def end(self) -> None:
        """Close the socket: then the process ends."""
        if os.getpid() == self.made_in:
            self.ours.close()
            self.process.wait()


_known: dict[str, _Warm] = {}


def run(
    args: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float, module: str = "pytest"
) -> subprocess.CompletedProcess[str]:
    """Type ``python -m MODULE ARGS`` in a folder; ``stdout`` is all that it says."""
    command = ("-m", module, *args)
    if os.environ.get("COLD_STARTS") or not _starts_alike(env):
        return cold(command, cwd=cwd, env=env, timeout=timeout)
    package = str(cwd) if (cwd / _PACKAGE).is_dir() else ""
    warm = _known.get(package)
    if warm is None or warm.made_in != os.getpid():
        warm = _known[package] = _Warm(package)
        atexit.register(warm.end)
    if not warm.lock.acquire(blocking=False):  # one at a time; two at once are about being two
        return cold(command, cwd=cwd, env=env, timeout=timeout)
    try:
        done = _forked(warm, command, cwd, env, timeout)
    finally:
        warm.lock.release()
    return done or cold(command, cwd=cwd, env=env, timeout=timeout)


def cold(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Type it in a process of its own."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        timeout=timeout,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout, "")


def _plain(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment without what a run of pytest around this one left, and with bytecode as ever."""
    foreign = ("PYTEST_", "PYTHONDONTWRITEBYTECODE", "RELEASE_", "RELGATE_")
    return {name: value for name, value in environ.items() if not name.startswith(foreign)}


def _starts_alike(env: Mapping[str, str]) -> bool:
    """Whether Python would start in this environment as the process that forks did, but for PYTHONPATH."""
    ours, theirs = _read_at_start(_plain(os.environ)), _read_at_start(env)
    if not ours.get(_PATH):
        ours.pop(_PATH, None)
        theirs.pop(_PATH, None)
    return ours == theirs


def _read_at_start(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(READ_AT_START)}


def _forked(
    warm: _Warm, command: Sequence[str], cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str] | None:
    """Let it fork; None where it says that this is to have a start of its own."""
    end = time.monotonic() + timeout
    said, out = os.pipe()
    with open(said, "rb", buffering=0) as reading:
        try:
            asked = json.dumps({"command": list(command), "cwd": str(cwd), "env": dict(env)}).encode()
            socket.send_fds(warm.ours, [len(asked).to_bytes(4, "big")], [out])
            warm.ours.sendall(asked)
        finally:
            os.close(out)
        if (child := _line(warm.ours)) == _COLD:
            return None
        parts: list[bytes] = []
        while True:  # until nobody holds the other end any more, as subprocess waits
            if not select.select([reading], [], [], max(0.0, end - time.monotonic()))[0]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
                _line(warm.ours)
                raise subprocess.TimeoutExpired([sys.executable, *command], timeout, b"".join(parts))
            if not (part := reading.read(_LONGEST)):
                break
            parts.append(part)
    status = int(_line(warm.ours))
    text = b"".join(parts).decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return subprocess.CompletedProcess([sys.executable, *command], status, text, "")


def _line(ours: socket.socket) -> str:
    """One line of an answer."""
    read = bytearray()
    while not read.endswith(b"\n"):
        if not (one := ours.recv(1)):
            message = "the process that forks has ended: look at what it said on stderr"
            raise RuntimeError(message)
        read += one
    return read.decode().strip()


# -- the process that forks -------------------------------------------------------------------------------


def _load(package: str) -> None:
    """Import what a run imports, as it does: plugins with pytest's changes, this package's rooms without."""
    from _pytest.config import _prepareconfig

    with tempfile.TemporaryDirectory() as empty:
        here = Path.cwd()
        os.chdir(empty)
        config = _prepareconfig([*LIGHT, "-p", "no:cacheprovider"])
        os.chdir(here)
    from pytest_relgate import rooms

    rooms.load_as_they_are()
    for name in LOADED:
        importlib.import_module(name)
    if package:  # no bytecode of a clone is ever written: what a run compiles would be compiled in each
        for name in _modules(_PACKAGE):
            importlib.import_module(name)
    sys.meta_path.remove(rooms.Unwritten)
    config._ensure_unconfigure()
    gc.collect()
    gc.freeze()  # what is here is not looked at, and not copied, in any fork


def _modules(package: str) -> list[str]:
    """Every module of a package that is imported for what it holds."""
    found = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
    return [one.name for one in found if not one.name.endswith("__main__")]


def _serve(theirs: socket.socket, package: str) -> dict[str, Any] | None:
    """Fork once for every request. Returns it in the fork, and None when nobody asks any more."""
    while True:
        size, fds, _, _ = socket.recv_fds(theirs, 4, 1)
        if not size:
            return None
        read = bytearray()
        wanted = int.from_bytes(size, "big")
        while len(read) < wanted:
            read += theirs.recv(wanted - len(read))
        asked: dict[str, Any] = json.loads(read)
        if _hides_a_module(asked, package):
            os.close(fds[0])
            theirs.sendall(f"{_COLD}\n".encode())
            continue
        child = os.fork()
        if child == 0:
            theirs.close()
            os.dup2(fds[0], 1)
            os.dup2(fds[0], 2)
            os.close(fds[0])
            return asked
        os.close(fds[0])
        theirs.sendall(f"{child}\n".encode())
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        theirs.sendall(f"{status}\n".encode())


def _hides_a_module(asked: dict[str, Any], package: str) -> bool:
    """Whether the folder or PYTHONPATH has a module by a name that is loaded, or that Python starts with."""
    loaded = {name.partition(".")[0] for name in sys.modules} | {"sitecustomize", "usercustomize"}
    if package and asked["cwd"] == package:
        loaded.discard(_PACKAGE)
    places = [Path(place) for place in (asked["cwd"], *_entries(asked["env"]))]
    return any(
        path.name.partition(".")[0] in loaded
        for place in places
        if place.is_dir()
        for path in place.iterdir()
        if path.suffix in (".py", ".pyc", ".so") or (path / "__init__.py").exists()
    )


def _entries(environ: Mapping[str, str]) -> list[str]:
    return [entry for entry in environ.get(_PATH, "").split(os.pathsep) if entry]


def _stream(name: str, number: int, before: Any) -> io.TextIOWrapper:
    """A standard stream as Python makes it for what is there now: of a pipe nobody can ask for a place."""
    unbuffered = isinstance(before.buffer, io.FileIO)
    binary: Any = open(number, "wb", buffering=0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    (binary if unbuffered else binary.raw).name = name
    same = {one: getattr(before, one) for one in ("encoding", "errors", "line_buffering", "write_through")}
    return io.TextIOWrapper(binary, **same)


def _become(asked: dict[str, Any]) -> NoReturn:
    """Be what ``python -m pytest`` is in this folder and environment."""
    added = [] if _entries(os.environ) else _entries(asked["env"])
    sys.stdout = sys.__stdout__ = _stream("<stdout>", 1, sys.__stdout__)
    sys.stderr = sys.__stderr__ = _stream("<stderr>", 2, sys.__stderr__)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.path[0:1] = [str(place) for place in (Path.cwd(), *map(Path.absolute, map(Path, added)))]
    sys.modules["xdist.plugin"]._sys_path[:] = sys.path  # what its workers have was kept at its import
    importlib.invalidate_caches()
    sys.argv[:] = ["-m", *asked["command"][2:]]
    sys.orig_argv[:] = [sys.executable, *asked["command"]]
    runpy.run_module(asked["command"][1], run_name="__main__", alter_sys=True)
    raise SystemExit(0)


def main() -> None:
    """Load, and fork until nobody asks any more."""
    with socket.socket(fileno=int(sys.argv[1])) as theirs:
        package = sys.argv[2]
        sys.path[0] = package or sys.path[0]
        _load(package)
        asked = _serve(theirs, package)
    if asked is not None:
        _become(asked)


if __name__ == "__main__":
    main()
