"""Which channels a step publishes to, told by what it runs. Pure.

Commands are those of the tools' own documentation; actions are those that say in theirs that they publish.
A script or ``just`` recipe of the repository is followed; inside one, a branch of a ``case`` is not taken for
what runs, since its argument decides.
"""

from __future__ import annotations

import json
import posixpath
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from pytest_relgate.source.shell import Command, commands_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Channel(StrEnum):
    """Where something is published."""

    CRATES = "crates.io"
    NPM = "npm"
    PYPI = "pypi"
    RELEASE = "github-release"
    TAP = "tap-push"
    OTHER = "other"

    @property
    def registry(self) -> bool:
        """Whether it is a registry of packages, which takes nothing back."""
        return self in (Channel.CRATES, Channel.NPM, Channel.PYPI, Channel.OTHER)


class Publication(NamedTuple):
    """One thing that publishes: the channel, what runs, and its line in the text of the step."""

    channel: Channel
    what: str
    line: int


KINDS: Final = {
    "crates": Channel.CRATES,
    "npm": Channel.NPM,
    "pypi": Channel.PYPI,
    "github-release": Channel.RELEASE,
    "homebrew": Channel.TAP,
}
"""The channels by their kinds in the profile."""

ACTIONS = {
    "pypa/gh-action-pypi-publish": Channel.PYPI,
    "js-devtools/npm-publish": Channel.NPM,
    "katyo/publish-crates": Channel.CRATES,
    "softprops/action-gh-release": Channel.RELEASE,
    "ncipollo/release-action": Channel.RELEASE,
    "actions/create-release": Channel.RELEASE,
    "actions/upload-release-asset": Channel.RELEASE,
    "svenstaro/upload-release-action": Channel.RELEASE,
    "goreleaser/goreleaser-action": Channel.RELEASE,
    "mislav/bump-homebrew-formula-action": Channel.TAP,
    "dawidd6/action-homebrew-bump-formula": Channel.TAP,
    "justintime50/homebrew-releaser": Channel.TAP,
    "docker/build-push-action": Channel.OTHER,
}
"""Actions that publish, by owner/name in lower case."""

DEEPEST = 4  # scripts that call scripts
_SHEBANG = re.compile(r"#!.*\b(?:ba|z|da)?sh\b")
_RECIPE = r"^@?{name}(?:[ \t][^:\n=]*)?:(?!=)[^\n]*\n(?P<body>(?:[ \t]+[^\n]*\n|[ \t]*\n)*)"
_RULE = r"^{name}[ \t]*::?(?!=)(?P<before>[^\n=;#]*)[^\n]*\n(?P<body>(?:\t[^\n]*\n|[ \t]*\n)*)"
_LAUNCHERS = (
    ("pipx", "run"),
    ("uv", "tool", "run"),
    ("uv", "run"),
    ("uvx",),
    ("npx",),
    ("poetry", "run"),
    ("pnpm", "dlx"),
    ("python", "-m"),
    ("python3", "-m"),
)
_LAUNCHERS_WITH_VALUE = {"-p", "--package", "--from", "--spec", "--with", "--python", "--index-url"}
_FLAGS_WITH_VALUE = {
    "cargo": {"--manifest-path", "-C", "--config", "-Z", "--color"},
    "npm": {"--prefix", "-C", "--registry", "--workspace", "-w"},
    "gh": {"-R", "--repo"},
    "git": {"-C", "-c", "--git-dir", "--work-tree"},
}


def published_by_action(uses: str) -> Channel | None:
    """The channel that an action publishes to, None for one that is not known to publish."""
    name = "/".join(uses.partition("@")[0].lower().split("/")[:2])
    return ACTIONS.get(name)


def published_by(
    text: str, read: Callable[[str], bytes | None] = lambda _: None, *, folder: str = ""
) -> tuple[Publication, ...]:
    """Everything that a shell text publishes, scripts and recipes of the repository followed.

    ``folder`` is where it runs, relative to the repository, whose files ``read`` gives.
    """
    return tuple(_published(text, read, folder, 0, frozenset()))


