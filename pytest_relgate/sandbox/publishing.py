"""How a publish changes the world: a crate, an npm version, files on PyPI, a GitHub release.

What is served already with the same bytes is left alone (None: there is nothing to do), so that a publish
can be done again after one that broke off (SPEC S41). What is there with other bytes is refused, as each
service refuses it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_relgate.sandbox import artifacts
from pytest_relgate.sandbox.changes import numbered
from pytest_relgate.sandbox.world import (
    Asset,
    Attestation,
    Crate,
    NpmPackage,
    NpmVersion,
    PypiFile,
    PypiProject,
    Release,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_relgate.sandbox.site import Site, Source
    from pytest_relgate.sandbox.world import World

    Change = Callable[[World], World]


class StepFailedError(Exception):
    """A step of a workflow failed. The text is what its log says."""


def crate(site: Site, version: str, source: Source) -> Change | None:
    """Publish the crate as ``cargo publish`` packs it from the source."""
    raw = artifacts.crate(version, source.files, source.commit)[1]
    there = [one.blob for one in site.look().crates if (one.name, one.version) == ("plasmite", version)]
    if there == [artifacts.sha256(raw)]:
        return None
    if there:
        message = f"error: crate plasmite@{version} already exists on crates.io index"
        raise StepFailedError(message)
    facts = artifacts.crate_facts(source.files)
    made = Crate("plasmite", version, site.put(raw), len(raw), site.clock(), **facts)
    return lambda world: msgspec.structs.replace(world, crates=(*world.crates, made))


def npm(site: Site, tarball: bytes) -> Change | None:
    """Publish an npm package; a prerelease takes ``next``, everything else ``latest``."""
    manifest: dict[str, Any] = json.loads(artifacts.untarred(tarball)["package/package.json"])
    name, version = manifest["name"], manifest["version"]
    package = next((one for one in site.look().npm if one.name == name), NpmPackage(name))
    if version in package.versions:
        if package.versions[version].blob == artifacts.sha256(tarball):
            return None
        message = f"npm error 403 You cannot publish over the previously published versions: {version}."
        raise StepFailedError(message)
    made = NpmVersion(manifest, site.put(tarball), len(tarball), site.clock(), attested=True)
    tag = "next" if "-" in version else "latest"

    def step(world: World) -> World:
        others = [one for one in world.npm if one.name != name]
        before = next((one for one in world.npm if one.name == name), NpmPackage(name))
        after = msgspec.structs.replace(
            before,
            versions={**before.versions, version: made},
            tags={**before.tags, tag: version},
        )
        return msgspec.structs.replace(world, npm=(*others, after))

    return step


def pypi(site: Site, files: Mapping[str, bytes]) -> Change | None:
    """Upload wheels and sdist to PyPI; those that are there already with the same bytes are left out."""
    there = {file.filename: file.blob for project in site.look().pypi for file in project.files}
    new = {name: raw for name, raw in files.items() if there.get(name) != artifacts.sha256(raw)}
    if taken := there.keys() & new.keys():
        message = f"ERROR HTTPError: 400 Bad Request: File already exists ('{min(taken)}')"
        raise StepFailedError(message)
    if not new:
        return None
    made = []
    for name, raw in sorted(new.items()):
        version = name.split("-")[1].removesuffix(".tar.gz")
        metadata = ""
        if name.endswith(".whl"):
            members = artifacts.unzipped(raw)
            metadata = site.put(members[f"plasmite-{version}.dist-info/METADATA"])
        made.append(
            PypiFile(
                name,
                version,
                site.put(raw),
                len(raw),
                site.clock(),
                requires_python=">=3.9",
                metadata=metadata,
                attested=True,
            )
        )

    def step(world: World) -> World:
        before = next((one for one in world.pypi if one.name == "plasmite"), PypiProject("plasmite", (), 0))
        after = PypiProject("plasmite", (*before.files, *made), before.serial + len(made))
        others = [one for one in world.pypi if one.name != "plasmite"]
        return msgspec.structs.replace(world, pypi=(*others, after))

    return step


def github_release(site: Site, tag: str, files: Mapping[str, bytes]) -> Change | None:
    """Create the GitHub release with its assets, and an attestation for each archive."""
    there = next((one for one in site.look().releases if one.tag == tag and not one.draft), None)
    if there is not None:
        same = {asset.name: asset.blob for asset in there.assets}
        if same == {name: artifacts.sha256(raw) for name, raw in files.items()}:
            return None
        message = f"HTTP 422: Validation Failed: a release with the same tag name already exists: {tag}"
        raise StepFailedError(message)
    when = site.clock()
    blobs = {name: (site.put(raw), len(raw)) for name, raw in sorted(files.items())}

    def step(world: World) -> World:
        made: list[Asset] = []
        for name, (blob, size) in blobs.items():
            world, number = numbered(world)
            kind = "text/plain" if name.endswith(".txt") else "application/gzip"
            made.append(Asset(number, name, blob, size, f"sha256:{blob}", when, content_type=kind))
        world, number = numbered(world)
        release = Release(number, tag, tag, "", when, when, prerelease="-" in tag, assets=tuple(made))
        speaks = [attestation(name, blob) for name, (blob, _) in blobs.items() if name.endswith(".gz")]
        return msgspec.structs.replace(
            world,
            releases=(*world.releases, release),
            attestations=(*world.attestations, *speaks),
        )

    return step


def attestation(name: str, blob: str) -> Attestation:
    """A provenance bundle for a file (Sigstore bundle 0.3, in-toto statement 1). Nobody signed it."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": blob}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"buildDefinition": {"buildType": "https://actions.github.io/buildtypes/workflow/v1"}},
    }
    payload = json.dumps(statement, separators=(",", ":")).encode()
    bundle = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": base64.b64encode(hashlib.sha256(payload).digest()).decode()}],
        },
    }
    return Attestation(f"sha256:{blob}", bundle)
