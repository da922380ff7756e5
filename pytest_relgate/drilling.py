"""``--release-drill``: every gate is run without a fault, and under each fault that it names. SPEC B10.

Each run is a pytest of its own on a copy: a faulty sandbox, or a clone of the repository under release in
which the fault is committed. Nothing of it becomes evidence of a release.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.clock import now
from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import seal
from pytest_relgate.evidence.drill import DRILL, folder_of
from pytest_relgate.evidence.folder import SEAL, ignore_in_git
from pytest_relgate.evidence.report_drill import PAGE, drill_page
from pytest_relgate.evidence.wording import many
from pytest_relgate.judge.drill import NAMES_NONE, Expected, Seen, Trial, conclude, trials_of
from pytest_relgate.model import Drill, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_relgate.execution import Execution
    from pytest_relgate.model import Gate
    from pytest_relgate.prepare import Prepared

HEALTHY = "healthy"
AT_ONCE = 2  # runs side by side: more would fight for the same locks of build tools


@dataclass(frozen=True)
class Course:
    """One fault as it can be run: the repository that holds it, what gates must show, and its one line."""

    line: str
    repository: Callable[[Path], str]
    expected: Expected


@dataclass(frozen=True)
class Outcome:
    """What a drill came to, with what each trial showed and where everything is written."""

    drill: Drill
    trials: tuple[Trial, ...]
    lines: dict[str, str]
    folder: Path

    @property
    def proves(self) -> bool:
        """Whether every gate that names a fault is proved able to fail."""
        return bool(self.drill.proved) and set(self.drill.unproved.values()) <= {NAMES_NONE}


def drill(prepared: Prepared, execution: Execution, say: Callable[[str], None]) -> Outcome:
    """Run the gates that were collected under their faults; say each step; write what came out.

    Raises RelgateError where there is nothing to drill or a fault is unknown.
    """
    gates, phase = _gates(prepared, execution), prepared.context.phase
    named = {gate.id: gate.faults for gate in gates if gate.faults}
    if prepared.context.faults:
        message = (
            f"a drill begins without faults: take {','.join(prepared.context.faults)} off --release-repo"
        )
        raise RelgateError(message)
    if phase.requires:
        before = ", ".join(phase.requires)
        message = (
            f"{phase} rests on evidence of {before}, which a drill's copies do not have: drill another phase"
        )
        raise RelgateError(message)
    if not named:
        narrowed = prepared.request.narrowed
        message = (
            f"no gate that {narrowed} leaves names a fault: leave it out"
            if narrowed
            else "no gate names a fault, so there is nothing to drill: mark one with "
            '@pytest.mark.gate(faults=("NAME",)), and describe NAME in [faults] of relgate.toml'
        )
        raise RelgateError(message)
    courses = {name: _course(name, prepared) for names in named.values() for name in names}
    folder = folder_of(prepared.evidence, prepared.context.target, prepared.context.phase)
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    ignore_in_git(prepared.evidence)
    by_fault = {name: [gate for gate, names in named.items() if name in names] for name in courses}
    with tempfile.TemporaryDirectory(prefix="relgate-drill-") as scratch:
        runs = _Runs(prepared, Path(scratch), logs)
        say(f"{many(len(named), 'gate')} without a fault")
        healthy = runs.shown(HEALTHY, _without_fault(prepared, Path(scratch) / HEALTHY), list(named))

        def under(name: str) -> dict[str, Seen]:
            say(f"{name}: {courses[name].line}")
            place = Path(scratch) / "repositories" / name
            return runs.shown(name, courses[name].repository(place), by_fault[name])

        with ThreadPoolExecutor(AT_ONCE) as pool:
            shown = dict(zip(courses, pool.map(under, courses), strict=True))
    expected = {name: course.expected for name, course in courses.items()}
    trials = trials_of(named, expected, shown, healthy)
    found = conclude(
        [gate.id for gate in gates],
        healthy,
        trials,
        when=now(),
        checks=prepared.subject.checks,
        sandbox=prepared.context.sandbox,
    )
    outcome = Outcome(found, trials, {name: course.line for name, course in courses.items()}, folder)
    (folder / DRILL).write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    page = drill_page(found, trials, outcome.lines, prepared.context)
    (folder / PAGE).write_text(page, encoding="utf-8")
    return outcome


def _gates(prepared: Prepared, execution: Execution) -> list[Gate]:
    """The gates that this command line speaks of, due or not: a fault may be what makes one due."""
    collected = execution.selection.collected
    if collected is None:
        return []
    if not prepared.request.narrowed:
        return list(collected.gates)
    return [gate for gate in collected.gates if gate.id in execution.selection.asked]


def _without_fault(prepared: Prepared, place: Path) -> str:
    """What differs from the faulty copies by the fault alone: a clone too, without what git ignores."""
    return "sandbox" if prepared.context.sandbox else str(_cloned(prepared, place))


def _cloned(prepared: Prepared, place: Path) -> Path:
    from pytest_relgate.source.command import git

    place.parent.mkdir(parents=True, exist_ok=True)
    git(place.parent, "clone", "-q", "--no-hardlinks", str(prepared.repository.path), str(place))
    git(place, "checkout", "-q", "--detach", prepared.subject.commit)
    return place


def _course(name: str, prepared: Prepared) -> Course:
    """Find a fault by its name: one of the profile, or in the sandbox one of its own."""
    own = prepared.profile.faults.get(name)
    if own is not None and not prepared.context.sandbox:
        return Course(
            own.line,
            lambda place: _with_edit(prepared, name, place),
            Expected(name, State(own.expect), own.says),
        )
    if prepared.context.sandbox:
        from pytest_relgate.sandbox.faults import find

        fault = find(name)
        return Course(fault.line, lambda _: f"sandbox:{name}", Expected(name, fault.expect, fault.says))
    near = difflib.get_close_matches(name, prepared.profile.faults, 1)
    known = f"did you mean {near[0]}?" if near else "describe it there"
    message = f"the fault {name} is not in [faults] of relgate.toml: {known}"
    raise RelgateError(message)


def _with_edit(prepared: Prepared, name: str, place: Path) -> str:
    """Clone the repository under release and commit a fault of the profile in it."""
    from pytest_relgate.source.command import git

    fault = prepared.profile.faults[name]
    _cloned(prepared, place)
    path = place / fault.file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    changed = fault.edited(text)
    if changed == text:
        message = f"[faults.{name}] changes nothing in {fault.file}: mend its find and replace"
        raise RelgateError(message)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(changed, encoding="utf-8")
    git(place, "add", "-A")
    who = ("-c", "user.name=relgate drill", "-c", "user.email=drill@relgate.invalid")
    git(place, *who, "-c", "commit.gpgSign=false", "commit", "-q", "--no-verify", "-m", f"Fault: {name}")
    return str(place)


class _Runs:
    """Runs gates in pytests of their own."""

    def __init__(self, prepared: Prepared, scratch: Path, logs: Path) -> None:
        self.prepared = prepared
        self.scratch = scratch
        self.logs = logs

    def shown(self, name: str, repository: str, gates: Sequence[str]) -> dict[str, Seen]:
        """Run these gates on a repository, and return what each came to."""
        prepared = self.prepared
        context, request = prepared.context, prepared.request
        evidence = self.scratch / "evidence" / name
        checks = os.path.relpath(request.checks, request.invocation)
        command = [sys.executable, "-m", "pytest", *(f"{checks}/{gate}" for gate in gates)]
        command += ["-m", context.phase, "--release-target", context.target]
        command += ["--release-repo", repository, "--release-evidence", str(evidence)]
        command += ["--release-base", context.base] if context.base_why == "--release-base" else []
        command += ["-p", "no:cacheprovider", "--color=no"]
        environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_XDIST")}
        with (self.logs / f"{name}.txt").open("wb") as log:
            subprocess.run(  # noqa: S603  (our own command, its arguments as they were collected)
                command,
                cwd=request.invocation,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        return _read(evidence / context.target / context.phase / SEAL)


def _read(path: Path) -> dict[str, Seen]:
    """What a run's evidence says of each gate; nothing, where there is none."""
    try:
        evidence = seal.decode(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {gate.id: Seen(gate.state, _all_words(gate)) for gate in evidence.gates}


def _all_words(gate: seal.SealedGate) -> str:
    words = [attempt.message for attempt in gate.attempts] or [gate.why]
    return re.sub(r"\s+", " ", " ".join(dict.fromkeys(filter(None, words)))).strip()
