"""The command ``relgate`` as a person or a CI job types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

FOLDER = "release-evidence/v0.2.0/prerelease"


def answered(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of the command, run in this process."""
    try:
        status = main(argv)
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


def on_the_shell(line: str, **environ: str) -> tuple[int, str]:
    """Exit status and standard error of a shell's line; ``$relgate`` is the command."""
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        env={**os.environ, "relgate": f"{sys.executable} -m pytest_relgate.cli", **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("$relgate sandbox --list-faults >/dev/full", 2, "No space left on device: see that it is there"),
        ("cd gone && rmdir ../gone && $relgate status", 2, "No such file or directory: see that"),
        ("$relgate status $(printf '\\377')", 2, "expected arguments in UTF-8, found '\\udcff'"),
        ("exec 3>&1; ($relgate sandbox --list-faults; echo $? >status) | true; exit $(cat status)", 2, ""),
    ],
)
def test_no_traceback_reaches_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, status: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gone").mkdir()
    ended, err = on_the_shell(line)
    assert (ended, words in err, err.count("\n")) == (status, True, bool(words)), err


def fits(text: str) -> bool:
    return all(len(line) <= 80 for line in text.splitlines())


def test_without_arguments_it_says_what_it_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = answered(capsys)
    assert (status, err) == (2, "")
    assert "usage: relgate [-h] COMMAND" in out
    assert "verify    verify sealed evidence, by its exit status" in out


@pytest.mark.parametrize("columns", ["80", "200", "60"])
def test_help_fits_the_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for argv in (["--help"], ["verify", "--help"]):
        status, out, _ = answered(capsys, *argv)
        assert status == 0
        assert fits(out)
    for words in ("0  PASSED", "1  BLOCKED", "2  UNDECIDED", "3  PENDING"):
        assert words in out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["nothing"], "relgate: argument COMMAND: invalid choice: 'nothing'"),
        (["verify"], "relgate: the following arguments are required: FOLDER: type relgate verify --help"),
        (["verify", "x", "--nothing"], "relgate: unrecognized arguments: --nothing"),
        (["verify", "x", "--com", "y"], "relgate: unrecognized arguments: --com y"),
        (["verify", "x", "--commit"], "relgate: argument --commit: expected one argument"),
        (
            ["verify", "x", "--commit", "no such"],
            "relgate: --commit: expected a commit of this repository or 7",
        ),
        (["verify", "x", "--commit", ""], "relgate: --commit: expected a commit"),
        (["verify", "x", "--head", "12"], "relgate: --head: expected sha256:<64 hex digits>"),
        (["verify", "x", "--phase", "release"], "relgate: --phase: expected one of prerelease, build,"),
        (["verify", "x", "--target", "1.2"], "relgate: --target: expected vX.Y.Z"),
        (
            ["verify", "x", "--checks", "/etc"],
            "relgate: --checks: expected a path from the top of the repository",
        ),
        (["verify", "x", "--checks", "../x"], "relgate: --checks: expected a path from the top"),
        (["verify", "x", "--repo", "/nowhere"], "relgate: --repo: expected a folder of a git repository"),
        (
            ["verify", "x", "--under-release", "/nowhere"],
            "relgate: --under-release: expected a folder of a git repository",
        ),
    ],
)
def test_bad_arguments_are_one_line(capsys: pytest.CaptureFixture[str], argv: list[str], words: str) -> None:
    status, out, err = answered(capsys, *argv)
    assert (status, out) == (2, "")
    assert err.startswith(words)
    assert err.count("\n") == 1


