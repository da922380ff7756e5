"""The archive of a build's artifact is as large as native libraries make it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.github.answers import ArtifactFacts
from pytest_relgate.net.facts import Known
from pytest_relgate.sandbox.twins.exchange import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.github.conftest import Made


def test_an_archive_larger_than_any_document_is_read_whole(made: Callable[..., Made]) -> None:
    body = b"PK" + bytes(40 << 20)
    zipped = Answer(200, body, {"content-type": "application/zip"})
    api = made({"/actions/artifacts/5/zip": zipped}).api
    found = api.archive(
        ArtifactFacts(5, "dist", len(body), expired=False, archive_download_url="https://github.example/zip")
    )
    assert isinstance(found, Known), found
    assert len(found.value) == len(body)
