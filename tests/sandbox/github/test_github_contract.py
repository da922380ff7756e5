"""The contract can be broken: whatever is taken from an answer, or put into one, is found."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from github_contract import ContractTwin, held, judge
from github_description import description
from pytest_relgate.sandbox.twins.exchange import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Hub

R = "/repos/sandover/plasmite"


def asked(hub: Hub, address: str, method: str = "GET") -> tuple[Request, Answer]:
    sent = {"user-agent": "test", "authorization": "Bearer ghp_person"}
    request = Request(method, address, {}, sent, b"", hub.base)
    return request, hub.twin.twin.answer(request)


def changed(answer: Answer, change: Callable[[Any], Any]) -> Answer:
    assert isinstance(answer.body, bytes)
    document = json.loads(answer.body)
    return replace(answer, body=json.dumps(change(document) or document).encode())


def put(name: str, value: Any) -> Callable[[Any], Any]:
    return lambda document: document | {name: value}


def without(name: str) -> Callable[[Any], Any]:
    return lambda document: {key: value for key, value in document.items() if key != name}


BODIES = [
    (f"{R}/releases/9", without("tag_name"), "'tag_name' is a required property"),
    (f"{R}/releases/9", put("signed", "yes"), "'signed' was unexpected"),
    (f"{R}/releases/9", put("id", "9"), ".id: '9' is not of type 'integer'"),
    (f"{R}/releases/9", put("created_at", "yesterday"), ".created_at: 'yesterday' is not a 'date-time'"),
    (f"{R}/releases/9", put("url", "nowhere"), ".url: 'nowhere' is not a 'uri'"),
    (f"{R}/releases/9", put("draft", None), ".draft: None is not of type 'boolean'"),
    (f"{R}/releases/9", put("assets", [{"id": 1}]), ".assets[0]: "),
    (f"{R}/releases", lambda _: {"releases": []}, "is not of type 'array'"),
    (f"{R}/actions/jobs/501", without("created_at"), "'created_at' is a required property"),
    (f"{R}/actions/jobs/501", put("conclusion", "fine"), ".conclusion: 'fine' is not one of"),
    (f"{R}/actions/runs/500", without("head_sha"), "'head_sha' is a required property"),
    (f"{R}/actions/runs", without("total_count"), "'total_count' is a required property"),
    (f"{R}/contents/Cargo.toml", put("type", "leaf"), "'leaf' is not one of"),
    ("/user", put("two_factor", "yes"), "'two_factor' was unexpected"),
    (f"{R}/releases/77", without("message"), "an error without a message"),
    (f"{R}/releases/77", put("status", "500"), "the error says status '500'"),
    (
        f"{R}/releases/77",
        put("documentation_url", "https://docs.github.com/rest"),
        "expected documentation at",
    ),
]


@pytest.mark.parametrize(("address", "change", "says"), BODIES)
def test_a_body_that_is_not_as_described_is_found(
    hub: Hub, address: str, change: Callable[[Any], Any], says: str
) -> None:
    request, answer = asked(hub, address)
    assert judge(request, answer)[0] == []
    assert any(says in problem for problem in judge(request, changed(answer, change))[0])


ANSWERS = [
    (f"{R}/releases/9", {"status": 203}, "the status 203 is not described"),
    (f"{R}/releases/9", {"status": 500}, "the status 500 is not described"),
    (f"{R}/releases/9", {"body": b"<html>"}, "the body is no JSON"),
    (f"{R}/nothing", {"status": 200}, "no such operation is described"),
    (f"{R}/actions/jobs/501/logs", {"headers": {"location": "elsewhere"}}, "a redirect without an address"),
]


@pytest.mark.parametrize(("address", "fault", "says"), ANSWERS)
def test_an_answer_that_is_not_as_described_is_found(
    hub: Hub, address: str, fault: dict[str, Any], says: str
) -> None:
    request, answer = asked(hub, address)
    assert judge(request, answer)[0] == []
    headers = dict(answer.headers) | fault.pop("headers", {})
    assert any(says in one for one in judge(request, replace(answer, headers=headers, **fault))[0])


HEADERS = [
    ("x-github-request-id", None, "no header x-github-request-id"),
    ("x-ratelimit-remaining", None, "no header x-ratelimit-remaining"),
    ("x-ratelimit-remaining", "7", "remain after"),
    ("etag", None, "no header etag"),
    ("content-type", "text/html", "the content type 'text/html' is not described"),
    ("link", "somewhere", "a Link header that cannot be read"),
    ("link", '<https://elsewhere.test/2>; rel="next"', "the next page is at https://elsewhere.test/2"),
]


@pytest.mark.parametrize(("name", "value", "says"), HEADERS)
def test_a_header_that_is_not_as_described_is_found(
    hub: Hub, name: str, value: str | None, says: str
) -> None:
    request, answer = asked(hub, f"{R}/releases")
    headers = {key: one for key, one in answer.headers.items() if key != name}
    if value is not None:
        headers[name] = value
    assert any(says in problem for problem in judge(request, replace(answer, headers=headers))[0])


def test_a_filter_that_github_does_not_know_is_found(hub: Hub) -> None:
    hub.get(f"{R}/actions/runs?sha={hub.head()}")
    assert hub.twin.problems == [f"GET {R}/actions/runs -> 200: the query sha is not described"]
    hub.twin.problems.clear()


def test_a_request_with_a_wrong_body_is_found(hub: Hub) -> None:
    address = f"{R}/actions/workflows/release.yml/dispatches"
    hub.ask("POST", address, body={"ref": "main", "inputs": {"tag": "v1"}, "return_run_details": "yes"})
    assert "in the request .return_run_details: 'yes' is not of type 'boolean'" in hub.twin.problems[0]
    hub.twin.problems.clear()


def test_what_was_wrong_is_said_at_the_end(hub: Hub) -> None:
    class Broken:
        name = "github"

        def answer(self, request: Request) -> Answer:
            return changed(hub.twin.twin.answer(request), without("tag_name"))

    def use() -> None:
        with held(Broken()) as judged:
            assert isinstance(judged, ContractTwin)
            judged.answer(asked(hub, f"{R}/releases/9")[0])

    with pytest.raises(AssertionError, match=r"releases/9 -> 200: \.: 'tag_name' is a required property"):
        use()


def test_githubs_own_examples_fit_its_description_but_for_one() -> None:
    """The example of a job lacks created_at; what the description demands decides."""
    document = description()._document
    operation = document["paths"]["/repos/{owner}/{repo}/actions/jobs/{job_id}"]["get"]
    example = document["components"]["examples"]["job"]["value"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    errors = [error.message for error in description().validator(schema).iter_errors(example)]
    assert errors == ["'created_at' is a required property"]
