"""Faults in what a release is described by: manifests, changelog, workflows, formula, archives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_relgate.errors import RelgateError
from pytest_relgate.model import Phase
from pytest_relgate.sandbox.faults.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Callable


RELEASE = ".github/workflows/release.yml"
PUBLISH = ".github/workflows/release-publish.yml"


def _edited(files: dict[str, str], path: str, old: str, new: str) -> dict[str, str]:
    """Return the files with one text of one of them replaced. Raises RelgateError if it is not there."""
    text = files.get(path, "")
    if old not in text:
        message = f"the fault cannot be made: expected {old!a} in {path}, found none"
        raise RelgateError(message)
    return {**files, path: text.replace(old, new, 1)}


def _drift(files: dict[str, str]) -> dict[str, str]:
    """A binding that was forgotten when the version was raised."""
    return _edited(files, "bindings/python/pyproject.toml", 'version = "0.1.10"', 'version = "0.1.9"')


def _stale_lock(files: dict[str, str]) -> dict[str, str]:
    """Cargo.lock as it was left by a version raised by hand: the miniature's tag v0.1.4 did this once."""
    old = 'name = "plasmite"\nversion = "0.1.10"'
    return _edited(files, "Cargo.lock", old, old.replace("0.1.10", "0.1.9"))


def _unfinished(files: dict[str, str]) -> dict[str, str]:
    """Notes that still stand under Unreleased, and a version without a date."""
    text = files["CHANGELOG.md"]
    at = text.index("## [0.1.10]")
    end = text.index("\n", at)
    return {**files, "CHANGELOG.md": f"{text[:at]}## [0.1.10] - unreleased{text[end:]}"}


def _swapped(files: dict[str, str]) -> dict[str, str]:
    """The archives of the two kinds of Macs, each under the branch of the other."""
    text = files["homebrew/plasmite.rb"]
    for old, new in (("darwin_arm64", "\0"), ("darwin_amd64", "darwin_arm64"), ("\0", "darwin_amd64")):
        text = text.replace(f"_{old}.tar.gz", f"_{new}.tar.gz")
    return {**files, "homebrew/plasmite.rb": text}


def _whitespace(files: dict[str, str]) -> dict[str, str]:
    return {**files, "README.md": files["README.md"] + "A line that ends in spaces.   \n"}


def _job(files: dict[str, str], name: str) -> str:
    """The text of one job of the publish workflow. Raises RelgateError if it is not there."""
    found = re.search(rf"^  {re.escape(name)}:\n(?:    .*\n|\n)*", files.get(PUBLISH, ""), re.MULTILINE)
    if found is None:
        message = f"the fault cannot be made: expected a job {name} in {PUBLISH}, found none"
        raise RelgateError(message)
    return found[0]


def _in_job(name: str, old: str, new: str) -> Callable[[dict[str, str]], dict[str, str]]:
    """An edit of one job of the publish workflow; ``old`` is a regular expression."""

    def edit(files: dict[str, str]) -> dict[str, str]:
        text = _job(files, name)
        changed, count = re.subn(old, new, text, count=1, flags=re.MULTILINE)
        if not count:
            message = f"the fault cannot be made: expected {old} in job {name} of {PUBLISH}, found none"
            raise RelgateError(message)
        return _edited(files, PUBLISH, text, changed)

    return edit


