"""Faults of rehearsal and publish: a dispatch that is refused, jobs that fail, wait or never run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Phase, State
from pytest_relgate.sandbox import artifacts
from pytest_relgate.sandbox.faults.fault import Fault
from pytest_relgate.sandbox.faults.overlay import each_run, version_of
from pytest_relgate.sandbox.runs import PUBLISH
from pytest_relgate.sandbox.twins.exchange import Answer, Request
from pytest_relgate.sandbox.world import PypiFile, Release

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.faults.overlay import Overlay
    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import Job, Run, World


@dataclass(frozen=True)
class RefusesDispatch:
    """GitHub says no to every dispatch."""

    status: int
    message: str

    def __call__(self, twin: str, request: Request, ask: Callable[[Request], Answer]) -> Answer:
        """Answer."""
        if twin != "github" or request.method != "POST" or not request.path.endswith("/dispatches"):
            return ask(request)
        said = {"message": self.message, "documentation_url": "https://docs.github.com/rest"}
        headers = {"content-type": "application/json; charset=utf-8"}
        return Answer(self.status, json.dumps(said).encode(), headers)


def _run_of(tag: str, *, rehearsal: bool) -> Callable[[Run], bool]:
    wanted = "true" if rehearsal else "false"
    return lambda run: (
        run.workflow == PUBLISH
        and run.inputs.get("release_tag") == tag
        and run.inputs.get("rehearsal") == wanted
    )


def _in_run(change: Callable[[Run], Run], *, rehearsal: bool) -> Overlay:
    """Change the newest run that rehearses, or publishes, the version."""

    def overlay(world: World, store: Store) -> World:
        tag = f"v{version_of(world, store)}"
        return each_run(change, of=_run_of(tag, rehearsal=rehearsal))(world)

    return overlay


def _without_secret(name: str) -> Overlay:
    def overlay(world: World, _: Store) -> World:
        left = tuple(secret for secret in world.secrets if secret.name != name)
        return msgspec.structs.replace(world, secrets=left)

    return overlay


def _skipping(run: Run) -> Run:
    """Skipped upstream, skipped behind it, and green all the same."""

    def change(job: Job) -> Job:
        if not job.name.startswith("publish-") or job.status != "completed":
            return job
        return msgspec.structs.replace(job, conclusion="skipped", steps=())

    return msgspec.structs.replace(run, jobs=tuple(map(change, run.jobs)))


def _waiting(run: Run) -> Run:
    return msgspec.structs.replace(run, status="waiting", conclusion=None, jobs=run.jobs[:1])


def _published_by_rehearsal(world: World, store: Store) -> World:
    tag = f"v{version_of(world, store)}"
    run = next(filter(_run_of(tag, rehearsal=True), reversed(world.runs)), None)
    if run is None:
        return world
    made = Release(world.tick + 1, tag, tag, "", run.created_at, run.created_at)
    return msgspec.structs.replace(world, releases=(*world.releases, made))


def _taken_on_pypi(world: World, store: Store) -> World:
    """A file of the version is on PyPI before its turn comes, so that the upload is refused half-way."""
    version = artifacts.python_version(version_of(world, store))
    name = f"plasmite-{version}.tar.gz"

    def with_file(files: tuple[PypiFile, ...]) -> tuple[PypiFile, ...]:
        if not files or any(file.version == version for file in files):
            return files
        return (*files, msgspec.structs.replace(files[-1], filename=name, version=version))

    projects = tuple(msgspec.structs.replace(one, files=with_file(one.files)) for one in world.pypi)
    return msgspec.structs.replace(world, pypi=projects)


FAULTS = (
    Fault(
        "dispatch-refused",
        "GitHub refuses to start the publish workflow: it does not know the inputs",
        Phase.REHEARSAL,
        r"was not started: GitHub answered 422",
        network=RefusesDispatch(422, 'Unexpected inputs provided: ["rehearsal"]'),
    ),
    Fault(
        "rehearsal-fails",
        "a credential is gone when the rehearsal looks for it",
        Phase.REHEARSAL,
        r"failed jobs: preflight \(failure\)",
        world=_without_secret("NPM_TOKEN"),
    ),
    Fault(
        "rehearsal-skips-jobs",
        "the rehearsal skips every job that would publish, and ends green",
        Phase.REHEARSAL,
        r"these jobs never ran: publish-complete",
        world=_in_run(_skipping, rehearsal=True),
    ),
    Fault(
        "rehearsal-publishes",
        "the rehearsal publishes the release",
        Phase.REHEARSAL,
        r"was a rehearsal, and v[0-9.]+ was published while it ran",
        world=_published_by_rehearsal,
    ),
    Fault(
        "tap-token-missing",
        "the repository has no secret HOMEBREW_TAP_TOKEN",
        Phase.PUBLISH,
        r"not configured: HOMEBREW_TAP_TOKEN",
        world=_without_secret("HOMEBREW_TAP_TOKEN"),
    ),
    Fault(
        "publish-refused",
        "the credentials may not start the publish workflow",
        Phase.PUBLISH,
        r"was not started: .*403.*access was refused",
        State.ERRORED,
        network=RefusesDispatch(403, "Resource not accessible by personal access token"),
    ),
    Fault(
        "publish-job-fails",
        "PyPI refuses the upload after crates.io and npm were reached",
        Phase.PUBLISH,
        r"failed jobs: publish-pypi \(failure\)",
        world=_taken_on_pypi,
    ),
    Fault(
        "approval-waits",
        "the publish waits for somebody to approve it",
        Phase.PUBLISH,
        r"waits for an approval for release by sandover",
        State.PENDING,
        world=_in_run(_waiting, rehearsal=False),
    ),
    Fault(
        "publish-skips-jobs",
        "a job was skipped on purpose, everything behind it was too, and the publish ends green",
        Phase.PUBLISH,
        r"these jobs never ran: publish-complete",
        world=_in_run(_skipping, rehearsal=False),
    ),
)
