"""What a manifest or a formula says of how a release is packed and published, apart from the rest. Pure.

A release moves its own version in every manifest, and dependencies come and go: neither is a change of the
release machinery (SPEC S37). Everything else in them counts, whatever it is: what is left out here can
leave a rehearsal out.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

from pytest_relgate.source.dependencies import CARGO_TABLES, NPM_KEYS
from pytest_relgate.source.manifests import Unreadable, json_of, toml_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MANIFESTS: Final = ("Cargo.toml", "package.json", "pyproject.toml")
"""Manifests that say how packages are built and published."""

_CARGO: Final = (*CARGO_TABLES, "target", "patch")
_NPM: Final = tuple(name for name in NPM_KEYS if name not in ("packageManager", "workspaces"))
_PROJECT: Final = ("version", "dependencies", "optional-dependencies")
_POETRY: Final = ("version", "dependencies", "dev-dependencies", "group")
_OWN: Final = (
    re.compile(r"^\s*version\s+[\"']([^\"'\s]+)[\"']", re.MULTILINE),
    re.compile(r"^\s*url\s+[\"'][^\"'\s]*/v?(\d[^/\"'\s]*)/", re.MULTILINE),
)
_DIGEST: Final = re.compile(r"\b[0-9a-fA-F]{64}\b")


def packaging_of(path: str, raw: bytes) -> str:
    """What a manifest says beside its own version and its dependencies, as one text.

    Two versions of it share the text only if they are the same there. Raises Unreadable where it cannot be
    read as what its name says.
    """
    try:
        rest, version = _READERS[posixpath.basename(path)](path, {path: raw}.get)
        text = json.dumps(rest, sort_keys=True, default=str)
    except (RecursionError, ValueError):
        from pytest_relgate.source.problem import Problem

        raise Unreadable(Problem(f"{path} is too deep to read", path, "mend its syntax")) from None
    # A tool's settings may name the version once more, as bumpversion's do.
    return text.replace(json.dumps(version), '"{version}"') if version else text


def formula_apart(raw: bytes) -> str:
    """A formula without what every release changes in it: its own version, and digests."""
    text = raw.decode("utf-8", "backslashreplace")
    own = next((found[1] for one in _OWN if (found := one.search(text))), "")
    return _DIGEST.sub("{sha256}", text.replace(own, "{version}") if own else text)


def _cargo(path: str, read: Callable[[str], bytes | None]) -> tuple[object, str]:
    document, _ = toml_of(path, read)
    package, workspace = _table(document.get("package")), _table(document.get("workspace"))
    own = _table(workspace.get("package"))
    rest = {
        **_without(document, (*_CARGO, "package", "workspace")),
        "package": _without(package, ("version",)),
        "workspace": {
            **_without(workspace, ("dependencies", "package")),
            "package": _without(own, ("version",)),
        },
    }
    return rest, _text(package.get("version")) or _text(own.get("version"))


def _npm(path: str, read: Callable[[str], bytes | None]) -> tuple[object, str]:
    document, _ = json_of(path, read)
    return _without(document, (*_NPM, "version")), _text(document.get("version"))


def _python(path: str, read: Callable[[str], bytes | None]) -> tuple[object, str]:
    document, _ = toml_of(path, read)
    project, tools = _table(document.get("project")), _table(document.get("tool"))
    poetry = _table(tools.get("poetry"))
    rest = {
        **_without(document, ("project", "tool", "dependency-groups")),
        "project": _without(project, _PROJECT),
        "tool": {**_without(tools, ("poetry",)), "poetry": _without(poetry, _POETRY)},
    }
    return rest, _text(project.get("version")) or _text(poetry.get("version"))


_READERS: Final[Mapping[str, Callable[[str, Callable[[str], bytes | None]], tuple[object, str]]]] = {
    "Cargo.toml": _cargo,
    "package.json": _npm,
    "pyproject.toml": _python,
}


def _without(table: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in keys}


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
