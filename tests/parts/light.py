"""Arguments by which a run leaves out plugins of others that it is not about: half of what a start takes."""

from __future__ import annotations

_OTHERS = (
    *("anyio", "asyncio", "hypothesispytest", "pytest_cov", "pytest_jsonreport", "pytest_reportlog"),
    *("randomly", "flaky", "pytest-retry", "rerunfailures"),
)
LIGHT = tuple(word for name in _OTHERS for word in ("-p", f"no:{name}"))
