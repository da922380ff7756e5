"""What time it is, for the record."""

from __future__ import annotations

import time
from functools import lru_cache


def now() -> str:
    """The moment, RFC 3339 in UTC with seconds."""
    return rfc3339(int(time.time()))


@lru_cache(maxsize=64)
def rfc3339(seconds: int) -> str:
    """Seconds of the epoch as RFC 3339 in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
