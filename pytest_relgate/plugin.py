"""What pytest sees: options, markers, and hooks that hand each event to a room below.

Nothing is decided here. A run that asks for no phase loads none of the rooms: gates are deselected with
one header line. Hooks that a release run needs are registered by ``start``, in ``hooks.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_relgate.keys import GATES_BELOW, RELEASE_RUN

if TYPE_CHECKING:
    import argparse
    from collections.abc import Generator
    from pathlib import Path

pytest_plugins = ("pytest_relgate.fixtures",)

PROFILE = "relgate.toml"  # what makes a folder a checks folder

MARKERS = (
    (
        "prerelease: a release gate of the first phase, which judges the source. Every gate has "
        "exactly one phase; type pytest -m prerelease to run those of this one"
    ),
    "build: a release gate on the build of the release",
    ("rehearsal: a release gate on the rehearsal of the publish; needs prerelease and build to have passed"),
    "publish: a release gate on the live publish; needs the three phases before it to have passed",
    "postrelease: a release gate on what the channels serve once the release is out",
    "weekly: a release gate that runs on a schedule and never blocks a release",
    (
        "gate(remedy='', advisory=False, incident=False, waivable=True, reads_world=False, faults=()): "
        "facts of a release gate. remedy: what to do when it is red. advisory: it is shown and never "
        "decides. incident: its failure is an incident. waivable: a waiver may cover it. "
        "reads_world: it looks at what changes by itself, so that its newest attempt counts and an earlier "
        "failure is not held against it. faults: names of the faults that it exists to find, of the "
        "sandbox or of [faults] in relgate.toml; pytest --release-drill shows that it does"
    ),
    (
        "when_changed(*sets_or_globs): the gate is due only if a file differs between the base and "
        "the commit under release: one of a change set that relgate.toml names in [changes], one whose "
        "dependency tables differ and that it names in [tables], or one that a gitignore-style pattern "
        "matches. Without a base every gate is due"
    ),
    (
        "when_present(*names_or_globs): the gate is due only if a file exists in the repository under"
        " release: one that relgate.toml names in [present], or one that a pattern matches"
    ),
    "live_only: the gate is due only with --release-mode live",
    (
        "sequence: on a class. Its gates run in order on one worker; the first that does not pass "
        "holds back the rest, which are then BLOCKED_BY it"
    ),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options; see ``docs/options.md``."""
    group = parser.getgroup("relgate", "release gates (pytest-relgate); a release run is one of -m PHASE")
    add = group.addoption
    add("--release-target", metavar="vX.Y.Z", help="the release to judge, as its tag")
    add(
        "--release-mode",
        choices=("dry-run", "live"),
        help="dry-run (the default) changes nothing outside this machine; live may publish",
    )
    add(
        "--release-agent",
        metavar="NAME@HOST",
        help="who runs this: a person, or model@host; a live run needs it",
    )
    add(
        "--release-repo",
        metavar="PATH",
        help="the repository under release, where it is not the one that holds the gates; "
        "sandbox, or sandbox:FAULT,FAULT, is a release world in a box",
    )
    add(
        "--release-base",
        metavar="TAG",
        help="compare with this tag instead of the one derived from the target",
    )
    add(
        "--release-reviewed",
        metavar="REV",
        help="read waivers and sign-offs from this commit or branch, which comes after the checks "
        "(default: approvers.branch of the profile, else the commit of the checks)",
    )
    add("--release-config", metavar="FILE", help="another profile than relgate.toml of the checks folder")
    add(
        "--release-evidence",
        metavar="FOLDER",
        help="where evidence is kept (default: release-evidence under the root directory)",
    )
    add(
        "--release-wait",
        metavar="DURATION",
        help="how long to wait for channels, as 90s or 20m (default: 0, look once, say when to look again)",
    )
    add(
        "--release-build-run",
        metavar="ID",
        help="judge this run of the build workflow, and in recovery publish from it",
    )
    add(
        "--release-recover",
        action="store_true",
        help="run the failed jobs of the rehearsal or publish again; with --release-build-run start it anew "
        "from that build",
    )
    add(
        "--release-other-run",
        metavar="ID",
        action="append",
        help="publish: somebody looked at this run, and it published nothing of this release; repeatable",
    )
    add("--release-rerun", action="store_true", help="run gates again that have passed on this tree")
    add(
        "--release-plan",
        nargs="?",
        const="text",
        choices=("text", "json"),
        help="show what would run and why; run nothing",
    )
    add(
        "--release-drill",
        action="store_true",
        help="show, in copies, that each gate goes red under the faults that it names; judge no release",
    )
    add(
        "--release-lock",
        action="store_true",
        help="write gates.lock, the plan that verdicts are measured by, from the gates; run nothing",
    )
    parser.addini(
        "release_checks",
        "the checks folder: the one that holds relgate.toml and the gates (default: release_checks)",
    )
    parser.addini("release_evidence", "where evidence is kept (default: release-evidence)")
    parser.addini("release_wait", "how long to wait for channels, as 90s or 20m (default: 0)")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """Before any conftest is loaded: see whether gates are asked for, and write BLOCKED."""
    options = early_config.known_args_namespace
    if not (_names_a_phase(options.markexpr) or _has_release_option(options)):
        return (yield)
    from pytest_relgate.rooms import load_as_they_are

    load_as_they_are()
    from pytest_relgate import aside, start

    begun = start.before_conftests(early_config, args)
    try:
        result = yield
    except BaseException as error:
        raise start.conftest_ended_it(begun, error) from error
    start.after_conftests(early_config, begun)
    if begun is not None:
        aside.take_foreign_keys(early_config, parser, begun)
    return result


