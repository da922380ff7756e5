"""What a build of the miniature makes: wheels, sdist, npm tarball, crate, SDK archives. Real formats.

The bytes depend on version and source files alone. They are what pip, npm and cargo take; layouts are
those of the wheel format, PEP 625, npm, ``cargo package`` and the SDK.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import tomllib
import zipfile
from typing import TYPE_CHECKING, Any, Final

from pytest_relgate.sandbox.formula import PATH as FORMULA
from pytest_relgate.sandbox.formula import filled_formula
from pytest_relgate.sandbox.native import PLATFORMS, executable, library

if TYPE_CHECKING:
    from collections.abc import Mapping

LICENSES: Final = ("LICENSE", "THIRD_PARTY_NOTICES.md")
SUMS: Final = "sha256sums.txt"
METADATA: Final = "metadata.json"

_WHEEL_TAGS: Final = {
    "linux-x64": "manylinux_2_28_x86_64",
    "linux-arm64": "manylinux_2_28_aarch64",
    "darwin-x64": "macosx_11_0_x86_64",
    "darwin-arm64": "macosx_11_0_arm64",
}
_SDK_NAMES: Final = {
    "linux-x64": "linux_amd64",
    "linux-arm64": "linux_arm64",
    "darwin-x64": "darwin_amd64",
    "darwin-arm64": "darwin_arm64",
}
_WHEN: Final = (2026, 1, 1, 0, 0, 0)
_EPOCH: Final = 1767225600  # the same moment


def build(version: str, files: Mapping[str, str], commit: str) -> dict[str, bytes]:
    """Everything that the ``release`` workflow builds, by file name.

    ``files`` is the source tree (text by path), ``commit`` its 40 hex digits. A dozen files: four wheels,
    sdist, npm tarball, crate, four SDK archives and their checksums.
    """
    wheels = dict(wheel(version, files, platform) for platform in PLATFORMS)
    archives = dict(sdk(version, files, platform) for platform in PLATFORMS)
    return {
        **wheels,
        **dict([sdist(version, files), npm_tarball(version, files), crate(version, files, commit)]),
        **archives,
        SUMS: checksums(archives),
    }


def is_for_pypi(name: str) -> bool:
    """Whether PyPI is where a built file of this name goes."""
    return name.endswith(".whl") or (name.startswith("plasmite-") and name.endswith(".tar.gz"))


def is_for_release(name: str) -> bool:
    """Whether the GitHub release is where a built file of this name goes."""
    return name == SUMS or (name.startswith("plasmite_") and name.endswith(".tar.gz"))


def is_for_npm(name: str) -> bool:
    """Whether npm is where a built file of this name goes."""
    return name.endswith(".tgz")


def is_for_crates(name: str) -> bool:
    """Whether crates.io is where a built file of this name goes."""
    return name.endswith(".crate")


# -- Python ---------------------------------------------------------------------------------------------


def python_version(version: str) -> str:
    """Spell a SemVer version as PEP 440 does: ``1.2.0-rc.1`` is ``1.2.0rc1``."""
    from packaging.version import Version

    return str(Version(version))


def core_metadata(version: str, files: Mapping[str, str]) -> bytes:
    """Core metadata (PEP 639, version 2.4) as the Python binding's pyproject.toml has it."""
    project = tomllib.loads(files["bindings/python/pyproject.toml"])["project"]
    lines = [
        "Metadata-Version: 2.4",
        "Name: plasmite",
        f"Version: {python_version(version)}",
        f"Summary: {project.get('description', '')}",
        "License-Expression: MIT",
        *(f"License-File: {name}" for name in LICENSES if name in files),
        f"Requires-Python: {project.get('requires-python', '>=3.9')}",
    ]
    return ("\n".join(lines) + "\n").encode()


