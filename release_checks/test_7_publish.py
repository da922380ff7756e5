"""Rehearsal and publish: the publish workflow is started once, followed to its end, and reached it."""

import pytest


@pytest.mark.rehearsal
@pytest.mark.sequence
class TestRehearsal:
    """Everything but the publishing: the same workflow at the same tag, with the input that holds it back."""

    @pytest.mark.gate(faults=("dispatch-refused",))
    def test_it_is_started(self, github):
        """The publish workflow runs at the release's tag, as a rehearsal."""
        assert github.rehearsal.dispatched()

    @pytest.mark.gate(faults=("rehearsal-fails",))
    def test_every_job_succeeded(self, github):
        """The rehearsal ended, and every job of it succeeded."""
        assert github.rehearsal.succeeded()

    @pytest.mark.gate(incident=True, faults=("rehearsal-skips-jobs",))
    def test_it_reached_its_end(self, github):
        """The rehearsal came as far as its final job."""
        assert github.rehearsal.reached_its_end()

    @pytest.mark.gate(incident=True, faults=("rehearsal-publishes",))
    def test_it_published_nothing(self, github):
        """No release came of the rehearsal."""
        assert github.rehearsal.published_nothing()


@pytest.mark.publish
@pytest.mark.sequence
class TestPublish:
    """The publish itself. Needs --release-mode live, an agent, and all phases before it."""

    @pytest.mark.gate(waivable=False, faults=("tap-token-missing",))
    def test_secrets_are_configured(self, github, expected):
        """Every secret that a live publish needs is configured, the tap's token too."""
        assert github.has_secrets(expected.secrets)

    @pytest.mark.gate(waivable=False, faults=("publish-refused",))
    def test_it_is_started(self, github):
        """The publish workflow runs at the release's tag: started once, or by somebody else."""
        assert github.publication.dispatched()

    @pytest.mark.gate(faults=("publish-job-fails", "approval-waits"))
    def test_every_job_succeeded(self, github):
        """The publish ended, and every job of it succeeded."""
        assert github.publication.succeeded()

    @pytest.mark.gate(incident=True, faults=("publish-skips-jobs",))
    def test_it_reached_its_end(self, github):
        """Every job that reaches a channel ran, and the final one after them."""
        assert github.publication.reached_its_end()