def _in_file(path: str, old: str, new: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda files: _edited(files, path, old, new)


def _needs(name: str, needs: str) -> Callable[[dict[str, str]], dict[str, str]]:
    """An edit that gives a job other needs."""
    return _in_job(name, r"^    needs: .*$", f"    needs: [{needs}]")


def _parallel(files: dict[str, str]) -> dict[str, str]:
    """Let npm publish beside crates.io; what comes behind still waits for both."""
    apart = _needs("publish-npm", "resolve-build-run, align-homebrew")(files)
    return _needs("publish-pypi", "resolve-build-run, publish-npm, publish-crates-io")(apart)


def _no_publishing(files: dict[str, str]) -> dict[str, str]:
    """The workflow says that it publishes, and does not."""
    text = files[PUBLISH]
    for command in ("publish --locked", "npm publish", "twine==6.2.0 upload", "gh release create"):
        text = text.replace(command, f"echo {command.replace('publish', 'would-publish')}")
    return {**files, PUBLISH: re.sub(r"cargo \S+ echo", "echo cargo", text).replace("pipx run echo", "echo")}


def _old_toolchain(files: dict[str, str]) -> dict[str, str]:
    """Rust as old in both workflows, which then agree."""
    for path in (RELEASE, PUBLISH):
        files = _edited(files, path, '"1.88.0"', '"1.70.0"')
    return files


def _fault(name: str, line: str, says: str, files: Callable[[dict[str, str]], dict[str, str]]) -> Fault:
    return Fault(name, line, Phase.PRERELEASE, says, files=files)


_HIDDEN = """\
  sign:
    needs: [resolve-build-run]
    uses: example/signing/.github/workflows/sign.yml@0123456789012345678901234567890123456789
"""

_WORKFLOWS = (
    _fault(
        "broken-workflow",
        "a job uses a context that is not available there, so GitHub refuses the whole workflow",
        r"jobs\.build\.env uses the context runner",
        _in_file(RELEASE, "  build:\n", "  build:\n    env: {CARGO_HOME: '${{ runner.temp }}/cargo'}\n"),
    ),
    _fault(
        "second-trigger",
        "every build starts a publish by itself",
        r"started by workflow_run|high dangerous-triggers",
        _in_file(PUBLISH, "on:\n", "on:\n  workflow_run: {workflows: [release], types: [completed]}\n"),
    ),
    _fault(
        "nothing-published",
        "the publish workflow publishes nothing",
        r"no job .* publishes to a registry|whether and where that publishes cannot be seen",
        _no_publishing,
    ),
    _fault(
        "publish-without-preflight",
        "a publishing job does not wait for the preflight",
        r"publish-crates-io publishes and does not wait for preflight",
        _needs("align-homebrew", "resolve-build-run"),
    ),
    _fault(
        "publish-without-homebrew",
        "a publishing job does not wait for the Homebrew alignment",
        r"publish-crates-io publishes and does not wait for homebrew",
        _needs("publish-crates-io", "resolve-build-run, preflight"),
    ),
    _fault(
        "publish-always",
        "a publishing job runs whatever became of the jobs before it",
        r"publish-crates-io publishes even if .* `if: always\(\)`",
        _in_job("publish-crates-io", r"^    needs:", "    if: always()\n    needs:"),
    ),
    _fault(
        "skipped-publish-job",
        "the release does not wait for a registry",
        r"publish-github-release does not wait for publish-pypi",
        _needs("publish-github-release", "resolve-build-run, publish-npm"),
    ),
    _fault(
        "publish-after-failure",
        "a step publishes although an earlier one failed",
        r"publish-npm publishes .* even if an earlier step failed",
        _in_job(
            "publish-npm",
            r"if: \$\{\{ !inputs\.rehearsal \}\}",
            "if: ${{ !cancelled() && !inputs.rehearsal }}",
        ),
    ),
    _fault(
        "skip-cascade",
        "a job that is skipped on purpose takes all behind it along, and the run ends green",
        r"if job align-homebrew is skipped on purpose",
        _in_job("align-homebrew", r"^    needs:", "    if: vars.HOMEBREW == 'true'\n    needs:"),
    ),
    _fault(
        "parallel-publish",
        "two registries are published to side by side",
        r"publish-crates-io publishes beside publish-npm",
        _parallel,
    ),
    _fault(
        "unguarded-rehearsal",
        "a rehearsal publishes to npm",
        r"a rehearsal publishes: job publish-npm",
        _in_job("publish-npm", r"^        if: .*\n", ""),
    ),
    _fault(
        "unpinned-tool",
        "a helper tool is installed at whatever version is newest",
        r"job audit installs cargo-audit at whatever version is newest|cargo-audit was pinned to 0\.22\.2",
        _in_file(RELEASE, "cargo-audit@0.22.2", "cargo-audit"),
    ),
    _fault(
        "moved-pin",
        "a pinned version was changed and the profile was not",
        r"sets RELEASE_RUST_TOOLCHAIN to 1\.99\.0, pinned is 1\.88\.0",
        _in_file(PUBLISH, '"1.88.0"', '"1.99.0"'),
    ),
    _fault(
        "moved-commit",
        "an action is another commit than at base under the same version",
        r"actions/checkout (v4\.2\.2 is two commits|moved and still says v4\.2\.2)",
        _in_file(PUBLISH, "actions/checkout@11bd71901bbe", "actions/checkout@" + "5" * 12),
    ),
    _fault(
        "old-toolchain",
        "the pinned Rust is older than a pinned tool needs it",
        r"RELEASE_RUST_TOOLCHAIN (to 1\.70\.0, pinned is 1\.88\.0|is 1\.70\.0)",
        _old_toolchain,
    ),
    _fault(
        "unpinned-action",
        "an action is named by a tag, which its owner can move",
        r"uses actions/checkout at v4|high unpinned-uses in job|actions/checkout was pinned .* floats now",
        lambda files: {**files, PUBLISH: re.sub(r"(actions/checkout)@\S+ # \S+", r"\1@v4", files[PUBLISH])},
    ),
    _fault(
        "write-permission",
        "every job of the publish workflow may write",
        r"gives every job contents: write|high excessive-permissions",
        _in_file(PUBLISH, "permissions:\n  contents: read", "permissions:\n  contents: write"),
    ),
    _fault(
        "no-concurrency-group",
        "two publish runs can race",
        r"has no concurrency group",
        lambda files: {**files, PUBLISH: re.sub(r"concurrency:\n(  .*\n)+", "", files[PUBLISH])},
    ),
    _fault(
        "secret-in-shell",
        "a secret is pasted into shell text",
        r"job publish-npm.*a secret is pasted into the shell text",
        _in_job("publish-npm", r"npm publish --", "NODE_AUTH_TOKEN=${{ secrets.NPM_TOKEN }} npm publish --"),
    ),
    _fault(
        "insecure-commands",
        "a job takes commands from whatever its steps print",
        r"high insecure-commands in job publish-npm",
        _in_job(
            "publish-npm", r"^    steps:", "    env: {ACTIONS_ALLOW_UNSECURE_COMMANDS: 'true'}\n    steps:"
        ),
    ),
    _fault(
        "no-credential",
        "a job that publishes is not given the token of its registry",
        r"channel npm: job publish-npm is to publish with NPM_TOKEN, and does not read it",
        _in_job("publish-npm", r"secrets\.NPM_TOKEN", "github.token"),
    ),
    _fault(
        "hidden-publish",
        "a job publishes by a program that nobody can see into",
        r"job publish-npm, step \d+ .* runs node tools/publish\.mjs .*: whether and where",
        _in_job("publish-npm", r"npm publish --\S+", "node tools/publish.mjs"),
    ),
    _fault(
        "hidden-job",
        "a job of the publish workflow is defined in another repository",
        r"job sign is example/signing",
        lambda files: {**files, PUBLISH: files[PUBLISH] + _HIDDEN},
    ),
)

FAULTS = (
    Fault(
        "version-drift",
        "one manifest kept the version before",
        Phase.PRERELEASE,
        r"bindings/python/pyproject\.toml: expected 0\.1\.10, found 0\.1\.9",
        files=_drift,
    ),
    Fault(
        "stale-lockfile",
        "Cargo.lock was not written anew when the version was raised",
        Phase.PRERELEASE,
        r"Cargo\.lock",
        files=_stale_lock,
    ),
    Fault(
        "unfinished-changelog",
        "the version's section of the changelog says unreleased",
        Phase.PRERELEASE,
        r"CHANGELOG\.md: the section is not final",
        files=_unfinished,
    ),
    Fault(
        "swapped-formula",
        "the formula's archives stand under each other's branch",
        Phase.PRERELEASE,
        r"darwin_arm64: the archive under this branch is .*darwin_amd64",
        files=_swapped,
    ),
    Fault(
        "whitespace-error",
        "a line of the change ends in spaces",
        Phase.PRERELEASE,
        r"trailing whitespace",
        files=_whitespace,
    ),
    *_WORKFLOWS,
)
"""The faults of this file."""
