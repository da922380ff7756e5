"""The conditional gates: each is due where what it judges differs from the base."""

import pytest

pytestmark = pytest.mark.prerelease

ADVISORIES = ".scratch/advisory-db"
BENCH = "--release --quiet --target-dir target --example plasmite-bench"


@pytest.mark.gate(
    remedy="type just audit-db",
    reads_world=True,  # advisories arrive without a change of the source: so this one is always due
    faults=("old-advisories", "no-advisories"),
)
def test_the_advisories_are_fresh(source):
    """The advisory database is there, and younger than a week."""
    assert source.has_fresh_advisories(ADVISORIES)


@pytest.mark.when_changed("dependencies")
@pytest.mark.gate(
    remedy="take the version that the advisory calls patched, and commit the lockfile",
    reads_world=True,
    faults=("vulnerable-dependency",),
)
def test_no_known_vulnerability(run, source):
    """No dependency has a known vulnerability."""
    assert source.has_fresh_advisories(ADVISORIES)
    run(f"cargo audit --db {ADVISORIES} --no-fetch", needs="cargo-audit")


@pytest.mark.when_changed("performance")
@pytest.mark.timeout(3600)
@pytest.mark.gate(
    remedy="make it as fast as it was; what must be slower needs a waiver with the reason",
    faults=("slow-append", "vanished-benchmark", "noisy-host"),
)
def test_nothing_is_slower(benchmarks):
    """No benchmark is slower than at the base."""
    assert benchmarks.none_is_slower(
        f"cargo run {BENCH} -- --messages 5000 --format json",
        build=f"cargo build {BENCH}",
        needs="cargo",
        only=("append", "multi_writer", "get_scan"),
        noise_floor=0.0001,  # ms a message
        floors={"get_scan": 0.2},
    )


@pytest.mark.when_changed("server")
@pytest.mark.timeout(1800)
@pytest.mark.gate(remedy="mend the test that it names, or what it tests", faults=("open-door",))
def test_remote_integration(run):
    """The server answers those who may ask, and nobody else."""
    run("cargo test --test remote_integration", needs="cargo")
