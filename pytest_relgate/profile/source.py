"""The part of the profile that speaks of the source under release: manifests, workflows, what is built."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile.words import quoted

PLACEHOLDERS: Final = ("version", "pep440", "tag")
"""What a file name of ``artifacts`` may stand for: ``{version}``, ``{pep440}``, ``{tag}``."""


def _inside(value: object) -> object:
    """Refuse a path that does not lie in the repository."""
    if isinstance(value, str):
        parts = value.split("/")
        bad = (
            not value.isprintable() or "\\" in value or {"", ".", ".."} & set(parts) or value != value.strip()
        )
        if bad:
            message = f"expected a path like folder/file, relative to the repository, found {quoted(value)}"
            raise RelgateError(message)
    return value


MANIFESTS: Final = (
    "Cargo.toml",
    "Cargo.lock",
    "pyproject.toml",
    "uv.lock",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
)
"""The names of the files whose version can be read."""


def _manifest(value: object) -> object:
    """Refuse a file whose version nobody could read: a gate of its own looks at that."""
    value = _inside(value)
    if isinstance(value, str) and value.rpartition("/")[2] not in MANIFESTS:
        message = (
            f"expected a file named {', '.join(MANIFESTS)}, in any folder, found {quoted(value)}: "
            "take it out, and write a gate that reads it"
        )
        raise RelgateError(message)
    return value


def _file_name(value: object) -> object:
    """Refuse a name with a folder in it, or with braces that stand for nothing."""
    if isinstance(value, str):
        left = value
        for name in PLACEHOLDERS:
            left = left.replace(f"{{{name}}}", "")
        if not value or re.search(r"[/\\{}\s]", left) or not value.isprintable():
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            message = f"expected the name of a file, with {known} where they stand, found {quoted(value)}"
            raise RelgateError(message)
    return value


def _no_input_of_its_own(value: object) -> object:
    """Refuse the inputs that say what is published (SPEC S40): a word in them would hold nothing back."""
    if value in ("release_tag", "build_run_id"):
        message = (
            f"expected the input that keeps the workflow from publishing, found {quoted(str(value))}, "
            "which says what is published"
        )
        raise RelgateError(message)
    return value


RepositoryPath = Annotated[str, Meta(description="a path in the repository", extra={"parse": _inside})]
ManifestPath = Annotated[
    str, Meta(description="the path of a manifest in the repository", extra={"parse": _manifest})
]
OptionalPath = Annotated[
    str,
    Meta(
        description='a path in the repository, or ""',
        extra={"parse": lambda value: value if value == "" else _inside(value)},
    ),
]
WorkflowFile = Annotated[
    str,
    Meta(
        pattern=r"\A([A-Za-z0-9._-]+\.ya?ml)?\Z",
        description="the name of a file in .github/workflows",
    ),
]
JobPattern = Annotated[
    str,
    Meta(pattern=r"\A[A-Za-z_*?][A-Za-z0-9_*?-]*\Z", description="the id of a job, with * and ?"),
]
VariableKey = Annotated[
    str,
    Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_]*\Z", description="the name of an environment variable"),
]
OptionalVariable = Annotated[
    str,
    Meta(pattern=r"\A([A-Za-z_][A-Za-z0-9_]*)?\Z", description='the name of an environment variable, or ""'),
]
ToolName = Annotated[
    str, Meta(pattern=r"\A[A-Za-z_][A-Za-z0-9_-]*\Z", description="the name of a tool or of a variable")
]
PinnedVersion = Annotated[str, Meta(pattern=r"\A\S+\Z", description="a version, without spaces")]
ChannelName = Annotated[
    str,
    Meta(pattern=r"\A[a-z][a-z0-9_-]*\Z", description="the name of a channel in lower-case letters"),
]
FileNames = Annotated[
    tuple[Annotated[str, Meta(description="the name of a file", extra={"parse": _file_name})], ...],
    Meta(min_length=1, description="an array of at least one file name"),
]
HeldFiles = Annotated[
    tuple[Annotated[str, Meta(description="a path in an archive", extra={"parse": _inside})], ...],
    Meta(min_length=1, description="an array of at least one path"),
]
Bytes = Annotated[int, Meta(ge=1, description="a number of bytes, above zero")]
RehearsalInput = Annotated[
    VariableKey, Meta(description="the name of an input", extra={"parse": _no_input_of_its_own})
]
Severity = Annotated[
    Literal["informational", "low", "medium", "high"],
    Meta(description='"informational", "low", "medium" or "high"'),
]


class Workflows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The workflows of a release, and which of their jobs are what (SPEC S15, S33, S39, S42).

    ``preflight``, ``provenance`` and ``homebrew`` name the jobs of the publish workflow that everything
    published must wait for; ``publishes`` those that publish although nothing that they run says so;
    ``final`` the job that comes after all of them. ``rehearsal`` is the input that keeps it from publishing.
    ``severity`` is that of zizmor's findings from which on they block; what zizmor is not
    sure of counts as one severity lighter.
    ``ci`` are the workflows that must be green on the commit under release; ``artifacts`` are what a run of
    ``build`` uploads, ``metadata`` the one of them that says what was built from what.
    """

    ci: tuple[WorkflowFile, ...] = ()
    build: WorkflowFile = ""
    artifacts: tuple[Annotated[str, Meta(min_length=1, description="the name of an artifact")], ...] = ()
    metadata: Annotated[str, Meta(min_length=1, description="the name of an artifact")] = "release-metadata"
    publish: WorkflowFile = ""
    preflight: tuple[JobPattern, ...] = ("*preflight*",)
    provenance: tuple[JobPattern, ...] = ("resolve-*", "*provenance*")
    homebrew: tuple[JobPattern, ...] = ("*homebrew*",)
    publishes: tuple[JobPattern, ...] = ()
    final: tuple[JobPattern, ...] = ()
    rehearsal: RehearsalInput = "rehearsal"
    severity: Severity = "high"


class Rust(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of Rust in the release workflows (SPEC S42).

    ``toolchain`` is the variable that pins it; ``needed_by`` maps a tool, or the variable that pins the tool,
    to the least Rust by the tool's version.
    """

    toolchain: OptionalVariable = ""
    needed_by: dict[ToolName, dict[PinnedVersion, PinnedVersion]] = {}


class Built(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of built archives: where they lie, what each must hold, how large one may be.

    ``downloaded`` are folders of what the build made, as it was downloaded from it.
    ``holds`` are the files that every archive of a channel must hold, relative to where its files are.
    """

    folders: tuple[RepositoryPath, ...] = ("dist",)
    downloaded: tuple[RepositoryPath, ...] = ()
    licences: tuple[
        Annotated[str, Meta(description="the name of a file", extra={"parse": _file_name})], ...
    ] = ()
    largest: Bytes = 100_000_000
    holds: dict[ChannelName, HeldFiles] = {}
