"""What a release should be found as, drafted from its manifests at the tag. Pure; nothing here is certain.

A name in a manifest is an assumption: a package may be private in fact, or be called otherwise where it is
published. So each assumption says where it is from, and what is left out is said as well. SPEC B8, B13.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pytest_relgate.errors import Finding
from pytest_relgate.net.origins import PUBLIC
from pytest_relgate.profile.package import expected_name
from pytest_relgate.source.formula import PLATFORMS, read_formula
from pytest_relgate.source.manifests import Unreadable, json_of, toml_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_relgate.audit.tagged import Tagged

    Read = Callable[[str], bytes | None]

MOST: Final = 40
"""Packages of one kind that are looked at."""

NAMES: Final = ("Cargo.toml", "pyproject.toml", "package.json")
_FOREIGN: Final = re.compile(
    r"node_modules|tests?|e2e|fixtures?|testdata|examples?|vendor(ed)?|third_party|bench(es|marks?)?"
    r"|playgrounds?|docs?|website|templates?|\..*"
)
"""Folders whose manifests are of nothing that is released."""

_SHOWN: Final = 100
_TELLING: Final = 16  # characters of a description; a shorter one may be another's as well

_CLASSIFIERS: Final = {
    "Operating System :: POSIX :: Linux": "linux",
    "Operating System :: MacOS": "darwin",
    "Operating System :: MacOS :: MacOS X": "darwin",
    "Operating System :: Microsoft :: Windows": "windows",
}
_WORDS: Final = {"linux": ("linux",), "darwin": ("darwin", "macos"), "windows": ("win32", "windows")}


class Assumed(msgspec.Struct, frozen=True):
    """A channel to look at. ``why`` is where its name is from; ``named`` on the command line, so no guess.

    ``part_of`` is the package that names this one for a platform. ``description`` is the manifest's, by which
    a package can be told from another of the same name.
    """

    kind: str
    name: str
    spelled: str
    why: str
    named: bool = False
    tap: str = ""
    formula: str = ""
    part_of: str = ""
    description: str = ""


class Promise(msgspec.Struct, frozen=True):
    """A system that the project says that it is for, and where it says so."""

    system: str
    where: str


class Draft(msgspec.Struct, frozen=True):
    """What to look at, what the manifests promise, and what was left out and why."""

    channels: tuple[Assumed, ...] = ()
    promises: tuple[Promise, ...] = ()
    left_out: tuple[str, ...] = ()


class _No(Exception):  # noqa: N818  (ends one manifest)
    """Why a manifest is of nothing to look for."""


def manifests_in(paths: Iterable[str]) -> list[str]:
    """The manifests among the files of a tree that may be of what is released, upper ones first."""
    found = [path for path in paths if _is_manifest(path) and not _is_foreign(path)]
    return sorted(found, key=lambda path: (path.count("/"), path))


def _is_manifest(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return name in NAMES or (
        name.endswith(".rb") and posixpath.basename(folder).lower() in ("formula", "homebrew")
    )


def _is_foreign(path: str) -> bool:
    return any(_FOREIGN.fullmatch(part) for part in path.lower().split("/")[:-1])


def draft(paths: Iterable[str], read: Read, tagged: Tagged, repository: str) -> Draft:
    """Draft what to look at from the manifests at these paths. ``repository`` is owner/name, or empty."""
    channels: dict[tuple[str, str], Assumed] = {}
    promises: list[Promise] = []
    left_out: list[str] = []
    for path in paths:
        try:
            one = _assumed(path, read, tagged, repository)
            channels.setdefault((one.kind, one.name), one)
            promises += _promises(path, read)
        except _No as reason:
            left_out.append(f"{path}: {reason}")
        except Unreadable as error:
            left_out.append(f"{path}: {error.problem.found}")
        except Finding as error:
            left_out.append(error.found)
    named = {
        name: one.name for one in channels.values() if one.kind == "npm" for name in _parts(one.why, read)
    }
    for name, by in named.items():
        if name != by:  # it is looked at as what the published package names
            channels.pop(("npm", name), None)
    kept: list[Assumed] = []
    for kind in dict.fromkeys(one.kind for one in channels.values()):
        mine = [one for one in channels.values() if one.kind == kind]
        kept += mine[:MOST]
        left_out += [f"{len(mine) - MOST} more packages of the kind {kind}"] if len(mine) > MOST else []
    return Draft(tuple(kept), tuple(dict.fromkeys(promises)), tuple(left_out))


def _assumed(path: str, read: Read, tagged: Tagged, repository: str) -> Assumed:
    match posixpath.basename(path):
        case "Cargo.toml":
            kind, name, version = "crates", *_crate(path, read)
        case "pyproject.toml":
            kind, name, version = "pypi", *_project(path, read)
        case "package.json":
            kind, name, version = "npm", *_package(path, read)
        case formula:
            return _tap(path, formula.removesuffix(".rb"), tagged, repository)
    if version and not _is_placeholder(version) and not tagged.agrees(version):
        message = f"{name} is at {version} there, so it is not of {tagged.tag}"
        raise _No(message)
    spelled = tagged.spelled(kind)
    if version and not _is_placeholder(version) and kind != "pypi":
        spelled = version
    if not spelled:
        message = f"{tagged.version} has no spelling on {kind}"
        raise _No(message)
    if form := expected_name(kind, name):
        message = f"expected {form}, found {name[:_SHOWN]!a}"
        raise _No(message)
    return Assumed(kind, name, spelled, path, description=_description(path, read))


def _is_placeholder(version: str) -> bool:
    """Whether the version is filled in when it is released: ``0.0.0``, ``0.0.0-dev``."""
    return version.startswith("0.0.0")


def _crate(path: str, read: Read) -> tuple[str, str]:
    document, _ = toml_of(path, read)
    package = _table(document.get("package"))
    if not package:
        message = "a workspace, no package of its own"
        raise _No(message)
    publish, version = (_inherited(package.get(key), key, read) for key in ("publish", "version"))
    if publish is False or (isinstance(publish, list) and "crates-io" not in publish):
        message = "publish says that it is not for crates.io"
        raise _No(message)
    kinds = _table(document.get("lib")).get("crate-type")
    if kinds == ["cdylib"]:
        message = "a cdylib alone, which is built into another package"
        raise _No(message)
    if version is None:
        message = "it has no version, so it is not published"
        raise _No(message)
    return _name(package.get("name")), version if isinstance(version, str) else ""


def _inherited(value: Any, key: str, read: Read) -> Any:
    """A key of a package, or that of the workspace at the top where it says so."""
    if not (isinstance(value, dict) and value.get("workspace") is True):
        return value
    top = _table(toml_of("Cargo.toml", read)[0].get("workspace")) if read("Cargo.toml") is not None else {}
    return _table(top.get("package")).get(key, "")


def _project(path: str, read: Read) -> tuple[str, str]:
    document, _ = toml_of(path, read)
    project = _table(document.get("project"))
    table = project or _table(_table(document.get("tool")).get("poetry"))
    if not table:
        message = "it has no [project]"
        raise _No(message)
    if any(str(one).startswith("Private ::") for one in table.get("classifiers") or ()):
        message = "its classifiers say that it is private"
        raise _No(message)
    version = table.get("version")
    return _name(table.get("name")), version if isinstance(version, str) else ""


def _package(path: str, read: Read) -> tuple[str, str]:
    document, _ = json_of(path, read)
    if document.get("private"):
        message = "it is private"
        raise _No(message)
    registry = _table(document.get("publishConfig")).get("registry", "")
    if registry and not str(registry).startswith(PUBLIC.npm):
        message = f"publishConfig sends it to {registry}"
        raise _No(message)
    version = document.get("version")
    if not isinstance(version, str):
        message = "it has no version, so it is not published"
        raise _No(message)
    return _name(document.get("name")), version


def _tap(path: str, name: str, tagged: Tagged, repository: str) -> Assumed:
    owner = repository.partition("/")[0]
    if not owner:
        message = "a formula, and nothing says which tap it is for: type --channel homebrew=OWNER/TAP"
        raise _No(message)
    return Assumed(
        "homebrew", name, tagged.version, path, tap=f"{owner}/homebrew-tap", formula=f"Formula/{name}.rb"
    )


def _parts(path: str, read: Read) -> list[str]:
    """The packages that a package.json names for single platforms, by the version that it has itself."""
    document, _ = json_of(path, read)
    optional = _table(document.get("optionalDependencies"))
    return [name for name, version in optional.items() if version == document.get("version")]


def _description(path: str, read: Read) -> str:
    document = (json_of if path.endswith(".json") else toml_of)(path, read)[0]
    tables = (document, document.get("package"), document.get("project"))
    found = next((text for one in tables if isinstance(text := _table(one).get("description"), str)), "")
    return found if len(found) >= _TELLING else ""


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        message = "it has no name"
        raise _No(message)
    return value


def _promises(path: str, read: Read) -> Iterator[Promise]:
    match posixpath.basename(path):
        case "package.json":
            document, _ = json_of(path, read)
            listed = document.get("files")
            words = [str(one) for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
            words += list(_table(document.get("optionalDependencies")))
            for system, known in _WORDS.items():
                said = next((one for one in words if any(word in one.lower() for word in known)), "")
                if said:
                    yield Promise(system, f"{path} ({said})")
        case "pyproject.toml":
            project = _table(toml_of(path, read)[0].get("project"))
            for one in project.get("classifiers") or ():
                if one in _CLASSIFIERS:
                    yield Promise(_CLASSIFIERS[one], f'{path} ("{one}")')
        case "Cargo.toml":
            return
        case _:
            formula = read_formula(path, read(path) or b"")
            for system in ("darwin", "linux"):
                if any(formula.of("url", one) for one in PLATFORMS if one.startswith(system)):
                    yield Promise(system, path)


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
