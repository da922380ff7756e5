"""One run's sandbox: the repository under release, the twins that answer, and what its commands see.

Everything that leaves a trace lives below ``sandbox_home``; the twins are threads of this process, so
that nothing is left behind when it ends, however it ends.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_relgate.net.origins import Origins
from pytest_relgate.sandbox.repository import ensure_repository, sandbox_home
from pytest_relgate.sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_relgate.sandbox.faults import Fault
    from pytest_relgate.sandbox.twins.exchange import Answer, Request, Twin
    from pytest_relgate.sandbox.twins.server import Served
    from pytest_relgate.sandbox.world import Run

    Seen = Callable[[str, Request, Answer], None]

REPOSITORY = "plasmite"
TAP = "homebrew-tap"
_FAULTY = "faulty"
_RUNS = "runs"
NO_FAULTS: tuple[str, ...] = ()


def open_box(
    checkout: Path, faults: Sequence[str], environ: Mapping[str, str], *, seen: Seen | None = None
) -> Box:
    """Open the sandbox of a checkout with these faults; make what is not there yet.

    ``seen`` is told of every request to a twin. Raises RelgateError for a fault that there is not, or
    where the sandbox cannot be written.
    """
    chosen = _chosen(faults)
    home = sandbox_home(checkout, environ)
    return Box(home, chosen, dict(environ), _repository(home, chosen), seen)


def _chosen(names: Sequence[str]) -> tuple[Fault, ...]:
    if not names:  # most runs: no fault is loaded
        return ()
    from pytest_relgate.sandbox.faults import find

    return tuple(find(name) for name in dict.fromkeys(names))


def _repository(home: Path, faults: Sequence[Fault]) -> Path:
    """The healthy repository, or a copy beside it in which what the faults change is committed."""
    changes = {fault.name: fault.files for fault in faults if fault.files is not None}
    if not changes:
        return ensure_repository(home / REPOSITORY)

    def change(files: dict[str, str]) -> dict[str, str]:
        for one in changes.values():
            files = one(files)
        return files

    return ensure_repository(home / _FAULTY / "+".join(changes) / REPOSITORY, change)


class Box:
    """A sandbox that is open. The twins are started when somebody asks where they are.

    ``repository`` is the folder under release, ``store`` what the services hold. ``target`` is a version
    like ``0.1.10``: faults are about it.
    """

    def __init__(
        self,
        home: Path,
        faults: tuple[Fault, ...],
        environ: dict[str, str],
        repository: Path,
        seen: Seen | None = None,
    ) -> None:
        self.home, self.faults, self.repository = home, faults, repository
        self._environ, self._seen = environ, seen
        self._served: dict[str, Served] = {}
        self._origins: Origins | None = None
        self._commands: dict[str, str] | None = None
        self._folder: _RunFolder | None = None
        self._mutex = threading.RLock()
        self.stand_ins: tuple[str, ...] = ()
        overlays = [fault.world for fault in faults if fault.world is not None]
        self.store = Store(home, overlays)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the faults."""
        return tuple(fault.name for fault in self.faults)

    def aim(self, target: str) -> None:
        """Say which version the faults are about, as a tag or without its v."""
        self.store.target = target.removeprefix("v")

    @property
    def origins(self) -> Origins:
        """Addresses of the twins, which are started by asking for them."""
        with self._mutex:
            if self._origins is None:
                self._origins = self._start()
            return self._origins

    @property
    def environ(self) -> dict[str, str]:
        """What is added to the environment of commands, so that they talk to the twins and to nobody else."""
        with self._mutex:
            if self._commands is None:
                origins = self.origins
                self._folder = _RunFolder(self.home / _RUNS)
                self._commands = _registries(origins, self._folder.path, self._environ)
                self._commands |= self._with_stand_ins(self._folder.path / "bin")
                for fault in self.faults:
                    self._commands |= fault.tools or {}
            return self._commands

    def close(self) -> None:
        """End the twins and remove what only this run needed; calling it twice is fine."""
        with self._mutex:
            for served in self._served.values():
                served.close()
            self._served.clear()
            if self._folder is not None:
                self._folder.close()

    def _start(self) -> Origins:
        from pytest_relgate.sandbox.twins.server import serve

        mischief = [fault.network for fault in self.faults if fault.network is not None]
        for twin in self._twins():
            self._served[twin.name] = serve(twin, mischief, seen=self._seen)
        at = {name: served.url for name, served in self._served.items()}
        nowhere = "http://127.0.0.1:9"  # discard: nothing listens there
        crates = at.get("crates", nowhere)
        return Origins(
            github_api=at.get("github", nowhere),
            github_web=at.get("github", nowhere),
            crates_index=crates,
            crates_api=crates,
            crates_files=crates,
            npm=at.get("npm", nowhere),
            pypi=at.get("pypi", nowhere),
            go_proxy=nowhere,
        )

    def _twins(self) -> list[Twin]:
        made: list[Twin] = []
        for module, name, arguments in (
            ("github", "ObjectsTwin", ()),
            ("github", "GitHubTwin", (self.repository, self.home / TAP, self._objects, self._dispatched)),
            ("crates", "CratesTwin", ()),
            ("npm", "NpmTwin", ()),
            ("pypi", "PypiTwin", ()),
        ):
            with contextlib.suppress(ModuleNotFoundError):
                room: Any = importlib.import_module(f"pytest_relgate.sandbox.twins.{module}")
                made.append(getattr(room, name)(self.store, *arguments))
        return made

    def _objects(self) -> str:
        return self._served["objects"].url

    def _dispatched(self, run: Run) -> None:
        """A run was queued by a dispatch."""

    def _with_stand_ins(self, folder: Path) -> dict[str, str]:
        """PATH with a stand-in for each tool that the machine lacks."""
        from pytest_relgate.sandbox.stand_ins import stand_ins

        self.stand_ins, path = stand_ins(self._environ, folder)
        return {"PATH": path}


