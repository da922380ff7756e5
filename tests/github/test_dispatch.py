"""A run is started once, whatever comes of the request, and followed to its end."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_relgate.clock import now
from pytest_relgate.errors import CannotJudge, Finding, NotYet
from pytest_relgate.github.answers import WorkflowRun
from pytest_relgate.github.api import Api
from pytest_relgate.github.dispatch import Refused, Started, Unclear, kind_of, meaning
from pytest_relgate.github.means import Means
from pytest_relgate.github.permit import Chain, permit_for
from pytest_relgate.github.publication import Publication
from pytest_relgate.model import Earlier, Mode, Phase
from pytest_relgate.net.exchange import Answer as Heard
from pytest_relgate.net.exchange import Unreachable, Why
from pytest_relgate.net.http import Http
from pytest_relgate.net.request import Credential
from pytest_relgate.profile.source import Workflows
from pytest_relgate.sandbox.twins.exchange import Answer, Request, Reset
from pytest_relgate.sandbox.twins.server import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_relgate.github.permit import Permit

COMMIT, OTHER, TAG = "a" * 40, "b" * 40, "v1.0.0"
BASE, FLOW = "/repos/ada/demo", "/actions/workflows/publish.yml"
JSON = {"content-type": "application/json"}
EARLIER = tuple(Earlier(phase, "PASSED", COMMIT, "sha256:x") for phase in Phase.PUBLISH.requires)
TITLES = {"true": f"Rehearse {TAG}", "false": f"Publish {TAG}"}


@dataclass
class Hub:
    """GitHub as far as a dispatch needs it. ``on_post`` is what happens to one, the last again and again."""

    on_post: list[Callable[[Hub, dict[str, Any]], Answer]]
    name: str = "github"
    runs: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    pages: dict[str, Any] = field(default_factory=dict)
    then: list[Callable[[Hub], Answer | None]] = field(default_factory=list)
    tag: str = COMMIT

    def run(self, number: int, **facts: Any) -> dict[str, Any]:
        made = {
            "id": number,
            "head_sha": COMMIT,
            "head_branch": TAG,
            "event": "workflow_dispatch",
            "status": "completed",
            "conclusion": "success",
            "html_url": f"https://hub/runs/{number}",
            "created_at": now(),
            "path": ".github/workflows/publish.yml",
            "display_title": "publish",
        } | facts
        self.runs.append(made)
        return made

    def answer(self, request: Request) -> Answer:
        path = request.path.removeprefix(BASE)
        self.asked.append(f"{request.method} {path}")
        if request.method == "POST":
            self.posts.append(json.loads(request.body))
            return self.on_post[min(len(self.posts), len(self.on_post)) - 1](self, self.posts[-1])
        if path.startswith("/actions/runs/") and path.count("/") == 3 and self.then:
            answer = self.then.pop(0)(self)
            if answer is not None:
                return answer
        found = self._page(path, request.asked("head_sha"))
        return said(200 if found is not None else 404, found or {"message": "Not Found"})

    def _page(self, path: str, sha: str) -> Any:
        if path in self.pages:
            return self.pages[path]
        if path == "":
            return {"full_name": "ada/demo", "default_branch": "main", "html_url": "https://hub/ada/demo"}
        if path == f"/git/ref/tags/{TAG}":
            return {"ref": f"refs/tags/{TAG}", "object": {"sha": self.tag, "type": "commit"}}
        if path in (f"{FLOW}/runs", "/actions/runs"):
            mine = [run for run in self.runs if sha in ("", run["head_sha"])]
            return {"total_count": len(mine), "workflow_runs": mine}
        if path.endswith("/jobs"):
            return {"total_count": len(self.jobs), "jobs": self.jobs}
        return next((run for run in self.runs if path == f"/actions/runs/{run['id']}"), None)


def said(status: int, document: Any = None) -> Answer:
    return Answer(status, json.dumps(document).encode() if document is not None else b"", JSON)


def makes(hub: Hub, body: dict[str, Any]) -> Answer:
    """Make the run and say which."""
    run = hub.run(100 + len(hub.posts), display_title=TITLES[body["inputs"]["rehearsal"]])
    return said(200, {"workflow_run_id": run["id"], "run_url": "x", "html_url": "y"})


def makes_untold(hub: Hub, body: dict[str, Any]) -> Answer:
    makes(hub, body)
    return said(204)


def makes_and_resets(hub: Hub, body: dict[str, Any]) -> Answer:
    makes(hub, body)
    raise Reset


def makes_and_fails(hub: Hub, body: dict[str, Any]) -> Answer:
    makes(hub, body)
    return said(502, {"message": "Bad Gateway"})


def resets(_: Hub, __: dict[str, Any]) -> Answer:
    raise Reset


def refuses(status: int, message: str = "no") -> Callable[[Hub, dict[str, Any]], Answer]:
    return lambda _, __: said(status, {"message": message})


def job(name: str, conclusion: str | None = "success", number: int = 7) -> dict[str, Any]:
    status = "completed" if conclusion else "in_progress"
    page = f"https://hub/jobs/{name}"
    return {"id": number, "name": name, "status": status, "conclusion": conclusion, "html_url": page}


class World:
    """A release that is about to be rehearsed or published, typed as often as a test wants."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.hub = folder / "dispatches", Hub([makes])
        self.hub.jobs = [job("to-npm"), job("done")]
        self.served = serve(self.hub)
        self.http = Http((Credential(self.served.url, "Bearer x"),), sleep=lambda _: None)
        self.slept: list[float] = []
        self.journal: list[tuple[str, ...]] = []
        self.allowed = True

    def permit(self, phase: Phase) -> Permit:
        mode = Mode.LIVE if self.allowed else Mode.DRY_RUN
        earlier = EARLIER if self.allowed else ()
        return permit_for(
            Chain(phase, TAG, COMMIT, mode, agent_named=True, locked=True, against=(), earlier=earlier)
        )

    def typed(self, phase: Phase = Phase.PUBLISH) -> Publication:
        """A process of its own: it knows what is on disk, and nothing else."""
        means = Means(
            self.folder,
            permit=lambda: self.permit(phase),
            opens=self.journal.append,
            sleep=self._sleep,
            looks=(0.0, 1.0),
        )
        workflows = Workflows(publish="publish.yml", final=("done",))
        api = Api(self.http, self.served.url, "ada/demo")
        return Publication(
            api, workflows, means, phase=phase, target=TAG, commit=COMMIT, reaching=("to-npm",)
        )

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        assert len(self.slept) < 50, "it is followed for ever"

    def on_disk(self, phase: Phase = Phase.PUBLISH) -> dict[str, Any]:
        path = self.folder / f"{phase}.json"
        return json.loads(path.read_text()) if path.exists() else {}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.http.close()
    made.served.close()


