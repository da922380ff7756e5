"""What the twin of crates.io answers, request by request."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_relgate.sandbox.twins.crate_file import dependencies_of, split_features
from pytest_relgate.sandbox.twins.crates import CratesTwin, index_path

if TYPE_CHECKING:
    from pytest_relgate.sandbox.store import Store

MANIFEST = """\
[package]
name = "{name}"
version = "{version}"
edition = "2021"
license = "MIT"
description = "A ring"
rust-version = "1.75"

[features]
fast = []
extra = ["dep:libc"]
both = ["extra"]

[dependencies.libc]
version = "0.2"
optional = true
default-features = false

[dev-dependencies]
tempfile = "3"

[target."cfg(unix)".build-dependencies]
cc = {{ version = ">=1", package = "cc-rs" }}
"""


def crate(name: str, version: str, manifest: str = MANIFEST, prefix: str = "") -> bytes:
    held = io.BytesIO()
    text = manifest.format(name=name, version=version).encode()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        entry = tarfile.TarInfo(f"{prefix or f'{name}-{version}'}/Cargo.toml")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    return held.getvalue()


def sent(name: str, version: str, raw: bytes | None = None) -> bytes:
    """The body of a publish, as the Cargo book has it."""
    metadata = json.dumps({"name": name, "vers": version, "deps": [], "features": {}}).encode()
    archive = crate(name, version) if raw is None else raw
    return struct.pack("<I", len(metadata)) + metadata + struct.pack("<I", len(archive)) + archive


def said(answer: Any) -> Any:
    return json.loads(answer.body)


def lines(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.body.splitlines()]


@pytest.fixture
def twin(store: Store) -> CratesTwin:
    times = iter(f"2026-03-01T10:00:{second:02}.500Z" for second in range(60))
    return CratesTwin(store, clock=lambda: next(times))


@pytest.fixture
def ring(twin: CratesTwin, ask: Any) -> CratesTwin:
    """The twin with ring 0.1.0, 0.2.0-rc.1 and 0.1.1, published in this order."""
    for version in ("0.1.0", "0.2.0-rc.1", "0.1.1"):
        assert ask(twin, "PUT", "/api/v1/crates/new", sent("Ring_x", version), token="t").status == 200
    return twin


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a", "1/a"),
        ("ab", "2/ab"),
        ("abc", "3/a/abc"),
        ("abcd", "ab/cd/abcd"),
        ("Plasmite", "pl/as/plasmite"),
        ("api", "3/a/api"),
        ("crates", "cr/at/crates"),
    ],
)
def test_a_crate_has_its_place_in_the_index(name: str, path: str) -> None:
    assert index_path(name) == path


def test_the_index_speaks_of_every_version_in_the_order_of_publishing(
    ring: CratesTwin, store: Store, ask: Any
) -> None:
    answer = ask(ring, "GET", "/ri/ng/ring_x")
    assert [(line["name"], line["vers"], line["yanked"]) for line in lines(answer)] == [
        ("Ring_x", "0.1.0", False),
        ("Ring_x", "0.2.0-rc.1", False),
        ("Ring_x", "0.1.1", False),
    ]
    first = lines(answer)[0]
    assert [line["cksum"] for line in lines(answer)] == [one.blob for one in store.read().crates]
    assert first["features"] == {"fast": []}
    assert first["features2"] == {"extra": ["dep:libc"], "both": ["extra"]}
    assert (first["v"], first["rust_version"], first["pubtime"]) == (2, "1.75", "2026-03-01T10:00:00Z")
    assert [(one["name"], one["kind"], one["req"], one["target"]) for one in first["deps"]] == [
        ("cc", "build", ">=1", "cfg(unix)"),
        ("libc", "normal", "^0.2", None),
        ("tempfile", "dev", "^3", None),
    ]
    assert first["deps"][0]["package"] == "cc-rs"
    assert (first["deps"][1]["optional"], first["deps"][1]["default_features"]) == (True, False)


def test_the_index_may_be_ten_minutes_old_and_knows_who_has_it(ring: CratesTwin, ask: Any) -> None:
    answer = ask(ring, "GET", "/ri/ng/ring_x")
    assert answer.headers["cache-control"] == "public,max-age=600"
    assert answer.headers["last-modified"] == "Sun, 01 Mar 2026 10:00:02 GMT"
    same = ask(ring, "GET", "/ri/ng/ring_x", if_none_match=answer.headers["etag"])
    assert (same.status, same.body) == (304, b"")
    assert ask(ring, "DELETE", "/api/v1/crates/ring_x/0.1.0/yank", token="t").status == 200
    changed = ask(ring, "GET", "/ri/ng/ring_x", if_none_match=answer.headers["etag"])
    assert changed.status == 200
    assert lines(changed)[0]["yanked"] is True


@pytest.mark.parametrize(
    "path", ["/ri/ng/ring", "/RI/NG/Ring_x", "/2/ring_x", "/no/th/nothing", "/", "//", "/ri"]
)
def test_what_is_not_in_the_index_is_404(ring: CratesTwin, ask: Any, path: str) -> None:
    assert ask(ring, "GET", path).status == 404


@pytest.mark.parametrize("status", [410, 451])
def test_what_was_taken_away_says_so(store: Store, ask: Any, status: int) -> None:
    assert ask(CratesTwin(store, gone={"ring": status}), "GET", "/ri/ng/ring").status == status


def test_a_download_is_a_redirect_to_the_file(ring: CratesTwin, ask: Any) -> None:
    answer = ask(ring, "GET", "/api/v1/crates/Ring_x/0.1.1/download")
    assert (answer.status, answer.body) == (302, b"")
    assert answer.headers["location"] == "http://twin/crates/Ring_x/Ring_x-0.1.1.crate"
    as_json = ask(ring, "GET", "/api/v1/crates/Ring_x/0.1.1/download", accept="application/json")
    assert said(as_json) == {"url": "http://twin/crates/Ring_x/Ring_x-0.1.1.crate"}
    cksum = {line["vers"]: line["cksum"] for line in lines(ask(ring, "GET", "/ri/ng/ring_x"))}["0.1.1"]
    for path in ("/crates/Ring_x/Ring_x-0.1.1.crate", "/crates/Ring_x/0.1.1/download"):
        file = ask(ring, "GET", path)
        assert hashlib.sha256(file.body).hexdigest() == cksum
        assert file.headers["cache-control"] == "public,max-age=31536000,immutable"
    assert (
        ask(ring, "GET", "/crates/Ring_x/Ring_x-9.9.9.crate").status == 403
    )  # as the storage behind it says


def test_the_api_wants_to_know_who_asks(ring: CratesTwin, ask: Any) -> None:
    answer = ask(ring, "GET", "/api/v1/crates/ring_x", user_agent="")
    assert answer.status == 403
    assert b"User-Agent" in answer.body
    assert ask(ring, "GET", "/api/v1/crates/Ring_x/0.1.1/download", user_agent="").status == 302
    assert ask(ring, "GET", "/ri/ng/ring_x", user_agent="").status == 200


def test_the_api_tells_the_highest_from_the_newest_and_the_shown(ring: CratesTwin, ask: Any) -> None:
    def crate_now() -> dict[str, Any]:
        found: dict[str, Any] = said(ask(ring, "GET", "/api/v1/crates/ring-X"))["crate"]
        keys = ("max_version", "max_stable_version", "newest_version", "default_version", "yanked")
        return {key: found[key] for key in keys}

    assert crate_now() == {
        "max_version": "0.2.0-rc.1",
        "max_stable_version": "0.1.1",
        "newest_version": "0.1.1",
        "default_version": "0.1.1",
        "yanked": False,
    }
    for version in ("0.1.1", "0.2.0-rc.1", "0.1.0"):
        assert ask(ring, "DELETE", f"/api/v1/crates/Ring_x/{version}/yank", token="t").status == 200
    assert crate_now() == {
        "max_version": "0.0.0",
        "max_stable_version": None,
        "newest_version": "0.0.0",
        "default_version": "0.1.1",
        "yanked": True,
    }
    assert ask(ring, "PUT", "/api/v1/crates/Ring_x/0.1.0/unyank", token="t").status == 200
    assert crate_now()["default_version"] == "0.1.0"


def test_the_api_speaks_of_a_version(ring: CratesTwin, ask: Any) -> None:
    version = said(ask(ring, "GET", "/api/v1/crates/ring_x/0.1.1"))["version"]
    assert (version["num"], version["crate"], version["license"]) == ("0.1.1", "Ring_x", "MIT")
    assert (version["yanked"], version["rust_version"], version["edition"]) == (False, "1.75", "2021")
    listed = said(ask(ring, "GET", "/api/v1/crates/ring_x/versions"))["versions"]
    assert [one["num"] for one in listed] == ["0.2.0-rc.1", "0.1.1", "0.1.0"]
    assert listed[1]["checksum"] == version["checksum"]
    found = said(ask(ring, "GET", "/api/v1/crates?q=ring"))
    assert [(one["name"], one["max_version"]) for one in found["crates"]] == [("Ring_x", "0.2.0-rc.1")]


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/api/v1/crates/nothing", "crate `nothing` does not exist"),
        ("/api/v1/crates/ring_x/9.9.9", "crate `ring_x` does not have a version `9.9.9`"),
        ("/api/v1/nothing", "Not Found"),
        ("/api/v1", "Not Found"),
    ],
)
def test_the_api_says_what_there_is_not(ring: CratesTwin, ask: Any, path: str, detail: str) -> None:
    answer = ask(ring, "GET", path)
    assert (answer.status, said(answer)) == (404, {"errors": [{"detail": detail}]})


BARE = '[package]\nname = "{name}"\nversion = "{version}"\n'


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (sent("Ring_x", "0.1.0"), 400, "crate version `0.1.0` is already uploaded"),
        (sent("Ring_x", "0.1.0+again"), 400, "crate version `0.1.0` is already uploaded"),
        (sent("ring-x", "0.3.0"), 400, "crate was previously named `Ring_x`"),
        (sent("other", "1.0", crate("other", "1.0")), 400, '"1.0" is an invalid semver version'),
        (
            sent("other", "1.0.0", crate("another", "1.0.0", prefix="other-1.0.0")),
            400,
            "manifest name `another`",
        ),
        (
            sent("other", "1.0.0", crate("other", "1.0.1", prefix="other-1.0.0")),
            400,
            "manifest version `1.0.1`",
        ),
        (sent("other", "1.0.0", crate("other", "1.0.0", prefix="elsewhere")), 400, "invalid path found"),
        (sent("other", "1.0.0", crate("other", "1.0.0", BARE)), 400, "fields: description, license."),
        (sent("other", "1.0.0", b"no archive"), 400, "uploaded tarball is malformed"),
        (sent("other", "1.0.0")[:-1], 400, "invalid tarball length for remaining payload"),
        (b"\x00", 400, "invalid metadata length"),
        (struct.pack("<I", 2_000_000), 413, "JSON metadata blob too large"),
        (struct.pack("<I", 2) + b"{}" + struct.pack("<I", 0), 400, "missing field"),
    ],
)
def test_a_publish_that_is_refused_changes_nothing(
    ring: CratesTwin, store: Store, ask: Any, body: bytes, status: int, detail: str
) -> None:
    before = store.read()
    answer = ask(ring, "PUT", "/api/v1/crates/new", body, token="t")
    assert answer.status == status
    assert detail in said(answer)["errors"][0]["detail"]
    assert store.read() == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/v1/crates/new", sent("ring_y", "1.0.0")),
        ("DELETE", "/api/v1/crates/ring_x/0.1.0/yank", b""),
        ("PUT", "/api/v1/crates/ring_x/0.1.0/unyank", b""),
        ("PUT", "/api/v1/crates/ring_x/owners", b'{"users": ["eve"]}'),
    ],
)
def test_without_a_token_nobody_writes(
    ring: CratesTwin, store: Store, ask: Any, method: str, path: str, body: bytes
) -> None:
    before = store.read()
    answer = ask(ring, method, path, body)
    assert (answer.status, said(answer)["errors"][0]["detail"]) == (
        403,
        "this action requires authentication",
    )
    assert store.read() == before


names = st.sampled_from(["a", "b", "c", "d"])


@example({"a": ["b"], "b": ["c"], "c": ["dep:x"]})
@given(st.dictionaries(names, st.lists(st.one_of(names, st.sampled_from(["dep:x", "x?/y", "x/y"])))))
def test_old_cargos_never_read_a_feature_of_the_newer_syntax(features: dict[str, list[str]]) -> None:
    older, newer = split_features(features)
    assert older | newer == features
    assert not set(older) & set(newer)
    for values in older.values():
        assert not any(value.startswith("dep:") or "?/" in value or value in newer for value in values)


def test_a_requirement_is_written_out() -> None:
    found = dependencies_of({"dependencies": {"a": "1.2", "b": "=1.2.3", "c": "*", "d": {"path": "x"}}})
    assert [one["req"] for one in found] == ["^1.2", "=1.2.3", "*", "*"]
