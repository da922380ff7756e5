"""One run's sandbox: addresses, environment, faults that last one run, and nothing left behind. SPEC B11."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Phase
from pytest_relgate.net.origins import PUBLIC
from pytest_relgate.sandbox.box import Box, open_box, repository_of
from pytest_relgate.sandbox.history import CANDIDATE, tag_at
from pytest_relgate.sandbox.repository import CANDIDATE_COMMIT, sandbox_home
from pytest_relgate.sandbox.tap import formula_at
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TAG = tag_at(CANDIDATE)
HEADERS = {"Authorization": "Bearer sandbox-token", "Accept": "application/vnd.github+json"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkout")


@pytest.fixture
def opened(cache: Path, checkout: Path) -> Iterator[Callable[..., Box]]:
    """Open boxes of one checkout; they are closed at the end."""
    made: list[Box] = []

    def open_one(*faults: str, **environ: str) -> Box:
        plain = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(cache), **environ}
        made.append(open_box(checkout, faults, plain))
        return made[-1]

    yield open_one
    for box in made:
        box.close()


def ask(url: str) -> httpx.Response:
    return httpx.get(url, headers=HEADERS, trust_env=False, timeout=60)


def newest_run(box: Box, workflow: str) -> dict[str, str]:
    url = f"{box.origins.github_api}/repos/sandover/plasmite/actions/workflows/{workflow}/runs"
    found: dict[str, str] = ask(url).json()["workflow_runs"][0]
    return found


def test_every_service_is_on_this_machine(opened: Callable[..., Box]) -> None:
    box = opened()
    for name, url in msgspec.structs.asdict(box.origins).items():
        assert urlsplit(url).hostname == "127.0.0.1", name
        assert url != getattr(PUBLIC, name)
    assert ask(f"{box.origins.npm}/plasmite/0.1.9").json()["version"] == "0.1.9"
    assert ask(f"{box.origins.crates_index}/pl/as/plasmite").text.count("\n") == 10
    assert "plasmite-0.1.9.tar.gz" in ask(f"{box.origins.pypi}/simple/plasmite/").text
    assert newest_run(box, "ci.yml")["head_sha"] == CANDIDATE_COMMIT


def test_nothing_is_made_before_it_is_asked_for(checkout: Path, tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path)}
    box = open_box(checkout, (), environ)
    box.aim(TAG, Phase.PRERELEASE)
    assert box.origins
    assert box.environ
    home = sandbox_home(checkout, environ)
    assert not (home / "world.json").exists()
    ask(f"{box.origins.npm}/plasmite")
    assert (home / "world.json").exists()
    box.close()


def test_commands_get_no_way_out_and_no_credentials_of_the_user(opened: Callable[..., Box]) -> None:
    box = opened(NPM_TOKEN="mine", GH_TOKEN="mine", HTTPS_PROXY="http://proxy.example:3128", HOME="/home/ada")
    environ = box.environ
    assert "mine" not in environ.values()
    assert {environ[name] for name in environ if name.endswith("_TOKEN")} == {
        *("sandbox-token", "npm_sandbox-token", "pypi-sandbox-token")  # in the form that each registry gives
    }
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        assert environ[name] == "http://127.0.0.1:9"
    here = re.compile(r"(sparse\+)?http://127\.0\.0\.1:\d+(/.*)?")
    for name, value in environ.items():
        if "://" in value:
            assert here.fullmatch(value), name
    assert {"GH_TOKEN", "NPM_TOKEN", "NODE_AUTH_TOKEN", "CARGO_HOME", "npm_config_registry"} <= environ.keys()


def test_clients_find_the_twins_by_the_environment_alone(opened: Callable[..., Box], tmp_path: Path) -> None:
    box = opened()
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | box.environ
    told = subprocess.run(
        ["npm", "view", "plasmite", "version"], env=environ, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "0.1.9"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--platform=manylinux_2_28_x86_64", f"--dest={tmp_path}", "plasmite"]
    subprocess.run(command, env=environ, check=True, capture_output=True)
    assert [path.name for path in tmp_path.glob("*.whl")] == [
        "plasmite-0.1.9-py3-none-manylinux_2_28_x86_64.whl"
    ]


def test_before_a_build_is_judged_the_tag_is_pushed_once(opened: Callable[..., Box], tmp_path: Path) -> None:
    box = opened(XDG_CACHE_HOME=str(tmp_path))
    box.aim(TAG, Phase.BUILD)
    assert box.notes == (f"{TAG} was pushed, as `git push origin {TAG}` does, and built",)
    run = newest_run(box, "release.yml")
    assert (run["head_branch"], run["conclusion"]) == (TAG, "success")
    again = opened(XDG_CACHE_HOME=str(tmp_path))
    again.aim(TAG, Phase.REHEARSAL)
    assert again.notes == ()
    assert newest_run(again, "release.yml")["id"] == run["id"]


def test_a_pushed_tag_is_no_release_yet(opened: Callable[..., Box], tmp_path: Path) -> None:
    box = opened("github-absent", XDG_CACHE_HOME=str(tmp_path))
    box.aim(TAG, Phase.BUILD)
    assert TAG in {tag.name for tag in Repository(box.surroundings.origin).tags()}
    assert TAG not in {tag.name for tag in Repository(box.repository).tags()}
    assert box.newest_release() == "v0.1.9"
    box.aim(TAG, Phase.POSTRELEASE)
    assert Repository(box.repository).commit_of(TAG) == CANDIDATE_COMMIT  # fetched, to be judged


def test_a_closed_box_listens_no_more(opened: Callable[..., Box]) -> None:
    box = opened()
    ports = [urlsplit(url).port or 0 for url in msgspec.structs.astuple(box.origins)]
    box.close()
    for port in ports:
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            pass


@pytest.mark.parametrize("target", ["v0.1.9", "v9.9.9"])
def test_nothing_but_the_candidate_is_pushed(opened: Callable[..., Box], target: str) -> None:
    box = opened()
    box.aim(target, Phase.BUILD)
    assert box.notes == ()
    assert {TAG, "v9.9.9"}.isdisjoint(tag.name for tag in Repository(box.surroundings.origin).tags())


def test_what_happens_under_a_fault_lasts_one_run(opened: Callable[..., Box]) -> None:
    healthy = opened()
    before = healthy.surroundings.store.read()
    text = formula_at(healthy.surroundings.tap)
    box = opened("ci-red", "homebrew-swapped-branches")
    box.aim(TAG, Phase.BUILD)
    assert newest_run(box, "ci.yml")["conclusion"] == "failure"
    assert newest_run(box, "release.yml")["head_branch"] == TAG
    assert formula_at(box.surroundings.tap) != text
    folder = box.surroundings.store.home
    box.close()
    assert not folder.exists()
    assert newest_run(healthy, "ci.yml")["conclusion"] == "success"
    assert newest_run(healthy, "release.yml")["head_branch"] == "v0.1.9"
    assert (healthy.surroundings.store.read(), formula_at(healthy.surroundings.tap)) == (before, text)


def test_a_fault_in_the_files_is_committed_in_a_copy(opened: Callable[..., Box], checkout: Path) -> None:
    healthy, box = opened(), opened("version-drift")
    assert box.repository != healthy.repository
    head = Repository(box.repository).head()
    assert head != Repository(healthy.repository).head() == CANDIDATE_COMMIT
    assert Repository(box.surroundings.origin).head() == head
    assert newest_run(box, "ci.yml")["head_sha"] == head  # CI is green on it: the fault is another one
    assert opened("lint").repository != box.repository
    environ = {"XDG_CACHE_HOME": str(healthy.home.parents[2])}
    assert repository_of(checkout, ["version-drift", "ci-red"], environ) == box.repository
    assert repository_of(checkout, ["ci-red"], environ) == healthy.repository


def test_two_runs_at_once_see_one_world_and_each_other(opened: Callable[..., Box]) -> None:
    one, other = opened(), opened()
    assert one.origins.npm != other.origins.npm
    one.surroundings.store.change(lambda world: msgspec.structs.replace(world, secrets=()))
    assert other.surroundings.store.read().secrets == ()
    other.surroundings.store.reset()
    assert len(one.surroundings.store.read().secrets) == 4


def test_processes_that_begin_at_once_make_one_world(checkout: Path, tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path\n"
        "from pytest_relgate.sandbox.box import open_box\n"
        "box = open_box(Path(sys.argv[1]), sys.argv[2:], os.environ)\n"
        "world = box.surroundings.store.truth(); box.engine\n"
        "print(world.tick, len(world.runs), box.notes); box.close()\n"
    )
    environ = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, checkout, *faults], env=environ, stdout=subprocess.PIPE
        )
        for faults in ([], [], ["ci-red"])
    ]
    said = {process.communicate()[0] for process in running}
    assert len(said) == 1
    assert b" 42 ()" in said.pop()
    (home,) = tmp_path.glob("pytest-relgate/sandbox/*")
    assert not [path.name for path in home.iterdir() if "making" in path.name]
    assert [path.name for path in (home / "runs").iterdir()] == [".lock"]


def test_a_wary_git_uses_the_sandbox_too(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("COUNT", "1"), ("KEY_0", "safe.bareRepository"), ("VALUE_0", "explicit")):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    box = open_box(
        checkout, ["homebrew-absent"], {"PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path)}
    )
    box.aim(TAG, Phase.BUILD)
    assert newest_run(box, "release.yml")["conclusion"] == "success"
    assert 'version "0.1.8"' in formula_at(box.surroundings.tap)
    box.close()


def test_what_was_made_anew_is_told_once(opened: Callable[..., Box], tmp_path: Path) -> None:
    first = opened(XDG_CACHE_HOME=str(tmp_path))
    first.surroundings.store.read()
    assert first.news() == ()
    (first.home / "world.json").write_text("{")
    box = opened(XDG_CACHE_HOME=str(tmp_path))
    assert box.news() == ()  # nobody has asked yet
    box.surroundings.store.read()
    assert box.news() == ("the sandbox's world was damaged and is made anew",)
    assert box.news() == ()


def test_an_unknown_fault_is_one_line_with_the_nearest_name(opened: Callable[..., Box]) -> None:
    with pytest.raises(RelgateError) as caught:
        opened("npm-wrong-dist-tags")
    assert str(caught.value) == (
        "the sandbox knows no fault named 'npm-wrong-dist-tags': did you mean npm-wrong-dist-tag? "
        "relgate sandbox --list-faults names all"
    )


def test_a_killed_run_leaves_no_server_and_its_folder_is_swept(
    opened: Callable[..., Box], cache: Path, checkout: Path
) -> None:
    program = (
        "import os, sys; from pathlib import Path\n"
        "from pytest_relgate.sandbox.box import open_box\n"
        "box = open_box(Path(sys.argv[1]), ['ci-red'], os.environ)\n"
        "box.environ; box.surroundings.store.read()\n"
        "print(box.origins.npm, box.surroundings.store.home, flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, checkout],
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url, folder = process.stdout.readline().split()
    runs = cache.glob("pytest-relgate/sandbox/*/runs/run-*")
    assert folder in map(str, runs)
    opened().environ  # noqa: B018  (a run beside it sweeps, and leaves alone what lives)
    assert os.path.isdir(folder)  # noqa: PTH112  (as it was printed)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)),
    ):
        pass
    opened().environ  # noqa: B018  (to look at it is what is tested)
    assert not os.path.exists(folder)  # noqa: PTH110  (a name, as it was handed over)


def test_tools_that_are_missing_are_stood_in_for(opened: Callable[..., Box], tmp_path: Path) -> None:
    (tmp_path / "git").symlink_to(
        subprocess.check_output(["/bin/sh", "-c", "command -v git"], text=True).strip()
    )
    box = opened(PATH=str(tmp_path))
    path = box.environ["PATH"]
    assert path.startswith(f"{tmp_path}{os.pathsep}")
    assert {"cargo", "just", "node", "npm"} <= set(box.stand_ins)
    assert opened().environ["PATH"].split(os.pathsep)[0] == os.environ["PATH"].split(os.pathsep)[0]
