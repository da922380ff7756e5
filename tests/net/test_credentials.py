"""Credentials come from the environment, else from gh; they are for one origin, and written nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_relgate.net.credentials import github_credentials, secrets_of, why_none

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


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "GH_TOKEN and GITHUB_TOKEN are not set, there is no gh to ask"),
        ({"GH_TOKEN": "hush hush"}, "GH_TOKEN is set, and what it holds is no token"),
        (
            {"GH_TOKEN": "", "GITHUB_TOKEN": "hush\r\nx-evil: 1"},
            "GITHUB_TOKEN is set, and what it holds is no",
        ),
        ({"GITHUB_TOKEN": "h\u00fcsh"}, "GITHUB_TOKEN is set"),
    ],
)
def test_why_there_are_none_is_one_line_without_the_secret(
    tmp_path: Path, environ: dict[str, str], says: str
) -> None:
    words = why_none({"PATH": str(tmp_path), **environ})
    assert says in words
    assert "\n" not in words
    assert not {"hush", "h\u00fcsh", "evil"} & set(words.split())
    assert why_none(gh(tmp_path, "exit 1")).endswith("are not set, gh has none")


def test_the_token_that_gh_keeps_is_one_to_hide(tmp_path: Path) -> None:
    found = github_credentials(gh(tmp_path, "echo kept-by-gh"), API, ask_gh=True)
    assert secrets_of(found) == ("kept-by-gh",)
    assert secrets_of(()) == ()


def test_gh_is_asked_without_a_terminal_and_its_complaint_is_not_shown(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environ = gh(tmp_path, "read answer && echo $answer; echo hush >&2; exit 1")
    assert github_credentials(environ, API, ask_gh=True) == ()
    assert capfd.readouterr() == ("", "")


def test_what_the_world_outside_is_asked_with_stands_in_no_evidence(tmp_path: Path) -> None:
    """The token of gh is in no environment: the redactor learns of it before it is used."""
    from pytest_relgate.channels.outside import Outside
    from pytest_relgate.net.origins import PUBLIC
    from pytest_relgate.profile import parse_profile

    hidden: list[str] = []
    outside = Outside(
        profile=parse_profile(b'project = "demo"', "relgate.toml"),
        target="v0.1.0",
        commit="a" * 40,
        repository=tmp_path,
        origins=PUBLIC,
        environ=gh(tmp_path, "echo kept-by-gh"),
        sandbox=False,
        evidence=tmp_path,
        hide=hidden.extend,
    )
    assert outside.http.knows(PUBLIC.github_api)
    assert not outside.http.knows(PUBLIC.npm)
    outside.close()
    assert hidden == ["kept-by-gh"]
