"""What the steps of the release workflows do in the sandbox, told by what they use or run.

Nothing is run: each step has its effect on the job's files and on the world. A step that is not known
succeeds and does nothing.
"""

from __future__ import annotations

import fnmatch
import functools
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_relgate.sandbox import artifacts, publishing
from pytest_relgate.sandbox.changes import with_artifact
from pytest_relgate.sandbox.expression import filled, spelled
from pytest_relgate.sandbox.native import PLATFORMS, library
from pytest_relgate.sandbox.world import EXPIRED, RunArtifact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_relgate.sandbox.site import Site, Source
    from pytest_relgate.sandbox.world import Run, World

    Change = Callable[[World], World]
    Say = Callable[[str], None]

StepFailedError = publishing.StepFailedError

# As twine writes what upload.pypi.org answers to a token that it does not take.
_TWINE_REFUSED = (
    "ERROR    HTTPError: 403 Forbidden from https://upload.pypi.org/legacy/\n"
    "         Invalid or non-existent authentication information. See "
    "https://pypi.org/help/#invalid-auth for more information."
)


@dataclass
class Cell:
    """One cell of a job at work. ``files`` is its workspace, ``source`` what it checked out."""

    run: Run
    site: Site
    facts: dict[str, Any]
    environ: dict[str, str]
    files: dict[str, bytes] = field(default_factory=dict)
    source: Source | None = None

    def checked_out(self) -> Source:
        """The source. Raises StepFailedError where nothing was checked out."""
        if self.source is None:
            message = "fatal: not a git repository"
            raise StepFailedError(message)
        return self.source

    def inside(self, pattern: str) -> dict[str, bytes]:
        """Files of the workspace that match a pattern, by their names without folders."""
        found = fnmatch.filter(sorted(self.files), pattern)
        return {path.rpartition("/")[2]: self.files[path] for path in found}


def do(
    cell: Cell, given: Mapping[str, Any], environ: Mapping[str, str], outputs: dict[str, str], say: Say
) -> Change | None:
    """Do a step; return the change that it makes in the world, if any.

    ``environ`` is the step's own environment; ``outputs`` receives what it sets.
    Raises StepFailedError, whose text goes to the log.
    """
    arguments = {
        name: filled(spelled(value), cell.facts) for name, value in (given.get("with") or {}).items()
    }
    uses = str(given.get("uses", "")).partition("@")[0]
    if uses == "actions/checkout":
        _check_out(cell, arguments)
        return None
    if uses == "actions/upload-artifact":
        return _upload(cell, arguments, say)
    if uses == "actions/download-artifact":
        _download(cell, arguments, say)
        return None
    text = str(given.get("run", ""))
    for pattern, action in _COMMANDS:
        if re.search(pattern, text):
            change: Change | None = action(cell, {**cell.environ, **environ}, outputs, say)
            return change
    return None


# -- actions --------------------------------------------------------------------------------------------


def _check_out(cell: Cell, arguments: Mapping[str, str]) -> None:
    ref = arguments.get("ref") or cell.run.head_sha
    cell.source = cell.site.source(ref)
    if cell.source is None:
        message = f"fatal: couldn't find remote ref {ref}"
        raise StepFailedError(message)


def _upload(cell: Cell, arguments: Mapping[str, str], say: Say) -> Change:
    name, path = arguments["name"], arguments["path"].rstrip("/")
    inside = {file: raw for file, raw in cell.files.items() if file.startswith(f"{path}/")}
    matched = inside or {file: cell.files[file] for file in fnmatch.filter(cell.files, path)}
    if not matched:
        message = f"No files were found with the provided path: {path}. No artifacts will be uploaded."
        raise StepFailedError(message)
    root = path if inside else path.rpartition("/")[0]
    members = {file.removeprefix(f"{root}/"): raw for file, raw in sorted(matched.items())}
    archive = artifacts.zipped(members)
    blob, when = cell.site.put(archive), cell.site.clock()
    say(f"Artifact {name} has been successfully uploaded! Final size is {len(archive)} bytes.")
    return lambda world: with_artifact(
        world, cell.run.id, lambda number: RunArtifact(number, name, blob, len(archive), when)
    )


