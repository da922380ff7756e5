"""The body of an answer: read as it comes, hashed, kept or passed on, never more than it may have."""

from __future__ import annotations

import hashlib
import zlib
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING

from pytest_relgate.net.exchange import Why, shown
from pytest_relgate.net.hop import Stop

if TYPE_CHECKING:
    import httpx

    from pytest_relgate.net.hop import Hop
    from pytest_relgate.net.request import Request


def take(hop: Hop, response: httpx.Response, request: Request) -> None:
    """Read the body as it comes and hash it; keep it unless only its digests are wanted.

    What is no 200 is kept, whatever was wanted: it may say why. Raises Stop for a body that is too large, or
    packed in a way that was not asked for.
    """
    limits = request.limits
    stated = hop.headers.get("content-length", "")
    if stated.isascii() and stated.isdigit() and int(stated) > limits.size:
        raise Stop(Why.TOO_LARGE, f"it is {int(stated)} bytes, more than the {limits.size} that it may have")
    whole = not request.algorithms or hop.status != HTTPStatus.OK
    hashes = {name: hashlib.new(name) for name in (*request.algorithms, "sha256")}
    most = min(limits.whole if whole else limits.size, limits.size)
    encoding = hop.headers.get("content-encoding", "").strip().lower()
    if not whole and encoding not in ("", "identity"):
        words = f"it came in the encoding {shown(encoding)!r}, so that its own bytes cannot be told"
        raise Stop(Why.ENCODING, words)
    document = _Document(encoding, most)
    if request.into is not None:  # of a try that broke off nothing stays
        request.into.seek(0)
        request.into.truncate()
    for chunk in response.iter_raw():
        hop.size += len(chunk)
        if hop.size > most:
            raise Stop(Why.TOO_LARGE, f"it goes on after the {most} bytes that it may have")
        for one in hashes.values():
            one.update(chunk)
        if whole:
            document.add(chunk)
        elif request.into is not None:
            request.into.write(chunk)
    hop.digests = {name: one.hexdigest() for name, one in hashes.items()}
    if whole:
        hop.body = document.end()


class _Document:
    """A body that is kept, unpacked where it was packed although identity was asked for.

    Never more than ``most`` bytes of it, however small they came.
    """

    def __init__(self, encoding: str, most: int) -> None:
        self._encoding, self._most = encoding.strip().lower(), most
        self._kept = BytesIO()  # gives its bytes out without a second copy
        self._size = 0
        self._began = False
        packed = self._encoding in ("gzip", "x-gzip", "deflate")
        self._unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32) if packed else None

    def add(self, chunk: bytes) -> None:
        """Take the next bytes as they came."""
        self._began = True
        if self._unpacker is None:
            if self._encoding not in ("", "identity"):
                words = f"it came in the encoding {shown(self._encoding)!r}, and identity was asked for"
                raise Stop(Why.ENCODING, words)
            plain = chunk
        else:
            try:
                plain = self._unpacker.decompress(chunk, self._most + 1 - self._size)
            except zlib.error as error:
                raise Stop(Why.ENCODING, f"it is said to be {self._encoding} and is not: {error}") from None
        self._size += len(plain)
        if self._size > self._most:
            raise Stop(Why.TOO_LARGE, f"it unpacks to more than the {self._most} bytes that it may have")
        self._kept.write(plain)

    def end(self) -> bytes:
        """Return the whole."""
        if self._unpacker is not None and self._began and not self._unpacker.eof:
            raise Stop(Why.TRUNCATED, f"its {self._encoding} breaks off after {self._size} bytes")
        return self._kept.getvalue()
