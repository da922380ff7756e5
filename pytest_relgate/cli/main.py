"""The command line's words, and which room each goes to."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from collections.abc import Sequence


def parser() -> argparse.ArgumentParser:
    """The parser of ``relgate``."""
    top = argparse.ArgumentParser(prog="relgate", description="Look at release evidence.", allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    verify = commands.add_parser(
        "verify",
        help="verify sealed evidence: 0 passed, 1 blocked, 2 cannot decide, 3 only pending",
        description="Read an evidence folder and the checks in git, judge again, and say what it comes to. "
        "Exit status: 0 passed, 1 blocked, 2 cannot decide, 3 only pending.",
    )
    verify.add_argument("folder", help="the evidence folder, as release-evidence/v0.1.10/prerelease")
    verify.add_argument("--commit", metavar="SHA", help="the commit that is to be released")
    verify.add_argument("--head", metavar="DIGEST", help="the head that the run printed: tells a replay")
    verify.add_argument("--repo", metavar="PATH", help="the repository that holds the checks (default: here)")
    verify.add_argument(
        "--under-release", metavar="PATH", help="the repository under release, where it is another one"
    )
    verify.add_argument("--allow-sandbox", action="store_true", help="verify evidence of the sandbox too")
    verify.add_argument("--json", action="store_true", help="print the answer as one line of JSON")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status. No traceback reaches a person."""
    options = parser().parse_args(argv)
    try:
        from pytest_relgate.cli.verify import verify

        return verify(options)
    except RelgateError as error:
        print(f"relgate: {error}", file=sys.stderr)  # noqa: T201  (this is the command line)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except KeyboardInterrupt:
        return 130
