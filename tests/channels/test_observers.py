"""What a registry says in unusual ways: other hosts, odd digests, other spellings, broken formulas."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from audit_pages import Said
from pytest_relgate.channels import crates, homebrew, npm, pypi
from pytest_relgate.channels.crates import Line, download, index_path
from pytest_relgate.channels.judge import Standing, judge
from pytest_relgate.channels.look import Look, highest, spelled, usable
from pytest_relgate.channels.npm import integrity
from pytest_relgate.channels.observation import Expectation, Observation, Presence
from pytest_relgate.channels.pypi import version_of
from pytest_relgate.github.api import Api
from pytest_relgate.net.http import Http
from pytest_relgate.net.origins import Origins
from pytest_relgate.profile import Channel
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RAW = b"the bytes of a file"
SHA256, SHA512 = hashlib.sha256(RAW).hexdigest(), hashlib.sha512(RAW).digest()
ELSEWHERE = "http://127.0.0.1:9"
Pages = dict[str, Any]


@pytest.fixture
def look() -> Iterator[Callable[..., tuple[Look, Said]]]:
    """Look for demo 1.0.0 at a registry of pages."""
    closing: list[Any] = []

    def make(pages: Pages, *files: str, kind: str = "npm", package: str = "demo") -> tuple[Look, Said]:
        said = Said(pages)
        served, http = serve(said), Http(sleep=lambda _: None)
        closing.extend((http, served))
        origins = Origins(*[served.url] * 8)
        expected = Expectation("1.0.0", "1.0.0", frozenset(files), dict.fromkeys(files, SHA256))
        channel = Channel(kind, tap="ada/homebrew-tap" if kind == "homebrew" else "")  # type: ignore[arg-type]  # a kind of the table
        api = Api(http, served.url, "ada/homebrew-tap")
        return Look("it", channel, package, expected, "v1.0.0", http, origins, api, 1000, lambda: False), said

    yield make
    for one in closing:
        one.close()


def seen(observe: Callable[[Look], Observation], at: Look, *, fresh: bool = False) -> Observation:
    at.begin(fresh=fresh)
    return observe(at)


def standing(observed: Observation, at: Look) -> dict[str, Standing]:
    judgement = judge(observed, at.expected, age=None, looked_twice=True)
    return {name: getattr(judgement, name).standing for name in ("version", "files", "digests", "flags")}


# -- npm --------------------------------------------------------------------------------------------------

TGZ = "demo-1.0.0.tgz"


def npm_pages(**facts: Any) -> Pages:
    dist = {"tarball": f"BASE/demo/-/{TGZ}", "integrity": f"sha512-{b64encode(SHA512).decode()}"}
    dist |= facts.pop("dist", {})
    return {
        "/-/package/demo/dist-tags": {"latest": "1.0.0"},
        "/demo/1.0.0": {"name": "demo", "version": "1.0.0", "dist": dist, **facts},
        f"/demo/-/{TGZ}": RAW,
    }


@pytest.mark.parametrize(
    ("pages", "fact", "expected"),
    [
        (npm_pages(), "version", Standing.SERVED),
        (npm_pages(), "digests", Standing.SERVED),
        (npm_pages(dist={"tarball": f"{ELSEWHERE}/{TGZ}"}), "digests", Standing.UNKNOWN),
        (npm_pages(dist={"tarball": f"ftp://x/{TGZ}"}), "digests", Standing.UNKNOWN),
        (npm_pages(dist={"integrity": "sha512-AAAA"}), "digests", Standing.DIVERGED),
        (npm_pages(dist={"integrity": "", "shasum": "0" * 40}), "digests", Standing.DIVERGED),
        (npm_pages(dist={"integrity": ""}), "digests", Standing.SERVED),
        (npm_pages() | {f"/demo/-/{TGZ}": RAW[:5]}, "digests", Standing.DIVERGED),
        (npm_pages() | {f"/demo/-/{TGZ}": None}, "digests", Standing.UNKNOWN),
        (npm_pages() | {f"/demo/-/{TGZ}": bytes(2000)}, "digests", Standing.UNKNOWN),
        (npm_pages(deprecated="use another"), "flags", Standing.WITHDRAWN),
        (npm_pages(deprecated=False), "flags", Standing.SERVED),
        (npm_pages(version="1.0.1"), "version", Standing.UNKNOWN),
        (npm_pages() | {"/-/package/demo/dist-tags": Answer(500)}, "version", Standing.UNKNOWN),
        (npm_pages() | {"/-/package/demo/dist-tags": None}, "version", Standing.LATE),
        (npm_pages() | {"/demo/1.0.0": Answer(451)}, "version", Standing.WITHDRAWN),
        (npm_pages() | {"/demo/1.0.0": Answer(410)}, "version", Standing.PARTIAL),
    ],
)
def test_npm(look: Callable[..., tuple[Look, Said]], pages: Pages, fact: str, expected: Standing) -> None:
    at, _ = look(pages, TGZ)
    assert standing(seen(npm.observe, at), at)[fact] is expected


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ({"1.0.0-rc.1": {}}, Standing.SERVED),  # a first publish takes latest whatever its tag
        ({"1.0.0-rc.1": {}, "1.0.0-beta.2": {}}, Standing.SERVED),
        ({"1.0.0-rc.1": {}, "0.9.0": {}}, Standing.DIVERGED),
        (None, Standing.DIVERGED),
        (500, Standing.UNKNOWN),
    ],
)
def test_a_prerelease_is_the_latest_as_long_as_nothing_else_is_out(
    look: Callable[..., tuple[Look, Said]], versions: Any, expected: Standing
) -> None:
    rc = "1.0.0-rc.1"
    pages = npm_pages() | {"/-/package/demo/dist-tags": {"latest": rc, "next": rc}}
    pages[f"/demo/{rc}"] = pages["/demo/1.0.0"] | {"version": rc}
    package = Answer(versions, b"") if isinstance(versions, int) else versions and {"versions": versions}
    at, _ = look(pages | {"/demo": package}, TGZ)
    at.expected = msgspec.structs.replace(at.expected, version=rc, spelled=rc, prerelease=True)
    assert standing(seen(npm.observe, at), at)["version"] is expected


def test_a_second_look_asks_what_no_cache_has_an_answer_to(
    look: Callable[..., tuple[Look, Said]],
) -> None:
    at, said = look(npm_pages(), TGZ)
    seen(npm.observe, at)
    seen(npm.observe, at)
    assert [request.path for request in said.asked].count(f"/demo/-/{TGZ}") == 1, "bytes are read once"
    assert all(not request.query for request in said.asked)
    before = len(said.asked)
    seen(npm.observe, at, fresh=True)
    again = said.asked[before:]
    assert [request.path for request in again].count(f"/demo/-/{TGZ}") == 1
    assert all(request.query and request.headers["cache-control"] == "no-cache" for request in again)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("sha512-AAAA", {"sha512": "000000"}),
        ("sha256-AAAA sha512-AAAA?opt", {"sha256": "000000", "sha512": "000000"}),
        ("sha3-AAAA", {}),
        ("nonsense", {}),
        ("sha512-!!!", {}),
    ],
)
def test_integrity_is_read_in_hex(text: str, found: dict[str, str]) -> None:
    assert integrity(text) == found


# -- PyPI -------------------------------------------------------------------------------------------------

WHEEL = "demo-1.0.0-py3-none-any.whl"


def pypi_pages(*files: dict[str, Any]) -> Pages:
    rows = [{"filename": WHEEL, "url": f"../../files/{WHEEL}#x", "hashes": {}} | file for file in files]
    return {"/simple/demo/": {"name": "demo", "files": rows}, f"/files/{WHEEL}": RAW}


@pytest.mark.parametrize(
    ("files", "fact", "expected"),
    [
        (({},), "digests", Standing.SERVED),
        (({"hashes": {"sha256": SHA256}, "size": 19},), "digests", Standing.SERVED),
        (({"hashes": {"sha256": SHA256.upper()}},), "digests", Standing.SERVED),
        (({"hashes": {"sha256": "0" * 64}},), "digests", Standing.DIVERGED),
        (({"hashes": {"blake3": "00"}},), "digests", Standing.SERVED),
        (({"yanked": ""},), "version", Standing.WITHDRAWN),
        (({"yanked": "why"},), "flags", Standing.WITHDRAWN),
        (({"yanked": False},), "flags", Standing.SERVED),
        (({"url": f"{ELSEWHERE}/{WHEEL}"},), "digests", Standing.UNKNOWN),
        (({}, {"filename": "demo-1.0.0.win32.exe"}), "files", Standing.SERVED),
        (({}, {"filename": "demo_extra-1.0.0.tar.gz"}), "files", Standing.SERVED),
        (({}, {"filename": "demo-1.0.0.tar.gz"}), "files", Standing.DIVERGED),
        (({}, {"filename": "demo-1.1.0rc1.tar.gz"}), "version", Standing.SERVED),
        (({}, {"filename": "demo-1.1.0.tar.gz"}), "version", Standing.DIVERGED),
        (({}, {"filename": "demo-1.1.0.tar.gz", "yanked": True}), "version", Standing.SERVED),
        (({"filename": "demo-0.9.0.tar.gz"},), "version", Standing.LATE),
        ((), "version", Standing.ABSENT),
    ],
)
def test_pypi(
    look: Callable[..., tuple[Look, Said]], files: tuple[dict[str, Any], ...], fact: str, expected: Standing
) -> None:
    at, _ = look(pypi_pages(*files), WHEEL, kind="pypi")
    assert standing(seen(pypi.observe, at), at)[fact] is expected


def test_an_index_that_answers_html_all_the_same_is_unknown(
    look: Callable[..., tuple[Look, Said]],
) -> None:
    page = Answer(200, b"<!doctype html>", {"content-type": "text/html"})
    at, _ = look({"/simple/demo/": page}, WHEEL, kind="pypi")
    observed = seen(pypi.observe, at)
    assert observed.presence is Presence.UNKNOWN
    assert "found HTML" in observed.problem


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("Demo_Ring-1.0-py3-none-any.whl", "1.0"),
        ("demo-ring-1.0.tar.gz", "1.0"),
        ("demo.ring-1.0.zip", "1.0"),
        ("demo_ring-1.0rc1.tar.gz", "1.0rc1"),
        ("demo_ring-1.0.egg", None),
        ("demo-1.0.tar.gz", None),
        ("demo_ring.tar.gz", None),
        ("", None),
    ],
)
def test_files_are_told_by_their_names(filename: str, version: str | None) -> None:
    found = version_of(filename, "demo-ring")
    assert (str(found) if found else None) == version


@pytest.mark.parametrize(
    ("semver", "python"),
    [
        ("1.2.0", "1.2.0"),
        ("1.2.0-rc.1", "1.2.0rc1"),
        ("1.2.0-alpha.2", "1.2.0a2"),
        ("1.2.0-beta.10", "1.2.0b10"),
        ("1.2.0-dev.3", "1.2.0.dev3"),
        ("1.2.0-next.1", ""),
        ("1.2.0-rc.1.2", ""),
        ("1.2.0-rc", ""),
        ("1.2.0-1", ""),
        ("1.2.0-rc.x", ""),
    ],
)
def test_versions_as_python_spells_them(semver: str, python: str) -> None:
    assert spelled(semver, "pypi") == python
    assert spelled(semver, "npm") == semver


def test_a_version_that_python_cannot_spell_cannot_be_judged(
    look: Callable[..., tuple[Look, Said]],
) -> None:
    at, said = look({}, WHEEL, kind="pypi")
    at.expected = msgspec.structs.replace(at.expected, version="1.0.0-next.1", spelled="", prerelease=True)
    observed = seen(pypi.observe, at)
    assert (observed.presence, observed.final) == (Presence.UNKNOWN, True)
    assert not said.asked


# -- crates -----------------------------------------------------------------------------------------------


def index(*lines: dict[str, Any], dl: str = "BASE/dl") -> Pages:
    rows = [{"name": "demo", "vers": "1.0.0", "cksum": SHA256, "yanked": False} | line for line in lines]
    return {
        "/de/mo/demo": "\n".join(map(json.dumps, rows)).encode(),
        "/config.json": {"dl": dl},
        "/dl/demo/1.0.0/download": RAW,
    }


@pytest.mark.parametrize(
    ("pages", "fact", "expected"),
    [
        (index({}), "digests", Standing.SERVED),
        (index({}, dl="BASE/dl/{crate}/{version}/download"), "digests", Standing.SERVED),
        (index({}, dl=ELSEWHERE), "digests", Standing.UNKNOWN),
        (index({}) | {"/config.json": None}, "digests", Standing.UNKNOWN),
        (index({"cksum": "0" * 64}), "digests", Standing.DIVERGED),
        (index({}, {"vers": "2.0.0-rc.1"}), "version", Standing.SERVED),
        (index({}, {"vers": "2.0.0", "yanked": True}), "version", Standing.SERVED),
        (index({}, {"vers": "2.0.0"}), "version", Standing.DIVERGED),
        (index({"vers": "0.9.0"}), "version", Standing.LATE),
        (index({"name": "other"}), "version", Standing.UNKNOWN),
        ({"/de/mo/demo": b"{"}, "version", Standing.UNKNOWN),
        ({"/de/mo/demo": b""}, "version", Standing.ABSENT),
        ({"/de/mo/demo": Answer(451)}, "version", Standing.WITHDRAWN),
    ],
)
def test_crates(look: Callable[..., tuple[Look, Said]], pages: Pages, fact: str, expected: Standing) -> None:
    at, _ = look(pages, "demo-1.0.0.crate", kind="crates")
    assert standing(seen(crates.observe, at), at)[fact] is expected


def test_crates_are_where_the_index_puts_them() -> None:
    names = {
        "a": "1/a",
        "ab": "2/ab",
        "abc": "3/a/abc",
        "Abcd": "ab/cd/abcd",
        "serde_json": "se/rd/serde_json",
    }
    assert {name: index_path(name) for name in names} == names
    line = Line("abcd", "1.0.0", "f00")
    assert download("https://x/api/", "abcd", line) == "https://x/api/abcd/1.0.0/download"
    assert download("https://x/{prefix}/{sha256-checksum}", "abcd", line) == "https://x/ab/cd/f00"


@pytest.mark.parametrize(
    ("versions", "top"),
    [
        ([], ""),
        (["0.9.0", "0.10.0"], "0.10.0"),
        (["1.0.0-rc.1", "0.9.0"], "0.9.0"),
        (["1.0.0-rc.1", "1.0.0-rc.2"], "1.0.0-rc.2"),
        (["banana", "0.1.0"], "0.1.0"),
    ],
)
def test_whoever_names_no_version_gets_the_highest_stable_one(versions: list[str], top: str) -> None:
    assert highest(versions) == top


def test_digests_that_cannot_be_worked_out_are_left_out() -> None:
    found = usable({"SHA256": "AB", "sha3": "00", "md5": "zz", "sha1": ""})
    assert found == {"sha256": "ab"}


# -- Homebrew ---------------------------------------------------------------------------------------------

URL = "https://github.example/ada/demo/releases/download/v1.0.0/demo_1.0.0"
TARBALLS = ("demo_1.0.0_darwin_arm64.tar.gz", "demo_1.0.0_linux_amd64.tar.gz")
FORMULA = f"""\
class Demo < Formula
  version "1.0.0"
  on_macos do
    on_arm do
      url "{URL}_darwin_arm64.tar.gz"
      sha256 "{SHA256}"
    end
  end
  on_linux do
    on_intel do
      url "{URL}_linux_amd64.tar.gz"
      sha256 "{SHA256[::-1]}"
    end
  end