class _RunFolder:
    """A folder that lives as long as this process; those of processes that were killed are swept."""

    def __init__(self, shelf: Path) -> None:
        import fcntl

        shelf.mkdir(parents=True, exist_ok=True)
        with (shelf / ".lock").open("a") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            for other in shelf.glob("run-*"):
                _sweep(other)
            self.path = Path(tempfile.mkdtemp(prefix="run-", dir=shelf))
            self._lock = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def close(self) -> None:
        """Remove it; calling it twice is fine."""
        if self._lock >= 0:
            lock, self._lock = self._lock, -1
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(lock)


def _sweep(folder: Path) -> None:
    """Remove a run's folder unless the run still holds its lock."""
    import fcntl

    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(lock)


def _registries(origins: Origins, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Settings by which npm, pip, twine, cargo, gh and go talk to the twins.

    The user's own configuration and credentials are out of their reach, and so is the network: whatever
    honours a proxy finds one that refuses.
    """
    npmrc, cargo = folder / "npmrc", folder / "cargo"
    host = origins.npm.partition("//")[2]
    npmrc.write_text(f"registry={origins.npm}/\n//{host}/:_authToken={_TOKEN}\n", encoding="utf-8")
    cargo.mkdir()
    (cargo / "config.toml").write_text(
        '[source.crates-io]\nreplace-with = "sandbox"\n\n'
        f'[registries.sandbox]\nindex = "sparse+{origins.crates_index}/"\n\n'
        '[registry]\ndefault = "sandbox"\n',
        encoding="utf-8",
    )
    nowhere = "http://127.0.0.1:9"
    proxies = {
        name: nowhere for word in ("http_proxy", "https_proxy", "all_proxy") for name in (word, word.upper())
    }
    return {
        **proxies,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "npm_config_registry": f"{origins.npm}/",
        "npm_config_userconfig": str(npmrc),
        "npm_config_globalconfig": os.devnull,
        "npm_config_cache": str(folder / "npm"),
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{origins.pypi}/simple/",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "TWINE_REPOSITORY_URL": f"{origins.pypi}/legacy/",
        "TWINE_USERNAME": "__token__",
        "TWINE_PASSWORD": _TOKEN,
        "CARGO_HOME": str(cargo),
        "CARGO_REGISTRIES_SANDBOX_INDEX": f"sparse+{origins.crates_index}/",
        "CARGO_REGISTRIES_SANDBOX_TOKEN": _TOKEN,
        "GH_HOST": origins.github_web.partition("//")[2],
        "GH_CONFIG_DIR": str(folder / "gh"),
        "GITHUB_API_URL": origins.github_api,
        "GITHUB_SERVER_URL": origins.github_web,
        "GOPROXY": "off",
        "GOSUMDB": "off",
        "GOTOOLCHAIN": "local",
        **{name: _TOKEN for name in environ if _CREDENTIAL.fullmatch(name)},
    }


_TOKEN = "sandbox-token"  # noqa: S105  (opens nothing but the twins)
_CREDENTIAL = re.compile(
    r"(GH|GITHUB|NPM|NODE_AUTH|PYPI_API|CARGO_REGISTRY|HOMEBREW_TAP|GH_ENTERPRISE|GITHUB_ENTERPRISE)_TOKEN"
)
