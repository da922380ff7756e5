"""The addresses of the services: the only place in the code where the public ones stand."""

from __future__ import annotations

import msgspec


class Origins(msgspec.Struct, frozen=True):
    """Base URLs, without a slash at the end. The sandbox puts its twins' in their place."""

    github_api: str = "https://api.github.com"
    github_web: str = "https://github.com"
    crates_index: str = "https://index.crates.io"
    crates_api: str = "https://crates.io"
    crates_files: str = "https://static.crates.io"
    npm: str = "https://registry.npmjs.org"
    pypi: str = "https://pypi.org"
    go_proxy: str = "https://proxy.golang.org"


PUBLIC = Origins()
