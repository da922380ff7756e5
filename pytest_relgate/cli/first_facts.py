"""What a repository tells of a project that has no profile yet, and where. Pure.

Only what can be read is found. What stands to reason is assumed, and said to be; a person has the rest.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from packaging.version import InvalidVersion
from packaging.version import Version as Pep440
from semver import Version

from pytest_relgate.audit.draft import Assumed, draft, manifests_in
from pytest_relgate.audit.tagged import read_tag
from pytest_relgate.source.changelog import sections_of
from pytest_relgate.source.manifests import Carried, Unreadable, json_of, read_manifests, toml_of
from pytest_relgate.source.versions import PLAIN, WITH_V, newest_of, tag_like, version_of_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Read = Callable[[str], bytes | None]

CHANGELOGS: Final = re.compile(
    r"(docs?/)?(changelog|changes|history|news|releases?)(\.(md|rst|txt|markdown))?", re.IGNORECASE
)
_LOCKS: Final[Mapping[str, tuple[str, ...]]] = {
    "Cargo.toml": ("Cargo.lock",),
    "package.json": ("package-lock.json", "npm-shrinkwrap.json"),
    "pyproject.toml": ("uv.lock",),
}
_GITHUB: Final = re.compile(
    r"github\.com[/:]([A-Za-z0-9][A-Za-z0-9-]*)/([A-Za-z0-9._-]+?)(?:\.git)?(?=[/#\"']|$)"
)
_PACKAGE: Final = re.compile(r"(@[a-z0-9~-][a-z0-9._~-]*/)?[A-Za-z0-9._~-]+")  # as the profile takes it
_NO_TEST: Final = "no test specified"  # what `npm init` writes
_PYTEST_FILES: Final = ("pytest.ini", ".pytest.ini", "pytest.toml", "conftest.py", "tests/conftest.py")
_APART: Final = re.compile(r"(.*[-_.])?(tests?|e2e|fixtures?|examples?|bench(es|marks?)?|compat)([-_.].*)?")
"""Folders beside those that an audit leaves out: their manifests are of nothing that is released."""

MOST: Final = 6
"""Channels of one kind that a draft names."""


class Fact(msgspec.Struct, frozen=True):
    """One thing that is known, and where it stands."""

    value: str
    where: str = ""


class Command(msgspec.Struct, frozen=True):
    """A command that runs the project's tests, its gate's name, and why it is thought to be that."""

    name: str
    line: str
    why: str


class First(msgspec.Struct, frozen=True):
    """What is known. ``version`` is SemVer without a v, that of the next run's target; empty for none.

    ``spelling`` is ``tag`` of the profile; ``tagged`` the newest tag so spelled. ``other`` are tags of other
    forms. ``channels`` and ``commands`` are assumed.
    """

    project: Fact
    repository: Fact
    version: str
    spelling: str
    tagged: str
    other: tuple[str, ...]
    manifests: tuple[Carried, ...]
    changelog: Fact | None
    commands: tuple[Command, ...]
    channels: tuple[Assumed, ...]
    apart: tuple[str, ...]

    @property
    def target(self) -> str:
        """The tag that a first run can judge."""
        return tag_like(self.spelling, self.version) if self.version else self.tagged


def first_facts(files: Sequence[str], tags: Sequence[str], read: Read, *, slug: str, folder: str) -> First:
    """Read what is known from the files and tags of a repository.

    ``slug`` is owner/name of its remote, or empty; ``folder`` the name of its folder.
    """
    spelling, tagged = spelling_of(tags)
    manifests = [path for path in manifests_in(files) if not any(map(_APART.fullmatch, path.split("/")[:-1]))]
    carried, apart = _manifests(manifests, frozenset(files), read, tagged)
    version = next((plain for one in carried if (plain := _semver(one.version))), "")
    speaking = [*(path for path in manifests if "/" not in path), *(one.path for one in carried)]
    repository = Fact(slug, "the remote origin") if slug else _address(speaking, read)
    channels: tuple[Assumed, ...] = ()
    if version or tagged:
        tag = read_tag(tag_like(spelling, version) if version else tagged)
        found = draft(manifests, read, tag, repository.value).channels
        found = tuple(one for one in found if _PACKAGE.fullmatch(one.name))
        channels = tuple(
            one for kind in dict.fromkeys(c.kind for c in found) for one in _of(found, kind)[:MOST]
        )
    return First(
        project=_project(speaking, read, folder),
        repository=repository,
        version=version,
        spelling=spelling,
        tagged=tagged,
        other=tuple(
            tag for tag in tags if not version_of_tag(tag, like=spelling) and tag[:1] != spelling[:1]
        ),
        manifests=carried,
        changelog=_changelog(files, read),
        commands=tuple(_commands(files, read)),
        channels=channels,
        apart=apart,
    )


def spelling_of(tags: Sequence[str]) -> tuple[str, str]:
    """How release tags are spelled, by the series that goes higher, and the newest of that."""
    found = {like: tag for like in (WITH_V, PLAIN) if (tag := newest_of(tags, like=like))}
    if not found:
        return WITH_V, ""
    best = max(found, key=lambda like: (Version.parse(found[like].removeprefix("v")), like == WITH_V))
    return best, found[best]


def _of(channels: Sequence[Assumed], kind: str) -> list[Assumed]:
    return [one for one in channels if one.kind == kind]


def _semver(text: str) -> str:
    """A manifest's version as SemVer: of what only PEP 440 knows, the release that it leads to."""
    try:
        return str(Version.parse(text))
    except ValueError:
        pass
    try:
        release = Pep440(text).release
    except InvalidVersion:
        return ""
    return ".".join(map(str, (*release, 0, 0)[:3])) if len(release) <= len("xyz") else ""


