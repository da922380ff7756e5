"""One run's sandbox: the repository under release, the twins that answer, and what its commands see.

Everything that leaves a trace lives below ``sandbox_home``; the twins are threads of this process, so
that nothing is left behind when it ends, however it ends. Under faults all of it is a copy for one run.
"""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Phase
from pytest_relgate.net.origins import Origins
from pytest_relgate.sandbox.commands import settings
from pytest_relgate.sandbox.history import CANDIDATE, tag_at
from pytest_relgate.sandbox.origin import fetch_tag
from pytest_relgate.sandbox.repository import ensure_repository, sandbox_home
from pytest_relgate.sandbox.run_folder import RunFolder
from pytest_relgate.sandbox.surroundings import Surroundings, healthy, private

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pytest_relgate.sandbox.engine import Engine
    from pytest_relgate.sandbox.faults import Fault
    from pytest_relgate.sandbox.twins.exchange import Answer, Request, Twin
    from pytest_relgate.sandbox.twins.server import Served
    from pytest_relgate.sandbox.world import Run

    Seen = Callable[[str, Request, Answer], None]

REPOSITORY = "plasmite"
_FAULTY = "faulty"
RUNS = "runs"
_BUILT_FOR = (Phase.BUILD, Phase.REHEARSAL, Phase.PUBLISH)
_OUT = (Phase.POSTRELEASE, Phase.WEEKLY)


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


def repository_of(checkout: Path, faults: Sequence[str], environ: Mapping[str, str]) -> Path:
    """Where the sandbox's repository under these faults is, made or not.

    Raises RelgateError for a fault that there is not.
    """
    return _place(sandbox_home(checkout, environ), _chosen(faults))


def _place(home: Path, faults: Sequence[Fault]) -> Path:
    changed = [fault.name for fault in faults if fault.files is not None]
    return home / _FAULTY / "+".join(changed) / REPOSITORY if changed else home / REPOSITORY


def _repository(home: Path, faults: Sequence[Fault]) -> Path:
    """The healthy repository, or a copy beside it in which what the faults change is committed."""
    changes = [fault.files for fault in faults if fault.files is not None]
    if not changes:
        return ensure_repository(_place(home, faults))

    def change(files: dict[str, str]) -> dict[str, str]:
        for one in changes:
            files = one(files)
        return files

    return ensure_repository(_place(home, faults), change)


