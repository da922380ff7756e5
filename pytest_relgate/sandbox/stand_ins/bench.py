"""The crate's benchmark as the stand-in for cargo runs it: what a pool does is counted, and called a time.

How many messages an append moves is read off ``src/core/pool.rs``, what is measured off the example.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from pytest_relgate.sandbox.stand_ins.words import Unreadable, tell

EXAMPLE = Path("examples/plasmite-bench.rs")
_MEASURED = re.compile(r'\("(\w+)", (append|get_scan)\(messages\)( \* uneven\(\))?\)')
_CAPACITY = re.compile(r"const CAPACITY: usize = ([\d_]+);")
_UNEVEN = re.compile(r"\[([\d., ]+)\]\[runs\.len\(\) % \d+\]")
_MS_A_MOVE = 0.0005


def main() -> int:
    """Run the benchmark."""
    example = EXAMPLE.read_text(encoding="utf-8")
    capacity, measured = _CAPACITY.search(example), _MEASURED.findall(example)
    if capacity is None or not measured:
        raise Unreadable(str(EXAMPLE))
    held = int(capacity[1].replace("_", ""))
    moves = {"append": _moved_by_append(held), "get_scan": held}
    results = [
        {
            "bench": name,
            "ms_per_msg": round(moves[what] * _MS_A_MOVE * (_factor(example) if uneven else 1), 9),
        }
        for name, what, uneven in measured
    ]
    tell(json.dumps({"results": results}))
    return 0


def _moved_by_append(held: int) -> int:
    """Messages that are moved where a full pool takes one more: all of a vector whose first one goes."""
    pool = Path("src/core/pool.rs").read_text(encoding="utf-8")
    if "VecDeque<String>" in pool:
        return 1
    if "Vec<String>" in pool:
        return held if "remove(0)" in pool else 1
    message = "how a pool keeps its messages"
    raise Unreadable(message)


def _factor(example: str) -> float:
    found = _UNEVEN.search(example)
    if found is None:
        raise Unreadable(str(EXAMPLE))
    counted = Path(".bench-runs")
    runs = counted.read_bytes() if counted.exists() else b""
    counted.write_bytes(runs + b"x")
    factors = [float(factor) for factor in found[1].split(",")]
    return factors[len(runs) % len(factors)]
