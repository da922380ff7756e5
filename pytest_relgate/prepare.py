"""What a run is asked for, worked out once on the controller before any conftest is loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence.folder import FAULTY
from pytest_relgate.exec.redact import Redactor, secret_values
from pytest_relgate.lockfile import read_lock
from pytest_relgate.model import Context, Gate, Mode, Phase, Subject, Tables, Waiver
from pytest_relgate.net.origins import PUBLIC, Origins
from pytest_relgate.profile import Profile, load_profile
from pytest_relgate.request import PROFILE, Request, asked_others, asked_recovery
from pytest_relgate.source.git import Repository
from pytest_relgate.source.reviewed_commit import ReviewedAt, reviewed_commit
from pytest_relgate.source.target import agent_of, newest_tag, resolve_base, resolve_target
from pytest_relgate.subject import Checks, name_of, read_checks, read_subject
from pytest_relgate.waiverfile import Reviewed, read_reviewed

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from pytest_relgate.sandbox.box import Box

SANDBOX = "sandbox"


@dataclass(frozen=True)
class Place:
    """Where a run happens: pytest's root directory and ini file, and the folder it was typed in."""

    rootdir: Path
    ini: Path | None
    invocation: Path
    evidence_ini: str


@dataclass(frozen=True)
class Prepared:
    """The facts of a run before the first gate. ``lock`` is None where there is no gates.lock.

    ``changed`` and ``files`` are None where no gate asks for them or they could not be worked out.
    ``origins`` is where services are, ``environ`` what commands see beside the user's environment, and
    ``stand_ins`` the tools that the sandbox stands in for. ``box`` is the sandbox, to be closed at the end.
    ``earlier`` is where the evidence of earlier phases is, None where it is beside this one. ``reviewed``
    are waivers and sign-offs as the commit has them that the context names; ``notes`` are what is worth
    saying about that. ``rehearsal`` says in words what git has to say about one, empty for nothing.
    """

    request: Request
    profile: Profile
    context: Context
    subject: Subject
    checks: Checks
    repository: Repository
    evidence: Path
    lock: tuple[Gate, ...] | None
    reviewed: Reviewed
    redactor: Redactor
    changed: tuple[str, ...] | None
    files: tuple[str, ...] | None
    rerun: bool
    origins: Origins = PUBLIC
    environ: Mapping[str, str] = field(default_factory=dict)
    stand_ins: tuple[str, ...] = ()
    box: Box | None = None
    earlier: Path | None = None
    notes: tuple[str, ...] = ()
    tables: Tables = field(default_factory=Tables)
    rehearsal: str = ""

    @property
    def waivers(self) -> tuple[Waiver, ...]:
        """The waivers that are in order as files; whether they count is judged."""
        return self.reviewed.waivers


def prepare(
    request: Request, options: argparse.Namespace, place: Place, environ: Mapping[str, str]
) -> Prepared:
    """Work out target, base, mode, agent, subject, lock and conditions.

    Raises RelgateError, one line, for anything that does not hold together.
    """
    profile, checks, repository, box = read_place(request, options, place, environ)
    sandbox = box is not None
    phase = Phase(request.phase or Phase.PRERELEASE)
    target, target_why = resolve_target(
        option=options.release_target,
        environ=environ,
        repo=repository,
        phase=phase,
        newest=box.newest_release if box is not None else lambda: newest_tag(repository, like=profile.tag),
        like=profile.tag,
    )
    base, base_commit, base_why = resolve_base(
        override=options.release_base, target=target, repo=repository, policy=profile.base.policy
    )
    mode = Mode(options.release_mode or Mode.DRY_RUN)
    identity = (checks.repository or repository).identity().partition(" <")[0]
    agent, agent_why = agent_of(options.release_agent, environ, identity)
    if mode is Mode.LIVE and not options.release_agent:
        message = "a live run needs to know who runs it: type --release-agent NAME@HOST"
        raise RelgateError(message)
    if phase is Phase.PUBLISH and mode is Mode.DRY_RUN:
        message = "a dry run ends after the rehearsal: publish needs --release-mode live"
        raise RelgateError(message)
    build_run, recover = asked_recovery(options, phase)
    asked_others(options, phase)
    earlier = evidence = _evidence_root(options.release_evidence, place)
    if box is not None and box.names and options.release_evidence is None:
        evidence = evidence / FAULTY / "+".join(box.names)  # it settles nothing of a healthy run
    name = name_of(repository, profile.repository, sandbox=sandbox)
    lock = read_lock(request.checks)
    if mode is Mode.LIVE and lock is None:
        message = "a live run needs a plan: type pytest --release-lock, review gates.lock and commit it"
        raise RelgateError(message)
    if box is not None:  # first: what is judged may be a tag that has to be fetched
        box.aim(target, phase if request.kind == "run" else None)
    commit_facts = read_subject(
        repository, phase=phase, target=target, checks=checks, evidence=evidence, name=name
    )
    kinds = {condition.kind for gate in lock or () for condition in gate.conditions}
    everything = lock is None
    changed = (
        repository.changed(base_commit, commit_facts.commit)
        if base and (everything or "changed" in kinds)
        else None
    )
    by_table = everything or any(condition.tables for gate in lock or () for condition in gate.conditions)
    at = _reviewed_at(checks, options.release_reviewed or "", profile)
    context = Context(
        phase=phase,
        target=target,
        target_why=target_why,
        base=base,
        base_why=base_why,
        base_commit=base_commit,
        mode=mode,
        agent=agent,
        agent_why=agent_why,
        sandbox=sandbox,
        faults=box.names if box else (),
        reviewed_commit=at.commit,
        reviewed_why=at.why,
        build_run=build_run,
        recover=recover,
    )
    return Prepared(
        request=request,
        profile=profile,
        context=context,
        subject=commit_facts,
        checks=checks,
        repository=repository,
        evidence=evidence,
        lock=lock,
        reviewed=read_reviewed(checks.repository, at.commit, checks.path)
        if checks.repository
        else Reviewed(),
        redactor=Redactor(secret_values(environ, profile.secrets.names)),
        changed=changed,
        files=working_files(repository.path) if everything or "present" in kinds else None,
        rerun=bool(options.release_rerun),
        origins=box.origins if box else PUBLIC,
        environ=box.environ if box else {},
        stand_ins=box.stand_ins if box else (),
        box=box,
        earlier=earlier,
        notes=_about_reviewed(checks, at),
        tables=_tables(repository, base_commit, commit_facts.commit, changed) if by_table else Tables(),
        rehearsal=_rehearsal(profile, repository, context, commit_facts, checks.repository),
    )


