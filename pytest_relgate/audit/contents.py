"""Whether a package is what its name says, by what it says of itself. Pure. SPEC S49, S51."""

from __future__ import annotations

import email.parser
import json
import re
import tomllib
from typing import TYPE_CHECKING, Final

from packaging.version import InvalidVersion
from packaging.version import Version as Pep440

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.audit.inside import Inside

_OF_A_PLATFORM: Final = re.compile(r"(?:^|/)(?:linux|darwin|win32)-[a-z0-9-]+(?:/|$)")


def another_version(name: str, inside: Inside, spelled: str) -> str:
    """Say which other version a package says that it is, empty for none.

    pip refuses a wheel whose METADATA differs from its name, so such a wheel is no good to anybody.
    """
    if name.endswith(".whl"):
        found = email.parser.HeaderParser().parsestr(inside.text("METADATA")).get("Version", "")
    elif name.endswith(".tgz"):
        found = str(inside.package_json.get("version") or "")
    elif name.endswith(".crate"):
        found = _of_crate(inside.text("Cargo.toml"))
    else:
        return ""
    return f"it says that it is version {found}, not {spelled}" if found and not _same(found, spelled) else ""


def notes(name: str, inside: Inside) -> Iterator[str]:
    """What is promised in a package and is not in it. A maintainer may know why."""
    listed = inside.package_json.get("files")
    if name.endswith(".tgz") and isinstance(listed, list):
        for one in listed:
            place = re.sub(r"(/\*+)+$", "", str(one).strip("/").removeprefix("./"))
            if _OF_A_PLATFORM.search(place) and "*" not in place and not inside.has_below(place):
                yield f"{name} holds nothing at {place}, which its package.json lists"


def commit_of_crate(inside: Inside) -> str:
    """The commit that a crate was packed at, as cargo notes it; empty where it does not."""
    try:
        found = json.loads(inside.text(".cargo_vcs_info.json") or "{}")["git"]["sha1"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def _of_crate(text: str) -> str:
    try:
        found = tomllib.loads(text)["package"]["version"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def _same(found: str, spelled: str) -> bool:
    if found == spelled:
        return True
    try:
        return Pep440(found) == Pep440(spelled)
    except InvalidVersion:
        return False
