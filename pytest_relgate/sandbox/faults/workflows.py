"""Faults in what a release is described by: manifests, changelog, workflows, formula, archives."""

from __future__ import annotations

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Phase
from pytest_relgate.sandbox.faults.fault import Fault


def _edited(files: dict[str, str], path: str, old: str, new: str) -> dict[str, str]:
    """Return the files with one text of one of them replaced. Raises RelgateError if it is not there."""
    text = files.get(path, "")
    if old not in text:
        message = f"the fault cannot be made: expected {old!a} in {path}, found none"
        raise RelgateError(message)
    return {**files, path: text.replace(old, new, 1)}


def _drift(files: dict[str, str]) -> dict[str, str]:
    """A binding that was forgotten when the version was raised."""
    return _edited(files, "bindings/python/pyproject.toml", 'version = "0.1.10"', 'version = "0.1.9"')


def _stale_lock(files: dict[str, str]) -> dict[str, str]:
    """Cargo.lock as it was left by a version raised by hand: the miniature's tag v0.1.4 did this once."""
    old = 'name = "plasmite"\nversion = "0.1.10"'
    return _edited(files, "Cargo.lock", old, old.replace("0.1.10", "0.1.9"))


def _unfinished(files: dict[str, str]) -> dict[str, str]:
    """Notes that still stand under Unreleased, and a version without a date."""
    text = files["CHANGELOG.md"]
    at = text.index("## [0.1.10]")
    end = text.index("\n", at)
    return {**files, "CHANGELOG.md": f"{text[:at]}## [0.1.10] - unreleased{text[end:]}"}


def _whitespace(files: dict[str, str]) -> dict[str, str]:
    return {**files, "README.md": files["README.md"] + "A line that ends in spaces.   \n"}


FAULTS = (
    Fault(
        "version-drift",
        "one manifest kept the version before",
        Phase.PRERELEASE,
        r"bindings/python/pyproject\.toml: expected 0\.1\.10, found 0\.1\.9",
        files=_drift,
    ),
    Fault(
        "stale-lockfile",
        "Cargo.lock was not written anew when the version was raised",
        Phase.PRERELEASE,
        r"Cargo\.lock.*0\.1\.9",
        files=_stale_lock,
    ),
    Fault(
        "unfinished-changelog",
        "the version's section of the changelog says unreleased",
        Phase.PRERELEASE,
        r"CHANGELOG\.md: the section is not final",
        files=_unfinished,
    ),
    Fault(
        "whitespace-error",
        "a line of the change ends in spaces",
        Phase.PRERELEASE,
        r"trailing whitespace",
        files=_whitespace,
    ),
)
"""The faults of this file."""
