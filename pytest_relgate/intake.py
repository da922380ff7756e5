"""What happens in a run, taken in: reports, workers that end or die, interruptions, broken files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
import pytest

from pytest_relgate.crossing import Payload, decode_payload
from pytest_relgate.keys import EXECUTION, RELEASE_RUN
from pytest_relgate.xdist import KEY

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

    from pytest_relgate.begun import Begun

AGAIN = "type the same command again"


def collected(config: pytest.Config) -> None:
    """The process of a plain run has collected."""
    begun = config.stash[RELEASE_RUN]
    execution = config.stash[EXECUTION]
    if begun.run is not None and begun.request.kind == "run" and execution.selection.collected is not None:
        take(begun, Payload((), execution.take_collected()), "main")


def take_report(begun: Begun, text: str, report: pytest.TestReport) -> None:
    """Take in one string from a report."""
    if begun.run is None:
        return
    try:
        payload = decode_payload(text)
    except (msgspec.DecodeError, TypeError):
        begun.fact("INVALID", f"the report of {report.nodeid} was altered on its way")
        return
    take(begun, payload, getattr(report, "worker_id", "main"))


def take(begun: Begun, payload: Payload, worker: str) -> None:
    """Take in what a process says: of its gates, and of itself."""
    if begun.run is None:
        return
    if payload.collected is not None:
        if payload.collected.retried:
            for called in begun.retriers:
                begun.put_aside(f"{called}: a gate runs once")
        begun.run.loaded(payload.collected.loaded)
        for place, why in payload.collected.left_out.items():
            begun.run.module_left_out(place, why)
        begun.run.collection(payload.collected, worker)
        begun.go_on()
    begun.run.loaded(payload.loaded)
    record = begun.run.payload
    begun.once_collected(lambda: record(Payload(payload.closed), worker))
    for words in payload.trouble:
        begun.fact("INVALID", words)
    if payload.interrupted:
        begun.fact("INTERRUPTED", payload.interrupted, AGAIN)


def take_collect_report(begun: Begun, report: pytest.CollectReport) -> None:
    """A file that could not be collected blocks; one that skipped itself explains its missing gates."""
    words = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext)
    last = words.strip().rpartition("\n")[2]
    begun.trouble.append(f"{report.nodeid}: {last}")
    if begun.run is None:
        return
    if report.skipped:
        begun.run.module_left_out(begun.gate_id(report.nodeid), f"the file skipped itself: {last}")
    else:
        begun.fact("INVALID", f"{report.nodeid or 'a file'} could not be collected: {last}")


def take_interrupt(begun: Begun, error: BaseException) -> None:
    """Somebody ended the run early; where a worker has told of it, xdist only follows."""
    if begun.run is None or not any(fact.code == "INTERRUPTED" for fact in begun.run.facts):
        begun.fact("INTERRUPTED", interruption(error), AGAIN)


def interruption(error: BaseException) -> str:
    """Who ended a process early, in words."""
    if isinstance(error, pytest.exit.Exception):
        return f"pytest.exit ended the run: {error.msg or 'no reason given'}"
    return f"the run was interrupted{f': {error}' if str(error) else ''}"


def take_internal_error(begun: Begun, error: BaseException) -> None:
    """Pytest broke, here or, told as the text of an error, in a worker."""
    lines = [f"{type(error).__name__}: {error}" if str(error) else type(error).__name__]
    named = re.findall(r"^\s*(?:E +)*(\w+(?:Error|Exception|Exit|Group)\b.*)$", str(error), re.MULTILINE)
    begun.fact("INTERNAL", f"pytest broke: {(named or lines)[-1].splitlines()[0]}")


def take_worker_end(config: pytest.Config, begun: Begun, node: WorkerController, error: object) -> None:
    """A worker has ended: by itself, with its last words; or it died, on a gate or outside of any."""
    if begun.run is None or node in begun.left:
        return
    output = getattr(node, "workeroutput", None) or {}
    name = node.gateway.id
    if KEY not in output:
        begun.died[name] = f"the process {name} died" if error else f"the process {name} ended without a word"
        return
    begun.left.add(node)
    payload = decode_payload(output[KEY])
    take(begun, payload, name)
    session = config.pluginmanager.get_plugin("dsession")
    if payload.interrupted and session is not None and not session.shouldstop:
        session.shouldstop = payload.interrupted  # xdist would let the others go on, or call it a crash


def take_crash(begun: Begun, nodeid: str, report: pytest.TestReport) -> None:
    """A worker died on a gate: that is the gate's judgement, and a waiver of it covers the worker."""
    if begun.run is None:
        return
    gateway = getattr(getattr(report, "node", None), "gateway", None)
    name = getattr(gateway, "id", "a worker")
    begun.died.pop(name, None)
    gate = begun.gate_id(nodeid)
    begun.once_collected(lambda: begun.crashed(nodeid, name))
    if begun.excuses_a_crash(gate):
        report.outcome = "skipped"
        report.wasxfail = f"the process {name} died"