end
"""


@pytest.mark.parametrize(
    ("change", "fact", "expected"),
    [
        (("", ""), "files", Standing.SERVED),
        (('  version "1.0.0"\n', ""), "version", Standing.SERVED),
        (('  version "1.0.0"\n', '  version "0.9.0"\n'), "version", Standing.LATE),
        (('  version "1.0.0"\n', '  version "1.1.0"\n'), "version", Standing.DIVERGED),
        (("end\n", "", -1), "version", Standing.UNKNOWN),
        ((SHA256[::-1], "@LINUX@"), "files", Standing.DIVERGED),
        (("on_macos", "on_linux"), "files", Standing.DIVERGED),
        ((f'      url "{URL}_linux_amd64.tar.gz"\n', ""), "files", Standing.DIVERGED),
        (("sha256", "sha512"), "digests", Standing.PARTIAL),
        (("download/v1.0.0/", "download/v0.9.0/"), "files", Standing.DIVERGED),
        (
            ("download/v1.0.0/demo_1.0.0_linux", "download/v0.9.0/demo_1.0.0_linux"),
            "files",
            Standing.DIVERGED,
        ),
        ((f"{URL}_linux", "https://elsewhere.example/demo_1.0.0_linux"), "files", Standing.DIVERGED),
        *(
            (("  on_macos", f"  {says}\n  on_macos"), fact, expected)
            for says, fact, expected in (
                ('disable! date: "2026-01-01", because: :unsupported', "version", Standing.WITHDRAWN),
                ('disable! date: "2026-01-01", because: :unsupported', "flags", Standing.WITHDRAWN),
                ("disable!", "version", Standing.WITHDRAWN),
                ("disable!(because: :repo_archived)", "version", Standing.WITHDRAWN),
                ('disable! date: "9999-01-01", because: :unsupported', "version", Standing.SERVED),
                ('disable! date: "9999-01-01", because: :unsupported', "flags", Standing.WITHDRAWN),
                ('deprecate! date: "2026-01-01", because: :unmaintained', "flags", Standing.WITHDRAWN),
                ('deprecate! date: "2026-01-01", because: :unmaintained', "version", Standing.SERVED),
                ('deprecate! date: "9999-01-01", because: :unmaintained', "flags", Standing.SERVED),
                ("on_linux do\n    disable!\n  end", "version", Standing.WITHDRAWN),
                ("on_intel do\n    on_macos do\n      disable!\n    end\n  end", "version", Standing.SERVED),
                ("def caveats\n    disable!\n  end", "version", Standing.SERVED),
                ("# deprecate! one day", "flags", Standing.SERVED),
            )
        ),
        (("  on_macos", "  # disable! is a word here\n  on_macos"), "files", Standing.SERVED),
    ],
)
def test_homebrew(
    look: Callable[..., tuple[Look, Said]], change: tuple[Any, ...], fact: str, expected: Standing
) -> None:
    text = FORMULA[:-4] if len(change) > 2 else FORMULA.replace(change[0], change[1])
    at = tap(look, text)
    assert standing(seen(homebrew.observe, at), at)[fact] is expected


def tap(look: Callable[..., tuple[Look, Said]], text: str) -> Look:
    """A look at a tap with this formula."""
    at, _ = look(
        {
            "/repos/ada/homebrew-tap": {
                "full_name": "ada/homebrew-tap",
                "default_branch": "trunk",
                "html_url": "x",
            },
            "/repos/ada/homebrew-tap/git/ref/heads/trunk": {
                "ref": "refs/heads/trunk",
                "object": {"sha": "a" * 40, "type": "commit"},
            },
            "/repos/ada/homebrew-tap/contents/Formula/demo.rb": text.encode(),
        },
        *TARBALLS,
        kind="homebrew",
    )
    at.expected = msgspec.structs.replace(
        at.expected, digests={TARBALLS[0]: SHA256, TARBALLS[1]: SHA256[::-1]}
    )
    return at


@pytest.mark.parametrize(
    ("base", "download", "expected"),
    [
        ("https://github.com/Ada/demo/releases/download/v1.0.0", "", Standing.SERVED),
        ("https://github.com/ada/other/releases/download/v1.0.0", "", Standing.UNKNOWN),
        ("https://github.com/ada/demo-evil/releases/download/v1.0.0", "", Standing.UNKNOWN),
        ("https://github.com.example/ada/demo/releases/download/v1.0.0", "", Standing.UNKNOWN),
        ("https://downloads.example/demo/1.0.0", "", Standing.UNKNOWN),
        ("https://downloads.example/demo/1.0.0", "https://downloads.example/demo", Standing.SERVED),
        ("https://downloads.example/demolition", "https://downloads.example/demo", Standing.UNKNOWN),
    ],
)
def test_archives_of_a_formula_that_lie_elsewhere_are_unknown(
    look: Callable[..., tuple[Look, Said]], base: str, download: str, expected: Standing
) -> None:
    """Not served, because nobody knows whose they are; not wrong, because the checksums hold anywhere."""
    at = tap(look, FORMULA.replace("https://github.example/ada/demo/releases/download/v1.0.0", base))
    at.repository = "ada/demo"
    at.channel = msgspec.structs.replace(at.channel, download=download)
    observed = seen(homebrew.observe, at)
    assert standing(observed, at)["files"] is expected
    assert bool(observed.do) == bool(observed.doubts) == (expected is Standing.UNKNOWN)
    assert standing(observed, at)["version"] is Standing.SERVED


def test_a_formula_is_read_at_a_commit(look: Callable[..., tuple[Look, Said]]) -> None:
    at, said = look({}, kind="homebrew")
    assert seen(homebrew.observe, at).presence is Presence.ABSENT
    assert [request.path for request in said.asked] == ["/repos/ada/homebrew-tap"]
