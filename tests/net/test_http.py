"""What a server does wrong is an outcome with a reason; what it must not be told it is not told."""

from __future__ import annotations

import gzip
import hashlib
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator

import pytest
import trustme

from pytest_relgate.net.exchange import Answer, Unreachable, Why, origin_of, shown
from pytest_relgate.net.http import Http
from pytest_relgate.net.request import ANYWHERE, Credential, Limits
from tests.net.conftest import Script, Server, answers, drips, floods, hangs_up, resets, says

Make = Callable[..., Server]
QUICK = Limits(total=0.5, size=1000)
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(sleep=lambda _: None) as client:
        yield client


def test_an_answer_has_status_headers_bytes_and_a_record(server: Make, http: Http) -> None:
    made = server(answers(200, b"hello", Age="7", X_Cache="HIT"))
    got = http.get(f"{made.url}/a?b=c")
    assert isinstance(got, Answer)
    assert (got.status, got.body, got.size) == (200, b"hello", 5)
    assert got.headers["x-cache"] == "HIT"
    record = got.exchange
    assert record.url == f"{made.url}/a?b=c"
    assert (record.status, record.age, record.cached) == (200, 7, "x-cache: HIT")
    assert record.sha256 == f"sha256:{hashlib.sha256(b'hello').hexdigest()}"


def test_who_asks_says_so_and_wants_bytes_as_they_are(server: Make, http: Http) -> None:
    made = server(answers(200))
    http.get(made.url)
    assert made.header("user-agent").startswith("pytest-relgate/")  # type: ignore[union-attr]  # it was asked just above
    assert made.header("accept-encoding") == "identity"
    assert made.header("cookie") is None


def test_a_second_look_goes_past_caches(server: Make, http: Http) -> None:
    made = server(answers(200))
    http.get(made.url)
    assert made.header("cache-control") is None
    http.get(made.url, fresh=True)
    assert made.header("cache-control") == "no-cache"


