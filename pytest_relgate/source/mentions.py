"""Which files of a repository a text names: in a path, from its own folder, or by a name alone. Pure.

Nothing is executed and no language is parsed, so a comment names a file as well as a command does. What is
built at run time (``"$name".sh``) names its whole folder. What no text spells a profile says.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WORD: Final = re.compile(r"[A-Za-z0-9_.@+/-]+")
_MODULE: Final = re.compile(r"\s-m\s+([A-Za-z_][\w.]*)")
_RUNNERS: Final = {
    "just": ("justfile", ".justfile"),
    "make": ("makefile", "gnumakefile"),
    "gmake": ("makefile", "gnumakefile"),
    "rake": ("rakefile",),
}
"""What these run stands in a file that no command names."""

_SCRIPTS: Final = frozenset(
    {".sh", ".bash", ".zsh", ".fish", ".py", ".mjs", ".cjs", ".js", ".ts", ".rb", ".pl", ".ps1", ".psm1"}
    | {".bat", ".cmd", ".mk", ".just", ".jq", ".awk", ".sed", ".yml", ".yaml"}
)
_BY_NAME_ALONE: Final = _SCRIPTS - {".js", ".ts"}
_NAMED_SO: Final = frozenset(
    {"justfile", ".justfile", "makefile", "gnumakefile", "rakefile", "dockerfile", "package.json"}
)
_DOCUMENTS: Final = (".md", ".rst", ".adoc", ".png", ".svg", ".jpg", ".gif", ".ico")
_LEGAL: Final = ("license", "licence", "copying", "notice", "changelog", "changes", "authors")
_LOCKFILES: Final = frozenset(
    {"cargo.lock", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "uv.lock"}
    | {"poetry.lock", "pdm.lock", "go.mod", "go.sum", "flake.lock", "gemfile.lock"}
)


def is_document(path: str) -> bool:
    """Whether a file is a text for people, or a lockfile: a release carries it and does not run by it."""
    name = posixpath.basename(path).lower()
    stem = name.partition(".")[0]
    legal = stem in _LEGAL and posixpath.splitext(name)[1] not in _SCRIPTS
    return name.endswith(_DOCUMENTS) or name in _LOCKFILES or legal


def traversed(path: str) -> bool:
    """Whether a file is executed, so that what it names counts too. A file without an ending may be."""
    name = posixpath.basename(path).lower()
    ending = posixpath.splitext(name)[1]
    return ending in _SCRIPTS or name in _NAMED_SO or not ending


class Names:
    """The paths of a tree, to be found by what a text says."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._inside: dict[str, list[str]] = defaultdict(list)
        for path in self._paths:
            folder, _, name = path.rpartition("/")
            self._by_name[name].append(path)
            self._inside[folder].append(path)

    def __contains__(self, path: str) -> bool:
        """Whether there is such a file."""
        return path in self._paths

    def named_by(self, path: str, raw: bytes) -> frozenset[str]:
        """The files that the text of a file names."""
        text = _telling(path, raw)
        folder = posixpath.dirname(path)
        words = frozenset(_WORD.findall(text))
        found = {one for word in words for one in self._named(word, folder)}
        for module in _MODULE.findall(text):
            place = module.replace(".", "/")
            found |= {one for one in (f"{place}.py", f"{place}/__main__.py") if one in self._paths}
        for runner in words & _RUNNERS.keys():
            wanted = _RUNNERS[runner]
            found |= {one for name, every in self._by_name.items() if name.lower() in wanted for one in every}
        return frozenset(found - {path})

    def _named(self, word: str, folder: str) -> Iterator[str]:
        plain = word.strip("/").removeprefix("./") if word[-1:] != "." else word.rstrip(".").strip("/")
        parts = [part for part in plain.split("/") if part not in ("", ".", "..")]
        if not parts:
            return
        tail = "/".join(parts)
        for start in range(len(parts)):  # "$ROOT/scripts/x.sh" is read as "ROOT/scripts/x.sh"
            if (shorter := "/".join(parts[start:])) in self._paths and (start == 0 or len(parts) - start > 1):
                yield shorter
        for end in range(1, len(parts)):  # a path in a submodule, which is one path here
            if (upper := "/".join(parts[:end])) in self._paths:
                yield upper
        yield from self._by_ending(tail, parts, folder)
        yield from self._of_folder(tail, parts, folder, whole=word[-1:] == "/")

    def _by_ending(self, tail: str, parts: list[str], folder: str) -> Iterator[str]:
        """Files that end so, in any folder; of a name alone scripts, and what lies beside the text."""
        ending = posixpath.splitext(parts[-1])[1].lower()
        alone = len(parts) == 1
        for path in self._by_name.get(parts[-1], ()):
            beside = posixpath.dirname(path) in (folder, "")
            script = ending in _BY_NAME_ALONE and not parts[-1].startswith("__")
            if (beside or script) if alone else path.endswith(f"/{tail}"):
                yield path
        if not ending:  # `require("./lib")`, `import lib`: a module beside it
            place = posixpath.join(folder, *parts)
            yield from (f"{place}{one}" for one in sorted(_SCRIPTS) if f"{place}{one}" in self._paths)

    def _of_folder(self, tail: str, parts: list[str], folder: str, *, whole: bool) -> Iterator[str]:
        """The scripts of a folder of which the text names no file, and a local action's."""
        if not whole and len(parts) == 1:
            return
        for place in dict.fromkeys((tail, posixpath.join(folder, tail))):
            inside = self._inside.get(place, ())
            action = {f"{place}/action.yml", f"{place}/action.yaml"} & self._paths
            if action:
                yield from inside
            elif whole:
                yield from (one for one in inside if posixpath.splitext(one)[1].lower() in _SCRIPTS)


def _telling(path: str, raw: bytes) -> str:
    """What of a file names others: of a package.json its scripts, which npm runs; else all of it."""
    text = raw.decode("utf-8", "replace")
    if b"\0" in raw[:1024]:
        return ""
    if posixpath.basename(path) != "package.json":
        return text
    try:
        scripts = json.loads(text).get("scripts")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return "\n".join(map(str, scripts.values())) if isinstance(scripts, dict) else ""
