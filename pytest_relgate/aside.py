"""What a project's own pytest configuration asks for and a release run does without: put aside, and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.modes import set_aside
from pytest_relgate.page import ask_for_page
from pytest_relgate.source.pytest_config import settings_in

if TYPE_CHECKING:
    import pytest

    from pytest_relgate.begun import Begun

# Plugins that run a test again until it passes: what they are called to people, and the options and ini
# values by which a project asks for it; a mark on a test asks all of them.
RETRIERS = {
    "pytest_rerunfailures": ("pytest-rerunfailures", ("reruns", "force_reruns"), ("reruns",)),
    "pytest_retry": ("pytest-retry", ("retries",), ("retries",)),
    "flaky": ("flaky", ("force_flaky",), ()),
}
RETRY_MARKERS = (
    "flaky: set aside in a release run, in which a gate runs once",
    "retry: set aside in a release run, in which a gate runs once",
)


def put_retries_aside(config: pytest.Config, begun: Begun) -> None:
    """Take out the plugins that try again; name them only where somebody asks for it."""
    manager, options = config.pluginmanager, config.known_args_namespace
    for name, plugin in list(manager.list_name_plugin()):
        module = getattr(plugin, "__name__", type(plugin).__module__).partition(".")[0]
        if plugin is None or module not in RETRIERS:
            continue
        called, by_option, by_ini = RETRIERS[module]
        asked = any(getattr(options, one, None) for one in by_option)
        asked = asked or any(str(config.getini(one) or "0") != "0" for one in by_ini)
        manager.unregister(plugin, name)
        if called not in begun.retriers:
            begun.retriers.append(called)
        if asked:
            begun.put_aside(f"{called}: a gate runs once")


def take_foreign_keys(config: pytest.Config, parser: pytest.Parser, begun: Begun) -> None:
    """Take keys of the project's configuration that nobody here knows, as strict configuration must not.

    A conftest of the project's own tests may register them, and a release run loads none but the checks'.
    """
    path = config.inipath
    if path is None:
        return
    unknown = []
    for key in settings_in(path.name, path.read_bytes()) or ():
        try:
            config.getini(key)
        except ValueError:
            parser.addini(key, "known to conftest files that a release run does not load", default=None)
            unknown.append(key)
    if unknown:
        begun.put_aside(f"{', '.join(unknown)} of {path.name}: nothing that is loaded here knows it")


def put_coverage_aside(config: pytest.Config, begun: Begun) -> None:
    """Keep pytest-cov from measuring gates, and so from failing a run for what it measured."""
    options = config.known_args_namespace
    if getattr(options, "cov_source", None):
        options.cov_source = []
        begun.put_aside("pytest-cov: gates are not measured")


def set_modes(config: pytest.Config, begun: Begun) -> None:
    """Set pytest's own modes as a release run needs them, in every process of it."""
    options = config.option
    warnings_allowed = options.max_warnings is not None or config.getini("max_warnings") is not None
    for words in set_aside(options, config.invocation_params.args, limits_warnings=warnings_allowed):
        begun.put_aside(words)
    if limits_the_session(config):
        begun.put_aside("session_timeout: a run takes the time that its gates take")
    options.continue_on_collection_errors = True
    if begun.facts is not None:
        options.timeout = begun.facts.limit  # pytest-timeout's own default, for gates that state none
    for marker in RETRY_MARKERS:
        config.addinivalue_line("markers", marker)
    config.args[:] = options.file_or_dir = begun.request.collect
    if begun.worker:
        options.loadgroup = False
        return
    serial = begun.request.kind != "run" or begun.facts is None or begun.facts.context.phase.serial
    if serial and (getattr(options, "numprocesses", None) or getattr(options, "tx", None)):
        options.numprocesses = 0
        options.dist, options.tx = "no", []
        begun.put_aside(f"-n: {begun.request.phase or begun.request.kind} runs in one process")
    if begun.run is not None:
        begun.run.set_aside[:] = begun.set_aside
        ask_for_page(config, begun.run)


def limits_the_session(config: pytest.Config) -> bool:
    """Whether the project's own configuration ends a session early; typed, it is the user's wish."""
    typed = any(word.partition("=")[0] == "--session-timeout" for word in config.invocation_params.args)
    return not typed and bool(config.option.session_timeout or config.getini("session_timeout"))


def let_the_session_last(config: pytest.Config) -> None:
    """Take back pytest-timeout's end of the session, once that is configured."""
    from pytest_timeout import SESSION_EXPIRE_KEY

    config.stash[SESSION_EXPIRE_KEY] = 0
