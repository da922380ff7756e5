"""Access before the release: every host answers, and no registry refuses the tokens that were handed over."""

import pytest

pytestmark = pytest.mark.prerelease


@pytest.mark.gate(faults=("github-down", "registry-down"))
def test_every_host_answers(github):
    """GitHub and every registry answer, asked all at once."""
    assert github.access.every_host_answers()


@pytest.mark.gate(faults=("token-refused", "token-unclear", "empty-token", "registry-down"))
def test_tokens_work(github, expected, attach):
    """No registry refuses a token that a workflow handed to this run."""
    assert github.access.takes_tokens(expected.secrets, attach)
