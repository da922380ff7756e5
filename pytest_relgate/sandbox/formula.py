"""The template of the miniature Plasmite's Homebrew formula, and what fills it. Texts only.

The project keeps the template, as Plasmite does; the tap keeps a filled one for each release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "homebrew/plasmite.rb"
"""Where the project keeps the template."""

PLATFORMS = ("darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64")
"""The platforms that the formula installs on, as the release archives are called."""

_URL = "https://github.com/sandover/plasmite/releases/download/v@VERSION@/plasmite_@VERSION@"

_TEMPLATE = f"""\
class Plasmite < Formula
  desc "Ring of messages, in miniature"
  homepage "https://github.com/sandover/plasmite"
  version "@VERSION@"
  license "MIT"

  on_macos do
    if Hardware::CPU.arm?
      url "{_URL}_darwin_arm64.tar.gz"
      sha256 "@DARWIN_ARM64@"
    else
      url "{_URL}_darwin_amd64.tar.gz"
      sha256 "@DARWIN_AMD64@"
    end
  end

  on_linux do
    if Hardware::CPU.arm?
      url "{_URL}_linux_arm64.tar.gz"
      sha256 "@LINUX_ARM64@"
    else
      url "{_URL}_linux_amd64.tar.gz"
      sha256 "@LINUX_AMD64@"
    end
  end

  def install
    bin.install "bin/plasmite", "bin/pls"
    include.install "include/plasmite.h"
    (lib/"pkgconfig").install "lib/pkgconfig/plasmite.pc"
  end

  test do
    assert_match version.to_s, shell_output("#{{bin}}/plasmite --version")
  end
end
"""

_FILL = '''\
"""Fills the formula: the version, and the checksum of each archive from a file as sha256sum writes it.

    python3 scripts/fill_formula.py 0.1.10 dist/sha256sums.txt > plasmite.rb
"""

import re
import sys
from pathlib import Path


def main(version, checksums):
    text = Path("homebrew/plasmite.rb").read_text(encoding="utf-8").replace("@VERSION@", version)
    for line in Path(checksums).read_text(encoding="utf-8").splitlines():
        digest, name = line.split()
        if found := re.fullmatch(rf"plasmite_{re.escape(version)}_(\\w+)\\.tar\\.gz", name):
            text = text.replace(f"@{found[1].upper()}@", digest)
    if left := re.search(r"@\\w+@", text):
        sys.exit(f"{checksums} has nothing for {left[0]}")
    print(text, end="")


main(*sys.argv[1:])
'''


def formula_files() -> dict[str, str]:
    """Files of the formula, by path."""
    return {PATH: _TEMPLATE, "scripts/fill_formula.py": _FILL}


def filled_formula(template: str, version: str, checksums: Mapping[str, str]) -> str:
    """Fill a template: ``checksums`` has the SHA-256 in hex of each platform's archive (``linux_amd64``)."""
    text = template.replace("@VERSION@", version)
    for platform, digest in checksums.items():
        text = text.replace(f"@{platform.upper()}@", digest)
    return text
