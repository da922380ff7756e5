"""A full disk, a folder that cannot be written: never PASSED, one line says so, nothing half-written."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.crossing import Closed, Payload
from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.evidence import seal
from pytest_relgate.model import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Bench, Quick
    from pytest_relgate.session import ReleaseRun

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"


@dataclass
class Disk:
    """Where evidence is kept, and how it comes to be full: a small file system, or a limit on files."""

    place: Path
    mounted: bool
    _limits: list[tuple[int, int]] = field(default_factory=list)

    @property
    def _filler(self) -> Path:
        return self.place / "filler"

    def fill(self) -> None:
        if not self.mounted:
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            self._limits.append(limits)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
            return
        with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)
        while self._limits:
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limits.pop())


def mount(place: Path, *options: str) -> bool:
    """Mount a small file system, where this machine lets us."""
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", ",".join(("size=512k", *options)), "tmpfs", str(place)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def unmount(place: Path) -> None:
    subprocess.run(["umount", "-l", str(place)], capture_output=True, check=True)


@pytest.fixture
def disk(bench: Bench) -> Iterator[Disk]:
    """The folder for evidence on a disk of its own."""
    place = bench.path / "release-evidence"
    disk = Disk(place, mount(place))
    yield disk
    disk.free()
    if disk.mounted:
        unmount(place)


def whole_files(bench: Bench) -> list[str]:
    return sorted(path.name for path in bench.folder().iterdir() if path.is_file())


def assert_nothing_passes(bench: Bench, run: ReleaseRun, words: str) -> None:
    assert run.record is not None
    assert run.record.verdict.passed is False
    told = [reason.message for reason in run.record.verdict.reasons if reason.code == "EVIDENCE"]
    assert any(words in one for one in told), told
    assert all("\n" not in one for one in told)
    assert bench.evidence().verdict == "BLOCKED"
    assert bench.verify().finding == "INCOMPLETE"
    assert not [name for name in whole_files(bench) if name.endswith(".new")]


def test_a_disk_that_is_full_at_the_start_is_one_line_and_harms_no_old_evidence(
    bench: Bench, disk: Disk
) -> None:
    bench.run()
    before = {path: path.read_bytes() for path in bench.folder().rglob("*") if path.is_file()}
    disk.fill()
    with pytest.raises(RelgateError, match=r"^evidence cannot be written to .*: make room or") as error:
        bench.run()
    assert "\n" not in str(error.value)
    disk.free()
    assert {path: path.read_bytes() for path in before} == before
    assert bench.verify().finding == "PASSED"


def test_a_disk_that_fills_up_before_the_first_line_of_the_journal(bench: Bench, disk: Disk) -> None:
    original = bench._work

    def work(run: ReleaseRun, *rest: object) -> None:
        disk.fill()
        original(run, *rest)  # type: ignore[arg-type]  # whatever it was given

    bench._work = work  # type: ignore[method-assign]  # works in its place
    run = bench.run({ONE: State.FAILED})
    assert_nothing_passes(bench, run, "the journal cannot be written")
    disk.free()
    del bench._work
    bench.run()
    assert bench.evidence().verdict == "PASSED"


def long_failure(name: str) -> Payload:
    """A failure that says more than fits into what is left of a block."""
    return Payload((Closed(name, 1, State.FAILED, 0.0, 0.1, "gw9", "it is broken " * 700),))


def test_a_failure_is_recorded_as_soon_as_there_is_room_again(bench: Bench, disk: Disk) -> None:
    def work(run: ReleaseRun) -> None:
        disk.fill()
        run.payload(long_failure(ONE), "gw9")
        disk.free()

    bench.run(during=work)
    assert "EVIDENCE" in bench.codes()
    assert bench.reading().attempts()[ONE][-1].outcome == "FAILED"
    bench.run()
    assert bench.states()["one"] == "FLAKY"


def test_a_command_is_not_started_that_cannot_be_recorded(bench: Bench, disk: Disk) -> None:
    def work(run: ReleaseRun) -> None:
        disk.fill()
        with pytest.raises(CannotJudge, match="was not started: the journal cannot be written"):
            run.command_starts(ONE, ("gh", "workflow", "run", "x" * 9000))
        disk.free()

    run = bench.run(during=work)
    assert run.record is not None
    assert run.record.verdict.passed is False


@pytest.mark.parametrize("stage", ["reports", "seal", "digest"])
def test_a_disk_that_fills_up_before_the_end(
    bench: Bench, disk: Disk, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def full_in_reports(run: ReleaseRun) -> None:
        original = run._write_reports
        run._write_reports = lambda record: (disk.fill(), original(record))[1]  # type: ignore[method-assign]  # the disk is full by then

    real_files, real_head = seal.files_of, seal.evidence_of

    def full_after_reports(folder: Path) -> dict[str, str]:
        found = real_files(folder)
        disk.fill()
        return found

    if stage == "seal":
        monkeypatch.setattr(seal, "files_of", full_after_reports)
    elif stage == "digest":
        monkeypatch.setattr(
            seal, "evidence_of", lambda *args, **more: (disk.fill(), real_head(*args, **more))[1]
        )
    run = bench.run(during=full_in_reports if stage == "reports" else None)
    assert_nothing_passes(bench, run, "could not be sealed")
    monkeypatch.undo()
    disk.free()
    bench.run()
    assert bench.evidence().verdict == "PASSED"
    assert bench.reading().runs[-1].gates == (), "what had passed was kept"


def test_a_seal_that_may_not_be_durable_is_taken_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_relgate.evidence import folder

    real = folder.sync_folder

    def fail(path: Path) -> None:
        if (path / "evidence.json.sha256").exists():
            raise OSError(5, "Input/output error")
        real(path)

    monkeypatch.setattr(folder, "sync_folder", fail)
    run = bench.run()
    assert run.record is not None
    assert run.record.verdict.passed is False
    assert bench.verify().finding == "INCOMPLETE"


# -- a folder that cannot be written ------------------------------------------------------------------------


@contextlib.contextmanager
def read_only(place: Path) -> Iterator[None]:
    """A folder that this process cannot write to, by whatever means this machine has."""
    place.mkdir(exist_ok=True)
    with contextlib.ExitStack() as undo:
        if mount(place):
            undo.callback(unmount, place)
            subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        elif os.geteuid():
            undo.callback(place.chmod, 0o755)
            place.chmod(0o555)
        else:
            undo.callback(subprocess.run, ["chattr", "-i", str(place)], check=True)
            subprocess.run(["chattr", "+i", str(place)], check=True)
        yield


def test_a_folder_that_cannot_be_written_is_one_line(bench: Bench) -> None:
    place = bench.path / "release-evidence"
    with read_only(place), pytest.raises(RelgateError) as error:
        bench.run()
    text = str(error.value)
    assert text.startswith(f"evidence cannot be written to {place}/v0.2.0/prerelease: ")
    assert text.endswith("name another folder with --release-evidence")
    assert "\n" not in text


# -- as a person sees it ------------------------------------------------------------------------------------

GATES = """
import os
import resource

