"""Users, repositories and the like, as GitHub spells them in every answer that speaks of one."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.github.call import Call

FOUNDED = "2025-12-01T09:00:00Z"
BRANCH = "main"
"""The default branch, as ``sandbox/repository.py`` makes it."""


def number_of(name: str) -> int:
    """Return an id that a name always has."""
    return zlib.crc32(name.lower().encode()) & 0x3FFFFFFF


def node_id(kind: str, number: int | str) -> str:
    """Return the id of GraphQL's world: opaque, and different for each thing."""
    return f"{kind}_{base64.urlsafe_b64encode(str(number).encode()).decode().rstrip('=')}"


def user(call: Call, login: str) -> dict[str, Any]:
    """A user or an organisation, the short form."""
    url = f"{call.api}/users/{login}"
    organisation = login == call.owner and any(s.level == "organization" for s in call.world.secrets)
    return {
        "login": login,
        "id": number_of(login),
        "node_id": node_id("U", number_of(login)),
        "avatar_url": f"{call.web}/{login}.png",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{call.web}/{login}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": "Organization" if organisation else "User",
        "user_view_type": "public",
        "site_admin": False,
    }


_LINKS = (  # the addresses that every mention of a repository carries, by field
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
)


def repository(call: Call) -> dict[str, Any]:
    """The repository in the path, the short form."""
    number = number_of(call.slug)
    return {
        "id": number,
        "node_id": node_id("R", number),
        "name": call.slug.partition("/")[2],
        "full_name": call.slug,
        "private": False,
        "owner": user(call, call.owner),
        "html_url": call.page,
        "description": "A release world in a box",
        "fork": False,
        "url": call.repo,
        **{field: call.repo + rest for field, rest in _LINKS},
    }


def whole_repository(call: Call, changed: str) -> dict[str, Any]:
    """The repository in the path, the long form; ``changed`` is the time of its newest commit."""
    host = call.web.partition("//")[2]
    return repository(call) | {
        "git_url": f"git://{host}/{call.slug}.git",
        "ssh_url": f"git@{host.partition(':')[0]}:{call.slug}.git",
        "clone_url": f"{call.page}.git",
        "svn_url": call.page,
        "mirror_url": None,
        "homepage": None,
        "language": "Rust",
        "size": 108,
        **dict.fromkeys(_COUNTS, 0),
        "default_branch": BRANCH,
        "visibility": "public",
        "is_template": False,
        "topics": [],
        "has_issues": True,
        "has_projects": True,
        "has_wiki": True,
        "has_pages": False,
        "has_downloads": True,
        "has_discussions": False,
        "archived": False,
        "disabled": False,
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "license": {
            "key": "mit",
            "name": "MIT License",
            "spdx_id": "MIT",
            "url": f"{call.api}/licenses/mit",
            "node_id": node_id("L", "mit"),
        },
        "pushed_at": changed,
        "created_at": FOUNDED,
        "updated_at": changed,
    }


_COUNTS = (
    "forks_count",
    "stargazers_count",
    "watchers_count",
    "open_issues_count",
    "subscribers_count",
    "network_count",
    "forks",
    "open_issues",
    "watchers",
)


def actions_app(call: Call) -> dict[str, Any]:
    """The app whose check suites runs of workflows are."""
    return {
        "id": 15368,
        "slug": "github-actions",
        "client_id": "Iv1.05c79e9ad1f6bdfa",
        "node_id": node_id("A", 15368),
        "owner": user(call, "github"),
        "name": "GitHub Actions",
        "description": "Automate your workflow from idea to production",
        "external_url": "https://help.github.com/en/actions",
        "html_url": f"{call.web}/apps/github-actions",
        "created_at": "2018-07-30T09:30:17Z",
        "updated_at": "2025-03-07T16:35:00Z",
        "permissions": {"actions": "write", "checks": "write", "contents": "write", "metadata": "read"},
        "events": ["check_run", "push", "workflow_dispatch"],
    }
