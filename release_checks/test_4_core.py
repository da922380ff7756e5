"""The core gates: every release runs all of them, whatever changed. What takes long stands last."""

import pytest

from pytest_relgate import command

pytestmark = pytest.mark.prerelease


@pytest.mark.when_present("scripts/check_release_workflow_topology.sh")  # TestOrder judges it in any case
@pytest.mark.gate(
    remedy="mend the needs of the jobs that it names in release-publish.yml",
    faults=("publish-without-preflight", "publish-without-homebrew"),
)
def test_workflow_topology(run):
    """No registry is published to before preflight and formula, no release before every registry."""
    run("bash scripts/check_release_workflow_topology.sh")


@pytest.mark.when_present("artifacts")
@pytest.mark.gate(
    remedy="build the artifact that it names with LICENSE and THIRD_PARTY_NOTICES.md at its top",
    faults=("unlicensed-archive",),
)
def test_licensing_and_notices(run):
    """Every artifact that was built carries licence and notices."""
    run("bash scripts/verify_licensing_notices.sh")


class TestCargo:
    """The crate: one class, so on one worker, because cargo lets one command at a time into its folder."""

    @pytest.mark.parametrize(
        "argv",
        [
            command(
                "cargo fmt --all -- --check",
                id="fmt",
                limit="2m",
                remedy="type cargo fmt --all, look at the change, commit it",
                faults=("formatting",),
            ),
            command(
                "cargo clippy --all-targets -- -D warnings",
                id="clippy",
                limit="15m",
                remedy="mend what clippy names; an allow needs a reason beside it",
                faults=("lint", "stale-lockfile"),
            ),
            command(
                "cargo test",
                id="test",
                limit="30m",
                remedy="mend the test that it names, or what it tests",
                faults=("test-failure", "open-door"),
            ),
        ],
    )
    def test_gate(self, argv, run):
        """The crate is as it should be."""
        run(argv)


class TestBindings:
    """The bindings and their packages, which share folders and names."""

    @pytest.mark.parametrize(
        "argv",
        [
            command(
                "just bindings-test",
                id="bindings-test",
                limit="20m",
                remedy="mend the binding whose test it names",
                faults=(
                    "python-binding-failure",
                    "node-binding-failure",
                    "go-binding-failure",
                    "eager-addon",
                ),
            ),
            command(
                "bash scripts/node_remote_only_smoke.sh",
                id="node-remote-only",
                limit="10m",
                remedy="load the addon only where it is used",
                faults=("eager-addon",),
            ),
            command(
                "bash scripts/node_pack_smoke.sh",
                id="node-pack",
                limit="20m",
                remedy="mend what npm packs: files in bindings/node/package.json",
                faults=("pack-without-addon", "pack-without-notices"),
            ),
            command(
                "bash scripts/python_wheel_smoke.sh",
                id="python-wheel",
                limit="20m",
                remedy="mend what the wheel carries: bindings/python/backend",
                faults=("wheel-without-library",),
            ),
        ],
    )
    def test_gate(self, argv, run):
        """The bindings are as they should be."""
        run(argv)
