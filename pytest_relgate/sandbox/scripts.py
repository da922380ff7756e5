"""The miniature Plasmite's Justfile and the scripts that its gates and workflows call. Texts only.

The shell scripts use nothing but what POSIX builds into a shell and the tools that they test; what is to
be done with files and archives, ``scripts/package.py`` does. Nothing is written outside ``.scratch`` and
``target``, so that they can run side by side.
"""

from __future__ import annotations

# The patch versions at which something came.
_OWN_PYTHON_BUILD = 5
_REMOTE = 8

_JUSTFILE = """\
# Checks that every release runs, and what the release workflows call.
default: check

check: fmt-check clippy test bindings-test

fmt-check:
    cargo fmt --all -- --check

clippy:
    cargo clippy --all-targets -- -D warnings

test:
    cargo test

bindings-test: python-test node-test go-test

python-test:
    cd bindings/python && python3 -B -m unittest discover -s tests

node-test:
    cd bindings/node && node --test

go-test:
    cd bindings/go && go test ./...

# Fetch the advisory database that `cargo audit` reads.
audit-db:
    git clone --depth 1 https://github.com/RustSec/advisory-db.git .scratch/advisory-db
"""

_HEAD = """\
#!/usr/bin/env bash
# {purpose}
set -eu
cd "${{0%/*}}/.."
package() {{ python3 -B scripts/package.py "$@"; }}

"""

_NODE_PACK_PURPOSE = "The npm package as it is published: packed with its addon, installed, used."
_NODE_PACK = """\
cargo build --quiet --release --manifest-path bindings/node/native/Cargo.toml \\
    --target-dir "${CARGO_TARGET_DIR:-target}/node-native"
addon=$(package library "${CARGO_TARGET_DIR:-target}/node-native/release" plasmite_node)
work=$(package workshop node-pack-smoke)
package stage-node "$work/package" "$addon"
(cd "$work/package" && npm pack --silent --ignore-scripts --pack-destination "$work")

tarball=$work/plasmite-$(package version).tgz
package holds "$tarball" package/index.js package/bin/plasmite.js package/LICENSE \\
    package/THIRD_PARTY_NOTICES.md "package/native/$(package platform)/index.node"

cd "$work/app"
npm install --silent --offline --no-audit --no-fund "$tarball"
node -e "const { Pool } = require('plasmite'); new Pool(1);"
cd - >/dev/null
if package loads "$addon"; then
    found=$(cd "$work/app" && node node_modules/plasmite/bin/plasmite.js)
    package same "version of the addon" "plasmite $(package version)" "$found"
fi
echo "node pack smoke: packed, installed and used"
"""

_REMOTE_ONLY_PURPOSE = (
    "The npm package without its addon: what is remote works, the rest says why it does not."
)
_REMOTE_ONLY = """\
work=$(package workshop node-remote-only-smoke)
package stage-node "$work/package"
(cd "$work/package" && npm pack --silent --ignore-scripts --pack-destination "$work")

cd "$work/app"
npm install --silent --offline --no-audit --no-fund "$work"/plasmite-*.tgz
node -e "const { RemoteClient } = require('plasmite'); new RemoteClient('http://127.0.0.1:9700');"
if found=$(node node_modules/plasmite/bin/plasmite.js 2>&1); then
    echo "without an addon the command line ended well: $found" >&2
    exit 1
fi
case $found in
*"native CLI is unavailable"*) ;;
*)
    echo "without an addon the command line did not say why: $found" >&2
    exit 1
    ;;
esac
echo "node remote-only smoke: RemoteClient works without the addon"
"""

_WHEEL_PURPOSE = "The wheel as it is published: built with its library, installed, used."
_WHEEL = """\
cargo build --quiet --release --lib
library=$(package library "${CARGO_TARGET_DIR:-target}/release" plasmite)
work=$(package workshop python-wheel-smoke)
package wheel "$library" "$work"
set -- "$work"/*.whl
name=${1##*/}
info=${name%%-py3-*}.dist-info
package holds "$1" plasmite/__init__.py "plasmite/_native/${library##*/}" \\
    "$info/licenses/LICENSE" "$info/licenses/THIRD_PARTY_NOTICES.md"

package unpack "$1" "$work/installed"
cd "$work/installed"
python3 -B -c "import plasmite; plasmite.Pool(1)"
cd - >/dev/null
if package loads "$library"; then
    found=$(cd "$work/installed" && python3 -B -m plasmite --version)
    package same "version of the library" "plasmite $(package version)" "$found"
fi
echo "python wheel smoke: built, installed and used"
"""

