"""Live publishes in the sandbox that are killed where a test says: in children of one warm process.

``python crashing.py CHECKOUT`` reads one JSON line a run: ``{"kill": "post after 1", "lag": true}``.
It runs the publish phase in a fork of itself, and writes one JSON line: exit status (negative: the signal
that ended it), what it printed, and the boundaries that it passed. A boundary is a moment just before or
after something that lasts or that leaves the machine: a line of the journal (and the middle of it), a
file of the evidence that is made, written, renamed or taken away, a request. With ``keep`` nothing is
killed: what stands on disk at each boundary is copied, once for all boundaries at which it is the same.
With ``lag`` no list of runs shows a publish: GitHub's is a search index that lags.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import itertools
import json
import os
import pickle
import re
import signal
import sys
import tempfile
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copied import copied
from git_answers import remember
from light import LIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_relgate.sandbox.engine import Engine
    from pytest_relgate.sandbox.world import Run

TARGET = "v0.1.10"
EVIDENCE = "release-evidence"
DISPATCHES = "dispatches-sandbox"
AT_ONCE = 15  # changes of a run between two looks at it
CHANGED = ("publish", DISPATCHES)  # of the evidence of a release, what a publish changes
LIVE = (
    *("release_checks", "-m", "publish", "--release-target", TARGET),
    *("--release-mode", "live", "--release-agent", "ada@laptop"),
)
COMMAND = (
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # what is warm was not rewritten
    *("-p", "no:cacheprovider", "-p", "no:html"),
    *LIVE,
)


class Boundaries:
    """Counts the boundaries that a run passes, tells of each, and stops or copies what is there."""

    def __init__(self, told: Path, kill: str = "", keep: str = "") -> None:
        self.told, self.kill = told, kill
        self.keep = Path(keep) if keep else None
        self.passed: dict[str, int] = {}
        self.evidence = Path.cwd() / EVIDENCE

    def __call__(self, name: str) -> None:
        self.passed[name] = self.passed.get(name, 0) + 1
        label = f"{name} {self.passed[name]}"
        with self.told.open("a", encoding="utf-8") as out:
            out.write(f"{label}\n")
        if label == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.keep is not None:
            self._copy(self.keep, label)

    def _copy(self, folder: Path, label: str) -> None:
        cache = Path(os.environ["XDG_CACHE_HOME"])
        world = next(cache.glob("pytest-relgate/sandbox/*/world.json"))
        kept = world.read_bytes()  # now: what it speaks of is there, and is copied behind it
        state = _state(self.evidence) + b"%d" % (f"Publish {TARGET}".encode() in kept)
        place = folder / hashlib.sha256(state).hexdigest()[:16]
        if place.exists():
            return
        place.mkdir(parents=True)
        (place / "label").write_text(label)
        copied(cache, place / "cache")
        (place / "cache" / world.relative_to(cache)).write_bytes(kept)
        copied(self.evidence, place / EVIDENCE)

    def around(self, owner: Any, method: str, name: str | Callable[..., str], *, before: bool = True) -> None:
        """Let a method of a class, or a function of a module, pass a boundary before and after."""
        true = getattr(owner, method)

        @functools.wraps(true)
        def wrapped(*args: Any, **more: Any) -> Any:
            what = name if isinstance(name, str) else name(*args)
            if before and what:
                self(f"{what} before")
            result = true(*args, **more)
            if what:
                self(f"{what} after")
            return result

        setattr(owner, method, wrapped)

    def of_evidence(self, what: str) -> Callable[..., str]:
        """Name what is done to a path, where it is one of the evidence; the last path of several."""

        def name(*args: Any) -> str:
            place = next((Path(one) for one in reversed(args) if isinstance(one, str | Path)), Path())
            if not place.is_absolute() or not place.is_relative_to(self.evidence):
                return ""
            if what == "unlink" and not os.path.lexists(place):
                return ""
            return re.sub(r"(?<=run-)\d+", "N", f"{what} {place.name}")

        return name


def _state(evidence: Path) -> bytes:
    """What of a publish stands on disk, without its times and what follows from them."""
    found = []
    for folder in CHANGED:
        top = evidence / TARGET / folder
        for path in sorted(top.rglob("*")) if top.exists() else ():
            raw = path.read_bytes() if path.is_file() else b""
            if path.name == "journal.jsonl":
                raw = b"%d, %d" % (raw.count(b"\n"), raw[-1:] not in b"\n")
            elif path.name == "publish.json":
                raw = b"run" if json.loads(raw)["run"] else b"no run"
            elif path.name == "evidence.json":
                raw = json.loads(raw)["verdict"].encode()
            elif path.name.startswith("."):
                raw = b""
            found.append(b"%s: %d" % (bytes(path.relative_to(top)), bool(raw)))
            found.append(raw if len(raw) < 16 else b"")
    return b"\n".join(found)


def install(pass_: Boundaries, *, lag: bool) -> None:
    """Watch the boundaries of this process."""
    from pytest_relgate import attachments, outward
    from pytest_relgate.evidence import appending, folder
    from pytest_relgate.net.http import Http
    from pytest_relgate.sandbox.engine import Engine

    kind: list[str] = []

    def named(_: Any, entry: Any) -> str:
        kind[:] = [type(entry).__name__]
        return f"journal {kind[0]}"

    def in_halves(handle: int, text: bytes) -> None:
        os.write(handle, text[: len(text) // 2])
        pass_(f"journal {kind[0]} half")
        true_write(handle, text[len(text) // 2 :])

    true_write = appending._write_all
    appending._write_all = in_halves
    pass_.around(appending.Journal, "_write", named)
    pass_.around(Http, "post", "post")
    pass_.around(Http, "get", "get")
    pass_.around(folder, "_write_file", pass_.of_evidence("write"), before=False)
    pass_.around(attachments, "attach", lambda _, name, *__: re.sub(r"(?<=run-)\d+", "N", f"attach {name}"))
    made_anew = pass_.of_evidence("open")
    pass_.around(
        os, "open", lambda path, flags, *_: made_anew(path) if flags & os.O_EXCL else "", before=False
    )
    for what in ("replace", "rename", "unlink", "mkdir", "rmdir"):
        pass_.around(os, what, pass_.of_evidence(what))
    runners = Runners()
    Engine.dispatched = functools.partialmethod(_take_up, runners)  # type: ignore[assignment]  # in its place, for this process
    made = outward.means_of
    outward.means_of = lambda *args: replace(made(*args), looks=(0.0, 0.1, 0.2), sleep=runners.work)
    if lag:
        _lag()


class Runners:
    """GitHub's runners, that work while a publish waits for them and at no other time: it is always the same.

    What they did when a process died is as far as they came.
    """

    def __init__(self) -> None:
        self.engines: dict[int, Engine] = {}
        self.working: dict[int, Iterator[Any]] = {}

    def take(self, engine: Engine, run: Run) -> None:
        """Take up a run that waits."""
        self.engines.setdefault(run.id, engine)

    def work(self, _: float) -> None:
        """Carry out some more of each run."""
        from pytest_relgate.sandbox.carry import carry

        for number, engine in self.engines.items():
            if number not in self.working:
                run = next(run for run in engine.store.truth().runs if run.id == number)
                self.working[number] = carry(run, engine._site)
            for change in itertools.islice(self.working[number], AT_ONCE):
                engine.store.change(change)


def _take_up(engine: Engine, runners: Runners, run: Run) -> None:
    runners.take(engine, run)


def _lag() -> None:
    """GitHub's lists of runs are a search index that lags: they do not show the publish."""
    from pytest_relgate.sandbox.twins.github import runs

    true = runs.filtered
    runs.filtered = lambda request, found: true(  # type: ignore[assignment]  # in its place, for this process
        request, [run for run in found if not run.title.startswith(f"Publish {TARGET}")]
    )


