"""What gates see of the world outside, in one process: GitHub, and all channels, looked at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec
from semver import Version

from pytest_relgate.channels import crates, github_release, homebrew, npm, pypi
from pytest_relgate.channels.built import Built, digests_of_build, measured, with_checksums
from pytest_relgate.channels.channels import ChannelFacts, Channels
from pytest_relgate.channels.history import History
from pytest_relgate.channels.judge import judge
from pytest_relgate.channels.ledger import Ledger, ledger_of
from pytest_relgate.channels.local import with_local
from pytest_relgate.channels.look import Look, spelled
from pytest_relgate.channels.observation import Expectation, Observation
from pytest_relgate.channels.opened import UNOPENED, Opened
from pytest_relgate.channels.poll import Settled, settle
from pytest_relgate.channels.promised import held_by, named, promised_by
from pytest_relgate.channels.table import table_of
from pytest_relgate.clock import now
from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.github.access import Access
from pytest_relgate.github.api import Api
from pytest_relgate.github.dispatch import kind_of, names, names_a_tag
from pytest_relgate.github.facts import GitHub
from pytest_relgate.net.credentials import github_credentials, secrets_of
from pytest_relgate.net.facts import Absent, Known, Unknown
from pytest_relgate.net.http import Http
from pytest_relgate.source.files import CommittedFiles
from pytest_relgate.source.git import Repository
from pytest_relgate.source.versions import PLAIN, newest_of, parse_target, tag_like, version_of_tag
from pytest_relgate.source.workflow_graph import graph_of
from pytest_relgate.source.workflow_secrets import Uses, uses_of
from pytest_relgate.source.workflows import read_workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pytest_relgate.github.means import Means
    from pytest_relgate.net.origins import Origins
    from pytest_relgate.profile import Profile
    from pytest_relgate.profile.channels import Channel

OBSERVERS: Mapping[str, Callable[[Look], Observation]] = {
    "crates": crates.observe,
    "github-release": github_release.observe,
    "homebrew": homebrew.observe,
    "npm": npm.observe,
    "pypi": pypi.observe,
}


@dataclass
class Outside:
    """The world outside, for one release.

    ``evidence`` is the folder of the target's evidence, ``wait`` the seconds that channels are waited for,
    ``waiting`` a context in which time does not count against a gate, ``attach`` keeps a record,
    ``means`` are what it takes to start a workflow, ``hide`` is told of secrets that are used.
    """

    profile: Profile
    target: str
    commit: str
    repository: Path
    origins: Origins
    environ: Mapping[str, str]
    sandbox: bool
    evidence: Path
    wait: float = 0.0
    waiting: Callable[[], AbstractContextManager[Any]] = nullcontext
    attach: Callable[[str, str], object] | None = None
    means: Means | None = None
    hide: Callable[[tuple[str, ...]], None] = lambda _: None
    _open: list[Http] = field(default_factory=list)
    _released: dict[str, bool | None] = field(default_factory=dict)
    _mutex: Lock = field(default_factory=Lock)

    @cached_property
    def http(self) -> Http:
        """The client, with the credentials for GitHub."""
        credentials = github_credentials(self.environ, self.origins.github_api, ask_gh=not self.sandbox)
        self.hide(secrets_of(credentials))
        made = Http(credentials)
        self._open.append(made)
        return made

    def close(self) -> None:
        """Close every connection."""
        for one in self._open:
            one.close()

    @cached_property
    def api(self) -> Api:
        """GitHub's API for the project's repository. Raises CannotJudge where the profile names none."""
        if not self.profile.repository:
            message = "the profile names no repository on GitHub"
            raise CannotJudge(message, do='add repository = "owner/name" to relgate.toml')
        return Api(self.http, self.origins.github_api, self.profile.repository)

    @cached_property
    def github(self) -> GitHub:
        """The project on GitHub."""
        return GitHub(
            self.api,
            self.profile.workflows,
            target=self.target,
            commit=self.commit,
            environ=self.environ,
            means=self.means,
            reaching=[channel.job for channel in self.profile.channels.values() if channel.job],
            access=self.access,
        )

    @property
    def access(self) -> Access:
        """The hosts and the tokens of the release."""
        return Access(
            self.http,
            self.origins,
            self.profile.channels,
            self.profile.repository,
            self.environ,
            uses=self._uses,
            days=self.profile.secrets.days,
            handed=self.sandbox or self.environ.get("GITHUB_ACTIONS") == "true",
        )

    def _uses(self) -> Uses | None:
        """What the jobs of the release workflows read; None where they cannot be read."""
        stated = self.profile.workflows
        files = CommittedFiles(Repository(self.repository), self.commit)
        names = [name for name in (stated.build, stated.publish) if name]
        try:
            graphs = [graph_of(read_workflow(name, files.read), files.read) for name in names]
        except Finding:  # gates of their own say so
            return None
        return uses_of(graphs, stated.preflight) if stated.publish else None

    # -- channels -----------------------------------------------------------------------------------------

    @cached_property
    def channels(self) -> Channels:
        """All channels, looked at together by threads, settled. Takes as long as the slowest of them.

        What was built is found meanwhile: it is needed only once something was seen.
        """
        with self.waiting():
            return self._settled()

    def _settled(self) -> Channels:
        looks = {name: self._look(name, channel) for name, channel in self.profile.channels.items()}
        with ThreadPoolExecutor(max_workers=len(looks) + 2, thread_name_prefix="channel") as threads:
            building, publishing = threads.submit(self._built), threads.submit(self._published)

            def settled_one(look: Look) -> Settled:
                return self._settle(
                    look, lambda: measured(look.expected, building.result()), publishing.result
                )

            running = {name: threads.submit(settled_one, look) for name, look in looks.items()}
            built = building.result()
            settled = {name: future.result() for name, future in running.items()}
        facts = {
            name: ChannelFacts(name, settled[name], measured(look.expected, built))
            for name, look in looks.items()
        }
        failed = self._failed_jobs([name for name, one in facts.items() if not one.serves])
        for name in facts:
            self._keep(f"channel-{name}.json", settled[name])
        table = table_of(
            list(facts.values()),
            failed,
            at=now(),
            measured_by=built.source,
            weak=[name for name, one in facts.items() if one.expectation.weak and one.seen.version],
        )
        self._keep("channel-table.json", table)
        return Channels(
            facts, failed, table, lambda every: self._opened(every, looks), lambda: self._history(looks)
        )

    def _history(self, looks: Mapping[str, Look]) -> History:
        """Every version that every channel serves, against the tags of the repository."""
        found = [ledger_of(look) for look in looks.values()]
        return History(
            ledgers=[one for one in found if isinstance(one, Ledger)],
            unknown=[one.error() for one in found if isinstance(one, Unknown)],
            tags=self._tags,
            target=self.target,
            since=self.profile.history.since,
            abandoned=tuple(self.profile.abandoned.values()),
            asks_for=self._has_tag,
        )

    def _has_tag(self, tag: str) -> bool:
        """Whether the project has a tag that is not at hand. Raises CannotJudge where GitHub does not say."""
        match self.api.tag_commit(tag):
            case Known():
                return True
            case Absent():
                return False
            case Unknown() as unknown:
                raise unknown.error()

    def _opened(self, every: Channels, looks: Mapping[str, Look]) -> Opened:
        """The archives of every channel that has its own and serves the release."""
        mine = {one.name: one for one in every if one.seen.kind not in UNOPENED}
        files = {
            name: {file.name: file for file in one.seen.files if file.name in one.expectation.files}
            for name, one in mine.items()
        }
        late = [
            problem
            for one in mine.values()
            for opinion in (one.settled.judgement.version, one.settled.judgement.files)
            if (problem := one.raised_for(opinion)) and not isinstance(problem, Finding)
        ]
        return Opened(
            served={name: sorted(found) for name, found in files.items()},
            read=lambda name, file: looks[name].bytes_of(files[name][file]),
            waiting=late,
            version=self.target.removeprefix("v"),
            licences=self.profile.built.licences,
            holds=held_by(self.profile, self.repository, self.commit),
        )

    def _settle(
        self, look: Look, expectation: Callable[[], Expectation], publication: Callable[[], float | None]
    ) -> Settled:
        observe = OBSERVERS[look.channel.kind]

        def see(fresh: bool) -> Observation:  # noqa: FBT001  (as poll's type says)
            look.begin(fresh=fresh)
            return observe(look)

        def say(seen: Observation, twice: bool) -> Any:  # noqa: FBT001  (as poll's type says)
            published = publication()
            age = None if published is None else max(0.0, datetime.now(UTC).timestamp() - published)
            expected = msgspec.structs.replace(expectation(), newest=self._is_newest(seen.resolved))
            return judge(seen, expected, age=age, looked_twice=twice)

        return settle(see, say, wait=self.wait)

    def _look(self, name: str, channel: Channel) -> Look:
        version = self.target.removeprefix("v")
        parsed = Version.parse(version)
        spelling = spelled(version, channel.kind)
        package = channel.package or self.profile.project
        expected = Expectation(
            version=version,
            spelled=spelling,
            files=self.files_of(name),
            prerelease=parsed.prerelease is not None,
            commit=self.commit if channel.kind == "github-release" else "",
            provenance=channel.provenance,
        )
        return Look(
            name=name,
            channel=channel,
            package=package,
            expected=expected,
            tag=self.target,
            http=self.http,
            origins=self.origins,
            api=Api(self.http, self.origins.github_api, channel.tap or self.profile.repository),
            largest=self.profile.built.largest,
            over=lambda: self._ended_well(channel),
            repository=self.profile.repository,
        )

    def files_of(self, channel: str) -> frozenset[str]:
        """The names of the files that the release promises on a channel (SPEC B8)."""
        return frozenset(named(name, self.target) for name in self._promised.get(channel, ()))

    @cached_property
    def _promised(self) -> dict[str, tuple[str, ...]]:
        return promised_by(self.profile, self.repository, self.commit)

    def _is_newest(self, resolved: str) -> bool | None:
        """Whether no higher stable release than the target is known, where a channel gives ``resolved``.

        A checkout may have one tag only, so that GitHub is asked whether the project released what is given
        out; None where it does not say.
        """
        target = parse_target(self.target, like=self.target)
        newest = newest_of(self._tags, like=self.target)
        if newest is not None and parse_target(newest, like=newest) > target:
            return False
        given = version_of_tag(resolved, like=PLAIN)
        if given is None or given <= target or not self.profile.repository:
            return True
        with self._mutex:  # channels are looked at by threads
            if resolved not in self._released:
                self._released[resolved] = self._was_released(tag_like(self.target, resolved))
            released = self._released[resolved]
        return None if released is None else not released

    @cached_property
    def _tags(self) -> frozenset[str]:
        return frozenset(tag.name for tag in Repository(self.repository).tags())

    def _was_released(self, tag: str) -> bool | None:
        """Whether the project has a release, or a tag, of this name; None where GitHub does not say."""
        facts = (self.api.release(tag), self.api.tag_commit(tag))
        if any(isinstance(fact, Known) for fact in facts):
            return True
        return False if all(isinstance(fact, Absent) for fact in facts) else None

    def _built(self) -> Built:
        """What was built. Where nothing of it is at hand, the checksums of the release are believed."""
        channels = self.profile.channels
        wanted = frozenset(file for name in channels for file in self.files_of(name))
        folders = self.profile.built.downloaded
        if not self.profile.repository:
            nowhere = Built(source="the profile names no repository on GitHub")
            return with_local(nowhere, wanted, self.repository, folders)
        built = digests_of_build(
            wanted,
            evidence=self.evidence / "build" / "evidence.json",
            commit=self.commit,
            sandbox=self.sandbox,
            build=self.github.build,
        )
        built = with_local(built, wanted, self.repository, folders)
        for name, channel in channels.items():
            if channel.checksums:
                sums = named(channel.checksums, self.target)
                built = with_checksums(built, self.files_of(name), self.api, self.target, sums)
        return built

    def _published(self) -> float | None:
        """When the release was published, in seconds of the epoch; None where GitHub does not say."""
        if not self.profile.repository:
            return None
        release = self.api.release(self.target)
        if not isinstance(release, Known) or not release.value.published_at:
            return None
        try:
            return datetime.fromisoformat(release.value.published_at).timestamp()
        except ValueError:
            return None

    @cached_property
    def _publish_jobs(self) -> dict[str, str | None]:
        """How each job of the newest publish run for this release ended, by name; empty where none is known.

        The API does not show a run's inputs, its title says what it was: rehearsals and runs for another tag
        do not count, and a title that does not say leaves everything unknown.
        """
        workflow = self.profile.workflows.publish
        if not workflow or not self.profile.repository:
            return {}
        runs = self.api.recent_runs(workflow)
        if not isinstance(runs, Known):
            return {}
        mine = [
            run
            for run in runs.value
            if (run.head_sha == self.commit and not names_a_tag(run.display_title, self.target))
            or (names(run.display_title, self.target) and kind_of(run, self.target) != "rehearsal")
        ]
        if not mine or mine[0].status != "completed" or kind_of(mine[0], self.target) != "publish":
            return {}
        ended = self.api.jobs(mine[0].id)
        return {job.name: job.conclusion for job in ended.value} if isinstance(ended, Known) else {}

    def _ended_well(self, channel: Channel) -> bool:
        with self._mutex:  # channels are looked at by threads
            return bool(channel.job) and self._publish_jobs.get(channel.job) == "success"

    def _failed_jobs(self, late: list[str]) -> dict[str, str]:
        """The publish jobs of these channels that did not succeed; nothing where none is known."""
        jobs = {name: self.profile.channels[name].job for name in late}
        results = {name: self._publish_jobs.get(job) for name, job in jobs.items() if job}
        return {
            name: f"{jobs[name]} ({result})"
            for name, result in results.items()
            if result not in (None, "success")
        }

    def _keep(self, name: str, fact: msgspec.Struct) -> None:
        if self.attach is not None:
            record = msgspec.json.format(msgspec.json.encode(fact, order="deterministic"), indent=1)
            self.attach(name, record.decode())


def surroundings(environ: Mapping[str, str], sandbox: bool) -> dict[str, str]:  # noqa: FBT001  (a fact)
    """The environment that credentials are looked for in; in the sandbox nobody's real ones."""
    if not sandbox:
        return {**os.environ, **environ}
    return {"GH_TOKEN": "sandbox-token", **environ}  # opens nothing but the twins
