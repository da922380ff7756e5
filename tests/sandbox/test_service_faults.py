"""Each fault of the services changes what it says, for the judged version, and nothing else. SPEC B10."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import httpx
import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.sandbox.artifacts import sha256, untarred, unzipped
from pytest_relgate.sandbox.engine import Engine
from pytest_relgate.sandbox.faults import FAULTS, channel, find, network, service
from pytest_relgate.sandbox.history import CANDIDATE, tag_at
from pytest_relgate.sandbox.origin import push_tag
from pytest_relgate.sandbox.runs import CI, PUBLISH, RELEASE, queued
from pytest_relgate.sandbox.store import Store
from pytest_relgate.sandbox.surroundings import Surroundings, healthy
from pytest_relgate.sandbox.tap import formula_at
from pytest_relgate.sandbox.twins.exchange import Answer, Request
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.sandbox.faults import Fault
    from pytest_relgate.sandbox.twins.server import Served
    from pytest_relgate.sandbox.world import Run, World

TARGETS = ("0.1.9", "0.1.10")
PLACES = {
    "github": {"releases"},
    "crates": {"crates"},
    "npm": {"npm"},
    "pypi": {"pypi"},
    "ci": {"runs"},
    "missing": {"secrets"},
    "partial": {"releases", "runs", "pypi"},
    "slow": {"crates", "npm", "pypi"},
    "wheel": {"runs", "pypi"},
}
MINE = (*service.FAULTS, *channel.FAULTS, *network.FAULTS)
OVERLAYS = [fault for fault in MINE if fault.world is not None]
FORMULAS = [fault for fault in MINE if fault.formula is not None]


def by_name(fault: Fault) -> str:
    return fault.name


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    """A world in which the candidate is out too."""
    home = tmp_path_factory.mktemp("home")
    around = healthy(home)
    around.store.read()
    push_tag(home / "plasmite", tag_at(CANDIDATE), around.origin)
    engine = Engine(around.store, around.origin, around.push_formula)
    runs = engine.queue_pushed()
    inputs = {"release_tag": tag_at(CANDIDATE), "build_run_id": "", "rehearsal": "false"}
    engine.carry_out(runs[0].id)
    around.store.change(queued(PUBLISH, runs[0].head_sha, "main", "2026-04-01T00:00:00Z", runs, inputs))
    engine.carry_out(runs[-1].id)
    assert around.store.read().runs[-1].conclusion == "success"
    return around


def under(around: Surroundings, name: str, target: str) -> tuple[World, Store]:
    overlay = find(name).world
    store = Store(around.store.home, [overlay] if overlay else [], target=target)
    return store.read(), store


def differing(one: World, other: World) -> set[str]:
    return {name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name)}


# -- the table ------------------------------------------------------------------------------------------


def test_every_fault_has_one_kebab_case_word_and_one_line() -> None:
    for name, fault in FAULTS.items():
        assert name == fault.name
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert "\n" not in fault.line
        assert len(fault.line) <= 100
        assert re.compile(fault.says)
        parts = (fault.files, fault.world, fault.network, fault.tools, fault.formula)
        assert any(part is not None for part in parts), name
        assert find(name) is fault
    names = [fault.name for fault in MINE]
    assert len(set(names)) == len(names)


def test_a_name_that_is_near_none_says_where_they_are_listed() -> None:
    with pytest.raises(RelgateError, match=r"no fault named 'zzzzzzz': relgate sandbox --list-faults names"):
        find("zzzzzzz")


# -- what the services hold -----------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("fault", OVERLAYS, ids=by_name)
def test_an_overlay_changes_its_place_and_keeps_bytes_whole(
    around: Surroundings, fault: Fault, target: str
) -> None:
    healthy_world = around.store.truth()
    world, store = under(around, fault.name, target)
    place = PLACES.get(fault.name.partition("-")[0], {"runs"})
    assert differing(world, healthy_world) == place
    assert store.truth() == healthy_world
    sized = [(asset.blob, asset.size) for one in world.releases for asset in one.assets]
    sized += [(one.blob, one.size) for one in world.crates]
    sized += [(one.blob, one.size) for one in world.npm[0].versions.values()]
    sized += [(one.blob, one.size) for one in world.pypi[0].files]
    sized += [(one.blob, one.size) for run in world.runs for one in run.artifacts]
    for blob, size in set(sized):
        assert store.path(blob).stat().st_size == size


@pytest.mark.parametrize("target", TARGETS)
def test_an_overlay_is_about_its_target(around: Surroundings, target: str) -> None:
    other = next(each for each in TARGETS if each != target)
    truth = around.store.truth()

    def of(world: World, version: str) -> tuple[object, ...]:
        files = tuple(file for file in world.pypi[0].files if file.version == version)
        crates = tuple(one for one in world.crates if one.version == version)
        releases = tuple(one for one in world.releases if one.tag == f"v{version}")
        return (files, crates, releases, world.npm[0].versions.get(version))

    for name in ("pypi-missing", "crates-yanked", "github-truncated", "npm-deprecated", "partial-publish"):
        world, _ = under(around, name, target)
        assert of(world, other) == of(truth, other)
        assert of(world, target) != of(truth, target)


def run_of(world: World, workflow: str) -> Run:
    return next(run for run in reversed(world.runs) if run.workflow == workflow)


def test_ci_is_red_missing_or_queued_on_the_candidate(around: Surroundings) -> None:
    truth = run_of(around.store.truth(), CI)
    red = run_of(under(around, "ci-red", "0.1.10")[0], CI)
    assert (red.id, red.conclusion, red.jobs[-1].conclusion) == (truth.id, "failure", "failure")
    queued_run = run_of(under(around, "ci-queued", "0.1.10")[0], CI)
    assert (queued_run.id, queued_run.status, queued_run.conclusion) == (truth.id, "queued", None)
    assert run_of(under(around, "ci-missing", "0.1.10")[0], CI).head_sha != truth.head_sha


@pytest.mark.parametrize("target", TARGETS)
def test_the_builds_metadata_is_of_another_source(around: Surroundings, target: str) -> None:
    def members(name: str) -> dict[str, bytes]:
        world, store = under(around, name, target)
        run = next(run for run in world.runs if run.workflow == RELEASE and run.head_branch == f"v{target}")
        (artifact,) = (one for one in run.artifacts if one.name == "release-metadata")
        return unzipped(store.get(artifact.blob))

    builds = {run.head_branch: run.head_sha for run in around.store.truth().runs if run.workflow == RELEASE}
    wrong = json.loads(members("wrong-source-sha")["metadata.json"])
    before = "0.1.8" if target == "0.1.9" else "0.1.9"
    assert wrong["source_sha"] == builds[f"v{before}"] != builds[f"v{target}"]
    assert wrong["tag"] == f"v{target}"
    other = json.loads(members("build-of-another-tag")["metadata.json"])
    assert (other["tag"], other["version"]) == (f"v{before}", before)
    assert set(members("two-metadata-files")) == {"metadata.json", "again/metadata.json"}


def test_a_red_cell_does_not_end_the_run(around: Surroundings) -> None:
    run = run_of(under(around, "failed-matrix-job", "0.1.10")[0], RELEASE)
    jobs = {job.name: (job.status, job.conclusion) for job in run.jobs}
    assert (run.status, run.conclusion) == ("in_progress", None)
    assert jobs["build (darwin_arm64)"] == ("completed", "failure")
    assert jobs["build (darwin_amd64)"] == ("in_progress", None)
    assert "package" not in jobs


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("wheel-without-native-library", lambda members: "plasmite/_native/libplasmite.so" not in members),
        (
            "wheel-of-another-architecture",
            lambda members: members["plasmite/_native/libplasmite.so"][18] == 0xB7,
        ),
        ("wheel-without-licence", lambda members: not any(name.endswith("/LICENSE") for name in members)),
    ],
)
def test_one_wheel_is_wrong_in_the_build_and_on_pypi(around: Surroundings, name: str, wrong: object) -> None:
    world, store = under(around, name, "0.1.10")
    (artifact,) = (one for one in run_of(world, RELEASE).artifacts if one.name == "py-dist-linux_amd64")
    ((filename, raw),) = unzipped(store.get(artifact.blob)).items()
    (served,) = (file for file in world.pypi[0].files if file.filename == filename)
    assert served.blob == sha256(raw)
    assert wrong(unzipped(raw))  # type: ignore[operator]  # the row has a function
    rows = {
        line.split(",")[0] for line in unzipped(raw)["plasmite-0.1.10.dist-info/RECORD"].decode().splitlines()
    }
    assert rows == set(unzipped(raw))


def test_broken_off_and_rebuilt_files_differ_from_what_was_built(around: Surroundings) -> None:
    truth = around.store.truth()
    world, store = under(around, "npm-truncated", "0.1.10")
    cut, right = (one.npm[0].versions["0.1.10"] for one in (world, truth))
    assert store.get(right.blob).startswith(store.get(cut.blob))
    world, store = under(around, "npm-wrong-digest", "0.1.10")
    other = world.npm[0].versions["0.1.10"]
    assert other.blob != right.blob
    assert untarred(store.get(other.blob)) == untarred(store.get(right.blob))


def test_a_partial_publish_leaves_two_channels_with_the_version(around: Surroundings) -> None:
    world, _ = under(around, "partial-publish", "0.1.10")
    assert world.crates[-1].version == "0.1.10"
    assert world.npm[0].tags["latest"] == "0.1.10"
    assert world.releases[-1].tag == "v0.1.9"
    assert {file.version for file in world.pypi[0].files if "0.1.1" in file.version} == {"0.1.1"}
    jobs = {job.name: job.conclusion for job in run_of(world, PUBLISH).jobs}
    assert (jobs["publish-npm"], jobs["publish-pypi"], jobs["publish-homebrew"]) == (
        "success",
        "failure",
        "skipped",
    )


@pytest.mark.parametrize("fault", FORMULAS, ids=by_name)
def test_the_formula_is_changed(around: Surroundings, fault: Fault) -> None:
    text, before = formula_at(around.tap), formula_at(around.tap, "main~1")
    assert fault.formula is not None
    changed = fault.formula(text, before)
    assert changed not in ("", text)
    match fault.name:
        case "homebrew-absent" | "partial-publish":
            assert changed == before
        case "homebrew-wrong-version":
            assert changed.replace("0.2.0", "0.1.10") == text
        case "homebrew-missing":
            assert "linux_arm64" not in changed
            assert changed.count("sha256") == 3
        case _:
            assert sorted(re.findall(r'url ".*"', changed)) == sorted(re.findall(r'url ".*"', text))


# -- the network ----------------------------------------------------------------------------------------


class Quiet:
    """A twin that is well."""

    def __init__(self, name: str) -> None:
        self.name = name

    def answer(self, request: Request) -> Answer:
        return Answer(
            200, b'{"total_count": 1}', {"content-type": "application/json", "x-path": request.path}
        )


@pytest.fixture
def served() -> Iterator[dict[str, Served]]:
    running: dict[str, Served] = {}
    yield running
    for one in running.values():
        one.close()


def answer_under(served: dict[str, Served], fault: str, twin: str, path: str = "/x") -> httpx.Response:
    found = find(fault).network
    assert found is not None
    one = served.setdefault(f"{fault} {twin}", serve(Quiet(twin), [found]))
    return httpx.get(one.url + path, trust_env=False)


@pytest.mark.parametrize(
    ("fault", "status", "says"),
    [
        ("429-with-retry-after", 429, "retry-after: 3600"),
        ("secondary-limit", 403, "secondary rate limit"),
        ("server-errors", 500, "Internal Server Error"),
        ("html-instead-of-json", 200, "content-type: text/html"),
        ("redirect-elsewhere", 302, "location: https://elsewhere.invalid/x"),
    ],
)
def test_what_a_service_answers_under_a_fault(
    served: dict[str, Served], fault: str, status: int, says: str
) -> None:
    answer = answer_under(served, fault, "github")
    text = "\n".join([*(f"{name}: {value}" for name, value in answer.headers.items()), answer.text])
    assert (answer.status_code, says in text) == (status, True)


def test_a_connection_is_reset(served: dict[str, Served]) -> None:
    with pytest.raises(httpx.ReadError):
        answer_under(served, "reset-connection", "npm")


def test_bodies_do_not_end_or_unpack_to_a_gigabyte(served: dict[str, Served]) -> None:
    for fault, least in (("endless-body", 1 << 20), ("gzip-bomb", 1 << 20)):
        found = find(fault).network
        assert found is not None
        one = served.setdefault(fault, serve(Quiet("pypi"), [found]))
        read = 0
        with httpx.stream("GET", one.url, trust_env=False) as answer:
            for piece in answer.iter_bytes():
                read += len(piece)
                if read > least:
                    break
        assert read > least


def test_every_first_look_at_a_registry_finds_nothing(served: dict[str, Served]) -> None:
    fault = "404-then-200"
    codes = [
        answer_under(served, fault, "npm", path).status_code for path in ("/one", "/one", "/two", "/two")
    ]
    assert codes == [404, 200, 404, 200]
    assert answer_under(served, fault, "github").status_code == 200


def test_the_list_of_runs_lags_and_a_run_is_there_by_its_id(served: dict[str, Served]) -> None:
    listed = answer_under(served, "lagging-run-list", "github", "/repos/a/b/actions/workflows/ci.yml/runs")
    assert listed.json() == {"total_count": 0, "workflow_runs": []}
    assert answer_under(served, "lagging-run-list", "github", "/repos/a/b/actions/runs/7").json()[
        "total_count"
    ]


def test_what_propagates_slowly_comes(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(network.time, "monotonic", lambda: clock[0])
    slow = network.Slow()
    store = Store(around.store.home, [slow], target="0.1.10")
    for later, there in ((0, False), (5, False), (7, True)):
        clock[0] = 100.0 + later
        world = store.read()
        assert (world == around.store.truth()) is there
        assert ("0.1.10" in world.npm[0].versions) is there
