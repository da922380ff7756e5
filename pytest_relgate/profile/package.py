"""What a package may be called, by the rules of the place that it is on. Pure.

PyPI: the core metadata specification (PEP 508), by packaging. npm: docs.npmjs.com, "package.json", name;
names with upper case are from before that rule. crates.io: doc.rust-lang.org/cargo/reference/manifest.html
and the registry's own limit of 64. GitHub: the names of owners and repositories that it lets be made.
"""

from __future__ import annotations

import re
from typing import Final

_NPM: Final = re.compile(r"(@[A-Za-z0-9~-][A-Za-z0-9._~-]*/)?[A-Za-z0-9~-][A-Za-z0-9._~-]*")
_CRATE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_SLUG: Final = re.compile(r"[A-Za-z0-9](-?[A-Za-z0-9])*-?/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
_LONGEST_OWNER: Final = 39
_LONGEST_NPM: Final = 214
_NO_PACKAGES: Final = ("node_modules", "favicon.ico")


def expected_name(kind: str, name: str) -> str:
    """Return what a name must be on a channel of this kind, in words; empty where this one is right."""
    match kind:
        case "pypi":
            from packaging.utils import InvalidName, canonicalize_name

            try:
                canonicalize_name(name, validate=True)
            except InvalidName:
                return "the name of a project on PyPI: letters, digits, and . _ - between them"
            return "" if name.isascii() else "the name of a project on PyPI: letters of ASCII"
        case "npm":
            right = (
                bool(_NPM.fullmatch(name)) and len(name) <= _LONGEST_NPM and name.lower() not in _NO_PACKAGES
            )
            return "" if right else "the name of a package on npm: demo or @scope/demo, . and _ not in front"
        case "crates":
            right = bool(_CRATE.fullmatch(name))
            return "" if right else "the name of a crate: a letter, then letters, digits, _ and -, 64 at most"
        case _:
            right = bool(_SLUG.fullmatch(name)) and len(name.partition("/")[0]) <= _LONGEST_OWNER
            return "" if right else "OWNER/NAME on GitHub"
