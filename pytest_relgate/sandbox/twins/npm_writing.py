"""What a client may change at the npm registry: steps from one world to the next, or a refusal."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
import semver

from pytest_relgate.sandbox.twins.answers import Refused, json_answer
from pytest_relgate.sandbox.twins.npm_documents import BUNDLE, in_order, integrity
from pytest_relgate.sandbox.world import Attestation, NpmPackage, NpmVersion, World

if TYPE_CHECKING:
    from collections.abc import Mapping

Step = Callable[[World], World]


def refuse(status: int, error: str, headers: Mapping[str, str] | None = None) -> NoReturn:
    """Refuse, in the registry's envelope."""
    raise Refused(json_answer({"error": error}, status, headers)) from None


def find(world: World, name: str) -> NpmPackage | None:
    """Return the package of this name."""
    return next((package for package in world.npm if package.name == name), None)


def attested_subject(sha512: str) -> str:
    """Return how the world names the tarball that a bundle of npm's speaks of; SHA-512 in hex."""
    return f"npm:sha512:{sha512}"


def publish(name: str, document: dict[str, Any], put: Callable[[bytes], str], time: str) -> Step:
    """Return the step that adds the one version of a publish; ``put`` keeps its tarball.

    The manifest is taken as it was sent: the registry does not compare it with the tarball's own.
    """
    if document.get("name") != name or len(document.get("versions", {})) != 1:
        refuse(HTTPStatus.BAD_REQUEST, "expected one version of the package that the address names")
    ((number, manifest),) = document["versions"].items()
    if not semver.Version.is_valid(number):
        refuse(HTTPStatus.BAD_REQUEST, f"invalid version: {number}")
    attachments: dict[str, dict[str, Any]] = document["_attachments"]
    raw = _tarball(attachments)
    if manifest.get("dist", {}).get("integrity") not in (None, integrity(raw)):
        refuse(HTTPStatus.BAD_REQUEST, "the tarball does not have the integrity that its manifest names")
    bundles = _bundles(attachments, hashlib.sha512(raw).hexdigest())
    sent = {key: value for key, value in manifest.items() if key not in ("dist", "_id")}
    one = NpmVersion(manifest=sent, blob=put(raw), size=len(raw), created_at=time, attested=bool(bundles))
    tags: dict[str, str] = document.get("dist-tags", {})

    def step(world: World) -> World:
        package = find(world, name) or NpmPackage(name)
        if number in package.versions or number in package.unpublished:
            refuse(
                HTTPStatus.FORBIDDEN,
                f"You cannot publish over the previously published versions: {number}.",
            )
        first = {} if package.versions else {"latest": number}
        changed = msgspec.structs.replace(
            package,
            versions={**package.versions, number: one},
            tags={**package.tags, **tags, **first},
        )
        return msgspec.structs.replace(_with(world, changed), attestations=(*world.attestations, *bundles))

    return step


def _tarball(attachments: Mapping[str, dict[str, Any]]) -> bytes:
    found = [one for name, one in attachments.items() if name.endswith(".tgz")]
    if len(found) != 1:
        refuse(HTTPStatus.BAD_REQUEST, "expected one tarball")
    try:
        raw = base64.b64decode(found[0]["data"], validate=True)
    except (binascii.Error, KeyError, TypeError, ValueError):
        refuse(HTTPStatus.BAD_REQUEST, "the tarball is no base64")
    if found[0].get("length") not in (None, len(raw)):
        refuse(HTTPStatus.BAD_REQUEST, f"expected {found[0]['length']} bytes of tarball, got {len(raw)}")
    return raw


def _bundles(attachments: Mapping[str, dict[str, Any]], sha512: str) -> tuple[Attestation, ...]:
    family = BUNDLE.partition(".v")[0]
    sent = [one for one in attachments.values() if str(one.get("content_type", "")).startswith(family)]
    try:
        return tuple(
            Attestation(attested_subject(sha512), msgspec.json.decode(one["data"], type=dict[str, Any]))
            for one in sent
        )
    except (msgspec.DecodeError, KeyError):
        return refuse(HTTPStatus.BAD_REQUEST, "the provenance is no sigstore bundle")


def update(name: str, document: dict[str, Any]) -> Step:
    """Return the step of a packument that is put back changed: deprecations and dist-tags are taken."""
    sent: dict[str, dict[str, Any]] = document.get("versions", {})

    def step(world: World) -> World:
        package = _existing(world, name)
        versions = {
            number: msgspec.structs.replace(one, deprecated=sent[number].get("deprecated", ""))
            if number in sent
            else one
            for number, one in package.versions.items()
        }
        tags = {tag: number for tag, number in document.get("dist-tags", {}).items() if number in versions}
        changed = msgspec.structs.replace(package, versions=versions, tags={**package.tags, **tags})
        return _with(world, changed)

    return step


def unpublish(name: str, document: dict[str, Any]) -> Step:
    """Return the step after which only the versions that are still in the packument are left."""
    kept = set(document.get("versions", {}))

    def step(world: World) -> World:
        package = _existing(world, name)
        versions = {number: one for number, one in package.versions.items() if number in kept}
        gone = tuple(number for number in package.versions if number not in kept)
        tags = {tag: number for tag, number in package.tags.items() if number in versions}
        if versions and "latest" not in tags:
            tags["latest"] = in_order(versions)[-1]
        changed = msgspec.structs.replace(
            package, versions=versions, tags=tags, unpublished=(*package.unpublished, *gone)
        )
        return _with(world, changed)

    return step


def tag(name: str, tag: str, number: str) -> Step:
    """Return the step that lets a dist-tag name a version."""

    def step(world: World) -> World:
        package = _existing(world, name)
        if number not in package.versions:
            refuse(HTTPStatus.NOT_FOUND, f"version not found: {number}")
        return _with(world, msgspec.structs.replace(package, tags={**package.tags, tag: number}))

    return step


def untag(name: str, tag: str) -> Step:
    """Return the step that takes a dist-tag away; ``latest`` stays."""

    def step(world: World) -> World:
        package = _existing(world, name)
        if tag == "latest":
            refuse(HTTPStatus.BAD_REQUEST, 'The "latest" dist-tag cannot be removed.')
        if tag not in package.tags:
            refuse(HTTPStatus.NOT_FOUND, f"dist-tag not found: {tag}")
        tags = {one: number for one, number in package.tags.items() if one != tag}
        return _with(world, msgspec.structs.replace(package, tags=tags))

    return step


def _existing(world: World, name: str) -> NpmPackage:
    package = find(world, name)
    if package is None or not package.versions:
        refuse(HTTPStatus.NOT_FOUND, "Not found")
    return package


def _with(world: World, package: NpmPackage) -> World:
    others = tuple(one for one in world.npm if one.name != package.name)
    return msgspec.structs.replace(world, npm=(*others, package))
