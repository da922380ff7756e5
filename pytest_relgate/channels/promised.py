"""The files that a release promises, by channel: the profile's own lists, and the project's targets file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.profile.targets import names_by_channel
from pytest_relgate.source.files import LARGEST, CommittedFiles
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.profile import Profile


def promised_by(profile: Profile, repository: Path, commit: str) -> dict[str, tuple[str, ...]]:
    """Return the names of the files by channel, the release's ``{version}`` and the like still in them.

    The targets file is read from ``commit``, so that what is judged is what that release promised, whatever
    is checked out (SPEC B8). Raises CannotJudge where the file does not say.
    """
    own, targets = profile.artifacts, profile.targets
    if not targets.artifacts:
        return dict(own)
    try:
        raw = CommittedFiles(Repository(repository), commit).read(targets.file)
    except RelgateError as error:
        message = f"{targets.file} cannot be read from the commit under release: {error}"
        raise CannotJudge(message, where=targets.file) from error
    if raw is not None and len(raw) > LARGEST:
        message = f"{targets.file} is larger than {LARGEST >> 20} MiB"
        raise CannotJudge(message, where=targets.file)
    given = names_by_channel(targets, raw)
    channels = dict.fromkeys((*own, *given))
    return {name: tuple(dict.fromkeys((*own.get(name, ()), *given.get(name, ())))) for name in channels}
