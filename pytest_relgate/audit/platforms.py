"""Whether what a package holds can run where its name says that it does. Pure. SPEC S47, B6.

Only what is certain is wrong: a package that promises a processor, holds libraries for others of the same
system and none for this one. Launchers for other systems, code for graphics cards and .NET assemblies are in
good wheels too, and an emulator runs a program, but loads no library, of another processor.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_relgate.source.native import Native

Platform = tuple[str, str]
"""A system (linux, darwin, windows) and a processor as ``source.native`` calls it."""

_MACHINES: Final = {
    "x86_64": "amd64", "amd64": "amd64", "x64": "amd64",
    "aarch64": "arm64", "arm64": "arm64",
    "i686": "386", "i386": "386", "ia32": "386",
    "armv7l": "arm", "armv6l": "arm", "arm": "arm",
    "ppc64le": "ppc64", "ppc64": "ppc64", "s390x": "s390x", "riscv64": "riscv64",
}  # fmt: skip
_KNOWN: Final = frozenset(_MACHINES.values())
_TAG: Final = re.compile(
    r"(?P<system>manylinux|musllinux|linux|macosx|win)(?:[0-9]+|_[0-9]+)*_(?P<machine>\w+)"
)
_SYSTEMS: Final = {"macosx": "darwin", "win": "windows"}
_OS: Final = {"linux": "linux", "darwin": "darwin", "win32": "windows"}
_RUNS_TOO: Final[Mapping[Platform, frozenset[str]]] = {
    ("darwin", "arm64"): frozenset({"amd64"}),
    ("windows", "arm64"): frozenset({"amd64", "386"}),
    ("windows", "amd64"): frozenset({"386"}),
}
"""Whose programs a system runs beside those of its own processor: Rosetta, WOW64."""

_FOLDER: Final = re.compile(
    r"(?P<system>linux|darwin|win32)-(?P<machine>x64|arm64|ia32)(-(gnu|glibc|musl|msvc))?"
)
_LIBRARY: Final = re.compile(r"\.(?:pyd|dylib|node|so(?:\.[0-9]+)*)$")


class Part(NamedTuple):
    """A native file of a package."""

    path: str
    native: Native

    @property
    def loaded(self) -> bool:
        """Whether it is loaded into another program, so that nothing can emulate its processor.

        A ``.dll`` may be an assembly of .NET, which names a processor and needs none.
        """
        return bool(_LIBRARY.search(posixpath.basename(self.path)))


def of_wheel(name: str) -> frozenset[Platform] | None:
    """The platforms that a wheel's tags promise; none for ``any``, None where a tag is not known here."""
    try:
        tags = {tag.platform for tag in parse_wheel_filename(name)[3]}
    except InvalidWheelFilename:
        return None
    found: set[Platform] = set()
    for tag in tags - {"any"}:
        if tag == "win32":
            found.add(("windows", "386"))
            continue
        match = _TAG.fullmatch(tag)
        if match is None:
            return None
        system = _SYSTEMS.get(match["system"], "linux")
        if match["machine"] == "universal2":
            found |= {(system, "amd64"), (system, "arm64")}
        elif match["machine"] in _MACHINES:
            found.add((system, _MACHINES[match["machine"]]))
        else:
            return None
    return frozenset(found)


def of_package(systems: object, processors: object) -> frozenset[Platform] | None:
    """The platforms of an npm package by its ``os`` and ``cpu``; None where they say nothing certain."""
    match systems, processors:
        case [str(system)], [str(processor)] if system in _OS and processor in _MACHINES:
            return frozenset({(_OS[system], _MACHINES[processor])})
        case _:
            return None


def lacking(promised: Iterable[Platform], parts: Iterable[Part]) -> list[str]:
    """Say for which promised platforms a package certainly holds nothing that can run, a sentence each."""
    every = list(parts)
    said = []
    for system, processor in sorted(promised):
        mine = [one for one in every if one.native.system == system and set(one.native.processors) & _KNOWN]
        if any(processor in one.native.processors for one in mine):
            continue
        runs = _RUNS_TOO.get((system, processor), frozenset())
        wrong = [one for one in mine if one.loaded or not runs & set(one.native.processors)]
        if system == "windows":  # what is no extension module there may be an assembly for any processor
            wrong = [one for one in wrong if one.loaded]
        if wrong:
            first = wrong[0]
            more = f", and {len(wrong) - 1} more like it" if len(wrong) > 1 else ""
            held = " and ".join(first.native.processors)
            said.append(f"it promises {system} on {processor}, and {first.path} is for {held} only{more}")
    return said


def in_wrong_folders(parts: Iterable[Part]) -> list[str]:
    """Say which libraries for Node stand in the folder of a platform that none there is for."""
    folders: dict[str, list[Part]] = {}
    for part in parts:
        folder = posixpath.basename(posixpath.dirname(part.path))
        if part.path.endswith(".node") and _FOLDER.fullmatch(folder):
            folders.setdefault(folder, []).append(part)
    said = []
    for folder, mine in sorted(folders.items()):
        match = _FOLDER.fullmatch(folder)
        assert match is not None  # noqa: S101  (only such folders are here)
        wanted = (_OS[match["system"]], _MACHINES[match["machine"]])
        if not any(part.native.system == wanted[0] and wanted[1] in part.native.processors for part in mine):
            said.append(
                f"{mine[0].path} is for {mine[0].native}, and its folder for {wanted[0]} on {wanted[1]}"
            )
    return said


def held(parts: Iterable[Part]) -> set[Platform]:
    """The platforms that native files are for, as far as their processors are known here."""
    return {
        (part.native.system, processor)
        for part in parts
        for processor in part.native.processors
        if processor in _KNOWN
    }


def shown(platforms: Iterable[Platform]) -> str:
    """Platforms in words, a system once."""
    by_system: dict[str, list[str]] = {}
    for system, processor in sorted(platforms):
        by_system.setdefault(system, []).append(processor)
    return "; ".join(f"{system} {' '.join(processors)}" for system, processors in by_system.items())