# -- one request ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("phase", "rehearsal"), [(Phase.PUBLISH, "false"), (Phase.REHEARSAL, "true")])
def test_the_request_names_tag_and_kind(world: World, phase: Phase, rehearsal: str) -> None:
    assert world.typed(phase).dispatched()
    inputs = {"release_tag": TAG, "rehearsal": rehearsal}
    assert world.hub.posts == [{"ref": TAG, "inputs": inputs, "return_run_details": True}]
    assert (world.on_disk(phase)["run"], world.on_disk(phase)["adopted"]) == (101, False)


def test_the_intent_is_on_disk_and_in_the_journal_before_the_request_leaves(world: World) -> None:
    seen: list[Any] = []

    def look(hub: Hub, body: dict[str, Any]) -> Answer:
        seen.extend((world.on_disk(), list(world.journal)))
        return makes(hub, body)

    world.hub.on_post = [look]
    world.typed().dispatched()
    intent, journal = seen
    assert (intent["run"], intent["commit"], intent["inputs"]["rehearsal"]) == (0, COMMIT, "false")
    assert journal == [("dispatch", "publish.yml", TAG, f"release_tag={TAG}", "rehearsal=false")]


def test_without_a_permit_no_request_leaves_at_all(world: World) -> None:
    world.allowed = False
    for phase in (Phase.PUBLISH, Phase.REHEARSAL):
        with pytest.raises(CannotJudge, match="nothing was started"):
            world.typed(phase).dispatched()
    assert (world.hub.asked, world.on_disk()) == ([], {})


