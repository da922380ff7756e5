"""``relgate incident`` as a person types it: shown, declared, and filed once by a command of the profile."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.cli.main import main
from pytest_relgate.lockfile import read_lock

if TYPE_CHECKING:
    from conftest import Project

HERE = Path(__file__).parent
ROWS = [json.loads(line) for line in (HERE / "data" / "blockers.jsonl").read_text().splitlines()]
REAL = [json.loads(line) for line in (HERE / "data" / "real_incidents.jsonl").read_text().splitlines()]
TRACKER = """\
import json, pathlib, sys

given = json.load(sys.stdin)
if "boom" in given["title"]:
    sys.exit("the tracker is down")
book = pathlib.Path("filed.jsonl")
with book.open("a") as out:
    out.write(json.dumps(given) + "\\n")
print("a word on the way")
print("T" + str(len(book.read_text().splitlines())))
"""
PROFILE = f"""\
schema = 1
project = "demo"

[incidents]
command = "'{sys.executable}' tracker.py"

[approvers]
people = ["grace"]
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(bare_project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Type ``relgate incident ...`` in a project whose tracker is a command."""
    bare_project.write("release_checks/relgate.toml", PROFILE)
    bare_project.write("tracker.py", TRACKER)
    monkeypatch.chdir(bare_project.path)

    def run(*argv: str) -> tuple[int, str, str]:
        try:
            status = main(["incident", *argv])
        except SystemExit as end:
            status = int(end.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.mark.parametrize("command", ["file 'it", "  ", "'' --now"])
def test_a_command_that_no_shell_could_run_is_refused(
    typed: Run, bare_project: Project, command: str
) -> None:
    bare_project.write("release_checks/relgate.toml", f'project = "demo"\nincidents.command = "{command}"\n')
    (bare_project.path / "release-evidence/v0.1.0/incidents").mkdir(parents=True)
    status, out, err = typed("show", "release-evidence/v0.1.0")
    assert (status, out) == (2, "")
    assert "relgate.toml:2: incidents.command: expected a command like" in err


@pytest.mark.parametrize("words", [[], ["show"], ["file"], ["declare"]])
def test_help_fits_the_screen(typed: Run, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, out, _ = typed(*words, "--help")
    assert status == 0
    assert all(len(line) <= 80 for line in out.splitlines())


def filed() -> list[dict[str, Any]]:
    book = Path("filed.jsonl")
    return [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []


def declare(typed: Run, target: str = "v0.5.0", reason: str = "by hand") -> tuple[int, str, str]:
    return typed("declare", f"release-evidence/{target}", "--reason", reason, "--agent", "ada")


def test_one_that_was_declared_is_filed_once_under_either_spelling(typed: Run) -> None:
    for target in ("v0.5.0", "0.5.0"):
        status, out, _ = declare(typed, target)
        assert status == 0
        assert out.startswith("declared: release-evidence/v0.5.0/incidents/exception-")
        assert typed("file", "release-evidence/v0.5.0", "--mode", "live")[0] == 0
    assert [one["title"] for one in filed()] == ["[v0.5.0] exception: by hand"]
    assert filed()[0]["incident"]["by"] == "ada"
    status, out, _ = typed("file", "release-evidence/v0.5.0", "--mode", "live")
    assert (status, out) == (0, "it is there already: T1\n")
    assert "filed: T1" in typed("show", "release-evidence/v0.5.0")[1]


def test_a_dry_run_files_nothing_and_says_what_would_be(typed: Run) -> None:
    declare(typed)
    status, out, _ = typed("file", "release-evidence/v0.5.0")
    assert status == 3
    assert out.startswith("would file: [v0.5.0] exception: by hand\n  nothing was filed: this is a dry run")
    assert "--to command --mode live" in out
    assert filed() == []


def test_a_tracker_that_fails_is_heard_and_nothing_is_lost(typed: Run) -> None:
    declare(typed, reason="boom")
    declare(typed, reason="fine")
    status, out, err = typed("file", "release-evidence/v0.5.0", "--mode", "live")
    assert (status, out) == (1, "filed: T1\n")  # one that fails keeps none of the others
    assert "relgate: not filed:" in err
    assert "ended with status 1: the tracker is down" in " ".join(err.split())
    assert len(list(Path("release-evidence/v0.5.0/incidents").glob("exception-*.md"))) == 2
    again = err.split("; then type")[1].split()
    assert again[:3] == ["relgate", "incident", "file"]
    Path("tracker.py").write_text(TRACKER.replace('"boom"', '"none"'))
    assert typed(*again[2:])[:2] == (0, "filed: T2\n")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("no-such-command-here", "no-such-command-here: there is no such command"),
        ("'{python}' -c 'raise SystemExit(3)'", "ended with status 3: it said nothing"),
        ("./tracker.py", "cannot be run"),
    ],
)
def test_a_command_that_cannot_be_run_is_said(typed: Run, command: str, says: str) -> None:
    profile = Path("release_checks/relgate.toml")
    text = profile.read_text().replace(
        f"\"'{sys.executable}' tracker.py\"", json.dumps(command.replace("{python}", sys.executable))
    )
    profile.write_text(text)
    declare(typed)
    status, _, err = typed("file", "release-evidence/v0.5.0", "--mode", "live")
    assert status == 1
    assert says in " ".join(err.split())


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (
            ["file", "release-evidence/v9.9.9"],
            "expected a folder of evidence or an incident's file, found none",
        ),
        (["show", "nothing"], "expected a folder of evidence or an incident's file, found none"),
        (["declare", "release-evidence/banana", "--reason", "x", "--agent", "a"], "expected a release like"),
        (
            ["declare", "release-evidence/v0.5.0", "--reason", " ", "--agent", "a"],
            "expected --reason and --agent",
        ),
        (
            ["declare", "release-evidence/v0.5.0", "--reason", "x"],
            "the following arguments are required: --agent",
        ),
        (["file", "x", "--to", "nobody"], "invalid choice: 'nobody'"),
        (["show", "x", "--repo", "/nowhere"], "expected"),
        ([], "the following arguments are required: ACTION"),
    ],
)
def test_what_cannot_be_meant_is_one_line(typed: Run, argv: list[str], says: str) -> None:
    status, out, err = typed(*argv)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("relgate: ")
    assert says in err


def test_without_credentials_github_gets_nothing(typed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GH_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    profile = Path("release_checks/relgate.toml")
    profile.write_text(
        profile.read_text().replace('project = "demo"\n', 'project = "demo"\nrepository = "ada/demo"\n')
    )
    declare(typed)
    status, _, err = typed("file", "release-evidence/v0.5.0", "--mode", "live", "--to", "github")
    assert status == 1
    assert err.startswith("relgate: not filed: there are no credentials for GitHub:")


def waiver() -> str:
    today = dt.datetime.now(dt.UTC).replace(microsecond=0)
    created, expires = today - dt.timedelta(days=1), today + dt.timedelta(days=7)
    return f"""\
[[waiver]]
gate = "test_gates.py::test_known"
release = "v0.2.0"
states = ["FAILED"]
reason = "mended in the next release"
owner = "ada"
approver = "grace"
created = "{created.isoformat()}"
expires = "{expires.isoformat()}"
"""


def test_a_used_waiver_is_an_incident_and_an_altered_seal_is_refused(
    bare_project: Project, typed: Run
) -> None:
    project = bare_project
    project.write(
        "release_checks/test_gates.py",
        "import pytest\n\npytestmark = pytest.mark.prerelease\n\n\n"
        'def test_known():\n    """It holds."""\n    assert 1 == 2\n\n\ndef test_good():\n    pass\n',
    )
    project.write("release_checks/waivers.toml", waiver())
    project.lock()
    done = project.release()
    assert done.status == 0, done.out
    assert "Incident  [v0.2.0] exception: waived: It holds" in done.out
    assert "File it   relgate incident file release-evidence/v0.2.0/prerelease --mode live" in done.out
    folder = "release-evidence/v0.2.0/prerelease"
    assert len(list(Path("release-evidence/v0.2.0/incidents").glob("exception-*.json"))) == 1
    found = json.loads(typed("show", folder, "--json")[1])
    assert [(one["kind"], one["title"]) for one in found] == [("exception", "exception: waived: It holds")]
    assert "waived by ada for v0.2.0" in found[0]["waiver"]
    assert found[0]["folder"] == folder
    assert typed("file", folder, "--mode", "live")[0] == 0
    assert typed("file", "release-evidence/v0.2.0", "--mode", "live")[1] == "it is there already: T1\n"
    assert "mended in the next release" in filed()[0]["body"]
    (place,) = Path("release-evidence/v0.2.0/incidents").glob("exception-????????????????.json")
    place.with_name("exception-0123456789abcdef.json").write_bytes(place.read_bytes())  # of an earlier run
    assert len(json.loads(typed("show", "release-evidence/v0.2.0", "--json")[1])) == 1
    assert project.relgate("verify", folder).out.startswith("PASSED")  # the seal is as it was
    (project.path / folder / "report.md").write_text("all is well")
    status, out, err = typed("file", folder, "--mode", "live")
    assert (status, out) == (2, "")
    assert "TAMPERED: report.md was changed" in err


def test_the_command_of_the_documentation_files_once(typed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (HERE.parent / "docs" / "incidents.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    Path("tracker.py").write_text(example)
    tracker = Path("bin/tracker")
    tracker.parent.mkdir()
    book = Path("book").absolute()
    tracker.write_text(
        f'#!/bin/sh\nif [ "$1" = new ]; then echo "$2" >> {book}; cat > /dev/null\n'
        f"else cat {book} 2> /dev/null; fi\nexit 0\n"
    )
    tracker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tracker.parent.absolute()}:/usr/bin:/bin")
    declare(typed)
    for _ in range(2):
        assert typed("file", "release-evidence/v0.5.0", "--mode", "live")[0] == 0
        for receipt in Path("release-evidence").rglob("*.filed.json"):  # as from another folder
            receipt.unlink()
    assert [line.partition(" (")[0] for line in book.read_text().splitlines()] == [
        "[v0.5.0] exception: by hand"
    ]


# -- agreement with what is on record -------------------------------------------------------------------


def options(args: list[str]) -> dict[str, str]:
    return {
        name.removeprefix("--"): value
        for name, value in zip(args[::2], args[1::2], strict=False)
        if name[:2] == "--"
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_blockers_on_record_are_judged_right(typed: Run, row: dict[str, Any]) -> None:
    """The original filed doubles, lost lines and swallowed failures; each is right here."""
    right = {
        "twice_same": 1,
        "title_with_quotes": 1,
        "with_run_gh_fails": 1,
        "with_missing_snippet": 0,
        "no_gh": 1,
    }
    for call in row["calls"]:
        asked = options(call["args"])
        if "--x" in call["args"]:
            assert typed("declare", "release-evidence/v0.5.0", "--x")[0] == 2
            continue
        reason = f"{asked['title']}: {asked['summary']}"
        assert declare(typed, asked["release-target"], reason)[0] == 0
        if "log-snippet-file" in asked:  # evidence that is not there is no evidence
            assert typed("file", asked["log-snippet-file"], "--mode", "live")[0] == 2
            continue
        mode = "dry-run" if "--dry-run" in call["args"] else "live"
        status, _, _ = typed("file", "release-evidence/v0.5.0", "--mode", mode)
        assert status == (3 if mode == "dry-run" else 0)
    assert len(filed()) == right.get(row["case"], 0)
    if row["case"] == "title_with_quotes":
        assert filed()[0]["title"] == '[v0.5.0] exception: a "b" $(id) `id`: x y'


def test_every_gate_that_would_have_caught_a_real_incident_exists() -> None:
    locked = {gate.id for gate in read_lock(HERE.parent / "release_checks") or ()}
    named = {gate for row in REAL for gate in (*row["gates"], *row["late"])}
    assert named - locked == set()
    assert len(REAL) == 43


def test_what_no_gate_catches_in_time_says_why() -> None:
    uncaught = {row["id"] for row in REAL if not row["gates"]}
    assert uncaught == {row["id"] for row in REAL if row["why"]}
