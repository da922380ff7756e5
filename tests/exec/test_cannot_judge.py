from __future__ import annotations

import itertools
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.exec.cannot_judge import KNOWN, CouldNotRun, could_not_run, known_ends
from pytest_relgate.exec.process import run_command, split_command
from pytest_relgate.exec.redact import Redactor
from pytest_relgate.exec.runner import CommandFailed, Runner
from pytest_relgate.profile import parse_profile

if TYPE_CHECKING:
    from pathlib import Path

CARGO = """\
    Updating crates.io index
warning: spurious network error (1 try remaining): [6] Could not resolve hostname (Could not resolve host: x)
error: failed to get `serde` as a dependency of package `demo v0.1.0 (/src/demo)`

Caused by:
  download of config.json failed

Caused by:
  failed to download from `https://index.example/config.json`

Caused by:
  [6] Could not resolve hostname (Could not resolve host: index.example)"""
CARGO_GIT = """\
error: failed to get `serde` as a dependency of package `demo v0.1.0 (/src/demo)`

Caused by:
  failed to load source for dependency `serde`

Caused by:
  network failure seems to have happened
  if a proxy or similar is necessary `net.git-fetch-with-cli` may help here

Caused by:
  failed to resolve address for nowhere.example: Name or service not known; class=Net (12)"""
CARGO_503 = """\
error: failed to download `serde v1.0.0`

Caused by:
  unable to get packages from source

Caused by:
  failed to get successful HTTP response from `https://static.example/serde.crate` (192.0.2.1), got 503
  debug headers:
  x-cache: Error from cloudfront
  body:
  <html>

  </html>"""
NPM = """\
npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error network request to https://registry.example/left-pad failed, reason: getaddrinfo ENOTFOUND
npm error network In most cases you are behind a proxy or have bad network settings.
npm error A complete log of this run can be found in: /home/ada/.npm/_logs/debug-0.log"""
PIP = """\
WARNING: Retrying (Retry(total=0, connect=None, redirect=None, status=None)) after connection broken by \
'NewConnectionError("HTTPSConnection: Failed to establish a new connection")': /simple/demo/
ERROR: Could not find a version that satisfies the requirement demo (from versions: none)
ERROR: No matching distribution found for demo"""
UV = """\
error: Request failed after 3 retries in 6.7s
  cause: Failed to fetch: https://registry.example/simple/demo/
  cause: error sending request for url (https://registry.example/simple/demo/)
  cause: client error (Connect)
  cause: dns error
  cause: failed to lookup address information: Name or service not known"""
UV_OLD = UV.replace("  cause:", "  Caused by:")
GO = 'go: example.com/x@v1.0.0: Get "https://proxy.example/x": dial tcp: lookup proxy.example: no such host'
RUSTUP = (
    "error: toolchain '1.88.0-x86_64' is not installed\nhelp: run `rustup toolchain install` to install it"
)
BACKTRACE = "\n\nStack backtrace:\n   0: rustup::main\n             at ./libc.h:58:16\n  12: <unknown>"
GIT = "fatal: unable to access 'https://git.example/x/': Could not resolve host: git.example"

ENDS = [
    (101, CARGO, "cargo-network"),
    (101, CARGO_GIT, "cargo-network"),
    (101, CARGO_503, "cargo-network"),
    (101, f"{CARGO}\nerror: recipe `bindings-test` failed on line 41 with exit code 101", "cargo-network"),
    (101, f"{CARGO}\nerror: Recipe `test` failed with exit code 101\n", "cargo-network"),
    (1, NPM, "npm-network"),
    (1, NPM.replace("npm error", "npm ERR!"), "npm-network"),
    (1, PIP, "pip-network"),
    (2, UV, "uv-network"),
    (2, UV_OLD, "uv-network"),
    (1, GO, "go-network"),
    (128, f"Cloning into 'x'...\n{GIT}", "git-network"),
    (1, RUSTUP, "rustup-toolchain"),
    (
        1,
        f"cargo build\n{RUSTUP}\nerror: recipe `test` failed on line 47 with exit code 1",
        "rustup-toolchain",
    ),
    (1, RUSTUP + BACKTRACE, "rustup-toolchain"),
    (
        1,
        "error: 'cargo-fmt' is not installed for the toolchain '1.88.0-x86_64'\nhelp: run it",
        "rustup-toolchain",
    ),
]


@pytest.mark.parametrize(("rc", "tail", "name"), ENDS)
def test_a_network_that_fails_is_known_by_the_tools_last_words(rc: int, tail: str, name: str) -> None:
    found = could_not_run(["bash", "test.sh"], rc, tail)
    assert found is not None
    one, why = found
    assert one.name == name
    assert why
    assert "\n" not in why