def test_a_permit_of_another_phase_starts_nothing(world: World) -> None:
    publication = world.typed(Phase.PUBLISH)
    object.__setattr__(publication.means, "permit", lambda: world.permit(Phase.REHEARSAL))
    with pytest.raises(CannotJudge, match="the permit is for rehearsal"):
        publication.dispatched()
    assert world.hub.asked == []


def test_nothing_starts_where_the_intent_cannot_be_written(world: World) -> None:
    world.folder.write_text("in the way")
    with pytest.raises(CannotJudge):
        world.typed().dispatched()
    assert world.hub.posts == []


def test_nothing_starts_where_the_journal_cannot_be_written(world: World) -> None:
    def full(_: tuple[str, ...]) -> None:
        message = "the journal cannot be written"
        raise CannotJudge(message)

    publication = world.typed()
    object.__setattr__(publication.means, "opens", full)
    with pytest.raises(CannotJudge):
        publication.dispatched()
    assert world.hub.posts == []


def test_a_tag_that_moved_starts_nothing(world: World) -> None:
    world.hub.tag = OTHER
    with pytest.raises(Finding, match=f"{TAG} is at bbbbbbbbbbbb"):
        world.typed().dispatched()
    assert world.hub.posts == []


# -- answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("happens", [makes_untold, makes_and_resets, makes_and_fails])
def test_a_run_that_was_made_is_found_and_not_made_again(world: World, happens: Any) -> None:
    world.hub.on_post = [happens, makes]
    for _ in range(2):
        assert world.typed().run_id == 101
    assert len(world.hub.posts) == 1


def test_an_older_server_is_asked_without_the_question_that_it_does_not_know(world: World) -> None:
    world.hub.on_post = [refuses(400, "return_run_details is not a permitted key"), makes]
    assert world.typed().run_id == 102
    assert [("return_run_details" in post) for post in world.hub.posts] == [True, False]


def test_what_stays_unclear_is_never_sent_again(world: World) -> None:
    world.hub.on_post = [resets, makes]
    for _ in range(3):
        with pytest.raises(CannotJudge, match="not started again blindly") as blocked:
            world.typed().dispatched()
        assert blocked.value.where == "https://hub/ada/demo/actions/workflows/publish.yml"
        assert str(world.folder / "publish.json") in blocked.value.do
    assert len(world.hub.posts) == 1


def test_of_two_runs_that_may_be_it_none_is_taken(world: World) -> None:
    def twice(hub: Hub, body: dict[str, Any]) -> Answer:
        hub.run(200, display_title=TITLES["false"])
        return makes_and_resets(hub, body)

    world.hub.on_post = [twice]
    with pytest.raises(CannotJudge, match=r"which run was started .* is not clear.*: it may be 200, 101"):
        world.typed().dispatched()


@pytest.mark.parametrize("phase", [Phase.PUBLISH, Phase.REHEARSAL])
def test_a_run_that_was_there_before_is_not_taken_for_ours(world: World, phase: Phase) -> None:
    world.hub.run(5, display_title=TITLES["true"], conclusion="failure")
    world.hub.on_post = [resets]
    with pytest.raises(CannotJudge, match="GitHub lists none"):
        world.typed(phase).dispatched()


def test_a_rehearsal_that_came_meanwhile_is_not_taken_for_the_publish(world: World) -> None:
    def rehearses(hub: Hub, _: dict[str, Any]) -> Answer:
        hub.run(200, display_title=TITLES["true"])
        raise Reset

    world.hub.on_post = [rehearses]
    with pytest.raises(CannotJudge, match="GitHub lists none"):
        world.typed().dispatched()


