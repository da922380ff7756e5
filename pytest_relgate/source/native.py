"""Which system and processor a native file is for, told by its header. Pure.

ELF (System V ABI), Mach-O with its universal form (``mach-o/loader.h``, ``mach-o/fat.h``), PE (Microsoft's
PE format). Systems are called ``linux``, ``darwin`` and ``windows``, processors ``amd64``, ``arm64`` and
``386``, as in the names of release archives.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEAD = 4096
"""How many bytes of a file are enough to tell."""

_ELF = {3: "386", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64", 21: "ppc64", 22: "s390x"}
_MACH = {7: "386", 0x01000007: "amd64", 12: "arm", 0x0100000C: "arm64"}
_PE = {0x014C: "386", 0x8664: "amd64", 0xAA64: "arm64"}
_MACH_ONE = {
    b"\xfe\xed\xfa\xce": ">",
    b"\xfe\xed\xfa\xcf": ">",
    b"\xce\xfa\xed\xfe": "<",
    b"\xcf\xfa\xed\xfe": "<",
}
_MACH_MANY = {b"\xca\xfe\xba\xbe": 20, b"\xca\xfe\xba\xbf": 32}
_MOST_SLICES = 20  # a Java class begins with the same four bytes, and its version, 45 or more, behind them


@dataclass(frozen=True)
class Native:
    """What a native file is for. A universal Mach-O is for several processors."""

    system: str
    processors: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.system} {' and '.join(self.processors)}"


def native_of(head: bytes) -> Native | None:
    """Tell by the first HEAD bytes of a file what it is for; None for what is no native file."""
    magic = head[:4]
    try:
        if magic == b"\x7fELF":
            order = "<" if head[5] == 1 else ">"
            (machine,) = struct.unpack_from(f"{order}H", head, 18)
            return Native("linux", (_ELF.get(machine, f"machine {machine}"),))
        if magic in _MACH_ONE:
            (kind,) = struct.unpack_from(f"{_MACH_ONE[magic]}I", head, 4)
            return Native("darwin", (_MACH.get(kind, f"cpu {kind}"),))
        if magic in _MACH_MANY:
            return _universal(head, _MACH_MANY[magic])
        if magic[:2] == b"MZ":
            (at,) = struct.unpack_from("<I", head, 0x3C)
            if head[at : at + 4] == b"PE\0\0":
                (machine,) = struct.unpack_from("<H", head, at + 4)
                return Native("windows", (_PE.get(machine, f"machine {machine}"),))
    except (struct.error, IndexError):
        return None  # too short to be one
    return None


def _universal(head: bytes, size: int) -> Native | None:
    (count,) = struct.unpack_from(">I", head, 4)
    if not 0 < count <= _MOST_SLICES:
        return None
    kinds = [struct.unpack_from(">I", head, 8 + n * size)[0] for n in range(count)]
    return Native("darwin", tuple(sorted(_MACH.get(kind, f"cpu {kind}") for kind in kinds)))
