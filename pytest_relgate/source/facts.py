"""What a gate can say of the source under release. Each statement is true, or a finding with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_relgate.errors import CannotJudge
from pytest_relgate.source.problem import Problem, none_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.source.files import Files
    from pytest_relgate.source.manifests import Manifests


@dataclass(frozen=True)
class SourceFacts:
    """The source under release, as its manifests and its changelog tell of it.

    ``manifest_paths``, ``changelog_path`` and ``formula_path`` are those of the profile, relative to the
    repository; ``top`` is its folder.
    """

    files: Files
    manifest_paths: tuple[str, ...] = ()
    changelog_path: str = ""
    formula_path: str = ""
    top: Path | None = None

    @property
    def manifests(self) -> Manifests:
        """Every version that a manifest or lockfile carries. Raises CannotJudge where none is listed."""
        from pytest_relgate.source.manifests import read_manifests

        if not self.manifest_paths:
            message = "the profile lists no manifests, so nothing says where the version stands"
            raise CannotJudge(message)
        return read_manifests(self.manifest_paths, self.files.read)

    def carries(self, version: str) -> Literal[True]:
        """Every manifest and lockfile carries the version, each in its ecosystem's spelling (SPEC S7).

        ``version`` is SemVer without a v. Raises Finding for those that do not.
        """
        return none_of(self.manifests.drift(version))

    def has_fresh_lockfiles(self) -> Literal[True]:
        """Every listed lockfile was written from the manifest beside it. Raises Finding for a stale one."""
        from pytest_relgate.source.lockfiles import stale_lockfiles

        return none_of(stale_lockfiles(self.manifest_paths, self.files.read))

    def has_final_changelog(self, version: str) -> Literal[True]:
        """The changelog is final for the version: a section, dated, not empty; nothing left as unreleased.

        Raises Finding otherwise, CannotJudge where the profile says that there is none.
        """
        from pytest_relgate.source.changelog import unfinished

        path = self.changelog_path
        if not path:
            message = "the profile names no changelog"
            raise CannotJudge(message)
        raw = self.files.read(path)
        if raw is None:
            return none_of([Problem(f"there is no {path}", path, f"write it, with a section for {version}")])
        return none_of(unfinished(raw.decode("utf-8", "replace"), version, path))

    def has_fresh_advisories(self, folder: str) -> Literal[True]:
        """The database of security advisories in ``folder`` is there, and younger than a week (S25).

        Raises CannotJudge otherwise, whatever changed: advisories arrive without a change of the source.
        """
        from datetime import UTC, datetime
        from pathlib import Path

        from pytest_relgate.source.advisories import check_fresh

        check_fresh(self.top or Path(), folder, now=datetime.now(UTC))
        return True

    def has_a_consistent_formula(self) -> Literal[True]:
        """The Homebrew formula beside the source does not contradict itself (S11).

        Every platform has one archive and one checksum, and the archive is that platform's. What the
        checksums must be, only the build can say. Raises Finding otherwise, CannotJudge where the profile
        names no formula.
        """
        from pytest_relgate.source.formula import read_formula
        from pytest_relgate.source.formula_rules import contradictions

        path = self.formula_path
        if not path:
            message = "the profile names no formula"
            raise CannotJudge(message)
        raw = self.files.read(path)
        if raw is None:
            return none_of([Problem(f"there is no {path}", path, "add it, or mend formula in relgate.toml")])
        return none_of(contradictions(read_formula(path, raw)))
