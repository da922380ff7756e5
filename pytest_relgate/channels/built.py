"""What was built, by digest: what every channel is measured by, and never the channel itself (SPEC B6).

In this order: the sealed evidence of the build phase, the artifacts of the build run, what was downloaded
from it into a folder of the profile (``local.py``), the checksum file of the release. The last is weaker,
because whoever could change the assets could change it too, and is said to be so.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.decoding import read_json
from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.net.facts import Absent, Known
from pytest_relgate.source.bounded import digest_of
from pytest_relgate.source.formula_rules import read_checksums

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pytest_relgate.channels.observation import Expectation
    from pytest_relgate.github.answers import ArtifactFacts
    from pytest_relgate.github.api import Api
    from pytest_relgate.github.build import Build


_AT_ONCE: Final = 4
"""Artifacts that are read at once: a build has a dozen or two, and GitHub wants few requests at a time."""


class Built(msgspec.Struct, frozen=True):
    """Digests (SHA-256 in hex by file name), where they come from in words, and what else was tried.

    ``weak`` are the files whose digests only the release's own checksum file tells.
    """

    digests: dict[str, str] = {}
    source: str = ""
    weak: frozenset[str] = frozenset()


class _Artifact(msgspec.Struct, frozen=True):
    name: str
    sha256: str


class _Subject(msgspec.Struct, frozen=True):
    commit: str
    artifacts: tuple[_Artifact, ...] = ()


class _Evidence(msgspec.Struct, frozen=True):
    verdict: str
    subject: _Subject
    sandbox: bool = False


def digests_of_build(
    wanted: Collection[str], *, evidence: Path, commit: str, sandbox: bool, build: Build
) -> Built:
    """Find the digests of ``wanted`` files in the build.

    ``evidence`` is the evidence.json of the build phase. Sources are not mixed for one file; what a stronger
    one has, a weaker one does not change. A build that is not there, or has expired, leaves what is missing
    to a weaker source. Raises Finding where its metadata is of another build or an archive is not what was
    uploaded, and CannotJudge where nobody can say: then the channel's own word would hide it.
    """
    found = from_evidence(evidence, commit=commit, sandbox=sandbox)
    sources = ["the evidence of the build"] if found else []
    why = "no build is at hand"
    if set(wanted) - found.keys():
        uploaded: dict[str, str] = {}
        try:
            uploaded = from_run(build)
        except NotYet as error:
            why = str(error)
        except CannotJudge as error:
            if build.workflows.build:
                raise
            why = str(error)
        except Finding as error:
            if not _is_gone(build):
                raise
            why = str(error)
        new = {name: digest for name, digest in uploaded.items() if name not in found and name in wanted}
        if new:
            sources.append(f"the artifacts of build run {build.run.id}")
        found |= new
    return Built(found, "; ".join(sources) or why)


def _is_gone(build: Build) -> bool:
    """Whether what the build uploaded is not kept any more, as GitHub does after some time, or never was."""
    proof = [one for one in build.artifacts if one.name == build.workflows.metadata]
    expired = any(one.expired for one in proof)
    return not proof or expired or any(isinstance(build.api.archive(one), Absent) for one in build.artifacts)


def from_evidence(path: Path, *, commit: str, sandbox: bool) -> dict[str, str]:
    """Digests in the evidence of a build phase that passed on this commit; none where there is none."""
    try:
        record = read_json(path.read_bytes(), _Evidence)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    if (record.verdict, record.subject.commit, record.sandbox) != ("PASSED", commit, sandbox):
        return {}
    return {one.name: one.sha256.removeprefix("sha256:") for one in record.subject.artifacts}


def from_run(build: Build) -> dict[str, str]:
    """Digests of every file in the artifacts of the build run, whose metadata must prove its source.

    Raises CannotJudge, Finding or NotYet where there is none that can be used. A name that stands for
    different bytes is left out: in several attempts too, since nobody knows which was there at the publish.
    """
    build.proves_its_source()
    found: dict[str, str] = {}
    unclear: set[str] = set()
    kept = [one for one in build.uploaded if not one.expired and one.name != build.workflows.metadata]

    def digests(artifact: ArtifactFacts) -> list[tuple[str, str]]:
        return [(path.rpartition("/")[2], digest_of(file)) for path, file in build.files(artifact)]

    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="artifact") as threads:
        for name, digest in chain.from_iterable(threads.map(digests, kept)):
            if found.setdefault(name, digest) != digest:
                unclear.add(name)
    return {name: digest for name, digest in found.items() if name not in unclear}


def measured(expected: Expectation, built: Built) -> Expectation:
    """What a channel must serve, with the digests of what was built."""
    return msgspec.structs.replace(
        expected,
        digests={file: built.digests[file] for file in expected.files if file in built.digests},
        source=built.source,
        weak=bool(expected.files & built.weak),
    )


def with_checksums(built: Built, files: Collection[str], api: Api, tag: str, name: str) -> Built:
    """Add what the checksum file of a release tells of its ``files``, and what it must be itself.

    Where the build is known, the file is held against it: it must list the other files with the digests of
    the build. Where it is not, the file is believed, and that is said.
    """
    raw = None if name in built.digests else _checksum_file(api, tag, name)
    if raw is None:
        return built
    sums = read_checksums(raw.decode("utf-8", "replace"))
    listed = {one: min(digests) for one, digests in sums.items() if len(digests) == 1}
    others = set(files) - {name}
    known = {one: digest for one, digest in built.digests.items() if one in others}
    if known.keys() == others:
        right = {one: listed.get(one) for one in others} == known
        text = raw if right else "".join(f"{known[one]}  {one}\n" for one in sorted(known)).encode()
        return msgspec.structs.replace(built, digests={**built.digests, name: sha256(text).hexdigest()})
    told = {one: digest for one, digest in listed.items() if one in others}
    source = f"{built.source}; the release's own {name}, which is weaker"
    weak = built.weak | ({*told, name} - built.digests.keys())
    return Built({**told, **built.digests, name: sha256(raw).hexdigest()}, source, weak)


def _checksum_file(api: Api, tag: str, name: str) -> bytes | None:
    release = api.release(tag)
    if not isinstance(release, Known):
        return None
    asset = next((one for one in release.value.assets if one.name == name), None)
    if asset is None:
        return None
    fact = api.asset_bytes(asset.url, name)
    return fact.value if isinstance(fact, Known) else None
