"""What a checkpoint makes of what was seen: anomalies, the exit status, what to type next. SPEC S31, S32."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_relgate.model import Phase
from pytest_relgate.status.checkpoint import (
    PHASES,
    ChannelFact,
    Checkpoint,
    PhaseFact,
    RunFact,
    anomalies,
    exit_status,
    next_step,
)
from pytest_relgate.status.show import WIDTH, lines

ROOT = Path(__file__).parents[2]
COMMIT, OTHER = "a" * 40, "b" * 40
NAMES = ("github", "crates", "npm", "pypi", "homebrew")
ALL = tuple(PhaseFact(phase, "PASSED", "2026-01-01T00:00:00Z", COMMIT) for phase in PHASES)


def run(kind: Any, number: int = 7, conclusion: str | None = "success", **facts: Any) -> RunFact:
    plain: dict[str, Any] = {
        "url": f"https://github.example/ada/demo/actions/runs/{number}",
        "status": "completed" if conclusion else "in_progress",
        "attempt": 1,
        "commit": COMMIT,
        "at": f"2026-01-01T00:00:{number:02}Z",
    }
    return RunFact(kind=kind, id=number, conclusion=conclusion, **plain | facts)


def channels(**states: str) -> tuple[ChannelFact, ...]:
    """All of them serve it, save those that are named; ``missing_overdue`` is overdue."""
    found = {name: states.get(name, "serves").partition("_") for name in NAMES}
    return tuple(ChannelFact(name, state, "1.0.0", since) for name, (state, _, since) in found.items())


def seen(**facts: Any) -> Checkpoint:
    """A release that is out, and nothing is wrong with it."""
    healthy: dict[str, Any] = {
        "checks": "release_checks",
        "target": "v1.0.0",
        "why": "as named",
        "repository": "ada/demo",
        "branch": "main",
        "head": COMMIT,
        "commit": COMMIT,
        "tag_here": COMMIT,
        "tag_there": COMMIT,
        "phases": ALL,
        "runs": (run("build", 5), run("rehearsal", 6), run("publish", 7)),
        "channels": channels(),
    }
    return Checkpoint(**healthy | facts)


def phases(**findings: str) -> tuple[PhaseFact, ...]:
    return tuple(msgspec.structs.replace(one, finding=findings.get(one.phase, "PASSED")) for one in ALL)


@pytest.mark.parametrize(
    ("facts", "name", "says"),
    [
        (
            {
                "runs": (run("publish", 7, "failure", red=("to-pypi",), reached=("to-crates",)),),
                "channels": channels(pypi="missing", github="missing", homebrew="late"),
            },
            "partial publish",
            "run 7 failed in to-pypi; reached before: crates, npm",
        ),
        (
            {"runs": (run("publish", 7, None, red=("to-pypi",), reached=("to-crates",)),), "channels": ()},
            "partial publish",
            "reached before: to-crates",  # channels that were not looked at: the jobs tell
        ),
        (
            {"runs": (run("publish", 7, "failure", red=("preflight",)),), "channels": ()},
            "failed publish",
            "run 7 failed in preflight",
        ),
        (
            {"runs": (run("publish", 7, "failure", red=("preflight",), attempt=2),), "channels": ()},
            "failed rerun",
            "run 7, attempt 2, failed in preflight",
        ),
        (
            {"runs": (run("publish", 7, "cancelled"),), "channels": ()},
            "failed publish",
            "run 7 ended as cancelled",
        ),
        (
            {"runs": (), "channels": channels(pypi="missing_overdue")},
            "partial publish",
            "pypi do not, and no publish run is known",
        ),
        (
            {"runs": (run("publish", commit=OTHER),)},
            "published from another commit",
            "published bbbbbbbbbbbb",
        ),
        ({"incidents": ("bytes disagree: npm 1.0.0",)}, "other bytes", "bytes disagree: npm 1.0.0"),
        ({"channels": channels(npm="withdrawn")}, "npm withdrawn", "npm withdrawn: 1.0.0"),
        ({"provenance": "the metadata of run 5 is of another build"}, "provenance mismatch", "of run 5"),
        (
            {"runs": (run("build", 5, "failure", red=("linux",), attempt=3),)},
            "failed rerun",
            "attempt 3 of build run 5 failed too: linux",
        ),
        ({"tag_there": OTHER}, "moved tag", "here and at bbbbbbbbbbbb on GitHub"),
        ({"alike": (("1.0.0", OTHER),)}, "conflicting tags", "1.0.0 means the same version"),
        (
            {"phases": (*ALL[:3], PhaseFact(Phase.PUBLISH, "STALE", commit=OTHER), ALL[4])},
            "moved tag",
            "was published from bbbbbbbbbbbb",
        ),
        ({"phases": phases(build="TAMPERED")}, "altered evidence", "the evidence of build"),
    ],
)
def test_what_no_patience_mends_is_an_anomaly(facts: dict[str, Any], name: str, says: str) -> None:
    found = seen(**facts)
    first = anomalies(found)[0]
    assert (first.name, says in first.words, exit_status(found)) == (name, True, 1), first
    assert next_step(found)[0].startswith(name)
    assert f"{name}: " in " ".join("\n".join(lines(found)).split())


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"runs": (run("publish", 7, None),), "channels": channels(pypi="missing")},  # still at work
        {"channels": channels(npm="late", homebrew="missing")},  # the world catches up
        {"runs": (), "channels": channels(npm="missing")},  # and nobody knows the run by its title
        {"runs": (), "channels": (), "phases": ()},
        {"phases": phases(build="BLOCKED", publish="PENDING")},  # whether a phase passed is for verify to say
        {"runs": (run("build", 5, "failure", red=("linux",)),), "phases": (), "channels": ()},
        {"alike": (("1.0.0", COMMIT),)},
        {"tag_here": "", "tag_there": "", "phases": ()},
        {"runs": (run("publish", 6, "failure", red=("x",)), run("publish", 7))},  # another followed it
        {"dirt": ("src/lib.rs",)},
    ],
)
def test_a_release_that_is_on_its_way_is_nothing_wrong(facts: dict[str, Any]) -> None:
    found = seen(**facts)
    assert (anomalies(found), exit_status(found)) == ((), 0)


def test_what_could_not_be_seen_is_no_good_news() -> None:
    assert exit_status(seen(unseen=("GitHub: no answer",))) == 2
    assert exit_status(seen(unseen=("GitHub: no answer",), tag_there=OTHER)) == 1


@pytest.mark.parametrize(
    ("facts", "types"),
    [
        ({"phases": ()}, "pytest release_checks -m prerelease --release-target v1.0.0"),
        ({"phases": ALL[:1], "tag_there": "", "tag_here": ""}, "git tag -a v1.0.0 aaaaaaaaaaaa && git push"),
        ({"phases": ALL[:1], "tag_there": ""}, "git push origin v1.0.0"),
        ({"phases": ALL[:1], "tag_there": "", "sandbox": True}, "-m build --release-target v1.0.0"),
        ({"phases": ALL[:1]}, "-m build --release-target v1.0.0"),
        ({"phases": ALL[:1], "dirt": ("src/lib.rs",)}, "git status"),
        ({"phases": ALL[:1], "head": OTHER}, "git switch --detach v1.0.0"),
        (
            {"phases": ALL[:1], "head": OTHER, "tag_here": ""},
            "git fetch --tags && git switch --detach v1.0.0",
        ),
        ({"phases": ALL[:3]}, "-m publish --release-target v1.0.0 --release-mode live --release-agent"),
        (
            {"phases": (msgspec.structs.replace(ALL[0], live_left_out=True), *ALL[1:3])},
            "-m prerelease --release-target v1.0.0 --release-mode live",
        ),
        ({"phases": ALL[:2]}, "-m rehearsal --release-target v1.0.0"),
        ({"phases": ALL[:2], "rehearse": "publish.yml changed"}, "-m rehearsal --release-target v1.0.0"),
        ({"phases": ALL[:2], "rehearse": ""}, "-m publish --release-target v1.0.0"),
        ({"phases": ALL[:1], "rehearse": ""}, "-m build --release-target v1.0.0"),
        (
            {"phases": (*ALL[:2], msgspec.structs.replace(ALL[2], live_left_out=True)), "rehearse": ""},
            "-m publish --release-target v1.0.0",
        ),
        ({"phases": (*ALL[:2], *ALL[3:4])}, "-m postrelease"),  # published without one, and verified so
        ({"phases": ALL[:4]}, "-m postrelease --release-target v1.0.0"),
        (
            {"phases": phases(postrelease="PENDING")},
            "-m postrelease --release-target v1.0.0 --release-wait 20m",
        ),
        ({"phases": phases(postrelease="PENDING"), "head": OTHER}, "-m postrelease"),  # judged by its tag
        ({"phases": phases(prerelease="STALE")}, "-m prerelease"),
        ({}, ""),
    ],
)
def test_the_next_command_is_that_of_the_first_phase_that_has_not_passed(
    facts: dict[str, Any], types: str
) -> None:
    why, command = next_step(seen(**{"runs": (), "channels": ()} | facts))
    assert why
    assert (types in command) if types else not command


@pytest.mark.parametrize(
    ("why", "says"),
    [
        ("publish.yml changed since v0.9.0", "no evidence needed: publish.yml changed since v0.9.0"),
        ("", "no evidence not needed: release machinery and credentials are as they were at the base"),
    ],
)
def test_it_says_whether_a_rehearsal_is_needed_and_why(why: str, says: str) -> None:
    shown = " ".join(" ".join(lines(seen(phases=ALL[:2], rehearse=why))).split())
    assert f"Rehearsal {says}" in shown


def test_no_line_is_wider_than_a_terminal() -> None:
    long = "some/long/folder/name/of/a/file.py, " * 6
    found = seen(
        dirt=(long,),
        repository=f"ada-and-all-of-her-friends/{'demo-' * 6}demo",
        unseen=(long,),
        provenance=long,
        why=long,
        phases=(PhaseFact(Phase.BUILD, "BLOCKED", "2026-01-01T00:00:00Z", COMMIT, long),),
        runs=(run("publish", 7, "failure", red=tuple(f"job-{number}" for number in range(30))),),
    )
    shown = list(lines(found))
    assert max(map(len, shown)) <= WIDTH
    assert " ".join(shown[:2]).split()[:4] == ["ANOMALY", "v1.0.0", "of", found.repository]


def test_a_command_can_be_copied_although_words_stand_before_it() -> None:
    found = seen(runs=(run("publish", 7, "failure", red=("x",)),), channels=())
    shown = "\n".join(lines(found))
    typed = shown[shown.rindex("\n  pytest ") :].replace(" \\\n", " ").split()
    assert " ".join(typed) == (
        "pytest release_checks -m publish --release-target v1.0.0 --release-mode live "
        "--release-agent NAME@HOST --release-recover"
    )


def test_what_github_says_moves_no_cursor() -> None:
    found = seen(runs=(run("publish", 7, "failure", red=("x",), url="https://hub/\x1b[2J"),))
    assert "\x1b" not in "".join(lines(found))


def test_the_documentation_names_every_anomaly() -> None:
    code = (ROOT / "pytest_relgate/status/checkpoint.py").read_text()
    named = set(re.findall(r'Anomaly\(\s*"([a-z ]+)"', code)) | {
        "failed publish",
        "failed rerun",
        "partial publish",
    }
    text = (ROOT / "docs/walk.md").read_text()
    assert {name for name in named if f"`{name}`" not in text} == set()
    assert len(named) >= 9
