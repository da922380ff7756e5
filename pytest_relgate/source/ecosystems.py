"""How each ecosystem spells a release's version. Pure. SPEC S7; SemVer 2.0, PEP 440."""

from __future__ import annotations

import re
from enum import StrEnum

from packaging.version import InvalidVersion
from packaging.version import Version as Pep440
from semver import Version


class Ecosystem(StrEnum):
    """Whose rules a version is spelled by."""

    CARGO = "Cargo"
    NPM = "npm"
    PYPI = "PyPI"


# The words of a SemVer prerelease that PEP 440 knows too, with its own spelling. More than one identifier
# behind them (rc.1.2), and any other word (next.1), has none; a bare number would become a post release.
_PRE = re.compile(r"(?P<word>alpha|a|beta|b|rc|c|pre|preview|dev)[.-]?(?P<number>[0-9]*)", re.IGNORECASE)
_WORDS = {"alpha": "a", "a": "a", "beta": "b", "b": "b", "dev": ".dev"}


def pep440_of(version: str) -> str | None:
    """Spell a SemVer version as PEP 440 does: ``0.5.0-rc.1`` is ``0.5.0rc1``; None where it cannot.

    Build metadata is left out: PyPI takes no local versions. Raises ValueError for what is no SemVer.
    """
    parsed = Version.parse(version)
    core = f"{parsed.major}.{parsed.minor}.{parsed.patch}"
    if parsed.prerelease is None:
        return core
    found = _PRE.fullmatch(parsed.prerelease)
    if found is None:
        return None
    return f"{core}{_WORDS.get(found['word'].lower(), 'rc')}{int(found['number'] or 0)}"


def disagreement(written: str, version: str, ecosystem: Ecosystem) -> str:
    """Say in words why what a manifest has is not the version, empty where it is.

    ``version`` is SemVer without a v. Cargo and npm must spell it so; PyPI may spell it in any way that
    PEP 440 takes for the same version.
    """
    if ecosystem is Ecosystem.PYPI:
        return _pypi_disagreement(written, version)
    try:
        found = Version.parse(written)
    except ValueError:
        return f"expected {version}, found {written!a}, which is no SemVer version"
    wanted = Version.parse(version)
    if found.replace(build=None) == wanted.replace(build=None) and found.build in (None, wanted.build):
        return ""
    return f"expected {version}, found {written}"


def _pypi_disagreement(written: str, version: str) -> str:
    wanted = pep440_of(version)
    if wanted is None:
        known = "alpha.N, beta.N, rc.N or dev.N"
        return f"PyPI (PEP 440) has no spelling of {version}: a prerelease there is {known}"
    try:
        found = Pep440(written)
    except InvalidVersion:
        return f"expected {wanted}, found {written!a}, which is no PEP 440 version"
    return "" if found == Pep440(wanted) else f"expected {wanted}, found {written}"
