"""What a release's machinery is, by what its workflows name, and which releases changed it. SPEC S37."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.source.machinery import Parts, compare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_relgate.unrehearsed import Machinery

DATA = Path(__file__).parents[1] / "data"
BASE, COMMIT = "b" * 40, "c" * 40
PINNED = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"
PARTS = Parts("release.yml", "publish.yml", formula="homebrew/demo.rb", documents=("CHANGES.txt",))
RELEASE = f"""\
on: push
jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - uses: {PINNED}
      - run: bash scripts/package.sh
      - run: cp CHANGES.txt README.md LICENSE dist/
"""
PUBLISH = f"""\
on: workflow_dispatch
jobs:
  publish:
    runs-on: ubuntu-24.04
    environment: release
    env:
      NPM_TOKEN: ${{{{ secrets.NPM_TOKEN }}}}
    steps:
      - uses: {PINNED}
      - uses: ./.github/actions/sign
      - run: npm publish
        working-directory: node
"""
FILES = {
    ".github/workflows/release.yml": RELEASE,
    ".github/workflows/publish.yml": PUBLISH,
    ".github/workflows/ci.yml": "on: push\njobs: {t: {runs-on: x, steps: [{run: cargo test}]}}\n",
    ".github/actions/sign/action.yml": (
        "runs: {using: composite, steps: [{shell: sh, run: ./tools/sign.py}]}\n"
    ),
    "scripts/package.sh": (
        'source "$(dirname "$0")/lib.sh"\npython3 "$ROOT/tools/lay_out.py" release/targets.json\n'
    ),
    "scripts/lib.sh": "true\n",
    "scripts/unused.sh": "true\n",
    "tools/sign.py": "import keys\n",
    "tools/keys.py": "",
    "tools/lay_out.py": "",
    "release/targets.json": "{}",
    "CHANGES.txt": "1.0.0",
    "README.md": "",
    "LICENSE": "",
    "Cargo.toml": '[package]\nname = "demo"\nversion = "1.0.0"\n[dependencies]\na = "1"\n',
    "Cargo.lock": "",
    "node/package.json": '{"name": "demo", "version": "1.0.0", "scripts": {"prepack": "node prepack.js"}}',
    "node/prepack.js": "",
    "homebrew/demo.rb": (
        f'version "1.0.0"\nurl "https://x.invalid/v1.0.0/demo-1.0.0.tgz"\nsha256 "{"0" * 64}"\n'
    ),
    "src/lib.rs": "",
}


@dataclass(frozen=True)
class Given:
    """A tree of given files."""

    files: Mapping[str, str] = field(default_factory=lambda: FILES)

    @property
    def names(self) -> Sequence[str]:
        return tuple(self.files)

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        return {path: self.files[path].encode() for path in paths if path in self.files}


def between(before: Mapping[str, str], after: Mapping[str, str], parts: Parts = PARTS) -> Machinery:
    changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    return compare(changed, Given(before), Given(after), parts, base=BASE, commit=COMMIT)


def edited(path: str, old: str = "", new: str = "# another line\n") -> dict[str, str]:
    text = FILES.get(path, "")
    assert old in text
    return {**FILES, path: text.replace(old, new, 1) if old else text + new}


def test_nothing_changed_is_told_with_what_was_looked_at() -> None:
    found = between(FILES, edited("src/lib.rs"))
    assert (found.changed, found.doubt, found.looked_at) == ((), "", 1)
    assert found.secrets == ("NPM_TOKEN",)
    assert found.environments == ("release",)
    assert set(found.files) == {
        *(
            ".github/workflows/release.yml",
            ".github/workflows/publish.yml",
            ".github/actions/sign/action.yml",
        ),
        *("scripts/package.sh", "scripts/lib.sh", "tools/lay_out.py", "release/targets.json"),
        *("tools/sign.py", "tools/keys.py"),
    }


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/release.yml",
        ".github/workflows/publish.yml",
        ".github/actions/sign/action.yml",
        ".github/actions/new/action.yml",
        "scripts/package.sh",
        "scripts/lib.sh",
        "tools/lay_out.py",
        "tools/sign.py",
        "tools/keys.py",
        "release/targets.json",
        "setup.py",
        "node/.npmrc",
        "rust-toolchain.toml",
        "homebrew/demo.rb",
    ],
)
def test_a_change_of_the_machinery_is_named(path: str) -> None:
    assert between(FILES, edited(path)).changed == (path,)
    assert between(edited(path), FILES).changed == (path,)


def test_a_script_that_is_gone_or_new_is_a_change() -> None:
    without = {path: text for path, text in FILES.items() if path != "tools/keys.py"}
    assert between(FILES, without).changed == ("tools/keys.py",)
    assert between(without, FILES).changed == ("tools/keys.py",)


@pytest.mark.parametrize("path", ["src/lib.rs", "README.md", "LICENSE", "CHANGES.txt", "Cargo.lock"])
def test_what_a_release_carries_is_no_machinery(path: str) -> None:
    assert between(FILES, edited(path)).changed == ()


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", "scripts/unused.sh"])
def test_what_no_release_workflow_names_is_none_until_the_profile_says_so(path: str) -> None:
    assert between(FILES, edited(path)).changed == ()
    also = replace(PARTS, also=(path,))
    assert between(FILES, edited(path), also).changed == (path,)


MANIFESTS = [
    ("Cargo.toml", 'version = "1.0.0"', 'version = "1.0.1"', True),
    ("Cargo.toml", 'a = "1"', 'a = "2"', True),
    ("Cargo.toml", 'name = "demo"', 'name = "demo"\npublish = false', False),
    ("Cargo.toml", 'name = "demo"', 'name = "other"', False),
    ("node/package.json", '"1.0.0"', '"1.0.1"', True),
    ("node/package.json", '"scripts"', '"dependencies": {"b": "1"}, "scripts"', True),
    ("node/package.json", '"scripts"', '"files": ["x"], "scripts"', False),
    ("node/package.json", "node prepack.js", "node other.js", False),
    ("homebrew/demo.rb", "0" * 64, "1" * 64, True),
    ("homebrew/demo.rb", "demo-1.0.0", "demo-rc", False),
]


@pytest.mark.parametrize(("path", "old", "new", "alike"), MANIFESTS)
def test_a_manifest_counts_without_its_version_and_its_dependencies(
    path: str, old: str, new: str, alike: bool
) -> None:
    found = between(FILES, edited(path, old, new))
    assert (found.alike, found.changed) == (((path,), ()) if alike else ((), (path,)))


def test_a_formula_of_a_new_version_is_the_same_formula() -> None:
    text = FILES["homebrew/demo.rb"].replace("1.0.0", "1.0.1")
    assert between(FILES, {**FILES, "homebrew/demo.rb": text}).alike == ("homebrew/demo.rb",)


def test_a_manifest_that_cannot_be_read_is_a_doubt() -> None:
    assert "Cargo.toml is not TOML" in between(FILES, edited("Cargo.toml", new="[")).doubt


DOUBTS = [
    (".github/workflows/publish.yml", PINNED, "actions/checkout@v4", "actions/checkout@v4 may have moved"),
    (".github/workflows/publish.yml", "secrets.NPM_TOKEN", "vars.REGISTRY", "reads the variable REGISTRY"),
    (".github/workflows/publish.yml", "secrets.NPM_TOKEN", "toJSON(secrets)", "names it does not say"),
    (
        ".github/workflows/publish.yml",
        "environment: release",
        "environment: ${{ inputs.x }}",
        "an expression",
    ),
    (".github/workflows/publish.yml", "jobs:", "jobs: [", "is not YAML"),
    (".github/actions/sign/action.yml", "./tools/sign.py", "x}, {uses: a/b@main", "a/b@main may have moved"),
]


@pytest.mark.parametrize(("path", "old", "new", "words"), DOUBTS)
def test_what_git_cannot_show_is_a_doubt_though_nothing_changed(
    path: str, old: str, new: str, words: str
) -> None:
    files = edited(path, old, new)
    assert words in between(files, files).doubt
    assert not between(FILES, FILES).doubt


def test_a_workflow_of_another_repository_is_a_doubt_even_pinned() -> None:
    called = f"jobs:\n  other:\n    uses: ada/ci/.github/workflows/p.yml@{COMMIT}\n"
    assert (
        "another repository"
        in between(*[edited(".github/workflows/publish.yml", "jobs:\n", called)] * 2).doubt
    )


def test_no_publish_workflow_is_a_doubt() -> None:
    assert "workflows.publish" in between(FILES, FILES, Parts("release.yml", "")).doubt
    assert "there is no workflow" in between({}, {}).doubt


# -- the recorded releases --------------------------------------------------------------------------------

ROWS: list[dict[str, Any]] = [json.loads(line) for line in (DATA / "triggers.jsonl").read_text().splitlines()]
MADE = ("Cargo.toml", "package.json", "pyproject.toml")
WHAT = Parts("release.yml", "release-publish.yml", formula="homebrew/plasmite.rb")


def recorded(row: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Two trees as a row tells them: what differs, and which manifests differ in more than their version."""
    differ, triggers = set(row["files"]), row["triggers"]["dependencies"]
    bumped = {path for path in triggers["deciding"] if path.endswith(MADE)} & differ
    named = sorted(path for path in differ if path.startswith("scripts/"))
    workflows = {path: "" for path in differ if path.startswith(".github/workflows/")}
    texts = dict.fromkeys(differ, "x") | dict.fromkeys(workflows, "name: x\n")
    texts[".github/workflows/release.yml"] = RELEASE.replace("scripts/package.sh", " ".join(named) or "true")
    texts[".github/workflows/release-publish.yml"] = PUBLISH

    def manifest(path: str, version: str, wish: str) -> str:
        if path.endswith("package.json"):
            return json.dumps({"version": version, "dependencies": {"a": wish}})
        if path.endswith("pyproject.toml"):
            return f'[project]\nversion = "{version}"\ndependencies = ["a=={wish}"]\n'
        return f'[package]\nversion = "{version}"\n[dependencies]\na = "{wish}"\n'

    before, after = dict(texts), dict(texts)
    for path in differ - bumped:
        after[path] = f"{texts[path]}\n# changed\n"
    for path in bumped:
        wishes = ("1", "2") if path in triggers["semantic_deciding"] else ("1", "1")
        before[path], after[path] = manifest(path, "0.1.0", wishes[0]), manifest(path, "0.1.1", wishes[1])
    return before, after


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['base']}-{row['target']}")
def test_it_agrees_with_the_recorded_releases(row: dict[str, Any]) -> None:
    """Workflows, scripts and packaging files ask for a rehearsal; versions and dependencies never do."""
    found = between(*recorded(row), WHAT)
    expected = {
        path
        for path in row["files"]
        if path in (".github/workflows/release.yml", ".github/workflows/release-publish.yml")
        or path.startswith(("scripts/", ".cargo/"))
        or path.endswith(("setup.py", "MANIFEST.in", ".npmrc", "setup.cfg", "rust-toolchain.toml"))
        or path == "homebrew/plasmite.rb"
    }
    assert set(found.changed) == set(sorted(expected, key=row["files"].index)[:20])
    deciding = {path for path in row["triggers"]["dependencies"]["deciding"] if path.endswith(MADE)}
    assert deciding.isdisjoint(found.changed)
    assert set(found.alike) == deciding & {*row["files"]}
    if row["triggers"]["dependencies"]["only_own_version_bump"]:  # for which nobody rehearses
        own = {path for path in deciding if path in row["files"]}
        only = replace(WHAT, formula="")
        before, after = recorded(row)
        plain = {path: after[path] if path in own else text for path, text in before.items()}
        assert between(before, plain, only).changed == ()
