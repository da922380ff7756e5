"""What GitHub's REST API answers, as far as gates need it: the shapes of its OpenAPI description, 2022-11-28.

Decoded strictly; keys that are not named here may come and go. What GitHub calls nullable is None here;
what older servers leave out has a default.
"""

from __future__ import annotations

import msgspec


class Permissions(msgspec.Struct, frozen=True):
    """What the credential may do; GitHub says it to those that it knows."""

    push: bool = False
    admin: bool = False


class RepositoryFacts(msgspec.Struct, frozen=True):
    """A repository. ``permissions`` is None for an anonymous caller."""

    full_name: str
    default_branch: str
    html_url: str
    private: bool = False
    archived: bool = False
    permissions: Permissions | None = None


class GitObject(msgspec.Struct, frozen=True):
    """What a ref or a tag points at. ``type`` is commit, tag, tree or blob."""

    sha: str
    type: str


class Ref(msgspec.Struct, frozen=True):
    """A ref, under its full name."""

    ref: str
    object: GitObject


class TagObject(msgspec.Struct, frozen=True):
    """An annotated tag."""

    tag: str
    object: GitObject


class CommitText(msgspec.Struct, frozen=True):
    """What a commit says."""

    message: str


class CommitFacts(msgspec.Struct, frozen=True):
    """A commit."""

    sha: str
    commit: CommitText


class AssetFacts(msgspec.Struct, frozen=True):
    """A file of a release. ``digest`` is ``sha256:<hex>`` as computed at upload, or nothing."""

    id: int
    name: str
    size: int
    state: str
    url: str
    digest: str | None = None


class ReleaseFacts(msgspec.Struct, frozen=True):
    """A release. ``immutable`` is said by newer servers."""

    id: int
    tag_name: str
    draft: bool
    prerelease: bool
    html_url: str
    assets: tuple[AssetFacts, ...]
    published_at: str | None = None
    immutable: bool = False


class ReleaseName(msgspec.Struct, frozen=True):
    """A release in a list of all of them, without its assets."""

    tag_name: str
    draft: bool


class WorkflowRun(msgspec.Struct, frozen=True):
    """A run of a workflow. ``path`` is its file, with ``@ref`` behind it on some servers."""

    id: int
    head_sha: str
    head_branch: str | None
    event: str
    status: str | None
    conclusion: str | None
    html_url: str
    created_at: str
    path: str
    name: str | None = None
    display_title: str = ""
    run_attempt: int = 1
    updated_at: str = ""

    @property
    def file(self) -> str:
        """The workflow's file name."""
        return self.path.partition("@")[0].rpartition("/")[2]


class RunsPage(msgspec.Struct, frozen=True):
    """Runs. ``total_count`` comes from a search index that lags: 0 is no "there is none"."""

    total_count: int
    workflow_runs: tuple[WorkflowRun, ...]


class EnvironmentFacts(msgspec.Struct, frozen=True):
    """An environment of a repository."""

    name: str


class DispatchedRun(msgspec.Struct, frozen=True):
    """What GitHub says of a run that was just dispatched, to those that ask for it."""

    workflow_run_id: int
    html_url: str = ""


class Reviewer(msgspec.Struct, frozen=True):
    """A person (``login``) or a team (``name``) that may approve."""

    login: str = ""
    name: str = ""


class ReviewerOf(msgspec.Struct, frozen=True):
    """A reviewer of an environment. ``type`` is User or Team."""

    type: str = ""
    reviewer: Reviewer = Reviewer()


class PendingDeployment(msgspec.Struct, frozen=True):
    """An environment that a run waits for, and who may let it in."""

    environment: EnvironmentFacts
    reviewers: tuple[ReviewerOf, ...] = ()


class JobFacts(msgspec.Struct, frozen=True):
    """A job of a run."""

    id: int
    name: str
    status: str
    conclusion: str | None
    html_url: str | None = None


class JobsPage(msgspec.Struct, frozen=True):
    """Jobs of a run."""

    total_count: int
    jobs: tuple[JobFacts, ...]


class ArtifactFacts(msgspec.Struct, frozen=True):
    """An artifact of a run. ``digest`` is of the zip archive, or nothing."""

    id: int
    name: str
    size_in_bytes: int
    expired: bool
    archive_download_url: str
    digest: str | None = None


class ArtifactsPage(msgspec.Struct, frozen=True):
    """Artifacts of a run."""

    total_count: int
    artifacts: tuple[ArtifactFacts, ...]


class SecretFacts(msgspec.Struct, frozen=True):
    """The name of a secret. Nobody can read more of it."""

    name: str
    updated_at: str = ""


class SecretsPage(msgspec.Struct, frozen=True):
    """Secrets on one level."""

    total_count: int
    secrets: tuple[SecretFacts, ...]


class EnvironmentsPage(msgspec.Struct, frozen=True):
    """Environments of a repository."""

    total_count: int
    environments: tuple[EnvironmentFacts, ...] = ()
