"""The twin of the Go module proxy: every released tag of the Go binding, as ``go get`` asks for it.

https://go.dev/ref/mod#goproxy-protocol: ``@v/list``, ``@latest``, ``@v/VERSION.info``, ``.mod``, ``.zip``; in
the zip every path begins with ``MODULE@VERSION/``. Capital letters of a path come as ``!`` and the small one.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from pytest_relgate.sandbox import artifacts
from pytest_relgate.sandbox.origin import source_at, tags_of
from pytest_relgate.sandbox.twins.answers import json_answer
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.source.command import git
from pytest_relgate.source.versions import newest_of, version_of_tag

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.sandbox.site import Source
    from pytest_relgate.sandbox.twins.exchange import Request

FOLDER: Final = "bindings/go"
_TEXT: Final = {"content-type": "text/plain; charset=UTF-8", "cache-control": "public, max-age=60"}
_ASKED: Final = re.compile(
    r"/(?P<module>.+)/@(?:v/(?P<version>v[^/]+)\.(?P<what>info|mod|zip)|v/list|latest)"
)


class GoTwin:
    """The module proxy, with one module: ``bindings/go`` of the repository ``owner/name`` at ``origin``."""

    name: Final = "go"

    def __init__(self, origin: Path, repository: str) -> None:
        self.origin, self.module = origin, f"github.com/{repository}/{FOLDER}"

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        path = unquote(request.path)
        found = _ASKED.fullmatch(path)
        module = re.sub("!([a-z])", lambda one: one[1].upper(), found["module"]) if found else ""
        if found is None or module != self.module:
            return _absent(f"module {module or path}: not found")
        tags = [tag.name for tag in tags_of(self.origin) if version_of_tag(tag.name)]
        if path.endswith("/@v/list"):
            return Answer(HTTPStatus.OK, "".join(f"{tag}\n" for tag in tags).encode(), _TEXT)
        version = found["version"] or newest_of(tags) or ""
        source = source_at(self.origin, f"refs/tags/{version}") if version in tags else None
        if source is None:
            return _absent(f"{self.module}@{version}: invalid version: unknown revision {version}")
        return self._of(source, version, found["what"] or "info")

    def _of(self, source: Source, version: str, what: str) -> Answer:
        files = {
            path.removeprefix(f"{FOLDER}/"): text
            for path, text in source.files.items()
            if path.startswith(f"{FOLDER}/")
        }
        if what == "mod":
            return Answer(HTTPStatus.OK, files["go.mod"].encode(), _TEXT)
        if what == "zip":
            members = {f"{self.module}@{version}/{path}": text.encode() for path, text in files.items()}
            return Answer(HTTPStatus.OK, artifacts.zipped(members), {"content-type": "application/zip"})
        when = git(self.origin, "log", "-1", "--format=%cI", source.commit).stdout.decode().strip()
        return json_answer({"Version": version, "Time": when})


def _absent(words: str) -> Answer:
    return Answer(HTTPStatus.NOT_FOUND, f"not found: {words}\n".encode(), _TEXT)
