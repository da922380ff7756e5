"""Incidents become issues: each once, and a tracker that fails loses nothing."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.cli.trackers import GitHubIssues
from pytest_relgate.errors import CannotJudge
from pytest_relgate.evidence import incident as written
from pytest_relgate.evidence import incident_report as report
from pytest_relgate.exec.redact import Redactor
from pytest_relgate.github.api import Api
from pytest_relgate.github.issues import Issues
from pytest_relgate.judge.incidents import Kind
from pytest_relgate.net.http import Http
from pytest_relgate.net.request import Credential
from pytest_relgate.sandbox.twins.exchange import Answer, Request, Reset
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Hub

    Ask = Callable[[Request], Answer]

LABEL = "release-incident"
JSON = {"content-type": "application/json; charset=utf-8"}


def document(
    release: str = "v0.1.10", reason: str = "the tap was pushed by hand"
) -> written.IncidentDocument:
    kind = Kind.EXCEPTION
    return written.IncidentDocument(
        schema=1,
        key=written.key_of(project="plasmite", release=release, kind=kind, about=reason, sandbox=False),
        kind=kind,
        title=f"exception: {reason}",
        words=reason,
        project="plasmite",
        release=written.tag_of(release, "here"),
        at="2026-03-16T12:00:00Z",
    )


@contextmanager
def tracker(
    hub: Hub, between: Callable[[Request, Ask], Answer] | None = None, *, token: str = "ghp_person"
) -> Iterator[GitHubIssues]:
    """Our own client at the twin, through what a test puts between them."""

    class Through:
        name = "github"

        def answer(self, request: Request) -> Answer:
            return hub.twin.answer(request) if between is None else between(request, hub.twin.answer)

    served = serve(Through())
    try:
        with Http((Credential(served.url, f"Bearer {token}"),), sleep=lambda _: None) as http:
            issues = Issues(Api(http, served.url, "sandover/plasmite"))
            yield GitHubIssues(issues, LABEL, Redactor(["hush-hush"]))
    finally:
        served.close()


def numbers(hub: Hub) -> list[int]:
    return [issue.number for issue in hub.store.read().issues]


def says(status: int, message: str, **headers: str) -> Answer:
    return Answer(status, json.dumps({"message": message}).encode(), JSON | headers)


def test_an_incident_is_filed_once_however_often_and_however_it_is_spelt(hub: Hub) -> None:
    with tracker(hub) as github:
        first = github.file(document("v0.1.10"), "")
        again = github.file(document("0.1.10"), "")
        other = github.file(document("v0.1.10", "the sdist was uploaded by hand"), "")
    assert (first[1], again[1], other[1]) == (True, False, True)
    assert first[0] == again[0] != other[0]
    assert numbers(hub) == [1, 2, 3, 4]
    made = hub.store.read().issues[2]
    assert (made.title, made.labels) == ("[v0.1.10] exception: the tap was pushed by hand", (LABEL,))
    assert report.key_in(made.body) == document().key


def test_one_that_was_closed_is_not_filed_again(hub: Hub) -> None:
    with tracker(hub) as github:
        github.file(document(), "")
        hub.ask("PATCH", "/repos/sandover/plasmite/issues/3", body={"state": "closed"})
        said, fresh = github.file(document(), "")
    assert not fresh
    assert said.endswith("/issues/3, which is closed: reopen it if it is not over")
    assert numbers(hub) == [1, 2, 3]


def test_it_is_found_behind_many_others(hub: Hub) -> None:
    with tracker(hub) as github:
        github.file(document(), "")
        for number in range(105):
            hub.ask("POST", "/repos/sandover/plasmite/issues", body={"title": str(number), "labels": [LABEL]})
        assert github.file(document(), "")[1] is False


def test_no_secret_of_this_environment_is_filed(hub: Hub) -> None:
    with tracker(hub) as github:
        github.file(document(reason="the token hush-hush was used"), "")
    made = hub.store.read().issues[-1]
    assert "hush" not in made.title + str(made.body)
    assert "[redacted]" in made.title


def test_a_label_that_was_dropped_is_said_and_the_issue_is_found_all_the_same(hub: Hub) -> None:
    with tracker(hub, token="ghs_run") as github:
        said, fresh = github.file(document(), "")
        assert fresh
        assert said.endswith(f", without the label {LABEL}: add it by hand")
        assert github.file(document(), "")[1] is False
    assert numbers(hub) == [1, 2, 3]


def test_an_answer_that_was_lost_is_looked_for_and_nothing_is_filed_twice(hub: Hub) -> None:
    def lose(request: Request, ask: Ask) -> Answer:
        answer = ask(request)
        return Answer(502, b"<html>") if request.method == "POST" else answer

    with tracker(hub, lose) as github:
        said, fresh = github.file(document(), "")
    assert (said.rpartition("/")[2], fresh) == ("3", True)
    assert numbers(hub) == [1, 2, 3]


@pytest.mark.parametrize("lost", [True, False])
def test_where_nobody_knows_whether_it_was_filed_it_is_said(hub: Hub, *, lost: bool) -> None:
    def fail(request: Request, ask: Ask) -> Answer:
        if request.method != "POST":
            return ask(request)
        if lost:
            raise Reset
        return says(500, "oops")

    with (
        tracker(hub, fail) as github,
        pytest.raises(CannotJudge, match="whether it was filed is not known") as caught,
    ):
        github.file(document(), "")
    assert caught.value.do == "type the same command again in a minute: it looks for it first"


@pytest.mark.parametrize(
    ("method", "answer", "words", "do"),
    [
        ("POST", says(403, "Resource not accessible by integration"), "access was refused", "write issues"),
        ("POST", says(401, "Bad credentials"), "access was refused", "gh auth login"),
        ("POST", says(410, "Issues are disabled for this repo"), "has its issues turned off", "turn them on"),
        ("POST", says(404, "Not Found"), "GitHub answered 404 for the issues of", "relgate.toml is right"),
        ("POST", says(422, "Validation Failed"), "answered 422", "see what the service says"),
        (
            "POST",
            says(403, "You have exceeded a secondary rate limit", **{"retry-after": "60"}),
            "it asks to wait 60 s",
            "look again in 60 s",
        ),
        ("GET", says(500, "oops"), "answered 500", "look again"),
        ("GET", says(410, "Issues are disabled for this repo"), "has its issues turned off", "turn them on"),
        ("GET", Answer(200, b"<html>", {"content-type": "text/html"}), "found HTML", "look again"),
    ],
)
def test_a_tracker_that_says_no_is_heard(hub: Hub, method: str, answer: Answer, words: str, do: str) -> None:
    with (
        tracker(hub, lambda request, ask: answer if request.method == method else ask(request)) as github,
        pytest.raises(CannotJudge) as caught,
    ):
        github.file(document(), "")
    assert words in caught.value.found
    assert do in caught.value.do
    assert numbers(hub) == [1, 2]


def test_a_tracker_that_is_not_there_is_said() -> None:
    with Http(()) as http:
        github = GitHubIssues(Issues(Api(http, "http://127.0.0.1:9", "ada/demo")), LABEL, Redactor())
        with pytest.raises(CannotJudge, match="no connection"):
            github.file(document(), "")


def test_without_credentials_one_line_says_so_and_nothing_is_asked(hub: Hub) -> None:
    asked: list[str] = []

    def note(request: Request, ask: Ask) -> Answer:
        asked.append(request.path)
        return ask(request)

    with (
        tracker(hub, note) as github,
        pytest.raises(CannotJudge, match="no credentials for GitHub") as caught,
    ):
        GitHubIssues(github.issues, LABEL, Redactor(), without="there are no credentials for GitHub").file(
            document(), ""
        )
    assert caught.value.do == "type gh auth login, or set GH_TOKEN"
    assert asked == []


def test_a_pull_request_is_no_issue(hub: Hub) -> None:
    body = report.marker(document().key)
    request = {
        "number": 9,
        "html_url": "https://github.example/9",
        "state": "open",
        "body": body,
        "pull_request": {"url": "x"},
    }

    def listing(asked: Request, ask: Ask) -> Answer:
        return Answer(200, json.dumps([request]).encode(), JSON) if asked.method == "GET" else ask(asked)

    with tracker(hub, listing) as github:
        assert github.file(document(), "")[1] is True