def _manifests(
    manifests: Sequence[str], here: frozenset[str], read: Read, tagged: str
) -> tuple[tuple[Carried, ...], tuple[str, ...]]:
    """The manifests and lockfiles of one version, and those that carry another or a dynamic one, with why.

    Which version: that of the newest tag where a manifest has it, else that of the uppermost manifest.
    """
    readable: list[Carried] = []
    apart: list[str] = []
    for path in manifests:
        if path.endswith(".rb"):
            continue
        found = read_manifests((path,), read)
        readable += found.carried
        apart += [problem.found for problem in found.problems if "found none" not in problem.found]
    versions = [one.version for one in readable]
    newest = tagged.removeprefix("v")
    wanted = newest if newest in versions else next(iter(versions), "")
    kept = [one for one in readable if one.version == wanted]
    if others := sorted({one.path for one in readable if one.version != wanted}):
        more = f" and {len(others) - 3} more" if len(others) > len("abc") else ""
        apart.append(f"{', '.join(others[:3])}{more}: of another version than {wanted}")
    paths = list(dict.fromkeys(one.path for one in kept))
    folders = {(posixpath.dirname(path), name) for path in paths for name in _LOCKS[posixpath.basename(path)]}
    folders |= {("", name) for path in paths for name in _LOCKS[posixpath.basename(path)]}
    for folder, name in sorted(folders):
        lock = posixpath.join(folder, name)
        if lock in here:
            kept += [one for one in read_manifests((*paths, lock), read).carried if one.path == lock]
    unique = {one.path: one for one in reversed(kept) if one.version == wanted}
    return tuple(reversed(unique.values())), tuple(apart)


def _project(paths: Sequence[str], read: Read, folder: str) -> Fact:
    """The name of the project: that of the folder where a manifest has it, else the uppermost one's."""
    names = {name: path for path in reversed(paths) if (name := _named(path, read))}
    name = folder if folder in names else next(reversed(names), "")
    return Fact(name, names[name]) if name else Fact(folder, "the folder")


