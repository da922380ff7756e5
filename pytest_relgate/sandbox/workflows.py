"""The workflows of the miniature Plasmite. Texts only; GitHub never runs them.

``@NAME@`` stands for what the functions at the end fill in: the braces of a workflow are its own.
"""

from __future__ import annotations

from pytest_relgate.sandbox.workflow_publish import IS_SERVED, PUBLISH, RESOLVE

_ACTIONS = {
    "CHECKOUT": "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
    "DOWNLOAD": "actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0",
    "NODE": "actions/setup-node@49933ea5288caeca8642d1e84afbd3f7d6820020 # v4.4.0",
    "PYTHON": "actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0",
    "UPLOAD": "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2",
}

_RUST_1_88 = 6  # the patch version at which the toolchain was bumped

_PINS = """\
env:
  RELEASE_RUST_TOOLCHAIN: "{toolchain}"
  CARGO_BINSTALL_VERSION: "1.17.5"
"""

_CI = """\
name: ci
on:
  push:
    branches: [main]
  pull_request:
permissions:
  contents: read
concurrency:
  group: ci-${{ github.ref }}
  cancel-in-progress: true
jobs:
  check:
    name: check
    runs-on: ubuntu-24.04
    steps:
      - uses: @CHECKOUT@
        with:
          persist-credentials: false
      - name: Format
        run: cargo fmt --all -- --check
      - name: Lint
        run: cargo clippy --all-targets -- -D warnings
      - name: Test
        run: cargo test
  bindings:
    name: bindings
    runs-on: ubuntu-24.04
    steps:
      - uses: @CHECKOUT@
        with:
          persist-credentials: false
      - name: Python
        run: cd bindings/python && python3 -B -m unittest discover -s tests
      - name: Node
        run: cd bindings/node && node --test
      - name: Go
        run: cd bindings/go && go test ./...
      - name: Packages
        run: |
          bash scripts/node_pack_smoke.sh
          bash scripts/node_remote_only_smoke.sh
          bash scripts/python_wheel_smoke.sh
      - name: Order of the release
        run: bash scripts/check_release_workflow_topology.sh
"""

_RELEASE = """\
name: release
on:
  push:
    tags: ["v*"]
  workflow_dispatch:
    inputs:
      tag:
        description: Tag to build, like v1.2.3
        required: true
        type: string
permissions:
  contents: read
concurrency:
  group: release-${{ inputs.tag || github.ref_name }}
  cancel-in-progress: false
@PINS@jobs:
  metadata:
    name: metadata
    runs-on: ubuntu-24.04
    outputs:
      version: ${{ steps.metadata.outputs.version }}
    steps:
      - uses: @CHECKOUT@
        with:
          ref: refs/tags/${{ inputs.tag || github.ref_name }}
          persist-credentials: false
      - name: Say what is built, and from what
        id: metadata
        env:
          TAG: ${{ inputs.tag || github.ref_name }}
        run: |
          version=${TAG#v}
          jq -n --arg tag "$TAG" --arg version "$version" --arg sha "$(git rev-parse HEAD)" \\
            --arg run "$GITHUB_RUN_ID" --arg workflow "$GITHUB_WORKFLOW" '{
              tag: $tag, version: $version, source_sha: $sha, source_ref: "refs/tags/\\($tag)",
              source_run_id: $run, source_workflow: $workflow}' > metadata.json
          echo "version=$version" >> "$GITHUB_OUTPUT"
      - uses: @UPLOAD@
        with:
          name: release-metadata
          path: metadata.json
          if-no-files-found: error
  audit:
    name: audit
    needs: metadata
    runs-on: ubuntu-24.04
    steps:
      - uses: @CHECKOUT@
        with:
          ref: refs/tags/${{ inputs.tag || github.ref_name }}
          persist-credentials: false
      - name: Install cargo-binstall
        run: |
          url=https://github.com/cargo-bins/cargo-binstall/releases/download
          curl -fsSL "$url/v$CARGO_BINSTALL_VERSION/cargo-binstall-x86_64-unknown-linux-musl.tgz" |
            tar -xz -C ~/.cargo/bin
      - name: Look for known vulnerabilities
        run: |
          cargo binstall --no-confirm cargo-audit@0.22.2
          cargo audit
  build:
    name: build (${{ matrix.platform }})
    needs: [metadata, audit]
    runs-on: ${{ matrix.runner }}
    strategy:
      fail-fast: false
      matrix:
        include:
          - platform: linux_amd64
            node: linux-x64
            runner: ubuntu-24.04
            wheel: manylinux_2_17_x86_64
          - platform: linux_arm64
            node: linux-arm64
            runner: ubuntu-24.04-arm
            wheel: manylinux_2_17_aarch64
          - platform: darwin_amd64
            node: darwin-x64
            runner: macos-15-intel
            wheel: macosx_10_12_x86_64
          - platform: darwin_arm64
            node: darwin-arm64
            runner: macos-15
            wheel: macosx_11_0_arm64
    steps:
      - uses: @CHECKOUT@
        with:
          ref: refs/tags/${{ inputs.tag || github.ref_name }}
          persist-credentials: false
      - uses: @NODE@
        with:
          node-version: "24"
          package-manager-cache: false
      - name: Install the pinned toolchain
        run: |
          rustup toolchain install "$RELEASE_RUST_TOOLCHAIN" --profile minimal
          rustup default "$RELEASE_RUST_TOOLCHAIN"
      - name: Build and try what is published
        env:
          PLASMITE_WHEEL_PLATFORM: ${{ matrix.wheel }}
        run: |
          cargo build --release --locked
          bash scripts/node_pack_smoke.sh
          bash scripts/python_wheel_smoke.sh
      - name: Lay out what is published
        env:
          NODE_PLATFORM: ${{ matrix.node }}
          PLATFORM: ${{ matrix.platform }}
          VERSION: ${{ needs.metadata.outputs.version }}
        run: bash scripts/lay_out_dist.sh "$VERSION" "$PLATFORM" "$NODE_PLATFORM"
      - uses: @UPLOAD@
        with:
          name: dist-${{ matrix.platform }}
          path: dist/*.tar.gz
          if-no-files-found: error
      - uses: @UPLOAD@
        with:
          name: py-dist-${{ matrix.platform }}
          path: dist/*.whl
          if-no-files-found: error
      - uses: @UPLOAD@
        with:
          name: node-native-${{ matrix.node }}
          path: dist/native/
          if-no-files-found: error
  package:
    name: package
    needs: [metadata, build]
    runs-on: ubuntu-24.04
    steps:
      - uses: @CHECKOUT@
        with:
          ref: refs/tags/${{ inputs.tag || github.ref_name }}
          persist-credentials: false
      - uses: @NODE@
        with:
          node-version: "24"
          package-manager-cache: false
      - uses: @DOWNLOAD@
        with:
          pattern: node-native-*
          path: bindings/node/native
          merge-multiple: true
      - name: Pack what has no platform
        run: |
          mkdir -p dist/node dist/python dist/crate
          npm pack ./bindings/node --ignore-scripts --pack-destination dist/node
          cd bindings/python
          PYTHONPATH=backend python3 -c 'import plasmite_build as b; b.build_sdist("../../dist/python")'
          cd ../..
          cargo package --locked
          cp target/package/*.crate dist/crate/
      - uses: @UPLOAD@
        with:
          name: node-dist
          path: dist/node/*.tgz
          if-no-files-found: error
      - uses: @UPLOAD@
        with:
          name: py-sdist
          path: dist/python/*.tar.gz
          if-no-files-found: error
      - uses: @UPLOAD@
        with:
          name: crate
          path: dist/crate/*.crate
          if-no-files-found: error
"""

