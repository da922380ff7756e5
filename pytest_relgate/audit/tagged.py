"""Which version a tag names, in any project: ``v1.2.0``, ``name-1.2.0``, ``@scope/name@1.2.0``. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from packaging.version import InvalidVersion
from packaging.version import Version as Pep440
from semver import Version

from pytest_relgate.errors import RelgateError
from pytest_relgate.source.ecosystems import pep440_of
from pytest_relgate.source.versions import LONGEST_TAG

_BEGIN = re.compile(r"^v?(?=[0-9])|(?<=[-_/@])v?(?=[0-9]+\.[0-9])")


class Tagged(NamedTuple):
    """A tag, and the version in it as it is written. ``semver`` is empty for what is only PEP 440."""

    tag: str
    version: str
    semver: str
    python: str

    @property
    def prerelease(self) -> bool:
        """Whether it is a version before a release."""
        if self.semver:
            return Version.parse(self.semver).prerelease is not None
        return Pep440(self.python).is_prerelease

    def spelled(self, kind: str) -> str:
        """The version as a channel of this kind spells it, empty where it has no such spelling."""
        return (
            self.python
            if kind == "pypi"
            else self.semver or ("" if kind in ("npm", "crates") else self.version)
        )

    def agrees(self, written: str) -> bool:
        """Whether a manifest's version is the tag's, in whichever spelling."""
        if self.semver and (found := _semver(written)):
            return Version.parse(found).replace(build=None) == Version.parse(self.semver).replace(build=None)
        python = _python(written)
        return bool(python and self.python) and Pep440(python) == Pep440(self.python)


def read_tag(tag: str) -> Tagged:
    """Find the version in a tag: the longest end of it that is one. Raises RelgateError where none is."""
    if len(tag) <= LONGEST_TAG:
        for found in _BEGIN.finditer(tag):
            text = tag[found.end() :]
            semver = _semver(text)
            python = (pep440_of(semver) or "") if semver else _python(text)
            if semver or python:
                return Tagged(tag, text, semver, python)
    shown = ascii(tag if len(tag) <= LONGEST_TAG else f"{tag[:40]}...")
    message = f"expected a tag with a version, such as v1.2.0 or name-1.2.0, found {shown}"
    raise RelgateError(message)


def _semver(text: str) -> str:
    try:
        return text if text.isascii() and str(Version.parse(text)) == text else ""
    except ValueError:
        return ""


def _python(text: str) -> str:
    try:
        return str(Pep440(text)) if text.isascii() and text == text.strip() else ""
    except InvalidVersion:
        return ""