def test_a_run_on_another_commit_is_a_finding(world: World) -> None:
    def elsewhere(hub: Hub, _: dict[str, Any]) -> Answer:
        return said(200, {"workflow_run_id": hub.run(9, head_sha=OTHER)["id"]})

    world.hub.on_post = [elsewhere]
    with pytest.raises(Finding, match="was on bbbbbbbbbbbb, the release is aaaaaaaaaaaa"):
        world.typed().succeeded()


def test_each_job_is_said_once_when_it_begins_and_when_it_ends(world: World) -> None:
    def work(hub: Hub) -> None:
        _at_work(hub)
        hub.jobs = [job("to-npm", None)]

    def end(hub: Hub) -> None:
        _done(hub)
        hub.jobs = [job("to-npm"), job("done", "skipped")]

    world.hub.then = [work, work, end]
    publication = world.typed()
    heard: list[str] = []
    object.__setattr__(publication.means, "say", heard.append)
    publication.succeeded()
    assert heard == ["to-npm: in progress", "to-npm: success", "done: skipped"]


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (422, Finding, "answered 422: no"),
        (403, CannotJudge, "access was refused"),
        (404, CannotJudge, "knows no such workflow"),
        (429, CannotJudge, "a rate limit is exceeded"),
        (307, CannotJudge, "the repository is elsewhere"),
    ],
)
def test_a_refusal_starts_nothing_and_may_be_tried_again(
    world: World, status: int, error: type[Exception], words: str
) -> None:
    world.hub.on_post = [refuses(status), makes]
    with pytest.raises(error, match=words):
        world.typed().dispatched()
    assert (world.on_disk(), len(world.hub.posts)) == ({}, 1)
    assert world.typed().run_id == 102


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        *((Unreachable("u", why, "w", ()), Refused) for why in (Why.NAME, Why.REFUSED, Why.TLS)),
        *(
            (Unreachable("u", why, "w", ()), Unclear)
            for why in Why
            if why not in (Why.NAME, Why.REFUSED, Why.TLS)
        ),
        *((Heard("u", status, {}, b"", 0, ()), Unclear) for status in (408, 500, 502, 503, 504)),
        *((Heard("u", status, {}, b"", 0, ()), Refused) for status in (400, 401, 403, 404, 409, 422, 429)),
        (Heard("u", 204, {}, b"", 0, ()), Started),
        (Heard("u", 200, {}, b"{broken", 0, ()), Started),
    ],
)
def test_only_a_clear_no_is_a_no(outcome: Any, kind: type) -> None:
    assert isinstance(meaning(outcome, "x"), kind)


# -- what is there already --------------------------------------------------------------------------------


def test_a_record_that_cannot_be_read_starts_nothing(world: World) -> None:
    world.folder.mkdir()
    (world.folder / "publish.json").write_text('{"phase": ')
    with pytest.raises(CannotJudge, match="what was started before is unknown"):
        world.typed().dispatched()
    assert world.hub.posts == []


def test_a_publish_that_somebody_else_started_is_adopted(world: World) -> None:
    world.hub.run(5, display_title=TITLES["false"], head_branch="main")
    publication = world.typed()
    assert (publication.run_id, world.on_disk()["adopted"], world.hub.posts) == (5, True, [])
    assert publication.succeeded()


def test_an_adopted_publish_on_another_commit_is_nobodys_verdict(world: World) -> None:
    world.hub.run(5, display_title=TITLES["false"], head_sha=OTHER, head_branch="main")
    for _ in range(2):
        with pytest.raises(CannotJudge, match="was on bbbbbbbbbbbb, the release is aaaaaaaaaaaa"):
            world.typed().succeeded()
    assert world.hub.posts == []


