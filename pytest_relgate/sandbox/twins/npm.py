"""The twin of the npm registry: packuments, version documents, tarballs, dist-tags, publishing.

It does what registry.npmjs.org does (npm's registry documentation, and what npm's own clients rely on):
documents may be 300 seconds old, 404s included; a version is published once and for ever; whoever publishes
says which dist-tag moves, and the first version of a package takes ``latest`` whatever was said.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from pytest_relgate.sandbox.twins import npm_documents as documents
from pytest_relgate.sandbox.twins import npm_writing as writing
from pytest_relgate.sandbox.twins.answers import (
    JSON,
    Refused,
    bearer,
    file_answer,
    http_date,
    json_answer,
    now,
    tagged,
)
from pytest_relgate.sandbox.twins.npm_writing import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.twins.exchange import Answer, Request
    from pytest_relgate.sandbox.world import NpmPackage

CORGI: Final = "application/vnd.npm.install-v1+json"
_CACHE: Final = {"cache-control": "public, max-age=300"}
_FILE_CACHE: Final = "public, immutable, max-age=31557600"
_NOTHING_FOUND: Final = {
    "actions": [],
    "advisories": {},
    "muted": [],
    "metadata": {
        "vulnerabilities": dict.fromkeys(("info", "low", "moderate", "high", "critical"), 0),
        "dependencies": 0,
        "devDependencies": 0,
        "optionalDependencies": 0,
        "totalDependencies": 0,
    },
}


class NpmTwin:
    """The npm registry, with the packages of a store's world.

    With ``tokens`` only those are known, without it every token is, and belongs to ``user``.
    """

    name: Final = "npm"

    def __init__(
        self,
        store: Store,
        *,
        tokens: Collection[str] = (),
        user: str = documents.MAINTAINER["name"],
        clock: Callable[[], str] = now,
    ) -> None:
        self.store = store
        self._tokens, self._user, self._clock = frozenset(tokens), user, clock
        self._digests: dict[str, dict[str, Any]] = {}

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        method = "GET" if request.method == "HEAD" else request.method
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        try:
            if parts[0] == "-":
                return self._service(request, method, parts[1:])
            return self._package(request, method, *_named(parts))
        except Refused as refusal:
            return refusal.answer

    # -- packages -----------------------------------------------------------------------------------------

    def _package(  # noqa: PLR0911  (a line for each endpoint)
        self, request: Request, method: str, name: str, rest: list[str]
    ) -> Answer:
        match method, rest:
            case "GET", []:
                return self._packument(request, name)
            case "GET", ["-", file]:
                return self._tarball(request, name, file)
            case "GET", [asked]:
                return self._version(request, name, asked)
            case "PUT", []:
                self._authenticate(request)
                return self._put(request, name)
            case (("PUT" | "DELETE"), ["-rev", _]):
                self._authenticate(request)
                body = _document(request) if method == "PUT" else {}
                return self._written(writing.unpublish(name, body))
            case "DELETE", ["-", _, "-rev", _]:
                self._authenticate(request)
                return json_answer({"ok": True})  # it went with its version
            case _:
                return refuse(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed")

    def _packument(self, request: Request, name: str) -> Answer:
        package = self._find(name)
        whole = documents.packument(package, request.base, self._dist, revision=_revision(package))
        short = CORGI in request.headers.get("accept", "")
        document = documents.abbreviated(whole) if short else whole
        headers = {**_CACHE, "vary": "Accept", "last-modified": http_date(whole["time"]["modified"])}
        return tagged(request, json_answer(document, headers=headers, content_type=CORGI if short else JSON))

    def _version(self, request: Request, name: str, asked: str) -> Answer:
        package = self._find(name)
        number = package.tags.get(asked, asked)
        if number not in package.versions:
            return json_answer(f"version not found: {asked}", HTTPStatus.NOT_FOUND, _CACHE)
        document = documents.version(package, number, request.base, self._dist)
        return tagged(request, json_answer(document, headers=_CACHE))

    def _tarball(self, request: Request, name: str, file: str) -> Answer:
        package = self._find(name)
        for number, one in package.versions.items():
            if documents.tarball_path(name, number).endswith(f"/-/{file}"):
                headers = {"content-type": "application/octet-stream", "cache-control": _FILE_CACHE}
                headers["last-modified"] = http_date(one.created_at)
                return file_answer(request, self.store.get(one.blob), headers)
        return refuse(HTTPStatus.NOT_FOUND, "Not found", _CACHE)

    def _put(self, request: Request, name: str) -> Answer:
        document = _document(request)
        if document.get("_attachments"):
            steps = writing.publish(name, document, self.store.put, self._clock())
        else:
            steps = writing.update(name, document)
        return self._written(steps)

    def _written(self, step: writing.Step) -> Answer:
        self.store.change(step)
        return json_answer({"ok": True, "success": True})

    # -- what is not a package ----------------------------------------------------------------------------

    def _service(  # noqa: PLR0911  (a line for each endpoint)
        self, request: Request, method: str, parts: list[str]
    ) -> Answer:
        match method, parts:
            case "GET", ["ping"]:
                return json_answer({})
            case "GET", ["whoami"]:
                self._authenticate(request)
                return json_answer({"username": self._user})
            case _, ["package", _, *_]:
                return self._about(request, method, *_named(parts[1:]))
            case "GET", ["npm", "v1", "attestations", *rest]:
                name, _, number = "/".join(rest).rpartition("@")
                return self._attestations(name, number)
            case "POST", ["npm", "v1", "security", "advisories", "bulk"]:
                _document(request)
                return json_answer({})
            case "POST", ["npm", "v1", "security", "audits", *_]:
                _document(request)
                return json_answer(_NOTHING_FOUND)
            case "GET", ["npm", "v1", "keys"]:
                return json_answer({"keys": []})
            case "GET", ["v1", "search"]:
                return self._search(request.asked("text"))
            case _:
                return refuse(HTTPStatus.NOT_FOUND, "Not found")

    def _about(self, request: Request, method: str, name: str, rest: list[str]) -> Answer:
        match method, rest:
            case "GET", ["dist-tags"]:
                return json_answer(self._find(name).tags)  # never from a cache: npm would show old ones
            case "PUT", ["dist-tags", tag]:
                self._authenticate(request)
                return self._written(writing.tag(name, tag, _text(request)))
            case "DELETE", ["dist-tags", tag]:
                self._authenticate(request)
                return self._written(writing.untag(name, tag))
            case "GET", ["visibility"]:
                self._find(name)
                return json_answer({"public": True})
            case _:
                return refuse(HTTPStatus.NOT_FOUND, "Not found")

    def _attestations(self, name: str, number: str) -> Answer:
        """Answer with the bundles that came with a publish, or with unsigned ones of their form."""
        one = self._find(name).versions.get(number)
        if one is None or not one.attested:
            words = f"No attestations found for {name}@{number}"
            return json_answer({"code": "NotFoundError", "message": words}, HTTPStatus.NOT_FOUND)
        world = self.store.read()
        sha512 = hashlib.sha512(self.store.get(one.blob)).hexdigest()
        purl = documents.purl(name, number)
        subject = writing.attested_subject(sha512)
        sent = next((one.bundle for one in world.attestations if one.subject == subject), None)
        kept = {documents.SLSA: sent}
        listed = [
            {
                "predicateType": predicate,
                "bundle": kept.get(predicate)
                or documents.unsigned_bundle(predicate, purl, sha512, world.repository),
            }
            for predicate in (documents.PUBLISH, documents.SLSA)
        ]
        return json_answer({"attestations": listed})

    def _search(self, words: str) -> Answer:
        found = [package for package in self.store.read().npm if words in package.name and package.versions]
        objects = [
            {"package": {"name": one.name, "version": one.tags.get("latest", "")}, "score": {"final": 1}}
            for one in found
        ]
        return json_answer({"objects": objects, "total": len(objects), "time": self._clock()})

    # -- what there is ------------------------------------------------------------------------------------

    def _find(self, name: str) -> NpmPackage:
        package = writing.find(self.store.read(), name)
        if package is None or not package.versions:
            refuse(HTTPStatus.NOT_FOUND, "Not found", _CACHE)
        return package

    def _dist(self, blob: str) -> dict[str, Any]:
        if blob not in self._digests:
            raw = self.store.get(blob)
            self._digests[blob] = {
                "integrity": documents.integrity(raw),
                "shasum": documents.shasum(raw),
                **_contents(raw),
            }
        return self._digests[blob]

    def _authenticate(self, request: Request) -> None:
        """Refuse without a token, and with one that is not known: npm hides then what there is."""
        token = bearer(request)
        if not token:
            refuse(HTTPStatus.UNAUTHORIZED, "You must be logged in to publish packages.")
        if self._tokens and token not in self._tokens:
            if request.path.endswith("/-/whoami"):
                refuse(HTTPStatus.UNAUTHORIZED, "Unauthorized")
            notice = "Access token expired or revoked. Please try logging in again."
            refuse(HTTPStatus.NOT_FOUND, "Not found", {"npm-notice": notice})


def _named(parts: list[str]) -> tuple[str, list[str]]:
    """Part the name from what follows; a scope's slash may come encoded or plain."""
    if parts[0].startswith("@") and "/" not in parts[0] and len(parts) > 1:
        return f"{parts[0]}/{parts[1]}", parts[2:]
    return parts[0], parts[1:]


def _body(request: Request) -> bytes:
    zipped = request.headers.get("content-encoding", "") == "gzip"
    return gzip.decompress(request.body) if zipped else request.body


def _document(request: Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_body(request), type=dict[str, Any])
    except (msgspec.DecodeError, OSError):
        return refuse(HTTPStatus.BAD_REQUEST, "the body is no JSON object")


def _text(request: Request) -> str:
    try:
        return msgspec.json.decode(_body(request), type=str)
    except (msgspec.DecodeError, OSError):
        return refuse(HTTPStatus.BAD_REQUEST, "the body is no JSON string")


def _revision(package: NpmPackage) -> str:
    digest = hashlib.md5(msgspec.json.encode(package), usedforsecurity=False).hexdigest()
    return f"{len(package.versions)}-{digest}"


def _contents(raw: bytes) -> dict[str, int]:
    """Count the files of a tarball and their bytes; nothing is said of one that cannot be read."""
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:gz") as tar:
            sizes = [entry.size for entry in tar if entry.isfile()]
    except (tarfile.TarError, OSError, EOFError):
        return {}
    return {"fileCount": len(sizes), "unpackedSize": sum(sizes)}
