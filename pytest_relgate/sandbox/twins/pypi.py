"""The twin of PyPI: the Simple API, the JSON API, files, provenance and uploads, on one origin.

Status codes, headers and words are warehouse's (``api/simple.py``, ``legacy/api/json.py``,
``api/integrity.py``, ``forklift/legacy.py``).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from pytest_relgate.sandbox.twins import pypi_documents as documents
from pytest_relgate.sandbox.twins import pypi_upload as upload
from pytest_relgate.sandbox.twins.answers import (
    JSON,
    Refused,
    bearer,
    file_answer,
    http_date,
    json_answer,
    now,
    preferred,
    tagged,
)
from pytest_relgate.sandbox.twins.exchange import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.twins.exchange import Request
    from pytest_relgate.sandbox.world import PypiFile, PypiProject

INTEGRITY: Final = "application/vnd.pypi.integrity.v1+json"
_TEXT_HTML: Final = "text/html"
_CACHE: Final = {"cache-control": "max-age=600, public", "vary": "Accept"}
_JSON_CACHE: Final = {"cache-control": "max-age=900, public"}
_FILE_CACHE: Final = "max-age=365000000, immutable, public"
_SERIAL: Final = "x-pypi-last-serial"


class PypiTwin:
    """PyPI, with the projects of a store's world.

    With ``tokens`` only those can upload, without it every token can.
    """

    name: Final = "pypi"

    def __init__(self, store: Store, *, tokens: Collection[str] = (), clock: Callable[[], str] = now) -> None:
        self.store = store
        self._tokens, self._clock = frozenset(tokens), clock
        self._digests: dict[str, str] = {}

    def answer(self, request: Request) -> Answer:  # noqa: PLR0911  (a line for each endpoint)
        """Answer one request."""
        method = "GET" if request.method == "HEAD" else request.method
        parts = [unquote(part) for part in request.path.split("/")[1:]]
        try:
            match method, parts:
                case "GET", ["simple", ""]:
                    return self._index(request)
                case "GET", ["simple", *rest]:
                    return self._detail(request, rest)
                case "GET", ["pypi", name, "json"]:
                    return self._release(request, name, None)
                case "GET", ["pypi", name, version, "json"]:
                    return self._release(request, name, version)
                case "GET", ["packages", *_, filename]:
                    return self._file(request, filename)
                case "GET", ["integrity", name, version, filename, "provenance"]:
                    return self._provenance(request, name, version, filename)
                case "POST", ["legacy", *_]:
                    return self._upload(request)
                case _:
                    return _absent()
        except Refused as refusal:
            return refusal.answer

    # -- the Simple API -----------------------------------------------------------------------------------

    def _index(self, request: Request) -> Answer:
        document = documents.index(self.store.read().pypi)
        return _simple(request, document, documents.index_html)

    def _detail(self, request: Request, rest: list[str]) -> Answer:
        name = rest[0] if rest else ""
        if not name:
            return _moved("/simple/")
        if rest[1:] not in ([], [""]):
            return _absent()
        project = self._find(name)
        if rest[1:] == [] or name != canonicalize_name(name):
            return _moved(f"/simple/{canonicalize_name(name)}/")
        return _simple(request, documents.detail(project, request.base, self._blake2), documents.detail_html)

    # -- the JSON API, files, provenance ------------------------------------------------------------------

    def _release(self, request: Request, name: str, version: str | None) -> Answer:
        project = self._find(name)
        if not project.files:
            return _absent()
        number = documents.newest(project) if version is None else _number(project, version)
        if name != canonicalize_name(name):
            tail = "json" if version is None else f"{quote(version)}/json"
            return _moved(f"/pypi/{canonicalize_name(name)}/{tail}")
        document = documents.release(project, number, request.base, self.store.get, every=version is None)
        headers = {**_JSON_CACHE, _SERIAL: str(project.serial)}
        return tagged(request, json_answer(document, headers=headers))

    def _file(self, request: Request, filename: str) -> Answer:
        for project in self.store.read().pypi:
            for file in project.files:
                if unquote(request.path) not in (
                    path := unquote(documents.file_path(file, self._blake2(file.blob))),
                    f"{path}.metadata",
                ):
                    continue
                blob = file.blob if filename == file.filename else file.metadata
                if not blob:
                    return _absent()
                return file_answer(request, self.store.get(blob), _file_headers(file))
        return _absent()

    def _provenance(self, request: Request, name: str, version: str, filename: str) -> Answer:
        file = next(
            (one for one in self._find(name).files if one.filename == filename and one.version == version),
            None,
        )
        if file is None:
            return _absent()
        kind = preferred(request.headers.get("accept", ""), (INTEGRITY, JSON))
        if kind is None:
            return json_answer({"message": "Request not acceptable"}, HTTPStatus.NOT_ACCEPTABLE)
        if not file.attested:
            words = f"No provenance available for {filename}"
            return json_answer({"message": words}, HTTPStatus.NOT_FOUND)
        world = self.store.read()
        subject = upload.attested_subject(file.blob)
        sent = [one.bundle for one in world.attestations if one.subject == subject]
        document = documents.provenance(file, world.repository, sent)
        return tagged(request, json_answer(document, headers=_CACHE, content_type=kind))

    # -- uploads ------------------------------------------------------------------------------------------

    def _upload(self, request: Request) -> Answer:
        form = upload.form_of(request.headers.get("content-type", ""), request.body)
        token = bearer(request)
        if not token or (self._tokens and token not in self._tokens):
            upload.refuse(
                "Invalid or non-existent authentication information. "
                "See https://pypi.org/help/#invalid-auth for more information.",
                HTTPStatus.FORBIDDEN,
            )
        self.store.change(upload.step(form, self.store, self._clock()))
        return Answer(HTTPStatus.OK, b"", {"content-type": "text/html; charset=UTF-8"})

    # -- what there is ------------------------------------------------------------------------------------

    def _find(self, name: str) -> PypiProject:
        project = upload.find(self.store.read(), name)
        if project is None:
            raise Refused(_absent())
        return project

    def _blake2(self, blob: str) -> str:
        if blob not in self._digests:
            self._digests[blob] = documents.digests_of(self.store.get(blob))["blake2b_256"]
        return self._digests[blob]


def _simple(request: Request, document: dict[str, Any], page: Callable[[dict[str, Any]], str]) -> Answer:
    """Answer in the form that the client likes best; HTML to who likes none, as PyPI does."""
    offers = (_TEXT_HTML, documents.SIMPLE_HTML, documents.SIMPLE_JSON)
    kind = preferred(request.headers.get("accept", ""), offers) or _TEXT_HTML
    headers = {**_CACHE, _SERIAL: str(document["meta"]["_last-serial"])}
    if kind == documents.SIMPLE_JSON:
        return tagged(request, json_answer(document, headers=headers, content_type=kind))
    headers["content-type"] = f"{kind}; charset=UTF-8"
    return tagged(request, Answer(HTTPStatus.OK, page(document).encode(), headers))


def _number(project: PypiProject, asked: str) -> str:
    """Return the version that equals the one asked for, as PEP 440 compares them."""
    try:
        wanted = Version(asked)
    except InvalidVersion:
        raise Refused(_absent()) from None
    for file in project.files:
        if Version(file.version) == wanted:
            return file.version
    raise Refused(_absent())


def _file_headers(file: PypiFile) -> dict[str, str]:
    return {
        "content-type": "application/octet-stream",
        "cache-control": _FILE_CACHE,
        "last-modified": http_date(file.created_at),
    }


def _moved(path: str) -> Answer:
    return Answer(HTTPStatus.MOVED_PERMANENTLY, b"", {"location": path})


def _absent() -> Answer:
    return Answer(HTTPStatus.NOT_FOUND, b"404 Not Found", {"content-type": "text/plain"})
