from __future__ import annotations

import base64
import html
import io
import json
from itertools import pairwise
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_relgate.exec.redact import MARK, RedactingWriter, Redactor, secret_values

TOKEN = "ghp_Zx81/+k Q&<\"'é%Q"  # every character that some encoding writes in another way
PEM = """-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASC
q83vEjRWeJq83vEjRWeJq83vEjRWeJo=
short
-----END PRIVATE KEY-----
"""

LETTERS = st.text("xy[]\n", min_size=1, max_size=3)
ENDS_OF_MARK = st.integers(1, len(MARK) - 1).map(lambda n: MARK[-n:])
BEGINNINGS_OF_MARK = st.integers(1, len(MARK) - 1).map(lambda n: MARK[:n])
# Secrets that begin with one another, that overlap with the mark, that lie in it, that contain it.
SECRETS = st.lists(
    st.one_of(
        st.text("xy", min_size=1, max_size=6),
        st.tuples(ENDS_OF_MARK, LETTERS).map("".join),
        st.tuples(LETTERS, BEGINNINGS_OF_MARK).map("".join),
        ENDS_OF_MARK,
        st.tuples(st.text("xyz", min_size=4, max_size=5), st.just(MARK), LETTERS).map("".join),
    ),
    max_size=4,
)
CUTS = st.lists(st.integers(0, 60), max_size=12)


@st.composite
def wicked(draw: st.DrawFn) -> tuple[list[str], str]:
    """Secrets, and a text of nothing but them, their beginnings, marks and pieces of marks."""
    secrets = draw(SECRETS)
    words = [*secrets, *(secret[:-1] for secret in secrets), MARK, "x", "xyzx", "xyzxy"]
    word = st.one_of(st.sampled_from(words), LETTERS, ENDS_OF_MARK, BEGINNINGS_OF_MARK)
    return secrets, "".join(draw(st.lists(word, max_size=8)))


unhurried = settings(deadline=None)
thorough = settings(deadline=None, max_examples=300)


def in_pieces(redactor: Redactor, raw: bytes, cuts: list[int]) -> bytes:
    places = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    stream = redactor.stream()
    return b"".join(stream.feed(raw[a:b]) for a, b in pairwise(places)) + stream.close()


@thorough
@given(wicked(), CUTS)
@example((["x["], "x[redacted]"), [2])
@example((["]["], "[redacted]["), [10])
def test_pieces_are_redacted_as_if_they_were_one(given: tuple[list[str], str], cuts: list[int]) -> None:
    secrets, text = given
    redactor = Redactor(secrets)
    assert in_pieces(redactor, text.encode(), cuts).decode() == redactor.text(text)


@thorough
@given(wicked())
@example((["xyzx[redacted]y", "secret"], "xyzxsecrety"))
def test_redacting_twice_changes_nothing_more(given: tuple[list[str], str]) -> None:
    secrets, text = given
    redactor = Redactor(secrets)
    once = redactor.text(text)
    assert redactor.text(once) == once
    assert not redactor.holds(once)


@unhurried
@given(
    st.lists(st.text("xyz019", min_size=1, max_size=12), min_size=1, max_size=5),
    st.data(),
    CUTS,
)
def test_no_secret_survives_in_any_pieces(secrets: list[str], data: st.DataObject, cuts: list[int]) -> None:
    words = data.draw(st.lists(st.sampled_from([*secrets, "x", "y1", " ", "\n", "é"]), max_size=40))
    clean = in_pieces(Redactor(secrets), "".join(words).encode(), cuts).decode()
    assert not [secret for secret in secrets if secret in clean]


@unhurried
@given(st.lists(st.text("0123456789", min_size=4), max_size=4), st.text("abc é🦀[]\n\x00"), CUTS)
def test_text_without_secrets_is_untouched(secrets: list[str], text: str, cuts: list[int]) -> None:
    redactor = Redactor(secrets)
    assert redactor.text(text) == text
    assert not redactor.holds(text)
    assert in_pieces(redactor, text.encode(), cuts) == text.encode()