@pytest.mark.parametrize(
    ("title", "error", "words"),
    [
        (TITLES["true"], Finding, "run 9 is no publish of"),
        ("Publish v0.9.0", Finding, "run 9 is no publish of"),
        ("publish", CannotJudge, "whether run 9 published"),
    ],
)
def test_an_id_that_was_written_by_hand_is_looked_at(
    world: World, title: str, error: type[Exception], words: str
) -> None:
    world.hub.on_post = [resets]
    with pytest.raises(CannotJudge):
        world.typed().dispatched()
    world.hub.run(9, display_title=title)
    path = world.folder / "publish.json"
    path.write_text(path.read_text().replace('"run": 0', '"run": 9'))
    for ask in (Publication.succeeded, Publication.reached_its_end):
        with pytest.raises(error, match=words):
            ask(world.typed())


def test_an_unnamed_run_that_came_meanwhile_is_not_known_to_be_the_publish(world: World) -> None:
    def another(hub: Hub, _: dict[str, Any]) -> Answer:
        hub.run(200)
        return said(204)

    world.hub.on_post = [another]
    with pytest.raises(CannotJudge, match="whether run 200 published"):
        world.typed().succeeded()


@pytest.mark.parametrize("phase", [Phase.PUBLISH, Phase.REHEARSAL])
def test_a_run_that_github_named_needs_no_title(world: World, phase: Phase) -> None:
    world.hub.on_post = [lambda hub, _: said(200, {"workflow_run_id": hub.run(9)["id"]})]
    for _ in range(2):
        assert world.typed(phase).succeeded()


def test_a_rehearsal_that_is_always_called_publish_is_one(world: World) -> None:
    named = {"display_title": TITLES["false"]}
    world.hub.on_post = [lambda hub, _: said(200, {"workflow_run_id": hub.run(9, **named)["id"]})]
    assert world.typed(Phase.REHEARSAL).succeeded()


def test_a_rehearsal_is_no_publish(world: World) -> None:
    world.hub.run(5, display_title=TITLES["true"])
    assert world.typed().run_id == 101


@pytest.mark.parametrize("known", [False, True])
def test_a_run_that_may_be_a_publish_blocks_until_somebody_looked(world: World, known: bool) -> None:
    if known:  # a rehearsal and a publish that read the same
        world.hub.on_post = [lambda hub, _: said(200, {"workflow_run_id": hub.run(4)["id"]})]
        world.typed(Phase.REHEARSAL).dispatched()
    world.hub.run(5)
    with pytest.raises(CannotJudge, match="run 5 may be a publish") as blocked:
        world.typed().dispatched()
    assert blocked.value.where == "https://hub/runs/5"
    assert len(world.hub.posts) == known


@pytest.mark.parametrize(
    ("status", "title", "blocks"),
    [
        ("in_progress", "publish", True),
        ("queued", "Publish 1583", True),
        ("waiting", "publish", True),
        ("completed", "publish", True),
        ("in_progress", "Publish v0.9.0", False),
    ],
)
def test_a_run_at_work_that_names_no_release_may_be_this_one(
    world: World, status: str, title: str, blocks: bool
) -> None:
    world.hub.run(5, head_sha=OTHER, head_branch="main", status=status, display_title=title)
    publication = world.typed()
    if blocks:
        with pytest.raises(CannotJudge, match="run 5 may be a publish"):
            publication.dispatched()
    else:
        assert publication.run_id == 101
    assert len(world.hub.posts) == (not blocks)


@pytest.mark.parametrize("status", ["completed", "in_progress"])
def test_a_publish_of_the_candidate_on_the_same_commit_does_not_stand_in_the_way(
    world: World, status: str
) -> None:
    world.hub.run(5, status=status, display_title=f"Publish {TAG}-rc.1", head_branch=f"{TAG}-rc.1")
    assert (world.typed().run_id, len(world.hub.posts)) == (101, 1)


