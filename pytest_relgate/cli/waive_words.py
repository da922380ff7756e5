"""The words of ``relgate waive``: its parser, without the room that does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import argparse

_STATUS: Final = """\
exit status:
  0  drafted
  2  what cannot be waived, or bad arguments: nothing was written
"""


def add_waive(commands: argparse._SubParsersAction[Any], **look: Any) -> None:
    """Add ``waive``; ``look`` is how every parser looks."""
    waive = commands.add_parser(
        "waive",
        help="draft the waiver of a gate that blocks",
        description="Print the entry of waivers.toml by which a release could go on although a gate blocks:\n"
        "for what the newest evidence says of it. It counts once somebody has said why, an\n"
        "approver has reviewed it and it is committed. Nothing is written unless you ask.",
        epilog=_STATUS,
        **look,
    )
    waive.add_argument("gate", metavar="GATE", help="the id of the gate, as reports show it")
    waive.add_argument(
        "--release", metavar="vX.Y.Z", help="the release (default: the one with the newest evidence)"
    )
    waive.add_argument("--reason", metavar="WORDS", help="why (default: to be filled in)")
    waive.add_argument(
        "--owner",
        metavar="NAME",
        help="who sees to it that it is no longer needed (default: git's user.name)",
    )
    waive.add_argument("--approver", metavar="NAME", help="one of approvers.people of the profile")
    waive.add_argument(
        "--days", metavar="N", type=int, default=7, help="how long it holds, at most 30 (default: 7)"
    )
    waive.add_argument("--write", action="store_true", help="append the entry to waivers.toml; commit it")
    waive.add_argument("--repo", metavar="PATH", help="the checkout that holds the checks (default: here)")
    waive.add_argument("--checks", metavar="PATH", help="the checks folder (default: as pytest finds it)")
    waive.add_argument("--evidence", metavar="PATH", help="where evidence is (default: as pytest finds it)")
