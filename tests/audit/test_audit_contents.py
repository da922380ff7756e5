"""What packages say of themselves, read from real archives; what is hostile is one finding."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.audit import inside as room
from pytest_relgate.audit.contents import another_version, commit_of_crate, notes
from pytest_relgate.audit.expecting import is_sums
from pytest_relgate.audit.inside import opened

if TYPE_CHECKING:
    from pathlib import Path

ARM64 = struct.pack("<II", 0xFEEDFACF, 0x0100000C) + bytes(64)


def zipped(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(name.replace("__", "/"), raw)
    return path


def tarred(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, raw in members.items():
            one = tarfile.TarInfo(name)
            one.size = len(raw)
            archive.addfile(one, io.BytesIO(raw))
    return path


def test_a_wheel_is_read_without_being_unpacked(tmp_path: Path) -> None:
    name = "demo-1.0.0-py3-none-macosx_11_0_arm64.whl"
    metadata = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nHome-page: https://github.com/Ada/Demo\n"
    members = {"demo__lib.dylib": ARM64, "demo-1.0.0.dist-info__METADATA": metadata}
    found = opened(zipped(tmp_path / name, **members), name)
    assert [str(one.native) for one in found.parts] == ["darwin arm64"]
    assert found.speaks_of("ada/demo")
    assert not found.speaks_of("")
    assert another_version(name, found, "1.0.0") == ""  # the same by PEP 440
    assert another_version(name, found, "1.0.1") == "it says that it is version 1.0, not 1.0.1"


def test_a_tarball_that_lacks_what_it_lists(tmp_path: Path) -> None:
    listed = ["native/linux-x64/**", "./native/darwin-x64", "native/win32-*/x.node", "CHANGELOG.md"]
    document = {"name": "demo", "version": "1.0.0", "files": listed}
    members = {"package/package.json": json.dumps(document).encode(), "package/native/darwin-x64/i": b"x"}
    found = opened(tarred(tmp_path / "demo.tgz", members), "demo.tgz")
    assert list(notes("demo.tgz", found)) == [
        "demo.tgz holds nothing at native/linux-x64, which its package.json lists"
    ]
    assert another_version("demo.tgz", found, "1.0.0") == ""


def test_a_crate_says_its_commit(tmp_path: Path) -> None:
    members = {
        "demo-1.0.0/.cargo_vcs_info.json": json.dumps({"git": {"sha1": "a" * 40}}).encode(),
        "demo-1.0.0/Cargo.toml": b'[package]\nname = "demo"\nversion = "1.0.1"\n',
        "demo-1.0.0/src/lib.rs": b"",
    }
    found = opened(tarred(tmp_path / "demo.crate", members), "demo.crate")
    assert commit_of_crate(found) == "a" * 40
    assert found.sources
    assert another_version("demo.crate", found, "1.0.0")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"git": 7}', '{"git": {"sha1": 7}}', "[" * 100_000])
def test_what_a_package_says_wrongly_is_not_believed(tmp_path: Path, text: str) -> None:
    members = {
        f"demo/{name}": text.encode() for name in (".cargo_vcs_info.json", "package.json", "Cargo.toml")
    }
    found = opened(tarred(tmp_path / "demo.crate", members), "demo.crate")
    assert commit_of_crate(found) == ""
    assert another_version("demo.crate", found, "1.0.0") == ""
    assert another_version("demo.tgz", found, "1.0.0") == ""


@pytest.mark.parametrize("name", ["demo-1.0.0-py3-none-any.whl", "demo-1.0.0.tgz", "demo-1.0.0.tar.gz"])
@pytest.mark.parametrize(
    "raw", [b"", b"nothing of the kind", b"PK\x03\x04" + bytes(30), b"\x1f\x8b\x08" + bytes(9)]
)
def test_what_cannot_be_opened_says_why(tmp_path: Path, name: str, raw: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(raw)
    assert opened(path, name).problem


def test_a_tar_without_its_padding_is_no_broken_one(tmp_path: Path) -> None:
    whole = gzip.decompress(
        tarred(tmp_path / "whole.tgz", {"package/package.json": b'{"version": "1.0.0"}'}).read_bytes()
    )
    path = tmp_path / "demo.tgz"
    path.write_bytes(gzip.compress(whole[: 512 + 20]))
    found = opened(path, "demo.tgz")
    assert (found.problem, found.partly) == ("", True)
    path.write_bytes(path.read_bytes()[:-9])
    assert opened(path, "demo.tgz").problem


def test_what_unpacks_beyond_reason_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_BYTES", 1000)
    path = tarred(tmp_path / "demo.tgz", {"package/a": bytes(600), "package/b": bytes(600)})
    found = opened(path, "demo.tgz")
    assert (found.partly, found.problem) == (True, "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sha256sums.txt", True),
        ("SHA256SUMS", True),
        ("demo_1.0.0_checksums.txt", True),
        ("demo.tar.gz.sha256", True),
        ("demo.tar.gz", False),
        ("sha256sums.txt.sig", False),
    ],
)
def test_files_of_checksums_are_known_by_their_names(name: str, expected: bool) -> None:
    assert is_sums(name) is expected
