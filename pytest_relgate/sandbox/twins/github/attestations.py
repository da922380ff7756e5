"""Attestations of artifacts, by digest. The bundles themselves lie elsewhere, packed with snappy."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from pytest_relgate.sandbox.twins.github.call import Problem, Route, not_found
from pytest_relgate.sandbox.twins.github.objects import signed
from pytest_relgate.sandbox.twins.github.pages import answer_json, page_of
from pytest_relgate.sandbox.twins.github.shapes import number_of
from pytest_relgate.sandbox.twins.github.snappy import compressed

if TYPE_CHECKING:
    from pytest_relgate.sandbox.twins.exchange import Answer
    from pytest_relgate.sandbox.twins.github.call import Call
    from pytest_relgate.sandbox.world import Attestation

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha1:[0-9a-f]{40}")


def _shape(call: Call, attestation: Attestation) -> dict[str, Any]:
    """Where the bundle is to be had: since July 2026 it no longer stands in the answer."""
    blob = call.behind.store.put(compressed(msgspec.json.encode(attestation.bundle)))
    address = signed(call.behind.objects_url(), blob, kind="application/x-snappy", lives=3600)
    return {
        "bundle": None,
        "bundle_url": address,
        "repository_id": number_of(call.slug),
        "initiator": "user",
    }


def _list(call: Call) -> Answer:
    digest = call.at["subject_digest"]
    if not _DIGEST.fullmatch(digest):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid subject digest")
    found = [one for one in call.world.attestations if one.subject == digest]
    if not found:
        raise not_found()
    cut, headers = page_of(call, found)
    return answer_json({"attestations": [_shape(call, one) for one in cut]}, headers=headers)


ROUTES = (
    Route(
        "GET",
        "/repos/{owner}/{repo}/attestations/{subject_digest}",
        _list,
        "repos/attestations#list-attestations",
    ),
)
