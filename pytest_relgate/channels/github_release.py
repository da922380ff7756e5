"""A GitHub release as a channel: its assets, its marks, and the commit of its tag.

An asset's ``digest`` is worked out at the upload, so a truncated file matches its own: the bytes are read.
A draft answers 404 by its tag and is found by listing, with a credential that may see it. Which release is
the latest goes by the date of its commit unless somebody says otherwise: that one is what is given to whoever
names no version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.channels.look import usable
from pytest_relgate.channels.observation import File, Observation, Presence
from pytest_relgate.net.facts import Absent, Known, Unknown
from pytest_relgate.net.request import ANYWHERE

if TYPE_CHECKING:
    from pytest_relgate.channels.look import Look
    from pytest_relgate.github.answers import AssetFacts


def observe(look: Look) -> Observation:
    """Look at the release of the tag, and read its assets."""
    where = f"{look.origins.github_web}/{look.api.repository}/releases/tag/{look.tag}"
    fact = look.api.release(look.tag, fresh=look.fresh)
    match fact:
        case Unknown() as unknown:
            return look.unknown(unknown, where)
        case Absent() as absent:
            return look.absent(absent, where)
        case Known(value=release, exchanges=exchanges):
            look.exchanges += exchanges
    commit, latest = "", look.expected.spelled
    if not release.draft:  # the tag of a draft comes with its publication
        match look.api.tag_commit(look.tag, fresh=look.fresh):
            case Unknown() as unknown:
                return look.unknown(unknown, where)
            case Absent() as absent:
                return look.absent(absent, where)
            case Known(value=commit, exchanges=exchanges):
                look.exchanges += exchanges
        marked = _marked_as_latest(look)
        if isinstance(marked, Unknown):
            return look.unknown(marked, where)
        latest = marked
    marks = {"draft": release.draft, "prerelease": release.prerelease}
    uploaded = all(asset.state == "uploaded" for asset in release.assets)
    return Observation(
        look.name,
        look.channel.kind,
        Presence.COMPLETE if uploaded else Presence.PARTIAL,
        where=where,
        version=look.expected.spelled,
        resolved=latest,
        files=tuple(_read(look, asset) for asset in release.assets if asset.state == "uploaded"),
        flags=frozenset(mark for mark, held in marks.items() if held),
        whole=release.immutable or look.over(),
        commit=commit,
        published=release.published_at or "",
        exchanges=tuple(look.exchanges),
    )


def _marked_as_latest(look: Look) -> str | Unknown:
    """The version of the release that GitHub calls the latest; empty where it calls none so."""
    fact = look.api.latest_release(fresh=look.fresh)
    if not isinstance(fact, Unknown):
        look.exchanges += fact.exchanges
    match fact:
        case Unknown():
            return fact
        case Absent():
            return ""
        case Known(value=release):
            return release.tag_name.removeprefix("v")


def _read(look: Look, asset: AssetFacts) -> File:
    algorithm, _, digest = (asset.digest or "").partition(":")
    file = File(asset.name, asset.size, usable({algorithm: digest}))
    if asset.name not in look.expected.files:
        return file
    return look.with_bytes(file, asset.url, ANYWHERE)
