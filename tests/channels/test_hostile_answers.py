"""No answer of a registry, whatever its bytes, gives a traceback, or makes a channel serve what it does not.

The answers of the sandbox's twins are recorded once. Each example changes one or two of them and plays them
back without sockets; ``TRUE`` reads the same bytes on its own and says whether the release is really there.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_relgate.channels.judge import Standing, judge
from pytest_relgate.channels.look import Look
from pytest_relgate.channels.observation import Expectation, Observation, Presence
from pytest_relgate.channels.outside import OBSERVERS, Outside, surroundings
from pytest_relgate.github.api import Api
from pytest_relgate.net import transport
from pytest_relgate.net.http import Http
from pytest_relgate.net.request import DOCUMENT, Credential
from pytest_relgate.profile import Profile, load_profile
from pytest_relgate.sandbox.box import open_box
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_relgate.net.origins import Origins

ROOT = Path(__file__).parents[2]
TARGET, VERSION = "v0.1.9", "0.1.9"
CHANNELS = ("github", "crates", "npm", "pypi", "homebrew")
TOKEN = "Bearer not-for-anybody-else"
FACTS = ("version", "files", "digests", "flags")


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


@dataclass
class World:
    """The answers of a good release, and the means to look at others."""

    profile: Profile
    origins: Origins
    expected: dict[str, Expectation]
    pages: dict[str, Pages]
    http: Http
    replay: Replay

    def look(self, name: str, pages: Pages) -> tuple[Observation, dict[str, Standing]]:
        """Look twice at a channel that answers so, and judge it."""
        channel = self.profile.channels[name]
        api = Api(self.http, self.origins.github_api, channel.tap or self.profile.repository)
        at = Look(
            name,
            channel,
            channel.package or self.profile.project,
            self.expected[name],
            TARGET,
            self.http,
            self.origins,
            api,
            self.profile.built.largest,
            lambda: True,
            self.profile.repository,
        )
        self.replay.pages, self.replay.entrusted, self.replay.asked = pages, set(), 0
        at.begin(fresh=True)
        seen = OBSERVERS[channel.kind](at)
        judgement = judge(seen, self.expected[name], age=None, looked_twice=True)
        return seen, {fact: getattr(judgement, fact).standing for fact in FACTS}


@pytest.fixture(scope="module")
def world(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Record what the sandbox answers to each channel's observer."""
    kept: Pages = {}

    class Recording(transport.Transport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            answer = super().handle_request(request)
            body = b"".join(answer.iter_raw())
            headers = {name.lower(): value for name, value in answer.headers.items()}
            for framing in ("content-length", "transfer-encoding"):
                headers.pop(framing, None)
            kept[str(request.url).partition("?relgate=")[0]] = Page(body, answer.status_code, headers)
            return httpx.Response(answer.status_code, headers=headers, stream=Bytes(body))

    box = open_box(ROOT, (), {**os.environ, "XDG_CACHE_HOME": str(cache)})
    box.aim(TARGET)
    repository = Repository(Path(box.repository))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "Transport", Recording)
        outside = Outside(
            profile=load_profile(ROOT / "release_checks" / "relgate.toml"),
            target=TARGET,
            commit=next(tag.commit for tag in repository.tags() if tag.name == TARGET),
            repository=repository.path,
            origins=box.origins,
            environ=surroundings({}, sandbox=True),
            sandbox=True,
            evidence=tmp_path_factory.mktemp("evidence"),
        )
        expected = {one.name: one.expectation for one in outside.channels}
        outside.close()
        patch.setattr(transport, "Transport", Replay)
        http = Http((Credential(box.origins.github_api, TOKEN),), sleep=lambda _: None)
    replay = http._client._transport
    assert isinstance(replay, Replay)
    made = World(outside.profile, box.origins, expected, {}, http, replay)
    for name in CHANNELS:  # each channel's own pages: those that its observer asks for
        asked: Pages = {}
        made.pages[name] = asked

        def note(request: httpx.Request, asked: Pages = asked) -> None:
            url = str(request.url).partition("?relgate=")[0]
            asked[url] = kept[url]

        http._client.event_hooks = {"request": [note]}
        _, standings = made.look(name, kept)
        assert set(standings.values()) == {Standing.SERVED}, (name, standings)
        assert asked
    http._client.event_hooks = {}
    box.close()
    yield made
    http.close()


# -- what is changed ---------------------------------------------------------------------------------------

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


# -- what is true ------------------------------------------------------------------------------------------


def text_of(page: Page) -> str:
    """A page's text, unpacked where it says that it is packed; a sign that is none matters to nobody."""
    body = gzip.decompress(page.body) if "gzip" in page.headers.get("content-encoding", "") else page.body
    return body.decode(errors="replace")


def read(page: Page) -> Any:
    return json.loads(text_of(page), parse_int=lambda digits: int(digits[:20]))


def npm_is_true(pages: Pages, expected: Expectation) -> bool:
    tags = read(next(page for url, page in pages.items() if url.endswith("/dist-tags")))
    document = read(next(page for url, page in pages.items() if url.endswith(f"/{VERSION}")))
    return (
        tags["latest"] == document["version"] == VERSION
        and not document.get("deprecated")
        and document["dist"]["tarball"].rpartition("/")[2] in expected.files
    )


