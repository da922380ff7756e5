"""A Homebrew formula is parsed: what stands under which branch decides, never the order of lines."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_relgate.errors import Finding
from pytest_relgate.source.formula import PLATFORMS, read_formula
from pytest_relgate.source.formula_rules import (
    archives_by_platform,
    contradictions,
    misaligned,
    read_checksums,
)

CHECKOUT = Path(__file__).parents[2]
RECORDED = Path("shared") / "oracle"
DOWNLOAD = "https://github.com/sandover/plasmite/releases/download"


def recorded_texts() -> Path:
    """Where the recorded formulas are read in place, because they are texts of another project.

    Beside the checkout, or beside the one that it was cloned from.
    """
    asked = ["git", "-C", str(CHECKOUT), "config", "remote.origin.url"]
    origin = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    places = [CHECKOUT, *([Path(origin)] if origin.startswith("/") else [])]
    found = [place.resolve().parent / RECORDED / "homebrew_inputs.json" for place in places]
    return next((path for path in found if path.is_file()), found[0])


@cache
def texts() -> dict[str, str]:
    path = recorded_texts()
    if not path.is_file():
        message = (
            "the recorded formulas are not here: this test reads ../shared/oracle/homebrew_inputs.json, "
            f"beside the checkout, where {CHECKOUT.name} has none"
        )
        raise AssertionError(message)
    found: dict[str, str] = json.loads(path.read_text("utf-8"))
    return found


ROWS = [
    json.loads(line)
    for line in (CHECKOUT / "tests" / "data" / "homebrew.jsonl").read_text("utf-8").splitlines()
]


@pytest.mark.parametrize("case", sorted({row["case"] for row in ROWS}))
def test_every_recorded_formula_is_judged_strictly(case: str) -> None:
    for row in (row for row in ROWS if row["case"] == case):
        assert judged(row) == row["strict_ok"], row


def judged(row: dict[str, Any]) -> bool:
    version = row["version"]
    archives = {platform: f"plasmite_{version}_{platform}.tar.gz" for platform in PLATFORMS}
    sums = read_checksums(texts()[row["sums"]])
    try:
        formula = read_formula("Formula/plasmite.rb", texts()[row["formula"]].encode())
    except Finding:
        return False
    return misaligned(formula, version, archives, sums, f"{DOWNLOAD}/v{version}") == ()


def every(urls: list[str | None]) -> dict[str, list[str | None]]:
    return {platform: urls for platform in PLATFORMS}  # noqa: C420  (the same list will do)


def branches(text: str) -> dict[str, list[str | None]]:
    """The urls by platform."""
    formula = read_formula("f.rb", f"class F < Formula\n{text}\nend\n".encode())
    found = {platform: [one.value for one in formula.of("url", platform)] for platform in PLATFORMS}
    return {platform: urls for platform, urls in found.items() if urls}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('url "a"', every(["a"])),
        ('on_macos do\nurl "a"\nend', {"darwin_amd64": ["a"], "darwin_arm64": ["a"]}),
        ('on_linux { on_arm { url "a" } }', {"linux_arm64": ["a"]}),
        ('on_arm do\non_linux do\nurl "a"\nend\nend', {"linux_arm64": ["a"]}),
        (
            'on_linux do\nif Hardware::CPU.arm?\nurl "a"\nelse\nurl "b"\nend\nend',
            {"linux_amd64": ["b"], "linux_arm64": ["a"]},
        ),
        (
            'if OS.mac?\nurl "m"\nelsif Hardware::CPU.intel?\nurl "x"\nelse\nurl "y"\nend',
            {"darwin_amd64": ["m"], "darwin_arm64": ["m"], "linux_amd64": ["x"], "linux_arm64": ["y"]},
        ),
        ('if OS.mac? && Hardware::CPU.arm?\nurl "a"\nend', {"darwin_arm64": ["a"]}),
        ('if OS.linux? and (!Hardware::CPU.arm?)\nurl "a"\nend', {"linux_amd64": ["a"]}),
        ('unless OS.linux?\nurl "a"\nend', {"darwin_amd64": ["a"], "darwin_arm64": ["a"]}),
        ('url "a" if OS.linux?', {"linux_amd64": ["a"], "linux_arm64": ["a"]}),
        ('url "a" unless OS.linux?', {"darwin_amd64": ["a"], "darwin_arm64": ["a"]}),
        (
            'on_linux do\nurl Hardware::CPU.arm? ? "a" : "b"\nend',
            {"linux_amd64": ["b"], "linux_arm64": ["a"]},
        ),
        ('if false\nurl "a"\nend', {}),
        ('stable do\nurl "a"\nend', every(["a"])),
        ('head do\nurl "a"\nend', {}),
        ('resource "r" do\nurl "a"\nend', {}),
        ('def install\non_linux do\nurl "a"\nend\nend', {}),
        ('test do\nurl "a"\nend', {}),
        ('# url "a"', {}),
        ("url 'a'", every(["a"])),
        ('version "1"\nurl "v#{version}"', every(["v1"])),
        ("url \"v#{File.read('x')}\"", every([None])),
        ("url NAME", every([None])),
        ('depends_on :macos\nurl "a"', {"darwin_amd64": ["a"], "darwin_arm64": ["a"]}),
        ('url "a"\ndepends_on :linux', {"linux_amd64": ["a"], "linux_arm64": ["a"]}),
        ('depends_on(arch: :x86_64)\nurl "a"', {"darwin_amd64": ["a"], "linux_amd64": ["a"]}),
        ('depends_on :arch => [:arm64]\nurl "a"', {"darwin_arm64": ["a"], "linux_arm64": ["a"]}),
        ('depends_on arch: [:arm64, :x86_64]\nurl "a"', every(["a"])),
        (
            'on_linux do\ndepends_on arch: :x86_64\nurl "a"\nend\non_macos do\nurl "b"\nend',
            {"darwin_amd64": ["b"], "darwin_arm64": ["b"], "linux_amd64": ["a"]},
        ),
        (
            'depends_on arch: :x86_64 if OS.linux?\nurl "a"',
            {k: ["a"] for k in PLATFORMS if k != "linux_arm64"},
        ),
        ('depends_on arch: :x86_64 if MacOS.version > "14"\nurl "a"', every(["a"])),
        ('depends_on macos: :ventura\ndepends_on "jq"\ndepends_on xcode: :build\nurl "a"', every(["a"])),
        (
            'on_linux do\nif Hardware::CPU.arm? && Hardware::CPU.is_64_bit?\nurl "a"\nend\nend',
            {"linux_arm64": ["a"]},
        ),
        ('if Hardware::CPU.is_32_bit?\nurl "a"\nend', {}),
    ],
)
def test_an_archive_stands_for_the_platforms_of_its_branch(
    text: str, expected: dict[str, list[str | None]]
) -> None:
    assert branches(text) == expected


def test_a_formula_that_is_not_for_a_platform_needs_no_archive_there() -> None:
    """A tap that ships no Linux on arm64 says so, and is right."""
    text = f"""class Demo < Formula
  version "1.0.0"
  on_macos do
    url "https://x.example/demo_darwin_universal.tar.gz"
    sha256 "{"1" * 64}"
  end
  on_linux do
    NEEDS
    url "https://x.example/demo_linux_amd64.tar.gz"
    sha256 "{"2" * 64}"
  end
