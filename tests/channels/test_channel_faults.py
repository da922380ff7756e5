"""The healthy world is served everywhere; each fault of a channel is seen there, and nowhere else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.channels.outside import Outside
from pytest_relgate.errors import CannotJudge, Finding, NotYet, RelgateError
from pytest_relgate.model import State
from pytest_relgate.sandbox.faults import FAULTS

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.channels.channels import ChannelFacts

Open = Callable[..., Outside]
FACTS = ("version", "files", "digests", "flags", "provenance")
CHANNELS = ("github", "crates", "npm", "pypi", "homebrew")
RAISED = {State.FAILED: Finding, State.PENDING: NotYet, State.ERRORED: CannotJudge}
OF_A_CHANNEL = [name for name in FAULTS if name.partition("-")[0] in CHANNELS and name != "github-down"]


def problems(one: ChannelFacts) -> dict[str, Exception]:
    """What each fact of a channel raises."""
    found: dict[str, Exception] = {}
    for fact in FACTS:
        try:
            getattr(one, fact)
        except (Finding, NotYet, CannotJudge) as error:
            found[fact] = error
    return found


def test_a_good_release_is_served_everywhere(outside: Open) -> None:
    world = outside()
    assert {one.name: problems(one) for one in world.channels} == {name: {} for name in CHANNELS}
    assert world.channels.serving == world.channels.expected == set(CHANNELS)
    for one in world.channels:
        assert one.version == "0.1.9"
        assert one.files == one.expectation.files
        assert one.digests == {name: f"sha256:{value}" for name, value in one.expectation.digests.items()}
        assert one.flags == one.expectation.flags(one.seen.kind)
        assert one.seen.exchanges
        assert not one.settled.judgement.overdue


@pytest.mark.parametrize("name", OF_A_CHANNEL)
def test_a_fault_is_seen_on_its_channel_and_on_no_other(outside: Open, name: str) -> None:
    fault, mine = FAULTS[name], name.partition("-")[0]
    world = outside(name)
    found = {one.name: problems(one) for one in world.channels}
    told = found.pop(mine)
    assert found == {other: {} for other in CHANNELS if other != mine}
    right = [error for error in told.values() if type(error) is RAISED[fault.expect]]
    assert any(re.search(fault.says, str(error)) for error in right), told
    worst = [error for error in told.values() if isinstance(error, CannotJudge)]
    assert not worst, worst
    assert all(error.where.startswith("http://127.0.0.1:") and error.do for error in right)  # type: ignore[attr-defined]  # each of RAISED has both


def test_what_comes_while_it_is_waited_for_is_served(outside: Open) -> None:
    world = outside("404-then-200", wait=60)
    assert world.channels.serving == world.channels.expected


def test_a_partial_publish_names_the_jobs_that_failed(outside: Open) -> None:
    with pytest.raises(Finding) as caught:
        assert outside("partial-publish").channels.serving
    assert "crates, npm of 5 serve the release" in str(caught.value)
    assert "publish-pypi (failure)" in str(caught.value)


def test_a_planned_release_is_awaited_everywhere(outside: Open) -> None:
    world = outside(target="v0.1.10")
    for one in world.channels:
        assert {type(error) for error in problems(one).values()} == {NotYet}
    with pytest.raises(NotYet, match="no channel of 5 serve the release"):
        assert world.channels.serving


def test_an_old_release_whose_build_has_expired_is_measured_by_what_is_left(outside: Open) -> None:
    channels = outside(target="v0.1.5").channels
    assert channels["github"].version == "0.1.5"
    assert channels["github"].digests  # by the release's own checksums
    assert "which is weaker" in channels["github"].expectation.source
    assert "which is weaker" in channels["github"].settled.judgement.measured_by  # and so in the kept record
    with pytest.raises(CannotJudge, match=r"nothing but the channel itself .* has expired"):
        assert channels["crates"].digests
    with pytest.raises(CannotJudge, match=r"serves 0\.1\.9 by now"):
        assert channels["homebrew"].version
    assert channels["pypi"].version == "0.1.5"  # 0.1.9 is what pip takes, and is known


def test_the_evidence_of_the_build_comes_before_anything_else(outside: Open, tmp_path: Path) -> None:
    crate = "plasmite-0.1.9.crate"
    world = outside(evidence=tmp_path)
    sealed = tmp_path / "build" / "evidence.json"
    sealed.parent.mkdir()
    artifacts = [{"name": crate, "sha256": f"sha256:{'c' * 64}", "size": 1}]
    subject = {"commit": world.commit, "artifacts": artifacts}
    sealed.write_text(json.dumps({"verdict": "PASSED", "sandbox": True, "subject": subject}))
    with pytest.raises(Finding, match="expected cccccccccccc"):
        assert world.channels["crates"].digests
    assert world.channels["npm"].digests  # the build run has what the evidence has not


@pytest.mark.parametrize(
    "change", [{"verdict": "BLOCKED"}, {"sandbox": False}, {"subject": {"commit": "5" * 40}}]
)
def test_evidence_of_another_build_is_not_taken(
    outside: Open, tmp_path: Path, change: dict[str, object]
) -> None:
    world = outside(evidence=tmp_path)
    sealed = tmp_path / "build" / "evidence.json"
    sealed.parent.mkdir()
    artifacts = [{"name": "plasmite-0.1.9.crate", "sha256": f"sha256:{'c' * 64}", "size": 1}]
    record = {
        "verdict": "PASSED",
        "sandbox": True,
        "subject": {"commit": world.commit, "artifacts": artifacts},
    }
    sealed.write_text(json.dumps(record | change))
    assert world.channels["crates"].digests


def test_a_channel_that_the_profile_does_not_have_is_named(outside: Open) -> None:
    with pytest.raises(RelgateError, match="has no channel named nmp: it has github, crates"):
        outside().channels["nmp"]
