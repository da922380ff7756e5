"""The command ``relgate``: reads evidence and facts; it judges nothing that a run did not judge."""

from pytest_relgate.cli.main import main

__all__ = ["main"]