import pytest

pytestmark = pytest.mark.prerelease


def fill():
    if os.environ["FULL"] == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        return
    with open(os.environ["FULL"], "ab", buffering=0) as filler:
        while True:
            try:
                filler.write(b"x" * 4096)
            except OSError:
                return


def test_fills():
    fill()


def test_logs(run):
    run("head -c 200000 /dev/zero")


def test_fails():
    assert False, "it is broken " * 400
"""


def test_a_person_is_told_in_one_line_and_sees_no_traceback(bench: Bench, disk: Disk, quick: Quick) -> None:
    bench.write("release_checks/test_gates.py", GATES)
    quick.pytest(bench.path, "--release-lock")
    bench.commit()
    environ = {"FULL": str(disk.place / "filler") if disk.mounted else "limit"}
    done = quick.release(bench.path, environ=environ)
    assert done.returncode == 1, done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("EVIDENCE")]
    assert lines, done.stdout
    assert "Traceback" not in done.stdout
    assert "INTERNALERROR" not in done.stdout
    assert "BLOCKED v0.2.0" in done.stdout
    assert bench.evidence().verdict == "BLOCKED"
    assert bench.verify().finding == "INCOMPLETE"
    if disk.mounted:
        done = quick.release(bench.path, environ=environ)
        assert done.returncode == 4, done.stdout
        error = [line for line in done.stdout.splitlines() if line]
        assert len(error) == 1, error
        assert error[0].startswith("ERROR: evidence cannot be written to")
