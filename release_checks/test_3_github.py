"""GitHub before the release: it answers, CI is green on the exact commit, secrets and tag are right."""

import pytest

pytestmark = [
    pytest.mark.prerelease,
    pytest.mark.gate(faults=("github-down", "credentials-revoked")),
]


def test_github_answers(github):
    """GitHub answers, and the repository is the one that is released."""
    assert github.answers()


def test_credentials_work(github):
    """The credentials for GitHub work."""
    assert github.takes_the_credentials()


@pytest.mark.gate(faults=("commit-not-pushed",))
def test_the_commit_is_pushed(github):
    """The commit under release is on GitHub."""
    assert github.has_the_commit()


@pytest.mark.gate(waivable=False, faults=("tag-taken",))
def test_the_tag_is_free_or_ours(github):
    """The tag is planned, or points at the commit under release and was not moved."""
    assert github.tag_is_free_or_ours()


@pytest.mark.gate(faults=("ci-red", "ci-missing", "ci-queued"))
def test_ci_is_green(github):
    """CI is green on the exact commit."""
    assert github.is_green()


@pytest.mark.gate(faults=("missing-secret", "secret-elsewhere", "secrets-closed", "old-secret"))
def test_secrets_are_configured(github, expected):
    """Every secret is configured for the jobs that read it, and none is older than its token lives."""
    assert github.has_secrets(expected.secrets)
