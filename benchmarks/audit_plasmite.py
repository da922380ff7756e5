"""Audit every release of plasmite on PyPI, and compare each wheel with what was recorded of it otherwise.

    python benchmarks/audit_plasmite.py [--index https://host/simple]

Prints a line for each release and how many of the recorded wheels were judged as recorded. Exit status 0 if
all of them were. Reads tests/data/pypi_wheels.jsonl: which native files each wheel holds, and for which
processor, as another program found.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import parse_wheel_filename

from pytest_relgate.audit.keeping import Keeping
from pytest_relgate.audit.run import audited
from pytest_relgate.audit.tagged import read_tag
from pytest_relgate.net.origins import PUBLIC

if TYPE_CHECKING:
    from packaging.version import Version

RECORDED = Path(__file__).parents[1] / "tests" / "data" / "pypi_wheels.jsonl"


def main() -> int:
    """Audit, compare, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--index", help="a mirror in the place of PyPI")
    index = options.parse_args().index
    recorded: dict[Version, dict[str, bool]] = defaultdict(dict)
    for line in RECORDED.read_text("utf-8").splitlines():
        row = json.loads(line)
        recorded[parse_wheel_filename(row["file"])[1]][row["file"]] = row["tag_matches_native"]
    agree = wheels = more = 0
    for version, files in sorted(recorded.items()):
        began = time.monotonic()
        with Keeping() as http:
            answer = audited(
                http,
                PUBLIC,
                read_tag(f"v{version}"),
                slug="sandover/plasmite",
                checkout=Path(),
                named=[("github-release", ""), ("pypi", "plasmite")],
                mirrors={"pypi": index} if index else {},
            )
        wrong = {one.words.partition(":")[0] for one in answer.findings if one.level == "FAILED"}
        right = [name for name, matches in files.items() if (name not in wrong) is matches]
        agree, wheels, more = agree + len(right), wheels + len(files), more + len(wrong - files.keys())
        seconds = time.monotonic() - began
        row = f"{len(right)}/{len(files)} as recorded"
        print(f"v{version!s:<8} {answer.word:<10} {row:<18} {len(wrong)} wrong  {seconds:5.1f} s")
    print(f"{agree} of {wheels} recorded wheels are judged as recorded; {more} wrong ones were not recorded")
    return 0 if agree == wheels else 1


if __name__ == "__main__":
    raise SystemExit(main())
