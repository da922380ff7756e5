"""Every row of the table: what was seen, what it means. Time alone is never red, unknown is never absent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.channels.judge import Judgement, Standing, judge
from pytest_relgate.channels.observation import Expectation, File, Observation, Presence
from pytest_relgate.model import State

RIGHT, OTHER = "a" * 64, "b" * 64
FILE = File("demo-0.2.0.tgz", 9, {"sha256": RIGHT}, {"sha256": RIGHT})
SECOND = File("demo-0.2.0.zip", 9, {"sha256": RIGHT}, {"sha256": RIGHT})
WANTED = Expectation(
    "0.2.0", "0.2.0", frozenset({FILE.name}), {FILE.name: RIGHT, SECOND.name: RIGHT}, source="the build"
)
SEEN = Observation(
    "it", "crates", Presence.COMPLETE, where="https://there", version="0.2.0", resolved="0.2.0", files=(FILE,)
)
FACTS = ("version", "files", "digests", "flags")


def seen(**facts: Any) -> Observation:
    return msgspec.structs.replace(SEEN, **facts)


def wanted(**facts: Any) -> Expectation:
    return msgspec.structs.replace(WANTED, **facts)


def nothing(**facts: Any) -> Observation:
    return seen(**{"presence": Presence.ABSENT, "version": "", "resolved": "", "files": ()} | facts)


@dataclass
class Row:
    """What was seen and expected, and how each fact that is not served stands, with words of it."""

    seen: Observation
    stands: dict[str, Standing] = field(default_factory=dict)
    words: str = ""
    wanted: Expectation = WANTED


ALL = dict.fromkeys(FACTS)


def every(standing: Standing) -> dict[str, Standing]:
    return dict.fromkeys(FACTS, standing)


TABLE = {
    "served": Row(SEEN),
    "404": Row(nothing(), every(Standing.ABSENT), "does not have 0.2.0"),
    "older": Row(nothing(resolved="0.1.9"), every(Standing.LATE), "serves 0.1.9 and not yet 0.2.0"),
    "ten-is-more-than-nine": Row(
        nothing(resolved="0.1.9"), every(Standing.LATE), "not yet", wanted(spelled="0.1.10")
    ),
    "older-prerelease": Row(nothing(resolved="0.2.0-rc.1"), every(Standing.LATE), "not yet"),
    "older-python": Row(
        nothing(kind="pypi", resolved="0.2.0rc1"), every(Standing.LATE), "not yet", wanted(spelled="0.2.0rc2")
    ),
    "pointed-at-and-not-there": Row(
        nothing(resolved="0.2.0"), every(Standing.PARTIAL), "points at 0.2.0, and does not have it yet"
    ),
    "newer": Row(
        nothing(resolved="0.3.0"),
        every(Standing.ABSENT) | {"version": Standing.DIVERGED},
        "serves 0.3.0, expected 0.2.0",
    ),
    "unrelated": Row(
        nothing(resolved="banana"), every(Standing.ABSENT) | {"version": Standing.DIVERGED}, "banana"
    ),
    "newer-and-nobody-knows": Row(
        nothing(resolved="0.3.0"), every(Standing.UNKNOWN), "nobody could say", wanted(newest=None)
    ),
    "latest-newer-and-nobody-knows": Row(
        seen(resolved="0.3.0"), {"version": Standing.UNKNOWN}, "nobody could say", wanted(newest=None)
    ),
    "latest-older-and-nobody-knows": Row(
        seen(resolved="0.1.9"), {"version": Standing.LATE}, "still", wanted(newest=None)
    ),
    "disabled": Row(
        seen(kind="homebrew", flags=frozenset({"disabled", "deprecated"})),
        {"version": Standing.WITHDRAWN, "flags": Standing.WITHDRAWN},
        "disabled",
    ),
    "archives-elsewhere": Row(
        seen(kind="homebrew", doubts=("its archive at https://x",)),
        {"files": Standing.UNKNOWN},
        "https://x",
    ),
    "newer-and-known": Row(nothing(resolved="0.3.0"), every(Standing.ABSENT), "", wanted(newest=False)),
    "newer-and-known-one-version-at-a-time": Row(
        nothing(kind="homebrew", resolved="0.3.0"), every(Standing.UNKNOWN), "by now", wanted(newest=False)
    ),
    "unknown": Row(
        nothing(presence=Presence.UNKNOWN, problem="it answered 500"), every(Standing.UNKNOWN), "500"
    ),
    "mirror-404": Row(nothing(mirror=True), every(Standing.UNKNOWN), "a mirror, does not have 0.2.0"),
    "mirror-older": Row(nothing(mirror=True, resolved="0.1.9"), every(Standing.UNKNOWN), "a mirror"),
    "mirror-without-tags": Row(seen(mirror=True, resolved="")),
    "mirror-served": Row(seen(mirror=True)),
    "mirror-with-an-older-tag": Row(
        seen(mirror=True, resolved="0.1.9"), {"version": Standing.UNKNOWN}, "a mirror, gives 0.1.9"
    ),
    "mirror-with-a-newer-version": Row(
        seen(mirror=True, resolved="0.3.0"), {"version": Standing.UNKNOWN}, "a mirror, gives 0.3.0"
    ),
    "mirror-with-a-newer-version-that-is-known": Row(
        seen(mirror=True, resolved="0.3.0"), {}, "", wanted(newest=False)
    ),
    "mirror-that-takes-a-prerelease-for-the-latest": Row(
        seen(kind="npm", mirror=True, version="0.2.0-rc.1", resolved="0.2.0-rc.1"),
        {},
        "",
        wanted(version="0.2.0-rc.1", spelled="0.2.0-rc.1", prerelease=True),
    ),
    "mirror-that-must-not-hand-it-out": Row(
        nothing(mirror=True, flags=frozenset({"withheld"})), every(Standing.UNKNOWN), "a mirror"
    ),
    "mirror-lacks-a-file": Row(
        seen(mirror=True, whole=True),
        {"files": Standing.UNKNOWN, "digests": Standing.UNKNOWN},
        "a mirror: it may come",
        wanted(files=frozenset({FILE.name, SECOND.name})),
    ),
    "mirror-with-other-bytes": Row(
        seen(mirror=True, files=(File(FILE.name, 9, {"sha256": RIGHT}, {"sha256": OTHER}),)),
        {"digests": Standing.DIVERGED},
        "other bytes than the channel states",
    ),
    "mirror-with-a-file-too-much": Row(
        seen(mirror=True, files=(FILE, SECOND)), {"files": Standing.DIVERGED}, "is not expected"
    ),
    "mirror-yanked": Row(
        seen(mirror=True, flags=frozenset({"yanked"})),
        {"version": Standing.WITHDRAWN, "flags": Standing.WITHDRAWN},
        "is yanked",
    ),
    "451": Row(
        nothing(flags=frozenset({"withheld"})),
        every(Standing.ABSENT) | {"version": Standing.WITHDRAWN, "flags": Standing.WITHDRAWN},
        "withheld",
    ),
    "github-marks-another": Row(
        seen(kind="github-release", resolved="0.1.9", whole=True),
        {"version": Standing.DIVERGED},
        "marks 0.1.9 as the latest",
    ),
    "github-marks-none": Row(
        seen(kind="github-release", resolved="", whole=True), {"version": Standing.DIVERGED}, "marks none"
    ),
    "github-marks-another-so-far": Row(
        seen(kind="github-release", resolved="0.1.9", whole=False), {"version": Standing.LATE}, "still 0.1.9"
    ),
    "github-marks-the-newest": Row(
        seen(kind="github-release", resolved="0.3.0", whole=True), {}, "", wanted(newest=False)
    ),
    "github-marks-a-prerelease": Row(
        seen(
            kind="github-release",
            version="0.2.0-rc.1",
            resolved="0.2.0-rc.1",
            flags=frozenset({"prerelease"}),
        ),
        {"version": Standing.DIVERGED},
        "a prerelease, to whoever",
        wanted(version="0.2.0-rc.1", spelled="0.2.0-rc.1", prerelease=True),
    ),
    "latest-older": Row(seen(resolved="0.1.9"), {"version": Standing.LATE}, "gets still 0.1.9"),
    "latest-nothing": Row(seen(resolved=""), {"version": Standing.LATE}, "gets nothing"),
    "latest-newer": Row(seen(resolved="9.9.9"), {"version": Standing.DIVERGED}, "gives 9.9.9"),
    "latest-newer-and-known": Row(seen(resolved="0.3.0"), {}, "", wanted(newest=False)),
    "latest-older-than-an-old-one": Row(
        seen(resolved="0.1.9"), {"version": Standing.LATE}, "still", wanted(newest=False)
    ),
    "prerelease": Row(
        seen(version="0.2.0-rc.1", resolved="0.1.9"),
        {},
        "",
        wanted(version="0.2.0-rc.1", spelled="0.2.0-rc.1", prerelease=True),
    ),
    "prerelease-takes-latest": Row(
        seen(kind="npm", version="0.2.0-rc.1", resolved="0.2.0-rc.1"),
        {"version": Standing.DIVERGED},
        "a prerelease, to whoever names no version",
        wanted(version="0.2.0-rc.1", spelled="0.2.0-rc.1", prerelease=True),
    ),
    "tag-at-another-commit": Row(
        seen(commit="5" * 40),
        {"version": Standing.DIVERGED},
        "at the commit 555555555555",
        wanted(commit="7" * 40),
    ),
    "tag-at-the-commit": Row(seen(commit="7" * 40), {}, "", wanted(commit="7" * 40)),
    "yanked": Row(
        seen(flags=frozenset({"yanked"}), resolved="0.1.9"),
        {"version": Standing.WITHDRAWN, "flags": Standing.WITHDRAWN},
        "is yanked",
    ),
    "draft": Row(
        seen(flags=frozenset({"draft"}), whole=True),
        {"version": Standing.WITHDRAWN, "flags": Standing.WITHDRAWN},
        "still a draft",
    ),
    "draft-while-it-is-published": Row(
        seen(flags=frozenset({"draft"})),
        {"version": Standing.PARTIAL, "flags": Standing.PARTIAL},
        "still a draft",
    ),
    "deprecated": Row(seen(flags=frozenset({"deprecated"})), {"flags": Standing.WITHDRAWN}, "is deprecated"),
    "marked-prerelease": Row(
        seen(kind="github-release", flags=frozenset({"prerelease"})),
        {"flags": Standing.DIVERGED},
        "is marked prerelease, and is not",
    ),
    "not-marked-prerelease": Row(
        seen(kind="github-release", resolved="0.1.9"),
        {"flags": Standing.DIVERGED},
        "is not marked prerelease, and is",
        wanted(prerelease=True),
    ),
    "rightly-marked": Row(
        seen(kind="github-release", flags=frozenset({"prerelease"}), resolved="0.1.9"),
        {},
        "",
        wanted(prerelease=True),
    ),
    "a-file-is-missing": Row(
        seen(),
        {"files": Standing.PARTIAL, "digests": Standing.PARTIAL},
        "lacks demo-0.2.0.zip",
        wanted(files=frozenset({FILE.name, SECOND.name})),
    ),
    "a-file-is-missing-for-good": Row(
        seen(whole=True),
        {"files": Standing.DIVERGED, "digests": Standing.PARTIAL},
        "calls itself complete",
        wanted(files=frozenset({FILE.name, SECOND.name})),
    ),
    "unfinished-by-its-own-word": Row(
        seen(presence=Presence.PARTIAL), {"files": Standing.PARTIAL}, "not finished"
    ),
    "unfinished-is-not-whole": Row(
        seen(presence=Presence.PARTIAL, whole=True, files=()),
        {"files": Standing.PARTIAL, "digests": Standing.PARTIAL},
        "lacks",
    ),
    "a-file-too-much": Row(
        seen(files=(FILE, SECOND)),
        {"files": Standing.DIVERGED},
        "demo-0.2.0.zip is there and is not expected",
    ),
    "a-file-twice": Row(seen(files=(FILE, FILE)), {"files": Standing.DIVERGED}, "there twice"),
    "odd": Row(seen(odd=("arm is intel",)), {"files": Standing.DIVERGED}, "arm is intel"),
    "no-file-expected": Row(
        seen(),
        {"files": Standing.UNKNOWN, "digests": Standing.UNKNOWN},
        "nothing says",
        wanted(files=frozenset()),
    ),
    "other-bytes": Row(
        seen(files=(File(FILE.name, 9, {"sha256": OTHER}, {"sha256": OTHER}),)),
        {"digests": Standing.DIVERGED},
        "is not what was built: expected aaaaaaaaaaaa..., found bbbbbbbbbbbb...",
    ),
    "other-bytes-than-stated": Row(
        seen(files=(File(FILE.name, 9, {"sha256": RIGHT}, {"sha256": OTHER}),)),
        {"digests": Standing.DIVERGED},
        "other bytes than the channel states",
    ),
    "other-bytes-by-another-algorithm": Row(
        seen(files=(File(FILE.name, 9, {"sha512": OTHER}, {"sha256": RIGHT, "sha512": RIGHT}),)),
        {"digests": Standing.DIVERGED},
        "other bytes than the channel states (sha512",
    ),
    "only-stated": Row(seen(files=(File(FILE.name, None, {"sha256": RIGHT}),))),
    "only-stated-and-wrong": Row(
        seen(files=(File(FILE.name, None, {"sha256": OTHER}),)),
        {"digests": Standing.DIVERGED},
        "is not what was built",
    ),
    "no-bytes-and-no-digest": Row(
        seen(files=(File(FILE.name, 9, {"md5": OTHER}),)),
        {"digests": Standing.UNKNOWN},
        "no bytes of it and no SHA-256",
    ),
    "unread": Row(
        seen(files=(File(FILE.name, 9, {"sha256": RIGHT}, {}, "reset"),)),
        {"digests": Standing.UNKNOWN},
        "demo-0.2.0.tgz: reset",
    ),
    "nothing-to-measure-by": Row(
        seen(), {"digests": Standing.UNKNOWN}, "nothing but the channel itself", wanted(digests={})
    ),
}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_what_is_seen_means(row: Row) -> None:
    judgement = judge(row.seen, row.wanted, age=None, looked_twice=True)
    stands = {name: getattr(judgement, name) for name in FACTS}
    assert {
        name: one.standing for name, one in stands.items() if one.standing is not Standing.SERVED
    } == row.stands
    if row.stands:
        first = next(stands[name] for name in FACTS if name in row.stands)
        assert row.words in " ".join(one.words for one in stands.values())
        assert first.words.startswith("it") or row.seen.presence is Presence.UNKNOWN


PRESENCES = st.sampled_from(Presence)
VERSIONS = st.sampled_from(["", "0.1.9", "0.2.0", "0.3.0", "banana"])
FLAGS = st.frozensets(st.sampled_from(["yanked", "deprecated", "draft", "prerelease", "withheld"]))
FILES = st.lists(
    st.builds(
        File,
        st.sampled_from([FILE.name, SECOND.name, "else"]),
        st.just(9),
        st.sampled_from([{}, {"sha256": RIGHT}, {"sha256": OTHER}]),
        st.sampled_from([{}, {"sha256": RIGHT}, {"sha256": OTHER}]),
        st.sampled_from(["", "reset"]),
    ),
    max_size=3,
).map(tuple)
OBSERVATIONS = st.builds(
    Observation,
    st.just("it"),
    st.sampled_from(["crates", "npm", "pypi", "homebrew", "github-release"]),
    PRESENCES,
    version=st.sampled_from(["", "0.2.0"]),
    resolved=VERSIONS,
    files=FILES,
    flags=FLAGS,
    whole=st.booleans(),
    mirror=st.booleans(),
)
EXPECTATIONS = st.builds(
    Expectation,
    st.just("0.2.0"),
    st.just("0.2.0"),
    st.frozensets(st.sampled_from([FILE.name, SECOND.name])),
    st.sampled_from([{}, {FILE.name: RIGHT}, {FILE.name: RIGHT, SECOND.name: RIGHT}]),
    prerelease=st.booleans(),
    newest=st.booleans(),
)
AGES = st.none() | st.floats(0, 10**9)


def states(judgement: Judgement) -> list[State]:
    return [judgement.state(opinion) for opinion in judgement.opinions]


@given(OBSERVATIONS, EXPECTATIONS, AGES, AGES, st.booleans())
def test_time_alone_changes_no_state(
    one: Observation, expected: Expectation, early: float | None, late: float | None, twice: bool
) -> None:
    first = judge(one, expected, age=early, looked_twice=twice)
    second = judge(one, expected, age=late, looked_twice=twice)
    assert states(first) == states(second)


@given(OBSERVATIONS, EXPECTATIONS, AGES)
def test_one_look_alone_is_never_red(one: Observation, expected: Expectation, age: float | None) -> None:
    assert State.FAILED not in states(judge(one, expected, age=age, looked_twice=False))


@given(OBSERVATIONS, EXPECTATIONS, AGES, st.booleans())
def test_unknown_is_never_folded_into_anything(
    one: Observation, expected: Expectation, age: float | None, twice: bool
) -> None:
    blind = msgspec.structs.replace(one, presence=Presence.UNKNOWN, version="", flags=frozenset())
    assert set(states(judge(blind, expected, age=age, looked_twice=twice))) == {State.ERRORED}


LACKING = st.builds(
    Observation,
    st.just("it"),
    st.sampled_from(["crates", "npm", "pypi"]),
    st.sampled_from([Presence.COMPLETE, Presence.ABSENT, Presence.UNKNOWN]),
    version=st.sampled_from(["", "0.2.0"]),
    resolved=VERSIONS,
    files=st.sampled_from([(), (FILE,), (FILE, SECOND)]),
    flags=st.sampled_from([frozenset(), frozenset({"withheld"})]),
    whole=st.booleans(),
    mirror=st.just(True),  # noqa: FBT003  (hypothesis gives it by position)
)


@given(LACKING, EXPECTATIONS)
def test_what_a_mirror_lacks_is_neither_wrong_nor_awaited(one: Observation, expected: Expectation) -> None:
    whole = msgspec.structs.replace(expected, files=frozenset({FILE.name, SECOND.name}))
    assert set(states(judge(one, whole, age=None, looked_twice=True))) <= {State.PASSED, State.ERRORED}


@given(OBSERVATIONS, EXPECTATIONS, AGES)
def test_what_waits_is_waited_for_and_what_is_wrong_is_not(
    one: Observation, expected: Expectation, age: float | None
) -> None:
    judgement = judge(one, expected, age=age, looked_twice=True)
    if State.FAILED in states(judgement):
        assert not judgement.may_change
    elif State.PENDING in states(judgement):
        assert judgement.may_change


@given(OBSERVATIONS, EXPECTATIONS)
def test_all_served_means_version_files_and_bytes(one: Observation, expected: Expectation) -> None:
    judgement = judge(one, expected, age=None, looked_twice=True)
    if set(states(judgement)) == {State.PASSED}:
        assert one.version == expected.spelled
        assert {file.name for file in one.files} == expected.files != frozenset()
        found = {
            (file.served or file.stated).get("sha256") for file in one.files if file.served or file.stated
        }
        assert all(file.served or file.stated for file in one.files)
        assert found == {RIGHT}
        assert not one.flags - {"prerelease"}


@pytest.mark.parametrize(
    ("kind", "age", "overdue"),
    [
        ("npm", 7199, False),
        ("npm", 7201, True),
        ("pypi", 3601, True),
        ("pypi", 3599, False),
        ("crates", 1801, True),
        ("homebrew", 1799, False),
    ],
)
def test_a_channel_is_overdue_after_its_usual_time_and_stays_pending(
    kind: str, age: float, overdue: bool
) -> None:
    judgement = judge(nothing(kind=kind), WANTED, age=age, looked_twice=False)
    assert judgement.overdue is overdue
    assert ("overdue" in judgement.version.words) is overdue
    assert set(states(judgement)) == {State.PENDING}
    assert not judge(SEEN, WANTED, age=10**9, looked_twice=True).overdue
