"""Which releases there are, who sees them, and which one is the latest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.sandbox.twins.github.call import Caller, not_found

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.world import Release, World


def place(release: Release) -> str:
    """Return what stands for the release in addresses of pages: a draft has no tag yet."""
    return f"untagged-{release.id:020x}" if release.draft else release.tag


def seen(call: Call) -> list[Release]:
    """Return the releases that the caller sees, newest first: drafts are for those who may push."""
    drafts = call.caller is Caller.USER
    return newest_first(release for release in call.world.releases if drafts or not release.draft)


def newest_first(releases: Iterable[Release]) -> list[Release]:
    """Order releases by the time of their commit, then by the order in which they were made."""
    return sorted(releases, key=lambda release: (release.created_at, release.id), reverse=True)


def latest_of(world: World) -> Release | None:
    """Return the newest release by date, whatever its version: what GitHub calls the latest."""
    full = (release for release in world.releases if not release.draft and not release.prerelease)
    return next(iter(newest_first(full)), None)


def by_tag(world: World, tag: str) -> Release | None:
    """Return the published release of a tag: a draft is not found by it."""
    return next((r for r in world.releases if r.tag == tag and not r.draft), None)


def release_in(call: Call) -> Release:
    """Return the release whose id stands in the path."""
    number = call.number("release_id")
    found = next((release for release in seen(call) if release.id == number), None)
    if found is None:
        raise not_found()
    return found


def with_release(world: World, changed: Release) -> World:
    """Put a release in the place of the one with its id."""
    releases = tuple(changed if release.id == changed.id else release for release in world.releases)
    return msgspec.structs.replace(world, releases=releases)
