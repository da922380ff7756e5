"""``relgate audit`` as a person types it: what it says, in 80 columns, and how it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audit_pages import Said, mach, npm, pypi, wheel
from pytest_relgate.cli import audit as room
from pytest_relgate.cli.main import main
from pytest_relgate.net import origins
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Checkout = Callable[[dict[str, str]], Path]

UNIVERSAL = "demo-1.0.0-cp311-cp311-macosx_11_0_universal2.whl"
MANIFEST = {"pyproject.toml": '[project]\nname = "demo"\nversion = "1.0.0"\n'}


def answered(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    try:
        status = main(["audit", *argv])
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Any]], str]]:
    """Serve pages in the place of every public address; give the address."""
    closing: list[Any] = []

    def make(pages: dict[str, Any]) -> str:
        served = serve(Said(pages))
        closing.append(served)
        monkeypatch.setattr(origins, "PUBLIC", origins.Origins(*[served.url] * 8))
        return served.url

    yield make
    for one in closing:
        one.close()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (
            ["ada/demo"],
            "expected a tag behind the repository, found none: type relgate audit ada/demo v1.2.0",
        ),
        (["ada/demo", "latest"], "expected a tag with a version"),
        (["ada", "demo", "v1.0.0"], "expected TAG, or OWNER/NAME TAG, found 'ada demo v1.0.0'"),
        (["v1.0.0", "--channel", "nmp=x"], "--channel: expected KIND=NAME with one of github-release"),
        (["v1.0.0", "--channel", "npm=../x"], "--channel npm=: expected the name of a package"),
        (["v1.0.0", "--channel", "pypi=@x/y"], "--channel pypi=: expected the name of a project on PyPI"),
        (["v1.0.0", "--channel", "crates=@x/y"], "--channel crates=: expected the name of a crate"),
        (["v1.0.0", "--channel", "homebrew=x"], "--channel homebrew=: expected OWNER/NAME"),
        (["v1.0.0", "--index", "ftp://x"], "--index: expected an address such as"),
        (["v1.0.0", "--index", "https://ada:pw@x"], "and no user, found 'https://...@x'"),
        (["25.0", "--channel", "npm=demo"], "25.0 has no spelling on npm"),
        ([], "the following arguments are required"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    capsys: pytest.CaptureFixture[str],
    checkout: Checkout,
    monkeypatch: pytest.MonkeyPatch,
    argv: list[str],
    words: str,
) -> None:
    if "npm=demo" in argv:
        place = checkout(MANIFEST)
        monkeypatch.chdir(place)
        room.Path(place / ".git" / "refs" / "tags" / "25.0").write_bytes(
            (place / ".git" / "refs" / "tags" / "v1.0.0").read_bytes()
        )
    status, out, err = answered(capsys, *argv)
    assert (status, out) == (2, "")
    assert err.startswith("relgate: ")
    assert err.count("\n") == 1
    assert words in err


def test_outside_a_checkout_a_repository_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "type relgate audit OWNER/NAME v1.0.0" in answered(capsys, "v1.0.0")[2]


def test_a_bad_release_is_told_in_eighty_columns(
    capsys: pytest.CaptureFixture[str], checkout: Checkout, monkeypatch: pytest.MonkeyPatch, world: Any
) -> None:
    monkeypatch.chdir(checkout(MANIFEST))
    url = world(pypi({UNIVERSAL: wheel(lib_dylib=mach("arm64"))}))
    status, out, _ = answered(capsys, "v1.0.0", "--channel", "github-release=")
    assert status == 1
    lines = out.splitlines()
    assert lines[0].startswith("FAILED  ada/demo v1.0.0 @ ")
    assert lines[2] == "channel  name  version  files  state   native for"
    assert lines[3] == "pypi     demo  1.0.0    1/1    FAILED  darwin arm64"
    assert f"  at     {url}/simple/demo/" in lines
    assert "assumed  pypi demo, from pyproject.toml" in lines
    assert all(len(line) <= 80 or UNIVERSAL in line for line in lines), out

    status, out, _ = answered(capsys, "v1.0.0", "--channel", "github-release=", "--json")
    found = json.loads(out)
    assert (status, found["verdict"], found["exit"], out.count("\n")) == (1, "FAILED", 1, 1)
    assert found["findings"][0]["level"] == "FAILED"


def test_packages_for_platforms_have_one_row_as_long_as_they_are_well(
    capsys: pytest.CaptureFixture[str], world: Any
) -> None:
    names = {f"@demo/p{n}": "1.0.0" for n in range(3)}
    pages = npm("demo", b"", optionalDependencies=names)
    for name in list(names)[:2]:
        pages |= npm(name, b"")
    world(pages)
    status, out, _ = answered(
        capsys, "ada/demo", "v1.0.0", "--channel", "github-release=", "--channel", "npm=demo"
    )
    assert status == 1  # the tarballs are no archives
    assert sum(line.startswith("npm ") for line in out.splitlines()) == 4
    assert "\x1b" not in out


def test_a_mirror_is_asked_in_the_place_of_the_origin(capsys: pytest.CaptureFixture[str], world: Any) -> None:
    url = world(pypi({UNIVERSAL: wheel(lib_dylib=mach("amd64", "arm64"))}))
    argv = ("ada/demo", "v1.0.0", "--channel", "github-release=", "--channel", "pypi=demo")
    assert answered(capsys, *argv, "--index", f"{url}/simple/")[0] == 0
    status, out, _ = answered(capsys, *argv, "--index", f"{url}/elsewhere")
    assert (status, "a mirror, does not have 1.0.0" in " ".join(out.split())) == (2, True)


def test_what_registries_say_cannot_write_to_the_screen(
    capsys: pytest.CaptureFixture[str], world: Any
) -> None:
    page = npm("demo", b"", dist={"tarball": "https://elsewhere.invalid/demo\x1b[2J.tgz"})
    world(page)
    out = answered(capsys, "ada/demo", "v1.0.0", "--channel", "github-release=", "--channel", "npm=demo")[1]
    assert "demo␛[2J.tgz: its tarball is at https://elsewhere.invalid" in " ".join(out.split())
    assert "\x1b" not in out
