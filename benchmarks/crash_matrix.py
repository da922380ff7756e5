"""Kills a live publish in the sandbox, types it again, and looks at the end.

    python benchmarks/crash_matrix.py --all                # at every boundary, also with lists that lag
    python benchmarks/crash_matrix.py --left               # from every different state that a kill leaves
    python benchmarks/crash_matrix.py --kills 40 --seed 7  # at boundaries taken at random
    python benchmarks/crash_matrix.py --wild 40 --seed 7   # at any time, several in a row, two at once

Each time: the publish was started at most once, the evidence never said PASSED before a publish had
succeeded, and the second command (the third, where nobody could say whether it was started) ended PASSED.
Ends with 1 where one did not. The share of the test suite is in tests/sandbox/test_crash_matrix.py.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/parts")]

from crash_cases import Matrix  # noqa: E402  (found through the line above)
from crash_wild import wild  # noqa: E402  (found by the path above)
from tests.sandbox.conftest import Walk  # noqa: E402  (found by the path above)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crash_cases import Ending


def main() -> int:
    """Walk to the publish, then kill it again and again."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    words.add_argument("--kills", type=int, default=40, help="how many publishes are killed (default: 40)")
    words.add_argument("--seed", type=int, default=0, help="which ones (default: 0)")
    words.add_argument("--all", action="store_true", help="each boundary once, without and with lag")
    words.add_argument("--left", action="store_true", help="each state that a kill can leave, likewise")
    words.add_argument("--wild", type=int, default=0, help="how many stories of kills at any time")
    options = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        walk = Walk(Path(folder))
        for phase in ("prerelease", "build", "rehearsal"):
            if walk.type(phase).returncode != 0:
                print(f"{phase} did not pass", file=sys.stderr)
                return 2
        with Matrix(walk.path, walk.environ, Path(folder, "kept")) as matrix:
            return _told(_cases(matrix, options))


def _cases(matrix: Matrix, options: argparse.Namespace) -> Iterable[tuple[str, Callable[[], Ending]]]:
    chance = random.Random(options.seed)  # noqa: S311  (a choice of cases)
    if options.wild:
        for number in range(options.wild):
            yield f"story {number}", lambda: wild(matrix, chance)
        return
    if options.left:
        for lag in (False, True):
            for label, state in matrix.states.items():
                yield _name(label, lag=lag), lambda state=state, lag=lag: matrix.left(state, lag=lag)
        return
    passed = matrix.publish()["passed"]
    cases = [(at, lag) for lag in (False, True) for at in passed]
    if not options.all:
        cases = [(chance.choice(passed), chance.choice((True, False, False))) for _ in range(options.kills)]
    for at, lag in cases:
        yield _name(at, lag=lag), lambda at=at, lag=lag: matrix.killed(at, lag=lag)


def _name(at: str, *, lag: bool) -> str:
    return f"{at}, lists lag" if lag else at


def _told(cases: Iterable[tuple[str, Callable[[], Ending]]]) -> int:
    came_to: Counter[str] = Counter()
    wrong = 0
    for number, (name, try_it) in enumerate(cases, start=1):
        ending = try_it()
        wrong += bool(ending.problems)
        came_to[ending.again] += 1
        print(f"{number:4}  {name}: {ending.again}", *ending.problems, sep="; ", flush=True)
    for word, count in came_to.most_common():
        print(f"typed again: {word}: {count}")
    print(f"{came_to.total()} publishes that died, {wrong} not as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
