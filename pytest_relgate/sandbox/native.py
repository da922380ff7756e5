"""Native code of the miniature: files whose headers say the truth about their format and architecture.

The Linux executables really run: they print name and version. The Linux libraries are really loaded, by
``ctypes`` and by Node: ``shared_object.py``. The others are headers with a note.
Formats: System V gABI (ELF), AMD64 and AArch64 supplements; Apple's ``mach-o/loader.h``.
"""

from __future__ import annotations

import struct
from typing import Final

from pytest_relgate.sandbox.shared_object import shared_object

PLATFORMS: Final = ("linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64")
"""The platforms that are built, in Node's words for them."""

_ELF_MACHINE: Final = {"x64": 62, "arm64": 183}
_MACH_CPU: Final = {"x64": (0x01000007, 3), "arm64": (0x0100000C, 0)}
_EXECUTABLE: Final = 2
_MACH_EXECUTABLE, _MACH_LIBRARY = 2, 6
_BASE: Final = 0x400000


def library(platform: str, version: str) -> bytes:
    """Bytes of a shared library for a platform such as ``linux-x64``."""
    system, _, cpu = platform.partition("-")
    note = f"plasmite {version} {platform}\n".encode()
    if system == "darwin":
        return _mach(cpu, _MACH_LIBRARY) + note
    return shared_object(cpu, _ELF_MACHINE[cpu], version) + note


def executable(platform: str, version: str) -> bytes:
    """Bytes of a program for a platform. On Linux it prints ``plasmite VERSION`` and exits with 0."""
    system, _, cpu = platform.partition("-")
    said = f"plasmite {version}\n".encode()
    if system == "darwin":
        return _mach(cpu, _MACH_EXECUTABLE) + said
    code = _code_x64(len(said)) if cpu == "x64" else _code_arm64(len(said))
    size = 64 + 56 + len(code) + len(said)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return _elf_header(cpu, _EXECUTABLE, entry=_BASE + 120, segments=1) + segment + code + said


def _elf_header(cpu: str, kind: int, *, entry: int = 0, segments: int = 0) -> bytes:
    start = 64 if segments else 0
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    numbers = (kind, _ELF_MACHINE[cpu], 1, entry, start, 0, 0, 64, 56 if segments else 0, segments, 0, 0, 0)
    return identity + struct.pack("<HHIQQQIHHHHHH", *numbers)


def _mach(cpu: str, kind: int) -> bytes:
    family, member = _MACH_CPU[cpu]
    return struct.pack("<IIIIIIII", 0xFEEDFACF, family, member, kind, 0, 0, 0, 0)


def _code_x64(length: int) -> bytes:
    """write(1, what follows, length); exit(0)."""
    behind = struct.pack("<I", 5 + 2 + 5 + 2 + 2)  # from the end of lea to the end of the code
    write = b"\xb8\x01\0\0\0\xbf\x01\0\0\0\x48\x8d\x35" + behind + b"\xba" + struct.pack("<I", length)
    return write + b"\x0f\x05\xb8\x3c\0\0\0\x31\xff\x0f\x05"


def _code_arm64(length: int) -> bytes:
    """write(1, what follows, length); exit(0)."""

    def move(register: int, number: int) -> int:
        return 0xD2800000 | number << 5 | register

    call = 0xD4000001
    behind = 7 * 4  # from adr to the end of the code
    address = 0x10000000 | behind >> 2 << 5 | 1
    return struct.pack(
        "<8I", move(0, 1), address, move(2, length), move(8, 64), call, move(0, 0), move(8, 93), call
    )