def _published(
    text: str, read: Callable[[str], bytes | None], folder: str, depth: int, seen: frozenset[str]
) -> Iterator[Publication]:
    place = folder
    for command in commands_of(text):
        if depth and command.branch:
            continue
        words = command.words
        if words[0] in ("cd", "pushd") and len(words) > 1:
            place = posixpath.normpath(posixpath.join(place, words[1]))
        if channel := _channel(command, place):
            yield Publication(channel, command.text, command.line)
            continue
        inside = followed(words, read, folder) if depth < DEEPEST else None
        if inside and inside[0] not in seen:
            name, body = inside
            for one in _published(body, read, folder, depth + 1, seen | {name}):
                yield Publication(one.channel, f"{one.what} (in {name})", command.line)


def _channel(command: Command, place: str) -> Channel | None:  # noqa: C901, PLR0911  (one answer for each tool)
    words = launched(command.words)
    tool = posixpath.basename(words[0])
    nothing = {"--dry-run", "--help"} | ({"-n"} if tool in ("cargo", "git") else set())
    if nothing & set(words[1:]):
        return None
    action = plain_words(words)
    match tool, *action[:2]:
        case ["cargo", "publish", *_] | ["cargo", "release", *_]:
            return Channel.CRATES
        case (
            ["npm" | "pnpm" | "bun" | "lerna", "publish", *_]
            | ["yarn", "publish", *_]
            | ["yarn", "npm", "publish"]
        ):
            return Channel.NPM
        case ["twine", "upload", *_] | ["uv" | "poetry" | "flit" | "hatch" | "pdm" | "rye", "publish", *_]:
            return Channel.PYPI
        case ["maturin", "publish" | "upload", *_]:
            return Channel.PYPI
        case ["gh", "release", "create" | "upload" | "edit"]:
            return Channel.RELEASE
        case ["goreleaser", "release", *_]:
            return Channel.RELEASE
        case ["brew", "bump-formula-pr" | "bump", *_]:
            return Channel.TAP
        case ["git", "push", *_] if re.search(r"tap|homebrew", f"{' '.join(words)} {place}", re.IGNORECASE):
            return Channel.TAP
        case [("docker" | "podman" | "gem" | "helm" | "oras" | "skopeo"), "push" | "copy", *_]:
            return Channel.OTHER
        case _:
            return None


def launched(words: tuple[str, ...]) -> tuple[str, ...]:
    """What a command launches that fetches a tool and runs it: ``pipx run twine==6.2.0 upload``."""
    for launcher in _LAUNCHERS:
        if words[: len(launcher)] == launcher:
            rest = words[len(launcher) :]
            while rest and rest[0].startswith("-"):
                rest = rest[2 if rest[0] in _LAUNCHERS_WITH_VALUE else 1 :]
            return (re.split(r"[=@<>~!]", rest[0])[0], *rest[1:]) if rest and rest[0][0] != "@" else rest
    return words


def plain_words(words: tuple[str, ...]) -> list[str]:
    """The words of a command behind its tool, without options and their values."""
    tool = posixpath.basename(words[0])
    with_value = _FLAGS_WITH_VALUE.get(tool, set())
    found: list[str] = []
    skip = False
    for word in words[1:]:
        if skip:
            skip = False
        elif word.startswith(("-", "+")):
            skip = word in with_value
        else:
            found.append(word)
    return found


def followed(
    words: tuple[str, ...], read: Callable[[str], bytes | None], folder: str
) -> tuple[str, str] | None:
    """The script or recipe of the repository that a command runs: its name and its shell text."""
    if words[0] == "just":
        return _recipe([word for word in words[1:] if not word.startswith("-")], read)
    if words[0] in ("make", "gmake"):
        return _rules(words, read, folder)
    if words[0] in ("npm", "yarn", "pnpm", "bun"):
        return _package_script(words, read, folder)
    shell = words[0] in ("bash", "sh", "source", ".")
    name = next((word for word in words[1:] if not word.startswith("-")), "") if shell else words[0]
    if "/" not in name and not (shell and name.endswith(".sh")):
        return None
    path = posixpath.normpath(posixpath.join(folder, name))
    if path.startswith(("..", "/")) or not re.fullmatch(r"[\w./+-]+", path):
        return None
    raw = read(path)
    text = raw.decode("utf-8", "replace") if raw is not None else ""
    return (path, text) if shell or _SHEBANG.match(text) else None


