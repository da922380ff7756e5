"""What a gate can say of what was built. Each statement is true, or a finding that names the file."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, Literal

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.source.archives import kind_of, read_archive
from pytest_relgate.source.artifact_rules import another_set, foreign_natives, too_large, unlicensed
from pytest_relgate.source.bounded import digest_of
from pytest_relgate.source.problem import Problem, none_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_relgate.source.archives import Archive


def expected_names(templates: Iterable[str], version: str, tag: str = "") -> tuple[str, ...]:
    """Fill ``{version}``, ``{tag}`` and ``{pep440}`` into names of files.

    ``version`` is SemVer without a v, ``tag`` the release's: without it, the version behind a v.

    Raises CannotJudge where a name needs a spelling that PEP 440 has not.
    """
    from pytest_relgate.source.ecosystems import pep440_of

    python = pep440_of(version)
    filled = []
    for template in templates:
        if python is None and "{pep440}" in template:
            message = f"PyPI (PEP 440) has no spelling of {version}, which {template} needs"
            raise CannotJudge(message)
        name = template.replace("{version}", version).replace("{tag}", tag or f"v{version}")
        filled.append(name.replace("{pep440}", python or ""))
    return tuple(dict.fromkeys(filled))


@dataclass(frozen=True)
class ArtifactFacts:
    """The artifacts of a build.

    ``load`` gives where a file was found, its path there and its bytes, open until the next is given.
    ``expected`` are the names that ``[artifacts]`` of the profile lists, ``licences`` and ``largest`` (bytes)
    are those of ``[built]``.
    """

    load: Callable[[], Iterable[tuple[str, str, BinaryIO]]]
    expected: tuple[str, ...]
    licences: tuple[str, ...]
    largest: int

    @cached_property
    def _read(self) -> tuple[tuple[Archive, ...], tuple[Problem, ...]]:
        """Every archive once, and what is wrong with those that cannot be read.

        Of zip archives the index, the first bytes of each file, and the licences to their end: whether all
        of their bytes are sound is what ``are_sound`` asks, once.
        """
        return self._read_with(lambda path: posixpath.basename(path) in self.licences, lambda _: "")

    @cached_property
    def _read_whole(self) -> tuple[tuple[Archive, ...], tuple[Problem, ...]]:
        """Every archive once, with every byte of every file."""
        return self._read_with(lambda _: True, digest_of)

    def _read_with(
        self, whole: Callable[[str], bool], digest: Callable[[BinaryIO], str]
    ) -> tuple[tuple[Archive, ...], tuple[Problem, ...]]:
        archives: list[Archive] = []
        problems: list[Problem] = []
        seen: dict[str, tuple[str, str]] = {}
        for place, path, file in self._loaded():
            name = posixpath.basename(path)
            if not kind_of(name).archive:
                continue
            same = digest(file)
            before = seen.setdefault(name, (place, same))
            if before[0] != place and before[1] != same:
                words = (
                    f"{name} is in {before[0]} and in {place}, with other bytes: one would win over the other"
                )
                problems.append(Problem(words, name, "give the two files names of their own"))
            if before[0] != place:
                continue
            try:
                archives.append(read_archive(name, file, whole=whole))
            except Finding as error:
                problems.append(Problem(error.found, error.where, error.do))
        return tuple(archives), tuple(problems)

    def _loaded(self) -> Iterator[tuple[str, str, BinaryIO]]:
        """What was built. Raises CannotJudge where it cannot be had: that is another gate's to judge."""
        try:
            yield from self.load()
        except Finding as error:
            message = f"what was built cannot be looked at: {error.found}"
            raise CannotJudge(message) from error

    @property
    def archives(self) -> tuple[Archive, ...]:
        """The archives that could be read. Raises CannotJudge where there are none at all."""
        return _any_of(*self._read)

    def are_sound(self) -> Literal[True]:
        """Every archive can be read to its end, leads nowhere outside, and no two share a name."""
        _any_of(*self._read_whole)
        return none_of(self._read_whole[1])

    def are_complete(self) -> Literal[True]:
        """The archives are exactly those that the profile expects."""
        wanted = [name for name in self.expected if kind_of(name).archive]
        if not wanted:
            message = "the profile lists no [artifacts], so nothing says what is built"
            raise CannotJudge(message)
        broken = {problem.where for problem in self._read[1]}
        return none_of(another_set({one.name for one in self.archives} | broken, wanted))

    def carry_their_licences(self) -> Literal[True]:
        """Every archive holds licence and notices, at its right place and not empty (S24)."""
        if not self.licences:
            message = "the profile lists no licences in [built]"
            raise CannotJudge(message)
        return none_of(one for archive in self.archives for one in unlicensed(archive, self.licences))

    def are_for_their_platforms(self) -> Literal[True]:
        """Every native file is for the platform that the name of its archive promises."""
        return none_of(one for archive in self.archives for one in foreign_natives(archive))

    def are_not_too_large(self) -> Literal[True]:
        """No archive is larger than the profile allows."""
        return none_of(one for archive in self.archives for one in too_large(archive, self.largest))


def _any_of(archives: tuple[Archive, ...], problems: tuple[Problem, ...]) -> tuple[Archive, ...]:
    if not archives and not problems:
        message = "nothing was built that could be looked at"
        raise CannotJudge(message)
    return archives
