"""Records a release that is walked through the sandbox in a terminal, and draws docs/walk.svg of it.

    python benchmarks/walk_picture.py

Clones the last commit into a folder of its own, types the five commands of docs/walk.md there in a terminal
of 80 columns (a pseudo-terminal, POSIX), and draws what it was told, colours and all. Lines that tell
nothing of the release (pytest's own, what is stood in for) are left out, and a mark stands in their place.
Ends with 1 where a phase did not pass; then nothing is drawn.
"""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests/parts")]

from checkout import cloned  # noqa: E402  (found through the line above)
from terminal_picture import WIDTH, bare, drawn, shown  # noqa: E402  (found by the path above)

PICTURE = ROOT / "docs/walk.svg"
TITLE = "Five commands, typed one after another in the sandbox, each ending with PASSED v0.1.10"


def commands() -> list[str]:
    """The five commands, as the page about the walk has them."""
    page = (ROOT / "docs/walk.md").read_text(encoding="utf-8")
    first = page.partition("```console\n")[2].partition("```")[0]
    return [" ".join(line.partition("#")[0].removeprefix("$").split()) for line in first.splitlines()]


def main() -> int:
    """Walk, and draw."""
    lines: list[str] = []
    told = ""
    with tempfile.TemporaryDirectory() as folder:
        checkout, environ = cloned(Path(folder))
        found = shutil.which("pytest", path=Path(sys.executable).parent)
        if found is None:
            print("expected pytest beside this Python", file=sys.stderr)
            return 2
        Path(folder, "bin/pytest").symlink_to(found)
        (Path(folder) / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@laptop\n")
        mine = {"HOME": folder, "PYTHONPATH": str(checkout), "TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
            environ.pop(name, None)
        typed = commands()
        for command in typed:
            status, output = _in_a_terminal(command, checkout, environ | mine)
            if status != 0:
                print(output, file=sys.stderr)
                return 1
            told += output
            lines += [*shown(command, output.splitlines(), whole=command == typed[-1]), ""]
    leaks = [line for line in lines if any(word in bare(line) for word in (folder, os.uname().nodename))]
    if leaks:
        print("these lines tell of this machine:", *leaks, sep="\n", file=sys.stderr)
        return 1
    PICTURE.write_text(drawn(_folded(lines[:-1]), TITLE), encoding="utf-8")
    size = f"{len(lines)} of {len(told.splitlines())} lines, {PICTURE.stat().st_size:,} bytes"
    print(f"{PICTURE.relative_to(ROOT)}: {size}")
    return 0


def _in_a_terminal(command: str, folder: Path, environ: dict[str, str]) -> tuple[int, str]:
    """Type a command in a terminal of 80 columns; its exit status, and what the terminal was told."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, WIDTH, 0, 0))
    with subprocess.Popen(
        shlex.split(command), cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        told = bytearray()
        while chunk := _read(ours):
            told += chunk
    os.close(ours)
    return process.returncode, told.decode(errors="replace")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the other end is closed: Linux says EIO
        return b""


def _folded(lines: list[str]) -> list[str]:
    """As a terminal of 80 columns shows them: a command is broken where the line ends."""
    folded: list[str] = []
    for line in lines:
        words = bare(line)
        if line.startswith("$ "):
            folded += [f"\x1b[1;97m{words[at : at + WIDTH]}" for at in range(0, len(words), WIDTH)]
        elif len(words) > WIDTH:
            folded += [words[at : at + WIDTH] for at in range(0, len(words), WIDTH)]
        else:
            folded.append(line)
    return folded


if __name__ == "__main__":
    sys.exit(main())
