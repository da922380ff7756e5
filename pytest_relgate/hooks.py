"""The hooks of a release run, registered only in one. Each hands its event to a room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate import intake, start
from pytest_relgate.aside import set_modes
from pytest_relgate.crossing import encode_payload
from pytest_relgate.limits import Alarm, take_over
from pytest_relgate.quick import HookProxies, SilentReports, long_lived
from pytest_relgate.xdist import KEY

if TYPE_CHECKING:
    import warnings
    from collections.abc import Generator
    from pathlib import Path

    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

    from pytest_relgate.begun import Begun
    from pytest_relgate.execution import Execution
    from pytest_relgate.scheduler import ClassScheduling


class Ending:
    """The outermost hook: the exit status is the verdict's. Registered after the first conftests."""

    def __init__(self, begun: Begun) -> None:
        self.begun = begun

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, Any, int]:
        """Set the run's modes, let pytest work, then judge and seal."""
        set_modes(config, self.begun)
        try:
            status = yield
        except (SystemExit, KeyboardInterrupt) as error:  # a second Ctrl-C, while pytest tells of the first
            return start.broke_off(config, self.begun, error)  # with a status of 0 it would look well
        except BaseException as error:
            start.broke_off(config, self.begun, error)
            raise
        return start.end(config, self.begun, status)


class Gates:
    """Executes gates: in the one process of a plain run, or in a worker."""

    def __init__(self, execution: Execution, config: pytest.Config) -> None:
        self.execution = execution
        self.alarm = Alarm(execution.rang)
        self.reports = SilentReports(config)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Judge every channel of the profile by the gates that ask for ``channel``."""
        self.execution.selection.spread_over_channels(metafunc)

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Collecting makes objects that live as long as the session: no use to look through them again."""
        with long_lived():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_ignore_collect(
        self, collection_path: Path, config: pytest.Config
    ) -> Generator[None, bool | None, bool | None]:
        """See what is left out, so that missing gates can say why."""
        ignored = yield
        if ignored:
            self.execution.selection.collector.ignored(collection_path, config)
        return ignored

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool | None:
        """Set pytest-timeout's alarm."""
        return self.alarm.set(item, settings)

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_timeout_cancel_timer(self, item: pytest.Item) -> bool | None:
        """Cancel it."""
        return self.alarm.cancel(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """See every gate before anything narrows them; put what is left back in order."""
        before = self.execution.selection.read(items)
        result = yield
        left_out = self.execution.selection.choose(before, items)
        if left_out:
            config.hook.pytest_deselected(items=left_out)
        intake.collected(config)
        take_over(config, self.alarm, self, items)
        HookProxies(session)
        return result

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

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Judge the part that this report is about: registered late, it comes before the session counts."""
        self.execution.part_reported(report)
        if report.when == "teardown":
            self.reports.one_more()

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        """A coroutine that nobody awaited is a warning to Python, and a check that was not made to us."""
        words = str(warning_message.message)
        if words.endswith("was never awaited"):
            self.execution.never_awaited(nodeid, words)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember what ended this process early."""
        self.execution.interrupted = intake.interruption(excinfo.value)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A worker says what it has not said on a report."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[KEY] = encode_payload(self.execution.last_words()).decode()


class Ends:
    """Called last of all, and only if nothing before it raised: setup and teardown came to their end.

    A wrapper can swallow an exception on its way out; it cannot make these be called.
    """

    def __init__(self, execution: Execution) -> None:
        self.execution = execution

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """The setup has ended well."""
        self.execution.was_set_up(item)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """The teardown has ended well."""
        self.execution.was_torn_down(item)


class Controller:
    """Takes in what happens; the only writer of the record."""

    def __init__(self, begun: Begun) -> None:
        self.begun = begun

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Say what will be judged, before anything runs; execute here unless workers do."""
        start.show_header(session.config, self.begun)
        if session.config.pluginmanager.hasplugin("dsession"):
            start.listen_to_workers(session.config, self.begun)
        else:
            start.execute_here(session.config, self.begun, "main")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """A lock or a plan runs nothing."""
        return start.instead_of_running(session.config, self.begun)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that could not be collected, or skipped itself."""
        if not report.passed:
            intake.take_collect_report(self.begun, report)

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str) -> None:
        """What pytest would not collect and only warns of, such as a class with a constructor."""
        if when == "collect" and issubclass(warning_message.category, pytest.PytestCollectionWarning):
            self.begun.trouble.append(str(warning_message.message))

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember why the run broke."""
        intake.take_internal_error(self.begun, excinfo.value)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Remember who ended the run early."""
        intake.take_interrupt(self.begun, excinfo.value)


class Arrivals:
    """What comes from workers, where there are some."""

    def __init__(self, begun: Begun) -> None:
        self.begun = begun

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record what the report of a gate's teardown carries."""
        text = getattr(report, "relgate", None)
        if text is not None:
            intake.take_report(self.begun, text, report)


class Distribution:
    """The controller's side of several processes."""

    def __init__(self, config: pytest.Config, begun: Begun) -> None:
        self.config, self.begun = config, begun

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        """Hand a worker the facts."""
        node.workerinput[KEY] = self.begun.facts_text

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> ClassScheduling:
        """Keep classes together."""
        from pytest_relgate.scheduler import ClassScheduling

        return ClassScheduling(config, log, self.begun.stops_a_sequence, self.begun.has_left)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: WorkerController, error: object) -> None:
        """A worker has ended: take its last words, or remember that it died."""
        intake.take_worker_end(self.config, self.begun, node, error)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """The gate on which a worker died."""
        intake.take_crash(self.begun, crashitem, report)
