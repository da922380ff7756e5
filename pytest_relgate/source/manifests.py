"""Which version each manifest and lockfile carries, read by real parsers. Pure. SPEC S7.

The file's name says what it is: ``Cargo.toml``, ``Cargo.lock``, ``pyproject.toml``, ``package.json``,
``package-lock.json`` (and ``npm-shrinkwrap.json``), ``uv.lock``.
"""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_relgate.source.ecosystems import Ecosystem, disagreement
from pytest_relgate.source.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Read = "Callable[[str], bytes | None]"

LOCKFILES = frozenset({"Cargo.lock", "package-lock.json", "npm-shrinkwrap.json"})
KNOWN = (
    "Cargo.toml",
    "Cargo.lock",
    "pyproject.toml",
    "uv.lock",
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
)
"""What a manifest or lockfile is named; the profile refuses other names under ``manifests``."""
DEPENDENCY_KEYS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


@dataclass(frozen=True)
class Carried:
    """One place that carries a version: file, line (0 where it is not known), what it is, as written."""

    path: str
    line: int
    what: str
    version: str
    ecosystem: Ecosystem

    @property
    def where(self) -> str:
        """A place that a person can open."""
        return f"{self.path}:{self.line}" if self.line else self.path


class Unreadable(Exception):  # noqa: N818  (it carries a problem; it is none of the program's errors)
    """A manifest says nothing that can be judged. ``problem`` is what a person reads."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Manifests(NamedTuple):
    """What the listed manifests carry, and what is wrong with those that carry nothing."""

    carried: tuple[Carried, ...]
    problems: tuple[Problem, ...]

    def drift(self, version: str) -> tuple[Problem, ...]:
        """Every manifest that does not carry the version (SemVer, without a v), or that cannot be read."""
        wrong = [
            Problem(f"{one.what} of {one.path}: {says}", one.where, f"set it to {version} in every manifest")
            for one in self.carried
            if (says := disagreement(one.version, version, one.ecosystem))
        ]
        return (*self.problems, *wrong)


def read_manifests(paths: Sequence[str], read: Callable[[str], bytes | None]) -> Manifests:
    """Read the manifests at these paths through ``read``, which gives a file's bytes or None."""
    carried: list[Carried] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            carried += _carried(path, paths, read)
        except Unreadable as error:
            problems.append(error.problem)
    return Manifests(tuple(carried), tuple(problems))


def _carried(path: str, paths: Sequence[str], read: Callable[[str], bytes | None]) -> Iterator[Carried]:
    match posixpath.basename(path):
        case "Cargo.toml":
            yield from _cargo_toml(path, read)
        case "Cargo.lock":
            yield from _cargo_lock(path, paths, read)
        case "pyproject.toml":
            yield from _pyproject(path, read)
        case "package.json":
            document, text = json_of(path, read)
            yield _of_json(path, text, document, ("version",))
        case "package-lock.json" | "npm-shrinkwrap.json":
            yield from _package_lock(path, read)
        case "uv.lock":
            yield from _uv_lock(path, read)
        case other:
            words = f"expected a manifest named {', '.join(KNOWN)}, found {other}"
            raise Unreadable(Problem(words, path, "mend the manifests of relgate.toml"))


def bytes_of(path: str, read: Callable[[str], bytes | None]) -> str:
    """The text of a manifest; a byte order mark is taken off. Raises Unreadable."""
    raw = read(path)
    if raw is None:
        words = f"expected a manifest, found no file {path}"
        raise Unreadable(Problem(words, path, "add it, or take it out of manifests in relgate.toml"))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            Problem(f"{path} is not UTF-8", f"{path}:{line}", "save the file as UTF-8")
        ) from None


def toml_of(path: str, read: Callable[[str], bytes | None]) -> tuple[dict[str, Any], str]:
    """A manifest's TOML and its text. Raises Unreadable with the line where it is broken."""
    text = bytes_of(path, read)
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        line = found[1] if (found := re.search(r"line (\d+)", str(error))) else text.count("\n") + 1
        words = f"{path} is not TOML: {str(error).partition(' (at')[0]}"
        raise Unreadable(Problem(words, f"{path}:{line}", "mend its syntax")) from None
    except (RecursionError, ValueError):
        raise Unreadable(Problem(f"{path} is too deep to read", path, "mend its syntax")) from None


