"""In what order a publish workflow publishes, told by which results let a job run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.errors import Finding
from pytest_relgate.source import workflow_graph
from pytest_relgate.source.publishing import Channel
from pytest_relgate.source.topology import Roles, Topology
from pytest_relgate.source.workflow_graph import graph_of
from pytest_relgate.source.workflows import parse_workflow

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parents[1] / "data"
PATH = ".github/workflows/release-publish.yml"
# What Plasmite's jobs were called over its history.
PLASMITE = Roles(provenance=("resolve-build-run", "collect-build-artifacts"))
ROLES = ("preflight", "provenance", "homebrew")


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def topology(text: str, roles: Roles = PLASMITE, files: dict[str, str] | None = None) -> Topology:
    given = files or {}

    def read(path: str) -> bytes | None:
        return given[path].encode() if path in given else None

    graph = graph_of(parse_workflow(PATH, text.encode()), read, repository="sandover/plasmite")
    return Topology(graph, roles, read)


def wrong_order(found: Topology) -> list[str]:
    """What the recorded verdicts are about: who waits for whom."""
    problems = [*found.broken(), *found.nothing_published(), *found.final_too_early()]
    problems += [one for role in ROLES for one in found.unguarded(role)]
    return [problem.found for problem in problems]


RUN = {
    "crates.io": "{run: cargo publish}",
    "npm": "{run: npm publish x.tgz}",
    "pypi": "{uses: pypa/gh-action-pypi-publish@release/v1}",
    "github-release": "{run: gh release create v1}",
    "tap-push": "{run: git -C homebrew-tap push}",
}


def recorded(row: dict[str, Any]) -> str:
    """The recorded job graph of one commit, as a workflow."""
    lines = ["on: workflow_dispatch", "jobs:"]
    for name, job in row["strict"]["jobs"].items():
        steps = ", ".join(RUN[channel] for channel in job["channels"]) or "{run: 'true'}"
        lines += [f"  {name}:", f"    needs: [{', '.join(job['needs'])}]", f"    steps: [{steps}]"]
        if "if" in job:
            lines.append(f"    if: {json.dumps(job['if'])}")
    return "\n".join(lines)


@pytest.mark.parametrize("row", rows("topology.jsonl"), ids=lambda row: row["commit"][:7])
def test_every_recorded_workflow_is_judged_as_it_was(row: dict[str, Any]) -> None:
    found, strict = topology(recorded(row)), row["strict"]
    assert (wrong_order(found) == []) == strict["topology_ok"]
    assert sorted(one.id for one in found.publishing(registry=True)) == sorted(strict["registry_jobs"])
    assert [one.id for one in found.releasing()] == strict["github_release_jobs"]
    taps = {one.member.id for one in found.publishers if one.channel is Channel.TAP}
    assert sorted(taps) == sorted(strict["tap_push_jobs"])
    hazards = [one.found for one in found.hazards()]
    assert any("publishes beside" in one for one in hazards) == strict["registry_jobs_run_in_parallel"]
    assert any("before the release" in one for one in hazards) == any(
        "tap" in one for one in strict["hazards"]
    )
    assert found.silently_skipped() == ()


@pytest.mark.parametrize("row", rows("topology.jsonl"), ids=lambda row: row["commit"][:7])
def test_every_job_that_was_not_gated_is_named(row: dict[str, Any]) -> None:
    found, strict = topology(recorded(row)), row["strict"]
    said = {problem.found.split()[1] for role in ROLES for problem in found.unguarded(role)}
    if any("homebrew" in name for name in strict["jobs"]):
        assert said == {one.partition(":")[0] for one in strict["topology_findings"]}
    else:
        assert [one.found for one in found.unguarded("homebrew")] == [
            f"no job of {PATH} is named *homebrew*, so nothing waits for homebrew"
        ]


SYNTHETIC = {row["case"]: row for row in rows("topology_synthetic.jsonl")}
GOOD = SYNTHETIC["good_direct"]["workflow"]


@pytest.mark.parametrize("row", SYNTHETIC.values(), ids=lambda row: row["case"])
def test_every_made_up_workflow_is_judged_strictly(row: dict[str, Any]) -> None:
    strict = row["strict"]
    if strict["parse_error"]:
        with pytest.raises(Finding, match=r"is not YAML|has no jobs") as error:
            topology(row["workflow"])
        assert error.value.where.startswith(f"{PATH}:")
        return
    found = topology(row["workflow"])
    assert (wrong_order(found) == []) == strict["topology_ok"]
    assert sorted(one.id for one in found.publishing(registry=True)) == strict["registry_jobs"]
    parallel = [one for one in found.hazards() if "beside" in one.found]
    assert bool(parallel) == any("parallel" in one for one in strict["hazards"])


def edited(old: str, new: str, text: str = GOOD) -> Topology:
    assert old in text
    return topology(text.replace(old, new, 1))


CRATES = "publish-crates-io: {runs-on: u, needs: [sync-homebrew-tap],"


ALL_SUCCEEDED = "always() && " + " && ".join(
    f"!contains(needs.*.result, '{end}')" for end in ("failure", "skipped", "cancelled")
)


def crates_if(condition: str) -> Topology:
    return edited(CRATES, f"{CRATES} if: {json.dumps(condition)},")


@pytest.mark.parametrize(
    "condition",
    [
        "always()",
        "!cancelled()",
        "${{ !cancelled() }}",
        "failure() || success()",
        "always() && needs.sync-homebrew-tap.result != 'failure'",  # but it may have been skipped
        "always() && (needs.sync-homebrew-tap.result == 'success' || !failure())",
        "!failure()",  # a job before it may have been cancelled, and this one runs
        "always() || needs.sync-homebrew-tap.result == 'success'",
        "!contains(needs.*.result, 'failure') && always()",
    ],
)
def test_a_condition_that_lets_a_job_run_after_a_failure_is_found(condition: str) -> None:
    found = crates_if(condition)
    for role in ROLES:
        (problem,) = found.unguarded(role)
        assert problem.found.startswith("job publish-crates-io publishes even if ")
        assert "of publish-crates-io lets it" in problem.found
        assert problem.where == f"{PATH}:9"


@pytest.mark.parametrize(
    "condition",
    [
        "success()",
        "always() && needs.sync-homebrew-tap.result == 'success'",
        "${{ always() && needs.sync-homebrew-tap.result == 'success' && !cancelled() }}",
        "!failure() && !cancelled() && success()",
        "github.repository == 'sandover/plasmite'",
        "!inputs.rehearsal",
        "github.event_name == 'workflow_dispatch'",
        ALL_SUCCEEDED,
    ],
)
def test_a_condition_that_keeps_the_order_is_left_alone(condition: str) -> None:
    found = crates_if(condition)
    assert wrong_order(found) == []
    assert found.silently_skipped() == ()


@pytest.mark.parametrize(
    ("condition", "wrong"),
    [
        ("${{ always() }} && needs.sync-homebrew-tap.result == 'success'", True),
        ("${{ !cancelled() }} && ${{ needs.sync-homebrew-tap.result == 'success' }}", True),
        ("always() && ${{ needs.sync-homebrew-tap.result == 'success' }}", False),  # text, no function
        ("${{ vars.X }} && true", False),
    ],
)
def test_a_status_function_within_braces_takes_success_away_though_all_is_text(
    condition: str, wrong: bool
) -> None:
    assert bool(wrong_order(crates_if(condition))) == wrong


def test_a_bypass_in_the_middle_of_the_way_is_blamed_on_the_job_that_has_it() -> None:
    sync = "sync-homebrew-tap: {runs-on: u, needs: [collect-build-artifacts],"
    found = edited(sync, f"{sync} if: always(),")
    assert found.unguarded("preflight") == ()  # GitHub asks every ancestor, not only the direct needs
    own = f"{CRATES} if: always() && needs.sync-homebrew-tap.result == 'success',"
    found = topology(GOOD.replace(sync, f"{sync} if: always(),").replace(CRATES, own))
    (problem,) = found.unguarded("preflight")
    assert "publishes even if publish-preflight failed: `if: always()` of sync-homebrew-tap" in problem.found
    assert found.unguarded("homebrew") == ()


def test_a_job_whose_failure_is_hidden_guards_nothing() -> None:
    sync = "sync-homebrew-tap: {runs-on: u,"
    (problem, *_) = edited(sync, f"{sync} continue-on-error: true,").unguarded("homebrew")
    assert problem.found.endswith("even if sync-homebrew-tap fails: that job has continue-on-error")
    assert problem.where == f"{PATH}:8"
    for unknown in ("'${{ matrix.experimental }}'", "'${{ inputs.x }}'"):
        assert edited(sync, f"{sync} continue-on-error: {unknown},").unguarded("homebrew")
    assert edited(sync, f"{sync} continue-on-error: false,").unguarded("homebrew") == ()


def test_a_need_that_is_not_there_is_found() -> None:
    (problem,) = edited(CRATES, CRATES.replace("sync-homebrew-tap", "sync")).broken()
    assert problem.found == "job publish-crates-io needs sync, and there is no such job"


def test_a_condition_that_github_refuses_is_found() -> None:
    (problem,) = crates_if("needs.x.result = 'success'").broken()
    assert "GitHub refuses the condition" in problem.found


def test_a_job_is_not_blamed_for_a_circle_behind_which_it_stands() -> None:
    found = topology(SYNTHETIC["cycle"]["workflow"])
    (problem,) = found.broken()
    assert problem.found.endswith("in a circle, so none of them ever runs: publish-crates-io, publish-npm")


def test_a_job_that_publishes_in_a_way_of_its_own_is_named_by_the_profile() -> None:
    text = GOOD.replace('run: "cargo publish"', 'run: "python3 ship.py"')
    assert [one.id for one in topology(text).publishing(registry=True)] == ["publish-npm", "publish-pypi"]
    roles = Roles(provenance=PLASMITE.provenance, publishes=("publish-crates-io",))
    assert len(topology(text, roles).publishing(registry=True)) == 3


def test_the_job_that_the_profile_calls_final_waits_for_all() -> None:
    text = GOOD + "  done: {runs-on: u, needs: [publish-npm], steps: [{run: 'true'}]}\n"
    found = topology(text, Roles(provenance=PLASMITE.provenance, final=("done",))).final_too_early()
    assert [one.found for one in found] == [
        f"job done does not wait for {name}, which publishes"
        for name in ("publish-crates-io", "publish-pypi", "release")
    ]


# Skips

NPM = "publish-npm: {runs-on: u, needs: [sync-homebrew-tap],"


def chained(condition: str, job: str = "sync-homebrew-tap: {runs-on: u,") -> list[str]:
    return [one.found for one in edited(job, f"{job} if: {json.dumps(condition)},").silently_skipped()]


@pytest.mark.parametrize(
    "condition",
    ["vars.TAP == 'true'", "needs.collect-build-artifacts.outputs.changed == 'true'", "inputs.tap"],
)
def test_a_job_that_is_skipped_on_purpose_takes_all_behind_it_along(condition: str) -> None:
    found = chained(condition)
    assert len(found) == 4
    assert all(one.startswith("if job sync-homebrew-tap is skipped on purpose") for one in found)


@pytest.mark.parametrize(
    "condition",
    [
        "!inputs.rehearsal",
        "needs.x.outputs.rehearsal != 'true'",
        "github.event.inputs.rehearsal == 'false'",
        "success()",
    ],
)
def test_a_job_that_every_live_release_runs_skips_nothing(condition: str) -> None:
    assert chained(condition) == []


def test_a_job_that_no_live_release_runs_is_found() -> None:
    (found,) = [one.found for one in crates_if("inputs.rehearsal").silently_skipped()]
    assert found == "job publish-crates-io never runs in a live release: `if: inputs.rehearsal`"


def test_who_looks_at_the_result_is_not_skipped_silently() -> None:
    text = GOOD.replace(
        "sync-homebrew-tap: {runs-on: u,", "sync-homebrew-tap: {runs-on: u, if: vars.TAP == 'true',"
    )
    tolerant = "if: always() && needs.sync-homebrew-tap.result != 'failure' && !cancelled(),"
    found = topology(text.replace(NPM, f"{NPM} {tolerant}")).silently_skipped()
    assert not any(", publish-npm is skipped" in one.found for one in found)


# Steps and rehearsals


def test_a_step_that_publishes_after_a_failure_is_found() -> None:
    step = '{run: "npm publish x.tgz", if: "needs.r.outputs.rehearsal != \'true\'"}'
    for condition, wrong in [("always()", True), ("success() || failure()", True), ("success()", False)]:
        new = f"{{run: make}}, {{run: npm publish x.tgz, if: {condition}}}"
        problems = edited(step, new).steps_after_failure()
        assert bool(problems) == wrong
    (problem,) = edited(
        step, "{run: make}, {run: npm publish x.tgz, if: '!cancelled()'}"
    ).steps_after_failure()
    assert problem.found.startswith(
        "job publish-npm publishes (npm publish x.tgz) even if an earlier step failed"
    )


REHEARSED = """\
on: {workflow_dispatch: {inputs: {rehearsal: {type: TYPE}}}}
jobs:
  a:
    JOB
    steps:
      - run: npm publish
        STEP
