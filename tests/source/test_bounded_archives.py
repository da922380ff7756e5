"""The tables of a stranger's archive fill no memory: lists of members, long names, extended headers."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.audit.inside import opened
from pytest_relgate.errors import Finding
from pytest_relgate.source.archives import read_archive
from pytest_relgate.source.bounded import LARGEST_HEADER, LARGEST_LIST, members_of, open_tar, open_zip

if TYPE_CHECKING:
    from pathlib import Path


def header(kind: bytes, size: int, name: str = "a") -> bytes:
    """One block of a tar archive that announces so many bytes."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf()


def zip_that_says(size: int) -> bytes:
    """A zip archive that announces a list of members of so many bytes, and has nearly as many zeros."""
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, 0, 0)
    return bytes(size) + end


LISTS = {
    "zip": zip_that_says(40 << 20),
    "long-name": header(tarfile.GNUTYPE_LONGNAME, 40 << 20) + bytes(40 << 20),
    "long-link": header(tarfile.GNUTYPE_LONGLINK, 40 << 20) + bytes(40 << 20),
    "pax": header(tarfile.XHDTYPE, 40 << 20) + bytes(40 << 20),
    "pax-for-all": header(tarfile.XGLTYPE, 40 << 20) + bytes(40 << 20),
    "chain": header(tarfile.GNUTYPE_LONGNAME, 1).ljust(1024, b"\0") * 3000,
    "no-size": header(tarfile.XHDTYPE, LARGEST_HEADER + 1),
}


@pytest.mark.parametrize("name", LISTS)
def test_what_announces_more_than_anybody_needs_is_broken_and_takes_no_memory(
    name: str, tmp_path: Path
) -> None:
    raw, suffix = LISTS[name], "-1.0-py3-none-any.whl" if name == "zip" else "-1.0.tar.gz"
    raw = raw if name == "zip" else gzip.compress(raw, 1)
    path = tmp_path / f"demo{suffix}"
    path.write_bytes(raw)
    tracemalloc.start()
    try:
        with path.open("rb") as file, pytest.raises(Finding, match="broken or cut short"):
            read_archive(path.name, file)
        found = opened(path, path.name)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.problem or found.partly
    assert peak < 16 << 20


def test_many_members_are_let_go_one_after_another() -> None:
    raw = io.BytesIO(b"".join(header(tarfile.REGTYPE, 0, f"demo/{n}") for n in range(3000)) + bytes(1024))
    tracemalloc.start()
    try:
        with open_tar(raw, "r|") as archive:
            assert sum(1 for _ in members_of(archive)) == 3000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 400 << 10


def test_a_release_of_many_native_files_is_not_kept_whole() -> None:
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHL", 3, 62, 1) + bytes(4096)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(4200):
            archive.writestr(f"{number}.so", elf)
    with pytest.raises(Finding, match="more native files than anybody can look at"):
        read_archive("demo_1.0_linux_amd64.zip", packed)


def test_a_list_that_is_as_long_as_it_may_be_is_read() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(12_000):
            archive.writestr(f"{'x' * 200}{number}", "")
    listed = len(packed.getvalue())
    assert listed < 2 * LARGEST_LIST
    with open_zip(packed) as archive:
        assert len(archive.infolist()) == 12_000


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("demo-1.0.tar.gz", b"\x1f\x8b\x08"),  # tarfile raises TypeError of its own
        ("demo-1.0-py3-none-any.whl", None),  # and zipfile IndexError
    ],
)
def test_a_header_that_python_stumbles_over_is_a_broken_archive(
    name: str, raw: bytes | None, tmp_path: Path
) -> None:
    if raw is None:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr("a\0", "")  # cut off at the zero where it is read
            archive.infolist()[0].filename = "\0"
        raw = held.getvalue()
    path = tmp_path / name
    path.write_bytes(raw)
    with pytest.raises(Finding, match="broken or cut short"):
        read_archive(name, raw)
    assert opened(path, name).problem
