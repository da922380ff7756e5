"""The publish workflow of the miniature Plasmite. Texts only; ``@NAME@`` is filled in by ``workflows.py``.

Each job that publishes needs the one before it, so that what fails keeps everything behind it from
publishing; the tap comes after the release that hosts its archives. Each can be run again: what is served
already with the same bytes is not published a second time.
"""

from __future__ import annotations

PUBLISH = """\
name: release-publish
run-name: ${{ inputs.rehearsal && 'Rehearse' || 'Publish' }} ${{ inputs.release_tag || inputs.build_run_id }}
on:
  workflow_dispatch:
    inputs:
      release_tag:
        description: Tag to publish, like v1.2.3
        type: string
        default: ""
      build_run_id:
        description: Build run to publish from; for recovery only
        type: string
        default: ""
      rehearsal:
        description: Do everything but publish
        type: boolean
        default: true
permissions:
  contents: read
concurrency:
  group: release-publish
  cancel-in-progress: false
@PINS@jobs:
  resolve-build-run:
    name: resolve-build-run
    runs-on: ubuntu-24.04
    permissions:
      actions: read
      contents: read
    outputs:
      run_id: ${{ steps.resolve.outputs.run_id }}
      tag: ${{ steps.resolve.outputs.tag }}
      version: ${{ steps.resolve.outputs.version }}
    steps:
      - uses: @CHECKOUT@
        with:
          persist-credentials: false
      - name: Find the build and verify where it came from
        id: resolve
        env:
          GH_TOKEN: ${{ github.token }}
          RELEASE_TAG: ${{ inputs.release_tag }}
          BUILD_RUN_ID: ${{ inputs.build_run_id }}
        run: python3 scripts/resolve_build_run.py >> "$GITHUB_OUTPUT"
  preflight:
    name: preflight
    needs: resolve-build-run
    runs-on: ubuntu-24.04
    environment: release
    steps:
      - name: Look for every credential
        env:
          CARGO_REGISTRY_TOKEN: ${{ secrets.CARGO_REGISTRY_TOKEN }}
          HOMEBREW_TAP_TOKEN: ${{ secrets.HOMEBREW_TAP_TOKEN }}
          NPM_TOKEN: ${{ secrets.NPM_TOKEN }}
          PYPI_API_TOKEN: ${{ secrets.PYPI_API_TOKEN }}
        run: |
          for name in CARGO_REGISTRY_TOKEN HOMEBREW_TAP_TOKEN NPM_TOKEN PYPI_API_TOKEN; do
            test -n "${!name}" || { echo "::error::$name is not configured"; exit 1; }
          done
  align-homebrew:
    name: align-homebrew
    needs: [resolve-build-run, preflight]
    runs-on: ubuntu-24.04
    permissions:
      actions: read
      contents: read
    steps:
      - uses: @CHECKOUT@
        with:
          ref: refs/tags/${{ needs.resolve-build-run.outputs.tag }}
          persist-credentials: false
      - uses: @DOWNLOAD@
        with:
          pattern: dist-*
          path: dist
          merge-multiple: true
          run-id: ${{ needs.resolve-build-run.outputs.run_id }}
          github-token: ${{ github.token }}
      - name: Fill the formula with what was built
        env:
          VERSION: ${{ needs.resolve-build-run.outputs.version }}
        run: |
          (cd dist && sha256sum ./*.tar.gz | sed 's, \\./, ,' > sha256sums.txt)
          python3 scripts/fill_formula.py "$VERSION" dist/sha256sums.txt > dist/plasmite.rb
      - uses: @UPLOAD@
        with:
          name: release-files
          path: dist
          if-no-files-found: error
  publish-crates-io:
    name: publish-crates-io
    needs: [resolve-build-run, align-homebrew]
    runs-on: ubuntu-24.04
    environment: release
    steps:
      - uses: @CHECKOUT@
        with:
          ref: refs/tags/${{ needs.resolve-build-run.outputs.tag }}
          persist-credentials: false
      - name: Publish to crates.io
        if: ${{ !inputs.rehearsal }}
        env:
          CARGO_REGISTRY_TOKEN: ${{ secrets.CARGO_REGISTRY_TOKEN }}
        # zizmor: ignore[use-trusted-publishing] tokens, as Plasmite had at 0.1
        run: |
          rustup toolchain install "$RELEASE_RUST_TOOLCHAIN" --profile minimal
          cargo "+$RELEASE_RUST_TOOLCHAIN" package --locked
          python3 -B scripts/is_served.py crates.io target/package/*.crate ||
            cargo "+$RELEASE_RUST_TOOLCHAIN" publish --locked
  publish-npm:
    name: publish-npm
    needs: [resolve-build-run, publish-crates-io]
    runs-on: ubuntu-24.04
    environment: release
    permissions:
      actions: read
      contents: read
      id-token: write
    steps:
      - uses: @CHECKOUT@
        with:
          ref: refs/tags/${{ needs.resolve-build-run.outputs.tag }}
          persist-credentials: false
      - uses: @NODE@
        with:
          node-version: "24"
          package-manager-cache: false
      - uses: @DOWNLOAD@
        with:
          name: node-dist
          path: dist
          run-id: ${{ needs.resolve-build-run.outputs.run_id }}
          github-token: ${{ github.token }}
      - name: Publish to npm
        if: ${{ !inputs.rehearsal }}
        env:
          NODE_AUTH_TOKEN: ${{ secrets.NPM_TOKEN }}
        run: |
          python3 -B scripts/is_served.py npm dist/*.tgz ||
            npm publish --provenance --access public dist/*.tgz
  publish-pypi:
    name: publish-pypi
    needs: [resolve-build-run, publish-npm]
    runs-on: ubuntu-24.04
    environment: release
    permissions:
      actions: read
      contents: read
    steps:
      - uses: @CHECKOUT@
        with:
          ref: refs/tags/${{ needs.resolve-build-run.outputs.tag }}
          persist-credentials: false
      - uses: @DOWNLOAD@
        with:
          pattern: py-*
          path: dist
          merge-multiple: true
          run-id: ${{ needs.resolve-build-run.outputs.run_id }}
          github-token: ${{ github.token }}
      - name: Publish to PyPI
        if: ${{ !inputs.rehearsal }}
        env:
          TWINE_USERNAME: __token__
          TWINE_PASSWORD: ${{ secrets.PYPI_API_TOKEN }}
        # zizmor: ignore[use-trusted-publishing] tokens, as Plasmite had at 0.1
        run: |
          for file in dist/*; do
            python3 -B scripts/is_served.py pypi "$file" ||
              pipx run twine==6.2.0 upload --non-interactive "$file"
          done
  publish-github-release:
    name: publish-github-release
    needs: [resolve-build-run, publish-pypi]
    runs-on: ubuntu-24.04
    permissions:
      contents: write
    steps:
      - uses: @CHECKOUT@
        with:
          ref: refs/tags/${{ needs.resolve-build-run.outputs.tag }}
          persist-credentials: false
      - uses: @DOWNLOAD@
        with:
          name: release-files
          path: dist
      - name: Publish the release
        if: ${{ !inputs.rehearsal }}
        env:
          GH_TOKEN: ${{ github.token }}
          TAG: ${{ needs.resolve-build-run.outputs.tag }}
        run: |
          python3 -B scripts/is_served.py github "$TAG" dist/*.tar.gz dist/sha256sums.txt ||
            gh release create "$TAG" --verify-tag --title "$TAG" dist/*.tar.gz dist/sha256sums.txt
  publish-homebrew:
    name: publish-homebrew
    needs: [resolve-build-run, publish-github-release]
    runs-on: ubuntu-24.04
    environment: release
    env:
      TAG: ${{ needs.resolve-build-run.outputs.tag }}
    steps:
      - uses: @DOWNLOAD@
        with:
          name: release-files
          path: dist
      - name: Push the formula to the tap
        if: ${{ !inputs.rehearsal }}
        env:
          GH_TOKEN: ${{ secrets.HOMEBREW_TAP_TOKEN }}
        run: |
          gh auth setup-git
          gh repo clone sandover/homebrew-tap tap
          cp dist/plasmite.rb tap/Formula/plasmite.rb
          git -C tap -c user.name=release -c user.email=release@plasmite.invalid \\
            commit --allow-empty -am "plasmite $TAG"
          git -C tap push
  publish-complete:
    name: publish-complete
    needs:
      - resolve-build-run
      - publish-crates-io
      - publish-npm
      - publish-pypi
      - publish-github-release
      - publish-homebrew
    runs-on: ubuntu-24.04
    steps:
      - name: Say that every channel was reached
        env:
          REHEARSAL: ${{ inputs.rehearsal }}
          TAG: ${{ needs.resolve-build-run.outputs.tag }}
        run: echo "$TAG, rehearsal $REHEARSAL" >> "$GITHUB_STEP_SUMMARY"
"""

