"""The archives as channels serve them: what is wrong inside, said with the channel; what cannot be opened."""

from __future__ import annotations

import io
import re
import struct
import tarfile
import zipfile
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from pytest_relgate.channels import crates
from pytest_relgate.channels.opened import Opened
from pytest_relgate.channels.outside import Outside
from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.sandbox.faults import FAULTS
from pytest_relgate.sandbox.faults import opened as faults

Open = Callable[..., Outside]
SAYS = (
    "are_sound",
    "hold_their_files",
    "carry_their_licences",
    "are_for_their_platforms",
    "say_their_version",
)


def tarball(**members: bytes) -> bytes:
    """An npm tarball of demo 1.2.0, with more files below ``package/``."""
    whole = {"package.json": b'{"version": "1.2.0"}', "index.js": b"1;", "LICENSE": b"MIT", **members}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, raw in whole.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(raw)
            archive.addfile(entry, io.BytesIO(raw))
    return out.getvalue()


def mach(*processors: int) -> bytes:
    """The head of a universal Mach-O file for these processors."""
    slices = b"".join(struct.pack(">5I", one, 0, 0, 0, 0) for one in processors)
    return struct.pack(">II", 0xCAFEBABE, len(processors)) + slices


def wheel(native: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("demo/_native.so", native)
        archive.writestr("demo-1.2.0.dist-info/METADATA", "Name: demo\nVersion: 1.2.0\n")
        archive.writestr("demo-1.2.0.dist-info/licenses/LICENSE", "MIT")
    return out.getvalue()


def opened(
    served: dict[str, dict[str, bytes | CannotJudge]], waiting: tuple[Exception, ...] = (), **facts: Any
) -> Opened:
    def read(channel: str, name: str) -> bytes:
        found = served[channel][name]
        if isinstance(found, CannotJudge):
            raise found
        return found

    return Opened(
        served={name: list(files) for name, files in served.items()},
        read=read,
        waiting=waiting,
        **{"version": "1.2.0", "licences": ["LICENSE"], "holds": {"npm": ["index.js"]}, **facts},
    )


def said(one: Opened) -> dict[str, str]:
    """What each statement raises, by its name: the kind of it and its words."""
    found = {}
    for name in SAYS:
        try:
            assert getattr(one, name)()
        except (Finding, CannotJudge, NotYet) as error:
            found[name] = f"{type(error).__name__}: {error.found}"
    return found


GOOD = {"npm": {"demo-1.2.0.tgz": tarball()}}


def test_a_good_archive_is_good() -> None:
    assert said(opened({**GOOD, "github": {"sums.txt": b""}})) == {}


def test_a_universal_wheel_must_be_for_both_processors() -> None:
    name = "demo-1.2.0-py3-none-macosx_11_0_universal2.whl"
    arm, intel = 0x0100000C, 0x01000007
    assert said(opened({**GOOD, "pypi": {name: wheel(mach(arm, intel))}})) == {}
    found = said(opened({**GOOD, "pypi": {name: wheel(mach(arm))}}))
    words = f"Finding: pypi: {name}: demo/_native.so is for darwin arm64, promised is darwin amd64 and arm64"
    assert found == {"are_for_their_platforms": words}


def test_what_is_broken_fails_one_gate_and_leaves_the_others_unjudged() -> None:
    found = said(opened({**GOOD, "crates": {"demo-1.2.0.crate": tarball()[:60]}}))
    assert found.pop("are_sound").startswith("Finding: crates: demo-1.2.0.crate is broken or cut short")
    assert len(found) == 4
    assert all(words.startswith("CannotJudge: what is broken cannot be opened") for words in found.values())


def test_what_cannot_be_read_is_unknown_and_what_is_not_there_yet_is_awaited() -> None:
    unread = {"demo-1.2.0.crate": CannotJudge("it was reset")}
    late = NotYet("pypi does not have 1.2.0")
    assert set(said(opened({**GOOD, "crates": unread}, (late,))).values()) == {"CannotJudge: it was reset"}
    assert set(said(opened(GOOD, (late,))).values()) == {"NotYet: pypi does not have 1.2.0"}
    assert set(said(opened(GOOD, (late, CannotJudge("down")))).values()) == {"CannotJudge: down"}


def test_a_fault_is_said_before_what_is_not_there_yet() -> None:
    bad = {"npm": {"demo-1.2.0.tgz": tarball(LICENSE=b"")}}
    assert said(opened(bad, (NotYet("late"),)))["carry_their_licences"].startswith("Finding: npm: ")


def test_nothing_to_open_is_no_pass() -> None:
    assert set(said(opened({})).values()) == {"CannotJudge: no channel has an archive that could be opened"}
    found = said(opened(GOOD, licences=[], holds={}))
    assert set(found) == {"hold_their_files", "carry_their_licences"}
    assert all(words.startswith("CannotJudge: the profile ") for words in found.values())


def test_the_archives_of_a_good_release(outside: Open) -> None:
    channels = outside().channels
    assert said(channels.opened) == {}
    assert channels.agree()
    assert {name for name, _ in channels.opened._archives} == {"github", "crates", "npm", "pypi"}


@pytest.mark.parametrize(
    "fault",
    [one for one in faults.FAULTS if "does-not" not in one.name],  # those are found by installing it
    ids=lambda fault: fault.name,
)
def test_a_fault_inside_of_an_archive_is_found(outside: Open, fault: Any) -> None:
    found = said(outside(fault.name).channels.opened)
    wrong = [words for words in found.values() if words.startswith("Finding")]
    assert len(wrong) == 1
    assert re.search(fault.says, wrong[0])


def test_one_artifact_with_two_digests_is_found(outside: Open) -> None:
    with pytest.raises(
        Finding, match=r"darwin_arm64\.tar\.gz: github serves .* homebrew states .* the build"
    ):
        assert outside("homebrew-wrong-digest").channels.agree()
    with pytest.raises(NotYet, match=r"does not have|not yet"):
        assert outside("homebrew-absent").channels.agree()
    assert FAULTS["homebrew-wrong-digest"].formula


def test_a_release_whose_build_is_gone_is_held_against_itself(outside: Open) -> None:
    channels = outside(target="v0.1.5").channels
    assert channels.table.weak == ("github",)
    assert channels["github"].expectation.weak
    told = {place for places in _told(channels).values() for place in places}
    assert "the build made" not in told


def _told(channels: Any) -> dict[str, dict[str, str]]:
    from pytest_relgate.channels.agreement import told

    return told(channels)


def test_what_changed_since_it_was_measured_is_not_opened(outside: Open) -> None:
    world = outside()
    look = world._look("crates", world.profile.channels["crates"])
    (file,) = crates.observe(look).files
    assert sha256(look.bytes_of(file)).hexdigest() == file.served["sha256"]
    for change, words in (
        ({"served": {"sha256": "0" * 64}}, "it is another file than a moment ago"),
        ({"unread": "it was reset"}, "cannot be opened: it was reset"),
        ({"name": "other.crate"}, "nobody served it"),
    ):
        with pytest.raises(CannotJudge, match=words):
            look.bytes_of(msgspec.structs.replace(file, **change))