class Box:
    """A sandbox that is open. The twins are started when somebody asks where they are.

    ``repository`` is the folder under release, ``stand_ins`` the tools that are stood in for once
    ``environ`` was asked for, ``notes`` lines for a person about what was made anew or done.
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
        self.stand_ins: tuple[str, ...] = ()
        self._environ, self._seen = environ, seen
        self._served: list[Served] = []
        self._origins: Origins | None = None
        self._commands: dict[str, str] | None = None
        self._surroundings: Surroundings | None = None
        self._engine: Engine | None = None
        self._target = ""
        self._done: list[str] = []
        self._told: set[str] = set()
        self._mutex = threading.RLock()
        self._run_folder: RunFolder | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the faults."""
        return tuple(fault.name for fault in self.faults)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of this sandbox: what was made anew, what was done unasked."""
        made = self._surroundings.notes if self._surroundings else ()
        return (*made, *self._done)

    def news(self) -> tuple[str, ...]:
        """Return the notes that were not returned before."""
        fresh = tuple(note for note in self.notes if note not in self._told)
        self._told |= set(fresh)
        return fresh

    @property
    def _folder(self) -> Path:
        """A folder for what only this run needs."""
        if self._run_folder is None:
            try:
                self._run_folder = RunFolder(self.home / RUNS)
            except OSError as error:
                message = f"the sandbox cannot be written at {self.home}: {error}: set XDG_CACHE_HOME"
                raise RelgateError(message) from None
        return self._run_folder.path

    @property
    def surroundings(self) -> Surroundings:
        """The world outside the repository; it is made when something first asks for it."""
        with self._mutex:
            if self._surroundings is None:
                if self.faults:
                    self._surroundings = private(self.home, self._folder, self.repository, self.faults)
                else:
                    self._surroundings = healthy(self.home)
                self._surroundings.store.target = self._target
            return self._surroundings

    @property
    def engine(self) -> Engine:
        """What carries out runs."""
        from pytest_relgate.sandbox.engine import Engine

        with self._mutex:
            if self._engine is None:
                around = self.surroundings
                around.store.read()
                self._engine = Engine(
                    around.store, around.origin, around.push_formula, formula=around.formula
                )
                self._engine.resume()
            return self._engine

    def newest_release(self) -> str | None:
        """Tag of the newest release that is out, whatever the faults: a tag that was only pushed is none."""
        out = [release.tag for release in self.surroundings.store.truth().releases if not release.draft]
        return out[-1] if out else None

    # -- beginning and end ----------------------------------------------------------------------------------

    def aim(self, target: str, phase: Phase | None = None) -> None:
        """Say which release the faults are about, and do what a person has done before the phase.

        A build is judged once the tag was pushed: in the sandbox nobody else would push it. What is out is
        judged by its tag, which has to be fetched.
        """
        self._target = target.removeprefix("v")
        if self._surroundings is not None:
            self._surroundings.store.target = self._target
        if phase is Phase.PRERELEASE:
            self._fetch_advisories()
        if phase in _BUILT_FOR and target == tag_at(CANDIDATE):
            self.build(target)
        elif phase in _OUT:
            fetch_tag(self.repository, target, self.surroundings.origin)

    def _fetch_advisories(self) -> None:
        """Have the advisory database of today, or what the faults make of it."""
        from pytest_relgate.sandbox.advisories import ensure_advisories

        try:
            ensure_advisories(self.repository)
            for fault in self.faults:
                if fault.beside is not None:
                    fault.beside(self.repository)
        except OSError as error:
            message = f"the sandbox cannot be written at {self.home}: {error}: set XDG_CACHE_HOME"
            raise RelgateError(message) from None

    def build(self, tag: str) -> None:
        """Push the tag unless it is there, and carry out the build that this starts."""
        around, engine = self.surroundings, self.engine
        if around.push_tag(self.repository, tag):
            self._done.append(f"{tag} was pushed, as `git push origin {tag}` does, and built")
        for run in engine.queue_pushed():
            engine.carry_out(run.id)

    def close(self) -> None:
        """End the twins and remove what only this run needed; calling it twice is fine."""
        with self._mutex:
            if self._engine is not None:
                self._engine.stop()
            for served in self._served:
                served.close()
            self._served.clear()
            if self._run_folder is not None:
                self._run_folder.close()

    # -- what gates and commands get ------------------------------------------------------------------------

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
        from pytest_relgate.sandbox.stand_ins import stand_ins

        with self._mutex:
            if self._commands is None:
                self.stand_ins, path = stand_ins(self._environ, self._folder / "bin")
                self._commands = settings(self.origins, self._folder) | {"PATH": path}
                for fault in self.faults:
                    self._commands |= fault.tools or {}
            return self._commands

    def _start(self) -> Origins:
        from pytest_relgate.sandbox.twins.server import serve

        mischief = [fault.network for fault in self.faults if fault.network is not None]
        urls: dict[str, str] = {}

        def start(name: str, make: Callable[[], Twin]) -> None:
            served = serve(_Lazy(name, make), mischief, seen=self._seen)
            self._served.append(served)
            urls[name] = served.url

        start("objects", lambda: _twin("github", "ObjectsTwin")(self.surroundings.store))
        start("github", lambda: self._github(urls["objects"]))
        start("crates", lambda: _twin("crates", "CratesTwin")(self.surroundings.store))
        start("npm", lambda: _twin("npm", "NpmTwin")(self.surroundings.store))
        start("pypi", lambda: _twin("pypi", "PypiTwin")(self.surroundings.store))
        start("go", self._go)
        return Origins(
            github_api=urls["github"],
            github_web=urls["github"],
            crates_index=urls["crates"],
            crates_api=urls["crates"],
            crates_files=urls["crates"],
            npm=urls["npm"],
            pypi=urls["pypi"],
            go_proxy=urls["go"],
        )

    def _go(self) -> Twin:
        around = self.surroundings
        made: Twin = _twin("go", "GoTwin")(around.origin, around.store.read().repository)
        return made

    def _github(self, objects: str) -> Twin:
        around, engine = self.surroundings, self.engine
        made: Twin = _twin("github", "GitHubTwin")(
            around.store, around.origin, around.tap, lambda: objects, self._dispatched
        )
        return _Noticing(made, engine)

    def _dispatched(self, run: Run) -> None:
        self.engine.dispatched(run)


def _twin(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"pytest_relgate.sandbox.twins.{module}"), name)


class _Lazy:
    """A twin that is made when the first request comes: most runs ask one or two of them."""

    def __init__(self, name: str, make: Callable[[], Twin]) -> None:
        self.name, self._make = name, make
        self._made: Twin | None = None
        self._mutex = threading.Lock()

    def answer(self, request: Request) -> Answer:
        """Answer as the twin does."""
        with self._mutex:
            if self._made is None:
                self._made = self._make()
        return self._made.answer(request)


class _Noticing:
    """GitHub's twin; before it answers, its runners look for tags that were pushed."""

    def __init__(self, twin: Twin, engine: Engine) -> None:
        self.name, self._twin, self._engine = twin.name, twin, engine

    def answer(self, request: Request) -> Answer:
        """Answer as the twin does."""
        self._engine.notice()
        return self._twin.answer(request)
