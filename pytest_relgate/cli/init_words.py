"""The words of ``relgate init``: its parser, without the room that does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import argparse

_STATUS: Final = """\
exit status:
  0  drafted
  2  a file is there already, nothing to draft from, or bad arguments: nothing was written
"""


def add_init(commands: argparse._SubParsersAction[Any], **look: Any) -> None:
    """Add ``init``; ``look`` is how every parser looks."""
    init = commands.add_parser(
        "init",
        help="draft a profile and first gates from what is here",
        description="Read manifests, tags and changelog as they are committed, write a small relgate.toml\n"
        "and gates that a first run can judge, and say what was found, assumed and not found.\n"
        "A file that is there is never touched.",
        epilog=_STATUS,
        **look,
    )
    init.add_argument("--repo", metavar="PATH", help="the checkout (default: here)")
    init.add_argument("--checks", metavar="PATH", help="the folder to write (default: as pytest finds it)")
