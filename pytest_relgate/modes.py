"""Modes of pytest in which gates do not judge: refused when typed, set aside when a project has them.

Reads options only. Whatever it refuses it names, with where that stands and what to type instead.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.source.versions import version_of_tag

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

# Run modes of pytest and its plugins in which gates do not judge, by option name.
CANNOT_JUDGE = {
    "collectonly": "--collect-only",
    "setuponly": "--setup-only",
    "setupplan": "--setup-plan",
    "trace": "--trace",
    "noconftest": "--noconftest",
    "showfixtures": "--fixtures",
    "show_fixtures_per_test": "--fixtures-per-test",
    "markers": "--markers",
    "cacheshow": "--cache-show",
    "looponfail": "--looponfail",
    "keepduplicates": "--keep-duplicates",
    "doctest_only": "--doctest-only",
}

# Where pytest and its plugins write to, by option name; the first is emptied before.
WRITES_TO = {
    "basetemp": "--basetemp",
    "xmlpath": "--junit-xml",
    "log_file": "--log-file",
    "htmlpath": "--html",
    "report_log": "--report-log",
    "json_report_file": "--json-report-file",
}

# Modes that are set aside when the project's addopts ask for them, and refused when they are typed.
SET_ASIDE = {
    "stepwise": "--stepwise",
    "stepwise_skip": "--stepwise-skip",
    "lf": "--last-failed",
    "failedfirst": "--failed-first",
    "maxfail": "--maxfail",
    "runxfail": "--runxfail",
}
OF_A_PHASE = 2  # a release and a phase: what lies below is evidence
TYPED_ALLOWED = frozenset({"maxfail"})
SHORT = {
    "--stepwise": "--sw",
    "--last-failed": "--lf",
    "--failed-first": "--ff",
    "--stepwise-skip": "--sw-skip",
}


def set_aside(options: argparse.Namespace, typed: Sequence[str], *, limits_warnings: bool) -> tuple[str, ...]:
    """Switch off what the project's configuration asks for and a release run must not do; say what it was.

    ``limits_warnings`` says that an option or ini value makes pytest fail for too many warnings.
    """
    found = []
    if limits_warnings:
        options.max_warnings = sys.maxsize
        found.append("max_warnings: gates judge, warnings do not")
    for name, flag in SET_ASIDE.items():
        if not getattr(options, name, None) or _typed(typed, name, flag):
            continue
        setattr(options, name, 0 if name == "maxfail" else False)
        found.append(f"{flag} of the project's addopts")
    return tuple(found)


def _typed(typed: Sequence[str], name: str, flag: str) -> bool:
    forms = {flag, SHORT.get(flag, flag)} | ({"-x", "--exitfirst"} if name == "maxfail" else set())
    return any(word.split("=", 1)[0] in forms for word in typed)


def refuse_optimized() -> None:
    """Refuse, in every process, a Python without asserts. Raises RelgateError."""
    if sys.flags.optimize:
        message = "python -O and PYTHONOPTIMIZE remove every assert: run without them"
        raise RelgateError(message)


def refuse_modes(
    options: argparse.Namespace,
    *,
    has_timeout: bool,
    cut_by_default: Path,
    typed: Sequence[str],
    addopts: Mapping[str, Sequence[str]],
) -> None:
    """Refuse what makes pytest end well without having judged. Raises RelgateError, naming it.

    ``cut_by_default`` is the folder above which pytest loads no conftest unless it is told otherwise;
    ``addopts`` are the words that were not typed, by where they stand.
    """
    found = next(_unfit(options, has_timeout=has_timeout, cut_by_default=cut_by_default, typed=typed), None)
    if found is not None:
        flag, why, instead = found
        message = f"{flag} {why}: {_take_off(flag, typed, addopts, instead)}"
        raise RelgateError(message)


def refuse_places(options: argparse.Namespace, evidence: Path, invocation: Path) -> None:
    """Refuse what would empty or overwrite the folder for evidence, and with it what failed before.

    Raises RelgateError.
    """
    root = evidence.resolve()
    for name, flag in WRITES_TO.items():
        given = getattr(options, name, None)
        place = (invocation / os.path.expandvars(Path(given).expanduser())).resolve() if given else None
        if place is None:
            continue
        inside = place.relative_to(root).parts if root in place.parents else ()
        of_a_release = bool(inside) and version_of_tag(inside[0]) is not None
        if name == "basetemp":
            lost = of_a_release or place in (root, *root.parents)
        else:
            lost = of_a_release and len(inside) > OF_A_PHASE
        if lost:
            message = (
                f"{flag}={given} would write over the evidence in {evidence}, where failures are remembered: "
                "name another place"
            )
            raise RelgateError(message)


def _unfit(
    options: argparse.Namespace, *, has_timeout: bool, cut_by_default: Path, typed: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """Each option that keeps gates from judging, why, and what typed behind it overrules it."""
    if options.inifilename:
        why = "names another configuration than the one above the checks, which would be other checks"
        yield f"-c {options.inifilename}", f"{why} with a memory of their own", ""
    cannot = "cannot judge a release, which keeps gates that passed by itself"
    for name, flag in SET_ASIDE.items():
        if name not in TYPED_ALLOWED and getattr(options, name, None) and _typed(typed, name, flag):
            yield flag, cannot, ""
    for name, flag in CANNOT_JUDGE.items():
        if getattr(options, name, None):
            yield flag, cannot, ""
    if getattr(options, "assertmode", "rewrite") == "plain":
        yield "--assert=plain", "hides what a gate found", "--assert=rewrite"
    if getattr(options, "dist", "no") == "each":
        yield "--dist=each", "runs every gate on every worker, -n 4 is enough", ""
    if not has_timeout:
        yield "-p no:timeout", "switches pytest-timeout off, so no gate would have a limit", "-p timeout"
    cut = getattr(options, "confcutdir", None)
    if cut and Path(cut).absolute() not in (cut_by_default, *cut_by_default.parents):
        yield f"--confcutdir={cut}", "leaves out conftest files that gates rely on", "--confcutdir=."


def _take_off(flag: str, typed: Sequence[str], addopts: Mapping[str, Sequence[str]], instead: str) -> str:
    """What to do about an option: take it off, or out of where it stands."""

    def holds(words: Sequence[str]) -> bool:
        return _spelt(flag) in _spelt(" ".join(words))

    place = "" if holds(typed) else next((place for place, words in addopts.items() if holds(words)), "")
    if not place:
        return "take it off"
    return f"it stands in {place}, take it out there" + (f" or type {instead}" if instead else "")


def _spelt(words: str) -> str:
    """An option and its value are one word, or two, or joined by a sign."""
    return words.replace("=", "").replace(" ", "")
