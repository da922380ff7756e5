"""How twins are served: HTTP as clients speak it, and nothing left behind."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from pytest_relgate.sandbox.twins.exchange import Answer, Request, Reset
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_relgate.sandbox.twins.server import Served


class Echo:
    """Answers with what it was asked."""

    name = "echo"

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.threads: set[int] = set()

    def answer(self, request: Request) -> Answer:
        self.asked.append(request)
        self.threads.add(threading.get_ident())
        match request.path:
            case "/broken":
                raise KeyError(request.path)
            case "/reset":
                raise Reset
            case "/parts":
                return Answer(200, iter([b"one ", b"", b"two"]))
            case "/endless":
                return Answer(200, (b"x" * 1024 for _ in iter(int, 1)))
            case "/nothing":
                return Answer(204)
            case "/cut":
                return Answer(200, b"half", {"content-length": "8"})
            case _:
                return Answer(201, request.body, {"x-path": request.path})


@pytest.fixture
def twin() -> Echo:
    return Echo()


@pytest.fixture
def served(twin: Echo) -> Iterator[Served]:
    served = serve(twin)
    yield served
    served.close()


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, trust_env=False) as client:
        yield client


def test_a_request_arrives_as_it_was_sent(twin: Echo, client: httpx.Client, served: Served) -> None:
    answer = client.request(
        "PUT", "/a%2Fb?x=1&x=2&y=", content=b"\0body", headers=[("X-A", "1"), ("x-a", "2")]
    )
    assert (answer.status_code, answer.content, answer.headers["x-path"]) == (201, b"\0body", "/a%2Fb")
    (request,) = twin.asked
    assert (request.method, request.path, request.base) == ("PUT", "/a%2Fb", served.url)
    assert request.query == {"x": ("1", "2"), "y": ("",)}
    assert (request.asked("x"), request.asked("z", "none")) == ("1", "none")
    assert request.headers["x-a"] == "1, 2"


def test_links_are_made_from_the_address_that_the_client_used(twin: Echo, served: Served) -> None:
    port = urlsplit(served.url).port
    httpx.get(f"http://localhost:{port}/", trust_env=False)
    assert twin.asked[0].base == f"http://localhost:{port}"


def test_bodies_in_pieces_go_both_ways(twin: Echo, client: httpx.Client) -> None:
    assert client.get("/parts").content == b"one two"
    client.post("/", content=iter([b"first ", b"second"]))
    assert twin.asked[-1].body == b"first second"


def test_a_connection_is_kept(twin: Echo, client: httpx.Client) -> None:
    for path in ("/1", "/nothing", "/parts", "/broken", "/2"):
        client.get(path)
    client.head("/3")
    assert len(twin.threads) == 1  # each connection has a thread of its own


def test_answers_without_a_body(client: httpx.Client) -> None:
    head = client.head("/x")
    assert (head.content, head.headers["content-length"]) == (b"", "0")
    nothing = client.get("/nothing")
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert "content-length" not in nothing.headers


def test_a_twin_that_breaks_answers_500(client: httpx.Client) -> None:
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert answer.text == "the echo twin broke: KeyError: '/broken'\n"


def test_a_reset_a_cut_body_and_an_endless_one(client: httpx.Client) -> None:
    with pytest.raises(httpx.ReadError):
        client.get("/reset")
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/cut")
    with client.stream("GET", "/endless") as answer:
        pieces = answer.iter_raw(1024)
        assert [len(next(pieces)) for _ in range(200)] == [1024] * 200


@pytest.mark.parametrize("raw", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_what_is_no_http_is_refused(served: Served, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(served.url).port or 0), 5) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b" 400 " in said.splitlines()[0] or b"400" in said


def test_mischief_stands_between_client_and_twin(twin: Echo) -> None:
    def renamed(name: str, request: Request, ask: Callable[[Request], Answer]) -> Answer:
        assert name == "echo"
        found = ask(request)
        return Answer(found.status, found.body + b" outer", found.headers)  # type: ignore[operator]  # bytes in this answer

    def counted(_: str, request: Request, ask: Callable[[Request], Answer]) -> Answer:
        ask(request)
        found = ask(request)
        return Answer(found.status, b"inner", found.headers)

    said: list[tuple[str, str, int]] = []
    served = serve(twin, [renamed, counted], seen=lambda n, r, a: said.append((n, r.path, a.status)))
    assert httpx.get(f"{served.url}/x", trust_env=False).text == "inner outer"
    served.close()
    assert (len(twin.asked), said) == (2, [("echo", "/x", 201)])


def test_closing_leaves_nothing(twin: Echo) -> None:
    served = serve(twin)
    with httpx.Client(base_url=served.url, trust_env=False) as client:
        client.get("/")
        served.close()
        served.close()
        with pytest.raises(httpx.TransportError):
            client.get("/")
    for thread in threading.enumerate():
        if thread.name == "twin-echo" or "process_request" in thread.name:
            thread.join(5)
            assert not thread.is_alive()


def test_it_speaks_tls(twin: Echo, tmp_path: Path) -> None:
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    served = serve(twin, tls=context)
    with socket.create_connection(
        ("127.0.0.1", urlsplit(served.url).port or 0)
    ):  # says nothing, holds up nobody
        assert httpx.get(f"{served.url}/x", verify=trusting, trust_env=False).status_code == 201
    served.close()
    assert twin.asked[0].base == served.url.replace("http:", "https:")
