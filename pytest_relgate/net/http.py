"""One client for everything outside: typed outcomes, one deadline, caps, redirects that are looked at.

No exception of httpx reaches a caller. A credential goes to its own origin and to no other: not over a
redirect, not in a header of its own. Bytes are taken as they came (identity encoding), because a digest
of what a client has unpacked on its own is no digest of the file.
"""

from __future__ import annotations

import functools
import hashlib
import random
import ssl
import time
import zlib
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib import metadata
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, Self
from urllib.parse import urljoin, urlsplit

from pytest_relgate.clock import rfc3339
from pytest_relgate.net.exchange import Answer, Exchange, Outcome, Unreachable, Why, origin_of, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    import httpx

MIB: Final = 1 << 20
DOCUMENT: Final = 32 * MIB
"""The most that a document may have, in bytes, before and after it is unpacked."""

_HOPS: Final = 5
_STEP: Final = 30.0  # seconds that one reading may take; the deadline of the exchange is what ends it
_TRIES: Final = 3
_AGAIN: Final = frozenset({408, 500, 502, 503, 504})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_FIRST_PAUSE: Final = 0.2  # seconds before the second try; doubled each time
_CACHE_HEADERS: Final = ("x-cache", "cf-cache-status", "last-modified", "etag")

ANYWHERE: Final = frozenset({"*"})
"""Follow a redirect to any host, without credentials: for signed addresses that an API hands out."""


@dataclass(frozen=True)
class Credential:
    """A secret header for one origin (``https://host``)."""

    origin: str
    value: str = field(repr=False)
    header: str = "authorization"


class Limits(NamedTuple):
    """What one exchange may take, redirects and tries included: seconds, and bytes of the body.

    ``whole`` is the most of it that is kept in memory, where the body itself is wanted.
    """

    total: float = 30.0
    size: int = DOCUMENT
    whole: int = DOCUMENT


PAGE: Final = Limits()
"""The limits of a document."""

INDEX: Final = Limits(size=8 * MIB, whole=8 * MIB)
"""The limits of a registry's document. Read into objects it may take six times its bytes (measured on rows
that are as short as can be), and all of it must stay below 64 MiB."""

FILE: Final = Limits(total=600.0, size=4096 * MIB)
"""The limits of a file that is hashed as it comes."""


@functools.cache
def user_agent() -> str:
    """Who asks. The policies of registries want a name that a person can find."""
    try:
        version = metadata.version("pytest-relgate")
    except metadata.PackageNotFoundError:
        version = "0"
    return f"pytest-relgate/{version} (release verification; python-httpx)"


class _Stop(Exception):  # noqa: N818  (ends one exchange)
    def __init__(self, why: Why, words: str) -> None:
        super().__init__(words)
        self.why, self.words = why, words


@dataclass
class _Hop:
    """One request on its way, for the record."""

    method: str
    url: str
    asked: str
    began: float
    started: float
    content: bytes | None = None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def exchange(self, problem: str = "") -> Exchange:
        age = self.headers.get("age", "").strip()
        return Exchange(
            method=self.method,
            url=shown(self.url, query=_same_origin(self.url, self.asked)),
            status=self.status,
            at=rfc3339(int(self.began)),
            seconds=round(time.monotonic() - self.started, 3),
            size=self.size,
            sha256=f"sha256:{self.digests['sha256']}" if "sha256" in self.digests else "",
            age=int(age) if age.isascii() and age.isdigit() else None,
            cached="; ".join(
                f"{name}: {self.headers[name]}" for name in _CACHE_HEADERS if name in self.headers
            )[:200],
            problem=problem,
        )


