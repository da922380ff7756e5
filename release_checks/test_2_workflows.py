"""The release workflows: in what order they publish, what starts them, and what they hold to."""

import pytest

pytestmark = pytest.mark.prerelease


@pytest.mark.gate(faults=("broken-workflow",))
def test_github_accepts_them(workflow):
    """GitHub accepts the release workflows: no unknown need, no circle, no context where there is none."""
    assert workflow.is_valid()


@pytest.mark.gate(faults=("second-trigger",))
def test_only_a_person_starts_a_publish(workflow):
    """Nothing but a person's dispatch starts the publish workflow."""
    assert workflow.starts_by_hand_only()


class TestOrder:
    """What waits for what, told by which results let a job run and not by what stands among its needs."""

    @pytest.mark.gate(faults=("nothing-published",))
    def test_something_is_published(self, workflow):
        """The publish workflow publishes to a registry and makes the GitHub release."""
        assert workflow.publishes_to_registries_and_release()

    @pytest.mark.gate(faults=("publish-without-preflight", "publish-always"))
    def test_preflight_first(self, workflow):
        """Nothing is published unless the preflight of credentials succeeded."""
        assert workflow.publishes_only_behind("preflight")

    @pytest.mark.gate(waivable=False, faults=("publish-always",))
    def test_provenance_first(self, workflow):
        """Nothing is published unless the build and its provenance were verified."""
        assert workflow.publishes_only_behind("provenance")

    @pytest.mark.gate(faults=("publish-without-homebrew", "publish-always"))
    def test_homebrew_first(self, workflow):
        """Nothing is published unless the Homebrew formula was aligned."""
        assert workflow.publishes_only_behind("homebrew")

    @pytest.mark.gate(faults=("skipped-publish-job",))
    def test_the_release_last(self, workflow):
        """The GitHub release waits for every registry, and the last job for whatever publishes."""
        assert workflow.releases_last()

    @pytest.mark.gate(faults=("publish-after-failure",))
    def test_nothing_after_a_failure(self, workflow):
        """No step publishes after an earlier step of its job failed."""
        assert workflow.stops_at_a_failure()

    @pytest.mark.gate(faults=("skip-cascade",))
    def test_nothing_is_skipped_silently(self, workflow):
        """No job that is skipped on purpose takes a publishing job with it while the run ends green."""
        assert workflow.skips_nothing_silently()

    @pytest.mark.gate(advisory=True, faults=("parallel-publish",))
    def test_one_after_another(self, workflow):
        """Registries are published to one after another, and the tap is pushed after the release."""
        assert workflow.publishes_one_after_another()


@pytest.mark.gate(faults=("unguarded-rehearsal",))
def test_a_rehearsal_publishes_nothing(workflow):
    """The publish workflow can be rehearsed, and a rehearsal publishes nothing."""
    assert workflow.can_be_rehearsed()


@pytest.mark.gate(faults=("unpinned-tool", "moved-pin", "old-toolchain"))
def test_tools_are_pinned(workflow):
    """Helper tools are installed at pinned versions, and the pins are those of the profile."""
    assert workflow.holds_to_its_pins()


@pytest.mark.gate(faults=("unpinned-action",))
def test_actions_are_pinned(workflow):
    """Every action is named by a commit, which nobody can move."""
    assert workflow.pins_actions_by_commit()


@pytest.mark.gate(faults=("moved-commit", "unpinned-tool", "unpinned-action"))
def test_pins_move_on_purpose(workflow, attach):
    """No pin moved in silence since the base: what changed is shown, and nothing floats that did not."""
    assert workflow.moves_no_pin_silently(attach)


@pytest.mark.gate(faults=("old-toolchain",))
def test_toolchain_is_new_enough(workflow):
    """The pinned Rust is as new as the pinned tools need it."""
    assert workflow.has_a_new_enough_toolchain()


@pytest.mark.gate(faults=("write-permission",))
def test_permissions_are_least(workflow):
    """No workflow lets every job write."""
    assert workflow.grants_least_permissions()


@pytest.mark.gate(faults=("no-credential",))
def test_every_channel_has_a_credential(workflow):
    """Every channel's job reads its token, or may publish as a trusted publisher."""
    assert workflow.has_a_credential_for_every_channel()


@pytest.mark.gate(faults=("no-concurrency-group",))
def test_two_runs_cannot_race(workflow):
    """Two runs of the publish workflow cannot publish at once, nor can one cut the other off."""
    assert workflow.never_races()


@pytest.mark.gate(faults=("secret-in-shell",))
def test_nothing_is_pasted_into_shell(workflow):
    """No secret, and nothing that somebody else wrote, is pasted into shell text."""
    assert workflow.pastes_nothing_into_shell()


@pytest.mark.gate(advisory=True, faults=("hidden-job", "hidden-publish", "nothing-published"))
def test_nothing_is_hidden(workflow):
    """Every job of the publish workflow is defined here, and publishes where it can be seen."""
    assert workflow.hides_nothing()


@pytest.mark.gate(faults=("insecure-commands", "unpinned-action", "write-permission", "second-trigger"))
def test_zizmor_finds_nothing(workflow, run, attach):
    """The lint for workflows, zizmor, finds nothing of high severity."""
    assert workflow.passes_zizmor(run, attach)
