"""What is in a built archive: licence and notices at their place, natives for the promised platform."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import json
import lzma
import random
import stat
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.errors import Finding
from pytest_relgate.sandbox.artifacts import build
from pytest_relgate.sandbox.history import CANDIDATE, files_at
from pytest_relgate.source import archives
from pytest_relgate.source.archives import Kind, kind_of, read_archive
from pytest_relgate.source.artifact_rules import another_set, foreign_natives, promised, too_large, unlicensed
from pytest_relgate.source.native import Native, native_of

DATA = Path(__file__).parents[1] / "data"
LICENCES = ("LICENSE", "THIRD_PARTY_NOTICES.md")


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def tar(members: list[Any]) -> bytes:
    """A gzipped tar archive; a member is a path, or a path and ``dir``, ``sym``, or its bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for member in members:
            path, what = (member, b"text\n") if isinstance(member, str) else member
            info = tarfile.TarInfo(path)
            if what == "dir":
                info.type = tarfile.DIRTYPE
            elif isinstance(what, str):
                info.type, _, info.linkname = (
                    {"s": tarfile.SYMTYPE, "h": tarfile.LNKTYPE}[what[0]],
                    0,
                    what[4:],
                )
            else:
                info.size = len(what)
            archive.addfile(info, io.BytesIO(what) if isinstance(what, bytes) else None)
    return out.getvalue()


