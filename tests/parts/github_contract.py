"""GitHub's published OpenAPI description, as a judge of every answer that the GitHub twin gives.

``with held(twin) as judged:`` wraps a twin; ``judged`` is a twin like the other and can be served, asked by
gh or by our own clients. When the block ends, everything that was wrong with any answer is said at once.
``Watch`` does the same for a twin that somebody else serves.

An object whose fields the description lists is closed: a field beside them is wrong too. Where the twin is
right against the description, it stands in one of the tables below with its reason; a row that no answer
needs any more is for ``test_twin_routes.py`` to find.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from github_description import Operation, description, is_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import jsonschema

    from pytest_relgate.sandbox.twins.exchange import Answer, Request, Twin

_REPO = "/repos/{owner}/{repo}"
_DISPATCH = f"{_REPO}/actions/workflows/{{workflow_id}}/dispatches"
_ATTESTATIONS = f"{_REPO}/attestations/{{subject_digest}}"
_CHECKS = f"{_REPO}/commits/{{ref}}/check-runs"

ANYWHERE = {304: None, 400: "basic-error", 401: "basic-error", 403: "basic-error", 404: "basic-error"}
"""Statuses that every operation may answer with (docs: "Troubleshooting the REST API"), described or not."""

UNDESCRIBED = {
    ("post", _DISPATCH, 422): "validation-error-simple",  # wrong inputs, no such ref: seen from every client
    ("get", _CHECKS, 422): "validation-error-simple",  # "No commit found for SHA"
    ("get", f"{_REPO}/commits/{{ref}}/check-suites", 422): "validation-error-simple",
    ("get", f"{_REPO}/commits/{{ref}}/status", 422): "validation-error-simple",
    ("get", _ATTESTATIONS, 422): "validation-error-simple",  # what is no digest
    ("patch", f"{_REPO}/releases/{{release_id}}", 422): "validation-error",  # a tag that is taken
    ("delete", f"{_REPO}/releases/assets/{{asset_id}}", 422): "validation-error",  # of an immutable release
    ("post", f"{_REPO}/releases/{{release_id}}/assets", 422): "validation-error",  # described without a body
}
"""Statuses that GitHub gives and its description leaves out, with the schema of their bodies."""

MEDIA = {
    (f"{_REPO}/contents/{{path}}", "application/vnd.github.raw+json"),
    (f"{_REPO}/commits/{{ref}}", "application/vnd.github.sha"),
}
"""Media types that the description speaks of in prose only: their bodies are no JSON."""

EXCEPTIONS = {
    # Since July 2026 the bundle is null and only its address is given.
    ("get", _ATTESTATIONS): ("attestations", "*", "bundle"),
    # A server of one's own says its version; github.com, which is described here, does not.
    ("get", "/meta"): ("installed_version",),
}
"""One place in an answer, by operation, that the description does not allow and the twin gives."""

_OUTSIDE = re.compile(r"/graphql|/[^/]+/[^/]+/(?:releases/(?:download|latest|tag)|raw)(?:/.*)?")
_EVERY_HEADER = (
    "x-github-request-id",
    "x-github-media-type",
    "x-github-api-version-selected",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-used",
    "x-ratelimit-reset",
    "x-ratelimit-resource",
)
_LINK = re.compile(r'<(?P<url>[^>]+)>; rel="(?P<rel>\w+)"')


@dataclass
class ContractTwin:
    """A twin whose every answer is judged. ``problems`` are sentences, ``seen`` what was judged."""

    twin: Twin
    problems: list[str] = field(default_factory=list)
    seen: set[tuple[str, str, int]] = field(default_factory=set)
    excused: set[object] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.twin.name

    def answer(self, request: Request) -> Answer:
        answer = self.twin.answer(request)
        found, operation, excused = judge(request, answer)
        where = f"{request.method} {request.path} -> {answer.status}"
        self.problems += [f"{where}: {problem}" for problem in found]
        self.excused |= excused
        if operation is not None:
            self.seen.add((operation.method, operation.template, answer.status))
        return answer


@contextlib.contextmanager
def held(twin: Twin) -> Iterator[ContractTwin]:
    """Hold a twin to the description for the length of a block."""
    judged = ContractTwin(twin)
    yield judged
    assert not judged.problems, "\n".join(["against GitHub's description:", *judged.problems])


@dataclass
class Watch:
    """For ``serve(..., seen=)`` and ``open_box(..., seen=)``: judges what the GitHub twin answered.

    It sees what a client was sent, so it is for a world without network faults. ``check`` says all at once.
    """

    problems: list[str] = field(default_factory=list)
    seen: set[tuple[str, str, int]] = field(default_factory=set)

    def __call__(self, twin: str, request: Request, answer: Answer) -> None:
        if twin == "github":
            one = ContractTwin(_Said(answer), self.problems, self.seen)
            one.answer(request)

    def check(self) -> None:
        assert not self.problems, "\n".join(["against GitHub's description:", *self.problems])


@dataclass(frozen=True)
class _Said:
    said: Answer
    name: str = "github"

    def answer(self, _: Request) -> Answer:
        return self.said


def judge(request: Request, answer: Answer) -> tuple[list[str], Operation | None, set[object]]:
    """What is wrong with an answer, the operation that it belongs to, and the rows that excused it."""
    path = _described_path(request.path)
    method = "get" if request.method == "HEAD" else request.method.lower()
    if _OUTSIDE.fullmatch(path):
        return [], None, set()
    found = description().operation(method, unquote(path))
    excused: set[object] = set()
    problems = _headers(request, answer)
    if found is None:
        if answer.status != 404:
            return [*problems, "no such operation is described"], None, excused
        return problems + _error(answer, "https://docs.github.com/rest"), None, excused
    if request.method != "HEAD":
        problems += _body(found, answer, excused)
        if answer.status >= 400:
            problems += _error(answer, found.facts["externalDocs"]["url"])
    problems += _link(request, answer)
    if answer.status < 400:
        problems += _request(found, request)
    return problems, found, excused


def _described_path(path: str) -> str:
    for prefix in ("/api/v3", "/api/uploads", "/api"):
        if path.startswith(f"{prefix}/"):
            path = path.removeprefix(prefix)
            break
    path = re.sub(r"^/repositories/\d+(?=/|$)", "/repos/o/r", path)
    return f"{path}/" if path.endswith("/contents") else path  # the top folder has no name


def _body(operation: Operation, answer: Answer, excused: set[object]) -> list[str]:
    assert isinstance(answer.body, bytes)
    schemas, known = _schemas(operation, answer.status, excused)
    media = answer.headers.get("content-type", "").partition(";")[0].strip()
    if not known:
        return [f"the status {answer.status} is not described"]
    if answer.status == 302:
        return [] if is_address(answer.headers.get("location", "")) else ["a redirect without an address"]
    if (operation.template, media) in MEDIA:
        excused.add((operation.template, media))
        return []
    if not schemas:
        return [f"a body of {len(answer.body)} bytes where there is none"] if answer.body else []
    schema = schemas.get(media) or schemas.get(media.removesuffix("+json"))
    if schema is None:
        return [f"the content type {media!r} is not described, only {sorted(schemas)}"]
    return _against(operation, schema, answer, excused)


def _against(
    operation: Operation, schema: Mapping[str, Any], answer: Answer, excused: set[object]
) -> list[str]:
    assert isinstance(answer.body, bytes)
    try:
        document = json.loads(answer.body)
    except ValueError as error:
        return [f"the body is no JSON: {error}"]
    if answer.status == 422:  # its schema alone among the errors' does not list the status: `_error` does
        document.pop("status", None)
    row = (operation.method, operation.template)
    if row in EXCEPTIONS and _drop(document, EXCEPTIONS[row]):
        excused.add(row)
    errors = description().validator(schema).iter_errors(document)
    return [f"{_where(error)}: {error.message[:300]}" for error in map(_deepest, errors)]


def _schemas(
    operation: Operation, status: int, excused: set[object]
) -> tuple[Mapping[str, Any] | None, bool]:
    """Schemas by content type, and whether the status is one that GitHub gives."""
    described = operation.facts["responses"].get(str(status))
    content = {}
    if described is not None:
        facts = description().resolved(described).get("content", {})
        content = {media: one["schema"] for media, one in facts.items()}
    row = (operation.method, operation.template, status)
    if content or (described is not None and row not in UNDESCRIBED and status not in ANYWHERE):
        return content, True
    if row in UNDESCRIBED:
        excused.add(row)
        name = UNDESCRIBED[row]
    elif status in ANYWHERE:
        if (name := ANYWHERE[status]) is None:
            return None, True
    else:
        return None, described is not None
    return {"application/json": {"$ref": f"#/components/schemas/{name}"}}, True


def _drop(document: Any, steps: tuple[str, ...]) -> bool:
    head, *rest = steps
    if head == "*":
        return isinstance(document, list) and sum(_drop(item, tuple(rest)) for item in document) > 0
    if not isinstance(document, dict) or head not in document:
        return False
    if rest:
        return _drop(document[head], tuple(rest))
    del document[head]
    return True


def _deepest(error: jsonschema.ValidationError) -> jsonschema.ValidationError:
    """Where none of several schemas fits: what is wrong with the one that fits best."""
    while error.context:
        choices: dict[object, list[jsonschema.ValidationError]] = {}
        for one in error.context:
            choices.setdefault(one.schema_path[0], []).append(one)
        nearest = min(choices.values(), key=lambda errors: (len(errors), -len(errors[0].absolute_path)))
        error = nearest[0]
    return error


def _where(error: jsonschema.ValidationError) -> str:
    return (
        "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path) or "."
    )


def _error(answer: Answer, docs: str) -> list[str]:
    """An error says what is wrong, where it is described, and its status once more."""
    assert isinstance(answer.body, bytes)
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return ["an error that is no JSON"]
    document = json.loads(answer.body)
    message = document.get("message", "")
    problems = [] if message else ["an error without a message"]
    if document.get("status") != str(answer.status):
        problems.append(f"the error says status {document.get('status')!r}")
    wanted = next((address for words, address in _GENERAL.items() if message.startswith(words)), docs)
    if document.get("documentation_url") != wanted:
        problems.append(f"expected documentation at {wanted}, found {document.get('documentation_url')!r}")
    return problems


_GENERAL = {  # refusals that are about no operation
    "Bad credentials": "https://docs.github.com/rest",
    "API rate limit exceeded": (
        "https://docs.github.com/rest/overview/resources-in-the-rest-api#rate-limiting"
    ),
}


def _headers(request: Request, answer: Answer) -> list[str]:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    problems = [f"no header {name}" for name in _EVERY_HEADER if name not in headers]
    if problems:
        return problems
    limit, remaining, used = (int(headers[f"x-ratelimit-{one}"]) for one in ("limit", "remaining", "used"))
    if limit != remaining + used:
        problems.append(f"of {limit} requests {remaining} remain after {used}")
    if answer.status == 200 and request.method == "GET" and "etag" not in headers:
        problems.append("no header etag")
    return problems


def _link(request: Request, answer: Answer) -> list[str]:
    header = answer.headers.get("link", "")
    found = {match["rel"]: match["url"] for match in _LINK.finditer(header)}
    if header and not found:
        return [f"a Link header that cannot be read: {header}"]
    return [f"the {rel} page is at {url}" for rel, url in found.items() if not url.startswith(request.base)]


def _request(operation: Operation, request: Request) -> list[str]:
    """What a client asked for and was given: a filter that GitHub does not know is no filter."""
    known = [description().resolved(one) for one in operation.facts.get("parameters", ())]
    names = {one["name"] for one in known if one["in"] == "query"}
    problems = [f"the query {name} is not described" for name in request.query if name not in names]
    body = operation.facts.get("requestBody", {}).get("content", {}).get("application/json")
    if body and request.body:
        errors = description().validator(body["schema"]).iter_errors(json.loads(request.body))
        problems += [f"in the request {_where(one)}: {one.message[:300]}" for one in map(_deepest, errors)]
    return problems