def test_a_folder_that_is_not_there_says_what_to_type(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, _ = answered(capsys, "verify", "evidence")
    assert status == 2
    assert out == (
        "UNDECIDED  evidence\n"
        "  there is no evidence.json in evidence\n"
        "  do: name the folder that a run printed, as release-evidence/v0.1.10/prerelease\n"
    )


def test_a_name_cannot_write_to_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = answered(capsys, "verify", "\x1b[2J\nPASSED")
    assert "\x1b" not in out
    assert out.startswith("UNDECIDED  ␛[2J⏎PASSED\n")


def test_what_a_run_left_is_verified(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = project.release()
    assert done.status == 0, done.out
    head = done.line("Head").split()[1]
    commit = project.git("rev-parse", "HEAD")
    monkeypatch.chdir(project.path)
    for name, value in project._environment().items():
        monkeypatch.setenv(name, value)

    whole = ("verify", FOLDER, "--commit", commit, "--head", head)
    assert answered(capsys, *whole) == (0, f"PASSED  v0.2.0 prerelease @ {commit[:12]}\n", "")
    assert answered(capsys, "verify", FOLDER, "--commit", "HEAD")[0] == 0
    status, out, _ = answered(capsys, "verify", FOLDER)
    assert (status, out.splitlines()[1:]) == (
        0,
        ["  note: not compared with a commit: name the one to be released, --commit SHA"],
    )
    for place in ("release-evidence/v0.2.0", "release-evidence"):
        status, out, _ = answered(capsys, "verify", place)
        assert (status, out.splitlines()[-1]) == (2, f"  do: relgate verify {FOLDER}")

    status, out, _ = answered(capsys, *whole, "--json")
    answer = json.loads(out)
    assert out.count("\n") == 1
    assert (status, answer["finding"], answer["exit"], answer["verdict"]) == (0, "PASSED", 0, "PASSED")
    assert (answer["head"], answer["commit"], answer["target"]) == (head, commit, "v0.2.0")
    assert (answer["reasons"], answer["notes"], answer["do"]) == ([], [], "")

    status, out, _ = answered(capsys, "verify", FOLDER, "--commit", "v0.1.0")
    assert (status, out.split()[0], fits(out)) == (1, "STALE", True)
    status, out, _ = answered(capsys, "verify", FOLDER, "--head", "sha256:" + "0" * 64)
    assert (status, out.split()[0]) == (1, "REPLAYED")
    monkeypatch.chdir(project.path.parent)
    status, out, _ = answered(capsys, "verify", f"demo/{FOLDER}")
    assert (status, out.split()[0]) == (2, "UNDECIDED")
    assert answered(capsys, "verify", f"demo/{FOLDER}", "--repo", "demo", "--commit", commit)[0] == 0
    monkeypatch.chdir(project.path)

    project.write(f"{FOLDER}/report.md", "all is well\n")
    status, out, _ = answered(capsys, "verify", FOLDER)
    assert status == 1
    assert out.splitlines() == [
        f"TAMPERED  v0.2.0 prerelease @ {commit[:12]}",
        "  report.md was changed",
        "  do: do not rely on it: move the folder away and run the phase again",
    ]
    project.write(f"{FOLDER}/evidence.json", "{}")
    status, out, _ = answered(capsys, "verify", FOLDER, "--json")
    assert (status, json.loads(out)["finding"], json.loads(out)["commit"]) == (1, "TAMPERED", "")


def test_many_reasons_are_told_in_80_columns(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        "@pytest.mark.parametrize('number', range(25))\ndef test_gate(number):\n"
        "    assert False, 'what was found is told in words ' * 9\n",
    )
    project.lock()
    project.release()
    monkeypatch.chdir(project.path)
    status, out, _ = answered(capsys, "verify", FOLDER)
    assert (status, out.split()[0]) == (1, "BLOCKED")
    assert fits(out)
    assert "  and 5 more\n" in out
    assert out.count("test_gates.py::test_gate[") == 20


def test_evidence_of_the_sandbox_is_refused_and_looked_at_when_asked(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.environ["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\ndef test_one():\n    pass\n",
    )
    project.lock()
    done = project.release("--release-repo", "sandbox", target="v0.1.10")
    assert done.status == 0, done.out
    monkeypatch.chdir(project.path)
    folder = "release-evidence/v0.1.10/prerelease"
    status, out, _ = answered(capsys, "verify", folder)
    assert (status, out.split()[0]) == (1, "SANDBOX")
    assert "sandbox prerelease @" in out
    status, out, _ = answered(capsys, "verify", folder, "--allow-sandbox")
    assert (status, out.split()[0]) == (0, "PASSED"), out


def test_a_repository_that_the_profile_names_is_found(
    bare_project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checks may guard another repository than the one that holds them."""
    product = type(bare_project)(bare_project.path.parent / "product")
    product.path.mkdir()
    product.git("init", "-q")
    product.write("src.txt", "1\n")
    commit = product.commit("begin")
    bare_project.write(
        "release_checks/relgate.toml", 'schema = 1\nproject = "demo"\nunder_release = "../product"\n'
    )
    bare_project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\ndef test_one():\n    pass\n",
    )
    bare_project.lock()
    done = bare_project.release()
    assert done.status == 0, done.out
    monkeypatch.chdir(bare_project.path)
    status, out, _ = answered(capsys, "verify", FOLDER, "--commit", commit[:10])
    assert (status, out.split()[0]) == (0, "PASSED"), out


def test_a_repository_without_a_commit_is_told_from_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "release_checks").mkdir()
    (tmp_path / "release_checks/relgate.toml").write_text('schema = 1\nproject = "demo"\n')
    status, out, err = answered(capsys, "status", "v0.1.0", "--offline", "--repo", str(tmp_path))
    assert (status, out) == (2, "")
    assert "is in no git repository that has a commit, so nothing is under release: commit what" in err
