"""Provenance is there where the profile says so: what lacks it was published another way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_relgate.channels.channels import Channels
from pytest_relgate.channels.judge import Standing, judge
from pytest_relgate.channels.observation import Expectation, File, Observation, Presence
from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.profile import load_profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_relgate.channels.outside import Outside

WANTED = Expectation("1.0.0", "1.0.0", frozenset({"f"}), {"f": "a" * 64}, provenance=True)
SEEN = Observation(
    "npm",
    "npm",
    Presence.COMPLETE,
    version="1.0.0",
    resolved="1.0.0",
    files=(File("f", 1, {"sha256": "a" * 64}),),
    provenance=True,
)
ABSENT = Observation("npm", "npm", Presence.ABSENT)


@pytest.mark.parametrize(
    ("seen", "wanted", "standing"),
    [
        (SEEN, True, Standing.SERVED),
        (msgspec.structs.replace(SEEN, provenance=False), True, Standing.DIVERGED),
        (msgspec.structs.replace(SEEN, provenance=False), False, Standing.SERVED),
        (msgspec.structs.replace(SEEN, provenance=None, mirror=True), True, Standing.UNKNOWN),
        (msgspec.structs.replace(SEEN, provenance=None, mirror=True), False, Standing.SERVED),
        (ABSENT, True, Standing.ABSENT),
    ],
)
def test_provenance_that_is_promised_must_be_there(
    seen: Observation, wanted: bool, standing: Standing
) -> None:
    expected = msgspec.structs.replace(WANTED, provenance=wanted)
    found = judge(seen, expected, age=None, looked_twice=True)
    assert found.provenance.standing is standing
    assert found.wrong is (standing is Standing.DIVERGED)


def test_a_profile_that_promises_none_has_nothing_to_judge(outside: Callable[..., Outside]) -> None:
    channels = outside().channels
    assert channels.have_their_provenance()
    for one in channels:
        assert one.provenance is (one.name in ("npm", "pypi"))
    plain = {
        one.name: replace(one, expectation=msgspec.structs.replace(one.expectation, provenance=False))
        for one in channels
    }
    with pytest.raises(CannotJudge, match="says of no channel"):
        Channels(plain, {}).have_their_provenance()


def test_only_a_channel_that_has_provenance_can_promise_it(tmp_path: Path) -> None:
    profile = tmp_path / "relgate.toml"
    profile.write_text('schema = 1\nproject = "demo"\n[channels.c]\nkind = "crates"\nprovenance = true\n')
    with pytest.raises(RelgateError, match='provenance is for npm and pypi, this channel is "crates"'):
        load_profile(profile)
