"""The channel table says of each channel whether it serves the release, lacks it, or disagrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.channels.channels import ChannelFacts, Channels
from pytest_relgate.channels.judge import judge
from pytest_relgate.channels.observation import Expectation, File, Observation, Presence
from pytest_relgate.channels.poll import Settled
from pytest_relgate.channels.table import table_of
from pytest_relgate.errors import Finding, NotYet

if TYPE_CHECKING:
    from pytest_relgate.model import ChannelTable

AT = "2026-11-22T16:02:00Z"
RIGHT, WRONG = "a" * 64, "b" * 64
NAME = "demo-1.2.0.tgz"


def facts(
    name: str, *, age: float = 10.0, twice: bool = True, weak: bool = False, **seen: Any
) -> ChannelFacts:
    """What is known of a channel that was seen so; by itself it serves 1.2.0 as it was built."""
    expected = Expectation("1.2.0", "1.2.0", frozenset({NAME}), {NAME: RIGHT}, "the build", weak=weak)
    served = seen.pop("served", RIGHT)
    shown: dict[str, Any] = {
        "where": f"https://{name}.example",
        "version": "1.2.0",
        "resolved": "1.2.0",
        "files": (File(NAME, 1, {"sha256": served}, {"sha256": served}),),
        "whole": True,
    } | seen
    observation = Observation(name, "npm", shown.pop("presence", Presence.COMPLETE), **shown)
    judged = judge(observation, expected, age=age, looked_twice=twice)
    return ChannelFacts(name, Settled(observation, judged, 1), expected)


ABSENT: dict[str, Any] = {"presence": Presence.ABSENT, "version": "", "files": ()}


def table(*every: ChannelFacts, failed: dict[str, str] | None = None) -> ChannelTable:
    return table_of(every, failed or {}, at=AT)


def test_files_that_nobody_stated_are_counted_and_decide_nothing() -> None:
    """A first profile names channels and no files: what is out is no file too much."""
    one = facts("npm")
    bare = Expectation("1.2.0", "1.2.0", frozenset(), {}, "")
    seen = one.settled.seen
    unstated = ChannelFacts("npm", Settled(seen, judge(seen, bare, age=10.0, looked_twice=True), 1), bare)
    line = table(unstated).lines[0]
    assert (line.state, line.files, line.digests) == ("serves", "1, none stated", "not known")


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({}, ("serves", "1.2.0", "1 of 1", "as built", "")),
        (
            {"published": "2026-11-22T15:00:00.1Z"},
            ("serves", "1.2.0", "1 of 1", "as built", "2026-11-22 15:00 UTC"),
        ),
        ({"weak": True}, ("serves", "1.2.0", "1 of 1", "from checksums", "")),
        ({**ABSENT, "resolved": ""}, ("missing", "none, not 1.2.0", "none", "none", "not overdue")),
        ({**ABSENT, "resolved": "1.1.0"}, ("late", "1.1.0, not 1.2.0", "none", "none", "not overdue")),
        (
            {**ABSENT, "resolved": "1.1.0", "age": 9000.0},
            ("late", "1.1.0, not 1.2.0", "none", "none", "overdue"),
        ),
        ({"resolved": "1.1.0"}, ("late", "1.2.0, gives 1.1.0", "1 of 1", "as built", "not overdue")),
        ({"resolved": "1.9.0"}, ("disagrees", "1.2.0, gives 1.9.0", "1 of 1", "as built", "")),
        ({"served": WRONG}, ("disagrees", "1.2.0", "1 of 1", "not as built", "")),
        ({"files": (), "whole": False}, ("partial", "1.2.0", "0 of 1", "incomplete", "not overdue")),
        ({"flags": frozenset({"deprecated"})}, ("withdrawn", "1.2.0", "1 of 1", "as built", "")),
        (
            {**ABSENT, "presence": Presence.UNKNOWN, "problem": "x"},
            ("unknown", "not known", "not known", "not known", ""),
        ),
    ],
)
def test_a_channel_is_called_what_it_is(seen: dict[str, Any], expected: tuple[str, ...]) -> None:
    (line,) = table(facts("npm", **seen)).lines
    assert (line.channel, line.state, line.version, line.files, line.digests, line.since) == (
        "npm",
        *expected,
    )


def test_a_file_too_much_is_counted() -> None:
    more = (File(NAME, 1, {"sha256": RIGHT}, {"sha256": RIGHT}), File("other.zip", 1))
    assert table(facts("npm", files=more)).lines[0].files == "1 of 1, 1 too much"


def test_a_slow_channel_is_no_incident() -> None:
    assert table(facts("npm"), facts("pypi", **ABSENT)).incidents == ()


def test_a_channel_whose_publish_job_failed_is_an_incident() -> None:
    (said,) = table(
        facts("npm"), facts("pypi", **ABSENT), failed={"pypi": "publish-pypi (failure)"}
    ).incidents
    assert said == (
        "pypi lacks what npm already serve: its publish job publish-pypi (failure) did not succeed"
    )


def test_a_publish_that_reached_nothing_is_no_asymmetry() -> None:
    every = facts("npm", **ABSENT), facts("pypi", **ABSENT)
    assert table(*every, failed={"npm": "publish-npm (failure)", "pypi": "x (skipped)"}).incidents == ()


def test_bytes_that_disagree_are_an_incident_once_they_were_seen_twice() -> None:
    (said,) = table(facts("npm", served=WRONG), facts("pypi")).incidents
    assert said.startswith(f"bytes disagree: npm 1.2.0: {NAME} is not what was built")
    assert table(facts("npm", served=WRONG, twice=False)).incidents == ()


def test_a_channel_with_other_bytes_does_not_serve_the_release() -> None:
    every = {one.name: one for one in (facts("npm", served=WRONG), facts("pypi"), facts("crates", **ABSENT))}
    with pytest.raises(Finding) as caught:
        assert Channels(every, {"crates": "publish-crates (failure)"}).serving
    assert caught.value.found.startswith(
        "pypi of 3 serve the release; other bytes than were built: npm; "
        "publish jobs that did not succeed: publish-crates (failure); crates"
    )
    assert caught.value.where == "https://npm.example"


def test_a_channel_that_lacks_it_alone_is_waited_for() -> None:
    every = {one.name: one for one in (facts("npm"), facts("pypi", **ABSENT))}
    with pytest.raises(NotYet, match="npm of 2 serve the release"):
        assert Channels(every, {}).serving
