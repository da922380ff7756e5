"""``relgate sandbox``: the release world in a box, in the foreground, for real clients to talk to."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

from pytest_relgate.cli.places import checkout_of, places_of
from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Phase
from pytest_relgate.sandbox.changes import with_expired

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_relgate.sandbox.box import Box
    from pytest_relgate.sandbox.twins.exchange import Answer, Request

WIDTH = 80


def sandbox(options: argparse.Namespace) -> int:
    """Start the sandbox, reset it or list its faults; return the exit status.

    Raises RelgateError for arguments that cannot be meant, and where it cannot be made.
    """
    if options.list_faults:
        print("\n".join(_table()))
        return 0
    checkout = checkout_of(options.repo)
    if options.reset:
        _reset(checkout, options)
        return 0
    if options.expire or options.renew:
        _change_secrets(checkout, expire=options.expire or "", renew=options.renew or "")
        return 0
    return _serve(checkout, [name for name in (options.fault or "").split(",") if name])


# -- faults ---------------------------------------------------------------------------------------------


def _table() -> Iterator[str]:
    """Every fault, by the phase that finds it."""
    from pytest_relgate.sandbox.faults import FAULTS

    width = max(map(len, FAULTS)) + 2
    for phase in Phase:
        mine = [fault for fault in FAULTS.values() if fault.phase is phase]
        if not mine:
            continue
        yield phase.value
        for fault in mine:
            lead = f"  {fault.name:<{width}}"
            for part in textwrap.wrap(fault.line, WIDTH - len(lead)):
                yield lead + part
                lead = " " * len(lead)
        yield ""
    yield "Switch some on for one run:"
    yield "  pytest release_checks -m PHASE --release-target v0.1.10 \\"
    yield "      --release-repo sandbox:FAULT,FAULT"


# -- reset ----------------------------------------------------------------------------------------------


def _reset(checkout: Path, options: argparse.Namespace) -> None:
    from pytest_relgate.sandbox.box import RUNS
    from pytest_relgate.sandbox.repository import sandbox_home
    from pytest_relgate.sandbox.run_folder import in_use

    home = sandbox_home(checkout, os.environ)
    if in_use(home / RUNS):
        message = f"a run is using the sandbox at {home}: wait for its end, then type this again"
        raise RelgateError(message)
    try:
        shutil.rmtree(home)
    except FileNotFoundError:
        pass
    except OSError as error:
        message = f"the sandbox at {home} cannot be removed: {error}"
        raise RelgateError(message) from None
    print(f"The sandbox of {checkout} is gone; the next run makes it anew.")
    print("\n".join(_aside(checkout, options)))


def _aside(checkout: Path, options: argparse.Namespace) -> Iterator[str]:
    """Move evidence of the world that is gone aside, unless it is to stay; say what was moved and where."""
    from pytest_relgate.evidence.before_reset import move_aside, of_the_sandbox

    root = places_of(checkout, evidence=options.evidence).evidence
    if options.keep_evidence:
        left = [str(path) for path in of_the_sandbox(root)]
        yield "Evidence of it stays, and speaks of what is gone:" if left else "There is no evidence of it."
        yield from (f"  {path}" for path in left)
        return
    try:
        shelf, moved = move_aside(root)
    except OSError as error:
        message = f"evidence of the sandbox cannot be moved aside in {root}: {error}: move it by hand"
        raise RelgateError(message) from None
    if not moved:
        yield f"There is no evidence of it in {root}."
        return
    yield f"Evidence of it was moved to {shelf}:"
    yield from (f"  {path}" for path in moved)


# -- credentials ----------------------------------------------------------------------------------------


def _change_secrets(checkout: Path, *, expire: str, renew: str) -> None:
    """Let credentials of workflows expire, or renew them. Raises RelgateError for an unknown one."""
    from pytest_relgate.sandbox.box import open_box

    wanted = dict.fromkeys(filter(None, expire.split(",")), True)
    wanted |= dict.fromkeys(filter(None, renew.split(",")), False)
    box = open_box(checkout, (), os.environ)
    try:
        store = box.surroundings.store
        known = [secret.name for secret in store.truth().secrets]
        if strange := [name for name in wanted if name not in known]:
            message = f"there is no secret {strange[0]} in the sandbox: it has {', '.join(known)}"
            raise RelgateError(message)
        store.change(lambda world: with_expired(world, wanted))
    finally:
        box.close()
    for name, expired in wanted.items():
        says = "has expired: it is there, and its service refuses it" if expired else "is taken again"
        print(f"{name} {says}.")


# -- serving --------------------------------------------------------------------------------------------


def _serve(checkout: Path, faults: list[str]) -> int:
    from pytest_relgate.sandbox.box import open_box

    stop = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: stop.set())
    box = open_box(checkout, faults, os.environ, seen=_say)
    try:
        print("\n".join(_welcome(checkout, box)), flush=True)
        stop.wait()
    finally:
        box.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    kept = "nothing of what happened is kept" if faults else "what happened in it is kept"
    print(f"\nThe sandbox has ended; {kept}.")
    return 0


def _welcome(checkout: Path, box: Box) -> Iterator[str]:
    origins, environ = box.origins, box.environ
    box.engine.notice()
    yield f"The sandbox of {checkout}"
    if box.names:
        yield f"with {', '.join(box.names)}: nothing that happens now is kept"
    for note in box.notes:
        yield f"note: {note}"
    if box.stand_ins:
        yield f"stood in for, as this machine lacks them: {', '.join(box.stand_ins)}"
    yield ""
    for label, place in (
        ("GitHub", origins.github_api),
        ("crates.io", origins.crates_index),
        ("npm", origins.npm),
        ("PyPI", f"{origins.pypi}/simple/"),
        ("Repository", str(box.repository)),
    ):
        yield f"  {label:<12}{place}"
    yield ""
    yield "So that commands talk to it and to nobody else, paste:"
    yield ""
    for name in sorted(environ):
        if environ[name] != os.environ.get(name):
            yield f"export {name}={shlex.quote(environ[name])}"
    yield ""
    yield "A tag is built once it is pushed: git tag v0.1.10 && git push origin v0.1.10"
    yield "Ctrl-C ends it. Requests:"
    yield ""


def _say(twin: str, request: Request, answer: Answer) -> None:
    """Show a request; a terminal that has gone away is no reason to stop."""
    try:
        print(f"  {twin:<8}{request.method:<5}{request.path}  {answer.status}", flush=True)
    except OSError:
        sys.stdout = None