def _rehearsal(
    profile: Profile, repository: Repository, context: Context, subject: Subject, checks: Repository | None
) -> str:
    """What git has to say about a rehearsal, in words; nothing is looked at where each release has one."""
    if profile.rehearsal.when == "always":
        return ""
    from pytest_relgate.rehearsing import foreseen

    return foreseen(profile, repository, context, subject, checks)


def _tables(repository: Repository, base: str, commit: str, changed: Sequence[str] | None) -> Tables:
    """What changed in dependency tables; nothing is known where it is not known what changed."""
    if not changed:
        return Tables()
    from pytest_relgate.source.dependencies import compared

    return compared(repository, base, commit, changed)


def _reviewed_at(checks: Checks, asked: str, profile: Profile) -> ReviewedAt:
    """Where waivers and sign-offs are read; nowhere for checks that are not in git."""
    if checks.repository is None:
        return ReviewedAt("", "the checks are not in git")
    return reviewed_commit(checks.repository, checks.commit, asked=asked, branch=profile.approvers.branch)


def _about_reviewed(checks: Checks, at: ReviewedAt) -> tuple[str, ...]:
    """What somebody may take for a waiver or sign-off, and is none."""
    instead = f"what counts is what commit {at.commit[:12]} has" if at.commit else "so it does not count"
    loose = (f"{path} is not as committed: {instead}; commit it" for path in checks.loose)
    return tuple(filter(None, (at.note, *loose)))


def read_place(
    request: Request, options: argparse.Namespace, place: Place, environ: Mapping[str, str]
) -> tuple[Profile, Checks, Repository, Box | None]:
    """Read the profile and the checks, find the repository under release; open the sandbox if it is that."""
    named = Path(options.release_config) if options.release_config else request.checks / PROFILE
    profile_path = _from(place.invocation, named)
    profile = load_profile(profile_path)
    checks = read_checks(request.checks, place.rootdir, place.ini, profile=profile_path)
    repository, box = _under_release(options.release_repo, profile, checks, place, environ)
    return profile, checks, repository, box


def _under_release(
    option: str | None, profile: Profile, checks: Checks, place: Place, environ: Mapping[str, str]
) -> tuple[Repository, Box | None]:
    """The repository under release, and the sandbox where it is the sandbox's."""
    wish = option if option is not None else profile.under_release
    word, _, faults = wish.partition(":")
    if word == SANDBOX:
        from pytest_relgate.sandbox.box import open_box

        checkout = checks.repository.path if checks.repository else checks.folder
        box = open_box(checkout, [name for name in faults.split(",") if name], environ)
        return Repository.at(box.repository), box
    if option is not None:
        if not option.strip():
            message = "--release-repo is empty: name a folder, or sandbox"
            raise RelgateError(message)
        named = _from(place.invocation, Path(option))
        if not named.is_dir():  # the repository around it would be another one than was meant
            message = f"--release-repo: expected a folder of a git repository, found none at {named}"
            raise RelgateError(message)
        return Repository.at(named), None
    if checks.repository is None:
        message = (
            f"{checks.folder} is in no git repository that has a commit, so nothing is under release: "
            "commit what is to be released, or name a repository with --release-repo"
        )
        raise RelgateError(message)
    return Repository.at(checks.repository.path / wish), None


def _evidence_root(option: str | None, place: Place) -> Path:
    if option is not None:
        return _from(place.invocation, Path(option))
    return _from(place.rootdir, Path(place.evidence_ini or "release-evidence"))


def _from(folder: Path, path: Path) -> Path:
    return Path(os.path.abspath(folder / path.expanduser()))  # noqa: PTH100  (links stay)


def working_files(top: Path) -> tuple[str, ...]:
    """Every file of a working tree, ignored ones too (built artifacts are), git's own left out."""
    found = []
    for place, folders, names in os.walk(top):
        if ".git" in folders:
            folders.remove(".git")
        inside = os.path.relpath(place, top)
        found += [name if inside == "." else f"{inside}/{name}" for name in names]
    return tuple(sorted(found))