def zipped(members: list[Any]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            path, content = (member, b"text\n") if isinstance(member, str) else member
            archive.writestr(path, content)
    return out.getvalue()


def zip_stored(members: list[tuple[str, bytes]]) -> bytes:
    """A zip archive that packs nothing, so that its bytes can be found and changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, content in members:
            archive.writestr(path, content)
    return out.getvalue()


def packed(name: str, members: list[Any]) -> bytes:
    return (zipped if name.endswith((".whl", ".zip")) else tar)(members)


def licensing(name: str, raw: bytes) -> list[str]:
    try:
        return [problem.found for problem in unlicensed(read_archive(name, raw), LICENCES)]
    except Finding as error:
        return [error.found]


# What the original let through or never looked at, by PLASMITE's list of its faults.
PASSED_WRONGLY = {"sdist_nested_only", "sdist_license_dangling_symlink"}
NEVER_LOOKED_AT = {"release_zip_ignored"}
RECORDED = [row for row in rows("licensing.jsonl") if row["artifacts"]]


def recorded(spec: Any) -> list[Any]:
    """The members of a recorded archive; of a real one its files, each with some text."""
    if isinstance(spec, list):
        made = [one if isinstance(one, str) else tuple(one) for one in spec]
        return [(one[0], "sym nowhere") if one[1:] == ("sym",) else one for one in made]
    if "n_members" in spec:
        extra = spec["n_members"] - len(spec["first"])
        return [*spec["first"], *(f"x/{n}.rs" for n in range(extra))]
    members: list[str] = spec["members"]
    return [one for one in members if not any(other.startswith(f"{one}/") for other in members)]


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: row["case"])
def test_every_recorded_set_of_artifacts_is_judged_as_it_was(row: dict[str, Any]) -> None:
    found: list[str] = []
    for path, spec in row["artifacts"].items():
        name = path.rpartition("/")[2]
        raw = isinstance(spec, dict) and "raw_bytes_hex" in spec
        content = bytes.fromhex(spec["raw_bytes_hex"]) if raw else packed(name, recorded(spec))
        kind = {"py": None, "node": Kind.NPM, "rel": Kind.RELEASE}[path.partition("/")[0]]
        archive_kind = kind or (Kind.WHEEL if name.endswith(".whl") else Kind.SDIST)
        try:
            found += [one.found for one in unlicensed(read_archive(name, content, archive_kind), LICENCES)]
        except Finding as error:
            found += [error.found] * len(LICENCES)
    wrong = {*row["fails"]} - {one for one in row["fails"] if "repo-level" in one}
    if row["case"] in PASSED_WRONGLY | NEVER_LOOKED_AT:
        assert found
    else:
        assert len(found) == len(wrong), found


@pytest.mark.parametrize(
    ("name", "members", "says"),
    [
        ("p-1.0.tar.gz", ["p-1.0/LICENSE", "p-1.0/THIRD_PARTY_NOTICES.md"], ""),
        ("p-1.0.tar.gz", ["p-1.0/LICENSE", "p-1.0/docs/THIRD_PARTY_NOTICES.md"], "that at p-1.0/docs/"),
        ("p-1.0.tar.gz", ["p-1.0/THIRD_PARTY_NOTICES.md", ("p-1.0/LICENSE", b"")], "p-1.0/LICENSE is empty"),
        ("p-1.0.tar.gz", ["p-1.0/THIRD_PARTY_NOTICES.md", ("p-1.0/LICENSE", b" \n\n")], "LICENSE is empty"),
        (
            "p-1.0.tar.gz",
            ["p-1.0/THIRD_PARTY_NOTICES.md", "p-1.0/COPYING", ("p-1.0/LICENSE", "sym COPYING")],
            "",
        ),
        (
            "p-1.0.tar.gz",
            ["p-1.0/THIRD_PARTY_NOTICES.md", ("p-1.0/LICENSE", "sym ../../LICENSE")],
            "is a link to ../../LICENSE, and nothing is there",
        ),
        (
            "p-1.0.tar.gz",
            ["p-1.0/THIRD_PARTY_NOTICES.md", ("p-1.0/LICENSE", "sym LICENSE")],
            "nothing is there",
        ),
        (
            "p-1.0.tar.gz",
            ["p-1.0/THIRD_PARTY_NOTICES.md", ("p-1.0/LICENSE", "hrd p-1.0/THIRD_PARTY_NOTICES.md")],
            "",
        ),
        ("p-1.0.crate", ["p-1.0/LICENSE", "p-1.0/THIRD_PARTY_NOTICES.md"], ""),
        ("p-1.0.tgz", ["package/LICENSE", "package/THIRD_PARTY_NOTICES.md"], ""),
        ("p-1.0.tgz", ["p/LICENSE", "package/THIRD_PARTY_NOTICES.md"], "no LICENSE in package/"),
        ("p_1.0_linux_amd64.tar.gz", ["./LICENSE", "./THIRD_PARTY_NOTICES.md", "./bin/p"], ""),
        ("p_1.0_linux_amd64.tar.gz", ["p/LICENSE", "p/THIRD_PARTY_NOTICES.md", "p/bin/p"], ""),
        ("p_1.0_linux_amd64.tar.gz", ["a/LICENSE", "./THIRD_PARTY_NOTICES.md"], "no LICENSE at its top"),
        ("p_1.0_windows_amd64.zip", ["LICENSE", "THIRD_PARTY_NOTICES.md", "p.exe"], ""),
        ("p_1.0_windows_amd64.zip", ["LICENSE", "p.exe"], "no THIRD_PARTY_NOTICES.md at its top"),
        (
            "p-1.0-py3-none-any.whl",
            ["p-1.0.dist-info/LICENSE", "p-1.0.dist-info/licenses/THIRD_PARTY_NOTICES.md"],
            "",
        ),
        (
            "p-1.0-py3-none-any.whl",
            ["p/LICENSE", "p-1.0.dist-info/THIRD_PARTY_NOTICES.md"],
            "no LICENSE in licenses/",
        ),
    ],
)
def test_licence_and_notices_stand_where_each_kind_has_them(name: str, members: list[Any], says: str) -> None:
    found = licensing(name, packed(name, members))
    assert found == [] if not says else (len(found) == 1 and says in found[0]), found


def test_a_zip_keeps_links_as_files_that_name_their_target() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("LICENSE")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "nowhere")
        archive.writestr("THIRD_PARTY_NOTICES.md", "text")
    (found,) = licensing("p_1.0_x.zip", out.getvalue())
    assert "LICENSE is a link to nowhere, and nothing is there" in found


# Archives that are none

GOOD_TAR = tar(["p-1.0/LICENSE", ("p-1.0/big", bytes(range(256)) * 400)])
GOOD_ZIP = zipped(["LICENSE", ("big", bytes(range(256)) * 400)])


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("p-1.0.tar.gz", b"", "is empty: expected a sdist, found 0 bytes"),
        ("p-1.0.tar.gz", GOOD_TAR[:-20], "is broken or cut short"),
        ("p-1.0.tar.gz", GOOD_TAR[:200], "is broken or cut short"),
        ("p-1.0.tar.gz", GOOD_TAR[:-8] + b"12345678", "is broken or cut short"),  # the checksum
        ("p-1.0.tar.gz", gzip.compress(b"no tar"), "is broken or cut short"),
        ("p-1.0.tar.gz", b"<html>not found</html>", "is broken or cut short"),
        ("p-1.0.tar.gz", tar([]), "holds no files"),
        ("p_1.0_x.zip", GOOD_ZIP[:-20], "is broken or cut short"),
        ("p_1.0_x.zip", bytes([*GOOD_ZIP[:40], GOOD_ZIP[40] ^ 1, *GOOD_ZIP[41:]]), "is broken or cut short"),
        ("p_1.0_x.zip", zipped([]), "holds no files"),
        ("p-1.0.tar.gz", tar(["../../etc/passwd"]), "leads out of the folder"),
        ("p-1.0.tar.gz", tar(["/etc/passwd"]), "leads out of the folder"),
        ("p_1.0_x.zip", zipped(["a/../../b"]), "leads out of the folder"),
        ("p_1.0_x.zip", zipped(["C:/b"]), "leads out of the folder"),
        ("p-1.0.tar.gz", tar(["a/b", "a/b"]), "holds a/b twice"),
    ],
    ids=map(str, itertools.count()),  # a gzip header holds the time
)
def test_what_is_no_sound_archive_is_a_finding(name: str, raw: bytes, says: str) -> None:
    with pytest.raises(Finding) as error:
        read_archive(name, raw)
    assert says in error.value.found
    assert "\n" not in error.value.found


PACKERS = {"p-1.0.tar.gz": gzip.compress, "p_1.0_x.tar.xz": lzma.compress, "p_1.0_x.tar.bz2": bz2.compress}


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize("at", [0, 1, 700, 60_000])
def test_an_archive_of_several_streams_is_read_like_one(name: str, at: int) -> None:
    """What pigz and multi-core xz write: a stream behind a stream, and zeros behind the last one."""
    pack, tarred = PACKERS[name], gzip.decompress(GOOD_TAR)
    raw = pack(tarred[:at]) + pack(tarred[at:])
    for whole in (raw, raw + bytes(1 << 17)):
        assert [one.path for one in read_archive(name, whole).members] == ["p-1.0/LICENSE", "p-1.0/big"]
    for cut in (raw[:-4], raw + b"more"):
        with pytest.raises(Finding, match="broken or cut short"):
            read_archive(name, cut)


def test_a_header_that_cannot_be_read_is_not_the_end() -> None:
    """tarfile stops there without a word, and all files behind it would be taken as not there."""
    tarred = bytearray(gzip.decompress(tar(["p-1.0/a", "p-1.0/LICENSE", "p-1.0/b"])))
    tarred[1024 + 3] ^= 1
    with pytest.raises(Finding, match="what stands at byte 1024 of its tar is no header"):
        read_archive("p-1.0.tar.gz", gzip.compress(tarred))


def test_the_map_of_a_sparse_file_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its length is told by its first line alone, and tarfile keeps every number of it."""
    monkeypatch.setattr(archives, "LARGEST_HEADER", 1 << 16)
    said = {"major": "1", "minor": "0", "name": "p/s", "realsize": "9"}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("p/s")
        info.size, info.pax_headers = 1 << 19, {f"GNU.sparse.{key}": value for key, value in said.items()}
        archive.addfile(info, io.BytesIO(b"99999999\n" + b"1\n" * (1 << 18)))
    with pytest.raises(Finding, match="headers of more than"):
        read_archive("p-1.0.tar.gz", gzip.compress(out.getvalue(), 1))


class ReadInPieces(io.BytesIO):
    """A file that keeps how many bytes it gave at once."""

    most = 0

    def read(self, size: int | None = -1) -> bytes:
        got = super().read(size)
        self.most = max(self.most, len(got))
        return got


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_zipfile_unpacks_as_far_as_it_goes_is_handed_to_it_in_small_pieces(method: int) -> None:
    """One MiB of bzip2 is 20 GiB of zeros, and zipfile unpacks all that it has read at once."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("LICENSE", random.Random(0).randbytes(200_000))
    file = ReadInPieces(out.getvalue())
    assert read_archive("p_1.0_x.zip", file).members[0].size == 200_000
    assert file.most <= 4096


def test_of_a_zip_archive_only_what_a_rule_asks_for_is_read_to_its_end() -> None:
    licence, library = b"MIT\n" * 2000, bytes(range(256)) * 400
    raw = bytearray(zip_stored([("LICENSE", licence), ("p.so", library)]))
    raw[raw.index(library) + 90_000] ^= 1
    quick = read_archive("p_1.0_x.zip", bytes(raw), whole=lambda path: path == "LICENSE")
    assert [(one.path, one.size) for one in quick.members] == [
        ("LICENSE", len(licence)),
        ("p.so", len(library)),
    ]
    raw[raw.index(licence) + 5_000] ^= 1
    for whole in (lambda path: path == "LICENSE", lambda path: path == "p.so"):
        with pytest.raises(Finding, match="Bad CRC-32"):
            read_archive("p_1.0_x.zip", bytes(raw), whole=whole)


def test_what_a_zip_archive_announces_counts_although_it_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 20)
    raw = zipped([(f"p/{n}", bytes(1 << 20)) for n in range(8)])
    with pytest.raises(Finding, match="unpacks to more than"):
        read_archive("p_1.0_x.zip", raw, whole=lambda _: False)


def test_names_that_would_write_to_the_terminal_are_shown_as_what_they_are() -> None:
    raw = tar([f"p-1.0/{name}" for name in ("\x1b[2J", "a\nb", "\udcff", "ü")])
    paths = [one.path for one in read_archive("p-1.0.tar.gz", raw).members]
    assert paths == ["p-1.0/%1b[2J", "p-1.0/a%0ab", "p-1.0/%ff", "p-1.0/ü"]


@given(st.sampled_from(["p-1.0.tar.gz", "p_1.0_x.zip"]), st.data())
def test_whatever_is_broken_is_a_finding_or_reads_as_it_was(name: str, data: st.DataObject) -> None:
    """Bytes that say nothing of the files (times, who packed it) may differ; else a Finding says the file."""
    good = GOOD_TAR if name.endswith("gz") else GOOD_ZIP
    raw = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    try:
        found = read_archive(name, bytes(raw[:cut]))
        said = [(one.path, one.size, one.head) for one in found.members]
    except Finding as finding:
        said = [finding.found.partition(" ")[0]]
    assert said in ([name], [(one.path, one.size, one.head) for one in read_archive(name, good).members])


def test_an_archive_that_grows_beyond_reason_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 20)
    for name in ("p-1.0.tar.gz", "p_1.0_x.zip"):
        raw = packed(name, [(f"p/{n}", bytes(1 << 20)) for n in range(8)])
        with pytest.raises(Finding, match="unpacks to more than"):
            read_archive(name, raw)


def test_an_archive_of_too_many_files_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 10)
    for name in ("p-1.0.tar.gz", "p_1.0_x.zip"):
        with pytest.raises(Finding, match="more than 10 files"):
            read_archive(name, packed(name, [f"p/{n}" for n in range(20)]))


# Natives


def elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, machine) + bytes(100)


def macho(kind: int) -> bytes:
    return b"\xcf\xfa\xed\xfe" + struct.pack("<I", kind) + bytes(100)


def universal(*kinds: int) -> bytes:
    slices = b"".join(struct.pack(">5I", kind, 0, 4096, 100, 12) for kind in kinds)
    return b"\xca\xfe\xba\xbe" + struct.pack(">I", len(kinds)) + slices


def pe(machine: int) -> bytes:
    return b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<H", machine) + bytes(50)


ARM64, AMD64 = macho(0x0100000C), macho(0x01000007)
BOTH = universal(0x01000007, 0x0100000C)
HEADS = {"arm64": ARM64, "x86_64": AMD64, "amd64": pe(0x8664), "static-archive": b"!<arch>\n"}


@pytest.mark.parametrize(
    ("head", "native"),
    [
        (elf(62), Native("linux", ("amd64",))),
        (elf(183), Native("linux", ("arm64",))),
        (ARM64, Native("darwin", ("arm64",))),
        (BOTH, Native("darwin", ("amd64", "arm64"))),
        (pe(0x8664), Native("windows", ("amd64",))),
        (pe(0xAA64), Native("windows", ("arm64",))),
        (b"\xca\xfe\xba\xbe" + struct.pack(">I", 61) + bytes(50), None),  # a class of Java 17
        (b"MZ only", None),
        (b"\x7fELF", None),
        (b"#!/bin/sh\n", None),
        (b"", None),
    ],
)
def test_a_native_file_is_known_by_its_header(head: bytes, native: Native | None) -> None:
    assert native_of(head) == native


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x7fELF", b"MZ", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe"]),
)
def test_any_header_is_of_the_system_that_its_first_bytes_name_or_of_none(tail: bytes, magic: bytes) -> None:
    found = native_of(magic + tail)
    systems = {b"\x7fELF": "linux", b"MZ": "windows", b"\xca\xfe\xba\xbe": "darwin"}
    if magic and found is not None:
        assert found.system == systems.get(magic, "darwin")
        assert all(found.processors)
    elif magic == b"\x7fELF":
        assert len(tail) < 20 - len(magic), "of an ELF file the 20th byte ends what is looked at"


@pytest.mark.parametrize("row", rows("pypi_wheels.jsonl"), ids=lambda row: row["file"])
def test_every_wheel_that_was_really_published_is_judged_as_it_was(row: dict[str, Any]) -> None:
    members = [(f"plasmite/_native/{one['name']}", HEADS[one["arch"]]) for one in row["native"]]
    archive = read_archive(row["file"], zipped([*members, "p-1.dist-info/WHEEL"]))
    assert (foreign_natives(archive) == ()) == row["tag_matches_native"]
    assert bool(too_large(archive, 1)) != bool(too_large(archive, 10**9))


@pytest.mark.parametrize(
    ("name", "members", "says"),
    [
        ("p-1.0-py3-none-macosx_11_0_universal2.whl", [("p/l.dylib", BOTH)], ""),
        (
            "p-1.0-py3-none-macosx_11_0_universal2.whl",
            [("p/l.dylib", ARM64)],
            "is for darwin arm64, promised is",
        ),
        ("p-1.0-py3-none-macosx_11_0_arm64.whl", [("p/l.dylib", BOTH)], ""),
        ("p-1.0-py3-none-manylinux_2_28_x86_64.whl", [("p/l.so", elf(62))], ""),
        ("p-1.0-py3-none-manylinux2014_aarch64.whl", [("p/l.so", elf(62))], "is for linux amd64"),
        ("p-1.0-py3-none-musllinux_1_2_x86_64.whl", [("p/l.so", elf(62))], ""),
        ("p-1.0-py3-none-linux_x86_64.whl", [("p/l.so", ARM64)], "is for darwin arm64"),
        ("p-1.0-cp311-cp311-win_amd64.whl", [("p/l.dll", pe(0x8664))], ""),
        ("p-1.0-cp311-cp311-win32.whl", [("p/l.dll", pe(0x14C))], ""),
        ("p-1.0-cp311-cp311-win_arm64.whl", [("p/l.dll", pe(0x8664))], "is for windows amd64"),
        ("p-1.0-py3-none-any.whl", ["p/x.py"], ""),
        ("p-1.0-py3-none-any.whl", [("p/l.so", elf(62))], "is for every platform"),
        ("p-1.0-py3-none-macosx_11_0_arm64.whl", ["p/x.py"], "has no native file"),
        ("p_1.0_linux_arm64.tar.gz", [("bin/p", elf(183)), ("lib/l.so", elf(183))], ""),
        (
            "p_1.0_linux_arm64.tar.gz",
            [("bin/p", elf(183)), ("lib/l.so", elf(62))],
            "lib/l.so is for linux amd64",
        ),
        ("p_1.0_darwin_amd64.tar.gz", [("bin/p", ARM64)], "bin/p is for darwin arm64"),
        ("p-1.0.tgz", [("package/native/linux-x64/i.node", elf(62))], ""),
        ("p-1.0.tgz", [("package/native/darwin-arm64/i.node", AMD64)], "promised is darwin arm64"),
        ("p-1.0.tgz", [("package/native/win32-x64/i.node", pe(0x8664))], ""),
        ("p-1.0.tgz", [("package/native/linux-x64/i.node", b"//\n")], "is called a native file, and is none"),
        ("p-1.0.tgz", [("package/native/linux-x64/i.node", b"")], "is called a native file, and is none"),
        ("p-1.0.tgz", [("package/i.node.js", b"module"), ("package/notes.so.md", b"x")], ""),
        ("p_1.0_linux_amd64.tar.gz", [("lib/p.so.1.2", b"\x7fEL")], "is called a native file, and is none"),
        ("p_1.0_linux_amd64.tar.gz", [("lib/libp.so", b"/* GNU ld script */\nINPUT(libp.so.1)\n")], ""),
        ("p-1.0.tar.gz", [("p-1.0/tests/data/l.so", elf(62)), ("p-1.0/tests/data/bad.so", b"bad")], ""),
    ],
)
def test_natives_are_for_the_platform_that_is_promised(name: str, members: list[Any], says: str) -> None:
    found = [problem.found for problem in foreign_natives(read_archive(name, packed(name, members)))]
    assert found == [] if not says else (len(found) == 1 and says in found[0]), found


def test_a_name_promises_a_platform_or_none() -> None:
    assert promised("plasmite_0.1.0_darwin_amd64.tar.gz") == ("darwin", ("amd64",))
    assert promised("plasmite-0.1.0.tar.gz") is None
    assert promised("x86-tools-1.0.tar.gz") is None
    assert promised("") is None


def test_artifacts_are_compared_as_sets() -> None:
    found = another_set(["a", "b", "x"], ["a", "b", "c"])
    assert [one.found for one in found] == ["c is missing", "x is there, and nothing expects it"]
    assert another_set([], []) == ()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("plasmite-0.1.10.tar.gz", Kind.SDIST),
        ("plasmite-0.5.0rc1.tar.gz", Kind.SDIST),
        ("my_project-1.0.tar.gz", Kind.SDIST),
        ("plasmite_0.1.10_linux_amd64.tar.gz", Kind.RELEASE),
        ("plasmite_0.1.10_windows.zip", Kind.RELEASE),
        ("plasmite-0.1.10.tgz", Kind.NPM),
        ("plasmite-0.1.10.crate", Kind.CRATE),
        ("plasmite-0.1.10-py3-none-any.whl", Kind.WHEEL),
        ("sha256sums.txt", Kind.OTHER),
    ],
)
def test_an_archive_is_known_by_its_name(name: str, kind: Kind) -> None:
    assert kind_of(name) is kind


def test_a_file_that_is_no_archive_is_not_looked_into() -> None:
    assert read_archive("sha256sums.txt", b"").members == ()


def test_what_a_build_of_the_miniature_makes_is_sound() -> None:
    files = files_at(CANDIDATE)
    for name, raw in build("0.1.10", files, "0" * 40).items():
        archive = read_archive(name, raw)
        if archive.kind.archive:
            assert unlicensed(archive, LICENCES) == ()
            assert foreign_natives(archive) == ()


def test_a_licence_beside_the_folder_of_a_source_archive_is_anothers() -> None:
    names = [f"other/{one}" for one in LICENCES]
    assert len(licensing("p-1.0.tar.gz", tar(["p-1.0/PKG-INFO", *names]))) == len(LICENCES)
    mine = [f"p-1.0/{one}" for one in LICENCES]
    assert licensing("p-1.0.tar.gz", tar(["p-1.0/PKG-INFO", *mine, *names])) == []
