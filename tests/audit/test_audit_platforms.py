"""What a package holds against what its name promises: only what is certain is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_relgate.audit.platforms import Part, in_wrong_folders, lacking, of_package, of_wheel, shown
from pytest_relgate.source.native import Native

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "pypi_wheels.jsonl").read_text("utf-8").splitlines()
]
MAC = frozenset({("darwin", "amd64"), ("darwin", "arm64")})


def part(path: str, system: str, *processors: str) -> Part:
    return Part(path, Native(system, processors))


@pytest.mark.parametrize(
    ("tags", "promised"),
    [
        ("cp311-cp311-macosx_11_0_universal2", MAC),
        ("cp311-cp311-macosx_10_12_x86_64.macosx_11_0_arm64.macosx_10_12_universal2", MAC),
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", {("linux", "amd64")}),
        ("py3-none-musllinux_1_2_aarch64", {("linux", "arm64")}),
        ("py3-none-linux_armv7l", {("linux", "arm")}),
        ("py3-none-manylinux_2_17_i686.manylinux2014_i686", {("linux", "386")}),
        ("cp311-cp311-win32", {("windows", "386")}),
        ("cp311-cp311-win_arm64", {("windows", "arm64")}),
        ("py3-none-any", frozenset()),
        ("cp313-cp313-ios_13_0_arm64_iphoneos", None),
        ("cp312-cp312-pyodide_2024_0_wasm32", None),
        ("py3-none-manylinux_2_17_mips64", None),
    ],
)
def test_the_promise_of_a_wheel(tags: str, promised: Any) -> None:
    assert of_wheel(f"demo-1.0.0-{tags}.whl") == promised


@pytest.mark.parametrize(
    ("systems", "processors", "promised"),
    [
        (["linux"], ["x64"], {("linux", "amd64")}),
        (["win32"], ["ia32"], {("windows", "386")}),
        (["freebsd"], ["x64"], None),
        (["linux", "darwin"], ["x64"], None),
        (["linux"], ["loong64"], None),
        (None, None, None),
        ("linux", "x64", None),
    ],
)
def test_the_promise_of_a_package(systems: object, processors: object, promised: Any) -> None:
    assert of_package(systems, processors) == promised


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["file"]))
def test_what_was_really_published(row: dict[str, Any]) -> None:
    """Of each wheel of a real project it was recorded whether its tag is true."""
    system = "darwin" if "macosx" in row["file"] else "windows" if "win" in row["file"] else "linux"
    names = {"x86_64": "amd64", "static-archive": ""}
    parts = [
        part(one["name"], system, processor)
        for one in row["native"]
        if (processor := names.get(one["arch"], one["arch"]))
    ]
    promised = of_wheel(row["file"])
    assert promised
    assert bool(lacking(promised, parts)) is not row["tag_matches_native"]


@pytest.mark.parametrize(
    ("promised", "parts", "wrong"),
    [
        (MAC, [part("a.so", "darwin", "amd64", "arm64")], 0),
        (MAC, [part("a.so", "darwin", "arm64"), part("b.so", "darwin", "amd64")], 0),
        (MAC, [part("libx.dylib", "darwin", "arm64")], 1),
        (MAC, [part("libx.dylib", "darwin", "amd64")], 1),
        (MAC, [part("bin/x", "darwin", "amd64")], 0),  # Rosetta runs programs
        (MAC, [part("bin/x", "darwin", "arm64")], 1),  # and nothing runs these on Intel
        (MAC, [part("libx.dylib", "darwin", "ppc")], 0),
        (MAC, [], 0),
        ({("linux", "amd64")}, [part("x.so.1", "linux", "arm64")], 1),
        ({("linux", "amd64")}, [part("bin/x", "linux", "arm64")], 1),
        ({("linux", "amd64")}, [part("gpu.o", "linux", "machine 190")], 0),
        ({("linux", "amd64")}, [part("t64.exe", "windows", "amd64")], 0),
        ({("windows", "amd64")}, [part("x.pyd", "windows", "386")], 1),
        ({("windows", "amd64")}, [part("x.dll", "windows", "386")], 0),  # an assembly of .NET
        ({("windows", "386")}, [part("x.dll", "windows", "amd64")], 0),
        ({("windows", "arm64")}, [part("x.exe", "windows", "amd64")], 0),
        (frozenset(), [part("t64.exe", "windows", "amd64")], 0),  # launchers in a wheel for all
    ],
)
def test_only_what_is_certain_is_wrong(promised: Any, parts: list[Part], wrong: int) -> None:
    assert len(lacking(promised, parts)) == wrong


def test_a_library_in_the_folder_of_another_platform() -> None:
    parts = [
        part("package/native/linux-x64/index.node", "linux", "arm64"),
        part("package/native/darwin-x64/index.node", "darwin", "amd64"),
        part("package/prebuilds/darwin-x64+arm64/x.node", "darwin", "arm64"),
        part("package/native/win32-x64/x.exe", "windows", "386"),
    ]
    assert in_wrong_folders(parts) == [
        "package/native/linux-x64/index.node is for linux arm64, and its folder for linux on amd64"
    ]


def test_platforms_in_words() -> None:
    assert shown({*MAC, ("linux", "386")}) == "darwin amd64 arm64; linux 386"