def _rules(
    words: tuple[str, ...], read: Callable[[str], bytes | None], folder: str
) -> tuple[str, str] | None:
    """The recipes of the targets that make is asked for, with those that they depend on."""
    place = next((words[n + 1] for n, word in enumerate(words[:-1]) if word in ("-C", "--directory")), "")
    inside = posixpath.normpath(posixpath.join(folder, place))
    names = [word for word in words[1:] if re.fullmatch(r"[\w.-]+", word) and not word.startswith("-")]
    names = [name for name in names if name != place]
    for path in ("GNUmakefile", "makefile", "Makefile"):
        raw = read(posixpath.normpath(posixpath.join(inside, path)))
        if raw is not None and names:
            text = raw.decode("utf-8", "replace").replace("\\\n", " ") + "\n"
            bodies = [_rule(name, text, frozenset()) for name in names]
            return (f"make {' '.join(names)}", "\n".join(bodies)) if all(bodies) else None
    return None


def _rule(name: str, text: str, seen: frozenset[str]) -> str:
    found = re.search(_RULE.format(name=re.escape(name)), text, re.MULTILINE)
    if not found or name in seen:
        return ""
    before = [_rule(one, text, seen | {name}) for one in found["before"].split()]
    lines = [re.sub(r"^\t[@+-]*", "", line) for line in found["body"].split("\n")]
    return "\n".join([*before, *lines]) + "\n"


def _package_script(
    words: tuple[str, ...], read: Callable[[str], bytes | None], folder: str
) -> tuple[str, str] | None:
    """The script of package.json that ``npm run`` runs, with what comes before and after it."""
    rest = plain_words(words)
    if rest[:1] not in (["run"], ["run-script"]) or len(rest) < 2:  # noqa: PLR2004  (run, and what)
        return None
    places = (
        words[n + 1] for n, word in enumerate(words[:-1]) if word in ("--prefix", "-C", "--cwd", "--dir")
    )
    inside = posixpath.join(folder, next(places, ""))
    raw = read(posixpath.normpath(posixpath.join(inside, "package.json")))
    try:
        scripts = json.loads(raw or b"{}").get("scripts", {})
        found = [scripts[one] for one in (f"pre{rest[1]}", rest[1], f"post{rest[1]}") if one in scripts]
    except (ValueError, AttributeError, TypeError):
        return None
    if rest[1] not in scripts or not all(isinstance(one, str) for one in found):
        return None
    return f"{words[0]} run {rest[1]}", "\n".join(found)


def _recipe(names: list[str], read: Callable[[str], bytes | None]) -> tuple[str, str] | None:
    """The body of a recipe of the Justfile, with those that it depends on."""
    for path in ("Justfile", "justfile", ".justfile"):
        raw = read(path)
        if raw is None or not names:
            continue
        text = raw.decode("utf-8", "replace") + "\n"
        body = _with_dependencies(names[0], text, frozenset())
        return (f"just {names[0]}", body) if body else None
    return None


def _with_dependencies(name: str, text: str, seen: frozenset[str]) -> str:
    found = re.search(_RECIPE.format(name=re.escape(name)), text, re.MULTILINE)
    if not found or name in seen:
        return ""
    head = found[0].partition("\n")[0].partition(":")[2]
    before = [_with_dependencies(one, text, seen | {name}) for one in re.findall(r"[\w-]+", head)]
    lines = [re.sub(r"^[ \t]+[@-]*", "", line) for line in found["body"].split("\n")]
    return "\n".join([*before, *lines])
