"""One artifact has one digest, wherever it is served or spoken of. Pure. SPEC B6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.source.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_relgate.channels.channels import ChannelFacts


def told(facts: Iterable[ChannelFacts]) -> dict[str, dict[str, str]]:
    """Who says which SHA-256 (hex) of a file: by file name, then by the place that says it.

    The bytes that a channel serves, what it states of them, and the build, where its digests are not from
    the release's own checksum file. What only one place speaks of is left out.
    """
    found: dict[str, dict[str, str]] = {}
    for one in facts:
        for file in one.seen.files:
            said = found.setdefault(file.name, {})
            if served := file.served.get("sha256"):
                said[f"{one.name} serves"] = served
            if stated := file.stated.get("sha256"):
                said[f"{one.name} states"] = stated
            if (built := one.expectation.digests.get(file.name)) and not one.expectation.weak:
                said["the build made"] = built
    return {name: said for name, said in found.items() if len(said) > 1}


def disagreements(said: dict[str, dict[str, str]]) -> list[Problem]:
    """Say of which files there is more than one digest, and who says which."""
    return [
        Problem(
            f"{name}: " + ", ".join(f"{place} {digest[:12]}..." for place, digest in sorted(places.items())),
            "",
            "find out which is the one that was built; publish the next version from one build",
        )
        for name, places in sorted(said.items())
        if len(set(places.values())) > 1
    ]
