"""The ends of a command's output that say that it could not judge, each by its name. Pure.

A registry that cannot be reached says nothing about the release (ERRORED); a test that fails does (FAILED,
and remembered), whatever words its own output holds. So a pattern is about the tool's own last words: it
begins at the beginning of a line, reaches to the end of the output, and counts with the exit status that goes
with it. What stands in the middle of an output never matches; a tool that fails for a reason of its own ends
otherwise (``error: test failed, to rerun pass ...`` of cargo, ``npm error code 1``).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_relgate.errors import CannotJudge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_relgate.profile.errored import Errored

_NETWORK: Final = "look again when the network is back; or run it where the registry can be reached"


class CouldNotRun(CannotJudge):
    """A command could not judge. ``name`` is the pattern's; ``found``, ``where`` and ``do`` are a line each.

    ``str()`` has the end of the command's output.
    """

    def __init__(self, found: str, *, name: str, where: str, do: str, tail: str = "") -> None:
        super().__init__(found, where=where, do=do)
        self.name = name
        self._tail = tail

    def __str__(self) -> str:
        return f"{self.found}\n{self._tail}" if self._tail else self.found


@dataclass(frozen=True)
class KnownEnd:
    """A way in which a command ends that could not judge.

    ``ends`` is a regular expression for whole lines up to the end of the output; its group ``why``, where it
    has one, is what is shown of them. ``status`` is the exit status that goes with it; ``command`` are the
    words that the command begins with, none for any command.
    """

    name: str
    status: int
    ends: str
    do: str
    command: tuple[str, ...] = ()


def known_ends(errored: Mapping[str, Errored]) -> tuple[KnownEnd, ...]:
    """The ends of commands that ``[errored]`` of the profile names."""
    return tuple(
        KnownEnd(name, one.status, one.ends, one.do, tuple(shlex.split(one.command)))
        for name, one in errored.items()
    )


# https://curl.se/libcurl/c/libcurl-errors.html: what cargo writes in brackets; not 22, an HTTP status
_CURL = r"\[(?:5|6|7|16|28|35|52|55|56|60|92)\] "

KNOWN: Final = (
    KnownEnd(
        "cargo-network",
        101,
        # https://doc.rust-lang.org/cargo: an error, and the causes of it, the innermost last
        r"error: (?:failed to (?:download|fetch|get|load source|query|sync|update)\b|[Uu]nable to "
        r"|download of )[^\n]*\n(?:\n|Caused by:\n| [^\n]*\n)*?"
        rf"Caused by:\n  (?P<why>{_CURL}[^\n]*|network failure seems to have happened"
        r"|[^\n]+; class=(?:Net|Ssl) \([-\d]+\)"
        r"|failed to get successful HTTP response from [^\n]*, got (?:429|5\d\d))"
        r"(?:\n(?: [^\n]*)?)*",
        _NETWORK,
    ),
    KnownEnd(
        "npm-network",
        1,
        r"npm (?:error|ERR!) code (?P<why>EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH"
        r"|ENOTFOUND|ERR_SOCKET_TIMEOUT|ETIMEDOUT)\n"
        r"(?:npm (?:error|ERR!)(?! code )[^\n]*\n)*npm (?:error|ERR!)(?! code )[^\n]*",
        _NETWORK,
    ),
    KnownEnd(
        "pip-network",
        1,
        r"WARNING: Retrying \(Retry\(total=0, [^\n]*\)\) after connection broken by '(?P<why>\w+)[^\n]*\n"
        r"ERROR: Could not find a version that satisfies the requirement [^\n]*\n"
        r"ERROR: No matching distribution found for [^\n]*",
        _NETWORK,
    ),
    KnownEnd(
        "uv-network",
        2,
        r"error: (?:Request failed after [^\n]*|Failed to (?:fetch|download)\b[^\n]*)\n"
        r"(?: +[Cc](?:aused by|ause): [^\n]*\n)*"
        r" +[Cc](?:aused by|ause): client error \(Connect\)"
        r"(?:\n +[Cc](?:aused by|ause): (?P<why>[^\n]*))*",
        _NETWORK,
    ),
    KnownEnd(
        "go-network",
        1,
        r"go: [^\n]*: Get \"https?://[^\"\n]+\": (?P<why>dial tcp\b[^\n]*|net/http: TLS handshake timeout)",
        _NETWORK,
    ),
    KnownEnd(
        "rustup-toolchain",  # below a script or a recipe; where cargo itself was asked for, see tools.py
        1,
        r"error: (?P<why>(?:override )?toolchain '[^'\n]+' is not install(?:ed|able)"
        r"|'[^'\n]+' is not installed for the (?:custom )?toolchain '[^'\n]+')\.?"
        r"(?:\n(?:help: |To install, run )[^\n]*)*(?:\n+Stack backtrace:(?:\n +[^\n]*)*)?",
        "type `rustup toolchain install` in the repository, or the command that its output names",
    ),
    KnownEnd(
        "git-network",
        128,
        r"fatal: unable to access '[^'\n]+': (?P<why>(?:Could not resolve host|Failed to connect to)\b[^\n]*"
        r"|Connection timed out[^\n]*)",
        _NETWORK,
    ),
)
"""What the tools themselves say where a registry, a remote or a toolchain is missing, by their sources."""

# What runs on this machine is the project's own to start: that it cannot be reached is an ordinary failure.
_HERE = re.compile(r"\b(?:127\.\d+\.\d+\.\d+|localhost)\b|\[?::1\]?[:/ ]")

# What those that merely called the tool say behind its last words: just, make.
_CALLER = re.compile(r"error: [Rr]ecipe `[^`]+` failed .*|make(?:\[\d+\])?: \*\*\* .*")


def could_not_run(
    argv: Sequence[str], rc: int, tail: str, own: Iterable[KnownEnd] = ()
) -> tuple[KnownEnd, str] | None:
    """The known end that a command came to, and why in one line; None where it judged.

    ``tail`` is the end of its output, ``own`` what the profile adds to KNOWN.
    """
    if rc == 0:
        return None
    last = tail.rstrip()
    while _CALLER.fullmatch(last.rpartition("\n")[2]):
        last = last.rpartition("\n")[0].rstrip()
    for one in (*own, *KNOWN):
        if one.status != rc or tuple(argv[: len(one.command)]) != one.command:
            continue
        found = re.search(rf"^(?:{one.ends})\Z", last, re.MULTILINE)
        if found is None or (one in KNOWN and _HERE.search(found[0])):
            continue
        why = found.groupdict().get("why") or found[0].partition("\n")[0]
        return one, why.strip()
    return None


def raise_if_known(
    argv: Sequence[str], rc: int, tail: str, own: Iterable[KnownEnd], *, shown: str, where: str
) -> None:
    """Raise CouldNotRun where a command could not judge. ``shown`` is the command as a person reads it."""
    found = could_not_run(argv, rc, tail, own)
    if found is not None:
        one, why = found
        words = f"`{shown}` could not judge ({one.name}): {why}"
        raise CouldNotRun(words, name=one.name, where=where, do=one.do, tail=tail)
