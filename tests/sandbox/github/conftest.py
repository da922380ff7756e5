"""A small world behind the GitHub twin; every answer of every test is held to GitHub's description."""

from __future__ import annotations

import io
import json
import urllib.parse
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from github_contract import ContractTwin, held
from pytest_relgate.sandbox.repository import build_repository
from pytest_relgate.sandbox.store import Store
from pytest_relgate.sandbox.twins.exchange import Request
from pytest_relgate.sandbox.twins.github import GitHubTwin, ObjectsTwin
from pytest_relgate.sandbox.world import (
    Asset,
    Attestation,
    Issue,
    Job,
    Release,
    Run,
    RunArtifact,
    Secret,
    Step,
    World,
)
from pytest_relgate.source.command import git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_relgate.sandbox.twins.exchange import Answer

USER, WORKFLOW = "ghp_person", "ghs_run"
REPO = "/repos/sandover/plasmite"
RELEASE = ".github/workflows/release.yml"
TIME = "2026-03-16T12:00:00Z"
SUBJECT = "sha256:" + "ab" * 32


@dataclass(frozen=True)
class Reply:
    """An answer, with its JSON at hand."""

    answer: Answer

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def body(self) -> bytes:
        assert isinstance(self.answer.body, bytes)
        return self.answer.body

    def header(self, name: str) -> str:
        return self.answer.headers.get(name, "")

    def json(self) -> Any:
        return json.loads(self.body)

    def message(self) -> str:
        return self.json()["message"]


