"""Base and target by SemVer 2.0. SPEC S1, S5; PLASMITE.md fault 1 through the recorded rows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from semver import Version

from pytest_relgate.errors import RelgateError
from pytest_relgate.source.versions import base_of, newest_of, parse_target, version_of_tag

if TYPE_CHECKING:
    from random import Random

    from pytest_relgate.source.versions import Policy

DATA = Path(__file__).parents[1] / "data"
TAG_SETS = json.loads((DATA / "base_tag_tagsets.json").read_text())
ROWS = [json.loads(line) for line in (DATA / "base_tag.jsonl").read_text().splitlines()]

# The specification's own words, item 11, kept apart from the package under test.
SEMVER = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?")


def precedence(tag: str) -> tuple[object, ...]:
    major, minor, patch, pre = SEMVER.fullmatch(tag[1:]).groups()
    identifiers = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in (pre or "").split(".")]
    return (int(major), int(minor), int(patch), pre is None, identifiers if pre else [])


numbers = st.integers(0, 12).map(str)
identifiers = st.one_of(numbers, st.from_regex(r"[0-9]{0,2}[a-z-][0-9a-z-]{0,2}", fullmatch=True))
dotted = st.lists(identifiers, min_size=1, max_size=3).map(".".join)
versions = st.builds(
    lambda core, pre, build: f"v{'.'.join(core)}{pre}{build}",
    st.tuples(*[st.sampled_from(["0", "1", "2", "10"])] * 3),
    st.one_of(st.just(""), dotted.map("-{}".format)),
    st.one_of(st.just(""), st.just(""), dotted.map("+{}".format)),
)
junk = st.sampled_from(
    ["v1", "v1.2", "1.2.3", "v01.2.3", "v1.2.3-01", "v1.2.3-", "latest", "go/v1.2.3", "v1.2.3_1"]
)
tag_lists = st.lists(st.one_of(versions, versions, junk), max_size=12)


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{n}:{row['tag_set']}:{row['target']!a}" for n, row in enumerate(ROWS, 1)]
)
def test_every_recorded_row_gets_the_base_that_precedence_says(row: dict[str, Any]) -> None:
    tags = TAG_SETS[row["tag_set"]]
    if not (row["semver_valid"] and row["target"].startswith("v")):  # without v is no release tag here
        with pytest.raises(RelgateError, match=r"expected vX\.Y\.Z"):
            base_of(row["target"], tags)
        return
    assert (base_of(row["target"], tags, "stable").tag or None) == row["semver_base_stable"]
    assert (base_of(row["target"], tags, "any").tag or None) == row["semver_base_any"]
    column = "semver_base_any" if parse_target(row["target"]).prerelease else "semver_base_stable"
    assert (base_of(row["target"], tags, "auto").tag or None) == row[column]


def test_the_recorded_rows_are_all_here() -> None:
    assert len(ROWS) == 274
    assert {row["tag_set"] for row in ROWS} == set(TAG_SETS)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("0.9.0", "v0.9.0"),
        ("V0.9.0", "v0.9.0"),
        ("v0.9", "v0.9.0"),
        (" v0.9.0", "v0.9.0"),
        ("v0.9.0\n", "v0.9.0"),
        ("v00.9.0", "v0.9.0"),
        ("v0.9.00-rc.1", "v0.9.0-rc.1"),
        ("v\uff10.9.0", "v0.9.0"),
        ("refs/tags/v0.9.0", "v0.9.0"),
        ("", "vX.Y.Z"),
        ("v0.9.0\nv0.8.0", "vX.Y.Z"),
        ("v1e3.0.0", "vX.Y.Z"),
        ("v0.9.0.1", "vX.Y.Z"),
        ("v0.9.0+", "vX.Y.Z"),
        ("v0.9.0-rc..1", "vX.Y.Z"),
        ("v0.9.0-01", "vX.Y.Z"),
        ("v-1.0.0", "vX.Y.Z"),
        ("v0.9.0-r\u0441.1", "vX.Y.Z"),
        ("v0.9.\u0661", "vX.Y.Z"),
        ("banana", "vX.Y.Z"),
        ("v1." + "9" * 5000 + ".0", "vX.Y.Z"),
        ("--help", "vX.Y.Z"),
    ],
)
def test_a_target_that_is_no_version_is_refused_in_one_line_that_says_what_to_type(
    text: str, advice: str
) -> None:
    with pytest.raises(RelgateError) as caught:
        parse_target(text, "RELEASE_TARGET")
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 400
    assert line.startswith("RELEASE_TARGET: expected vX.Y.Z")
    assert f"`--release-target {advice}`" in line


@pytest.mark.parametrize("text", ["v0.9.0", "v0.0.0", "v1.2.3-rc.1", "v1.2.3+build.5", "v1.0.0-x-y.0.z+001"])
def test_a_target_is_kept_as_it_is_written(text: str) -> None:
    assert f"v{parse_target(text)}" == text


@given(
    st.one_of(
        versions, junk, st.from_regex(r"v[0-9.]{1,8}(-[0-9a-z.]{0,5})?(\+[0-9.]{0,3})?\n?", fullmatch=True)
    )
)
def test_a_tag_is_a_version_exactly_if_semver_reads_it(name: str) -> None:
    canonical = name[1:].rstrip("\n")
    expected = name == f"v{canonical}" and Version.is_valid(canonical)
    assert (version_of_tag(name) is not None) == expected


@pytest.mark.parametrize(
    ("target", "policy", "why"),
    [
        ("v0.2.0", "auto", "last stable below v0.2.0"),
        ("v0.2.0-rc.2", "auto", "last tag below v0.2.0-rc.2"),
        ("v0.2.0", "any", "last tag below v0.2.0"),
        ("v0.2.0-rc.2", "stable", "last stable below v0.2.0-rc.2"),
        ("v0.1.0", "auto", "first release: no lower stable tag"),
        ("v0.1.0", "any", "first release: no lower tag"),
    ],
)
def test_the_reason_names_the_kind_of_tag(target: str, policy: Policy, why: str) -> None:
    assert base_of(target, ["v0.1.0", "v0.2.0-rc.1"], policy).why == why


def test_junk_tags_are_named_and_never_chosen() -> None:
    base = base_of("v0.3.0", ["v0.2.0rc1", "0.2.0", "v0.1.0", "go/v0.2.5", "v0.02.0", "v0.1.0"])
    assert (base.tag, base.ignored) == ("v0.1.0", ("0.2.0", "go/v0.2.5", "v0.02.0", "v0.2.0rc1"))


def test_a_tag_that_differs_from_the_target_in_build_metadata_alone_is_not_lower() -> None:
    assert base_of("v0.2.0+b", ["v0.2.0", "v0.2.0+a", "v0.1.0"]).tag == "v0.1.0"


def test_of_equal_tags_the_first_by_name_is_taken() -> None:
    assert base_of("v0.3.0", ["v0.2.0+b", "v0.2.0", "v0.2.0+a"]).tag == "v0.2.0"
    assert base_of("v0.3.0", ["v0.2.0+b", "v0.2.0+a"]).tag == "v0.2.0+a"


@given(versions, tag_lists, st.sampled_from(["auto", "any", "stable"]))
def test_the_base_is_the_highest_eligible_tag_below_the_target(
    target: str, tags: list[str], policy: Policy
) -> None:
    base = base_of(target, tags, policy)
    stable = policy == "stable" or (policy == "auto" and "-" not in target.partition("+")[0])
    eligible = [
        tag
        for tag in tags
        if version_of_tag(tag)
        and precedence(tag) < precedence(target)
        and not (stable and "-" in tag.partition("+")[0])
    ]
    if not eligible:
        assert base.tag == ""
        return
    assert base.tag in eligible
    assert all(precedence(tag) <= precedence(base.tag) for tag in eligible)


@given(versions, tag_lists, st.randoms())
def test_the_order_of_tags_does_not_matter(target: str, tags: list[str], random: Random) -> None:
    shuffled = list(tags)
    random.shuffle(shuffled)
    assert base_of(target, shuffled) == base_of(target, tags)
    assert newest_of(shuffled) == newest_of(tags)


@pytest.mark.parametrize(
    ("tags", "newest"),
    [
        ([], None),
        (["latest", "v1"], None),
        (["v0.9.0", "v0.10.0", "v0.11.0-rc.1"], "v0.10.0"),
        (["v0.11.0-rc.2", "v0.11.0-rc.10", "nightly"], "v0.11.0-rc.10"),
    ],
)
def test_the_newest_is_the_highest_stable_tag_else_the_highest_prerelease(
    tags: list[str], newest: str | None
) -> None:
    assert newest_of(tags) == newest


def test_of_ten_thousand_tags_only_those_of_one_version_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = []
    real = Version.parse.__func__
    monkeypatch.setattr(
        Version, "parse", classmethod(lambda cls, text: parsed.append(text) or real(cls, text))
    )
    tags = [f"v{n // 100}.{n % 100}.{patch}" for n in range(2000) for patch in range(5)]
    assert base_of("v10.0.0", tags).tag == "v9.99.4"
    assert len(parsed) < 5
