"""What happened in the sandbox is filed with the sandbox's own GitHub, and stays there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.cli.trackers import tracker
from pytest_relgate.evidence import incident as written
from pytest_relgate.judge.incidents import Kind
from pytest_relgate.profile import parse_profile

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_an_incident_of_the_sandbox_reaches_no_real_tracker_and_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GH_TOKEN", "a real one that is not for the sandbox")
    profile = parse_profile(b'project = "plasmite"\nrepository = "sandover/plasmite"\n', "relgate.toml")
    document = written.IncidentDocument(
        schema=1,
        key="0123456789abcdef",
        kind=Kind.CHANNELS,
        title="partial publish",
        words="partial publish",
        project="plasmite",
        release="v0.1.10",
        at="2026-03-16T12:00:00Z",
        sandbox=True,
    )
    filed = []
    for _ in range(2):  # each opens the sandbox anew
        with tracker("github", tmp_path, profile, document, allow_sandbox=False) as github:
            filed.append(github.file(document, ""))
    assert [fresh for _, fresh in filed] == [True, False]
    assert all(said.startswith("http://127.0.0.1:") and said.endswith("/issues/1") for said, _ in filed)
