"""npm, cargo, pip and twine as a person has them, with a home of their own and nowhere to go but loopback.

Whatever honours a proxy finds one that notes what it was asked for: a client that wants to talk to anybody
but the registry it was given cannot, and is found out.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = "127.0.0.1,localhost"
TOKEN = "a-token-of-tests"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


@dataclass(frozen=True)
class Client:
    """A program with its first arguments, its folder and its whole environment."""

    argv: tuple[str, ...]
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __call__(self, *args: str, folder: Path | None = None, **environ: str) -> Done:
        """Run it, whatever comes of it."""
        done = subprocess.run(
            [*self.argv, *args],
            cwd=folder or self.folder,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def does(self, *args: str, folder: Path | None = None, **environ: str) -> str:
        """Run it and return its standard output; fail with what it said where it does not end well."""
        done = self(*args, folder=folder, **environ)
        assert done.status == 0, f"{' '.join((*self.argv, *args))} ended with {done.status}:\n{done.text}"
        return done.out

    def fails(self, *args: str, folder: Path | None = None, **environ: str) -> str:
        """Run it and return all that it said; fail where it ends well."""
        done = self(*args, folder=folder, **environ)
        assert done.status != 0, f"{' '.join((*self.argv, *args))} ended well:\n{done.text}"
        return done.text


def environment(home: Path, proxy: str) -> dict[str, str]:
    """The whole environment of a client: a path, a home, and a proxy for everything but loopback."""
    proxies = {
        name: proxy for word in ("http_proxy", "https_proxy", "all_proxy") for name in (word, word.upper())
    }
    home.mkdir(parents=True, exist_ok=True)
    found = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "TMPDIR": str(home)}
    return {**found, **proxies, "NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK}


def npm(home: Path, url: str, proxy: str, token: str = TOKEN) -> Client:
    """npm, with a registry and a token for it."""
    environ = environment(home, proxy)
    lines = [f"registry={url}/", f"cache={home / 'npm-cache'}", "update-notifier=false"]
    if token:
        lines.append(f"{url.removeprefix('http:')}/:_authToken={token}")
    (home / ".npmrc").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Client(("npm",), home, {**environ, "NPM_CONFIG_GLOBALCONFIG": str(home / "no-npmrc")})


def cargo(home: Path, url: str, proxy: str, token: str = TOKEN) -> Client:
    """cargo, with the sparse registry ``twin`` in place of crates.io."""
    environ = environment(home, proxy)
    (home / "cargo").mkdir(exist_ok=True)
    (home / "cargo" / "config.toml").write_text(
        f'[registries.twin]\nindex = "sparse+{url}/"\n\n[registry]\ndefault = "twin"\n'
        'global-credential-providers = ["cargo:token"]\n\n'
        '[source.crates-io]\nreplace-with = "twin"\n\n[net]\nretry = 0\n',
        encoding="utf-8",
    )
    environ |= {
        "CARGO_HOME": str(home / "cargo"),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
        "CARGO_TARGET_DIR": str(home / "target"),
    }
    if token:
        environ["CARGO_REGISTRIES_TWIN_TOKEN"] = token
    return Client(("cargo",), home, environ)


def pip(home: Path, index: str, proxy: str) -> Client:
    """pip, with one index."""
    environ = environment(home, proxy)
    environ |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index,
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_CACHE_DIR": str(home / "pip-cache"),
        "PIP_RETRIES": "0",
    }
    return Client((sys.executable, "-m", "pip"), home, environ)


def twine(home: Path, upload: str, proxy: str, token: str = TOKEN, user: str = "__token__") -> Client:
    """twine, with one index to upload to."""
    environ = environment(home, proxy)
    environ |= {"TWINE_REPOSITORY_URL": upload, "TWINE_USERNAME": user, "TWINE_PASSWORD": token}
    environ |= {"TWINE_NON_INTERACTIVE": "1"}
    return Client((sys.executable, "-m", "twine"), home, environ)
