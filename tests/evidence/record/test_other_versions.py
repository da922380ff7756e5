"""Evidence that another version of this package wrote is read, gone on with, or said not to be understood.

What ``tests/data/evidence_versions`` holds was sealed by older commits of this repository; every later one
has to read it. The promise stands in ``docs/evidence.md``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence import seal
from pytest_relgate.model import State
from tests.evidence.record.conftest import GIT, Bench, Forge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEALED = Path(__file__).parents[2] / "data/evidence_versions"
VERSIONS = sorted(path.name for path in SEALED.iterdir() if path.is_dir())
ONE, TWO = "test_gates.py::test_one", "test_gates.py::test_two"
TOOL = "test_gates.py::test_tool"
COMMIT = "3f391f5e04c28dc630f8105a6e3cb1445b7dca0d"
DATED = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
GATES = '''import os

import pytest

pytestmark = pytest.mark.prerelease


def test_code():
    """The code is right."""


@pytest.mark.when_changed("docs/**")
def test_docs():
    """The documentation is right."""


def test_tool():
    """The tool answers."""
    if "BROKEN" in os.environ:
        pytest.fail("the tool is broken")
'''


@pytest.fixture(scope="module")
def _judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that the stored evidence is about, with the commits that it names."""
    bench = Bench(tmp_path_factory.mktemp("judged") / "demo")

    def git(*args: str) -> None:
        subprocess.run(["git", *args], cwd=bench.path, env=os.environ | GIT | DATED, check=True)

    bench.write("README.md", "demo\n")
    bench.write("pytest.ini", "[pytest]\n")
    bench.write("docs/index.md", "docs\n")
    bench.write("release_checks/relgate.toml", 'schema = 1\nproject = "demo"\n')
    bench.write("release_checks/test_gates.py", GATES)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "begin")
    git("tag", "v0.1.0")
    bench.write("src/demo.txt", "new\n")
    bench.write("release_checks/gates.lock", (SEALED / "gates.lock").read_bytes())
    git("add", "-A")
    git("commit", "-q", "-m", "change")
    assert bench.git("rev-parse", "HEAD") == COMMIT
    return bench.path


@pytest.fixture
def older(_judged: Path, tmp_path: Path) -> Callable[[str, str], Bench]:
    """Makes the project with what one version left of one run."""

    def make(version: str, name: str) -> Bench:
        bench = Bench(Path(shutil.copytree(_judged, tmp_path / "demo")))
        bench.write("release-evidence/.gitignore", "*\n")
        bench.folder().parent.mkdir(parents=True)
        shutil.copytree(SEALED / version / name, bench.folder())
        return bench

    return make


@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_older_version_sealed_is_what_it_was(
    older: Callable[[str, str], Bench], version: str
) -> None:
    found = older(version, "passed").verify(commit=COMMIT)
    assert (found.finding, found.reasons, found.notes) == ("PASSED", (), ())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_goes_on_from_it_and_remembers_what_failed(
    older: Callable[[str, str], Bench], version: str
) -> None:
    bench = older(version, "failed")
    found = bench.verify()
    assert (found.finding, [one.partition("\n")[0] for one in found.reasons]) == (
        "BLOCKED",
        [f"{TOOL}: the tool is broken"],
    )
    before = (bench.folder() / "journal.jsonl").read_bytes()
    bench.run()
    assert bench.states() == {"code": "PASSED", "docs": "NOT_TRIGGERED", "tool": "FLAKY"}
    assert (bench.folder() / "journal.jsonl").read_bytes().startswith(before)
    assert [one.kept for one in bench.evidence().gates] == [True, False, False]
    assert bench.verify().finding == "BLOCKED"


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_moved_aside_whole_and_taken_up_again(older: Callable[[str, str], Bench], version: str) -> None:
    bench = older(version, "failed")
    bench.write("src/demo.txt", "newer\n")
    bench.commit()
    bench.run()
    assert bench.states()["tool"] == "PASSED"
    aside = bench.path / "release-evidence/v0.2.0/superseded" / COMMIT / "prerelease"
    kept = seal.files_of(aside) | {"": (aside / "evidence.json").read_text()}
    first = SEALED / version / "failed"
    assert kept == seal.files_of(first) | {"": (first / "evidence.json").read_text()}
    bench.git("checkout", "-q", COMMIT)
    bench.run()
    assert bench.states()["tool"] == "FLAKY"


def test_what_passed_is_kept_and_its_seal_carried(older: Callable[[str, str], Bench]) -> None:
    bench = older(VERSIONS[0], "passed")
    old = hashlib.sha256((bench.folder() / "evidence.json").read_bytes()).hexdigest()
    bench.run()
    assert [one.state for one in bench.evidence().gates] == ["PASSED", "NOT_TRIGGERED", "PASSED"]
    assert f"sealed/{old}.json" in bench.evidence().files
    assert bench.verify().finding == "PASSED"


# -- a newer version ------------------------------------------------------------------------------------


def reseal(folder: Path, text: bytes) -> None:
    (folder / "evidence.json").write_bytes(text)
    (folder / "evidence.json.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  evidence.json\n")


def test_a_newer_schema_is_not_decided_and_not_gone_on_with(older: Callable[[str, str], Bench]) -> None:
    bench = older(VERSIONS[0], "passed")
    text = b'{"schema": 2, "answer": "in a way that is not known yet"}\n'
    reseal(bench.folder(), text)
    found = bench.verify()
    assert (found.finding, found.finding.exit_status) == ("UNDECIDED", 2)
    assert "its schema is 2, written by a newer pytest-relgate" in found.reasons[0]
    assert "pip install --upgrade pytest-relgate" in found.reasons[0]
    with pytest.raises(RelgateError, match=r"cannot be continued: its schema is 2"):
        bench.run()
    assert (bench.folder() / "evidence.json").read_bytes() == text