end
"""
    found = [contradictions(read_formula("f.rb", text.replace("NEEDS", needs).encode())) for needs in NEEDS]
    assert [bool(problems) for problems in found] == list(NEEDS.values())


NEEDS = {
    "depends_on arch: :x86_64": False,
    "depends_on arch: [:x86_64]": False,
    "depends_on arch: :arm64": True,
    "# depends_on arch: :x86_64": True,
    'depends_on "jq"': True,
}
"""What a formula says of where it is for, and whether an archive for amd64 contradicts it."""


@pytest.mark.parametrize(
    "text",
    [
        'if MacOS.version > "14"\nurl "a"\nend',
        "[1].each do\nurl 'a'\nend",
        "on_sonoma :or_newer do\nurl 'a'\nend",
    ],
)
def test_what_stands_under_another_condition_is_not_certain(text: str) -> None:
    formula = read_formula("f.rb", text.encode())
    assert [one.certain for one in formula.stated] == [False]
    assert any(
        "a condition that is not about the platform" in one.found
        for one in misaligned(formula, "1", {"linux_amd64": "a"}, {"a": frozenset({"0" * 64})}, "")
    )


def test_nothing_of_a_formula_is_ever_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    text = (
        f'File.write("{mark}", "x")\n`touch {mark}`\nsystem "touch {mark}"\nversion "1#{{`touch {mark}`}}"\n'
    )
    assert read_formula("f.rb", text.encode()).version is None
    assert not mark.exists()


def test_what_is_no_ruby_is_a_finding_with_its_line() -> None:
    with pytest.raises(Finding, match="is not Ruby") as error:
        read_formula("f.rb", b"class F < Formula\n  url (\nend\n")
    assert error.value.where.startswith("f.rb:")


GOOD = "".join(
    f'on_{system} do\non_{chip} do\nurl "x_@VERSION@_{name}.tar.gz"\nsha256 "@{name.upper()}@"\nend\nend\n'
    for system, chip, name in [
        ("macos", "arm", "darwin_arm64"),
        ("macos", "intel", "darwin_amd64"),
        ("linux", "arm", "linux_arm64"),
        ("linux", "intel", "linux_amd64"),
    ]
)
TEMPLATE = f'class X < Formula\nversion "@VERSION@"\n{GOOD}end\n'


def test_a_template_that_agrees_with_itself_is_left_alone() -> None:
    assert contradictions(read_formula("f.rb", TEMPLATE.encode())) == ()


def test_a_checksum_that_is_to_come_is_none_yet() -> None:
    text = TEMPLATE
    for platform in PLATFORMS:
        text = text.replace(f"@{platform.upper()}@", "REPLACE_ME")
    assert contradictions(read_formula("f.rb", text.encode())) == ()


def test_one_archive_for_every_platform_is_no_contradiction() -> None:
    text = f'version "1"\nurl "x-1.tar.gz"\nsha256 "{"a" * 64}"\n'
    assert contradictions(read_formula("f.rb", text.encode())) == ()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("on_macos do\non_arm", "on_linux do\non_arm", "linux_arm64: f.rb has 2 urls and 2 checksums"),
        (
            "VERSION@_darwin_arm64",
            "VERSION@_linux_arm64",
            "darwin_arm64: the archive under this branch is x_",
        ),
        ("VERSION@_linux_arm64", "VERSION@_linux_amd64", "linux_arm64: the archive under this branch is x_"),
        ("x_@VERSION@_linux_arm64", "x-aarch64-apple-darwin", "linux_arm64: the archive under this branch"),
        ('sha256 "@LINUX_ARM64@"\n', "", "linux_arm64: f.rb has 1 urls and 0 checksums"),
        ("@LINUX_ARM64@", "@LINUX_AMD64@", "linux_amd64, linux_arm64 have one and the same checksum"),
        ("@LINUX_ARM64@", "replace me", "expected 64 lower-case hex digits as sha256, found replace me"),
        ("@LINUX_ARM64@", "A" * 64, "expected 64 lower-case hex digits"),
        (
            "@LINUX_ARM64@",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "an empty file",
        ),
        ('version "@VERSION@"', "", "states 0 versions"),
        ('version "@VERSION@"', 'version "1"\nversion "2"', "states 2 versions: 1, 2"),
    ],
)
def test_a_template_that_contradicts_itself_is_found(old: str, new: str, says: str) -> None:
    assert old in TEMPLATE
    found = contradictions(read_formula("f.rb", TEMPLATE.replace(old, new, 1).encode()))
    assert any(says in one.found for one in found)


def test_archives_are_known_by_the_platform_in_their_names() -> None:
    names = (
        "plasmite_1.0.0_darwin_amd64.tar.gz",
        "plasmite-aarch64-apple-darwin.tar.gz",
        "plasmite-x86_64-unknown-linux-gnu.tar.gz",
        "plasmite-1.0.0.tar.gz",
        "sha256sums.txt",
    )
    assert archives_by_platform(names) == {
        "darwin_amd64": names[0],
        "darwin_arm64": names[1],
        "linux_amd64": names[2],
    }
