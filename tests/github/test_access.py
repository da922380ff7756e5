"""Hosts that answer and tokens that are taken: absent, refused and unclear are three different answers."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.github.access import Access, Token, hosts_of, judge_token, trouble_with
from pytest_relgate.net.exchange import Answer, Exchange, Outcome, Unreachable, Why
from pytest_relgate.net.http import Http
from pytest_relgate.net.origins import PUBLIC, Origins
from pytest_relgate.profile.channels import Channel
from pytest_relgate.sandbox.twins.exchange import Answer as Said
from pytest_relgate.sandbox.twins.exchange import Request
from pytest_relgate.sandbox.twins.server import Served, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = [
    json.loads(line) for line in (Path(__file__).parents[1] / "data/preflight.jsonl").read_text().splitlines()
]
CHANNELS = {
    "github": Channel("github-release"),
    "crates": Channel("crates", secret="CARGO_REGISTRY_TOKEN"),
    "npm": Channel("npm", secret="NPM_TOKEN"),
    "pypi": Channel("pypi", secret="PYPI_API_TOKEN"),
    "homebrew": Channel("homebrew", tap="ada/homebrew-tap", secret="TAP_TOKEN"),
}
TOKENS = {"NPM_TOKEN": "npm_x", "PYPI_API_TOKEN": "pypi-x", "CARGO_REGISTRY_TOKEN": "cio", "TAP_TOKEN": "t"}


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = "https://registry.example/-/whoami"
    seen = Exchange("GET", url, status, "2026-01-01T00:00:00Z", 0.1)
    return Answer(url, status, named, body, len(body), (seen,))


LOST = Unreachable("https://registry.example/", Why.NAME, "its name could not be resolved", ())

# What the original script was wrong about, and the right answer: PLASMITE fault 9.
RIGHT = {
    "npm_prefix_only": Token.MALFORMED,
    "npm_whoami_401": Token.REFUSED,
    "npm_whoami_403": Token.UNCLEAR,
    "npm_whoami_word_otp_in_other_text": Token.UNCLEAR,
    "pypi_prefix_only": Token.MALFORMED,
    "crates_http_403": Token.UNCLEAR,
    "crates_http_404": Token.UNCLEAR,
    "crates_http_429": Token.UNCLEAR,
    "crates_http_500": Token.UNCLEAR,
    "crates_http_000": Token.UNCLEAR,
    "crates_http_FAIL": Token.UNCLEAR,
}


def whoami(rc: int, words: str) -> Outcome:
    """What npm's client saw, as npm's registry says it."""
    if rc == 0:
        return answer(200, b'{"username": "ada"}')
    if "E401" in words:
        return answer(401)
    if "EOTP" in words:
        return answer(401, www_authenticate="OTP")
    return answer(403) if "E403" in words else LOST


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_recorded_probes_are_judged_right(row: dict[str, Any]) -> None:
    status = row["crates_me_http"]
    me = answer(int(status)) if status.isdigit() and int(status) else LOST
    env = row["env"]
    found = [
        judge_token("npm", env["NPM_TOKEN"], whoami(*row["npm_whoami"]))[0],
        judge_token("pypi", env["PYPI_API_TOKEN"])[0],
        judge_token("crates", env["CARGO_REGISTRY_TOKEN"], me)[0],
    ]
    if right := RIGHT.get(row["case"]):
        assert right in found
        assert not right.bad or row["exit"] == 0, "the original let it pass"
    else:
        assert any(one.bad for one in found) == (row["exit"] != 0)
        assert Token.UNCLEAR not in found


@pytest.mark.parametrize(
    ("kind", "value", "outcome", "token"),
    [
        ("crates", "cio", answer(200), Token.WORKS),
        (
            "crates",
            "cio",
            answer(403, b"this action can only be performed on the crates.io website"),
            Token.WORKS,
        ),
        ("crates", "cio", answer(403, b'{"errors":[{"detail":"authentication failed"}]}'), Token.REFUSED),
        ("crates", "cio", answer(403, b"this action requires authentication"), Token.UNCLEAR),
        ("crates", "x", answer(401, b"does not match the format used by crates.io"), Token.REFUSED),
        ("npm", " npm_x\n", answer(200), Token.WORKS),
        ("npm", "  ", answer(200), Token.ABSENT),
        ("npm", None, None, Token.ABSENT),
        ("npm", "npm_x", None, Token.UNCLEAR),
        ("homebrew", "t", answer(200, b'{"permissions": {"push": true}}'), Token.WORKS),
        ("homebrew", "t", answer(200, b'{"permissions": {"push": false}}'), Token.REFUSED),
        ("homebrew", "t", answer(404), Token.UNCLEAR),
        ("pypi", "pypi-x", None, Token.PRESENT),
    ],
)
def test_a_token_is_worth_what_its_registry_says(
    kind: str, value: str | None, outcome: Outcome | None, token: Token
) -> None:
    assert judge_token(kind, value, outcome)[0] is token


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (answer(200, b"{}"), ""),
        (answer(404, b"<html>"), ""),
        (answer(401), ""),
        (answer(403), ""),
        (answer(500), "answered 500"),
        (answer(503), "answered 503"),
        (answer(429), "answered 429"),
        (answer(200, b"\n<!doctype html>"), "a page for people"),
        (LOST, "its name could not be resolved"),
    ],
)
def test_a_host_answers_whatever_it_says(outcome: Outcome, words: str) -> None:
    found = trouble_with(outcome)
    assert words in found
    assert bool(found) == bool(words)


def test_every_host_is_asked_once_and_never_for_the_release_itself() -> None:
    hosts = hosts_of(CHANNELS, PUBLIC, "ada/demo")
    assert [(host.names, host.url) for host in hosts] == [
        (("GitHub", "github"), "https://api.github.com/repos/ada/demo"),
        (("crates",), "https://index.crates.io/config.json"),
        (("npm",), "https://registry.npmjs.org/-/ping"),
        (("pypi",), "https://pypi.org/simple/sampleproject/"),
        (("homebrew",), "https://api.github.com/repos/ada/homebrew-tap"),
    ]
    mirrored = hosts_of({"npm": Channel("npm", base="https://mirror.example/npm")}, PUBLIC, "")
    assert [host.url for host in mirrored] == ["https://mirror.example/npm/-/ping"]


# Real servers


@dataclass
class Service:
    """Every service on one origin: answers by path, all others 200 with an empty object."""

    pages: dict[str, Any] = field(default_factory=dict)
    name: str = "services"
    seen: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Said:
        self.seen.append(request)
        page = self.pages.get(request.path)
        found = page(request) if callable(page) else page
        return found or Said(200, b"{}", {"content-type": "application/json"})


@pytest.fixture
def made() -> Iterator[Callable[..., Access]]:
    servers: list[Served] = []
    clients: list[Http] = []

    def make(service: Service, environ: dict[str, str] | None = None, **more: Any) -> Access:
        servers.append(serve(service))
        clients.append(Http(sleep=lambda _: None))
        url = servers[-1].url
        origins = Origins(github_api=url, crates_index=url, crates_api=url, npm=url, pypi=url)
        return Access(clients[-1], origins, CHANNELS, "ada/demo", environ or {}, **more)

    yield make
    for client in clients:
        client.close()
    for server in servers:
        server.close()


def test_all_hosts_are_asked_at_once(made: Callable[..., Access]) -> None:
    together = threading.Barrier(5, timeout=20)  # nobody is answered before all have asked

    def wait(_: Request) -> None:
        together.wait()

    paths = (
        "/repos/ada/demo",
        "/config.json",
        "/-/ping",
        "/simple/sampleproject/",
        "/repos/ada/homebrew-tap",
    )
    assert made(Service(dict.fromkeys(paths, wait))).every_host_answers()


def test_each_host_that_does_not_answer_is_named(made: Callable[..., Access]) -> None:
    never = threading.Event()
    pages = {"/-/ping": Said(503, b""), "/config.json": lambda _: never.wait(3) and None}
    with pytest.raises(CannotJudge) as caught:
        made(Service(pages), deadline=0.3).every_host_answers()
    never.set()
    assert caught.value.found.startswith("2 of 5 hosts do not answer: crates (")
    assert "; npm (" in caught.value.found
    assert "answered 503" in caught.value.found


def test_without_a_host_nothing_is_judged() -> None:
    with pytest.raises(CannotJudge, match="no host to ask"):
        Access(Http(), PUBLIC, {}, "", {}).every_host_answers()


def test_each_token_goes_to_its_own_registry_and_is_sent(made: Callable[..., Access]) -> None:
    service = Service({"/repos/ada/homebrew-tap": Said(200, b'{"permissions":{"push":true}}')})
    kept: dict[str, str] = {}
    assert made(service, TOKENS).takes_tokens(TOKENS, kept.__setitem__)
    sent = {request.path: request.headers.get("authorization") for request in service.seen}
    assert sent == {
        "/-/whoami": "Bearer npm_x",
        "/api/v1/me": "cio",
        "/repos/ada/homebrew-tap": "Bearer t",
    }
    assert (
        "| pypi | PYPI_API_TOKEN | is there, and its registry can only be asked by publishing |"
        in kept["tokens.md"]
    )
    assert not any(value in kept["tokens.md"] for value in TOKENS.values() if len(value) > 3)


def test_no_token_goes_to_a_mirror(made: Callable[..., Access]) -> None:
    service, mirror = Service(), Service()
    elsewhere = made(mirror).origins.npm
    channels = {
        "npm": Channel("npm", secret="NPM_TOKEN", base=elsewhere, mirror=True),
        "crates": Channel("crates", secret="CARGO_REGISTRY_TOKEN", base=elsewhere, mirror=True),
    }
    assert replace(made(service, TOKENS), channels=channels).takes_tokens(TOKENS)
    assert sorted(request.path for request in service.seen) == ["/-/whoami", "/api/v1/me"]
    assert mirror.seen == []


def test_a_token_that_is_not_at_hand_is_not_asked_about(made: Callable[..., Access]) -> None:
    service, kept = Service(), dict[str, str]()
    assert made(service).takes_tokens(TOKENS, kept.__setitem__)
    assert service.seen == []
    assert "| npm | NPM_TOKEN | not handed to this run, not asked |" in kept["tokens.md"]
    assert "CARGO_REGISTRY_TOKEN, NPM_TOKEN" in kept["note-tokens.txt"]
    assert made(service, TOKENS).takes_tokens(["PYPI_API_TOKEN"])
    assert service.seen == []


def test_a_persons_own_token_under_the_name_of_a_secret_is_not_the_secret(
    made: Callable[..., Access],
) -> None:
    service = Service({"/-/whoami": Said(401, b"")})
    assert made(service, TOKENS, handed=False).takes_tokens(TOKENS)
    assert service.seen == []


def test_a_bad_token_is_a_finding_and_an_unclear_one_is_not(made: Callable[..., Access]) -> None:
    unclear = Service({"/-/whoami": Said(403, b"")})
    with pytest.raises(CannotJudge, match=r"cannot be told: NPM_TOKEN: .*/-/whoami answered 403"):
        made(unclear, TOKENS).takes_tokens(["NPM_TOKEN"])
    both = Service({"/-/whoami": Said(403, b""), "/api/v1/me": Said(401, b"")})
    with pytest.raises(Finding) as caught:
        made(both, TOKENS | {"PYPI_API_TOKEN": ""}).takes_tokens(TOKENS)
    assert "CARGO_REGISTRY_TOKEN is refused" in caught.value.found
    assert "PYPI_API_TOKEN is empty" in caught.value.found
    assert "NPM_TOKEN" not in caught.value.found
    assert "gh secret set CARGO_REGISTRY_TOKEN" in caught.value.do
