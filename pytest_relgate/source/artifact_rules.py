"""What is wrong with the artifacts of a release. Pure. SPEC S24, S47, S54, B8.

Licence and notices at the place where each kind of archive has them, the expected set of files, native
libraries for the platform that the name promises, sizes.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from pytest_relgate.source.archives import Kind
from pytest_relgate.source.native import native_of
from pytest_relgate.source.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_relgate.source.archives import Archive, Member
    from pytest_relgate.source.native import Native

_SYSTEMS = {
    "linux": r"linux|manylinux[_0-9]*|musllinux[_0-9]*",
    "darwin": r"darwin|macos|macosx[_0-9]*|apple",
    "windows": r"windows|win32|win",
}
_PROCESSORS = {
    "amd64": r"amd64|x86_64|x64",
    "arm64": r"arm64|aarch64",
    "386": r"i386|i686|386|x86(?!_64)",
}

_NATIVE_NAME = re.compile(r"\.(?:node|dylib|dll|pyd)$|\.so(?:\.\d+)*$")
# https://sourceware.org/binutils/docs/ld: a text in the place of a library that names the real ones
_LINKER_SCRIPT = re.compile(rb"\s*(?:/\*[^*]*\*/\s*)*(?:INPUT|GROUP|OUTPUT_FORMAT)\s*\(")


def unlicensed(archive: Archive, licences: Sequence[str]) -> tuple[Problem, ...]:
    """Say which of these files an archive lacks at its right place, or has empty or as a link to nothing."""
    return tuple(
        Problem(
            f"{archive.name}: {words}", archive.name, f"put {licence} {_place(archive.kind)} and build again"
        )
        for licence in licences
        if (words := _lacks(archive, licence))
    )


def _lacks(archive: Archive, licence: str) -> str:
    there = [member for member in archive.members if _is_at_its_place(archive, member.path, licence)]
    if not there:
        elsewhere = [one.path for one in archive.members if posixpath.basename(one.path) == licence]
        beside = f"; that at {elsewhere[0]} is another's" if elsewhere else ""
        return f"it has no {licence} {_place(archive.kind)}{beside}"
    for member in there:
        found = archive.resolved(member.path)
        if found is None:
            return f"{member.path} is a link to {member.link}, and nothing is there"
        if not found.size or not found.head.strip():
            return f"{member.path} is empty"
    return ""


def _place(kind: Kind) -> str:
    match kind:
        case Kind.WHEEL:
            return "in licenses/ of its .dist-info"
        case Kind.NPM:
            return "in package/"
        case _:
            return "at its top"


def _is_at_its_place(archive: Archive, path: str, licence: str) -> bool:
    """PEP 639 for wheels (and the place before it), npm's ``package/``, the top of everything else."""
    folder, _, name = path.rpartition("/")
    if name != licence:
        return False
    match archive.kind:
        case Kind.WHEEL:
            return bool(re.fullmatch(r"[^/]+\.dist-info(/licenses)?", folder))
        case Kind.NPM:
            return folder == "package"
        case Kind.SDIST | Kind.CRATE:
            return bool(folder) and folder in _tops(archive)
        case _:
            tops = {member.path.partition("/")[0] for member in archive.members}
            return folder == "" or (len(tops) == 1 and folder in tops)


def _tops(archive: Archive) -> set[str]:
    """The folder of a source archive: that which it is named after, or those that it has where none is."""
    tops = {member.path.partition("/")[0] for member in archive.members}
    stem = _plain(re.sub(r"\.(?:tar\.\w+|tgz|zip|crate)$", "", archive.name))
    return {top for top in tops if _plain(top) == stem} or tops


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def another_set(names: Iterable[str], expected: Iterable[str]) -> tuple[Problem, ...]:
    """Say which files of a release are missing, and which are there although nothing expects them."""
    found, wanted = set(names), set(expected)
    missing = [Problem(f"{name} is missing", "", "build it") for name in sorted(wanted - found)]
    extra = [
        Problem(f"{name} is there, and nothing expects it", "", "take it out, or add it to [artifacts]")
        for name in sorted(found - wanted)
    ]
    return (*missing, *extra)


def too_large(archive: Archive, largest: int) -> tuple[Problem, ...]:
    """Say whether an archive is larger than it may be (bytes)."""
    if archive.size <= largest:
        return ()
    words = f"{archive.name} has {archive.size:,} bytes, at most {largest:,} are allowed"
    return (Problem(words, archive.name, "find out what grew, or raise built.largest on purpose"),)


def promised(name: str) -> tuple[str, tuple[str, ...]] | None:
    """The system and the processors that a file name promises, None where it promises none.

    ``macosx_11_0_universal2`` promises both of Apple's; ``any`` of a wheel promises that nothing is native,
    and so no processor at all.
    """
    if name.endswith(".whl") and name.removesuffix(".whl").endswith("-any"):
        return "any", ()
    words = name.lower()
    systems = [system for system, pattern in _SYSTEMS.items() if _says(words, pattern)]
    if re.search(r"universal2?", words):
        return "darwin", ("amd64", "arm64")
    processors = [one for one, pattern in _PROCESSORS.items() if _says(words, pattern)]
    if words.endswith("win32.whl"):
        processors = ["386"]
    return (systems[0], tuple(processors)) if len(systems) == len(processors) == 1 else None


def _says(words: str, pattern: str) -> bool:
    return bool(re.search(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", words))


def foreign_natives(archive: Archive) -> tuple[Problem, ...]:
    """Say which native files are not for the platform that the archive's name, or their folder, promises.

    A wheel for a platform must have a native file; one for every platform must have none. A universal one
    must be for both processors. What is called a native file (``index.node``) must be one.
    """
    natives = [(member.path, native) for member in archive.members if (native := native_of(member.head))]
    promise = promised(archive.name)
    problems = [
        problem
        for path, native in natives
        for problem in _foreign(archive, path, native, promised(_folder_of_platform(path)) or promise)
    ]
    problems += [
        Problem(
            f"{archive.name}: {member.path} is called a native file, and is none",
            archive.name,
            "build it with its library",
        )
        for member in archive.members
        if archive.kind not in (Kind.SDIST, Kind.CRATE) and _only_called_native(member)  # fixtures of tests
    ]
    if archive.kind is Kind.WHEEL and promise and promise[1] and not natives:
        words = f"{archive.name} promises {' and '.join(promise[1])} on {promise[0]}, and has no native file"
        problems.append(Problem(words, archive.name, "build it with its library"))
    return tuple(problems)


def _only_called_native(member: Member) -> bool:
    """Whether a file has a native file's name, and neither its header nor a linker script in its place."""
    if member.link is not None or not _NATIVE_NAME.search(member.path):
        return False
    return native_of(member.head) is None and not _LINKER_SCRIPT.match(member.head)


def _folder_of_platform(path: str) -> str:
    """``linux-x64`` of ``package/native/linux-x64/index.node``."""
    parts = path.split("/")[:-1]
    return next((part for part in reversed(parts) if re.search(r"linux|darwin|win32|macos", part)), "")


def _foreign(
    archive: Archive, path: str, native: Native, promise: tuple[str, tuple[str, ...]] | None
) -> Iterator[Problem]:
    if promise is None:
        return
    system, processors = promise
    if system == "any":
        words = f"{archive.name} is for every platform, and {path} is for {native}"
        yield Problem(words, archive.name, "give the wheel the tag of its platform")
    elif native.system != system or not set(processors) <= set(native.processors):
        words = f"{archive.name}: {path} is for {native}, promised is {system} {' and '.join(processors)}"
        yield Problem(words, archive.name, "build it on, or for, the platform that its name promises")