RESOLVE = '''\
"""Finds the build run to publish from, and verifies its metadata against the tag.

Reads RELEASE_TAG or BUILD_RUN_ID from the environment; prints run_id=, tag= and version=.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def gh(*words):
    return subprocess.run(["gh", *words], check=True, capture_output=True, text=True).stdout


def metadata_of(run):
    with tempfile.TemporaryDirectory() as folder:
        gh("run", "download", run, "--name", "release-metadata", "--dir", folder)
        return json.loads(Path(folder, "metadata.json").read_text(encoding="utf-8"))


def main():
    tag, run = os.environ["RELEASE_TAG"], os.environ["BUILD_RUN_ID"]
    if bool(tag) == bool(run):
        sys.exit("give release_tag, or build_run_id for recovery")
    if tag:
        query = ("run", "list", "--workflow", "release.yml", "--branch", tag, "--status", "success")
        found = json.loads(gh(*query, "--limit", "1", "--json", "databaseId"))
        if not found:
            sys.exit(f"no build run of {tag} succeeded")
        run = str(found[0]["databaseId"])
    view = json.loads(gh("run", "view", run, "--json", "workflowName,conclusion"))
    if view != {"workflowName": "release", "conclusion": "success"}:
        sys.exit(f"run {run} is no successful build: {view}")
    built = metadata_of(run)
    repository = os.environ["GITHUB_REPOSITORY"]
    commit = gh("api", f"repos/{repository}/commits/{built['tag']}", "--jq", ".sha").strip()
    expected = {
        "tag": tag or built["tag"],
        "version": built["tag"].removeprefix("v"),
        "source_sha": commit,
        "source_ref": f"refs/tags/{built['tag']}",
        "source_run_id": run,
        "source_workflow": "release",
    }
    if built != expected or not re.fullmatch(r"v\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?", built["tag"]):
        sys.exit(f"run {run} built something else: expected {expected}, found {built}")
    print(f"run_id={run}", f"tag={built['tag']}", f"version={built['version']}", sep="\\n")


main()
'''

