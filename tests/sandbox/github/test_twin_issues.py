"""Issues are listed, opened and closed as GitHub describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Hub

R = "/repos/sandover/plasmite/issues"


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [2]),
        ("?state=all", [2, 1]),
        ("?state=all&direction=asc&sort=created", [1, 2]),
        ("?state=closed", [1]),
        ("?state=all&labels=release-incident", [1]),
        ("?state=all&labels=Release-Incident,bug", [1]),
        ("?state=all&labels=release-incident,other", []),
        ("?labels=release-incident", []),
        ("?state=all&per_page=1&page=2", [1]),
    ],
)
def test_issues_are_listed_newest_first_by_state_and_labels(hub: Hub, query: str, numbers: list[int]) -> None:
    assert [issue["number"] for issue in hub.get(R + query).json()] == numbers


def test_an_issue_that_was_opened_is_listed_at_once(hub: Hub) -> None:
    opened = hub.ask("POST", R, body={"title": "t", "body": "b", "labels": ["release-incident"]})
    assert opened.status == 201
    assert opened.header("location").endswith(f"{R}/3")
    assert [one["number"] for one in hub.get(f"{R}?labels=release-incident").json()] == [3]
    assert hub.ask("PATCH", f"{R}/3", body={"state": "closed"}).json()["closed_by"]["login"] == "ada"
    assert hub.get(f"{R}?labels=release-incident").json() == []
    assert hub.get(f"{R}/3").json()["state"] == "closed"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"body": "b"}, "title"),
        ({"title": "t" * 257}, "title"),
        ({"title": "t", "body": "b" * 65537}, "body"),
    ],
)
def test_an_issue_that_is_malformed_is_refused(hub: Hub, body: dict[str, Any], field: str) -> None:
    refused = hub.ask("POST", R, body=body)
    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, field)
    hub.twin.problems.clear()  # what was asked is what the description forbids
    assert len(hub.store.read().issues) == 2


def test_labels_of_a_caller_who_may_not_push_are_dropped(hub: Hub) -> None:
    opened = hub.ask("POST", R, token="ghs_run", body={"title": "t", "labels": ["release-incident"]})
    assert (opened.status, opened.json()["labels"]) == (201, [])


def test_nobody_opens_an_issue_without_a_token(hub: Hub) -> None:
    assert hub.ask("POST", R, token="", body={"title": "t"}).status == 401
    assert hub.get(f"{R}/9").status == 404
    assert hub.get("/repos/sandover/homebrew-tap/issues?state=all").json() == []
