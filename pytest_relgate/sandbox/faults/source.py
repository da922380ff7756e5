"""Faults that the core gates find, with the real tools and with stand-ins alike. SPEC S16-S24."""

from __future__ import annotations

import io
import tarfile

from pytest_relgate.model import Phase
from pytest_relgate.sandbox.bindings_node import PLATFORMS
from pytest_relgate.sandbox.faults.edit import adding, replacing, without
from pytest_relgate.sandbox.faults.fault import Fault

_POOL = "src/core/pool.rs"
_UNLIKE_RUSTFMT = "        self.messages.push_back(message.to_owned());"
_ITER = "    /// The messages, oldest first.\n"
_LEN_ZERO = """\
    /// Whether there is no message.
    pub fn is_silent(&self) -> bool {
        self.messages.len() == 0
    }

"""
_ADDONS = "".join(f'    "native/{platform}/index.node",\n' for platform in PLATFORMS)


def _unlicensed_archive() -> str:
    """An archive of a build without licence and notices; not compressed, so that it is text to git."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        content = b"#!/bin/sh\necho plasmite\n"
        entry = tarfile.TarInfo("bin/plasmite")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue().decode("ascii")


FAULTS = (
    Fault(
        "formatting",
        "a line of Rust that rustfmt would write otherwise",
        Phase.PRERELEASE,
        r"Diff in \S*src/core/pool\.rs",
        files=replacing(_POOL, _UNLIKE_RUSTFMT, "  " + _UNLIKE_RUSTFMT),
    ),
    Fault(
        "lint",
        "Rust that clippy warns of: a length compared with zero",
        Phase.PRERELEASE,
        r"clippy::len-zero",
        files=replacing(_POOL, _ITER, _LEN_ZERO + _ITER),
    ),
    Fault(
        "test-failure",
        "a pool that drops the newest message and not the oldest",
        Phase.PRERELEASE,
        r"the_oldest_message_makes_room",
        files=replacing(_POOL, "self.messages.pop_front()", "self.messages.pop_back()"),
    ),
    Fault(
        "python-binding-failure",
        "the Python binding keeps a message too many",
        Phase.PRERELEASE,
        r"[Rr]ecipe `python-test` failed",
        files=replacing("bindings/python/plasmite/__init__.py", "maxlen=capacity", "maxlen=capacity + 1"),
    ),
    Fault(
        "node-binding-failure",
        "the Node binding drops the newest message and not the oldest",
        Phase.PRERELEASE,
        r"[Rr]ecipe `node-test` failed",
        files=replacing("bindings/node/index.js", "this.#messages.shift()", "this.#messages.pop()"),
    ),
    Fault(
        "go-binding-failure",
        "the Go binding drops the newest messages and not the oldest",
        Phase.PRERELEASE,
        r"[Rr]ecipe `go-test` failed",
        files=replacing("bindings/go/plasmite.go", "p.Messages[extra:]", "p.Messages[:p.Capacity]"),
    ),
    Fault(
        "pack-without-addon",
        "the npm package does not list its native addons",
        Phase.PRERELEASE,
        r"plasmite-0\.1\.10\.tgz lacks package/native/\S+/index\.node",
        files=replacing("bindings/node/package.json", _ADDONS, ""),
    ),
    Fault(
        "pack-without-notices",
        "the npm package has no third-party notices",
        Phase.PRERELEASE,
        r"plasmite-0\.1\.10\.tgz lacks package/THIRD_PARTY_NOTICES\.md",
        files=without("bindings/node/THIRD_PARTY_NOTICES.md"),
    ),
    Fault(
        "eager-addon",
        "the Node binding loads its addon at once, so that nothing works without it",
        Phase.PRERELEASE,
        r"native addon is unavailable|index\.node' # Require stack",  # of long paths only the end is shown
        files=replacing(
            "bindings/node/index.js", "\nclass Pool {", "\nconst native = load();\n\nclass Pool {"
        ),
    ),
    Fault(
        "wheel-without-library",
        "the wheel is built without its native library",
        Phase.PRERELEASE,
        r"\.whl lacks plasmite/_native/libplasmite\.",
        files=replacing(
            "bindings/python/backend/plasmite_build.py",
            '    members[f"plasmite/_native/{library.name}"] = library.read_bytes()\n',
            "",
        ),
    ),
    Fault(
        "unreviewed-server",
        "the server answers otherwise than in the last release, and nobody has signed that off",
        Phase.PRERELEASE,
        r"nobody signed off what changed in server since v0\.1\.9",
        files=replacing("src/serve.rs", "Cache-Control: no-store", "Cache-Control: private, no-store"),
    ),
    Fault(
        "unlicensed-archive",
        "an archive that was built lies there without licence and notices",
        Phase.PRERELEASE,
        r"plasmite_0\.1\.10_linux_amd64\.tar\.gz lacks (LICENSE|THIRD_PARTY_NOTICES\.md)",
        files=adding("dist/plasmite_0.1.10_linux_amd64.tar.gz", _unlicensed_archive()),
    ),
)
"""The faults of this file."""
