"""Between pytest's config and a release run: what is set up before conftests, and what ends it."""

from __future__ import annotations

import os
import re
import sys
import threading

import msgspec
import pytest

from pytest_relgate import terminal
from pytest_relgate.aside import (
    let_the_session_last,
    limits_the_session,
    put_coverage_aside,
    put_retries_aside,
    set_modes,
)
from pytest_relgate.begun import Begun
from pytest_relgate.crossing import RunFacts
from pytest_relgate.errors import RelgateError
from pytest_relgate.execution import Execution
from pytest_relgate.forked import end_copies
from pytest_relgate.intake import AGAIN, take
from pytest_relgate.keys import EXECUTION, RELEASE_RUN
from pytest_relgate.loaded import load_from_source, loaded_below
from pytest_relgate.modes import refuse_modes, refuse_optimized, refuse_places
from pytest_relgate.prepare import Place, prepare
from pytest_relgate.quick import let_go
from pytest_relgate.request import read_request
from pytest_relgate.session import ReleaseRun
from pytest_relgate.xdist import KEY, in_worker

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
            ini_wait=config.getini("release_wait"),
            rootdir=config.rootpath,
            invocation=config.invocation_params.dir,
            typed=config.invocation_params.args,
            own_markers=config.getini("markers"),
        )
        if request is None:
            return None
        begun = Begun(request, worker)
        _write_no_bytecode()
        config.add_cleanup(load_from_source(request.checks))
        config.add_cleanup(end_copies(config, begun.forget))
        args.insert(0, request.collect[0])  # so that testpaths do not count; `set_modes` has the last word
        options.file_or_dir = request.collect
        refuse_optimized()
        put_retries_aside(config, begun)
        put_coverage_aside(config, begun)
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
        has_timeout=_has_timeout(config),
        cut_by_default=config.inipath.parent if config.inipath is not None else rootdir,
        typed=config.invocation_params.args,
        addopts=_addopts(config),
    )
    place = Place(rootdir, config.inipath, config.invocation_params.dir, config.getini("release_evidence"))
    if request.kind == "lock":
        from pytest_relgate import planning

        begun.facts = planning.facts_for_lock(request, options, place, os.environ)
        return
    prepared = prepare(request, options, place, os.environ)
    refuse_places(options, prepared.evidence, place.invocation)
    if request.kind in ("plan", "drill"):
        from pytest_relgate import planning

        facts = planning.facts_for_plan(prepared, rootdir)
        drilled = request.kind == "drill"  # what is settled is drilled all the same
        begun.facts = msgspec.structs.replace(facts, settled=frozenset()) if drilled else facts
        begun.prepared = prepared
        return
    run = begun.run = ReleaseRun.begin(prepared)
    run.environment |= _versions(config)
    begun.facts = msgspec.structs.replace(run.run_facts(rootdir), own_bytecode_switch=OURS)
    begun.facts_text = msgspec.json.encode(begun.facts).decode()


def _addopts(config: pytest.Config) -> dict[str, list[str]]:
    """The words that pytest adds to those that were typed, by where they stand."""
    name = config.inipath.name if config.inipath is not None else "the configuration"
    return {
        f"addopts of {name}": list(config.getini("addopts")),
        "PYTEST_ADDOPTS": os.environ.get("PYTEST_ADDOPTS", "").split(),
    }


_HEADER = {one: re.compile(rf"^{one}: *(\S+)", re.MULTILINE) for one in ("Name", "Version")}
OURS = "PYTHONDONTWRITEBYTECODE" not in os.environ


def _write_no_bytecode() -> None:
    """A run leaves no ``__pycache__`` in what it judges; workers inherit the variable, gates do not."""
    sys.dont_write_bytecode = True
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")


def _has_timeout(config: pytest.Config) -> bool:
    """Whether pytest-timeout is there: by its entry point, or named with ``-p``."""
    return any(
        getattr(plugin, "__name__", "") == "pytest_timeout" for plugin in config.pluginmanager.get_plugins()
    )


def _versions(config: pytest.Config) -> dict[str, str]:
    found = {"pytest": pytest.__version__}
    for _, distribution in config.pluginmanager.list_plugin_distinfo():
        # Metadata has many headers and a long text, which take longer to parse than to search.
        text = distribution.read_text("METADATA") or ""
        name, version = (_HEADER[one].search(text) for one in ("Name", "Version"))
        if name and version:
            found[name[1].lower()] = version[1]
        else:
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

    put_retries_aside(config, begun)  # those that a conftest brought
    if begun.worker:
        _register(config, begun, _WorkerStart(begun), "relgate-worker")
        return
    _register(config, begun, hooks.Controller(begun), "relgate-controller")
    if config.pluginmanager.hasplugin("xdist"):
        _register(config, begun, hooks.Distribution(config, begun), "relgate-distribution")
    _register(config, begun, hooks.Ending(begun), "relgate-ending")


def _register(config: pytest.Config, begun: Begun, plugin: object, name: str) -> None:
    """Register hooks under a name that ``-p no:`` may have taken away: without them nothing is judged."""
    if config.pluginmanager.register(plugin, name) is None:
        words = f"-p no:{name} takes away a part of pytest-relgate: take it off"
        _give_up(begun, "USAGE", words)
        raise pytest.UsageError(words)


