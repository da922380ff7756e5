"""What crosses between the controller and the processes that execute gates: facts one way, reports the other.

Only JSON does, in one string each (see ``xdist.py``); in the one process of a plain run the same types are
handed over as they are.
"""

from __future__ import annotations

from functools import cache

import msgspec

from pytest_relgate.loaded import Loaded
from pytest_relgate.model import Context, Decision, Gate, Review, State, Tables
from pytest_relgate.net.origins import PUBLIC, Origins
from pytest_relgate.profile import Profile


class RunFacts(msgspec.Struct, frozen=True):
    """What the controller worked out once, for every process that executes gates. Crosses as JSON.

    ``changed`` and ``files`` are None when they could not be worked out; ``settled`` are the gates that
    are kept; ``failed_before`` those that failed on this tree, which no condition hides,
    and ``unsigned_before`` those of them that failed for want of a review alone;
    ``waived`` maps a gate to the states that a usable waiver covers. ``origins`` is where services are;
    commands see ``environ`` beside the environment of the process that runs them; ``profile`` is what
    fixtures take the facts of the project from; ``wait`` is how long to wait for channels, in seconds.
    """

    context: Context
    commit: str
    checks: str
    rootdir: str
    repository: str
    logs: str
    run: int
    changes: dict[str, tuple[str, ...]]
    present: dict[str, tuple[str, ...]]
    secret_names: tuple[str, ...]
    limit: float
    changed: tuple[str, ...] | None = None
    files: tuple[str, ...] | None = None
    tables: Tables = Tables()
    settled: frozenset[str] = frozenset()
    failed_before: frozenset[str] = frozenset()
    unsigned_before: frozenset[str] = frozenset()
    waived: dict[str, tuple[State, ...]] = {}
    own_bytecode_switch: bool = False
    origins: Origins = PUBLIC
    environ: dict[str, str] = {}
    profile: Profile = Profile(project="unnamed")
    wait: float = 0.0
    reviews: tuple[Review, ...] = ()


class Closed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One execution that has ended, on its way to the journal. ``ordinal`` counts within one run."""

    gate: str
    ordinal: int
    outcome: State
    started: float
    seconds: float
    worker: str
    message: str = ""
    where: str = ""
    do: str = ""
    log: str = ""
    when: str = ""
    signed: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()


class Collected(msgspec.Struct, frozen=True, array_like=True):
    """What one process collected: the gates of the phase, the ids that it will run, the decisions.

    ``retried`` says that a gate carries a mark that asks for tries until it passes; ``loaded`` are the files
    of the checks that gates and code come from; ``left_out`` says which were not collected, and why.
    """

    gates: tuple[Gate, ...]
    chosen: tuple[str, ...]
    decisions: tuple[Decision, ...]
    retried: bool = False
    loaded: tuple[Loaded, ...] = ()
    left_out: dict[str, str] = {}


class Payload(msgspec.Struct, frozen=True, array_like=True):
    """What one report carries: every execution of its gate in this run so far, and once the collection.

    A process's last one has every execution again, because reports can be lost on their way, and what
    belongs to no gate: ``trouble``, in ``interrupted`` what ended the process early, and in ``loaded`` the
    files that gates have loaded of the checks.
    """

    closed: tuple[Closed, ...] = ()
    collected: Collected | None = None
    trouble: tuple[str, ...] = ()
    interrupted: str = ""
    loaded: tuple[Loaded, ...] = ()


encode_payload = msgspec.json.Encoder().encode


def decode_payload(text: str) -> Payload:
    """Read what a report carries. Raises msgspec.DecodeError, TypeError."""
    return _decoder().decode(text)


@cache
def _decoder() -> msgspec.json.Decoder[Payload]:
    return msgspec.json.Decoder(Payload)  # takes its time, and only workers send any
