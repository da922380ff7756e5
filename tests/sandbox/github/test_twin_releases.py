"""Releases and assets as GitHub keeps them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_relgate.sandbox.world import Release

if TYPE_CHECKING:
    from conftest import Hub

R = "/repos/sandover/plasmite/releases"
WEB = "/sandover/plasmite/releases"


def tags(hub: Hub, token: str) -> list[str]:
    return [one["tag_name"] for one in hub.get(R, token=token).json()]


def test_a_draft_is_listed_for_who_may_push_and_found_by_id_but_never_by_its_tag(hub: Hub) -> None:
    assert tags(hub, "ghp_person") == ["v0.1.10", "v0.1.9", "v0.1.8"]
    assert hub.get(f"{R}/10").json()["draft"] is True
    assert hub.get(f"{R}/tags/v0.1.10").status == 404


@pytest.mark.parametrize("token", ["", "ghs_run"])
def test_a_draft_is_hidden_from_who_may_not_push(hub: Hub, token: str) -> None:
    assert tags(hub, token) == ["v0.1.9", "v0.1.8"]
    assert hub.get(f"{R}/10", token=token).status == 404


def test_a_drafts_pages_do_not_know_its_tag(hub: Hub) -> None:
    draft = hub.get(f"{R}/10").json()
    assert draft["html_url"].rpartition("/")[2].startswith("untagged-")
    assert draft["tarball_url"] is None
    assert draft["published_at"] is None


def test_the_latest_goes_by_date_and_not_by_version(hub: Hub) -> None:
    late = Release(20, "v0.0.9", "A fix of old", "", "2026-04-01T12:00:00Z", "2026-04-01T12:00:00Z")
    candidate = msgspec.structs.replace(late, id=21, tag="v0.2.0-rc.1", created_at="2026-05-01T12:00:00Z")
    candidate = msgspec.structs.replace(candidate, prerelease=True)
    hub.change(releases=(*hub.store.read().releases, late, candidate))
    assert hub.get(f"{R}/latest").json()["tag_name"] == "v0.0.9"


def test_without_a_full_release_there_is_no_latest(hub: Hub) -> None:
    hub.change(releases=(hub.store.read().releases[2],))
    assert hub.get(f"{R}/latest").status == 404
    assert hub.get(f"{WEB}/latest/download/a.tar.gz", token="").status == 404


def test_target_commitish_is_a_branch_and_not_the_tags_commit(hub: Hub) -> None:
    assert hub.get(f"{R}/tags/v0.1.9").json()["target_commitish"] == "main"
    ref = hub.get("/repos/sandover/plasmite/git/ref/tags/v0.1.9").json()["object"]
    assert ref["sha"] == hub.head("v0.1.9") != hub.head("main")


def test_an_asset_is_described_as_json_and_given_out_by_a_redirect(hub: Hub) -> None:
    facts = hub.get(f"{R}/tags/v0.1.9").json()["assets"][0]
    assert hub.get(facts["url"]).json() == facts
    reply = hub.get(facts["url"], accept="application/octet-stream")
    assert reply.status == 302
    raw = hub.fetch(reply.header("location")).body
    assert facts["digest"] == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert (facts["state"], facts["size"]) == ("uploaded", len(raw))


def test_a_digest_may_be_null_and_an_asset_half_uploaded(hub: Hub) -> None:
    asset = msgspec.structs.replace(hub.store.read().releases[1].assets[0], digest=None, state="open")
    hub.change(releases=(msgspec.structs.replace(hub.store.read().releases[1], assets=(asset,)),))
    facts = hub.get(f"{R}/assets/100").json()
    assert (facts["digest"], facts["state"]) == (None, "open")
    assert hub.get(f"{WEB}/download/v0.1.9/{asset.name}", token="").status == 404


def test_a_download_in_the_browser_asks_for_no_token(hub: Hub) -> None:
    facts = hub.get(f"{R}/tags/v0.1.9").json()["assets"][0]
    reply = hub.get(facts["browser_download_url"], token="")
    assert hub.fetch(reply.header("location")).body == b"an archive"
    latest = hub.get(f"{WEB}/latest/download/{facts['name']}", token="")
    assert latest.header("location") == facts["browser_download_url"]
    assert hub.get(f"{WEB}/download/v0.1.9/nothing.txt", token="").status == 404
    assert hub.get(f"{WEB}/latest", token="").header("location").endswith("/releases/tag/v0.1.9")
    assert hub.get(f"{WEB}/tag/v0.1.9", token="").status == 200


def test_a_release_is_made_filled_and_published(own_hub: Hub) -> None:
    hub = own_hub
    made = hub.ask("POST", R, body={"tag_name": "v0.1.11", "draft": True, "name": "Next"})
    assert (made.status, made.header("location")) == (201, made.json()["url"])
    address = made.json()["upload_url"].partition("{")[0]
    uploaded = hub.ask(
        "POST", f"{address}?name=a file.txt", body=b"bytes", headers={"content-type": "text/plain"}
    )
    assert uploaded.json()["name"] == "a.file.txt"  # a blank is not taken in a name
    assert uploaded.json()["digest"] == f"sha256:{hashlib.sha256(b'bytes').hexdigest()}"
    assert hub.get(f"{R}/tags/v0.1.11").status == 404
    done = hub.ask("PATCH", made.json()["url"], body={"draft": False})
    assert done.json()["published_at"] is not None
    assert hub.get(f"{R}/tags/v0.1.11").json()["assets"][0]["name"] == "a.file.txt"
    assert hub.head("v0.1.11") == hub.head("main")  # a tag that was missing is made
    assert hub.ask("DELETE", made.json()["url"]).status == 204
    assert hub.get(made.json()["url"]).status == 404


def code(hub: Hub, method: str, address: str, body: object) -> tuple[int, str]:
    reply = hub.ask(method, address, body=body)
    errors = reply.json().get("errors") or [{"code": reply.message()}]
    return reply.status, errors[0]["code"]


def test_what_is_taken_or_missing_is_refused(hub: Hub) -> None:
    assert code(hub, "POST", R, {"tag_name": "v0.1.9"}) == (422, "already_exists")
    assert code(hub, "POST", R, {"name": "x"}) == (422, "missing_field")
    assert code(hub, "POST", R, {"tag_name": "v7", "target_commitish": "nothing"}) == (422, "invalid")
    name = "plasmite_0.1.9_linux_amd64.tar.gz"
    assert code(hub, "POST", f"{R}/9/assets?name={name}", b"other") == (422, "already_exists")
    assert code(hub, "POST", f"{R}/9/assets", b"other") == (422, "missing_field")
    assert hub.ask("POST", f"{R}/9/assets?name=a", body=b"").status == 400
    assert hub.ask("POST", R, body=b"{").message() == "Problems parsing JSON"
    assert hub.ask("POST", R, body=[]).status == 400
    assert hub.ask("POST", R, body={"tag_name": 7}).status == 422
    assert hub.ask("POST", R, body={"tag_name": "v7", "draft": "yes"}).status == 422


def test_an_immutable_release_keeps_its_assets_and_its_tag(hub: Hub) -> None:
    releases = hub.store.read().releases
    hub.change(releases=(msgspec.structs.replace(releases[1], immutable=True),))
    assert hub.get(f"{R}/9").json()["immutable"] is True
    assert hub.ask("POST", f"{R}/9/assets?name=a", body=b"a").status == 422
    assert hub.ask("DELETE", f"{R}/assets/100").status == 422
    assert hub.ask("PATCH", f"{R}/9", body={"tag_name": "v0.1.99"}).status == 422


def test_an_asset_can_be_deleted(hub: Hub) -> None:
    assert hub.ask("DELETE", f"{R}/assets/100").status == 204
    assert hub.get(f"{R}/9/assets").json() == []


@pytest.mark.parametrize(("token", "status"), [("", 401), ("ghs_run", 403)])
def test_releases_are_written_by_people_only(hub: Hub, token: str, status: int) -> None:
    assert hub.ask("POST", R, token=token, body={"tag_name": "v1"}).status == status
    assert hub.ask("DELETE", f"{R}/9", token=token).status == status
    assert len(hub.store.read().releases) == 3
