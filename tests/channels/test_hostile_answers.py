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

from mutated import TOKEN, Bytes, Page, Pages, Replay, changed
from pytest_relgate.channels.judge import Standing, judge
from pytest_relgate.channels.ledger import Ledger, ledger_of
from pytest_relgate.channels.look import Look
from pytest_relgate.channels.observation import Expectation, Observation, Presence
from pytest_relgate.channels.outside import OBSERVERS, Outside, surroundings
from pytest_relgate.github.api import Api
from pytest_relgate.net import transport
from pytest_relgate.net.facts import Unknown
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
FACTS = ("version", "files", "digests", "flags")


@dataclass
class World:
    """The answers of a good release, and the means to look at others."""

    profile: Profile
    origins: Origins
    expected: dict[str, Expectation]
    pages: dict[str, Pages]
    http: Http
    replay: Replay
    lists: dict[str, Pages] = field(default_factory=dict)

    def look(self, name: str, pages: Pages) -> tuple[Observation, dict[str, Standing]]:
        """Look twice at a channel that answers so, and judge it."""
        at = self.at(name)
        self.replay.pages, self.replay.entrusted, self.replay.asked = pages, set(), 0
        at.begin(fresh=True)
        seen = OBSERVERS[at.channel.kind](at)
        judgement = judge(seen, self.expected[name], age=None, looked_twice=True)
        return seen, {fact: getattr(judgement, fact).standing for fact in FACTS}

    def at(self, name: str) -> Look:
        """The means to look at a channel."""
        channel = self.profile.channels[name]
        api = Api(self.http, self.origins.github_api, channel.tap or self.profile.repository)
        return Look(
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
        assert outside.channels.history.ledgers  # the lists of versions are recorded too
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
    for name in ("npm", "pypi", "crates", "github"):
        listed: Pages = {}
        made.lists[name] = listed

        def found(request: httpx.Request, listed: Pages = listed) -> None:
            listed[str(request.url)] = kept[str(request.url)]

        replay.pages = kept
        http._client.event_hooks = {"request": [found]}
        ledger = ledger_of(made.at(name))
        assert isinstance(ledger, Ledger)
        assert VERSION in ledger.versions
    http._client.event_hooks = {}
    box.close()
    yield made
    http.close()


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

    @settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
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


def keys(before: bytes, value: bytes, after: bytes) -> bytes:
    """A document with a table of as many keys as it has room for."""
    rows = b",".join(b'"%x":%s' % (number, value) for number in range(DOCUMENT // (len(value) + 10)))
    return before + rows + after


ROWS = b'{"name":"plasmite","files":['
NPM = b'{"name":"plasmite","version":"0.1.9","dist":{"tarball":""},'
LARGE = [
    ("pypi", "/simple/plasmite/", many(ROWS, b'{"filename":"","url":"","hashes":{}}', b"]}")),
    ("pypi", "/simple/plasmite/", many(ROWS, b'{"filename":"a","url":"","hashes":{"a":"","b":""}}', b"]}")),
    ("crates", "/pl/as/plasmite", many(b"", b'{"name":"plasmite","vers":"","cksum":""}', b"", b"\n")),
    ("npm", f"/plasmite/{VERSION}", many(b"{", b'"a":{"a":[0]}', b"}")),
    ("npm", f"/plasmite/{VERSION}", keys(NPM + b'"optionalDependencies":{', b'"a"', b"}}")),
    ("npm", f"/plasmite/{VERSION}", NPM + b'"repository":' + b"[" * 900 + b"]" * 900 + b"}"),
    ("npm", f"/plasmite/{VERSION}", many(NPM + b'"repository":[', b"[]", b"]}")),
    ("npm", "/-/package/plasmite/dist-tags", keys(b"{", b'"a"', b"}")),
    ("npm", "/-/package/plasmite/dist-tags", b'{"latest":"' + b"a" * (DOCUMENT - 99) + b'\xf0\x9f\x98\x80"}'),
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
    assert set(standings.values()) != {Standing.SERVED}


LEDGERS = [
    ("npm", "/plasmite", keys(b'{"versions":{', b"{}", b"}}")),
    ("npm", "/plasmite", keys(b'{"versions":{', b'{"a":[]}', b"}}")),
    (
        "pypi",
        "/simple/plasmite/",
        many(ROWS, b'{"filename":"a-1-py3-none-any.whl","url":"","hashes":{}}', b"]}"),
    ),
    ("crates", "/pl/as/plasmite", many(b"", b'{"name":"plasmite","vers":"","cksum":""}', b"", b"\n")),
    ("github", "/releases", many(b"[", b'{"tag_name":"v1.0.0","draft":false}', b"]")),
]


@pytest.mark.parametrize(
    ("name", "path", "body"), LEDGERS, ids=[f"{row[0]}-{n}" for n, row in enumerate(LEDGERS)]
)
def test_no_list_of_versions_takes_more_than_64_mib(world: World, name: str, path: str, body: bytes) -> None:
    look = world.at(name)
    base = {"npm": world.origins.npm, "pypi": world.origins.pypi, "crates": world.origins.crates_index}
    address = base.get(name, f"{world.origins.github_api}/repos/{world.profile.repository}") + path
    more = {f"{address}?per_page=30&page={number}": Page(body) for number in range(1, 35)}
    world.replay.pages = {address: Page(body), **more}
    tracemalloc.start()
    try:
        found = ledger_of(look)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20
    assert isinstance(found, Unknown) or not found.versions.keys() & {VERSION}


@pytest.mark.parametrize("name", ["npm", "pypi", "crates", "github"])
def test_no_list_of_versions_gives_a_traceback_or_a_version_that_it_lacks(world: World, name: str) -> None:
    """The weekly look: a version stands in the ledger only where it stands in the list."""
    pages = {**world.pages[name], **world.lists[name]}

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        url = data.draw(st.sampled_from(sorted(world.lists[name])))
        world.replay.pages = pages | {url: data.draw(changed(pages[url]))}
        world.replay.entrusted = set()
        found = ledger_of(world.at(name))
        if isinstance(found, Unknown):
            assert found.words.strip()
            assert found.do
            assert "\n" not in found.words
        elif VERSION in found.versions:
            assert VERSION in text_of(world.replay.pages[url])
        assert world.replay.entrusted <= {world.origins.github_api}

    hold()


def test_a_file_that_is_listed_a_thousand_times_is_not_read_a_thousand_times(world: World) -> None:
    pages = world.pages["pypi"]
    (url,) = [url for url in pages if url.endswith("/simple/plasmite/")]
    document = read(pages[url])
    (row,) = [row for row in document["files"] if row["filename"] == f"plasmite-{VERSION}.tar.gz"]
    document["files"] += [row | {"url": f"{row['url']}?{number}"} for number in range(1000)]
    _, standings = world.look("pypi", pages | {url: Page(json.dumps(document).encode())})
    assert standings["files"] is Standing.DIVERGED
    assert world.replay.asked < len(pages)