_LAY_OUT = """\
#!/usr/bin/env bash
# Lays out what one platform publishes: lay_out_dist.sh VERSION PLATFORM NODE_PLATFORM
set -eu
cd "${0%/*}/.."
name=plasmite_$1_$2
root=.scratch/$name
rm -rf "$root"
mkdir -p "$root/bin" "$root/include" "$root/lib/pkgconfig" "dist/native/$3"
cp target/release/plasmite target/release/pls "$root/bin/"
cp include/plasmite.h "$root/include/"
cp target/release/libplasmite.* "$root/lib/"
cp LICENSE THIRD_PARTY_NOTICES.md "$root/"
printf 'Name: plasmite\\nDescription: %s\\nVersion: %s\\nLibs: -lplasmite\\n' \\
    "Ring of messages, in miniature" "$1" > "$root/lib/pkgconfig/plasmite.pc"
tar -C "$root" -czf "dist/$name.tar.gz" bin include lib LICENSE THIRD_PARTY_NOTICES.md
cp .scratch/python-wheel-smoke/*.whl dist/
cp ".scratch/node-pack-smoke/package/native/$3/index.node" "dist/native/$3/"
"""

_WEEKLY = """\
name: weekly-install-sanity
on:
  schedule:
    - cron: "17 5 * * 1"
  workflow_dispatch:
permissions:
  contents: read
concurrency:
  group: weekly-install-sanity
  cancel-in-progress: true
jobs:
  install:
    name: install (${{ matrix.binding }})
    runs-on: ubuntu-24.04
    strategy:
      fail-fast: false
      matrix:
        include:
          - {binding: node, command: npm install plasmite}
          - {binding: python, command: python3 -m venv new && new/bin/pip install plasmite}
          - {binding: go, command: go mod init new && go get github.com/sandover/plasmite/bindings/go}
    steps:
      - name: Install into an empty folder
        env:
          INSTALL: ${{ matrix.command }}
        run: |
          cd "$(mktemp -d)"
          bash -euc "$INSTALL"
  licensing:
    name: licensing
    runs-on: ubuntu-24.04
    steps:
      - uses: @CHECKOUT@
        with:
          persist-credentials: false
      - name: Look at what is served
        env:
          GH_TOKEN: ${{ github.token }}
        run: |
          gh release download --dir .scratch/release/downloaded --pattern '*.tar.gz'
          bash scripts/verify_licensing_notices.sh
"""


def workflow_files(patch: int) -> dict[str, str]:
    """Workflow files, and the scripts that only they call, at a patch version, by path."""
    pins = _PINS.format(toolchain="1.88.0" if patch >= _RUST_1_88 else "1.87.0")
    files = {
        ".github/workflows/ci.yml": _CI,
        ".github/workflows/release.yml": _RELEASE,
        ".github/workflows/release-publish.yml": PUBLISH,
        ".github/workflows/weekly-install-sanity.yml": _WEEKLY,
        "scripts/lay_out_dist.sh": _LAY_OUT,
        "scripts/is_served.py": IS_SERVED,
        "scripts/resolve_build_run.py": RESOLVE,
    }
    return {path: _filled(text, pins) for path, text in files.items()}


def _filled(text: str, pins: str) -> str:
    text = text.replace("@PINS@", pins)
    for name, action in _ACTIONS.items():
        text = text.replace(f"@{name}@", action)
    return text
