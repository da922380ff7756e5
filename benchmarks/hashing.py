"""Our digest of a file against sha256sum, turn and turn about on the same file.

Type ``python benchmarks/hashing.py [MEGABYTES] [ROUNDS]``. The bar: at least 80 % of sha256sum's speed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pytest_relgate.exec.hashing import sha256_of


def main() -> None:
    """Print the median of the ratios, and both speeds."""
    megabytes, rounds = map(int, (sys.argv[1:] + ["500", "9"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "asset"
        chunk = bytes(range(256)) * 3906 + bytes(64)
        with path.open("wb") as file:
            for _ in range(megabytes):
                file.write(chunk)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(rounds):
            begun = time.perf_counter()
            digest = sha256_of(path)
            between = time.perf_counter()
            done = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
            ended = time.perf_counter()
            if digest != f"sha256:{done.stdout.split()[0]}":
                sys.exit(f"the digests differ: {digest}, {done.stdout}")
            ours.append(between - begun)
            theirs.append(ended - between)
    ratio = statistics.median(their / our for our, their in zip(ours, theirs, strict=True))
    print(
        f"{megabytes} MB, {rounds} rounds: {ratio:.0%} of the speed of sha256sum "
        f"({megabytes / statistics.median(ours):,.0f} and {megabytes / statistics.median(theirs):,.0f} MB/s)"
    )


if __name__ == "__main__":
    main()
