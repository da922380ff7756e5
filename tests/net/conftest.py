"""A server that sends exactly the bytes that a test gives it, however wrong they are."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import ssl

Script = Callable[[socket.socket, bytes], None]


@dataclass
class Server:
    """Answers each connection by the next script (the last one again and again); keeps the requests."""

    scripts: list[Script]
    requests: list[bytes] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, accepted: socket.socket) -> None:
        with suppress(OSError), accepted, self._open(accepted) as connection:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return
                head += piece
            self.requests.append(head)
            self.scripts[min(len(self.requests), len(self.scripts)) - 1](connection, head)

    def _open(self, connection: socket.socket) -> socket.socket:
        return self.tls.wrap_socket(connection, server_side=True) if self.tls else connection

    def header(self, name: str, number: int = -1) -> str | None:
        lines = self.requests[number].decode().split("\r\n")[1:]
        found = [line.partition(": ")[2] for line in lines if line.lower().startswith(f"{name.lower()}:")]
        return found[0] if found else None

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(2)


def says(raw: bytes) -> Script:
    """Send these bytes and close."""
    return lambda connection, _: connection.sendall(raw)


def answers(status: int, body: bytes = b"", **headers: str) -> Script:
    """Send a well-formed answer."""
    lines = {"content-length": str(len(body)), "connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return says(f"HTTP/1.1 {status} x\r\n{head}\r\n".encode() + body)


def resets(connection: socket.socket, _: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hangs_up(connection: socket.socket, _: bytes) -> None:
    return


def drips(raw: bytes) -> Script:
    """Send a byte now and then, for ever."""

    def script(connection: socket.socket, _: bytes) -> None:
        connection.sendall(raw)
        while True:
            time.sleep(0.02)
            connection.sendall(b"x")

    return script


def floods(connection: socket.socket, _: bytes) -> None:
    """Send a body that never ends."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    while True:
        connection.sendall(chunk)


@pytest.fixture
def server() -> Iterator[Callable[..., Server]]:
    """Make servers that end with the test."""
    made: list[Server] = []

    def make(*scripts: Script) -> Server:
        made.append(Server(list(scripts)))
        return made[-1]

    yield make
    for one in made:
        one.close()
