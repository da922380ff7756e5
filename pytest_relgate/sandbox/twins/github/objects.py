"""The host that bytes come from: signed addresses that live for a minute, and no room for a token.

GitHub hands out archives, logs and assets by a redirect to storage of another provider. There an
``Authorization`` header beside the signature is an error of the client, and shows a leaked token.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import urllib.parse
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.twins.answers import file_answer
from pytest_relgate.sandbox.twins.exchange import Answer

if TYPE_CHECKING:
    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.twins.exchange import Request

MINUTE: Final = 60
_KEY: Final = b"the sandbox's storage"  # it guards nothing: what it signs is made up
_XML: Final = {"content-type": "application/xml"}


class ObjectsTwin:
    """The storage host. Give it to ``serve`` as a twin of its own: it must be another origin."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def name(self) -> str:
        """``objects``."""
        return "objects"

    def answer(self, request: Request) -> Answer:
        """Give bytes to whoever holds a signed address that is still valid."""
        if "authorization" in request.headers:
            return _refusal(
                HTTPStatus.BAD_REQUEST,
                "InvalidAuthenticationInfo",
                "Authentication information is not given in the correct format.",
            )
        if request.method not in ("GET", "HEAD"):
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "UnsupportedHttpVerb", "GET or HEAD")
        blob = request.path.rpartition("/")[2]
        until, signature = request.asked("se"), request.asked("sig")
        name, kind = request.asked("filename"), request.asked("type")
        if not hmac.compare_digest(signature, _signature(request.path, until, name, kind)):
            return _refusal(HTTPStatus.FORBIDDEN, "AuthenticationFailed", "Signature did not match.")
        if int(until) < time.time():
            return _refusal(
                HTTPStatus.FORBIDDEN, "AuthenticationFailed", "Signature not valid in time frame."
            )
        try:
            raw = self._store.get(blob)
        except RelgateError:
            return _refusal(HTTPStatus.NOT_FOUND, "BlobNotFound", "The specified blob does not exist.")
        headers = {"content-type": kind or "application/octet-stream"}
        if name:
            headers["content-disposition"] = f"attachment; filename={name}"
        return file_answer(request, raw, headers)


def signed(objects: str, blob: str, *, name: str = "", kind: str = "", lives: int = MINUTE) -> str:
    """Return an address of bytes that is valid for ``lives`` seconds. ``kind`` is their content type."""
    path, until = f"/sandbox/{blob}", str(int(time.time()) + lives)
    query = {"se": until, "filename": name, "type": kind, "sig": _signature(path, until, name, kind)}
    return f"{objects}{path}?{urllib.parse.urlencode(query)}"


def redirect(location: str) -> Answer:
    """Send the client to another address."""
    headers = {"location": location, "content-type": "text/html;charset=utf-8"}
    return Answer(HTTPStatus.FOUND, b"", headers)


def _signature(*parts: str) -> str:
    return hmac.new(_KEY, "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def _refusal(status: int, code: str, message: str) -> Answer:
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    text = f'<?xml version="1.0" encoding="utf-8"?>{error}'
    return Answer(status, text.encode(), _XML)
