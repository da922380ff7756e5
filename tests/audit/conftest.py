"""An audit of what registries on loopback say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audit_pages import Said
from pytest_relgate.audit.keeping import LONGEST, Keeping
from pytest_relgate.audit.run import audited
from pytest_relgate.audit.tagged import read_tag
from pytest_relgate.net.origins import Origins
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Project
    from pytest_relgate.audit.answer import Answer as Verdict


@pytest.fixture
def audit() -> Iterator[Callable[..., Verdict]]:
    """Audit ada/demo v1.0.0 where everything is at one address that says what ``pages`` say."""
    closing: list[Any] = []

    def look(
        pages: dict[str, Any] | Said,
        *named: str,
        tag: str = "v1.0.0",
        seconds: float = LONGEST,
        checkout: Path | None = None,
        mirror: str = "",
    ) -> Verdict:
        said = pages if isinstance(pages, Said) else Said(pages)
        served = serve(said)
        closing.append(served)
        base = f"{served.url}/simple" if mirror == "pypi" else served.url
        with Keeping(seconds) as http:
            return audited(
                http,
                Origins(*[served.url] * 8),
                read_tag(tag),
                slug="" if checkout else "ada/demo",
                checkout=checkout or Path(),
                named=[(kind, name) for kind, _, name in (one.partition("=") for one in named)],
                mirrors={mirror: base} if mirror else {},
            )

    yield look
    for one in closing:
        one.close()


@pytest.fixture
def checkout(bare_project: Project) -> Callable[..., Path]:
    """Make a checkout of ada/demo with these files at v1.0.0."""

    def make(files: dict[str, str]) -> Path:
        for name, text in files.items():
            bare_project.write(name, text)
        bare_project.commit("release")
        bare_project.git("tag", "v1.0.0")
        bare_project.git("remote", "add", "origin", "https://github.com/ada/demo.git")
        return bare_project.path

    return make
