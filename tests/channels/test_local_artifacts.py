"""What was downloaded from the build measures the channels, where the build itself is not kept any more."""

from __future__ import annotations

import shutil
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_relgate.channels.built import Built
from pytest_relgate.channels.local import with_local
from pytest_relgate.errors import Finding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_relgate.channels.outside import Outside

WANTED = frozenset({"a.crate", "b.whl", "c.tgz"})


def digest(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def write(top: Path, **files: bytes) -> None:
    for name, raw in files.items():
        path = top / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)


def test_files_of_the_build_that_were_downloaded_are_what_was_built(tmp_path: Path) -> None:
    write(tmp_path, down__x__a_crate=b"a", down__b_whl=b"b", other__c_tgz=b"c", down__more_txt=b"")
    found = with_local(Built(source="no build is at hand"), WANTED, tmp_path, ["down"])
    assert found.digests == {"a.crate": digest(b"a"), "b.whl": digest(b"b")}
    assert found.source == "no build is at hand; the files below down, as they were downloaded"
    assert not found.weak


def test_what_the_build_itself_says_stands_before_them(tmp_path: Path) -> None:
    write(tmp_path, down__a_crate=b"another")
    built = Built({"a.crate": digest(b"a")}, "the evidence of the build")
    assert with_local(built, WANTED, tmp_path, ["down"]) == built


def test_two_files_of_one_name_say_nothing_and_links_lead_nowhere(tmp_path: Path) -> None:
    write(tmp_path, down__1__a_crate=b"1", down__2__a_crate=b"2", elsewhere__b_whl=b"b")
    (tmp_path / "down" / "b.whl").symlink_to(tmp_path / "elsewhere" / "b.whl")
    assert with_local(Built(), WANTED, tmp_path, ["down", "not-there"]) == Built()


def test_a_channel_is_measured_by_them(
    outside: Callable[..., Outside], request: pytest.FixtureRequest
) -> None:
    """The build of this release has expired, so that nothing else says what the crate must be."""
    world = outside(target="v0.1.5")
    request.addfinalizer(lambda: shutil.rmtree(world.repository / "down"))
    built = msgspec.structs.replace(world.profile.built, downloaded=("down",))
    world.profile = msgspec.structs.replace(world.profile, built=built)
    write(world.repository, **{"down/plasmite-0.1.5.crate": b"what was built"})
    with pytest.raises(Finding, match="is not what was built: expected"):
        assert world.channels["crates"].digests
    assert "the files below down" in world.channels["crates"].settled.judgement.measured_by
