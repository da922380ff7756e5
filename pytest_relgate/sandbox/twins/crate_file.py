"""What a ``.crate`` file and the body of a publish hold, read as crates.io reads them.

The rules and words are those of crates.io's ``controllers/krate/publish.rs``: an archive whose entries all
stand below ``{name}-{version}/``, with one ``Cargo.toml``, whose name and version are those announced.
"""

from __future__ import annotations

import io
import struct
import tarfile
import tomllib
from http import HTTPStatus
from typing import Any, Final, NoReturn

import msgspec
import semver

from pytest_relgate.sandbox.twins.answers import Refused, json_answer

_LARGEST_METADATA: Final = 1024 * 1024
_LARGEST_CRATE: Final = 10 * 1024 * 1024
_TABLES: Final = {"dependencies": "normal", "dev-dependencies": "dev", "build-dependencies": "build"}


def refuse(detail: str, status: int = HTTPStatus.BAD_REQUEST) -> NoReturn:
    """Refuse, in crates.io's envelope."""
    raise Refused(json_answer({"errors": [{"detail": detail}]}, status)) from None


def unframed(body: bytes) -> tuple[dict[str, Any], bytes]:
    """Split the body of a publish into its metadata and the archive.

    Each part follows its length, 32 bits, little endian (the Cargo book, Registry Web API). Raises Refused.
    """
    raw, rest = _part(body, "metadata", _LARGEST_METADATA, "JSON metadata blob too large")
    archive, _ = _part(rest, "tarball", _LARGEST_CRATE, f"max upload size is: {_LARGEST_CRATE}")
    try:
        metadata = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        refuse(f"invalid upload request: {error}")
    if not isinstance(metadata, dict) or not all(
        isinstance(metadata.get(key), str) for key in ("name", "vers")
    ):
        refuse("invalid upload request: missing field `name` or `vers`")
    return metadata, archive


def _part(body: bytes, what: str, largest: int, too_large: str) -> tuple[bytes, bytes]:
    if len(body) < struct.calcsize("<I"):
        refuse(f"invalid {what} length")
    (length,) = struct.unpack_from("<I", body)
    if length > largest:
        refuse(too_large, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    part, rest = body[4 : 4 + length], body[4 + length :]
    if len(part) < length:
        refuse(f"invalid {what} length for remaining payload: {length}")
    return part, rest


def manifest_of(archive: bytes, name: str, version: str) -> dict[str, Any]:
    """Return the ``Cargo.toml`` of a crate file. Raises Refused where crates.io would not take it."""
    prefix = f"{name}-{version}"
    found: list[bytes] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            for entry in tar:
                top, _, inner = entry.name.partition("/")
                if top != prefix or ".." in entry.name.split("/"):
                    refuse(f"invalid path found: {entry.name}")
                if not (entry.isfile() or entry.isdir()):
                    refuse("unexpected symlink or hard link found: " + entry.name)
                if inner.lower() == "cargo.toml" and (handle := tar.extractfile(entry)):
                    if inner != "Cargo.toml":
                        refuse(f"uploaded tarball is malformed: `{inner}` must be named `Cargo.toml`")
                    found.append(handle.read())
    except (tarfile.TarError, OSError, EOFError):
        refuse("uploaded tarball is malformed or too large when decompressed")
    if len(found) != 1:
        refuse("uploaded tarball is missing a `Cargo.toml` manifest file")
    try:
        return tomllib.loads(found[0].decode())
    except ValueError as error:
        refuse(f"failed to parse `Cargo.toml` manifest file\n\n{error}")


def checked_package(manifest: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the ``[package]`` table when it agrees with what was announced. Raises Refused."""
    package = manifest.get("package")
    if not isinstance(package, dict):
        refuse("failed to parse `Cargo.toml` manifest file\n\nmissing field `package`")
    if not semver.Version.is_valid(metadata["vers"]):
        refuse(f'"{metadata["vers"]}" is an invalid semver version')
    for field, announced in (("name", metadata["name"]), ("version", metadata["vers"])):
        if package.get(field) != announced:
            refuse(f"metadata {field} `{announced}` does not match manifest {field} `{package.get(field)}`")
    missing = [] if package.get("description") else ["description"]
    if not package.get("license") and not package.get("license-file"):
        missing.append("license")
    if missing:
        refuse(
            f"missing or empty metadata fields: {', '.join(missing)}. Please see "
            "https://doc.rust-lang.org/cargo/reference/manifest.html for more information on configuring "
            "these fields"
        )
    return package


def dependencies_of(manifest: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the dependencies of a manifest in the index's form, sorted as crates.io sorts them."""
    tables = [(None, manifest), *manifest.get("target", {}).items()]
    found = [
        _dependency(name, spec, kind, target)
        for target, holder in tables
        for table, kind in _TABLES.items()
        for name, spec in holder.get(table, {}).items()
    ]
    order = tuple(_TABLES.values())
    return tuple(sorted(found, key=lambda one: (one["name"], order.index(one["kind"]), one["req"])))


def _dependency(name: str, spec: Any, kind: str, target: str | None) -> dict[str, Any]:
    spec = {"version": spec} if isinstance(spec, str) else spec
    requirement = str(spec.get("version", "*"))
    found = {
        "name": name,
        "req": f"^{requirement}" if requirement[:1].isdigit() else requirement,
        "features": list(spec.get("features", ())),
        "optional": bool(spec.get("optional", False)),
        "default_features": bool(spec.get("default-features", True)),
        "target": target,
        "kind": kind,
    }
    return found | ({"package": spec["package"]} if "package" in spec else {})


def split_features(features: dict[str, list[str]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Part features into those that every cargo reads and those of the newer syntax (RFC 3143).

    A feature that enables one of the newer kind is one itself.
    """
    newer = {
        name for name, values in features.items() if any(v.startswith("dep:") or "?/" in v for v in values)
    }
    while more := {name for name, values in features.items() if name not in newer and newer & set(values)}:
        newer |= more
    older = {name: values for name, values in features.items() if name not in newer}
    return older, {name: values for name, values in features.items() if name in newer}
