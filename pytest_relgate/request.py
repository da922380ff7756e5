"""What a pytest command line asks of this plugin: nothing, a release run, a lock, or a plan to look at.

Reads options only; no git, no network. A release run is a run whose ``-m`` is exactly one phase name.
"""

from __future__ import annotations

import difflib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

PHASES = ("prerelease", "build", "rehearsal", "publish", "postrelease", "weekly")
PROFILE = "relgate.toml"

# Options of the command line that may not be pinned in addopts: a release must name them each time.
NEVER_PINNED = {
    "release_target": "--release-target",
    "release_mode": "--release-mode",
    "release_agent": "--release-agent",
    "release_plan": "--release-plan",
    "release_lock": "--release-lock",
    "release_rerun": "--release-rerun",
    "release_drill": "--release-drill",
    "release_base": "--release-base",
    "release_repo": "--release-repo",
    "release_config": "--release-config",
    "release_reviewed": "--release-reviewed",
    "release_build_run": "--release-build-run",
    "release_recover": "--release-recover",
    "release_other_run": "--release-other-run",
}

Kind = Literal["run", "lock", "plan", "drill"]


@dataclass(frozen=True)
class Request:
    """A wish that the command line states. ``phase`` is empty for a lock or plan of all phases.

    ``paths`` are the paths inside the checks folder that narrow the run, as typed; those of addopts are
    about the project's own tests. ``wait`` is how long to wait for channels, in seconds.
    """

    kind: Kind
    phase: str
    checks: Path
    paths: tuple[str, ...]
    narrowed: str
    invocation: Path
    plan_format: str = ""
    wait: float = 0.0

    @property
    def collect(self) -> list[str]:
        """The paths that pytest collects; relative, because it refuses brackets in a path as typed."""
        return list(self.paths) or [os.path.relpath(self.checks, self.invocation)]


def phase_asked(markexpr: str) -> str:
    """The phase that an ``-m`` expression names and nothing else; empty when it names none.

    Raises RelgateError when a phase stands inside a longer expression.
    """
    expression = (markexpr or "").strip()
    if expression in PHASES:
        return expression
    inside = [word for word in re.findall(r"[^\W\d]\w*", expression) if word in PHASES]
    if inside:
        message = (
            f"-m {expression!r} holds the phase {inside[0]} inside a longer expression: "
            f"a release run asks for exactly one phase, type -m {inside[0]} (and narrow it with -k or paths)"
        )
        raise RelgateError(message)
    return ""


PATH_OPTIONS = ("--release-evidence", "--release-repo", "--release-config")
"""Typed with a space, their paths are places of tests to pytest, which settles its root first."""


def checks_folder(paths: Sequence[str], ini: str, rootdir: Path, invocation: Path) -> Path | None:
    """The folder that holds ``relgate.toml``: from the paths, else the ini value, else ``release_checks``."""
    for path in paths:
        place = Path(os.path.abspath(invocation / path.split("::", 1)[0]))  # noqa: PTH100  (links stay)
        for folder in (place, *place.parents):
            if (folder / PROFILE).is_file():
                return folder
            if folder == rootdir:
                break
    folder = rootdir / (ini or "release_checks")
    return folder if (folder / PROFILE).is_file() else None


def read_request(
    options: argparse.Namespace,
    *,
    ini_checks: str,
    ini_wait: str,
    rootdir: Path,
    invocation: Path,
    typed: Sequence[str],
    own_markers: Sequence[str],
) -> Request | None:
    """What the options ask for; None when this plugin has nothing to do.

    ``typed`` is what stands on the command line itself, without addopts; ``own_markers`` are the lines by
    which the project registers markers: where there are no checks, ``-m build`` may be about one of those.
    Raises RelgateError for a wish that cannot be meant.
    """
    _refuse_unknown(options, typed)
    given = sorted(
        f"--{name.replace('_', '-')}"
        for name, value in vars(options).items()
        if name.startswith("release_") and value not in (None, False, "")
    )
    paths = tuple(path for path in options.file_or_dir or () if path in typed)
    checks = checks_folder(paths, ini_checks, rootdir, invocation)
    expression = (options.markexpr or "").strip()
    own = any(re.split(r"[(:]", line)[0].strip() == expression for line in own_markers)
    if checks is None and not given and (own or expression not in PHASES):
        return None
    phase = phase_asked(expression)
    kind = _kind(options)
    if kind in ("run", "drill") and not phase:
        if given:
            near = "" if own else nearest_phase(expression)
            meant = f"did you mean -m {near}?" if near else f"type -m {PHASES[0]}"
            others = ", ".join(phase for phase in PHASES if phase != (near or PHASES[0]))
            message = f"{given[0]} needs a phase: {meant} (or one of {others}) beside it"
            raise RelgateError(message)
        return None
    if options.help or options.version:
        return None
    if checks is None:
        message = (
            f"no {PROFILE} was found in {ini_checks or 'release_checks'}/ under {rootdir} nor above the "
            f"paths given: {_where_it_is(ini_checks or 'release_checks', invocation)}"
        )
        if apart := next((option for option in PATH_OPTIONS if option in typed), ""):
            message += f"; pytest looks for its project at the path after {apart} too: write {apart}=PATH"
        raise RelgateError(message)
    _refuse_pinned(options, typed)
    asked, pinned = (
        _wait(source, text)
        for source, text in (("--release-wait", options.release_wait), ("ini value release_wait", ini_wait))
    )
    inside = _inside(paths, checks, invocation)
    return Request(
        kind,
        phase,
        checks,
        inside,
        _narrowing(options, inside, typed),
        invocation,
        options.release_plan or "",
        pinned if options.release_wait is None else asked,
    )


