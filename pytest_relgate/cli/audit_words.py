"""How ``relgate audit`` is typed. Apart from the command itself, which takes longer to load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

EXIT_STATUS = """\
exit status:
  0  PASSED
  1  FAILED: something is wrong that no time mends
  2  UNDECIDED: something could not be seen, or was not found where it was guessed
  3  PENDING: nothing is wrong, a channel has not caught up yet: ask again later
"""


def add_audit(commands: argparse._SubParsersAction[Any], **shape: Any) -> None:
    """Add the command to those of ``relgate``; ``shape`` is how its parser is made."""
    audit = commands.add_parser(
        "audit",
        usage="relgate audit [-h] [--channel KIND=NAME] [--index URL] [--json] [OWNER/NAME] TAG",
        help="judge a release that is out, with nothing set up",
        description="Judge a release that is out, on every channel that its manifests name:\n"
        "read-only, without credentials, in five minutes at most. In a checkout the\n"
        "tag is enough.",
        epilog=EXIT_STATUS,
        **shape,
    )
    audit.add_argument("what", metavar="[OWNER/NAME] TAG", nargs="+", help="such as ada/demo v1.2.0")
    audit.add_argument(
        "--channel",
        metavar="KIND=NAME",
        action="append",
        help="look there, and not where the manifests lead; KIND= leaves it out",
    )
    audit.add_argument(
        "--index", metavar="URL", help="a mirror in the place of PyPI, such as https://host/simple"
    )
    audit.add_argument("--npm-registry", metavar="URL", help="a mirror in the place of the npm registry")
    audit.add_argument("--crates-index", metavar="URL", help="a mirror in the place of crates.io's index")
    audit.add_argument("--json", action="store_true", help="print the answer as one line of JSON")
