"""What a build that cannot be used means: its own word against it is never hidden by a weaker source."""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import pytest

from pytest_relgate.channels.built import Built, digests_of_build
from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.github.answers import ArtifactFacts, WorkflowRun
from pytest_relgate.github.build import Build, Metadata
from pytest_relgate.net.facts import Absent, Known, Unknown
from pytest_relgate.profile.source import Workflows

COMMIT = "5" * 40
RIGHT = Metadata(tag="v1.0.0", version="1.0.0", source_sha=COMMIT)


class Archives:
    """GitHub as far as archives of artifacts go."""

    def __init__(self, fact: Any) -> None:
        self.fact = fact

    def archive(self, one: ArtifactFacts, into: BinaryIO | None = None) -> Any:
        found = self.fact(one) if callable(self.fact) else self.fact
        if not isinstance(found, Known):
            return found
        if into is not None:
            into.write(found.value)
        return Known(f"sha256:{sha256(found.value).hexdigest()}", ())


def zipped(raw: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.crate", raw)
    return out.getvalue()


def build(metadata: Metadata, fact: Any, *, expired: bool = False) -> Build:
    workflows = Workflows(build="release.yml", metadata="proof")
    made = Build(cast("Any", Archives(fact)), workflows, target="v1.0.0", commit=COMMIT)
    made.run = WorkflowRun(
        1, COMMIT, "v1.0.0", "push", "completed", "success", "https://x", "", "release.yml"
    )
    made.uploaded = tuple(
        ArtifactFacts(n, name, 1, expired, "https://x") for n, name in enumerate(("proof", "dist"))
    )
    if not expired:
        made.metadata = metadata
    return made


def digests(made: Build) -> Built:
    nowhere = Path(__file__).with_suffix(".none")
    return digests_of_build({"a.crate"}, evidence=nowhere, commit=COMMIT, sandbox=False, build=made)


def test_metadata_of_another_build_is_said() -> None:
    other = Metadata(tag="v1.0.0", version="1.0.0", source_sha="6" * 40)
    unknown = Unknown("the artifact: no answer", "look again", ())
    with pytest.raises(Finding, match="is of another build"):
        digests(build(other, unknown))


def test_a_build_that_nobody_can_see_stays_unknown() -> None:
    with pytest.raises(CannotJudge, match="no answer"):
        digests(build(RIGHT, Unknown("the artifact: no answer", "look again", ())))


@pytest.mark.parametrize("expired", [True, False])
def test_a_build_that_has_expired_leaves_it_to_a_weaker_source(expired: bool) -> None:
    found = digests(build(RIGHT, Absent("https://x", 410, ()), expired=expired))
    assert found.digests == {}
    assert "has expired" in found.source


@pytest.mark.parametrize("bytes_of", [{2: b"x", 3: b"x"}, {2: b"x", 3: b"y"}], ids=["same", "other"])
def test_a_build_that_ran_again_after_the_publish_calls_nothing_wrong(bytes_of: dict[int, bytes]) -> None:
    """Which attempt was published nobody knows: where they differ, the build says nothing of the file."""
    made = build(RIGHT, lambda one: Known(zipped(bytes_of[one.id]), ()))
    made.run = msgspec.structs.replace(made.run, run_attempt=2)
    made.uploaded = tuple(
        ArtifactFacts(number, name, 1, expired=False, archive_download_url="https://x")
        for number, name in enumerate(("proof", "proof", "dist", "dist"))
    )
    same = bytes_of[2] == bytes_of[3]
    assert digests(made).digests == ({"a.crate": sha256(b"x").hexdigest()} if same else {})
