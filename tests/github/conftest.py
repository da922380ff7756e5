"""GitHub by hand: each path answers what a test says, whatever the twin would."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.github.api import Api
from pytest_relgate.github.facts import GitHub
from pytest_relgate.net.http import Http
from pytest_relgate.net.request import Credential
from pytest_relgate.profile.source import Workflows
from pytest_relgate.sandbox.twins.exchange import Answer, Request
from pytest_relgate.sandbox.twins.server import Served, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMMIT, OTHER = "a" * 40, "b" * 40
BASE = "/repos/ada/demo"
JSON = {"content-type": "application/json; charset=utf-8"}
Pages = dict[str, Any]


@dataclass
class Said:
    """Answers by path; a function is given the request, an Answer is sent as it is, the rest as JSON."""

    pages: Pages
    name: str = "github"
    asked: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        page = self.pages.get(request.path.removeprefix(BASE))
        page = page(request) if callable(page) else page
        if isinstance(page, Answer):
            return page
        status = 404 if page is None else 200
        return Answer(
            status, json.dumps(page if page is not None else {"message": "Not Found"}).encode(), JSON
        )


def repository(**facts: Any) -> dict[str, Any]:
    there = {"full_name": "ada/demo", "default_branch": "main", "html_url": "https://github.example/ada/demo"}
    return {**there, "permissions": {"push": True}, **facts}


def run(number: int = 1, **facts: Any) -> dict[str, Any]:
    plain = {
        "id": number,
        "head_sha": COMMIT,
        "head_branch": "main",
        "event": "push",
        "status": "completed",
        "conclusion": "success",
        "html_url": f"https://github.example/ada/demo/actions/runs/{number}",
        "created_at": f"2026-01-01T00:00:{number:02}Z",
        "path": ".github/workflows/ci.yml",
        "name": "ci",
    }
    return plain | facts


def job(name: str = "check", conclusion: str | None = "success", **facts: Any) -> dict[str, Any]:
    status = "in_progress" if conclusion is None else "completed"
    return {"id": 7, "name": name, "status": status, "conclusion": conclusion} | facts


def listed(key: str, *rows: Any) -> dict[str, Any]:
    return {"total_count": len(rows), key: list(rows)}


@dataclass
class Made:
    """The project on the GitHub of a test, and what was asked of it."""

    github: GitHub
    said: Said

    @property
    def api(self) -> Api:
        return self.github.api


@pytest.fixture
def made() -> Iterator[Callable[..., Made]]:
    """Make a GitHub of pages; what a page does not say stands as in a healthy project."""
    servers: list[Served] = []
    clients: list[Http] = []

    def make(
        pages: Pages, *, token: bool = True, environ: dict[str, str] | None = None, **facts: Any
    ) -> Made:
        healthy: Pages = {
            "": repository(),
            f"/commits/{COMMIT}": {"sha": COMMIT, "commit": {"message": "Release"}},
            "/actions/workflows/ci.yml/runs": listed("workflow_runs", run()),
            "/actions/runs/1/jobs": listed("jobs", job()),
        }
        said = Said(healthy | pages)
        servers.append(serve(said))
        url = servers[-1].url
        clients.append(Http((Credential(url, "Bearer t"),) if token else (), sleep=lambda _: None))
        workflows = Workflows(**({"ci": ("ci.yml",), "build": "release.yml"} | facts))
        return Made(
            GitHub(
                Api(clients[-1], url, "ada/demo"),
                workflows,
                target="v0.2.0",
                commit=COMMIT,
                environ=environ or {},
            ),
            said,
        )

    yield make
    for client in clients:
        client.close()
    for server in servers:
        server.close()