def _download(cell: Cell, arguments: Mapping[str, str], say: Say) -> None:
    wanted = int(arguments.get("run-id") or cell.run.id)
    run = next((one for one in cell.site.look().runs if one.id == wanted), None)
    pattern = arguments.get("name") or arguments.get("pattern") or "*"
    found = [one for one in newest_of(run) if fnmatch.fnmatchcase(one.name, pattern)]
    if not found:
        message = f"Unable to download artifact(s): Artifact not found for name: {pattern}"
        raise StepFailedError(message)
    place = arguments.get("path", ".").removeprefix("./")
    for artifact in found:
        if artifact.expired:
            message = f"Unable to download artifact(s): {artifact.name}: Artifact has expired (HTTP 410)"
            raise StepFailedError(message)
        for name, raw in artifacts.unzipped(cell.site.get(artifact.blob)).items():
            cell.files[f"{place}/{name}" if place != "." else name] = raw
        say(f"Artifact {artifact.name} was downloaded to {place}")


def newest_of(run: Run | None) -> tuple[RunArtifact, ...]:
    """What a run uploaded; of a name that several attempts uploaded, as GitHub lists them all, the newest.

    actions/download-artifact takes them so: actions/toolkit, ``ListArtifactsOptions.latest``.
    """
    return tuple({one.name: one for one in (run.artifacts if run else ())}.values())


# -- commands -------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4)
def _built(version: str, commit: str, site: Site) -> dict[str, bytes]:
    source = site.source(commit)
    return artifacts.build(version, source.files, commit) if source else {}


def _write_metadata(cell: Cell, environ: Mapping[str, str], outputs: dict[str, str], say: Say) -> None:
    tag = environ["TAG"]
    raw = artifacts.metadata(tag, cell.checked_out().commit, cell.run.id)
    cell.files["metadata.json"] = raw
    outputs["version"] = tag.removeprefix("v")
    say(raw.decode())


def _lay_out(cell: Cell, environ: Mapping[str, str], outputs: dict[str, str], say: Say) -> None:
    del outputs
    version, platform, node = environ["VERSION"], environ["PLATFORM"], environ["NODE_PLATFORM"]
    if node not in PLATFORMS:
        message = f"error: no toolchain for {node}"
        raise StepFailedError(message)
    source = cell.checked_out()
    wheel, raw = artifacts.wheel(version, source.files, node)
    built = _built(version, source.commit, cell.site)
    archive = f"plasmite_{version}_{platform}.tar.gz"
    cell.files |= {
        f"dist/{wheel}": raw,
        f"dist/{archive}": built[archive],
        f"dist/native/{node}/index.node": library(node, version),
    }
    say(f"{archive}\n{wheel}")


def _pack(cell: Cell, environ: Mapping[str, str], outputs: dict[str, str], say: Say) -> None:
    del environ, outputs
    source = cell.checked_out()
    version = artifacts.npm_manifest(source.files)["version"]
    for name, raw in _built(version, source.commit, cell.site).items():
        if artifacts.is_for_npm(name):
            cell.files[f"dist/node/{name}"] = raw
        elif artifacts.is_for_crates(name):
            cell.files[f"dist/crate/{name}"] = raw
        elif artifacts.is_for_pypi(name) and not name.endswith(".whl"):
            cell.files[f"dist/python/{name}"] = raw
    say("packed")


def _resolve(cell: Cell, environ: Mapping[str, str], outputs: dict[str, str], say: Say) -> None:
    """What the project's scripts/resolve_build_run.py does."""
    tag, wanted = environ.get("RELEASE_TAG", ""), environ.get("BUILD_RUN_ID", "")
    if bool(tag) == bool(wanted):
        message = "give release_tag, or build_run_id for recovery"
        raise StepFailedError(message)
    runs = [run for run in cell.site.look().runs if run.name == "release" and run.conclusion == "success"]
    if tag:
        found = [run for run in runs if run.head_branch == tag]
        refusal = f"no build run of {tag} succeeded"
    else:
        found = [run for run in runs if str(run.id) == wanted]
        refusal = f"run {wanted} is no successful build"
    if not found:
        raise StepFailedError(refusal)
    run = max(found, key=lambda one: (one.created_at, one.id))
    built = _metadata_of(cell, run)
    source = cell.site.source(f"refs/tags/{built['tag']}")
    expected = {
        "tag": tag or built["tag"],
        "version": built["tag"].removeprefix("v"),
        "source_sha": source.commit if source else "",
        "source_ref": f"refs/tags/{built['tag']}",
        "source_run_id": str(run.id),
        "source_workflow": "release",
    }
    if built != expected:
        message = f"run {run.id} built something else: expected {expected}, found {built}"
        raise StepFailedError(message)
    outputs |= {"run_id": str(run.id), "tag": built["tag"], "version": built["version"]}
    say("\n".join(f"{name}={value}" for name, value in outputs.items()))


