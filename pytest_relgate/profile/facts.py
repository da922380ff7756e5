"""The profile: the facts of a project, as ``relgate.toml`` states them.

``docs/profile.md`` describes every key; a test holds the two together.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from pytest_relgate.errors import RelgateError
from pytest_relgate.profile.channels import Channel, misplaced
from pytest_relgate.profile.document import Document, display, read, read_file
from pytest_relgate.profile.duration import seconds
from pytest_relgate.profile.errored import Errored
from pytest_relgate.profile.fault import Fault
from pytest_relgate.profile.history import Abandoned, History
from pytest_relgate.profile.pattern import checked_pattern, checked_patterns
from pytest_relgate.profile.rehearsal import Rehearsal
from pytest_relgate.profile.source import (
    Built,
    ChannelName,
    FileNames,
    ManifestPath,
    OptionalPath,
    PinnedVersion,
    Rust,
    VariableKey,
    Workflows,
)
from pytest_relgate.profile.targets import Targets, half_said
from pytest_relgate.profile.triage import TriagePattern
from pytest_relgate.profile.words import quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA: Final = 1
"""The schema of the profile that this version reads."""

FILE_NAME: Final = "relgate.toml"
"""What marks a folder as a checks folder."""

Line = Annotated[
    str,
    Meta(
        # Names are compared as written and shown in reports, so nothing invisible may be in them.
        pattern=r"\A[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f\u2028\u2029]*[^\s\x00-\x1f\x7f-\x9f])?\Z",
        description="one line of text without space around it",
    ),
]
"""One line of text that a person reads."""


def _repository(value: object) -> object:
    if isinstance(value, str) and (url := re.search(r"github\.com[/:]([^/]+)/([^/]+?)(\.git)?/?$", value)):
        message = (
            f'expected "owner/name", found {quoted(value)}; did you mean {quoted(url[1] + "/" + url[2])}?'
        )
        raise RelgateError(message)
    return value


def _under_release(value: object) -> object:
    """Refuse what is neither a relative path nor the sandbox."""
    if not isinstance(value, str):
        return value
    place, colon, faults = value.partition(":")
    names = faults.split(",")
    if place == "sandbox" and colon:
        good = all(re.fullmatch(r"\S+", name) for name in names) and len(set(names)) == len(names)
    else:
        good = (
            value.strip() == value != ""
            and value.isprintable()
            and value[0] not in "/~"
            and "://" not in value
        )
    if good:
        return value
    message = f'expected ".", a relative path, "sandbox" or "sandbox:FAULT,FAULT", found {quoted(value)}'
    raise RelgateError(message)


Repository = Annotated[
    str,
    Meta(
        pattern=r"\A([A-Za-z0-9][A-Za-z0-9_-]{0,38}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100})?\Z",
        description='"owner/name"',
        extra={"parse": _repository},
    ),
]
UnderRelease = Annotated[
    str, Meta(description='".", a relative path or "sandbox"', extra={"parse": _under_release})
]
Seconds = Annotated[float, Meta(description="a duration", extra={"parse": seconds})]
Days = Annotated[int, Meta(ge=1, description="a number of days, above zero")]
Name = Annotated[
    str,
    Meta(
        pattern=r"\A[a-z][a-z0-9_-]*\Z",
        description="a name of lower-case letters, digits, - and _, a letter first",
    ),
]
Pattern = Annotated[str, Meta(description="a gitignore-style pattern", extra={"parse": checked_pattern})]
Patterns = Annotated[
    tuple[Pattern, ...],
    Meta(min_length=1, description="an array of at least one pattern", extra={"parse": checked_patterns}),
]
VariableName = Annotated[
    str,
    Meta(
        pattern=r"\A(?=.*[A-Za-z])[A-Za-z_*][A-Za-z0-9_*]*\Z",  # "*" alone would replace every value there is
        description="the name of an environment variable, with * for any characters",
    ),
]


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the base of a target is chosen (SPEC S5)."""

    policy: Literal["auto", "stable", "any"] = "auto"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Time limits, in seconds. ``gate`` is that of a gate without a mark of its own."""

    gate: Seconds = 1800.0


class Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Secrets of the release.

    ``names`` are environment variables, with ``*``, whose values are replaced everywhere. ``required`` are
    the secrets that the workflows need (SPEC S9), ``live`` those that only a live run needs (S14). ``days``
    is how long the token in a secret can live at most.
    """

    names: tuple[VariableName, ...] = ()
    required: tuple[VariableKey, ...] = ()
    live: tuple[VariableKey, ...] = ()
    days: dict[VariableKey, Days] = {}


def _branch(value: object) -> object:
    # https://git-scm.com/docs/git-check-ref-format: a word that git could take for an option is none
    if isinstance(value, str) and value and not re.fullmatch(r"[\w.][\w./+#@-]*", value):
        message = f'expected the name of a branch such as "main" or "origin/main", found {quoted(value)}'
        raise RelgateError(message)
    return value


