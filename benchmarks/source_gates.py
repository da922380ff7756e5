"""The source gates against what a shell script would do, turn and turn about on the same repository.

Type ``python benchmarks/source_gates.py [CHECKOUT] [TAGS] [ROUNDS] [MEGABYTES]``: without a checkout, on the
sandbox's miniature of Plasmite. The bars: the base among 10,000 tags at least 100 times as fast as a script
that asks two processes a tag; topology, alignment, formula and licensing within a tenth of a second each, in
processor time, because other jobs on the machine lengthen the rest.

Every turn of ours is a process of its own, so that nothing is warm: what counts is the time from the first
import of the room that judges to its answer, as a gate spends it, with the time of the processes that it
starts; the whole process stands beside it. The scripts are simple on purpose, and judge less: they read
lines, look at names and stop at the first match.

Two runs, of two turns and of one, on two cores with ten other jobs that wanted them (wall time; busy is
processor time), Python 3.11, eight libraries of 12.7 MB:

===========  ========================  ==========================  ==========================================
gate         in the gate               script                      on
===========  ========================  ==========================  ==========================================
base tag     431 ms, 94 ms busy        90,212 ms, 210 times ours   10,000 tags, miniature
base tag     293 ms, 94 ms busy        110,767 ms, 378 times ours  10,000 tags, a checkout of Plasmite
topology     153 ms, 54 ms busy        63 ms                       miniature
topology     249 ms, 92 ms busy        50 ms                       a checkout of Plasmite
alignment    98 ms, 32 ms busy         76 ms                       miniature
alignment    136 ms, 39 ms busy        64 ms                       a checkout of Plasmite
formula      27 ms, 15 ms busy         79 ms                       miniature
formula      39 ms, 11 ms busy         78 ms                       a checkout of Plasmite
licensing    270 ms, 94 ms busy        740 ms                      ten archives, with the miniature
licensing    317 ms, 85 ms busy        407 ms                      ten archives, with the checkout
===========  ========================  ==========================  ==========================================

Licensing unpacks the four tars to their end, 51 MB, because an archive that was cut short carries nothing
and gzip has no index. Of the wheels it reads the index and the licences, with their sums; every byte of
theirs is read by the gate that asks whether archives are sound. What that costs at least is zlib's own
time: 67 ms here, of 79 ms for the judgement; ``gzip -t`` of the same files takes 197 ms busy and ``tar
-tzf`` 233 ms. Half of a library here is noise, which unpacks fast. Where all of it is machine code, zlib
alone takes 160 ms, the judgement 180 ms, ``gzip -t`` 271 ms and ``tar -tzf`` 314 ms: then no reader holds a
tenth of a second. With seven other jobs instead of ten the checkout's wall times were 83 ms, 66 ms, 9 ms and
121 ms, in this order.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

CHECKS = Path(__file__).parents[1] / "release_checks"
VERSION = "50.5.4"  # of 10,000 tags half are higher
GATES = ("base tag", "topology", "alignment", "formula", "licensing")
LIMIT = 0.1

SHELL = {
    "base tag": r"""
base=""
for tag in $(git tag --list --sort=version:refname); do
  if grep -qE '^v[0-9]+\.[0-9]+\.[0-9]+$' <<<"$tag"; then
    if sort -V -C <<<"$tag"$'\n'"v$VERSION" && [ "$tag" != "v$VERSION" ]; then base="$tag"; fi
  fi
done
echo "$base"
""",
    "topology": r"""
awk '/^  [a-z0-9-]+:$/ { job = $1 } /^    needs:/ { print job, $0 }' .github/workflows/release-publish.yml |
  grep -E '^(publish-[a-z-]+|release):' | grep -Ev '(preflight|complete):' | while read -r job needs; do
    echo "$needs" | grep -q resolve-build-run || { echo "$job waits for nothing"; exit 1; }
  done
""",
    "alignment": r"""
wanted=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
for file in Cargo.toml bindings/python/pyproject.toml bindings/node/native/Cargo.toml; do
  [ "$(sed -n 's/^version = "\(.*\)"/\1/p' "$file" | head -n 1)" = "$wanted" ] || echo "$file differs"