def test_titles_that_a_rehearsal_has_too_tell_nothing(world: World) -> None:
    def makes_alike(hub: Hub, _: dict[str, Any]) -> Answer:
        return said(200, {"workflow_run_id": hub.run(4, display_title=TITLES["false"])["id"]})

    world.hub.on_post = [makes_alike]
    world.typed(Phase.REHEARSAL).dispatched()
    world.hub.run(5, display_title=TITLES["false"])
    with pytest.raises(CannotJudge, match="run 5 may be a publish"):
        world.typed().dispatched()


def test_the_rehearsal_on_record_does_not_stand_in_the_way(world: World) -> None:
    world.hub.on_post = [
        lambda hub, _: said(200, {"workflow_run_id": hub.run(4)["id"]}),
        makes,
    ]
    world.typed(Phase.REHEARSAL).dispatched()
    assert world.typed().run_id == 102


def test_a_failed_rehearsal_of_somebody_else_is_not_adopted(world: World) -> None:
    world.hub.run(5, display_title=TITLES["true"], conclusion="failure")
    assert world.typed(Phase.REHEARSAL).run_id == 101


def test_what_was_started_for_another_commit(world: World) -> None:
    for phase in (Phase.REHEARSAL, Phase.PUBLISH):
        world.typed(phase).dispatched()
        path = world.folder / f"{phase}.json"
        path.write_text(path.read_text().replace(COMMIT, OTHER))
    assert world.typed(Phase.REHEARSAL).run_id  # another commit is rehearsed anew
    assert (world.folder / "rehearsal-bbbbbbbbbbbb.json").exists()
    posts = len(world.hub.posts)
    with pytest.raises(CannotJudge, match="was started for bbbbbbbbbbbb"):
        world.typed().dispatched()
    assert len(world.hub.posts) == posts


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        (f"Publish {TAG}", "publish"),
        (f"Publish {TAG}, live", "publish"),
        (f"Publish {TAG}.", "publish"),
        (f"Publish ({TAG})", "publish"),
        (f"Publish {TAG} dry-run: false", "publish"),
        (f"Publish {TAG} (rehearsal=no)", "publish"),
        (f"Publish {TAG} rehearsal 'false'", "publish"),
        (f"Publish {TAG}, no rehearsal", "publish"),
        (f"release-publish {TAG} (rehearsal=false)", ""),
        (f"Publish {TAG} (rehearsal=true)", ""),
        (f"Rehearsal: no publish of {TAG}", ""),
        (f"{TAG}: not a dry run", ""),
        (f"Rehearse {TAG}", "rehearsal"),
        (f"Rehearse 0.1.0 as {TAG}", "rehearsal"),
        (f"release-publish {TAG} (rehearsal=true)", "rehearsal"),
        (f"Publish {TAG}-rc.1", ""),
        (f"Publish {TAG}.1", ""),
        (f"Publish a-{TAG}", ""),
        (f"Publish {TAG.replace('.', 'x')}", ""),
        (TAG, ""),
    ],
)
def test_a_title_says_the_kind_or_nothing(world: World, title: str, kind: str) -> None:
    run = msgspec.convert(world.hub.run(5, display_title=title), WorkflowRun)
    assert kind_of(run, TAG) == kind


def test_a_publish_is_known_with_a_comma_behind_its_tag(world: World) -> None:
    world.hub.run(5, display_title=f"Publish {TAG}, live", head_sha=OTHER)
    assert (world.typed().run_id, world.hub.posts) == (5, [])


# -- to the end -------------------------------------------------------------------------------------------


def _at_work(hub: Hub) -> None:
    hub.runs[-1] |= {"status": "in_progress", "conclusion": None}


def _done(hub: Hub) -> None:
    hub.runs[-1] |= {"status": "completed", "conclusion": "success"}


