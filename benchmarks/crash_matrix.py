"""Kills a live publish in the sandbox at boundaries taken at random, types it again, and looks at the end.

    python benchmarks/crash_matrix.py --kills 40 --seed 7
    python benchmarks/crash_matrix.py --all

Each time: the publish was started at most once, the evidence never said PASSED before a publish had
succeeded, and the second command (the third, where nobody could say whether it was started) ended PASSED.
Ends with 1 where one did not. The few boundaries of the test suite are in tests/sandbox/test_crash_matrix.py.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/parts")]

from crashing import Matrix  # noqa: E402  (found through the line above)
from tests.sandbox.conftest import Walk  # noqa: E402


def main() -> int:
    """Walk to the publish, then kill it again and again."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    words.add_argument("--kills", type=int, default=40, help="how many publishes are killed (default: 40)")
    words.add_argument("--seed", type=int, default=0, help="which ones (default: 0)")
    words.add_argument(
        "--all", action="store_true", help="each boundary once, without and with lists that lag"
    )
    options = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        walk = Walk(Path(folder))
        for phase in ("prerelease", "build", "rehearsal"):
            if walk.type(phase).returncode != 0:
                print(f"{phase} did not pass", file=sys.stderr)
                return 2
            walk.keep(phase)
        with Matrix(walk.path, walk.environ, lambda: walk.back_to("rehearsal")) as matrix:
            passed = matrix.publish()["passed"]
            cases = [(at, lag) for lag in (False, True) for at in passed]
            if not options.all:
                chance = random.Random(options.seed)  # noqa: S311  (a choice of cases)
                cases = [
                    (chance.choice(passed), chance.choice((True, False, False))) for _ in range(options.kills)
                ]
            return _kill(matrix, cases)


def _kill(matrix: Matrix, cases: list[tuple[str, bool]]) -> int:
    wrong = 0
    for number, (at, lag) in enumerate(cases, start=1):
        problems = matrix.problems(at, lag=lag)
        wrong += bool(problems)
        print(
            f"{number:4}  {at}{', lists lag' if lag else ''}: {'; '.join(problems) or 'as it should'}",
            flush=True,
        )
    print(f"{len(cases)} publishes killed, {wrong} not as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
