"""What every channel's observer is given, and what they share: names of versions, bytes of files."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from packaging.version import InvalidVersion
from packaging.version import Version as Pep440
from semver import Version

from pytest_relgate.channels.observation import Expectation, File, Observation, Presence
from pytest_relgate.errors import CannotJudge
from pytest_relgate.net.exchange import Answer, Exchange, Unreachable
from pytest_relgate.net.request import FILE, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_relgate.github.api import Api
    from pytest_relgate.net.facts import Absent, Unknown
    from pytest_relgate.net.http import Http
    from pytest_relgate.net.origins import Origins
    from pytest_relgate.profile.channels import Channel

WITHHELD: Final = 451


@dataclass
class Look:
    """One channel, and the means to look at it.

    ``package`` is its name there, ``largest`` the most bytes of a file. Bytes that were read once are not
    read again, unless past caches; ``fresh`` is set for such a look. ``over`` tells whether the job that
    publishes to the channel has ended well, so that nothing more will come. ``repository`` is the project's,
    ``owner/name``.
    """

    name: str
    channel: Channel
    package: str
    expected: Expectation
    tag: str
    http: Http
    origins: Origins
    api: Api
    largest: int
    over: Callable[[], bool]
    repository: str = ""
    fresh: bool = False
    exchanges: list[Exchange] = field(default_factory=list)
    _read: dict[tuple[str, str], File] = field(default_factory=dict)
    _places: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    _number: int = 0

    def begin(self, *, fresh: bool) -> None:
        """Begin a look; with ``fresh`` one that goes past caches."""
        self.fresh = fresh
        self._number += 1
        self.exchanges.clear()
        if fresh:
            self._read.clear()

    def url(self, address: str) -> str:
        """Return an address as it is asked for now: a cache knows no answer to a question never asked."""
        if not self.fresh:
            return address
        return f"{address}{'&' if '?' in address else '?'}relgate={self._number}"

    def unknown(self, why: Unknown, where: str) -> Observation:
        """Return what is seen by somebody who could see nothing."""
        return Observation(
            self.name,
            self.channel.kind,
            Presence.UNKNOWN,
            where=where,
            mirror=self.channel.mirror,
            problem=f"{self.name}: {why.words}",
            do=why.do,
            retry_after=why.retry_after,
            final=why.final,
            exchanges=(*self.exchanges, *why.exchanges),
        )

    def absent(self, why: Absent, where: str, resolved: str = "") -> Observation:
        """Return what is seen where the channel says that it has none."""
        return Observation(
            self.name,
            self.channel.kind,
            Presence.ABSENT,
            where=where,
            resolved=resolved,
            flags=frozenset({"withheld"}) if why.status == WITHHELD else frozenset(),
            mirror=self.channel.mirror,
            exchanges=(*self.exchanges, *why.exchanges),
        )

    def with_bytes(self, file: File, url: str, follow: frozenset[str]) -> File:
        """Read a file's bytes, and add the digests of what was served."""
        self._places[file.name] = (url, follow)
        key = (url, repr(sorted(file.stated.items())))
        known = self._read.get(key)
        if known is not None:
            return known
        algorithms = tuple(dict.fromkeys(("sha256", *file.stated)))
        limits = Limits(FILE.total, self.largest)
        outcome = self.http.hashed(
            self.url(url), algorithms=algorithms, limits=limits, follow=follow, fresh=self.fresh
        )
        self.exchanges += outcome.exchanges
        read = _served(file, outcome)
        if not read.unread:
            self._read[key] = read
        return read

    def bytes_of(self, file: File) -> bytes:
        """The bytes of a file whose digests were read before.

        Raises CannotJudge where they cannot be had, or are others by now.
        """
        url, follow = self._places.get(file.name, ("", frozenset()))
        if file.unread or not url:
            message = f"{self.name}: {file.name} cannot be opened: {file.unread or 'nobody served it'}"
            raise CannotJudge(message, do="look again")
        limits = Limits(FILE.total, self.largest, self.largest)
        outcome = self.http.get(url, accept="application/octet-stream", limits=limits, follow=follow)
        match outcome:
            case Answer(status=200, body=body) if sha256(body).hexdigest() == file.served.get("sha256"):
                return body
            case Answer(status=200):
                why = "it is another file than a moment ago"
            case Answer(status=status):
                why = f"{url} answered {status}"
            case Unreachable(words=words):
                why = words
        message = f"{self.name}: {file.name} cannot be opened: {why}"
        raise CannotJudge(message, where=url, do="look again")


def _served(file: File, outcome: Answer | Unreachable) -> File:
    match outcome:
        case Answer(status=200, size=size, digests=digests):
            return File(file.name, size, file.stated, dict(digests), "")
        case Answer(status=status, url=url):
            return File(file.name, file.size, file.stated, {}, f"{url} answered {status}")
        case Unreachable(words=words):
            return File(file.name, file.size, file.stated, {}, words)


ALGORITHMS: Final = ("sha256", "sha384", "sha512", "sha1", "md5", "blake2b")
"""Digests of bytes that are worked out; others that a channel states are left out."""


def usable(digests: Mapping[str, str]) -> dict[str, str]:
    """Digests by algorithms that can be worked out, in lower-case hex; the rest is left out."""
    found = {name.lower(): value.lower() for name, value in digests.items()}
    return {
        name: value
        for name, value in found.items()
        if name in ALGORITHMS and value and not value.strip("0123456789abcdef")
    }


def highest(versions: Iterable[str]) -> str:
    """The highest stable SemVer version, else the highest there is, empty for none; others are left out."""
    found = ""
    best: tuple[bool, Version] | None = None
    for text in versions:  # an index may have a hundred thousand lines: one at a time is kept
        try:
            parsed = Version.parse(text)
        except ValueError:
            continue
        rank = (parsed.prerelease is None, parsed)
        if best is None or rank > best:
            best, found = rank, text
    return found


def highest_python(versions: Iterable[Pep440]) -> str:
    """The same for versions of PEP 440: what pip takes where no version is named."""
    known = list(versions)
    stable = [one for one in known if not one.is_prerelease]
    return str(max(stable or known, default=""))


def spelled(version: str, kind: str) -> str:
    """A SemVer version as a channel of this kind spells it, empty where it has no such spelling.

    PEP 440 has alpha, beta, rc and dev, each with one number; anything else would become another version.
    """
    if kind != "pypi":
        return version
    parsed = Version.parse(version)
    words = (parsed.prerelease or "").split(".")
    if parsed.prerelease and (words[0] not in ("alpha", "beta", "rc", "dev", "a", "b") or len(words) > 2):  # noqa: PLR2004  (a word and its number)
        return ""
    if parsed.prerelease and not (len(words) == 2 and words[1].isdigit()):  # noqa: PLR2004  (a word and its number)
        return ""
    try:
        return str(Pep440(version))
    except InvalidVersion:
        return ""
