"""What zizmor found in the workflows, by severity: what blocks, and what is only recorded. Pure.

zizmor is run by the gate, without the network. What is read is its JSON, version 1
(https://docs.zizmor.sh/usage/#output-formats); what each audit means stands at docs.zizmor.sh/audits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.source.problem import Problem
from pytest_relgate.source.workflows import FOLDER, parse_workflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_relgate.source.files import Files
    from pytest_relgate.source.workflows import Workflow

TOOL: Final = "zizmor"
GET_IT: Final = "type pip install zizmor (or pipx install zizmor) and see that it is on PATH"
SEVERITIES: Final = ("informational", "low", "medium", "high")
"""zizmor's severities, the lightest first. A word that is not among them counts as the heaviest."""

GUESS: Final = "low"
"""zizmor's word for what may well be none: it looked at the surroundings, and not at what happens."""

JUDGED: Final = (0, *range(10, 15))
"""The statuses with which zizmor ends when it has looked at everything: 0, or the heaviest finding's."""

_SAID: Final = 160  # characters of zizmor's own words that a message holds
_FIXES: Final = {
    "artipacked": "set persist-credentials: false on the checkout",
    "cache-poisoning": "build what is released without a cache",
    "dangerous-triggers": "start it by another event",
    "excessive-permissions": "grant contents: read at the top, and write to the one job that needs it",
    "github-env": "hand it on as an output of the step, not through GITHUB_ENV",
    "hardcoded-container-credentials": "keep the password as a secret",
    "insecure-commands": "take ACTIONS_ALLOW_UNSECURE_COMMANDS away",
    "overprovisioned-secrets": "name the one secret that the step needs",
    "secrets-inherit": "hand over the secrets by name",
    "template-injection": "put the expression into env: of the step and write the variable",
    "unpinned-images": "name the image by its digest",
    "unpinned-uses": "name the action by its commit",
}


class Found(msgspec.Struct, frozen=True):
    """One finding. ``severity`` and ``confidence`` are zizmor's words in lower case.

    ``job`` and ``step`` (from 1, 0 is none) say where in the workflow; ``ignored`` is what the project said.
    """

    ident: str
    desc: str
    url: str
    severity: str
    confidence: str
    path: str
    line: int
    job: str = ""
    step: int = 0
    note: str = ""
    ignored: bool = False

    @property
    def weight(self) -> int:
        """The place of its severity, the lightest is 0."""
        known = self.severity in SEVERITIES
        return SEVERITIES.index(self.severity) if known else len(SEVERITIES) - 1

    def blocks(self, threshold: str) -> bool:
        """Whether it is of this severity or above, and not ignored by the project.

        A guess counts as one severity lighter: a cache that ``actions/setup-node@v4`` does not have is one,
        of high severity.
        """
        weight = self.weight - (self.confidence == GUESS)
        return not self.ignored and weight >= SEVERITIES.index(threshold)

    @property
    def problem(self) -> Problem:
        """It as a problem, with job, step, line and fix."""
        job = f" in job {self.job}" if self.job else ""
        step = f", step {self.step}" if self.step else ""
        note = f" ({self.note})" if self.note and self.note != self.desc else ""
        words = f"{self.severity} {self.ident}{job}{step}: {self.desc}{note}"
        fix = _FIXES.get(self.ident, f"see {self.url}")
        return Problem(
            words, f"{self.path}:{self.line}", f"{fix}; or say why not: # zizmor: ignore[{self.ident}]"
        )


def command(inputs: Sequence[str]) -> list[str]:
    """The command line: offline, and strict, because what it cannot read it would leave out in silence."""
    return [TOOL, "--offline", "--format=json", "--quiet", "--strict-collection", *inputs]


def inputs_of(files: Files) -> tuple[str, ...]:
    """What zizmor looks at: ``.github``, and the actions of the repository that workflows use elsewhere.

    Raises CannotJudge where there is no workflow at all.
    """
    if not files.names(FOLDER):
        message = f"there is no workflow in {FOLDER}, so there is nothing to look at"
        raise CannotJudge(message, do="take the gate out, if nothing is released by workflows")
    used = {
        step.uses.removeprefix("./").rstrip("/")
        for workflow in _workflows(files)
        for job in workflow.jobs
        for step in job.steps
        if step.uses.startswith("./")
    }
    return (".github", *sorted(one for one in used if one and not one.startswith((".github/", ".."))))


def _workflows(files: Files) -> Iterable[Workflow]:
    for path in files.names(FOLDER):
        raw = files.read(path) if path.endswith((".yml", ".yaml")) else None
        try:
            if raw is not None:
                yield parse_workflow(path, raw)
        except Finding:
            continue  # zizmor says so itself


