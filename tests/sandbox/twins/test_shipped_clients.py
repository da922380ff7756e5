"""What the sandbox's world has shipped, taken by the real npm, pip and cargo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import packages
import real_clients
from pytest_relgate.sandbox.box import open_box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.net.origins import Origins

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def origins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origins]:
    """The twins of a sandbox that is made for these tests."""
    home = tmp_path_factory.mktemp("sandbox")
    box = open_box(ROOT, (), {**os.environ, "XDG_CACHE_HOME": str(home)})
    yield box.origins
    box.close()


def test_npm_installs_the_shipped_release(origins: Origins, tmp_path: Path, proxy: str) -> None:
    npm = real_clients.npm(tmp_path / "home", origins.npm, proxy)
    app = packages.npm_package(tmp_path / "app", "app", "0.0.1")
    npm.does("install", "plasmite@latest", folder=app)
    assert (app / "node_modules/plasmite/native/linux-x64/index.node").is_file()


def test_pip_takes_the_shipped_release(origins: Origins, tmp_path: Path, proxy: str) -> None:
    pip = real_clients.pip(tmp_path / "home", f"{origins.pypi}/simple/", proxy)
    for platform in ("manylinux_2_28_x86_64", "macosx_11_0_arm64"):
        only = ("--no-deps", "--only-binary", ":all:", "--platform", platform, "-d", str(tmp_path / "down"))
        pip.does("download", *only, "plasmite==0.1.9")
    assert len(list((tmp_path / "down").glob("plasmite-0.1.9-*.whl"))) == 2


def test_cargo_takes_the_shipped_release(origins: Origins, tmp_path: Path, proxy: str) -> None:
    cargo = real_clients.cargo(tmp_path / "home", origins.crates_index, proxy)
    assert "version: 0.1.9" in cargo.does("info", "plasmite")
    app = packages.crate(tmp_path / "app", "app", "0.0.1", '\n[dependencies]\nplasmite = "0.1"\n')
    cargo.does("fetch", folder=app)
    assert "0.1.9" in (app / "Cargo.lock").read_text()
