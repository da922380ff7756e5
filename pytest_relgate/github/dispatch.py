"""Starting a run of the publish workflow: one request, by permit only, and what its answer means.

GitHub's REST API, "Create a workflow dispatch event": 200 with the run's id to those that ask for it, 204
from older servers, 400 from those that do not know the question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from pytest_relgate.decoding import read_json
from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.github.answers import DispatchedRun
from pytest_relgate.github.api import JSON, VERSION
from pytest_relgate.net.exchange import Answer, Unreachable, Why
from pytest_relgate.net.facts import Unknown, text_of

if TYPE_CHECKING:
    from pytest_relgate.github.answers import WorkflowRun
    from pytest_relgate.github.api import Api
    from pytest_relgate.github.permit import Permit
    from pytest_relgate.net.exchange import Outcome

TAG_INPUT: Final = "release_tag"
BUILD_INPUT: Final = "build_run_id"
_NEVER_LEFT: Final = frozenset({Why.NAME, Why.REFUSED, Why.TLS})
_NOT_DONE: Final = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS: Final = (
    "the token needs the permission to write actions: set another GH_TOKEN, or type gh auth login"
)
_REHEARSAL: Final = re.compile(r"\b(rehears\w*|dry.?run)\b", re.IGNORECASE)
_NO_REHEARSAL: Final = re.compile(  # rehearsal=false, dry-run: off, no rehearsal; 0.1.10 is no 0
    r"\b(rehears\w*|dry.?run)\b\W*(false|off|0(?!\.\d)|no(?!\W+publish))\b"
    r"|\b(no|not|non|without)\W+(an?\W+)?(rehears\w*|dry.?run)\b",
    re.IGNORECASE,
)
_TAG: Final = re.compile(r"(?<![\w.-])v\d+\.\d+\.\d+")
_PLAIN_TAG: Final = re.compile(r"(?<![\w.-])\d+\.\d+\.\d+")
_PUBLISH: Final = re.compile(r"(?<![\w-])publish\w*\b", re.IGNORECASE)


@dataclass(frozen=True)
class Started:
    """The run was made. ``run`` is 0 where the server did not say which it is."""

    run: int


@dataclass(frozen=True)
class Refused:
    """No run was made, and ``error`` says why: it may be tried again."""

    error: CannotJudge | Finding


@dataclass(frozen=True)
class Unclear:
    """Nobody can say whether a run was made. ``words`` says what came."""

    words: str


Dispatched = Started | Refused | Unclear


def inputs_of(permit: Permit, rehearsal: str) -> dict[str, str]:
    """The inputs that a permit stands for; ``rehearsal`` is the name of that input.

    By the tag; by the build run only in recovery (SPEC S40).
    """
    what = {BUILD_INPUT: str(permit.build_run)} if permit.build_run else {TAG_INPUT: permit.target}
    return {**what, rehearsal: "true" if permit.rehearsal else "false"}


def dispatch(api: Api, permit: Permit, workflow: str, rehearsal: str) -> Dispatched:
    """Send the one request that starts a run at the release's tag."""
    body: dict[str, Any] = {"ref": permit.target, "inputs": inputs_of(permit, rehearsal)}
    outcome = _post(api, workflow, body | {"return_run_details": True})
    if _does_not_know_the_question(outcome):  # it was refused, so nothing was started
        outcome = _post(api, workflow, body)
    return meaning(outcome, f"{workflow} for {permit.target}")


def rerun_failed(api: Api, permit: Permit, run: int) -> Dispatched:
    """Send the request that runs a run's failed jobs again, and those behind them.

    docs.github.com, "Re-run failed jobs from a workflow run": 201; 403 for one that is at work.
    """
    url = f"{api.base}/repos/{api.repository}/actions/runs/{run}/rerun-failed-jobs"
    outcome = api.http.post(url, b"{}", accept=JSON, headers=VERSION)
    if isinstance(outcome, Answer) and outcome.status == HTTPStatus.CREATED:
        return Started(run)
    return meaning(outcome, f"run {run} for {permit.target}")


