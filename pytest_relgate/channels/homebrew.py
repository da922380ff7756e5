"""A Homebrew tap: the formula at a commit of its default branch, read by its structure, never evaluated.

A tap has one version at a time. The archives are elsewhere, mostly in the GitHub release, so what is judged
here is what the formula says of them: which file, which checksum, for which platform.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_relgate.channels.formula import read_formula
from pytest_relgate.channels.look import usable
from pytest_relgate.channels.observation import File, Observation, Presence
from pytest_relgate.net.facts import Absent, Known, Unknown

if TYPE_CHECKING:
    from pytest_relgate.channels.look import Look
    from pytest_relgate.net.facts import Fact


def observe(look: Look) -> Observation:
    """Look at the formula: at the commit that the tap's default branch is at now."""
    path = look.channel.formula or f"Formula/{look.package}.rb"
    where = f"{look.origins.github_web}/{look.channel.tap}/blob/HEAD/{path}"
    fact = _formula(look, path)
    match fact:
        case Unknown() as unknown:
            return look.unknown(unknown, where)
        case Absent() as absent:
            return look.absent(absent, where)
        case Known(value=raw, exchanges=exchanges):
            look.exchanges += exchanges
    formula = read_formula(raw)
    problem = formula.problem or ("" if formula.version else "it does not say its version")
    if problem:
        words = f"{path} of {look.channel.tap} cannot be read: {problem}"
        return look.unknown(Unknown(words, "mend the formula", (), final=True), where)
    mine = formula.version == look.expected.spelled
    return Observation(
        look.name,
        look.channel.kind,
        Presence.COMPLETE if mine else Presence.ABSENT,
        where=where,
        version=formula.version if mine else "",
        resolved=formula.version,
        files=tuple(
            File(urlsplit(one.url).path.rpartition("/")[2], None, usable({"sha256": one.sha256}))
            for one in formula.archives
        )
        if mine
        else (),
        odd=formula.odd if mine else (),
        whole=True,
        exchanges=tuple(look.exchanges),
    )


def _formula(look: Look, path: str) -> Fact[bytes]:
    """Resolve the branch to a commit first: hosts of files cache branches for minutes."""
    tap = look.api.facts()
    if not isinstance(tap, Known):
        return tap
    look.exchanges += tap.exchanges
    head = look.api.branch_head(tap.value.default_branch)
    if not isinstance(head, Known):
        return head
    look.exchanges += head.exchanges
    return look.api.contents(path, head.value)