_TOPOLOGY = """\
#!/usr/bin/env bash
# Order of release-publish.yml: no registry before preflight and formula, no release before every registry.
set -eu
cd "${0%/*}/.."
exec python3 -B scripts/topology.py .github/workflows/release-publish.yml
"""

_TOPOLOGY_PY = '''\
"""Says what is wrong with the order of jobs in release-publish.yml, as this project writes that file."""

import re
import sys

FIRST = {"provenance": "resolve-build-run", "preflight": "preflight", "homebrew": "align-homebrew"}
LAST = "publish-complete"


def read(text):
    """Each job with the jobs that it needs."""
    jobs, job = {}, None
    for line in text.partition("\\njobs:\\n")[2].splitlines():
        if found := re.fullmatch(r"  ([\\w-]+):", line):
            job = jobs.setdefault(found[1], set())
        elif found := re.fullmatch(r"    needs: \\[?([\\w, -]+)\\]?|      - ([\\w-]+)", line):
            job.update((found[1] or found[2]).split(", "))
    return jobs


def before(jobs, job):
    """Every job that must have succeeded before this one starts."""
    found, look = set(), [job]
    while look:
        new = jobs.get(look.pop(), set()) - found
        found |= new
        look += new
    return found


def main(path):
    with open(path, encoding="utf-8") as file:
        jobs = read(file.read())
    publishing = [job for job in jobs if job.startswith("publish-") and job != LAST]
    wrong = [] if publishing else [f"{path} has no job that publishes"]
    for job in publishing:
        wrong += [
            f"{job} publishes and does not wait for {what}, job {first}"
            for what, first in FIRST.items() if first not in before(jobs, job)
        ]
    wrong += [f"{LAST} does not wait for {job}" for job in publishing if job not in before(jobs, LAST)]
    print("\\n".join(wrong) or f"topology: {len(publishing)} jobs publish, in order")
    return bool(wrong)


sys.exit(main(sys.argv[1]))
'''

_LICENSING = """\
#!/usr/bin/env bash
# Licence and notices in every artifact that was built or downloaded; 2 when there is none to look at.
set -eu
cd "${0%/*}/.."
exec python3 -B scripts/licensing.py dist bindings/python/dist bindings/node .scratch/release/downloaded
"""

_LICENSING_PY = '''\
"""Says which artifacts lack the licence or the notices of this project, or carry other ones."""

import sys
import tarfile
import zipfile
from pathlib import Path

WANTED = {name: Path(name).read_bytes() for name in ("LICENSE", "THIRD_PARTY_NOTICES.md")}


def members(path):
    """Files of an archive, name and content."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return [(name, archive.read(name)) for name in archive.namelist() if name[-1] != "/"]
    with tarfile.open(path) as archive:
        return [(m.name, archive.extractfile(m).read()) for m in archive.getmembers() if m.isfile()]


def lacks(path):
    """What is wrong with one archive: vendored licences below other folders do not count."""
    found = {}
    for name, content in members(path):
        folder, _, base = name.rpartition("/")
        if base in WANTED and (folder.endswith(".dist-info/licenses") or "/" not in folder):
            found.setdefault(base, content)
    for name, text in WANTED.items():
        if name not in found:
            yield f"{path} lacks {name}"
        elif found[name] != text:
            yield f"{path} carries another {name}"


def main(folders):
    found = [path for folder in folders for kind in ("*.whl", "*.tar.gz", "*.tgz", "*.crate")
             for path in sorted(Path(folder).glob(kind))]
    if not found:
        print("licensing: no artifact to look at")
        return 2
    wrong = [line for path in found for line in lacks(path)]
    print("\\n".join(wrong) or f"licensing: {len(found)} artifacts carry licence and notices")
    return int(bool(wrong))


sys.exit(main(sys.argv[1:]))
'''

