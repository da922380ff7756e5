"""No answer of GitHub, whatever its bytes, gives a traceback, takes much memory, or makes a yes of a no.

A healthy project is answered from pages without sockets; each example changes one or two of them. What is
said to be good must be found good by other eyes in the same bytes. The token goes to GitHub alone.
"""

from __future__ import annotations

import hashlib
import io
import json
import tracemalloc
import zipfile
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mutated import TOKEN, Bytes, Page, Pages, changed
from pytest_relgate.audit.trees import of_github
from pytest_relgate.channels.built import from_run
from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.github.answers import JobFacts
from pytest_relgate.github.api import LOG, Api
from pytest_relgate.github.attribution import Attribution
from pytest_relgate.github.dispatch import Refused, Started, Unclear, meaning
from pytest_relgate.github.facts import GitHub
from pytest_relgate.github.issues import Issues
from pytest_relgate.net import transport
from pytest_relgate.net.facts import Unknown
from pytest_relgate.net.http import Http
from pytest_relgate.net.request import DOCUMENT, Credential
from pytest_relgate.profile.source import Workflows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMIT, TARGET = "a" * 40, "v0.2.0"
BASE = "https://api.github.example"
REPOSITORY = f"{BASE}/repos/ada/demo"
SAID = (Finding, NotYet, CannotJudge)


class Replay(httpx.BaseTransport):
    """Answers by path, and keeps who was shown the token."""

    def __init__(self, _: object = None) -> None:
        self.pages: Pages = {}
        self.entrusted: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url)
        if TOKEN in request.headers.values():
            self.entrusted.add(f"{request.url.scheme}://{request.url.netloc.decode()}")
        path = url.partition("?")[0].removeprefix(REPOSITORY)
        page = self.pages.get(f"{request.method} {path}") or self.pages.get(path, Page(b"{}", 404))
        return httpx.Response(page.status, headers=page.headers, stream=Bytes(page.body))


def page(document: object, status: int = 200) -> Page:
    return Page(json.dumps(document).encode(), status, {"content-type": "application/json"})


def zipped(**files: bytes) -> Page:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, raw in files.items():
            archive.writestr(f"{name}.json" if name == "metadata" else f"{name}.crate", raw)
    return Page(out.getvalue())


RUN = {
    "id": 7, "head_sha": COMMIT, "head_branch": TARGET, "event": "push", "status": "completed",
    "conclusion": "success", "html_url": "https://x", "created_at": "2026-01-01T00:00:00Z",
    "path": ".github/workflows/release.yml", "run_attempt": 1,
}  # fmt: skip
JOBS = [{"id": n, "name": f"job {n}", "status": "completed", "conclusion": "success"} for n in (1, 2)]
ARTIFACTS = [
    {"id": n, "name": name, "size_in_bytes": 1, "expired": False, "archive_download_url": "https://x"}
    for n, name in ((5, "release-metadata"), (6, "dist"))
]
METADATA = {"tag": TARGET, "version": "0.2.0", "source_sha": COMMIT, "source_run_id": "7"}
ISSUE = {"number": 3, "html_url": "https://x", "state": "open", "title": "t", "labels": [{"name": "relgate"}]}
SECRETS = [{"name": "NPM_TOKEN", "updated_at": "2026-01-01T00:00:00Z"}]


def listed(key: str, rows: list[Any]) -> Page:
    return page({"total_count": len(rows), key: rows})


