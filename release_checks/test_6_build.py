"""The build of the release: the run for the tag on the exact commit, and proof of what it built."""

import pytest

pytestmark = pytest.mark.build


@pytest.mark.sequence
class TestBuild:
    """One after another: what a run uploaded says nothing before it is the right run, and has ended well."""

    @pytest.mark.gate(faults=("tag-taken",))
    def test_the_tag_is_pushed(self, github):
        """The tag is on GitHub, at the commit under release."""
        assert github.has_the_tag()

    @pytest.mark.gate(waivable=False, faults=("failed-matrix-job", "lagging-run-list"))
    def test_the_run_succeeded(self, github):
        """The release workflow ran for the tag on its exact commit, and every job succeeded."""
        assert github.build.succeeded()

    @pytest.mark.gate(
        incident=True,
        waivable=False,
        faults=("wrong-source-sha", "build-of-another-tag", "two-metadata-files"),
    )
    def test_provenance_is_proved(self, github):
        """One metadata file says that the tag's version was built from the tag's commit by this run."""
        assert github.build.proves_its_source()

    @pytest.mark.gate(faults=("expired-artifact",))
    def test_artifacts_are_complete(self, github):
        """The run uploaded exactly the artifacts that are published, and none has expired."""
        assert github.build.has_artifacts()
