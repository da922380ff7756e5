"""What is assumed from manifests, and what is left out with its reason."""

from __future__ import annotations

import json

import pytest

from pytest_relgate.audit.draft import MOST, draft, manifests_in
from pytest_relgate.audit.tagged import read_tag

CRATE = '[package]\nname = "demo"\nversion = "1.0.0"\n'
PROJECT = '[project]\nname = "demo"\nversion = "1.0.0"\n'
FORMULA = """class Demo < Formula
  version "1.0.0"
  on_linux do
    url "https://x/demo_linux_amd64.tar.gz"
    sha256 "{}"
  end
end
""".format("a" * 64)


def drafted(path: str, text: str, tag: str = "v1.0.0", **more: str) -> tuple[list[str], str]:
    """Channels in short, and why the manifest was left out."""
    files = {path: text.encode(), **{name: one.encode() for name, one in more.items()}}
    found = draft([path], files.get, read_tag(tag), "ada/demo")
    return [f"{one.kind} {one.name} {one.spelled}" for one in found.channels], " ".join(found.left_out)


def package(**facts: object) -> str:
    return json.dumps({"name": "demo", "version": "1.0.0", **facts})


@pytest.mark.parametrize(
    ("path", "text", "channel"),
    [
        ("Cargo.toml", CRATE, "crates demo 1.0.0"),
        ("Cargo.toml", CRATE + 'publish = ["crates-io"]', "crates demo 1.0.0"),
        ("Cargo.toml", CRATE + '[lib]\ncrate-type = ["rlib", "cdylib"]', "crates demo 1.0.0"),
        ("pyproject.toml", PROJECT, "pypi demo 1.0.0"),
        ("pyproject.toml", '[project]\nname = "demo"\ndynamic = ["version"]', "pypi demo 1.0.0"),
        ("pyproject.toml", '[tool.poetry]\nname = "demo"\nversion = "1.0.0"', "pypi demo 1.0.0"),
        ("package.json", package(), "npm demo 1.0.0"),
        ("package.json", package(version="0.0.0-dev"), "npm demo 1.0.0"),
        ("package.json", package(name="@ada/demo"), "npm @ada/demo 1.0.0"),
        ("Formula/demo.rb", FORMULA, "homebrew demo 1.0.0"),
    ],
)
def test_a_manifest_names_a_channel(path: str, text: str, channel: str) -> None:
    assert drafted(path, text) == ([channel], "")


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("Cargo.toml", CRATE + "publish = false", "not for crates.io"),
        ("Cargo.toml", CRATE + 'publish = ["ours"]', "not for crates.io"),
        ("Cargo.toml", '[package]\nname = "demo"', "no version"),
        ("Cargo.toml", "[workspace]\n", "no package of its own"),
        ("Cargo.toml", CRATE + '[lib]\ncrate-type = ["cdylib"]', "built into another package"),
        ("Cargo.toml", CRATE.replace("1.0.0", "0.9.0"), "demo is at 0.9.0 there, so it is not of v1.0.0"),
        ("Cargo.toml", "[package", "is not TOML"),
        ("pyproject.toml", "[tool.ruff]", "it has no [project]"),
        ("pyproject.toml", PROJECT + 'classifiers = ["Private :: Do Not Upload"]', "private"),
        ("package.json", package(private=True), "it is private"),
        ("package.json", package(publishConfig={"registry": "https://npm.example"}), "https://npm.example"),
        ("package.json", '{"name": "demo"}', "no version"),
        ("package.json", '{"name": 7, "version": "1.0.0"}', "no name"),
        ("package.json", "[]", "expected an object"),
        ("package.json", "[" * 100_000, "too deep"),
    ],
)
def test_what_is_not_of_the_release_is_left_out_with_its_reason(path: str, text: str, why: str) -> None:
    channels, reason = drafted(path, text)
    assert channels == []
    assert why in reason


def test_what_the_workspace_says_counts() -> None:
    own = '[package]\nname = "demo"\nversion.workspace = true\npublish.workspace = true\n'
    top = '[workspace.package]\nversion = "1.0.0"\npublish = {}\n'
    assert drafted("a/Cargo.toml", own, **{"Cargo.toml": top.format("true")})[0] == ["crates demo 1.0.0"]
    assert "not for crates.io" in drafted("a/Cargo.toml", own, **{"Cargo.toml": top.format("false")})[1]


def test_a_spelling_is_the_manifests_own() -> None:
    assert drafted("Cargo.toml", CRATE.replace("1.0.0", "1.0.0-rc.1"), "1.0.0rc1")[0] == [
        "crates demo 1.0.0-rc.1"
    ]
    assert drafted("pyproject.toml", PROJECT.replace("1.0.0", "1.0.0rc1"), "v1.0.0-rc.1")[0] == [
        "pypi demo 1.0.0rc1"
    ]


def test_a_formula_needs_to_know_whose_tap() -> None:
    found = draft(["Formula/demo.rb"], {"Formula/demo.rb": FORMULA.encode()}.get, read_tag("v1.0.0"), "")
    assert found.channels == ()
    assert "--channel homebrew=OWNER/TAP" in found.left_out[0]


def test_manifests_of_tests_and_examples_are_nobodys() -> None:
    paths = ["a/b/Cargo.toml", "Cargo.toml", "tests/Cargo.toml", "node_modules/x/package.json", "x.rb"]
    paths += ["examples/demo/package.json", ".cargo/Cargo.toml", "Formula/demo.rb", "src/main.rs"]
    assert manifests_in(paths) == ["Cargo.toml", "Formula/demo.rb", "a/b/Cargo.toml"]


def test_more_packages_than_are_looked_at_are_counted() -> None:
    files = {f"p{n:03}/package.json": package(name=f"demo-{n}").encode() for n in range(MOST + 3)}
    found = draft(files, files.get, read_tag("v1.0.0"), "")
    assert len(found.channels) == MOST
    assert found.left_out == ("3 more packages of the kind npm",)


def test_a_package_for_a_platform_is_not_assumed_beside_the_one_that_names_it() -> None:
    files = {
        "package.json": package(
            optionalDependencies={"@demo/linux-x64": "1.0.0", "other": "^1.0.0"}
        ).encode(),
        "npm/linux-x64/package.json": package(name="@demo/linux-x64").encode(),
        "npm/other/package.json": package(name="other").encode(),
    }
    found = draft(files, files.get, read_tag("v1.0.0"), "")
    assert [one.name for one in found.channels] == ["demo", "other"]


def test_systems_that_manifests_promise() -> None:
    files = {
        "Formula/demo.rb": FORMULA.encode(),
        "package.json": package(files=["native/darwin-arm64/**"]).encode(),
        "pyproject.toml": (PROJECT + 'classifiers = ["Operating System :: Microsoft :: Windows"]').encode(),
    }
    found = draft(files, files.get, read_tag("v1.0.0"), "ada/demo")
    assert {one.system: one.where for one in found.promises} == {
        "linux": "Formula/demo.rb",
        "darwin": "package.json (native/darwin-arm64/**)",
        "windows": 'pyproject.toml ("Operating System :: Microsoft :: Windows")',
    }
