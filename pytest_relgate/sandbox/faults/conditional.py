"""Faults that the conditional gates find: dependencies, benchmarks, the server. SPEC S25-S27."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from pytest_relgate.model import Phase, State
from pytest_relgate.sandbox.advisories import VULNERABLE, remove_advisories, write_advisories
from pytest_relgate.sandbox.bench import PATH, UNEVEN
from pytest_relgate.sandbox.crate import crate_files
from pytest_relgate.sandbox.faults.edit import replacing
from pytest_relgate.sandbox.faults.fault import Fault

if TYPE_CHECKING:
    from pathlib import Path

_TOO_OLD: Final = timedelta(days=8)
_BEFORE_THE_RING: Final = 3
_VENDORED: Final = f"vendor/{VULNERABLE}"
_SUM: Final = "9b1f3a5c7d9e0b2d4f6a8c0e1d3b5f7a9c1e2d4f6b8a0c3e5d7f9b1a3c5e7d90"
_SOURCE: Final = "registry+https://github.com/rust-lang/crates.io-index"
_CONFIG: Final = """\
[source.crates-io]
replace-with = "vendored"

[source.vendored]
directory = "vendor"
"""


def _vulnerable(files: dict[str, str]) -> dict[str, str]:
    """A dependency with a known vulnerability, vendored, so that it is there where nothing can be fetched."""
    manifest = f'[package]\nname = "{VULNERABLE}"\nversion = "0.1.0"\nedition = "2021"\n'
    entry = (
        f'[[package]]\nname = "{VULNERABLE}"\nversion = "0.1.0"\nsource = "{_SOURCE}"\nchecksum = "{_SUM}"\n'
    )
    lock = f'{files["Cargo.lock"]}dependencies = [\n "{VULNERABLE}",\n]\n\n{entry}'
    return {
        **files,
        "Cargo.toml": f'{files["Cargo.toml"]}{VULNERABLE} = "0.1"\n',
        "Cargo.lock": lock,
        ".cargo/config.toml": _CONFIG,
        f"{_VENDORED}/Cargo.toml": manifest,
        f"{_VENDORED}/src/lib.rs": "//! A sketch of a ring of messages.\n",
        f"{_VENDORED}/.cargo-checksum.json": json.dumps({"files": {}, "package": _SUM}) + "\n",
    }


def _slow(files: dict[str, str]) -> dict[str, str]:
    """The pool as it was before it was a ring: every append moves every message."""
    pool = "src/core/pool.rs"
    return {**files, pool: crate_files(_BEFORE_THE_RING, "0.1.3")[pool]}


def _uneven(files: dict[str, str]) -> dict[str, str]:
    """A benchmark that takes another time in every run, as on a machine that does other things too."""
    files = replacing(PATH, "fn main() {", f"{UNEVEN}fn main() {{")(files)
    return replacing(PATH, '("append", append(messages))', '("append", append(messages) * uneven())')(files)


def _age(repository: Path) -> None:
    write_advisories(repository, age=_TOO_OLD)


FAULTS = (
    Fault(
        "vulnerable-dependency",
        "a dependency has a known vulnerability",
        Phase.PRERELEASE,
        rf"{VULNERABLE}.*RUSTSEC-2026-0001",
        files=_vulnerable,
    ),
    Fault(
        "old-advisories",
        "the advisory database was fetched eight days ago",
        Phase.PRERELEASE,
        r"advisory-db is 8 days old",
        State.ERRORED,
        files=dict,
        beside=_age,
    ),
    Fault(
        "no-advisories",
        "nobody has fetched the advisory database",
        Phase.PRERELEASE,
        r"advisory-db is not there",
        State.ERRORED,
        files=dict,
        beside=remove_advisories,
    ),
    Fault(
        "slow-append",
        "appending a message moves every message again",
        Phase.PRERELEASE,
        r"append is slower",
        files=_slow,
    ),
    Fault(
        "vanished-benchmark",
        "a benchmark is not there under its name any more",
        Phase.PRERELEASE,
        r"get_scan has vanished",
        files=replacing(PATH, '("get_scan", ', '("new_scan", '),
    ),
    Fault(
        "noisy-host",
        "a benchmark takes another time in every run",
        Phase.PRERELEASE,
        r"append is too noisy to tell",
        State.ERRORED,
        files=_uneven,
    ),
    Fault(
        "open-door",
        "a served pool answers those who do not have the token",
        Phase.PRERELEASE,
        r"a_wrong_token_reads_nothing|nobody_reads_without_the_token|nobody signed off what changed",
        files=replacing("src/serve.rs", "if authorization != format!", "if authorization == format!"),
    ),
)
"""The faults of this file."""
