"""``relgate init`` drafts a profile and gates that a first run can judge, of what the repository holds.

It must guess nothing in silence, touch no file that is there, and write nothing that would not load.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.cli import main
from pytest_relgate.cli.first_checks import PROFILE, RELEASED, SOURCE, first_checks
from pytest_relgate.cli.first_facts import First, first_facts, spelling_of
from pytest_relgate.planning import hidden_by
from pytest_relgate.profile import Profile, parse_profile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PYPROJECT = '[project]\nname = "demo"\nversion = "1.2.0"\n[tool.pytest.ini_options]\n'
CRATE = '[package]\nname = "demo"\nversion = "1.2.0"\nrepository = "https://github.com/ada/demo"\n'
LOCK = 'version = 4\n\n[[package]]\nname = "demo"\nversion = "1.2.0"\n'
PACKAGE = '{"name": "@ada/demo",\n "version": "1.2.0", "scripts": {"test": "node --test"}}\n'


def facts(files: dict[str, str], *tags: str, slug: str = "") -> First:
    return first_facts(
        list(files),
        tags,
        lambda path: files[path].encode() if path in files else None,
        slug=slug,
        folder="box",
    )


def drafted(files: dict[str, str], *tags: str) -> tuple[Profile, str]:
    texts = first_checks(facts(files, *tags))
    for name in texts:
        if name != PROFILE:
            ast.parse(texts[name])
    return parse_profile(texts[PROFILE].encode(), PROFILE), texts[SOURCE]


def test_a_crate_with_its_lock_and_changelog() -> None:
    files = {
        "Cargo.toml": CRATE,
        "Cargo.lock": LOCK,
        "CHANGELOG.md": "# Log\n\n## 1.2.0 - 2026-01-02\n\n- x\n",
    }
    profile, gates = drafted(files, "v1.1.0")
    assert (profile.project, profile.repository, profile.tag) == ("demo", "ada/demo", "v{version}")
    assert (profile.manifests, profile.changelog) == (("Cargo.toml", "Cargo.lock"), "CHANGELOG.md")
    assert {name: one.package for name, one in profile.channels.items()} == {"crates": "demo"}
    assert 'run("cargo test --locked")' in gates
    for fact in ("carries(release.version)", "has_fresh_lockfiles()", "has_final_changelog(release.version)"):
        assert f"assert source.{fact}" in gates
    assert facts(files, "v1.1.0").target == "v1.2.0"


@pytest.mark.parametrize(
    ("files", "commands"),
    [
        ({"pyproject.toml": PYPROJECT}, ["python -m pytest -q"]),
        ({"pyproject.toml": PYPROJECT.replace("[tool.pytest.ini_options]", "")}, []),
        ({"package.json": PACKAGE}, ["npm test"]),
        ({"package.json": PACKAGE.replace("node --test", 'echo \\"Error: no test specified\\"')}, []),
        ({"go.mod": "module demo\n"}, ["go test ./..."]),
        ({"Makefile": "all:\ncheck: all\n\techo\n"}, ["make check"]),
        ({"Makefile": "test := 1\n"}, []),
    ],
)
def test_tests_are_run_as_the_project_says(files: dict[str, str], commands: list[str]) -> None:
    assert [one.line for one in facts(files).commands] == commands


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ((), ("v{version}", "")),
        (("3.1.2", "3.1.3", "0.1"), ("{version}", "3.1.3")),
        (("0.9.0", "v1.0.0", "v1.1.0"), ("v{version}", "v1.1.0")),
        (("v0.1.0", "1.0.0"), ("{version}", "1.0.0")),
        (("binstalk-v0.1.0",), ("v{version}", "")),
    ],
)
def test_the_series_of_tags_that_goes_higher_is_that_of_the_releases(
    tags: Sequence[str], expected: tuple[str, str]
) -> None:
    assert spelling_of(tags) == expected


def test_of_many_manifests_those_of_the_newest_tag_are_the_release() -> None:
    """As in a workspace of which one crate is the product."""
    other = CRATE.replace("demo", "part").replace("1.2.0", "0.3.0")
    files = {"Cargo.toml": "[workspace]\n", "crates/a/Cargo.toml": other, "crates/b/Cargo.toml": CRATE}
    files |= {"Cargo.lock": LOCK, "e2e-tests/c/Cargo.toml": CRATE.replace("demo", "fake")}
    found = facts(files, "v1.2.0")
    assert [one.path for one in found.manifests] == ["crates/b/Cargo.toml", "Cargo.lock"]
    assert [one.name for one in found.channels] == ["demo"]
    assert found.apart == ("crates/a/Cargo.toml: of another version than 1.2.0",)


def test_a_dynamic_version_is_left_out_and_the_newest_tag_is_what_a_first_run_judges() -> None:
    files = {"pyproject.toml": '[project]\nname = "demo"\ndynamic = ["version"]\n', "tests/conftest.py": ""}
    found = facts(files, "1.1.0")
    assert (found.manifests, found.target, found.spelling) == ((), "1.1.0", "{version}")
    assert "dynamic" in found.apart[0]
    assert drafted(files, "1.1.0")[0].manifests == ()


@pytest.mark.parametrize(
    ("version", "target"), [("1.3.0.dev0", "v1.3.0"), ("1.3", "v1.3.0"), ("1.3.0-rc.1", "v1.3.0-rc.1")]
)
def test_the_first_target_is_a_release_that_can_be_typed(version: str, target: str) -> None:
    assert facts({"pyproject.toml": PYPROJECT.replace("1.2.0", version)}).target == target


def test_names_that_are_no_words_of_toml_are_quoted() -> None:
    files = {"package.json": PACKAGE, "a/package.json": PACKAGE.replace("@ada", "@bob")}
    profile, _ = drafted(files, "v1.2.0")
    assert {name: one.package for name, one in profile.channels.items()} == {
        "npm": "@ada/demo",
        "npm-bob-demo": "@bob/demo",
    }


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": "[project\n"},
        {"package.json": '{"name": 7, "version": "1.2.0\\n"}'},
        {"package.json": "[]", "CHANGELOG.md": "\x00\n## 1.2.0\n- x"},
        {"Cargo.toml": 'package = "x"\nworkspace = 3\n', "Cargo.lock": "package = 7\n", "go.mod": ""},
        {"pyproject.toml": '[project]\nname = "a\\"b\\nc"\nversion = "1.2.0"\nurls = "x"\n'},
        {"package.json": '{"name": "x", "version": "1.2.0", "repository": 7, "scripts": []}'},
    ],
)
def test_what_is_broken_ends_in_a_profile_that_loads_or_in_none(files: dict[str, str]) -> None:
    texts: dict[str, Any] = first_checks(facts(files, "v1.1.0", "x"))
    if texts:
        parse_profile(texts[PROFILE].encode(), PROFILE)
    assert not first_checks(facts({"README": "nothing"}))


def test_a_drafted_project_passes_its_first_run_and_is_never_overwritten(bare_project: Any) -> None:
    for name in (f"release_checks/{PROFILE}", "pytest.ini"):
        (bare_project.path / name).unlink()
    bare_project.write("pyproject.toml", PYPROJECT.partition("[tool")[0])  # no tests to run: pure facts
    bare_project.write("CHANGES.rst", "Version 1.2.0\n-------------\n\nReleased 2026-01-02\n\n- x\n")
    bare_project.commit()
    said = bare_project.python("-m", "pytest_relgate.cli", "init")
    assert said.status == 0, said.out
    for words in (
        "wrote release_checks/relgate.toml",
        "Found",
        "Assumed",
        "Not found",
        "--release-target v1.2.0",
    ):
        assert words in said.out
    assert max(map(len, said.out.splitlines())) <= 80
    before = (bare_project.path / "release_checks" / SOURCE).read_bytes()
    again = bare_project.python("-m", "pytest_relgate.cli", "init")
    assert (again.status, "relgate.toml is there already, and nothing was written" in again.out) == (2, True)
    (bare_project.path / "release_checks" / PROFILE).unlink()
    assert (
        "is there already" in bare_project.python("-m", "pytest_relgate.cli", "init").out
    )  # a gate file alone is somebody's too
    assert (bare_project.path / "release_checks" / SOURCE).read_bytes() == before
    assert not (bare_project.path / "release_checks" / PROFILE).exists()
    shutil.rmtree(bare_project.path / "release_checks")
    elsewhere = bare_project.python("-m", "pytest_relgate.cli", "init", "--checks", "gates")
    assert "pytest gates --release-lock" in elsewhere.out
    bare_project.commit()
    assert bare_project.pytest("gates", "--release-lock").status == 0
    bare_project.commit()
    run = bare_project.pytest("gates", "-m", "prerelease", "--release-target", "v1.2.0")
    assert (run.status, "2 passed" in run.out) == (0, True), run.out
    assert RELEASED in said.out


def test_where_nothing_can_be_drafted_one_line_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--repo", str(tmp_path)]) == 2
    assert capsys.readouterr().err.endswith("type git init and commit, or name one with --repo\n")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert main(["init", "--repo", str(tmp_path)]) == 2
    assert "type `git commit` there first" in capsys.readouterr().err
    config = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *config, "commit", "-q", "--allow-empty", "-m", "x"], cwd=tmp_path, check=True)
    assert main(["init", "--repo", str(tmp_path)]) == 2
    assert "write a gate by hand, as docs/first-run.md does" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [".git"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "setup.cfg",
            "[tool:pytest]\npython_files = check_*.py\n",
            "python_files of setup.cfg may hide them",
        ),
        ("pytest.ini", "[pytest]\npython_functions = it_*\n", "python_functions of pytest.ini may hide them"),
        ("tox.ini", "[pytest]\naddopts = -q\n", ""),
        ("README", "x", ""),
    ],
)
def test_a_configuration_that_calls_tests_otherwise_is_named(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    assert hidden_by(tmp_path / "release_checks") == says