@unhurried
@given(st.binary(max_size=300), CUTS)
def test_bytes_that_are_no_text_pass(raw: bytes, cuts: list[int]) -> None:
    assert in_pieces(Redactor(["0123456789secret"]), raw, cuts) == raw


SPELLINGS = {
    "plain": TOKEN,
    "url": quote(TOKEN),
    "url-slash": quote(TOKEN, safe=""),
    "url-lower": quote(TOKEN, safe="")
    .replace("%2F", "%2f")
    .replace("%3C", "%3c")
    .replace("%2B", "%2b")
    .replace("%C3%A9", "%c3%a9"),
    "form": quote_plus(f"a {TOKEN} b"),
    "javascript": quote(TOKEN, safe="-_.!~*'()"),
    "json": json.dumps({"a": TOKEN}),
    "json-unicode": json.dumps({"a": TOKEN}, ensure_ascii=False),
    "json-php": json.dumps(TOKEN).replace("/", "\\/"),
    "json-go": json.dumps(TOKEN, ensure_ascii=False).replace("&", "\\u0026").replace("<", "\\u003c"),
    "python": repr([TOKEN]),
    "html": html.escape(TOKEN),
    "html-text": html.escape(TOKEN, quote=False),
    "json-in-html": html.escape(json.dumps({"a": TOKEN})),
    "json-in-jinja": html.escape(json.dumps(TOKEN)).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "xml": quoteattr(TOKEN),
    "base64": base64.b64encode(TOKEN.encode()).decode(),
    "base64-1": base64.b64encode(f"u{TOKEN}".encode()).decode(),
    "base64-2": base64.b64encode(f"u:{TOKEN}".encode()).decode(),
    "base64-3": base64.b64encode(f"us:{TOKEN}:x".encode()).decode(),
    "base64-url": base64.urlsafe_b64encode(f"user:{TOKEN}".encode()).decode(),
}


@pytest.mark.parametrize("written", SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_is_found_in_every_spelling(written: str) -> None:
    redactor = Redactor([TOKEN])
    text = f"before {written} after"
    clean = redactor.text(text)
    assert redactor.holds(text)
    assert MARK in clean
    assert "Zx81" not in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")


@unhurried
@given(st.text(min_size=8, max_size=20), st.binary(max_size=4), st.binary(max_size=4))
def test_base64_is_found_at_every_alignment(secret: str, before: bytes, after: bytes) -> None:
    text = base64.b64encode(before + secret.encode() + after).decode()
    assert Redactor([secret]).holds(text)


def test_the_longest_secret_is_replaced_first() -> None:
    redactor = Redactor(["hunter", "hunter22", "hunter2"])
    assert redactor.text("<hunter22> <hunter2> <hunter>") == "<[redacted]> <[redacted]> <[redacted]>"


def test_a_secret_that_its_own_mark_resembles_leaves_the_mark_alone() -> None:
    redactor = Redactor(["redacted", "d]more", "pass["])
    assert redactor.text("[redacted]more pass[redacted] pass[") == "[redacted]more pass[redacted] [redacted]"
    assert redactor.text("redacted") == MARK


def test_no_more_than_the_longest_spelling_is_kept_back() -> None:
    secret = "s3cret-" * 20
    almost = secret[:-1].encode()
    stream = Redactor([secret]).stream()
    given_out = sum(len(stream.feed(almost)) for _ in range(1000))
    assert 0 < 1000 * len(almost) - given_out <= 2 * len(secret)


def test_what_cannot_begin_a_secret_is_given_out_at_once() -> None:
    stream = Redactor(["0123456789"]).stream()
    assert stream.feed(b"ready\n") == b"ready\n"
    assert stream.feed(b"see 0123") == b"see "
    assert stream.feed(b"4!") == b"01234!"
    long = "0123456789" * 10
    assert Redactor([long]).stream().feed(f"{long[:80]}!".encode()) == f"{long[:80]}!".encode()


def test_a_redactor_does_not_show_its_secrets() -> None:
    assert repr(Redactor(["hunter22"])) == "Redactor(1 secrets)"


def test_a_redactor_without_secrets_hands_back_what_it_got() -> None:
    text = "some text"
    redactor = Redactor([""])
    assert redactor.text(text) is text
    assert not redactor.holds(text)
    raw = b"bytes"
    assert redactor.stream().feed(raw) is raw


def test_secrets_can_be_added() -> None:
    redactor = Redactor(["hunter22"])
    assert redactor.adding(["hunter22"]) is redactor
    assert redactor.adding(["swordfish"]).text("hunter22 swordfish") == f"{MARK} {MARK}"


def test_undecodable_bytes_of_an_environment_are_found() -> None:
    secret = b"p\xe4ssw\xf6rd".decode("utf-8", "surrogateescape")
    stream = Redactor([secret]).stream()
    assert stream.feed(b"<p\xe4ssw\xf6rd>") + stream.close() == b"<[redacted]>"
    assert Redactor([secret]).text(f"<{secret}>") == "<[redacted]>"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NPM_TOKEN", "npm_12345"),
        ("aws_secret_access_key", "AKIA/abc+def"),
        ("Some_Secret", "12345"),
        ("PGPASSWORD", "correct horse"),
        ("MY_PASSWORD_FILE_CONTENT", "hunter2"),
    ],
)
def test_values_are_secrets_by_the_name_of_their_variable(name: str, value: str) -> None:
    assert secret_values({name: value, "PATH": "/usr/bin", "TOKENS": "abcdef", "KEYBOARD": "qwerty"}) == (
        value,
    )


