"""Stand-in for cargo-audit: what Cargo.lock names, looked up in an advisory database on disk.

The database is that of RustSec: ``crates/NAME/ID.md``, each with a TOML block whose ``[versions]`` holds
``patched`` and ``unaffected`` requirements.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pytest_relgate.sandbox.stand_ins.words import Unreadable, say, tell

_REQUIREMENT = re.compile(r"(>=|<=|>|<|=)\s*(\d+(?:\.\d+)*)")


def main(arguments: list[str]) -> int:
    """Look for known vulnerabilities."""
    words = arguments[1:] if arguments[:1] == ["audit"] else arguments
    place = (
        Path(words[words.index("--db") + 1]) if "--db" in words[:-1] else Path.home() / ".cargo/advisory-db"
    )
    if not (place / "crates").is_dir():
        say(f"error: couldn't fetch advisory database: {place} is not there")
        return 2
    lock = tomllib.loads(Path("Cargo.lock").read_text(encoding="utf-8"))
    packages = [(each["name"], each["version"]) for each in lock.get("package", [])]
    found = [line for name, version in packages for line in _advisories(place, name, version)]
    for line in found:
        say(line)
    if found:
        say(f"error: {len(found)} vulnerabilities found!")
    else:
        tell(f"Scanned {len(packages)} crate dependencies: no known vulnerability")
    return int(bool(found))


def _advisories(place: Path, name: str, version: str) -> list[str]:
    found = []
    for path in sorted((place / "crates" / name).glob("*.md")):
        block = re.search(r"```toml\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
        if block is None:
            raise Unreadable(str(path))
        advisory = tomllib.loads(block[1])
        versions = advisory.get("versions", {})
        safe = [*versions.get("patched", []), *versions.get("unaffected", [])]
        if not any(_meets(version, requirement) for requirement in safe):
            found.append(f"Crate: {name} {version}\nID: {advisory['advisory']['id']}")
    return found


def _meets(version: str, requirement: str) -> bool:
    have = _numbers(version)
    for part in requirement.split(","):
        found = _REQUIREMENT.fullmatch(part.strip())
        if found is None:
            message = f"the requirement {part.strip()!r}"
            raise Unreadable(message)
        bound = _numbers(found[2])
        met = {">=": have >= bound, ">": have > bound, "<": have < bound, "<=": have <= bound}
        if not met.get(found[1], have == bound):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("-")[0]))
