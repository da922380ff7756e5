"""What each answer of each channel means: the one table of them, through real HTTP on loopback.

A row is an answer, or a state of the registry; a column is a channel. Each cell says how the channel is
judged, how often it is looked at while there are three seconds to wait, and what a person is told. What only
waits is looked at again; what is wrong is looked at once more, past caches; what is final is asked no more.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.channels.judge import Judgement, judge
from pytest_relgate.channels.look import Look
from pytest_relgate.channels.outside import OBSERVERS
from pytest_relgate.channels.poll import Clock, Settled, settle
from pytest_relgate.github.api import Api
from pytest_relgate.model import State
from pytest_relgate.net.http import Http
from pytest_relgate.net.origins import Origins
from pytest_relgate.net.request import Credential, Request
from pytest_relgate.profile import Channel
from pytest_relgate.sandbox.twins.exchange import Answer, Reset
from pytest_relgate.sandbox.twins.server import serve
from release_pages import (
    ASSETS,
    CRATE,
    KINDS,
    MAIN,
    OTHER,
    SDIST,
    TGZ,
    WHEEL,
    Pages,
    document,
    expectation,
    formula,
    good,
    index,
    integrity,
    project,
    release,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_relgate.channels.observation import Observation
    from pytest_relgate.net.exchange import Outcome

WAIT = 3.0  # seconds: one look at once, one after two seconds, and no third
TOKEN = "Bearer not-for-anybody-else"
WORST = (State.FAILED, State.ERRORED, State.PENDING, State.PASSED)
HTML = b"<!doctype html><title>Please sign in</title>"
JSON = {"content-type": "application/json"}
LIMIT = b'{"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}'
REFUSED = b'{"message": "Resource not accessible by integration"}'


class Quick(Http):
    """A client with no patience, for a server that drips."""

    def ask(self, request: Request) -> Outcome:
        return super().ask(replace(request, limits=request.limits._replace(total=0.3)))


def drips() -> Answer:
    def spaces() -> Iterator[bytes]:
        while True:
            time.sleep(0.02)
            yield b" "

    return Answer(200, spaces(), JSON)


def resets() -> Answer:
    raise Reset


@dataclass(frozen=True)
class Row:
    """What is there, and what comes of it. ``pages`` are laid over those of a good release, by channel.

    ``looks`` at the channel, of which each asks ``asks`` times for the page that says it; ``again`` is
    whether a later look makes sense, or the seconds until then; ``says`` is what a person is told.
    """

    pages: dict[str, dict[str, Any]]
    state: State
    says: str
    looks: int
    again: bool | float
    asks: int = 1


def everywhere(answer: Any) -> dict[str, dict[str, Any]]:
    return {channel: {path: answer} for channel, path in MAIN.items()}


def waits(pages: dict[str, dict[str, Any]], says: str) -> Row:
    return Row(pages, State.PENDING, says, looks=2, again=True)


def retried(answer: Any, says: str, asks: int = 1) -> Row:
    return Row(everywhere(answer), State.ERRORED, says, looks=2, again=True, asks=asks)


def limited(answer: Any, seconds: float) -> Row:
    says = r"a rate limit is exceeded, it asks to wait \d+ s.*look again in \d+ s"
    return Row(everywhere(answer), State.ERRORED, says, looks=1, again=seconds)


def final(answer: Answer, says: str) -> Row:
    return Row(everywhere(answer), State.ERRORED, says, looks=1, again=False)


def wrong(pages: dict[str, dict[str, Any]], says: str) -> Row:
    return Row(pages, State.FAILED, says, looks=2, again=False)


def spent() -> Answer:
    reset = str(int(time.time()) + 900)
    return Answer(403, b"{}", {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset})


OLDER = {
    "github": {MAIN["github"]: None, "/repos/ada/demo/releases/latest": release(tag_name="v0.9.0")},
    "crates": {MAIN["crates"]: index({"vers": "0.9.0"})},
    "npm": {MAIN["npm"]: None, "/-/package/demo/dist-tags": {"latest": "0.9.0"}},
    "pypi": {MAIN["pypi"]: project("demo-0.9.0.tar.gz")},
    "homebrew": {MAIN["homebrew"]: formula("0.9.0")},
}
OLDER_TAG = {
    "github": {"/repos/ada/demo/releases/latest": release(tag_name="v0.9.0")},
    "npm": {"/-/package/demo/dist-tags": {"latest": "0.9.0"}},
}
SOME_MISSING = {"github": {MAIN["github"]: release(ASSETS[0])}, "pypi": {MAIN["pypi"]: project(WHEEL)}}
OPEN = {"github": {MAIN["github"]: release(immutable=False) | {"assets": [
    {"id": n, "name": name, "size": 0, "state": "open", "url": "BASE"} for n, name in enumerate(ASSETS)
]}}}  # fmt: skip
OTHER_DIGEST = {
    "github": {f"/files/{ASSETS[0]}": b"other bytes"},
    "crates": {MAIN["crates"]: index({"cksum": OTHER})},
    "npm": {MAIN["npm"]: document(dist={"tarball": f"BASE/files/{TGZ}", "integrity": integrity(b"other")})},
    "pypi": {f"/files/{SDIST}": b"other bytes"},
    "homebrew": {MAIN["homebrew"]: formula(digest=OTHER)},
}
OTHER_VERSION = {
    "crates": {MAIN["crates"]: index({"vers": "1.1.0"})},
    "npm": {"/-/package/demo/dist-tags": {"latest": "1.1.0"}},
    "pypi": {MAIN["pypi"]: project("demo-1.1.0.tar.gz")},
    "homebrew": {MAIN["homebrew"]: formula("1.1.0")},
}
OTHER_FILES = {
    "github": {MAIN["github"]: release(*ASSETS, "what-is-this.exe")},
    "npm": {
        MAIN["npm"]: document(dist={"tarball": "BASE/files/other.tgz", "integrity": ""}),
        "/files/other.tgz": b"",
    },
    "pypi": {MAIN["pypi"]: project(WHEEL, SDIST, "demo-1.0.0-1-py3-none-any.whl")},
    "homebrew": {MAIN["homebrew"]: formula().replace(b"_linux_amd64", b"_linux_arm64")},
}
WITHDRAWN = {
    "github": {MAIN["github"]: release(draft=True, immutable=True)},
    "crates": {MAIN["crates"]: index({"yanked": True})},
    "npm": {MAIN["npm"]: document(deprecated="use another")},
    "pypi": {MAIN["pypi"]: project(yanked="broken")},
    "homebrew": {MAIN["homebrew"]: formula(more='  disable! date: "2020-01-01", because: :unmaintained\n')},
}
MARKED = {"github": {MAIN["github"]: release(prerelease=True)}}
LOOK_AGAIN = "look again later, or wait with --release-wait"

TABLE: dict[str, Row] = {
    "as it should be": Row({channel: {} for channel in MAIN}, State.PASSED, "", looks=1, again=False),
    # pending: the world has not caught up
    "404": waits(everywhere(Answer(404)), LOOK_AGAIN),
    "410": waits(everywhere(Answer(410)), LOOK_AGAIN),
    "an older version": waits(OLDER, LOOK_AGAIN),
    "an older tag": waits(OLDER_TAG, f"gets still 0.9.0.*{LOOK_AGAIN}"),
    "some files missing": waits(SOME_MISSING, f"lacks demo.*{LOOK_AGAIN}"),
    "still open": waits(OPEN, f"lacks demo.*{LOOK_AGAIN}"),
    # unknown: asked again, and given up at the deadline
    "500": retried(Answer(500), "answered 500.*look again; the service has trouble", asks=3),
    "502": retried(Answer(502), "answered 502.*look again; the service has trouble", asks=3),
    "408": retried(Answer(408), "answered 408.*look again; the service has trouble", asks=3),
    "timeout": retried(drips, "no whole answer came within 0.3 s.*look again; if it stays"),
    "reset": retried(resets, "the connection was .*look again; if it stays", asks=3),
    "broken": retried(Answer(200, b'{"a', JSON), "expected .*, found .*(look again|publishes)"),
    "html": retried(Answer(200, HTML, {"content-type": "text/html"}), "expected .*found HTML.*look again"),
    # a limit: waited for, and not past the deadline
    "429": limited(Answer(429, b"", {"retry-after": "40"}), 40),
    "429 that says no time": limited(Answer(429), 60),
    "403 of a limit": limited(spent, 900),
    "403 of a secondary limit": limited(Answer(403, LIMIT, JSON), 60),
    "503 that says a time": limited(Answer(503, b"", {"retry-after": "50"}), 50),
    # refused is final
    "401": final(Answer(401, b"{}"), "access was refused.*(gh auth login|without credentials)"),
    "403": final(Answer(403, REFUSED, JSON), "access was refused.*(gh auth login|without credentials)"),
    # elsewhere: final, and not followed
    "redirect": final(
        Answer(302, b"", {"location": "ELSEWHERE"}),
        "it was redirected to http://127.0.0.1:.*was not followed.*name the right one",
    ),
    # wrong: one look past caches, then final
    "another digest": wrong(OTHER_DIGEST, "(is not what was built|other bytes).*publish the next version"),
    "another version": wrong(OTHER_VERSION, "1.1.0.*find out who published it"),
    "another set of files": wrong(OTHER_FILES, "is there and is not expected.*find out who put it there"),
    "withdrawn": wrong(WITHDRAWN, "(yanked|deprecated|disabled|draft).*find out who did it and why"),
    "wrong mark": wrong(MARKED, "is marked prerelease, and is not.*take the mark off"),
    "451": wrong(everywhere(Answer(451)), "is withheld.*find out who did it and why"),
}

NOT_THERE = {
    ("an older tag", "crates"): "the index has no tags: its highest version is what is given",
    ("an older tag", "pypi"): "the index has no tags: its highest version is what is given",
    ("an older tag", "homebrew"): "a tap has one version at a time",
    ("some files missing", "crates"): "a version there is one file",
    ("some files missing", "npm"): "a version there is one file",
    ("some files missing", "homebrew"): "a formula comes whole: another set of files",
    ("broken", "homebrew"): "a formula has no frame: what is cut off is another formula",
    ("another version", "github"): "a release is asked for by its tag",
    ("another set of files", "crates"): "a version there is one file, named by the version",
    **{("still open", one): "uploads there are not seen" for one in ("crates", "npm", "pypi", "homebrew")},
    **{("wrong mark", one): "it has no such mark" for one in ("crates", "npm", "pypi", "homebrew")},
}
"""Cells that cannot be, and why."""

CELLS = [(row, channel) for row in TABLE for channel in MAIN if (row, channel) not in NOT_THERE]


def test_the_table_has_no_hole() -> None:
    """Every row has every channel, or says why it cannot have it."""
    assert {(row, one) for row in TABLE for one in TABLE[row].pages} >= set(CELLS)
    assert {(row, one) for row in TABLE for one in MAIN} == {*CELLS, *NOT_THERE}


@dataclass
class Seen:
    """How a channel settled, what was asked of it, and how long was waited."""

    settled: Settled
    asked: list[Any]
    elsewhere: list[Any]
    slept: list[float]

    @property
    def state(self) -> State:
        judgement = self.settled.judgement
        return min((judgement.state(one) for one in judgement.opinions), key=WORST.index)

    @property
    def told(self) -> str:
        judgement = self.settled.judgement
        mine = [one for one in judgement.opinions if judgement.state(one) is self.state]
        return "\n".join(f"{one.words} - {one.do}" for one in mine)


@pytest.fixture
def seen() -> Iterator[Callable[..., Seen]]:
    """Look at a channel until it settles; the clock goes on by sleeping alone."""
    closing: list[Any] = []

    def see(channel: str, pages: dict[str, Any], wait: float = WAIT) -> Seen:
        there, said = Pages({}), Pages(good())
        served, other = serve(said), serve(there)
        client = Quick if drips in pages.values() else Http
        http = client((Credential(served.url, TOKEN),), sleep=lambda _: None)
        closing.extend((http, served, other))
        for path, page in pages.items():
            leads = isinstance(page, Answer) and "location" in page.headers
            said.pages[path] = replace(page, headers={"location": f"{other.url}{path}"}) if leads else page
            if page is None:
                del said.pages[path]
        slept, clock = list[float](), [0.0]

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            clock[0] += seconds

        tap = "ada/homebrew-tap" if channel == "homebrew" else ""
        at = Look(
            name=channel,
            channel=Channel(KINDS[channel], tap=tap),  # type: ignore[arg-type]  # a kind of the table
            package="demo",
            expected=expectation(channel),
            tag="v1.0.0",
            http=http,
            origins=Origins(*[served.url] * 8),
            api=Api(http, served.url, tap or "ada/demo"),
            largest=1000,
            over=lambda: False,
        )

        def look(fresh: bool) -> Observation:
            at.begin(fresh=fresh)
            return OBSERVERS[KINDS[channel]](at)

        def say(observed: Observation, twice: bool) -> Judgement:
            return judge(observed, at.expected, age=None, looked_twice=twice)

        settled = settle(look, say, wait=wait, clock=Clock(lambda: clock[0], sleep, lambda: 1.0))
        return Seen(settled, said.asked, there.asked, slept)

    yield see
    for one in closing:
        one.close()


@pytest.mark.parametrize(("row", "channel"), CELLS, ids=[f"{row}-{channel}" for row, channel in CELLS])
def test_an_answer_means_what_the_table_says(seen: Callable[..., Seen], row: str, channel: str) -> None:
    cell = TABLE[row]
    found = seen(channel, cell.pages[channel])
    assert found.state is cell.state, found.told
    assert re.search(cell.says, found.told, re.DOTALL), found.told
    assert found.settled.looks == cell.looks
    asked = [request for request in found.asked if request.path == MAIN[channel]]
    assert len(asked) == cell.looks * cell.asks
    assert found.elsewhere == []
    if isinstance(cell.again, bool):
        assert bool(found.settled.again) is cell.again
    else:
        assert found.settled.again == pytest.approx(cell.again, abs=5)
    if cell.state is State.FAILED:  # at once, and past caches
        assert found.slept == []
        assert [one.headers.get("cache-control", "") for one in asked] == ["", "no-cache"]
    else:
        assert found.slept == [2.0] * (cell.looks - 1)


def test_a_limit_that_ends_in_time_is_waited_for(seen: Callable[..., Seen]) -> None:
    """It is asked for when the server said, and not before."""
    answers = iter([Answer(429, b"", {"retry-after": "40"})])
    pages = {MAIN["npm"]: lambda: next(answers, None) or Answer(404)}
    found = seen("npm", pages, wait=42.0)
    assert found.slept == [41.0]
    assert found.state is State.PENDING


def test_what_is_wrong_in_a_cache_alone_is_not_wrong(seen: Callable[..., Seen]) -> None:
    """The second look goes past caches: a stale answer that looked wrong calls no release bad."""
    stale = iter([Answer(200, index({"cksum": OTHER}))])
    found = seen("crates", {MAIN["crates"]: lambda: next(stale, None) or Answer(200, index())})
    assert found.state is State.PASSED
    assert found.settled.looks == 2


def test_no_file_is_asked_for_under_a_name_that_is_not_expected(seen: Callable[..., Seen]) -> None:
    found = seen("crates", {})
    assert [one.path for one in found.asked] == [MAIN["crates"], "/config.json", f"/files/{CRATE}"]
