"""A base of one's own is asked in the place of the public registry: judged in full, or as a mirror."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from audit_pages import Said, npm, pypi
from pytest_relgate.channels.crates import observe as observe_crates
from pytest_relgate.channels.judge import Judgement, Standing, judge
from pytest_relgate.channels.look import Look
from pytest_relgate.channels.npm import observe as observe_npm
from pytest_relgate.channels.observation import Expectation, Observation
from pytest_relgate.channels.pypi import observe as observe_pypi
from pytest_relgate.github.api import Api
from pytest_relgate.net.http import Http
from pytest_relgate.net.origins import Origins
from pytest_relgate.profile import Channel
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Judge = Callable[..., tuple[Observation, Judgement]]

RAW = b"the bytes of a file"
SHA256 = hashlib.sha256(RAW).hexdigest()
NOWHERE = Origins(*["http://127.0.0.1:9"] * 8)
WHEEL = "demo-1.0.0-py3-none-any.whl"
OBSERVERS = {"npm": observe_npm, "pypi": observe_pypi, "crates": observe_crates}
NAMES = {"npm": "demo-1.0.0.tgz", "pypi": WHEEL, "crates": "demo-1.0.0.crate"}


def crates() -> dict[str, Any]:
    return {
        "/config.json": {"dl": "BASE/dl"},
        "/de/mo/demo": {"name": "demo", "vers": "1.0.0", "cksum": SHA256, "yanked": False},
        "/dl/demo/1.0.0/download": RAW,
    }


PAGES = {"npm": npm("demo", RAW), "pypi": pypi({WHEEL: RAW}), "crates": crates()}


@pytest.fixture
def judged() -> Iterator[Judge]:
    """Look for demo 1.0.0 at a base of one's own; the public addresses answer nothing."""
    closing: list[Any] = []

    def look(kind: str, pages: dict[str, Any], *, mirror: bool) -> tuple[Observation, Judgement]:
        served, http = serve(Said(pages)), Http(sleep=lambda _: None)
        closing.extend((http, served))
        base = f"{served.url}/simple" if kind == "pypi" else served.url
        files = frozenset({NAMES[kind]})
        expected = Expectation("1.0.0", "1.0.0", files, dict.fromkeys(files, SHA256))
        channel = Channel(kind, base=base, mirror=mirror)  # type: ignore[arg-type]  # a kind of the table
        api = Api(http, NOWHERE.github_api, "ada/demo")
        at = Look("it", channel, "demo", expected, "v1.0.0", http, NOWHERE, api, 1000, lambda: False)
        at.begin(fresh=False)
        seen = OBSERVERS[kind](at)
        return seen, judge(seen, expected, age=None, looked_twice=True)

    yield look
    for one in closing:
        one.close()


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("kind", list(OBSERVERS))
def test_what_it_serves_is_judged_in_full(judged: Judge, kind: str, mirror: bool) -> None:
    seen, judgement = judged(kind, PAGES[kind], mirror=mirror)
    assert {one.standing for one in judgement.opinions} == {Standing.SERVED}, judgement
    assert seen.mirror is mirror
    assert seen.files[0].served["sha256"] == SHA256


@pytest.mark.parametrize(
    ("mirror", "standing"), [(False, Standing.ABSENT), (True, Standing.UNKNOWN)], ids=["private", "mirror"]
)
@pytest.mark.parametrize("kind", list(OBSERVERS))
def test_what_it_lacks_is_absent_there_and_unknown_of_a_mirror(
    judged: Judge, kind: str, mirror: bool, standing: Standing
) -> None:
    assert judged(kind, {}, mirror=mirror)[1].version.standing is standing


@pytest.mark.parametrize("kind", ["npm", "pypi"])
def test_provenance_that_a_mirror_drops_is_unknown(judged: Judge, kind: str) -> None:
    assert judged(kind, PAGES[kind], mirror=False)[0].provenance is False
    assert judged(kind, PAGES[kind], mirror=True)[0].provenance is None


def test_a_tag_that_a_mirror_keeps_too_long_is_unknown(judged: Judge) -> None:
    pages = PAGES["npm"] | {"/-/package/demo/dist-tags": {"latest": "0.9.0"}}
    assert judged("npm", pages, mirror=False)[1].version.standing is Standing.LATE
    assert judged("npm", pages, mirror=True)[1].version.standing is Standing.UNKNOWN
    without = {name: page for name, page in pages.items() if "dist-tags" not in name}
    assert judged("npm", without, mirror=True)[1].version.standing is Standing.SERVED


@pytest.mark.parametrize("mirror", [False, True])
def test_other_bytes_are_wrong_wherever_they_are(judged: Judge, mirror: bool) -> None:
    pages = PAGES["pypi"] | {f"/files/{WHEEL}": b"other"}
    assert judged("pypi", pages, mirror=mirror)[1].digests.standing is Standing.DIVERGED


def test_a_private_index_may_have_its_crates_on_another_host(judged: Judge) -> None:
    other = serve(Said({"/dl/demo/1.0.0/download": RAW}))
    try:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        pages = crates() | {"/config.json": {"dl": f"{elsewhere}/dl"}}
        assert judged("crates", pages, mirror=False)[1].digests.standing is Standing.SERVED
    finally:
        other.close()


@pytest.mark.parametrize(
    ("said", "there"),
    [({"url": "https://x", "provenance": {"predicateType": "https://slsa.dev/provenance/v1"}}, True)]
    + [(nothing, False) for nothing in (None, False, {}, [], "")],
)
def test_an_attestation_that_says_nothing_is_none(judged: Judge, said: object, there: bool) -> None:
    pages = {**PAGES["npm"], "/demo/1.0.0": {**PAGES["npm"]["/demo/1.0.0"]}}
    pages["/demo/1.0.0"]["dist"] = {**pages["/demo/1.0.0"]["dist"], "attestations": said}
    assert judged("npm", pages, mirror=False)[0].provenance is there