def test_a_run_is_followed_to_its_end_with_growing_pauses(world: World) -> None:
    world.hub.then = [_at_work] * 9 + [_done]
    assert world.typed().succeeded()
    assert world.slept == [0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_a_wish_to_wait_is_obeyed_and_trouble_is_not_the_end(world: World) -> None:
    limit = Answer(429, b"{}", {**JSON, "retry-after": "33"})
    world.hub.then = [lambda _: limit, lambda _: said(502, {})]
    assert world.typed().succeeded()
    assert 33 in world.slept


def test_what_failed_is_kept_with_its_log(world: World) -> None:
    world.hub.jobs = [job("to-npm"), job("to-pypi", "failure", 8)]
    world.hub.pages["/actions/jobs/8/logs"] = "x" * (1 << 17) + "403 Forbidden"
    publication = world.typed()
    kept: dict[str, bytes] = {}
    object.__setattr__(publication.means, "keep", kept.__setitem__)
    with pytest.raises(Finding):
        publication.succeeded()
    assert kept["job-8.txt"].endswith(b'403 Forbidden"')
    assert len(kept["job-8.txt"]) == 1 << 16
    record = json.loads(kept["run-101.json"])
    assert [(one["name"], one["conclusion"], one["html_url"]) for one in record["jobs"]] == [
        ("to-npm", "success", "https://hub/jobs/to-npm"),
        ("to-pypi", "failure", "https://hub/jobs/to-pypi"),
    ]


def test_a_run_that_waits_for_an_approval_says_whose(world: World) -> None:
    def waits(hub: Hub) -> None:
        hub.runs[-1] |= {"status": "waiting", "conclusion": None}

    world.hub.then = [waits]
    person, team = {"login": "grace"}, {"name": "release team"}
    world.hub.pages["/actions/runs/101/pending_deployments"] = [
        {
            "environment": {"name": "release"},
            "reviewers": [{"type": "User", "reviewer": person}, {"type": "Team", "reviewer": team}],
        }
    ]
    with pytest.raises(NotYet, match="waits for an approval for release by grace, release team"):
        world.typed().succeeded()


@pytest.mark.parametrize("conclusion", ["cancelled", "timed_out", "startup_failure", "action_required"])
def test_a_run_that_did_not_end_well_is_a_finding(world: World, conclusion: str) -> None:
    world.hub.then = [lambda hub: hub.runs[-1].update(conclusion=conclusion)]
    with pytest.raises(Finding, match=f"ended as {conclusion}"):
        world.typed().succeeded()


@pytest.mark.parametrize("jobs", [[], [job("to-npm", "skipped"), job("done", "skipped")]])
def test_a_green_run_in_which_nothing_succeeded_is_a_finding(world: World, jobs: list[Any]) -> None:
    world.hub.jobs = jobs
    with pytest.raises(Finding, match="no job of it succeeded"):
        world.typed().succeeded()


@pytest.mark.parametrize("skipped", ["done", "to-npm"])
def test_a_job_that_was_skipped_behind_anothers_back_is_a_finding(world: World, skipped: str) -> None:
    world.hub.jobs = [
        job("first"),
        *(job(n, "skipped" if n == skipped else "success") for n in ("to-npm", "done")),
    ]
    publication = world.typed()
    assert publication.succeeded()
    with pytest.raises(Finding, match=f"these jobs never ran: {skipped}"):
        publication.reached_its_end()


def test_a_run_that_is_gone_is_nobodys_verdict(world: World) -> None:
    world.typed().dispatched()
    world.hub.runs.clear()
    with pytest.raises(CannotJudge, match="run 101 is not there"):
        world.typed().succeeded()
    assert len(world.hub.posts) == 1


def test_a_run_of_another_workflow_is_not_taken(world: World) -> None:
    world.typed().dispatched()
    world.hub.runs[-1]["path"] = ".github/workflows/other.yml"
    with pytest.raises(Finding, match=r"one of other\.yml"):
        world.typed().succeeded()


def test_a_run_that_failed_and_was_run_again_goes_on_under_its_id(world: World) -> None:
    world.hub.jobs = [job("to-npm", "failure")]
    with pytest.raises(Finding):
        world.typed().succeeded()
    world.hub.jobs = [job("to-npm"), job("done")]
    publication = world.typed()
    assert publication.succeeded()
    assert publication.reached_its_end()
    assert len(world.hub.posts) == 1
