"""Where an incident goes: GitHub's issues, or a command that the profile names. Each files it once."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from pytest_relgate.errors import CannotJudge, RelgateError
from pytest_relgate.evidence import incident_report as report
from pytest_relgate.evidence.printable import first_line
from pytest_relgate.net.credentials import DO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_relgate.evidence.incident import IncidentDocument
    from pytest_relgate.exec.redact import Redactor
    from pytest_relgate.github.issues import Issues
    from pytest_relgate.profile import Profile

_PATIENCE: Final = 120.0  # seconds that a command may take


class Tracker(Protocol):
    """A place where incidents are filed."""

    def file(self, document: IncidentDocument, known: str) -> tuple[str, bool]:
        """File an incident; return what it is called there, and whether it is new.

        ``known`` is what it was called when it was filed from here before. Raises CannotJudge where it
        could not be filed.
        """


@contextmanager
def tracker(
    to: str, top: Path, profile: Profile, document: IncidentDocument, *, allow_sandbox: bool
) -> Iterator[Tracker]:
    """Open the tracker that is meant. What happened in the sandbox goes to the sandbox's own GitHub.

    Raises RelgateError where the profile names none.
    """
    if to == "command":
        if not profile.incidents.command:
            message = 'the profile names no command: add [incidents] command = "..." to relgate.toml'
            raise RelgateError(message)
        if document.sandbox and not allow_sandbox:
            message = (
                f"incident {document.key} is of the sandbox and no release is concerned: add --allow-sandbox "
                "to give it to a real tracker all the same"
            )
            raise RelgateError(message)
        yield Command(
            shlex.split(profile.incidents.command), top, profile.incidents.label, _redactor(profile)
        )
    else:
        with _github(top, profile, sandbox=document.sandbox) as made:
            yield made


def _redactor(profile: Profile) -> Redactor:
    """What stands in this environment as a secret leaves in no incident."""
    from pytest_relgate.exec.redact import Redactor, secret_values

    return Redactor(secret_values(os.environ, profile.secrets.names))


@contextmanager
def _github(top: Path, profile: Profile, *, sandbox: bool) -> Iterator[GitHubIssues]:
    from pytest_relgate.github.api import Api
    from pytest_relgate.github.issues import Issues
    from pytest_relgate.net.credentials import github_credentials, secrets_of, why_none
    from pytest_relgate.net.http import Http
    from pytest_relgate.net.origins import PUBLIC

    if not profile.repository:
        message = 'the profile names no repository on GitHub: add repository = "owner/name" to relgate.toml'
        raise RelgateError(message)
    if sandbox:
        from pytest_relgate.sandbox.box import open_box

        box = open_box(top, (), os.environ)
        base, environ = box.origins.github_api, {"GH_TOKEN": "sandbox-token"}
    else:
        box, base, environ = None, PUBLIC.github_api, dict(os.environ)
    credentials = github_credentials(environ, base, ask_gh=not sandbox)
    without = "" if credentials else why_none(environ)
    redactor = _redactor(profile).adding(secrets_of(credentials))
    try:
        with Http(credentials) as http:
            issues = Issues(Api(http, base, profile.repository))
            yield GitHubIssues(issues, profile.incidents.label, redactor, without=without)
    finally:
        if box is not None:
            box.close()


@dataclass(frozen=True)
class GitHubIssues:
    """Issues with a label; the body's last line tells one incident from every other.

    ``without`` says why there are no credentials, empty where there are.
    """

    issues: Issues
    label: str
    redactor: Redactor
    without: str = ""

    def file(self, document: IncidentDocument, known: str) -> tuple[str, bool]:  # noqa: ARG002  (GitHub knows)
        """File it as an issue, unless one with its key is there, open or closed."""
        if self.without:
            raise CannotJudge(self.without, do=DO)
        filed = self.issues.file(
            self.redactor.text(report.title(document)),
            self.redactor.text(report.markdown(document)),
            label=self.label,
            is_it=lambda issue: report.key_in(issue.body) == document.key,
        )
        issue = filed.issue
        closed = "" if issue.state == "open" else ", which is closed: reopen it if it is not over"
        dropped = "" if issue.has(self.label) else f", without the label {self.label}: add it by hand"
        return f"{issue.html_url}{closed}{dropped}", filed.fresh


@dataclass(frozen=True)
class Command:
    """A command of the profile, which gets the incident as JSON on its standard input.

    Its last line of output is what the incident is called there. It is run once for an incident: what was
    filed from here before is not given to it again; whoever files from elsewhere goes by ``key``.
    """

    argv: list[str]
    top: Path
    label: str
    redactor: Redactor

    def file(self, document: IncidentDocument, known: str) -> tuple[str, bool]:
        """Run the command with the incident, unless it has it."""
        import subprocess

        if known:
            return known, False
        given = {
            "key": document.key,
            "title": report.title(document),
            "body": report.markdown(document),
            "label": self.label,
            "incident": document,
        }
        text = self.redactor.text(msgspec.json.encode(given).decode())
        name = self.argv[0]
        again = f"type {shlex.join(self.argv)} by hand to see what is wrong"
        try:
            ended = subprocess.run(  # noqa: S603  (no shell; the profile names the command)
                self.argv,
                input=text.encode(),
                capture_output=True,
                cwd=self.top,
                timeout=_PATIENCE,
                check=False,
            )
        except FileNotFoundError:
            message = f"{name}: there is no such command"
            raise CannotJudge(message, do="install it, or name another: incidents.command") from None
        except subprocess.TimeoutExpired:
            message = f"{name} did not end within {_PATIENCE:g} s; whether it filed is not known"
            raise CannotJudge(message, do="see whether the tracker has it before you type it again") from None
        except OSError as error:
            message = f"{name} cannot be run: {error.strerror or error}"
            raise CannotJudge(message, do=again) from None
        out = self.redactor.text(ended.stdout.decode("utf-8", "replace"))
        if ended.returncode:
            said = first_line(self.redactor.text(ended.stderr.decode("utf-8", "replace")) or out)
            message = f"{name} ended with status {ended.returncode}: {said or 'it said nothing'}"
            raise CannotJudge(message, do=again)
        lines = [line for line in out.splitlines() if line.strip()]
        return first_line(lines[-1]) if lines else f"by {name}", True
