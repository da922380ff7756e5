"""Live publishes in the sandbox that are killed where a test says: in children of one warm process.

``python crashing.py CHECKOUT`` reads one JSON line a run: ``{"kill": "post after 1", "lag": true}``.
It runs the publish phase in a fork of itself, and writes one JSON line: exit status (negative: the signal
that ended it), what it printed, and the boundaries that it passed. A boundary is a moment just before or
after something durable or something that leaves the machine: a line of the journal, the intent's file, a
request, the seal. With ``lag`` no list of runs shows a publish: GitHub's is a search index that lags.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from pytest_relgate.sandbox.world import Run

COMMAND = (
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # what is warm was not rewritten
    *("-p", "no:cacheprovider", "-p", "no:html", "release_checks", "-m", "publish"),
    *("--release-target", "v0.1.10", "--release-mode", "live", "--release-agent", "ada@laptop"),
)


class Boundaries:
    """Counts the boundaries that a run passes, tells of each, and kills the process at one."""

    def __init__(self, kill: str, told: Path) -> None:
        self.kill, self.told = kill, told
        self.passed: dict[str, int] = {}

    def __call__(self, name: str) -> None:
        self.passed[name] = self.passed.get(name, 0) + 1
        label = f"{name} {self.passed[name]}"
        with self.told.open("a", encoding="utf-8") as out:
            out.write(f"{label}\n")
        if label == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, method: str, name: str | Callable[..., str]) -> None:
        """Let a method of a class pass a boundary before and after."""
        true = getattr(owner, method)

        @functools.wraps(true)
        def wrapped(*args: Any, **more: Any) -> Any:
            what = name if isinstance(name, str) else name(*args)
            self(f"{what} before")
            result = true(*args, **more)
            self(f"{what} after")
            return result

        setattr(owner, method, wrapped)


def install(kill: str, told: Path, *, lag: bool) -> None:
    """Watch the boundaries of this process, and end it at one of them."""
    from pytest_relgate import fixtures
    from pytest_relgate.evidence.folder import Folder
    from pytest_relgate.evidence.journal import Journal
    from pytest_relgate.github.intent import IntentFile
    from pytest_relgate.net.http import Http

    pass_ = Boundaries(kill, told)
    pass_.around(Journal, "_write", lambda _, entry: f"journal {type(entry).__name__}")
    pass_.around(IntentFile, "write", "intent")
    pass_.around(Http, "post", "post")
    pass_.around(Http, "get", "get")
    pass_.around(Folder, "reopen", "reopen")
    pass_.around(Folder, "write_together", lambda _, files, **__: f"write {min(files)}")
    made = fixtures._means
    fixtures._means = lambda *args: replace(made(*args), looks=(0.0, 0.1, 0.2))
    if lag:
        _lag()


def _lag() -> None:
    """GitHub's lists of runs are a search index that lags: they do not show the publish."""
    from pytest_relgate.sandbox.twins.github import runs

    true = runs.filtered
    runs.filtered = lambda request, found: true(  # type: ignore[assignment]
        request, [run for run in found if not run.title.startswith("Publish v0.1.10")]
    )


def run(kill: str = "", *, lag: bool = False) -> dict[str, Any]:
    """Type the publish command in a fork of this process."""
    with tempfile.TemporaryDirectory() as folder:
        told, said = Path(folder, "told"), Path(folder, "said")
        told.touch()
        child = os.fork()
        if child == 0:
            _publish_and_exit(kill, told, said, lag=lag)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return {
            "status": status,
            "said": said.read_text(errors="replace"),
            "passed": told.read_text().splitlines(),
        }


def _publish_and_exit(kill: str, told: Path, said: Path, *, lag: bool) -> None:
    """What the fork does. It never comes back."""
    status = 99
    try:
        with said.open("wb") as out:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
        install(kill, told, lag=lag)
        import pytest

        status = int(pytest.main([*COMMAND]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class Matrix:
    """A checkout that stands before its publish, and a warm process that publishes from it.

    ``checkout`` is the one, ``environ`` its environment, ``back`` puts it to where it stood.
    """

    def __init__(self, checkout: Path, environ: Mapping[str, str], back: Callable[[], None]) -> None:
        self.checkout, self.environ, self.back = checkout, environ, back

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, __file__, self.checkout],
            env=dict(self.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def publish(self, kill: str = "", *, lag: bool = False) -> dict[str, Any]:
        """Type the publish command, to be killed at a boundary."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"kill": kill, "lag": lag}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def problems(self, at: str, *, lag: bool = False) -> list[str]:
        """Publish, die at a boundary, publish again; say what should not have been. The start is put back."""
        self.back()
        killed = self.publish(at)
        found = [] if killed["status"] == -signal.SIGKILL else [f"it ended with {killed['status']}"]
        found += self._too_early("after the kill")
        again = self.publish(lag=lag)
        found += self._too_early("typed again")
        if again["status"] != 0:
            found += self._blocked_well(again["said"])
            if not self._published():  # as the page shows: then the record is taken away
                self._intent.unlink()
            again = self.publish()
            found += self._too_early("typed a third time")
        if again["status"] != 0 or self._verdict() != "PASSED":
            found.append(f"it did not end well: {again['said'][-2000:]}")
        if len(self._published()) != 1:
            found.append(f"it was published {len(self._published())} times")
        return found

    @property
    def _intent(self) -> Path:
        return self.checkout / "release-evidence/v0.1.10/dispatches-sandbox/publish.json"

    def _blocked_well(self, said: str) -> list[str]:
        """Where it may have been started and nobody can say, it is not started, and the page is named."""
        words = " ".join(said.split())
        wanted = ("not started again blindly", "/actions/workflows/release-publish.yml", "publish.json")
        return [f"it does not say {one}" for one in wanted if one not in words]

    def _too_early(self, when: str) -> list[str]:
        runs = self._published()
        found = [f"{when} it was published {len(runs)} times"] if len(runs) > 1 else []
        if self._verdict() == "PASSED" and [run.conclusion for run in runs] != ["success"]:
            found.append(f"{when} the evidence says PASSED, and no publish succeeded")
        return found

    def _verdict(self) -> str:
        seal = self.checkout / "release-evidence/v0.1.10/publish/evidence.json"
        return str(json.loads(seal.read_text())["verdict"]) if seal.exists() else ""

    def _published(self) -> list[Run]:
        from pytest_relgate.sandbox.repository import sandbox_home
        from pytest_relgate.sandbox.runs import PUBLISH
        from pytest_relgate.sandbox.store import Store

        world = Store(sandbox_home(self.checkout, self.environ)).truth()
        return [run for run in world.runs if run.workflow == PUBLISH and run.title == "Publish v0.1.10"]


def main() -> None:
    """Serve runs, as lines of the input ask for them."""
    os.chdir(sys.argv[1])
    sys.path.insert(0, sys.argv[1])
    import httpx  # noqa: F401  (what every child would load anew)
    import xdist.plugin  # noqa: F401
    import yaml  # noqa: F401

    import pytest_relgate.fixtures
    import pytest_relgate.github.facts
    import pytest_relgate.hooks
    import pytest_relgate.sandbox.box
    import pytest_relgate.start  # noqa: F401

    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)  # noqa: T201  (the answer)


if __name__ == "__main__":
    main()
