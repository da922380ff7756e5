"""Snappy's raw format, as far as packing goes (google/snappy, format_description.txt)."""

from __future__ import annotations

_SHORTEST = 4  # bytes of a repetition that is worth a copy
_LONGEST = 64  # bytes that one copy may stand for
_FARTHEST = 0xFFFF  # bytes that a copy with a two-byte offset reaches back
_SHORT_LITERAL = 60


def compressed(raw: bytes) -> bytes:
    """Pack bytes: their length, then literals and copies of what came before."""
    out = bytearray(_varint(len(raw)))
    seen: dict[bytes, int] = {}
    start = at = 0
    while at + _SHORTEST <= len(raw):
        key = raw[at : at + _SHORTEST]
        before = seen.get(key)
        seen[key] = at
        if before is None or at - before > _FARTHEST:
            at += 1
            continue
        length = _SHORTEST
        while length < _LONGEST and at + length < len(raw) and raw[before + length] == raw[at + length]:
            length += 1
        out += _literal(raw[start:at])
        out += bytes([(length - 1) << 2 | 2]) + (at - before).to_bytes(2, "little")
        at += length
        start = at
    return bytes(out + _literal(raw[start:]))


def _literal(raw: bytes) -> bytes:
    if not raw:
        return b""
    last = len(raw) - 1
    if last < _SHORT_LITERAL:
        return bytes([last << 2]) + raw
    width = (last.bit_length() + 7) // 8
    return bytes([(_SHORT_LITERAL - 1 + width) << 2]) + last.to_bytes(width, "little") + raw


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004  (seven bits to a byte)
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
