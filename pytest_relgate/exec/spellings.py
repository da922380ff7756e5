"""The ways in which one secret is written in logs, reports and requests. Pure."""

from __future__ import annotations

import base64
import json
import re
from itertools import product
from typing import Final
from urllib.parse import quote_from_bytes

SHORTEST_BASE64: Final = 8
"""Bytes from which the base64 forms of a value are looked for; those of shorter ones are too common."""

_GO_JSON: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_ESCAPE: Final = re.compile("%[0-9A-F]{2}")
_QUOTES: Final = ('"', "&quot;", "&#34;")
_APOSTROPHES: Final = ("'", "&#x27;", "&#39;", "&apos;")


def spellings(secret: str) -> frozenset[str]:
    """Every form of ``secret`` that is looked for: plain, and as URLs, JSON, Python, XML and base64 have it.

    JSON inside an HTML attribute (as pytest-html writes it) is among them. Base64 that a tool broke into
    lines is not: its breaks fall anywhere.
    """
    raw = encoded(secret)
    written = {secret, repr(secret)[1:-1], *_json(secret)}
    return frozenset(
        {form for text in written for form in _markup(text)}
        | _urls(raw)
        | (_base64(raw) if len(raw) >= SHORTEST_BASE64 else frozenset())
    )


def encoded(text: str) -> bytes:
    """``text`` as bytes, as a process writes it: os.environ marks undecodable bytes with surrogates."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def decoded(raw: bytes) -> str:
    """The text that ``encoded`` made ``raw`` of."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogateescape")


def _json(text: str) -> set[str]:
    """JSON string bodies; PHP escapes the slash, Go's encoder escapes what HTML would read."""
    plain = {json.dumps(text, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    return {form for body in plain for form in (body, body.replace("/", "\\/"), body.translate(_GO_JSON))}


def _markup(text: str) -> set[str]:
    """XML and HTML text and attribute values; escapers disagree about the two quotes."""
    body = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {text} | {
        body.replace('"', quote).replace("'", apostrophe)
        for quote, apostrophe in product(_QUOTES, _APOSTROPHES)
    }


def _urls(raw: bytes) -> set[str]:
    """Percent-encodings, with the slash kept or not, with %20 or + for the blank, in both letter cases."""
    upper = {quote_from_bytes(raw, safe=safe) for safe in ("", "/", "-_.!~*'()")}
    lower = {_ESCAPE.sub(lambda escape: escape[0].lower(), form) for form in upper}
    return {form for body in upper | lower for form in (body, body.replace("%20", "+"))}


def _base64(raw: bytes) -> frozenset[str]:
    """Base64 of ``raw`` wherever it stands in a longer text: the characters that depend on it alone.

    Three bytes make four characters, so there are three alignments. At each, the characters that share
    bits with a neighbour are left out; they tell at most four bits of the secret on either side.
    """
    found: set[str] = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        found.add(encode(raw).decode("ascii"))
        for before, shared in ((0, 0), (1, 2), (2, 3)):
            body = encode(bytes(before) + raw).decode("ascii").rstrip("=")
            found.add(body[shared : -1 if (before + len(raw)) % 3 else None])
    return frozenset(found)