@pytest.mark.parametrize(("rc", "tail", "name"), ENDS)
def test_the_same_words_anywhere_else_are_a_failure(rc: int, tail: str, name: str) -> None:
    for other in (
        f"{tail}\nerror: test failed, to rerun pass `--lib`",
        f"{tail}\ntest result: FAILED. 0 passed; 1 failed",
        f"{tail}\nFAILED tests/test_net.py::test_offline",
        f"{tail}\nnpm error code 1",
        "\n".join(f"    {line}" for line in tail.splitlines()),
        "\n".join(f"---- {line}" for line in tail.splitlines()),
        tail.replace("\n", " "),
    ):
        if other != tail:
            assert could_not_run(["bash", "test.sh"], rc, other) is None, (name, other)
    for status in {1, 2, 3, 101, 127, 128, -11} - {rc}:
        assert could_not_run(["bash", "test.sh"], status, tail) is None
    assert could_not_run(["bash", "test.sh"], 0, tail) is None


ORDINARY = {
    "a test about the network": (
        101,
        (
            "---- server::offline stdout ----\nerror: failed to download from `https://index.example/`\n\n"
            "Caused by:\n  [6] Could not resolve hostname\n\n"
            "failures:\n    server::offline\n\ntest result: FAILED. 8 passed; 1 failed; 0 ignored\n\n"
            "error: test failed, to rerun pass `--lib`"
        ),
    ),
    "a compile error": (
        101,
        (
            "error[E0425]: cannot find value `network` in this scope\n --> src/lib.rs:1:1\n\n"
            "error: could not compile `demo` (lib) due to 1 previous error"
        ),
    ),
    "a clippy warning": (
        101,
        (
            'error: this `if` has equal blocks\n --> src/net.rs:3:5\n  |\n3 | "Could not resolve host"\n\n'
            "error: could not compile `demo` (lib) due to 1 previous error"
        ),
    ),
    "a build script": (
        101,
        (
            "error: failed to run custom build command for `demo v0.1.0`\n\nCaused by:\n"
            "  process didn't exit successfully: `build-script-build` (exit status: 101)\n  --- stderr\n"
            "  [6] Could not resolve hostname"
        ),
    ),
    "a crate that is not there": (
        101,
        (
            "error: failed to get `srede` as a dependency of package `demo v0.1.0`\n\nCaused by:\n"
            "  failed to get successful HTTP response from `https://index.example/sr/ed/srede`, got 404"
        ),
    ),
    "a version that is not there": (
        101,
        (
            'error: failed to select a version for the requirement `serde = "^99"`\n'
            "candidate versions found which didn't match: 1.0.219\nlocation searched: crates.io index"
        ),
    ),
    "a script of npm": (
        1,
        "npm error Lifecycle script `test` failed with error:\nnpm error code 1\nnpm error x",
    ),
    "a package that is not there": (
        1,
        "npm error code E404\nnpm error 404 Not Found - GET https://r/leftpad",
    ),
    "a server of the project's own": (1, NPM.replace("https://registry.example", "http://127.0.0.1:4873")),
    "a package that pip does not find": (1, "\n".join(PIP.splitlines()[1:])),
    "a fetch in node": (1, "TypeError: fetch failed\n  [cause]: Error: getaddrinfo ENOTFOUND api.example"),
    "a refused push": (
        128,
        "fatal: unable to access 'https://git.example/x/': error: 403",
    ),
    "a Python traceback": (1, "ConnectionError: Could not resolve host: api.example"),
    "a test about rustup": (1, f"{RUSTUP}{BACKTRACE}\nFAILED tests/test_toolchain.py::test_missing"),
    "a program of its own that is missing": (1, "error: 'demo' is not installed\nhelp: run make install"),
    "nothing said": (101, ""),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_failure_is_a_failure(name: str) -> None:
    rc, tail = ORDINARY[name]
    assert could_not_run(["cargo", "test"], rc, tail) is None


def test_a_long_output_is_searched_in_no_time() -> None:
    """Every pattern is linear: lines that nearly match end at once, or this test never does."""
    begun = ("error: failed to get `x`\n\nCaused by:\n  a\n", "npm error code ENOTFOUND\n", " \n", "error: ")
    for line, one in itertools.product(begun, KNOWN):
        assert could_not_run(["x"], one.status, line * (8192 // len(line)) + "x") is None


# -- real tools --------------------------------------------------------------------------------------------


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """A crate whose one test fails with the words of a network that fails."""
    folder = tmp_path / "demo"
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text('[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n')
    (folder / "src" / "lib.rs").write_text(
        "#[test]\nfn offline() {\n"
        '    eprintln!("error: failed to download from `x`\\n\\nCaused by:\\n  [6] Could not resolve");\n'
        '    panic!("network failure seems to have happened");\n}\n'
    )
    return folder


def runner(folder: Path, **options: object) -> Runner:
    settings = {
        "CARGO_NET_RETRY": "0",
        "npm_config_fetch_retries": "0",
        "npm_config_cache": str(folder / "npm"),
    }
    environ = {**os.environ, **settings, "LC_ALL": "C"}
    return Runner(folder, folder.parent / "logs", "gate", Redactor([]), environ, **options)  # type: ignore[arg-type]  # options of any row


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (
            (
                "cargo check --config source.crates-io.replace-with='\"x\"' "
                "--config source.x.registry='\"sparse+http://nowhere.invalid/\"'"
            ),
            "cargo-network",
        ),
        ("npm install --no-audit --registry http://nowhere.invalid/ left-pad", "npm-network"),
        ("git ls-remote https://nowhere.invalid/x", "git-network"),
    ],
)
def test_a_real_tool_that_reaches_nothing_cannot_judge(demo: Path, command: str, name: str) -> None:
    if shutil.which(split_command(command)[0]) is None:
        pytest.fail(f"{split_command(command)[0]} is not on PATH")
    with (demo / "Cargo.toml").open("a") as manifest:
        manifest.write('[dependencies]\nserde = "1"\n')
    for check in (True, False):
        with pytest.raises(CouldNotRun, match=name) as raised:
            runner(demo)(command, check=check)
    assert isinstance(raised.value, CannotJudge)
    assert raised.value.where.startswith("logs/")
    assert "network" in raised.value.do
    assert "\n" not in raised.value.found


def test_a_real_test_that_speaks_of_the_network_fails(demo: Path) -> None:
    with pytest.raises(CommandFailed, match="exited with 101") as raised:
        runner(demo)("cargo test --offline")
    assert "Caused by:" in raised.value.result.tail


# -- what the profile adds ---------------------------------------------------------------------------------

PROFILE = """
project = "demo"
[errored.no-uv]
command = "bash smoke.sh"
status = 2
ends = 'error: uv is required\\.(\\nhint: .*)?'
do = "install uv"
"""


def test_a_named_end_of_the_profile_cannot_judge(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    script = tmp_path / "demo" / "smoke.sh"
    own = known_ends(parse_profile(PROFILE.encode(), "relgate.toml").errored)
    script.write_text("echo work; echo 'error: uv is required.'; echo 'hint: brew install uv'; exit 2\n")
    with pytest.raises(CouldNotRun) as raised:
        runner(tmp_path / "demo", errored=own)("bash smoke.sh --all")
    assert raised.value.found == "`bash smoke.sh --all` could not judge (no-uv): error: uv is required."
    assert raised.value.do == "install uv"
    for other in ("bash ./smoke.sh", "bash -e smoke.sh"):  # not the command that it was named for
        with pytest.raises(CommandFailed):
            runner(tmp_path / "demo", errored=own)(other)
    for text in ("echo 'error: uv is required.'; exit 1", "echo 'error: uv is required.'; echo bad; exit 2"):
        script.write_text(text)
        with pytest.raises(CommandFailed):
            runner(tmp_path / "demo", errored=own)("bash smoke.sh")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ends = '.*'", "ordinary failures end with too"),
        ("ends = 'error: .*'", "ordinary failures end with too"),
        ("ends = '.*network.*|FAIL'", "ordinary failures end with too"),
        ("ends = '(?s)network.*'", "expected a regular expression"),
        ("ends = ''", "ordinary failures end with too"),
        ("ends = 'x('", "expected a regular expression"),
        ("status = 0", "expected an exit status"),
        ("status = 300", "expected an exit status"),
        ("command = ''", "expected the words that a command begins with"),
        ("command = 'a \"'", "expected the words that a command begins with"),
        ("do = ''", "expected one line"),
    ],
)
def test_a_pattern_that_hides_failures_is_refused(line: str, words: str) -> None:
    key = line.partition(" ")[0]
    text = "\n".join(line if old.startswith(key) else old for old in PROFILE.splitlines())
    with pytest.raises(RelgateError, match=words) as raised:
        parse_profile(text.encode(), "relgate.toml")
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith("relgate.toml:")


def test_what_a_command_prints_is_cut_to_its_end_without_losing_the_last_words(tmp_path: Path) -> None:
    noise = "for n in $(seq 3000); do echo noise noise noise; done"
    script = f'{noise}; echo "{GIT}"; exit 128'
    result = run_command(
        ["bash", "-c", script], cwd=tmp_path, log=tmp_path / "log", env=None, redactor=Redactor([])
    )
    assert could_not_run(result.argv, result.rc, result.tail)