WRONG: dict[str, tuple[Script, Why, str]] = {
    "reset": (resets, Why.RESET, "reset"),
    "hang-up": (hangs_up, Why.RESET, "closed before an answer"),
    "no-http": (says(b"what?\r\n\r\n"), Why.PROTOCOL, "no HTTP answer"),
    "short-body": (says(OK + b"content-length: 9\r\n\r\nshort"), Why.TRUNCATED, "broke off after 5 bytes"),
    "cut-chunk": (says(OK + b"transfer-encoding: chunked\r\n\r\n5\r\nshort\r\n"), Why.TRUNCATED, "broke off"),
    "two-lengths": (
        says(OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nx"),
        Why.PROTOCOL,
        "no HTTP answer",
    ),
    "too-large": (answers(200, b"x" * 1001), Why.TOO_LARGE, "1001 bytes, more than the 1000"),
    "endless": (floods, Why.TOO_LARGE, "goes on after the 1000 bytes"),
    "bomb": (
        answers(200, gzip.compress(bytes(9**5)), content_encoding="gzip"),
        Why.TOO_LARGE,
        "unpacks to more",
    ),
    "mislabelled": (
        answers(200, b"plain", content_encoding="gzip"),
        Why.ENCODING,
        "said to be gzip and is not",
    ),
    "brotli": (answers(200, b"x", content_encoding="br"), Why.ENCODING, "encoding 'br'"),
    "cut-gzip": (
        answers(200, gzip.compress(b"cut")[:-4], content_encoding="gzip"),
        Why.TRUNCATED,
        "gzip breaks off",
    ),
    "dripping-body": (drips(OK + b"content-length: 900\r\n\r\n"), Why.TIMEOUT, "within 0.5 s"),
    "dripping-head": (drips(OK + b"x-slow: "), Why.TIMEOUT, "within 0.5 s"),
    "elsewhere": (
        answers(302, location="https://elsewhere.example/"),
        Why.REDIRECT,
        "https://elsewhere.example",
    ),
    "nowhere": (answers(302, location=""), Why.REDIRECT, "without saying where"),
    "other-scheme": (answers(302, location="ftp://a/b"), Why.REDIRECT, "no address"),
    "loop": (answers(302, location="/again"), Why.REDIRECT, "more than 5 times"),
}


@pytest.mark.parametrize(("script", "why", "words"), WRONG.values(), ids=WRONG)
def test_what_goes_wrong_has_a_reason(server: Make, http: Http, script: Script, why: Why, words: str) -> None:
    made = server(script)
    began = time.monotonic()
    got = http.get(f"{made.url}/thing", limits=QUICK)
    assert time.monotonic() - began < 20  # no more than a bound that a hung test would pass
    assert isinstance(got, Unreachable)
    assert got.why is why
    assert re.search(words, got.words)
    assert f"{made.url}/thing" in got.words
    assert got.exchanges


def test_a_port_where_nobody_listens_is_a_reason(http: Http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    got = http.get(f"http://127.0.0.1:{port}/")
    assert isinstance(got, Unreachable)
    assert got.why is Why.REFUSED


def test_no_address_is_a_reason(http: Http) -> None:
    got = http.get("http://nobody.invalid/", limits=Limits(total=5))
    assert isinstance(got, Unreachable)
    assert got.why in (Why.NAME, Why.REFUSED)


def test_an_endless_body_is_not_read_to_its_end_when_it_is_hashed(server: Make, http: Http) -> None:
    got = http.hashed(server(floods).url, limits=QUICK)
    assert isinstance(got, Unreachable)
    assert got.why is Why.TOO_LARGE


def test_bytes_are_hashed_as_they_came(server: Make, http: Http) -> None:
    packed = gzip.compress(b"a file that is a gzip archive")
    made = server(answers(200, packed))
    got = http.hashed(made.url, algorithms=("sha256", "sha512"))
    assert isinstance(got, Answer)
    assert got.size == len(packed)
    assert got.body == b""
    assert got.digests["sha256"] == hashlib.sha256(packed).hexdigest()
    assert got.digests["sha512"] == hashlib.sha512(packed).hexdigest()


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_file_that_was_packed_on_the_way_has_no_digest(server: Make, http: Http, encoding: str) -> None:
    got = http.hashed(server(answers(200, gzip.compress(b"a file"), content_encoding=encoding)).url)
    assert isinstance(got, Unreachable)
    assert got.why is Why.ENCODING
    same = http.hashed(server(answers(200, b"a file", content_encoding="identity")).url)
    assert isinstance(same, Answer)
    assert same.digests["sha256"] == hashlib.sha256(b"a file").hexdigest()


def test_what_was_packed_all_the_same_is_unpacked(server: Make, http: Http) -> None:
    got = http.get(server(answers(200, gzip.compress(b"{}"), content_encoding="gzip")).url)
    assert isinstance(got, Answer)
    assert got.body == b"{}"


@pytest.mark.parametrize(
    "first",
    [resets, hangs_up, answers(500), answers(503), answers(408)],
    ids=["reset", "hang-up", "500", "503", "408"],
)
def test_what_may_help_is_tried_again(server: Make, http: Http, first: Script) -> None:
    made = server(first, answers(200, b"now"))
    got = http.get(made.url)
    assert isinstance(got, Answer)
    assert (got.status, got.body) == (200, b"now")
    assert len(got.exchanges) == 2


@pytest.mark.parametrize(
    "script",
    [answers(404), answers(401), answers(429), answers(503, retry_after="3"), answers(200, b"x" * 2000)],
    ids=["404", "401", "429", "503-wait", "too-large"],
)
def test_what_cannot_help_is_not_tried_again(server: Make, http: Http, script: Script) -> None:
    made = server(script)
    http.get(made.url, limits=QUICK)
    assert len(made.requests) == 1


def test_tries_end(server: Make, http: Http) -> None:
    made = server(answers(500))
    got = http.get(made.url)
    assert isinstance(got, Answer)
    assert got.status == 500
    assert len(made.requests) == 3


@pytest.mark.parametrize("header", ["authorization", "x-secret"])
def test_a_credential_goes_to_its_own_origin_only(server: Make, header: str) -> None:
    other = server(answers(200, b"there"))
    home = server(answers(302, location=f"{other.url}/signed?sig=1"))
    with Http((Credential(home.url, "hush", header),)) as http:
        got = http.get(f"{home.url}/file", follow=frozenset({other.url}))
        assert isinstance(got, Answer)
        assert got.body == b"there"
        assert home.header(header) == "hush"
        assert other.header(header) is None
        assert "hush" not in repr(got)
        assert "sig=" not in got.exchange.url
        assert "hush" not in repr(Credential(home.url, "hush"))


def test_a_redirect_to_where_it_may_lead_is_followed(server: Make, http: Http) -> None:
    other = server(answers(200, b"there"))
    home = server(answers(307, location=other.url))
    refused = http.get(home.url)
    assert isinstance(refused, Unreachable)
    assert not other.requests
    for follow in (frozenset({other.url}), ANYWHERE):
        got = http.get(home.url, follow=follow)
        assert isinstance(got, Answer)
        assert (got.url, got.body) == (other.url, b"there")


def test_https_is_never_given_up(server: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    plain = server(answers(200))
    made = server(answers(302, location=plain.url))
    made.tls = context
    url = made.url.replace("http://", "https://")
    with Http() as http:
        distrusted = http.get(url)
        assert isinstance(distrusted, Unreachable)
        assert distrusted.why is Why.TLS
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr("pytest_relgate.net.transport.tls", lambda: trusting)
    with Http() as http:
        got = http.get(url, follow=ANYWHERE)
    assert isinstance(got, Unreachable)
    assert got.why is Why.REDIRECT
    assert "from https to" in got.words
    assert not plain.requests


def test_this_machine_is_never_asked_through_a_proxy(
    server: Make, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, made = server(answers(200, b"proxy")), server(answers(200, b"itself"))
    monkeypatch.setenv("http_proxy", proxy.url)
    got = http.get(made.url)
    assert isinstance(got, Answer)
    assert got.body == b"itself"


def test_other_machines_are_asked_through_the_proxy_of_the_environment(
    server: Make, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = server(answers(200, b"proxy"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", proxy.url)
    got = http.get("http://registry.invalid/x")
    assert isinstance(got, Answer)
    assert got.body == b"proxy"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://a.example/x", "https://a.example"),
        ("https://A.example:443", "https://a.example"),
        ("http://127.0.0.1:81/", "http://127.0.0.1:81"),
        ("http://[::1]:9/", "http://[::1]:9"),
        ("https://user@a.example/", "https://a.example"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize("url", ["", "a.example", "file:///etc/passwd", "https://", "javascript:alert(1)"])
def test_what_is_no_address_has_no_origin(url: str) -> None:
    with pytest.raises(ValueError, match="expected an http or https address"):
        origin_of(url)


def test_the_record_shows_no_user_name_and_no_line_break() -> None:
    assert shown("https://ada:pw@a.example/x\ny?q=1") == "https://a.example/xy?q=1"
    assert shown("https://a.example/x?sig=1", query=False) == "https://a.example/x"


@pytest.mark.parametrize("url", ["https://[x/", "https://x:99999/", "//[", "file:///etc/passwd"])
def test_what_is_no_address_cannot_be_asked(http: Http, url: str) -> None:
    got = http.get(url)
    assert isinstance(got, Unreachable)
    assert "it could not be asked" in got.words