class Http:
    """A client; use it as a context, or close it. Threads may share it."""

    def __init__(
        self,
        credentials: tuple[Credential, ...] = (),
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx

        from pytest_relgate.net.transport import Deadline, Transport

        self._credentials = {one.origin: one for one in credentials}
        self._sleep = sleep
        self._deadline = Deadline()
        self._client = httpx.Client(
            transport=Transport(self._deadline),
            follow_redirects=False,
            trust_env=False,
            timeout=_STEP,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def knows(self, url: str) -> bool:
        """Whether there is a credential for the origin of ``url``."""
        return origin_of(url) in self._credentials

    def get(
        self,
        url: str,
        *,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
        limits: Limits = PAGE,
        follow: frozenset[str] = frozenset(),
        fresh: bool = False,
    ) -> Outcome:
        """Ask for a document and return it whole, unpacked where the server packed it all the same.

        ``follow`` names the origins, beside its own, to which a redirect is followed. ``fresh`` asks every
        cache on the way to look anew. Tried up to three times where trying again may help.
        """
        return self._ask(url, accept, headers or {}, limits, follow, (), fresh=fresh)

    def hashed(
        self,
        url: str,
        *,
        algorithms: tuple[str, ...] = ("sha256",),
        accept: str = "application/octet-stream",
        limits: Limits = FILE,
        follow: frozenset[str] = frozenset(),
        fresh: bool = False,
    ) -> Outcome:
        """Read a file as it comes, keep nothing of it but its size and digests (hex by algorithm)."""
        return self._ask(url, accept, {}, limits, follow, algorithms, fresh=fresh)

    def post(
        self,
        url: str,
        body: bytes,
        *,
        accept: str = "*/*",
        headers: Mapping[str, str] | None = None,
        limits: Limits = PAGE,
    ) -> Outcome:
        """Send a document of JSON exactly once: never a second time, and to no other address.

        A redirect is an answer like any other. Unreachable may mean that it was heard all the same.
        """
        wanted = {"accept": accept, "accept-encoding": "identity", "user-agent": user_agent()}
        wanted |= {"content-type": "application/json", **(headers or {})}
        self._deadline.set(time.monotonic() + limits.total)
        hop = _Hop("POST", url, url, time.time(), time.monotonic(), body)
        try:
            self._one(hop, wanted, limits, ())
        except _Stop as stop:
            return Unreachable(url, stop.why, f"{shown(url)}: {stop.words}", (hop.exchange(stop.words),))
        return Answer(url, hop.status, hop.headers, hop.body, hop.size, (hop.exchange(),), dict(hop.digests))

    # -- tries ----------------------------------------------------------------------------------------------

    def _ask(
        self,
        url: str,
        accept: str,
        headers: Mapping[str, str],
        limits: Limits,
        follow: frozenset[str],
        algorithms: tuple[str, ...],
        *,
        fresh: bool,
    ) -> Outcome:
        wanted = {"accept": accept, "accept-encoding": "identity", "user-agent": user_agent(), **headers}
        if fresh:
            wanted |= {"cache-control": "no-cache", "pragma": "no-cache"}
        ends = time.monotonic() + limits.total
        self._deadline.set(ends)
        done: list[Exchange] = []
        for number in range(_TRIES):
            outcome = self._hops(url, wanted, limits, follow, algorithms, done)
            if not _may_change(outcome) or number == _TRIES - 1:
                break
            pause = _FIRST_PAUSE * 2**number * (0.5 + random.random())  # noqa: S311  (no secret in it)
            if time.monotonic() + pause >= ends:
                break
            self._sleep(pause)
        return outcome

    def _hops(
        self,
        url: str,
        headers: Mapping[str, str],
        limits: Limits,
        follow: frozenset[str],
        algorithms: tuple[str, ...],
        done: list[Exchange],
    ) -> Outcome:
        """Follow redirects, each of them looked at first."""
        here = url
        for _ in range(_HOPS + 1):
            hop = _Hop("GET", here, url, time.time(), time.monotonic())
            try:
                self._one(hop, headers, limits, algorithms)
                there = _redirect(hop, url, follow)
            except _Stop as stop:
                done.append(hop.exchange(stop.words))
                return Unreachable(url, stop.why, f"{shown(url)}: {stop.words}", tuple(done))
            done.append(hop.exchange())
            if not there:
                return Answer(
                    here, hop.status, hop.headers, hop.body, hop.size, tuple(done), dict(hop.digests)
                )
            here = there
        return Unreachable(
            url, Why.REDIRECT, f"{shown(url)}: it was redirected more than {_HOPS} times", tuple(done)
        )

    def _kept(self) -> BinaryIO | None:
        """Where the bytes go of a file that this thread hashes: nowhere, unless somebody needs them too."""
        return None

    # -- one request ----------------------------------------------------------------------------------------

    def _one(
        self, hop: _Hop, headers: Mapping[str, str], limits: Limits, algorithms: tuple[str, ...]
    ) -> None:
        import httpcore
        import httpx

        try:
            sent = dict(headers)
            credential = self._credentials.get(origin_of(hop.url))
            if credential is not None:
                sent[credential.header] = credential.value
            request = self._client.build_request(hop.method, hop.url, headers=sent, content=hop.content)
            response = self._client.send(request, stream=True)
            try:
                hop.status = response.status_code
                hop.headers = {name.lower(): value for name, value in response.headers.items()}
                _take(hop, response, limits, algorithms, self._kept())
            finally:
                response.close()
        except (httpcore.TimeoutException, httpx.TimeoutException):
            words = f"no whole answer came within {limits.total:g} s"
            raise _Stop(Why.TIMEOUT, words) from None
        except httpcore.ConnectError as error:
            raise _no_connection(error) from None
        except httpcore.RemoteProtocolError as error:
            cut = "without sending complete message body" in str(error) or "incomplete chunked read" in str(
                error
            )
            if cut:
                raise _Stop(Why.TRUNCATED, f"the answer broke off after {hop.size} bytes") from None
            raise _no_http(error) from None
        except (httpcore.ReadError, httpcore.WriteError):
            raise _Stop(Why.RESET, f"the connection was reset after {hop.size} bytes") from None
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, httpcore.ProxyError) as error:
            raise _Stop(Why.PROTOCOL, f"no HTTP answer: {_line(error)}") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
            raise _Stop(Why.PROTOCOL, f"it could not be asked: {_line(error)}") from None


def _take(
    hop: _Hop,
    response: httpx.Response,
    limits: Limits,
    algorithms: tuple[str, ...],
    kept: BinaryIO | None = None,
) -> None:
    """Read the body as it comes, hash it, and keep it unless only its digests are wanted."""
    stated = hop.headers.get("content-length", "")
    if stated.isascii() and stated.isdigit() and int(stated) > limits.size:
        raise _Stop(Why.TOO_LARGE, f"it is {int(stated)} bytes, more than the {limits.size} that it may have")
    whole = not algorithms or hop.status != HTTPStatus.OK
    hashes = {name: hashlib.new(name) for name in (*algorithms, "sha256")}
    most = min(limits.whole if whole else limits.size, limits.size)
    encoding = hop.headers.get("content-encoding", "").strip().lower()
    if not whole and encoding not in ("", "identity"):
        words = f"it came in the encoding {shown(encoding)!r}, so that its own bytes cannot be told"
        raise _Stop(Why.ENCODING, words)
    document = _Document(encoding, most)
    if kept is not None:  # of a try that broke off nothing stays
        kept.seek(0)
        kept.truncate()
    for chunk in response.iter_raw():
        hop.size += len(chunk)
        if hop.size > most:
            raise _Stop(Why.TOO_LARGE, f"it goes on after the {most} bytes that it may have")
        for one in hashes.values():
            one.update(chunk)
        if whole:
            document.add(chunk)
        elif kept is not None:
            kept.write(chunk)
    hop.digests = {name: one.hexdigest() for name, one in hashes.items()}
    if whole:
        hop.body = document.end()


class _Document:
    """A body that is kept, unpacked where it was packed although identity was asked for.

    Never more than ``most`` bytes of it, however small they came.
    """

    def __init__(self, encoding: str, most: int) -> None:
        self._encoding, self._most = encoding.strip().lower(), most
        self._kept = BytesIO()  # gives its bytes out without a second copy
        self._size = 0
        self._began = False
        packed = self._encoding in ("gzip", "x-gzip", "deflate")
        self._unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32) if packed else None

    def add(self, chunk: bytes) -> None:
        """Take the next bytes as they came."""
        self._began = True
        if self._unpacker is None:
            if self._encoding not in ("", "identity"):
                words = f"it came in the encoding {shown(self._encoding)!r}, and identity was asked for"
                raise _Stop(Why.ENCODING, words)
            plain = chunk
        else:
            try:
                plain = self._unpacker.decompress(chunk, self._most + 1 - self._size)
            except zlib.error as error:
                raise _Stop(Why.ENCODING, f"it is said to be {self._encoding} and is not: {error}") from None
        self._size += len(plain)
        if self._size > self._most:
            raise _Stop(Why.TOO_LARGE, f"it unpacks to more than the {self._most} bytes that it may have")
        self._kept.write(plain)

    def end(self) -> bytes:
        """Return the whole."""
        if self._unpacker is not None and self._began and not self._unpacker.eof:
            raise _Stop(Why.TRUNCATED, f"its {self._encoding} breaks off after {self._size} bytes")
        return self._kept.getvalue()


