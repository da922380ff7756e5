"""An incident as Markdown: what a person reads first, and the body of the issue that is filed for it.

Nothing that a log, a gate or a file name says becomes markup, a mention or a link (see report_markdown).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pytest_relgate.evidence.printable import BLOCK, output, printable
from pytest_relgate.evidence.report_markdown import code, fence, prose, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_relgate.evidence.incident import GateLine, IncidentDocument, JobLine

BODY: Final = 60_000
"""The most characters of a body: GitHub takes 65,536."""

_TITLE: Final = 200
_JOBS: Final = 10
_GATES: Final = 20
_MARK: Final = "relgate-incident"
_MARKED: Final = re.compile(rf"<!-- {_MARK}: ([0-9a-f]{{16}}) -->")
_ADDRESS: Final = re.compile(r"https?://[\w.:/?&=%+~@-]+")


def title(document: IncidentDocument) -> str:
    """Return the title under which an incident is filed, one line."""
    return f"[{document.release}] {printable(document.title, limit=_TITLE)}"


def marker(key: str) -> str:
    """Return the line of a body by which an incident is found again."""
    return f"<!-- {_MARK}: {key} -->"


def key_in(body: str | None) -> str:
    """Return the key that a body carries, empty for none. It stands behind everything that a log wrote."""
    found = _MARKED.findall(body or "")
    return str(found[-1]) if found else ""


def markdown(document: IncidentDocument) -> str:
    """Return an incident for a person; it ends in the line by which it is found again."""
    parts = list(_parts(document))
    left = BODY
    kept = []
    for part in parts:
        if len(part) > left:
            kept.append("More stands in the evidence: this is cut where the tracker's limit is.\n\n")
            break
        kept.append(part)
        left -= len(part)
    return f"{''.join(kept)}{marker(document.key)}\n"


def _parts(document: IncidentDocument) -> Iterator[str]:
    yield f"## {prose(printable(document.words))}\n\n"
    rows = [
        ("release", prose(document.release)),
        ("kind", prose(_KINDS[document.kind])),
        ("phase", prose(document.phase)),
        ("run", _link(document.run_url)),
        ("commit", code(printable(document.commit))),
        ("mode", prose(document.mode + (_sandbox(document) if document.sandbox else ""))),
        ("agent", prose(printable(document.agent))),
        ("declared by", prose(printable(document.by))),
        ("since", prose(document.at)),
        ("evidence", code(printable(document.folder))),
        ("seal", code(document.evidence)),
    ]
    yield from table(("", ""), [row for row in rows if row[1]])
    if document.waiver:
        yield f"### Waiver\n\n{prose(printable(document.waiver, limit=BLOCK))}\n\n"
    if document.remedy:
        yield "### What to do\n\n"
        yield "".join(f"- {prose(printable(each, limit=BLOCK))}\n" for each in document.remedy) + "\n"
    if document.rerun:
        command = fence(printable(document.rerun, limit=BLOCK), "sh")
        yield f"Then the same command goes on with the same release:\n\n{command}\n"
    yield from _channels(document)
    if document.jobs:
        yield "### Failed jobs\n\n"
        yield from map(_job, document.jobs[:_JOBS])
        if len(document.jobs) > _JOBS:
            yield f"{len(document.jobs) - _JOBS} more failed jobs stand in the evidence.\n\n"
    if document.gates:
        yield "### Gates\n\n"
        yield from map(_gate, document.gates[:_GATES])
    if document.before:
        yield "### Seen before\n\n"
        yield "".join(f"- {each.at}: {prose(printable(each.words))}\n" for each in document.before) + "\n"


_KINDS: Final = {
    "workflow": "workflow failure that needs a change of code",
    "channels": "partial publish, or channels that disagree",
    "exception": "exception from the policy",
}


def _sandbox(document: IncidentDocument) -> str:
    faults = f" with {', '.join(document.faults)}" if document.faults else ""
    return f", in the sandbox{faults}: no release is concerned"


def _channels(document: IncidentDocument) -> Iterator[str]:
    if not document.channels:
        return
    yield "### Channels\n\n"
    if document.channels_at:
        yield f"{prose(document.channels_at)}\n\n"
    cells = [
        tuple(prose(printable(cell)) for cell in (row.channel, row.state, row.version, row.note))
        for row in document.channels
    ]
    yield from table(("channel", "state", "version", ""), cells)


def _job(job: JobLine) -> str:
    lines = [f"#### {prose(printable(job.name))}: {prose(printable(job.conclusion))}\n\n"]
    rows = [("page", _link(job.url)), ("log", code(printable(job.log))), ("no log", prose(job.problem))]
    rows += [("signal", prose(printable(f"{each.says}: {each.line}"))) for each in job.signals]
    lines += [f"- {label}: {words}\n" for label, words in rows if words]
    if job.excerpt:
        lines.append(f"\n{fence(printable(chr(10).join(job.excerpt), limit=4 * BLOCK, lines=True))}")
    return "".join(lines) + "\n"


def _gate(gate: GateLine) -> str:
    found = output(gate.found)
    rows = [
        ("gate", code(printable(gate.id))),
        ("found", "" if "\n" in found else prose(found)),
        ("at", _link(gate.where) or code(printable(gate.where))),
        ("do", prose(printable(gate.do, limit=BLOCK))),
    ]
    lines = [f"#### {gate.state}: {prose(printable(gate.title or gate.id))}\n\n"]
    lines += [f"- {label}: {words}\n" for label, words in rows if words]
    if "\n" in found:
        lines.append(f"\n{fence(found)}")
    return "".join(lines) + "\n"


def _link(address: str) -> str:
    """Return an address that can be opened; nothing for what is none."""
    return f"<{address}>" if _ADDRESS.fullmatch(address) else ""
