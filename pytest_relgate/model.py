"""The types of a release run. All frozen; nothing here reads a file, a clock or the network.

The words are those of the documentation (``docs/words.md``). Times are RFC 3339 strings in UTC,
durations are seconds, digests are written ``sha256:<64 hex>``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

import msgspec

from pytest_relgate.unrehearsed import Unrehearsed

GLOB_SIGNS: Final = frozenset("*?[]/.")
"""What a pattern holds at least one of, and the name of a change set none."""


class Phase(StrEnum):
    """Where in a release a gate stands. Values are the marker names."""

    PRERELEASE = "prerelease"
    BUILD = "build"
    REHEARSAL = "rehearsal"
    PUBLISH = "publish"
    POSTRELEASE = "postrelease"
    WEEKLY = "weekly"

    @property
    def source(self) -> bool:
        """Whether the phase judges a source tree, so that its subject is HEAD and must be clean."""
        return self in (Phase.PRERELEASE, Phase.BUILD, Phase.REHEARSAL, Phase.PUBLISH)

    @property
    def serial(self) -> bool:
        """Whether the phase talks to one workflow run, so that it runs in one process."""
        return self in (Phase.BUILD, Phase.REHEARSAL, Phase.PUBLISH)

    @property
    def requires(self) -> tuple[Phase, ...]:
        """The phases whose PASSED evidence on the same commit this one needs (SPEC S10, S37)."""
        match self:
            case Phase.REHEARSAL:
                return (Phase.PRERELEASE, Phase.BUILD)
            case Phase.PUBLISH:
                return (Phase.PRERELEASE, Phase.BUILD, Phase.REHEARSAL)
            case _:
                return ()


class State(StrEnum):
    """What is known of one gate. DESIGN section 1."""

    PASSED = "PASSED"
    NOT_TRIGGERED = "NOT_TRIGGERED"
    WAIVED = "WAIVED"
    FAILED = "FAILED"
    ERRORED = "ERRORED"
    TIMED_OUT = "TIMED_OUT"
    CRASHED = "CRASHED"
    SKIPPED = "SKIPPED"
    FLAKY = "FLAKY"
    PENDING = "PENDING"
    BLOCKED_BY = "BLOCKED_BY"
    MISSING = "MISSING"
    UNPLANNED = "UNPLANNED"
    STALE = "STALE"
    INVALID = "INVALID"

    @property
    def passing(self) -> bool:
        """Whether a gate in this state lets the release go on."""
        return self in (State.PASSED, State.NOT_TRIGGERED, State.WAIVED)

    @property
    def settled(self) -> bool:
        """Whether a gate in this state is kept and not run again for the same subject."""
        return self in (State.PASSED, State.NOT_TRIGGERED)

    @property
    def remembered(self) -> bool:
        """Whether a later pass on the same tree is FLAKY."""
        return self in (State.FAILED, State.CRASHED, State.TIMED_OUT)

    @property
    def waivable(self) -> bool:
        """Whether a waiver may cover this state: never what was not judged or is not of this subject."""
        return self in (
            State.FAILED,
            State.ERRORED,
            State.TIMED_OUT,
            State.CRASHED,
            State.SKIPPED,
            State.FLAKY,
            State.PENDING,
        )


class Mode(StrEnum):
    """What a run may change outside this machine. SPEC S2."""

    DRY_RUN = "dry-run"
    LIVE = "live"


class Condition(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """When a gate applies.

    ``changed``: a file that matches ``patterns`` differs between base and commit.
    ``present``: a file that matches ``patterns`` exists in the repository under release.
    ``live``: the run is live.
    ``name`` is the change set or presence of the profile, or the pattern itself. ``others`` are lists of
    patterns beside ``patterns``: the condition holds if any of them does, and what one list takes away with
    ``!`` another may still match. ``tables`` are lists of patterns too: a manifest or lockfile that matches
    one of them counts by its dependency tables, and any other file by its bytes.
    """

    kind: Literal["changed", "present", "live"]
    name: str = ""
    patterns: tuple[str, ...] = ()
    others: tuple[tuple[str, ...], ...] = ()
    tables: tuple[tuple[str, ...], ...] = ()

    @property
    def lists(self) -> tuple[tuple[str, ...], ...]:
        """Every list of patterns of files that count by their bytes; one that is empty proves nothing."""
        return () if self.tables and not self.patterns else (self.patterns, *self.others)


class Tables(msgspec.Struct, frozen=True):
    """What is known of the dependency tables of files that changed (SPEC S25).

    ``alike`` names those whose tables are the same at base and commit, ``unreadable`` says why those of
    another cannot be compared. Of a file in neither they differ, or it has none that are known.
    """

    alike: tuple[str, ...] = ()
    unreadable: dict[str, str] = {}


class Gate(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One gate of a phase with what decides about it. ``limit`` is in seconds, 0 is unknown."""

    id: str
    phase: str
    title: str = ""
    conditions: tuple[Condition, ...] = ()
    advisory: bool = False
    waivable: bool = True
    reads_world: bool = False
    sequence: str = ""
    limit: float = 0
    incident: bool = False
    remedy: str = ""
    where: str = ""
    problem: str = ""
    faults: tuple[str, ...] = ()


