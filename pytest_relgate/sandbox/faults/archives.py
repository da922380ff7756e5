"""Faults of built archives, in the artifacts of the build run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.model import Phase
from pytest_relgate.sandbox.faults.fault import Fault
from pytest_relgate.sandbox.faults.overlay import artifact

if TYPE_CHECKING:
    from pytest_relgate.sandbox.faults.overlay import Members
    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import World

_PADDING = 13_000_000  # bytes; gzip takes zeros behind an archive for padding, so that it stays sound


def _cut(found: Members, _: World, __: Store) -> Members:
    return {name: raw[: len(raw) // 2] for name, raw in found.items()}


def _left_over(found: Members, _: World, __: Store) -> Members:
    """The tarball of another version beside the right one."""
    raw = next(iter(found.values()))
    return {**found, "plasmite-0.0.1.tgz": raw}


def _padded(found: Members, _: World, __: Store) -> Members:
    return {name: raw + bytes(_PADDING) for name, raw in found.items()}


FAULTS = (
    Fault(
        "truncated-archive",
        "the sdist was cut short",
        Phase.BUILD,
        r"plasmite-.*\.tar\.gz is broken or cut short",
        world=artifact("py-sdist", _cut),
    ),
    Fault(
        "left-over-archive",
        "an archive of another version lies among those that were built",
        Phase.BUILD,
        r"plasmite-0\.0\.1\.tgz is there, and nothing expects it",
        world=artifact("node-dist", _left_over),
    ),
    Fault(
        "oversized-archive",
        "an archive is larger than is allowed",
        Phase.BUILD,
        r"linux_amd64\.tar\.gz has [0-9,]+ bytes, at most",
        world=artifact("dist-linux_amd64", _padded),
    ),
)
"""The faults of this file."""
