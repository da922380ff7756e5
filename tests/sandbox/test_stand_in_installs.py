"""The stand-ins of npm, node and go install from the twins, and use what they got."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_relgate.exec.tools import missing_tool
from pytest_relgate.sandbox.box import Box, open_box

MODULE = "github.com/sandover/plasmite/bindings/go"
ROOT = Path(__file__).parents[2]
PROGRAM = f"""package main

import (
	"fmt"
	"strings"

	plasmite "{MODULE}"
)

func main() {{
	pool := plasmite.Pool{{Capacity: 2}}
	for _, message := range []string{{"a", "b", "c"}} {{
		pool.Append(message)
	}}
	fmt.Println(strings.Join(pool.Messages, ""))
}}
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder, and beside it a PATH with git alone."""
    folder = tmp_path_factory.mktemp("installs")
    git = shutil.which("git")
    assert git
    (folder / "bin").mkdir()
    (folder / "bin/git").symlink_to(git)
    return folder


@pytest.fixture
def on(home: Path) -> Iterator[Callable[..., Run]]:
    """What runs a command in the sandbox on a machine without tools."""
    boxes: list[Box] = []

    def begin(*faults: str) -> Run:
        environ = {"PATH": str(home / "bin"), "XDG_CACHE_HOME": str(home / "cache"), "HOME": str(home)}
        box = open_box(ROOT, faults, environ)
        boxes.append(box)
        box.aim("v0.1.9")

        def run(*argv: object) -> subprocess.CompletedProcess[str]:
            words = [str(word) for word in argv]
            whole = {**os.environ, **environ, **box.environ}
            program = shutil.which(words[0], path=whole["PATH"])
            assert program
            return subprocess.run(
                [program, *words[1:]], env=whole, capture_output=True, text=True, check=False, cwd=home
            )

        return run

    yield begin
    for box in boxes:
        box.close()


def test_npm_packs_and_installs_and_node_starts_it(on: Callable[..., Run], tmp_path: Path) -> None:
    run = on()
    done = run("npm", "pack", "plasmite@0.1.9", "--pack-destination", tmp_path)
    assert (done.returncode, done.stdout) == (0, "plasmite-0.1.9.tgz\n"), done.stderr
    for where, what in (("a", tmp_path / "plasmite-0.1.9.tgz"), ("b", "plasmite@0.1.9")):
        assert run("npm", "install", "--prefix", tmp_path / where, what).returncode == 0
        started = run("node", tmp_path / where / "node_modules/plasmite/bin/plasmite.js")
        assert started.stdout == "plasmite 0.1.9\n", started.stderr
    absent = run("npm", "install", "--prefix", tmp_path, "plasmite@9.9.9")
    assert (absent.returncode, "npm error code E404" in absent.stderr) == (1, True)


def test_node_refuses_what_cannot_be_loaded(on: Callable[..., Run], tmp_path: Path) -> None:
    run = on("package-that-does-not-load")
    assert run("npm", "install", "--prefix", tmp_path, "plasmite@0.1.9").returncode == 0
    started = run("node", tmp_path / "node_modules/plasmite/bin/plasmite.js")
    assert (started.returncode, "Cannot find module" in started.stderr) == (1, True)


def test_go_gets_the_module_and_runs_what_uses_it(on: Callable[..., Run], tmp_path: Path) -> None:
    for fault, said in (("", "bc\n"), ("go-module-that-does-not-compile", "")):
        folder = tmp_path / f"new{fault}"
        folder.mkdir()
        run, go = on(*filter(None, [fault])), ("go", "-C", folder)
        assert run(*go, "mod", "init", "example.com/new").returncode == 0
        (folder / "main.go").write_text(PROGRAM)
        early = run(*go, "run", ".")
        assert (early.returncode, "no required module provides" in early.stderr) == (1, True)
        assert run(*go, "get", f"{MODULE}@v0.1.9").returncode == 0
        done = run(*go, "run", ".")
        assert done.stdout == said, done.stderr
        assert ("undefined: plasmite.Pool" in done.stderr) is bool(fault)
        assert run(*go, "get", f"{MODULE}@v9.9.9").returncode == 1


def test_a_program_that_it_cannot_read_is_a_tool_that_is_missing(
    on: Callable[..., Run], tmp_path: Path
) -> None:
    (tmp_path / "main.go").write_text("package main\n\nfunc main() {}\n")
    done = on()("go", "-C", tmp_path, "run", ".")
    assert missing_tool(["go"], done.returncode, done.stderr) == "go"
