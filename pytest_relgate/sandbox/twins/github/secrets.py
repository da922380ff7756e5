"""Secrets, by name and never by value, on their three levels; and the environments of the middle one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pytest_relgate.sandbox.twins.github.call import Access, Route, not_found
from pytest_relgate.sandbox.twins.github.pages import answer_json, counted_page
from pytest_relgate.sandbox.twins.github.shapes import FOUNDED, node_id, number_of

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.exchange import Answer
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.world import Secret


_A_WHILE: Final = timedelta(days=30)


def _shape(_: Call, secret: Secret) -> dict[str, Any]:
    updated = secret.updated_at or f"{datetime.now(UTC) - _A_WHILE:%Y-%m-%dT%H:%M:%SZ}"
    return {"name": secret.name, "created_at": secret.created_at, "updated_at": updated}


def _shared_shape(call: Call, secret: Secret) -> dict[str, Any]:
    return _shape(call, secret) | {"visibility": "all"}


def _on(call: Call, level: str) -> list[Secret]:
    found = [secret for secret in call.world.secrets if secret.level == level]
    return sorted(found, key=lambda secret: secret.name)


def _of_repository(call: Call) -> Answer:
    return counted_page(call, "secrets", _on(call, "repository"), _shape)


def _one(call: Call) -> Answer:
    name = call.at["secret_name"].upper()
    found = next((one for one in _on(call, "repository") if one.name == name), None)
    if found is None:
        raise not_found()
    return answer_json(_shape(call, found))


def _from_organisation(call: Call) -> Answer:
    return counted_page(call, "secrets", _on(call, "organization"), _shape)


def _of_organisation(call: Call) -> Answer:
    """The organisation's own list: there is none where the owner is a person."""
    world = call.behind.store.read()
    found = [secret for secret in world.secrets if secret.level == "organization"]
    if call.at["org"].lower() != world.repository.partition("/")[0].lower() or not found:
        raise not_found()
    return counted_page(call, "secrets", sorted(found, key=lambda one: one.name), _shared_shape)


def _of_environment(call: Call) -> Answer:
    name = _environment(call)
    return counted_page(call, "secrets", _on(call, f"environment:{name}"), _shape)


def _environment(call: Call) -> str:
    name = call.at["environment_name"]
    if name not in call.world.environments:
        raise not_found()
    return name


def _environment_shape(call: Call, name: str) -> dict[str, Any]:
    number = number_of(f"{call.slug}/{name}")
    return {
        "id": number,
        "node_id": node_id("EN", number),
        "name": name,
        "url": f"{call.repo}/environments/{name}",
        "html_url": f"{call.page}/deployments/activity_log?environments_filter={name}",
        "created_at": FOUNDED,
        "updated_at": FOUNDED,
        "protection_rules": [],
        "deployment_branch_policy": None,
    }


def _environments(call: Call) -> Answer:
    return counted_page(call, "environments", call.world.environments, _environment_shape)


def _one_environment(call: Call) -> Answer:
    return answer_json(_environment_shape(call, _environment(call)))


_REPO = "/repos/{owner}/{repo}"
_ENVIRONMENT = f"{_REPO}/environments/{{environment_name}}"
_DOCS = "actions/secrets#"
_PLACES = "deployments/environments#"
ROUTES = (
    Route(
        "GET", f"{_REPO}/actions/secrets", _of_repository, f"{_DOCS}list-repository-secrets", Access.SECRETS
    ),
    Route(
        "GET",
        f"{_REPO}/actions/secrets/{{secret_name}}",
        _one,
        f"{_DOCS}get-a-repository-secret",
        Access.SECRETS,
    ),
    Route(
        "GET",
        f"{_REPO}/actions/organization-secrets",
        _from_organisation,
        f"{_DOCS}list-repository-organization-secrets",
        Access.SECRETS,
    ),
    Route(
        "GET",
        "/orgs/{org}/actions/secrets",
        _of_organisation,
        f"{_DOCS}list-organization-secrets",
        Access.SECRETS,
    ),
    Route(
        "GET", f"{_ENVIRONMENT}/secrets", _of_environment, f"{_DOCS}list-environment-secrets", Access.SECRETS
    ),
    Route("GET", f"{_REPO}/environments", _environments, f"{_PLACES}list-environments"),
    Route("GET", _ENVIRONMENT, _one_environment, f"{_PLACES}get-an-environment"),
)
