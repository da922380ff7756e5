"""What the logs of failed jobs say: the lines that matter, and signals by patterns of the profile.

Read job by job, as soon as a job has failed and while others are still at work. It explains and decides
nothing: a verdict is the same without it. SPEC S44, S45.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import msgspec

from pytest_relgate.github.answers import JobFacts, WorkflowRun
from pytest_relgate.net.facts import Absent, Known, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_relgate.github.api import Api
    from pytest_relgate.profile import Profile
    from pytest_relgate.profile.triage import TriagePattern

GOOD: Final = ("success", "skipped", "neutral")
TAIL: Final = 64 << 10
"""Bytes at the end of a log that are kept."""

TAP_SECRET: Final = "HOMEBREW_TAP_TOKEN"  # noqa: S105  (the name of a secret)
CHECK_TAP: Final = f"check {TAP_SECRET}: that it is set, has not expired and may push to the tap"
"""What to do where the formula did not reach the tap (SPEC S45)."""

_LOGS: Final = 20
_LINES: Final = 20
_LONGEST: Final = 400  # characters of a line
_SIGNALS: Final = 8
_STAMP: Final = re.compile(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z ?")
_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*[A-Za-z]")
_ERROR: Final = "##[error]"


class Signal(msgspec.Struct, frozen=True):
    """A line of a log that a pattern knows: what it ``says``, what to do, and what would mend it."""

    says: str
    line: str
    remedy: str = ""
    cause: str = ""


class FailedJob(msgspec.Struct, frozen=True):
    """A job that failed, with the end of its log. ``log`` is the file in the evidence that has more of it.

    ``problem`` says why there is no log. ``remedy`` is what to do about this job.
    """

    id: int
    name: str
    conclusion: str
    url: str = ""
    log: str = ""
    excerpt: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    remedy: str = ""
    problem: str = ""

    @property
    def read(self) -> bool:
        """Whether its log was there."""
        return bool(self.excerpt or self.log)


class RunRecord(msgspec.Struct, frozen=True):
    """A run as the evidence keeps it, machine-readable. ``kind`` is build, rehearsal or publish.

    ``channels`` maps a job to the channel that it publishes to; ``again`` is the command that runs what
    failed once more, for the same target.
    """

    kind: str
    target: str
    run: WorkflowRun
    jobs: tuple[JobFacts, ...]
    failed: tuple[FailedJob, ...] = ()
    channels: dict[str, str] = {}
    again: str = ""


@dataclass(frozen=True)
class Triage:
    """What the profile knows of failing jobs.

    ``channels`` maps the job of a channel to the channel's name, ``taps`` are the jobs (with ``*``) that
    bring the formula to the tap.
    """

    patterns: tuple[TriagePattern, ...] = ()
    channels: Mapping[str, str] = field(default_factory=dict)
    taps: tuple[str, ...] = ()

    @classmethod
    def of(cls, profile: Profile) -> Triage:
        """Return what a profile says."""
        jobs = {channel.job: name for name, channel in profile.channels.items() if channel.job}
        taps = [one.job for one in profile.channels.values() if one.kind == "homebrew" and one.job]
        return cls(profile.triage, jobs, tuple(dict.fromkeys([*taps, "*homebrew-tap*", "*tap-sync*"])))

    def signals(self, lines: Iterable[str]) -> tuple[Signal, ...]:
        """Return what the patterns find in the lines of a log, each pattern once, at its last line."""
        found: dict[int, Signal] = {}
        known = [(number, re.compile(one.pattern), one) for number, one in enumerate(self.patterns)]
        for line in lines:
            for number, pattern, one in known:
                if pattern.search(line):
                    found[number] = Signal(one.says, line, one.remedy, one.cause)
        return tuple(found[number] for number in sorted(found))[:_SIGNALS]

    def remedy(self, job: str, signals: Iterable[Signal], again: str) -> str:
        """Return what to do about a failed job. The sync of the tap hangs on one secret (SPEC S45)."""
        said = list(dict.fromkeys(signal.remedy for signal in signals if signal.remedy))
        if any(fnmatchcase(job, pattern) for pattern in self.taps) and TAP_SECRET not in " ".join(said):
            said.append(CHECK_TAP)
        return "; ".join([*said, again] if again else said)

    def read(
        self,
        api: Api,
        jobs: Iterable[JobFacts],
        *,
        keep: Callable[[str, bytes], object],
        say: Callable[[str], None],
        again: str = "",
        before: int = 0,
    ) -> tuple[FailedJob, ...]:
        """Read the log of every job that failed, one after another; keep its end, say what it means.

        ``before`` is how many of the run were read before: of a matrix that failed as a whole the rest says
        the same.

        Raises nothing, and is done soon where GitHub does not answer: a failure stays one, whatever comes
        of reading about it.
        """
        red = [job for job in jobs if job.conclusion not in (None, *GOOD)]
        found: list[FailedJob] = []
        unread = ""
        for number, job in enumerate(red, start=before):
            raw, problem, lost = (b"", unread, False) if unread or number >= _LOGS else _log(api, job)
            if lost:
                unread = "not read: another log could not be"
            found.append(self._read(job, raw, problem or ("" if raw else "not read"), keep, say, again))
        return tuple(found)

    def _read(
        self,
        job: JobFacts,
        raw: bytes,
        problem: str,
        keep: Callable[[str, bytes], object],
        say: Callable[[str], None],
        again: str,
    ) -> FailedJob:
        lines = lines_of(raw)
        signals = self.signals(lines)
        try:
            kept = keep(f"job-{job.id}.txt", raw) if raw else None
        except OSError as error:  # a full disk
            kept, problem = None, f"the log could not be kept: {error.strerror or error}"
        for signal in signals:
            say(shown(f"{job.name}: {signal.says}"))
        return FailedJob(
            id=job.id,
            name=job.name,
            conclusion=job.conclusion or "",
            url=job.html_url or "",
            log=kept if isinstance(kept, str) else "",
            excerpt=excerpt(lines),
            signals=signals,
            remedy=self.remedy(job.name, signals, again),
            problem=problem,
        )


def _log(api: Api, job: JobFacts) -> tuple[bytes, str, bool]:
    """Return the end of a job's log, or why there is none, and whether GitHub failed to answer."""
    match api.job_log(job.id):
        case Known(value=raw):
            return raw[-TAIL:], "" if raw else "it is empty", False
        case Absent(words=words):  # GitHub has none of a job that was cancelled
            return b"", words, False
        case Unknown(words=words):
            return b"", words, True


def lines_of(raw: bytes) -> tuple[str, ...]:
    """Return the lines of a log without GitHub's time stamps and without colours, long ones cut."""
    text = raw.decode("utf-8", "replace")
    plain = (_COLOUR.sub("", _STAMP.sub("", line)).rstrip() for line in text.splitlines())
    return tuple(shown(line[:_LONGEST]) for line in plain)


def excerpt(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines of a log that a person reads first: those before its last error, else its end."""
    errors = [number for number, line in enumerate(lines) if line.startswith(_ERROR)]
    end = errors[-1] + 1 if errors else len(lines)
    return tuple(line for line in lines[max(0, end - _LINES) : end] if line.strip())


def shown(line: str) -> str:
    """Return a line that moves no cursor."""
    return "".join(char if char.isprintable() else " " if char == "\t" else "?" for char in line)
