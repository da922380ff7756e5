"""The seal: bytes that can be written in one way only, over every file of the folder."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_relgate.evidence import seal
from pytest_relgate.model import State

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Bench, Quick

ONE = "test_gates.py::test_one"


def test_reading_and_writing_again_gives_the_same_bytes(bench: Bench) -> None:
    bench.run({ONE: State.FAILED})
    text = (bench.folder() / "evidence.json").read_bytes()
    assert b"".join(seal.encode(seal.decode(text))) == text
    assert json.loads(text)["verdict"] == "BLOCKED"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"verdict": "PASSED"', b'"verdict":"PASSED"'),
        (b"{", b" {"),
        (b'"PASSED"', b'"PASSE\\u0044"'),
        (b'"run": 1,', b'"run": 1,\n "run": 1,'),
        (b'"run": 1,', b'"run": 1.0,'),
        (b'"dirty":false', b'"dirty":false,"more":1'),
        (b"]}\n", b"]}"),
    ],
)
def test_nothing_is_read_that_would_be_written_otherwise(bench: Bench, old: bytes, new: bytes) -> None:
    bench.run()
    text = (bench.folder() / "evidence.json").read_bytes()
    assert text.count(old) >= 1
    with pytest.raises(ValueError, match=r"\w"):
        seal.decode(text.replace(old, new, 1))


def test_the_digest_is_the_one_that_sha256sum_checks(bench: Bench) -> None:
    run = bench.run()
    text = (bench.folder() / "evidence.json").read_bytes()
    assert run.digest == f"sha256:{hashlib.sha256(text).hexdigest()}"
    line = f"{hashlib.sha256(text).hexdigest()}  evidence.json\n"
    assert (bench.folder() / "evidence.json.sha256").read_text() == line


def test_every_file_is_named_with_the_digest_of_its_bytes(bench: Bench) -> None:
    bench.run(during=lambda _: (bench.folder() / "logs/one.txt").write_bytes(b"\xff\0\r\n"))
    files = bench.evidence().files
    assert {"logs/one.txt", "report.md", "junit.xml"} <= files.keys()
    for name, digest in files.items():
        assert digest == f"sha256:{hashlib.sha256((bench.folder() / name).read_bytes()).hexdigest()}"


def test_a_link_is_named_by_where_it_points_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/file.txt").write_text("not of the evidence")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "there").symlink_to(tmp_path / "secret")
    (folder / "gone").symlink_to("nowhere")
    subprocess.run(["mkfifo", folder / "pipe"], check=True)
    (folder / "sub").mkdir()
    (folder / "sub/journal.jsonl").write_text("a file like any other")
    found = seal.files_of(folder)
    assert {name: text for name, text in found.items() if name != "sub/journal.jsonl"} == {
        "there": f"link:{tmp_path}/secret",
        "gone": "link:nowhere",
        "pipe": "special",
    }
    assert found["sub/journal.jsonl"].startswith("sha256:")


def test_what_a_run_says_of_itself_is_text(bench: Bench) -> None:
    bench.run(facts=[("INTERNAL", "a name \udcff that is no text")])
    assert bench.evidence().reasons[0].message == "a name \\udcff that is no text"
    assert bench.verify().finding == "BLOCKED"


ODD = """
import pytest

pytestmark = [pytest.mark.prerelease, pytest.mark.gate(remedy="say \\ud800")]


def test_one():
    "A title with \\udcff in it."
    assert False, "caf\\udce9"
"""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_what_a_gate_found_is_text_whatever_it_was(bench: Bench, quick: Quick, workers: str) -> None:
    bench.write("release_checks/test_gates.py", ODD)
    done = quick.pytest(bench.path, "--release-lock")
    assert done.returncode == 0, done.stdout
    bench.commit()
    done = quick.release(bench.path, workers)
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    assert "1 failed" in done.stdout
    assert "1 error" not in done.stdout, "pytest tells of a failure once"
    (gate,) = bench.evidence().gates
    assert (gate.state, gate.title, gate.remedy) == ("FAILED", r"A title with \udcff in it", r"say \ud800")
    assert gate.attempts[0].message.startswith(r"caf\udce9")
    assert bench.verify().finding == "BLOCKED"
