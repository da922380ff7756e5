"""What 5,000 gates cost with this plugin, against plain pytest and its other recorders; import cost.

    python benchmarks/cost_of_gates.py [--gates 5000] [--rounds 7]

Every round runs each contender once, in turn, so that a machine that changes its speed changes it for
all. Printed are the medians over the rounds of the wall time, of its ratio to plain pytest in the same
round, and of the peak memory against plain pytest.
The recorders beside ours: pip install pytest-html pytest-reportlog pytest-json-report.

What it comes to, 5,000 gates on CPython 3.11 with pytest 9.2 (bar: 1.05 and +5 MiB). Wall times of a shared
machine swing by more than the bar is wide, so instructions were counted (valgrind --tool=cachegrind, the
processes of git left out), on 100 and 600 gates, and drawn out to 5,000:

                   millions of instructions      of plain     peak MiB more
                   a gate          a run
    plain pytest   2.29            1070          1            0
    relgate        2.34 to 2.38    1480          1.05 to 1.07 +4.9
    junitxml       2.52            1130          1.10         +6.9

A gate costs about as much as with plain pytest, because a release run takes back what it adds: the two
wrappers of pytest-timeout (3 % of plain), where tests stand (6 %), which hooks a path has (3 %), the last
look of the garbage collector (2 %). What is left is what a run costs once: modules (200 million
instructions), compiling the checks from their source, two dozen processes of git.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FILES = 20
QUIET = ["-p", "no:cacheprovider", "-q"]
OTHERS = (
    "randomly",
    "asyncio",
    "anyio",
    "rerunfailures",
    "pytest-retry",
    "flaky",
    "hypothesispytest",
    "pytest_cov",
    "cov",
)
OFF = {"html": "no:html", "reportlog": "no:reportlog", "json": "no:pytest_jsonreport"}


def build(folder: Path, gates: int) -> None:
    """Make a project with this many gates, in git, with a lock."""
    checks = folder / "release_checks"
    checks.mkdir(parents=True)
    (checks / "relgate.toml").write_text('schema = 1\nproject = "bench"\n[report]\nhtml = false\n')
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    prerelease: a phase\n")
    (folder / ".gitignore").write_text("__pycache__/\nout.*\nassets/\n")
    for number in range(FILES):
        (checks / f"test_{number:02}.py").write_text(
            "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
            f'@pytest.mark.parametrize("number", range({gates // FILES}))\n'
            'def test_gate(number):\n    """A number is itself."""\n    assert number == number\n'
        )
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "begin")
    subprocess.run([*pytest(), "--release-lock"], cwd=folder, check=True, capture_output=True)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "lock")


def git(folder: Path, *words: str) -> None:
    """Run git with an identity of its own."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True)


def pytest(*on: str) -> list[str]:
    """A pytest command with every plugin off that no contender needs; ``on`` names recorders to keep."""
    off = [f"no:{name}" for name in OTHERS] + [word for name, word in OFF.items() if name not in on]
    return [sys.executable, "-m", "pytest", *QUIET, *(part for word in off for part in ("-p", word))]


def contenders(folder: Path) -> dict[str, list[str]]:
    """Each contender's command. Plain pytest and the recorders run without this plugin."""
    plain = ["-p", "no:relgate", "release_checks"]
    found = {
        "plain pytest": [*pytest(), *plain],
        "relgate": [*pytest(), "release_checks", "-m", "prerelease", "--release-target", "v1.0.0"],
        "junitxml": [*pytest(), *plain, "--junitxml", str(folder / "out.xml")],
    }
    if importlib.util.find_spec("pytest_reportlog"):
        found["reportlog"] = [*pytest("reportlog"), *plain, "--report-log", str(folder / "out.jsonl")]
    if importlib.util.find_spec("pytest_jsonreport"):
        out = f"--json-report-file={folder / 'out.json'}"
        found["json-report"] = [*pytest("json"), *plain, "--json-report", out]
    found["html"] = [*pytest("html"), *plain, "--html", str(folder / "out.html")]
    return found


def measure(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Wall seconds, peak MiB and processor seconds of one run, its processes' included."""
    shutil.rmtree(folder / "release-evidence", ignore_errors=True)
    start = time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


IMPORTS = {
    "pytest alone": "",
    "relgate, inert": "import pytest_relgate.plugin, pytest_relgate.fixtures",
    "pytest-xdist": "import xdist.plugin, xdist.looponfail",
    "pytest-html and pytest-metadata": "import pytest_html.plugin, pytest_metadata.plugin",
    "pytest-timeout": "import pytest_timeout",
}


def import_cost(rounds: int) -> None:
    """Print what a start of pytest costs more with each plugin imported, in milliseconds."""
    stand = "import time, pytest; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
    seen: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for turn in range(rounds + 1):
        for name, words in IMPORTS.items():
            command = [sys.executable, "-c", stand.format(words or "pass")]
            seconds = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            if turn:
                seen[name].append(seconds * 1000)
    print(f"\nimport cost after pytest's own, ms, medians of {rounds} interleaved rounds")
    for name, figures in seen.items():
        print(f"{name:<34}{statistics.median(figures):>7.2f}")


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--gates", type=int, default=5000)
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--only", default="", help="contenders beside plain pytest, with commas")
    options = words.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # plain pytest keeps its bytecode, as it does anywhere
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        build(folder, options.gates)
        found = contenders(folder)
        only = [name for name in options.only.split(",") if name]
        names = [name for name in found if not only or name == "plain pytest" or name in only]
        seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in names}
        for turn in range(options.rounds + 1):
            for name in names:
                figures = measure(found[name], folder)
                if turn:  # the first round warms caches
                    seen[name].append(figures)
    plain = seen["plain pytest"]
    print(f"{options.gates} gates, medians of {options.rounds} interleaved rounds")
    print(f"{'':<14}{'wall s':>8}{'ratio':>8}{'cpu s':>8}{'ratio':>8}{'peak MiB':>10}{'more MiB':>10}")
    for name, figures in seen.items():
        ratio, cpu = (
            statistics.median(own[column] / base[column] for own, base in zip(figures, plain, strict=True))
            for column in (0, 2)
        )
        more = statistics.median(own[1] - base[1] for own, base in zip(figures, plain, strict=True))
        wall, peak, work = (statistics.median(column) for column in zip(*figures, strict=True))
        print(f"{name:<14}{wall:>8.2f}{ratio:>8.3f}{work:>8.2f}{cpu:>8.3f}{peak:>10.1f}{more:>+10.1f}")
    import_cost(options.rounds * 3)


if __name__ == "__main__":
    main()