IS_SERVED = '''\
"""Says whether a channel serves exactly these files: 0 if so, and publishing them again is not needed.

is_served.py crates.io|npm|pypi FILE..., is_served.py github TAG FILE... Ends with 1 where one is not there,
or is there with other bytes: the channel itself then says what it takes.
"""

import hashlib
import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

RELEASES = "https://github.com/sandover/plasmite/releases/download"


def read(url):
    agent = {"User-Agent": "plasmite-release (https://github.com/sandover/plasmite)"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=agent), timeout=60) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            return b""
        raise


def version_in(name):
    return re.search(r"\\d+\\.\\d+\\.\\d+[0-9A-Za-z.-]*?(?=\\.crate|\\.tgz|\\.tar|-py3|$)", name)[0]


def served(channel, tag, name):
    if channel == "crates.io":
        return read(f"https://static.crates.io/crates/plasmite/{name}")
    if channel == "npm":
        return read(f"https://registry.npmjs.org/plasmite/-/{name}")
    if channel == "github":
        return read(f"{RELEASES}/{tag}/{name}")
    found = read(f"https://pypi.org/pypi/plasmite/{version_in(name)}/json")
    urls = [one["url"] for one in json.loads(found)["urls"] if one["filename"] == name] if found else []
    return read(urls[0]) if urls else b""


def digest(raw):
    return hashlib.sha256(raw).hexdigest()


def main():
    channel, *rest = sys.argv[1:]
    tag = rest.pop(0) if channel == "github" else ""
    for path in map(Path, rest):
        if digest(served(channel, tag, path.name)) != digest(path.read_bytes()):
            sys.exit(f"{channel} does not serve {path.name} as it is here")
    print(f"{channel} serves all of it already")


main()
'''