def wheel(version: str, files: Mapping[str, str], platform: str) -> tuple[str, bytes]:
    """Name and bytes of the wheel for a platform. It carries the native library for it."""
    tag = f"py3-none-{_WHEEL_TAGS[platform]}"
    stem = f"plasmite-{python_version(version)}"
    info = f"{stem}.dist-info"
    suffix = "dylib" if platform.startswith("darwin") else "so"
    members = _package(files, "bindings/python/plasmite/", "plasmite/")
    members[f"plasmite/_native/libplasmite.{suffix}"] = library(platform, version)
    members |= {f"{info}/licenses/{name}": files[name].encode() for name in LICENSES if name in files}
    members[f"{info}/METADATA"] = core_metadata(version, files)
    members[f"{info}/entry_points.txt"] = b"[console_scripts]\nplasmite = plasmite.__main__:main\n"
    head = "Wheel-Version: 1.0\nGenerator: plasmite-miniature 1\nRoot-Is-Purelib: false\n"
    members[f"{info}/WHEEL"] = f"{head}Tag: {tag}\n".encode()
    return f"{stem}-{tag}.whl", with_record(members, info)


def with_record(members: Mapping[str, bytes], info: str) -> bytes:
    """Zip a wheel's members with their RECORD in the folder ``info``."""
    rows = []
    for name, raw in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(raw)}\n")
    record = "".join(rows) + f"{info}/RECORD,,\n"
    return zipped({**members, f"{info}/RECORD": record.encode()})


def sdist(version: str, files: Mapping[str, str]) -> tuple[str, bytes]:
    """Name and bytes of the source distribution (PEP 625)."""
    stem = f"plasmite-{python_version(version)}"
    members = _package(files, "bindings/python/", f"{stem}/")
    members |= {f"{stem}/{name}": files[name].encode() for name in LICENSES if name in files}
    members[f"{stem}/PKG-INFO"] = core_metadata(version, files)
    return f"{stem}.tar.gz", tarred(members)


# -- Node -----------------------------------------------------------------------------------------------


def npm_manifest(files: Mapping[str, str]) -> dict[str, Any]:
    """The Node binding's package.json."""
    found: dict[str, Any] = json.loads(files["bindings/node/package.json"])
    return found


def npm_tarball(version: str, files: Mapping[str, str]) -> tuple[str, bytes]:
    """Name and bytes of the npm package, with an addon for each platform."""
    root = "bindings/node/"
    manifest = npm_manifest(files)
    shipped = {"package.json", *manifest.get("files", ()), *manifest.get("bin", {}).values()}
    members = {
        f"package/{path}": files[root + path].encode() for path in sorted(shipped) if root + path in files
    }
    for platform in PLATFORMS:
        members[f"package/native/{platform}/index.node"] = library(platform, version)
    members |= {f"package/{name}": files[name].encode() for name in LICENSES if name in files}
    return f"plasmite-{version}.tgz", tarred(members)


# -- Rust -----------------------------------------------------------------------------------------------


def crate(version: str, files: Mapping[str, str], commit: str) -> tuple[str, bytes]:
    """Name and bytes of the crate as ``cargo package`` lays it out."""
    stem = f"plasmite-{version}"
    kept = {
        path: text
        for path, text in files.items()
        if path.startswith(("src/", "include/")) or path in ("Cargo.lock", "README.md", *LICENSES)
    }
    written = "# THIS FILE IS AUTOMATICALLY GENERATED BY CARGO\n\n" + files["Cargo.toml"]
    origin = {"git": {"sha1": commit}, "path_in_vcs": ""}
    members = {
        ".cargo_vcs_info.json": json.dumps(origin, indent=2) + "\n",
        "Cargo.toml": written,
        "Cargo.toml.orig": files["Cargo.toml"],
        **kept,
    }
    return f"{stem}.crate", tarred({f"{stem}/{path}": text.encode() for path, text in members.items()})


def crate_version(files: Mapping[str, str]) -> str:
    """Version that the crate's manifest says."""
    return str(tomllib.loads(files["Cargo.toml"])["package"]["version"])