def _same_origin(one: str, other: str) -> bool:
    try:
        return origin_of(one) == origin_of(other)
    except ValueError:  # a registry may say anything to be an address
        return False


def _redirect(hop: _Hop, asked: str, follow: frozenset[str]) -> str:
    """Return where a redirect leads, empty where the answer is none; refuse what must not be followed."""
    if hop.status not in _REDIRECTS:
        return ""
    location = hop.headers.get("location", "")
    if not location:
        raise _Stop(Why.REDIRECT, f"it was redirected ({hop.status}) without saying where to")
    try:
        there = urljoin(hop.url, location)
        origin = origin_of(there)
        named = "@" in urlsplit(there).netloc
    except ValueError:
        raise _Stop(Why.REDIRECT, f"it was redirected to {shown(location)!r}, which is no address") from None
    if hop.url.startswith("https:") and not there.startswith("https:"):
        raise _Stop(
            Why.REDIRECT, f"it was redirected from https to {origin}, which anybody can read and change"
        )
    if named:
        raise _Stop(Why.REDIRECT, f"it was redirected to an address with a user name at {origin}")
    if origin not in {origin_of(asked), *follow} and follow != ANYWHERE:
        words = f"it was redirected to {origin}; what is there is not what was asked, and was not followed"
        raise _Stop(Why.REDIRECT, words)
    return there


def _may_change(outcome: Outcome) -> bool:
    match outcome:
        case Unreachable(why=why):
            return why.transient and why is not Why.TIMEOUT
        case Answer(status=status, headers=headers):
            return status in _AGAIN and "retry-after" not in headers


def _no_connection(error: Exception) -> _Stop:
    cause = error
    while (deeper := cause.__cause__ or cause.__context__) is not None and isinstance(deeper, Exception):
        cause = deeper
    words = _line(cause) or _line(error)
    if isinstance(cause, ssl.SSLError):
        return _Stop(Why.TLS, f"its certificate or its TLS was refused: {words}")
    if type(cause).__name__ == "gaierror":
        return _Stop(Why.NAME, f"its name could not be resolved: {words}")
    if isinstance(cause, ConnectionResetError):
        return _Stop(Why.RESET, "the connection was reset before an answer")
    return _Stop(Why.REFUSED, f"no connection: {words}")


def _no_http(error: Exception) -> _Stop:
    if "disconnected without sending" in str(error):
        return _Stop(Why.RESET, "the connection was closed before an answer")
    return _Stop(Why.PROTOCOL, f"no HTTP answer: {_line(error)}")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
