"""What time it is, for the record."""

from __future__ import annotations

import time


def now() -> str:
    """The moment, RFC 3339 in UTC with seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
