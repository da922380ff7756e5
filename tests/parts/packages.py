"""Small packages to publish: an npm package, a crate, a wheel, an sdist."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LICENSE = "MIT"


def npm_package(folder: Path, name: str, version: str, **fields: Any) -> Path:
    """Write an npm package; return its folder."""
    manifest = {"name": name, "version": version, "description": "A ring", "license": LICENSE, **fields}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps(manifest, indent=2))
    (folder / "index.js").write_text(f"module.exports = {json.dumps(version)}\n")
    return folder


def crate(folder: Path, name: str, version: str, extra: str = "", main: str = "") -> Path:
    """Write a crate's source; return its folder."""
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "Cargo.toml").write_text(
        f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\nlicense = "{LICENSE}"\n'
        f'description = "A ring"\nrust-version = "1.75"\n{extra}'
    )
    (folder / "src" / "lib.rs").write_text(f'pub const VERSION: &str = "{version}";\n')
    if main:
        (folder / "src" / "main.rs").write_text(main)
    return folder


def wheel(
    folder: Path, name: str, version: str, *, content: str = "", requires_python: str = ">=3.9"
) -> Path:
    """Write a wheel; return its path."""
    info = f"{name}-{version}.dist-info"
    members = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n{content}",
        f"{info}/METADATA": metadata(name, version, requires_python),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_urlsafe(text)},{len(text)}\n" for path, text in members.items())
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as made:
        for member, text in members.items():
            made.writestr(member, text)
    return path


def sdist(folder: Path, name: str, version: str) -> Path:
    """Write an sdist; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as made:
        for member, text in (("PKG-INFO", metadata(name, version)), ("setup.py", "")):
            entry = tarfile.TarInfo(f"{name}-{version}/{member}")
            entry.size = len(text)
            made.addfile(entry, io.BytesIO(text.encode()))
    return path


def metadata(name: str, version: str, requires_python: str = ">=3.9") -> str:
    """Core metadata of a package."""
    return (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: A ring\nLicense: {LICENSE}\n"
        f"Requires-Python: {requires_python}\n"
    )


def _urlsafe(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
