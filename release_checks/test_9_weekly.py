"""What is out, looked at once a week: it can be installed, it is whole, and nobody else published any of it.

Weekly runs are a workflow of their own and never block a release.
"""

import os
import sys

import pytest

pytestmark = pytest.mark.weekly

GO_MODULE = "github.com/sandover/plasmite/bindings/go"
GO_PROGRAM = f"""\
package main

import (
	"fmt"
	"strings"

	plasmite "{GO_MODULE}"
)

func main() {{
	pool := plasmite.Pool{{Capacity: 2}}
	for _, message := range []string{{"a", "b", "c"}} {{
		pool.Append(message)
	}}
	fmt.Println(strings.Join(pool.Messages, ""))
}}
"""


class TestInstall:
    """Each binding, installed as its users do in an empty folder, and used once."""

    @pytest.mark.gate(faults=("wheel-that-cannot-be-imported",))
    def test_python(self, channels, release, run, tmp_path):
        """The Python package installs in a new environment; its command loads the native library."""
        assert channels["pypi"].version == release.version
        own = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        run([sys.executable, "-m", "venv", str(tmp_path / "new")])
        python = str(tmp_path / "new/bin/python")
        run([python, "-m", "pip", "install", f"plasmite=={channels['pypi'].seen.version}"], env=own)
        said = run([str(tmp_path / "new/bin/plasmite"), "--version"])
        assert said.tail.split()[-2:] == ["plasmite", release.version], said.tail

    @pytest.mark.gate(faults=("package-that-does-not-load",))
    def test_node(self, channels, release, run, tmp_path):
        """The Node package installs in a new folder; its command loads the native addon."""
        assert channels["npm"].version == release.version
        own = {"npm_config_cache": str(tmp_path / "cache"), "npm_config_userconfig": str(tmp_path / "npmrc")}
        run(
            ["npm", "install", "--prefix", str(tmp_path), f"plasmite@{release.version}"],
            env=own,
            needs="node",
        )
        said = run(["node", str(tmp_path / "node_modules/plasmite/bin/plasmite.js")])
        assert said.tail.split()[-2:] == ["plasmite", release.version], said.tail

    @pytest.mark.gate(faults=("go-module-that-does-not-compile",), reads_world=True)
    def test_go(self, release, run, tmp_path):
        """The Go module comes from the proxy into a new module; a program that uses it runs."""
        new = ["go", "-C", str(tmp_path)]
        own = {"GOPATH": str(tmp_path / "go"), "GOFLAGS": "-modcacherw"}
        run([*new, "mod", "init", "example.com/new"], env=own)
        run([*new, "get", f"{GO_MODULE}@{release.target}"], env=own)
        (tmp_path / "main.go").write_text(GO_PROGRAM, encoding="utf-8")
        said = run([*new, "run", "."], env=own)
        assert said.tail.split()[-1:] == ["bc"], said.tail


@pytest.mark.gate(faults=("wheel-without-licence", "tarball-without-notices"))
def test_licences(channels):
    """Every archive that a channel serves carries licence and notices."""
    assert channels.opened.carry_their_licences()


class TestHistory:
    """Every release that is out, on every channel; what was given up stands in relgate.toml."""

    @pytest.mark.gate(faults=("crates-wrong-version", "npm-wrong-version", "pypi-wrong-version"))
    def test_no_rogue_version(self, channels):
        """Every version that a channel serves has a tag."""
        assert channels.history.has_no_rogue_version()

    @pytest.mark.gate(faults=("forgotten-on-pypi", "forgotten-on-github"))
    def test_no_gap(self, channels):
        """Every tag is on every channel."""
        assert channels.history.has_no_gap()

    @pytest.mark.gate(faults=("crates-yanked", "npm-deprecated", "pypi-yanked"))
    def test_nothing_withdrawn(self, channels):
        """Nothing is yanked or deprecated that was not given up."""
        assert channels.history.has_nothing_withdrawn()
