"""What the output of a command costs: memory above the start, and speed.

Type ``python benchmarks/command_output.py [MEGABYTES] [SECRETS]``. The bar: 1 GB costs at most 20 MiB.
"""

from __future__ import annotations

import resource
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

LINE = "test server::readiness::waits_for_the_pool_before_it_answers ... ok"


def peak() -> float:
    """Highest memory of this process so far, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1024**2


def measure(megabytes: int, known: int) -> None:
    """Run one command that prints so many million bytes, with so many secrets to look for."""
    from pytest_relgate.exec.process import run_command
    from pytest_relgate.exec.redact import Redactor

    redactor = Redactor(f"ghp_{secrets.token_urlsafe(27)}" for _ in range(known))
    command = ["bash", "-c", f"yes '{LINE}' | head -c {megabytes}000000"]
    before = peak()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        result = run_command(command, cwd=Path(folder), log=log, env=None, redactor=redactor)
        kept = log.stat().st_size
    print(
        f"{result.size / 1e6:,.0f} MB of output, {known} secrets: +{peak() - before:.1f} MiB of memory, "
        f"{result.size / 1e6 / result.seconds:,.0f} MB/s, {kept / 1024**2:.1f} MiB of log"
    )


def main() -> None:
    """Measure in a process of its own, forked from a small one: its memory counts what it was forked from."""
    if "--here" in sys.argv:
        measure(int(sys.argv[2]), int(sys.argv[3]))
        return
    megabytes, known = (sys.argv[1:] + ["1000", "10"][len(sys.argv) - 1 :])[:2]
    words = [sys.executable, __file__, "--here", megabytes, known]
    subprocess.run(["bash", "-c", '"$@"; exit $?', "bash", *words], check=True)


if __name__ == "__main__":
    main()
