"""What the build made: all of it, sound, with licence and notices, each file for its own platform."""

import pytest

pytestmark = pytest.mark.build


@pytest.mark.gate(remedy="build again, and find out what broke it", faults=("truncated-archive",))
def test_archives_are_sound(artifacts):
    """Every archive can be read to its end, leads nowhere outside itself, and no two share a name."""
    assert artifacts.are_sound()


@pytest.mark.gate(
    remedy="mend what the build workflow builds, or [artifacts] of relgate.toml",
    faults=("left-over-archive",),
)
def test_archives_are_complete(artifacts):
    """The build made exactly the archives that the channels get."""
    assert artifacts.are_complete()


@pytest.mark.gate(faults=("wheel-without-licence",))
def test_licences_are_carried(artifacts):
    """Every archive carries licence and notices, where its kind has them."""
    assert artifacts.carry_their_licences()


@pytest.mark.gate(faults=("wheel-without-native-library", "wheel-of-another-architecture"))
def test_natives_are_for_their_platform(artifacts):
    """Every native library is for the platform that the name of its archive promises."""
    assert artifacts.are_for_their_platforms()


@pytest.mark.gate(faults=("oversized-archive",))
def test_no_archive_is_too_large(artifacts):
    """No archive is larger than is allowed."""
    assert artifacts.are_not_too_large()
