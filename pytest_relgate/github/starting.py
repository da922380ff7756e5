"""Which run of the publish workflow is this release's: on record, somebody else's, or started now, once.

SPEC S38, S40, S41. A run is never started when one may be there already.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from pytest_relgate.clock import now
from pytest_relgate.errors import RECOVERING, CannotJudge, Finding
from pytest_relgate.github.dispatch import (
    BUILD_INPUT,
    Refused,
    Started,
    Unclear,
    dispatch,
    inputs_of,
    kind_of,
    names,
    names_a_tag,
)
from pytest_relgate.github.intent import Intent, IntentFile
from pytest_relgate.model import Phase
from pytest_relgate.net.facts import Absent, Known, Unknown, known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_relgate.github.answers import WorkflowRun
    from pytest_relgate.github.api import Api
    from pytest_relgate.github.attribution import Attribution
    from pytest_relgate.github.means import Means
    from pytest_relgate.github.permit import Permit
    from pytest_relgate.net.facts import Fact
    from pytest_relgate.profile.source import Workflows

PAUSES: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
_LONGEST_WAIT: Final = 900.0  # seconds that a limit may ask for
_MISSES: Final = 6
_SKEW: Final = timedelta(minutes=2)  # between this machine's clock and GitHub's


class StartedRun:
    """The publish workflow's run for ``target`` at ``commit``: a rehearsal, or the publish itself.

    ``phase`` is rehearsal or publish; ``reaching`` are the names of the jobs that reach the channels.
    """

    def __init__(
        self,
        api: Api,
        workflows: Workflows,
        means: Means,
        *,
        phase: Phase,
        target: str,
        commit: str,
        reaching: Iterable[str] = (),
    ) -> None:
        self.api, self.workflows, self.means = api, workflows, means
        self.phase, self.target, self.commit = phase, target, commit
        self.reaching = tuple(reaching)
        self.kind: Literal["rehearsal", "publish"] = "publish" if phase is Phase.PUBLISH else "rehearsal"
        self.file = IntentFile(means.folder / f"{phase}.json")

    # -- which run ----------------------------------------------------------------------------------------

    @cached_property
    def run_id(self) -> int:
        """The id of the run: the one on record, one that is there already, or one that is started now."""
        if not self.workflows.publish:
            message = "the profile names no workflow under workflows.publish"
            raise CannotJudge(message, do='add workflows.publish = "publish.yml" to relgate.toml')
        permit = self.means.permit()
        if (permit.phase, permit.target, permit.commit) != (self.phase, self.target, self.commit):
            message = f"nothing was started: the permit is for {permit.phase} of {permit.target}"
            raise CannotJudge(message, do="this gate belongs to another phase")
        if self.means.recover:
            from pytest_relgate.github.recovery import recovered

            with self.means.waiting():
                return recovered(self, permit)
        intent = self.intent()
        if intent is not None:
            return intent.run or self.found_again(intent, "an earlier run ended before an answer came")
        with self.means.waiting():
            there = self.there()
        adopted = self.to_adopt(there)
        if adopted is not None:
            self.file.write(self.new_intent(permit, there, run=adopted.id, adopted=True))
            return adopted.id
        return self.start(permit, there)

    def intent(self) -> Intent | None:
        """What was started of this release before, None for nothing; another commit's is set aside.

        Raises CannotJudge where another commit was published under the same tag.
        """
        intent = self.file.read()
        if intent is None or (intent.commit, intent.target) == (self.commit, self.target):
            return intent
        if self.phase is Phase.PUBLISH:
            words = (
                f"a publish of {self.target} was started for {intent.commit[:12]}, this is {self.commit[:12]}"
            )
            do = f"see what it published: {self.page}; if nothing, move {self.file.path} away"
            raise CannotJudge(words, do=do)
        self.file.set_aside(intent)
        return None

    def there(self) -> tuple[WorkflowRun, ...]:
        """The dispatched runs that may be of this release. Raises CannotJudge where they cannot be read.

        One whose title names no tag may be of any, on whatever commit it was dispatched: a publish since this
        release was built, a rehearsal while it is at work. One whose title names another tag is of that, as
        of the release candidate that this commit was before.
        """
        workflow = self.workflows.publish
        on_commit = known(self.api.runs(workflow, self.commit), f"the runs of {workflow}")
        if self.phase is Phase.PUBLISH:  # whoever dispatched one from a branch, however long ago
            recent = self._attribution.runs()
        else:
            recent = known(self.api.recent_runs(workflow), f"the runs of {workflow}")
            recent = tuple(run for run in recent if self._names_this(run) or run.status != "completed")
        found = {
            run.id: run
            for run in (*on_commit, *recent)
            if run.event == "workflow_dispatch"
            and (self._names_this(run) or not names_a_tag(run.display_title, self.target))
        }
        return tuple(sorted(found.values(), key=lambda run: (run.created_at, run.id), reverse=True))

    def to_adopt(self, there: tuple[WorkflowRun, ...]) -> WorkflowRun | None:
        """The run that somebody else started for this release; None where there is none.

        Raises CannotJudge where a run may be a publish of it, and nothing says whether it is.
        """
        kinds = {run.id: self.kind_of_run(run) for run in there}
        mine = [run for run in there if kinds[run.id] == self.kind]
        if self.phase is not Phase.PUBLISH:  # a rehearsal that went wrong may be followed by another
            usable = [
                run
                for run in mine
                if run.head_sha == self.commit and (run.status != "completed" or run.conclusion == "success")
            ]
            return usable[0] if usable else None
        if mine:
            at_work = [run for run in mine if run.status != "completed"]
            good = [run for run in mine if run.conclusion == "success"]
            return (at_work or good or mine)[0]
        unsaid = {run.id: why for run in there if not kinds[run.id] and (why := self.may_be_ours(run))}
        if unsaid:
            first = next(run for run in there if run.id in unsaid)
            words = (
                f"run {first.id} may be a publish of {self.target}: its title does not say what it did, and "
                f"{unsaid[first.id]}"
            )
            looked = " ".join(f"--release-other-run {number}" for number in sorted(unsaid))
            do = (
                f"look at {'it' if len(unsaid) == 1 else 'each'}, and start nothing before that is known; "
                f"what published nothing of {self.target}, say so: type the same command with {looked}. "
                "Give the workflow a run-name that says Rehearse or Publish and the tag"
            )
            raise CannotJudge(words, where=first.html_url, do=do)
        return None

    def _names_this(self, run: WorkflowRun) -> bool:
        return names(run.display_title, self.target)

    def may_be_ours(self, run: WorkflowRun) -> str:
        """Why a run whose title does not say it may be a publish of this release; empty where it is not."""
        return self._attribution.may_be_ours(run)

    @cached_property
    def _attribution(self) -> Attribution:
        """What tells the runs of the publish workflow apart."""
        from pytest_relgate.github.attribution import Attribution

        ours = (IntentFile(path).read() for path in sorted(self.means.folder.glob("rehearsal*.json")))
        rehearsed = {one.run for one in ours if one is not None and one.run}
        return Attribution(
            self.api,
            self.workflows,
            self.target,
            self.commit,
            self.reaching,
            self.means.build_run,
            frozenset(self.means.other_runs) | rehearsed,
        )

    def kind_of_run(self, run: WorkflowRun) -> Literal["rehearsal", "publish", ""]:
        """Whether a run rehearses or publishes this release; empty where nobody can say."""
        rehearsed, title = self._rehearsed
        if run.id == rehearsed:
            return "rehearsal"
        kind = kind_of(run, self.target, self._built_from)
        # Where the title of what is known to be a rehearsal reads the same, titles tell nothing.
        return "" if kind == "publish" and run.display_title == title else kind

    @property
    def _built_from(self) -> str:
        """The id of the build run that it was started from by name, for recovery; else empty."""
        intent = self.file.read()
        return intent.inputs.get(BUILD_INPUT, "") if intent is not None else ""

    @cached_property
    def _rehearsed(self) -> tuple[int, str]:
        """The run that is on record as the rehearsal, and its title."""
        intent = IntentFile(self.means.folder / f"{Phase.REHEARSAL}.json").read()
        if intent is None or not intent.run:
            return 0, ""
        run = self.api.run(intent.run)
        return intent.run, run.value.display_title if isinstance(run, Known) else ""

    # -- starting -----------------------------------------------------------------------------------------

    def start(self, permit: Permit, there: tuple[WorkflowRun, ...]) -> int:
        """Start a run, once, and return its id; ``there`` are those that were there before.

        Raises Finding or CannotJudge where it was refused, or nobody can say what came of it.
        """
        self.has_its_tag()
        intent = self.new_intent(permit, there)
        self.file.write(intent)
        given = (f"{name}={value}" for name, value in intent.inputs.items())
        others = (f"other-run={number}" for number in self.means.other_runs)
        self.means.opens(("dispatch", self.workflows.publish, self.target, *given, *others))
        match dispatch(self.api, permit, self.workflows.publish, self.workflows.rehearsal):
            case Refused(error=error):
                self.file.drop()
                raise error
            case Started(run=0):
                return self.found_again(intent, "GitHub did not say which run it made")
            case Started(run=run):
                self.settle(msgspec.structs.replace(intent, told=run), run)
                return run
            case Unclear(words=words):
                return self.found_again(intent, words)

    def has_its_tag(self) -> None:
        """Raise where the tag is at another commit by now: jobs check out and look for builds by the tag."""
        at = known(self.api.tag_commit(self.target, fresh=True), f"the tag {self.target}")
        if at != self.commit:
            words = f"nothing was started: {self.target} is at {at[:12]}, the release at {self.commit[:12]}"
            raise Finding(words, do="a published tag never moves: release under the next version")

    def new_intent(self, permit: Permit, there: Iterable[WorkflowRun], **more: Any) -> Intent:
        """The intent to start what the permit is for."""
        return Intent(
            phase=self.phase,
            target=self.target,
            commit=self.commit,
            workflow=self.workflows.publish,
            inputs=inputs_of(permit, self.workflows.rehearsal),
            at=now(),
            known=tuple(run.id for run in there),
            **more,
        )

    def settle(self, intent: Intent, run: int) -> None:
        """Write down which run an intent made."""
        self.file.write(msgspec.structs.replace(intent, run=run))

    def found_again(self, intent: Intent, why: str) -> int:
        """The one run that the intent made, looked for again and again: lists lag.

        Raises CannotJudge where there is none or more than one; nothing is started a second time.
        """
        found: list[WorkflowRun] = []
        with self.means.waiting():
            for pause in self.means.looks:
                self.means.sleep(pause)
                found = [run for run in self.there() if self._may_be(run, intent)]
                if found:
                    break
        if len(found) == 1:
            self.settle(intent, found[0].id)
            return found[0].id
        if found:
            numbers = ", ".join(str(run.id) for run in found)
            words = f"which run was started for {self.target} is not clear ({why}): it may be {numbers}"
            do = f'see which it is, write its id as "run" into {self.file.path}, type the same command again'
        else:
            words = (
                f"whether a {self.kind} of {self.target} was started is not known ({why}), "
                "and GitHub lists none; it is not started again blindly"
            )
            do = f"look for it; if there is none, remove {self.file.path} and type the same command again"
        raise CannotJudge(words, where=self.page, do=do)

    def _may_be(self, run: WorkflowRun, intent: Intent) -> bool:
        earliest = datetime.fromisoformat(intent.at) - _SKEW
        return (
            run.id not in intent.known
            and run.head_sha == intent.commit
            and self.kind_of_run(run) in (self.kind, "")
            and _moment(run.created_at) >= earliest
        )

    def is_this(self, run: WorkflowRun) -> None:
        """Raise where the run is not this release's rehearsal or publish, and where nobody can say."""
        intent, title = self.file.read(), f'its title is "{run.display_title}"'
        told = intent is not None and intent.told == run.id
        look = f"see what it did; {self.file.path} says that it is the {self.kind}"
        by_title = kind_of(run, self.target, self._built_from)
        said = self.kind_of_run(run) if self.phase is Phase.PUBLISH else by_title
        others = names_a_tag(run.display_title, self.target) and not names(run.display_title, self.target)
        # What GitHub itself called our rehearsal is one, whatever a title says that never changes.
        if others or (said not in ("", self.kind) and not (told and self.phase is Phase.REHEARSAL)):
            words = f"run {run.id} is no {self.kind} of {self.target}: {title}"
            raise Finding(words, where=run.html_url, do=look)
        if run.head_sha != self.commit:
            words = f"{self._place} was on {run.head_sha[:12]}, the release is {self.commit[:12]}"
            if intent is not None and intent.adopted:
                raise CannotJudge(words, where=run.html_url, do=look)
            raise Finding(words, where=run.html_url, do=f"run it at the tag: --ref {self.target}")
        if not said and not told and self.phase is Phase.PUBLISH:
            words = f"whether run {run.id} published {self.target} is not known: {title}"
            do = f"{look}; give the workflow a run-name that says Rehearse or Publish and the tag"
            raise CannotJudge(words, where=run.html_url, do=do)

    def read(self, ask: Callable[[], Fact[Any]], what: str) -> Any:
        """Ask until it is known; what GitHub cannot say for a while ends no run."""
        for miss in range(_MISSES):
            match ask():
                case Known(value=value):
                    return value
                case Absent() as absent:
                    words = f"{what} is not there: {absent.words}"
                    do = f"look for it: {self.page}; {self.file.path} says that it is the {self.kind}"
                    raise CannotJudge(words, do=do)
                case Unknown() as unknown:
                    asked = unknown.retry_after or 0.0
                    limited = unknown.retry_after is not None
                    if (unknown.final and not limited) or asked > _LONGEST_WAIT or miss == _MISSES - 1:
                        raise unknown.error()
                    self.means.sleep(max(asked, PAUSES[min(miss, len(PAUSES) - 1)]))
        raise AssertionError(what)  # pragma: no cover  (the loop returns or raises)

    # -- words --------------------------------------------------------------------------------------------

    @property
    def _place(self) -> str:
        return f"{self.workflows.publish}, run {self.run_id} ({self.kind} of {self.target})"

    @property
    def _again(self) -> str:
        return (
            f"gh run view {self.run_id} --log-failed; mend it, then {RECOVERING}: "
            "it runs the failed jobs again"
        )

    @cached_property
    def page(self) -> str:
        """The address of the workflow's runs, for a person."""
        facts = self.api.facts()
        top = facts.value.html_url if isinstance(facts, Known) else self.api.repository
        return f"{top}/actions/workflows/{self.workflows.publish}"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
