"""The twin of PyPI as the real pip and twine take it, beside devpi under the same commands."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.request
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import packages
import real_clients
from pytest_relgate.sandbox.twins.pypi import PypiTwin

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.sandbox.store import Store
    from real_servers import Devpi

RING = "held_ring"
SIMPLE = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True)
class Read:
    """What an index says to pip, and of its files."""

    versions: str
    files: dict[str, dict[str, Any]]
    name: str
    metadata: bytes
    downloaded: dict[str, str]
    installed: str
    wrong: bool
    status: tuple[int, int]


def session(pip: real_clients.Client, url: str, folder: Path) -> Read:
    """List versions, download, install with a hash and with a wrong one, and read the index."""
    # pip names the exact version it would take as the first line and all of them below.
    listed = pip.does("index", "versions", "held-ring")
    pip.does("download", "--no-deps", "-d", str(folder / "down"), f"{RING}==0.1.0", "--only-binary", ":all:")
    document = json.loads(read(f"{url}/simple/held-ring/", SIMPLE))
    by_name = {one["filename"]: one for one in document["files"]}
    wheel = by_name[f"{RING}-0.1.1-py3-none-any.whl"]
    good = require(folder / "good.txt", wheel["hashes"]["sha256"])
    bad = require(folder / "bad.txt", "0" * 64)
    install = ("install", "--no-deps", "--only-binary", ":all:", "--target", str(folder / "site"), "-r")
    said = pip.fails(*install, bad)
    pip.does(*install, good)
    return Read(
        versions=re.sub(r"\n.*(INSTALLED|LATEST).*", "", listed),
        files={name: meaning(one) for name, one in by_name.items()},
        name=document["name"],
        metadata=read(f"{wheel['url']}.metadata"),
        downloaded={one.name: digest(one) for one in (folder / "down").iterdir()},
        installed=(folder / "site" / RING / "__init__.py").read_text(),
        wrong="THESE PACKAGES DO NOT MATCH THE HASHES" in said,
        status=(status(f"{url}/simple/held-nothing/"), status(f"{url}/simple/held-ring/")),
    )


def meaning(file: dict[str, Any]) -> dict[str, Any]:
    """What an entry of the index says; what devpi leaves out or has no digest of still means the same."""
    return {
        "hashes": file["hashes"],
        "requires-python": file.get("requires-python"),
        "yanked": file.get("yanked") or False,
        "core-metadata": bool(file.get("core-metadata")),
    }


def require(path: Path, sha256: str) -> str:
    path.write_text(f"{RING}==0.1.1 --hash=sha256:{sha256}\n")
    return str(path)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(url: str, accept: str = "*/*") -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"accept": accept})) as answer:
        found: bytes = answer.read()
        return found


def status(url: str) -> int:
    try:
        read(url, SIMPLE)
    except urllib.request.HTTPError as error:
        with error:
            return error.code
    return 200


@pytest.fixture
def twine(tmp_path: Path, pypi_url: str, proxy: str) -> real_clients.Client:
    return real_clients.twine(tmp_path / "home", f"{pypi_url}/legacy/", proxy)


@pytest.fixture
def pip(tmp_path: Path, pypi_url: str, proxy: str) -> real_clients.Client:
    return real_clients.pip(tmp_path / "home", f"{pypi_url}/simple/", proxy)


def test_pip_finds_the_same_at_the_twin_and_at_devpi(
    pip: real_clients.Client,
    twine: real_clients.Client,
    pypi_url: str,
    devpi: Devpi,
    tmp_path: Path,
    proxy: str,
) -> None:
    dist = tmp_path / "dist"
    made = [packages.wheel(dist, RING, version) for version in ("0.1.0", "0.1.1")]
    made.append(packages.sdist(dist, RING, "0.1.1"))
    twine.does("upload", *map(str, made))
    devpi.publish(*made)
    other = real_clients.pip(tmp_path / "other-home", devpi.index, proxy)

    twin, real = session(pip, pypi_url, tmp_path / "twin"), session(other, devpi.url, tmp_path / "real")

    assert twin == real
    assert set(twin.files) == {path.name for path in made}
    assert twin.wrong
    assert twin.installed.startswith("VERSION = '0.1.1'")
    assert twin.status == (404, 200)
    assert "Available versions: 0.1.1, 0.1.0" in twin.versions


def test_a_file_that_is_there_is_refused_and_the_same_file_is_not(
    twine: real_clients.Client, tmp_path: Path, store: Store
) -> None:
    wheel = packages.wheel(tmp_path, "ring", "0.1.0")
    twine.does("upload", str(wheel))
    before = store.read()
    twine.does("upload", str(wheel))
    assert store.read() == before
    packages.wheel(tmp_path, "ring", "0.1.0", content="OTHER = 1\n")
    assert "File already exists" in twine.fails("upload", "--verbose", str(wheel))
    assert store.read() == before


def test_twine_needs_a_token_that_is_known(tmp_path: Path, loopback: Any, proxy: str, store: Store) -> None:
    url = loopback.serve(PypiTwin(store, tokens={"good"})) + "/legacy/"
    wheel = packages.wheel(tmp_path, "ring", "0.1.0")
    said = real_clients.twine(tmp_path / "bad", url, proxy, token="revoked").fails("upload", str(wheel))
    assert "403" in said
    assert store.read().pypi == ()
    real_clients.twine(tmp_path / "good", url, proxy, token="good").does("upload", str(wheel))


def test_pip_passes_over_what_is_yanked_unless_it_is_pinned(
    pip: real_clients.Client, twine: real_clients.Client, tmp_path: Path, store: Store
) -> None:
    made = [packages.wheel(tmp_path, "ring", version) for version in ("0.1.0", "0.1.1")]
    twine.does("upload", *map(str, made))

    def yank(world: Any) -> Any:
        (project,) = world.pypi
        files = [
            msgspec.structs.replace(one, yanked="it is broken") if one.version == "0.1.1" else one
            for one in project.files
        ]
        return msgspec.structs.replace(world, pypi=(msgspec.structs.replace(project, files=tuple(files)),))

    store.change(yank)
    get = ("download", "--no-deps", "-d", str(tmp_path / "down"))
    pip.does(*get, "ring")
    assert [one.name for one in (tmp_path / "down").iterdir()] == ["ring-0.1.0-py3-none-any.whl"]
    said = pip(*get, "ring==0.1.1").text
    assert "yanked version" in said
    assert "it is broken" in said


def test_pip_reads_the_page_as_well_as_the_document(
    pip: real_clients.Client, twine: real_clients.Client, tmp_path: Path, loopback: Any, store: Store
) -> None:
    twine.does("upload", str(packages.wheel(tmp_path, "ring", "0.1.0", requires_python=">=3.9,<4")))

    def html_only(name: str, request: Any, ask: Any) -> Any:
        return ask(replace(request, headers={**request.headers, "accept": "text/html"}))

    url = loopback.serve(PypiTwin(store), html_only)
    pip.does("download", "--no-deps", "-d", str(tmp_path / "down"), "-i", f"{url}/simple/", "ring==0.1.0")
    assert (tmp_path / "down" / "ring-0.1.0-py3-none-any.whl").is_file()
