"""The commit that waivers and sign-offs are read from (SPEC B5): the checks' own, or a later one.

A release is tagged, fails a gate, and the waiver is reviewed and merged on main: the tag stays where it
is, and the waiver is read from main. Only a commit that comes after the checks counts: one that holds them
as they judge, with everything that was reviewed since.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_relgate.errors import RelgateError
from pytest_relgate.source.command import git

if TYPE_CHECKING:
    from pytest_relgate.source.git import Repository

OPTION = "--release-reviewed"
KEY = "approvers.branch"
_FULL_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class ReviewedAt(NamedTuple):
    """A full commit id, where it came from in words, and what is worth saying about it."""

    commit: str
    why: str
    note: str = ""


def reviewed_commit(repository: Repository, head: str, *, asked: str, branch: str) -> ReviewedAt:
    """Choose the commit: the one ``asked`` for, else the tip of the profile's ``branch``, else ``head``.

    ``head`` is the commit of the checks. A branch that is not here, or that does not hold the checks, is
    no reason to stop: what the checks' own commit has counts then, and the note says so. Raises
    RelgateError where ``asked`` is no commit, or none that comes after the checks.
    """
    if asked:
        commit = _commit(repository, asked)
        if not comes_after(repository, head, commit):
            message = (
                f"{OPTION}: expected a commit that holds the checks ({head[:12]}), found {asked} at "
                f"{commit[:12]}, which does not: name the branch that waivers are merged to"
            )
            raise RelgateError(message)
        return ReviewedAt(commit, f"{OPTION} {asked}", beside(repository, head, commit, branch))
    if not branch:
        return ReviewedAt(head, "the commit of the checks")
    commit = _tip(repository, branch)
    if not commit:
        note = f"waivers and sign-offs are those of {head[:12]}: {branch} ({KEY}) is not in this checkout"
        return ReviewedAt(head, "the commit of the checks", note)
    if comes_after(repository, head, commit):
        return ReviewedAt(commit, f"{branch} ({KEY})")
    if comes_after(repository, commit, head):
        return ReviewedAt(head, f"the commit of the checks, later than {branch}")
    note = f"waivers and sign-offs are those of {head[:12]}: {branch} ({KEY}) does not hold this commit"
    return ReviewedAt(head, "the commit of the checks", note)


def beside(repository: Repository, head: str, commit: str, branch: str) -> str:
    """What is to be said of waivers and sign-offs of a commit that nobody merged to the profile's ``branch``.

    Empty for the commit of the checks, ``head``, and for one that the branch holds: protecting that branch is
    what sees to it that somebody reviewed them.
    """
    if commit == head:
        return ""
    theirs = f"waivers and sign-offs are those of {commit[:12]}"
    if not branch:
        return f"{theirs}: the profile names no branch that they are merged to ({KEY})"
    tip = _tip(repository, branch)
    if not tip:
        return f"{theirs}: {branch} ({KEY}) is not in this checkout"
    if comes_after(repository, commit, tip):
        return ""
    return f"{theirs}, which {branch} ({KEY}) does not hold"


def comes_after(repository: Repository, earlier: str, later: str) -> bool:
    """Whether the history of ``later`` holds ``earlier``, as far as it is here; a commit holds itself."""
    if earlier == later:
        return True
    found = git(repository.path, "merge-base", "--is-ancestor", earlier, later, ok=(0, 1, 128))
    return found.returncode == 0


def _tip(repository: Repository, branch: str) -> str:
    """The commit of a branch, here or as a remote has it; empty where there is none.

    By its bare name git would take a tag of that name first, and a tag is not what reviews are merged to.
    """
    for place in ("refs/heads/", "refs/remotes/"):
        ref = f"{place}{branch.removeprefix(place)}"
        if repository.exists(ref):
            return repository.commit_of(ref)
    return ""


def _commit(repository: Repository, asked: str) -> str:
    if not _FULL_ID.fullmatch(asked) and (tip := _tip(repository, asked)):
        return tip
    if not repository.exists(asked):
        message = (
            f"{OPTION}: expected a commit or a branch of the checks' repository, found none named "
            f"{asked!r}: type git fetch, or git branch --all to see the branches"
        )
        raise RelgateError(message)
    return repository.commit_of(asked)
