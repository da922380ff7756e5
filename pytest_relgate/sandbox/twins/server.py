"""A twin on a loopback port: HTTP/1.1 in threads that end with the process."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import struct
import threading
import time
import urllib.parse
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pytest_relgate.sandbox.twins.exchange import Answer, Request, Reset

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_relgate.sandbox.twins.exchange import Mischief, Twin

_BODILESS: Final = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_LARGEST_BODY: Final = 64 * 1024 * 1024
_CHUNKS_END: Final = b"0\r\n\r\n"


@dataclass(frozen=True)
class Served:
    """A twin that listens. ``url`` has no slash at its end."""

    url: str
    _server: _Server

    def close(self) -> None:
        """Stop listening and drop every connection; calling it twice is fine."""
        self._server.stop()


def serve(
    twin: Twin,
    mischief: Sequence[Mischief] = (),
    *,
    tls: ssl.SSLContext | None = None,
    seen: Callable[[str, Request, Answer], None] | None = None,
) -> Served:
    """Let a twin answer on a free port of 127.0.0.1.

    The first ``mischief`` is nearest to the client. With ``tls`` (a server's context) it speaks HTTPS.
    ``seen`` is told the twin's name and each request with its answer, on the thread that answers.
    """
    server = _Server(twin, tuple(mischief), tls, seen)
    server.listener.start()
    scheme = "https" if tls else "http"
    return Served(f"{scheme}://127.0.0.1:{server.port}", server)


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        twin: Twin,
        mischief: tuple[Mischief, ...],
        tls: ssl.SSLContext | None,
        seen: Callable[[str, Request, Answer], None] | None,
    ) -> None:
        self.twin, self.mischief, self.tls, self.seen = twin, mischief, tls, seen
        self.open: set[socket.socket] = set()
        self.stopped = threading.Event()
        self._mutex = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)
        self.listener = threading.Thread(target=self._listen, name=f"twin-{twin.name}", daemon=True)

    def _listen(self) -> None:
        """Take connections until somebody stops it; it sleeps in between and polls nothing."""
        while not self.stopped.is_set():
            try:
                connection, address = self.socket.accept()
            except OSError:  # out of file descriptors, say: the client tries again
                time.sleep(0.01)
                continue
            if self.stopped.is_set():
                connection.close()
            else:
                self.process_request(connection, address)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def answer(self, request: Request) -> Answer:
        """Ask the twin, through all mischief."""
        name = self.twin.name

        def ask(one: Request, depth: int = 0) -> Answer:
            if depth == len(self.mischief):
                return self.twin.answer(one)
            return self.mischief[depth](name, one, lambda other: ask(other, depth + 1))

        return ask(request)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection on its thread; a TLS handshake that stalls holds up nobody else."""
        if self.tls is not None:
            request = self.tls.wrap_socket(request, server_side=True)
        with self._mutex:
            if self.stopped.is_set():
                request.close()
                return
            self.open.add(request)
        try:
            super().finish_request(request, client_address)
        finally:
            with self._mutex:
                self.open.discard(request)
            if self.tls is not None:
                request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""

    def stop(self) -> None:
        """Stop listening and drop every connection."""
        with self._mutex:
            if self.stopped.is_set():
                return
            self.stopped.set()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            pass  # wakes the listener
        self.listener.join(1)
        self.server_close()
        with self._mutex:
            left = list(self.open)
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "relgate-twin", ""
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    timeout = 120  # seconds that a connection may be idle
    server: _Server

    def handle_one_request(self) -> None:
        """Answer one request, whatever its method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if not self.parse_request():
            return
        try:
            request = self._request()
            answer = self._answer(request)
        except Reset:
            self._reset()
            return
        except ValueError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
            return
        self._send(answer)

    def _request(self) -> Request:
        target = urllib.parse.urlsplit(self.path)
        scheme = "https" if self.server.tls else "http"
        host = self.headers.get("host") or f"127.0.0.1:{self.server.port}"
        query = urllib.parse.parse_qs(target.query, keep_blank_values=True)
        return Request(
            method=self.command,
            path=target.path,
            query={name: tuple(values) for name, values in query.items()},
            headers=_lower(self.headers.items()),
            body=self._body(),
            base=f"{scheme}://{host}",
        )

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("transfer-encoding") or "").lower():
            return self._chunks()
        length = int(self.headers.get("content-length") or 0)
        if not 0 <= length <= _LARGEST_BODY:
            message = f"a body of {length} bytes is none"
            raise ValueError(message)
        return self.rfile.read(length)

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        while size := int(self.rfile.readline(64).partition(b";")[0].strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline(8)
        while self.rfile.readline(65537).strip():  # trailers
            pass
        return b"".join(parts)

    def _answer(self, request: Request) -> Answer:
        try:
            answer = self.server.answer(request)
        except Reset:
            raise
        except Exception as error:  # noqa: BLE001  (a thread that dies would be taken for a gate's)
            words = f"the {self.server.twin.name} twin broke: {type(error).__name__}: {error}\n"
            answer = Answer(500, words.encode(), {"content-type": "text/plain; charset=utf-8"})
        if self.server.seen is not None:
            self.server.seen(self.server.twin.name, request, answer)
        return answer

    def _send(self, answer: Answer) -> None:
        body = answer.body
        names = {name.lower() for name in answer.headers}
        length = len(body) if isinstance(body, bytes) else None
        empty = self.command == "HEAD" or answer.status in _BODILESS
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        chunked = length is None and not empty and "content-length" not in names
        if chunked and self.request_version == "HTTP/1.1":
            self.send_header("transfer-encoding", "chunked")
        elif length is None:
            chunked, self.close_connection = False, True
        elif "content-length" not in names and answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("content-length", str(length))
        self.end_headers()
        if empty:
            self.wfile.flush()  # the headers are all there is, and nothing else would send them
            return
        if isinstance(body, bytes):
            self.wfile.write(body)
            if int(answer.headers.get("content-length", len(body))) > len(body):
                self.close_connection = True  # it promised more than it has: a body that breaks off
        else:
            self._stream(body, chunked=chunked)
        self.wfile.flush()

    def _stream(self, body: Iterable[bytes], *, chunked: bool) -> None:
        for part in body:
            if part:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
                self.wfile.flush()
        if chunked:
            self.wfile.write(_CHUNKS_END)

    def _reset(self) -> None:
        """Close so that the other side sees a reset and no orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """Say nothing: standard error belongs to the run."""


def _lower(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Header names in lower case; what was sent twice is joined with commas, as RFC 9110 has it."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found