class Proof(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Why a condition holds or does not: what was compared and what was looked at.

    ``held`` is None when the condition could not be decided; then the gate runs. ``alike`` are files that
    changed, and whose dependency tables did not.
    """

    condition: Condition
    held: bool | None
    reason: str
    base: str = ""
    commit: str = ""
    looked_at: int = 0
    matched: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()


class Decision(msgspec.Struct, frozen=True, gc=False):
    """Whether a gate is due in this run, with the proof for each of its conditions."""

    gate: str
    proofs: tuple[Proof, ...] = ()

    @property
    def due(self) -> bool:
        """A gate is left out only if a condition of it provably does not hold."""
        return not any(proof.held is False for proof in self.proofs)


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One built file: name, ``sha256:`` digest, size in bytes."""

    name: str
    sha256: str
    size: int


class BuildRun(msgspec.Struct, frozen=True):
    """The run that built a release, and every file that it built, metadata left out."""

    id: int
    attempt: int
    url: str
    commit: str
    artifacts: tuple[Artifact, ...] = ()


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the evidence is about.

    ``tree`` is the git tree of ``commit`` without waivers, sign-offs and evidence, marked with ``+`` and a
    digest of the changes where it is dirty; ``checks`` is the digest of the checks folder as it was used;
    ``checks_commit`` is empty where it is not in git.
    ``dirt`` names up to a few paths that are not as committed; ``dirty`` is the fact itself.
    ``checks_path`` and ``checks_also`` are the folder, and the files outside it that decide how it runs,
    in the repository of the checks. ``left_out`` are the paths that ``tree`` is without.
    """

    repository: str
    commit: str
    tree: str
    dirty: bool
    checks: str
    checks_commit: str = ""
    checks_dirty: bool = False
    dirt: tuple[str, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    checks_path: str = ""
    checks_also: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def committed_tree(self) -> str:
        """The tree as the commit has it, whatever was changed beside it."""
        return self.tree.partition("+")[0]

    @property
    def key(self) -> tuple[str, str]:
        """What failures are remembered by: the same tree judged by the same checks."""
        return (self.tree, self.checks)


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One execution of one gate. Numbered from 1 without gaps; appended, never replaced.

    ``tree``, ``checks``, ``base`` (a commit or empty) and ``mode`` say under what it was judged.
    ``message``, ``where`` and ``do`` are what a person reads of a failure. ``signed`` are the digests of
    the diffs that it passed by the review of: without that review the pass does not stand. ``unsigned`` are
    those of the diffs whose reviews are all that it failed for: once they are on record that is forgotten.
    """

    gate: str
    number: int
    outcome: State
    run: int
    started: str
    seconds: float
    worker: str
    tree: str
    checks: str
    base: str = ""
    mode: str = "dry-run"
    message: str = ""
    where: str = ""
    do: str = ""
    log: str = ""
    phase_of_test: str = ""
    signed: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """The gates that must judge. ``locked`` is whether they stand in a committed ``gates.lock``.

    ``missing`` names the planned gates that were not collected, ``unplanned`` the collected ones that
    are not in the lock, ``invalid`` the malformed ones; each maps a gate id to the reason.
    ``elsewhere`` names the gates of other phases: a waiver for one of them is theirs to judge.
    """

    phase: Phase
    target: str
    mode: Mode
    gates: tuple[Gate, ...]
    locked: bool
    missing: dict[str, str] = {}
    unplanned: dict[str, str] = {}
    invalid: dict[str, str] = {}
    notes: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reviewed exception for one gate of one release, from ``waivers.toml``.

    ``created`` and ``expires`` are RFC 3339; ``states`` are the states that it covers.
    """

    gate: str
    release: str
    states: tuple[State, ...]
    reason: str
    owner: str
    approver: str
    created: str
    expires: str


class Signoff(msgspec.Struct, frozen=True):
    """A named person's word that a flaky gate's cause is understood, for one tree."""

    gate: str
    tree: str
    person: str
    cause: str


class Review(msgspec.Struct, frozen=True):
    """A named person's word that a diff was reviewed: ``diff`` is its ``sha256:`` digest (SPEC S27)."""

    gate: str
    diff: str
    person: str
    reason: str


class Earlier(msgspec.Struct, frozen=True):
    """What an earlier phase's sealed evidence said, as read by a verification of it.

    ``build_run`` is the build run that its command named, 0 for the tag's.
    """

    phase: Phase
    verdict: Literal["PASSED", "BLOCKED"]
    commit: str
    digest: str
    live_only_left_out: bool = False
    problem: str = ""
    build_run: int = 0


class Reason(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Why a verdict is BLOCKED. ``code`` is a State, or an upper-case word for a fact about the run."""

    code: str
    message: str
    gate: str = ""
    remedy: str = ""
    where: str = ""


class Judged(msgspec.Struct, frozen=True, gc=False):
    """One gate with its state, why, and every attempt that counts for it."""

    gate: Gate
    state: State
    why: str = ""
    attempts: tuple[Attempt, ...] = ()
    decision: Decision | None = None
    waiver: Waiver | None = None


class Verdict(msgspec.Struct, frozen=True):
    """PASSED, or BLOCKED with at least one reason."""

    passed: bool
    reasons: tuple[Reason, ...]
    gates: tuple[Judged, ...]
    notes: tuple[str, ...] = ()

    @property
    def word(self) -> Literal["PASSED", "BLOCKED"]:
        """The verdict as evidence and reports write it."""
        return "PASSED" if self.passed else "BLOCKED"

    @property
    def only_pending(self) -> bool:
        """Whether nothing blocks but gates that wait for the world."""
        return not self.passed and all(r.code == State.PENDING for r in self.reasons)


class Context(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a run was asked for and where each answer came from. SPEC S1-S5.

    ``base`` is empty for a first release; ``base_commit`` likewise. ``*_why`` are for people.
    ``reviewed_commit`` is the commit of the checks that waivers and sign-offs were read from; it may be
    later than the one that is judged, and is empty where the checks are not in git (SPEC B5).
    ``build_run`` is the build run that was named, 0 for the tag's; ``recover`` is whether the release is
    recovered.
    """

    phase: Phase
    target: str
    target_why: str
    base: str
    base_why: str
    base_commit: str
    mode: Mode
    agent: str
    agent_why: str
    sandbox: bool = False
    faults: tuple[str, ...] = ()
    reviewed_commit: str = ""
    reviewed_why: str = ""
    build_run: int = 0
    recover: bool = False


class Drill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which gates of a phase are proved able to fail, and why the others are not. SPEC B10.

    ``when`` is RFC 3339 in UTC; ``checks`` the digest of the checks that were drilled.
    """

    when: str
    checks: str
    proved: tuple[str, ...]
    unproved: dict[str, str]
    sandbox: bool = False


class ChannelLine(msgspec.Struct, frozen=True):
    """One channel as it was found, in the words of the channel table."""

    channel: str
    state: str
    version: str
    files: str
    digests: str
    since: str


class ChannelTable(msgspec.Struct, frozen=True):
    """Which channels serve the release, which do not, and which disagree. SPEC S12, S58.

    ``at`` is when they were looked at (RFC 3339 in UTC), ``measured_by`` what their digests were held
    against, in words; ``weak`` names the channels that were held against the release's own checksum file.
    ``incidents`` are what no time mends: a channel that lacks the release because its publish job did not
    succeed, and bytes that disagree.
    """

    at: str
    lines: tuple[ChannelLine, ...]
    measured_by: str = ""
    weak: tuple[str, ...] = ()
    incidents: tuple[str, ...] = ()


class Record(msgspec.Struct, frozen=True):
    """Everything that reports and the seal say about one run. Reports are projections of it.

    ``kept`` maps the id of a gate that was not run again to the start time of the attempt that stands.
    ``set_aside`` names what the run put aside or found ruled out in pytest's own configuration;
    ``not_checked`` says in words what this evidence does not speak of; ``channels`` is the
    newest look at them, ``build`` the run that built it. ``unrehearsed`` is what a publish rests on in the
    place of a rehearsal.
    """

    context: Context
    subject: Subject
    verdict: Verdict
    locked: bool
    run: int
    started: str
    finished: str
    environment: dict[str, str]
    kept: dict[str, str] = {}
    waivers: tuple[Waiver, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    set_aside: tuple[str, ...] = ()
    narrowed: str = ""
    not_checked: tuple[str, ...] = ()
    folder: str = ""
    command: str = ""
    drill: Drill | None = None
    channels: ChannelTable | None = None
    build: BuildRun | None = None
    unrehearsed: Unrehearsed | None = None
