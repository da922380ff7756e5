"""The archives as the channels serve them, opened: what whoever installs the release gets. SPEC S47-S51, S54.

They may be hostile: nothing is unpacked to disk, and what leads outside or grows beyond reason is a finding.
A Homebrew tap has no archives of its own: what it points at is the GitHub release's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.source.archives import kind_of, read_archive
from pytest_relgate.source.artifact_rules import foreign_natives, unlicensed
from pytest_relgate.source.inside import another_version, lacking
from pytest_relgate.source.problem import Problem, none_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_relgate.source.archives import Archive

UNOPENED = ("homebrew",)
"""Kinds of channels that have no archives of their own."""


@dataclass
class Opened:
    """The archives of every channel, each read once and let go.

    ``served`` are the names of a channel's archives, ``read`` gives the bytes of one, or raises CannotJudge.
    ``waiting`` says of a channel why it has nothing to open yet, as what a gate raises for it. ``version`` is
    SemVer without a v; ``licences`` and ``holds`` (by channel) are those of ``[built]``.
    """

    served: Mapping[str, Sequence[str]]
    read: Callable[[str, str], bytes]
    waiting: Sequence[Exception]
    version: str
    licences: Sequence[str]
    holds: Mapping[str, Sequence[str]]
    _archives: list[tuple[str, Archive]] = field(default_factory=list)
    _broken: list[Problem] = field(default_factory=list)
    _versions: list[Problem] = field(default_factory=list)
    _unread: list[CannotJudge] = field(default_factory=list)
    _done: bool = False

    def are_sound(self) -> Literal[True]:
        """Every archive can be read to its end, and leads nowhere outside of itself."""
        return self._none_of(lambda: self._broken)

    def hold_their_files(self) -> Literal[True]:
        """Every archive holds the files that ``built.holds`` of the profile names for its channel."""
        if not any(self.holds.values()):
            message = "the profile names no files in [built.holds], so nothing says what an archive must hold"
            raise CannotJudge(message, do='add them: [built.holds] NAME = ["bin/demo"]')
        return self._none_of(
            lambda: _told((name, lacking(one, self.holds.get(name, ()))) for name, one in self._archives)
        )

    def carry_their_licences(self) -> Literal[True]:
        """Every archive holds licence and notices, at its right place and not empty (S54)."""
        if not self.licences:
            message = "the profile lists no licences in [built]"
            raise CannotJudge(message)
        return self._none_of(
            lambda: _told((name, unlicensed(one, self.licences)) for name, one in self._archives)
        )

    def are_for_their_platforms(self) -> Literal[True]:
        """Every native file is for the platform that the name of its archive promises, and is there."""
        return self._none_of(lambda: _told((name, foreign_natives(one)) for name, one in self._archives))

    def say_their_version(self) -> Literal[True]:
        """Every archive says inside that it is the version of the release."""
        return self._none_of(lambda: self._versions)

    def _none_of(self, problems: Callable[[], Iterable[Problem]]) -> Literal[True]:
        """What is wrong is said first; then what could not be read; then what is not there yet."""
        __tracebackhide__ = True
        self._open()
        none_of(problems())
        for one in (*self._unread, *sorted(self.waiting, key=lambda one: isinstance(one, NotYet))):
            raise one
        if self._broken:
            message = f"what is broken cannot be opened: {self._broken[0].found}"
            raise CannotJudge(message, where=self._broken[0].where)
        if not self._archives:
            message = "no channel has an archive that could be opened"
            raise CannotJudge(message, do="name the files of the channels in [artifacts] of relgate.toml")
        return True

    def _open(self) -> None:
        if self._done:
            return
        self._done = True
        for channel, names in self.served.items():
            for name in names:
                if kind_of(name).archive:
                    self._open_one(channel, name)

    def _open_one(self, channel: str, name: str) -> None:
        try:
            raw = self.read(channel, name)
        except CannotJudge as error:
            self._unread.append(error)
            return
        try:
            archive = read_archive(name, raw)
        except Finding as error:
            self._broken.append(Problem(f"{channel}: {error.found}", error.where, error.do))
            return
        self._archives.append((channel, archive))
        self._versions += _told([(channel, another_version(archive, raw, self.version))])


def _told(found: Iterable[tuple[str, Iterable[Problem]]]) -> list[Problem]:
    """Problems with the name of their channel in front."""
    return [
        Problem(f"{channel}: {one.found}", one.where, one.do) for channel, several in found for one in several
    ]
