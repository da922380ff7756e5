"""No chain that lacks a link starts anything, and no dry run can start a publish."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from itertools import product

import pytest

from pytest_relgate.errors import CannotJudge
from pytest_relgate.github.dispatch import inputs_of
from pytest_relgate.github.permit import Chain, Permit, permit_for
from pytest_relgate.model import Earlier, Mode, Phase

COMMIT, OTHER = "a" * 40, "b" * 40
BEFORE = tuple(Earlier(phase, "PASSED", COMMIT, "sha256:x") for phase in Phase.PUBLISH.requires)
WHOLE = Chain(
    Phase.PUBLISH, "v1.0.0", COMMIT, Mode.LIVE, agent_named=True, locked=True, against=(), earlier=BEFORE
)
REHEARSAL = replace(WHOLE, phase=Phase.REHEARSAL, mode=Mode.DRY_RUN, agent_named=False, earlier=BEFORE[:2])


def test_a_whole_chain_gets_a_permit() -> None:
    permit = permit_for(WHOLE)
    assert (permit.phase, permit.target, permit.commit) == (Phase.PUBLISH, "v1.0.0", COMMIT)
    assert inputs_of(permit, "rehearsal") == {"release_tag": "v1.0.0", "rehearsal": "false"}


def test_a_rehearsal_needs_neither_live_mode_nor_a_name() -> None:
    permit = permit_for(REHEARSAL)
    assert inputs_of(permit, "dry") == {"release_tag": "v1.0.0", "dry": "true"}


def test_no_dry_run_has_a_permit_to_publish() -> None:
    """Every chain that there is: what is not a rehearsal comes of a whole live one alone."""
    unreal = 0
    for phase, mode, named, locked, against, count in product(
        Phase, Mode, (True, False), (True, False), ((), ("dirty",)), range(4)
    ):
        chain = Chain(phase, "v1.0.0", COMMIT, mode, named, locked, against, BEFORE[:count])
        try:
            permit = permit_for(chain)
        except CannotJudge:
            continue
        unreal += not permit.rehearsal
        assert permit.rehearsal or chain == WHOLE
    assert unreal == 1


def test_nobody_makes_a_permit_by_hand() -> None:
    with pytest.raises(TypeError):
        Permit(WHOLE)
    permit = permit_for(REHEARSAL)
    for make in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            make(permit)
    with pytest.raises(AttributeError):
        permit.rehearsal = False  # type: ignore[misc]  # frozen, which is what is tested


def _but(number: int, **changes: object) -> tuple[Earlier, ...]:
    import msgspec

    return tuple(
        msgspec.structs.replace(one, **changes) if at == number else one for at, one in enumerate(BEFORE)
    )


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        (replace(WHOLE, mode=Mode.DRY_RUN), "a dry run publishes nothing"),
        (replace(WHOLE, agent_named=False), "nobody is named"),
        (replace(WHOLE, locked=False), "there is no plan"),
        (replace(WHOLE, commit=""), "what is released is not known"),
        (replace(WHOLE, target=""), "what is released is not known"),
        (replace(WHOLE, against=("the tree is not as committed: a.py",)), "not as committed: a.py"),
        (replace(WHOLE, earlier=BEFORE[:2]), "rehearsal has no evidence"),
        (replace(WHOLE, earlier=BEFORE[1:]), "prerelease has no evidence"),
        (replace(WHOLE, earlier=_but(2, verdict="BLOCKED", problem="red")), "rehearsal has not passed: red"),
        (replace(WHOLE, earlier=_but(1, problem="altered")), "build has not passed: altered"),
        (replace(WHOLE, earlier=_but(0, commit=OTHER)), "prerelease passed on bbbbbbbbbbbb"),
        (replace(WHOLE, earlier=_but(0, live_only_left_out=True)), "left out gates that only a live run"),
        (replace(REHEARSAL, earlier=BEFORE[:1]), "build has no evidence"),
        (replace(REHEARSAL, phase=Phase.BUILD), "a run of build starts no workflow"),
        (replace(WHOLE, phase=Phase.POSTRELEASE), "a run of postrelease starts no workflow"),
    ],
)
def test_a_chain_that_lacks_a_link_is_refused_and_named(chain: Chain, words: str) -> None:
    with pytest.raises(CannotJudge, match=f"nothing was started: .*{words}") as refusal:
        permit_for(chain)
    assert refusal.value.do


def test_without_a_rehearsal_a_permit_takes_a_whole_proof() -> None:
    """``unrehearsed`` says why a rehearsal is needed: empty where none is, None where one always is."""
    for rehearsal in (BEFORE[:2], _but(2, verdict="BLOCKED"), _but(2, commit=OTHER)):
        assert permit_for(replace(WHOLE, earlier=rehearsal, unrehearsed="")).phase is Phase.PUBLISH
        for why in (None, "publish.yml changed since v0.9.0"):
            words = f"nothing was started: {f'a rehearsal is needed: {why}; ' if why else ''}rehearsal "
            with pytest.raises(CannotJudge, match=words) as refusal:
                permit_for(replace(WHOLE, earlier=rehearsal, unrehearsed=why))
            assert refusal.value.do == "type pytest -m rehearsal --release-target v1.0.0"
    for lacking in (0, 1):  # it stands for no other phase, and for no link that is not evidence
        with pytest.raises(CannotJudge):
            permit_for(replace(WHOLE, earlier=_but(lacking, verdict="BLOCKED")[:2], unrehearsed=""))
    with pytest.raises(CannotJudge):
        permit_for(replace(WHOLE, earlier=BEFORE[:2], unrehearsed="", against=("dirty",)))


def test_a_rehearsal_does_not_ask_for_what_only_live_runs_have() -> None:
    assert permit_for(replace(REHEARSAL, earlier=_but(0, live_only_left_out=True)[:2])).rehearsal
