"""When a release is rehearsed, as the profile says. SPEC S37."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pytest_relgate.profile.pattern import checked_pattern, checked_patterns

_Pattern = Annotated[str, Meta(description="a gitignore-style pattern", extra={"parse": checked_pattern})]


class Rehearsal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether every release is rehearsed, or those alone whose machinery or credentials changed.

    ``machinery`` are patterns of files that belong to the release machinery although no workflow names them.
    """

    when: Literal["always", "changed"] = "always"
    machinery: Annotated[
        tuple[_Pattern, ...], Meta(description="an array of patterns", extra={"parse": checked_patterns})
    ] = ()
