"""Release 1.0.0 of demo on five channels, as pages of one loopback server; a test changes some of them."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_relgate.channels.observation import Expectation
from pytest_relgate.sandbox.twins.exchange import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable

RAW, RAW_LINUX = b"the bytes of a file", b"the bytes for linux"
SHA256, LINUX, OTHER = hashlib.sha256(RAW).hexdigest(), hashlib.sha256(RAW_LINUX).hexdigest(), "0" * 64
COMMIT = "a" * 40
Page = Any
"""Bytes, an Answer, a function that gives one, or JSON in which BASE is the server's address."""

CRATE, TGZ = "demo-1.0.0.crate", "demo-1.0.0.tgz"
WHEEL, SDIST = "demo-1.0.0-py3-none-any.whl", "demo-1.0.0.tar.gz"
ASSETS = ("demo_1.0.0_darwin_arm64.tar.gz", "demo_1.0.0_linux_amd64.tar.gz")
URL = "https://github.com/ada/demo/releases/download/v1.0.0/demo_1.0.0"
KINDS = {
    "github": "github-release",
    "crates": "crates",
    "npm": "npm",
    "pypi": "pypi",
    "homebrew": "homebrew",
}
FILES = {"github": ASSETS, "crates": (CRATE,), "npm": (TGZ,), "pypi": (WHEEL, SDIST), "homebrew": ASSETS}
MAIN = {
    "github": "/repos/ada/demo/releases/tags/v1.0.0",
    "crates": "/de/mo/demo",
    "npm": "/demo/1.0.0",
    "pypi": "/simple/demo/",
    "homebrew": "/repos/ada/homebrew-tap/contents/Formula/demo.rb",
}
"""The page that says whether a channel has the version."""


def expectation(channel: str) -> Expectation:
    """What the build says of the release there."""
    files = FILES[channel]
    digests = {name: LINUX if "linux" in name else SHA256 for name in files}
    return Expectation("1.0.0", "1.0.0", frozenset(files), digests, source="the evidence of the build")


def release(*names: str, **facts: Any) -> dict[str, Any]:
    """A release of GitHub with these assets."""
    assets = [
        {"id": n, "name": name, "size": len(RAW), "state": "uploaded", "url": f"BASE/files/{name}"}
        for n, name in enumerate(names or ASSETS)
    ]
    there = {"id": 1, "tag_name": "v1.0.0", "draft": False, "prerelease": False, "html_url": "https://x"}
    return {**there, "assets": assets, "published_at": None, **facts}


def index(*lines: dict[str, Any]) -> bytes:
    """A sparse index with these versions, 1.0.0 where none is said."""
    plain = {"name": "demo", "vers": "1.0.0", "cksum": SHA256, "yanked": False}
    return b"".join(json.dumps(plain | line).encode() + b"\n" for line in (lines or ({},)))


def document(**facts: Any) -> dict[str, Any]:
    """The document of a version on npm."""
    dist = {"tarball": f"BASE/files/{TGZ}", "integrity": integrity(RAW)}
    return {"name": "demo", "version": "1.0.0", "dist": dist, **facts}


def integrity(raw: bytes) -> str:
    """The digest of a tarball as npm writes it."""
    return f"sha512-{b64encode(hashlib.sha512(raw).digest()).decode()}"


def project(*names: str, **facts: Any) -> dict[str, Any]:
    """A project's page on an index of Python packages."""
    rows = [
        {"filename": name, "url": f"BASE/files/{name}", "hashes": {"sha256": SHA256}, **facts}
        for name in names or (WHEEL, SDIST)
    ]
    return {"name": "demo", "files": rows}


def formula(version: str = "1.0.0", digest: str = SHA256, more: str = "") -> bytes:
    """The formula of the tap."""
    url = URL.replace("1.0.0", version)
    return f"""\
class Demo < Formula
  version "{version}"
{more}  on_macos do
    on_arm do
      url "{url}_darwin_arm64.tar.gz"
      sha256 "{digest}"
    end
  end
  on_linux do
    on_intel do
      url "{url}_linux_amd64.tar.gz"
      sha256 "{LINUX}"
    end
  end
end
""".encode()


def good() -> dict[str, Page]:
    """Every page of the release."""
    tap, tag = "/repos/ada/homebrew-tap", {"sha": COMMIT, "type": "commit"}
    files = {name for names in FILES.values() for name in names}
    return {
        MAIN["github"]: release(),
        "/repos/ada/demo/git/ref/tags/v1.0.0": {"ref": "refs/tags/v1.0.0", "object": tag},
        "/repos/ada/demo/releases/latest": release(),
        MAIN["crates"]: index(),
        "/config.json": {"dl": "BASE/files/{crate}-{version}.crate"},
        MAIN["npm"]: document(),
        "/-/package/demo/dist-tags": {"latest": "1.0.0"},
        MAIN["pypi"]: project(),
        tap: {"full_name": "ada/homebrew-tap", "default_branch": "trunk", "html_url": "https://x"},
        f"{tap}/git/ref/heads/trunk": {"ref": "refs/heads/trunk", "object": tag},
        MAIN["homebrew"]: formula(),
        **{f"/files/{name}": RAW_LINUX if "linux" in name else RAW for name in files},
    }


@dataclass
class Pages:
    """The server: says what its pages say, and keeps what it was asked."""

    pages: dict[str, Page]
    name: str = "pages"
    asked: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        self.asked.append(request)
        page = self.pages.get(request.path, Answer(404, b"{}"))
        if callable(page):
            made: Callable[[], Answer] = page
            page = made()
        if isinstance(page, Answer):
            return page
        if isinstance(page, bytes):
            return Answer(200, page)
        text = json.dumps(page).replace("BASE", request.base)
        return Answer(200, text.encode(), {"content-type": "application/json"})
