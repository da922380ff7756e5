"""A folder for what only one run needs; it ends with the run, however that ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from pytest_relgate.sandbox.locking import alone


class RunFolder:
    """A folder that lives as long as this process; those of processes that were killed are swept.

    ``path`` is the folder. Raises OSError where it cannot be made.
    """

    def __init__(self, shelf: Path) -> None:
        import fcntl

        with alone(shelf / ".lock"):
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


def in_use(shelf: Path) -> bool:
    """Whether a run still lives that has a folder here. OSError passes through."""
    if not shelf.is_dir():
        return False
    with alone(shelf / ".lock"):
        gone = {_sweep(folder) for folder in shelf.glob("run-*")}
        return False in gone


def _sweep(folder: Path) -> bool:
    """Remove a run's folder unless the run still holds its lock; tell whether it is gone."""
    import fcntl

    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
