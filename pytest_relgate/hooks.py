"""The hooks of a release run, registered only in one. Each hands its event to a room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate import start
from pytest_relgate.xdist import KEY, ClassScheduling

if TYPE_CHECKING:
    from collections.abc import Generator

    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

    from pytest_relgate.execution import Execution
    from pytest_relgate.start import Begun


class Ending:
    """The outermost hook: the exit status is the verdict's. Registered after the first conftests."""

    def __init__(self, begun: Begun) -> None:
        self.begun = begun

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, Any, int]:
        """Set the run's modes, let pytest work, then judge and seal."""
        start.set_modes(config, self.begun)
        try:
            status = yield
        except BaseException as error:
            start.broke_off(config, self.begun, error)
            raise
        return start.end(config, self.begun, status)


class Gates:
    """Executes gates: in the one process of a plain run, or in a worker."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """See every gate before anything narrows them; put what is left back in order."""
        before = self.execution.read(items)
        result = yield
        left_out = self.execution.choose(before, items)
        if left_out:
            config.hook.pytest_deselected(items=left_out)
        start.collected(config)
        return result

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """See reports before the session counts them, which registers itself first."""
        session.config.pluginmanager.register(Reports(self.execution), "relgate-reports")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin an execution."""
        self.execution.set_up(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Watch the gate's function while it is called."""
        self.execution.watch_body(item)

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Take what was raised, before anything can rewrite the report."""
        self.execution.part_ended(item, call)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A worker says what it has not said on a report."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[KEY] = self.execution.last_words()


class Reports:
    """Sees each report of a gate first: judges at the end of the teardown, hides secrets."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Judge the part that this report is about."""
        self.execution.part_reported(report)


class Controller:
    """Takes in what happens; the only writer of the record."""

    def __init__(self, begun: Begun) -> None:
        self.begun = begun

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Say what will be judged, before anything runs."""
        start.show_header(session.config, self.begun)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """A lock or a plan runs nothing."""
        return start.instead_of_running(session.config, self.begun)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that could not be collected, or skipped itself."""
        if not report.passed:
            start.take_collect_report(self.begun, report)

    def pytest_internalerror(self, excrepr: object) -> None:
        """Remember why the run broke."""
        self.begun.fact("INTERNAL", f"pytest broke: {str(excrepr).strip().rpartition(chr(10))[2]}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember who ended the run early."""
        start.take_interrupt(self.begun, excinfo.value)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, config: pytest.Config) -> Generator[None, object, object]:
        """Leave pytest's own summary as it is; the verdict follows its last line."""
        return (yield)


class Distribution:
    """The controller's side of several processes."""

    def __init__(self, begun: Begun) -> None:
        self.begun = begun

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record what the report of a gate's teardown carries."""
        text = getattr(report, "relgate", None)
        if text is not None:
            start.take_report(self.begun, text, report)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        """Hand a worker the facts."""
        node.workerinput[KEY] = self.begun.facts_text

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> ClassScheduling:
        """Keep classes together."""
        return ClassScheduling(config, log, self.begun.in_sequence)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: WorkerController, error: object) -> None:
        """A worker has ended: take its last words, or remember that it died."""
        start.take_worker_end(self.begun, node, error)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """The gate on which a worker died."""
        start.take_crash(self.begun, crashitem, report)
