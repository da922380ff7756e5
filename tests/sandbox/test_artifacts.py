"""What a build of the miniature makes: formats that the real tools take. SPEC B11, S47-S52."""

from __future__ import annotations

import base64
import csv
import ctypes
import hashlib
import io
import json
import platform
import subprocess
import sys
import tarfile
import tomllib
from typing import TYPE_CHECKING

import pytest
from packaging.metadata import Metadata
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from pytest_relgate.sandbox.artifacts import (
    build,
    checksums,
    formula,
    metadata,
    sha256,
    untarred,
    unzipped,
    wheel,
)
from pytest_relgate.sandbox.history import CANDIDATE, files_at, tag_at, version_at
from pytest_relgate.sandbox.native import PLATFORMS, executable, library

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "c" * 40
VERSION = version_at(CANDIDATE)
FILES = files_at(CANDIDATE)
LICENCES = {"LICENSE", "THIRD_PARTY_NOTICES.md"}
HEADERS = {
    "linux-x64": b"\x7fELF\x02\x01\x01\x00" + bytes(8) + b"\x03\x00\x3e\x00",
    "linux-arm64": b"\x7fELF\x02\x01\x01\x00" + bytes(8) + b"\x03\x00\xb7\x00",
    "darwin-x64": b"\xcf\xfa\xed\xfe\x07\x00\x00\x01\x03\x00\x00\x00\x06\x00\x00\x00",
    "darwin-arm64": b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01\x00\x00\x00\x00\x06\x00\x00\x00",
}


@pytest.fixture(scope="module")
def built() -> dict[str, bytes]:
    return build(VERSION, FILES, COMMIT)


def test_a_build_makes_what_the_channels_are_to_have(built: dict[str, bytes]) -> None:
    assert set(built) == {
        f"plasmite-{VERSION}-py3-none-manylinux_2_28_x86_64.whl",
        f"plasmite-{VERSION}-py3-none-manylinux_2_28_aarch64.whl",
        f"plasmite-{VERSION}-py3-none-macosx_11_0_x86_64.whl",
        f"plasmite-{VERSION}-py3-none-macosx_11_0_arm64.whl",
        f"plasmite-{VERSION}.tar.gz",
        f"plasmite-{VERSION}.tgz",
        f"plasmite-{VERSION}.crate",
        f"plasmite_{VERSION}_linux_amd64.tar.gz",
        f"plasmite_{VERSION}_linux_arm64.tar.gz",
        f"plasmite_{VERSION}_darwin_amd64.tar.gz",
        f"plasmite_{VERSION}_darwin_arm64.tar.gz",
        "sha256sums.txt",
    }


def test_the_same_source_makes_the_same_bytes(built: dict[str, bytes]) -> None:
    assert build(VERSION, dict(FILES), COMMIT) == built
    other = build(version_at(9), files_at(9), COMMIT)
    assert not {sha256(raw) for raw in built.values()} & {sha256(raw) for raw in other.values()}
    assert len({sha256(raw) for raw in built.values()}) == len(built)


@pytest.mark.parametrize("name", PLATFORMS)
def test_libraries_say_the_truth_about_their_architecture(name: str) -> None:
    assert library(name, VERSION).startswith(HEADERS[name])
    kind = b"\x02\x00" if name.startswith("linux") else b"\x02\x00\x00\x00"
    at = 16 if name.startswith("linux") else 12
    assert executable(name, VERSION)[at : at + len(kind)] == kind


def test_the_library_of_this_platform_is_loaded(tmp_path: Path) -> None:
    cpu = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")
    place = tmp_path / "index.node"
    place.write_bytes(library(f"linux-{cpu}", VERSION))
    if sys.platform == "linux":  # nowhere else would it be
        loaded = ctypes.CDLL(str(place))
        loaded.plasmite_version.restype = ctypes.c_char_p
        assert loaded.plasmite_version() == VERSION.encode()
        line = f"console.log(require({json.dumps(str(place))}).version)"
        done = subprocess.run(["node", "-e", line], capture_output=True, check=True, text=True)
        assert done.stdout == f"{VERSION}\n"


def test_the_program_of_this_platform_runs(tmp_path: Path) -> None:
    cpu = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "")
    assert sys.platform != "linux" or cpu, f"the tests know no {platform.machine()}"
    program = tmp_path / "plasmite"
    program.write_bytes(executable(f"linux-{cpu or 'x64'}", VERSION))
    program.chmod(0o755)
    if sys.platform == "linux":  # nowhere else would it run
        done = subprocess.run([program, "--version"], capture_output=True, check=True)
        assert done.stdout.decode() == f"plasmite {VERSION}\n"


def test_wheels_hold_what_their_record_says(built: dict[str, bytes]) -> None:
    for name in (name for name in built if name.endswith(".whl")):
        members = unzipped(built[name])
        info = f"plasmite-{VERSION}.dist-info"
        rows = {row[0]: row[1:] for row in csv.reader(members[f"{info}/RECORD"].decode().splitlines())}
        assert rows.pop(f"{info}/RECORD") == ["", ""]
        assert rows.keys() == members.keys() - {f"{info}/RECORD"}
        for member, (digest, size) in rows.items():
            found = base64.urlsafe_b64encode(hashlib.sha256(members[member]).digest()).rstrip(b"=")
            assert (digest, size) == (f"sha256={found.decode()}", str(len(members[member])))
        (tag,) = parse_wheel_filename(name)[3]
        assert f"Tag: {tag}" in members[f"{info}/WHEEL"].decode().splitlines()
        facts = Metadata.from_email(members[f"{info}/METADATA"])
        assert (facts.name, str(facts.version), set(facts.license_files or ())) == (
            "plasmite",
            VERSION,
            LICENCES,
        )
        assert {f"{info}/licenses/{licence}" for licence in LICENCES} <= members.keys()
        libraries = [member for member in members if member.startswith("plasmite/_native/lib")]
        assert len(libraries) == 1