def crate_facts(files: Mapping[str, str]) -> dict[str, Any]:
    """Dependencies, features and Rust version of the crate, as the index has them."""
    manifest = tomllib.loads(files["Cargo.toml"])
    needs = [
        {
            "name": name,
            "req": f"^{need}" if isinstance(need, str) else str(need.get("version", "*")),
            "features": [],
            "optional": False,
            "default_features": True,
            "target": None,
            "kind": "normal",
        }
        for name, need in manifest.get("dependencies", {}).items()
    ]
    return {
        "deps": tuple(needs),
        "features": manifest.get("features", {}),
        "rust_version": manifest["package"].get("rust-version"),
    }


# -- the release ----------------------------------------------------------------------------------------


def sdk(version: str, files: Mapping[str, str], platform: str) -> tuple[str, bytes]:
    """Name and bytes of the SDK archive for a platform."""
    suffix = "dylib" if platform.startswith("darwin") else "so"
    programs = {f"bin/{name}": executable(platform, version) for name in ("plasmite", "pls")}
    config = (
        "prefix=${pcfiledir}/../..\nName: plasmite\nDescription: A ring of messages on disk\n"
        f"Version: {version}\nLibs: -L${{prefix}}/lib -lplasmite\nCflags: -I${{prefix}}/include\n"
    )
    members = {
        **programs,
        "include/plasmite.h": files["include/plasmite.h"].encode(),
        f"lib/libplasmite.{suffix}": library(platform, version),
        "lib/pkgconfig/plasmite.pc": config.encode(),
        **{name: files[name].encode() for name in LICENSES if name in files},
    }
    return f"plasmite_{version}_{_SDK_NAMES[platform]}.tar.gz", tarred(members, programs=set(programs))


def checksums(files: Mapping[str, bytes]) -> bytes:
    """SHA-256 sums as ``sha256sum`` writes them."""
    return "".join(f"{sha256(raw)}  {name}\n" for name, raw in sorted(files.items())).encode()


def metadata(tag: str, commit: str, run: int) -> bytes:
    """The release-metadata artifact's metadata.json for a build run."""
    facts = {
        "tag": tag,
        "version": tag.removeprefix("v"),
        "source_sha": commit,
        "source_ref": f"refs/tags/{tag}",
        "source_run_id": str(run),
        "source_workflow": "release",
    }
    return (json.dumps(facts, indent=2) + "\n").encode()


def formula(version: str, files: Mapping[str, str], digests: Mapping[str, str]) -> str:
    """The tap's formula for a version, from the project's template.

    ``digests`` are the SDK archives' SHA-256 in hex, by file name.
    """
    return filled_formula(
        files[FORMULA],
        version,
        {short: digests[f"plasmite_{version}_{short}.tar.gz"] for short in _SDK_NAMES.values()},
    )


# -- archives -------------------------------------------------------------------------------------------


def sha256(raw: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(raw).hexdigest()


def tarred(members: Mapping[str, bytes], programs: set[str] | frozenset[str] = frozenset()) -> bytes:
    """Bytes of a gzipped tar archive; the members named in ``programs`` are executable."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, raw in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(raw), _EPOCH
            member.mode = 0o755 if name in programs else 0o644
            archive.addfile(member, io.BytesIO(raw))
    return gzip.compress(out.getvalue(), 6, mtime=0)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Bytes of a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            member = zipfile.ZipInfo(name, _WHEN)
            member.external_attr = 0o100644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, raw)
    return out.getvalue()


def unzipped(raw: bytes) -> dict[str, bytes]:
    """Members of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def untarred(raw: bytes) -> dict[str, bytes]:
    """Members of a gzipped tar archive that are files."""
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:gz") as archive:
        found = ((member.name, archive.extractfile(member)) for member in archive.getmembers())
        return {name: file.read() for name, file in found if file is not None}


def _package(files: Mapping[str, str], source: str, place: str) -> dict[str, bytes]:
    return {
        place + path.removeprefix(source): text.encode()
        for path, text in files.items()
        if path.startswith(source)
    }