def _named(path: str, read: Read) -> str:
    try:
        if path.endswith(".json"):
            name = json_of(path, read)[0].get("name")
        elif path.endswith(".toml"):
            document = toml_of(path, read)[0]
            tool = _table(document.get("tool"))
            tables = (document.get("project"), document.get("package"), tool.get("poetry"))
            name = next((found for one in tables if (found := _table(one).get("name"))), None)
        else:
            return ""
    except Unreadable:
        return ""
    return name if isinstance(name, str) and name.isprintable() and name.strip() == name else ""


def _address(paths: Sequence[str], read: Read) -> Fact:
    """``owner/name`` where the manifests agree on one."""
    found: dict[str, str] = {}
    for path in paths:
        try:
            texts = list(_addresses(path, read))
        except Unreadable:
            continue
        for text in texts:
            if match := _GITHUB.search(text):
                found.setdefault(f"{match[1]}/{match[2]}", path)
    (value, where), *others = list(found.items()) or [("", "")]
    return Fact("") if others else Fact(value, where)


def _addresses(path: str, read: Read) -> Iterator[str]:
    if not path.endswith((".json", ".toml")) or path.endswith("lock.json"):
        return
    if path.endswith(".json"):
        repository = json_of(path, read)[0].get("repository")
        text = _table(repository).get("url") if isinstance(repository, dict) else repository
        if isinstance(text, str):
            yield text if ":" in text else f"github.com/{text}"
        return
    document = toml_of(path, read)[0]
    for package in (document.get("package"), _table(document.get("workspace")).get("package")):
        if isinstance(text := _table(package).get("repository"), str):
            yield text
    for name, text in _table(_table(document.get("project")).get("urls")).items():
        if isinstance(text, str) and re.search(r"source|repo|code|github", name, re.IGNORECASE):
            yield text


def _changelog(files: Sequence[str], read: Read) -> Fact | None:
    """The uppermost changelog that has a section for a version."""
    paths = sorted(
        (path for path in files if CHANGELOGS.fullmatch(path)), key=lambda one: (one.count("/"), one)
    )
    for path in paths:
        text = (read(path) or b"").decode("utf-8", "replace")
        if released := [one for one in sections_of(text) if not one.unreleased]:
            return Fact(path, f"line {released[0].line}: {released[0].heading[:40]}")
    return None


def _commands(files: Sequence[str], read: Read) -> Iterator[Command]:
    here = set(files)
    if why := _has_pytest(here, read):
        yield Command("pytest", "python -m pytest -q", why)
    if "Cargo.toml" in here:
        locked = " --locked" if "Cargo.lock" in here else ""
        yield Command("cargo_test", f"cargo test{locked}", "Cargo.toml")
    if "package.json" in here:
        try:
            script = _table(json_of("package.json", read)[0].get("scripts")).get("test")
        except Unreadable:
            script = None
        if isinstance(script, str) and script.strip() and _NO_TEST not in script:
            yield Command("npm_test", "npm test", "scripts.test of package.json")
    if "go.mod" in here:
        yield Command("go_test", "go test ./...", "go.mod")
    if here.isdisjoint({"Cargo.toml", "go.mod"}):
        text = (read("Makefile") or b"").decode("utf-8", "replace") if "Makefile" in here else ""
        if found := re.search(r"^(test|check)\s*:(?!=)", text, re.MULTILINE):
            yield Command(f"make_{found[1]}", f"make {found[1]}", "Makefile")


def _has_pytest(here: set[str], read: Read) -> str:
    """Where it says that pytest runs the project's tests; empty where it does not."""
    for path in _PYTEST_FILES:
        if path in here:
            return path
    for path, words in (
        ("tox.ini", b"[pytest]"),
        ("setup.cfg", b"[tool:pytest]"),
        ("pyproject.toml", b"[tool.pytest"),
    ):
        if path in here and words in (read(path) or b""):
            return f"{words.decode()} in {path}" if words.endswith(b"]") else f"{words.decode()}] in {path}"
    return ""


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
