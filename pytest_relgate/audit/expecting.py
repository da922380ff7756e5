"""What a channel is held against where there is no build at hand. Pure.

The files are those that it has, the bytes those that it states itself or that the release's own checksums
state: that proves that nothing broke off or was changed on the way, and not what was built. What a maintainer
may choose (marks of a prerelease, dist-tags of one) is taken as it is and told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec
from packaging.version import InvalidVersion, Version

from pytest_relgate.source.formula_rules import read_checksums

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_relgate.channels.observation import Expectation, Observation

OWN: Final = "what the channel itself states"
_SUMS: Final = re.compile(
    r"(?:.*[-_.])?(?:sha256(?:sums?)?|sha-?256-?sums?|checksums?|digests)(?:\.txt)?", re.IGNORECASE
)


def is_sums(name: str) -> bool:
    """Whether a file is one of checksums, by its name."""
    return bool(_SUMS.fullmatch(name))


def expectation(
    base: Expectation, seen: Observation, sums: Mapping[str, str], elsewhere: Mapping[str, str]
) -> Expectation:
    """Complete ``base`` by what was seen.

    ``sums`` are texts of checksum files of the release by name, ``elsewhere`` digests by file name that
    another channel serves.
    """
    names = {file.name for file in seen.files}
    stated = {
        name: digest
        for text in sums.values()
        for name, digests in read_checksums(text).items()
        if len(digests) == 1 and name not in sums
        for digest in digests
    }
    known = {name: digest for name, digest in stated.items() if name in names}
    if known:  # a list of which nothing is here speaks of something else
        names |= stated.keys()
    own = {
        file.name: digest
        for file in seen.files
        if (digest := file.served.get("sha256") or file.stated.get("sha256", ""))
    }
    others = {name: digest for name, digest in elsewhere.items() if name in names}
    prerelease = base.prerelease
    if seen.kind == "github-release":
        prerelease = "prerelease" in seen.flags
    elif seen.kind == "npm" and seen.resolved == base.spelled:
        prerelease = False
    return msgspec.structs.replace(
        base, files=frozenset(names), digests={**own, **known, **others}, source=OWN, prerelease=prerelease
    )


def is_older(found: str, wanted: str) -> bool:
    """Whether a version is certainly older; one that cannot be read is not."""
    try:
        return Version(found) < Version(wanted)
    except InvalidVersion:
        return False


def choices(base: Expectation, seen: Observation) -> list[str]:
    """What a maintainer may have wanted, and should know."""
    found = []
    marked = "prerelease" in seen.flags
    if seen.kind == "github-release" and seen.version and marked != base.prerelease:
        found.append(f"{seen.channel} is {'' if marked else 'not '}marked as a prerelease")
    if seen.version and base.prerelease and seen.kind == "npm" and seen.resolved == base.spelled:
        found.append(f"{seen.channel} gives this prerelease to whoever names no version")
    return found
