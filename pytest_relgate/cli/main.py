"""The command line's words, and which room each goes to."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import shutil
import sys
from typing import TYPE_CHECKING, NoReturn

from pytest_relgate.cli.audit_words import add_audit
from pytest_relgate.cli.incident_words import add_incident
from pytest_relgate.cli.init_words import add_init
from pytest_relgate.cli.waive_words import add_waive
from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 80

EXIT_STATUS = """\
exit status:
  0  PASSED
  1  BLOCKED, INCOMPLETE, STALE, TAMPERED, REPLAYED, SANDBOX: do not release
  2  UNDECIDED, UNLOCKED: what it takes to decide is not here; or bad arguments
  3  PENDING: nothing is wrong, the world has not caught up yet: ask again later
"""

STATUS_EXITS = """\
exit status:
  0  nothing is wrong
  1  an anomaly: a partial or failed publish, other bytes on a channel, a build that
     proves another source, a tag that moved or means two commits, altered evidence
  2  not everything could be looked at; or bad arguments
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"relgate: {message}: type {self.prog} --help\n")


def _formatter(prog: str) -> argparse.HelpFormatter:
    width = min(WIDTH, shutil.get_terminal_size().columns)
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=26, width=width - 2)


def parser() -> argparse.ArgumentParser:
    """The parser of ``relgate``."""
    top = _Parser(
        prog="relgate",
        description="Draft release gates; look at evidence that pytest-relgate wrote, and at its\nsandbox.",
        epilog="relgate COMMAND --help says more.",
        allow_abbrev=False,
        formatter_class=_formatter,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    verify = commands.add_parser(
        "verify",
        help="verify sealed evidence, by its exit status",
        description="Read an evidence folder, and the checks that git has at the commit it names;\n"
        "judge again, compare, and say what it comes to. It changes nothing.",
        epilog=EXIT_STATUS,
        allow_abbrev=False,
        formatter_class=_formatter,
    )
    verify.add_argument("folder", metavar="FOLDER", help="such as release-evidence/v0.1.10/prerelease")
    verify.add_argument(
        "--commit", metavar="SHA", help="the commit that is to be released: tells stale evidence"
    )
    verify.add_argument("--head", metavar="DIGEST", help="the head that the run printed: tells an older seal")
    verify.add_argument(
        "--target", metavar="vX.Y.Z", help="the release, where the folder's path does not say it"
    )
    verify.add_argument("--phase", metavar="PHASE", help="the phase, where the folder's path does not say it")
    verify.add_argument("--repo", metavar="PATH", help="the repository that holds the checks (default: here)")
    verify.add_argument(
        "--checks", metavar="PATH", help="the checks folder in it (default: as pytest finds it)"
    )
    verify.add_argument(
        "--under-release",
        metavar="PATH",
        help="the repository under release (default: what the profile says)",
    )
    verify.add_argument("--allow-sandbox", action="store_true", help="verify evidence of the sandbox too")
    verify.add_argument("--json", action="store_true", help="print the answer as one line of JSON")
    _add_status(commands)
    _add_sandbox(commands)
    add_audit(commands, allow_abbrev=False, formatter_class=_formatter)
    add_incident(commands, allow_abbrev=False, formatter_class=_formatter)
    add_waive(commands, allow_abbrev=False, formatter_class=_formatter)
    add_init(commands, allow_abbrev=False, formatter_class=_formatter)
    return top


def _add_status(commands: argparse._SubParsersAction[_Parser]) -> None:
    status = commands.add_parser(
        "status",
        help="show where a release stands, what is wrong, what to type next",
        description="Look at the tree, the evidence, the runs and the channels of a release, once.\n"
        "It starts nothing. Whether a phase passed is for relgate verify to say.",
        epilog=STATUS_EXITS,
        allow_abbrev=False,
        formatter_class=_formatter,
    )
    status.add_argument(
        "target", metavar="TAG", nargs="?", help="the release (default: the one with the newest evidence)"
    )
    status.add_argument("--repo", metavar="PATH", help="the checkout that holds the checks (default: here)")
    status.add_argument("--checks", metavar="PATH", help="the checks folder (default: as pytest finds it)")
    status.add_argument(
        "--release-repo",
        metavar="PATH",
        help="the repository under release, or sandbox (default: what the profile says)",
    )
    status.add_argument("--evidence", metavar="PATH", help="where evidence is (default: as pytest finds it)")
    status.add_argument("--offline", action="store_true", help="look at nothing outside this machine")
    status.add_argument("--json", action="store_true", help="print the answer as one line of JSON")


def _add_sandbox(commands: argparse._SubParsersAction[_Parser]) -> None:
    sandbox = commands.add_parser(
        "sandbox",
        help="start the release world in a box, list its faults, or reset it",
        description="Start loopback twins of GitHub, crates.io, npm and PyPI around a miniature project,\n"
        "show where they are, and serve until Ctrl-C. What happens in it is kept.",
        allow_abbrev=False,
        formatter_class=_formatter,
    )
    sandbox.add_argument("--list-faults", action="store_true", help="list the faults, by phase, and end")
    sandbox.add_argument(
        "--reset",
        action="store_true",
        help="forget everything that happened in it, move evidence of it aside, and end",
    )
    sandbox.add_argument("--keep-evidence", action="store_true", help="with --reset: leave evidence of it")
    sandbox.add_argument("--evidence", metavar="PATH", help="where evidence is (default: as pytest finds it)")
    sandbox.add_argument("--expire", metavar="NAME,NAME", help="let these secrets expire, and end")
    sandbox.add_argument("--renew", metavar="NAME,NAME", help="renew them, and end")
    sandbox.add_argument("--fault", metavar="NAME,NAME", help="serve a copy with these faults")
    sandbox.add_argument("--repo", metavar="PATH", help="the checkout whose sandbox it is (default: here)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status. No traceback reaches a person."""
    top = parser()
    options = top.parse_args(argv)
    if options.command is None:
        top.print_help()
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may know fewer characters than a name has
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        _refuse_what_is_no_text(sys.argv[1:] if argv is None else argv)
        # Each command has a room, and in it a function, of its own name; only this one is loaded.
        room = importlib.import_module(f"pytest_relgate.cli.{options.command}")
        status = int(getattr(room, options.command)(options))
        sys.stdout.flush()
    except RelgateError as error:
        print(f"relgate: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        words = (
            f"{place}{error.strerror or error}: see that it is there, can be read and written, and has room"
        )
        print(f"relgate: {words}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status


def _refuse_what_is_no_text(argv: Sequence[str]) -> None:
    """Raise RelgateError for an argument that is not UTF-8: it could stand in no evidence and no answer."""
    for word in argv:
        if any("\ud800" <= char <= "\udfff" for char in word):
            message = f"expected arguments in UTF-8, found {word!a}: type it again in UTF-8"
            raise RelgateError(message)
