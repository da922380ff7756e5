"""GitHub keeps what a build uploaded for a while: a release that is older is no anomaly. SPEC S32."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_relgate.errors import Finding
from pytest_relgate.status.checkpoint import RunFact
from pytest_relgate.status.world import World


@pytest.mark.parametrize(
    ("gone", "mismatch", "unseen"),
    [(True, "", ["the build's metadata: it is not as it was"]), (False, "it is not as it was", [])],
)
def test_a_proof_that_is_not_kept_any_more_is_unseen_and_no_mismatch(
    *, gone: bool, mismatch: str, unseen: list[str]
) -> None:
    def proves_its_source() -> None:
        message = "it is not as it was"
        raise Finding(message)

    build = SimpleNamespace(proves_its_source=proves_its_source, proof_is_gone=gone)
    outside: Any = SimpleNamespace(github=SimpleNamespace(build=build))
    built = RunFact("build", 5, "https://hub/5", "completed", "success", 1, "a" * 40, "2026-01-01T00:00:00Z")
    world = World(outside, runs=[built], _blind=True)
    world.look("a" * 40)
    assert (world.provenance, world.unseen) == (mismatch, unseen)
