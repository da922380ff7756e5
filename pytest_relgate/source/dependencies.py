"""What a manifest or lockfile says of dependencies, apart from everything else in it. Pure. SPEC S25.

A release moves the version in every manifest, so by path each of them changes in every release. By content
it changed where the tables differ that name dependencies. Whatever is left out here can leave a gate out, so
that only what is the project's own is: its version, its name, its description. A file of another kind has no
tables that are known here; it counts by its bytes.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

from pytest_relgate.model import Tables
from pytest_relgate.source.manifests import Unreadable, bytes_of, json_of, toml_of
from pytest_relgate.source.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_relgate.source.git import Repository

    Read = Callable[[str], bytes | None]

CARGO_TABLES: Final = (
    *("dependencies", "dev-dependencies", "build-dependencies", "dev_dependencies", "build_dependencies"),
    *("features", "replace"),
)
"""Tables of Cargo.toml; ``features`` switch optional dependencies on.

https://doc.rust-lang.org/cargo/reference/manifest.html
"""

NPM_KEYS: Final = (
    *("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta"),
    *("bundleDependencies", "bundledDependencies", "overrides", "resolutions", "workspaces"),
    *("dependenciesMeta", "packageManager", "pnpm", "catalog", "catalogs"),
    *("patchedDependencies", "trustedDependencies"),
)
"""Keys of package.json. https://docs.npmjs.com/cli/v11/configuring-npm/package-json

``resolutions`` and ``dependenciesMeta`` are Yarn's, ``pnpm`` holds pnpm's overrides and patches, and the last
four are Bun's: each changes what is installed.
"""

_PROJECT_KEYS: Final = ("dependencies", "optional-dependencies", "requires-python")
_DYNAMIC: Final = frozenset({"dependencies", "optional-dependencies"})
_OWN_SOURCES: Final = frozenset({"editable", "virtual", "directory", "path"})
_TOOLS: Final = ("poetry", "uv", "pdm", "hatch", "pixi", "rye", "flit")
_NOT_DEPENDENCIES: Final = frozenset(
    {
        "name",
        "version",
        "description",
        "authors",
        "maintainers",
        "license",
        "readme",
        "classifiers",
        "keywords",
    }
    | {"homepage", "repository", "documentation", "urls", "scripts", "packages", "include", "exclude"}
)
"""Keys of a tool's table, as Poetry's, that say nothing of what is installed."""


def tables_of(path: str, read: Read) -> str | None:
    """The dependency tables of a file as one text that two versions of it share only if they are the same.

    ``read`` gives a file's bytes. None: nothing is known of files of this name. Raises Unreadable where the
    file cannot be read as what its name says, or keeps its dependencies elsewhere.
    """
    reader = _READERS.get(posixpath.basename(path))
    if reader is None and re.fullmatch(r"requirements.*\.txt", posixpath.basename(path)):
        reader = _requirements
    if reader is None:
        return None
    try:
        return json.dumps(reader(path, read), sort_keys=True, default=str)
    except (RecursionError, ValueError):
        raise Unreadable(Problem(f"{path} is too deep to read", path, "mend its syntax")) from None


def is_known(path: str) -> bool:
    """Whether the name of a file says where in it dependencies stand."""
    name = posixpath.basename(path)
    return name in _READERS or bool(re.fullmatch(r"requirements.*\.txt", name))


def compare(paths: Iterable[str], before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Tables:
    """Compare the dependency tables of files that changed; ``before`` and ``after`` are their bytes by path.

    A file that is on one side only, or whose name says nothing of tables, is not alike.
    """
    alike: list[str] = []
    unreadable: dict[str, str] = {}
    for path in paths:
        if not (path in before and path in after and is_known(path)):
            continue
        try:
            if tables_of(path, before.get) == tables_of(path, after.get):
                alike.append(path)
        except Unreadable as error:
            unreadable[path] = error.problem.found
    return Tables(tuple(alike), unreadable)


def compared(repository: Repository, base: str, commit: str, changed: Iterable[str]) -> Tables:
    """Compare the dependency tables of every manifest and lockfile among the paths that changed.

    Four git processes, however many files there are; none where none of them changed. Raises RelgateError
    where one of the two commits is not there.
    """
    paths = [path for path in changed if is_known(path)]
    if not paths:
        return Tables()
    return compare(paths, repository.contents(base, paths), repository.contents(commit, paths))


# -- Rust


def _cargo_toml(path: str, read: Read) -> object:
    document, _ = toml_of(path, read)
    workspace = _table(document.get("workspace"))
    return [
        _picked(document, CARGO_TABLES, _wishes),
        {name: _picked(_table(one), CARGO_TABLES, _wishes) for name, one in _items(document, "target")},
        _wishes(workspace.get("dependencies")),
        {name: _wishes(one) for name, one in _items(document, "patch")},
        {key: workspace[key] for key in ("members", "exclude", "resolver") if key in workspace},
        _table(document.get("package")).get("resolver"),
    ]


def _wishes(table: object) -> object:
    """What crates are asked for. Of one in this repository the version is the project's own."""
    return (
        {
            name: _without(wish, ["version"]) if isinstance(wish, dict) and "path" in wish else wish
            for name, wish in table.items()
        }
        if isinstance(table, dict)
        else table
    )


