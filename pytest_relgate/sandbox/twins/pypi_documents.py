"""What PyPI says of projects: the Simple API in both forms, the JSON API, provenance. Pure.

Rules: PEP 503, 592, 629, 658, 691, 700, 714, 740, 792 (now the "Simple repository API" specification), and
warehouse's ``packaging/utils.py`` and ``legacy/api/json.py`` for everything they leave open.
"""

from __future__ import annotations

import base64
import email.parser
import email.policy
import hashlib
import html
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from packaging.utils import canonicalize_name
from packaging.version import Version

from pytest_relgate.sandbox.twins.answers import micros, whole_second

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_relgate.sandbox.world import PypiFile, PypiProject

API_VERSION: Final = "1.4"
SIMPLE_JSON: Final = "application/vnd.pypi.simple.v1+json"
SIMPLE_HTML: Final = "application/vnd.pypi.simple.v1+html"
PUBLISH: Final = "https://docs.pypi.org/attestations/publish/v1"
OWNER: Final = "ada"
_LICENSES: Final = ("license", "license_expression")
# Fields of the JSON API that stand in the core metadata under one name, and those that repeat there.
_ONCE: Final = (
    "summary",
    "description_content_type",
    "keywords",
    *_LICENSES,
    "author",
    "author_email",
    "maintainer",
    "maintainer_email",
    "requires_python",
    "platform",
    "home_page",
    "download_url",
)
_REPEATED: Final = {
    "requires_dist": "Requires-Dist",
    "provides_extra": "Provides-Extra",
    "dynamic": "Dynamic",
    "license_files": "License-File",
}


def file_path(file: PypiFile, blake2: str) -> str:
    """Return where a file is served; ``blake2`` is its BLAKE2b-256 in hex."""
    return f"/packages/{blake2[:2]}/{blake2[2:4]}/{blake2[4:]}/{quote(file.filename)}"


def provenance_path(project: str, file: PypiFile) -> str:
    """Return where the provenance of a file is served (PEP 740)."""
    return f"/integrity/{canonicalize_name(project)}/{quote(file.version)}/{quote(file.filename)}/provenance"


def index(projects: Iterable[PypiProject]) -> dict[str, Any]:
    """Return the list of projects."""
    listed = sorted(projects, key=lambda one: canonicalize_name(one.name))
    return {
        "meta": {"api-version": API_VERSION, "_last-serial": max((one.serial for one in listed), default=0)},
        "projects": [{"name": one.name, "_last-serial": one.serial} for one in listed],
    }


def index_html(document: dict[str, Any]) -> str:
    """Return the list of projects as a page."""
    links = "".join(
        f'    <a href="/simple/{canonicalize_name(one["name"])}/">{html.escape(one["name"])}</a>\n'
        for one in document["projects"]
    )
    return _page(document, "Simple index", links)


def detail(project: PypiProject, base: str, blake2: Callable[[str], str]) -> dict[str, Any]:
    """Return a project's files; ``blake2`` gives the BLAKE2b-256 of a blob."""
    files = sorted(project.files, key=lambda one: (Version(one.version), one.filename))
    return {
        "meta": {"api-version": API_VERSION, "_last-serial": project.serial},
        "name": canonicalize_name(project.name),
        "project-status": {"status": "active"},
        "versions": in_order(one.version for one in files),
        "files": [_listed(project, one, base, blake2(one.blob)) for one in files],
    }


def _listed(project: PypiProject, file: PypiFile, base: str, blake2: str) -> dict[str, Any]:
    core = {"sha256": file.metadata} if file.metadata else False
    return {
        "filename": file.filename,
        "url": base + file_path(file, blake2),
        "hashes": {"sha256": file.blob},
        "requires-python": file.requires_python,
        "size": file.size,
        "upload-time": micros(file.created_at),
        "yanked": file.yanked,
        "data-dist-info-metadata": core,
        "core-metadata": core,
        "provenance": base + provenance_path(project.name, file) if file.attested else None,
    }


def detail_html(document: dict[str, Any]) -> str:
    """Return a project's files as a page."""
    name = html.escape(document["name"])
    links = "".join(f"    {_link(file)}<br />\n" for file in document["files"])
    status = f'    <meta name="pypi:project-status" content="{document["project-status"]["status"]}">\n'
    return _page(document, f"Links for {name}", f"    <h1>Links for {name}</h1>\n{links}", status)


def _link(file: dict[str, Any]) -> str:
    facts = {"href": f"{file['url']}#sha256={file['hashes']['sha256']}"}
    if file["requires-python"]:
        facts["data-requires-python"] = file["requires-python"]
    if file["yanked"]:
        facts["data-yanked"] = file["yanked"] if isinstance(file["yanked"], str) else ""
    if core := file["core-metadata"]:
        facts["data-dist-info-metadata"] = facts["data-core-metadata"] = f"sha256={core['sha256']}"
    if file["provenance"]:
        facts["data-provenance"] = file["provenance"]
    attributes = " ".join(f'{name}="{html.escape(value)}"' for name, value in facts.items())
    return f"<a {attributes}>{html.escape(file['filename'])}</a>"


