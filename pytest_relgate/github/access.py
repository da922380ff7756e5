"""What a release is done with: hosts that answer, tokens that are taken. SPEC S6, S9, S14.

A probe has three bad answers that are never folded into each other: there is no token, the token is refused,
and nobody can say. The first two are findings, the third is an error.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.net.exchange import Answer, Unreachable, origin_of, shown
from pytest_relgate.net.http import Http
from pytest_relgate.net.request import Credential, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_relgate.net.exchange import Outcome
    from pytest_relgate.net.origins import Origins
    from pytest_relgate.profile.channels import Channel
    from pytest_relgate.source.workflow_secrets import Uses

DEADLINE: Final = 20.0
"""Seconds in which every host must have answered; all are asked at once."""

_JSON: Final = "application/json"
_TROUBLE: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_SAMPLE: Final = "sampleproject"
"""A project that PyPI itself keeps. The own one is not asked for: a registry caches that it is not there."""


class Host(NamedTuple):
    """A service, and an address of it that is asked; ``names`` are those that need it."""

    names: tuple[str, ...]
    url: str
    accept: str = _JSON


def hosts_of(channels: Mapping[str, Channel], origins: Origins, repository: str) -> tuple[Host, ...]:
    """GitHub, and the registry of every channel or what its ``base`` names; each address once."""
    asked: dict[str, list[str]] = {}
    if repository:
        asked[f"{origins.github_api}/repos/{repository}"] = ["GitHub"]
    for name, channel in channels.items():
        match channel.kind:
            case "crates":
                url = f"{channel.base or origins.crates_index}/config.json"
            case "npm":
                url = f"{channel.base or origins.npm}/-/ping"
            case "pypi":
                url = f"{channel.base or f'{origins.pypi}/simple'}/{_SAMPLE}/"
            case "homebrew":
                url = f"{origins.github_api}/repos/{channel.tap}"
            case _:
                url = f"{origins.github_api}/repos/{repository}"
        asked.setdefault(url, []).append(name)
    accepts = "application/vnd.pypi.simple.v1+json, application/json;q=0.9"
    return tuple(
        Host(tuple(names), url, accepts if url.endswith(f"/{_SAMPLE}/") else _JSON)
        for url, names in asked.items()
    )


def trouble_with(outcome: Outcome) -> str:
    """What keeps a host from answering, in words; empty where it answers, whatever it says."""
    match outcome:
        case Unreachable() as lost:
            return lost.words
        case Answer(status=status) if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _TROUBLE:
            return f"{shown(outcome.url)} answered {status}"
        case Answer(status=HTTPStatus.OK) if outcome.body[:200].lstrip()[:1] == b"<":
            return f"{shown(outcome.url)} answered with a page for people: does a proxy want a sign-in?"
        case _:
            return ""


# Tokens


class Token(StrEnum):
    """What is known of a token."""

    WORKS = "works"
    PRESENT = "is there, and its registry can only be asked by publishing"
    ABSENT = "is empty"
    MALFORMED = "is no token of this registry"
    REFUSED = "is refused"
    UNCLEAR = "cannot be told"

    @property
    def bad(self) -> bool:
        """Whether a publish with it would fail for certain."""
        return self in (Token.ABSENT, Token.MALFORMED, Token.REFUSED)


_BEGINS: Final = {"npm": "npm_", "pypi": "pypi-"}
"""How tokens begin: docs.npmjs.com, "About access tokens"; pypi.org/help, "API tokens"."""

_FIXES: Final = {
    "npm": "make a granular token that may publish, without asking for a one-time password",
    "pypi": "make an API token in the account settings of PyPI; its value begins with pypi-",
    "crates": "make a token that may publish, at crates.io/settings/tokens",
    "homebrew": "make a token that may write to the tap",
}


def judge_token(kind: str, value: str | None, outcome: Outcome | None = None) -> tuple[Token, str]:
    """Say what a token is worth, with words, by its form and by what its registry answered to it.

    ``outcome`` is None where the registry has not been asked; PyPI has nothing that can be asked.
    npm: ``/-/whoami``. crates.io: ``/api/v1/me``, which no token may read: that it says so of this address,
    and not of the token, shows that it knows the token (rust-lang/crates.io, ``src/auth.rs``). A tap: the
    repository, as GitHub shows it to the token.
    """
    plain = (value or "").strip()
    begin = _BEGINS.get(kind, "")
    if not plain:
        return Token.ABSENT, ""
    if begin and (not plain.startswith(begin) or plain == begin):
        return Token.MALFORMED, f"it does not begin with {begin} and go on"
    if kind == "pypi":
        return Token.PRESENT, ""
    match outcome:
        case None:
            return Token.UNCLEAR, "it was not asked"
        case Unreachable() as lost:
            return Token.UNCLEAR, lost.words
        case Answer():
            return _judge_answer(kind, outcome)


def _judge_answer(kind: str, answer: Answer) -> tuple[Token, str]:  # noqa: PLR0911  (one line for each)
    said = answer.body[:400].decode("utf-8", "replace")
    words = f"{shown(answer.url)} answered {answer.status}"
    match answer.status:
        case HTTPStatus.OK if kind == "homebrew" and '"push":true' not in _squeezed(answer.body):
            return Token.REFUSED, "it may not write to the tap"
        case HTTPStatus.OK:
            return Token.WORKS, words
        case HTTPStatus.UNAUTHORIZED if "otp" in answer.headers.get("www-authenticate", "").lower():
            return Token.REFUSED, f"{words}: a one-time password is asked for"
        case HTTPStatus.UNAUTHORIZED:
            return Token.REFUSED, words
        case HTTPStatus.FORBIDDEN if kind == "crates" and "authentication failed" in said:
            return Token.REFUSED, f"{words}: authentication failed"
        case HTTPStatus.FORBIDDEN if kind == "crates" and "on the crates.io website" in said:
            return Token.WORKS, f"{words}, as it does to every token that it knows"
        case _:
            return Token.UNCLEAR, words


def _squeezed(body: bytes) -> str:
    return "".join(body.decode("utf-8", "replace").split())


@dataclass(frozen=True)
class Access:
    """The services of one release, as seen from here. ``environ`` may hold tokens under their secrets' names.

    ``client`` makes a client with credentials. ``uses`` says which jobs read which secrets, None where no
    workflow says so; ``days`` how long the token in a secret can live. ``handed`` is whether the tokens in
    ``environ`` were handed over by a workflow: a person's own under the same name is another one.
    """

    http: Http
    origins: Origins
    channels: Mapping[str, Channel]
    repository: str
    environ: Mapping[str, str] = field(repr=False)
    deadline: float = DEADLINE
    client: Callable[[tuple[Credential, ...]], Http] = Http
    uses: Callable[[], Uses | None] = lambda: None
    days: Mapping[str, int] = field(default_factory=dict)
    handed: bool = True

    def every_host_answers(self) -> Literal[True]:
        """GitHub and every registry answer, all asked at once, within one deadline (SPEC S6).

        Raises CannotJudge that names each that does not.
        """
        hosts = hosts_of(self.channels, self.origins, self.repository)
        if not hosts:
            message = "the profile names neither a repository nor a channel, so there is no host to ask"
            raise CannotJudge(message, do="add repository and [channels] to relgate.toml")
        limits = Limits(total=self.deadline)
        with ThreadPoolExecutor(max_workers=len(hosts), thread_name_prefix="host") as threads:
            asked = [
                threads.submit(self.http.get, one.url, accept=one.accept, limits=limits) for one in hosts
            ]
            found = [trouble_with(one.result()) for one in asked]
        silent = [
            f"{', '.join(host.names)} ({words})" for host, words in zip(hosts, found, strict=True) if words
        ]
        if silent:
            several = "does not answer" if len(silent) == 1 else "do not answer"
            message = f"{len(silent)} of {len(hosts)} hosts {several}: {'; '.join(silent)}"
            do = "look again; if it stays, see the service's status page, or whether this machine is offline"
            raise CannotJudge(message, do=do)
        return True

    def takes_tokens(
        self, secrets: Iterable[str], attach: Callable[[str, str], object] | None = None
    ) -> Literal[True]:
        """No registry refuses a token of these secrets that a workflow handed to this run (SPEC S6, S9).

        A secret that was not handed over is not asked about here: that it is configured says
        ``has_secrets``, that it works the preflight of the rehearsal, without which nothing is published.
        Raises Finding for tokens that are empty, malformed or refused, CannotJudge where nobody can say.
        """
        wanted = set(secrets)
        stated = [(name, one) for name, one in self.channels.items() if one.secret in wanted]
        held = [(name, one) for name, one in stated if self.handed and one.secret in self.environ]
        with ThreadPoolExecutor(max_workers=max(1, len(held)), thread_name_prefix="token") as threads:
            found = dict(zip((name for name, _ in held), threads.map(self._token, held), strict=True))
        if attach is not None:
            attach("tokens.md", _table(stated, found))
            attach("note-tokens.txt", _note([one.secret for name, one in stated if name not in found]))
        bad = [(self.channels[name], *told) for name, told in found.items() if told[0].bad]
        if bad:
            named = "; ".join(
                f"{one.secret} {token}{f': {words}' if words else ''}" for one, token, words in bad
            )
            do = "; ".join(dict.fromkeys(_FIXES[one.kind] for one, _, _ in bad if one.kind in _FIXES))
            raise Finding(named, do=f"{do}; then gh secret set {bad[0][0].secret}")
        unclear = [(self.channels[name], told[1]) for name, told in found.items() if told[0] is Token.UNCLEAR]
        if unclear:
            named = "; ".join(f"{one.secret}: {words}" for one, words in unclear)
            do = "look again; if it stays, the preflight of the rehearsal must tell"
            message = f"whether the registry takes it {Token.UNCLEAR}: {named}"
            raise CannotJudge(message, do=do)
        return True

    def _token(self, named: tuple[str, Channel]) -> tuple[Token, str]:
        _, channel = named
        value = self.environ.get(channel.secret, "").strip()
        before = judge_token(channel.kind, value)
        if before[0] is not Token.UNCLEAR:
            return before
        url, sent = self._probe(channel, value)
        if not url or not value.isascii() or not value.isprintable():
            return Token.UNCLEAR, f"nothing is known that a channel of the kind {channel.kind} could be asked"
        with self.client((Credential(origin_of(url), sent),)) as http:
            return judge_token(channel.kind, value, http.get(url, accept=_JSON, limits=Limits(self.deadline)))

    def _probe(self, channel: Channel, value: str) -> tuple[str, str]:
        """The address that shows what a token is worth, and the header that carries it.

        A mirror is somebody else's: it is read from, and the token of the registry is not for it.
        """
        base = "" if channel.mirror else channel.base
        match channel.kind:
            case "npm":  # sent by us: npm itself leaves out a token that stands in the environment
                return f"{base or self.origins.npm}/-/whoami", f"Bearer {value}"
            case "crates" if not base:  # where the API of another registry is, its index would say
                return f"{self.origins.crates_api}/api/v1/me", value
            case "homebrew":
                return f"{self.origins.github_api}/repos/{channel.tap}", f"Bearer {value}"
            case "github-release":
                return f"{self.origins.github_api}/repos/{self.repository}", f"Bearer {value}"
            case _:
                return "", ""


def _note(unasked: list[str]) -> str:
    """One line for a report's notes on tokens that nobody has asked about here."""
    names = ", ".join(dict.fromkeys(unasked))
    return (
        f"not handed to this run, so the rehearsal's preflight must show that it works: {names}\n"
        if names
        else ""
    )


def _table(stated: list[tuple[str, Channel]], found: Mapping[str, tuple[Token, str]]) -> str:
    lines = ["| channel | secret | what is known |", "|---|---|---|"]
    for name, channel in stated:
        told = found.get(name)
        words = (
            f"{told[0]}{f': {told[1]}' if told[1] else ''}" if told else "not handed to this run, not asked"
        )
        lines.append(f"| {name} | {channel.secret} | {words} |")
    return "\n".join(lines) + "\n"