def test_pip_installs_the_wheel_and_reads_the_sdist(built: dict[str, bytes], tmp_path: Path) -> None:
    name, raw = wheel(VERSION, FILES, "linux-x64")
    (tmp_path / name).write_bytes(raw)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--no-compile", "--only-binary=:all:"]
    command += ["--platform=manylinux_2_28_x86_64", f"--target={tmp_path / 'site'}"]
    subprocess.run([*command, tmp_path / name], check=True, env={"PIP_CONFIG_FILE": "/dev/null"})
    installed = {path.name for path in (tmp_path / "site" / f"plasmite-{VERSION}.dist-info").iterdir()}
    assert {"METADATA", "RECORD", "licenses", "entry_points.txt"} <= installed
    sdist = f"plasmite-{VERSION}.tar.gz"
    assert str(parse_sdist_filename(sdist)[1]) == VERSION
    members = untarred(built[sdist])
    assert Metadata.from_email(members[f"plasmite-{VERSION}/PKG-INFO"]).name == "plasmite"
    assert {f"plasmite-{VERSION}/{file}" for file in ("pyproject.toml", *LICENCES)} <= members.keys()


def test_the_npm_package_has_an_addon_for_each_platform(built: dict[str, bytes], tmp_path: Path) -> None:
    tarball = tmp_path / "plasmite.tgz"
    tarball.write_bytes(built[f"plasmite-{VERSION}.tgz"])
    command = ["npm", "install", "--silent", "--offline", "--no-audit", "--no-fund", "./plasmite.tgz"]
    (tmp_path / "package.json").write_text('{"private": true}')
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    there = tmp_path / "node_modules" / "plasmite"
    for name in PLATFORMS:
        assert (there / "native" / name / "index.node").read_bytes().startswith(HEADERS[name])
    manifest = json.loads((there / "package.json").read_text())
    assert manifest["version"] == VERSION
    for path in (*manifest["files"], *manifest["bin"].values()):
        assert (there / path).is_file()


def test_cargo_reads_the_crate(built: dict[str, bytes], tmp_path: Path) -> None:
    stem = f"plasmite-{VERSION}"
    for path, raw in untarred(built[f"{stem}.crate"]).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(raw)
    told = json.loads((tmp_path / stem / ".cargo_vcs_info.json").read_text())
    assert told["git"]["sha1"] == COMMIT
    original = tomllib.loads((tmp_path / stem / "Cargo.toml.orig").read_text())
    command = ["cargo", "metadata", "--offline", "--locked", "--no-deps", "--format-version=1"]
    done = subprocess.run(command, cwd=tmp_path / stem, check=True, capture_output=True)
    (package,) = json.loads(done.stdout)["packages"]
    assert (package["name"], package["version"]) == ("plasmite", original["package"]["version"])
    assert {target["name"] for target in package["targets"]} == {"plasmite", "pls"}


def test_the_archives_have_the_layout_of_the_sdk(built: dict[str, bytes]) -> None:
    for name in (name for name in built if name.startswith("plasmite_")):
        members = untarred(built[name])
        suffix = "dylib" if "darwin" in name else "so"
        assert set(members) == {
            "bin/plasmite",
            "bin/pls",
            "include/plasmite.h",
            f"lib/libplasmite.{suffix}",
            "lib/pkgconfig/plasmite.pc",
            *LICENCES,
        }
        with tarfile.open(fileobj=io.BytesIO(built[name])) as archive:
            programs = {member.name for member in archive if member.mode & 0o111}
        assert programs == {"bin/plasmite", "bin/pls"}
        assert f"Version: {VERSION}\n" in members["lib/pkgconfig/plasmite.pc"].decode()


def test_checksums_and_formula_speak_of_the_archives(built: dict[str, bytes]) -> None:
    archives = {name: raw for name, raw in built.items() if name.startswith("plasmite_")}
    listed = dict(reversed(line.split("  ")) for line in checksums(archives).decode().splitlines())
    assert listed == {name: sha256(raw) for name, raw in archives.items()}
    assert checksums(archives) == built["sha256sums.txt"]
    text = formula(VERSION, FILES, listed)
    assert "@" not in text
    for name, digest in listed.items():
        lines = text.splitlines()
        at = next(number for number, line in enumerate(lines) if f"/v{VERSION}/{name}" in line)
        assert digest in lines[at + 1]
    with pytest.raises(KeyError):
        formula(VERSION, FILES, {name: digest for name, digest in listed.items() if "arm" not in name})


def test_metadata_names_the_source() -> None:
    assert json.loads(metadata(tag_at(CANDIDATE), COMMIT, 7)) == {
        "tag": f"v{VERSION}",
        "version": VERSION,
        "source_sha": COMMIT,
        "source_ref": f"refs/tags/v{VERSION}",
        "source_run_id": "7",
        "source_workflow": "release",
    }
