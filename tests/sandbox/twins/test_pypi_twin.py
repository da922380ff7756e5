"""What the twin of PyPI answers, request by request, held against the Simple repository API's own rules."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec
import pytest

from pytest_relgate.sandbox.twins.answers import preferred
from pytest_relgate.sandbox.twins.pypi import PypiTwin
from simple_api import DETAIL, INDEX

if TYPE_CHECKING:
    from pytest_relgate.sandbox.store import Store

SIMPLE = "application/vnd.pypi.simple.v1+json"
PAGE = "application/vnd.pypi.simple.v1+html"
TIME = "2026-03-01T10:00:00.250Z"
ATTESTATION = {"version": 1, "verification_material": {}, "envelope": {"statement": "x", "signature": "y"}}


def wheel(version: str, requires: str = ">=3.9") -> tuple[str, bytes]:
    held = io.BytesIO()
    metadata = (
        f"Metadata-Version: 2.4\nName: Ring.X\nVersion: {version}\nSummary: A ring\n"
        f"License-Expression: MIT\nRequires-Python: {requires}\nRequires-Dist: attrs\n"
        "Project-URL: Source, https://example.org/ring\nClassifier: Typing :: Typed\n\nLong words.\n"
    )
    with zipfile.ZipFile(held, "w") as made:
        made.writestr(f"ring_x-{version}.dist-info/METADATA", metadata)
    return f"ring_x-{version}-py3-none-any.whl", held.getvalue()


def form(filename: str, raw: bytes, version: str, **fields: str) -> tuple[str, bytes]:
    """A form as twine sends it: content type and body."""
    sent = {":action": "file_upload", "protocol_version": "1", "name": "Ring.X", "version": version, **fields}
    parts = [
        f'--sep\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in sent.items()
    ]
    head = f'--sep\r\nContent-Disposition: form-data; name="content"; filename="{filename}"\r\n'
    parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + raw + b"\r\n")
    return "multipart/form-data; boundary=sep", b"".join(parts) + b"--sep--\r\n"


def basic(token: str = "t") -> str:
    return "Basic " + base64.b64encode(f"__token__:{token}".encode()).decode()


def said(answer: Any) -> Any:
    return json.loads(answer.body)


@pytest.fixture
def twin(store: Store) -> PypiTwin:
    return PypiTwin(store, clock=lambda: TIME)


@pytest.fixture
def upload(twin: PypiTwin, ask: Any) -> Any:
    def up(filename: str, raw: bytes, version: str, **fields: str) -> Any:
        content_type, body = form(filename, raw, version, **fields)
        return ask(twin, "POST", "/legacy/", body, content_type=content_type, authorization=basic())

    return up


@pytest.fixture
def ring(upload: Any) -> dict[str, bytes]:
    """The files of Ring.X, which are uploaded: 0.9.0, 0.10.0 with a proof of where it is from, 1.0rc1."""
    files = {}
    for version in ("0.9.0", "0.10.0", "1.0rc1"):
        filename, files[version] = wheel(version)
        proof = {"attestations": json.dumps([ATTESTATION])} if version == "0.10.0" else {}
        assert upload(filename, files[version], version, requires_python=">=3.9", **proof).status == 200
    files["sdist"] = b"an archive with a line\r\n--sep of its own"
    assert upload("ring_x-0.10.0.tar.gz", files["sdist"], "0.10.0").status == 200
    return files


def change(store: Store, filename: str, **facts: Any) -> None:
    def step(world: Any) -> Any:
        (project,) = world.pypi
        files = tuple(
            msgspec.structs.replace(one, **facts) if one.filename == filename else one
            for one in project.files
        )
        return msgspec.structs.replace(world, pypi=(msgspec.structs.replace(project, files=files),))

    store.change(step)


def test_the_index_keeps_the_rules_of_the_simple_api(
    twin: PypiTwin, ring: dict[str, bytes], store: Store, ask: Any
) -> None:
    change(store, "ring_x-0.9.0-py3-none-any.whl", yanked="it is broken")
    document = said(ask(twin, "GET", "/simple/ring-x/", accept=SIMPLE))
    jsonschema.validate(document, DETAIL)
    jsonschema.validate(said(ask(twin, "GET", "/simple/", accept=SIMPLE)), INDEX)
    assert document["versions"] == ["0.9.0", "0.10.0", "1.0rc1"]
    assert document["meta"]["_last-serial"] == store.read().pypi[0].serial
    files = {one["filename"]: one for one in document["files"]}
    made = files["ring_x-0.10.0-py3-none-any.whl"]
    assert made["hashes"] == {"sha256": hashlib.sha256(ring["0.10.0"]).hexdigest()}
    assert (made["size"], made["requires-python"]) == (len(ring["0.10.0"]), ">=3.9")
    assert (made["yanked"], made["upload-time"]) == (False, "2026-03-01T10:00:00.250000Z")
    assert files["ring_x-0.9.0-py3-none-any.whl"]["yanked"] == "it is broken"
    assert files["ring_x-0.10.0.tar.gz"]["core-metadata"] is False
    assert files["ring_x-0.10.0.tar.gz"]["hashes"]["sha256"] == hashlib.sha256(ring["sdist"]).hexdigest()
    assert made["provenance"].endswith("/integrity/ring-x/0.10.0/ring_x-0.10.0-py3-none-any.whl/provenance")
    assert files["ring_x-0.9.0-py3-none-any.whl"]["provenance"] is None


def test_a_file_and_its_metadata_are_where_the_index_says(
    twin: PypiTwin, ring: dict[str, bytes], ask: Any
) -> None:
    for one in said(ask(twin, "GET", "/simple/ring-x/", accept=SIMPLE))["files"]:
        path = one["url"].removeprefix("http://twin")
        answer = ask(twin, "GET", path)
        assert hashlib.sha256(answer.body).hexdigest() == one["hashes"]["sha256"]
        assert answer.headers["cache-control"] == "max-age=365000000, immutable, public"
        metadata = ask(twin, "GET", f"{path}.metadata")
        if one["core-metadata"]:
            assert hashlib.sha256(metadata.body).hexdigest() == one["core-metadata"]["sha256"]
        else:
            assert metadata.status == 404
        assert ask(twin, "GET", path.replace("/packages/", "/packages/00/")).status == 404


@pytest.mark.parametrize(
    ("asked", "status", "part", "length"),
    [
        ("bytes=0-3", 206, slice(0, 4), "bytes 0-3/"),
        ("bytes=-5", 206, slice(-5, None), "bytes "),
        ("bytes=4-", 206, slice(4, None), "bytes 4-"),
        ("bytes=0-99999999", 206, slice(0, None), "bytes 0-"),
        ("bytes=99999999-", 416, slice(0, 0), "bytes */"),
        ("bytes=-", 200, slice(0, None), ""),
        ("lines=1-2", 200, slice(0, None), ""),
    ],
)
def test_a_range_of_a_file_can_be_asked_for(
    twin: PypiTwin, ring: dict[str, bytes], ask: Any, asked: str, status: int, part: slice, length: str
) -> None:
    url = said(ask(twin, "GET", "/simple/ring-x/", accept=SIMPLE))["files"][0]["url"]
    answer = ask(twin, "GET", url.removeprefix("http://twin"), range=asked)
    assert answer.status == status
    assert answer.body == ring["0.9.0"][part]
    assert answer.headers.get("content-range", "").startswith(length)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        ("text/html", "text/html"),
        (SIMPLE, SIMPLE),
        (f"{SIMPLE}, {PAGE}; q=0.1, text/html; q=0.01", SIMPLE),
        (f"{PAGE};q=0.9, text/html;q=0.5", PAGE),
        (f"{SIMPLE};q=0, text/html", "text/html"),
        ("application/vnd.pypi.simple.v2+json", "text/html"),
        ("application/json", "text/html"),
    ],
)
def test_the_client_chooses_the_form(
    twin: PypiTwin, ring: dict[str, bytes], ask: Any, accept: str, kind: str
) -> None:
    answer = ask(twin, "GET", "/simple/ring-x/", accept=accept)
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["cache-control"] == "max-age=600, public"
    assert answer.headers["x-pypi-last-serial"].isdigit()
    again = ask(
        twin, "GET", "/simple/ring-x/", accept=accept, if_none_match=f'W/"x", {answer.headers["etag"]}'
    )
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(("accept", "expected"), [("a/*;q=0.2, a/b;q=0.1", "a/c"), ("a/b;q=nonsense", None)])
def test_the_most_specific_range_counts(accept: str, expected: str | None) -> None:
    assert preferred(accept, ("a/b", "a/c")) == expected


class Links(html.parser.HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))


def test_the_page_says_what_the_document_says(
    twin: PypiTwin, ring: dict[str, bytes], store: Store, ask: Any
) -> None:
    change(store, "ring_x-0.9.0-py3-none-any.whl", yanked='it is "broken" <b>')
    change(store, "ring_x-1.0rc1-py3-none-any.whl", yanked=True)
    document = said(ask(twin, "GET", "/simple/ring-x/", accept=SIMPLE))
    page = Links(ask(twin, "GET", "/simple/ring-x/").body.decode())
    expected = []
    for file in document["files"]:
        yanked, core = file["yanked"], file["core-metadata"]
        expected.append(
            {
                "href": f"{file['url']}#sha256={file['hashes']['sha256']}",
                "data-requires-python": file["requires-python"],
                "data-yanked": yanked if isinstance(yanked, str) else ("" if yanked else None),
                "data-core-metadata": f"sha256={core['sha256']}" if core else None,
                "data-provenance": file["provenance"],
            }
        )
    assert [{key: link.get(key) for key in expected[0]} for link in page.found] == expected


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/simple", 301, "/simple/"),
        ("/simple/ring-x", 301, "/simple/ring-x/"),
        ("/simple/Ring.X/", 301, "/simple/ring-x/"),
        ("/simple/ring_x", 301, "/simple/ring-x/"),
        ("/simple/nothing/", 404, None),
        ("/simple/ring-x/0.9.0/", 404, None),
        ("/pypi/Ring.X/json", 301, "/pypi/ring-x/json"),
        ("/pypi/ring_x/0.9.0/json", 301, "/pypi/ring-x/0.9.0/json"),
        ("/pypi/ring-x/9.9.9/json", 404, None),
        ("/pypi/ring-x/banana/json", 404, None),
        ("/pypi/nothing/json", 404, None),
        ("/", 404, None),
        ("/packages/x", 404, None),
    ],
)
def test_an_address_that_is_not_the_right_one(
    twin: PypiTwin, ring: dict[str, bytes], ask: Any, path: str, status: int, location: str | None
) -> None:
    answer = ask(twin, "GET", path)
    assert (answer.status, answer.headers.get("location")) == (status, location)


def test_the_json_api_shows_the_newest_that_is_final_and_not_yanked(
    twin: PypiTwin, ring: dict[str, bytes], store: Store, ask: Any
) -> None:
    document = said(ask(twin, "GET", "/pypi/ring-x/json"))
    info = document["info"]
    assert (info["name"], info["version"], info["summary"]) == ("Ring.X", "0.10.0", "A ring")
    assert (info["license_expression"], info["requires_dist"]) == ("MIT", ["attrs"])
    assert info["project_urls"] == {"Source": "https://example.org/ring"}
    assert list(document["releases"]) == ["1.0rc1", "0.10.0", "0.9.0"]
    assert [one["filename"] for one in document["urls"]] == [
        "ring_x-0.10.0-py3-none-any.whl",
        "ring_x-0.10.0.tar.gz",
    ]
    file = document["urls"][0]
    assert file["digests"]["blake2b_256"] == hashlib.blake2b(ring["0.10.0"], digest_size=32).hexdigest()
    assert (file["packagetype"], file["python_version"]) == ("bdist_wheel", "py3")
    assert document["urls"][1]["packagetype"] == "sdist"
    for name in ("ring_x-0.10.0-py3-none-any.whl", "ring_x-0.10.0.tar.gz"):
        change(store, name, yanked="it is broken")
    assert said(ask(twin, "GET", "/pypi/ring-x/json"))["info"]["version"] == "0.9.0"
    one = said(ask(twin, "GET", "/pypi/ring-x/0.10/json"))
    assert (one["info"]["version"], one["info"]["yanked"]) == ("0.10.0", True)
    assert one["info"]["yanked_reason"] == "it is broken"
    assert "releases" not in one


def test_provenance_is_given_for_each_file_that_has_it(
    twin: PypiTwin, ring: dict[str, bytes], store: Store, ask: Any
) -> None:
    here = "/integrity/ring-x/0.10.0/ring_x-0.10.0-py3-none-any.whl/provenance"
    answer = ask(twin, "GET", here)
    assert answer.headers["content-type"] == "application/vnd.pypi.integrity.v1+json"
    (bundle,) = said(answer)["attestation_bundles"]
    assert (said(answer)["version"], bundle["attestations"]) == (1, [ATTESTATION])
    assert bundle["publisher"]["kind"] == "GitHub"
    assert bundle["publisher"]["repository"] == store.read().repository
    assert ask(twin, "GET", here, accept="text/html").status == 406
    without = ask(twin, "GET", "/integrity/ring-x/0.10.0/ring_x-0.10.0.tar.gz/provenance")
    assert (without.status, said(without)) == (
        404,
        {"message": "No provenance available for ring_x-0.10.0.tar.gz"},
    )
    assert ask(twin, "GET", "/integrity/ring-x/0.10.0/other.whl/provenance").status == 404


def test_provenance_that_the_world_only_speaks_of_is_about_the_file(
    twin: PypiTwin, ring: dict[str, bytes], store: Store, ask: Any
) -> None:
    change(store, "ring_x-0.9.0-py3-none-any.whl", attested=True)
    answer = said(ask(twin, "GET", "/integrity/ring-x/0.9.0/ring_x-0.9.0-py3-none-any.whl/provenance"))
    (attestation,) = answer["attestation_bundles"][0]["attestations"]
    assert set(attestation) == {"version", "verification_material", "envelope"}
    statement = json.loads(base64.b64decode(attestation["envelope"]["statement"]))
    sha256 = hashlib.sha256(ring["0.9.0"]).hexdigest()
    assert statement["subject"] == [{"name": "ring_x-0.9.0-py3-none-any.whl", "digest": {"sha256": sha256}}]


def test_the_serial_rises_with_every_file_and_stays_where_nothing_changes(upload: Any, store: Store) -> None:
    filename, raw = wheel("0.9.0")
    seen = []
    for _ in range(2):
        assert upload(filename, raw, "0.9.0").status == 200
        seen.append(store.read().pypi[0].serial)
    other, more = wheel("0.9.1")
    assert upload(other, more, "0.9.1").status == 200
    seen.append(store.read().pypi[0].serial)
    assert seen[0] == seen[1] < seen[2]


NAME, RAW = wheel("0.9.0", ">=3.8")


@pytest.mark.parametrize(
    ("filename", "raw", "version", "fields", "words"),
    [
        (NAME, RAW, "0.9.0", {}, "File already exists"),
        ("ring_x-0.9.0.zip", RAW, "0.9.0", {}, "Filename 'ring_x-0.9.0.zip' is invalid"),
        ("other-0.9.0-py3-none-any.whl", RAW, "0.9.0", {}, "Start filename for 'Ring.X' with 'ring_x'."),
        (
            "ring_x-0.9.1-py3-none-any.whl",
            RAW,
            "0.9.0",
            {},
            "Version in filename should be '0.9.0' not '0.9.1'.",
        ),
        ("ring_x-0.9.1-py3-none-any.whl", RAW, "banana", {}, "'banana' is not a valid version."),
        ("ring_x.whl", RAW, "0.9.0", {}, "Invalid wheel filename"),
        ("ring_x.tar.gz", RAW, "0.9.0", {}, "Invalid source distribution filename"),
        ("ring_x-0.9.1-py3-none-any.whl", RAW, "0.9.1", {}, "does not contain the required METADATA"),
        ("ring_x-0.9.1-py3-none-any.whl", b"no zip", "0.9.1", {}, "Invalid distribution file."),
        ("ring_x-0.9.1.tar.gz", b"x", "0.9.1", {"sha256_digest": "0" * 64}, "digest supplied does not match"),
        ("ring_x-0.9.1.tar.gz", b"x", "0.9.1", {"attestations": "no"}, "Invalid attestations"),
        ("", b"x", "0.9.1", {}, "does not have a file"),
        ("ring_x-0.9.1.tar.gz", b"x", "0.9.1", {":action": "verify"}, "expected :action file_upload"),
        ("ring_x-0.9.1.tar.gz", b"x", "0.9.1", {"protocol_version": "2"}, "Unknown protocol version."),
    ],
)
def test_an_upload_that_is_refused_changes_nothing(
    upload: Any,
    ring: dict[str, bytes],
    store: Store,
    filename: str,
    raw: bytes,
    version: str,
    fields: dict[str, str],
    words: str,
) -> None:
    before = store.read()
    answer = upload(filename, raw, version, **fields)
    assert answer.status == 400
    assert words in html.unescape(answer.body.decode())
    assert store.read() == before


@pytest.mark.parametrize("authorization", ["", "Basic !", basic("revoked"), "Bearer revoked"])
def test_without_a_known_token_nobody_uploads(store: Store, ask: Any, authorization: str) -> None:
    content_type, body = form(*wheel("0.9.0"), "0.9.0")
    twin = PypiTwin(store, tokens={"good"})
    answer = ask(twin, "POST", "/legacy/", body, content_type=content_type, authorization=authorization)
    assert answer.status == 403
    assert b"Invalid or non-existent authentication information." in answer.body
    assert store.read().pypi == ()


def test_a_body_that_is_no_form_is_refused(twin: PypiTwin, ask: Any) -> None:
    for content_type in ("", "text/plain", "multipart/form-data"):
        answer = ask(twin, "POST", "/legacy/", b"x", content_type=content_type, authorization=basic())
        assert answer.status == 400
