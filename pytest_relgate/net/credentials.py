"""Where credentials come from: the environment, else gh's own login. They are written nowhere.

A credential belongs to one origin: ``net/http.py`` sends it there and to no other address, not over a
redirect either. What gh gave is nowhere in the environment, so whoever asks must tell the redactor of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pytest_relgate.net.request import Credential

if TYPE_CHECKING:
    from collections.abc import Mapping

DO: Final = "type gh auth login, or set GH_TOKEN"
"""What to do where there are none."""

_NAMES: Final = ("GH_TOKEN", "GITHUB_TOKEN")
_SCHEME: Final = "Bearer "
_PATIENCE: Final = 10  # seconds for a keyring that asks its owner


def github_credentials(environ: Mapping[str, str], api: str, *, ask_gh: bool) -> tuple[Credential, ...]:
    """The credential for GitHub's API at ``api``, or none: public facts can be read without.

    ``ask_gh`` lets the gh command say the token that it keeps, where the environment has none.
    """
    _, token = _in(environ)
    if not token and ask_gh:
        token = _from_gh(environ)
    return (Credential(api, f"{_SCHEME}{token}"),) if _is_token(token) else ()


def secrets_of(credentials: tuple[Credential, ...]) -> tuple[str, ...]:
    """What of credentials may stand in no evidence: the tokens themselves."""
    return tuple(one.value.removeprefix(_SCHEME) for one in credentials)


def why_none(environ: Mapping[str, str]) -> str:
    """Say in one line why there are no credentials for GitHub; never what stands in a variable."""
    import shutil

    name, token = _in(environ)
    if token:
        return (
            f"there are no credentials for GitHub: {name} is set, and what it holds is no token "
            "(a token has no space, line break or other sign in it)"
        )
    gh = shutil.which("gh", path=environ.get("PATH"))
    says = "gh has none" if gh else "there is no gh to ask"
    return f"there are no credentials for GitHub: {' and '.join(_NAMES)} are not set, {says}"


def _in(environ: Mapping[str, str]) -> tuple[str, str]:
    """The first variable that holds anything, and what."""
    return next(((name, found) for name in _NAMES if (found := environ.get(name, "").strip())), ("", ""))


def _is_token(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and " " not in text


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
