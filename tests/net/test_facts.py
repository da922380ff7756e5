"""It is there, there is none, nobody knows: three answers, and every status is one of them."""

from __future__ import annotations

import time
from email.utils import formatdate

import msgspec
import pytest

from pytest_relgate.errors import CannotJudge
from pytest_relgate.net.exchange import Answer, Exchange, Unreachable, Why
from pytest_relgate.net.facts import Absent, Known, Unknown, json_of, known, text_of
from pytest_relgate.net.limits import LEAST_UNSAID, asked_to_wait

URL = "https://registry.example/demo"
DONE = (Exchange("GET", URL, 0, "2026-01-01T00:00:00Z", 0.1),)


class Demo(msgspec.Struct):
    name: str


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    plain = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(URL, status, plain, body, len(body), DONE)


@pytest.mark.parametrize(
    ("status", "kind", "final"),
    [
        (200, Known, False),
        (404, Absent, False),
        (410, Absent, False),
        (451, Absent, False),
        (401, Unknown, True),
        (403, Unknown, True),
        (429, Unknown, False),
        (408, Unknown, False),
        (500, Unknown, False),
        (502, Unknown, False),
        (503, Unknown, False),
        (400, Unknown, True),
        (204, Unknown, True),
        (304, Unknown, True),
        (418, Unknown, True),
    ],
)
def test_every_status_is_one_of_three_answers(status: int, kind: type, final: bool) -> None:
    fact = text_of(answer(status, b"x"), "demo")
    assert type(fact) is kind
    if isinstance(fact, Unknown):
        assert fact.final is final
        assert URL in fact.words
        assert str(status) in fact.words
        assert fact.do


@pytest.mark.parametrize("why", list(Why))
def test_no_answer_is_never_an_absence(why: Why) -> None:
    fact = text_of(Unreachable(URL, why, f"{URL}: it went wrong", DONE), "demo")
    assert isinstance(fact, Unknown)
    assert fact.final is (why is Why.REDIRECT)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"<html>sorry</html>", "text/html", "found HTML"),
        (b"<html>sorry</html>", "application/json", "found HTML"),
        (b"", "application/json", "found nothing"),
        (b'{"name": ', "application/json", "no JSON"),
        (b'{"name": 1}', "application/json", r"another shape .*\$\.name"),
        (b'{"nome": "x"}', "application/json", "missing required field `name`"),
        (b'{"name": "\xff"}', "application/json", "no JSON"),
        (b'{"name": "x", "deep": ' + b"[" * 100_000, "application/json", "no JSON"),
    ],
    ids=["html", "mislabelled", "empty", "cut", "type", "key", "no-utf8", "deep"],
)
def test_what_is_not_as_published_is_unknown(body: bytes, kind: str, words: str) -> None:
    fact = json_of(answer(200, body, content_type=kind), Demo, "the demo")
    with pytest.raises(CannotJudge, match=words) as caught:
        known(fact)
    assert str(caught.value).startswith("the demo: expected JSON")
    assert URL in str(caught.value)


def test_more_keys_than_are_asked_for_do_no_harm() -> None:
    assert known(json_of(answer(200, b'{"name": "x", "new": {}}'), Demo, "demo")).name == "x"


def test_what_must_be_known_and_is_absent_cannot_be_judged() -> None:
    with pytest.raises(CannotJudge, match=r"the demo: .* answered 404"):
        known(text_of(answer(404), "the demo"), "the demo")


NOW = 1_800_000_000.0
WAITS: dict[str, tuple[int, dict[str, str], bytes, float | None]] = {
    "seconds": (429, {"retry-after": "7"}, b"", 7),
    "zero": (429, {"retry-after": "0"}, b"", 0),
    "date": (503, {"retry-after": formatdate(NOW + 90, usegmt=True)}, b"", 90),
    "date-gone": (503, {"retry-after": formatdate(NOW - 90, usegmt=True)}, b"", 0),
    "nonsense": (429, {"retry-after": "soon"}, b"", LEAST_UNSAID),
    "negative": (429, {"retry-after": "-5"}, b"", LEAST_UNSAID),
    "for-ever": (429, {"retry-after": "999999999"}, b"", 86400),
    "too-many-digits": (429, {"retry-after": "9" * 5000}, b"", LEAST_UNSAID),
    "other-digits": (429, {"retry-after": "\u0667"}, b"", LEAST_UNSAID),
    "unsaid": (429, {}, b"", LEAST_UNSAID),
    "spent": (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 30)}, b"", 30),
    "retry-after-first": (
        403,
        {"retry-after": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 30)},
        b"",
        5,
    ),
    "spent-unsaid": (403, {"x-ratelimit-remaining": "0"}, b"", LEAST_UNSAID),
    "secondary": (403, {}, b'{"message": "You have exceeded a secondary rate limit"}', LEAST_UNSAID),
    "anonymous": (403, {}, b'{"message": "API rate limit exceeded for 192.0.2.1"}', LEAST_UNSAID),
    "permission": (403, {"x-ratelimit-remaining": "41"}, b"Resource not accessible by integration", None),
    "trouble": (503, {}, b"", None),
    "fine": (200, {"x-ratelimit-remaining": "0", "retry-after": "9"}, b"", None),
}


@pytest.mark.parametrize(("status", "headers", "body", "seconds"), WAITS.values(), ids=WAITS)
def test_a_limit_says_how_long(
    status: int, headers: dict[str, str], body: bytes, seconds: float | None
) -> None:
    assert asked_to_wait(status, headers, body, NOW) == seconds


def test_too_many_requests_is_unknown_with_the_time_to_come_back() -> None:
    fact = text_of(answer(429, retry_after="7"), "demo")
    assert isinstance(fact, Unknown)
    assert (fact.retry_after, fact.do) == (7, "look again in 7 s")
    late = formatdate(time.time() + 3600, usegmt=True)
    assert isinstance(again := text_of(answer(429, retry_after=late), "demo"), Unknown)
    assert again.retry_after is not None
    assert 3500 < again.retry_after <= 3600