"""


@pytest.mark.parametrize(
    ("kind", "job", "step", "publishes"),
    [
        ("boolean", "", "", True),
        ("boolean", "", "if: ${{ !inputs.rehearsal }}", False),
        ("boolean", "", "if: inputs.rehearsal == false", False),
        ("boolean", "", "if: inputs.rehearsal != 'true'", True),  # true is 1, and 'true' is no number
        ("boolean", "", "if: github.event.inputs.rehearsal != 'true'", False),
        ("string", "", "if: inputs.rehearsal != 'true'", False),
        ("string", "", "if: ${{ !inputs.rehearsal }}", False),
        ("boolean", "if: ${{ !inputs.rehearsal }}", "", False),
        ("boolean", "", "if: ${{ !inputs.rehearsal }} && true", True),  # a text, which is always true
        ("boolean", "", "if: vars.X != 'true'", True),
        ("boolean", "", "if: needs.r.outputs.rehearsal != 'true'", False),
    ],
)
def test_a_rehearsal_publishes_nothing(kind: str, job: str, step: str, publishes: bool) -> None:
    text = REHEARSED.replace("TYPE", kind).replace("JOB", job or "needs: []").replace("STEP", step or "id: x")
    assert bool(topology(text).unrehearsed()) == publishes


def test_a_shell_text_may_look_at_the_rehearsal_itself() -> None:
    text = REHEARSED.replace("TYPE", "boolean").replace("JOB", "needs: []").replace("STEP", "id: x")
    guarded = 'run: |\n          if [ "$REHEARSAL" = true ]; then exit 0; fi\n          npm publish'
    after = 'run: |\n          npm publish\n          if [ "$REHEARSAL" = true ]; then exit 0; fi'
    assert topology(text.replace("run: npm publish", guarded)).unrehearsed() == ()
    assert topology(text.replace("run: npm publish", after)).unrehearsed()


R = '[ "$REHEARSAL" = true ]'


@pytest.mark.parametrize(
    ("shell", "publishes"),
    [
        (f"{R} && echo rehearsing; npm publish", True),
        (f"if {R}; then npm publish; fi", True),
        ('test -n "$REHEARSAL_LOG"; npm publish', True),
        (f"{R} && exit 0\nnpm publish", False),
        (f"{R} && echo none && exit 0\nnpm publish", False),
        (f"{R} && make && exit 0\nnpm publish", True),
        (f"{R} || exit 0\nnpm publish", True),
        (f"{R} || npm publish", False),
        (f"{R} && npm publish", True),
        ('[[ "${REHEARSAL}" != "true" ]] && npm publish', False),
        ("if [ '${{ inputs.rehearsal }}' = false ]; then\n  npm publish\nfi", False),
        (f"if {R}; then\n  echo none\nelse\n  npm publish\nfi", False),
        (f"if ! {R}; then npm publish; else echo none; fi", False),
        (f"if {R}; then echo none; fi\nnpm publish", True),
        (f"if {R}; then echo none; exit 0; fi\nnpm publish", False),
        (f"if {R}; then make && exit 0; fi\nnpm publish", True),
        (f"if make; then if {R}; then exit 0; fi; fi\nnpm publish", True),
        (f"if make; then :; elif {R}; then exit 0; fi\nnpm publish", True),
        (f"( {R} && exit 0 )\nnpm publish", True),
        (f"{R} && {{ echo none; exit 0; }}\nnpm publish", False),
        (f"check() {{ {R} && exit 0; }}\nnpm publish", True),
        (f"case $1 in\n  a) {R} && exit 0;;\n  b) npm publish;;\nesac", True),
        (f"if {R}; then how=--dry-run; fi\nnpm publish $how", False),
        (f'args=()\nif {R}; then args+=(--dry-run); fi\nnpm publish "${{args[@]}}"', False),
        (f"if {R}; then how=--dry-run; fi\nnpm publish", True),
        ("if $REHEARSAL; then exit 0; fi\nnpm publish", False),
    ],
)
def test_only_a_shell_text_that_provably_stops_is_a_guard(shell: str, publishes: bool) -> None:
    text = REHEARSED.replace("TYPE", "boolean").replace("JOB", "needs: []").replace("STEP", "id: x")
    lines = "".join(f"\n          {line}" for line in shell.split("\n"))
    problems = topology(text.replace("run: npm publish", f"run: |{lines}")).unrehearsed()
    assert bool(problems) == publishes
    assert all("cannot be read" in one.found and "!inputs.rehearsal" in one.do for one in problems)


def test_a_workflow_that_cannot_be_rehearsed_is_found() -> None:
    (problem,) = edited("inputs: {rehearsal: {type: boolean}}", "inputs: {}").unrehearsed()
    assert problem.found == f"{PATH} has no input rehearsal, so it cannot be rehearsed"


# Called workflows

CALLED = """\
on: workflow_call
jobs:
  preflight: {steps: [{run: 'true'}]}
  npm: {needs: preflight, steps: [{run: npm publish}]}
