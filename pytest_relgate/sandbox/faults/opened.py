"""Faults inside of archives that a channel serves. SPEC S47-S51, S54."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Phase
from pytest_relgate.sandbox import artifacts
from pytest_relgate.sandbox.faults import overlay
from pytest_relgate.sandbox.faults.fault import Fault
from pytest_relgate.sandbox.native import library

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.faults.overlay import Overlay
    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import Asset, NpmVersion, PypiFile, Release, World

    Members = dict[str, bytes]
    Change = Callable[[Members, str], Members]

_ARCHIVE = "linux_amd64.tar.gz"
_WHEEL = "manylinux_2_28_x86_64"
_ADDON = "package/native/linux-x64/index.node"


def _sdk(change: Change) -> Overlay:
    """Change the SDK archive for Linux on x64, in the GitHub release alone."""

    def asset(one: Asset, tag: str, store: Store) -> Asset:
        if not one.name.endswith(_ARCHIVE):
            return one
        found = change(artifacts.untarred(store.get(one.blob)), tag.removeprefix("v"))
        raw = artifacts.tarred(found, programs={name for name in found if name.startswith("bin/")})
        blob = store.put(raw)
        return msgspec.structs.replace(one, blob=blob, size=len(raw), digest=f"sha256:{blob}")

    def in_release(one: Release, store: Store) -> Release:
        return msgspec.structs.replace(one, assets=tuple(asset(each, one.tag, store) for each in one.assets))

    return overlay.release(in_release)


def _tarball(change: Change) -> Overlay:
    """Change the npm tarball: what was built, and so what is published."""

    def built(found: Members, world: World, store: Store) -> Members:
        version = overlay.version_of(world, store)
        return {name: _repacked(raw, change, version) for name, raw in found.items()}

    def published(one: NpmVersion, store: Store) -> NpmVersion:
        raw = _repacked(store.get(one.blob), change, str(one.manifest["version"]))
        return msgspec.structs.replace(one, blob=store.put(raw), size=len(raw))

    return overlay.together(overlay.artifact("node-dist", built), overlay.npm(published))


def _repacked(raw: bytes, change: Change, version: str) -> bytes:
    return artifacts.tarred(change(artifacts.untarred(raw), version))


def _wheel(change: Change) -> Overlay:
    """Change the wheel for Linux on x64: what was built, and so what is published."""

    def repacked(raw: bytes, version: str) -> bytes:
        info = f"plasmite-{version}.dist-info"
        found = artifacts.unzipped(raw)
        found.pop(f"{info}/RECORD")
        return artifacts.with_record(change(found, version), info)

    def built(found: Members, _: World, __: Store) -> Members:
        return {name: repacked(raw, name.split("-")[1]) for name, raw in found.items()}

    def published(files: tuple[PypiFile, ...], _: str, store: Store) -> tuple[PypiFile, ...]:
        def file(one: PypiFile) -> PypiFile:
            if _WHEEL not in one.filename:
                return one
            raw = repacked(store.get(one.blob), one.version)
            return msgspec.structs.replace(one, blob=store.put(raw), size=len(raw))

        return tuple(map(file, files))

    return overlay.together(overlay.artifact("py-dist-linux_amd64", built), overlay.pypi(published))


def _without_header(found: Members, _: str) -> Members:
    return {name: raw for name, raw in found.items() if name != "include/plasmite.h"}


def _outside(found: Members, _: str) -> Members:
    return {**found, "../../.profile": b"echo hello\n"}


def _without_notices(found: Members, _: str) -> Members:
    return {name: raw for name, raw in found.items() if name != "package/THIRD_PARTY_NOTICES.md"}


def _requires_what_is_not_there(found: Members, _: str) -> Members:
    text = found["package/index.js"].replace(b"./native.js", b"./gone.js", 1)
    return {**found, "package/index.js": text}


def _for_arm(found: Members, version: str) -> Members:
    return {**found, _ADDON: library("linux-arm64", version)}


def _said_elsewhere(place: str, pattern: str, said: str) -> Change:
    """Change the version that the file at the end of a path says."""

    def change(found: Members, _: str) -> Members:
        def text(raw: bytes) -> bytes:
            return re.sub(pattern, said, raw.decode(), count=1, flags=re.MULTILINE).encode()

        return {name: text(raw) if name.endswith(place) else raw for name, raw in found.items()}

    return change


def _fault(name: str, line: str, says: str, world: Overlay) -> Fault:
    return Fault(name, line, Phase.POSTRELEASE, says, world=world)


FAULTS = (
    _fault(
        "sdk-without-header",
        "the SDK archive for Linux on x64 on GitHub lacks the header",
        r"github: plasmite_\S+_linux_amd64\.tar\.gz: it has no include/plasmite\.h",
        _sdk(_without_header),
    ),
    _fault(
        "sdk-leads-outside",
        "the SDK archive for Linux on x64 on GitHub writes outside of the folder that it is unpacked in",
        r"github: plasmite_\S+ holds '\.\./\.\./\.profile', which leads out of the folder",
        _sdk(_outside),
    ),
    _fault(
        "addon-of-another-architecture",
        "the npm tarball has the addon for arm64 in the folder for x64",
        r"npm: plasmite-\S+\.tgz: package/native/linux-x64/index\.node is for linux arm64, promised is linux",
        _tarball(_for_arm),
    ),
    _fault(
        "tarball-without-notices",
        "the npm tarball lacks the notices",
        r"npm: plasmite-\S+\.tgz: it has no THIRD_PARTY_NOTICES\.md",
        _tarball(_without_notices),
    ),
    _fault(
        "tarball-says-another-version",
        "package.json in the npm tarball says another version",
        r"npm: \S+: package/package\.json says another version: expected [0-9.]+, found 0\.0\.9",
        _tarball(_said_elsewhere("package/package.json", r'"version": "[^"]+"', '"version": "0.0.9"')),
    ),
    _fault(
        "package-that-does-not-load",
        "the npm package requires a file that it does not have",
        r"Cannot find module '\S*gone\.js'",
        _tarball(_requires_what_is_not_there),
    ),
    _fault(
        "wheel-says-another-version",
        "METADATA in the wheel for Linux on x64 says another version",
        r"pypi: \S+: \S+METADATA says another version: .*0\.0\.9",
        _wheel(_said_elsewhere(".dist-info/METADATA", r"^Version: .*$", "Version: 0.0.9")),
    ),
)
