"""The source under release: what every release looks at first, and what takes seconds."""

import pytest

pytestmark = pytest.mark.prerelease

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"  # git's own: what a first release is compared with


@pytest.mark.gate(
    remedy="set the version in every manifest, then write the lockfiles anew",
    faults=("version-drift", "stale-lockfile"),
)
def test_every_manifest_carries_the_version(source, release):
    """Every manifest and lockfile carries the version of the release."""
    assert source.carries(release.version)


@pytest.mark.gate(remedy="write the lockfiles anew, and commit them", faults=("stale-lockfile",))
def test_no_lockfile_is_stale(source):
    """Every lockfile was written from the manifest beside it."""
    assert source.has_fresh_lockfiles()


@pytest.mark.gate(remedy="finish the changelog, and commit it", faults=("unfinished-changelog",))
def test_the_changelog_is_final(source, release):
    """The changelog has a section for the version, dated, and nothing is left as unreleased."""
    assert source.has_final_changelog(release.version)


@pytest.mark.when_present("homebrew/plasmite.rb")
@pytest.mark.gate(remedy="put every archive under the branch of its platform", faults=("swapped-formula",))
def test_the_formula_agrees_with_itself(source):
    """The Homebrew formula has one archive and one checksum for each platform, under its own branch."""
    assert source.has_a_consistent_formula()


@pytest.mark.gate(remedy="mend the lines that git names, and commit", faults=("whitespace-error",))
def test_no_whitespace_errors(run, release):
    """The change since the base has no whitespace errors and no conflict markers."""
    run(["git", "diff", "--check", release.base or EMPTY_TREE, release.commit])