"""
CALLER = """\
on: workflow_dispatch
jobs:
  resolve: {steps: [{run: 'true'}]}
  ship: {needs: [resolve], uses: ./.github/workflows/ship.yml}
  release: {needs: [ship], steps: [{run: gh release create v1}]}
"""
CALL_ROLES = Roles(provenance=("resolve",), homebrew=())


def called(called_text: str = CALLED, caller: str = CALLER) -> Topology:
    return topology(caller, CALL_ROLES, {".github/workflows/ship.yml": called_text})


def test_a_workflow_of_the_repository_is_followed() -> None:
    found = called()
    assert [one.id for one in found.publishing(registry=True)] == ["ship / npm"]
    assert wrong_order(found) == []
    assert found.opaque() == ()


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (
            lambda text: text.replace("needs: preflight, ", ""),
            "job ship / npm publishes and does not wait for",
        ),
        (lambda text: text.replace("npm: {", "npm: {if: always(), "), "`if: always()` of ship / npm lets it"),
        (lambda text: text.replace("npm: {", "npm: {if: '!cancelled()', "), "of ship / npm lets it"),
    ],
)
def test_what_is_wrong_in_a_called_workflow_is_found(edit: Callable[[str], str], says: str) -> None:
    (problem,) = called(edit(CALLED)).unguarded("preflight")
    assert says in problem.found
    assert problem.where.startswith(".github/workflows/ship.yml:")


def test_a_called_workflow_runs_only_if_its_caller_does() -> None:
    assert called(CALLED, CALLER.replace("ship: {", "ship: {if: always(), ")).unguarded("provenance")
    assert called(CALLED).unguarded("provenance") == ()


def test_a_failure_in_a_called_workflow_stops_what_comes_behind_its_caller() -> None:
    assert called().final_too_early() == ()
    caller = CALLER.replace("release: {", "release: {if: always(), ")
    (problem,) = called(CALLED, caller).final_too_early()
    assert "publishes even if ship / npm failed: `if: always()` of release lets it" in problem.found


def test_a_workflow_elsewhere_is_opaque_and_said_to_be_so() -> None:
    caller = CALLER.replace("./.github/workflows/ship.yml", "o/r/.github/workflows/ship.yml@" + "0" * 40)
    found = called(CALLED, caller)
    assert [one.id for one in found.opaque()] == ["ship"]
    (problem,) = found.opaque_jobs()
    assert "is not in this repository" in problem.found


def test_a_called_workflow_that_is_not_there_is_found() -> None:
    (problem,) = topology(CALLER, CALL_ROLES).broken()
    assert problem.found == "job ship calls .github/workflows/ship.yml, and there is no such workflow"


def test_an_action_of_the_repository_is_followed() -> None:
    files = {
        ".github/actions/ship/action.yml": "runs:\n  steps:\n    - run: npm publish\n      shell: bash\n"
    }
    text = GOOD.replace('run: "npm publish x.tgz"', "uses: ./.github/actions/ship")
    found = topology(text, PLASMITE, files)
    assert [one.what for one in found.publishers if one.channel is Channel.NPM] == [
        "npm publish (in ./.github/actions/ship)"
    ]


def test_what_an_action_of_the_repository_uses_is_followed() -> None:
    inner = "runs:\n  steps:\n    - uses: ./outer\n    - uses: pypa/gh-action-pypi-publish@v1\n"
    files = {"outer/action.yml": "runs:\n  steps:\n    - uses: ./inner\n", "inner/action.yaml": inner}
    text = "on: push\njobs:\n a:\n  steps:\n   - uses: ./outer\n"
    (found,) = topology(text, PLASMITE, files).publishers
    assert found.channel is Channel.PYPI
    assert found.what == "pypa/gh-action-pypi-publish@v1 (in ./outer)"


def test_a_publication_names_its_line() -> None:
    text = "on: push\njobs:\n a:\n  steps:\n   - id: x\n     run: |\n       make\n       npm publish\n"
    assert [one.where for one in topology(text).publishers] == [f"{PATH}:8"]


# What may publish out of sight

MEANS = "env: {T: '${{ secrets.T }}'}"
FILES = {
    "Makefile": "V := 1\nship: check\n\t@npm publish\ncheck:\n\tpytest\ndark:\n\tpython tools/ship.py\n",
    "package.json": '{"scripts": {"ship": "vsce", "postship": "npm publish", "dark": "node ship.mjs"}}',
    "scripts/dark.sh": "#!/bin/sh\nruby ship.rb\n",
}


def one_step(step: str, publishes: tuple[str, ...] = (), permissions: str = "{}") -> Topology:
    text = (
        "on: {workflow_dispatch: {inputs: {rehearsal: {type: boolean}}}}\njobs:\n  a:\n    runs-on: x\n"
        f"    permissions: {permissions}\n    steps:\n      - {{{step}}}\n"
    )
    read = {name: text.encode() for name, text in FILES.items()}.get
    return Topology(graph_of(parse_workflow(PATH, text.encode()), read), Roles(publishes=publishes), read)


@pytest.mark.parametrize(
    ("run", "seen", "unseen"),
    [
        ("make ship", ["npm"], ""),
        ("make dark", [], "python tools/ship.py (in make dark)"),
        ("make nothing", [], "make nothing"),
        ("make -C elsewhere ship", [], "make -C elsewhere ship"),
        ("make check", [], ""),
        ("npm run ship", ["npm"], ""),
        ("npm run dark", [], "node ship.mjs (in npm run dark)"),
        ("yarn run nothing", [], "yarn run nothing"),
        ("npm ci", [], ""),
        ("npm test", [], ""),
        ("just ship", [], "just ship"),
        ("task release", [], "task release"),
        ("python3 -B tools/ship.py --all", [], "python3 -B tools/ship.py --all"),
        ("python -c 'print(1)'", [], ""),
        ("cargo xtask ship", [], "cargo xtask ship"),
        ("./ship", [], "./ship"),
        ("bash scripts/dark.sh", [], "ruby ship.rb (in scripts/dark.sh)"),
        ("python3 look.py || npm publish", ["npm"], ""),
        ("npx semantic-release", [], "npx semantic-release"),
        ("npx --yes semantic-release@24 --dry-run", [], ""),
        ("goreleaser release --clean", ["github-release"], "goreleaser release --clean"),
        ("goreleaser build", [], ""),
        ("mvn -B deploy", [], "mvn -B deploy"),
        ("mvn -B verify", [], ""),
        ("./gradlew :lib:publish", [], "./gradlew :lib:publish"),
        ("npx changeset publish", [], "npx changeset publish"),
        ("cargo build && git push", [], ""),
    ],
)
def test_what_cannot_be_seen_into_is_called_opaque(run: str, seen: list[str], unseen: str) -> None:
    found = one_step(f"run: {json.dumps(run)}, {MEANS}")
    assert [one.channel.value for one in found.publishers] == seen
    problems = found.unseen()
    assert [unseen in one.found for one in problems] == ([True] if unseen else [])
    assert all(one.where == f"{PATH}:7" and "job a, step 1" in one.found for one in problems)


@pytest.mark.parametrize(
    ("step", "permissions", "opaque"),
    [
        ("run: make nothing", "{}", False),
        ("run: make nothing, env: {T: '${{ secrets.GITHUB_TOKEN }}'}", "{contents: read}", False),
        ("run: make nothing", "{contents: write}", True),
        ("run: make nothing", "{id-token: write}", True),
        ("run: npx semantic-release", "{}", True),
        (f"uses: a/publish-it@v1, {MEANS}", "{}", True),
        (f"uses: a/look-at-it@v1, {MEANS}", "{}", False),
        (f"uses: actions/upload-artifact@v4, {MEANS}", "{}", False),
        ("uses: pypa/gh-action-pypi-publish@v1", "{id-token: write}", False),
        ("uses: cycjimmy/semantic-release-action@v4", "{}", True),
        ("uses: a/publish-it@v1", "{}", False),
    ],
)
def test_only_who_holds_what_a_publish_needs_may_publish(step: str, permissions: str, opaque: bool) -> None:
    assert bool(one_step(step, permissions=permissions).unseen()) == opaque


def test_a_job_that_the_profile_calls_publishing_is_not_opaque() -> None:
    found = one_step(f"run: make nothing, {MEANS}", publishes=("a",))
    assert found.unseen() == ()
    assert [one.what for one in found.publishers] == ["as the profile says"]


def test_where_nothing_is_published_the_opaque_step_is_named() -> None:
    (first, _) = one_step(f"run: make nothing, {MEANS}").nothing_published()
    assert "runs make nothing" in first.do


# Inputs that hold nothing back

SWITCHED = """\
on: {workflow_dispatch: {inputs: {rehearsal: INPUT}}}
jobs:
  a:
    runs-on: x
    steps:
      - {uses: actions/checkout@v4, with: {ref: 'REF'}}
      - {run: npm publish, if: "inputs.rehearsal != 'true'"}
