"""All channels of a release, looked at together: by the observers of ``channels`` and by its judge."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.audit import expecting
from pytest_relgate.audit.inside import Inside, opened
from pytest_relgate.channels import npm
from pytest_relgate.channels.judge import Judgement, judge
from pytest_relgate.channels.look import Look
from pytest_relgate.channels.observation import Expectation, Observation
from pytest_relgate.channels.outside import OBSERVERS
from pytest_relgate.channels.poll import settle
from pytest_relgate.github.api import Api
from pytest_relgate.net.request import FILE
from pytest_relgate.profile.channels import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from pytest_relgate.audit.draft import Assumed
    from pytest_relgate.audit.keeping import Keeping
    from pytest_relgate.audit.tagged import Tagged
    from pytest_relgate.net.origins import Origins

THREADS: Final = 8
ASSETS: Final = 14
"""Assets of a GitHub release that are read at most: each is a question, and strangers have 60 an hour.

With the manifests, the tap and a second look past caches at what seemed wrong an audit stays below that.
"""

_LISTED_FIRST: Final = ("github-release", "pypi")  # whose files are not known by their names beforehand


@dataclass
class Seen:
    """One channel, looked at and judged.

    ``inside`` is what was in its files, by name; ``says`` is the repository that the channel names for it.
    """

    assumed: Assumed
    seen: Observation
    judgement: Judgement
    expected: Expectation
    inside: dict[str, Inside] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    says: str = ""

    def is_of(self, repository: str) -> bool:
        """Whether a package is certainly of the project: it was named, or it says so itself."""
        if self.assumed.named or self.assumed.kind in ("github-release", "homebrew"):
            return True
        if repository and repository.lower() in self.says.lower():
            return True
        words = self.assumed.description
        return any(one.speaks_of(repository) or one.speaks_of(words) for one in self.inside.values())

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of its files in hex, as served, else as stated."""
        return {
            one.name: digest
            for one in self.seen.files
            if (digest := one.served.get("sha256") or one.stated.get("sha256", ""))
        }


