"""The twin of the npm registry as the real npm takes it, beside verdaccio under the same commands."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

import pytest

import packages
import real_clients
from pytest_relgate.sandbox.twins.npm import CORGI, NpmTwin

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.sandbox.store import Store
    from real_servers import Verdaccio

RING, ADDON = "held-ring", "@ada/held-ring-linux-x64"
# What the two are compared by: what a release is judged by, and what an installer reads.
VERSION = (
    "name",
    "version",
    "_id",
    "description",
    "license",
    "optionalDependencies",
    "os",
    "cpu",
    "deprecated",
)
ABBREVIATED = ("name", "version", "optionalDependencies", "os", "cpu", "deprecated")


@dataclass(frozen=True)
class Read:
    """What a registry says after the session."""

    said: dict[str, Any]
    version: dict[str, Any]
    addon: dict[str, Any]
    dist: dict[str, Any]
    tags: dict[str, str]
    packument_tags: dict[str, str]
    versions: list[str]
    times: set[str]
    abbreviated: list[dict[str, Any]]
    tarball: bytes
    lock: dict[str, Any]
    absent: tuple[int, int]


def session(npm: real_clients.Client, url: str, folder: Path) -> Read:
    """Publish, tag, deprecate and install, then read everything back."""
    addon = packages.npm_package(folder / "addon", ADDON, "1.0.0", os=["linux"], cpu=["x64"])
    npm.does("publish", "--access", "public", folder=addon)
    other = packages.npm_package(folder / "other", f"{RING}-darwin", "1.0.0", os=["darwin"])
    npm.does("publish", folder=other)
    optional = {ADDON: "1.0.0", f"{RING}-darwin": "1.0.0"}
    ring = packages.npm_package(folder / "ring", RING, "1.0.0", optionalDependencies=optional)
    npm.does("publish", folder=ring)
    again = npm.fails("publish", folder=ring)
    npm.does("publish", "--tag", "next", folder=packages.npm_package(folder / "next", RING, "1.1.0-rc.1"))
    npm.does("dist-tag", "add", f"{RING}@1.0.0", "stable")
    npm.does("deprecate", f"{RING}@1.1.0-rc.1", "use 1.1.0")
    app = packages.npm_package(folder / "app", "app", "0.0.1", dependencies={RING: "^1.0.0"})
    npm.does("install", "--no-audit", "--os", "linux", "--cpu", "x64", folder=app)
    lock = json.loads((app / "package-lock.json").read_text())["packages"]
    said = {
        "installed": sorted(
            str(one.relative_to(app)) for one in (app / "node_modules").rglob("package.json")
        ),
        "view": json.loads(npm.does("view", RING, "versions", "dist-tags", "--json", "--prefer-online")),
        "again": "cannot publish over" in again,
    }
    whole, version = get(url, RING), get(url, RING, "1.1.0-rc.1")
    scoped = get(url, quote(ADDON, safe="@"), "1.0.0")
    short = [
        one
        for name in (RING, quote(ADDON, safe="@"))
        for one in get(url, name, accept=CORGI)["versions"].values()
    ]
    return Read(
        said=said,
        version={key: version.get(key) for key in VERSION},
        addon={key: scoped.get(key) for key in VERSION},
        dist={
            **{key: scoped["dist"][key] for key in ("integrity", "shasum")},
            "tarball": unquote(urlsplit(scoped["dist"]["tarball"]).path),
        },
        tags=get(url, "-", "package", RING, "dist-tags"),
        packument_tags=whole["dist-tags"],
        versions=sorted(whole["versions"]),
        times=set(whole["time"]),
        abbreviated=[{key: one.get(key) for key in ABBREVIATED} for one in short],
        tarball=read(scoped["dist"]["tarball"]),
        lock={key: lock[f"node_modules/{RING}"].get(key) for key in ("version", "integrity", "license")},
        absent=(status(url, "held-nothing"), status(url, RING, "9.9.9")),
    )


def get(url: str, *parts: str, accept: str = "application/json") -> Any:
    return json.loads(read("/".join((url, *parts)), accept))


def read(url: str, accept: str = "*/*") -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"accept": accept})) as answer:
        found: bytes = answer.read()
        return found


def status(url: str, *parts: str) -> int:
    try:
        read("/".join((url, *parts)))
    except urllib.request.HTTPError as error:
        with error:
            return error.code
    return 200


@pytest.fixture
def npm(tmp_path: Path, npm_url: str, proxy: str) -> real_clients.Client:
    return real_clients.npm(tmp_path / "home", npm_url, proxy)


def test_npm_finds_the_same_at_the_twin_and_at_verdaccio(
    npm: real_clients.Client, npm_url: str, verdaccio: Verdaccio, tmp_path: Path, proxy: str, store: Store
) -> None:
    other = real_clients.npm(tmp_path / "other-home", verdaccio.url, proxy, verdaccio.token)
    twin, real = session(npm, npm_url, tmp_path / "twin"), session(other, verdaccio.url, tmp_path / "real")

    assert twin == real
    assert twin.said["installed"] == [
        "node_modules/@ada/held-ring-linux-x64/package.json",
        "node_modules/held-ring/package.json",
    ]
    assert twin.said["again"]
    assert twin.tags == {"latest": "1.0.0", "next": "1.1.0-rc.1", "stable": "1.0.0"}
    assert twin.version["deprecated"] == "use 1.1.0"
    assert twin.absent == (404, 404)
    assert {package.name for package in store.read().npm} == {RING, ADDON, f"{RING}-darwin"}


def test_npm_knows_who_it_is_and_what_it_may(tmp_path: Path, loopback: Any, proxy: str, store: Store) -> None:
    url = loopback.serve(NpmTwin(store, tokens={"good"}))
    ring = packages.npm_package(tmp_path / "ring", "ring", "1.0.0")
    bad = real_clients.npm(tmp_path / "bad", url, proxy, token="revoked")
    assert "E401" in bad.fails("whoami")
    said = bad.fails("publish", folder=ring)
    assert "E404" in said
    assert "Access token expired or revoked" in said
    without = real_clients.npm(tmp_path / "without", url, proxy, token="")
    assert "ENEEDAUTH" in without.fails("publish", folder=ring)
    early = packages.npm_package(tmp_path / "early", "ring", "1.0.0-rc.1")
    said = without.fails("publish", folder=early)
    assert "You must specify a tag using --tag when publishing a prerelease version." in said
    assert store.read().npm == ()
    good = real_clients.npm(tmp_path / "good", url, proxy, token="good")
    assert good.does("whoami") == "ada\n"
    assert "PONG" in good("ping").text
    good.does("publish", folder=ring)


def test_npm_unpublishes_audits_and_packs(npm: real_clients.Client, tmp_path: Path, store: Store) -> None:
    for version in ("1.0.0", "1.1.0"):
        npm.does("publish", folder=packages.npm_package(tmp_path / "ring", "ring", version))
    npm.does("pack", "ring@1.0.0", folder=tmp_path)
    assert (tmp_path / "ring-1.0.0.tgz").read_bytes() == store.get(store.read().npm[0].versions["1.0.0"].blob)
    npm.does("unpublish", "ring@1.1.0")
    assert store.read().npm[0].tags == {"latest": "1.0.0"}
    assert "previously published" in npm.fails("publish", folder=tmp_path / "ring")
    app = packages.npm_package(tmp_path / "app", "app", "0.0.1", dependencies={"ring": "1.0.0"})
    assert "found 0 vulnerabilities" in npm.does("install", folder=app)
    npm.does("unpublish", "ring", "--force")
    assert "E404" in npm.fails("view", "ring", "--prefer-online")