class Approvers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may approve waivers, and the branch that these are merged to, where HEAD is behind it (SPEC B5)."""

    people: tuple[Annotated[Line, Meta(description="the name of a person")], ...] = ()
    branch: Annotated[str, Meta(description="the name of a branch", extra={"parse": _branch})] = ""


def _command(value: object) -> object:
    """Refuse what a shell could not split into words, and what has none."""
    if isinstance(value, str) and value:
        try:
            words = shlex.split(value)
        except ValueError:
            words = []
        if not words or not words[0] or "\0" in value:
            message = (
                f'expected a command like "bin/file --to tracker", its quotes closed, found {quoted(value)}'
            )
            raise RelgateError(message)
    return value


class Incidents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where incidents are filed: as issues with ``label``, or by ``command``, split as a shell does (S46)."""

    label: Annotated[Line, Meta(description="the name of a label")] = "release-incident"
    command: Annotated[str, Meta(description="a command", extra={"parse": _command})] = ""


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which reports a run writes beside its evidence."""

    html: bool = True


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The facts of a project.

    ``changes``, ``tables`` and ``present`` map a name to gitignore-style patterns; manifests and lockfiles of
    ``tables`` count by their dependency tables, under the change set's name. ``pins`` maps a variable of the
    release workflows to its value, ``artifacts`` a channel to the names of the files that it gets,
    ``channels`` its name to what it is.
    """

    project: Annotated[Line, Meta(description="the name of the project, on one line")]
    schema: int = SCHEMA
    repository: Repository = ""
    tag: Literal["v{version}", "{version}"] = "v{version}"
    under_release: UnderRelease = "."
    base: Base = Base()
    limits: Limits = Limits()
    changes: dict[Name, Patterns] = {}
    tables: dict[Name, Patterns] = {}
    present: dict[Name, Patterns] = {}
    manifests: tuple[ManifestPath, ...] = ()
    changelog: OptionalPath = "CHANGELOG.md"
    workflows: Workflows = Workflows()
    rehearsal: Rehearsal = Rehearsal()
    pins: dict[VariableKey, PinnedVersion] = {}
    rust: Rust = Rust()
    artifacts: dict[ChannelName, FileNames] = {}
    targets: Targets = Targets()
    channels: dict[ChannelName, Channel] = {}
    built: Built = Built()
    history: History = History()
    abandoned: dict[Name, Abandoned] = {}
    formula: OptionalPath = ""
    secrets: Secrets = Secrets()
    approvers: Approvers = Approvers()
    report: Report = Report()
    faults: dict[Name, Fault] = {}
    incidents: Incidents = Incidents()
    triage: tuple[TriagePattern, ...] = ()
    errored: dict[Name, Errored] = {}


def load_profile(path: Path) -> Profile:
    """Return the profile that stands in the file ``path``.

    Raises RelgateError, one line with file and line, for a file that is missing, unreadable or malformed.
    """
    text = read_file(path)
    if text is None:
        message = (
            f"{display(path)}: expected the profile of the checks folder, found no file; "
            "type relgate init, which drafts one"
        )
        raise RelgateError(message)
    return parse_profile(text, display(path))


def parse_profile(text: bytes, name: str) -> Profile:
    """Return the profile that ``text`` writes; errors call it ``name``.

    Raises RelgateError, one line with file and line, for anything that is not exactly a profile.
    """
    document = read(text, name)
    _check_schema(document)
    profile = document.typed(Profile)
    for place, tag in _tags(profile):
        if (tag[:1] == "v") != (profile.tag[:1] == "v"):
            form = profile.tag.replace("{version}", "X.Y.Z")
            raise document.error(
                place, f"{'.'.join(place)}: expected a release tag {form}, found {quoted(tag)}"
            )
    for channel, facts in profile.channels.items():
        if problem := misplaced(facts):
            raise document.error(("channels", channel), f"channels.{channel}: {problem}")
    if problem := half_said(profile.targets):
        raise document.error(("targets",), f"targets: {problem}")
    return profile


def _tags(profile: Profile) -> Iterator[tuple[tuple[str, ...], str]]:
    """The release tags that a profile names, with where they stand."""
    if profile.history.since:
        yield ("history", "since"), profile.history.since
    for name, one in profile.abandoned.items():
        yield ("abandoned", name, "tag"), one.tag
        yield ("abandoned", name, "successor"), one.successor


def _check_schema(document: Document) -> None:
    """Refuse another schema before its keys are called unknown."""
    schema = document.table.get("schema", SCHEMA)
    if type(schema) is not int or schema == SCHEMA:
        return
    if schema > SCHEMA:
        problem = (
            f"expected schema = {SCHEMA}, found {shown(schema)}, which needs a later pytest-relgate than "
            f"{_version()}; type: pip install --upgrade pytest-relgate"
        )
    else:
        problem = f"expected schema = {SCHEMA}, found {shown(schema)}, which no pytest-relgate reads"
    raise document.error(("schema",), problem)


def _version() -> str:
    from importlib import metadata  # only for this message

    try:
        return metadata.version("pytest-relgate")
    except metadata.PackageNotFoundError:  # run from a source tree
        return "this one"
