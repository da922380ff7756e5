"""A lockfile that was not written from the manifest beside it is stale."""

from __future__ import annotations

import json

import pytest

from pytest_relgate.source.lockfiles import stale_lockfiles

CARGO = """\
[package]
name = "a"
version = "1.0.0"
[dependencies]
serde = "1"
renamed = { package = "real", version = "1" }
[target.'cfg(unix)'.dependencies]
libc = "0.2"
[dev-dependencies]
proptest = "1"
"""
LOCK = """\
version = 4

[[package]]
name = "a"
version = "1.0.0"
dependencies = ["libc", "proptest", "real 1.0.0", "serde 1.0.2 (registry+https://example.org)"]

[[package]]
name = "serde"
version = "1.0.2"
source = "registry+https://example.org"
"""
MANIFEST = {"name": "a", "version": "1.0.0", "dependencies": {"b": "^1"}, "devDependencies": {"c": "2"}}
NPM_LOCK = {"name": "a", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": MANIFEST}}


def stale(files: dict[str, str]) -> list[str]:
    locks = [path for path in files if "ock" in path]
    found = stale_lockfiles(locks, lambda path: files[path].encode() if path in files else None)
    return [problem.found for problem in found]


def npm(manifest: object, lock: object) -> list[str]:
    return stale({"package.json": json.dumps(manifest), "package-lock.json": json.dumps(lock)})


def test_fresh_lockfiles_are_left_alone() -> None:
    assert stale({"Cargo.toml": CARGO, "Cargo.lock": LOCK}) == []
    assert npm(MANIFEST, NPM_LOCK) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('version = "1.0.0"\ndep', 'version = "0.9.0"\ndep', "it has a 0.9.0, Cargo.toml has 1.0.0"),
        ('"proptest", ', "", "it lacks proptest of Cargo.toml"),
        ('"libc"', '"libc", "log"', "it has log, which Cargo.toml has not"),
        ('name = "a"', 'name = "b"', "has no entry for the crate a"),
    ],
)
def test_a_stale_cargo_lock_is_said_to_be_so(old: str, new: str, says: str) -> None:
    assert old in LOCK
    (found,) = stale({"Cargo.toml": CARGO, "Cargo.lock": LOCK.replace(old, new, 1)})
    assert says in found


def test_a_dependency_of_the_workspace_goes_by_its_own_name() -> None:
    manifest = (
        '[package]\nname = "a"\nversion = "1.0.0"\n[dependencies]\nshort.workspace = true\n'
        '[workspace.dependencies]\nshort = { package = "long-name", version = "1" }\n'
    )
    lock = '[[package]]\nname = "a"\nversion = "1.0.0"\ndependencies = ["long-name"]\n'
    assert stale({"Cargo.toml": manifest, "Cargo.lock": lock}) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": "1.0.1"}, "its version is 1.0.0, that of package.json is 1.0.1"),
        ({"dependencies": {"b": "^1", "d": "1"}}, "it lacks d of package.json"),
        ({"dependencies": {}}, "it has b, which package.json has not"),
        ({"devDependencies": {"c": "3"}}, "it wants c 2, package.json wants 3"),
    ],
)
def test_a_stale_npm_lock_is_said_to_be_so(change: dict[str, object], says: str) -> None:
    (found,) = npm(MANIFEST | change, NPM_LOCK)
    assert says in found


def test_the_first_format_of_npm_keeps_no_copy_of_the_manifest() -> None:
    assert npm(MANIFEST, {"name": "a", "version": "1.0.0", "lockfileVersion": 1}) == []
