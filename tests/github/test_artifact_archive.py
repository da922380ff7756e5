"""The archive of a build's artifact is as large as native libraries make it, and fills no memory."""

from __future__ import annotations

import errno
import hashlib
import io
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.github.answers import ArtifactFacts
from pytest_relgate.github.artifact import files_of
from pytest_relgate.net.facts import Known
from pytest_relgate.sandbox.twins.exchange import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.github.conftest import Made

SIZE = 48 << 20


def zipped(*files: tuple[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing, compresslevel=1) as archive:
        for name, raw in files:
            archive.writestr(name, raw)
    return out.getvalue()


def artifact(raw: bytes, digest: str | None = None) -> ArtifactFacts:
    return ArtifactFacts(5, "dist", len(raw), expired=False, archive_download_url="https://x", digest=digest)


def said(raw: bytes, status: int = 200) -> dict[str, Answer]:
    return {"/actions/artifacts/5/zip": Answer(status, raw, {"content-type": "application/zip"})}


def names(given: Made, one: ArtifactFacts, largest: int = SIZE) -> list[str]:
    files = files_of(given.api, one, what="the artifact dist", where="https://x", do="build", largest=largest)
    return [path for path, _ in files]


def test_an_archive_larger_than_any_document_is_read_in_little_memory(made: Callable[..., Made]) -> None:
    raw = zipped(("a.so", bytes(SIZE)), ("b.so", bytes(SIZE)))
    given = made(said(raw))
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        digest = given.api.archive(artifact(raw))
        sizes = {
            path: hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # reads as a file does
            for path, file in files_of(
                given.api, artifact(raw), what="the artifact dist", where="https://x", do="build"
            )
        }
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert isinstance(digest, Known)
    assert digest.value == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert sizes == dict.fromkeys(("a.so", "b.so"), hashlib.sha256(bytes(SIZE)).hexdigest())
    assert peak < 24 << 20


HOSTILE = {
    "no-zip": (b"PK" + bytes(99), "is no zip archive"),
    "nothing": (b"", "is no zip archive"),
    "cut": (zipped(("a", b"x" * 99))[:-30], "is no zip archive"),
    "twice": (zipped(("a", b"1"), ("b", b"2")).replace(b"b", b"a"), "it holds a twice"),
    "bomb": (zipped(("a", bytes(2 << 20)), packing=zipfile.ZIP_DEFLATED), "a is larger than 1048576 bytes"),
    "flipped": (zipped(("a", b"x" * 99)).replace(b"xxx", b"yyy", 1), "Bad CRC"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_sound_archive_is_a_finding(made: Callable[..., Made], name: str) -> None:
    raw, words = HOSTILE[name]
    with pytest.raises(Finding, match=words):
        names(made(said(raw)), artifact(raw), largest=1 << 20)


def test_an_archive_that_is_another_than_was_uploaded_is_a_finding(made: Callable[..., Made]) -> None:
    raw = zipped(("a", b"x"))
    right = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert names(made(said(raw)), artifact(raw, right)) == ["a"]
    with pytest.raises(Finding, match="is not what was uploaded: expected sha256:000000000000, found"):
        names(made(said(raw)), artifact(raw, f"sha256:{'0' * 64}"))


def test_an_archive_that_has_expired_is_said_to_have(made: Callable[..., Made]) -> None:
    with pytest.raises(Finding, match="has expired"):
        names(made(said(b"", 410)), artifact(b""))


def test_a_full_disk_says_nothing_of_an_archive(
    made: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    raw = zipped(("a.so", b"bytes"))
    monkeypatch.setattr(zipfile.ZipFile, "open", full)
    with pytest.raises(CannotJudge, match="could not be laid out on disk: No space left on device"):
        names(made(said(raw)), artifact(raw))