MORE = {
    "a member of the seal": (b' "phase": ', b' "quorum": 2,\n "phase": '),
    "a member of the subject": (b'"dirty":false', b'"dirty":false,"partial":true'),
    "a member of the context": (b'"target_why":', b'"amended":true,"target_why":'),
    "a member of a gate": (b'"title":"The code', b'"quarantined":true,"title":"The code'),
    "a member of a proof": (b'"held":false', b'"held":false,"guessed":true'),
    "a member of a condition": (b'"kind":"changed"', b'"kind":"changed","unless":"x"'),
    "a member of an attempt": (b'"number":1', b'"number":1,"retracted":true'),
    "a state": (b'"state":"NOT_TRIGGERED"', b'"state":"QUARANTINED"'),
    "a verdict": (b'"verdict": "PASSED"', b'"verdict": "RETRACTED"'),
}


@pytest.mark.parametrize("more", MORE.values(), ids=list(MORE))
def test_what_a_newer_version_added_is_not_left_aside(
    older: Callable[[str, str], Bench], more: tuple[bytes, bytes]
) -> None:
    """It may be what blocks: so nothing is decided, and nothing is called tampered with."""
    bench = older(VERSIONS[-1], "passed")
    text = (bench.folder() / "evidence.json").read_bytes()
    assert more[0] in text
    reseal(bench.folder(), text.replace(*more, 1))
    found = bench.verify()
    assert (found.finding, found.finding.exit_status) == ("UNDECIDED", 2), found.reasons
    assert "does not know" in found.reasons[0]
    assert "a newer one wrote it, or somebody altered it" in found.reasons[0]
    with pytest.raises(RelgateError, match="cannot be continued"):
        bench.run()
    (bench.folder() / "evidence.json").write_bytes(text.replace(*more, 1) + b"\n")
    assert bench.verify().finding == "TAMPERED", "a byte that the digest does not fit"


def lines_of(folder: Path) -> Iterator[dict[str, Any]]:
    for line in (folder / "journal.jsonl").read_bytes().splitlines():
        yield json.loads(line)


def written(folder: Path, lines: list[dict[str, Any]]) -> None:
    """Seal a journal with these lines, the chain made anew."""
    head, out = "", b""
    for line in lines:
        text = msgspec.json.encode(line | {"prev": head})
        head, out = journals.digest(text), out + text + b"\n"
    (folder / "journal.jsonl").write_bytes(out)
    old = seal.decode((folder / "evidence.json").read_bytes())
    new = msgspec.structs.replace(old, journal=seal.JournalHead(len(lines), head))
    reseal(folder, b"".join(seal.encode(new)))


@pytest.mark.parametrize("kind", ["retraction", "attempt", "run"])
def test_a_line_of_a_newer_version_is_part_of_the_chain_and_not_left_aside(
    older: Callable[[str, str], Bench], kind: str
) -> None:
    bench = older(VERSIONS[-1], "passed")
    lines = list(lines_of(bench.folder()))
    if kind == "retraction":
        lines.insert(-1, {"prev": "", "kind": kind, "run": 1, "gate": TOOL})
    else:
        next(one for one in lines if one["kind"] == kind)["doubted"] = True
    written(bench.folder(), lines)
    assert bench.reading().lines == len(lines)
    found = bench.verify()
    assert (found.finding, found.finding.exit_status) == ("UNDECIDED", 2), found.reasons
    assert f"a line of the kind {kind} that pytest-relgate" in found.reasons[0]
    with pytest.raises(RelgateError, match="cannot be continued"):
        bench.run()
    text = (bench.folder() / "journal.jsonl").read_bytes()
    (bench.folder() / "journal.jsonl").write_bytes(text.replace(b'"run":1', b'"run":2', 1))
    assert bench.verify().finding == "TAMPERED", "the chain is held whoever wrote it"


def test_every_part_of_a_record_refuses_what_it_does_not_know() -> None:
    """Else a member that a later version adds would be left aside unseen."""
    loose = {
        one.cls.__name__
        for kind in (seal.Evidence, *get_args(journals.Entry))
        for one in structs(msgspec.inspect.type_info(kind))
        if not one.forbid_unknown_fields
    }
    assert loose == set()


def structs(info: object) -> Iterator[msgspec.inspect.StructType]:
    match info:
        case msgspec.inspect.StructType():
            yield info
            for member in info.fields:
                yield from structs(member.type)
        case msgspec.inspect.VarTupleType():
            yield from structs(info.item_type)
        case msgspec.inspect.DictType():
            yield from structs(info.value_type)
        case msgspec.inspect.UnionType():
            for one in info.types:
                yield from structs(one)
        case msgspec.inspect.Metadata():
            yield from structs(info.type)


def test_what_the_rules_of_another_version_made_of_it_is_not_called_tampering(bench: Bench) -> None:
    bench.run({ONE: State.ERRORED})
    forge = Forge(bench)
    forge.gate(ONE, state=State.FAILED)
    forge.sealed(environment={"pytest-relgate": "99.0"})
    found = forge.verify()
    assert (found.finding, found.finding.exit_status) == ("UNDECIDED", 2)
    assert "pytest-relgate 99.0 judged it, and by the rules of" in found.reasons[0]
    assert "pip install pytest-relgate==99.0" in found.do
    forge.sealed(environment={})
    assert forge.verify().finding == "TAMPERED"
