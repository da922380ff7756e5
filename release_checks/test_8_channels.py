"""The channels after the release: each serves its version, its files, the bytes that were built."""

import pytest

pytestmark = pytest.mark.postrelease


class TestChannel:
    """Once for each channel of relgate.toml. All are looked at together, before the first assert."""

    @pytest.mark.gate(
        faults=(
            "github-absent",
            "github-draft",
            "github-not-latest",
            "crates-absent",
            "crates-wrong-version",
            "crates-yanked",
            "npm-absent",
            "npm-wrong-version",
            "npm-wrong-dist-tag",
            "pypi-absent",
            "pypi-wrong-version",
            "pypi-yanked",
            "homebrew-absent",
            "homebrew-disabled",
            "homebrew-wrong-version",
        )
    )
    def test_version(self, channel, release):
        """The channel serves the version, and gives it to whoever names none."""
        assert channel.version == release.version

    @pytest.mark.gate(
        faults=(
            "github-missing",
            "github-extra",
            "crates-absent",
            "npm-absent",
            "pypi-missing",
            "pypi-extra",
            "homebrew-missing",
            "homebrew-swapped-branches",
        )
    )
    def test_files(self, channel, expected):
        """The channel has exactly the files of the release."""
        assert channel.files == expected.files

    @pytest.mark.gate(
        faults=(
            "github-truncated",
            "github-wrong-digest",
            "crates-truncated",
            "crates-wrong-digest",
            "npm-truncated",
            "npm-wrong-digest",
            "npm-missing",
            "pypi-truncated",
            "pypi-wrong-digest",
            "homebrew-wrong-digest",
        )
    )
    def test_bytes(self, channel, expected):
        """The channel serves the bytes that were built."""
        assert channel.digests == expected.digests

    @pytest.mark.gate(
        faults=(
            "github-draft",
            "crates-yanked",
            "npm-deprecated",
            "pypi-yanked",
            "homebrew-absent",
            "homebrew-disabled",
        )
    )
    def test_marks(self, channel, expected):
        """The release is not yanked, deprecated, a draft, or wrongly marked."""
        assert channel.flags == expected.flags


@pytest.mark.gate(waivable=False, faults=("npm-without-provenance", "pypi-without-provenance"))
def test_provenance(channels):
    """Every file has provenance, on the channels of which relgate.toml says so."""
    assert channels.have_their_provenance()


class TestOpened:
    """The archives as the channels serve them, opened: what whoever installs the release gets."""

    @pytest.mark.gate(faults=("github-truncated", "npm-truncated", "sdk-leads-outside"))
    def test_sound(self, channels):
        """Every archive can be read to its end, and leads nowhere outside of itself."""
        assert channels.opened.are_sound()

    @pytest.mark.gate(faults=("sdk-without-header", "npm-missing"))
    def test_layout(self, channels):
        """Every archive holds the files that users of it rely on."""
        assert channels.opened.hold_their_files()

    @pytest.mark.gate(faults=("wheel-without-licence", "tarball-without-notices"))
    def test_licences(self, channels):
        """Every archive carries licence and notices."""
        assert channels.opened.carry_their_licences()

    @pytest.mark.gate(
        faults=(
            "wheel-without-native-library",
            "wheel-of-another-architecture",
            "addon-of-another-architecture",
        )
    )
    def test_natives(self, channels):
        """Every native file is there, and for the platform that its archive promises."""
        assert channels.opened.are_for_their_platforms()

    @pytest.mark.gate(faults=("wheel-says-another-version", "tarball-says-another-version"))
    def test_versions(self, channels):
        """Every archive says inside that it is this version."""
        assert channels.opened.say_their_version()


@pytest.mark.gate(
    remedy="mend what the package holds or requires; publish the next version",
    faults=("npm-missing", "package-that-does-not-load"),
)
def test_npm_install(channels, release, run, tmp_path):
    """Packed by npm and installed in an empty folder, the package starts and its native binary loads."""
    assert channels["npm"].version == release.version
    name = f"plasmite@{release.version}"
    own = {"npm_config_cache": str(tmp_path / "cache"), "npm_config_userconfig": str(tmp_path / "npmrc")}
    run(["npm", "pack", name, "--pack-destination", str(tmp_path)], env=own, needs="node")
    tarball = tmp_path / f"plasmite-{release.version}.tgz"
    run(["npm", "install", "--prefix", str(tmp_path / "app"), str(tarball)], env=own)
    said = run(["node", str(tmp_path / "app/node_modules/plasmite/bin/plasmite.js")])
    assert said.tail.split()[-2:] == ["plasmite", release.version], said.tail


@pytest.mark.gate(faults=("homebrew-wrong-digest", "github-wrong-digest"))
def test_one_digest(channels):
    """One artifact has one digest, wherever it is served or spoken of."""
    assert channels.agree()


@pytest.mark.gate(
    incident=True,
    faults=(
        "partial-publish",
        "npm-wrong-digest",
        "slow-propagation",
        "404-then-200",
        "429-with-retry-after",
        "secondary-limit",
        "server-errors",
        "html-instead-of-json",
        "redirect-elsewhere",
        "endless-body",
        "gzip-bomb",
        "reset-connection",
    ),
)
def test_all_or_none(channels):
    """Every channel serves the release, or none does."""
    assert channels.serving == channels.expected