def _names_a_phase(markexpr: str) -> bool:
    return any(marker.partition(":")[0] in (markexpr or "") for marker in MARKERS[:6])


def _has_release_option(options: argparse.Namespace) -> bool:
    return any(
        name.startswith("release_") and value not in (None, False) for name, value in vars(options).items()
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers; find the checks folder that a plain run leaves out."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if RELEASE_RUN not in config.stash:
        folder = config.rootpath / (config.getini("release_checks") or "release_checks")
        given = (config.invocation_params.dir / path.partition("::")[0] for path in config.args)
        places = (place for path in given for place in (path, *path.parents))
        config.stash[GATES_BELOW] = {place: True for place in (folder, *places) if _holds_a_profile(place)}


def _holds_a_profile(folder: Path) -> bool:
    return (folder / PROFILE).is_file()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """One line in a plain run: that gates are left out; and what a mistyped phase may have meant."""
    folder = next(iter(config.stash.get(GATES_BELOW, ())), None)
    if folder is None:
        return []
    name = folder.relative_to(config.rootpath) if config.rootpath in folder.parents else folder
    lines = [f"relgate: gates in {name}/ are left out; pytest -m prerelease runs them"]
    word = config.option.markexpr.strip()
    if word and not any(
        line.split(":")[0].split("(")[0].strip() == word for line in config.getini("markers")
    ):
        from pytest_relgate.request import nearest_phase

        if near := nearest_phase(word):
            lines.append(f"relgate: {word} is no phase and no marker here: did you mean -m {near}?")
    return lines


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A plain run leaves gates out: whatever lies below a profile."""
    known = config.stash.get(GATES_BELOW, None)
    if known is None:
        return
    paths = {item.path for item in items}
    left_out = {path for path in paths if _is_below_a_profile(path.parent, known)}
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item.path in left_out])
        items[:] = [item for item in items if item.path not in left_out]


def _is_below_a_profile(folder: Path, known: dict[Path, bool]) -> bool:
    if folder not in known:
        above = folder.parent
        known[folder] = _holds_a_profile(folder) or (above != folder and _is_below_a_profile(above, known))
    return known[folder]
