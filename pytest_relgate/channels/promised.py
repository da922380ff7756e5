"""The files that a release promises, by channel: the profile's own lists, and the project's targets file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.channels.look import spelled
from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.profile.targets import held_by_channel, names_by_channel
from pytest_relgate.source.files import LARGEST, CommittedFiles
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_relgate.profile import Profile


def promised_by(profile: Profile, repository: Path, commit: str) -> dict[str, tuple[str, ...]]:
    """Return the names of the files by channel, the release's ``{version}`` and the like still in them.

    The targets file is read from ``commit``, so that what is judged is what that release promised, whatever
    is checked out (SPEC B8). Raises CannotJudge where the file does not say.
    """
    targets = profile.targets
    given = names_by_channel(targets, _read(profile, repository, commit)) if targets.artifacts else {}
    return _together(profile.artifacts, given)


def held_by(profile: Profile, repository: Path, commit: str) -> dict[str, tuple[str, ...]]:
    """Return the files that every archive of a channel must hold, likewise."""
    targets = profile.targets
    given = held_by_channel(targets, _read(profile, repository, commit)) if targets.holds else {}
    return _together(profile.built.holds, given)


def named(name: str, tag: str) -> str:
    """Return a file's name with the version and the tag of a release in it."""
    version = tag.removeprefix("v")
    places = {"version": version, "pep440": spelled(version, "pypi") or version, "tag": tag}
    for place, value in places.items():
        name = name.replace(f"{{{place}}}", value)
    return name


def _together(
    own: Mapping[str, tuple[str, ...]], given: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    channels = dict.fromkeys((*own, *given))
    return {name: tuple(dict.fromkeys((*own.get(name, ()), *given.get(name, ())))) for name in channels}


def _read(profile: Profile, repository: Path, commit: str) -> bytes | None:
    file = profile.targets.file
    try:
        raw = CommittedFiles(Repository(repository), commit).read(file)
    except RelgateError as error:
        message = f"{file} cannot be read from the commit under release: {error}"
        raise CannotJudge(message, where=file) from error
    if raw is not None and len(raw) > LARGEST:
        message = f"{file} is larger than {LARGEST >> 20} MiB"
        raise CannotJudge(message, where=file)
    return raw