def _cargo_lock(path: str, read: Read) -> object:
    """Every crate with its source. One without a source is the project's own: its version does not count."""
    document, _ = toml_of(path, read)
    entries = _entries(document, path)
    own = {f"{one.get('name')} {one.get('version')}": str(one.get("name")) for one in entries if _is_own(one)}

    def named(wanted: object) -> object:
        return sorted([own.get(str(one), str(one)) for one in wanted]) if isinstance(wanted, list) else wanted

    crates = [
        {
            key: named(value) if key == "dependencies" else value
            for key, value in one.items()
            if key != "version" or not _is_own(one)
        }
        for one in entries
    ]
    return [_unordered(crates), document.get("patch"), document.get("root"), document.get("metadata")]


def _is_own(crate: Mapping[str, Any]) -> bool:
    return "source" not in crate


# -- Node


def _package_json(path: str, read: Read) -> object:
    document, _ = json_of(path, read)
    return _picked(document, NPM_KEYS)


def _package_lock(path: str, read: Read) -> object:
    """Every package; of the project's own, which no registry has, the tables alone."""
    document, _ = json_of(path, read)
    packages = document.get("packages")
    if packages is not None and not isinstance(packages, dict):
        words = f"{path}: expected an object as packages, found {type(packages).__name__}"
        raise Unreadable(Problem(words, path))
    installed = {
        place: one if "node_modules" in place.split("/") else _picked(_table(one), NPM_KEYS)
        for place, one in (packages or {}).items()
    }
    return [installed, document.get("dependencies")]


# -- Python


def _pyproject(path: str, read: Read) -> object:
    document, _ = toml_of(path, read)
    project, tools = _table(document.get("project")), _table(document.get("tool"))
    if elsewhere := _DYNAMIC.intersection(map(str, project.get("dynamic") or ())):
        words = f"{path}: its {min(elsewhere)} are dynamic, so the file does not say them"
        raise Unreadable(Problem(words, path, "set them in [project]"))
    return [
        _picked(project, _PROJECT_KEYS),
        _table(document.get("build-system")).get("requires"),
        document.get("dependency-groups"),
        {
            name: {
                key: value for key, value in _table(tools.get(name)).items() if key not in _NOT_DEPENDENCIES
            }
            for name in _TOOLS
            if name in tools
        },
    ]


def _uv_lock(path: str, read: Read) -> object:
    """Every package; the version of the project's own, which stand in the repository, does not count."""
    document, _ = toml_of(path, read)
    packages = [
        _without(one, ["version"]) if _OWN_SOURCES.intersection(_table(one.get("source"))) else one
        for one in _entries(document, path)
    ]
    return [_unordered(packages), _without(document, ["package", "version", "revision"])]


def _package_list(path: str, read: Read) -> object:
    """The lockfiles of Poetry and PDM, in which the project itself does not stand.

    Their ``metadata`` hold the digests of all files where a lockfile is older than Poetry 1.3 or PDM 2.8.
    """
    document, _ = toml_of(path, read)
    metadata = _without(_table(document.get("metadata")), ["lock-version", "lock_version"])
    return [_unordered(_entries(document, path)), document.get("extras"), metadata]


def _requirements(path: str, read: Read) -> object:
    """The lines of a requirements file without comments.

    https://pip.pypa.io/en/stable/reference/requirements-file-format/: a backslash goes on with the next line,
    but none at the end of a comment does.
    """
    found, begun = [], ""
    for line in bytes_of(path, read).splitlines():
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            begun += f"{line[:-1]} "
            continue
        found.append(begun + ("" if comment else line))
        begun = ""
    lines = (re.sub(r"(^|\s)#.*", "", line) for line in (*found, begun))
    return [" ".join(line.split()) for line in lines if line.strip()]


# -- Go


def _go_mod(path: str, read: Read) -> object:
    """The lines of a go.mod without comments and blocks; it holds no version of its own.

    https://go.dev/ref/mod#go-mod-file
    """
    found, block = [], ""
    for line in bytes_of(path, read).splitlines():
        words = line.partition("//")[0].split()
        if words == [")"]:
            block = ""
        elif len(words) == 2 and words[1] == "(":  # noqa: PLR2004  (a directive and its bracket)
            block = words[0]
        elif words:
            found.append(" ".join([block, *words] if block else words))
    return sorted(found)


def _go_sum(path: str, read: Read) -> object:
    return sorted({line.strip() for line in bytes_of(path, read).splitlines() if line.strip()})


_READERS: Final[Mapping[str, Callable[[str, Read], object]]] = {
    "Cargo.toml": _cargo_toml,
    "Cargo.lock": _cargo_lock,
    "package.json": _package_json,
    "package-lock.json": _package_lock,
    "npm-shrinkwrap.json": _package_lock,
    "pyproject.toml": _pyproject,
    "uv.lock": _uv_lock,
    "poetry.lock": _package_list,
    "pdm.lock": _package_list,
    "go.mod": _go_mod,
    "go.sum": _go_sum,
}


def _picked(
    table: Mapping[str, Any], keys: Iterable[str], form: Callable[[object], object] = lambda value: value
) -> dict[str, object]:
    """These keys of a table; one that is there and empty says the same as one that is not."""
    return {key: form(table[key]) for key in keys if table.get(key) not in (None, {}, [])}


def _without(table: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in keys}


def _unordered(entries: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(one, sort_keys=True, default=str) for one in entries)


def _entries(document: Mapping[str, Any], path: str) -> list[dict[str, Any]]:
    found = document.get("package", [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Unreadable(Problem(f"{path}: expected tables [[package]], found something else", path))
    return found


def _items(document: Mapping[str, Any], key: str) -> Iterable[tuple[str, Any]]:
    return _table(document.get(key)).items()


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
