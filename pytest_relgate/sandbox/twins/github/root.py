"""What is about no repository in particular, and the repository itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pytest_relgate.sandbox.twins.github import git_facts
from pytest_relgate.sandbox.twins.github.call import Access, Caller, Problem, Route
from pytest_relgate.sandbox.twins.github.pages import answer_json
from pytest_relgate.sandbox.twins.github.shapes import BRANCH, FOUNDED, user, whole_repository

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.exchange import Answer
    from pytest_relgate.sandbox.twins.github.call import Call

_SEARCHES = ("code", "commit", "issue", "label", "repository", "topic", "user")
_INDEX = {
    "current_user_url": "/user",
    "authorizations_url": "/authorizations",
    "emails_url": "/user/emails",
    "emojis_url": "/emojis",
    "events_url": "/events",
    "feeds_url": "/feeds",
    "followers_url": "/user/followers",
    "following_url": "/user/following{/target}",
    "gists_url": "/gists{/gist_id}",
    "hub_url": "/hub",
    "issues_url": "/issues",
    "keys_url": "/user/keys",
    "notifications_url": "/notifications",
    "organization_url": "/orgs/{org}",
    "organization_repositories_url": "/orgs/{org}/repos{?type,page,per_page,sort}",
    "organization_teams_url": "/orgs/{org}/teams",
    "public_gists_url": "/gists/public",
    "rate_limit_url": "/rate_limit",
    "repository_url": "/repos/{owner}/{repo}",
    "current_user_repositories_url": "/user/repos{?type,page,per_page,sort}",
    "starred_url": "/user/starred{/owner}{/repo}",
    "starred_gists_url": "/gists/starred",
    "user_url": "/users/{user}",
    "user_organizations_url": "/user/orgs",
    "user_repositories_url": "/users/{user}/repos{?type,page,per_page,sort}",
}


def _index(call: Call) -> Answer:
    pages = {
        "current_user_authorizations_html_url": f"{call.web}/settings/connections/applications{{/client_id}}"
    }
    searches = {
        f"{what}_search_url": f"{call.api}/search/{what}?q={{query}}{{&page,per_page,sort,order}}"
        for what in _SEARCHES
    }
    return answer_json(pages | {name: call.api + rest for name, rest in _INDEX.items()} | searches)


def _meta(call: Call) -> Answer:
    """Facts about the service. A server of one's own, which has its API below a path, says its version."""
    facts: dict[str, Any] = {"verifiable_password_authentication": False}
    if call.api.endswith("/api/v3"):
        facts["installed_version"] = "3.21.0"
    return answer_json(facts)


def _user(call: Call) -> Answer:
    """Who the token is. A run's own token is nobody's."""
    if call.caller is Caller.WORKFLOW:
        raise Problem(HTTPStatus.FORBIDDEN, "Resource not accessible by integration")
    login = call.behind.store.read().repository.partition("/")[0]
    profile = dict.fromkeys(("company", "blog", "location", "email", "hireable", "bio", "twitter_username"))
    counts = dict.fromkeys(("public_gists", "followers", "following"), 0)
    times = {"created_at": FOUNDED, "updated_at": FOUNDED}
    return answer_json(user(call, login) | {"name": login, "public_repos": 2} | profile | counts | times)


def _repository(call: Call) -> Answer:
    sha = git_facts.resolve(call.git, BRANCH)
    changed = git_facts.commit(call.git, sha).committer.date if sha else FOUNDED
    shape = whole_repository(call, changed)
    if call.caller is not Caller.ANONYMOUS:
        writes = call.caller is Caller.USER
        shape["permissions"] = {
            "admin": writes,
            "maintain": writes,
            "push": writes,
            "triage": writes,
            "pull": True,
        }
    return answer_json(shape)


ROUTES = (
    Route("GET", "/", _index, "meta/meta#github-api-root"),
    Route("GET", "/meta", _meta, "meta/meta#get-apiname-meta-information"),
    Route("GET", "/user", _user, "users/users#get-the-authenticated-user", Access.TOKEN),
    Route("GET", "/repos/{owner}/{repo}", _repository, "repos/repos#get-a-repository"),
)
