"""A shared library for Linux, written byte by byte: what wheel and npm package of the miniature carry.

``plasmite_version`` returns the version, for ``ctypes``; ``napi_register_module_v1`` puts it on the exports
of the module, for Node (https://nodejs.org/api/n-api.html). Node's own functions are weak symbols, so that
the library is loaded without Node too. Formats: System V gABI, AMD64 and AArch64 supplements.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

_HEADERS: Final = 64 + 4 * 56
_APART: Final = 0x10000
"""How far what is written to is from what is run: the largest page of either processor."""

_LOAD, _DYNAMIC, _STACK = 1, 2, 0x6474E551
_GLOBAL_FUNCTION, _WEAK = 0x12, 0x20
_SET_SLOT: Final = {"x64": 6, "arm64": 1025}
"""The relocation that writes a symbol's address to a slot (GLOB_DAT)."""

_NAMES: Final = (
    b"plasmite_version",
    b"napi_register_module_v1",
    b"napi_create_string_utf8",
    b"napi_set_named_property",
)
_SECOND: Final = 8
"""Where in the code the second function begins, in bytes."""

_PROPERTY: Final = b"version\0"


class _Places(NamedTuple):
    """Addresses that the code speaks of."""

    code: int
    version: int
    name: int
    slots: tuple[int, int]


def shared_object(cpu: str, machine: int, version: str) -> bytes:
    """Bytes of the library for ``x64`` or ``arm64``; ``machine`` is ELF's number of it."""
    code_for = _x64 if cpu == "x64" else _arm64
    said = version.encode() + b"\0"
    strings = b"\0" + b"\0".join(_NAMES) + b"\0"
    at_hash = _HEADERS
    hashed = struct.pack("<8I", 1, 5, 1, 0, 2, 3, 4, 0)  # one bucket, its symbols in a chain
    at_symbols = at_hash + len(hashed)
    at_relocations = at_symbols + 5 * 24
    at_code = at_relocations + 2 * 24
    at_version = at_code + len(code_for(_Places(0, 0, 0, (0, 0)), len(version)))
    at_name = at_version + len(said)
    at_strings = at_name + len(_PROPERTY)
    at_written = -(-(at_strings + len(strings)) // 16) * 16
    slots = (_APART + at_written, _APART + at_written + 8)
    places = _Places(at_code, at_version, at_name, slots)
    code = code_for(places, len(version))
    symbols = bytes(24) + b"".join(_symbols(strings, (at_code, at_code + _SECOND)))
    relocations = b"".join(
        struct.pack("<QQq", slot, symbol << 32 | _SET_SLOT[cpu], 0)
        for slot, symbol in zip(slots, (3, 4), strict=True)
    )
    dynamic = b"".join(
        struct.pack("<QQ", tag, value)
        for tag, value in (
            (4, at_hash),
            (5, at_strings),
            (6, at_symbols),
            (10, len(strings)),
            (11, 24),
            (7, at_relocations),
            (8, len(relocations)),
            (9, 24),
            (0, 0),
        )
    )
    run = b"".join((hashed, symbols, relocations, code, said, _PROPERTY, strings))
    padding = bytes(at_written - _HEADERS - len(run))
    written = bytes(16) + dynamic
    headers = _headers(machine, at_written, len(written), len(dynamic))
    return headers + run + padding + written


def _symbols(strings: bytes, functions: tuple[int, int]) -> list[bytes]:
    made = []
    for name, address in zip(_NAMES, (*functions, 0, 0), strict=True):
        kind, section = (_GLOBAL_FUNCTION, 1) if address else (_WEAK, 0)
        at = strings.index(b"\0" + name + b"\0") + 1
        made.append(struct.pack("<IBBHQQ", at, kind, 0, section, address, 0))
    return made


def _headers(machine: int, at_written: int, written: int, dynamic: int) -> bytes:
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    first = identity + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 4, 0, 0, 0)
    address = _APART + at_written

    def segment(kind: int, flags: int, at: int, where: int, size: int, align: int) -> bytes:
        return struct.pack("<IIQQQQQQ", kind, flags, at, where, where, size, size, align)

    return first + b"".join(
        (
            segment(_LOAD, 5, 0, 0, at_written, _APART),
            segment(_LOAD, 6, at_written, address, written, _APART),
            segment(_DYNAMIC, 6, at_written + 16, address + 16, dynamic, 8),
            segment(_STACK, 6, 0, 0, 0, 16),
        )
    )


