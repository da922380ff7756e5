"""What crates.io says of crates: lines of its index and documents of its API. Pure.

Fields are those of crates.io's ``crates_io_index::Crate``, ``EncodableCrate`` and ``EncodableVersion``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import semver

from pytest_relgate.sandbox.twins.answers import micros, seconds
from pytest_relgate.sandbox.twins.crate_file import split_features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_relgate.sandbox.world import Crate

OWNER: Final = "ada"
_NEWER_SYNTAX: Final = 2


def index_line(crate: Crate) -> dict[str, Any]:
    """Return the line of the index that speaks of one version."""
    features, newer = split_features(crate.features)
    line: dict[str, Any] = {
        "name": crate.name,
        "vers": crate.version,
        "deps": list(crate.deps),
        "cksum": crate.blob,
        "features": features,
        "features2": newer or None,
        "yanked": crate.yanked,
        "links": crate.links,
        "rust_version": crate.rust_version,
        "pubtime": seconds(crate.created_at),
        "v": _NEWER_SYNTAX if newer else None,
    }
    return {name: value for name, value in line.items() if value is not None}


def precedence(crate: Crate) -> semver.Version:
    """Order versions by SemVer's precedence."""
    return semver.Version.parse(crate.version)


def by_age(crates: Iterable[Crate]) -> list[Crate]:
    """Order versions as the index does: by time, then by precedence."""
    return sorted(crates, key=lambda crate: (crate.created_at, precedence(crate)))


def crate(
    versions: Sequence[Crate], package: Callable[[Crate], dict[str, Any]], *, minimal: bool = False
) -> dict[str, Any]:
    """Return the document about a crate; ``minimal`` is what a publish answers."""
    living = [one for one in versions if not one.yanked]
    default = _default(versions)
    facts, name = package(default), versions[0].name
    newest = sorted(versions, key=precedence, reverse=True)
    here = f"/api/v1/crates/{name}"
    described = {
        "id": name,
        "name": name,
        "updated_at": micros(max(one.created_at for one in versions)),
        "versions": None if minimal else [_number(versions, one) for one in newest],
        "keywords": None if minimal else facts.get("keywords", []),
        "categories": None if minimal else facts.get("categories", []),
        "badges": [],
        "created_at": micros(min(one.created_at for one in versions)),
        "downloads": 0,
        "recent_downloads": None if minimal else 0,
        "default_version": default.version,
        "num_versions": len(versions),
        "yanked": default.yanked,
        "max_version": _highest(living) or "0.0.0",
        "newest_version": max(living, key=lambda one: one.created_at).version if living else "0.0.0",
        "max_stable_version": _highest([one for one in living if not precedence(one).prerelease]),
        "description": facts.get("description"),
        "homepage": facts.get("homepage"),
        "documentation": facts.get("documentation"),
        "repository": facts.get("repository"),
        "links": {
            "version_downloads": f"{here}/downloads",
            "versions": f"{here}/versions",
            "owners": f"{here}/owners",
            "owner_team": f"{here}/owner_team",
            "owner_user": f"{here}/owner_user",
            "reverse_dependencies": f"{here}/reverse_dependencies",
        },
        "exact_match": False,
        "trustpub_only": False,
    }
    listed = [version(one, package(one), _number(versions, one)) for one in newest]
    return {"crate": described, "versions": listed, "keywords": [], "categories": []}


def version(crate: Crate, facts: dict[str, Any], number: int = 1) -> dict[str, Any]:
    """Return the document about one version; ``facts`` is its ``[package]`` table."""
    here = f"/api/v1/crates/{crate.name}/{crate.version}"
    return {
        "id": number,
        "crate": crate.name,
        "num": crate.version,
        "dl_path": f"{here}/download",
        "readme_path": f"{here}/readme",
        "updated_at": micros(crate.created_at),
        "created_at": micros(crate.created_at),
        "downloads": 0,
        "features": crate.features,
        "yanked": crate.yanked,
        "yank_message": None,
        "lib_links": crate.links,
        "license": facts.get("license"),
        "links": {
            "dependencies": f"{here}/dependencies",
            "version_downloads": f"{here}/downloads",
            "authors": f"{here}/authors",
        },
        "crate_size": crate.size,
        "published_by": owner(OWNER),
        "audit_actions": [],
        "checksum": crate.blob,
        "rust_version": crate.rust_version,
        "has_lib": None,
        "bin_names": None,
        "edition": facts.get("edition"),
        "description": facts.get("description"),
        "homepage": facts.get("homepage"),
        "documentation": facts.get("documentation"),
        "repository": facts.get("repository"),
        "trustpub_data": None,
        "linecounts": None,
    }


def owner(login: str) -> dict[str, Any]:
    """Return what is said of a person."""
    url = f"https://github.com/{login}"
    return {"id": 1, "login": login, "kind": "user", "url": url, "name": login.title(), "avatar": None}


def search(crates: Iterable[Crate], words: str, package: Callable[[Crate], dict[str, Any]]) -> dict[str, Any]:
    """Return the crates whose name holds the words."""
    by_name: dict[str, list[Crate]] = {}
    for one in crates:
        if words.lower() in one.name.lower():
            by_name.setdefault(one.name, []).append(one)
    found = [crate(versions, package, minimal=True)["crate"] for _, versions in sorted(by_name.items())]
    for one in found:
        one["exact_match"] = one["name"] == words
    return {"crates": found, "meta": {"total": len(found), "next_page": None, "prev_page": None}}


def _default(versions: Sequence[Crate]) -> Crate:
    """Return the version that is shown: not yanked before yanked, stable before not, then the highest."""
    return max(versions, key=lambda one: (not one.yanked, not precedence(one).prerelease, precedence(one)))


def _highest(versions: Sequence[Crate]) -> str | None:
    return max(versions, key=precedence).version if versions else None


def _number(versions: Sequence[Crate], one: Crate) -> int:
    return versions.index(one) + 1