@dataclass
class Hub:
    """The twin and what stands behind it. Requests are handed over without a network."""

    twin: ContractTwin
    objects: ObjectsTwin
    store: Store
    repository: Path
    tap: Path
    dispatched: list[Run] = field(default_factory=list)
    base: str = "http://github.test"

    def ask(
        self,
        method: str,
        address: str,
        *,
        token: str = USER,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        sent = {"user-agent": "test", "host": "github.test"}
        if token:
            sent["authorization"] = f"Bearer {token}"
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        split = urllib.parse.urlsplit(address.removeprefix(self.base))
        query = urllib.parse.parse_qs(split.query, keep_blank_values=True)
        asked = {name: tuple(values) for name, values in query.items()}
        request = Request(method, split.path, asked, sent | (headers or {}), raw, self.base)
        return Reply(self.twin.answer(request))

    def get(self, address: str, *, token: str = USER, **headers: str) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", address, token=token, headers=sent)

    def fetch(self, address: str, *, token: str = "") -> Reply:
        """Ask the storage host for what a redirect points to."""
        split = urllib.parse.urlsplit(address)
        query = {name: tuple(values) for name, values in urllib.parse.parse_qs(split.query).items()}
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return Reply(
            self.objects.answer(Request("GET", split.path, query, headers, b"", "http://objects.test"))
        )

    def change(self, **fields: Any) -> None:
        self.store.change(lambda world: msgspec.structs.replace(world, **fields))

    def head(self, ref: str = "HEAD") -> str:
        return git(self.repository, "rev-parse", f"{ref}^{{commit}}").stdout.decode().strip()

    def run(self, number: int) -> Run:
        return next(run for run in self.store.read().runs if run.id == number)


@pytest.fixture(scope="session")
def made_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_repository(tmp_path_factory.mktemp("hub") / "plasmite")


@pytest.fixture(scope="session")
def made_tap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "homebrew-tap"
    (folder / "Formula").mkdir(parents=True)
    (folder / "Formula" / "plasmite.rb").write_text("class Plasmite < Formula\nend\n")
    git(folder, "init", "-q", "--initial-branch=main", ".")
    git(folder, "add", ".")
    person = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    git(folder, *person, "commit", "-q", "-m", "plasmite 0.1.9")
    return folder


@pytest.fixture
def hub(tmp_path: Path, made_repository: Path, made_tap: Path) -> Iterator[Hub]:
    """The twin over a small world. A test that writes into git asks for `own_hub`."""
    yield from opened(tmp_path, made_repository, made_tap)


@pytest.fixture
def own_hub(tmp_path: Path, made_tap: Path) -> Iterator[Hub]:
    """The same over a repository of the test's own."""
    yield from opened(tmp_path, build_repository(tmp_path / "plasmite"), made_tap)


def opened(home: Path, repository: Path, tap: Path) -> Iterator[Hub]:
    store = Store(home / "world")
    dispatched: list[Run] = []
    twin = GitHubTwin(store, repository, tap, lambda: "http://objects.test", dispatched.append)
    with held(twin) as judged:
        made = Hub(judged, ObjectsTwin(store), store, repository, tap, dispatched)
        store.change(lambda world: small_world(world, store, made.head()))
        yield made


def small_world(world: World, store: Store, sha: str) -> World:
    """Two releases and a draft, runs in several states, secrets on three levels."""
    asset = asset_of(store, 100, "plasmite_0.1.9_linux_amd64.tar.gz", b"an archive")
    older = asset_of(store, 101, "plasmite_0.1.8_linux_amd64.tar.gz", b"an older archive")
    return msgspec.structs.replace(
        world,
        releases=(
            release(8, "v0.1.8", "2026-03-02T12:00:00Z", assets=(older,)),
            release(9, "v0.1.9", "2026-03-09T12:00:00Z", assets=(asset,)),
            release(10, "v0.1.10", TIME, draft=True),
        ),
        runs=(
            green(store, 500, sha),
            red(store, 510, sha),
            msgspec.structs.replace(
                green(store, 520, sha),
                status="in_progress",
                conclusion=None,
                jobs=(
                    Job(521, "build", "completed", "success", TIME, TIME, log=store.put(b"built\n")),
                    Job(
                        522,
                        "metadata",
                        "in_progress",
                        None,
                        TIME,
                        None,
                        steps=(Step(1, "Set up job", "in_progress", None),),
                    ),
                    Job(523, "audit", "queued", None, TIME, None),
                ),
                artifacts=(),
            ),
            msgspec.structs.replace(
                green(store, 530, sha), status="waiting", conclusion=None, jobs=(), artifacts=()
            ),
        ),
        secrets=(
            Secret("NPM_TOKEN", TIME, TIME),
            Secret("CARGO_REGISTRY_TOKEN", TIME, TIME),
            Secret("HOMEBREW_TAP_TOKEN", TIME, TIME, "environment:release"),
            Secret("PYPI_API_TOKEN", TIME, TIME, "organization"),
        ),
        issues=(
            Issue(1, 1, "The tap lags", None, ("release-incident", "bug"), TIME, TIME, state="closed"),
            Issue(2, 2, "A question", "How?", (), TIME, TIME, author="grace"),
        ),
        attestations=(Attestation(SUBJECT, {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}),),
    )


def asset_of(store: Store, number: int, name: str, raw: bytes) -> Asset:
    blob = store.put(raw)
    return Asset(number, name, blob, len(raw), f"sha256:{blob}", TIME)


def release(number: int, tag: str, time: str, **more: Any) -> Release:
    published = None if more.get("draft") else time
    return Release(number, tag, f"Plasmite {tag}", "What changed", time, published, **more)


def green(store: Store, number: int, sha: str) -> Run:
    """A run of the build that went well, with two jobs and two artifacts of which one has expired."""
    steps = (Step(1, "Set up job"), Step(2, "Run just dist"))
    log = store.put(b"2026-03-16T12:00:01.0000000Z made dist\n")
    packed = zipped({"metadata.json": b"{}"})
    artifact = RunArtifact(number + 3, "release-metadata", store.put(packed), len(packed), TIME)
    return Run(
        number,
        number - 499,
        RELEASE,
        "release",
        "Prepare v0.1.10",
        "push",
        sha,
        "main",
        "completed",
        "success",
        TIME,
        "2026-03-16T12:05:00Z",
        jobs=(
            Job(
                number + 1,
                "build",
                "completed",
                "success",
                TIME,
                "2026-03-16T12:04:00Z",
                steps=steps,
                log=log,
            ),
            Job(number + 2, "metadata", "completed", "success", TIME, "2026-03-16T12:04:30Z", log=log),
        ),
        artifacts=(
            artifact,
            msgspec.structs.replace(artifact, id=number + 4, name="dist", expired=True),
        ),
    )


def red(store: Store, number: int, sha: str) -> Run:
    run = green(store, number, sha)
    failed = msgspec.structs.replace(run.jobs[1], conclusion="failure")
    return msgspec.structs.replace(run, conclusion="failure", jobs=(run.jobs[0], failed), artifacts=())


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, raw in members.items():
            archive.writestr(zipfile.ZipInfo(name), raw)
    return packed.getvalue()
