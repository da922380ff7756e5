"""Between pytest's config and a release run: what is set up before conftests, and what ends it."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_relgate import planning, terminal
from pytest_relgate.errors import RelgateError
from pytest_relgate.execution import Execution, RunFacts, decode_payload
from pytest_relgate.plugin import EXECUTION, RELEASE_RUN
from pytest_relgate.prepare import Place, prepare
from pytest_relgate.request import Request, read_request, refuse_modes, set_aside
from pytest_relgate.session import ReleaseRun
from pytest_relgate.xdist import KEY, in_worker

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

# Plugins that run a test again until it passes, and what they are called to people.
RETRIERS = {
    "pytest_rerunfailures": "pytest-rerunfailures",
    "pytest_retry": "pytest-retry",
    "flaky": "flaky",
}
RETRY_MARKERS = (
    "flaky: set aside in a release run, in which a gate runs once",
    "retry: set aside in a release run, in which a gate runs once",
)


@dataclass
class Begun:
    """What one pytest process is doing for a release: ``run`` only on the controller of a run."""

    request: Request
    worker: bool
    run: ReleaseRun | None = None
    facts: RunFacts | None = None
    facts_text: str = ""
    set_aside: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    ended: bool = False

    def fact(self, code: str, message: str, remedy: str = "") -> None:
        """Record something that rules PASSED out."""
        if self.run is not None:
            self.run.fact(code, message, remedy)

    def in_sequence(self, nodeid: str) -> bool:
        """Whether a node id is a gate of a sequence, as far as is known."""
        if self.run is None:
            return False
        gate = self.gate_id(nodeid)
        return any(known.id == gate and known.sequence for known in self.run.known_gates())

    def gate_id(self, nodeid: str) -> str:
        """The gate id of a node id."""
        folder = os.path.relpath(self.request.checks, self.facts.rootdir if self.facts else ".")
        return nodeid.removeprefix(folder.replace(os.sep, "/") + "/")


# -- before conftests -----------------------------------------------------------------------------------


def before_conftests(config: pytest.Config, args: list[str]) -> Begun | None:
    """Read the wish; on the controller, prepare the run and write BLOCKED. None: nothing is asked for.

    Raises pytest.UsageError for whatever is wrong with the wish or its surroundings.
    """
    options = config.known_args_namespace
    worker = in_worker()
    try:
        request = read_request(
            options,
            ini_checks=config.getini("release_checks"),
            rootdir=config.rootpath,
            invocation=config.invocation_params.dir,
            typed=config.invocation_params.args,
        )
        if request is None:
            return None
        begun = Begun(request, worker)
        _write_no_bytecode()
        _collect_only_the_checks(config, args, request)
        _put_retries_aside(config, begun)
        if not worker:
            _begin(config, begun)
    except RelgateError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[RELEASE_RUN] = begun
    return begun


def _begin(config: pytest.Config, begun: Begun) -> None:
    request, options, rootdir = begun.request, config.known_args_namespace, config.rootpath
    refuse_modes(
        options,
        has_timeout=config.pluginmanager.hasplugin("timeout"),
        rootdir=rootdir,
        typed=config.invocation_params.args,
    )
    place = Place(rootdir, config.inipath, config.invocation_params.dir, config.getini("release_evidence"))
    if request.kind == "lock":
        begun.facts = planning.facts_for_lock(request, options, place, os.environ)
        return
    prepared = prepare(request, options, place, os.environ)
    if request.kind == "plan":
        begun.facts = planning.facts_for_plan(prepared, rootdir)
        return
    run = begun.run = ReleaseRun.begin(prepared)
    run.environment |= _versions(config)
    begun.facts = msgspec.structs.replace(run.run_facts(rootdir), own_bytecode_switch=OURS)
    begun.facts_text = msgspec.json.encode(begun.facts).decode()


OURS = "PYTHONDONTWRITEBYTECODE" not in os.environ


def _write_no_bytecode() -> None:
    """A run leaves no ``__pycache__`` in what it judges; workers inherit the variable, gates do not."""
    sys.dont_write_bytecode = True
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")


def _collect_only_the_checks(config: pytest.Config, args: list[str], request: Request) -> None:
    """Make the checks folder the only path, unless paths inside it narrow the run."""
    options = config.known_args_namespace
    if request.paths:
        return
    for path in options.file_or_dir or ():
        if path in args:
            args.remove(path)
    folder = str(request.checks)
    args.append(folder)
    options.file_or_dir = [folder]


def _put_retries_aside(config: pytest.Config, begun: Begun) -> None:
    manager = config.pluginmanager
    for name, plugin in list(manager.list_name_plugin()):
        module = getattr(plugin, "__name__", type(plugin).__module__).partition(".")[0]
        if plugin is not None and module in RETRIERS:
            manager.unregister(plugin, name)
            words = f"{RETRIERS[module]}: a gate runs once"
            if words not in begun.set_aside:
                begun.set_aside.append(words)
    options = config.known_args_namespace
    if getattr(options, "cov_source", None):
        options.cov_source = []
        begun.set_aside.append("pytest-cov: gates are not measured")


def _versions(config: pytest.Config) -> dict[str, str]:
    found = {"pytest": pytest.__version__}
    for _, distribution in config.pluginmanager.list_plugin_distinfo():
        found[distribution.project_name.lower()] = str(distribution.version)
    return found


def conftest_ended_it(begun: Begun | None, error: BaseException) -> BaseException:
    """A conftest could not be loaded, or ended the process: the evidence says so and stays BLOCKED."""
    if isinstance(error, SystemExit):
        words = f"a conftest called sys.exit({error.code!r})"
        _give_up(begun, "USAGE", words)
        return pytest.UsageError(f"{words}: nothing was judged") if begun else error
    _give_up(begun, "USAGE", f"pytest could not start: {type(error).__name__}: {error}")
    return error


def _give_up(begun: Begun | None, code: str, words: str) -> None:
    if begun is not None and begun.run is not None and not begun.ended:
        begun.ended = True
        begun.run.fact(code, words)
        begun.run.finish(4)


def after_conftests(config: pytest.Config, begun: Begun | None) -> None:
    """Register the hooks; the outermost one last, so that no first conftest stands outside it."""
    if begun is None:
        return
    from pytest_relgate import hooks

    manager = config.pluginmanager
    if begun.worker:
        manager.register(_WorkerStart(begun), "relgate-worker")
        return
    manager.register(hooks.Controller(begun), "relgate-controller")
    if manager.hasplugin("xdist"):
        manager.register(hooks.Distribution(begun), "relgate-distribution")
    manager.register(hooks.Ending(begun), "relgate-ending")


class _WorkerStart:
    """A worker takes up its facts once xdist has handed them over."""

    def __init__(self, begun: Begun) -> None:
        self.begun = begun

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Read the controller's facts and start to execute."""
        text = getattr(config, "workerinput", {}).get(KEY, "")
        if text:
            self.begun.facts = msgspec.json.decode(text, type=RunFacts)
        set_modes(config, self.begun)
        if text:
            execute_here(config, self.begun, config.workerinput["workerid"])  # type: ignore[attr-defined]


