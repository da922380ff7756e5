"""What a run concluded, projected onto a record, and the record onto reports."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.evidence.build_run import rested_on, with_artifacts
from pytest_relgate.evidence.channel_table import newest
from pytest_relgate.evidence.drill import folder_of, read_drill
from pytest_relgate.evidence.noted import noted
from pytest_relgate.model import Record, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pytest_relgate.model import Context, Earlier, Verdict
    from pytest_relgate.prepare import Prepared
    from pytest_relgate.request import Request
    from pytest_relgate.unrehearsed import Unrehearsed


def record_of(  # noqa: PLR0913  (all of what a run concluded, each by its name)
    prepared: Prepared,
    verdict: Verdict,
    *,
    run: int,
    started: str,
    finished: str,
    environment: Mapping[str, str],
    earlier: Sequence[Earlier],
    set_aside: Sequence[str],
    unrehearsed: Unrehearsed | None = None,
) -> Record:
    """Everything that reports and seal say about one run; times are RFC 3339 in UTC."""
    folder = prepared.evidence / prepared.context.target / prepared.context.phase
    build = rested_on(folder, prepared.context.phase, prepared.subject.commit)
    return Record(
        context=prepared.context,
        subject=with_artifacts(prepared.subject, build, prepared.context.phase),
        verdict=msgspec.structs.replace(
            verdict, notes=(*verdict.notes, *filter(None, [prepared.rehearsal]), *noted(folder))
        ),
        locked=prepared.lock is not None,
        run=run,
        started=started,
        finished=finished,
        environment={**environment, **_machine(), **_stand_ins(prepared.stand_ins)},
        kept={
            judged.gate.id: judged.attempts[-1].started
            for judged in verdict.gates
            if judged.state is State.PASSED and judged.attempts and judged.attempts[-1].run != run
        },
        waivers=tuple(judged.waiver for judged in verdict.gates if judged.waiver),
        earlier=tuple(earlier),
        set_aside=tuple(set_aside),
        narrowed=prepared.request.narrowed,
        not_checked=tuple(
            f"what the real {tool} says: the sandbox stood in for it" for tool in prepared.stand_ins
        ),
        folder=_as_typed(folder, prepared.request.invocation),
        drill=read_drill(
            folder_of(prepared.evidence, prepared.context.target, prepared.context.phase),
            prepared.subject.checks,
            sandbox=prepared.context.sandbox,
        ),
        command=command_of(prepared.context, prepared.request),
        channels=newest(folder),
        build=build,
        unrehearsed=unrehearsed,
    )


def command_of(context: Context, request: Request) -> str:
    """The command that continues a run."""
    words = ["pytest", _as_typed(request.checks, request.invocation), "-m", context.phase]
    words += ["--release-target", context.target]
    if context.mode == "live":
        words += ["--release-mode", "live", "--release-agent", context.agent]
    if context.reviewed_why.startswith("--release-reviewed "):
        words += context.reviewed_why.split(" ")
    if context.base_why == "--release-base":
        words += ["--release-base", context.base]
    if context.faults:
        words += ["--release-repo", f"sandbox:{','.join(context.faults)}"]
    return " ".join(words)


def reports_of(record: Record, page: str, *, html: bool) -> dict[str, Iterable[str]]:
    """The reports by file name; ``page`` is pytest-html's own, empty where it wrote none."""
    from pytest_relgate.evidence.report_junit import junit
    from pytest_relgate.evidence.report_markdown import markdown

    reports: dict[str, Iterable[str]] = {"report.md": markdown(record), "junit.xml": junit(record)}
    if html:
        from pytest_relgate.evidence.report_html import finish, standalone

        reports["report.html"] = [finish(page, record) if page else standalone(record)]
    return reports


def _as_typed(path: Path, invocation: Path) -> str:
    """A path as a person would type it where the run was typed."""
    return str(path.relative_to(invocation)) if invocation in path.parents else str(path)


def _stand_ins(tools: Sequence[str]) -> dict[str, str]:
    return {"stand-ins": ", ".join(tools)} if tools else {}


def _machine() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system().lower()}-{platform.machine()}",
        "implementation": sys.implementation.name,
    }