class World:
    """The world outside, as a stranger sees it for one release. ``mirrors`` are addresses by kind."""

    def __init__(
        self, http: Keeping, origins: Origins, tagged: Tagged, repository: str, mirrors: Mapping[str, str]
    ) -> None:
        self.http, self.origins, self.tagged = http, origins, tagged
        self.repository, self.mirrors = repository, dict(mirrors)

    def look(self, channels: Sequence[Assumed]) -> list[Seen]:
        """Look at all of them at once; takes as long as the slowest, and no longer than the client has."""
        first = [one for one in channels if one.kind == "github-release"]
        rest = [one for one in channels if one.kind not in ("github-release", "homebrew")]
        taps = [one for one in channels if one.kind == "homebrew"]
        with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="audit") as threads, self._ended():
            release = [threads.submit(self._one, one, {}) for one in first]
            running = [threads.submit(self._with_companions, one, threads) for one in rest]

            def tap(one: Assumed) -> Seen:  # its archives are mostly those of the release
                served = {name: digest for done in release for name, digest in done.result().digests.items()}
                return self._one(one, served)

            formulas = [threads.submit(tap, one) for one in taps]
            found = [done.result() for done in release]
            for main in running:
                one, companions = main.result()
                found.append(one)
                found += [each.result() for each in companions]
            return found + [done.result() for done in formulas]

    @contextmanager
    def _ended(self) -> Iterator[None]:
        """Whoever interrupts an audit waits for no question that is not asked yet."""
        try:
            yield
        except BaseException:
            self.http.end()
            raise

    def _with_companions(self, one: Assumed, threads: ThreadPoolExecutor) -> tuple[Seen, list[Future[Seen]]]:
        """A package, and those that it names for single platforms: npm is silent on one that is missing."""
        main = self._one(one, {})
        if one.kind != "npm" or not main.seen.version:
            return main, []
        names, main.says = npm.companions(self._look_at(one))
        more = [
            msgspec.structs.replace(
                one, name=name, why=f"optionalDependencies of {one.name}", named=True, part_of=one.name
            )
            for name in names
        ]
        return main, [threads.submit(self._one, each, {}) for each in more]

    def _look_at(self, one: Assumed) -> Look:
        label = self.repository if one.kind == "github-release" else one.tap or one.name
        mirror = self.mirrors.get(one.kind, "")
        expected = Expectation(
            version=self.tagged.version,
            spelled=one.spelled,
            prerelease=self.tagged.prerelease,
            newest=False,  # a later release is no fault of this one, and a checkout may not know of it
        )
        return Look(
            name=f"{one.kind} {label}",
            channel=Channel(one.kind, tap=one.tap, formula=one.formula, base=mirror, mirror=bool(mirror)),  # type: ignore[arg-type]  # a kind of KINDS
            package=one.name,
            expected=expected,
            tag=self.tagged.tag,
            http=self.http,
            origins=self.origins,
            api=Api(self.http, self.origins.github_api, one.tap or self.repository),
            largest=FILE.size,
            over=lambda: False,
        )

    def _one(self, one: Assumed, elsewhere: Mapping[str, str]) -> Seen:
        look, observe = self._look_at(one), OBSERVERS[one.kind]
        base, notes = look.expected, []
        if one.kind in _LISTED_FIRST:
            look.begin(fresh=False)
            listed = observe(look)
            wanted = _to_be_read(listed)
            if len(wanted) < len(listed.files):
                left = len(listed.files) - len(wanted)
                notes.append(f"{left} files were not read: their digests are {look.name}'s own word")
            look.expected = msgspec.structs.replace(base, files=wanted)

        def see(fresh: bool) -> Observation:  # noqa: FBT001  (as poll's type says)
            look.begin(fresh=fresh)
            return _settled(observe(look), notes)

        def held_against(seen: Observation) -> Expectation:
            return expecting.expectation(base, seen, self._sums(seen), elsewhere)

        def say(seen: Observation, twice: bool) -> Judgement:  # noqa: FBT001  (as poll's type says)
            return judge(seen, held_against(seen), age=None, looked_twice=twice)

        settled = settle(see, say, wait=0)
        expected = held_against(settled.seen)
        inside = {
            file.name: opened(path, file.name)
            for file in settled.seen.files
            if (path := self.http.file(file.served.get("sha256", "")))
        }
        notes += expecting.choices(base, settled.seen)
        return Seen(one, settled.seen, settled.judgement, expected, inside, list(dict.fromkeys(notes)))

    def _sums(self, seen: Observation) -> dict[str, str]:
        """The texts of the checksum files among what was read."""
        if seen.kind != "github-release":
            return {}
        found = {}
        for file in seen.files:
            path = self.http.file(file.served.get("sha256", "")) if expecting.is_sums(file.name) else None
            if path is not None and path.stat().st_size < 1 << 20:
                found[file.name] = path.read_text("utf-8", "replace")
        return found


def _to_be_read(listed: Observation) -> frozenset[str]:
    """The files whose bytes are read: all of them, on GitHub no more than it answers a stranger."""
    names = [file.name for file in listed.files]
    if listed.kind != "github-release" or len(names) <= ASSETS:
        return frozenset(names)
    stated = {file.name for file in listed.files if file.stated.get("sha256")}
    ordered = sorted(names, key=lambda name: (not expecting.is_sums(name), name in stated, name))
    return frozenset(ordered[:ASSETS])


def _settled(seen: Observation, notes: list[str]) -> Observation:
    """Take out, and tell, what a maintainer may have wanted: archives in two places, another latest."""
    places = [one for one in seen.odd if " has its archives in " in one]
    notes += places
    resolved = seen.resolved
    if seen.kind == "github-release" and seen.version:
        if not resolved or expecting.is_older(resolved, seen.version):
            notes.append(f"{seen.channel} calls {resolved or 'no release'} the latest")
        resolved = "" if "prerelease" in seen.flags else seen.version
    odd = tuple(one for one in seen.odd if one not in places)
    return msgspec.structs.replace(seen, odd=odd, resolved=resolved)
