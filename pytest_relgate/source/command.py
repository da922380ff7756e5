"""How git is run: on the repository that was asked about, in English, writing nothing."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from subprocess import CompletedProcess

SECONDS_FOR_GIT = 600
"""A git that hangs (a dead network drive) must not hang a release for ever."""

# Everything else that starts with GIT_ is dropped: inside a hook or `git rebase --exec` it points at
# another repository or index, and the rest changes what git prints. What is kept says whom to trust
# (safe.directory comes by GIT_CONFIG_COUNT in containers) and where git itself lives.
_KEPT = re.compile(
    r"GIT_(CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)|EXEC_PATH|CEILING_DIRECTORIES"
    r"|DISCOVERY_ACROSS_FILESYSTEM)"
)
_SET = {
    "LC_ALL": "C",  # messages are read below
    "GIT_OPTIONAL_LOCKS": "0",  # status would refresh the index otherwise
    "GIT_NO_REPLACE_OBJECTS": "1",  # a commit id stands for its own tree, not for a replacement's
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone must not ask the network
    "GIT_TERMINAL_PROMPT": "0",
}
_CONFIG = (
    "core.quotepath=off",
    "core.fsmonitor=false",
    # a change that keeps size and modification time still changes the status-change time
    "core.trustctime=true",
    "core.checkStat=default",
)


def environment_for_git(environ: Mapping[str, str]) -> dict[str, str]:
    """Environment in which git answers about the repository that it is asked about, in English."""
    kept = {
        name: value for name, value in environ.items() if not name.startswith("GIT_") or _KEPT.fullmatch(name)
    }
    return kept | _SET


def git(
    folder: Path,
    *args: str | bytes,
    ok: tuple[int, ...] = (0,),
    stdin: bytes = b"",
    environ: Mapping[str, str] | None = None,
    settings: tuple[str, ...] = (),
) -> CompletedProcess[bytes]:
    """Run git in a folder, in this process's environment unless another one is given.

    ``settings`` are more of git's configuration, as ``core.fileMode=true``.

    Raises RelgateError in one line for any end that is not in ``ok``.
    """
    import subprocess

    # git takes bytes; what the locale makes of file names is none of its business
    spelt = [arg.encode("utf-8", "surrogateescape") if isinstance(arg, str) else arg for arg in args]
    config = [part for setting in (*_CONFIG, *settings) for part in ("-c", setting)]
    try:
        run = subprocess.run(  # noqa: S603  (git with a list of arguments, no shell)
            ["git", "-C", folder, *config, *spelt],  # noqa: S607  (the user's git)
            input=stdin,
            capture_output=True,
            check=False,
            env=environment_for_git(os.environ if environ is None else environ),
            timeout=SECONDS_FOR_GIT,
        )
    except FileNotFoundError:
        message = "expected git on PATH, found none: install git"
        raise RelgateError(message) from None
    except subprocess.TimeoutExpired:
        message = f"git did not answer about {folder} within {SECONDS_FOR_GIT} s: look at the disk"
        raise RelgateError(message) from None
    except OSError as error:
        message = f"git could not be run in {folder}: {error}"
        raise RelgateError(message) from None
    if run.returncode:
        _refuse_unusable(folder, run)
    if run.returncode not in ok:
        command = next(arg for arg in args if isinstance(arg, str) and not arg.startswith("-"))
        raise failed(folder, command, run)
    return run


def _refuse_unusable(folder: Path, run: CompletedProcess[bytes]) -> None:
    """Raise RelgateError if git says that it cannot work in the folder at all."""
    said = shown(run.stderr)
    if "dubious ownership" in said or "unsafe repository" in said:
        message = (
            f"git refuses {folder} because another user owns it: "
            f"type `git config --global --add safe.directory {folder}` if you trust it"
        )
    elif "not a git repository (or any" in said:
        message = f"expected a git repository, found none at {folder}: name one with --release-repo"
    elif "must be run in a work tree" in said:
        message = f"expected a working tree, found a bare repository at {folder}: name a clone of it"
    elif "cannot change to" in said:
        message = f"expected a folder of a git repository, found nothing at {folder}"
    else:
        return
    raise RelgateError(message)


def failed(folder: Path, command: str, run: CompletedProcess[bytes]) -> RelgateError:
    """Make the one-line error for a git command that ended as it should not."""
    lines = shown(run.stderr).strip().splitlines()
    said = next((line for line in lines if line.startswith(("fatal:", "error:"))), "")
    why = said or (lines or ["it said nothing"])[0]
    end = f"was killed by signal {-run.returncode}" if run.returncode < 0 else f"ended with {run.returncode}"
    return RelgateError(f"git {command} {end} in {folder}: {why}")


def shown(raw: bytes) -> str:
    r"""Text of what git printed; bytes that are not UTF-8 become ``\xNN``."""
    return raw.decode("utf-8", "backslashreplace")