def read_findings(output: str) -> tuple[Found, ...]:
    """Read zizmor's output, with whatever stands before its JSON.

    Raises CannotJudge for what is not the JSON that zizmor documents.
    """
    at = next((n for n, line in enumerate(output.splitlines()) if line.startswith("[")), None)
    if at is None:
        _unreadable(output)
    text = "\n".join(output.splitlines()[at:])
    try:
        rows = msgspec.json.decode(text.encode(), type=list[_Row])
    except msgspec.DecodeError as error:
        _unreadable(str(error))
    return tuple(_found(row) for row in rows)


def _unreadable(words: str) -> NoReturn:
    message = f"zizmor answered in a shape that is not known here: {said(words)}"
    raise CannotJudge(message, do=f"use zizmor 1.20 or later: {GET_IT}")


def said(output: str) -> str:
    """What zizmor says of itself in one line: the first word of trouble, else the beginning."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    troubled = next((line for line in lines if line.startswith(("failed to", "error:"))), "")
    cause = next((line.partition(": ")[2] for line in lines if line.startswith("0: ")), "")
    words = f"{troubled}: {cause}" if troubled and cause else troubled or next(iter(lines), "nothing")
    return words if len(words) <= _SAID else f"{words[: _SAID - 3]}..."


class _Determinations(msgspec.Struct, frozen=True):
    severity: str
    confidence: str = ""


class _Row(msgspec.Struct, frozen=True):
    ident: str
    desc: str
    determinations: _Determinations
    locations: list[dict[str, Any]]
    url: str = ""
    ignored: bool = False


def _found(row: _Row) -> Found:
    shown = next((one for one in row.locations if _symbolic(one).get("kind") == "Primary"), None)
    place = shown or next(iter(row.locations), {})
    symbolic = _symbolic(place)
    local = symbolic.get("key", {}).get("Local", {})
    route = [next(iter(part.values()), "") for part in symbolic.get("route", {}).get("route", [])]
    point = place.get("concrete", {}).get("location", {}).get("start_point", {})
    in_job = len(route) > 1 and route[0] == "jobs"
    in_step = in_job and len(route) > 3 and route[2] == "steps"  # noqa: PLR2004  (jobs, its id, steps, which)
    return Found(
        ident=row.ident,
        desc=row.desc,
        url=row.url,
        severity=row.determinations.severity.lower(),
        confidence=row.determinations.confidence.lower(),
        path=str(local.get("verbatim_path") or local.get("given_path") or "").removeprefix("./"),
        line=int(point.get("row", 0)) + 1,
        job=str(route[1]) if in_job else "",
        step=int(route[3]) + 1 if in_step else 0,
        note=str(symbolic.get("annotation", "")),
        ignored=row.ignored,
    )


def _symbolic(location: dict[str, Any]) -> dict[str, Any]:
    found = location.get("symbolic")
    return found if isinstance(found, dict) else {}


def blocking(findings: Iterable[Found], threshold: str) -> tuple[Problem, ...]:
    """The findings that block from this severity on; the heaviest first."""
    counted = [one for one in findings if one.blocks(threshold)]
    return tuple(one.problem for one in sorted(counted, key=lambda one: (-one.weight, one.path, one.line)))


def note(findings: Iterable[Found], threshold: str) -> str:
    """One line for a report's notes on what does not block; empty where there is nothing."""
    light = [one for one in findings if not one.blocks(threshold)]
    if not light:
        return ""
    ignored = sum(one.ignored for one in light)
    said_so = f", {ignored} of them ignored by the project" if ignored else ""
    several = "finding that does" if len(light) == 1 else "findings that do"
    return f"zizmor: {len(light)} {several} not block{said_so} (attached/zizmor.md)\n"


def table(findings: Iterable[Found], threshold: str) -> str:
    """Every finding as a table in Markdown, those that do not block and those that are ignored too."""
    rows = sorted(findings, key=lambda one: (-one.weight, one.path, one.line))
    if not rows:
        return "zizmor found nothing.\n"
    lines = [
        "| severity | confidence | audit | place | job | what | blocks |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in rows:
        blocks = "ignored" if one.ignored else "yes" if one.blocks(threshold) else "no"
        job = f"{one.job} step {one.step}" if one.step else one.job
        cells = (
            one.severity,
            one.confidence,
            one.ident,
            f"{one.path}:{one.line}",
            job,
            one.note or one.desc,
            blocks,
        )
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"