class _WorkerStart:
    """A worker takes up its facts once xdist has handed them over."""

    def __init__(self, begun: Begun) -> None:
        self.begun = begun

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Read the controller's facts, before other plugins read what they change."""
        text = getattr(config, "workerinput", {}).get(KEY, "")
        if text:
            self.begun.facts = msgspec.json.decode(text, type=RunFacts)
        set_modes(config, self.begun)

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Start to execute."""
        execute_here(session.config, self.begun, session.config.workerinput["workerid"])  # type: ignore[attr-defined]  # xdist puts it there


def execute_here(config: pytest.Config, begun: Begun, worker: str) -> None:
    """Let this process execute gates.

    Called when the session starts: by then the session itself, pytest's look at threads and xdist are
    registered, so that ours come before them.
    """
    from pytest_relgate import hooks
    from pytest_relgate.exec.redact import Redactor, secret_values

    if begun.facts is None:
        return
    if limits_the_session(config):
        let_the_session_last(config)
    redactor = Redactor(secret_values(os.environ, begun.facts.secret_names))
    execution = Execution(begun.facts, worker, redactor)
    if begun.run is not None:
        execution.command_starts = begun.run.command_starts
        execution.sink = begun.run.record_one
        execution.permit = begun.run.permit
    config.stash[EXECUTION] = execution
    _register(config, begun, hooks.Gates(execution, config), "relgate-gates")
    _register(config, begun, hooks.Ends(execution), "relgate-ends")
    _listen_to_threads(config, execution)


def listen_to_workers(config: pytest.Config, begun: Begun) -> None:
    """Let workers execute gates, and take in what they say."""
    from pytest_relgate import hooks

    _register(config, begun, hooks.Arrivals(begun), "relgate-arrivals")


def _listen_to_threads(config: pytest.Config, execution: Execution) -> None:
    before = threading.excepthook

    def died(args: threading.ExceptHookArgs) -> None:
        execution.thread_died(args)
        before(args)

    threading.excepthook = died
    config.add_cleanup(lambda: setattr(threading, "excepthook", before))


# -- the run --------------------------------------------------------------------------------------------


def show_header(config: pytest.Config, begun: Begun) -> None:
    """Confirm what will be judged."""
    if begun.run is not None and begun.request.kind == "run":
        terminal.show(config, terminal.header(begun.run))


def instead_of_running(config: pytest.Config, begun: Begun) -> bool | None:
    """Write the lock or show the plan; None lets the gates run."""
    if begun.request.kind == "run":
        return None
    if begun.request.kind == "drill":
        return _drill(config, begun)
    from pytest_relgate import planning

    execution: Execution = config.stash[EXECUTION]
    try:
        if begun.request.kind == "lock":
            lines = planning.write(begun.request, execution, begun.trouble)
        else:
            lines = planning.show(begun.request, execution, begun.prepared)
    except RelgateError as error:
        raise pytest.UsageError(str(error)) from None
    terminal.show(config, [terminal.Line(line) for line in lines])
    begun.answered = True
    return True


def _drill(config: pytest.Config, begun: Begun) -> bool:
    from pytest_relgate import drilling

    if begun.prepared is None or begun.trouble:
        message = f"nothing was drilled, not everything could be collected: {'; '.join(begun.trouble[:3])}"
        raise pytest.UsageError(message)
    try:
        outcome = drilling.drill(
            begun.prepared,
            config.stash[EXECUTION],
            lambda words: terminal.show(config, [terminal.Line(f"drill  {words}")]),
        )
    except RelgateError as error:
        raise pytest.UsageError(str(error)) from None
    terminal.show(config, terminal.drilled(outcome))
    begun.answered, begun.ended = outcome.proves, True
    return True


# -- the end --------------------------------------------------------------------------------------------


def broke_off(config: pytest.Config, begun: Begun, error: BaseException) -> int:
    """Pytest raised instead of ending: the evidence says why. Return an exit status that says so too."""
    if begun.run is None or begun.ended:
        return 2 if isinstance(error, KeyboardInterrupt) else 4
    if isinstance(error, KeyboardInterrupt):
        begun.fact("INTERRUPTED", "the run was interrupted, and again while pytest ended", AGAIN)
        return end(config, begun, 2)
    if isinstance(error, SystemExit):
        begun.fact("INTERRUPTED", f"sys.exit({error.code!r}) ended pytest", AGAIN)
        return end(config, begun, error.code if isinstance(error.code, int) else 1)
    text = str(error) or type(error).__name__
    _give_up(begun, "USAGE" if isinstance(error, pytest.UsageError) else "INTERNAL", text)
    return 4


def end(config: pytest.Config, begun: Begun, status: int | None) -> int:
    """Judge and seal; show the verdict; return the exit status."""
    number = int(status or 0)
    if begun.request.kind != "run" or begun.run is None:
        if begun.request.kind == "drill" and begun.ended:
            return 0 if begun.answered else 1
        nothing_ran = number == pytest.ExitCode.NO_TESTS_COLLECTED
        return 0 if begun.answered and nothing_ran else number
    execution = config.stash.get(EXECUTION, None)
    if execution is not None:
        words = execution.last_words()
        let_go(config, execution.selection.known)
        take(begun, words, "main")
    else:  # workers tell of themselves
        begun.run.loaded(loaded_below(begun.request.checks))
    begun.go_on()
    for died in begun.died.values():
        begun.fact("CRASHED", died, "look at the output above, then type it again")
    begun.ended = True
    code = begun.run.finish(number)
    terminal.show(config, terminal.closing(begun.run))
    terminal.tell_github(config, begun.run, os.environ)
    return code
