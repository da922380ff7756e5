"""An audit from its beginning to its end, against registries that say unusual things."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from audit_pages import Said, mach, npm, pypi, wheel
from pytest_relgate.audit.looking import ASSETS
from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.twins.exchange import Answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Project
    from pytest_relgate.audit.answer import Answer as Verdict

    Audit = Callable[..., Verdict]
    Checkout = Callable[[dict[str, str]], Path]

ALONE = "github-release="
PYPI, NPM = (ALONE, "pypi=demo"), (ALONE, "npm=demo")
LINUX = "demo-1.0.0-py3-none-manylinux_2_17_x86_64.whl"
UNIVERSAL = "demo-1.0.0-cp311-cp311-macosx_11_0_universal2.whl"
ANY = "demo-1.0.0-py3-none-any.whl"


def said(verdict: Verdict, level: str = "") -> str:
    return " | ".join(one.words for one in verdict.findings if level in ("", one.level.value))


def tgz(**document: Any) -> bytes:
    held = io.BytesIO()
    raw = json.dumps({"name": "demo", "version": "1.0.0", **document}).encode()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        one = tarfile.TarInfo("package/package.json")
        one.size = len(raw)
        archive.addfile(one, io.BytesIO(raw))
    return held.getvalue()


def test_a_good_release_passes(audit: Audit) -> None:
    files = {UNIVERSAL: wheel(lib_dylib=mach("amd64", "arm64"))}
    verdict = audit(pypi(files) | npm("demo", tgz()), ALONE, "pypi=demo", "npm=demo")
    assert (verdict.word, verdict.exit_status) == ("PASSED", 0)
    assert [(row.channel, row.version, row.read, row.files, row.state) for row in verdict.rows] == [
        ("pypi", "1.0.0", 1, 1, "ok"),
        ("npm", "1.0.0", 1, 1, "ok"),
    ]
    assert verdict.rows[0].platforms == (("darwin", "amd64"), ("darwin", "arm64"))


@pytest.mark.parametrize(
    ("pages", "named", "word", "words"),
    [
        (pypi({UNIVERSAL: wheel(lib_dylib=mach("arm64"))}), PYPI, "FAILED", "promises darwin on amd64"),
        (pypi({ANY: wheel(lib_dylib=mach("arm64"))}), PYPI, "PASSED", ""),
        (pypi({LINUX: wheel()}), PYPI, "PASSED", ""),
        (pypi({ANY: wheel("1.0.1")}), PYPI, "FAILED", "it says that it is version 1.0.1"),
        (pypi({ANY: b"no archive"}), PYPI, "FAILED", "cannot be opened"),
        (pypi({ANY: wheel()}, yanked="bad"), PYPI, "FAILED", "1.0.0 is yanked"),
        (pypi({ANY: wheel()}) | {f"/files/{ANY}": wheel("9.9.9")}, PYPI, "FAILED", "as other bytes"),
        (pypi({ANY: wheel()}) | {f"/files/{ANY}": Answer(404)}, PYPI, "UNDECIDED", "answered 404"),
        (pypi({ANY: wheel()}, hashes={}), PYPI, "PASSED", ""),
        (
            pypi({ANY: wheel()}, url="https://[x/demo.whl"),
            PYPI,
            "UNDECIDED",
            "https://[x/demo.whl is no address",
        ),
        (pypi({ANY: wheel()}, url="https://x:99999/demo.whl"), PYPI, "UNDECIDED", "could not be asked"),
        (
            npm("demo", tgz(), dist={"tarball": "https://[x/demo.tgz"}),
            NPM,
            "UNDECIDED",
            "the tarball of demo",
        ),
        (pypi({}), PYPI, "PENDING", "does not have 1.0.0"),
        ({"/simple/demo/": Answer(451)}, PYPI, "FAILED", "withheld"),
        ({"/simple/demo/": Answer(401)}, PYPI, "UNDECIDED", "access was refused"),
        ({"/simple/demo/": b"<html>sign in</html>"}, PYPI, "UNDECIDED", "found HTML"),
        ({"/simple/demo/": b"[" * 100_000}, PYPI, "UNDECIDED", "JSON"),
        (
            {"/simple/demo/": Answer(302, b"", {"location": "https://elsewhere.invalid/"})},
            PYPI,
            "UNDECIDED",
            "redirected to https://elsewhere.invalid",
        ),
        (
            {"/simple/demo/": Answer(429, b"", {"retry-after": "3600"})},
            PYPI,
            "UNDECIDED",
            "asks to wait 3600 s",
        ),
        (npm("demo", tgz(), deprecated="use another"), NPM, "FAILED", "is deprecated"),
        (npm("demo", tgz(version="2.0.0")), NPM, "FAILED", "version 2.0.0, not 1.0.0"),
        (npm("demo", tgz(files=["native/linux-x64"])), NPM, "PASSED", "holds nothing at native/linux-x64"),
        (
            npm("demo", tgz()) | {"/-/package/demo/dist-tags": {"latest": "0.9.0"}},
            NPM,
            "PENDING",
            "still 0.9.0",
        ),
        (npm("demo", tgz()) | {"/-/package/demo/dist-tags": {"latest": "9.0.0"}}, NPM, "PASSED", ""),
        (
            npm("demo", tgz(), optionalDependencies={"@demo/linux-x64": "1.0.0", "other": "^3"}),
            NPM,
            "PENDING",
            "@demo/linux-x64 does not have 1.0.0",
        ),
    ],
)
def test_what_a_named_channel_says(
    audit: Audit, pages: dict[str, Any], named: tuple[str, ...], word: str, words: str
) -> None:
    verdict = audit(pages, *named)
    assert verdict.word == word, said(verdict)
    assert words in said(verdict)


def test_packages_for_platforms_are_looked_at_too(audit: Audit) -> None:
    pages = npm("demo", tgz(), optionalDependencies={"@demo/linux-x64": "1.0.0"})
    verdict = audit(pages | npm("@demo/linux-x64", tgz(name="@demo/linux-x64")), *NPM)
    assert verdict.word == "PASSED", said(verdict)
    assert [(row.name, row.part_of) for row in verdict.rows] == [("demo", ""), ("@demo/linux-x64", "demo")]


def test_a_prerelease_may_be_the_latest(audit: Audit) -> None:
    pages = npm("demo", tgz(version="1.0.0-rc.1"))
    pages = json.loads(
        json.dumps({k: v for k, v in pages.items() if isinstance(v, dict)}).replace("1.0.0", "1.0.0-rc.1")
    )
    pages["/demo/-/demo-1.0.0-rc.1.tgz"] = tgz(version="1.0.0-rc.1")
    pages["/demo/1.0.0-rc.1"]["dist"].pop("integrity")
    verdict = audit(pages, *NPM, tag="v1.0.0-rc.1")
    assert verdict.word == "PASSED", said(verdict)
    assert "gives this prerelease to whoever names no version" in said(verdict, "note")


def test_nothing_to_look_at_is_no_pass(audit: Audit) -> None:
    assert audit({}, ALONE).word == "UNDECIDED"


def test_no_credential_is_sent(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "NPM_TOKEN"):
        monkeypatch.setenv(name, "secret-of-somebody")
    registry = Said(pypi({ANY: wheel()}))
    audit(registry, "pypi=demo", "npm=demo", "crates=demo", "homebrew=ada/homebrew-tap")
    assert len(registry.asked) > 5
    for request in registry.asked:
        assert request.method == "GET"
        assert not {"authorization", "cookie", "npm-auth"} & {name.lower() for name in request.headers}
        assert "secret-of-somebody" not in str(request.headers)


def test_it_ends_at_its_deadline_and_says_so(audit: Audit) -> None:
    verdict = audit(pypi({ANY: wheel()}), *PYPI, seconds=0)
    assert verdict.word == "UNDECIDED"
    assert "the 0 s that an audit may take are over" in said(verdict, "UNKNOWN")


MANIFESTS = {
    "pyproject.toml": '[project]\nname = "demo"\nversion = "1.0.0"\n',
    "package.json": '{"name": "demo", "version": "1.0.0", "files": ["native/linux-x64"]}',
}


# -- names that were guessed ----------------------------------------------------------------------------


def test_a_name_that_was_guessed_and_is_nobodys_is_unknown(audit: Audit, checkout: Checkout) -> None:
    place = checkout(MANIFESTS)
    verdict = audit(pypi({ANY: wheel()}), ALONE, checkout=place)
    assert verdict.word == "UNDECIDED"
    assert "npm demo was not found under the assumed name (from package.json)" in said(verdict, "UNKNOWN")
    assert verdict.assumed == ("npm demo, from package.json", "pypi demo, from pyproject.toml")
    left_out = audit(pypi({ANY: wheel()}), ALONE, "npm=", checkout=place)
    assert left_out.word == "PASSED", said(left_out)


def test_what_is_wrong_with_another_project_of_that_name_is_not_ours(
    audit: Audit, checkout: Checkout
) -> None:
    place = checkout(MANIFESTS)
    theirs = npm("demo", tgz(), deprecated="gone", repository={"url": "git+https://github.com/eve/demo.git"})
    ours = npm("demo", tgz(), deprecated="gone", repository={"url": "git+https://github.com/Ada/Demo.git"})
    verdict = audit(theirs, ALONE, "pypi=", checkout=place)
    assert verdict.word == "UNDECIDED"
    assert "nothing in it says that it is of ada/demo" in said(verdict, "UNKNOWN")
    assert audit(ours, ALONE, "pypi=", checkout=place).word == "FAILED"


def test_an_older_version_is_awaited_and_a_newer_one_alone_is_unknown(
    audit: Audit, checkout: Checkout
) -> None:
    place = checkout(MANIFESTS)
    tags = "/-/package/demo/dist-tags"
    waits = audit({tags: {"latest": "0.9.0"}}, ALONE, "pypi=", checkout=place)
    assert (waits.word, waits.exit_status) == ("PENDING", 3)
    never = audit({tags: {"latest": "2.0.0"}}, ALONE, "pypi=", checkout=place)
    assert never.word == "UNDECIDED"
    assert "it may never have been published there" in said(never)


def test_a_platform_that_is_promised_and_has_no_wheel_is_told(audit: Audit, checkout: Checkout) -> None:
    pages = pypi({UNIVERSAL: wheel(lib_dylib=mach("amd64", "arm64"))})
    verdict = audit(pages | npm("demo", tgz()), ALONE, checkout=checkout(MANIFESTS))
    assert verdict.word == "PASSED", said(verdict)
    assert "pypi demo has no wheel for linux, which package.json (native/linux-x64) promises" in said(verdict)
    assert "no source distribution either, so pip finds nothing there" in said(verdict)


def test_a_tag_that_is_not_there_is_one_line(audit: Audit, checkout: Checkout) -> None:
    with pytest.raises(RelgateError, match=r"found none named 'v7\.0\.0'.*git fetch --tags"):
        audit({}, checkout=checkout(MANIFESTS), tag="v7.0.0")


# -- GitHub ---------------------------------------------------------------------------------------------


def github(commit: str, assets: dict[str, bytes], tag: str = "v1.0.0", **facts: Any) -> dict[str, Any]:
    """Pages of GitHub with a release of ada/demo."""
    listed = [
        {
            "id": n,
            "name": name,
            "size": len(raw),
            "state": "uploaded",
            "url": f"BASE/asset/{n}",
            "digest": f"sha256:{hashlib.sha256(raw).hexdigest()}",
        }
        for n, (name, raw) in enumerate(assets.items())
    ]
    release = {"id": 1, "tag_name": tag, "draft": False, "prerelease": False, "html_url": "", **facts}
    return {
        f"/repos/ada/demo/releases/tags/{tag}": release | {"assets": listed},
        f"/repos/ada/demo/git/ref/tags/{tag}": {
            "ref": f"refs/tags/{tag}",
            "object": {"sha": commit, "type": "commit"},
        },
        **{f"/asset/{n}": raw for n, raw in enumerate(assets.values())},
    }


def sums(**files: bytes) -> bytes:
    lines = (f"{hashlib.sha256(raw).hexdigest()}  dist/{name}\n" for name, raw in files.items())
    return "".join(lines).encode()


@pytest.fixture
def release(audit: Audit, checkout: Checkout, bare_project: Project) -> Callable[..., Verdict]:
    """Audit a checkout whose GitHub release has these assets."""

    place = checkout({"README.md": "demo 1.0.0\n"})
    bare_project.git("tag", "v1.0.0-rc.1")

    def look(assets: dict[str, bytes], *, commit: str = "", tag: str = "v1.0.0", **facts: Any) -> Verdict:
        pages = github(commit or bare_project.git("rev-parse", tag), assets, tag, **facts)
        return audit(pages, checkout=place, tag=tag)

    return look


def test_a_release_of_nothing_but_its_tag_is_good(release: Callable[..., Verdict]) -> None:
    assert release({}).word == "PASSED"


def test_assets_are_held_against_the_releases_own_checksums(release: Callable[..., Verdict]) -> None:
    listed = sums(one=b"1", two=b"another")
    verdict = release({"one": b"1", "two": b"2", "SHA256SUMS": listed})
    assert verdict.word == "FAILED"
    assert "two differs from the checksum that is stated for it" in said(verdict, "FAILED")


def test_an_asset_that_is_listed_and_not_there_is_awaited(release: Callable[..., Verdict]) -> None:
    verdict = release({"one": b"1", "SHA256SUMS": sums(one=b"1", two=b"2")})
    assert verdict.word == "PENDING"
    assert "lacks two" in said(verdict)


def test_checksums_of_something_else_say_nothing(release: Callable[..., Verdict]) -> None:
    assert release({"one": b"1", "SHA256SUMS": sums(elsewhere=b"2")}).word == "PASSED"


def test_of_many_assets_some_are_read(release: Callable[..., Verdict]) -> None:
    verdict = release({f"file-{n}": b"x" for n in range(ASSETS + 5)})
    assert verdict.word == "PASSED", said(verdict)
    assert "5 files were not read" in said(verdict, "note")
    assert (verdict.rows[0].read, verdict.rows[0].files) == (ASSETS, ASSETS + 5)


def test_a_bad_release_is_told_within_what_github_answers_a_stranger(audit: Audit) -> None:
    assets = {f"file-{n}": b"x" for n in range(40)} | {"SHA256SUMS": sums(**{"file-0": b"other"})}
    manifests = {f"p{n}/package.json": json.dumps({"name": f"p{n}", "version": "1.0.0"}) for n in range(40)}
    tree = [{"path": path, "type": "blob"} for path in manifests]
    pages = github("7" * 40, assets) | {f"/repos/ada/demo/git/trees/{'7' * 40}": {"tree": tree}}
    pages |= {f"/repos/ada/demo/contents/{path}": text.encode() for path, text in manifests.items()}
    registry = Said(pages)
    assert audit(registry, "npm=").word == "FAILED"
    asked = [one.path for one in registry.asked if one.path.startswith(("/repos/", "/asset/"))]
    assert len(asked) <= 60
    assert sum("package.json" in path for path in asked) == 10


def test_a_tag_that_is_another_on_github_is_unknown(release: Callable[..., Verdict]) -> None:
    verdict = release({}, commit="5" * 40)
    assert verdict.word == "UNDECIDED"
    assert "and at 555555555555 on GitHub" in said(verdict, "UNKNOWN")


@pytest.mark.parametrize(
    ("latest", "told"), [("v0.9.0", "0.9.0"), ("v2.0.0", ""), ("other-1.0.0", ""), (None, "no release")]
)
def test_which_release_is_the_latest_is_the_maintainers_choice(
    audit: Audit, checkout: Checkout, bare_project: Project, latest: str | None, told: str
) -> None:
    place = checkout({"README.md": "demo 1.0.0\n"})
    pages = github(bare_project.git("rev-parse", "v1.0.0"), {})
    if latest:
        pages["/repos/ada/demo/releases/latest"] = pages["/repos/ada/demo/releases/tags/v1.0.0"] | {
            "tag_name": latest
        }
    verdict = audit(pages, checkout=place)
    assert verdict.word == "PASSED", said(verdict)
    assert said(verdict) == (f"github-release ada/demo calls {told} the latest" if told else "")


def test_a_mark_as_prerelease_is_the_maintainers_choice(release: Callable[..., Verdict]) -> None:
    verdict = release({}, prerelease=True)
    assert verdict.word == "PASSED", said(verdict)
    assert "is marked as a prerelease" in said(verdict, "note")
    unmarked = release({}, tag="v1.0.0-rc.1")
    assert unmarked.word == "PASSED", said(unmarked)
    assert "is not marked as a prerelease" in said(unmarked, "note")


def test_an_archive_for_another_processor_is_told(release: Callable[..., Verdict]) -> None:
    name = "demo_1.0.0_darwin_amd64.tar.gz"
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        one = tarfile.TarInfo("bin/demo")
        one.size = len(mach("arm64"))
        archive.addfile(one, io.BytesIO(mach("arm64")))
    verdict = release({name: held.getvalue()})
    assert verdict.word == "FAILED"
    assert f"{name}: it promises darwin on amd64, and bin/demo is for arm64 only" in said(verdict)


# -- mirrors --------------------------------------------------------------------------------------------


def test_what_a_mirror_has_is_judged_there(audit: Audit) -> None:
    good = pypi({ANY: wheel()})
    assert audit(good, *PYPI, mirror="pypi").word == "PASSED"
    other = good | {f"/files/{ANY}": wheel("9.9.9")}
    assert audit(other, *PYPI, mirror="pypi").word == "FAILED"


@pytest.mark.parametrize("pages", [{}, pypi({}), {"/simple/demo/": Answer(451)}])
def test_what_a_mirror_lacks_is_unknown(audit: Audit, pages: dict[str, Any]) -> None:
    verdict = audit(pages, *PYPI, mirror="pypi")
    assert verdict.word == "UNDECIDED"
    assert "a mirror, does not have 1.0.0" in said(verdict, "UNKNOWN")
