"""Why a verdict is BLOCKED, in words that a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.model import Mode, Phase, Reason, State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_relgate.model import Attempt, Earlier, Judged, Plan, Subject

_RELOCK = "`pytest --release-lock`, review what changes and commit gates.lock"
_PASSED = State.PASSED
_FLAKY = State.FLAKY
# Where the gate judged, its own word on what to do is better than ours; elsewhere it had no say.
_OWN = frozenset(state for state in State if state.waivable)


def about_run(
    plan: Plan, subject: Subject, earlier: Sequence[Earlier], why_rehearse: str | None = None
) -> Iterator[Reason]:
    """What rules PASSED out before any gate is looked at (DESIGN section 3.6).

    ``why_rehearse`` says why a rehearsal is needed, empty where it is proved that none is; None where the
    profile lets no release go without one (SPEC S37).
    """
    lacking = [
        name
        for name, value in (
            ("commit", subject.commit),
            ("tree", subject.tree),
            ("digest of the checks", subject.checks),
        )
        if not value
    ]
    if lacking:
        yield Reason(
            "SUBJECT",
            f"expected a subject with commit, tree and checks, found no {' and no '.join(lacking)}",
            remedy=f"commit what is to be released, then run {_command(plan, plan.phase)}",
        )
    if subject.dirty and plan.phase.source:
        yield Reason(
            "DIRTY",
            f"expected a clean tree, found changes that are not committed: {_dirt(subject)}",
            remedy=f"commit or remove them, then run {_command(plan, plan.phase)}",
        )
    if subject.checks_dirty:
        yield Reason(
            "DIRTY_CHECKS",
            "expected the checks as committed, found changes in the checks folder or what decides about it",
            remedy=f"commit or remove them, then run {_command(plan, plan.phase)}",
        )
    if not plan.locked:
        yield Reason(
            "UNLOCKED",
            "expected a committed gates.lock, found none: nothing says that these are all the gates",
            remedy=f"run {_RELOCK}",
        )
    if not plan.gates:
        yield Reason(
            "EMPTY_PLAN",
            f"expected gates of phase {plan.phase}, found none planned",
            remedy=f"mark gates with pytest.mark.{plan.phase}, then run {_RELOCK}",
        )
    for phase in plan.phase.requires:
        why = why_rehearse if phase is Phase.REHEARSAL else None
        if why != "":
            found = [one for one in earlier if one.phase is phase]
            yield from _about_earlier(plan, phase, subject, found, why or "")


def nothing_passed(plan: Plan) -> Reason:
    """No gate blocks, and none has judged the release to be good either."""
    return Reason(
        "NOTHING_PASSED",
        "expected a gate that passed, found none: waived, advisory and left out gates prove nothing",
        remedy=f"run {_command(plan, plan.phase)} under conditions in which a gate judges",
    )


def waived_unknown(gate_id: str, plan: Plan) -> Reason:
    """A waiver names a gate that no phase has."""
    return Reason(
        "WAIVER",
        f"waiver for {gate_id}: expected a planned gate, found none of that id in phase {plan.phase}",
        remedy="correct the id in waivers.toml, or remove the waiver",
    )


def signed_unknown(gate_id: str, plan: Plan) -> Reason:
    """A sign-off names a gate that no phase has."""
    return Reason(
        "SIGNOFF",
        f"sign-off for {gate_id}: expected a planned gate, found none of that id in phase {plan.phase}",
        remedy="correct the id in signoffs.toml, or remove the sign-off",
    )


def about_gate(judged: Judged, plan: Plan) -> Reason:
    """Why this gate blocks: what it found, where, and what to do next."""
    gate = judged.gate
    attempt = _deciding(judged)
    message = judged.why
    if attempt is not None and attempt.message and judged.state is not _FLAKY:
        message = attempt.message
    own = ((attempt.do if attempt else "") or gate.remedy) if judged.state in _OWN else ""
    return Reason(
        code=judged.state,
        message=message,
        gate=gate.id,
        remedy=own or _remedy(judged, plan),
        where=(attempt.where if attempt else "") or gate.where,
    )


def _deciding(judged: Judged) -> Attempt | None:
    """The newest attempt whose words stand for the state; none where no attempt speaks for it."""
    state = judged.state
    for attempt in reversed(judged.attempts):
        if attempt.outcome is state or (state is _FLAKY and attempt.outcome is not _PASSED):
            return attempt
    return None


def _about_earlier(
    plan: Plan, phase: Phase, subject: Subject, found: Sequence[Earlier], why: str
) -> Iterator[Reason]:
    problems = [_problem_of(one, plan, subject) for one in found]
    if "" in problems:
        return
    problem = problems[0] if problems else "none"
    here = subject.commit[:12] or "none"
    yield Reason(
        "EARLIER",
        f"{f'a {phase} is needed: {why}; ' if why else ''}"
        f"expected PASSED evidence of phase {phase} on commit {here}, found {problem}",
        remedy=f"run {_command(plan, phase)}",
    )


def _problem_of(one: Earlier, plan: Plan, subject: Subject) -> str:
    """Why this earlier evidence does not carry a run of ``plan``; empty if it does."""
    if one.problem:
        return one.problem
    if one.commit != subject.commit:
        return f"that of commit {one.commit[:12] or 'none'}"
    if one.verdict != "PASSED":
        return one.verdict
    if plan.mode is Mode.LIVE and one.live_only_left_out:
        return "that of a dry run, which left out gates that judge live runs only"
    return ""


def _remedy(judged: Judged, plan: Plan) -> str:  # noqa: C901, PLR0911  (one answer for each state)
    again = f"run {_command(plan, plan.phase)}"
    match judged.state:
        case State.FAILED:
            return f"correct what it found and commit (a pass on the same tree would be FLAKY), then {again}"
        case State.ERRORED:
            return f"give it what it needs to judge (tool, network, credentials), then {again}"
        case State.TIMED_OUT:
            return f"make it faster and commit, or raise its limit on purpose: {_RELOCK}"
        case State.CRASHED:
            return f"read its log for what ended the process, correct that and commit, then {again}"
        case State.SKIPPED:
            return "let it judge, or declare when it applies: when_changed, when_present, live_only"
        case State.FLAKY:
            tree = judged.attempts[-1].tree if judged.attempts else ""
            return (
                "correct the cause and commit; or, the cause understood, commit in signoffs.toml: "
                f'[[signoff]] gate = "{judged.gate.id}" tree = "{tree}" person = "..." cause = "..."'
            )
        case State.PENDING:
            return f"wait for the world to catch up, then {again}"
        case State.BLOCKED_BY:
            return f"get the gates before it in its sequence to pass, then {again}"
        case State.UNPLANNED:
            return f"if it belongs to the plan run {_RELOCK}, else remove it"
        case State.INVALID:
            return f"correct the gate and commit, then {again}"
        case State.MISSING if judged.gate.id in plan.missing:
            return f"bring the gate back; if it is gone on purpose, {_RELOCK}"
        case State.MISSING | State.STALE | State.PASSED | State.NOT_TRIGGERED | State.WAIVED:
            return again


def _command(plan: Plan, phase: Phase) -> str:
    live = " --release-mode live --release-agent YOU" if plan.mode is Mode.LIVE else ""
    return f"`pytest -m {phase} --release-target {plan.target}{live}`"


def _dirt(subject: Subject) -> str:
    return ", ".join(subject.dirt) or "git does not say which"
