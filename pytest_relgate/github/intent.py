"""The intent to start a run, on disk before the request leaves, and the run's id once it is known."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.decoding import read_json
from pytest_relgate.errors import CannotJudge

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA: Final = 1


class Intent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One dispatch. ``at`` is RFC 3339 in UTC, by this machine's clock.

    ``run`` is 0 as long as nobody knows which run it made, or whether it made one. ``known`` are the runs
    that were there before. ``adopted`` is whether somebody else started the run; ``told`` is the run that
    GitHub's own answer to the dispatch named, 0 for none. ``attempt`` is the one of the run that was asked
    for, 0 for whichever.
    """

    phase: str
    target: str
    commit: str
    workflow: str
    inputs: dict[str, str]
    at: str
    known: tuple[int, ...] = ()
    run: int = 0
    adopted: bool = False
    told: int = 0
    attempt: int = 0
    schema: int = SCHEMA


@dataclass(frozen=True)
class IntentFile:
    """The file of one phase's intent. It is small, and whole whenever it is there."""

    path: Path

    def read(self) -> Intent | None:
        """Return the intent, None where there is none.

        Raises CannotJudge for one that cannot be read: what it says is then unknown, and nothing may start.
        """
        do = f"look at the runs of the workflow by hand; then move {self.path} away"
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"what was started before is unknown: {self.path}: {error.strerror or error}"
            raise CannotJudge(message, do=do) from None
        try:
            found = read_json(raw, Intent)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            message = f"what was started before is unknown: {self.path} is not as it was written: {error}"
            raise CannotJudge(message, do=do) from None
        if found.schema != SCHEMA:
            message = f"what was started before is unknown: {self.path} has schema {found.schema}"
            raise CannotJudge(message, do="use the release of pytest-relgate that wrote it")
        return found

    def write(self, intent: Intent) -> None:
        """Put it on disk, durable when this returns. Raises CannotJudge where that cannot be done."""
        fresh = self.path.with_name(f".{self.path.name}.new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with fresh.open("wb") as out:
                out.write(msgspec.json.format(msgspec.json.encode(intent)) + b"\n")
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(self.path)
            self._sync()
            _sync(self.path.parent.parent)
        except OSError as error:
            message = f"nothing was started: {self.path} cannot be written: {error.strerror or error}"
            raise CannotJudge(message, do="make room or make it writable, then type it again") from None

    def drop(self) -> None:
        """Take it away: the request was refused, and nothing was started."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
            self._sync()

    def set_aside(self, intent: Intent) -> None:
        """Keep it under the commit that it was for, so that another commit can have its own."""
        with contextlib.suppress(OSError):
            self.path.replace(self.path.with_name(f"{self.path.stem}-{intent.commit[:12]}.json"))
            self._sync()

    def keep_as_run(self, intent: Intent) -> None:
        """Keep it under the run that it was, so that another can be started in recovery."""
        try:
            self.path.replace(self.path.with_name(f"{self.path.stem}-run-{intent.run}.json"))
            self._sync()
        except OSError as error:
            message = f"nothing was started: {self.path} cannot be moved: {error.strerror or error}"
            raise CannotJudge(message, do="make it writable, then type it again") from None

    def _sync(self) -> None:
        _sync(self.path.parent)


def build_run_of(folder: Path, build_input: str) -> int:
    """The build run that the publish on record was started from by name; 0 for none."""
    with contextlib.suppress(CannotJudge, ValueError):
        intent = IntentFile(folder / "publish.json").read()
        if intent is not None:
            return int(intent.inputs.get(build_input, "0"))
    return 0


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # network file systems have no way to
            os.fsync(handle)
    finally:
        os.close(handle)