def pypi_is_true(pages: Pages, expected: Expectation) -> bool:
    rows = read(next(page for url, page in pages.items() if "/simple/" in url))["files"]
    mine = [row for row in rows if row["filename"] in expected.files]
    return (
        {row["filename"] for row in mine} == expected.files
        and not any(row.get("yanked", False) is not False for row in mine)
        and all(
            row["hashes"].get("sha256", right) == right
            for row in mine
            if (right := expected.digests[row["filename"]])
        )
        and not any("0.1.10" in row["filename"] for row in rows)
    )


def crates_is_true(pages: Pages, expected: Expectation) -> bool:
    index = text_of(next(page for url, page in pages.items() if url.endswith("/pl/as/plasmite")))
    rows = [json.loads(line) for line in index.split("\n") if line.strip()]
    mine = next(row for row in rows if row["vers"] == VERSION)
    return mine["cksum"] in expected.digests.values() and not mine.get("yanked", False)


def github_is_true(pages: Pages, expected: Expectation) -> bool:
    release = read(next(page for url, page in pages.items() if url.endswith(f"/releases/tags/{TARGET}")))
    latest = read(next(page for url, page in pages.items() if url.endswith("/releases/latest")))
    texts = [page.body for url, page in pages.items() if "/git/" in url]
    return (
        not release["draft"]
        and not release["prerelease"]
        and {asset["name"] for asset in release["assets"]} == expected.files
        and all(asset["state"] == "uploaded" for asset in release["assets"])
        and latest["tag_name"].removeprefix("v") == VERSION
        and bool(texts)
    )


def homebrew_is_true(pages: Pages, expected: Expectation) -> bool:
    formula = text_of(next(page for url, page in pages.items() if "/contents/" in url))
    return VERSION in formula and all(digest in formula.lower() for digest in expected.digests.values())


TRUE: dict[str, Callable[[Pages, Expectation], bool]] = {
    "github": github_is_true,
    "crates": crates_is_true,
    "npm": npm_is_true,
    "pypi": pypi_is_true,
    "homebrew": homebrew_is_true,
}


def right_bytes(name: str, pages: Pages, expected: Expectation) -> bool:
    """Whether every expected file is among the bytes that are served."""
    if name == "homebrew":  # it serves none
        return True
    served = {hashlib.sha256(page.body).hexdigest() for page in pages.values() if page.status == 200}
    return set(expected.digests.values()) <= served


# -- the tests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHANNELS)
def test_no_answer_makes_a_channel_serve_what_it_does_not(world: World, name: str) -> None:
    """Whatever is answered, it is an observation; served is only what other eyes find in the same bytes."""
    pages, expected = world.pages[name], world.expected[name]

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        given_ = dict(pages)
        for url in data.draw(st.lists(st.sampled_from(sorted(pages)), min_size=1, max_size=2, unique=True)):
            given_[url] = data.draw(changed(pages[url]))
        seen, standings = world.look(name, given_)
        assert isinstance(seen, Observation)
        if seen.presence is Presence.UNKNOWN:
            assert "\n" not in seen.problem
            assert seen.do
            assert set(standings.values()) == {Standing.UNKNOWN}
        if standings["digests"] is Standing.SERVED:
            assert right_bytes(name, given_, expected)
        if set(standings.values()) == {Standing.SERVED}:
            assert TRUE[name](given_, expected)
        assert world.replay.entrusted <= {world.origins.github_api}

    hold()


def many(before: bytes, row: bytes, after: bytes, between: bytes = b",") -> bytes:
    """A document of short rows, as large as one may be."""
    room = DOCUMENT - len(before) - len(after)
    return before + between.join([row] * (room // (len(row) + 1))) + after


ROWS = b'{"name":"plasmite","files":['
LARGE = [
    ("pypi", "/simple/plasmite/", many(ROWS, b'{"filename":"","url":"","hashes":{}}', b"]}")),
    ("pypi", "/simple/plasmite/", many(ROWS, b'{"filename":"a","url":"","hashes":{"a":"","b":""}}', b"]}")),
    ("crates", "/pl/as/plasmite", many(b"", b'{"name":"plasmite","vers":"","cksum":""}', b"", b"\n")),
    ("npm", f"/plasmite/{VERSION}", many(b"{", b'"a":{"a":[0]}', b"}")),
    ("npm", "/-/package/plasmite/dist-tags", b" " * (DOCUMENT + 1)),
]


@pytest.mark.parametrize(
    ("name", "path", "body"), LARGE, ids=[f"{row[0]}-{n}" for n, row in enumerate(LARGE)]
)
def test_no_document_takes_more_than_64_mib(world: World, name: str, path: str, body: bytes) -> None:
    (url,) = [url for url in world.pages[name] if url.endswith(path)]
    packed = body[:1] == b" "  # a bomb: megabytes of spaces
    page = Page(gzip.compress(body, 1), 200, {"content-encoding": "gzip"}) if packed else Page(body)
    tracemalloc.start()
    try:
        _, standings = world.look(name, world.pages[name] | {url: page})
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20
    assert standings["version"] is not Standing.SERVED


def test_a_file_that_is_listed_a_thousand_times_is_not_read_a_thousand_times(world: World) -> None:
    pages = world.pages["pypi"]
    (url,) = [url for url in pages if url.endswith("/simple/plasmite/")]
    document = read(pages[url])
    (row,) = [row for row in document["files"] if row["filename"] == f"plasmite-{VERSION}.tar.gz"]
    document["files"] += [row | {"url": f"{row['url']}?{number}"} for number in range(1000)]
    _, standings = world.look("pypi", pages | {url: Page(json.dumps(document).encode())})
    assert standings["files"] is Standing.DIVERGED
    assert world.replay.asked < len(pages)
