"""A name that no package can have on a channel is told at once, and not looked for."""

from __future__ import annotations

import pytest

from pytest_relgate.profile.channels import Channel, misplaced
from pytest_relgate.profile.package import expected_name

RIGHT = {
    "pypi": ["demo", "Demo", "zope.interface", "a", "typing_extensions", "ruamel.yaml.clib", "3to2"],
    "npm": ["demo", "@ada/demo", "lodash.merge", "JSONStream", "@types/node", "-", "a" * 214],
    "crates": ["demo", "demo_core", "rand-core", "a", "a" * 64],
    "github-release": ["ada/demo", "ada-l/demo.js", "a/.github", "sandover/homebrew-tap", "a/_x"],
    "homebrew": ["ada/homebrew-tap"],
}
WRONG = {
    "pypi": [
        "@ada/demo",
        "demo/x",
        "-demo",
        "demo-",
        "_demo",
        "de mo",
        "",
        "d\u00e9mo",
        "demo\n",
        ".",
        "d\u0130mo",
    ],
    "npm": [
        "../x",
        "@ada",
        "@ada/",
        "ada/demo",
        "_demo",
        ".demo",
        "node_modules",
        "a" * 215,
        "de mo",
        "@a/.b",
    ],
    "crates": ["@ada/demo", "1demo", "_demo", "de.mo", "a" * 65, "", "demo\n", "d\u00e9mo"],
    "github-release": [
        "demo",
        "ada/",
        "/demo",
        "-ada/demo",
        "ada/demo/x",
        "ada/..",
        "ada/.",
        f"{'a' * 40}/b",
    ],
    "homebrew": ["demo", "ada/de mo", "ada--l/demo"],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in RIGHT for name in RIGHT[kind]])
def test_a_name_that_there_can_be_is_right(kind: str, name: str) -> None:
    assert expected_name(kind, name) == ""


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in WRONG for name in WRONG[kind]])
def test_a_name_that_there_cannot_be_is_told_in_one_line(kind: str, name: str) -> None:
    said = expected_name(kind, name)
    assert said
    assert "\n" not in said


def test_a_profile_names_packages_as_their_channel_does() -> None:
    assert misplaced(Channel("npm", package="@ada/demo")) == ""
    said = misplaced(Channel("pypi", package="@ada/demo"))
    assert said.startswith("package: expected the name of a project on PyPI")
    assert said.endswith('found "@ada/demo"')