def _where_it_is(name: str, invocation: Path) -> str:
    """What to do where no checks folder was found: name the one above, or draft one."""
    for folder in invocation.parents:
        if (folder / name / PROFILE).is_file():
            place = os.path.relpath(folder / name, invocation)
            return f"it is in {place}: type pytest {place} -m prerelease"
    return (
        "name the folder that holds it, as in pytest release_checks -m prerelease, or type relgate init, "
        "which drafts one"
    )


def nearest_phase(expression: str) -> str:
    """The phase that a word of ``-m`` is nearly; empty where it is one, or none."""
    if expression in PHASES or not expression.isidentifier():
        return ""
    return next(iter(difflib.get_close_matches(expression, PHASES, 1, 0.8)), "")


def _kind(options: argparse.Namespace) -> Kind:
    asked: tuple[tuple[Kind, object], ...] = (
        ("lock", options.release_lock),
        ("plan", options.release_plan),
        ("drill", options.release_drill),
    )
    kinds = [kind for kind, value in asked if value]
    if len(kinds) > 1:
        message = f"--release-{kinds[0]} and --release-{kinds[1]} are two different wishes: type one of them"
        raise RelgateError(message)
    return kinds[0] if kinds else "run"


def _wait(source: str, text: str | None) -> float:
    """How long to wait for channels, in seconds."""
    if text is None or text in ("", "0"):
        return 0.0
    from pytest_relgate.profile import seconds

    try:
        return seconds(text)
    except RelgateError as error:
        message = f"{source}: {error}"
        raise RelgateError(message) from None


def asked_recovery(options: argparse.Namespace, phase: str) -> tuple[int, bool]:
    """The build run that was named (0 for none), and whether to recover (SPEC S40, S41).

    Raises RelgateError for a run that is no number, and where the phase has no use for them.
    """
    named, recover = options.release_build_run, bool(options.release_recover)
    if named is not None and not re.fullmatch(r"[1-9][0-9]{0,18}", named):
        message = (
            f"--release-build-run: expected the number of a run, as gh run list shows it, found {named!a}"
        )
        raise RelgateError(message)
    if recover and phase not in ("rehearsal", "publish"):
        message = f"--release-recover is for rehearsal and publish, {phase} starts nothing: take it off"
        raise RelgateError(message)
    if named is not None and phase in ("prerelease", "weekly"):
        message = f"--release-build-run means nothing to {phase}: take it off"
        raise RelgateError(message)
    return int(named or 0), recover


def asked_others(options: argparse.Namespace, phase: str) -> tuple[int, ...]:
    """The runs of the publish workflow that somebody says are of other releases (SPEC S38).

    Raises RelgateError for one that is no number, and where nothing is published.
    """
    named = tuple(getattr(options, "release_other_run", None) or ())
    for one in named:
        if not re.fullmatch(r"[1-9][0-9]{0,18}", one):
            message = (
                f"--release-other-run: expected the number of a run, as gh run list shows it, found {one!a}"
            )
            raise RelgateError(message)
    if named and phase != "publish":
        message = f"--release-other-run is for publish, {phase} publishes nothing: take it off"
        raise RelgateError(message)
    return tuple(int(one) for one in named)


def _refuse_unknown(options: argparse.Namespace, typed: Sequence[str]) -> None:
    """Name a mistyped option of ours before its value is taken for something else."""
    known = [f"--{name.replace('_', '-')}" for name in vars(options) if name.startswith("release_")]
    for word in typed:
        flag = word.partition("=")[0]
        if flag.startswith("--rel") and flag not in known:
            near = difflib.get_close_matches(flag, known, 1)
            guess = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
            message = f"{flag} is no option: {guess}"
            raise RelgateError(message)


def _refuse_pinned(options: argparse.Namespace, typed: Sequence[str]) -> None:
    for name, flag in NEVER_PINNED.items():
        value = getattr(options, name, None)
        if value in (None, False, ""):
            continue
        if not any(_is_flag(word, flag) for word in typed):
            message = (
                f"{flag} comes from addopts or PYTEST_ADDOPTS: it is typed for each run, take it out there"
            )
            raise RelgateError(message)


def _is_flag(word: str, flag: str) -> bool:
    """Whether a word of the command line is this option, written out or shortened as argparse allows."""
    name = word.split("=", 1)[0]
    return name == flag or (name.startswith("--release-") and flag.startswith(name))


def _inside(paths: Sequence[str], checks: Path, invocation: Path) -> tuple[str, ...]:
    """The paths that narrow the run. A folder above the checks folder stands for all of it."""
    inside = []
    for path in paths:
        place = Path(os.path.abspath(invocation / path.split("::", 1)[0]))  # noqa: PTH100  (links stay)
        if place == checks or place in checks.parents:
            return ()
        if checks not in place.parents:
            message = (
                f"{path} is outside {checks.name}/: a release run collects the checks folder only, "
                "leave it out"
            )
            raise RelgateError(message)
        inside.append(path)
    return tuple(inside)


def _narrowing(options: argparse.Namespace, paths: Sequence[str], typed: Sequence[str]) -> str:
    """How the run was narrowed, as typed; empty when it was not. What addopts leave out is another matter."""
    words = [*paths]
    if options.keyword and any(word.startswith("-k") for word in typed):
        words += ["-k", options.keyword]
    for name, flag in (("deselect", "--deselect"), ("ignore", "--ignore"), ("ignore_glob", "--ignore-glob")):
        given = getattr(options, name, None) or ()
        words += [
            f"{flag}={value}" for value in given if any(word in (value, f"{flag}={value}") for word in typed)
        ]
    return " ".join(words)
