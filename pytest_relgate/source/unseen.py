"""What may publish out of sight: tools with a configuration of their own, programs that nobody can follow.

Pure. A step is opaque where it runs such a thing and holds what a publish needs; then nothing that is said of
the order of the release holds for it, and its job has to be named in the profile.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_relgate.source.publishing import DEEPEST, followed, launched, plain_words, published_by
from pytest_relgate.source.shell import commands_of
from pytest_relgate.source.workflow_secrets import may_identify, secrets_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_relgate.source.workflow_graph import Member
    from pytest_relgate.source.workflows import Step


class Unseen(NamedTuple):
    """One thing that may publish out of sight: what runs, and its line in the text of the step."""

    what: str
    line: int


_RELEASE_TOOLS: Final = {
    "semantic-release": (),
    "python-semantic-release": (),
    "release-it": (),
    "np": (),
    "goreleaser": ("release",),
    "jreleaser": (),
    "release-plz": ("release",),
    "changeset": ("publish",),
    "changesets": ("publish",),
    "nx": ("release",),
    "auto": ("shipit", "release"),
    "dist": ("host",),
    "mvn": ("deploy", "release:perform"),
    "mvnw": ("deploy", "release:perform"),
    "gradle": ("publish", "publishToMavenCentral", "publishPlugins"),
    "gradlew": ("publish", "publishToMavenCentral", "publishPlugins"),
    "sbt": ("publish", "publishSigned", "ci-release"),
    "mix": ("hex.publish",),
}
"""Tools that publish to what their own configuration names, with the subcommands that do; none is any."""

_RELEASE_ACTIONS: Final = frozenset(
    {
        "changesets/action",
        "cycjimmy/semantic-release-action",
        "goreleaser/goreleaser-action",
        "googleapis/release-please-action",
        "jreleaser/release-action",
        "python-semantic-release/python-semantic-release",
        "release-plz/action",
    }
)
_SPEAKS_OF_IT: Final = re.compile(r"publish|release|deploy|upload|push", re.IGNORECASE)
_RUNNERS: Final = frozenset(
    {"make", "gmake", "just", "task", "mage", "nox", "tox", "invoke", "inv", "rake", "ant", "bazel"}
)
_INTERPRETERS: Final = re.compile(r"(?:python|pypy|node|ruby|perl|deno|bun|php|tsx|ts-node)[\d.]*")
_SCRIPTED: Final = frozenset({"npm", "yarn", "pnpm", "bun"})
_HARMLESS: Final = frozenset({"--dry-run", "--help", "--version"})


def unseen_in(
    text: str, read: Callable[[str], bytes | None] = lambda _: None, *, folder: str = ""
) -> tuple[Unseen, ...]:
    """What a shell text runs that may publish and cannot be followed, in scripts that it runs too."""
    return tuple(_unseen(text, read, folder, 0, frozenset()))


def _unseen(
    text: str, read: Callable[[str], bytes | None], folder: str, depth: int, seen: frozenset[str]
) -> Iterator[Unseen]:
    for command in commands_of(text):
        words = launched(command.words)
        if not words or _HARMLESS & set(words):
            continue
        inside = followed(command.words, read, folder) if depth < DEEPEST else None
        if is_release_tool(words) or (inside is None and _cannot_be_followed(words)):
            yield Unseen(command.text, command.line)
        elif inside is not None and inside[0] not in seen:
            for one in _unseen(inside[1], read, folder, depth + 1, seen | {inside[0]}):
                yield Unseen(f"{one.what} (in {inside[0]})", command.line)


def is_release_tool(words: tuple[str, ...]) -> bool:
    """Whether a command is one of a tool that publishes by its own configuration."""
    verbs = _RELEASE_TOOLS.get(posixpath.basename(words[0]))
    if verbs is None:
        return False
    return not verbs or any(word.rpartition(":")[2] in verbs or word in verbs for word in words[1:])


def _cannot_be_followed(words: tuple[str, ...]) -> bool:
    """Whether a command runs something of the repository, or a recipe, that is no shell text at hand."""
    tool, rest = posixpath.basename(words[0]), plain_words(words)
    if tool in _RUNNERS:
        return True
    if tool in _SCRIPTED:
        return rest[:1] in (["run"], ["run-script"], ["exec"])
    if _INTERPRETERS.fullmatch(tool):
        return any(re.search(r"\.\w+$", word) for word in rest[:1])
    match tool, *rest[:1]:
        case ["cargo", "run" | "xtask"] | ["go", "run"]:
            return True
        case _:
            return words[0].startswith(("./", "scripts/", "tools/", "bin/"))


def unseen_steps(
    member: Member, read: Callable[[str], bytes | None], own_tool: Callable[[Step], bool] = lambda _: False
) -> Iterator[tuple[Step, Unseen]]:
    """The steps of a job that may publish out of sight. ``own_tool`` says that a step visibly publishes.

    A tool that publishes by its own configuration is one always, anything else only where the step holds what
    a publish needs and nothing of it can be seen.
    """
    for step in member.job.steps:
        if step.uses:
            if _action_may(member, step):
                yield step, Unseen(step.uses, 1)
            continue
        node = step.node.get("working-directory")
        folder = "" if node is None or "${{" in node.text else node.text
        visible = own_tool(step) or bool(published_by(step.run, read, folder=folder))
        for one in unseen_in(step.run, read, folder=folder):
            tool = is_release_tool(launched(tuple(one.what.partition(" (in ")[0].split())) or ("",))
            if tool or (not visible and holds_means(member, step)):
                yield step, one


def _action_may(member: Member, step: Step) -> bool:
    name = "/".join(step.uses.partition("@")[0].lower().split("/")[:2])
    if name in _RELEASE_ACTIONS:
        return True
    known = name.startswith(("actions/", "github/", "./")) or _is_publisher(name)
    return not known and bool(_SPEAKS_OF_IT.search(name)) and holds_means(member, step)


def _is_publisher(name: str) -> bool:
    from pytest_relgate.source.publishing import ACTIONS

    return name in ACTIONS


def holds_means(member: Member, step: Step) -> bool:
    """Whether a step holds what a publish needs: a secret, or a right to write or to say who it is."""
    nodes = [step.node, member.job.node.get("env"), member.workflow.root.get("env")]
    if any(set(secrets_in(node)) - {"GITHUB_TOKEN"} for node in nodes if node is not None):
        return True
    return may_identify(member) or _may_write(member)


def _may_write(member: Member) -> bool:
    stated = member.job.node.get("permissions") or member.workflow.root.get("permissions")
    if stated is None:
        return False
    if stated.kind == "scalar":
        return stated.text == "write-all"
    rights = (stated.get(name) for name in ("contents", "packages"))
    return any(right is not None and right.text == "write" for right in rights)