def _x64(places: _Places, length: int) -> bytes:
    """Two functions, the second one 8 bytes behind the first."""
    code = bytearray()

    def to(opcode: bytes, target: int) -> None:
        """An instruction that names an address relative to its own end."""
        end = places.code + len(code) + len(opcode) + 4
        code.extend(opcode + struct.pack("<i", target - end))

    to(b"\x48\x8d\x05", places.version)  # lea rax, [version]
    code.extend(b"\xc3")  # ret: 8 bytes so far
    code.extend(b"\x53\x41\x54\x48\x83\xec\x18")  # push rbx; push r12; sub rsp, 24
    code.extend(b"\x48\x89\xfb\x49\x89\xf4")  # mov rbx, rdi; mov r12, rsi
    to(b"\x48\x8d\x35", places.version)  # lea rsi, [version]
    code.extend(b"\xba" + struct.pack("<I", length))  # mov edx, length
    code.extend(b"\x48\x8d\x4c\x24\x08")  # lea rcx, [rsp + 8]
    to(b"\xff\x15", places.slots[0])  # call [napi_create_string_utf8]
    code.extend(b"\x48\x89\xdf\x4c\x89\xe6")  # mov rdi, rbx; mov rsi, r12
    to(b"\x48\x8d\x15", places.name)  # lea rdx, [name]
    code.extend(b"\x48\x8b\x4c\x24\x08")  # mov rcx, [rsp + 8]
    to(b"\xff\x15", places.slots[1])  # call [napi_set_named_property]
    code.extend(b"\x4c\x89\xe0\x48\x83\xc4\x18\x41\x5c\x5b\xc3")  # mov rax, r12; add rsp, 24; pops; ret
    return bytes(code) + bytes(-len(code) % 8)


def _arm64(places: _Places, length: int) -> bytes:
    """The same for AArch64."""
    code: list[int] = []

    def away(target: int) -> int:
        return target - places.code - 4 * len(code)

    def adr(register: int, target: int) -> None:
        far = away(target)
        code.append(0x10000000 | (far & 3) << 29 | (far >> 2 & 0x7FFFF) << 5 | register)

    def call(slot: int) -> None:
        code.append(0x58000000 | (away(slot) >> 2 & 0x7FFFF) << 5 | 16)  # ldr x16, slot
        code.append(0xD63F0200)  # blr x16

    adr(0, places.version)
    code.append(0xD65F03C0)  # ret
    code.extend((0xA9BD7BFD, 0xA90153F3))  # stp x29, x30, [sp, -48]!; stp x19, x20, [sp, 16]
    code.extend((0xAA0003F3, 0xAA0103F4))  # mov x19, x0; mov x20, x1
    adr(1, places.version)
    code.append(0xD2800002 | length << 5)  # mov x2, length
    code.append(0x910083E3)  # add x3, sp, 32
    call(places.slots[0])
    code.extend((0xAA1303E0, 0xAA1403E1))  # mov x0, x19; mov x1, x20
    adr(2, places.name)
    code.append(0xF94013E3)  # ldr x3, [sp, 32]
    call(places.slots[1])
    code.append(0xAA1403E0)  # mov x0, x20
    code.extend((0xA94153F3, 0xA8C37BFD, 0xD65F03C0))  # ldp; ldp; ret
    return struct.pack(f"<{len(code)}I", *code)
