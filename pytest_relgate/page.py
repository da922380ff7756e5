"""How pytest-html is asked for its page: into a place of its own, so that nothing green lies about.

Its raw page says only what pytest saw; ``evidence.report_html`` makes the report of it and the record.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_relgate.session import ReleaseRun

PLUGIN = "pytest_html"


def ask_for_page(config: pytest.Config, run: ReleaseRun) -> None:
    """Have pytest-html write a page, before it configures itself; a page that the user typed stays his."""
    if not run.prepared.profile.report.html or not config.pluginmanager.hasplugin("html"):
        return
    if getattr(config.option, "htmlpath", None):
        return
    place = tempfile.TemporaryDirectory(prefix="relgate-")
    config.add_cleanup(place.cleanup)
    config.option.htmlpath = str(Path(place.name) / "page.html")
    config.option.self_contained_html = True
    config.option.css = []
    config.pluginmanager.register(_Silence(run, Path(config.option.htmlpath)), "relgate-page")


class _Silence:
    """Takes the page at the end of the session, and keeps pytest-html from naming a file that goes."""

    def __init__(self, run: ReleaseRun, path: Path) -> None:
        self.run, self.path = run, path

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Stand behind pytest-html, which is registered by now: of the last hooks the latest is last."""
        session.config.pluginmanager.register(_Taker(self.run, self.path), "relgate-page-taker")


class _Taker:
    def __init__(self, run: ReleaseRun, path: Path) -> None:
        self.run, self.path = run, path

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Read the page that pytest-html has just written."""
        manager = session.config.pluginmanager
        try:
            self.run.page = self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return  # pytest-html wrote none: the report is made without it
        for plugin in list(manager.get_plugins()):
            if type(plugin).__module__.startswith(PLUGIN):
                manager.unregister(plugin)