def run(kill: str = "", keep: str = "", *, lag: bool = False) -> dict[str, Any]:
    """Type the publish command in a fork of this process."""
    with tempfile.TemporaryDirectory() as folder:
        told, said, loaded = Path(folder, "told"), Path(folder, "said"), Path(folder, "loaded")
        told.touch()
        child = os.fork()
        if child == 0:
            _publish_and_exit(Boundaries(told, kill, keep), said, loaded, lag=lag)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if loaded.exists():
            _warm(loaded.read_bytes())
        return {
            "status": status,
            "said": said.read_text(errors="replace"),
            "passed": told.read_text().splitlines(),
        }


def _warm(kept: bytes) -> None:
    """Have what a child had to load and to ask, so that the next child has it."""
    names, answers = pickle.loads(kept)
    _answers.update(answers)
    for name in names:
        if name not in sys.modules and name.partition(".")[0] in _OURS:
            importlib.import_module(name)


_answers: dict[Any, Any] = {}
_OURS = ("pytest_relgate", "httpx", "httpcore", "h11", "anyio", "yaml", "semver", "packaging", "psutil")


def _publish_and_exit(boundaries: Boundaries, said: Path, loaded: Path, *, lag: bool) -> None:
    """What the fork does. It never comes back."""
    status = 99
    try:
        with said.open("wb") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        install(boundaries, lag=lag)
        remember(_answers)
        import pytest

        status = int(pytest.main([*LIGHT, *COMMAND]))
        loaded.write_bytes(pickle.dumps(([*sys.modules], _answers)))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Serve runs, as lines of the input ask for them."""
    os.chdir(sys.argv[1])
    sys.path.insert(0, sys.argv[1])
    import httpx  # noqa: F401  (what every child would load anew)
    import xdist.plugin  # noqa: F401  (as above)
    import yaml  # noqa: F401  (as above)

    import pytest_relgate.fixtures
    import pytest_relgate.github.facts
    import pytest_relgate.hooks
    import pytest_relgate.sandbox.box
    import pytest_relgate.start  # noqa: F401  (as above)

    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)  # noqa: T201  (the answer)


if __name__ == "__main__":
    main()
