"""What is known of one thing outside: it, that there is none, or that nobody knows.

The three are never folded into each other: a registry that does not answer has not said no.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Generic, TypeVar

import msgspec

from pytest_relgate.decoding import read_json
from pytest_relgate.errors import CannotJudge
from pytest_relgate.net.exchange import Answer, Exchange, Outcome, Unreachable, Why, shown
from pytest_relgate.net.limits import asked_to_wait

T = TypeVar("T")

_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS)
_SHOWN_BODY = 80

MOST_KEYS = 100_000
"""Rows of a list or keys of a table: each may take two hundred bytes of memory, and more than it has."""


@dataclass(frozen=True)
class Known(Generic[T]):
    """It is there. ``value`` is what the server said of it."""

    value: T
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True)
class Absent:
    """The server says that it has none. ``status`` is 404, 410, or 451 where a law took it away."""

    url: str
    status: int
    exchanges: tuple[Exchange, ...]

    @property
    def words(self) -> str:
        """The answer and the address, in one line."""
        return f"{shown(self.url)} answered {self.status}"


@dataclass(frozen=True)
class Unknown:
    """Nobody can say. ``words`` says what was asked and what came, ``do`` what to do.

    ``final`` is whether asking again soon will help nothing; ``retry_after`` is the server's wish in seconds.
    """

    words: str
    do: str
    exchanges: tuple[Exchange, ...]
    final: bool = False
    retry_after: float | None = None

    def error(self) -> CannotJudge:
        """Return what a gate raises that needed to know."""
        return CannotJudge(self.words, do=self.do)


Short = Annotated[str, msgspec.Meta(max_length=2000)]
"""A name, a version or an address: a longer one is none, and would be told of in every line."""

Fact = Known[T] | Absent | Unknown


def text_of(outcome: Outcome, what: str, *, credential: str = "") -> Fact[bytes]:
    """Say what an outcome means, with the bytes of a document that is there.

    ``what`` names the thing in errors; ``credential`` says what to check where access is refused.
    """
    match outcome:
        case Unreachable(why=Why.REDIRECT) as lost:
            do = "find out why this address leads elsewhere, and name the right one"
            return Unknown(f"{what}: {lost.words}", do, lost.exchanges, final=True)
        case Unreachable() as lost:
            do = "look again; if it stays, see whether the service is down or this machine is offline"
            return Unknown(f"{what}: {lost.words}", do, lost.exchanges)
        case Answer(status=HTTPStatus.OK) as good:
            return Known(good.body, good.exchanges)
        case Answer(status=status) as gone if status in _GONE:
            return Absent(gone.url, status, gone.exchanges)
        case Answer() as other:
            return _refused(other, what, credential)


def _refused(answer: Answer, what: str, credential: str) -> Unknown:
    place = f"{shown(answer.url)} answered {answer.status}"
    wait = asked_to_wait(answer.status, answer.headers, answer.body, time.time())
    if wait is not None:
        seconds = max(1, round(wait))
        words = f"{what}: {place}: a rate limit is exceeded, it asks to wait {seconds} s"
        do = f"look again in {seconds} s"
        return Unknown(words, do, answer.exchanges, retry_after=wait)
    if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        do = credential or "see whether this may be read without credentials"
        return Unknown(f"{what}: {place}: access was refused", do, answer.exchanges, final=True)
    transient = (
        answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.REQUEST_TIMEOUT
    )
    do = "look again; the service has trouble" if transient else "see what the service says at that address"
    return Unknown(f"{what}: {place}{_said(answer.body)}", do, answer.exchanges, final=not transient)


def _said(body: bytes) -> str:
    """Return the beginning of an error's body in one line, nothing for markup."""
    text = body[: 4 * _SHOWN_BODY].decode("utf-8", "replace")
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f": {line[:_SHOWN_BODY]}" if line and not line.startswith("<") else ""


def json_of(
    outcome: Outcome, kind: type[T], what: str, *, credential: str = "", each: bytes = b""
) -> Fact[T]:
    """The same for a document of JSON, decoded strictly as ``kind``, a msgspec type.

    ``each`` is the sign that a document has at least once for each row, or each key of a table, of its kind.
    A document with more of them than MOST_KEYS is not read.
    """
    fact = text_of(outcome, what, credential=credential)
    if not isinstance(fact, Known):
        return fact
    assert isinstance(outcome, Answer)  # noqa: S101  (only an answer is Known)
    if each and fact.value.count(each) > MOST_KEYS:
        words = f"{what}: {shown(outcome.url)} lists more than the {MOST_KEYS} entries that are looked at"
        return Unknown(words, "see which registry answers there", fact.exchanges, final=True)
    try:
        return Known(read_json(fact.value, kind), fact.exchanges)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = found_in(outcome, error)
        words = f"{what}: expected JSON as the service publishes it, found {found} at {shown(outcome.url)}"
        do = (
            "look again; if it stays, the service answers in another shape than it publishes, or a proxy does"
        )
        return Unknown(words, do, fact.exchanges)


def found_in(answer: Answer, error: Exception) -> str:
    """Say what a body is that could not be decoded."""
    if is_html(answer) or answer.body[:200].lstrip()[:1] == b"<":
        return "HTML"
    if not answer.body.strip():
        return "nothing"
    if isinstance(error, msgspec.ValidationError):
        return f"another shape ({error})"
    return f"{len(answer.body)} bytes that are no JSON ({error})"


def is_html(answer: Answer) -> bool:
    """Whether an answer calls itself a page, as that of a network that wants somebody to sign in."""
    said = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return said in ("text/html", "application/xhtml+xml")


def known(fact: Fact[T], what: str = "") -> T:
    """Return the value of a fact that must be there. Raises CannotJudge for anything else."""
    match fact:
        case Known(value=value):
            return value
        case Absent(words=words):
            text = f"{what}: {words}" if what else words
            raise CannotJudge(text, do="see whether the name is right and the credentials may read it")
        case Unknown() as unknown:
            raise unknown.error()
