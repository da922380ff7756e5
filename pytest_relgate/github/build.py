"""The run that built a release: how it ended, what it uploaded, and from what. SPEC S35, S36."""

from __future__ import annotations

from functools import cached_property
from os import SEEK_END
from typing import TYPE_CHECKING, BinaryIO, Final, Literal

import msgspec

from pytest_relgate.decoding import read_json
from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.github.artifact import LARGEST_MEMBER, files_of
from pytest_relgate.github.provenance import Metadata, metadata_problems, run_for, run_problems
from pytest_relgate.github.triage import GOOD, RunRecord
from pytest_relgate.model import Artifact, BuildRun
from pytest_relgate.net.facts import Absent, Known, Unknown, known
from pytest_relgate.source.bounded import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.github.answers import ArtifactFacts, JobFacts, WorkflowRun
    from pytest_relgate.github.api import Api
    from pytest_relgate.github.means import Means
    from pytest_relgate.profile.source import Workflows

_LARGEST_METADATA: Final = 1 << 20


class Build:
    """The build of ``target`` at ``commit`` (40 hex digits) by the workflow that the profile names.

    ``means`` keep what is known of jobs that failed; ``given`` is the run that somebody named, 0 for the one
    of the tag.
    """

    def __init__(
        self,
        api: Api,
        workflows: Workflows,
        *,
        target: str,
        commit: str,
        means: Means | None = None,
        given: int = 0,
    ) -> None:
        self.api, self.workflows = api, workflows
        self.target, self.commit, self.given = target, commit, given
        self._means = means
        self._digests: dict[int, tuple[Artifact, ...]] = {}

    @cached_property
    def run(self) -> WorkflowRun:
        """The run: of the right workflow, on exactly the tag's commit, for the tag.

        The one that was named, however old it is; else of those on the commit the one of the tag.
        Raises NotYet where there is none, and Finding for one that was named and is another's.
        """
        workflow = self.workflows.build
        if not workflow:
            message = "the profile names no workflow under workflows.build"
            raise CannotJudge(message, do='add workflows.build = "release.yml" to relgate.toml')
        if self.given:
            return self._given(workflow)
        runs = known(self.api.runs(workflow, self.commit), f"the runs of {workflow}")
        found = run_for(runs, self.target)
        if found is None:
            words = f"{workflow} has no run for {self.target} on {self.commit[:12]} that GitHub lists"
            do = f"push the tag, or dispatch it: {self._by_hand}"
            raise NotYet(words, do=do)
        return found

    def _given(self, workflow: str) -> WorkflowRun:
        """The run that was named: asked for by its id, since no list goes back for ever."""
        match self.api.run(self.given):
            case Known(value=run):
                pass
            case Absent() as absent:
                words = f"there is no run {self.given} of {self.api.repository}: {absent.words}"
                raise Finding(words, do=f"name another with --release-build-run: gh run list -w {workflow}")
            case Unknown() as unknown:
                raise unknown.error()
        problems = list(run_problems(run, workflow=workflow, target=self.target, commit=self.commit))
        if problems:
            words = f"run {run.id} did not build {self.target}: {'; '.join(problems)}"
            do = f"name another with --release-build-run: gh run list -w {workflow} -c {self.commit[:12]}"
            raise Finding(words, where=run.html_url, do=do)
        return run

    @property
    def _by_hand(self) -> str:
        """The command that builds at the tag, so that the run carries it."""
        return f"gh workflow run {self.workflows.build} --ref {self.target} -f tag={self.target}"

    def succeeded(self) -> Literal[True]:
        """The run has ended, and well, in every job (SPEC S35)."""
        run = self.run
        attempt = f", attempt {run.run_attempt}" if run.run_attempt > 1 else ""
        place = f"{self.workflows.build}, run {run.id}{attempt} for {self.target}"
        jobs = known(self.api.jobs(run.id), f"the jobs of run {run.id}")
        red = [job for job in jobs if job.conclusion not in (None, *GOOD)]
        if red:  # said while others still run: there is nothing to wait for
            names = ", ".join(job.name for job in red[:4])
            do = self._read_failures(run, jobs)
            words = f"{place}: failed jobs: {names}"
            raise Finding(words, where=red[0].html_url or run.html_url, do=do)
        if run.status != "completed":
            words = f"{place} is {(run.status or 'unknown').replace('_', ' ')}"
            raise NotYet(words, where=run.html_url, do=f"look again when it has ended: gh run watch {run.id}")
        if run.conclusion != "success":
            words = f"{place} ended as {run.conclusion}, not as success"
            raise Finding(words, where=run.html_url, do=f"gh run view {run.id} --log-failed")
        if not jobs:
            words = f"{place} has no jobs: nothing was built"
            raise Finding(words, where=run.html_url)
        return True

    def _read_failures(self, run: WorkflowRun, jobs: tuple[JobFacts, ...]) -> str:
        """Put the run and the logs of its failed jobs into the evidence; return what to do (S44, S45)."""
        again = f"gh run view {run.id} --log-failed; mend it, then gh run rerun {run.id} --failed"
        means = self._means
        if means is None:
            return again
        with means.waiting():
            failed = means.triage.read(self.api, jobs, keep=means.keep, say=means.say, again=again)
        raw = msgspec.json.encode(RunRecord("build", self.target, run, jobs, failed, {}, again))
        means.keep(f"run-{run.id}.json", msgspec.json.format(raw, indent=1))
        return failed[0].remedy

    # -- artifacts ----------------------------------------------------------------------------------------

    @cached_property
    def uploaded(self) -> tuple[ArtifactFacts, ...]:
        """What the run uploaded, in every attempt."""
        return known(self.api.artifacts(self.run.id), f"the artifacts of run {self.run.id}")

    @cached_property
    def artifacts(self) -> tuple[ArtifactFacts, ...]:
        """What the run uploaded, as a publish takes it.

        A run that was started again lists what each attempt uploaded: of one name the newest stands, as
        actions/download-artifact takes it (actions/toolkit, ``ListArtifactsOptions.latest``).
        """
        if self.run.run_attempt == 1:
            return self.uploaded
        newest = {one.name: one.id for one in sorted(self.uploaded, key=lambda one: one.id)}
        return tuple(one for one in self.uploaded if newest[one.name] == one.id)

    def has_artifacts(self) -> Literal[True]:
        """The run uploaded exactly the artifacts that the profile names, and none has expired."""
        wanted = set(self.workflows.artifacts)
        if not wanted:
            message = "the profile names no workflows.artifacts, so nothing says what the build uploads"
            raise CannotJudge(message, do='add workflows.artifacts = ["dist"] to relgate.toml')
        run, names = self.run, [one.name for one in self.artifacts]
        problems = [
            *(f"{name} is missing" for name in sorted(wanted - set(names))),
            *(f"{name} is there and is not expected" for name in sorted(set(names) - wanted)),
            *(
                f"{name} is there {names.count(name)} times"
                for name in sorted(set(names))
                if names.count(name) > 1
            ),
            *(f"{one.name} has expired" for one in self.artifacts if one.expired),
            *(f"{one.name} is empty" for one in self.artifacts if not one.size_in_bytes),
        ]
        if problems:
            words = f"artifacts of run {run.id} for {self.target}: {'; '.join(problems)}"
            do = f"build again: {self._by_hand}"
            raise Finding(words, where=run.html_url, do=do)
        self._write_down()
        return True

    def _write_down(self) -> None:
        """Put which run it was, and the digest of every file, into the evidence: later phases rely on it.

        A name that stands for different bytes is left out.
        """
        if self._means is None:
            return
        proof = self.workflows.metadata
        with self._means.waiting():
            for artifact in self.artifacts:
                if artifact.name != proof and artifact.id not in self._digests:
                    for _ in self.files(artifact):
                        pass
        found: dict[str, Artifact] = {}
        unclear: set[str] = set()
        for artifact in self.artifacts:
            for one in self._digests.get(artifact.id, ()) if artifact.name != proof else ():
                if found.setdefault(one.name, one) != one:
                    unclear.add(one.name)
        made = tuple(one for name, one in sorted(found.items()) if name not in unclear)
        run = self.run
        record = BuildRun(run.id, run.run_attempt, run.html_url, run.head_sha, made)
        self._means.keep("build-run.json", msgspec.json.format(msgspec.json.encode(record), indent=1))

    def files(self, artifact: ArtifactFacts, largest: int = LARGEST_MEMBER) -> Iterator[tuple[str, BinaryIO]]:
        """Every file of an artifact with its path, one at a time: it is open until the next is asked for.

        Raises Finding for an archive that is broken or another.
        """
        what = f"the artifact {artifact.name} of run {self.run.id}"
        do = f"build again: {self._by_hand}"
        found: list[Artifact] = []
        for path, file in files_of(
            self.api, artifact, what=what, where=self.run.html_url, do=do, largest=largest
        ):
            digest, size = digest_of(file), file.seek(0, SEEK_END)
            found.append(Artifact(path.rpartition("/")[2], f"sha256:{digest}", size))
            file.seek(0)
            yield path, file
        self._digests[artifact.id] = tuple(found)

    @property
    def proof_is_gone(self) -> bool:
        """Whether nothing is left that says what was built from what: GitHub keeps artifacts for a while."""
        proof = [one for one in self.artifacts if one.name == self.workflows.metadata]
        return not proof or any(one.expired or isinstance(self.api.archive(one), Absent) for one in proof)

    # -- provenance ---------------------------------------------------------------------------------------

    @cached_property
    def metadata(self) -> Metadata:
        """What the build says of itself: one artifact with one JSON file, no more and no less (S36)."""
        name = self.workflows.metadata
        named = [one for one in self.artifacts if one.name == name]
        do = "look at what the build workflow uploads, and build again"
        if len(named) != 1:
            words = f"run {self.run.id} has {len(named) or 'no'} artifacts named {name}, expected one"
            raise Finding(words, where=self.run.html_url, do=do)
        if named[0].expired:
            words = f"the artifact {name} of run {self.run.id} has expired, and nothing proves what was built"
            raise Finding(words, where=self.run.html_url, do="build again")
        documents, raw = list[str](), b""
        for path, file in self.files(named[0], _LARGEST_METADATA):
            if path.endswith(".json"):
                documents, raw = sorted((*documents, path)), raw or file.read()
        if len(documents) != 1:
            found = ", ".join(documents) or "none"
            words = (
                f"{name} of run {self.run.id} holds {len(documents)} metadata files, expected one: {found}"
            )
            raise Finding(words, where=self.run.html_url, do=do)
        try:
            return read_json(raw, Metadata)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            words = f"{documents[0]} of run {self.run.id} is no build metadata: {error}"
            raise Finding(words, where=self.run.html_url, do=do) from None

    def proves_its_source(self) -> Literal[True]:
        """The metadata names the target, its version, and the commit that the run was on (S10, S36)."""
        run, built = self.run, self.metadata
        problems = list(metadata_problems(built, run, target=self.target, commit=self.commit))
        if problems:
            words = f"the metadata of run {run.id} is of another build: {'; '.join(problems)}"
            do = f"publish nothing from it; build {self.target} from {self.commit[:12]}"
            raise Finding(words, where=run.html_url, do=do)
        return True
