"""Registries that say what their pages say, and packages of demo to be found there."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from base64 import b64encode
from typing import Any

from pytest_relgate.sandbox.twins.exchange import Answer, Request

CPU = {"amd64": 0x01000007, "arm64": 0x0100000C}


class Said:
    """A registry that says what its pages say, and remembers what it was asked."""

    name = "registry"

    def __init__(self, pages: dict[str, Any]) -> None:
        self.pages = pages
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        page = self.pages.get(request.path)
        if isinstance(page, Answer):
            return page
        if isinstance(page, bytes):
            return Answer(200, page)
        if page is None:
            return Answer(404, b"{}")
        text = json.dumps(page).replace("BASE", request.base)
        return Answer(200, text.encode(), {"content-type": "application/json"})


def mach(*processors: str) -> bytes:
    """A library for macOS: thin for one processor, universal for several."""
    if len(processors) == 1:
        return struct.pack("<II", 0xFEEDFACF, CPU[processors[0]]) + bytes(64)
    slices = b"".join(struct.pack(">5I", CPU[one], 0, 0, 0, 0) for one in processors)
    return struct.pack(">II", 0xCAFEBABE, len(processors)) + slices


def wheel(version: str = "1.0.0", **members: bytes) -> bytes:
    """A wheel of demo; ``lib_dylib`` is ``demo/lib.dylib``."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        text = (
            f"Metadata-Version: 2.1\nName: demo\nVersion: {version}\nHome-page: https://github.com/ada/demo\n"
        )
        archive.writestr(f"demo-{version}.dist-info/METADATA", text)
        for name, raw in members.items():
            archive.writestr(f"demo/{name.replace('_', '.')}", raw)
    return held.getvalue()


def pypi(files: dict[str, bytes], **facts: Any) -> dict[str, Any]:
    """Pages of an index with these files of demo."""
    listed = [
        {
            "filename": name,
            "url": f"../../files/{name}",
            "hashes": {"sha256": hashlib.sha256(raw).hexdigest()},
            "size": len(raw),
            **facts,
        }
        for name, raw in files.items()
    ]
    page = {"meta": {"api-version": "1.1"}, "name": "demo", "files": listed}
    return {"/simple/demo/": page, **{f"/files/{name}": raw for name, raw in files.items()}}


def npm(name: str, raw: bytes, **facts: Any) -> dict[str, Any]:
    """Pages of an npm registry with version 1.0.0 of a package."""
    file = f"{name.rpartition('/')[2]}-1.0.0.tgz"
    sri = f"sha512-{b64encode(hashlib.sha512(raw).digest()).decode()}"
    place = name.replace("/", "%2F")
    return {
        f"/-/package/{place}/dist-tags": {"latest": "1.0.0"},
        f"/{place}/1.0.0": {
            "name": name,
            "version": "1.0.0",
            "dist": {"tarball": f"BASE/{place}/-/{file}", "integrity": sri},
            **facts,
        },
        f"/{place}/-/{file}": raw,
    }
