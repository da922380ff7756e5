"""What a gate's commands see in the sandbox: settings by which real clients talk to the twins alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_relgate.net.origins import Origins

TOKEN: Final = "sandbox-token"  # noqa: S105  (opens nothing but the twins)
NOWHERE: Final = "http://127.0.0.1:9"
"""The discard port: nothing listens there, so that what is sent there is refused at once."""

_CREDENTIALS: Final = (
    "CARGO_REGISTRY_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GH_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GITHUB_TOKEN",
    "HOMEBREW_TAP_TOKEN",
    "NODE_AUTH_TOKEN",
    "NPM_TOKEN",
    "PYPI_API_TOKEN",
)


def settings(origins: Origins, folder: Path) -> dict[str, str]:
    """Environment by which npm, pip, twine, cargo, gh and go talk to the twins; files go to ``folder``.

    The user's own configuration and credentials are out of their reach, and so is the network: whatever
    honours a proxy finds one that refuses. Raises OSError where the folder cannot be written.
    """
    npmrc, cargo = folder / "npmrc", folder / "cargo"
    host = origins.npm.partition("//")[2]
    npmrc.write_text(f"registry={origins.npm}/\n//{host}/:_authToken={TOKEN}\n", encoding="utf-8")
    cargo.mkdir()
    (cargo / "config.toml").write_text(
        '[source.crates-io]\nreplace-with = "sandbox"\n\n'
        f'[registries.sandbox]\nindex = "sparse+{origins.crates_index}/"\n\n'
        '[registry]\ndefault = "sandbox"\n',
        encoding="utf-8",
    )
    return {
        **_no_network(),
        **dict.fromkeys(_CREDENTIALS, TOKEN),
        "NPM_TOKEN": f"npm_{TOKEN}",
        "PYPI_API_TOKEN": f"pypi-{TOKEN}",
        "npm_config_registry": f"{origins.npm}/",
        "npm_config_userconfig": str(npmrc),
        "npm_config_globalconfig": os.devnull,
        "npm_config_cache": str(folder / "npm"),
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"{origins.pypi}/simple/",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "TWINE_REPOSITORY_URL": f"{origins.pypi}/legacy/",
        "TWINE_USERNAME": "__token__",
        "TWINE_PASSWORD": TOKEN,
        "CARGO_HOME": str(cargo),
        "CARGO_REGISTRIES_SANDBOX_INDEX": f"sparse+{origins.crates_index}/",
        "CARGO_REGISTRIES_SANDBOX_TOKEN": TOKEN,
        "GH_HOST": origins.github_web.partition("//")[2],
        "GH_CONFIG_DIR": str(folder / "gh"),
        "GITHUB_API_URL": origins.github_api,
        "GITHUB_SERVER_URL": origins.github_web,
        "GOPROXY": origins.go_proxy,
        "GOSUMDB": "off",
        "GOTOOLCHAIN": "local",
    }


def _no_network() -> dict[str, str]:
    names = ("http_proxy", "https_proxy", "all_proxy")
    here = "127.0.0.1,localhost"
    return {
        **dict.fromkeys((*names, *map(str.upper, names)), NOWHERE),
        "NO_PROXY": here,
        "no_proxy": here,
    }