def _post(api: Api, workflow: str, body: dict[str, Any]) -> Outcome:
    url = f"{api.base}/repos/{api.repository}/actions/workflows/{workflow}/dispatches"
    return api.http.post(url, msgspec.json.encode(body), accept=JSON, headers=VERSION)


def _does_not_know_the_question(outcome: Outcome) -> bool:
    return (
        isinstance(outcome, Answer)
        and outcome.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
        and b"return_run_details" in outcome.body
    )


def meaning(outcome: Outcome, what: str) -> Dispatched:
    """Say what an answer to a dispatch means: refused only where the server or the way there said no."""
    match outcome:
        case Unreachable(why=why) as lost if why in _NEVER_LEFT:
            words = f"{what} was not started: {lost.words}"
            return Refused(CannotJudge(words, do="look again; see whether this machine is online"))
        case Unreachable() as lost:
            return Unclear(lost.words)
        case Answer(status=HTTPStatus.OK | HTTPStatus.NO_CONTENT) as good:
            return Started(_run_in(good.body))
        case Answer(status=status) as no if status in _NOT_DONE or _says_no(status):
            return Refused(_refusal(no, what))
        case Answer(status=status):
            return Unclear(f"GitHub answered {status}")


def _run_in(body: bytes) -> int:
    """The run that an answer names, 0 for none."""
    try:
        return read_json(body, DispatchedRun).workflow_run_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0


def _says_no(status: int) -> bool:
    client = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    return client and status != HTTPStatus.REQUEST_TIMEOUT


def _refusal(answer: Answer, what: str) -> CannotJudge | Finding:
    if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
        said = _message(answer.body)
        words = f"{what} was not started: GitHub answered 422{said}"
        return Finding(words, do="mend the workflow's on.workflow_dispatch and its inputs, and release that")
    if answer.status in _NOT_DONE:
        words = f"{what} was not started: GitHub answered {answer.status}, the repository is elsewhere by now"
        return CannotJudge(words, do="name it in relgate.toml as it is called now")
    fact = text_of(answer, f"{what} was not started", credential=_CREDENTIALS)
    if isinstance(fact, Unknown):
        return fact.error()
    words = f"{what} was not started: GitHub answered {answer.status}: it knows no such workflow"
    return CannotJudge(words, do=f"see that the default branch has it; {_CREDENTIALS}")


def _message(body: bytes) -> str:
    try:
        said = msgspec.json.decode(body)["message"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        return ""
    return f": {' '.join(str(said).split())[:200]}"


def names(title: str, target: str) -> bool:
    """Say whether a title names this tag: v1.0.0, and neither v1.0.0-rc.1 nor v1.0.0.1."""
    return re.search(rf"(?<![\w.-]){re.escape(target)}(?![\w+-]|\.\w)", title) is not None


def names_a_tag(title: str, target: str) -> bool:
    """Say whether a title names the tag of any release, spelled like this target's."""
    return (_TAG if target[:1] == "v" else _PLAIN_TAG).search(title) is not None


def kind_of(run: WorkflowRun, target: str, build_run: str = "") -> Literal["rehearsal", "publish", ""]:
    """Say by its title whether a run rehearses or publishes this target; empty where the title does not say.

    One that was started from a build run may name that in the tag's place (``build_run``). The API does not
    show inputs, so a workflow tells with ``run-name``. A title that says both says nothing.
    """
    if not any(names(run.display_title, one) for one in (target, build_run) if one):
        return ""
    title = _NO_REHEARSAL.sub(" ", run.display_title)
    rehearses, publishes = _REHEARSAL.search(title), _PUBLISH.search(title)
    if rehearses and publishes:
        return ""
    return "rehearsal" if rehearses else "publish" if publishes else ""
