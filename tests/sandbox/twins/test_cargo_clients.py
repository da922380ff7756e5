"""The twin of crates.io as the real cargo takes it, beside a sparse registry of plain files."""

from __future__ import annotations

import json
import re
import tomllib
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import packages
import real_clients
from pytest_relgate.sandbox.twins.crates import CratesTwin

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.sandbox.store import Store
    from real_servers import CargoRegistry

RING = "held-ring"
MAIN = 'fn main() { println!("ring {}", held_ring::VERSION); }\n'
EXTRA = '[features]\nfast = []\nfastest = ["fast"]\n'
APP = 'fn main() { println!("app on {}", held_ring::VERSION); }\n'


@dataclass(frozen=True)
class Read:
    """What a registry says to cargo."""

    info: str
    ran: str
    installed: str
    locked: dict[str, str]
    index: list[dict[str, Any]]
    absent: str


def session(cargo: real_clients.Client, url: str, folder: Path) -> Read:
    """Ask about the crate, depend on it, build on it, install it."""
    app = packages.crate(folder / "app", "app", "0.0.1", "\n[dependencies]\n", APP)
    cargo.does("add", f"{RING}@0.1", "--features", "fastest", folder=app)
    ran = cargo.does("run", "--quiet", folder=app)
    lock = tomllib.loads((app / "Cargo.lock").read_text())
    locked = next(one for one in lock["package"] if one["name"] == RING)
    cargo.does("install", RING, "--root", str(folder / "root"), "--debug")
    tool = real_clients.Client((str(folder / "root/bin" / RING),), folder, {})
    lines = read(f"{url}/he/ld/{RING}").decode().splitlines()
    kept = ("name", "vers", "deps", "cksum", "features", "yanked")
    return Read(
        info=re.sub(r"127\.0\.0\.1:\d+", "HOST", cargo.does("info", RING)),
        ran=ran,
        installed=tool.does(),
        locked={key: locked[key] for key in ("version", "checksum")},
        index=[{key: json.loads(line)[key] for key in kept} for line in lines],
        absent=re.sub(r"127\.0\.0\.1:\d+", "HOST", cargo.fails("info", "held-nothing")),
    )


def read(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:
        found: bytes = answer.read()
        return found


@pytest.fixture
def cargo(tmp_path: Path, crates_url: str, proxy: str) -> real_clients.Client:
    return real_clients.cargo(tmp_path / "home", crates_url, proxy)


def test_cargo_finds_the_same_at_the_twin_and_in_a_registry_of_files(
    cargo: real_clients.Client,
    crates_url: str,
    cargo_registry: CargoRegistry,
    tmp_path: Path,
    proxy: str,
    loopback: Any,
) -> None:
    for version in ("0.1.0", "0.1.1"):
        ring = packages.crate(tmp_path / "ring", RING, version, EXTRA, MAIN)
        cargo.does("publish", "--no-verify", folder=ring)  # the first use builds it soon enough
        cargo.does("package", "--no-verify", folder=ring)
        made = tmp_path / "home" / "target" / "package" / f"{RING}-{version}.crate"
        cargo_registry.publish(made)
    other = real_clients.cargo(tmp_path / "other-home", cargo_registry.url, proxy)

    twin = session(cargo, crates_url, tmp_path / "twin")
    real = session(other, cargo_registry.url, tmp_path / "real")

    assert twin == real
    assert "version: 0.1.1" in twin.info
    assert "rust-version: 1.75" in twin.info
    assert twin.ran == "app on 0.1.1\n"
    assert twin.installed == "ring 0.1.1\n"
    assert [line["vers"] for line in twin.index] == ["0.1.0", "0.1.1"]
    asked = loopback.paths("crates")
    assert {"/config.json", "/he/ld/held-ring", "/api/v1/crates/new"} <= asked
    assert "/crates/held-ring/0.1.1/download" in asked


def test_cargo_publishes_once_yanks_and_finds(
    cargo: real_clients.Client, tmp_path: Path, store: Store, loopback: Any
) -> None:
    ring = packages.crate(tmp_path / "ring", "ring", "0.1.0")
    cargo.does("publish", "--no-verify", folder=ring)
    assert store.read().crates[0].rust_version == "1.75"

    assert "crate ring@0.1.0 already exists on `twin` index" in cargo.fails(
        "publish", "--no-verify", folder=ring
    )
    assert 'ring = "0.1.0"' in cargo.does("search", "ring")

    cargo.does("yank", "ring@0.1.0")
    assert store.read().crates[0].yanked
    # FIELD: cargo calls a yanked crate missing, which is why a channel is read from the index.
    assert "could not find" in cargo.fails("info", "ring")
    cargo.does("yank", "--undo", "ring@0.1.0")
    assert "version: 0.1.0" in cargo.does("info", "ring")

    assert "ada" in cargo.does("owner", "--list", "ring")
    cargo.does("owner", "--add", "grace", "ring")
    assert store.read().crate_owners == {"ring": ("ada", "grace")}
    cargo.does("owner", "--remove", "grace", "ring")
    assert store.read().crate_owners == {"ring": ("ada",)}
    assert all(status < 500 for _, _, status in loopback.of("crates"))


def test_cargo_needs_a_token_that_is_known(tmp_path: Path, loopback: Any, proxy: str, store: Store) -> None:
    url = loopback.serve(CratesTwin(store, tokens={"good"}))
    ring = packages.crate(tmp_path / "ring", "ring", "0.1.0")
    bad = real_clients.cargo(tmp_path / "bad", url, proxy, token="revoked")
    said = bad.fails("publish", "--no-verify", folder=ring)
    assert "authentication failed" in said
    assert "status 403" in said
    assert store.read().crates == ()
    good = real_clients.cargo(tmp_path / "good", url, proxy, token="good")
    good.does("publish", "--no-verify", folder=ring)


def test_a_crate_that_was_taken_away_is_not_found(
    tmp_path: Path, loopback: Any, proxy: str, store: Store
) -> None:
    for status in (410, 451):
        url = loopback.serve(CratesTwin(store, gone={"ring": status}))
        client = real_clients.cargo(tmp_path / str(status), url, proxy)
        assert "could not find `ring`" in client.fails("info", "ring")
        assert ("GET", "/ri/ng/ring", status) in loopback.of("crates")
