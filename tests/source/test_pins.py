"""Pins are found wherever they stand, what changed is shown, what moved in silence is a finding."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.source import pins
from pytest_relgate.source.files import GivenFiles
from pytest_relgate.source.pins import Kind, Pin
from pytest_relgate.source.workflow_facts import WorkflowFacts
from pytest_relgate.source.workflows import FOLDER, parse_workflow

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/secrets_and_pins.jsonl").read_text().splitlines()
]
A, B = "a" * 40, "b" * 40
PATH = f"{FOLDER}/release-publish.yml"


def pinned(text: str) -> tuple[Pin, ...]:
    return pins.pins_of(parse_workflow(PATH, text.encode()), text.encode())


def steps(*lines: str, env: str = "{}") -> str:
    listed = "\n".join(f"      - {line}" for line in lines)
    return f"on: push\nenv: {env}\njobs:\n  a:\n    runs-on: x\n    steps:\n{listed}\n"


def of_row(row: dict[str, Any]) -> str:
    """A workflow that has just what a recorded one has."""
    used = [{"uses": one} for one in row["actions"]]
    ran = [{"run": one["cmd"]} for one in row["helper_installs"]]
    job = {"runs-on": "x", "steps": [*used, *ran] or [{"run": "true"}]}
    return json.dumps({"on": "push", "env": row["env_pins"], "jobs": {"a": job}})


def test_every_recorded_pin_is_found() -> None:
    assert len(ROWS) == 65
    for row in ROWS:
        found = pinned(of_row(row))
        variables = {pin.name: pin.value for pin in found if pin.kind is Kind.VARIABLE}
        assert variables == {name: text for name, text in row["env_pins"].items() if "${{" not in text}
        actions = {f"{pin.name}@{pin.value}" for pin in found if pin.kind is Kind.ACTION}
        assert actions == {one for one in row["actions"] if not one.startswith("./")}
        tools = [pin for pin in found if pin.kind is Kind.TOOL]
        for one in row["helper_installs"]:
            if one["cmd"].startswith(("cargo", "npm", "pip")):
                assert any(pin.fixed for pin in tools if pin.name in one["cmd"]) == one["pinned"], one


def test_every_recorded_change_is_shown() -> None:
    shown = 0
    for before, after in pairwise(ROWS):
        if before["file"] != after["file"]:
            continue
        changes = pins.changed(pinned(of_row(before)), pinned(of_row(after)))
        constants = {one.name for one in changes if one.kind is Kind.VARIABLE}
        old, new = before["env_pins"], after["env_pins"]
        assert constants == {name for name in old | new if old.get(name) != new.get(name)}
        actions = {one.name for one in changes if one.kind is Kind.ACTION}
        assert actions == {one.partition("@")[0] for one in set(before["actions"]) ^ set(after["actions"])}
        table = pins.table(changes, "v0.1.9")
        assert all(f"| {one.name} |" in table for one in changes)
        shown += len(changes)
    assert shown > 20


@pytest.mark.parametrize(
    ("line", "kind", "name", "value", "fixed"),
    [
        (f"uses: a/b@{A} # v1.2.3", Kind.ACTION, "a/b", A, True),
        ("uses: a/b/c@v4", Kind.ACTION, "a/b/c", "v4", False),
        ("run: cargo install cargo-audit@0.22.2", Kind.TOOL, "cargo-audit", "0.22.2", True),
        ("run: cargo install --version 1.2.3 --locked cargo-x", Kind.TOOL, "cargo-x", "1.2.3", True),
        ("run: cargo install cargo-x --version=1.2.3", Kind.TOOL, "cargo-x", "1.2.3", True),
        ("run: cargo binstall -y cargo-x", Kind.TOOL, "cargo-x", "", False),
        (
            "run: cargo binstall --pkg-url u --bin-dir 'b/{ bin }' x --version 1.2",
            Kind.TOOL,
            "x",
            "1.2",
            True,
        ),
        ("run: pipx run twine==6.2.0 upload x", Kind.TOOL, "twine", "6.2.0", True),
        ("run: python -m pip install build==1.3.0", Kind.TOOL, "build", "1.3.0", True),
        ("run: npm i -g npm@11", Kind.TOOL, "npm", "11", True),
        ("run: npm i -g npm@latest", Kind.TOOL, "npm", "latest", False),
        ("run: rustup toolchain install stable", Kind.TOOLCHAIN, "rustup", "stable", False),
        ('run: rustup toolchain install "$RUST"', Kind.TOOLCHAIN, "rustup", "$RUST", True),
        (f"{{uses: a/b@{A}, with: {{toolchain: nightly}}}}", Kind.TOOLCHAIN, "toolchain", "nightly", False),
        (f"{{uses: a/b@{A}, with: {{node-version: '24'}}}}", Kind.RUNTIME, "node-version", "24", True),
    ],
)
def test_a_pin_is_what_stands_there(line: str, kind: Kind, name: str, value: str, fixed: bool) -> None:
    found = next(pin for pin in pinned(steps(line)) if pin.kind is kind)
    assert (found.name, found.value, found.fixed, found.line) == (name, value, fixed, 7)


def test_what_the_comment_behind_a_commit_says_is_its_version() -> None:
    (pin,) = pinned(steps(f"uses: a/b@{A} # v1.2.3 the last good one"))
    assert (pin.version, pin.shown) == ("v1.2.3", f"v1.2.3 ({A[:12]})")
    assert pinned(steps("uses: a/b@v1 # v1.2.3"))[0].version == ""


def silent(before: str, after: str) -> list[str]:
    return [one.found for one in pins.silent(pinned(before), pinned(after), "v1")]


SILENT = {
    "another-commit": (f"uses: a/b@{A} # v1", f"uses: a/b@{B} # v1", "a/b moved and still says v1"),
    "floating-action": (f"uses: a/b@{A} # v1", "uses: a/b@v1", "action a/b was pinned to v1"),
    "floating-tool": ("run: cargo install x@1.0.0", "run: cargo install x", "tool x was pinned to 1.0.0"),
    "floating-toolchain": (
        "run: rustup default 1.88.0",
        "run: rustup default stable",
        "toolchain rustup was pinned to 1.88.0 at v1 and floats now: stable",
    ),
}


@pytest.mark.parametrize(("before", "after", "words"), SILENT.values(), ids=list(SILENT))
def test_what_moves_in_silence_is_a_finding(before: str, after: str, words: str) -> None:
    (found,) = silent(steps(before), steps(after))
    assert words in found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"uses: a/b@{A} # v1", f"uses: a/b@{B} # v2"),
        (f"uses: a/b@{A}", f"uses: a/b@{B}"),
        ("uses: a/b@v1", "uses: a/b@v2"),
        ("run: cargo install x", "run: cargo install x"),
        ("run: cargo install x@1.0.0", "run: cargo install x@2.0.0"),
        ("run: rustup default 1.88.0", 'run: rustup default "$RUST"'),
        ("run: 'true'", "run: cargo install x"),
    ],
)
def test_what_is_bumped_or_was_never_pinned_is_left_to_other_gates(before: str, after: str) -> None:
    assert silent(steps(before), steps(after)) == []


def test_one_version_at_two_commits_is_a_finding() -> None:
    both = steps(f"uses: a/b@{A} # v1", f"uses: a/b@{B} # v1")
    assert silent(both, both)[0].startswith(f"a/b v1 is two commits: {A[:12]}")


# The toolchain

NEEDED = {"BINSTALL": {"1.17.5": "1.79.0", "2.0.0": "1.90"}, "x": {"1.0.0": "1.88", "0.9.0": "1.9"}}


def rust(toolchain: str, **more: str) -> str:
    return json.dumps({"RUST": toolchain, "BINSTALL": "1.17.5", **more})


@pytest.mark.parametrize(
    ("env", "line", "words"),
    [
        (rust("1.88.0"), "run: cargo install x@1.0.0", ""),
        (rust("1.88"), "run: cargo install x@1.0.0", ""),
        (rust("1.9.0"), "run: cargo install x@0.9.0", "BINSTALL 1.17.5 needs Rust 1.79.0, and RUST is 1.9.0"),
        (rust("1.80.0"), "run: cargo install x@1.0.0", "x 1.0.0 needs Rust 1.88, and RUST is 1.80.0"),
        (rust("1.88.0", BINSTALL="2.0.0"), "run: cargo install x@1.0.0", "BINSTALL 2.0.0 needs Rust 1.90"),
        (rust("1.88.0"), "run: 'true'", "and no release workflow pins x"),
        (rust("stable"), "run: cargo install x@1.0.0", "RUST is to pin the toolchain, and it is stable"),
        ("{BINSTALL: 1.17.5}", "run: cargo install x@1.0.0", "and nothing sets it"),
    ],
)
def test_a_toolchain_is_held_against_what_tools_need(env: str, line: str, words: str) -> None:
    found, unknown = pins.too_old(pinned(steps(line, env=env)), "RUST", NEEDED)
    assert unknown == ()
    assert [words in one.found for one in found] == ([True] if words else [])


def test_a_version_that_nobody_knows_is_not_judged() -> None:
    text = steps('run: cargo install x --version "$X"', env=rust("1.88.0", BINSTALL="1.18.0", X="1.0.0"))
    found, unknown = pins.too_old(pinned(text), "RUST", NEEDED)
    assert (found, unknown) == ((), (f"BINSTALL 1.18.0 ({PATH}:2)",))


def facts(files: dict[str, str], **more: Any) -> WorkflowFacts:
    given = GivenFiles({path: text.encode() for path, text in files.items()})
    return WorkflowFacts(given, "release-publish.yml", toolchain="RUST", **more)


def test_the_oldest_of_two_toolchains_and_the_crate_itself_decide() -> None:
    old, new = steps("run: x", env="{RUST: 1.70.0}"), steps("run: x", env="{RUST: 1.88.0}")
    files = {PATH: new, f"{FOLDER}/release.yml": old, "Cargo.toml": '[package]\nrust-version = "1.75"\n'}
    with pytest.raises(Finding, match=r"Cargo\.toml needs Rust 1\.75, and RUST is 1\.70\.0"):
        facts(files, build_name="release.yml").has_a_new_enough_toolchain()
    assert facts(files).has_a_new_enough_toolchain()
    with pytest.raises(CannotJudge, match="what Rust these need is not known: OTHER 1"):
        facts(
            {PATH: steps("run: x", env="{RUST: 1.88.0, OTHER: '1'}")}, needed_by={"OTHER": {}}
        ).has_a_new_enough_toolchain()


def test_the_changes_since_base_are_attached() -> None:
    kept: dict[str, str] = {}
    before, after = steps(f"uses: a/b@{A} # v1", env="{X: '1'}"), steps(f"uses: a/b@{B} # v2", env="{X: '2'}")
    base = GivenFiles({PATH: before.encode()})
    assert facts({PATH: after}, base="v1.0.0", base_files=base).moves_no_pin_silently(kept.__setitem__)
    assert kept["pins.md"].splitlines()[0] == "| pin | kind | v1.0.0 | now | where |"
    assert f"| a/b | action | v1 ({A[:12]}) | v2 ({B[:12]}) | {PATH}:7 |" in kept["pins.md"]
    assert f"| X | variable | 1 | 2 | {PATH}:2 |" in kept["pins.md"]
    assert f"variable X: 1 at v1.0.0, 2 now ({PATH}:2)" in kept["note-pins.txt"]
    assert facts({PATH: after}).moves_no_pin_silently(kept.__setitem__)
    assert "first release" in kept["pins.md"]
    assert kept["note-pins.txt"] == ""
