"""What zizmor found is read as it is, and judged by its severity; the sandbox's stand-in finds the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.exec.redact import Redactor
from pytest_relgate.exec.runner import Runner
from pytest_relgate.sandbox.faults import find
from pytest_relgate.sandbox.history import files_at
from pytest_relgate.sandbox.stand_ins import stand_ins
from pytest_relgate.source import zizmor
from pytest_relgate.source.files import GivenFiles, WorkingFiles
from pytest_relgate.source.workflow_facts import WorkflowFacts

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/workflow_lint.jsonl").read_text().splitlines()
]
BIN = str(Path(sys.executable).parent)
AUDITED = ("insecure-commands", "unpinned-action", "write-permission", "second-trigger")
SHA = "a" * 40


def row(ident: str = "unpinned-uses", severity: str = "High", **more: Any) -> dict[str, Any]:
    symbolic = {
        "key": {"Local": {"verbatim_path": ".github/workflows/x.yml"}},
        "annotation": "here",
        "route": {"route": [{"Key": "jobs"}, {"Key": "a"}, {"Key": "steps"}, {"Index": 1}]},
        "kind": "Primary",
    }
    place = {"symbolic": symbolic, "concrete": {"location": {"start_point": {"row": 6, "column": 2}}}}
    return {
        "ident": ident,
        "desc": "a thing",
        "url": f"https://docs.zizmor.sh/audits/#{ident}",
        "determinations": {"severity": severity, "confidence": "High"},
        "locations": [{"symbolic": {**symbolic, "kind": "Hidden"}, "concrete": {}}, place],
        "ignored": False,
        **more,
    }


def test_a_finding_names_file_line_job_step_and_fix() -> None:
    (found,) = zizmor.read_findings(f"said before\n{json.dumps([row()], indent=2)}\n")
    assert (found.path, found.line, found.job, found.step) == (".github/workflows/x.yml", 7, "a", 2)
    problem = found.problem
    assert problem.where == ".github/workflows/x.yml:7"
    assert problem.found == "high unpinned-uses in job a, step 2: a thing (here)"
    assert problem.do == "name the action by its commit; or say why not: # zizmor: ignore[unpinned-uses]"


def test_recorded_findings_block_by_their_severity() -> None:
    assert len(ROWS) == 141
    for given in ROWS:
        counts = [one.rpartition(":") for one in given["zizmor"]]
        several = [row(*kind.split("/")) for kind, _, count in counts for _ in range(int(count))]
        found = zizmor.read_findings(json.dumps(several))
        for threshold, heavy in (("high", "High"), ("medium", "High Medium"), ("low", "High Medium Low")):
            expected = sum(
                int(count) for kind, _, count in counts if kind.rpartition("/")[2] in heavy.split()
            )
            assert len(zizmor.blocking(found, threshold)) == expected, (given["commit"], threshold)


def test_the_heaviest_comes_first_and_what_the_project_ignores_does_not_block() -> None:
    found = zizmor.read_findings(
        json.dumps([row("a", "Low"), row("b", "Medium"), row("c", "High", ignored=True), row("d", "High")])
    )
    assert [one.found.split()[1] for one in zizmor.blocking(found, "medium")] == ["d", "b"]
    table = zizmor.table(found, "medium")
    assert re.findall(r"\| (\w) \|.*\| (\w+) \|$", table, re.MULTILINE) == [
        ("c", "ignored"),
        ("d", "yes"),
        ("b", "yes"),
        ("a", "no"),
    ]


@pytest.mark.parametrize(("confidence", "blocks"), [("High", 1), ("Medium", 1), ("Unheard", 1), ("Low", 0)])
def test_a_guess_counts_as_one_severity_lighter(confidence: str, blocks: int) -> None:
    """zizmor says of setup-node@v4 that it caches, with high severity and low confidence; it does not."""
    guess = row("cache-poisoning", determinations={"severity": "High", "confidence": confidence})
    found = zizmor.read_findings(json.dumps([guess]))
    assert len(zizmor.blocking(found, "high")) == blocks
    assert len(zizmor.blocking(found, "medium")) == 1
    assert zizmor.note(found, "high").startswith("zizmor: 1 finding that does not block") == (not blocks)
    assert f"| high | {confidence.lower()} | cache-poisoning |" in zizmor.table(found, "high")


def test_a_severity_that_nobody_knows_blocks() -> None:
    found = zizmor.read_findings(json.dumps([row("x", "Critical")]))
    assert len(zizmor.blocking(found, "high")) == 1


@pytest.mark.parametrize("output", ["", "fatal: no audit", "[{]", '[{"ident": "x"}]', '[{"ident": 1}]'])
def test_another_shape_is_not_judged(output: str) -> None:
    with pytest.raises(CannotJudge, match="shape that is not known"):
        zizmor.read_findings(output)


def test_what_it_is_given_are_the_workflows_and_the_actions_that_they_use() -> None:
    steps = [{"uses": one} for one in ("./tools/sign/", "./.github/actions/x", f"a/b@{SHA}")]
    text = json.dumps({"on": "push", "jobs": {"a": {"runs-on": "x", "steps": steps}}}).encode()
    files = GivenFiles({".github/workflows/x.yml": text, ".github/workflows/broken.yml": b"["})
    assert zizmor.inputs_of(files) == (".github", "tools/sign")
    with pytest.raises(CannotJudge, match="no workflow"):
        zizmor.inputs_of(GivenFiles({}))


# The tool itself

KNOWN = {
    "a.yml": f"""\
