"""What a person has to read: changes to server, user interface and authentication."""

import pytest

pytestmark = pytest.mark.prerelease


@pytest.mark.when_changed("server")
@pytest.mark.gate(faults=("unreviewed-server", "open-door"))
def test_server_changes_are_reviewed(signoff):
    """A named person has reviewed what changed in server, user interface and authentication."""
    assert signoff.covers("server")
