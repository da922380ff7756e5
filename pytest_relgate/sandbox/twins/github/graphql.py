"""The corner of GraphQL that the real gh asks about beside REST: the repository and its releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_relgate.sandbox.twins.github import git_facts
from pytest_relgate.sandbox.twins.github.call import Access, Caller, Route
from pytest_relgate.sandbox.twins.github.graphql_query import Kind, QueryError, pick, read
from pytest_relgate.sandbox.twins.github.pages import answer_json
from pytest_relgate.sandbox.twins.github.release_facts import latest_of, newest_first, place
from pytest_relgate.sandbox.twins.github.shapes import BRANCH, node_id, number_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_relgate.sandbox.twins.exchange import Answer
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.world import Release, World

    Arguments = Mapping[str, Any]


def _graphql(call: Call) -> Answer:
    body = call.body()
    try:
        selections = read(str(body.get("query") or ""), body.get("variables") or {})
        return answer_json({"data": pick(_query(call), selections)})
    except QueryError as error:
        return answer_json({"errors": [{"message": str(error)}]})


def _query(call: Call) -> Kind:
    world = call.behind.store.read()
    return Kind(
        "Query",
        {
            "__type": lambda arguments: _type(call, world, arguments["name"]),
            "repository": lambda arguments: _repository(call, world, arguments),
            "viewer": Kind("User", {"login": world.repository.partition("/")[0]}),
        },
    )


def _type(call: Call, world: World, name: str) -> Kind | None:
    """Introspection: gh asks which fields a type has before it asks for them."""
    if name != "Release" or not world.releases:
        return None
    fields = _release(call, world, world.releases[0]).fields
    return Kind("__Type", {"fields": [Kind("__Field", {"name": field}) for field in fields]})


def _repository(call: Call, world: World, arguments: Arguments) -> Kind:
    slug = f"{arguments.get('owner')}/{arguments.get('name')}"
    known = {world.repository.lower(): world.repository, world.tap.lower(): world.tap}
    if slug.lower() not in known:
        message = f"Could not resolve to a Repository with the name '{slug}'."
        raise QueryError(message)
    slug = known[slug.lower()]
    owner, _, name = slug.partition("/")
    own = slug == world.repository
    drafts = call.caller is Caller.USER
    seen = newest_first(release for release in world.releases if own and (drafts or not release.draft))
    return Kind(
        "Repository",
        {
            "id": node_id("R", number_of(slug)),
            "databaseId": number_of(slug),
            "name": name,
            "nameWithOwner": slug,
            "url": f"{call.web}/{slug}",
            "owner": Kind("User", {"login": owner, "id": node_id("U", number_of(owner))}),
            "description": "A release world in a box",
            "sshUrl": f"git@{call.web.partition('//')[2]}:{slug}.git",
            "viewerPermission": "ADMIN" if drafts else "READ",
            "defaultBranchRef": Kind("Ref", {"name": BRANCH}),
            "parent": None,
            **dict.fromkeys(_SETTINGS, True),
            "pullRequests": Kind("PullRequestConnection", {"nodes": [], "totalCount": 0}),
            "ref": lambda wanted: _ref(call, wanted["qualifiedName"]) if own else None,
            "release": lambda wanted: _one(call, world, seen, wanted["tagName"]),
            "releases": lambda wanted: _releases(call, world, seen, wanted),
        },
    )


_SETTINGS = (
    "hasIssuesEnabled",
    "hasWikiEnabled",
    "mergeCommitAllowed",
    "rebaseMergeAllowed",
    "squashMergeAllowed",
)


def _ref(call: Call, name: str) -> Kind | None:
    found = [ref for ref in git_facts.refs(call.behind.repository, name) if ref.name == name]
    return Kind("Ref", {"id": node_id("REF", name), "name": name}) if found else None


def _one(call: Call, world: World, seen: list[Release], tag: str) -> Kind | None:
    """The release of a tag; unlike REST this finds a draft, for who may push."""
    found = next((release for release in seen if release.tag == tag), None)
    return _release(call, world, found) if found else None


def _releases(call: Call, world: World, seen: list[Release], wanted: Arguments) -> Kind:
    start = int(wanted.get("after") or 0)
    cut = seen[start : start + int(wanted.get("first") or 30)]
    end = start + len(cut)
    page = Kind("PageInfo", {"hasNextPage": end < len(seen), "endCursor": str(end)})
    nodes = [_release(call, world, release) for release in cut]
    return Kind("ReleaseConnection", {"nodes": nodes, "totalCount": len(seen), "pageInfo": page})


def _release(call: Call, world: World, release: Release) -> Kind:
    latest = latest_of(world)
    return Kind(
        "Release",
        {
            "id": node_id("RE", release.id),
            "databaseId": release.id,
            "name": release.name,
            "tagName": release.tag,
            "description": release.body,
            "url": f"{call.web}/{world.repository}/releases/tag/{place(release)}",
            "isDraft": release.draft,
            "isPrerelease": release.prerelease,
            "isLatest": latest is not None and latest.id == release.id,
            "immutable": release.immutable,
            "createdAt": release.created_at,
            "publishedAt": release.published_at,
        },
    )


ROUTES = (Route("POST", "/graphql", _graphql, "", Access.TOKEN),)
