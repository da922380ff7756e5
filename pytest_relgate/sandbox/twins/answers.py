"""What the registries' answers have in common: JSON, ETags, byte ranges, refusals, credentials."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import email.utils
import hashlib
import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec

from pytest_relgate.sandbox.twins.exchange import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_relgate.sandbox.twins.exchange import Request

JSON: Final = "application/json"
_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


class Refused(Exception):  # noqa: N818  (the service's decision, and no failure of ours)
    """Raised where a service refuses, also within a step of the store: nothing is changed then."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def json_answer(
    document: Any,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    *,
    content_type: str = JSON,
) -> Answer:
    """Answer with a document as JSON."""
    return Answer(status, msgspec.json.encode(document), {"content-type": content_type, **(headers or {})})


def tagged(request: Request, answer: Answer, *, weak: bool = False) -> Answer:
    """Give a whole body its ETag, and answer 304 without it to who has it already (RFC 9110 13.1.2)."""
    body = answer.body
    if answer.status != HTTPStatus.OK or not isinstance(body, bytes):
        return answer
    tag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    headers = {**answer.headers, "etag": f"W/{tag}" if weak else tag}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Answer(HTTPStatus.NOT_MODIFIED, b"", headers)
    return replace(answer, headers=headers)


def file_answer(request: Request, raw: bytes, headers: Mapping[str, str]) -> Answer:
    """Answer with a file, or with the one range of its bytes that was asked for (RFC 9110 14.2)."""
    whole = tagged(request, Answer(HTTPStatus.OK, raw, {**headers, "accept-ranges": "bytes"}))
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if whole.status != HTTPStatus.OK or asked is None or asked.groups() == ("", ""):
        return whole
    first, last = asked.groups()
    start = int(first) if first else max(0, len(raw) - int(last))
    end = min(int(last), len(raw) - 1) if first and last else len(raw) - 1
    if start > end:
        return Answer(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", {"content-range": f"bytes */{len(raw)}"}
        )
    part = {**whole.headers, "content-range": f"bytes {start}-{end}/{len(raw)}"}
    return Answer(HTTPStatus.PARTIAL_CONTENT, raw[start : end + 1], part)


def preferred(accept: str, offers: Sequence[str]) -> str | None:
    """Return the offer that an Accept header likes best, the earlier one of equals; None where it has none.

    No header at all accepts everything (RFC 9110 12.5.1).
    """
    if not accept.strip():
        return offers[0]
    ranges = [_media_range(part) for part in accept.split(",") if part.strip()]
    weights = {offer: _weight(offer, ranges) for offer in offers}
    best = max(weights.values())
    return next(offer for offer in offers if weights[offer] == best) if best > 0 else None


def _media_range(part: str) -> tuple[str, float]:
    name, *parameters = (word.strip() for word in part.split(";"))
    quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
    try:
        return name.lower(), float(quality)
    except ValueError:
        return name.lower(), 0.0


def _weight(offer: str, ranges: Iterable[tuple[str, float]]) -> float:
    """Return the quality of the most specific range that covers an offer."""
    exact, family = offer.lower(), offer.lower().partition("/")[0] + "/*"
    found = dict(ranges)
    return next((found[one] for one in (exact, family, "*/*") if one in found), 0.0)


def bearer(request: Request) -> str:
    """Return the token of the Authorization header, empty without one.

    cargo sends it bare, npm after ``Bearer``, twine as the password of HTTP basic authentication.
    """
    scheme, _, rest = request.headers.get("authorization", "").strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            try:
                return base64.b64decode(rest, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return ""
        case _:
            return scheme if not rest else ""


def http_date(time: str) -> str:
    """Turn an RFC 3339 time into HTTP's form."""
    return email.utils.format_datetime(_moment(time), usegmt=True)


def micros(time: str) -> str:
    """Write an RFC 3339 time in UTC with six digits of a second."""
    return _moment(time).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def milliseconds(time: str) -> str:
    """Write an RFC 3339 time in UTC with three digits of a second."""
    return _moment(time).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(time: str) -> str:
    """Write an RFC 3339 time in UTC with whole seconds."""
    return _moment(time).strftime("%Y-%m-%dT%H:%M:%SZ")


def whole_second(time: str) -> str:
    """Write an RFC 3339 time in UTC with whole seconds and without its zone."""
    return seconds(time).removesuffix("Z")


def now() -> str:
    """The time as RFC 3339 in UTC, with milliseconds."""
    return milliseconds(dt.datetime.now(dt.UTC).isoformat())


def _moment(time: str) -> dt.datetime:
    return dt.datetime.fromisoformat(time).astimezone(dt.UTC)
