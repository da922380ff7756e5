"""An audit reads what strangers wrote: whatever it is, it has an answer, and for what is broken never PASSED.

All of its documents, and the packages themselves, are changed one or two at a time. No sockets.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_pages import wheel
from mutated import TOKEN, Bytes, Page, Pages, changed
from pytest_relgate.audit.keeping import Keeping
from pytest_relgate.audit.run import audited
from pytest_relgate.audit.tagged import read_tag
from pytest_relgate.net import transport
from pytest_relgate.net.origins import Origins
from release_pages import CRATE, MAIN, TGZ, WHEEL, document, good, index, integrity, project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.audit.answer import Answer as Verdict

BASE = "https://all.example"
COMMIT = "a" * 40
MANIFESTS = ("Cargo.toml", "package.json", "pyproject.toml")


class Replay(httpx.BaseTransport):
    """Answers by path. Whoever sends a credential is told on."""

    def __init__(self, _: object = None) -> None:
        self.pages: Pages = {}
        self.asked: set[str] = set()
        self.entrusted = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = str(request.url).partition("?")[0].removeprefix(BASE)
        self.asked.add(path)
        self.entrusted |= "authorization" in request.headers or TOKEN in request.headers.values()
        page = self.pages.get(path, Page(b"{}", 404))
        return httpx.Response(page.status, headers=page.headers, stream=Bytes(page.body))


def packed(path: str, text: str) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        one = tarfile.TarInfo(path)
        one.size = len(text)
        archive.addfile(one, io.BytesIO(text.encode()))
    return held.getvalue()


def world() -> Pages:
    """The release as a stranger finds it, on GitHub and three registries."""
    files = {
        WHEEL: wheel(),
        TGZ: packed("package/package.json", '{"name": "demo", "version": "1.0.0"}'),
        CRATE: packed("demo-1.0.0/Cargo.toml", '[package]\nname = "demo"\nversion = "1.0.0"\n'),
    }
    digests = {name: hashlib.sha256(raw).hexdigest() for name, raw in files.items()}
    pages: dict[str, Any] = good()
    del pages[MAIN["homebrew"]]
    pages |= {
        MAIN["pypi"]: project(WHEEL, hashes={"sha256": digests[WHEEL]}),
        MAIN["npm"]: document(dist={"tarball": f"BASE/files/{TGZ}", "integrity": integrity(files[TGZ])}),
        MAIN["crates"]: index({"cksum": digests[CRATE]}),
        f"/repos/ada/demo/git/trees/{COMMIT}": {
            "tree": [{"path": path, "type": "blob"} for path in MANIFESTS]
        },
        "/repos/ada/demo/contents/Cargo.toml": b'[package]\nname = "demo"\nversion = "1.0.0"\n',
        "/repos/ada/demo/contents/package.json": b'{"name": "demo", "version": "1.0.0"}',
        "/repos/ada/demo/contents/pyproject.toml": b'[project]\nname = "demo"\nversion = "1.0.0"\n',
        **{f"/files/{name}": raw for name, raw in files.items()},
    }
    return {
        path: Page(page if isinstance(page, bytes) else json.dumps(page).replace("BASE", BASE).encode())
        for path, page in pages.items()
    }


GOOD = world()


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(transport, "Transport", Replay)
    return iter(())


def look(pages: Pages) -> tuple[Verdict, Replay]:
    with Keeping() as http:
        http._sleep = lambda _: None
        replay = cast("Replay", http._client._transport)
        replay.pages = pages
        named = [("crates", "demo"), ("npm", "demo"), ("pypi", "demo"), ("homebrew", "")]
        verdict = audited(
            http,
            Origins(*[BASE] * 8),
            read_tag("v1.0.0"),
            slug="ada/demo",
            checkout=Path(),
            named=named,
            mirrors={},
        )
        return verdict, replay


NEEDED = [MAIN["crates"], MAIN["npm"], MAIN["pypi"], f"/files/{WHEEL}", f"/files/{TGZ}", f"/files/{CRATE}"]


def test_the_release_as_it_is_passes() -> None:
    verdict, replay = look(GOOD)
    assert verdict.word == "PASSED", verdict
    assert not replay.entrusted


def test_whatever_is_answered_an_audit_has_an_answer() -> None:
    asked = sorted(look(GOOD)[1].asked & GOOD.keys())
    assert {*NEEDED, f"/repos/ada/demo/git/trees/{COMMIT}"} <= set(asked)

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        pages = dict(GOOD)
        for path in data.draw(st.lists(st.sampled_from(asked), min_size=1, max_size=2, unique=True)):
            pages[path] = data.draw(changed(GOOD[path]))
        verdict, replay = look(pages)
        assert verdict.word in ("PASSED", "FAILED", "UNDECIDED", "PENDING")
        assert all("\n" not in one.words and "\n" not in one.do for one in verdict.findings)
        assert verdict.exit_status != 0 or verdict.word == "PASSED"
        assert not replay.entrusted

    hold()


BROKEN = {
    "nothing": Page(b""),
    "html": Page(b"<!doctype html><title>Sign in</title>", 200, {"content-type": "text/html"}),
    "cut": None,
    "nested": Page(b"[" * 20_000),
    "500": Page(b"", 500),
    "404": Page(b"", 404),
    "403": Page(b"{}", 403),
    "redirect": Page(b"", 302, {"location": "https://elsewhere.example/"}),
    "labelled": Page(b"", 200, {"content-encoding": "gzip"}),
}


@pytest.mark.parametrize("path", NEEDED)
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_never_passes(name: str, path: str) -> None:
    page = BROKEN[name] or Page(GOOD[path].body[: len(GOOD[path].body) // 2])
    verdict, _ = look(GOOD | {path: page})
    assert verdict.word != "PASSED"
    assert verdict.exit_status
    assert verdict.findings