_PACKAGE_PY = '''\
"""What the smoke scripts do with files and archives."""

import json
import os
import platform as machine
import re
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

NODE = Path("bindings/node")
# How a library starts on each platform: ELF and Mach-O headers, with the machine that they are for.
HEADERS = {
    "darwin-arm64": re.compile(rb"\\xcf\\xfa\\xed\\xfe\\x0c\\x00\\x00\\x01"),
    "darwin-x64": re.compile(rb"\\xcf\\xfa\\xed\\xfe\\x07\\x00\\x00\\x01"),
    "linux-arm64": re.compile(rb"\\x7fELF\\x02\\x01.{12}\\xb7\\x00", re.DOTALL),
    "linux-x64": re.compile(rb"\\x7fELF\\x02\\x01.{12}\\x3e\\x00", re.DOTALL),
}


def version():
    """Version of the npm package."""
    return json.loads((NODE / "package.json").read_text(encoding="utf-8"))["version"]


def platform():
    """This machine, as Node calls it."""
    kind = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}
    return f"{sys.platform}-{kind.get(machine.machine().lower(), machine.machine().lower())}"


def workshop(name):
    """An empty folder for one script, with an empty application in it."""
    folder = Path(".scratch", name).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "package.json").write_text(\'{"private": true}\\n\', encoding="utf-8")
    return folder


def library(folder, name):
    """The shared library that was built there, which must be one of this platform."""
    ending = "dylib" if sys.platform == "darwin" else "so"
    path = Path(folder, f"lib{name}.{ending}").resolve()
    header = HEADERS.get(platform())
    if header and not header.match(path.read_bytes()[:32]):
        sys.exit(f"{path} is no library of {platform()}")
    return path


def loads(path):
    """Whether a library can be loaded: what a stand-in for a compiler made can be looked at only."""
    return b"stand-in" not in Path(path).read_bytes()[:256]


def stage_node(folder, addon=None):
    """Copy the npm package, with the addon in its place or with none."""
    shutil.copytree(NODE, folder, ignore=shutil.ignore_patterns("node_modules", "*.tgz", "*.node", "target"))
    if addon:
        place = Path(folder, "native", platform(), "index.node")
        place.parent.mkdir(parents=True)
        shutil.copyfile(addon, place)


def wheel(library_path, folder):
    """Build the wheel as a frontend of PEP 517 does."""
    os.environ["PLASMITE_LIB"] = library_path
    target = Path(folder).resolve()
    os.chdir("bindings/python")
    sys.path.insert(0, "backend")
    import plasmite_build

    return plasmite_build.build_wheel(str(target))


def unpack(path, folder):
    """Install a wheel that has nothing but files."""
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)


def holds(path, *members):
    """End unless an archive has these members, none of them empty."""
    if path.endswith(".whl"):
        with zipfile.ZipFile(path) as archive:
            sizes = {one.filename: one.file_size for one in archive.infolist()}
    else:
        with tarfile.open(path) as archive:
            sizes = {one.name: one.size for one in archive.getmembers() if one.isfile()}
    lacking = [name for name in members if not sizes.get(name)]
    if lacking:
        sys.exit(f"{Path(path).name} lacks " + ", ".join(lacking))


def same(what, expected, found):
    """End unless two texts are the same."""
    if expected != found:
        sys.exit(f"{what}: expected {expected}, found {found}")


def main(verb, *words):
    verbs = {function.__name__.replace("_", "-"): function for function in (
        holds, library, loads, platform, same, stage_node, unpack, version, wheel, workshop)}
    answer = verbs[verb](*words)
    if verb == "loads":
        return not answer
    if answer is not None:
        print(answer)
    return 0


sys.exit(main(*sys.argv[1:]))
'''


def script_files(patch: int) -> dict[str, str]:
    """Files of the Justfile and the scripts at a patch version, by path."""
    files = {
        "Justfile": _JUSTFILE,
        "scripts/check_release_workflow_topology.sh": _TOPOLOGY,
        "scripts/licensing.py": _LICENSING_PY,
        "scripts/node_pack_smoke.sh": _HEAD.format(purpose=_NODE_PACK_PURPOSE) + _NODE_PACK,
        "scripts/package.py": _PACKAGE_PY,
        "scripts/topology.py": _TOPOLOGY_PY,
        "scripts/verify_licensing_notices.sh": _LICENSING,
    }
    if patch >= _OWN_PYTHON_BUILD:
        files["scripts/python_wheel_smoke.sh"] = _HEAD.format(purpose=_WHEEL_PURPOSE) + _WHEEL
    if patch >= _REMOTE:
        files["scripts/node_remote_only_smoke.sh"] = _HEAD.format(purpose=_REMOTE_ONLY_PURPOSE) + _REMOTE_ONLY
    return files