GOOD: Pages = {
    "": page({"full_name": "ada/demo", "default_branch": "main", "html_url": "https://x", "permissions": {}}),
    "/actions/workflows/release.yml/runs": listed("workflow_runs", [RUN]),
    "/actions/workflows/ci.yml/runs": listed(
        "workflow_runs", [RUN | {"id": 8, "path": ".github/workflows/ci.yml", "head_branch": "main"}]
    ),
    "/actions/runs/7": page(RUN),
    "/actions/runs/7/jobs": listed("jobs", JOBS),
    "/actions/runs/8/jobs": listed("jobs", JOBS),
    "/actions/runs/7/artifacts": listed("artifacts", ARTIFACTS),
    "/actions/artifacts/5/zip": zipped(metadata=json.dumps(METADATA).encode()),
    "/actions/artifacts/6/zip": zipped(a=b"bytes of a", b=b"bytes of b"),
    "/actions/secrets": listed("secrets", SECRETS),
    "/actions/organization-secrets": listed("secrets", []),
    "/environments": listed("environments", [{"name": "release"}]),
    "/environments/release/secrets": listed("secrets", SECRETS),
    f"/commits/{COMMIT}": page({"sha": COMMIT, "commit": {"message": "Release"}}),
    f"/git/ref/tags/{TARGET}": page(
        {"ref": f"refs/tags/{TARGET}", "object": {"sha": "b" * 40, "type": "tag"}}
    ),
    f"/git/tags/{'b' * 40}": page({"tag": TARGET, "object": {"sha": COMMIT, "type": "commit"}}),
    f"/git/trees/{COMMIT}": page({"tree": [{"path": "Cargo.toml", "type": "blob"}]}),
    "/contents/Cargo.toml": Page(b'[package]\nname = "demo"\nversion = "0.2.0"\n'),
    "/issues": page([ISSUE]),
    "POST /issues": page(ISSUE, 201),
    "POST /dispatch": page({"workflow_run_id": 7}),
    "/releases": page([{"tag_name": TARGET, "draft": False}]),
}


class World:
    """The project on a GitHub of pages."""

    def __init__(self, pages: Pages) -> None:
        self.http = Http((Credential(BASE, TOKEN),), sleep=lambda _: None)
        self.replay = cast("Replay", self.http._client._transport)
        self.replay.pages = pages
        workflows = Workflows(
            build="release.yml", ci=("ci.yml",), artifacts=("release-metadata", "dist"), publish="p.yml"
        )
        self.api = Api(self.http, BASE, "ada/demo")
        self.github = GitHub(self.api, workflows, target=TARGET, commit=COMMIT, environ={})


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(transport, "Transport", Replay)
    return iter(())


def document(pages: Pages, path: str) -> Any:
    return json.loads(pages[path].body)


def ended_well(pages: Pages, runs: str, number: int) -> bool:
    rows = [row for row in document(pages, runs)["workflow_runs"] if row["id"] == number]
    jobs = document(pages, f"/actions/runs/{number}/jobs")["jobs"]
    good = ("completed", "success", COMMIT)
    return any((row["status"], row["conclusion"], row["head_sha"]) == good for row in rows) and (
        {job["conclusion"] for job in jobs} - {"skipped", "neutral"} == {"success"}
    )


def proves(pages: Pages) -> bool:
    with zipfile.ZipFile(io.BytesIO(pages["/actions/artifacts/5/zip"].body)) as archive:
        (name,) = [one for one in archive.namelist() if one.endswith(".json")]
        said = json.loads(archive.read(name))
    return (said["tag"], said["version"], said["source_sha"]) == (TARGET, "0.2.0", COMMIT)


def has_all(pages: Pages) -> bool:
    rows = document(pages, "/actions/runs/7/artifacts")["artifacts"]
    return {row["name"] for row in rows if not row["expired"]} == {"release-metadata", "dist"}


def tag_is_there(pages: Pages) -> bool:
    found = document(pages, f"/git/ref/tags/{TARGET}")["object"]
    inner = pages.get(f"/git/tags/{found['sha']}")
    return COMMIT in (found["sha"], json.loads(inner.body)["object"]["sha"] if inner else "")


