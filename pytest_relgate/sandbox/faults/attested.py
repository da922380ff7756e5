"""Faults of provenance: a version that was published without it, past the workflow that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.model import Phase
from pytest_relgate.sandbox.faults import overlay
from pytest_relgate.sandbox.faults.fault import Fault

if TYPE_CHECKING:
    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import PypiFile

_SAYS: Final = "has no provenance of all its files"


def _one_without(files: tuple[PypiFile, ...], _: str, __: Store) -> tuple[PypiFile, ...]:
    return (msgspec.structs.replace(files[0], attested=False), *files[1:])


FAULTS = (
    Fault(
        "npm-without-provenance",
        "the version on npm has no provenance",
        Phase.POSTRELEASE,
        _SAYS,
        world=overlay.npm(lambda one, _: msgspec.structs.replace(one, attested=False)),
    ),
    Fault(
        "pypi-without-provenance",
        "a file of the version on PyPI has no provenance",
        Phase.POSTRELEASE,
        _SAYS,
        world=overlay.pypi(_one_without),
    ),
)
