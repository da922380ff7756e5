"""Releases that were given up stand in the profile with tag, reason and successor; a slip is an error."""

from __future__ import annotations

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile.facts import parse_profile

GOOD = 'tag = "v0.1.4"\nreason = "it crashes"\nsuccessor = "v0.1.5"\n'


def profile(table: str) -> bytes:
    return f'project = "demo"\n[history]\nsince = "v0.1.2"\n[abandoned.crash]\n{table}'.encode()


def test_a_release_that_was_given_up() -> None:
    read = parse_profile(profile(GOOD), "relgate.toml")
    (one,) = read.abandoned.values()
    assert (read.history.since, one.tag, one.successor) == ("v0.1.2", "v0.1.4", "v0.1.5")
    assert one.on("npm")
    (one,) = parse_profile(profile(f'{GOOD}channels = ["pypi"]'), "relgate.toml").abandoned.values()
    assert (one.on("pypi"), one.on("npm")) == (True, False)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (GOOD.replace("v0.1.4", "0.1.4"), "expected a release tag vX.Y.Z, found '0.1.4'"),
        (GOOD.replace("v0.1.5", "latest"), "expected a release tag vX.Y.Z"),
        (GOOD.replace('successor = "v0.1.5"\n', ""), "successor"),
        (GOOD.replace('"it crashes"', '""'), "reason"),
        (f"{GOOD}why = 1", "why"),
    ],
)
def test_a_slip_is_an_error_with_its_line(table: str, said: str) -> None:
    with pytest.raises(RelgateError, match=r"^relgate\.toml:\d+") as caught:
        parse_profile(profile(table), "relgate.toml")
    assert said.replace("'", '"') in str(caught.value).replace("'", '"')