def execute_here(config: pytest.Config, begun: Begun, worker: str) -> None:
    """Let this process execute gates."""
    from pytest_relgate import hooks
    from pytest_relgate.exec.redact import Redactor, secret_values

    if begun.facts is None:
        return
    redactor = Redactor(secret_values(os.environ, begun.facts.secret_names))
    execution = Execution(begun.facts, worker, redactor)
    if begun.run is not None:
        execution.command_starts = begun.run.command_starts
        execution.sink = begun.run.take
    config.stash[EXECUTION] = execution
    config.pluginmanager.register(hooks.Gates(execution), "relgate-gates")
    _listen_to_threads(config, execution)


def _listen_to_threads(config: pytest.Config, execution: Execution) -> None:
    before = threading.excepthook

    def died(args: threading.ExceptHookArgs) -> None:
        execution.thread_died(args)
        threading_before(args)

    def threading_before(args: threading.ExceptHookArgs) -> None:
        before(args)

    threading.excepthook = died
    config.add_cleanup(lambda: setattr(threading, "excepthook", before))


# -- the run --------------------------------------------------------------------------------------------


def set_modes(config: pytest.Config, begun: Begun) -> None:
    """Set pytest's own modes as a release run needs them, and name what was set aside."""
    options = config.option
    begun.set_aside += set_aside(options, config.invocation_params.args)
    options.continue_on_collection_errors = True
    if begun.facts is not None:
        options.timeout = begun.facts.limit  # pytest-timeout's own default, for gates that state none
    for marker in RETRY_MARKERS:
        config.addinivalue_line("markers", marker)
    if begun.worker:
        options.loadgroup = False
        return
    serial = begun.request.kind != "run" or begun.facts is None or begun.facts.context.phase.serial
    if serial and getattr(options, "numprocesses", None):
        options.numprocesses = 0
        options.dist, options.tx = "no", []
        begun.set_aside.append(f"-n: {begun.request.phase or begun.request.kind} runs in one process")
    if begun.run is not None:
        begun.run.set_aside[:] = begun.set_aside
    if getattr(options, "dist", "no") == "no" and not getattr(options, "numprocesses", None):
        execute_here(config, begun, "main")


