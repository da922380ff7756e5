"""Where credentials come from: the environment, else the tool that keeps them. They are written nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_relgate.net.http import Credential

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES: Final = ("GH_TOKEN", "GITHUB_TOKEN")
_PATIENCE: Final = 10  # seconds for a keyring that asks its owner


def github_credentials(environ: Mapping[str, str], api: str, *, ask_gh: bool) -> tuple[Credential, ...]:
    """The credential for GitHub's API at ``api``, or none: public facts can be read without.

    ``ask_gh`` lets the gh command say the token that it keeps, where the environment has none.
    """
    token = next((found for name in _NAMES if (found := environ.get(name, "").strip())), "")
    if not token and ask_gh:
        token = _from_gh(environ)
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        return ()
    return (Credential(api, f"Bearer {token}"),)


def _from_gh(environ: Mapping[str, str]) -> str:
    import shutil
    import subprocess

    program = shutil.which("gh", path=environ.get("PATH"))
    if program is None:
        return ""
    try:
        ended = subprocess.run(  # noqa: S603  (no shell; the program is the user's own)
            [program, "auth", "token", "--hostname", "github.com"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE,
            env=dict(environ),
            check=False,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""
