"""A publish that died, typed again: what the release must not have come to, in words."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copied import copied, put_back
from crashing import DISPATCHES, EVIDENCE, TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from pytest_relgate.sandbox.world import Run


@dataclass(frozen=True)
class Ending:
    """What came of a publish that died: ``again`` in a word, and what should not have been."""

    again: str
    problems: tuple[str, ...]


class Matrix:
    """A checkout that stands before its publish, and a warm process that publishes from it.

    ``checkout`` is the one, ``environ`` its environment with a cache folder of its own, ``scratch`` a
    folder for copies. It stands before its publish when this is made.
    """

    def __init__(self, checkout: Path, environ: Mapping[str, str], scratch: Path) -> None:
        self.checkout, self.environ, self.scratch = checkout, environ, scratch
        self.cache = Path(environ["XDG_CACHE_HOME"])
        self.keep("before")

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("crashing.py"), self.checkout],
            env=dict(self.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def keep(self, name: str) -> None:
        """Copy how it stands."""
        copied(self.cache, self.scratch / name / "cache")
        copied(self.checkout / EVIDENCE, self.scratch / name / EVIDENCE)

    def back(self, name: str = "before") -> None:
        """Let it stand as it stood when it was copied."""
        put_back(self.scratch / name / "cache", self.cache)
        put_back(self.scratch / name / EVIDENCE, self.checkout / EVIDENCE)

    def publish(self, kill: str = "", keep: str = "", *, lag: bool = False) -> dict[str, Any]:
        """Type the publish command, to be killed at a boundary."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"kill": kill, "keep": keep, "lag": lag}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    @cached_property
    def states(self) -> dict[str, str]:
        """Each different state in which a kill could leave a publish, and the name of a copy of it.

        It is called like the boundary at which it first stands so.
        """
        self.back()
        place = self.scratch / "states"
        place.mkdir()
        answer = self.publish(keep=str(place))
        assert answer["status"] == 0, answer["said"]
        found = {(one / "label").read_text(): f"states/{one.name}" for one in place.iterdir()}
        return {label: found[label] for label in answer["passed"] if label in found}

    def killed(self, at: str, *, lag: bool = False) -> Ending:
        """Publish, die at a boundary, publish again. The start is put back before."""
        self.back()
        dead = self.publish(at)
        found = [] if dead["status"] == -signal.SIGKILL else [f"it ended with {dead['status']}"]
        return self.typed_again(lag=lag, found=found)

    def left(self, state: str, *, lag: bool = False) -> Ending:
        """Publish again from a state that a kill could have left."""
        self.back(state)
        return self.typed_again(lag=lag)

    def typed_again(self, *, lag: bool = False, found: list[str] | None = None) -> Ending:
        """Publish again after whatever happened; where it says so, take the record away and again."""
        found = [*(found or ()), *self.too_early("after the kill")]
        answer, word = self.publish(lag=lag), "passed"
        found += self.too_early("typed again")
        if answer["status"] != 0:
            word = "blocked"
            found += self.blocked_well(answer["said"])
            if not self.published():  # as the page shows: then the record is taken away
                word = "blocked, nothing there"
                self.intent.unlink(missing_ok=True)
            answer = self.publish()
            found += self.too_early("typed a third time")
        if answer["status"] != 0 or self.verdict() != "PASSED":
            found.append(f"it did not end well: {answer['said'][-2000:]}")
        if len(self.published()) != 1:
            found.append(f"it was published {len(self.published())} times")
        return Ending(word, tuple(found))

    @property
    def intent(self) -> Path:
        """The record of what was started."""
        return self.checkout / EVIDENCE / TARGET / DISPATCHES / "publish.json"

    def blocked_well(self, said: str) -> list[str]:
        """Where it may have been started and nobody can say, it is not started, and the page is named."""
        words = " ".join(said.split())
        wanted = ("not started again blindly", "/actions/workflows/release-publish.yml", "publish.json")
        return [f"it does not say {one}: {said[-2000:]}" for one in wanted if one not in words]

    def too_early(self, when: str) -> list[str]:
        """Say what is wrong with the evidence and what was published at this moment."""
        runs = self.published()
        found = [f"{when} it was published {len(runs)} times"] if len(runs) > 1 else []
        if self.verdict() == "PASSED" and [run.conclusion for run in runs] != ["success"]:
            found.append(f"{when} the evidence says PASSED, and no publish succeeded")
        return found

    def verdict(self) -> str:
        """The verdict of the evidence of the publish; empty where there is none."""
        seal = self.checkout / EVIDENCE / TARGET / "publish/evidence.json"
        return str(json.loads(seal.read_text())["verdict"]) if seal.exists() else ""

    def published(self) -> list[Run]:
        """The publishes of the release that the sandbox's GitHub has."""
        from pytest_relgate.sandbox.repository import sandbox_home
        from pytest_relgate.sandbox.runs import PUBLISH
        from pytest_relgate.sandbox.store import Store

        world = Store(sandbox_home(self.checkout, self.environ)).truth()
        return [run for run in world.runs if run.workflow == PUBLISH and run.title == f"Publish {TARGET}"]