def json_of(path: str, read: Callable[[str], bytes | None]) -> tuple[dict[str, Any], str]:
    """A manifest's JSON and its text. Raises Unreadable with the line where it is broken."""
    text = bytes_of(path, read)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        words = f"{path} is not JSON: {error.msg}"
        raise Unreadable(Problem(words, f"{path}:{error.lineno}", "mend its syntax")) from None
    except (RecursionError, ValueError):
        raise Unreadable(Problem(f"{path} is too deep to read", path, "mend its syntax")) from None
    if not isinstance(document, dict):
        raise Unreadable(Problem(f"{path}: expected an object, found {type(document).__name__}", path))
    return document, text


def _cargo_toml(path: str, read: Callable[[str], bytes | None]) -> Iterator[Carried]:
    document, text = toml_of(path, read)
    package = _table(document.get("package"))
    if not package and (shared := _workspace_version(document)) is not None:
        yield _carried_toml(path, text, "[workspace.package] version", shared, Ecosystem.CARGO)
        return
    version = package.get("version")
    if isinstance(version, dict) and version.get("workspace") is True:
        root, shared, root_text = _workspace_of(path, document, package, read)
        yield _carried_toml(root, root_text, "[workspace.package] version", shared, Ecosystem.CARGO)
        return
    yield _carried_toml(path, text, "[package] version", version, Ecosystem.CARGO)


def _workspace_of(
    path: str, document: dict[str, Any], package: dict[str, Any], read: Callable[[str], bytes | None]
) -> tuple[str, Any, str]:
    """The workspace that a package inherits its version from: path, version and text of its Cargo.toml.

    https://doc.rust-lang.org/cargo/reference/workspaces.html: ``package.workspace``, else the nearest
    Cargo.toml at or above the package that has a ``[workspace]``.
    """
    folder = posixpath.dirname(path)
    named = package.get("workspace")
    if isinstance(named, str):
        candidates = [posixpath.normpath(posixpath.join(folder, named, "Cargo.toml"))]
    else:
        parts = folder.split("/") if folder else []
        candidates = [posixpath.join(*parts[:n], "Cargo.toml") for n in range(len(parts), -1, -1)]
    for candidate in candidates:
        if candidate == path:
            found, text = document, bytes_of(path, read)
        elif read(candidate) is None:
            continue
        else:
            found, text = toml_of(candidate, read)
        if "workspace" in found:
            return candidate, _workspace_version(found), text
    words = f"{path}: the version is the workspace's, and no Cargo.toml above it has a [workspace]"
    raise Unreadable(Problem(words, path, "set version in [package]"))


def _workspace_version(document: dict[str, Any]) -> Any:
    return _table(_table(document.get("workspace")).get("package")).get("version")


def _cargo_lock(path: str, paths: Sequence[str], read: Callable[[str], bytes | None]) -> Iterator[Carried]:
    """The entries of the crates that are released: those of listed Cargo.toml files, without a source."""
    document, text = toml_of(path, read)
    wanted = {name: one for one in paths for name in _crate_name(one, read)}
    entries = [one for one in _rows(document.get("package")) if isinstance(one, dict)]
    own = [one for one in entries if "source" not in one and one.get("name") in wanted]
    beside = posixpath.join(posixpath.dirname(path), "Cargo.toml")
    for name in _crate_name(beside, read):
        if name not in {one.get("name") for one in own}:
            words = f"{path} has no entry for the crate {name}"
            raise Unreadable(Problem(words, path, "type: cargo update --workspace"))
    for one in own:
        line = _line_of_lock(text, one["name"])
        version = _text_version(one.get("version"), path, line, f"the entry of {one['name']}")
        yield Carried(path, line, f"the entry of {one['name']}", version, Ecosystem.CARGO)


