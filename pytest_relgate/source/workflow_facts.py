"""What a gate can say of the release workflows. Each statement is true, or a finding with its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.source import contexts, pasting, workflow_rules, workflow_secrets, zizmor
from pytest_relgate.source import pins as pinned
from pytest_relgate.source.problem import none_of
from pytest_relgate.source.publishing import KINDS
from pytest_relgate.source.topology import Roles, Topology
from pytest_relgate.source.workflow_graph import graph_of
from pytest_relgate.source.workflows import FOLDER, Workflow, parse_workflow, read_workflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pytest_relgate.exec.runner import Runner
    from pytest_relgate.source.files import Files


@dataclass(frozen=True)
class WorkflowFacts:
    """The build and the publish workflow of a release, as ``[workflows]`` and ``[pins]`` of the profile say.

    ``build_name`` and ``publish_name`` are names of files; ``rehearsal`` is the input that keeps the publish
    workflow from publishing; ``repository`` is ``owner/name``; ``severity`` is that of zizmor's findings from
    which on they block. ``base_files`` are those of the tag ``base``, None for a first release. ``toolchain``
    is the variable that pins Rust, ``needed_by`` what Rust a tool needs, by the tool's version;
    ``channels`` are those of the profile, with the job and the secret of each.
    """

    files: Files
    publish_name: str
    build_name: str = ""
    roles: Roles = field(default_factory=Roles)
    pins: dict[str, str] = field(default_factory=dict)
    rehearsal: str = "rehearsal"
    repository: str = ""
    severity: str = "high"
    base: str = ""
    base_files: Files | None = None
    toolchain: str = ""
    needed_by: dict[str, dict[str, str]] = field(default_factory=dict)
    channels: tuple[workflow_secrets.Published, ...] = ()

    @cached_property
    def publish(self) -> Workflow:
        """The publish workflow. Raises CannotJudge where none is named, Finding where it is no workflow."""
        if not self.publish_name:
            message = "the profile names no publish workflow: set publish in [workflows]"
            raise CannotJudge(message)
        return read_workflow(self.publish_name, self.files.read)

    @cached_property
    def all(self) -> tuple[Workflow, ...]:
        """The workflows of the release: the one that builds, the one that publishes."""
        named = (self.build_name,) if self.build_name else ()
        return (*(read_workflow(name, self.files.read) for name in named), self.publish)

    @cached_property
    def topology(self) -> Topology:
        """The jobs of the publish workflow, in what order they publish."""
        graph = graph_of(self.publish, self.files.read, rehearsal=self.rehearsal, repository=self.repository)
        return Topology(graph, self.roles, self.files.read)

    def is_valid(self) -> Literal[True]:
        """GitHub accepts the workflows: every need is there, no circle, no context where it is not."""
        misplaced = [one for workflow in self.all for one in contexts.misplaced_contexts(workflow)]
        others = [graph_of(workflow, self.files.read).problems for workflow in self.all[:-1]]
        broken = [*self.topology.broken(), *(one for several in others for one in several)]
        return none_of([*broken, *misplaced])

    def starts_by_hand_only(self) -> Literal[True]:
        """Nothing but a person's dispatch starts the publish workflow, no other workflow either (S33)."""
        return none_of(workflow_rules.not_by_hand_only(self.publish, self._others()))

    def _others(self) -> list[Workflow]:
        """The other workflows of the repository; one that GitHub could not read starts nothing."""
        found = []
        for path in self.files.names(FOLDER):
            raw = self.files.read(path) if path.endswith((".yml", ".yaml")) else None
            try:
                found += [parse_workflow(path, raw)] if raw is not None else []
            except Finding:
                continue
        return found

    def publishes_to_registries_and_release(self) -> Literal[True]:
        """The workflow has a job that publishes to a registry, and one that makes the GitHub release."""
        return none_of(self.topology.nothing_published())

    def publishes_only_behind(self, role: Literal["preflight", "provenance", "homebrew"]) -> Literal[True]:
        """No job publishes unless a job of this role succeeded, however it ended otherwise (S10, S11)."""
        return none_of(self.topology.unguarded(role))

    def releases_last(self) -> Literal[True]:
        """The GitHub release waits for every registry, and the final job for whatever publishes."""
        return none_of(self.topology.final_too_early())

    def stops_at_a_failure(self) -> Literal[True]:
        """No step publishes after an earlier step of its job failed."""
        return none_of(self.topology.steps_after_failure())

    def can_be_rehearsed(self) -> Literal[True]:
        """A rehearsal runs the workflow and publishes nothing (S37)."""
        return none_of(self.topology.unrehearsed())

    def skips_nothing_silently(self) -> Literal[True]:
        """No job that is skipped on purpose takes a publishing job with it, in a run that ends green."""
        return none_of(self.topology.silently_skipped())

    def publishes_one_after_another(self) -> Literal[True]:
        """No two registries are published to side by side, and the tap comes after the release (S12)."""
        return none_of(self.topology.hazards())

    def holds_to_its_pins(self) -> Literal[True]:
        """Pinned variables have the values of the profile, and nothing is installed unpinned (S15, S42)."""
        loose = workflow_rules.loose_pins(self.all, self.pins)
        floating = [one for workflow in self.all for one in workflow_rules.unpinned_tools(workflow)]
        return none_of([*loose, *floating])

    def pins_actions_by_commit(self) -> Literal[True]:
        """Every action is named by a commit, which nobody can move."""
        return none_of(one for workflow in self.all for one in workflow_rules.unpinned_actions(workflow))

    def grants_least_permissions(self) -> Literal[True]:
        """No workflow lets every job write."""
        return none_of(one for workflow in self.all for one in workflow_rules.loose_permissions(workflow))

    def never_races(self) -> Literal[True]:
        """Two runs of the publish workflow cannot publish at once, nor one cut the other off."""
        return none_of(workflow_rules.racing(self.publish))

    def pastes_nothing_into_shell(self) -> Literal[True]:
        """No secret, and nothing that somebody else wrote, is pasted into shell text."""
        return none_of(one for workflow in self.all for one in pasting.pasted(workflow))

    def hides_nothing(self) -> Literal[True]:
        """Every job of the publish workflow is defined here, and publishes where it can be seen."""
        return none_of([*self.topology.opaque_jobs(), *self.topology.unseen()])

    def has_a_credential_for_every_channel(self) -> Literal[True]:
        """Every channel's job reads the secret, or has the right, with which it is to publish (S9)."""
        topology = self.topology
        publishing = {kind: topology.publishing_to(channel) for kind, channel in KINDS.items()}
        return none_of(workflow_secrets.without_credential(topology.graph, self.channels, publishing))

    def passes_zizmor(self, run: Runner, attach: Callable[[str, str], Any] | None = None) -> Literal[True]:
        """The lint zizmor finds nothing of the profile's severity or above; what it finds is attached.

        Raises CannotJudge where zizmor is missing, cannot read a workflow, or answers in another shape.
        """
        inputs = zizmor.inputs_of(self.files)
        try:
            result = run(zizmor.command(inputs), needs=zizmor.TOOL, check=False)
        except CannotJudge as error:
            error.do = zizmor.GET_IT if getattr(error, "tool", "") == zizmor.TOOL else error.do
            raise
        output = result.log.read_text(encoding="utf-8", errors="replace")
        if result.rc not in zizmor.JUDGED:
            message = f"zizmor ended with {result.rc} and has not looked at everything: {zizmor.said(output)}"
            raise CannotJudge(message, where=".github/workflows", do="mend what it names, or update zizmor")
        findings = zizmor.read_findings(output)
        if attach is not None:
            attach("zizmor.md", zizmor.table(findings, self.severity))
            attach("note-zizmor.txt", zizmor.note(findings, self.severity))
        return none_of(zizmor.blocking(findings, self.severity))

    def moves_no_pin_silently(self, attach: Callable[[str, str], Any] | None = None) -> Literal[True]:
        """No pin moved since base in silence, and none floats that did not; changes are attached (S42)."""
        now = self._pins(self.files)
        before = self._pins(self.base_files) if self.base_files else ()
        if attach is not None:
            changes = pinned.changed(before, now) if self.base else ()
            attach("pins.md", pinned.table(changes, self.base))
            attach("note-pins.txt", pinned.notes(changes, self.base))
        return none_of(pinned.silent(before, now, self.base))

    def has_a_new_enough_toolchain(self) -> Literal[True]:
        """The pinned Rust is as new as the pinned tools and the project itself need it (S42).

        Raises CannotJudge where the profile does not say what a tool's version needs.
        """
        if not self.toolchain:
            message = "the profile names no variable that pins Rust"
            raise CannotJudge(message, do="set toolchain in [rust] of relgate.toml")
        own = {"Cargo.toml": {"": least}} if (least := self._own_rust()) else {}
        mine = [pinned.Pin(pinned.Kind.TOOL, "Cargo.toml", "", "Cargo.toml", 1)] if own else []
        found, unknown = pinned.too_old(
            [*self._pins(self.files), *mine], self.toolchain, self.needed_by | own
        )
        if unknown and not found:
            message = f"what Rust these need is not known: {', '.join(unknown)}"
            do = "look up rust-version in its Cargo.toml, and add it to [rust.needed_by] of relgate.toml"
            raise CannotJudge(message, do=do)
        return none_of(found)

    def _own_rust(self) -> str:
        """The least Rust that the project asks for; empty where it says nothing."""
        import tomllib

        try:
            manifest = tomllib.loads((self.files.read("Cargo.toml") or b"").decode())
        except ValueError:  # a gate of its own says that it cannot be read
            return ""
        for table in (manifest.get("package", {}), manifest.get("workspace", {}).get("package", {})):
            stated = table.get("rust-version") if isinstance(table, dict) else None
            if isinstance(stated, str):
                return stated
        return ""

    def _pins(self, files: Files) -> tuple[pinned.Pin, ...]:
        """The pins of the release workflows in these files; a workflow that is not there has none."""
        found: list[pinned.Pin] = []
        for name in filter(None, (self.build_name, self.publish_name)):
            raw = files.read(f"{FOLDER}/{name}")
            if raw is not None:
                found += pinned.pins_of(parse_workflow(f"{FOLDER}/{name}", raw), raw)
        return tuple(found)