"""


@pytest.mark.parametrize(
    ("declared", "ref", "why"),
    [
        ("{type: boolean}", "main", ""),
        ("{type: string, default: 'false'}", "main", ""),
        ("{type: choice, options: ['true', 'false']}", "main", ""),
        ("{type: choice, options: [all, none]}", "main", "it is a choice of all, none"),
        ("{type: number}", "main", "it is of the type number"),
        ("{type: string, default: v1.0.0}", "main", "it is a text, v1.0.0 by default"),
        ("{type: string}", "${{ inputs.rehearsal }}", f"it names what is released ({PATH}:6)"),
        ("{type: string}", "refs/tags/${{ inputs.rehearsal || github.ref }}", "it names what is released"),
        ("{type: string}", "${{ inputs.rehearsal == 'true' && 'a' || 'b' }}", ""),
    ],
)
def test_an_input_that_is_no_switch_is_no_rehearsal(declared: str, ref: str, why: str) -> None:
    text = SWITCHED.replace("INPUT", declared).replace("REF", ref.replace("'", "''"))
    found = topology(text).unrehearsed()
    if declared == "{type: boolean}":
        return  # what a boolean holds back is told elsewhere
    assert [why in one.found for one in found] == ([True] if why else [])


def test_what_becomes_of_each_job_is_worked_out_once_a_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = ["on: workflow_dispatch", "jobs:", "  p0: {runs-on: u, steps: [{run: cargo publish}]}"]
    jobs += [
        f"  p{number}: {{if: inputs.x, needs: [p{number - 1}], runs-on: u, steps: [{{run: cargo publish}}]}}"
        for number in range(1, 30)
    ]
    looked, fate = [], workflow_graph._Judged.fate
    monkeypatch.setattr(workflow_graph._Judged, "fate", lambda self: looked.append(0) or fate(self))
    assert len(topology("\n".join(jobs)).silently_skipped()) == 28
    assert len(looked) <= 30 * 31  # each job as it is, and with each one skipped
