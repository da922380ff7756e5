"""Credentials come from the environment, else from gh; they are for one origin, and written nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_relgate.net.credentials import github_credentials

if TYPE_CHECKING:
    from pathlib import Path

API = "https://api.github.example"


@pytest.mark.parametrize(
    ("environ", "token"),
    [
        ({"GH_TOKEN": "one", "GITHUB_TOKEN": "two"}, "one"),
        ({"GITHUB_TOKEN": "two"}, "two"),
        ({"GH_TOKEN": "  ", "GITHUB_TOKEN": " two\n"}, "two"),
        ({"GH_TOKEN": "a b"}, None),
        ({"GH_TOKEN": "a\r\nx-evil: 1"}, None),
        ({"GH_TOKEN": "t\u00f6ken"}, None),
        ({}, None),
    ],
)
def test_the_environment_says_the_token(environ: dict[str, str], token: str | None) -> None:
    found = github_credentials(environ, API, ask_gh=False)
    assert [one.value for one in found] == ([f"Bearer {token}"] if token else [])
    assert all(one.origin == API for one in found)


def gh(folder: Path, script: str) -> dict[str, str]:
    program = folder / "gh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ('[ "$*" = "auth token --hostname github.com" ] && echo kept', ["Bearer kept"]),
        ("echo no oauth token >&2; exit 1", []),
        ("echo kept; exit 4", []),
        ("exit 0", []),
    ],
)
def test_gh_says_the_token_that_it_keeps(tmp_path: Path, script: str, found: list[str]) -> None:
    environ = gh(tmp_path, script)
    assert [one.value for one in github_credentials(environ, API, ask_gh=True)] == found


def test_gh_is_not_asked_in_vain(tmp_path: Path) -> None:
    environ = gh(tmp_path, f"touch {tmp_path}/asked; echo kept")
    assert github_credentials(environ, API, ask_gh=False) == ()
    assert github_credentials({**environ, "GH_TOKEN": "one"}, API, ask_gh=True)[0].value == "Bearer one"
    assert not (tmp_path / "asked").exists()


def test_without_gh_there_is_none(tmp_path: Path) -> None:
    assert github_credentials({"PATH": str(tmp_path)}, API, ask_gh=True) == ()


def test_a_credential_does_not_show_itself() -> None:
    assert "hush" not in repr(github_credentials({"GH_TOKEN": "hush"}, API, ask_gh=False))
