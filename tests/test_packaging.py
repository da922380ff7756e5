"""The wheel holds everything that the package needs: every module is in a package, every other file is named.

Built ones were installed and looked into by hand; that takes a network, and this is what can go wrong.
"""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytest_relgate"
DOCUMENT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def files() -> list[Path]:
    every = (path for path in PACKAGE.rglob("*") if path.is_file())
    return [path for path in every if "__pycache__" not in path.parts and path.suffix != ".pyc"]


def test_every_module_is_in_a_package() -> None:
    bare = {path.parent for path in files() if not (path.parent / "__init__.py").is_file()}
    assert not bare


def test_every_file_that_is_no_module_is_named_as_data() -> None:
    named = DOCUMENT["tool"]["setuptools"]["package-data"]["pytest_relgate"]
    others = [path.relative_to(PACKAGE).as_posix() for path in files() if path.suffix != ".py"]
    assert "py.typed" in others
    # setuptools takes ** as pathlib's glob does: any folders, none too
    found = {path.relative_to(PACKAGE).as_posix() for pattern in named for path in PACKAGE.glob(pattern)}
    assert sorted(others) == sorted(found & set(others))


def test_what_pytest_and_the_shell_ask_for_is_there() -> None:
    project = DOCUMENT["project"]
    assert project["entry-points"]["pytest11"] == {"relgate": "pytest_relgate.plugin"}
    assert project["scripts"] == {"relgate": "pytest_relgate.cli:main"}
    for place in ("pytest_relgate.plugin", "pytest_relgate.cli:main"):
        metadata.EntryPoint("x", place, "y").load()
    assert (ROOT / project["readme"]).is_file()
    assert all((ROOT / name).is_file() for name in project["license-files"])
    assert PurePosixPath(project["license-files"][0]).name == "LICENSE"
