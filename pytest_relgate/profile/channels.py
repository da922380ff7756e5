"""The part of the profile that speaks of channels: where a release can be had, once it is published."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile.package import expected_name
from pytest_relgate.profile.source import OptionalPath, OptionalVariable, _file_name
from pytest_relgate.profile.words import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["github-release", "crates", "npm", "pypi", "homebrew"]

_ADDRESS: Final = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*[^\s?#/])?")
_ONLY: Final[Mapping[str, str]] = {
    "tap": "homebrew",
    "formula": "homebrew",
    "download": "homebrew",
    "checksums": "github-release",
    "tag": "npm",
}
"""Keys that mean something for one kind of channel."""


_NAMED: Final = ("crates", "npm", "pypi")


def _base(value: object) -> object:
    """Refuse what is no address that paths can be put behind."""
    if isinstance(value, str) and value and not _ADDRESS.fullmatch(value):
        message = f'expected an address like "https://host/path", no slash at its end, found {quoted(value)}'
        raise RelgateError(message)
    return value


Package = Annotated[
    str,
    Meta(
        pattern=r"\A(@[a-z0-9~-][a-z0-9._~-]*/)?[A-Za-z0-9._~-]+\Z|\A\Z",
        description="the name of a package",
    ),
]
Tap = Annotated[
    str,
    Meta(pattern=r"\A([A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100})?\Z", description='"owner/name"'),
]
OptionalName = Annotated[
    str,
    Meta(
        description='the name of a file, or ""',
        extra={"parse": lambda value: value if value == "" else _file_name(value)},
    ),
]


class Channel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One channel. ``package`` is the project's name where it is empty, ``formula`` Formula/PACKAGE.rb.

    ``checksums`` is the asset with the SHA-256 sums of the others. ``tag`` is the dist-tag that a stable
    release takes. ``job`` is the job of the publish workflow that publishes here. ``base`` is asked in the
    place of the public registry; ``mirror`` says that it is a copy of that, which proves itself only.
    ``download`` is where the archives of a formula lie, the GitHub release without it. ``secret`` is the
    one with which the job publishes, ``trusted`` whether it is a trusted publisher, without one (S9).
    ``provenance``: every file of a release has it there.
    """

    kind: Annotated[Kind, Meta(description='"github-release", "crates", "npm", "pypi" or "homebrew"')]
    package: Package = ""
    tap: Tap = ""
    formula: OptionalPath = ""
    download: Annotated[str, Meta(description="an address", extra={"parse": _base})] = ""
    checksums: OptionalName = ""
    tag: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]*\Z", description="a dist-tag")] = ""
    job: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]*\Z", description="the id of a job")] = ""
    base: Annotated[str, Meta(description="an address", extra={"parse": _base})] = ""
    mirror: Annotated[bool, Meta(description="true or false")] = False
    secret: OptionalVariable = ""
    trusted: bool = False
    provenance: Annotated[bool, Meta(description="true or false")] = False


def misplaced(channel: Channel) -> str:  # noqa: PLR0911  (one line for each)
    """Return what is wrong between the keys of a channel, empty for nothing."""
    for key, kind in _ONLY.items():
        if getattr(channel, key) and channel.kind != kind:
            return f"{key} is for a channel of the kind {quoted(kind)}, this one is {quoted(channel.kind)}"
    if channel.package and channel.kind in _NAMED and (form := expected_name(channel.kind, channel.package)):
        return f"package: expected {form}, found {quoted(channel.package)}"
    if channel.kind == "homebrew" and not channel.tap:
        return 'expected tap = "owner/name" for a channel of the kind "homebrew", found none'
    if channel.base and channel.kind in ("github-release", "homebrew"):
        return f"base is for a registry, this channel is {quoted(channel.kind)}"
    if channel.mirror and not channel.base:
        return 'mirror = true says what base is, and there is none: add base = "https://..."'
    if channel.secret and channel.trusted:
        return "expected secret or trusted, found both: a trusted publisher has no secret"
    if channel.trusted and channel.kind not in ("crates", "npm", "pypi"):
        return f"trusted is for crates, npm and pypi, this channel is {quoted(channel.kind)}"
    if channel.provenance and channel.kind not in ("npm", "pypi"):
        return f"provenance is for npm and pypi, this channel is {quoted(channel.kind)}"
    return ""
