"""``relgate status``: a checkpoint before anything runs. It starts nothing and changes no evidence."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.cli.places import checkout_of, places_of
from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence.folder import FAULTY, SEAL
from pytest_relgate.judge.rehearsal import why_rehearse
from pytest_relgate.model import Phase
from pytest_relgate.prepare import Place, read_place
from pytest_relgate.rehearsing import deciding_paths, unrehearsed
from pytest_relgate.request import Request
from pytest_relgate.source.target import newest_tag, resolve_base, resolve_target
from pytest_relgate.source.versions import names_a_release, parse_target
from pytest_relgate.status.checkpoint import Checkpoint, anomalies, exit_status, next_step
from pytest_relgate.status.look import Sight
from pytest_relgate.status.show import lines
from pytest_relgate.status.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_relgate.channels.outside import Outside
    from pytest_relgate.profile import Profile
    from pytest_relgate.sandbox.box import Box
    from pytest_relgate.source.git import Repository
    from pytest_relgate.subject import Checks


def status(options: argparse.Namespace) -> int:
    """Look, print what there is, and return the exit status.

    Raises RelgateError for arguments that cannot be meant.
    """
    places = places_of(checkout_of(options.repo), checks=options.checks, evidence=options.evidence)
    places.refuse_without_profile()
    request = Request("run", "", places.checks, (), "", places.rootdir)
    asked = argparse.Namespace(release_config=None, release_repo=options.release_repo)
    place = Place(places.rootdir, places.ini, places.rootdir, places.evidence_ini)
    profile, checks, repository, box = read_place(request, asked, place, os.environ)
    try:
        newest = (lambda: newest_tag(repository, like=profile.tag)) if box is None else box.newest_release
        target, why = _target(options.target, places.evidence, profile.tag)
        if not target:
            target, why = resolve_target(
                option=None,
                environ=os.environ,
                repo=repository,
                phase=Phase.POSTRELEASE,
                newest=newest,
                like=profile.tag,
            )
        if box is not None:
            box.aim(target)
        outside = None if options.offline else _outside(profile, target, repository, places.evidence, box)
        faults = places.evidence / FAULTY / "+".join(box.names) if box is not None and box.names else None
        try:
            seen = Sight(
                target=target,
                why=why,
                repository=repository,
                checks=checks.repository,
                place=checks.path,
                evidence=places.evidence,
                world=World(outside) if outside is not None else None,
                sandbox=box is not None,
                faults=faults,
                rehearse=_rehearse(profile, checks, repository, target, outside),
            ).look()
        finally:
            if outside is not None:
                outside.close()
    finally:
        if box is not None:
            box.close()
    print(_json(seen) if options.json else "\n".join(lines(seen)))
    return exit_status(seen)


def _target(named: str | None, evidence: Path, like: str) -> tuple[str, str]:
    """The release that was named, else the one whose evidence is newest; empty for neither."""
    if named is not None:
        parse_target(named, "relgate status", "relgate status", like=like)
        return named, "as named"
    if "RELEASE_TARGET" in os.environ:
        return "", ""
    found = [path for path in evidence.glob(f"*/*/{SEAL}") if names_a_release(path.parent.parent.name)]
    if not found:
        return "", ""
    newest = max(found, key=lambda path: path.stat().st_mtime)
    return newest.parent.parent.name, "the newest evidence"


def _outside(
    profile: Profile, target: str, repository: Repository, evidence: Path, box: Box | None
) -> Outside:
    from pytest_relgate.channels.outside import Outside, surroundings
    from pytest_relgate.net.origins import PUBLIC

    return Outside(
        profile=profile,
        target=target,
        commit=repository.head(),
        repository=repository.path,
        origins=box.origins if box is not None else PUBLIC,
        environ=surroundings({}, box is not None),
        sandbox=box is not None,
        evidence=evidence / target,
    )


def _rehearse(
    profile: Profile, checks: Checks, repository: Repository, target: str, outside: Outside | None
) -> Callable[[str], str] | None:
    """Says why a commit must be rehearsed; None where the profile wants every release to be."""
    if profile.rehearsal.when == "always":
        return None

    def why(commit: str) -> str:
        try:
            base, base_commit, _ = resolve_base(
                override=None, target=target, repo=repository, policy=profile.base.policy
            )
        except RelgateError as error:  # a clone that was cut off: a checkpoint says so and goes on
            return str(error)
        record = unrehearsed(
            profile,
            repository,
            target=target,
            base=base,
            base_commit=base_commit,
            commit=commit,
            checks=checks.repository,
            checks_commit=checks.commit,
            checks_paths=deciding_paths(checks.path),
            api=(lambda: outside.api) if outside is not None else None,
        )
        return why_rehearse(record, target=target, base=base_commit, commit=commit, checks=checks.commit)

    return why


def _json(seen: Checkpoint) -> str:
    why, command = next_step(seen)
    answer = {
        "exit": exit_status(seen),
        "anomalies": anomalies(seen),
        "next": {"why": why, "command": command},
        "seen": seen,
    }
    return msgspec.json.encode(answer).decode()
