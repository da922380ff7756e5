"""The storage host gives bytes to signed addresses only, and attestations are packed as GitHub packs them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.sandbox.twins.exchange import Request
from pytest_relgate.sandbox.twins.github import objects as objects_room
from pytest_relgate.sandbox.twins.github.objects import signed
from pytest_relgate.sandbox.twins.github.snappy import compressed

if TYPE_CHECKING:
    from conftest import Hub

R = "/repos/sandover/plasmite"
SUBJECT = "sha256:" + "ab" * 32


def address(hub: Hub) -> str:
    return hub.get(f"{R}/actions/jobs/501/logs").header("location")


def test_bytes_come_with_their_type_and_name(hub: Hub) -> None:
    reply = hub.fetch(hub.get(f"{R}/actions/artifacts/503/zip").header("location"))
    assert (reply.status, reply.header("content-type")) == (200, "application/zip")
    assert reply.header("content-disposition") == "attachment; filename=release-metadata.zip"


def test_a_token_that_followed_the_redirect_is_an_error(hub: Hub) -> None:
    reply = hub.fetch(address(hub), token="ghp_person")
    assert reply.status == 400
    assert b"InvalidAuthenticationInfo" in reply.body


def test_an_address_that_was_changed_is_refused(hub: Hub) -> None:
    blob = hub.store.put(b"something else")
    assert hub.fetch(re.sub(r"[0-9a-f]{64}\?", f"{blob}?", address(hub))).status == 403
    assert hub.fetch(re.sub(r"se=\d+", "se=99999999999", address(hub))).status == 403
    assert hub.fetch(re.sub(r"&sig=.*", "", address(hub))).status == 403


def test_an_address_lives_a_minute(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(objects_room.time, "time", lambda: clock[0])
    made = address(hub)
    clock[0] = 1060.0
    assert hub.fetch(made).status == 200
    clock[0] = 1061.0
    assert hub.fetch(made).status == 403


def test_what_is_not_kept_is_not_found_and_nothing_is_written(hub: Hub) -> None:
    assert hub.fetch(signed("", "0" * 64)).status == 404
    request = Request("PUT", "/sandbox/a", {}, {}, b"", "http://objects.test")
    assert hub.objects.answer(request).status == 405


def test_an_attestation_is_an_address_of_a_packed_bundle(hub: Hub) -> None:
    found = hub.get(f"{R}/attestations/{SUBJECT}", token="").json()["attestations"]
    assert [one["bundle"] for one in found] == [None]
    packed = hub.fetch(found[0]["bundle_url"])
    bundle = json.loads(bytes(cramjam.snappy.decompress_raw(packed.body)))
    assert bundle == {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}


def test_a_digest_without_attestations_is_not_found_and_what_is_none_refused(hub: Hub) -> None:
    assert hub.get(f"{R}/attestations/sha256:{'0' * 64}").status == 404
    assert hub.get(f"{R}/attestations/sha256:banana").status == 422


@pytest.mark.parametrize("raw", [b"", b"a", b"abcd" * 100, bytes(range(256)) * 400, b"x" * 70_000, b"\0" * 3])
def test_what_is_packed_is_unpacked_by_the_real_library(raw: bytes) -> None:
    assert bytes(cramjam.snappy.decompress_raw(compressed(raw))) == raw


def test_what_repeats_too_far_away_is_no_copy() -> None:
    far = b"".join(number.to_bytes(4, "big") for number in range(1 << 24, (1 << 24) + 20_000))
    raw = far + far[:64]
    assert bytes(cramjam.snappy.decompress_raw(compressed(raw))) == raw


def test_what_repeats_is_packed_with_copies() -> None:
    assert len(compressed(b"abcdefgh" * 1000)) < 1000


@given(st.lists(st.binary(max_size=80), max_size=8).map(lambda parts: b"".join(parts * 3)))
def test_anything_is_unpacked_as_it_was(raw: bytes) -> None:
    assert bytes(cramjam.snappy.decompress_raw(compressed(raw))) == raw
