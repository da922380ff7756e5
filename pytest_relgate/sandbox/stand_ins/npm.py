"""Stand-in for npm: ``npm pack`` and ``npm install``, of a folder, a tarball or ``NAME@VERSION``."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import tarfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from pytest_relgate.sandbox.stand_ins.words import Unreadable, say, tell

_ALWAYS = ("package.json", "LICENSE*", "LICENCE*", "README*")
_WITH_VALUE = ("--pack-destination", "--prefix")


class Refused(Exception):  # noqa: N818  (how npm ends)
    """The registry does not have it, or has something else."""


def main(arguments: list[str]) -> int:
    """Pack the package of the folder, or install a tarball into it."""
    options = [word for word in arguments if word.startswith("-")]
    values = {word: arguments[at + 1] for at, word in enumerate(arguments[:-1]) if word in _WITH_VALUE}
    words = [word for word in arguments if not word.startswith("-") and word not in values.values()]
    destination, prefix = Path(values.get("--pack-destination", ".")), Path(values.get("--prefix", "."))
    try:
        return _do(words, options, destination, prefix)
    except Refused as problem:
        say(f"npm error {problem}")
        return 1


def _do(words: list[str], options: list[str], destination: Path, prefix: Path) -> int:
    match words:
        case ["pack"]:
            return _pack(Path(), destination)
        case ["pack", folder] if Path(folder).is_dir():
            return _pack(Path(folder), destination)
        case ["pack", spec] if "@" in spec[1:]:
            tell(_fetched(spec, destination).name)
            return 0
        case ["install", *tarballs] if tarballs and all(one.endswith(".tgz") for one in tarballs):
            for tarball in tarballs:
                _install(Path(tarball), prefix)
            return 0
        case ["install", spec] if "@" in spec[1:]:
            prefix.mkdir(parents=True, exist_ok=True)
            fetched = _fetched(spec, prefix)
            _install(fetched, prefix)
            fetched.unlink()
            return 0
        case _:
            message = f"npm {' '.join(words + options)}"
            raise Unreadable(message)


def _pack(folder: Path, destination: Path) -> int:
    package: dict[str, Any] = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    starts = [package.get("main", "index.js"), *package.get("bin", {}).values()]
    wanted = [*_ALWAYS, *starts, *package.get("files", ["*"])]
    paths = {path for pattern in wanted for path in _matching(folder, pattern.strip("/"))}
    name = f"{package['name']}-{package['version']}.tgz"
    with tarfile.open(destination / name, "w:gz") as archive:
        for path in sorted(paths):
            content = path.read_bytes()
            entry = tarfile.TarInfo(f"package/{path.relative_to(folder).as_posix()}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    tell(name)
    return 0


def _matching(folder: Path, pattern: str) -> list[Path]:
    found = list(folder.glob(pattern))
    below = [path for place in found if place.is_dir() for path in place.rglob("*")]
    return [path for path in [*found, *below] if path.is_file()]


def _fetched(spec: str, folder: Path) -> Path:
    """Get the tarball of NAME@VERSION from the registry, and hold it against what the registry says of it."""
    name, _, version = spec.rpartition("@")
    base = os.environ.get("npm_config_registry", "").rstrip("/")  # noqa: SIM112  (npm's own spelling)
    if not base.startswith("http://127.0.0.1:"):
        message = f"the registry {base or 'of this machine'}"
        raise Unreadable(message)
    document = json.loads(_got(f"{base}/{name}/{version}", spec))
    raw = _got(document["dist"]["tarball"], spec)
    algorithm, _, digest = document["dist"]["integrity"].partition("-")
    if base64.b64encode(hashlib.new(algorithm, raw).digest()).decode() != digest:
        message = f"code EINTEGRITY: {spec} is another file than the registry says"
        raise Refused(message)
    place = folder / f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz"
    place.write_bytes(raw)
    return place


def _got(url: str, spec: str) -> bytes:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=60) as answer:
            raw: bytes = answer.read()
    except urllib.error.HTTPError as error:
        message = f"code E{error.code}: {spec} is not in this registry"
        raise Refused(message) from None
    except OSError as error:
        message = f"{url}: {error}"
        raise Unreadable(message) from None
    return raw


def _install(tarball: Path, prefix: Path) -> None:
    with tarfile.open(tarball) as archive:
        manifest = archive.extractfile("package/package.json")
        if manifest is None:
            message = f"{tarball} has no package.json"
            raise Unreadable(message)
        package = json.loads(manifest.read())
        if package.get("dependencies"):
            message = f"{tarball} has dependencies"
            raise Unreadable(message)
        place = prefix / "node_modules" / package["name"]
        shutil.rmtree(place, ignore_errors=True)
        unpacked = place.with_name(f".{place.name}")
        archive.extractall(unpacked, filter="data")
        (unpacked / "package").rename(place)
        shutil.rmtree(unpacked)
    say(f"added 1 package: {package['name']} {package['version']}")
