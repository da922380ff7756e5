"""Looking at a release from outside, once, without starting anything: git, evidence, GitHub, channels.

What cannot be seen is said to be unseen, and the rest is looked at all the same. Channels are looked at only
where something may be published: registries remember for minutes that there is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_relgate.clock import now
from pytest_relgate.evidence.folder import SEAL
from pytest_relgate.evidence.verify import Expectation, verify_folder
from pytest_relgate.evidence.verify import Finding as Found
from pytest_relgate.model import Phase, State
from pytest_relgate.source.versions import version_of_tag
from pytest_relgate.status.checkpoint import ALWAYS, PHASES, Checkpoint, PhaseFact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_relgate.evidence.verify import Verification
    from pytest_relgate.source.git import Repository
    from pytest_relgate.status.world import World

OFFLINE = "GitHub and the channels: not asked, --offline"


@dataclass
class Sight:
    """What is looked at, for one release.

    ``checks`` is the repository of the checks and ``place`` their folder in it, ``evidence`` the folder of
    evidence, ``faults`` where that of a run under faults is, None without any. ``world`` is None where
    nothing outside is looked at. ``rehearse`` says why a commit must be rehearsed to be published, None where
    every release is.
    """

    target: str
    why: str
    repository: Repository
    checks: Repository | None
    place: str
    evidence: Path
    world: World | None
    sandbox: bool = False
    faults: Path | None = None
    rehearse: Callable[[str], str] | None = None

    def look(self) -> Checkpoint:
        """Look at all of it, once."""
        repository = self.repository
        head = repository.head()
        tags = {tag.name: tag.commit for tag in repository.tags()}
        here = tags.get(self.target, "")
        world = self.world
        there = world.tag() if world is not None else None
        commit = here or there or head
        if world is not None:
            world.look(commit)
        return Checkpoint(
            checks=self.place or ".",
            target=self.target,
            why=self.why,
            repository=self._name(),
            branch=repository.branch(),
            head=head,
            commit=commit,
            dirt=repository.dirt(),
            sandbox=self.sandbox,
            tag_here=here,
            tag_there=there,
            alike=tuple(self._alike(tags)),
            phases=tuple(self._phase(phase, commit) for phase in PHASES),
            runs=tuple(world.runs) if world is not None else (),
            channels=tuple(world.channels) if world is not None else (),
            incidents=tuple(world.incidents) if world is not None else (),
            provenance=world.provenance if world is not None else "",
            rehearse=self.rehearse(commit) if self.rehearse is not None else ALWAYS,
            unseen=tuple(dict.fromkeys(world.unseen)) if world is not None else (OFFLINE,),
        )

    def _name(self) -> str:
        named = self.world.repository if self.world is not None else ""
        return "the sandbox" if self.sandbox else named or self.repository.path.name

    def _alike(self, tags: dict[str, str]) -> Iterator[tuple[str, str]]:
        """Other tags that stand for the same version: without the v, or with build metadata."""
        wanted = version_of_tag(self.target, like=self.target)
        for name, commit in tags.items():
            plain = name if name[:1] == "v" else f"v{name.removeprefix('V')}"
            version = version_of_tag(plain)
            if name == self.target or version is None or wanted is None:
                continue
            if version.compare(wanted) == 0:
                yield name, commit

    # -- evidence -----------------------------------------------------------------------------------------

    def _phase(self, phase: Phase, commit: str) -> PhaseFact:
        folder = self._folder(phase)
        if not (folder / SEAL).exists():
            return PhaseFact(phase)
        found = verify_folder(
            folder,
            Expectation(
                now=now(),
                repository=self.checks,
                under_release=self.repository,
                commit=commit,
                allow_sandbox=self.sandbox,
                phase=phase,
                target=self.target,
                checks=self.place,
            ),
        )
        return _fact(phase, found)

    def _folder(self, phase: Phase) -> Path:
        """Where a phase's evidence is: a run under faults has its own and rests on the others."""
        if self.faults is not None and (mine := self.faults / self.target / phase).is_dir():
            return mine
        return self.evidence / self.target / phase


def _fact(phase: Phase, found: Verification) -> PhaseFact:
    evidence = found.evidence
    left_out = evidence is not None and any(
        gate.state is State.NOT_TRIGGERED
        and any(proof.condition.kind == "live" and proof.held is False for proof in gate.conditions)
        for gate in evidence.gates
    )
    return PhaseFact(
        phase,
        found.finding,
        (evidence.finished or evidence.started) if evidence else "",
        evidence.subject.commit if evidence else "",
        found.reasons[0] if found.reasons and found.finding is not Found.PASSED else "",
        left_out,
    )