def _page(document: dict[str, Any], title: str, content: str, head: str = "") -> str:
    meta = document["meta"]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n  <head>\n'
        f'    <meta name="pypi:repository-version" content="{meta["api-version"]}">\n{head}'
        f"    <title>{title}</title>\n  </head>\n  <body>\n{content}  </body>\n</html>\n"
        f"<!--SERIAL {meta['_last-serial']}-->\n"
    )


def release(
    project: PypiProject, version: str, base: str, read: Callable[[str], bytes], *, every: bool
) -> dict[str, Any]:
    """Return the JSON API's document about a version, with ``every`` also about all others.

    ``read`` gives the bytes of a blob.
    """
    files = [one for one in project.files if one.version == version]
    releases = {
        number: [_described(one, base, read(one.blob)) for one in _by_name(project, number)]
        for number in reversed(in_order(one.version for one in project.files))
        if every or number == version
    }
    here = f"{base}/project/{project.name}/"
    document = {
        "info": {
            **_info(next((read(one.metadata) for one in files if one.metadata), b"")),
            "name": project.name,
            "version": version,
            "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
            "package_url": here,
            "project_url": here,
            "release_url": f"{here}{version}/",
            "docs_url": None,
            "bugtrack_url": None,
            "yanked": all(bool(one.yanked) for one in files),
            "yanked_reason": next((one.yanked for one in files if isinstance(one.yanked, str)), None),
        },
        "urls": releases[version],
        "vulnerabilities": [],
        "last_serial": project.serial,
        "ownership": {"roles": [{"role": "Owner", "user": OWNER}], "organization": None},
    }
    return document | ({"releases": releases} if every else {})


def _by_name(project: PypiProject, number: str) -> list[PypiFile]:
    return sorted((one for one in project.files if one.version == number), key=lambda one: one.filename)


def _described(file: PypiFile, base: str, raw: bytes) -> dict[str, Any]:
    digests = digests_of(raw)
    wheel = file.filename.endswith(".whl")
    return {
        "filename": file.filename,
        "packagetype": "bdist_wheel" if wheel else "sdist",
        "python_version": file.filename.split("-")[-3] if wheel else "source",
        "has_sig": False,
        "comment_text": None,
        "md5_digest": digests["md5"],
        "digests": digests,
        "core-metadata": {"sha256": file.metadata} if file.metadata else False,
        "size": file.size,
        "downloads": -1,
        "upload_time": whole_second(file.created_at),
        "upload_time_iso_8601": micros(file.created_at),
        "url": base + file_path(file, digests["blake2b_256"]),
        "requires_python": file.requires_python,
        "yanked": bool(file.yanked),
        "yanked_reason": file.yanked if isinstance(file.yanked, str) else None,
    }


def _info(metadata: bytes) -> dict[str, Any]:
    """Return what the JSON API repeats from core metadata, None where that says nothing."""
    headers = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(metadata)
    once = {name: headers.get(name.replace("_", "-")) for name in _ONCE}
    repeated = {name: headers.get_all(header) for name, header in _REPEATED.items()}
    urls = (one.partition(",") for one in headers.get_all("Project-URL") or ())
    return {
        **once,
        **repeated,
        "classifiers": headers.get_all("Classifier") or [],
        "project_urls": {label.strip(): url.strip() for label, _, url in urls} or None,
        "description": str(headers.get_payload()) or None,
    }


def digests_of(raw: bytes) -> dict[str, str]:
    """Return the digests that PyPI names of a file."""
    return {
        "blake2b_256": hashlib.blake2b(raw, digest_size=32).hexdigest(),
        "md5": hashlib.md5(raw, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(raw).hexdigest(),
    }


def newest(project: PypiProject) -> str:
    """Return the version that PyPI shows: not yanked before yanked, final before pre-release, the highest."""
    living = {one.version for one in project.files if not one.yanked}

    def rank(number: str) -> tuple[bool, bool, Version]:
        return (number in living, not Version(number).is_prerelease, Version(number))

    return max((one.version for one in project.files), key=rank)


def in_order(numbers: Iterable[str]) -> list[str]:
    """Sort version numbers as PEP 440 orders them, each once."""
    return sorted(set(numbers), key=Version)


def provenance(
    file: PypiFile, repository: str, attestations: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """Return the provenance object of a file (PEP 740); unsigned of its form where none was sent along."""
    publisher = {
        "kind": "GitHub",
        "repository": repository,
        "workflow": "release-publish.yml",
        "environment": None,
        "claims": None,
    }
    bundle = {"publisher": publisher, "attestations": list(attestations) or [_unsigned(file)]}
    return {"version": 1, "attestation_bundles": [bundle]}


def _unsigned(file: PypiFile) -> dict[str, Any]:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": file.filename, "digest": {"sha256": file.blob}}],
        "predicateType": PUBLISH,
        "predicate": None,
    }
    encoded = base64.b64encode(json.dumps(statement).encode()).decode()
    return {
        "version": 1,
        "verification_material": {"certificate": "", "transparency_entries": []},
        "envelope": {"statement": encoded, "signature": ""},
    }
