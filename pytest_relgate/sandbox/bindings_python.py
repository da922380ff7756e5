"""The Python binding of the miniature Plasmite. Texts only.

It is built by a backend of its own (PEP 517), because a build that fetches one would need the network.
"""

from __future__ import annotations

# The patch versions at which something came.
_LENGTH = 2
_OWN_BACKEND = 5

_PYPROJECT = """\
[build-system]
{build}
[project]
name = "plasmite"
version = "{version}"
description = "A ring of messages, in miniature"
requires-python = ">=3.9"
license = "MIT"
license-files = ["LICENSE", "THIRD_PARTY_NOTICES.md"]

[project.scripts]
plasmite = "plasmite.__main__:main"
"""

_SETUPTOOLS = """\
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
"""

_BACKEND = """\
requires = []
build-backend = "plasmite_build"
backend-path = ["backend"]
"""

_PYTHON = '''\
"""A ring of messages, in miniature."""

from collections import deque

from plasmite._native import version

__all__ = ["Pool", "version"]


class Pool:
    """The newest messages, oldest first."""

    def __init__(self, capacity):
        self._messages = deque(maxlen=capacity)

    def append(self, message):
        self._messages.append(message)

    def __iter__(self):
        return iter(self._messages)
'''

_PYTHON_LEN = """\

    def __len__(self):
        return len(self._messages)
"""

_NATIVE = '''\
"""The native library that the wheel carries."""

import ctypes
import sys
from pathlib import Path

NAME = "libplasmite.dylib" if sys.platform == "darwin" else "libplasmite.so"


def version():
    """Version of the native library."""
    library = ctypes.CDLL(str(Path(__file__).parent / NAME))
    library.plasmite_version.restype = ctypes.c_char_p
    return library.plasmite_version().decode()
'''

_MAIN = '''\
"""What the command line prints."""

import sys

import plasmite


def main():
    if sys.argv[1:] != ["--version"]:
        sys.exit("usage: plasmite --version")
    print("plasmite", plasmite.version())


if __name__ == "__main__":
    main()
'''

_TEST = """\
import unittest

from plasmite import Pool


class TestPool(unittest.TestCase):
    def test_the_oldest_message_makes_room(self):
        pool = Pool(2)
        for message in "abc":
            pool.append(message)
        self.assertEqual(list(pool), ["b", "c"])
"""

_BUILD = '''\
"""Builds the wheel and the source archive (PEP 517), with nothing but the standard library.

PLASMITE_LIB names the native library that the wheel carries, PLASMITE_WHEEL_PLATFORM its platform tag.
"""

import base64
import csv
import hashlib
import io
import os
import re
import sysconfig
import tarfile
import zipfile
from pathlib import Path

TEXT = Path("pyproject.toml").read_text(encoding="utf-8")
VERSION = re.search(r\'^version = "(.+)"$\', TEXT, re.MULTILINE)[1]
LICENCES = ("LICENSE", "THIRD_PARTY_NOTICES.md")
NAME = f"plasmite-{VERSION}"
METADATA = f"""\\
Metadata-Version: 2.4
Name: plasmite
Version: {VERSION}
Summary: A ring of messages, in miniature
Requires-Python: >=3.9
License-Expression: MIT
""" + "".join(f"License-File: {name}\\n" for name in LICENCES)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    platform = os.environ.get("PLASMITE_WHEEL_PLATFORM") or sysconfig.get_platform()
    tag = "py3-none-" + re.sub(r"[-.]", "_", platform)
    info = f"{NAME}.dist-info"
    members = {str(path): path.read_bytes() for path in sorted(Path("plasmite").rglob("*.py"))}
    library = Path(os.environ["PLASMITE_LIB"])
    members[f"plasmite/_native/{library.name}"] = library.read_bytes()
    for name in LICENCES:
        members[f"{info}/licenses/{name}"] = Path(name).read_bytes()
    members[f"{info}/METADATA"] = METADATA.encode()
    members[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\\nGenerator: plasmite_build\\nRoot-Is-Purelib: false\\nTag: {tag}\\n".encode()
    )
    members[f"{info}/entry_points.txt"] = b"[console_scripts]\\nplasmite = plasmite.__main__:main\\n"
    members[f"{info}/RECORD"] = record(members, f"{info}/RECORD")
    wheel = f"{NAME}-{tag}.whl"
    with zipfile.ZipFile(Path(wheel_directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    paths = ["pyproject.toml", "backend/plasmite_build.py", *LICENCES]
    paths += sorted(str(path) for folder in ("plasmite", "tests") for path in Path(folder).rglob("*.py"))
    members = {path: Path(path).read_bytes() for path in paths} | {"PKG-INFO": METADATA.encode()}
    with tarfile.open(Path(sdist_directory) / f"{NAME}.tar.gz", "w:gz") as archive:
        for path, content in members.items():
            entry = tarfile.TarInfo(f"{NAME}/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return f"{NAME}.tar.gz"


def record(members, own):
    lines = io.StringIO()
    rows = csv.writer(lines, lineterminator="\\n")
    for name, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
        rows.writerow([name, f"sha256={digest.decode()}", len(content)])
    rows.writerow([own, "", ""])
    return lines.getvalue().encode()
'''


def python_files(patch: int, version: str) -> dict[str, str]:
    """Files of the Python binding at a patch version, by path."""
    own_backend = patch >= _OWN_BACKEND
    build = _BACKEND if own_backend else _SETUPTOOLS
    files = {
        "pyproject.toml": _PYPROJECT.format(version=version, build=build),
        "plasmite/__init__.py": _PYTHON + (_PYTHON_LEN if patch >= _LENGTH else ""),
        "plasmite/__main__.py": _MAIN,
        "plasmite/_native/__init__.py": _NATIVE,
        "tests/test_pool.py": _TEST,
    }
    if own_backend:
        files["backend/plasmite_build.py"] = _BUILD
    return {f"bindings/python/{path}": text for path, text in files.items()}