def _metadata_of(cell: Cell, run: Run) -> dict[str, str]:
    for artifact in newest_of(run):
        if artifact.name == "release-metadata" and not artifact.expired:
            members = artifacts.unzipped(cell.site.get(artifact.blob))
            found: dict[str, str] = json.loads(members[artifacts.METADATA])
            return found
    message = "no valid artifacts found to download"
    raise StepFailedError(message)


def _preflight(cell: Cell, environ: Mapping[str, str], outputs: dict[str, str], say: Say) -> None:
    del cell, outputs
    for name, value in environ.items():
        if name.endswith("_TOKEN") and not value:
            message = f"##[error]{name} is not configured"
            raise StepFailedError(message)
    say("every credential is there")


def _fill_formula(cell: Cell, environ: Mapping[str, str], outputs: dict[str, str], say: Say) -> None:
    del outputs
    archives = cell.inside("dist/*.tar.gz")
    digests = {name: artifacts.sha256(raw) for name, raw in archives.items()}
    try:
        text = artifacts.formula(environ["VERSION"], cell.checked_out().files, digests)
    except KeyError as error:
        message = f"dist/sha256sums.txt has nothing for {error}"
        raise StepFailedError(message) from None
    cell.files["dist/sha256sums.txt"] = artifacts.checksums(archives)
    cell.files["dist/plasmite.rb"] = text.encode()
    say(f"filled for {len(archives)} archives")


def _publish_crate(
    cell: Cell, environ: Mapping[str, str], outputs: dict[str, str], say: Say
) -> Change | None:
    del outputs
    _must_have(environ, "CARGO_REGISTRY_TOKEN", "error: no token found, please run `cargo login`")
    source = cell.checked_out()
    version = artifacts.crate_version(source.files)
    say(f"Uploading plasmite v{version}")
    return _said(publishing.crate(cell.site, version, source), say)


def _publish_npm(cell: Cell, environ: Mapping[str, str], outputs: dict[str, str], say: Say) -> Change | None:
    del outputs
    _must_have(environ, "NODE_AUTH_TOKEN", "npm error code ENEEDAUTH")
    (name, raw), *_ = cell.inside("dist/*.tgz").items()
    say(f"npm notice Publishing {name}")
    return _said(publishing.npm(cell.site, raw), say)


def _publish_pypi(cell: Cell, environ: Mapping[str, str], outputs: dict[str, str], say: Say) -> Change | None:
    del outputs
    _must_have(environ, "TWINE_PASSWORD", _TWINE_REFUSED)
    found = cell.inside("dist/*")
    say("\n".join(f"Uploading {name}" for name in found))
    return _said(publishing.pypi(cell.site, found), say)


def _publish_release(
    cell: Cell, environ: Mapping[str, str], outputs: dict[str, str], say: Say
) -> Change | None:
    del outputs
    found = cell.inside("dist/*.tar.gz") | cell.inside("dist/sha256sums.txt")
    say(f"https://github.com/sandover/plasmite/releases/tag/{environ['TAG']}")
    return _said(publishing.github_release(cell.site, environ["TAG"], found), say)


def _publish_formula(cell: Cell, environ: Mapping[str, str], outputs: dict[str, str], say: Say) -> None:
    del outputs
    _must_have(environ, "GH_TOKEN", "fatal: could not read Username for 'https://github.com'")
    text = cell.files["dist/plasmite.rb"].decode()
    if cell.site.formula() == text:
        say("served already, with the same bytes: nothing to do")
        return
    cell.site.push_formula(text, f"plasmite {environ['TAG']}", cell.site.clock())
    say("main -> main")


def _said(change: Change | None, say: Say) -> Change | None:
    if change is None:
        say("served already, with the same bytes: nothing to do")
    return change


def _must_have(environ: Mapping[str, str], name: str, refusal: str) -> None:
    """Refuse a credential that is not there, or that its service does not take any more."""
    if environ.get(name, "") in ("", EXPIRED):
        raise StepFailedError(refusal)


_COMMANDS: tuple[tuple[str, Callable[..., Any]], ...] = (
    (r"> metadata\.json", _write_metadata),
    (r"lay_out_dist\.sh", _lay_out),
    (r"npm pack .*--pack-destination dist/node", _pack),
    (r"resolve_build_run\.py", _resolve),
    (r"is not configured", _preflight),
    (r"fill_formula\.py", _fill_formula),
    (r"cargo .*\bpublish\b", _publish_crate),
    (r"npm publish\b", _publish_npm),
    (r"twine\S* upload\b", _publish_pypi),
    (r"gh release create\b", _publish_release),
    (r"git -C tap push\b", _publish_formula),
)
