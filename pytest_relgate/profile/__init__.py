"""The facts of a project, read strictly from the files of its checks folder."""

from __future__ import annotations

from pytest_relgate.profile.channels import Channel
from pytest_relgate.profile.duration import seconds
from pytest_relgate.profile.facts import (
    FILE_NAME,
    Approvers,
    Base,
    Limits,
    Profile,
    Report,
    Secrets,
    load_profile,
    parse_profile,
)
from pytest_relgate.profile.fault import Fault
from pytest_relgate.profile.source import Built, Workflows

__all__ = [
    "FILE_NAME",
    "Approvers",
    "Base",
    "Built",
    "Channel",
    "Fault",
    "Limits",
    "Profile",
    "Report",
    "Secrets",
    "Workflows",
    "load_profile",
    "parse_profile",
    "seconds",
]
