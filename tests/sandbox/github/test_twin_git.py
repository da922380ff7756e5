"""Git's facts come from git: refs, tags that are objects, commits, files."""

from __future__ import annotations

import base64
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Hub

R = "/repos/sandover/plasmite"


def test_a_light_tag_is_its_commit_and_an_annotated_one_an_object(hub: Hub) -> None:
    light = hub.get(f"{R}/git/ref/tags/v0.1.9").json()["object"]
    assert (light["type"], light["sha"]) == ("commit", hub.head("v0.1.9"))
    noted = hub.get(f"{R}/git/ref/tags/v0.1.8").json()["object"]
    assert noted["type"] == "tag"
    tag = hub.get(noted["url"]).json()
    assert (tag["tag"], tag["object"]["type"], tag["object"]["sha"]) == (
        "v0.1.8",
        "commit",
        hub.head("v0.1.8"),
    )
    assert hub.get(f"{R}/git/tags/{light['sha']}").status == 404
    assert hub.get(tag["object"]["url"]).json()["message"] == "Release v0.1.8"


def test_a_ref_is_found_whole_and_refs_that_begin_alike_together(hub: Hub) -> None:
    assert hub.get(f"{R}/git/ref/tags/v0.1").status == 404
    assert hub.get(f"{R}/git/ref/tags%2Fv0.1.9").status == 200
    found = hub.get(f"{R}/git/matching-refs/tags/v0.1.1").json()
    assert [ref["ref"] for ref in found] == ["refs/tags/v0.1.1"]
    assert hub.get(f"{R}/git/matching-refs/tags/v9").json() == []


@pytest.mark.parametrize("ref", ["main", "heads/main", "HEAD"])
def test_a_commit_has_many_names(hub: Hub, ref: str) -> None:
    spelt = ref.replace("/", "%2F")
    assert hub.get(f"{R}/commits/{spelt}").json()["sha"] == hub.head()
    assert hub.get(f"{R}/commits/{hub.head()[:8]}").json()["sha"] == hub.head()


def test_a_commit_can_be_asked_for_as_its_id_alone(hub: Hub) -> None:
    reply = hub.get(f"{R}/commits/v0.1.8", accept="application/vnd.github.sha")
    assert reply.body.decode() == hub.head("v0.1.8")


@pytest.mark.parametrize("ref", ["nothing", "--all", "0" * 40, "v0.1.9^{tree}"])
def test_what_is_no_commit_is_said_with_422(hub: Hub, ref: str) -> None:
    reply = hub.get(f"{R}/commits/{ref}")
    assert (reply.status, reply.message()) == (422, f"No commit found for SHA: {ref}")


def test_a_commit_lists_what_it_changed(hub: Hub) -> None:
    commit = hub.get(f"{R}/commits/main").json()
    files = {file["filename"]: file for file in commit["files"]}
    assert files["CHANGELOG.md"]["status"] == "modified"
    assert commit["stats"]["total"] == sum(file["changes"] for file in commit["files"])
    first = hub.get(f"{R}/commits/v0.1.0").json()
    assert {file["status"] for file in first["files"]} == {"added"}
    assert first["parents"] == []


def test_history_is_listed_from_the_newest(hub: Hub) -> None:
    messages = [one["commit"]["message"] for one in hub.get(f"{R}/commits?per_page=2").json()]
    assert messages == ["Prepare v0.1.10", "Release v0.1.9"]
    assert len(hub.get(f"{R}/commits?sha=v0.1.3").json()) == 4
    assert hub.get(f"{R}/commits?sha=nothing").status == 404


def test_two_commits_are_compared(hub: Hub) -> None:
    def between(base: str, head: str) -> tuple[str, int, int]:
        found = hub.get(f"{R}/compare/{base}...{head}").json()
        return found["status"], found["ahead_by"], found["behind_by"]

    assert between("v0.1.7", "v0.1.9") == ("ahead", 2, 0)
    assert between("v0.1.9", "v0.1.7") == ("behind", 0, 2)
    assert between("v0.1.9", "v0.1.9") == ("identical", 0, 0)
    assert hub.get(f"{R}/compare/v0.1.9").status == 404


def test_branches_that_parted_are_diverged(own_hub: Hub) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=own_hub.repository, check=True, capture_output=True)

    git("checkout", "-q", "-b", "side/one", "v0.1.9")
    git("commit", "-q", "--allow-empty", "-m", "aside")
    compared = own_hub.get(f"{R}/compare/main...side%2Fone").json()
    assert (compared["status"], compared["ahead_by"], compared["behind_by"]) == ("diverged", 1, 1)
    assert [branch["name"] for branch in own_hub.get(f"{R}/branches").json()] == ["main", "side/one"]
    assert own_hub.get(f"{R}/branches/side%2Fone").json()["commit"]["commit"]["message"] == "aside"
    git("checkout", "-q", "--orphan", "alone")
    git("commit", "-q", "--allow-empty", "-m", "alone")
    assert own_hub.get(f"{R}/compare/main...alone").status == 404


def test_tags_stand_for_commits_and_begin_with_the_last(hub: Hub) -> None:
    tags = hub.get(f"{R}/tags").json()
    assert [tag["name"] for tag in tags[:2]] == ["v0.1.9", "v0.1.8"]
    assert tags[1]["commit"]["sha"] == hub.head("v0.1.8")


def test_a_file_is_json_or_as_it_is(hub: Hub) -> None:
    facts = hub.get(f"{R}/contents/Cargo.toml?ref=v0.1.8").json()
    raw = hub.get(f"{R}/contents/Cargo.toml?ref=v0.1.8", accept="application/vnd.github.raw+json")
    assert base64.b64decode(facts["content"]) == raw.body
    assert b'version = "0.1.8"' in raw.body
    assert facts["size"] == len(raw.body)
    assert hub.get(facts["download_url"], token="").body == raw.body
    assert hub.get(facts["git_url"]).json()["content"] == facts["content"]


def test_a_file_is_the_newest_unless_a_ref_is_named(hub: Hub) -> None:
    raw = hub.get(f"{R}/contents/Cargo.toml", accept="application/vnd.github.v3.raw")
    assert b'version = "0.1.10"' in raw.body
    unknown = hub.get(f"{R}/contents/Cargo.toml?ref=v9")
    assert (unknown.status, unknown.message()) == (404, "No commit found for the ref v9")


def test_a_folder_is_a_list_or_an_object(hub: Hub) -> None:
    listed = hub.get(f"{R}/contents/.github/workflows").json()
    assert ".github/workflows/release.yml" in [entry["path"] for entry in listed]
    assert {entry["type"] for entry in hub.get(f"{R}/contents/").json()} == {"dir", "file"}
    whole = hub.get(f"{R}/contents/.github/workflows", accept="application/vnd.github.object+json").json()
    assert (whole["type"], len(whole["entries"])) == ("dir", len(listed))
    assert whole["entries"][0]["name"] == listed[0]["name"]


def test_a_large_file_has_no_content_in_json_and_a_link_says_where_it_points(own_hub: Hub) -> None:
    folder = own_hub.repository
    (folder / "large.bin").write_bytes(os.urandom(1024 * 1024 + 1))
    (folder / "a link").symlink_to("Cargo.toml")
    for words in (["add", "-A", "-f"], ["commit", "-q", "-m", "work"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    large = own_hub.get(f"{R}/contents/large.bin").json()
    assert (large["encoding"], large["content"]) == ("none", "")
    assert (
        len(own_hub.get(f"{R}/contents/large.bin", accept="application/vnd.github.raw").body) == large["size"]
    )
    link = own_hub.get(f"{R}/contents/a%20link").json()
    assert (link["type"], link["target"]) == ("symlink", "Cargo.toml")


def test_a_tree_is_listed_flat_or_deep(hub: Hub) -> None:
    flat = hub.get(f"{R}/git/trees/main").json()
    deep = hub.get(f"{R}/git/trees/{flat['sha']}?recursive=1").json()
    assert "Cargo.toml" in [entry["path"] for entry in flat["tree"]]
    assert ".github/workflows/release.yml" not in [entry["path"] for entry in flat["tree"]]
    assert ".github/workflows/release.yml" in [entry["path"] for entry in deep["tree"]]


@pytest.mark.parametrize(
    "path", ["nothing", ".github/nothing", "Cargo.toml/below", "*.toml", ":(top)Cargo.toml"]
)
def test_a_path_that_is_not_there_is_not_found(hub: Hub, path: str) -> None:
    assert hub.get(f"{R}/contents/{path}").status == 404
    assert hub.get(f"/sandover/plasmite/raw/main/{path}", token="").status == 404


def test_a_file_in_the_browser_is_cached_for_minutes(hub: Hub) -> None:
    reply = hub.get("/sandover/plasmite/raw/v0.1.9/LICENSE", token="")
    assert reply.header("cache-control") == "max-age=300"
    assert hub.get("/sandover/plasmite/raw/v9/LICENSE", token="").status == 404
    assert hub.get("/sandover/other/raw/main/LICENSE", token="").status == 404
