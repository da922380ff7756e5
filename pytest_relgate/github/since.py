"""What GitHub says of credentials since the base was published. SPEC S37, S9.

What cannot be seen is said to be a doubt, and nothing is judged here: ``judge/rehearsal.py`` does.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_relgate.github.dispatch import kind_of, names
from pytest_relgate.net.facts import Absent, Known, Unknown
from pytest_relgate.unrehearsed import Credentials, Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_relgate.github.answers import WorkflowRun
    from pytest_relgate.github.api import Api
    from pytest_relgate.github.secrets import Levels
    from pytest_relgate.profile.source import Workflows


def credentials_since(
    api: Api,
    workflows: Workflows,
    *,
    base: str,
    commit: str,
    wanted: Iterable[str],
    environments: Iterable[str],
    reaching: Iterable[str],
) -> Credentials:
    """Find the publish of ``base`` from ``commit``, and when each wanted secret was last set.

    ``environments`` are those that the release workflows name, ``reaching`` the jobs that reach the channels.
    """
    names_wanted = tuple(sorted({name.upper() for name in wanted}))
    run = _publish_of(api, workflows.publish, base, commit)
    if isinstance(run, str):
        return Credentials(wanted=names_wanted, doubt=run)
    doubt = _cut_short(api, run, (*workflows.final, *reaching), base)
    levels = api.secrets(environments) if names_wanted else None
    if levels is not None and levels.unread:
        place, unknown = next(iter(levels.unread.items()))
        where = f"the secrets of the environment {place}" if place else "the secrets"
        doubt = doubt or f"when {where} were set is unknown: {unknown.words}"
    return Credentials(
        run=run.id,
        url=run.html_url,
        commit=run.head_sha,
        published=run.created_at,
        wanted=names_wanted,
        settings=tuple(_settings(levels, names_wanted)) if levels is not None else (),
        doubt=doubt,
    )


def _publish_of(api: Api, workflow: str, base: str, commit: str) -> WorkflowRun | str:
    """The newest run that published a tag from a commit and succeeded; why there is none, in words."""
    match api.runs(workflow, commit):
        case Known(value=runs):
            pass
        case Absent() as absent:
            return f"the publish of {base} is not known: {absent.words}"
        case Unknown() as unknown:
            return f"the publish of {base} is not known: {unknown.words}"
    mine = [
        run
        for run in runs
        if run.event == "workflow_dispatch"
        and names(run.display_title, base)
        and kind_of(run, base) == "publish"
    ]
    good = [run for run in mine if run.status == "completed" and run.conclusion == "success"]
    if good:
        return good[0]
    found = f"run {mine[0].id} ended as {mine[0].conclusion or mine[0].status}" if mine else "none is listed"
    return f"no publish of {base} from {commit[:12]} is known that succeeded: {found}"


def _cut_short(api: Api, run: WorkflowRun, jobs: Iterable[str], base: str) -> str:
    """Why a publish that ended green is no whole one; empty where every job that counts succeeded."""
    ended = api.jobs(run.id)
    if not isinstance(ended, Known):
        return f"the jobs of the publish of {base} are not known: {ended.words}"
    good = [job.name for job in ended.value if job.conclusion == "success"]
    lacking = [one for one in dict.fromkeys(jobs) if not any(fnmatchcase(name, one) for name in good)]
    return f"the publish of {base} (run {run.id}) skipped {', '.join(lacking)}" if lacking else ""


def _settings(levels: Levels, wanted: Iterable[str]) -> Iterator[Setting]:
    for name in wanted:
        if name in levels.shared:
            yield Setting(name, levels.shared[name])
        for environment, there in levels.environments.items():
            if name in there:
                yield Setting(name, there[name], environment)
