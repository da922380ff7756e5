"""The corner of GraphQL that gh needs: what is asked for comes, and nothing that there is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.sandbox.twins.github.graphql_query import Kind, QueryError, pick, read

if TYPE_CHECKING:
    from conftest import Hub

PLASMITE = '(owner: "sandover", name: "plasmite")'


def ask(hub: Hub, query: str, *, token: str = "ghp_person", **variables: Any) -> Any:
    reply = hub.ask("POST", "/graphql", token=token, body={"query": query, "variables": variables})
    assert reply.status == 200
    return reply.json()


def test_releases_come_in_pages_with_drafts_for_who_may_push(hub: Hub) -> None:
    query = """query Some($after: String, $count: Int = 2) { repository(owner: "Sandover", name: "plasmite") {
        page: releases(first: $count, after: $after, orderBy: {field: CREATED_AT, direction: DESC}) {
            nodes { tagName, isDraft } pageInfo { hasNextPage endCursor } } } }"""
    first = ask(hub, query, count=2, after=None)["data"]["repository"]["page"]
    assert [node["tagName"] for node in first["nodes"]] == ["v0.1.10", "v0.1.9"]
    assert first["pageInfo"]["hasNextPage"] is True
    second = ask(hub, query, count=2, after=first["pageInfo"]["endCursor"])["data"]["repository"]["page"]
    assert [node["tagName"] for node in second["nodes"]] == ["v0.1.8"]
    assert second["pageInfo"]["hasNextPage"] is False
    run = ask(hub, query, token="ghs_run", count=9)["data"]["repository"]["page"]
    assert [node["tagName"] for node in run["nodes"]] == ["v0.1.9", "v0.1.8"]


def test_a_draft_is_found_by_its_tag_here_and_a_missing_release_is_null(hub: Hub) -> None:
    one, two = 'release(tagName: "v0.1.10") { isDraft }', 'release(tagName: "v9") { id }'
    query = f"{{ repository{PLASMITE} {{ a: {one} b: {two} }} }}"
    assert ask(hub, query)["data"]["repository"] == {"a": {"isDraft": True}, "b": None}


def test_fragments_and_refs_are_understood(hub: Hub) -> None:
    query = f"""fragment known on Repository {{ name owner {{ login }} ... on Repository {{ __typename }} }}
        query {{ viewer {{ login }} repository{PLASMITE} {{ ...known
            has: ref(qualifiedName: "refs/tags/v0.1.9") {{ name }}
            lacks: ref(qualifiedName: "refs/tags/v9") {{ name }} }} }}"""
    found = ask(hub, query)["data"]
    assert found["viewer"] == {"login": "sandover"}
    assert found["repository"] == {
        "name": "plasmite",
        "owner": {"login": "sandover"},
        "__typename": "Repository",
        "has": {"name": "refs/tags/v0.1.9"},
        "lacks": None,
    }


def test_a_type_lists_its_fields(hub: Hub) -> None:
    one, two = '__type(name: "Release")', '__type(name: "Nope")'
    found = ask(hub, f"{{ Release: {one} {{ fields {{ name }} }} other: {two} {{ fields {{ name }} }} }}")
    assert {"name": "isLatest"} in found["data"]["Release"]["fields"]
    assert found["data"]["other"] is None


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (f"{{ repository{PLASMITE} {{ stars }} }}", "Field 'stars' doesn't exist on type 'Repository'"),
        (
            '{ repository(owner: "a", name: "b") { name } }',
            "Could not resolve to a Repository with the name 'a/b'.",
        ),
        ("mutation { addStar { id } }", "the sandbox knows no mutation"),
        ("", "A query attribute must be specified and must be a string."),
        ("{ viewer { login }", "Expected more, actual: end of file"),
        ("{ ...nothing }", "Fragment nothing was used, but not defined"),
    ],
)
def test_what_cannot_be_answered_is_said(hub: Hub, query: str, says: str) -> None:
    assert ask(hub, query)["errors"] == [{"message": says}]


def test_a_token_is_needed(hub: Hub) -> None:
    assert hub.ask("POST", "/graphql", token="", body={"query": "{ viewer { login } }"}).status == 401


def test_values_of_every_kind_are_read() -> None:
    (one,) = read('{ a(b: [1, -2.5], c: {d: "e\\"f"}, g: true, h: null, i: ENUM, j: $k) # end\n }', {"k": 7})
    assert one.arguments == {"b": [1, -2.5], "c": {"d": 'e"f'}, "g": True, "h": None, "i": "ENUM", "j": 7}


def test_a_list_of_things_is_picked_from_one_by_one() -> None:
    things = Kind("Query", {"all": [Kind("Thing", {"id": 1}), Kind("Thing", {"id": 2})]})
    assert pick(things, read("{ all { id } }", {})) == {"all": [{"id": 1}, {"id": 2}]}
    with pytest.raises(QueryError):
        pick(things, read("{ none }", {}))
