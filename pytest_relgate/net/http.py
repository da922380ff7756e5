"""One client for everything outside: typed outcomes, one deadline, caps, redirects that are looked at.

No exception of httpx reaches a caller. A credential goes to its own origin and to no other: not over a
redirect, not in a header of its own. Bytes are taken as they came (identity encoding), because a digest
of what a client has unpacked on its own is no digest of the file.
"""

from __future__ import annotations

import random
import time
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from pytest_relgate.net.exchange import Answer, Exchange, Outcome, Unreachable, Why, origin_of, shown
from pytest_relgate.net.hop import Hop, Stop, redirect
from pytest_relgate.net.request import FILE, PAGE, Credential, Limits, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

_HOPS: Final = 5
_STEP: Final = 30.0  # seconds that one reading may take; the deadline of the exchange is what ends it
_TRIES: Final = 3
_AGAIN: Final = frozenset({408, 500, 502, 503, 504})
_FIRST_PAUSE: Final = 0.2  # seconds before the second try; doubled each time


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

        The arguments are those of Request. Tried up to three times where trying again may help.
        """
        return self.ask(Request(url, accept, headers or {}, limits, follow, fresh=fresh))

    def hashed(
        self,
        url: str,
        *,
        algorithms: tuple[str, ...] = ("sha256",),
        accept: str = "application/octet-stream",
        headers: Mapping[str, str] | None = None,
        limits: Limits = FILE,
        follow: frozenset[str] = frozenset(),
        fresh: bool = False,
        into: BinaryIO | None = None,
    ) -> Outcome:
        """Read a file as it comes, keep nothing of it but its size and digests (hex by algorithm).

        Where ``into`` is given its bytes are written there; of a try that broke off nothing stays.
        """
        return self.ask(Request(url, accept, headers or {}, limits, follow, algorithms, fresh, into))

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
        request = Request(url, accept, {"content-type": "application/json", **(headers or {})}, limits)
        self._deadline.set(time.monotonic() + limits.total)
        hop = Hop("POST", url, url, time.time(), time.monotonic(), body)
        try:
            self._one(hop, request)
        except Stop as stop:
            return Unreachable(url, stop.why, f"{shown(url)}: {stop.words}", (hop.exchange(stop.words),))
        return Answer(url, hop.status, hop.headers, hop.body, hop.size, (hop.exchange(),), dict(hop.digests))

    def ask(self, request: Request) -> Outcome:
        """Ask, up to three times where trying again may help, and never after the request's deadline."""
        ends = time.monotonic() + request.limits.total
        self._deadline.set(ends)
        done: list[Exchange] = []
        for number in range(_TRIES):
            outcome = self._hops(request, done)
            if not _may_change(outcome) or number == _TRIES - 1:
                break
            pause = _FIRST_PAUSE * 2**number * (0.5 + random.random())  # noqa: S311  (no secret in it)
            if time.monotonic() + pause >= ends:
                break
            self._sleep(pause)
        return outcome

    def _hops(self, request: Request, done: list[Exchange]) -> Outcome:
        """Follow redirects, each of them looked at first."""
        asked, here = request.url, request.url
        for _ in range(_HOPS + 1):
            hop = Hop("GET", here, asked, time.time(), time.monotonic())
            try:
                self._one(hop, request)
                there = redirect(hop, asked, request.follow)
            except Stop as stop:
                done.append(hop.exchange(stop.words))
                return Unreachable(asked, stop.why, f"{shown(asked)}: {stop.words}", tuple(done))
            done.append(hop.exchange())
            if not there:
                return Answer(
                    here, hop.status, hop.headers, hop.body, hop.size, tuple(done), dict(hop.digests)
                )
            here = there
        words = f"{shown(asked)}: it was redirected more than {_HOPS} times"
        return Unreachable(asked, Why.REDIRECT, words, tuple(done))

    def _one(self, hop: Hop, request: Request) -> None:
        """Send one request and read its answer. Raises Stop where there is none."""
        from pytest_relgate.net.body import take
        from pytest_relgate.net.failures import CAUGHT, stop_of

        try:
            sent = request.sent
            credential = self._credentials.get(origin_of(hop.url))
            if credential is not None:
                sent[credential.header] = credential.value
            built = self._client.build_request(hop.method, hop.url, headers=sent, content=hop.content)
            response = self._client.send(built, stream=True)
            try:
                hop.status = response.status_code
                hop.headers = {name.lower(): value for name, value in response.headers.items()}
                take(hop, response, request)
            finally:
                response.close()
        except CAUGHT as error:
            raise stop_of(error, seconds=request.limits.total, size=hop.size) from None


def _may_change(outcome: Outcome) -> bool:
    match outcome:
        case Unreachable(why=why):
            return why.transient and why is not Why.TIMEOUT
        case Answer(status=status, headers=headers):
            return status in _AGAIN and "retry-after" not in headers