on: [push, pull_request_target]
permissions: write-all
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{{{ github.event.issue.title }}}} ${{{{ steps.x.outputs.y }}}} ${{{{ matrix.y }}}}
      - run: npm install -g npm
      - uses: softprops/action-gh-release@{SHA} # v2
      - run: twine upload dist/*
""",
    "b.yml": """\
on: {push: {tags: [v*]}}
permissions: {contents: write}
jobs:
  b:
    runs-on: ubuntu-latest
    steps:
      - uses: Swatinem/rust-cache@v2
      - run: cargo publish
  c: {runs-on: ubuntu-latest, steps: [{run: make}]}
""",
    "c.yml": "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{run: make}]}}\n",
}


def runner(folder: Path, environ: dict[str, str], name: str = "gate") -> Runner:
    logs = folder.parent / f"logs-{name}"
    logs.mkdir()
    return Runner(cwd=folder, logs=logs, slug="gate", redactor=Redactor(()), environ=environ)


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return folder


def facts(folder: Path, severity: str = "high") -> WorkflowFacts:
    return WorkflowFacts(WorkingFiles(folder), "release-publish.yml", severity=severity)


REAL = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def test_every_recorded_kind_of_finding_is_what_zizmor_says_today(tmp_path: Path) -> None:
    folder = write(tmp_path / "r", {f".github/workflows/{name}": text for name, text in KNOWN.items()})
    recorded = {one.rpartition(":")[0] for given in ROWS for one in given["zizmor"]}
    done = subprocess.run(
        zizmor.command([".github"]), cwd=folder, env=REAL, capture_output=True, text=True, check=False
    )
    assert done.returncode in zizmor.JUDGED
    said = Counter((one.ident, one.severity) for one in zizmor.read_findings(done.stdout))
    assert {tuple(one.lower().split("/")) for one in recorded} <= set(said)


@pytest.mark.parametrize("fault", AUDITED)
def test_the_stand_in_finds_what_zizmor_finds(fault: str, tmp_path: Path) -> None:
    change = find(fault).files
    assert change
    folder = write(tmp_path / "r", change(dict(files_at(10))))
    (tmp_path / "sh").symlink_to("/bin/sh")
    names, path = stand_ins({"PATH": str(tmp_path)}, tmp_path / "bin")
    assert "zizmor" in names
    found = {}
    for name, environ in (("real", REAL), ("thin", {**os.environ, "PATH": path})):
        run = runner(folder, environ, name)
        with pytest.raises(Finding) as caught:
            facts(folder).passes_zizmor(run)
        found[name] = (caught.value.where, caught.value.found.split(":")[0], caught.value.do)
        assert re.search(find(fault).says, caught.value.found)
        log = (run.logs / "gate.txt").read_text()
        assert ("a stand-in" in log) == (name == "thin")
    assert found["real"][0] == found["thin"][0]
    assert found["real"][2] == found["thin"][2]


def test_what_is_light_is_attached_and_does_not_block(tmp_path: Path) -> None:
    steps = f"[{{uses: actions/checkout@{SHA}}}]"
    text = f"on: push\npermissions: {{}}\njobs: {{a: {{runs-on: x, steps: {steps}}}}}\n"
    folder = write(tmp_path / "r", {".github/workflows/release-publish.yml": text})
    kept: dict[str, str] = {}
    assert facts(folder).passes_zizmor(runner(folder, REAL), kept.__setitem__)
    assert kept["note-zizmor.txt"] == "zizmor: 1 finding that does not block (attached/zizmor.md)\n"
    assert (
        "| medium | low | artipacked | .github/workflows/release-publish.yml:3 | a step 1 |"
        in kept["zizmor.md"]
    )
    with pytest.raises(Finding, match="medium artipacked in job a, step 1"):
        facts(folder, "low").passes_zizmor(runner(folder, REAL, "again"))


def test_a_missing_zizmor_says_how_to_get_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "r", {".github/workflows/x.yml": "on: push\n"})
    with pytest.raises(CannotJudge, match="zizmor is not on PATH") as caught:
        facts(folder).passes_zizmor(runner(folder, {"PATH": str(tmp_path)}))
    assert "pip install zizmor" in caught.value.do


def test_a_workflow_that_zizmor_cannot_read_is_not_passed_over(tmp_path: Path) -> None:
    files = {"good.yml": KNOWN["b.yml"].replace("v2", SHA), "bad.yml": "on: push\njobs: {a: {runs-on: 7}}\n"}
    folder = write(tmp_path / "r", {f".github/workflows/{name}": text for name, text in files.items()})
    with pytest.raises(CannotJudge, match=r"has not looked at everything: failed to load .*bad\.yml"):
        facts(folder).passes_zizmor(runner(folder, REAL))
