"""What an archive says of itself: its version at the place of its kind, and the files that it must hold."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from pytest_relgate.source.archives import read_archive
from pytest_relgate.source.inside import another_version, lacking

PC = "prefix=/usr\n\nName: demo\nVersion: {}\nLibs: -ldemo\n"
PC_BY_NAME = "release=1.2.0-rc.1\r\n\r\nName: demo\r\nVersion: ${release}\r\n"


def tarred(members: dict[str, str], mode: int = 0o644) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), mode
            archive.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def zipped(members: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return out.getvalue()


def problems(name: str, raw: bytes, version: str = "1.2.0-rc.1") -> list[str]:
    return [str(one) for one in another_version(read_archive(name, raw), raw, version)]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        (
            "demo-1.2.0rc1-py3-none-any.whl",
            zipped({"demo-1.2.0rc1.dist-info/METADATA": "Version: 1.2.0rc1\n"}),
        ),
        ("demo-1.2.0rc1.tar.gz", tarred({"demo-1.2.0rc1/PKG-INFO": "Name: demo\r\nVersion: 1.2.0-rc1\r\n"})),
        (
            "demo-1.2.0-rc.1.tgz",
            tarred({"package/package.json": '{"a": {"version": "9"}, "version": "1.2.0-rc.1"}'}),
        ),
        ("demo-1.2.0-rc.1.crate", tarred({"demo/Cargo.toml": '[package]\nversion = "1.2.0-rc.1" # now\n'})),
        ("demo_1.2.0_linux_amd64.tar.gz", tarred({"./lib/pkgconfig/demo.pc": PC.format("1.2.0-rc.1")})),
        ("demo_1.2.0_linux_amd64.tar.gz", tarred({"demo-1/lib/pkgconfig/demo.pc": PC.format("1.2.0-rc.1")})),
        ("demo_1.2.0_linux_amd64.tar.gz", tarred({"lib/pkgconfig/demo.pc": PC_BY_NAME})),
        ("demo_1.2.0_linux_amd64.tar.gz", tarred({"bin/demo": "it does not say"})),
    ],
)
def test_the_version_is_found_where_its_kind_has_it(name: str, raw: bytes) -> None:
    assert problems(name, raw) == []


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        (
            "d-1-py3-none-any.whl",
            zipped({"d-1.dist-info/METADATA": "Version: 1\n"}),
            "expected 1.2.0rc1, found 1",
        ),
        (
            "d-1-py3-none-any.whl",
            zipped({"d-1.dist-info/METADATA": "Name: d\n\nVersion: 1.2.0rc1"}),
            "says no version",
        ),
        (
            "d-1-py3-none-any.whl",
            zipped({"d/__init__.py": "x"}),
            "does not say its version: it has no METADATA",
        ),
        ("d-1.tgz", tarred({"package/package.json": '["1.2.0-rc.1"]'}), "says no version"),
        ("d-1.tgz", tarred({"package/package.json": "[" * 100000}), "says no version"),
        ("d-1.tgz", tarred({"package/node_modules/a/package.json": "{}"}), "has no package.json"),
        ("d-1.crate", tarred({"d/Cargo.toml": 'version = "1.2.0-rc.1"\n'}), "says no version"),
        ("d-1.crate", tarred({"d/Cargo.toml": 'package = "1"\n'}), "says no version"),
        ("d-1.crate", tarred({"d/Cargo.toml": '[package]\nversion = "1.2.0"\n'}), "found 1.2.0"),
        ("d_1_linux_amd64.tar.gz", tarred({"lib/pkgconfig/d.pc": PC.format("1.2.0")}), "found 1.2.0"),
    ],
)
def test_another_version_inside_is_a_problem(name: str, raw: bytes, said: str) -> None:
    (problem,) = problems(name, raw)
    assert said in problem


def test_the_files_that_it_must_hold() -> None:
    name, wanted = "demo_1_linux_amd64.tar.gz", ("bin/demo", "include/demo.h")
    good = {"bin/demo": "x", "include/demo.h": "y"}
    for prefix in ("", "./", "demo-1/"):
        raw = tarred({prefix + path: text for path, text in good.items()}, 0o755)
        assert lacking(read_archive(name, raw), wanted) == ()
    told = [
        one.found for one in lacking(read_archive(name, tarred({"bin/demo": "x", "other/a": ""})), wanted)
    ]
    assert told == [f"{name}: bin/demo is not executable", f"{name}: it has no include/demo.h"]
    empty = tarred({"bin/demo": "x", "include/demo.h": ""}, 0o755)
    assert [one.found for one in lacking(read_archive(name, empty), wanted)] == [
        f"{name}: include/demo.h is empty"
    ]


def test_an_npm_tarball_has_its_files_below_package() -> None:
    raw = tarred({"package/index.js": "x", "other.js": "y"})
    archive = read_archive("demo-1.tgz", raw)
    assert lacking(archive, ["index.js"]) == ()
    assert [one.found for one in lacking(archive, ["other.js"])] == ["demo-1.tgz: it has no other.js"]
