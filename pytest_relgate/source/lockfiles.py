"""Whether a lockfile is stale: it was not written from the manifest beside it. Pure. SPEC S7.

A stale one makes ``cargo build --locked`` and ``npm ci`` refuse, in the middle of a release. Versions are
judged with those of the manifests; here it is the names of dependencies, as both files state them.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from pytest_relgate.source.manifests import DEPENDENCY_KEYS, LOCKFILES, Unreadable, json_of, toml_of
from pytest_relgate.source.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_CARGO_TABLES = ("dependencies", "dev-dependencies", "build-dependencies")


def stale_lockfiles(paths: Sequence[str], read: Callable[[str], bytes | None]) -> tuple[Problem, ...]:
    """Say of every lockfile among these paths in which it differs from the manifest beside it."""
    problems: list[Problem] = []
    for path in paths:
        name = posixpath.basename(path)
        if name not in LOCKFILES:
            continue
        try:
            found = _stale_cargo(path, read) if name == "Cargo.lock" else _stale_npm(path, read)
            problems += found
        except Unreadable as error:
            problems.append(error.problem)
    return tuple(problems)


def _stale_cargo(path: str, read: Callable[[str], bytes | None]) -> Iterator[Problem]:
    beside = posixpath.join(posixpath.dirname(path), "Cargo.toml")
    document, _ = toml_of(beside, read)
    package = _table(document.get("package"))
    if not package:
        return  # a virtual workspace: its members stand in the lock, each with dependencies of its own
    lock, _ = toml_of(path, read)
    entries = [one for one in _list(lock.get("package")) if isinstance(one, dict)]
    name = package.get("name")
    own = next((one for one in entries if one.get("name") == name and "source" not in one), None)
    if own is None:
        yield Problem(f"{path} has no entry for the crate {name}", path, "type: cargo update --workspace")
        return
    fix = "type: cargo update --workspace, and commit the lockfile"
    version = package.get("version")
    if isinstance(version, str) and own.get("version") != version:
        words = f"{path} is stale: it has {name} {own.get('version')}, {beside} has {version}"
        yield Problem(words, path, fix)
    wanted = set(_cargo_dependencies(document))
    locked = {str(one).partition(" ")[0] for one in _list(own.get("dependencies"))}
    yield from _differences(path, beside, wanted, locked, fix)


def _cargo_dependencies(document: dict[str, Any]) -> Iterator[str]:
    """Names of the crates that a Cargo.toml depends on, on any platform, renames followed."""
    shared = _table(_table(document.get("workspace")).get("dependencies"))
    places = [document, *(_table(one) for one in _table(document.get("target")).values())]
    for place in places:
        for table in _CARGO_TABLES:
            for name, wish in _table(place.get(table)).items():
                inherited = _table(shared.get(name)) if _table(wish).get("workspace") else {}
                yield str(_table(wish).get("package") or inherited.get("package") or name)


def _stale_npm(path: str, read: Callable[[str], bytes | None]) -> Iterator[Problem]:
    beside = posixpath.join(posixpath.dirname(path), "package.json")
    manifest, _ = json_of(beside, read)
    lock, _ = json_of(path, read)
    if lock.get("lockfileVersion") == 1:
        return  # npm 6 kept no copy of the manifest in it
    own = _table(_table(lock.get("packages")).get(""))
    fix = "type: npm install --package-lock-only, and commit the lockfile"
    for key in ("name", "version"):
        if key in manifest and key in own and manifest[key] != own[key]:
            words = f"{path} is stale: its {key} is {own[key]}, that of {beside} is {manifest[key]}"
            yield Problem(words, path, fix)
    for key in DEPENDENCY_KEYS:
        wanted, locked = _table(manifest.get(key)), _table(own.get(key))
        yield from _differences(path, beside, set(wanted), set(locked), fix)
        for name in sorted(set(wanted) & set(locked)):
            if wanted[name] != locked[name]:
                words = f"{path} is stale: it wants {name} {locked[name]}, {beside} wants {wanted[name]}"
                yield Problem(words, path, fix)


def _differences(path: str, beside: str, wanted: set[str], locked: set[str], fix: str) -> Iterator[Problem]:
    if missing := sorted(wanted - locked):
        yield Problem(f"{path} is stale: it lacks {', '.join(missing)} of {beside}", path, fix)
    if extra := sorted(locked - wanted):
        yield Problem(f"{path} is stale: it has {', '.join(extra)}, which {beside} has not", path, fix)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []
