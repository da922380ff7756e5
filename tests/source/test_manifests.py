"""Which version each manifest carries, and whether it is the release's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile import parse_profile
from pytest_relgate.profile.source import MANIFESTS
from pytest_relgate.source.lockfiles import stale_lockfiles
from pytest_relgate.source.manifests import KNOWN, read_manifests

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[1] / "data"
PLASMITE = (
    "Cargo.toml",
    "Cargo.lock",
    "bindings/python/pyproject.toml",
    "bindings/node/package.json",
    "bindings/node/package-lock.json",
    "bindings/node/native/Cargo.toml",
)


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def reader(files: dict[str, str]) -> Callable[[str], bytes | None]:
    return lambda path: files[path].encode() if path in files else None


def drift(files: dict[str, str], version: str = "0.4.0") -> list[str]:
    found = read_manifests(tuple(files), reader(files)).drift(version)
    return [problem.found for problem in found]


def plasmite(row: dict[str, Any]) -> dict[str, str]:
    """The manifests of one commit, as far as their versions go."""
    at = row["versions"]
    (locked,) = row["extra_sources"]["cargo_lock"]
    lock = {"version": at["node_lock"], "packages": {"": {"version": at["node_lock_root"]}}}
    return {
        "Cargo.toml": f'[package]\nname = "plasmite"\nversion = "{at["cargo"]}"\n',
        "Cargo.lock": f'version = 4\n\n[[package]]\nname = "plasmite"\nversion = "{locked}"\n',
        "bindings/python/pyproject.toml": f'[project]\nname = "plasmite"\nversion = "{at["python"]}"\n',
        "bindings/node/package.json": json.dumps({"name": "plasmite", "version": at["node"]}),
        "bindings/node/package-lock.json": json.dumps(lock),
        "bindings/node/native/Cargo.toml": f'[package]\nname = "x"\nversion = "{at["node_native"]}"\n',
    }


@pytest.mark.parametrize("row", rows("version_alignment.jsonl"), ids=lambda row: row["commit"][:7])
def test_every_recorded_commit_is_judged_as_it_was(row: dict[str, Any]) -> None:
    assert (not drift(plasmite(row), row["versions"]["cargo"])) == row["strict_ok"]


# What the original got wrong, by PLASMITE's list of its faults.
READ_RIGHTLY = {
    "toml_no_spaces",
    "toml_indented",
    "toml_section_trailing_comment",
    "toml_crlf",
    "toml_dotted_root",
    "toml_version_in_multiline_string",
    "bom_utf8",
    "py_poetry",
}
ACCEPTED_WRONGLY = {
    "toml_invalid_but_greppable",
    "json_all_null_string",
    "all_prerelease",  # aligned among themselves, and not the release's version
    "all_with_v",
    "all_two_components",
}
SYNTHETIC = rows("version_alignment_synthetic.jsonl")


@pytest.mark.parametrize("row", SYNTHETIC, ids=lambda row: row["case"])
def test_every_mutation_is_judged_by_what_it_means(row: dict[str, Any]) -> None:
    base = json.loads((DATA / "version_alignment_synthetic_base.json").read_text("utf-8"))
    files = {path: text for path, text in (base | row["overrides"]).items() if text is not None}
    found = read_manifests(tuple(base), reader(files)).drift("0.4.0")
    was_right = row["case"] not in READ_RIGHTLY | ACCEPTED_WRONGLY
    assert (not found) == ((row["exit"] == 0) if was_right else row["case"] in READ_RIGHTLY)


def test_a_prerelease_is_spelled_as_each_ecosystem_does() -> None:
    (row,) = (row for row in SYNTHETIC if row["case"] == "all_prerelease")
    base = json.loads((DATA / "version_alignment_synthetic_base.json").read_text("utf-8"))
    files = base | row["overrides"]
    assert drift(files, "0.5.0-rc.1") == []
    files["bindings/python/pyproject.toml"] = '[project]\nversion = "0.5.0rc1"\n'
    assert drift(files, "0.5.0-rc.1") == []
    files["bindings/node/package.json"] = '{"version": "0.5.0rc1"}'
    (says,) = drift(files, "0.5.0-rc.1")
    assert "expected 0.5.0-rc.1, found '0.5.0rc1', which is no SemVer version" in says


def test_a_prerelease_that_pypi_cannot_spell_is_said_to_be_one() -> None:
    (says,) = drift({"pyproject.toml": '[project]\nversion = "0.5.0"\n'}, "0.5.0-next.1")
    assert "has no spelling of 0.5.0-next.1" in says


WORKSPACE = '[workspace]\nmembers = ["crates/a"]\n[workspace.package]\nversion = "0.4.0"\n'


@pytest.mark.parametrize(
    "member",
    [
        '[package]\nname = "a"\nversion.workspace = true\n',
        '[package]\nname = "a"\nversion = { workspace = true }\n',
        '[package]\nname = "a"\nworkspace = "../.."\nversion.workspace = true\n',
    ],
)
def test_a_version_is_inherited_from_the_workspace(member: str) -> None:
    files = {"crates/a/Cargo.toml": member, "Cargo.toml": WORKSPACE}
    found = read_manifests(("crates/a/Cargo.toml",), reader(files))
    assert [(one.where, one.version) for one in found.carried] == [("Cargo.toml:4", "0.4.0")]
    assert found.drift("0.4.0") == ()
    assert "expected 0.5.0" in found.drift("0.5.0")[0].found


def test_a_version_of_no_workspace_is_none() -> None:
    (says,) = drift({"a/Cargo.toml": '[package]\nname = "a"\nversion.workspace = true\n'})
    assert "no Cargo.toml above it has a [workspace]" in says


def test_a_lockfile_without_the_crate_is_said_to_lack_it() -> None:
    files = {
        "Cargo.toml": '[package]\nname = "a"\nversion = "0.4.0"\n',
        "Cargo.lock": '[[package]]\nname = "serde"\nversion = "1.0.0"\nsource = "registry"\n',
    }
    assert drift(files) == ["Cargo.lock has no entry for the crate a"]


def test_a_crate_of_the_same_name_from_a_registry_is_another_one() -> None:
    own = '[[package]]\nname = "a"\nversion = "0.4.0"\n'
    other = '[[package]]\nname = "a"\nversion = "9.9.9"\nsource = "registry"\n'
    files = {"Cargo.toml": '[package]\nname = "a"\nversion = "0.4.0"\n', "Cargo.lock": other + own}
    assert drift(files) == []


@pytest.mark.parametrize(
    ("path", "text", "line", "says"),
    [
        ("Cargo.toml", "[package]\nname = \n", 2, "Cargo.toml is not TOML"),
        ("package.json", '{\n"version": }', 2, "package.json is not JSON"),
        ("package.json", "[]", 0, "expected an object"),
        ("package.json", '{"name": "a"}', 0, "expected a string as version, found none"),
        ("pyproject.toml", '[project]\ndynamic = ["version"]\n', 0, "the version is dynamic"),
        ("setup.cfg", "", 0, "expected a manifest named"),
    ],
)
def test_a_manifest_that_says_nothing_is_a_problem_with_its_place(
    path: str, text: str, line: int, says: str
) -> None:
    (problem,) = read_manifests((path,), reader({path: text})).problems
    assert says in problem.found
    assert problem.where == (f"{path}:{line}" if line else path)


def test_a_byte_that_is_not_utf_8_is_a_problem_with_its_line() -> None:
    (problem,) = read_manifests(("Cargo.toml",), lambda _: b"[package]\nname = '\xff'\n").problems
    assert problem.where == "Cargo.toml:2"


def test_a_finding_names_the_line_of_the_version() -> None:
    files = {
        "Cargo.toml": '[package]\r\nname = "a"\r\n# version = "0.4.1"\r\nversion = "0.4.1"\r\n',
        "package-lock.json": '{\n "version": "0.4.0",\n "packages": {\n  "": {\n   "version": "0.3.0"}}}',
    }
    found = read_manifests(tuple(files), reader(files)).drift("0.4.0")
    assert [problem.where for problem in found] == ["Cargo.toml:4", "package-lock.json:5"]


UV_LOCK = """version = 1

[[package]]
name = "blinker"
version = "1.9.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "flask"
version = "%s"
source = { editable = "." }
"""


def test_a_lock_of_uv_carries_the_version_of_its_project_alone() -> None:
    assert drift({"uv.lock": UV_LOCK % "0.4.0"}) == []
    found = read_manifests(("uv.lock",), reader({"uv.lock": UV_LOCK % "0.3.9"})).drift("0.4.0")
    assert [(one.found, one.where) for one in found] == [
        ("the entry of flask of uv.lock: expected 0.4.0, found 0.3.9", "uv.lock:10")
    ]
    assert drift({"uv.lock": UV_LOCK.replace('"."', '"../other"') % "0.3.9"}) == []


def test_the_profile_takes_the_manifests_that_can_be_read_and_no_others() -> None:
    assert MANIFESTS == KNOWN
    with pytest.raises(RelgateError, match=r'relgate\.toml:2: .*found "version\.txt": .*write a gate'):
        parse_profile(b'project = "demo"\nmanifests = ["Cargo.toml", "version.txt"]\n', "relgate.toml")
    assert "take the file out of manifests" in str(
        read_manifests(("Cargo.toml",), reader({"Cargo.toml": "[workspace]\n"})).problems[0].do
    )


@pytest.mark.parametrize(
    "lock", ["package = 1\n", 'package = "a"\n', "package = [1]\n", "[package]\na = 1\n"]
)
def test_a_lockfile_of_another_shape_has_no_entries(lock: str) -> None:
    manifest = '[package]\nname = "a"\nversion = "0.4.0"\n'
    files = {"Cargo.lock": lock, "Cargo.toml": manifest}
    assert len(drift(files)) == 1
    assert [one.found for one in stale_lockfiles(("Cargo.lock",), reader(files))] == [
        "Cargo.lock has no entry for the crate a"
    ]
    assert drift({"uv.lock": lock, "Cargo.toml": manifest}) == []
