"""The clients read registries as others wrote them: verdaccio, devpi, a sparse registry of cargo's."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec
import pytest

import packages
from pytest_relgate.channels import crates, npm, pypi
from pytest_relgate.channels.judge import Judgement, Standing, judge
from pytest_relgate.channels.look import Look
from pytest_relgate.channels.observation import Expectation, Observation
from pytest_relgate.github.api import Api
from pytest_relgate.net.http import Http
from pytest_relgate.net.origins import Origins
from pytest_relgate.profile import Channel

if TYPE_CHECKING:
    from pathlib import Path

    from real_servers import CargoRegistry, Devpi, Verdaccio

Observe = Callable[[Look], Observation]
NOWHERE = Origins(*["http://127.0.0.1:9"] * 8)


@pytest.fixture
def http() -> Iterator[Http]:
    with Http() as client:
        yield client


def look(http: Http, origins: Origins, package: str, *files: Path, **facts: object) -> Look:
    """Look for 1.0.0 of a package that has these files."""
    expected = Expectation(
        "1.0.0",
        "1.0.0",
        frozenset(file.name for file in files),
        {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
    )
    expected = msgspec.structs.replace(expected, **facts)
    api = Api(http, origins.github_api, "nobody/nothing")
    return Look(
        "it", Channel("npm"), package, expected, "v1.0.0", http, origins, api, 10_000_000, lambda: False
    )


def judged(observe: Observe, at: Look) -> tuple[Observation, Judgement]:
    at.begin(fresh=False)
    seen = observe(at)
    return seen, judge(seen, at.expected, age=None, looked_twice=True)


def all_served(judgement: Judgement) -> bool:
    return {opinion.standing for opinion in judgement.opinions} == {Standing.SERVED}


def tarball(folder: Path, name: str, version: str, **fields: object) -> Path:
    made = packages.npm_package(folder / name.replace("/", "-"), name, version, **fields)
    done = subprocess.run(
        ["npm", "pack", "--json", "--pack-destination", str(folder)],
        cwd=made,
        capture_output=True,
        text=True,
        check=True,
    )
    return folder / msgspec.json.decode(done.stdout)[0]["filename"].replace("@", "").replace("/", "-")


@pytest.mark.parametrize("name", ["relgate-plain", "@relgate/scoped"])
def test_verdaccio_serves_what_was_published(
    verdaccio: Verdaccio, http: Http, tmp_path: Path, name: str
) -> None:
    file = tarball(tmp_path, name, "1.0.0")
    verdaccio.publish(file)
    origins = msgspec.structs.replace(NOWHERE, npm=verdaccio.url.rstrip("/"))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    served = f"{name.rpartition('/')[2]}-1.0.0.tgz"  # npm's own name of it
    facts = {"files": frozenset({served}), "digests": {served: digest}}
    seen, judgement = judged(npm.observe, look(http, origins, name, **facts))
    assert all_served(judgement), judgement
    assert (seen.version, seen.resolved) == ("1.0.0", "1.0.0")
    assert set(seen.files[0].stated) == {"sha512"}

    later = look(http, origins, name, spelled="1.1.0", version="1.1.0")
    assert judged(npm.observe, later)[1].version.standing is Standing.LATE


def test_verdaccio_shows_another_dist_tag(verdaccio: Verdaccio, http: Http, tmp_path: Path) -> None:
    first, second = tarball(tmp_path, "relgate-tags", "0.9.0"), tarball(tmp_path, "relgate-tags", "1.0.0")
    verdaccio.publish(first)
    verdaccio.publish(second, tag="next")
    origins = msgspec.structs.replace(NOWHERE, npm=verdaccio.url.rstrip("/"))
    seen, judgement = judged(npm.observe, look(http, origins, "relgate-tags", second))
    assert (seen.version, seen.resolved) == ("1.0.0", "0.9.0")
    assert judgement.version.standing is Standing.LATE
    assert judgement.digests.standing is Standing.SERVED


def test_verdaccio_does_not_have_what_nobody_published(verdaccio: Verdaccio, http: Http) -> None:
    origins = msgspec.structs.replace(NOWHERE, npm=verdaccio.url.rstrip("/"))
    assert judged(npm.observe, look(http, origins, "relgate-nobody"))[1].version.standing is Standing.ABSENT


def test_devpi_serves_what_was_uploaded(devpi: Devpi, http: Http, tmp_path: Path) -> None:
    files = (
        packages.wheel(tmp_path, "relgate_ring", "1.0.0"),
        packages.sdist(tmp_path, "relgate_ring", "1.0.0"),
    )
    devpi.publish(*files)
    origins = msgspec.structs.replace(NOWHERE, pypi=devpi.url.rstrip("/"))
    seen, judgement = judged(pypi.observe, look(http, origins, "Relgate.Ring", *files))
    assert all_served(judgement), judgement
    assert {file.name for file in seen.files} == {file.name for file in files}

    mirror = look(http, NOWHERE, "relgate-ring", *files)
    mirror.channel = Channel("pypi", base=devpi.index.rstrip("/"), mirror=True)
    seen, judgement = judged(pypi.observe, mirror)
    assert all_served(judgement), judgement
    assert seen.mirror
    missing = look(http, NOWHERE, "relgate-ring", spelled="2.0.0", version="2.0.0")
    missing.channel = mirror.channel
    assert judged(pypi.observe, missing)[1].version.standing is Standing.UNKNOWN


def test_devpi_lacks_a_wheel(devpi: Devpi, http: Http, tmp_path: Path) -> None:
    wheel = packages.wheel(tmp_path, "relgate_half", "1.0.0")
    devpi.publish(packages.sdist(tmp_path, "relgate_half", "1.0.0"))
    origins = msgspec.structs.replace(NOWHERE, pypi=devpi.url.rstrip("/"))
    files = (wheel, tmp_path / "relgate_half-1.0.0.tar.gz")
    seen, judgement = judged(pypi.observe, look(http, origins, "relgate-half", *files))
    assert judgement.version.standing is Standing.SERVED
    assert judgement.files.standing is Standing.PARTIAL
    assert wheel.name in judgement.files.words
    assert seen.files[0].served


def crate_file(folder: Path, name: str, version: str) -> Path:
    made = packages.crate(folder / f"{name}-{version}", name, version)
    path = folder / f"{name}-{version}.crate"
    with tarfile.open(path, "w:gz") as archive:
        for file in sorted(made.rglob("*")):
            if file.is_file():
                raw = file.read_bytes()
                member = tarfile.TarInfo(f"{name}-{version}/{file.relative_to(made)}")
                member.size = len(raw)
                archive.addfile(member, io.BytesIO(raw))
    return path


@pytest.mark.parametrize("name", ["r", "rg", "rgt", "relgate-ring"])
def test_a_sparse_registry_serves_what_is_in_its_index(
    cargo_registry: CargoRegistry, http: Http, tmp_path: Path, name: str
) -> None:
    file = crate_file(tmp_path, name, "1.0.0")
    cargo_registry.publish(crate_file(tmp_path, name, "0.9.0"), file)
    url = cargo_registry.url.rstrip("/")
    origins = msgspec.structs.replace(NOWHERE, crates_index=url)
    seen, judgement = judged(crates.observe, look(http, origins, name, file))
    assert all_served(judgement), judgement
    assert seen.resolved == "1.0.0"


def test_a_sparse_registry_has_a_yanked_version(
    cargo_registry: CargoRegistry, http: Http, tmp_path: Path
) -> None:
    file = crate_file(tmp_path, "relgate-yanked", "1.0.0")
    cargo_registry.publish(file, yanked=True)
    origins = msgspec.structs.replace(NOWHERE, crates_index=cargo_registry.url.rstrip("/"))
    judgement = judged(crates.observe, look(http, origins, "relgate-yanked", file))[1]
    assert judgement.version.standing is Standing.WITHDRAWN
    assert judgement.digests.standing is Standing.SERVED
