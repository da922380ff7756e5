"""What the twin of the npm registry answers, request by request."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.sandbox.twins.npm import CORGI, NpmTwin

if TYPE_CHECKING:
    from pytest_relgate.sandbox.store import Store

TIME = "2026-03-01T10:00:00.000Z"


def tarball(text: str = "{}") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as tar:
        entry = tarfile.TarInfo("package/package.json")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text.encode()))
    return held.getvalue()


def sent(name: str, version: str, raw: bytes, tag: str = "latest", **manifest: Any) -> bytes:
    """The body of a publish as libnpmpublish makes it."""
    file = f"{name}-{version}.tgz"
    document = {
        "_id": name,
        "name": name,
        "dist-tags": {tag: version},
        "versions": {version: {"name": name, "version": version, **manifest}},
        "_attachments": {file: {"data": base64.b64encode(raw).decode(), "length": len(raw)}},
    }
    return json.dumps(document).encode()


def said(answer: Any) -> Any:
    return json.loads(answer.body)


@pytest.fixture
def twin(store: Store) -> NpmTwin:
    return NpmTwin(store, clock=lambda: TIME)


@pytest.fixture
def ring(twin: NpmTwin, ask: Any) -> bytes:
    """The tarball of @ada/ring 1.0.0, which is published."""
    raw = tarball()
    body = sent("@ada/ring", "1.0.0", raw, scripts={"install": "true"}, readme="# Ring")
    assert ask(twin, "PUT", "/@ada%2fring", body, token="Bearer t").status == 200
    return raw


@pytest.mark.parametrize("path", ["/@ada%2fring", "/@ada%2Fring", "/@ada/ring"])
def test_a_scoped_name_is_found_however_its_slash_is_spelled(
    twin: NpmTwin, ring: bytes, ask: Any, path: str
) -> None:
    assert said(ask(twin, "GET", path))["name"] == "@ada/ring"
    assert said(ask(twin, "GET", f"{path}/1.0.0"))["version"] == "1.0.0"
    assert said(ask(twin, "GET", f"{path}/latest"))["version"] == "1.0.0"


def test_a_version_says_both_digests_and_where_its_tarball_is(twin: NpmTwin, ring: bytes, ask: Any) -> None:
    dist = said(ask(twin, "GET", "/@ada%2fring/1.0.0"))["dist"]
    assert dist["integrity"] == "sha512-" + base64.b64encode(hashlib.sha512(ring).digest()).decode()
    assert dist["shasum"] == hashlib.sha1(ring).hexdigest()
    assert (dist["fileCount"], dist["unpackedSize"]) == (1, 2)
    assert dist["tarball"] == "http://twin/@ada/ring/-/ring-1.0.0.tgz"
    assert ask(twin, "GET", dist["tarball"].removeprefix("http://twin")).body == ring


def test_a_packument_has_its_times_and_an_age_of_300_seconds(twin: NpmTwin, ring: bytes, ask: Any) -> None:
    answer = ask(twin, "GET", "/@ada%2fring")
    assert said(answer)["time"] == {"created": TIME, "modified": TIME, "1.0.0": TIME}
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["last-modified"] == "Sun, 01 Mar 2026 10:00:00 GMT"
    again = ask(twin, "GET", "/@ada%2fring", if_none_match=answer.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def test_what_an_installer_asks_for_is_short(twin: NpmTwin, ring: bytes, ask: Any) -> None:
    answer = ask(twin, "GET", "/@ada%2fring", accept=f"{CORGI}; q=1.0, application/json; q=0.8, */*")
    assert answer.headers["content-type"] == CORGI
    assert set(said(answer)) == {"name", "dist-tags", "versions", "modified"}
    version = said(answer)["versions"]["1.0.0"]
    assert version["hasInstallScript"] is True
    assert "readme" not in version
    assert "scripts" not in version


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/nothing", {"error": "Not found"}),
        ("/@ada%2fring/9.9.9", "version not found: 9.9.9"),
        ("/@ada/ring/-/ring-9.9.9.tgz", {"error": "Not found"}),
    ],
)
def test_what_is_not_there_is_404_for_300_seconds_too(
    twin: NpmTwin, ring: bytes, ask: Any, path: str, expected: Any
) -> None:
    answer = ask(twin, "GET", path)
    assert (answer.status, said(answer)) == (404, expected)
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_dist_tags_are_never_old(twin: NpmTwin, ring: bytes, ask: Any) -> None:
    path = "/-/package/@ada%2fring/dist-tags"
    assert ask(twin, "PUT", f"{path}/stable", b'"1.0.0"', token="Bearer t").status == 200
    answer = ask(twin, "GET", path)
    assert said(answer) == {"latest": "1.0.0", "stable": "1.0.0"}
    assert "cache-control" not in answer.headers
    assert ask(twin, "PUT", f"{path}/stable", b'"9.9.9"', token="Bearer t").status == 404
    assert ask(twin, "DELETE", f"{path}/latest", token="Bearer t").status == 400
    assert ask(twin, "DELETE", f"{path}/stable", token="Bearer t").status == 200
    assert said(ask(twin, "GET", path)) == {"latest": "1.0.0"}


def test_a_first_publish_takes_latest_whatever_the_tag_and_a_second_does_not(twin: NpmTwin, ask: Any) -> None:
    for version in ("1.0.0-rc.1", "1.0.0-rc.2"):
        body = sent("ring", version, tarball(), tag="next")
        assert ask(twin, "PUT", "/ring", body, token="Bearer t").status == 200
    assert said(ask(twin, "GET", "/ring"))["dist-tags"] == {"latest": "1.0.0-rc.1", "next": "1.0.0-rc.2"}


def test_a_prerelease_published_without_a_tag_takes_latest_as_it_was_told(
    twin: NpmTwin, ring: bytes, ask: Any
) -> None:
    # The registry obeys; it is npm 11 that refuses to say so.
    body = sent("@ada/ring", "2.0.0-rc.1", tarball("{} "))
    assert ask(twin, "PUT", "/@ada%2fring", body, token="Bearer t").status == 200
    assert said(ask(twin, "GET", "/@ada%2fring/latest"))["version"] == "2.0.0-rc.1"


def test_a_manifest_is_taken_as_it_was_sent(twin: NpmTwin, ask: Any) -> None:
    body = sent("ring", "1.0.0", tarball('{"name": "other"}'), optionalDependencies={"ring-x": "1.0.0"})
    assert ask(twin, "PUT", "/ring", body, token="Bearer t").status == 200
    assert said(ask(twin, "GET", "/ring/1.0.0"))["optionalDependencies"] == {"ring-x": "1.0.0"}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (sent("@ada/ring", "1.0.0", tarball("{}  ")), 403, "previously published versions: 1.0.0."),
        (sent("ring", "1.0.1", tarball()), 400, "expected one version of the package"),
        (sent("@ada/ring", "1.0", tarball()), 400, "invalid version: 1.0"),
        (sent("@ada/ring", "1.0.1", tarball(), dist={"integrity": "sha512-no"}), 400, "integrity"),
        (
            sent("@ada/ring", "1.0.1", tarball()).replace(b'"length": ', b'"length": 1'),
            400,
            "bytes of tarball",
        ),
        (sent("@ada/ring", "1.0.1", tarball()).replace(b'"data": "', b'"data": "?'), 400, "no base64"),
        (b"[]", 400, "no JSON object"),
    ],
)
def test_a_publish_that_is_refused_changes_nothing(
    twin: NpmTwin, ring: bytes, store: Store, ask: Any, body: bytes, status: int, error: str
) -> None:
    before = store.read()
    answer = ask(twin, "PUT", "/@ada%2fring", body, token="Bearer t")
    assert answer.status == status
    assert error in said(answer)["error"]
    assert store.read() == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/ring"),
        ("PUT", "/-/package/@ada%2fring/dist-tags/x"),
        ("DELETE", "/-/package/@ada%2fring/dist-tags/x"),
        ("DELETE", "/@ada%2fring/-rev/1-x"),
        ("GET", "/-/whoami"),
    ],
)
def test_without_a_token_nobody_writes(twin: NpmTwin, ring: bytes, ask: Any, method: str, path: str) -> None:
    assert ask(twin, method, path, b"{}").status == 401


def test_provenance_that_was_published_is_what_attestations_give_back(twin: NpmTwin, ask: Any) -> None:
    bundle = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": {"payload": "x"}}
    document = json.loads(sent("ring", "1.0.0", tarball()))
    document["_attachments"]["ring-1.0.0.sigstore"] = {
        "content_type": bundle["mediaType"],
        "data": json.dumps(bundle),
    }
    assert ask(twin, "PUT", "/ring", json.dumps(document).encode(), token="Bearer t").status == 200
    dist = said(ask(twin, "GET", "/ring/1.0.0"))["dist"]
    assert dist["attestations"]["provenance"] == {"predicateType": "https://slsa.dev/provenance/v1"}
    listed = said(ask(twin, "GET", dist["attestations"]["url"].removeprefix("http://twin")))["attestations"]
    by_type = {one["predicateType"]: one["bundle"] for one in listed}
    assert by_type["https://slsa.dev/provenance/v1"] == bundle
    published = by_type["https://github.com/npm/attestation/tree/main/specs/publish/v0.1"]
    statement = json.loads(base64.b64decode(published["dsseEnvelope"]["payload"]))
    sha512 = hashlib.sha512(tarball()).hexdigest()
    assert statement["subject"] == [{"name": "pkg:npm/ring@1.0.0", "digest": {"sha512": sha512}}]


@pytest.mark.parametrize("name", ["@ada%2fring@1.0.0", "@ada/ring@1.0.0", "ring@9.9.9", "ring"])
def test_without_provenance_attestations_are_404(twin: NpmTwin, ring: bytes, ask: Any, name: str) -> None:
    assert ask(twin, "GET", f"/-/npm/v1/attestations/{name}").status == 404


def test_audits_are_answered_also_when_they_come_zipped(twin: NpmTwin, ask: Any) -> None:
    body = gzip.compress(b'{"ring": ["1.0.0"]}')
    path = "/-/npm/v1/security/advisories/bulk"
    assert said(ask(twin, "POST", path, body, content_encoding="gzip")) == {}
    quick = said(ask(twin, "POST", "/-/npm/v1/security/audits/quick", b"{}"))
    assert quick["metadata"]["vulnerabilities"]["critical"] == 0


@pytest.mark.parametrize(
    "path", ["/", "/-", "/-/", "/-/package", "/@ada", "/-/nothing", "/%2f", "/ring/-/", "//"]
)
def test_an_odd_address_is_not_found(twin: NpmTwin, ring: bytes, ask: Any, path: str) -> None:
    assert ask(twin, "GET", path).status in (404, 405)
