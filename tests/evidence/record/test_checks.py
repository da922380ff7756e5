"""Which checks judge: what their digest covers, and what of them nobody has reviewed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.subject import read_checks

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Bench
    from pytest_relgate.session import ReleaseRun
    from pytest_relgate.subject import Checks

ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"


def checks_of(bench: Bench, **more: Path | None) -> Checks:
    return read_checks(bench.path / bench.checks, bench.path, bench.path / "pytest.ini", **more)


def test_the_digest_is_of_every_committed_file_but_waivers_and_sign_offs(bench: Bench) -> None:
    before = checks_of(bench)
    assert (before.path, before.also, before.dirt) == ("release_checks", ("pytest.ini",), ())
    for name in ("waivers.toml", "signoffs.toml"):
        bench.write(f"release_checks/{name}", "")
        bench.commit()
        assert checks_of(bench).digest == before.digest
    seen = {before.digest}
    for name in ("release_checks/more.txt", "release_checks/sub/waivers.toml", "pytest.ini", "conftest.py"):
        bench.write(name, "[pytest]\n# more\n")
        bench.commit()
        seen.add(checks_of(bench).digest)
    assert len(seen) == 5


@pytest.mark.parametrize("name", ["test_gates.py", "new.py"])
def test_what_is_not_as_committed_is_named(bench: Bench, name: str) -> None:
    bench.write(f"release_checks/{name}", "# edited\n")
    assert checks_of(bench).dirt == (f"release_checks/{name}",)
    assert checks_of(bench).loose == ()


def test_checks_that_are_edited_are_another_judge_each_time(bench: Bench) -> None:
    seen = {checks_of(bench).digest}
    for text in ("one", "two"):
        bench.write("release_checks/test_gates.py", text)
        seen.add(checks_of(bench).digest)
        bench.write("release_checks/waivers.toml", text)
        assert checks_of(bench).digest in seen
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("conftest.py", True),
        ("sub/helper.py", True),
        ("gates.lock", True),
        ("sub/pytest.ini", True),
        ("notes.txt", False),
        ("__pycache__/test_gates.cpython-311.pyc", False),
        (".venv/lib/site.py", False),
        ("node_modules/gyp/gyp.py", False),
    ],
)
def test_code_that_git_ignores_is_code_that_nobody_reviewed(bench: Bench, name: str, *, hidden: bool) -> None:
    bench.write(".gitignore", f"release_checks/{name}\n")
    bench.git("rm", "-q", "--cached", "--ignore-unmatch", f"release_checks/{name}")
    bench.commit()
    bench.write(f"release_checks/{name}", "")
    assert checks_of(bench).dirt == ((f"release_checks/{name} is ignored by git",) if hidden else ())


# -- what links lead to -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("link", "target"), [("helper.py", "tools/helper.py"), ("shared", "tools")])
def test_what_a_link_leads_to_is_part_of_the_checks(bench: Bench, link: str, target: str) -> None:
    bench.write("tools/helper.py", "first = 1\n")
    (bench.path / "release_checks" / link).symlink_to(f"../{target}")
    bench.commit()
    before = checks_of(bench)
    assert before.also == ("pytest.ini", target)
    bench.run()
    assert bench.verify().finding == "PASSED"
    bench.write("tools/helper.py", "first = 2\n")
    assert checks_of(bench).dirt == ("tools/helper.py",)
    bench.commit()
    assert checks_of(bench).digest != before.digest


def test_a_conftest_that_is_a_link_is_both(bench: Bench) -> None:
    bench.write("tools/conftest.py", "")
    (bench.path / "conftest.py").symlink_to("tools/conftest.py")
    bench.commit()
    assert checks_of(bench).also == ("conftest.py", "pytest.ini", "tools/conftest.py")
    bench.run()
    assert bench.verify().finding == "PASSED"


def test_a_link_that_leads_out_of_the_repository_is_no_committed_check(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("")
    (bench.path / "release_checks/helper.py").symlink_to(tmp_path / "helper.py")
    bench.commit()
    assert checks_of(bench).dirt == ("helper.py is outside the repository",)


def test_links_are_followed_from_link_to_link(bench: Bench) -> None:
    bench.write("lib/common.py", "")
    bench.write("tools/own.py", "")
    (bench.path / "tools/common.py").symlink_to("../lib/common.py")
    (bench.path / "release_checks/tools").symlink_to("../tools")
    bench.commit()
    found = checks_of(bench)
    assert (set(found.also), found.dirt) == ({"pytest.ini", "tools", "lib/common.py"}, ())
    bench.run()
    assert bench.verify().finding == "PASSED"


def test_a_link_that_names_the_whole_path_on_this_machine_is_followed_here(bench: Bench) -> None:
    bench.write("tools/own.py", "")
    (bench.path / "release_checks/tools").symlink_to(bench.path / "tools")
    bench.commit()
    assert checks_of(bench).also == ("pytest.ini", "tools")
    bench.run()
    assert bench.verify().finding == "PASSED"


def test_a_link_that_leads_on_through_one_that_git_does_not_have(bench: Bench) -> None:
    bench.write(".gitignore", "/current\n")
    bench.write("v2/helper.py", "")
    (bench.path / "current").symlink_to("v2")
    (bench.path / "release_checks/helper.py").symlink_to("../current/helper.py")
    bench.commit()
    found = checks_of(bench)
    assert found.dirt == ("release_checks/helper.py leads elsewhere than in git",)


def test_the_packages_that_the_checks_are_in_run_before_them(bench: Bench) -> None:
    shutil.move(bench.path / "release_checks", bench.path / "outer/inner/release_checks")
    for name in ("outer/inner/release_checks", "outer/inner", "outer"):
        bench.write(f"{name}/__init__.py", "")
    bench.checks = "outer/inner/release_checks"
    bench.commit()
    assert set(checks_of(bench).also) == {"pytest.ini", "outer/__init__.py", "outer/inner/__init__.py"}
    bench.run()
    assert bench.verify().finding == "PASSED"
    bench.write(".git/info/exclude", "outer/__init__.py\n")
    bench.git("rm", "-q", "--cached", "outer/__init__.py")
    bench.git("commit", "-qm", "hide")
    assert checks_of(bench).dirt == ("outer/__init__.py is ignored by git",)


def test_a_link_to_what_git_does_not_have_is_no_committed_check(bench: Bench) -> None:
    bench.write(".gitignore", "/dist/\n")
    bench.write("dist/table.txt", "")
    (bench.path / "release_checks/dist").symlink_to("../dist")
    bench.commit()
    assert checks_of(bench).dirt == ("dist is not in git",)


@pytest.mark.parametrize("name", ["relgate.toml", "gates.lock", "waivers.toml"])
def test_what_stands_beside_the_gates_may_be_a_link(bench: Bench, name: str) -> None:
    text = (bench.path / "release_checks" / name).read_text() if name != "waivers.toml" else ""
    bench.write(f"ops/{name}", text)
    (bench.path / "release_checks" / name).unlink(missing_ok=True)
    (bench.path / "release_checks" / name).symlink_to(f"../ops/{name}")
    bench.commit()
    bench.run()
    assert bench.verify().finding == "PASSED"


@pytest.mark.parametrize("conftest", ["conftest.py", "ops/conftest.py"])
def test_checks_that_are_reached_through_a_link_are_those_at_its_end(bench: Bench, conftest: str) -> None:
    bench.write(conftest, "")
    shutil.move(bench.path / "release_checks", bench.path / "ops/checks")
    (bench.path / "release_checks").symlink_to("ops/checks")
    bench.commit()
    found = checks_of(bench)
    assert (found.path, set(found.also)) == ("ops/checks", {conftest, "pytest.ini"})
    bench.run()
    verified = bench.verify()
    assert (verified.finding, verified.notes) == ("PASSED", ())


def test_a_checkout_that_is_reached_through_a_link_is_the_same(bench: Bench, tmp_path: Path) -> None:
    bench.write("conftest.py", "")
    bench.write("one/pytest.ini", "[pytest]\n")
    shutil.move(bench.path / "release_checks", bench.path / "one/release_checks")
    bench.commit()
    (tmp_path / "link").symlink_to(bench.path)
    place = tmp_path / "link/one"
    direct = read_checks(bench.path / "one/release_checks", bench.path / "one", bench.path / "one/pytest.ini")
    linked = read_checks(place / "release_checks", place, place / "pytest.ini")
    assert (linked.digest, set(linked.also)) == (
        direct.digest,
        {"conftest.py", "one/pytest.ini", "pytest.ini"},
    )


def test_a_filter_of_gits_hides_no_edited_check(bench: Bench) -> None:
    bench.git("config", "filter.hide.clean", "sed /LOCAL/d")
    bench.write(".git/info/attributes", "*.py filter=hide\n")
    bench.write(
        "release_checks/test_gates.py", "import pytest\n\npytestmark = pytest.mark.prerelease\n# LOCAL\n"
    )
    bench.git("add", "-A")
    assert bench.git("status", "--porcelain") == ""
    assert checks_of(bench).dirt == ("release_checks/test_gates.py",)
    bench.run()
    assert bench.codes() == ["DIRTY_CHECKS"]


def test_a_filter_of_gits_hides_no_check_that_a_run_edits(bench: Bench) -> None:
    bench.git("config", "filter.hide.clean", "sed /LOCAL/d")
    bench.write(".git/info/attributes", "*.py filter=hide\n")
    text = (bench.path / "release_checks/test_gates.py").read_text()

    def edit(_: ReleaseRun) -> None:
        bench.write("release_checks/test_gates.py", f"{text}# LOCAL\n")
        bench.git("add", "-A")

    bench.run(during=edit)
    assert bench.codes() == ["DIRTY_CHECKS"]
    assert "release_checks/test_gates.py" in bench.evidence().reasons[0].message


# -- where checks are ---------------------------------------------------------------------------------------


def test_another_configuration_of_pytest_is_recorded_beside_the_usual_one(bench: Bench) -> None:
    bench.write("ci/other.ini", "[pytest]\n")
    bench.commit()
    found = read_checks(bench.path / "release_checks", bench.path, bench.path / "ci/other.ini")
    assert found.also == ("ci/other.ini", "pytest.ini")


def test_conftest_files_above_pytests_root_count_too(bench: Bench) -> None:
    """Several projects in one repository: each has a root of its own, and verification knows none of them."""
    bench.write("conftest.py", "")
    bench.write("one/pytest.ini", "[pytest]\n")
    shutil.move(bench.path / "release_checks", bench.path / "one/release_checks")
    bench.commit()
    bench.checks = "one/release_checks"
    found = read_checks(bench.path / bench.checks, bench.path / "one", bench.path / "one/pytest.ini")
    assert found.also == ("conftest.py", "one/pytest.ini", "pytest.ini")
    bench.run()
    verified = bench.verify()
    assert (verified.finding, verified.notes) == (
        "PASSED",
        ("judged by the checks in one/release_checks: --checks one/release_checks says that it must be",),
    )
    assert bench.verify(checks="one/release_checks").notes == ()
    assert bench.verify(checks="two/release_checks").finding == "UNDECIDED"


def test_a_repository_that_is_its_checks(bench: Bench) -> None:
    for path in (bench.path / "release_checks").iterdir():
        path.rename(bench.path / path.name)
    bench.write("pytest.ini", "[pytest]\nrelease_checks = .\n")
    bench.write(".gitignore", ".venv/\n")
    bench.write(".venv/lib/python3.11/site-packages/conftest.py", "")
    bench.commit()
    bench.checks = "."
    assert checks_of(bench).dirt == ()
    bench.run(during=lambda _: (bench.folder() / "logs/odd.py").write_text(""))
    assert bench.verify().finding == "PASSED"
    bench.run()
    assert bench.reading().runs[-1].gates == ()
    assert bench.evidence().verdict == "PASSED"
    (bench.path / "release-evidence/.gitignore").unlink()
    assert checks_of(bench).dirt == (), "evidence that was downloaded is no check"


def test_a_profile_from_elsewhere_is_none_that_was_reviewed_with_the_checks(bench: Bench) -> None:
    bench.write("other.toml", (bench.path / "release_checks/relgate.toml").read_text())
    bench.commit()
    run = bench.run(release_config="other.toml")
    assert run.prepared.checks.dirt == ("the profile is other.toml",)
    assert "DIRTY_CHECKS" in bench.codes()
    bench.run(release_config="release_checks/relgate.toml")
    assert bench.evidence().verdict == "PASSED"


def test_checks_that_are_in_no_repository_block(bench: Bench, tmp_path: Path) -> None:
    there = tmp_path / "checks"
    shutil.copytree(bench.path / "release_checks", there)
    bench.checks = str(there)
    before = bench.run(release_repo=str(bench.path)).prepared.checks
    assert (before.dirt, before.commit) == (("it is not in git",), "")
    assert bench.codes() == ["DIRTY_CHECKS"]
    assert bench.verify().finding == "BLOCKED"
    (there / "test_gates.py").write_text("# edited\n")
    assert bench.run(release_repo=str(bench.path)).prepared.checks.digest != before.digest


def test_a_live_run_without_a_lock_is_refused(bench: Bench) -> None:
    bench.git("rm", "-q", "release_checks/gates.lock")
    bench.commit()
    with pytest.raises(RelgateError, match="a live run needs a plan: type pytest --release-lock"):
        bench.run(release_mode="live")
    assert not (bench.path / "release-evidence").exists()


def test_without_git_nobody_says_that_the_checks_are_in_none(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advice was to commit what is committed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RelgateError, match="expected git on PATH, found none: install git"):
        checks_of(bench)
