"""What a sealed folder says of incidents: the runs that red gates point to, channels, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_relgate.errors import RelgateError
from pytest_relgate.evidence import incident_report as report
from pytest_relgate.evidence import journal as journals
from pytest_relgate.evidence import seal
from pytest_relgate.evidence.appending import Journal
from pytest_relgate.github.answers import JobFacts, WorkflowRun
from pytest_relgate.github.triage import FailedJob, RunRecord, Signal, Triage
from pytest_relgate.incidents import incidents_in, noted, read_sealed
from pytest_relgate.model import ChannelLine, ChannelTable, Gate, Judged, Mode, Phase, Record, State, Waiver
from pytest_relgate.profile import parse_profile
from tests.evidence.conftest import attempt, gate, record_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.evidence.incident import IncidentDocument

PROFILE = parse_profile(
    b'project = "demo"\nrepository = "ada/demo"\n'
    b'[channels.npm]\nkind = "npm"\njob = "to-npm"\n'
    b'[channels.tap]\nkind = "homebrew"\ntap = "ada/homebrew-tap"\njob = "to-tap"\n',
    "relgate.toml",
)
PAGE = "https://github.example/ada/demo/actions/runs/7"
COMMIT = "a" * 40


def sealed(folder: Path, phase: Phase, *judged: Judged, mode: Mode = Mode.LIVE, **changes: Any) -> Path:
    """A folder with a seal; its journal is no matter here."""
    record: Record = record_of(*judged, **changes)
    context = msgspec.structs.replace(
        record.context, phase=phase, mode=mode, agent="ada@laptop", target="v0.5.0"
    )
    place = folder / "v0.5.0" / phase
    (place / "attached").mkdir(parents=True)
    evidence = seal.evidence_of(msgspec.structs.replace(record, context=context), {}, seal.JournalHead(0, ""))
    (place / "evidence.json").write_bytes(b"".join(seal.encode(evidence)))
    return place


def red(one: Gate, where: str = f"{PAGE}/job/2") -> Judged:
    failed = attempt(one, State.FAILED, message="failed jobs: to-tap (failure)", where=where, do="mend it")
    return Judged(one, State.FAILED, attempts=(failed,))


def run(conclusion: str | None = "failure", number: int = 7) -> WorkflowRun:
    return WorkflowRun(
        number,
        COMMIT,
        "v0.5.0",
        "workflow_dispatch",
        "completed",
        conclusion,
        PAGE,
        "2026-01-01T00:00:00Z",
        "p.yml",
    )


def attach(folder: Path, name: str, document: object) -> None:
    (folder / "attached" / name).write_bytes(msgspec.json.encode(document))


def publish(*ended: tuple[str, str | None], number: int = 7) -> RunRecord:
    jobs = tuple(
        JobFacts(n, name, "completed", end, f"{PAGE}/job/{n}") for n, (name, end) in enumerate(ended, 1)
    )
    triage = Triage.of(PROFILE)
    failed = tuple(
        FailedJob(
            job.id,
            job.name,
            "failure",
            job.html_url or "",
            f"attached/job-{job.id}.txt",
            ("git push", "##[error]denied"),
            (Signal("the tap did not take it", "denied"),),
            triage.remedy(job.name, (), "gh run rerun 7 --failed"),
        )
        for job in jobs
        if job.conclusion == "failure"
    )
    return RunRecord("publish", "v0.5.0", run(number=number), jobs, failed, dict(triage.channels))


def only(folder: Path) -> IncidentDocument:
    (found,) = incidents_in(read_sealed(folder), PROFILE)
    return found


def test_a_failed_sync_of_the_tap_says_what_to_check_and_what_to_type(tmp_path: Path) -> None:
    folder = sealed(tmp_path, Phase.PUBLISH, red(gate(1)))
    attach(folder, "run-7.json", publish(("to-npm", "success"), ("to-tap", "failure")))
    found = only(folder)
    assert found.title == "partial publish: npm got it, tap did not"
    assert found.run_url == PAGE
    assert [(job.name, job.url, job.log) for job in found.jobs] == [
        ("to-tap", f"{PAGE}/job/2", "attached/job-2.txt")
    ]
    assert found.jobs[0].excerpt[-1] == "##[error]denied"
    assert found.remedy[0].startswith("check HOMEBREW_TAP_TOKEN: ")
    assert found.rerun.endswith(
        "-m publish --release-target v0.5.0 --release-mode live --release-agent ada@laptop --release-recover"
    )
    assert [(row.channel, row.state) for row in found.channels] == [
        ("npm", "reached"),
        ("tap", "not reached"),
    ]
    body = report.markdown(found)
    for words in (PAGE, "HOMEBREW_TAP_TOKEN", "##[error]denied", found.rerun, "attached/job-2.txt"):
        assert words in body


def test_of_one_run_the_newest_look_counts(tmp_path: Path) -> None:
    folder = sealed(tmp_path, Phase.PUBLISH, red(gate(1)))
    attach(folder, "run-7.json", publish(("to-npm", "failure"), ("to-tap", "skipped")))
    attach(folder, "run-7-2.json", publish(("to-npm", "success"), ("to-tap", "skipped")))
    attach(folder, "run-7-10.json", publish(("to-npm", "success"), ("to-tap", "failure")))
    assert [job.name for job in only(folder).jobs] == ["to-tap"]


def test_a_run_that_no_red_gate_points_to_is_history(tmp_path: Path) -> None:
    folder = sealed(
        tmp_path, Phase.PUBLISH, red(gate(1), where="https://github.example/ada/demo/actions/runs/8")
    )
    attach(folder, "run-7.json", publish(("to-npm", "success"), ("to-tap", "failure")))
    assert incidents_in(read_sealed(folder), PROFILE) == ()


def table(
    *lines: tuple[str, str], at: str = "2026-01-01T00:00:00Z", said: tuple[str, ...] = ()
) -> ChannelTable:
    cells = tuple(ChannelLine(name, state, "0.5.0", "", "", "") for name, state in lines)
    return ChannelTable(at, cells, incidents=said)


@pytest.mark.parametrize("state", ["missing", "late", "partial"])
def test_a_release_that_the_tap_lacks_is_published_again(tmp_path: Path, state: str) -> None:
    folder = sealed(tmp_path, Phase.POSTRELEASE, red(gate(1), where=""), mode=Mode.DRY_RUN)
    attach(folder, "channel-table.json", table(("npm", "serves"), ("tap", state), said=("tap lacks it",)))
    found = only(folder)
    assert found.title == "tap lacks it"
    assert found.remedy == ("mend it", found.remedy[1])
    assert found.remedy[1].startswith("check HOMEBREW_TAP_TOKEN: ")
    assert found.rerun.endswith(
        "-m publish --release-target v0.5.0 --release-mode live --release-agent YOU --release-recover"
    )


def test_channels_that_disagree_are_not_published_again(tmp_path: Path) -> None:
    folder = sealed(tmp_path, Phase.POSTRELEASE, red(gate(1), where=""), mode=Mode.DRY_RUN)
    older = table(("npm", "missing"), at="2025-12-31T00:00:00Z", said=("npm lacks it",))
    attach(folder, "channel-table-2.json", table(("npm", "disagrees"), said=("npm serves other bytes",)))
    attach(folder, "channel-table.json", older)
    found = only(folder)
    assert (found.title, found.remedy) == ("npm serves other bytes", ("mend it",))
    assert found.rerun.endswith("-m postrelease --release-target v0.5.0")


def test_a_partial_publish_is_one_incident_before_and_after(tmp_path: Path) -> None:
    folder = sealed(tmp_path, Phase.PUBLISH, red(gate(1)))
    attach(folder, "run-7.json", publish(("to-npm", "success"), ("to-tap", "failure")))
    later = sealed(tmp_path, Phase.POSTRELEASE, red(gate(1), where=""))
    attach(later, "channel-table.json", table(("tap", "missing"), said=("tap lacks it",)))
    assert only(folder).key == only(later).key
    assert noted(folder, PROFILE) == ("[v0.5.0] partial publish: npm got it, tap did not",)
    assert noted(later, PROFILE) == ("[v0.5.0] tap lacks it",)
    (place,) = (tmp_path / "v0.5.0" / "incidents").glob("*.json")
    assert [one["words"] for one in msgspec.json.decode(place.read_bytes())["before"]] == [
        "partial publish: npm got it, tap did not"
    ]


def test_what_a_gate_attached_under_such_a_name_is_not_taken_for_a_run(tmp_path: Path) -> None:
    folder = sealed(tmp_path, Phase.PUBLISH, red(gate(1)))
    for name in ("run-7.json", "run-.json", "run-x-y-z.json", "channel-table.json"):
        attach(folder, name, {"of": "a gate's own"})
    (folder / "attached" / "run-8.json").write_bytes(b"\xff")
    assert incidents_in(read_sealed(folder), PROFILE) == ()


def test_where_there_is_no_evidence_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(RelgateError, match=r"expected evidence, found no evidence\.json"):
        read_sealed(tmp_path)
    (tmp_path / "evidence.json").write_bytes(b"{}")
    with pytest.raises(RelgateError, match="cannot be read"):
        read_sealed(tmp_path)


def test_an_incident_that_cannot_be_written_down_is_said_and_ends_no_run(tmp_path: Path) -> None:
    folder = sealed(tmp_path, Phase.PUBLISH, red(gate(1)))
    attach(folder, "run-7.json", publish(("to-npm", "success"), ("to-tap", "failure")))
    (tmp_path / "v0.5.0" / "incidents").write_text("a file stands where the folder should")
    (words,) = noted(folder, PROFILE)
    assert words.startswith("whether there is one is not written down: ")


def test_a_marked_gate_is_known_from_the_journal(tmp_path: Path) -> None:
    marked = gate(1, incident=True)
    folder = sealed(tmp_path, Phase.POSTRELEASE, red(marked, where=""))
    assert incidents_in(read_sealed(folder), PROFILE) == ()
    record = record_of()
    journal = Journal.open(folder / "journal.jsonl", journals.Reading())
    journal.append(
        journals.RunOpened("", 1, record.started, record.context, record.subject, (), (marked,)), durable=True
    )
    journal.close()
    assert only(folder).kind == "channels"


def test_a_used_waiver_tells_who_let_it_go(tmp_path: Path) -> None:
    one = gate(1)
    waiver = Waiver(
        one.id,
        "v0.5.0",
        (State.FAILED,),
        "known",
        "ada",
        "grace",
        "2026-01-01T00:00:00Z",
        "2026-01-08T00:00:00Z",
    )
    judged = msgspec.structs.replace(red(one), state=State.WAIVED, waiver=waiver)
    found = only(sealed(tmp_path, Phase.PUBLISH, judged, waivers=(waiver,)))
    assert found.kind == "exception"
    assert "waived by ada for v0.5.0" in found.waiver
    assert found.remedy == ("mend what was let go before the next release, and take the waiver away",)
