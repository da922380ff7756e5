"""The words of ``relgate incident``: its parser, without the room that does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import argparse

_EVIDENCE: Final = (
    "a phase's folder as release-evidence/v0.1.10/publish, a release's as release-evidence/v0.1.10, "
    "or an incident's file"
)
_STATUS: Final = """\
exit status:
  0  filed, or it was there already
  1  not filed: the tracker failed, and nothing is lost
  2  evidence that cannot be relied on, or bad arguments
  3  nothing was filed: a dry run, or no incident
"""


def add_incident(commands: argparse._SubParsersAction[Any], **look: Any) -> None:
    """Add ``incident`` with show, file and declare; ``look`` is how every parser looks."""
    incident = commands.add_parser(
        "incident",
        help="show, declare and file incidents",
        description="An incident is a workflow failure that needs a change of code, a partial\n"
        "publish or channels that disagree, or an exception from the policy. What fails\n"
        "in an ordinary way is none. Nothing is filed unless you say so.",
        **look,
    )
    actions = incident.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="the incidents that evidence speaks of", **look)
    _common(show)
    shape = show.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print them as one line of JSON")
    shape.add_argument("--markdown", action="store_true", help="print them as they are filed")
    file = actions.add_parser("file", help="file them, each once", epilog=_STATUS, **look)
    _common(file)
    file.add_argument(
        "--to",
        choices=("github", "command"),
        help="issues on GitHub, or the command of the profile (default: the command, if there is one)",
    )
    file.add_argument(
        "--mode",
        choices=("dry-run", "live"),
        help="whether anything is filed (default: the mode of the run that the evidence is of)",
    )
    file.add_argument(
        "--allow-sandbox", action="store_true", help="give incidents of the sandbox to the command too"
    )
    declare = actions.add_parser("declare", help="declare one by hand: an exception from the policy", **look)
    _common(declare)
    declare.add_argument("--reason", metavar="WORDS", required=True, help="what was let go, and why")
    declare.add_argument("--agent", metavar="NAME", required=True, help="who declares it")


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("evidence", metavar="EVIDENCE", help=_EVIDENCE)
    parser.add_argument("--repo", metavar="PATH", help="the checkout that holds the checks (default: here)")
    parser.add_argument(
        "--checks", metavar="PATH", help="the checks folder in it (default: the evidence's own)"
    )
