"""What the world outside the repository holds: releases, runs, secrets, and what registries serve.

Types only, all frozen; ``store.py`` keeps them on disk. Times are RFC 3339 in UTC. ``blob`` is the SHA-256
in hex of bytes that the store keeps. Field names follow each service's own where it has one.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

Status = Literal["queued", "in_progress", "completed", "waiting", "requested", "pending"]
Conclusion = Literal["success", "failure", "cancelled", "skipped", "timed_out", "action_required"]


class Asset(msgspec.Struct, frozen=True):
    """One file of a GitHub release. ``digest`` is nullable there; ``state`` is open while it is uploaded."""

    id: int
    name: str
    blob: str
    size: int
    digest: str | None
    created_at: str
    state: Literal["uploaded", "open"] = "uploaded"
    content_type: str = "application/octet-stream"


class Release(msgspec.Struct, frozen=True):
    """A GitHub release. A draft answers 404 by its tag."""

    id: int
    tag: str
    name: str
    body: str
    created_at: str
    published_at: str | None
    draft: bool = False
    prerelease: bool = False
    immutable: bool = False
    assets: tuple[Asset, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """One step of a job."""

    number: int
    name: str
    status: Status = "completed"
    conclusion: Conclusion | None = "success"


class Job(msgspec.Struct, frozen=True):
    """One job of a run. ``log`` is a blob, empty until the job completed."""

    id: int
    name: str
    status: Status
    conclusion: Conclusion | None
    started_at: str
    completed_at: str | None
    attempt: int = 1
    steps: tuple[Step, ...] = ()
    log: str = ""


class RunArtifact(msgspec.Struct, frozen=True):
    """One artifact of a run: a zip archive as ``blob``."""

    id: int
    name: str
    blob: str
    size: int
    created_at: str
    expired: bool = False


class Run(msgspec.Struct, frozen=True):
    """One run of a workflow. ``workflow`` is the path of its file, ``attempt`` rises with each rerun."""

    id: int
    number: int
    workflow: str
    name: str
    title: str
    event: Literal["push", "workflow_dispatch", "schedule", "pull_request"]
    head_sha: str
    head_branch: str
    status: Status
    conclusion: Conclusion | None
    created_at: str
    updated_at: str
    actor: str = "ada"
    attempt: int = 1
    inputs: dict[str, str] = {}
    jobs: tuple[Job, ...] = ()
    artifacts: tuple[RunArtifact, ...] = ()


EXPIRED: Final = "*expired*"
"""What a secret holds that is there, and that its service takes no more: no look for it can tell."""


class Secret(msgspec.Struct, frozen=True):
    """The name of a secret, and on which level it stands; its value is nobody's.

    ``expired``: the service that it is for refuses it. An empty ``updated_at`` is 30 days before a look.
    """

    name: str
    created_at: str
    updated_at: str
    level: str = "repository"  # or "organization", or "environment:NAME"
    expired: bool = False


class Issue(msgspec.Struct, frozen=True):
    """An issue of the repository."""

    id: int
    number: int
    title: str
    body: str | None
    labels: tuple[str, ...]
    created_at: str
    updated_at: str
    state: Literal["open", "closed"] = "open"
    author: str = "ada"


class Attestation(msgspec.Struct, frozen=True):
    """A bundle that speaks of the artifact with this digest (``sha256:...``)."""

    subject: str
    bundle: dict[str, Any]


class Crate(msgspec.Struct, frozen=True):
    """One version of a crate. ``blob`` is the ``.crate`` file, its digest the index's ``cksum``."""

    name: str
    version: str
    blob: str
    size: int
    created_at: str
    yanked: bool = False
    features: dict[str, list[str]] = {}
    deps: tuple[dict[str, Any], ...] = ()
    rust_version: str | None = None
    links: str | None = None


class NpmVersion(msgspec.Struct, frozen=True):
    """One version of an npm package: its ``package.json`` and its tarball."""

    manifest: dict[str, Any]
    blob: str
    size: int
    created_at: str
    deprecated: str = ""
    attested: bool = False


class NpmPackage(msgspec.Struct, frozen=True):
    """A package of the npm registry, with its versions by number and its dist-tags.

    A number that was unpublished is never to be had again.
    """

    name: str
    versions: dict[str, NpmVersion] = {}
    tags: dict[str, str] = {}
    unpublished: tuple[str, ...] = ()


class PypiFile(msgspec.Struct, frozen=True):
    """One file of a project on PyPI. ``yanked`` is false, true, or the reason."""

    filename: str
    version: str
    blob: str
    size: int
    created_at: str
    yanked: bool | str = False
    requires_python: str | None = None
    metadata: str = ""  # blob of the core metadata (PEP 658), empty where it is not served
    attested: bool = False


class PypiProject(msgspec.Struct, frozen=True):
    """A project on PyPI. ``serial`` rises with every change."""

    name: str
    files: tuple[PypiFile, ...] = ()
    serial: int = 1


class World(msgspec.Struct, frozen=True):
    """Everything outside the repository, for one project. ``tick`` numbers what is made, ids included.

    The tap is a git repository of its own beside the project's: ``homebrew-tap`` in the sandbox's folder.
    """

    repository: str = "sandover/plasmite"
    tap: str = "sandover/homebrew-tap"
    tick: int = 1000
    releases: tuple[Release, ...] = ()
    runs: tuple[Run, ...] = ()
    secrets: tuple[Secret, ...] = ()
    environments: tuple[str, ...] = ("release",)
    attestations: tuple[Attestation, ...] = ()
    crates: tuple[Crate, ...] = ()
    crate_owners: dict[str, tuple[str, ...]] = {}  # logins by crate; one that is not here has `ada`
    npm: tuple[NpmPackage, ...] = ()
    pypi: tuple[PypiProject, ...] = ()
    issues: tuple[Issue, ...] = ()
