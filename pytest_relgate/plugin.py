"""What pytest sees: options, markers, and hooks that hand each event to a room below.

Nothing is decided here. A run that asks for no phase loads none of the rooms: gates are deselected with
one header line. Hooks that a release run needs are registered by ``start``, in ``hooks.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

pytest_plugins = ("pytest_relgate.fixtures",)

EXECUTION: pytest.StashKey[Any] = pytest.StashKey()
RELEASE_RUN: pytest.StashKey[Any] = pytest.StashKey()
GATES_BELOW: pytest.StashKey[str] = pytest.StashKey()

MARKERS = (
    "prerelease: a gate of the phase before a release is built",
    "build: a gate on the build of the release",
    "rehearsal: a gate on the rehearsal of the publish",
    "publish: a gate on the live publish",
    "postrelease: a gate on what the channels serve after the release",
    "weekly: a gate that runs on a schedule and never blocks a release",
    "gate(remedy='', advisory=False, incident=False, waivable=True, reads_world=False): facts of a gate: "
    "what to do when it is red; whether it only advises; whether its failure is an incident; whether a "
    "waiver may cover it; whether it reads the world, so that a later attempt supersedes an earlier one",
    "when_changed(*sets_or_globs): the gate is due only if a file of a change set of relgate.toml, or one "
    "that a pattern matches, differs between the base and the commit under release",
    "when_present(name): the gate is due only if a file of this [present] entry of relgate.toml exists",
    "live_only: the gate is due only in a live run",
    "sequence: on a class: its gates run in order, and the first that does not pass stops the rest",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options; see ``docs/options.md``."""
    group = parser.getgroup("relgate", "release gates (pytest-relgate)")
    add = group.addoption
    add("--release-target", metavar="vX.Y.Z", help="the release to judge, as its tag")
    add(
        "--release-mode",
        choices=("dry-run", "live"),
        help="dry-run (default) changes nothing outside this machine; live may publish",
    )
    add("--release-agent", metavar="NAME@HOST", help="who runs this, a person or model@host; live needs it")
    add(
        "--release-repo",
        metavar="PATH",
        help="the repository under release: a path, sandbox, or sandbox:FAULT,FAULT",
    )
    add("--release-base", metavar="TAG", help="compare with this tag instead of the derived base")
    add("--release-config", metavar="FILE", help="a profile other than relgate.toml of the checks folder")
    add("--release-evidence", metavar="FOLDER", help="where evidence is kept (default: release-evidence)")
    add("--release-wait", metavar="DURATION", help="how long to wait for channels, as 90s or 20m (default 0)")
    add("--release-rerun", action="store_true", help="run gates again that have passed")
    add(
        "--release-plan",
        nargs="?",
        const="text",
        choices=("text", "json"),
        help="show what would run and why; run nothing",
    )
    add("--release-lock", action="store_true", help="write gates.lock from the collected gates; run nothing")
    parser.addini("release_checks", "the checks folder, which holds relgate.toml (default: release_checks)")
    parser.addini("release_evidence", "where evidence is kept (default: release-evidence)")
    parser.addini("release_wait", "how long to wait for channels, as 90s or 20m (default 0)")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, args: list[str]
) -> Generator[None, object, object]:
    """Before any conftest is loaded: see whether gates are asked for, and write BLOCKED."""
    options = early_config.known_args_namespace
    if not (_names_a_phase(options.markexpr) or _has_release_option(options)):
        return (yield)
    from pytest_relgate import start

    begun = start.before_conftests(early_config, args)
    try:
        result = yield
    except BaseException as error:
        raise start.conftest_ended_it(begun, error) from error
    start.after_conftests(early_config, begun)
    return result


def _names_a_phase(markexpr: str) -> bool:
    return any(marker.partition(":")[0] in (markexpr or "") for marker in MARKERS[:6])


def _has_release_option(options: Any) -> bool:
    return any(
        name.startswith("release_") and value not in (None, False) for name, value in vars(options).items()
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers; find the checks folder that a plain run leaves out."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if RELEASE_RUN not in config.stash:
        folder = config.getini("release_checks") or "release_checks"
        if (config.rootpath / folder / "relgate.toml").is_file():
            config.stash[GATES_BELOW] = f"{folder}/"


def pytest_report_header(config: pytest.Config) -> str | None:
    """One line in a plain run: that gates are left out."""
    folder = config.stash.get(GATES_BELOW, None)
    return f"relgate: gates in {folder} are left out; pytest -m prerelease runs them" if folder else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A plain run leaves gates out."""
    folder = config.stash.get(GATES_BELOW, None)
    if folder is None:
        return
    gates = [item for item in items if item.nodeid.startswith(folder)]
    if gates:
        config.hook.pytest_deselected(items=gates)
        items[:] = [item for item in items if not item.nodeid.startswith(folder)]
