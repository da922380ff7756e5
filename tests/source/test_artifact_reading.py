"""Of what was built each gate reads as much as it needs, and one of them reads every byte."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.errors import Finding
from pytest_relgate.source.artifact_facts import ArtifactFacts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

WHEEL = "p-1.0-py3-none-any.whl"
LICENCES = ("LICENSE", "NOTICES")
LIBRARY = bytes(range(256)) * 400


def wheel(library: bytes = LIBRARY) -> bytearray:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in LICENCES:
            archive.writestr(f"p-1.0.dist-info/licenses/{name}", f"{name}\n" * 1000)
        archive.writestr("p/table.bin", library)
    return bytearray(out.getvalue())


def facts(*built: tuple[str, bytes]) -> ArtifactFacts:
    def load() -> Iterator[tuple[str, str, BinaryIO]]:
        yield from ((place, WHEEL, io.BytesIO(raw)) for place, raw in built)

    return ArtifactFacts(load, (WHEEL,), LICENCES, 1 << 20)


def test_a_byte_that_no_rule_asks_for_is_found_by_the_gate_that_reads_them_all() -> None:
    raw = wheel()
    raw[raw.index(LIBRARY) + 90_000] ^= 1
    built = facts(("dist", bytes(raw)))
    assert built.carry_their_licences()
    with pytest.raises(Finding, match="Bad CRC-32 for file"):
        built.are_sound()


def test_a_licence_whose_bytes_are_broken_is_no_licence_that_is_there() -> None:
    raw = wheel()
    raw[raw.index(b"NOTICES\n" * 1000) + 7_000] ^= 1
    built = facts(("dist", bytes(raw)))
    with pytest.raises(Finding, match=r"Bad CRC-32 for file .*NOTICES"):
        built.are_sound()
    assert built.archives == ()


def test_two_of_one_name_are_told_apart_by_every_byte() -> None:
    one, other = bytes(wheel()), bytes(wheel(LIBRARY[::-1]))
    assert facts(("a", one), ("b", one)).are_sound()
    with pytest.raises(Finding, match="in a and in b, with other bytes"):
        facts(("a", one), ("b", other)).are_sound()
