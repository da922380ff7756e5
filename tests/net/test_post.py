"""What changes something outside is sent once, and never somewhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.net.exchange import Answer, Unreachable, Why
from pytest_relgate.net.http import Http
from pytest_relgate.net.request import Credential, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    Server = Any

GONE = b"HTTP/1.1 503 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def _says(raw: bytes) -> Callable[[Any, bytes], None]:
    return lambda connection, _: connection.sendall(raw)


def _hangs_up(_: Any, __: bytes) -> None:
    return


def test_a_document_is_sent_with_the_credential_of_its_origin(server: Callable[..., Server]) -> None:
    at = server(_says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"))
    with Http((Credential(at.url, "Bearer x"),)) as http:
        answer = http.post(f"{at.url}/here", b'{"a": 1}')
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body, answer.exchange.method) == (200, b"{}", "POST")
    assert at.requests[0].startswith(b"POST /here HTTP/1.1\r\n")
    assert (at.header("authorization"), at.header("content-length")) == ("Bearer x", "8")
    assert at.header("content-type") == "application/json"


@pytest.mark.parametrize(("script", "why"), [(_says(GONE), 503), (_hangs_up, Why.RESET)])
def test_it_is_sent_once_whatever_comes(server: Callable[..., Server], script: Any, why: object) -> None:
    at = server(script)
    with Http(sleep=lambda _: None) as http:
        answer = http.post(f"{at.url}/here", b"{}")
    assert len(at.requests) == 1
    assert (answer.why if isinstance(answer, Unreachable) else answer.status) == why


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(server: Callable[..., Server], status: int) -> None:
    elsewhere = server(_says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"))
    head = f"HTTP/1.1 {status} x\r\nlocation: {elsewhere.url}/there\r\ncontent-length: 0\r\n\r\n"
    at = server(_says(head.encode()))
    with Http() as http:
        answer = http.post(f"{at.url}/here", b"{}")
    assert isinstance(answer, Answer)
    assert (answer.status, elsewhere.requests) == (status, [])


def test_an_answer_that_never_comes_is_a_timeout(server: Callable[..., Server]) -> None:
    at = server(lambda connection, _: connection.recv(1))
    with Http() as http:
        answer = http.post(f"{at.url}/here", b"", limits=Limits(total=0.3))
    assert isinstance(answer, Unreachable)
    assert answer.why is Why.TIMEOUT
