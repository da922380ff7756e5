"""What a drill came to, to read: ``drill-PHASE/drill.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.evidence.report_markdown import code, prose, table
from pytest_relgate.evidence.wording import drill_in_words
from pytest_relgate.judge.drill import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_relgate.judge.drill import Trial
    from pytest_relgate.model import Context, Drill

PAGE = "drill.md"


def drill_page(drill: Drill, trials: Sequence[Trial], lines: Mapping[str, str], context: Context) -> str:
    """Return a drill as Markdown. ``lines`` describes each fault in one line."""
    return "".join(_markdown(drill, trials, lines, context))


def _markdown(
    drill: Drill, trials: Sequence[Trial], lines: Mapping[str, str], context: Context
) -> Iterator[str]:
    where = " in the sandbox" if context.sandbox else ""
    yield f"## {prose(f'Drill of {context.target} {context.phase}{where}: {drill_in_words(drill)}')}\n\n"
    yield f"Checks {code(drill.checks)}\n\n"
    if drill.unproved:
        yield "### Not proved able to fail\n\n"
        yield "".join(f"- {code(gate)}: {prose(why)}\n" for gate, why in drill.unproved.items()) + "\n"
    yield "### Faults\n\n"
    yield from table(
        ("fault", "what is wrong", "gate", "answer", "what the gate said"),
        [
            (
                code(trial.fault),
                prose(lines.get(trial.fault, "")),
                code(trial.gate),
                f"**{trial.answer}**" if trial.answer is not Answer.PROVED else f"{trial.answer}",
                prose(": ".join(filter(None, [trial.seen.state or "not judged", trial.seen.words]))[:300]),
            )
            for trial in trials
        ],
    )