@pytest.mark.parametrize(
    "value", ["", "1", "1234", "true", "FALSE", "none", "default", "release", "=======", "  abcd  ", MARK]
)
def test_what_is_too_plain_to_be_a_secret_stays_readable(value: str) -> None:
    assert secret_values({"A_TOKEN": value}) == ()


def test_a_name_of_the_profile_makes_a_value_a_secret() -> None:
    environ = {
        "TAP_CREDENTIALS": "debug",
        "TAP_PIN": "1234",
        "tap_lower": "abcd",
        "TAP_FLAG": "true",
        "X": "y",
    }
    assert set(secret_values(environ, ["tap_*"])) == {"debug", "1234", "abcd"}
    assert secret_values(environ, ["TAP_PIN"]) == ("1234",)


@pytest.mark.parametrize("value", [PEM, PEM.strip().replace("\n", "\\n"), PEM.replace("\n", "\r\n")])
def test_a_key_of_several_lines_is_a_secret_as_a_whole_and_line_by_line(value: str) -> None:
    lines = PEM.splitlines()
    assert set(secret_values({"SIGNING_KEY": value})) == {value.strip(), lines[1], lines[2]}
    redactor = Redactor(secret_values({"SIGNING_KEY": value}))
    assert redactor.text(f"<{value.strip()}>") == "<[redacted]>"
    assert redactor.text(f"> {lines[1]} <") == "> [redacted] <"


def test_secrets_come_longest_first_and_once() -> None:
    environ = {"A_KEY": "abcde", "B_KEY": "abcdefgh", "C_KEY": "abcde"}
    assert secret_values(environ) == ("abcdefgh", "abcde")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 7


def test_a_wrapped_terminal_shows_no_secret_and_stays_a_terminal() -> None:
    terminal = Terminal()
    writer = RedactingWriter(terminal, Redactor(["0123456789"]))
    assert writer.write("token 01234") == 11
    writer.flush()
    assert terminal.getvalue() == "token "
    writer.writelines(["56789\n", "é done\n"])
    assert terminal.getvalue() == "token [redacted]\né done\n"
    assert (writer.isatty(), writer.fileno(), writer.encoding) == (True, 7, "utf-8")


def test_what_a_wrapped_terminal_kept_back_is_written_in_the_end() -> None:
    terminal = Terminal()
    writer = RedactingWriter(terminal, Redactor(["0123456789"]))
    writer.write("0123")
    assert terminal.getvalue() == ""
    writer.release()
    assert terminal.getvalue() == "0123"
    assert not terminal.closed
