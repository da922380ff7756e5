"""Stand-in for npm: ``npm pack`` and ``npm install TARBALL``, as far as files go."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from pytest_relgate.sandbox.stand_ins.words import Unreadable, say, tell

_ALWAYS = ("package.json", "LICENSE*", "LICENCE*", "README*")
_WITH_VALUE = ("--pack-destination",)


def main(arguments: list[str]) -> int:
    """Pack the package of the folder, or install a tarball into it."""
    options = [word for word in arguments if word.startswith("-")]
    values = {word: arguments[at + 1] for at, word in enumerate(arguments[:-1]) if word in _WITH_VALUE}
    words = [word for word in arguments if not word.startswith("-") and word not in values.values()]
    match words:
        case ["pack"]:
            return _pack(Path(), Path(values.get("--pack-destination", ".")))
        case ["pack", folder] if Path(folder).is_dir():
            return _pack(Path(folder), Path(values.get("--pack-destination", ".")))
        case ["install", *tarballs] if tarballs and all(one.endswith(".tgz") for one in tarballs):
            for tarball in tarballs:
                _install(Path(tarball))
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


def _install(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        manifest = archive.extractfile("package/package.json")
        if manifest is None:
            message = f"{tarball} has no package.json"
            raise Unreadable(message)
        package = json.loads(manifest.read())
        if package.get("dependencies"):
            message = f"{tarball} has dependencies"
            raise Unreadable(message)
        place = Path("node_modules") / package["name"]
        shutil.rmtree(place, ignore_errors=True)
        unpacked = place.with_name(f".{place.name}")
        archive.extractall(unpacked, filter="data")
        (unpacked / "package").rename(place)
        shutil.rmtree(unpacked)
    say(f"added 1 package: {package['name']} {package['version']}")
