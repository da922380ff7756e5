"""Connections that keep a deadline, under httpx.

httpx limits each reading of a socket and not all of them together, so a server that sends a byte now and
then would hold a gate for ever. Here every reading and writing ends at the deadline of its exchange.
"""

from __future__ import annotations

import functools
import ipaddress
import threading
import time
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

_CONNECTIONS = 16
_IDLE = 5.0  # seconds that a connection is kept for the next exchange


@functools.cache
def tls() -> ssl.SSLContext:
    """The one context of this process: making it takes longer than an exchange does."""
    return httpx.create_ssl_context()


class Deadline:
    """When the exchange of the current thread must have ended, on the monotonic clock."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def set(self, moment: float) -> None:
        """Let everything that this thread reads and writes from now on end at ``moment``."""
        self._of_thread.moment = moment

    def left(self, timeout: float | None) -> float:
        """Return the seconds that one step may take. Raises ReadTimeout where there are none."""
        left: float = self._of_thread.moment - time.monotonic()
        if left <= 0:
            message = "the deadline of the exchange has passed"
            raise httpcore.ReadTimeout(message)
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._real, self._deadline = httpcore.SyncBackend(), deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        return _Stream(
            self._real.connect_tcp(host, port, left, local_address, socket_options), self._deadline
        )

    def sleep(self, seconds: float) -> None:
        self._real.sleep(seconds)


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class Transport(httpx.BaseTransport):
    """Sends requests over connections that keep ``deadline``; raises httpcore's exceptions as they are.

    A proxy of the environment is used as other programs use it, and never for this machine itself.
    """

    def __init__(self, deadline: Deadline) -> None:
        self._backend = _Backend(deadline)
        self._pools: dict[tuple[str, str], httpcore.ConnectionPool] = {}
        self._mutex = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the body of the answer is read by who asked."""
        url = request.url
        pool = self._pool(url.scheme, _proxy_for(url.scheme, url.host))
        response = pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=cast("httpx.SyncByteStream", request.stream),
                extensions=request.extensions,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    def close(self) -> None:
        """Close every connection."""
        with self._mutex:
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.close()

    def _pool(self, scheme: str, proxy: str) -> httpcore.ConnectionPool:
        with self._mutex:
            found = self._pools.get((scheme, proxy))
            if found is None:
                found = self._pools[scheme, proxy] = self._make(scheme, proxy)
            return found

    def _make(self, scheme: str, proxy: str) -> httpcore.ConnectionPool:
        common: dict[str, Any] = {
            "ssl_context": tls() if scheme == "https" else None,
            "max_connections": _CONNECTIONS,
            "keepalive_expiry": _IDLE,
            "network_backend": self._backend,
        }
        if not proxy:
            return httpcore.ConnectionPool(**common)
        parts = urlsplit(proxy)
        auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        return httpcore.HTTPProxy(bare, proxy_auth=auth, **common)


def _proxy_for(scheme: str, host: str) -> str:
    """Return the proxy that the environment names for a host, empty for none."""
    if host == "localhost" or _is_loopback(host) or proxy_bypass(host):
        return ""
    proxies = getproxies()
    found = proxies.get(scheme) or proxies.get("all") or ""
    return found if "://" in found or not found else f"http://{found}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
