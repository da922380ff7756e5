"""What gates may reach of the world outside, and where this run keeps what it starts there."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_relgate.channels.outside import Outside
    from pytest_relgate.execution import Execution
    from pytest_relgate.github.means import Means


def outside_of(execution: Execution, config: pytest.Config) -> Outside:
    """The world outside, looked at once in each process; its connections are closed with the session."""
    if execution.outside is None:
        from pytest_relgate.channels.outside import Outside, surroundings

        facts = execution.facts
        execution.outside = Outside(
            profile=facts.profile,
            target=facts.context.target,
            commit=facts.commit,
            repository=Path(facts.repository),
            origins=facts.origins,
            environ=surroundings(facts.environ, facts.context.sandbox),
            sandbox=facts.context.sandbox,
            evidence=Path(facts.logs).parent.parent,
            wait=facts.wait,
            waiting=execution.waiting,
            attach=execution.attach,
            means=means_of(execution, config),
            hide=execution.hide,
        )
        config.add_cleanup(execution.outside.close)
    return execution.outside


def means_of(execution: Execution, config: pytest.Config) -> Means:
    """What it takes to start a workflow; without a permit nothing is."""
    from pytest_relgate.channels.recovery import served
    from pytest_relgate.github.means import Means
    from pytest_relgate.github.triage import Triage
    from pytest_relgate.request import asked_others

    terminal = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")

    def say(words: str) -> None:
        if terminal is None or config.get_verbosity() < 0:
            return
        with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
            terminal.ensure_newline()
            terminal.write_line(f"  {execution.redactor.text(words)}")
            terminal.flush()

    folder = dispatches_of(execution, config)
    if execution.permit is None:
        return Means(folder, waiting=execution.waiting, build_run=_build_run(execution, folder))
    return Means(
        folder,
        execution.permit,
        execution.opens,
        execution.waiting,
        say=say,
        keep=execution.attach,
        triage=Triage.of(execution.facts.profile),
        build_run=_build_run(execution, folder),
        other_runs=asked_others(config.option, execution.facts.context.phase),
        recover=execution.facts.context.recover,
        served=lambda jobs: served(outside, jobs) if (outside := execution.outside) else ((), ()),
    )


def _build_run(execution: Execution, dispatches: Path) -> int:
    """The build run that was named, here or when the release was published; 0 for the tag's."""
    from pytest_relgate.github.dispatch import BUILD_INPUT
    from pytest_relgate.github.intent import build_run_of

    context = execution.facts.context
    if context.build_run or context.phase in ("build", "rehearsal", "publish") or context.faults:
        return context.build_run
    return build_run_of(dispatches, BUILD_INPUT)


def dispatches_of(execution: Execution, config: pytest.Config) -> Path:
    """Where this run keeps what it started: what is real and what is not never meet."""
    import secrets
    import shutil

    context, place = execution.facts.context, Path(execution.facts.logs).parent.parent
    if context.faults:  # the world of a fault lasts one run, and so does what was started in it
        folder = place / f"dispatches-faulty-{secrets.token_hex(4)}"
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        return folder
    return place / ("dispatches-sandbox" if context.sandbox else "dispatches")