done
for file in bindings/node/package.json bindings/node/package-lock.json; do
  [ "$(sed -n 's/^  "version": "\(.*\)",/\1/p' "$file" | head -n 1)" = "$wanted" ] || echo "$file differs"
done
""",
    "formula": r"""
for platform in darwin_amd64 darwin_arm64 linux_amd64 linux_arm64; do
  url=$(grep -c "url .*_$platform.tar.gz" homebrew/plasmite.rb)
  sum=$(grep -A 1 "url .*_$platform.tar.gz" homebrew/plasmite.rb | grep -c sha256)
  [ "$url" = 1 ] && [ "$sum" = 1 ] || echo "$platform: $url urls, $sum sums"
done
""",
    "licensing": r"""
for archive in "$ARCHIVES"/*; do
  case "$archive" in
    *.whl) names=$(unzip -Z1 "$archive" 2>/dev/null || python3 -m zipfile -l "$archive") ;;
    *) names=$(tar -tzf "$archive") ;;
  esac
  for file in LICENSE THIRD_PARTY_NOTICES.md; do
    grep -q "$file" <<<"$names" || echo "$archive lacks $file"
  done
done
""",
}


def ours(gate: str, repository: Path, archives: Path) -> None:
    """Judge once, cold; print how long it took, in seconds, and what the script should print too."""
    from pytest_relgate.profile import load_profile

    profile = load_profile(CHECKS / "relgate.toml")  # a run has read it before its first gate
    judge: Callable[[], object]
    begun, busy = time.perf_counter(), _busy()
    match gate:
        case "base tag":
            from pytest_relgate.source.git import Repository
            from pytest_relgate.source.target import resolve_base

            repo = Repository(repository)
            judge = lambda: resolve_base(override=None, target=f"v{VERSION}", repo=repo)[0]  # noqa: E731  (one of several, told apart by the row)
        case "topology":
            from pytest_relgate.source.files import WorkingFiles
            from pytest_relgate.source.topology import Roles
            from pytest_relgate.source.workflow_facts import WorkflowFacts

            named = profile.workflows
            roles = Roles(named.preflight, named.provenance, named.homebrew, named.publishes, named.final)
            facts = WorkflowFacts(WorkingFiles(repository), named.publish, named.build, roles)

            def judge() -> object:
                topology = facts.topology
                roles = ("preflight", "provenance", "homebrew")
                found = [*topology.broken(), *topology.nothing_published(), *topology.final_too_early()]
                found += [one for role in roles for one in topology.unguarded(role)]
                return _plain(*found, *topology.steps_after_failure(), *topology.silently_skipped())
        case "licensing":
            from pytest_relgate.source.artifact_facts import ArtifactFacts

            def load() -> Iterator[tuple[str, str, BinaryIO]]:
                for path in sorted(archives.iterdir()):
                    with path.open("rb") as file:
                        yield "dist", path.name, file

            artifacts = ArtifactFacts(load, (), profile.built.licences, 1 << 30)
            judge = lambda: artifacts.carry_their_licences() and ""  # noqa: E731  (one of several, told apart by the row)
        case _:
            from pytest_relgate.source.facts import SourceFacts
            from pytest_relgate.source.files import WorkingFiles

            files = WorkingFiles(repository)
            source = SourceFacts(files, profile.manifests, profile.changelog, profile.formula)

            def judge() -> object:
                if gate == "formula":
                    return source.has_a_consistent_formula() and ""
                versions = {one.version for one in source.manifests.carried}
                return _plain(*source.manifests.problems, *sorted(versions)[1:])

    found = judge()
    print(time.perf_counter() - begun, _busy() - busy, found)


def _plain(*problems: object) -> str:
    return "; ".join(map(str, problems))


def _busy() -> float:
    """Seconds of processor that this process and its children took."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def main(checkout: str, tags: int, rounds: int, megabytes: float) -> None:
    """Print the medians of both, and how they compare."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        repository, archives = _repository(top, checkout, tags), top / "archives"
        _pack(archives, round(megabytes * 1e6))
        environ = {"VERSION": VERSION, "ARCHIVES": str(archives), "PATH": "/usr/local/bin:/usr/bin:/bin"}
        compiled = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(top / "bytecode")}
        spent: dict[str, list[tuple[float, ...]]] = {gate: [] for gate in GATES}
        for turn in range(rounds + 1):  # the first one compiles, as installing does
            for gate in GATES:
                begun = time.perf_counter()
                command = [sys.executable, __file__, "--one", gate, str(repository), str(archives)]
                if turn == 0 and gate == "base tag":  # minutes, for nothing
                    subprocess.run(command, env=compiled, check=True, stdout=subprocess.DEVNULL)
                    continue
                done = subprocess.run(command, env=compiled, stdout=subprocess.PIPE, text=True, check=True)
                between = time.perf_counter()
                lines = ["bash", "-euo", "pipefail", "-c", SHELL[gate]]
                told = subprocess.run(
                    lines, cwd=repository, env=environ, capture_output=True, text=True, check=False
                )
                ended = time.perf_counter()
                answer, busy, *found = done.stdout.split(maxsplit=2)
                if told.stderr or told.stdout.split() != " ".join(found).split():
                    sys.exit(f"{gate}: expected {found}, the script says {told.stdout}{told.stderr}")
                if turn > 0:
                    spent[gate].append((float(answer), float(busy), between - begun, ended - between))
    for gate, rows in spent.items():
        gates, busy, whole, script = (statistics.median(column) * 1000 for column in zip(*rows, strict=True))
        ratio = statistics.median(row[-1] / row[0] for row in rows)
        held = ratio >= 100 if gate == "base tag" else busy <= LIMIT * 1000  # noqa: PLR2004  (a hundred times is the bar)
        print(
            f"{gate:9} {gates:7.1f} ms, busy {busy:6.1f} ms   process {whole:7.1f} ms "
            f"  script {script:9.1f} ms   {ratio:6.1f} times as fast   "
            f"{'holds' if held else 'MISSES ITS BAR'}"
        )


def _repository(top: Path, checkout: str, tags: int) -> Path:
    """A copy of the checkout, or of the sandbox's repository, with so many tags more."""
    if not checkout:
        from pytest_relgate.sandbox.repository import ensure_repository

        checkout = str(ensure_repository(top / "home"))
    repository = top / "repository"
    subprocess.run(
        ["git", "-c", "advice.detachedHead=false", "clone", "-q", checkout, repository], check=True
    )
    numbers = ((n // 100 + 1, n // 10 % 10, n % 10) for n in range(tags))
    lines = "".join(f"create refs/tags/v{major}.{minor}.{patch} HEAD\n" for major, minor, patch in numbers)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True
    )
    text = lines.replace("HEAD", head.stdout.strip())
    subprocess.run(["git", "update-ref", "--stdin"], cwd=repository, input=text, text=True, check=True)
    subprocess.run(["git", "pack-refs", "--all"], cwd=repository, check=True)
    return repository


def _pack(folder: Path, size: int) -> None:
    """What a release of Plasmite has: four SDKs, four wheels, an sdist and an npm package."""
    import random

    folder.mkdir()
    # half of a library is code that hardly gets smaller
    half = random.Random(0).randbytes(size // 2)  # noqa: S311  (no secret in it)
    library = b"\x7fELF" + half + b"\0" * (size - len(half))
    texts = {"LICENSE": b"MIT\n" * 100, "THIRD_PARTY_NOTICES.md": b"notices\n" * 1000}
    for platform in ("darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64"):
        _tar(folder / f"plasmite_{VERSION}_{platform}.tar.gz", {"bin/plasmite": library, **texts})
        with zipfile.ZipFile(
            folder / f"plasmite-{VERSION}-py3-none-{platform}.whl", "w", zipfile.ZIP_DEFLATED
        ) as wheel:
            wheel.writestr("plasmite/_native/libplasmite.so", library)
            for name, text in texts.items():
                wheel.writestr(f"plasmite-{VERSION}.dist-info/licenses/{name}", text)
    _tar(
        folder / f"plasmite-{VERSION}.tar.gz",
        {f"plasmite-{VERSION}/{name}": one for name, one in texts.items()},
    )
    _tar(folder / f"plasmite-{VERSION}.tgz", {f"package/{name}": one for name, one in texts.items()})


def _tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        ours(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        given = dict(enumerate(sys.argv[1:]))
        main(given.get(0, ""), int(given.get(1, 10_000)), int(given.get(2, 5)), float(given.get(3, 0.1)))
