"""The source under release: what every release looks at first, and what takes seconds."""

import pytest

pytestmark = pytest.mark.prerelease


def test_the_changelog_has_the_version(release):
    """The changelog has a section for the version."""
    changelog = (release.repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{release.version}]" in changelog or f"## {release.version}" in changelog


@pytest.mark.gate(remedy="mend the lines that git names, and commit")
def test_no_whitespace_errors(run, release):
    """The change since the base has no whitespace errors and no conflict markers."""
    run(["git", "diff", "--check", release.base, release.commit])
