"""Where a command line that is not pytest's finds the checks, the profile and the evidence of a checkout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_relgate.errors import RelgateError
from pytest_relgate.request import PROFILE
from pytest_relgate.source.git import Repository
from pytest_relgate.source.pytest_config import NAMES, settings_in

EVIDENCE = "release-evidence"


@dataclass(frozen=True)
class Places:
    """A checkout as a release run sees it: root directory, pytest's configuration, checks, evidence.

    ``checks`` need not be there; ``profile`` raises where it is not.
    """

    rootdir: Path
    ini: Path | None
    checks: Path
    evidence: Path
    evidence_ini: str = ""

    def refuse_without_profile(self) -> None:
        """Raise RelgateError where the checks folder holds no profile."""
        if not (self.checks / PROFILE).is_file():
            message = (
                f"no {PROFILE} was found in {self.checks}: name the folder that holds it with --checks, "
                "the checkout with --repo, or draft one with relgate init"
            )
            raise RelgateError(message)


def checkout_of(path: str | None) -> Path:
    """The top of the checkout that a path names, the folder itself where it is in none.

    Raises RelgateError where there is no such folder.
    """
    folder = Path(path or ".")
    if not folder.is_dir():
        message = f"--repo: expected a folder, found none at {folder}"
        raise RelgateError(message)
    try:
        return Repository.at(folder).path
    except RelgateError:
        return folder.resolve()


def places_of(checkout: Path, *, checks: str | None = None, evidence: str | None = None) -> Places:
    """Find them as a run that is typed at the top of the checkout does; named paths are from here."""
    ini, settings = None, dict[str, object]()
    for name in NAMES:
        try:
            found = settings_in(name, (checkout / name).read_bytes())
        except OSError:
            continue
        if found is not None:
            ini, settings = checkout / name, found
            break
    kept = settings.get("release_evidence")
    folder = settings.get("release_checks")
    evidence_ini = kept if isinstance(kept, str) else ""
    return Places(
        rootdir=checkout,
        ini=ini,
        checks=Path(checks).absolute()
        if checks
        else checkout / (folder if isinstance(folder, str) and folder else "release_checks"),
        evidence=Path(evidence).absolute() if evidence else checkout / (evidence_ini or EVIDENCE),
        evidence_ini=evidence_ini,
    )