def files_are_there(found: dict[str, str], pages: Pages) -> bool:
    with zipfile.ZipFile(io.BytesIO(pages["/actions/artifacts/6/zip"].body)) as archive:
        served = {hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    return proves(pages) and set(found.values()) <= served


ASKED: dict[str, tuple[Callable[[World], Any], Callable[[Any, Pages], bool]]] = {
    "build": (
        lambda one: one.github.build.succeeded(),
        lambda _, pages: ended_well(pages, "/actions/workflows/release.yml/runs", 7),
    ),
    "artifacts": (lambda one: one.github.build.has_artifacts(), lambda _, pages: has_all(pages)),
    "source": (lambda one: one.github.build.proves_its_source(), lambda _, pages: proves(pages)),
    "digests": (lambda one: from_run(one.github.build), files_are_there),
    "ci": (
        lambda one: one.github.is_green(),
        lambda _, pages: ended_well(pages, "/actions/workflows/ci.yml/runs", 8),
    ),
    "tag": (lambda one: one.github.has_the_tag(), lambda _, pages: tag_is_there(pages)),
    "commit": (
        lambda one: one.github.has_the_commit(),
        lambda _, pages: pages[f"/commits/{COMMIT}"].status == HTTPStatus.OK,
    ),
    "secrets": (
        lambda one: one.github.has_secrets(["NPM_TOKEN"]),
        lambda _, pages: any(
            b"npm_token" in one.body.lower() for path, one in pages.items() if "secrets" in path
        ),
    ),
    "manifests": (
        lambda one: of_github(one.api, TARGET),
        lambda found, _: found.files or found.problem or True,
    ),
    "releases": (
        lambda one: one.api.releases(),
        lambda found, _: bool(found.exchanges),
    ),
    "issue": (
        lambda one: Issues(one.api).file("t", "b", label="relgate", is_it=lambda row: row.title == "t"),
        lambda filed, pages: filed.fresh or b'"t"' in pages["/issues"].body,
    ),
    "dispatch": (
        lambda one: meaning(one.http.post(f"{REPOSITORY}/dispatch", b"{}"), "release.yml"),
        lambda found, pages: (
            isinstance(found, Refused | Unclear)
            or (isinstance(found, Started) and pages["POST /dispatch"].status in (200, 204))
        ),
    ),
}
"""What is asked of GitHub, and whether an answer to it may stand."""


def test_the_healthy_project_is_healthy() -> None:
    for ask, right in ASKED.values():
        assert right(ask(World(GOOD)), GOOD)


@pytest.mark.parametrize("name", ASKED)
def test_no_answer_of_github_gives_a_traceback_or_a_yes_that_is_none(name: str) -> None:
    ask, right = ASKED[name]
    world, asked = World(GOOD), set[str]()
    world.http._client.event_hooks = {
        "request": [lambda request: asked.add(_key(request, GOOD))]  # those that the question needs
    }
    ask(world)
    mine = sorted(asked & GOOD.keys())

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def hold(data: st.DataObject) -> None:
        pages = dict(GOOD)
        for path in data.draw(st.lists(st.sampled_from(mine), min_size=1, max_size=2, unique=True)):
            pages[path] = data.draw(changed(GOOD[path]))
        one = World(pages)
        try:
            found = ask(one)
        except SAID as error:
            said = str(error)
        else:
            said = "as it is"
            assert right(found, {path: plain(one) for path, one in pages.items()})
        assert said.strip()
        assert "\n" not in said
        assert one.replay.entrusted <= {BASE}

    hold()


def _key(request: httpx.Request, pages: Pages) -> str:
    path = str(request.url).partition("?")[0].removeprefix(REPOSITORY)
    return f"{request.method} {path}" if f"{request.method} {path}" in pages else path


def plain(one: Page) -> Page:
    """A page as a client reads it: unpacked where it says that it is packed, and is."""
    packed = "gzip" in one.headers.get("content-encoding", "") and one.body[:2] == b"\x1f\x8b"
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    return Page(unpacker.decompress(one.body), one.status) if packed else one


# -- memory --------------------------------------------------------------------------------------------------


def many(before: str, row: str, after: str = "]}") -> Callable[[int], bytes]:
    """A document of rows that are as short as can be, as large as one may be; ``#`` counts them."""

    def made(size: int) -> bytes:
        room = size - len(before) - len(after)
        count = room // (len(row) + (8 if "#" in row else 1))
        rows = [row] * count if "#" not in row else [row.replace("#", f"{n:x}") for n in range(count)]
        return (before + ",".join(rows) + after).encode()

    return made


def wide(before: str, after: str) -> Callable[[int], bytes]:
    """A document with one text that takes four bytes a letter, for one sign in it."""
    return lambda size: before.encode() + b"a" * (size - 200) + "\U0001f600".encode() + after.encode()


SMALL_RUN = '{"id":0,"head_sha":"ab","head_branch":"ab","event":"ab","status":"ab","conclusion":"ab",'
SMALL_RUN += '"html_url":"ab","created_at":"ab","path":"ab"}'
SMALL_ASSET = '{"id":0,"name":"ab","size":0,"state":"ab","url":"ab"}'
RELEASE = '{"id":0,"tag_name":"v0.2.0","draft":false,"prerelease":false,"html_url":"","assets":['
FULL: dict[str, tuple[str, Callable[[World], Any], Callable[[int], bytes]]] = {
    "runs": (
        "/actions/workflows/release.yml/runs",
        lambda one: one.api.runs("release.yml", COMMIT),
        many('{"total_count":1,"workflow_runs":[', SMALL_RUN),
    ),
    "jobs": (
        "/actions/runs/7/jobs",
        lambda one: one.api.jobs(7),
        many('{"total_count":1,"jobs":[', '{"id":0,"name":"ab","status":"ab","conclusion":"ab"}'),
    ),
    "secrets": (
        "/actions/secrets",
        lambda one: one.api.secrets(),
        many('{"total_count":1,"secrets":[', '{"name":"ab"}'),
    ),
    "assets": (
        f"/releases/tags/{TARGET}", lambda one: one.api.release(TARGET), many(RELEASE, SMALL_ASSET)
    ),
    "nested": (
        "/actions/runs/7", lambda one: one.api.run(7), many('{"id":7,"none":[', "[[],{},[[]]]")
    ),
    "wide": (
        f"/commits/{COMMIT}",
        lambda one: one.api.commit(COMMIT),
        wide('{"sha":"a","commit":{"message":"', '"}}'),
    ),
    "tree": (
        f"/git/trees/{COMMIT}",
        lambda one: of_github(one.api, TARGET),
        many('{"tree":[', '{"path":"#","type":"ab"}'),
    ),
    "manifest": (
        "/contents/Cargo.toml", lambda one: of_github(one.api, TARGET), lambda size: b"a" * size
    ),
    "issues": (
        "/issues",
        lambda one: list(Issues(one.api)._listed("", 1)),
        many("[", '{"number":0,"html_url":"ab","state":"ab","labels":["ab"]}', "]"),
    ),
    "issue of keys": (
        "/issues",
        lambda one: list(Issues(one.api)._listed("", 1)),
        many('[{"number":0,"html_url":"","state":"","pull_request":{', '"#":[]', "}}]"),
    ),
    "dispatch": (
        "POST /dispatch",
        lambda one: meaning(one.http.post(f"{REPOSITORY}/dispatch", b"{}"), "release.yml"),
        wide('{"workflow_run_id":7,"html_url":"', '"}'),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FULL)
def test_no_answer_of_github_takes_more_than_64_mib(name: str) -> None:
    path, ask, fill = FULL[name]
    world = World(GOOD | {path: Page(fill(DOCUMENT))})
    tracemalloc.start()
    try:
        ask(world)
        peak = tracemalloc.get_traced_memory()[1]
    except SAID:
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20


def test_a_long_log_is_looked_through_as_it_came() -> None:
    raw = b"a" * (LOG.size - 100) + "\U0001f600 publishes 0.2.0".encode()
    world = World(GOOD | {"/actions/jobs/1/logs": Page(raw)})
    job = JobFacts(1, "publish", "completed", "success")
    tracemalloc.start()
    try:
        found = Attribution(world.api, Workflows(), TARGET, COMMIT)._by_logs((job,))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "speaks of this version" in found
    assert peak < 64 << 20


def test_a_list_without_end_is_not_kept() -> None:
    """Each page is one of GitHub's, each row of it as large as a page lets it be."""
    row = RUN | {"display_title": "x" * 70_000, "path": ".github/workflows/other.yml"}
    world = World(GOOD | {"/actions/workflows/release.yml/runs": listed("workflow_runs", [row] * 100)})
    found = world.api.runs("release.yml", COMMIT)
    assert isinstance(found, Unknown)
    assert "bytes in all" in found.words


def test_a_page_of_more_rows_than_were_asked_for_is_none() -> None:
    world = World(GOOD | {"/actions/runs/7/jobs": listed("jobs", JOBS * 60)})
    found = world.api.jobs(7)
    assert isinstance(found, Unknown)
    assert "100 rows a page were asked for, and 120 came" in found.words
