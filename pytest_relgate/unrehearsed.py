"""What is on record of a release that goes without a rehearsal. Types alone. SPEC S37.

Times are RFC 3339 in UTC, commits are written out. Whether it is enough says ``judge/rehearsal.py``.
"""

from __future__ import annotations

import msgspec


class Machinery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What git says of the release machinery, base against commit.

    It consists of ``files`` and of what matches ``patterns``; ``looked_at`` paths differ at all. ``changed``
    are those of the machinery that do, ``alike`` the manifests and the formula that differ in the release's
    own version or in dependencies alone. ``secrets`` are the names that the release workflows read,
    ``environments`` those that their jobs name. ``doubt`` says why it cannot be decided, empty where it can.
    """

    base_commit: str
    commit: str
    files: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    looked_at: int = 0
    changed: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    doubt: str = ""


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One secret as GitHub lists it: when it was last set, and on which level.

    ``environment`` is empty for the repository's and its organisation's.
    """

    name: str
    at: str
    environment: str = ""


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What GitHub says of the credentials since the base was published.

    ``run`` is the run of the publish workflow that published the base from ``commit``, ``published`` when it
    began. ``wanted`` are the secrets that the profile and the workflows name, ``settings`` what GitHub lists
    of them. ``doubt`` says what could not be seen, empty where everything was.
    """

    run: int = 0
    url: str = ""
    commit: str = ""
    published: str = ""
    wanted: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    doubt: str = ""


class ChecksThen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Profile and lock as they were when the base was released, against those that judge.

    ``commit`` is that of the checks then, ``now`` that of those that judge; ``changed`` are those of the two
    files that differ.
    """

    commit: str = ""
    now: str = ""
    changed: tuple[str, ...] = ()
    doubt: str = ""


class Unrehearsed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a release may go without a rehearsal, or why it may not. ``base`` is a tag, empty without one."""

    target: str
    base: str
    machinery: Machinery
    credentials: Credentials
    checks: ChecksThen
