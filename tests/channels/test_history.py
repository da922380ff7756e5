"""Every version that is served has a tag, every tag is served everywhere, and what was given up is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from pytest_relgate.channels.history import History
from pytest_relgate.channels.ledger import Ledger
from pytest_relgate.channels.outside import Outside
from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.profile.history import Abandoned

Open = Callable[..., Outside]
SAYS = ("has_no_rogue_version", "has_no_gap", "has_nothing_withdrawn")
TAGS = ("v0.1.0", "v0.2.0-rc.1", "v0.2.0-next.1", "v0.2.0", "nightly")
NPM = {"0.1.0": "", "0.2.0-rc.1": "", "0.2.0-next.1": "", "0.2.0": ""}
PYPI = {"0.1.0": "", "0.2.0rc1": "", "0.2.0": ""}


def ledger(name: str, versions: dict[str, str]) -> Ledger:
    return Ledger(name, name, f"https://{name}.example", tuple(versions.items()))


def history(*ledgers: Ledger, remote: tuple[str, ...] = ()) -> History:
    """Tags and what the channels serve; by itself everything is as it should be."""
    every = ledgers or (ledger("npm", NPM), ledger("pypi", PYPI))
    return History(every, (), frozenset(TAGS), "v0.2.0", "", (), lambda tag: tag in remote)


def said(one: History) -> dict[str, str]:
    found = {}
    for name in SAYS:
        try:
            assert getattr(one, name)()
        except (Finding, CannotJudge, NotYet) as error:
            found[name] = f"{type(error).__name__}: {error.found}"
    return found


def gave_up(tag: str, *channels: str, successor: str = "v0.2.0") -> Abandoned:
    return Abandoned(tag, "it crashes at start", successor, channels)


def test_what_is_tagged_and_served_is_good() -> None:
    assert said(history()) == {}


@pytest.mark.parametrize(("kind", "number"), [("npm", "0.3.0"), ("crates", "0.3.0"), ("pypi", "0.3.0rc1")])
def test_a_version_that_nobody_tagged_is_found(kind: str, number: str) -> None:
    served = {**(PYPI if kind == "pypi" else NPM), number: ""}
    words = f"Finding: {kind} serves {number}, and there is no tag of it"
    assert said(history(ledger(kind, served))) == {"has_no_rogue_version": words}
    there = history(ledger(kind, served), remote=("v0.3.0", "v0.3.0-rc.1"))  # the clone is behind
    assert said(there) == {}


def test_a_tag_that_a_channel_lacks_is_found() -> None:
    found = said(history(ledger("npm", NPM), ledger("pypi", {"0.2.0": ""})))
    assert found == {"has_no_gap": "Finding: pypi lacks v0.1.0, v0.2.0-rc.1"}


def test_the_release_itself_may_still_come() -> None:
    late = {"0.1.0": "", "0.2.0rc1": ""}
    found = said(history(ledger("npm", NPM), ledger("pypi", late)))
    assert found == {"has_no_gap": "NotYet: v0.2.0, the release itself, is not on pypi so far"}
    both = said(history(ledger("npm", {"0.2.0": ""}), ledger("pypi", late)))
    assert both["has_no_gap"].startswith("Finding: npm lacks v0.1.0")


def test_what_a_mirror_lacks_is_unknown() -> None:
    mirror = msgspec.structs.replace(ledger("npm", {"0.2.0": ""}), mirror=True)
    found = said(history(mirror, ledger("pypi", PYPI)))
    assert set(found) == {"has_no_gap"}
    assert found["has_no_gap"].startswith(
        "CannotJudge: npm, a mirror, lacks v0.1.0, v0.2.0-next.1, v0.2.0-rc.1"
    )


def test_what_comes_after_the_release_is_not_out_yet() -> None:
    one = history()
    assert said(replace(one, tags=one.tags | {"v0.3.0"})) == {}


@pytest.mark.parametrize("word", ["yanked", "deprecated"])
def test_what_is_withdrawn_is_found_unless_it_was_given_up(word: str) -> None:
    one = history(ledger("npm", {**NPM, "0.1.0": word}), ledger("pypi", PYPI))
    words = f"Finding: npm: v0.1.0 is {word}, and the profile does not call it abandoned"
    assert said(one) == {"has_nothing_withdrawn": words}
    assert said(replace(one, abandoned=(gave_up("v0.1.0"),))) == {}
    assert said(replace(one, abandoned=(gave_up("v0.1.0", "npm"),))) == {}
    assert said(replace(one, abandoned=(gave_up("v0.1.0", "pypi"),))) == {"has_nothing_withdrawn": words}


def test_what_was_given_up_may_be_missing_and_needs_a_successor() -> None:
    one = history(ledger("npm", {"0.2.0": "", "0.0.1": ""}))
    given_up = tuple(map(gave_up, ("v0.0.1", "v0.1.0", "v0.2.0-rc.1", "v0.2.0-next.1")))
    assert said(replace(one, abandoned=given_up)) == {}
    for successor, words in (("v0.9.9", "there is no such tag"), ("v0.1.0", "does not come after it")):
        wrong = gave_up("v0.1.0", successor=successor)
        assert words in said(replace(one, abandoned=(*given_up, wrong)))["has_no_gap"]


def test_what_came_before_is_left_alone() -> None:
    one = history(ledger("npm", {**NPM, "0.0.9": "yanked"}), ledger("pypi", {"0.2.0": "", "0.0.9.dev1": ""}))
    assert set(said(one)) == {"has_no_rogue_version", "has_no_gap"}
    assert said(replace(one, since="v0.2.0")) == {}


@pytest.mark.parametrize("change", [{"target": "v0.9.0"}, {"since": "v0.0.5"}])
def test_a_clone_without_the_tags_judges_nothing(change: dict[str, str]) -> None:
    found = said(replace(history(), **change))  # type: ignore[arg-type]  # any member of the row
    assert all(words.startswith("CannotJudge: the tag v0") for words in found.values())
    assert {"has_no_gap", "has_nothing_withdrawn"} <= found.keys()


def test_a_channel_that_does_not_tell_is_unknown_and_none_is_no_pass() -> None:
    one = replace(history(), unknown=(CannotJudge("npm is down"),))
    assert said(one) == dict.fromkeys(SAYS, "CannotJudge: npm is down")
    nothing = said(replace(history(), ledgers=()))
    assert set(nothing) == set(SAYS)
    rogue = replace(history(ledger("npm", {**NPM, "9.0.0": ""})), unknown=(CannotJudge("pypi is down"),))
    assert said(rogue)["has_no_rogue_version"].startswith("Finding: npm serves 9.0.0")


def test_the_history_of_the_sandbox_is_whole(outside: Open) -> None:
    one = outside().channels.history
    assert said(one) == {}
    assert {ledger.channel for ledger in one.ledgers} == {"github", "crates", "npm", "pypi"}
    assert all(len(ledger.versions) == 10 for ledger in one.ledgers)


@pytest.mark.parametrize(
    ("fault", "name", "words"),
    [
        ("npm-wrong-version", "has_no_rogue_version", "npm serves 0.2.0, and there is no tag of it"),
        ("pypi-wrong-version", "has_no_rogue_version", "pypi serves 0.2.0"),
        ("crates-wrong-version", "has_no_rogue_version", "crates serves 0.2.0"),
        ("forgotten-on-pypi", "has_no_gap", "pypi lacks v0.1.8"),
        ("forgotten-on-github", "has_no_gap", "github lacks v0.1.8"),
        ("crates-yanked", "has_nothing_withdrawn", "crates: v0.1.9 is yanked"),
        ("npm-deprecated", "has_nothing_withdrawn", "npm: v0.1.9 is deprecated"),
        ("pypi-yanked", "has_nothing_withdrawn", "pypi: v0.1.9 is yanked"),
    ],
)
def test_a_fault_of_the_history_is_found(outside: Open, fault: str, name: str, words: str) -> None:
    found = said(outside(fault).channels.history)
    assert set(found) == {name}
    assert found[name].startswith(f"Finding: {words}")
