"""The release workflows of the miniature Plasmite. Texts only; nothing here is ever run by GitHub."""

from __future__ import annotations

_CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2"
_UPLOAD = "actions/upload-artifact@b4b15b8c7c6ac21ea08fcf65892d2ee8f75cf882 # v4.4.3"
_DOWNLOAD = "actions/download-artifact@fa0a91b85d4f404e444e00e005971372dc801d16 # v4.1.8"

_RUST_1_88 = 6  # the patch version at which the toolchain was bumped

_PINS = """\
env:
  RELEASE_RUST_TOOLCHAIN: "{toolchain}"
  CARGO_BINSTALL_VERSION: "1.17.5"
"""

_RELEASE = """\
name: release
on:
  push:
    tags: ["v*"]
  workflow_dispatch:
    inputs:
      tag:
        description: Tag to build
        required: true
permissions:
  contents: read
{pins}jobs:
  build:
    runs-on: ubuntu-24.04
    steps:
      - uses: {checkout}
      - run: rustup toolchain install "$RELEASE_RUST_TOOLCHAIN"
      - run: just dist
      - uses: {upload}
        with:
          name: dist
          path: dist/*
  metadata:
    needs: build
    runs-on: ubuntu-24.04
    steps:
      - uses: {checkout}
      - run: just release-metadata > metadata.json
      - uses: {upload}
        with:
          name: release-metadata
          path: metadata.json
"""

_PUBLISH_HEAD = """\
name: release-publish
on:
  workflow_dispatch:
    inputs:
      release_tag:
        description: Tag to publish
      build_run_id:
        description: Build run to publish from, for recovery only
      rehearsal:
        description: Do everything but publish
        type: boolean
        default: true
permissions:
  contents: read
concurrency:
  group: release-publish
  cancel-in-progress: false
{pins}jobs:
"""

# Each job needs the one before it, so that what fails keeps everything behind it from publishing;
# the tap comes after the release that hosts its archives.
_PUBLISH_JOBS = (
    ("resolve-build-run", "", "just resolve-build-run", ""),
    ("preflight", "", "just preflight", ""),
    ("align-homebrew", "", "just align-homebrew", ""),
    ("publish-crates-io", "publish", "cargo publish --locked", "CARGO_REGISTRY_TOKEN"),
    ("publish-npm", "publish", "npm publish bindings/node", "NPM_TOKEN"),
    ("publish-pypi", "publish", "just publish-pypi", "PYPI_API_TOKEN"),
    ("publish-github-release", "publish", "just publish-github-release", "GITHUB_TOKEN"),
    ("publish-homebrew", "publish", "just publish-homebrew", "HOMEBREW_TAP_TOKEN"),
)

_WEEKLY = """\
name: weekly-install-sanity
on:
  schedule:
    - cron: "17 5 * * 1"
  workflow_dispatch:
permissions:
  contents: read
jobs:
  install:
    strategy:
      fail-fast: false
      matrix:
        binding: [node, python, go]
    runs-on: ubuntu-24.04
    steps:
      - uses: {checkout}
      - run: just install-sanity "$BINDING"
        env:
          BINDING: ${{{{ matrix.binding }}}}
"""


def workflow_files(patch: int) -> dict[str, str]:
    """Workflow files at a patch version, by path."""
    pins = _PINS.format(toolchain="1.88.0" if patch >= _RUST_1_88 else "1.87.0")
    folder = ".github/workflows"
    return {
        f"{folder}/release.yml": _RELEASE.format(pins=pins, checkout=_CHECKOUT, upload=_UPLOAD),
        f"{folder}/release-publish.yml": _PUBLISH_HEAD.format(pins=pins) + _publish_jobs(),
        f"{folder}/weekly-install-sanity.yml": _WEEKLY.format(checkout=_CHECKOUT),
    }


def _publish_jobs() -> str:
    lines: list[str] = []
    before = ""
    for job, publishes, command, secret in _PUBLISH_JOBS:
        lines.append(f"  {job}:")
        if before:
            lines.append(f"    needs: {before}")
        lines.append("    runs-on: ubuntu-24.04")
        if secret == "GITHUB_TOKEN":  # noqa: S105  (the name of a secret)
            lines.append("    permissions: {contents: write}")
        lines += ["    steps:", f"      - uses: {_CHECKOUT}"]
        if publishes:
            lines += [f"      - uses: {_DOWNLOAD}", "        with: {name: dist, path: dist}"]
        lines.append(f"      - run: {command}")
        if publishes:
            lines.append("        if: ${{ !inputs.rehearsal }}")
        environment = {secret: f"${{{{ secrets.{secret} }}}}"} if secret else {}
        if job == "resolve-build-run":
            names = ("release_tag", "build_run_id")
            environment = {name.upper(): f"${{{{ inputs.{name} }}}}" for name in names}
        if environment:
            lines.append("        env:")
            lines += [f"          {name}: {value}" for name, value in environment.items()]
        before = job
    return "\n".join(lines) + "\n"