def _crate_name(path: str, read: Callable[[str], bytes | None]) -> Iterator[str]:
    """The name in a Cargo.toml, none for any other file and for one that cannot be read."""
    if posixpath.basename(path) != "Cargo.toml" or read(path) is None:
        return
    try:
        name = _table(toml_of(path, read)[0].get("package")).get("name")
    except Unreadable:
        return  # told of where the manifest itself is read
    if isinstance(name, str):
        yield name


def _pyproject(path: str, read: Callable[[str], bytes | None]) -> Iterator[Carried]:
    """``[project] version`` (PEP 621), else Poetry's own table."""
    document, text = toml_of(path, read)
    project = _table(document.get("project"))
    poetry = _table(_table(document.get("tool")).get("poetry"))
    if "version" in (project.get("dynamic") or ()):
        words = f"{path}: the version is dynamic, so the file does not carry it"
        raise Unreadable(Problem(words, path, "set version in [project], or take the file out of manifests"))
    table, version = "[project]", project.get("version")
    if version is None and "version" in poetry:
        table, version = "[tool.poetry]", poetry["version"]
    yield _carried_toml(path, text, f"{table} version", version, Ecosystem.PYPI)


def _uv_lock(path: str, read: Callable[[str], bytes | None]) -> Iterator[Carried]:
    """The entry of the project that the lock lies beside; uv writes none where the version is dynamic.

    https://docs.astral.sh/uv/concepts/projects/layout/: its source is ``editable`` or ``virtual``, a ``.``.
    """
    document, text = toml_of(path, read)
    for one in _rows(document.get("package")):
        source = _table(_table(one).get("source"))
        if "." in (source.get("editable"), source.get("virtual")) and "version" in one:
            name = str(one.get("name"))
            line = _line_of_lock(text, name)
            version = _text_version(one["version"], path, line, f"the entry of {name}")
            yield Carried(path, line, f"the entry of {name}", version, Ecosystem.PYPI)


def _package_lock(path: str, read: Callable[[str], bytes | None]) -> Iterator[Carried]:
    """Both versions of a lock; the first format (npm 6) has no ``packages``."""
    document, text = json_of(path, read)
    yield _of_json(path, text, document, ("version",))
    if document.get("lockfileVersion") != 1:
        yield _of_json(path, text, document, ("packages", "", "version"))


def _of_json(path: str, text: str, document: dict[str, Any], steps: tuple[str, ...]) -> Carried:
    value: Any = document
    for step in steps:
        value = _table(value).get(step)
    what = "version" if len(steps) == 1 else 'packages[""].version'
    at = 0
    for step in steps[:-1]:
        found = re.compile(rf'"{re.escape(step)}"\s*:').search(text, at)
        at = found.end() if found else at
    found = re.compile(r'"version"\s*:').search(text, at)
    line = text.count("\n", 0, found.start()) + 1 if found and value is not None else 0
    return Carried(path, line, what, _text_version(value, path, line, what), Ecosystem.NPM)


def _carried_toml(path: str, text: str, what: str, version: Any, ecosystem: Ecosystem) -> Carried:
    line = _line_of_toml(text, version)
    return Carried(path, line, what, _text_version(version, path, line, what), ecosystem)


def _text_version(version: Any, path: str, line: int, what: str) -> str:
    if isinstance(version, str):
        return version
    found = "none" if version is None else f"{type(version).__name__} {version!a}"
    place = f"{path}:{line}" if line else path
    words = f"{path}: expected a string as {what}, found {found}"
    raise Unreadable(Problem(words, place, "set it, or take the file out of manifests in relgate.toml"))


def _line_of_toml(text: str, version: Any) -> int:
    """The first line that sets this version, 0 where none does on one line."""
    wanted = re.compile(rf"^[ \t]*[\w.\"']*version[\"']?[ \t]*=[ \t]*[\"']{re.escape(str(version))}[\"']")
    return next((n for n, line in enumerate(text.split("\n"), 1) if wanted.match(line)), 0)


def _line_of_lock(text: str, name: str) -> int:
    """The line of a crate's version in a Cargo.lock, which cargo writes below the name."""
    found = re.search(rf'^name = "{re.escape(name)}"\r?\nversion\b', text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 2 if found else 0


def _rows(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
