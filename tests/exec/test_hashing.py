from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.exec.hashing import sha256_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 1_000_001])
def test_a_digest_is_that_of_the_bytes(tmp_path: Path, size: int) -> None:
    raw = bytes(i % 251 for i in range(size))
    (tmp_path / "file").write_bytes(raw)
    assert sha256_of(tmp_path / "file") == f"sha256:{hashlib.sha256(raw).hexdigest()}"


def test_a_file_that_is_not_there_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "nothing")