def collected(config: pytest.Config) -> None:
    """The process of a plain run has collected."""
    begun = config.stash[RELEASE_RUN]
    execution = config.stash[EXECUTION]
    if begun.run is not None and begun.request.kind == "run" and execution.collected is not None:
        begun.run.collection(execution.take_collected(), "main")


def take_report(begun: Begun, text: str, report: pytest.TestReport) -> None:
    """Take in one string from a report."""
    if begun.run is None:
        return
    try:
        payload = decode_payload(text)
    except (msgspec.DecodeError, TypeError):
        begun.fact("INVALID", f"the report of {report.nodeid} was altered on its way")
        return
    begun.run.payload(payload, getattr(report, "worker_id", "main"))


def take_collect_report(begun: Begun, report: pytest.CollectReport) -> None:
    """A file that could not be collected blocks; one that skipped itself explains its missing gates."""
    words = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext)
    last = words.strip().rpartition("\n")[2]
    begun.trouble.append(f"{report.nodeid}: {last}")
    if begun.run is None:
        return
    if report.skipped:
        begun.run.module_left_out(begun.gate_id(report.nodeid), f"the file skipped itself: {last}")
    else:
        begun.fact("INVALID", f"{report.nodeid or 'a file'} could not be collected: {last}")


def take_interrupt(begun: Begun, error: BaseException) -> None:
    """Somebody ended the run early."""
    if isinstance(error, pytest.exit.Exception):
        begun.fact("INTERRUPTED", f"pytest.exit ended the run: {error.msg or 'no reason given'}")
    else:
        begun.fact("INTERRUPTED", "the run was interrupted", "type the same command again")


def take_worker_end(begun: Begun, node: WorkerController, error: object) -> None:
    """A worker has ended."""
    output = getattr(node, "workeroutput", None) or {}
    name = node.gateway.id
    if KEY in output and begun.run is not None:
        begun.run.payload(decode_payload(output[KEY]), name)
    elif error:
        begun.fact("CRASHED", f"the process {name} died", "look at the output above, then type it again")
    elif begun.run is not None and KEY not in output:
        begun.fact("CRASHED", f"the process {name} ended without its last words")


def take_crash(begun: Begun, nodeid: str, report: pytest.TestReport) -> None:
    """A worker died on a gate."""
    if begun.run is not None:
        gateway = getattr(getattr(report, "node", None), "gateway", None)
        begun.run.crashed(begun.gate_id(nodeid), getattr(gateway, "id", "a worker"))


def show_header(config: pytest.Config, begun: Begun) -> None:
    """Confirm what will be judged."""
    if begun.run is not None and begun.request.kind == "run":
        terminal.show(config, terminal.header(begun.run))


def instead_of_running(config: pytest.Config, begun: Begun) -> bool | None:
    """Write the lock or show the plan; None lets the gates run."""
    if begun.request.kind == "run":
        return None
    execution: Execution = config.stash[EXECUTION]
    try:
        if begun.request.kind == "lock":
            lines = planning.write(begun.request, execution, begun.trouble)
        else:
            lines = planning.show(begun.request, execution)
    except RelgateError as error:
        raise pytest.UsageError(str(error)) from None
    terminal.show(config, [terminal.Line(line) for line in lines])
    return True


# -- the end --------------------------------------------------------------------------------------------


def broke_off(config: pytest.Config, begun: Begun, error: BaseException) -> None:
    """Pytest raised instead of ending: the evidence says why."""
    if begun.run is None or begun.ended:
        return
    text = str(error) or type(error).__name__
    _give_up(begun, "USAGE" if isinstance(error, pytest.UsageError) else "INTERNAL", text)
    del config


def end(config: pytest.Config, begun: Begun, status: Any) -> int:
    """Judge and seal; show the verdict; return the exit status."""
    number = int(status or 0)
    if begun.request.kind != "run" or begun.run is None:
        return number
    execution = config.stash.get(EXECUTION, None)
    for words in execution.orphans if execution is not None else ():
        begun.fact("INVALID", words)
    begun.ended = True
    code = begun.run.finish(number)
    terminal.show(config, terminal.closing(begun.run))
    return code
