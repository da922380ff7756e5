"""The miniature Plasmite's history: what its tree held at v0.1.0 to v0.1.9 and at the candidate. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pytest_relgate.sandbox.bindings import binding_files
from pytest_relgate.sandbox.crate import crate_files
from pytest_relgate.sandbox.formula import formula_files
from pytest_relgate.sandbox.scripts import script_files
from pytest_relgate.sandbox.workflows import workflow_files

CANDIDATE = 10
"""Patch number of the version that is a candidate and has no tag: 0.1.10."""

_FIRST_RELEASE = datetime(2026, 1, 5, 12, tzinfo=UTC)
_BETWEEN_RELEASES = timedelta(days=7)

# What each patch version brought; the texts of crate, bindings and workflows change along with it.
_CHANGES = (
    "First release: a pool of messages, with bindings for Python, Node and Go.",
    "Pools can be served to those who have the token.",
    "Python: a pool has a length.",
    "Files are locked through libc.",
    "Appending no longer moves every message.",
    "Python: built by a backend of its own.",
    "Release builds use Rust 1.88.0.",
    "Files are locked without libc.",
    "Node: requests to a served pool.",
    "Served answers are not cached.",
    "An unknown command is named in the error.",
)

_README = """\
# Plasmite, in miniature

A ring of messages with bindings for Python, Node and Go. It exists to be released again and again
in a sandbox; the project that it resembles is https://github.com/sandover/plasmite.

    $ plasmite tail one two three
"""

_LICENSE = """\
MIT License

Copyright (c) 2026 The Plasmite miniature's authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

_NOTICES = """\
# Third-party notices

The miniature ships no code of others.
"""

# What real tools leave behind when gates run in the working tree.
_GITIGNORE = """\
target/
dist/
build/
node_modules/
__pycache__/
*.egg-info/
*.node
*.tgz
bindings/node/native/Cargo.lock
.scratch/
release-evidence/
"""


def version_at(patch: int) -> str:
    """Version of a patch number, like ``0.1.9``."""
    return f"0.1.{patch}"


def tag_at(patch: int) -> str:
    """Tag of a patch number, like ``v0.1.9``."""
    return f"v{version_at(patch)}"


def is_annotated(patch: int) -> bool:
    """Whether the tag of a patch number is annotated; every other one is light."""
    return patch % 2 == 0


def released_at(patch: int) -> datetime:
    """Time of a patch version's commit, in UTC."""
    return _FIRST_RELEASE + patch * _BETWEEN_RELEASES


def files_at(patch: int) -> dict[str, str]:
    """All files at a patch version, by path."""
    version = version_at(patch)
    licences = {"LICENSE": _LICENSE, "THIRD_PARTY_NOTICES.md": _NOTICES}
    return {
        ".gitignore": _GITIGNORE,
        "CHANGELOG.md": _changelog(patch),
        "README.md": _README,
        **licences,
        **crate_files(patch, version),
        **binding_files(patch, version, licences),
        **formula_files(),
        **script_files(patch),
        **workflow_files(patch),
    }


def _changelog(patch: int) -> str:
    sections = ["# Changelog\n", "## [Unreleased]\n"]
    for each in range(patch, -1, -1):
        heading = f"## [{version_at(each)}] - {released_at(each):%Y-%m-%d}"
        sections.append(f"{heading}\n\n- {_CHANGES[each]}\n")
    return "\n".join(sections)
