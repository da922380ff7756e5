"""What the npm registry says of packages: packuments, version documents, attestations. Pure.

Fields are those of npm's registry documentation (package-metadata.md) and of what the registry adds to a
manifest that is published.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import semver

from pytest_relgate.sandbox.twins.answers import milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_relgate.sandbox.world import NpmPackage, NpmVersion

SLSA: Final = "https://slsa.dev/provenance/v1"
PUBLISH: Final = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"
BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
MAINTAINER: Final = {"name": "ada", "email": "ada@example.org"}

# What an installer needs of a version (package-metadata.md, "Abbreviated version object").
_ABBREVIATED: Final = (
    "name",
    "version",
    "deprecated",
    "dependencies",
    "optionalDependencies",
    "devDependencies",
    "bundleDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "acceptDependencies",
    "bin",
    "directories",
    "dist",
    "engines",
    "funding",
    "os",
    "cpu",
    "libc",
    "hasInstallScript",
    "_hasShrinkwrap",
)
_INSTALL_SCRIPTS: Final = ("preinstall", "install", "postinstall")
# What a packument repeats from the version that `latest` names.
_FROM_LATEST: Final = (
    "description",
    "homepage",
    "keywords",
    "repository",
    "author",
    "bugs",
    "license",
    "readmeFilename",
)


def integrity(raw: bytes) -> str:
    """Return the Subresource Integrity of bytes, SHA-512."""
    return "sha512-" + base64.b64encode(hashlib.sha512(raw).digest()).decode()


def shasum(raw: bytes) -> str:
    """Return the SHA-1 of bytes in hex, which npm still carries along."""
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


def tarball_path(name: str, number: str) -> str:
    """Return the path of a tarball; the scope is left out of the file's name.

    >>> tarball_path("@ada/ring", "1.0.0")
    '/@ada/ring/-/ring-1.0.0.tgz'
    """
    return f"/{name}/-/{name.rpartition('/')[2]}-{number}.tgz"


def version(
    package: NpmPackage, number: str, base: str, digests: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """Return a version's document; ``digests`` gives what ``dist`` says of a tarball by its blob."""
    one = package.versions[number]
    dist = {**digests(one.blob), "tarball": base + tarball_path(package.name, number), "signatures": []}
    if one.attested:
        url = f"{base}/-/npm/v1/attestations/{package.name}@{number}"
        dist["attestations"] = {"url": url, "provenance": {"predicateType": SLSA}}
    document = {
        **one.manifest,
        "name": package.name,
        "version": number,
        "_id": f"{package.name}@{number}",
        "_npmUser": MAINTAINER,
        "maintainers": [MAINTAINER],
        "dist": dist,
        "_hasShrinkwrap": False,
        "directories": one.manifest.get("directories", {}),
    }
    if one.deprecated:
        document["deprecated"] = one.deprecated
    if any(name in one.manifest.get("scripts", {}) for name in _INSTALL_SCRIPTS):
        document["hasInstallScript"] = True
    return document


def packument(
    package: NpmPackage, base: str, digests: Callable[[str], dict[str, Any]], *, revision: str
) -> dict[str, Any]:
    """Return the whole document about a package."""
    versions = {number: version(package, number, base, digests) for number in in_order(package.versions)}
    latest: dict[str, Any] = versions.get(package.tags.get("latest", ""), {})
    repeated: dict[str, Any] = {name: latest[name] for name in _FROM_LATEST if name in latest}
    return {
        "_id": package.name,
        "_rev": revision,
        "name": package.name,
        "dist-tags": package.tags,
        "versions": versions,
        "time": _times(package),
        "maintainers": [MAINTAINER],
        **repeated,
        "readme": latest.get("readme", ""),
    }


def abbreviated(whole: dict[str, Any]) -> dict[str, Any]:
    """Cut a packument down to what an installer needs."""
    return {
        "name": whole["name"],
        "dist-tags": whole["dist-tags"],
        "versions": {
            number: {name: one[name] for name in _ABBREVIATED if name in one}
            for number, one in whole["versions"].items()
        },
        "modified": whole["time"]["modified"],
    }


def unsigned_bundle(predicate: str, subject: str, sha512: str, repository: str) -> dict[str, Any]:
    """Make a bundle of the right form around an in-toto statement; nobody signed it.

    ``subject`` is a package URL, ``sha512`` is in hex, ``repository`` like ``owner/name``.
    """
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": subject, "digest": {"sha512": sha512}}],
        "predicateType": predicate,
        "predicate": _predicate(predicate, subject, repository),
    }
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return {
        "mediaType": BUNDLE,
        "verificationMaterial": {"tlogEntries": [], "timestampVerificationData": {}},
        "dsseEnvelope": {
            "payload": payload,
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": "", "keyid": ""}],
        },
    }


def _predicate(predicate: str, subject: str, repository: str) -> dict[str, Any]:
    if predicate == PUBLISH:
        name, _, number = subject.removeprefix("pkg:npm/").rpartition("@")
        return {"name": name.replace("%40", "@"), "version": number, "registry": "https://registry.npmjs.org"}
    workflow = {
        "repository": f"https://github.com/{repository}",
        "path": ".github/workflows/release-publish.yml",
    }
    return {
        "buildDefinition": {
            "buildType": "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
            "externalParameters": {"workflow": workflow},
        },
        "runDetails": {"builder": {"id": "https://github.com/actions/runner/github-hosted"}},
    }


def purl(name: str, number: str) -> str:
    """Return the package URL of a version."""
    return f"pkg:npm/{name.replace('@', '%40')}@{number}"


def in_order(numbers: Iterable[str]) -> list[str]:
    """Sort version numbers by SemVer's precedence."""
    return sorted(numbers, key=semver.Version.parse)


def _times(package: NpmPackage) -> dict[str, str]:
    made: dict[str, NpmVersion] = package.versions
    times = {number: milliseconds(one.created_at) for number, one in made.items()}
    first, last = min(times.values(), default=""), max(times.values(), default="")
    return {"created": first, "modified": last, **times}
