"""Answers of servers, recorded and changed: what fuzzing of the parsers is made of. No sockets."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "Bearer not-for-anybody-else"


@dataclass(frozen=True)
class Page:
    """What a server answers to one address."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Pages = dict[str, Page]


class Bytes(httpx.SyncByteStream):
    """A body that comes as it is, whatever its headers say."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self.body


class Replay(httpx.BaseTransport):
    """Answers from pages; keeps what was asked with credentials."""

    def __init__(self, _: object = None) -> None:
        self.pages: Pages = {}
        self.entrusted: set[str] = set()
        self.asked = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if TOKEN in request.headers.values():
            self.entrusted.add(f"{request.url.scheme}://{request.url.netloc.decode()}")
        page = self.pages.get(str(request.url).partition("?relgate=")[0], Page(b"{}", 404))
        return httpx.Response(page.status, headers=page.headers, stream=Bytes(page.body))


HTML = b"<!doctype html><title>Sign in</title>"
ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**400, "", "0", "x" * 300, [], {}, [[]], {"": None},
    "http://[", "//", "ftp://a/b", "http://127.0.0.1:9/x", "http://a:99999/x", "../..", "\x00", "0.1.10",
    "v0.1.10", "0.1.8", "9.9.9-rc.1", "yanked", "sha256:" + "0" * 64, "0" * 64,
]  # fmt: skip


TOLD = [
    (b'"yanked":false', b'"yanked":true'),
    (b'"draft":false', b'"draft":true'),
    (b'"draft": false', b'"draft": true'),
    (b'"prerelease":false', b'"prerelease":true'),
    (b'"prerelease": false', b'"prerelease": true'),
    (b'"uploaded"', b'"open"'),
    (b'{"', b'{"deprecated":"use another","'),
    (b"0.1.9", b"0.1.10"),
]
"""What a true answer tells, and a lie in its place."""


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document."""
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*at, key))
    elif isinstance(value, list):
        for key, inner in enumerate(value[:40]):
            yield from places(inner, (*at, key))


def put(value: Any, at: tuple[Any, ...], new: Any, *, drop: bool) -> Any:
    """The same document with something else, or nothing, in one place."""
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if drop and len(at) == 1:
        del copy[at[0]]
    else:
        copy[at[0]] = put(value[at[0]], at[1:], new, drop=drop)
    return copy


def document_of(page: Page) -> Any:
    """A page's document; None where it is none."""
    try:
        return json.loads(page.body)
    except ValueError:
        return None


@st.composite
def changed(draw: st.DrawFn, page: Page) -> Page:  # noqa: C901, PLR0911  (a case each)
    """Another answer than the true one."""
    headers, body = dict(page.headers), page.body
    document = document_of(page)
    kinds = ["cut", "flip", "random", "html", "nested", "labelled", "packed", "status", "empty", "twice"]
    kinds += ["value", "value", "value", "value", "drop", "constant"] if document is not None else ["line"]
    told = [pair for pair in TOLD if pair[0] in body]
    kinds += ["told"] * 4 if told else []
    match draw(st.sampled_from(kinds)):
        case "told":  # the last one is mostly the newest
            old, new = draw(st.sampled_from(told))
            before, _, after = body.rpartition(old) if draw(st.booleans()) else body.partition(old)
            return Page(before + new + after, 200, headers)
        case "cut":
            return Page(body[: draw(st.integers(0, max(0, len(body) - 1)))], 200, headers)
        case "flip":
            at = draw(st.integers(0, max(0, len(body) - 1)))
            return Page(body[:at] + bytes([draw(st.integers(0, 255))]) + body[at + 1 :], 200, headers)
        case "random":
            return Page(draw(st.binary(max_size=60)), 200, headers)
        case "html":
            return Page(HTML, 200, headers | {"content-type": draw(st.sampled_from(["text/html", "x"]))})
        case "nested":
            opening = draw(st.sampled_from([b"[", b'{"":', b'{"dist":', b'[{"assets":']))
            return Page(opening * 20_000, 200, headers)
        case "labelled":
            coding = draw(
                st.sampled_from(["gzip", "deflate", "br", "x-gzip", "gzip, gzip", "\xff", "identity"])
            )
            return Page(body, 200, headers | {"content-encoding": coding})
        case "packed":
            packed = gzip.compress(draw(st.sampled_from([body, bytes(1 << 20), b""])), 1)
            return Page(
                packed[: draw(st.sampled_from([len(packed), 12]))],
                200,
                headers | {"content-encoding": "gzip"},
            )
        case "status":
            status = draw(
                st.sampled_from([201, 204, 206, 301, 304, 401, 403, 404, 410, 418, 429, 451, 500, 599])
            )
            more = draw(
                st.sampled_from(
                    [
                        {},
                        {"location": "http://127.0.0.1:9/"},
                        {"location": "http://["},
                        {"retry-after": "never"},
                        {"retry-after": "-1"},
                        {"age": "\xb2"},
                        {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9" * 30},
                    ]
                )
            )
            return Page(body, status, headers | more)
        case "twice":
            return Page(body + body, 200, headers)
        case "line":
            lines = body.split(b"\n")
            at = draw(st.integers(0, len(lines) - 1))
            with_ = draw(st.sampled_from([[], [lines[at]] * 2, [b"end"], [b"  if true"], [b'  url "x"']]))
            return Page(b"\n".join([*lines[:at], *with_, *lines[at + 1 :]]), 200, headers)
        case "value" | "drop" | "constant" as kind:
            at = draw(st.sampled_from(list(places(document))))
            new = "CONSTANT" if kind == "constant" else draw(st.sampled_from(ODD))
            text = json.dumps(put(document, at, new, drop=kind == "drop"))
            odd = draw(
                st.sampled_from(["NaN", "Infinity", "-0", "1e999", "1" * 5000, '"\\ud800"', '{"a":1,"a":2}'])
            )
            return Page(text.replace('"CONSTANT"', odd).encode(), 200, headers)
    return Page(b"", 200, headers)
