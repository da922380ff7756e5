"""Which jobs read which secrets, and in which environment each of them runs. Pure. SPEC S9, S14.

A secret of an environment is given to the jobs that name this environment and to no others
(docs.github.com, "Using secrets in GitHub Actions").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_relgate.source.expressions import expressions_in
from pytest_relgate.source.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_relgate.source.workflow_graph import Graph, Member
    from pytest_relgate.source.yaml_lines import Node

_READ: Final = re.compile(
    r"(?<![\w.-])secrets\s*(?:\.\s*(?P<dot>[A-Za-z_]\w*)|\[\s*'(?P<index>[A-Za-z_]\w*)'\s*\])", re.IGNORECASE
)
_OWN: Final = "GITHUB_TOKEN"
"""The token that every run is given: nobody configures it."""

REGISTRIES: Final = ("crates", "npm", "pypi", "homebrew")
"""Kinds of channels to which a run's own token opens nothing."""
TRUSTING: Final = ("crates", "npm", "pypi")
"""Kinds of channels that take a trusted publisher."""
_NONE: Final[Mapping[str, Sequence[Member]]] = MappingProxyType({})


class Use(NamedTuple):
    """A job that reads a secret. ``environment`` is empty without one, None where an expression names it."""

    secret: str
    job: str
    environment: str | None
    where: str


@dataclass(frozen=True)
class Uses:
    """What the jobs of the release workflows read. ``preflight`` are the secrets that the preflight reads.

    ``environments`` are those that jobs name, whatever they read.
    """

    uses: tuple[Use, ...] = ()
    environments: tuple[str, ...] = ()
    preflight: tuple[tuple[str, str], ...] = ()

    def of(self, secret: str) -> tuple[Use, ...]:
        """The jobs that read a secret."""
        return tuple(use for use in self.uses if use.secret == secret)


class Published(NamedTuple):
    """A channel with the job that publishes to it, and with what: a secret, or as a trusted publisher."""

    name: str
    kind: str
    job: str
    secret: str = ""
    trusted: bool = False


def uses_of(graphs: Iterable[Graph], preflight: Sequence[str] = ()) -> Uses:
    """Say what the jobs of these workflows read. ``preflight`` are patterns of job ids."""
    members = [member for graph in graphs for member in graph.members.values()]
    found = [use for member in members for use in _uses(member)]
    named = [environment for member in members if (environment := _environment(member))]
    shown = [
        (use.secret, use.job)
        for use in found
        if any(fnmatchcase(use.job.rpartition(" / ")[2], pattern) for pattern in preflight)
    ]
    return Uses(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(named)), tuple(dict.fromkeys(shown)))


def _uses(member: Member) -> Iterator[Use]:
    if member.caller and not _inherits(member):
        return  # what it reads are names that its caller gives; the caller reads the secrets
    nodes = [member.job.node]
    env = member.workflow.root.get("env")
    nodes += [env] if env else []
    for name in dict.fromkeys(one for node in nodes for one in secrets_in(node)):
        if name != _OWN:
            yield Use(name, member.id, _environment(member), member.where)


def _inherits(member: Member) -> bool:
    # The graph keeps the caller's id only; that a called workflow names secrets it is given says the same.
    called = member.workflow.triggers.get("workflow_call")
    given = called.get("secrets") if called else None
    return given is None


def secrets_in(node: Node) -> tuple[str, ...]:
    """The names of the secrets that expressions below a node read, conditions included."""
    found: list[str] = []
    for scalar in node.scalars():
        texts = [inside for inside, _ in expressions_in(scalar.text)]
        found += [(one["dot"] or one["index"]).upper() for text in texts for one in _READ.finditer(text)]
    return tuple(dict.fromkeys(found))


def _environment(member: Member) -> str | None:
    node = member.job.node.get("environment")
    if node is not None and node.kind == "mapping":
        node = node.get("name")
    if node is None or node.null:
        return ""
    return None if "${{" in node.text else node.text


def may_identify(member: Member) -> bool:
    """Whether a job can ask GitHub for a token that says who it is (``id-token: write``)."""
    stated = member.job.node.get("permissions") or member.workflow.root.get("permissions")
    if stated is None:
        return False
    if stated.kind == "scalar":
        return stated.text == "write-all"
    allowed = stated.get("id-token")
    return allowed is not None and allowed.text == "write"


def without_credential(
    graph: Graph, channels: Iterable[Published], publishing: Mapping[str, Sequence[Member]] = _NONE
) -> Iterator[Problem]:
    """Say which channels are published to by a job that has not what the profile says it publishes with.

    The job is the one that the profile names. Where the workflow has none of that name, it is each one that
    publishes to such a channel by what it runs: ``publishing`` has them by the channel's kind. A channel for
    which the profile says nothing needs a secret or ``id-token: write``, whichever it is.
    """
    for channel in channels:
        named = [one for one in graph.members.values() if channel.job and one.job.id == channel.job]
        told = channel.job or channel.secret or channel.trusted
        jobs = named[:1] or (publishing.get(channel.kind, ()) if told else ())
        if not jobs and channel.job:
            yield _unpublished(channel, graph.workflow.path)
        for member in jobs:
            parts = [member, *(graph.members[one] for one in member.calls)]
            read = {name for one in parts for name in secrets_in(one.job.node)} - {_OWN}
            yield from _wanting(channel, member, read, trusted=any(map(may_identify, parts)))


def _unpublished(channel: Published, path: str) -> Problem:
    words = (
        f"channel {channel.name} is published by the job {channel.job}, and {path} has no such job, and none "
        f"that is seen to publish to {channel.kind}"
    )
    fix = f"mend job in [channels.{channel.name}] of relgate.toml; without one, no job has to publish there"
    return Problem(words, path, fix)


def _wanting(channel: Published, member: Member, read: set[str], *, trusted: bool) -> Iterator[Problem]:
    begin = f"channel {channel.name}: job {member.id}"
    if channel.trusted and not trusted:
        words = f"{begin} is to publish as a trusted publisher, and has no id-token: write"
        yield Problem(words, member.where, "add permissions: {id-token: write} to the job")
    elif channel.secret and channel.secret.upper() not in read:
        has = f", only {', '.join(sorted(read))}" if read else ""
        if trusted and channel.kind in TRUSTING:
            has += "; it may publish as a trusted publisher, which the profile does not say"
        words = f"{begin} is to publish with {channel.secret}, and does not read it{has}"
        mend = "trusted = true in place of secret in" if "trusted" in has else "mend"
        fix = f"hand it over in env: ${{{{ secrets.{channel.secret} }}}}; or {mend} [channels.{channel.name}]"
        yield Problem(words, member.where, fix)
    elif channel.kind in REGISTRIES and not (channel.trusted or channel.secret or read or trusted):
        words = f"{begin} publishes with nothing: it reads no secret and has no id-token: write"
        yield Problem(words, member.where, "hand over a token, or let it publish as a trusted publisher")
