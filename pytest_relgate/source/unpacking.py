"""A compressed stream that is read forward only, once, as fast as zlib goes. Pure but for memory.

tarfile asks for 512 bytes here and there and leaves out the rest. What it leaves out is unpacked all the
same, in pieces that are thrown away at once: that checks the sum that gzip, xz and bzip2 have, and counts
what an archive grows to.
"""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    _Stream: TypeAlias = "_Inflate | lzma.LZMADecompressor | bz2.BZ2Decompressor"

_TAKEN: Final = 1 << 16
"""Most compressed bytes that are handed over at once."""
_GIVEN: Final = 1 << 18
"""Most bytes that one piece unpacks to; larger ones cost more, because memory is asked of the system."""
_FIRST: Final = 1 << 10
"""Compressed bytes that are handed over at first: a file may be many streams, one behind another."""
_MEMORY: Final = 512 << 20
"""Bytes that xz may ask for to unpack; its strongest preset needs 65 MiB."""


class _Inflate:
    """gzip (RFC 1952) through zlib, which checks its CRC-32 and length, with the manners of bz2 and lzma."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def decompress(self, piece: bytes, most: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail or piece, most)

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _unxz() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY)


_BY_MAGIC: Final[tuple[tuple[bytes, Callable[[], _Stream]], ...]] = (
    (b"\x1f\x8b", _Inflate),
    (b"\xfd7zXZ\0", _unxz),
    (b"BZh", bz2.BZ2Decompressor),
)


class Unpacked:
    """What gzip, xz or bzip2 packed; ``read``, ``seek`` (forward only) and ``tell`` are those of a file.

    ``spend`` is called with the number of bytes of each piece, and raises what it likes.
    """

    def __init__(self, packed: BinaryIO, spend: Callable[[int], None]) -> None:
        """Raise ValueError where ``packed`` is packed by none of the three."""
        self._packed, self._spend = packed, spend
        self._piece, self._from, self._before = b"", 0, 0
        self._take = _FIRST
        packed.seek(0)
        self._next_stream()

    def tell(self) -> int:
        """How many unpacked bytes were read or passed over."""
        return self._before + self._from

    def seek(self, place: int) -> int:
        """Go forward to a place, or to the end where that comes before it. Raises ValueError backwards."""
        if place < self.tell():
            message = "a header leads back"
            raise ValueError(message)
        while place > self._before + len(self._piece) and self._more():
            pass
        self._from = min(place - self._before, len(self._piece))
        return self.tell()

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end."""
        got = self._piece[self._from : self._from + size]
        self._from += len(got)
        while len(got) < size and self._more():
            more = self._piece[: size - len(got)]
            self._from = len(more)
            got += more
        return got

    def to_the_end(self) -> None:
        """Unpack what is left: the sum stands at the end."""
        while self._more():
            pass

    def _more(self) -> bool:
        """Go on to the next piece; False at the end."""
        while True:
            if self._stream.eof:
                self._packed.seek(-len(self._stream.unused_data), io.SEEK_CUR)
                if not self._is_more():
                    return False
                self._next_stream()
            needs = self._stream.needs_input
            fresh = self._fresh() if needs else b""
            got = self._stream.decompress(fresh, _GIVEN)
            if got:
                self._spend(len(got))
                self._before += len(self._piece)
                self._piece, self._from = got, 0
                return True
            if needs and not fresh and not self._stream.eof:
                message = "its end is missing"
                raise EOFError(message)

    def _fresh(self) -> bytes:
        self._take = min(self._take * 2, _TAKEN)
        return self._packed.read(self._take)

    def _is_more(self) -> bool:
        """Whether anything but zeros stands from here on, and go to it; tapes are filled up with zeros."""
        while piece := self._packed.read(_TAKEN):
            if behind := piece.lstrip(b"\0"):
                self._packed.seek(-len(behind), io.SEEK_CUR)
                return True
        return False

    def _next_stream(self) -> None:
        """Begin a stream: the first, or one more that was put behind it, which all three formats allow."""
        at = self._packed.tell()
        magic = self._packed.read(6)
        self._packed.seek(at)
        new = next((new for known, new in _BY_MAGIC if magic.startswith(known)), None)
        if new is None:
            message = (
                "something that is not packed stands behind its end"
                if at
                else "it is not compressed, as its name says that it is"
            )
            raise ValueError(message)
        self._stream, self._take = new(), _FIRST
