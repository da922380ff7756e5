"""A publish goes without a rehearsal by a whole proof alone: one thing missing or wrong asks for one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.judge import decide, reconcile
from pytest_relgate.judge.rehearsal import in_words, why_rehearse
from pytest_relgate.model import Attempt, Earlier, Gate, Mode, Phase, State, Subject, Verdict
from pytest_relgate.unrehearsed import ChecksThen, Credentials, Machinery, Setting, Unrehearsed

BASE, COMMIT, CHECKS, THEN = "b" * 40, "c" * 40, "d" * 40, "e" * 40
PUBLISHED, BEFORE, AFTER = "2026-03-09T14:00:00Z", "2026-03-09T13:59:59Z", "2026-03-09T14:00:01Z"
WHOLE = Unrehearsed(
    "v1.0.1",
    "v1.0.0",
    Machinery(
        BASE,
        COMMIT,
        files=(".github/workflows/publish.yml",),
        patterns=("setup.py",),
        looked_at=8,
        alike=("Cargo.toml",),
        secrets=("NPM_TOKEN",),
    ),
    Credentials(
        7,
        "https://github.example/runs/7",
        BASE,
        PUBLISHED,
        ("NPM_TOKEN", "TAP_TOKEN"),
        (Setting("NPM_TOKEN", BEFORE), Setting("TAP_TOKEN", BEFORE, "release")),
    ),
    ChecksThen(THEN, CHECKS),
)
GATE = Gate("g", Phase.PUBLISH)
SUBJECT = Subject("r", COMMIT, "tree", dirty=False, checks="sha256:checks", checks_commit=CHECKS)


def but(part: str, **changes: Any) -> Unrehearsed:
    """The proof with one part of it changed; ``part`` is empty for what stands above its parts."""
    if not part:
        return msgspec.structs.replace(WHOLE, **changes)
    return msgspec.structs.replace(WHOLE, **{part: msgspec.structs.replace(getattr(WHOLE, part), **changes)})


def why(record: Unrehearsed | None, **asked: str) -> str:
    return why_rehearse(
        record, **{"target": "v1.0.1", "base": BASE, "commit": COMMIT, "checks": CHECKS, **asked}
    )


def set_at(*settings: Setting) -> Unrehearsed:
    return but("credentials", settings=settings)


WRONG = [
    pytest.param(None, "nothing says", id="no proof"),
    pytest.param(but("", target="v1.0.2"), "is about v1.0.2", id="of another release"),
    pytest.param(but("", base=""), "a first release", id="no base"),
    pytest.param(but("machinery", base_commit="a" * 40), "compares aaaaaaaaaaaa", id="of another base"),
    pytest.param(but("machinery", commit="a" * 40), "with aaaaaaaaaaaa", id="of another commit"),
    pytest.param(but("machinery", files=()), "no release machinery was found", id="nothing was compared"),
    pytest.param(but("machinery", patterns=()), "no release machinery was found", id="without patterns"),
    pytest.param(but("machinery", doubt="it is no YAML"), "it is no YAML", id="cannot be read"),
    pytest.param(
        but("machinery", changed=(".github/workflows/publish.yml",)),
        ".github/workflows/publish.yml changed since v1.0.0",
        id="a workflow changed",
    ),
    pytest.param(
        but("machinery", secrets=("NPM_TOKEN", "PYPI_TOKEN")),
        "when PYPI_TOKEN was set was not asked",
        id="a secret that a workflow reads was not asked about",
    ),
    pytest.param(but("checks", changed=("relgate.toml",)), "relgate.toml changed since", id="the profile"),
    pytest.param(but("checks", doubt="not in git"), "not in git", id="the checks are in doubt"),
    pytest.param(but("checks", commit=""), "is not on record", id="no checks then"),
    pytest.param(but("checks", now="f" * 40), "about the checks of ffffffffffff", id="of other checks"),
    pytest.param(but("credentials", run=0), "no publish of v1.0.0 is known", id="no publish"),
    pytest.param(but("credentials", published=""), "no publish of v1.0.0 is known", id="no time"),
    pytest.param(but("credentials", published="lately"), "no publish of v1.0.0 is known", id="no such time"),
    pytest.param(but("credentials", commit=COMMIT), "published another commit", id="of another commit then"),
    pytest.param(but("credentials", doubt="403"), "403", id="secrets may not be listed"),
    pytest.param(set_at(Setting("NPM_TOKEN", BEFORE)), "when the secret TAP_TOKEN", id="one is not listed"),
    pytest.param(
        set_at(Setting("NPM_TOKEN", AFTER), Setting("TAP_TOKEN", BEFORE)),
        f"the secret NPM_TOKEN was set on {AFTER}, after the publish of v1.0.0 began",
        id="a secret that is newer",
    ),
    pytest.param(
        set_at(Setting("NPM_TOKEN", PUBLISHED), Setting("TAP_TOKEN", BEFORE)),
        "NPM_TOKEN was set on",
        id="a secret of the same second",
    ),
    pytest.param(
        set_at(*WHOLE.credentials.settings, Setting("NPM_TOKEN", AFTER, "release")),
        "NPM_TOKEN of the environment release was set on",
        id="an environment has a newer one of that name",
    ),
    pytest.param(
        set_at(Setting("NPM_TOKEN", ""), Setting("TAP_TOKEN", BEFORE)), "is not known", id="set at no time"
    ),
]


def test_a_whole_proof_spares_the_rehearsal_and_says_so() -> None:
    assert why(WHOLE) == ""
    assert in_words(WHOLE) == (
        "No rehearsal: release machinery and credentials are as they were at v1.0.0, whose publish "
        f"succeeded (run 7, {PUBLISHED}); none of 8 changed paths is machinery, and none of 2 secrets "
        "was set since"
    )


@pytest.mark.parametrize(("record", "words"), WRONG)
def test_one_thing_that_is_wrong_asks_for_a_rehearsal(record: Unrehearsed | None, words: str) -> None:
    assert words in why(record)


@pytest.mark.parametrize("asked", ["base", "commit", "checks", "target"])
def test_a_proof_for_something_else_is_none(asked: str) -> None:
    assert why(WHOLE, **{asked: "a" * 40})
    assert why(WHOLE, **{asked: ""})


# -- the verdict ------------------------------------------------------------------------------------------


def earlier(*phases: Phase, **changes: Any) -> tuple[Earlier, ...]:
    return tuple(
        msgspec.structs.replace(Earlier(one, "PASSED", COMMIT, "sha256:x"), **changes) for one in phases
    )


BUILT = earlier(Phase.PRERELEASE, Phase.BUILD)


def verdict(record: Unrehearsed | None, found: tuple[Earlier, ...] = BUILT, base: str = BASE) -> Verdict:
    passed = Attempt(
        "g", 1, State.PASSED, 1, PUBLISHED, 1.0, "main", "tree", "sha256:checks", base, Mode.LIVE
    )
    plan = reconcile(phase=Phase.PUBLISH, target="v1.0.1", mode=Mode.LIVE, lock=(GATE,), collected=(GATE,))
    return decide(plan, {}, {"g": (passed,)}, (), SUBJECT, found, PUBLISHED, base=base, unrehearsed=record)


def test_a_publish_passes_without_a_rehearsal_by_the_proof_alone() -> None:
    assert verdict(WHOLE).passed
    assert verdict(WHOLE).notes == (in_words(WHOLE),)
    (reason,) = verdict(None).reasons
    assert (reason.code, "is needed" in reason.message) == ("EARLIER", False)


@pytest.mark.parametrize(("record", "words"), WRONG[1:])
def test_the_verdict_names_why_and_the_command(record: Unrehearsed, words: str) -> None:
    (reason,) = verdict(record).reasons
    assert reason.message.startswith("a rehearsal is needed: ")
    assert words in reason.message
    assert "pytest -m rehearsal --release-target v1.0.1" in reason.remedy


def test_a_rehearsal_that_passed_needs_no_proof() -> None:
    for record in (None, but("machinery", changed=("x",))):
        assert verdict(record, (*BUILT, *earlier(Phase.REHEARSAL))).passed


@pytest.mark.parametrize("lacking", [Phase.PRERELEASE, Phase.BUILD])
def test_no_proof_stands_for_another_phase(lacking: Phase) -> None:
    found = tuple(one for one in BUILT if one.phase is not lacking)
    assert [lacking in reason.message for reason in verdict(WHOLE, found).reasons] == [True]


PARTS = {"": WHOLE, **{name: getattr(WHOLE, name) for name in ("machinery", "credentials", "checks")}}
CHANGES = [
    (part, field, value)
    for part, struct in PARTS.items()
    for field in struct.__struct_fields__
    if field not in PARTS
    for value in (
        {"", "x", "v9.9.9", AFTER} if isinstance(getattr(struct, field), str) else {0, 8, (), ("x",)}
    )
    if type(value) is type(getattr(struct, field)) and field != "settings"
]


@given(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3), st.booleans())
def test_taking_the_proof_away_never_turns_blocked_into_passed(
    changes: list[tuple[str, str, Any]], rehearsed: bool
) -> None:
    record = WHOLE
    for part, field, value in changes:
        inner = msgspec.structs.replace(getattr(record, part) if part else record, **{field: value})
        record = msgspec.structs.replace(record, **{part: inner}) if part else inner
    found = (*BUILT, *(earlier(Phase.REHEARSAL) if rehearsed else ()))
    judged = verdict(record, found)
    if not judged.passed:
        assert not verdict(None, found).passed
    assert judged.passed is (rehearsed or not why(record))
