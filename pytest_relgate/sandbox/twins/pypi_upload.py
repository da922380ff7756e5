"""What an upload to PyPI must hold, and the step that adds the file; words are warehouse's.

Clients send a form of many parts (PEP 694's "legacy" API): core metadata, digests and the file.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from pytest_relgate.sandbox.twins.answers import Refused
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.sandbox.twins.pypi_documents import digests_of
from pytest_relgate.sandbox.world import Attestation, PypiFile, PypiProject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import World

_HELP = "See https://pypi.org/help/#file-name-reuse for more information."
_PARAMETER = re.compile(r';\s*([\w-]+)=(?:"([^"]*)"|([^\s;]+))')
_DIGESTS = {"md5_digest": "md5", "sha256_digest": "sha256", "blake2_256_digest": "blake2b_256"}


@dataclass(frozen=True)
class Form:
    """An upload: its fields, each with all its values, and the file."""

    fields: dict[str, tuple[str, ...]]
    filename: str
    raw: bytes

    def first(self, name: str) -> str:
        """Return the first value of a field, empty without one."""
        return next(iter(self.fields.get(name, ())), "")


def refuse(message: str, status: int = HTTPStatus.BAD_REQUEST) -> NoReturn:
    """Refuse with a page, as warehouse does; it says the message in the status line too."""
    title = f"{status} {message}"
    page = f"<html><head><title>{html.escape(title)}</title></head><body>{html.escape(message)}</body></html>"
    raise Refused(Answer(status, page.encode(), {"content-type": "text/html; charset=UTF-8"})) from None


def find(world: World, name: str) -> PypiProject | None:
    """Return the project whose canonical name is that of ``name``."""
    wanted = canonicalize_name(name)
    return next((one for one in world.pypi if canonicalize_name(one.name) == wanted), None)


def attested_subject(sha256: str) -> str:
    """Return how the world names the file that an attestation of PEP 740 speaks of; SHA-256 in hex."""
    return f"pypi:sha256:{sha256}"


def form_of(content_type: str, body: bytes) -> Form:
    """Read the form of an upload. Raises Refused where it is none."""
    fields: dict[str, tuple[str, ...]] = {}
    filename, raw = "", b""
    for names, content in _parts(content_type, body):
        name = names.get("name", "")
        if name == "content":
            filename, raw = names.get("filename", ""), content
        else:
            fields[name] = (*fields.get(name, ()), content.decode("utf-8", "replace"))
    form = Form(fields, filename, raw)
    if form.first(":action") != "file_upload":
        refuse("Invalid request: expected :action file_upload.")
    if form.first("protocol_version") not in ("", "1"):
        refuse("Unknown protocol version.")
    if not filename:
        refuse("Upload payload does not have a file.")
    return form


def _parts(content_type: str, body: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yield each part's names (``name``, ``filename``) and its bytes as they were sent (RFC 7578)."""
    boundary = _named(content_type).get("boundary", "")
    if not content_type.startswith("multipart/form-data") or not boundary:
        refuse("Invalid request: expected a form of many parts.")
    end_of_part = re.compile(rb"\r\n--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*(?:\r\n|$)")
    for part in end_of_part.split(b"\r\n" + body)[1:]:
        head, found, content = part.partition(b"\r\n\r\n")
        if found:
            lines = head.decode("utf-8", "replace").split("\r\n")
            disposition = next(
                (line for line in lines if line.lower().startswith("content-disposition:")), ""
            )
            yield _named(disposition), content


def _named(header: str) -> dict[str, str]:
    """Return the parameters of a header's value."""
    return {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(header)}


def step(form: Form, store: Store, time: str) -> Callable[[World], World]:
    """Return the step that adds the file. Raises Refused where PyPI would not take it."""
    name, version = _checked_names(form)
    digests = digests_of(form.raw)
    for field, algorithm in _DIGESTS.items():
        if form.first(field) and form.first(field) != digests[algorithm]:
            refuse("The digest supplied does not match a digest calculated from the uploaded file.")
    metadata = _metadata(form) if form.filename.endswith(".whl") else b""
    attestations = _attestations(form, digests["sha256"])
    file = PypiFile(
        filename=form.filename,
        version=version,
        blob=store.put(form.raw),
        size=len(form.raw),
        created_at=time,
        requires_python=form.first("requires_python") or None,
        metadata=store.put(metadata) if metadata else "",
        attested=bool(attestations),
    )

    def add(world: World) -> World:
        project = find(world, name) or PypiProject(name, serial=0)
        same = _already(project, file)
        if same is not None:
            if same == (file.filename, file.blob):
                return world  # the same file once more: PyPI says yes and does nothing
            refuse(
                f"File already exists ({file.filename!r}, with blake2_256 hash "
                f"{digests['blake2b_256']!r}). {_HELP}"
            )
        yanked = next((one.yanked for one in project.files if one.version == version), False)
        changed = msgspec.structs.replace(
            project,
            files=(*project.files, msgspec.structs.replace(file, yanked=yanked)),
            serial=max(world.tick, project.serial) + 1,
        )
        others = tuple(one for one in world.pypi if one is not project)
        return msgspec.structs.replace(
            world,
            pypi=(*others, changed),
            attestations=(*world.attestations, *attestations),
            tick=changed.serial,
        )

    return add


def _already(project: PypiProject, file: PypiFile) -> tuple[str, str] | None:
    """Return name and digest of the file that stands in the way: of the same name, or of the same bytes."""
    for one in project.files:
        if one.filename == file.filename or one.blob == file.blob:
            return one.filename, one.blob
    return None


def _checked_names(form: Form) -> tuple[str, str]:
    name = form.first("name")
    try:
        version = Version(form.first("version"))
    except InvalidVersion:
        refuse(f"{form.first('version')!r} is not a valid version.")
    try:
        if form.filename.endswith(".whl"):
            found, number, _, _ = parse_wheel_filename(form.filename)
        else:
            found, number = parse_sdist_filename(form.filename)
    except InvalidWheelFilename as error:
        refuse(str(error))
    except InvalidSdistFilename:
        refuse(f"Invalid source distribution filename: {form.filename}")
    expected = canonicalize_name(name)
    if found != expected:
        refuse(f"Start filename for {name!r} with {expected.replace('-', '_')!r}.")
    if number != version:
        refuse(f"Version in filename should be {str(version)!r} not {str(number)!r}.")
    sdist = f"{expected.replace('-', '_')}-{version}.tar.gz"
    if not form.filename.endswith(".whl") and form.filename != sdist:
        refuse(f"Filename {form.filename!r} is invalid, should be {sdist!r}.")
    return name, str(version)


def _metadata(form: Form) -> bytes:
    """Return the core metadata that a wheel holds (PEP 658 serves it beside the wheel)."""
    name, number = form.filename.split("-")[:2]
    wanted = f"{name}-{number}.dist-info/METADATA"
    try:
        with zipfile.ZipFile(io.BytesIO(form.raw)) as wheel:
            return wheel.read(wanted)
    except KeyError:
        return refuse(f"Wheel '{form.filename}' does not contain the required METADATA file: {wanted}")
    except zipfile.BadZipFile:
        return refuse("Invalid distribution file. File is not a zip file")


def _attestations(form: Form, sha256: str) -> tuple[Attestation, ...]:
    sent = form.first("attestations")
    if not sent:
        return ()
    try:
        listed = msgspec.json.decode(sent, type=list[dict[str, Any]])
    except msgspec.DecodeError:
        refuse("Invalid attestations supplied during upload: Malformed attestations")
    return tuple(Attestation(attested_subject(sha256), one) for one in listed)
