"""The commands of a shell text, and what they publish."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_relgate.source.publishing import Channel, published_by, published_by_action
from pytest_relgate.source.shell import commands_of


def published(text: str, files: dict[str, str] | None = None, folder: str = "") -> list[str]:
    given_files = files or {}
    found = published_by(
        text, lambda path: given_files[path].encode() if path in given_files else None, folder=folder
    )
    return [str(one.channel) for one in found]


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("cargo publish --locked", "crates.io"),
        ("cargo +1.88.0 publish", "crates.io"),
        ("cargo --config x.toml publish -p a", "crates.io"),
        ('cargo publish --token "${{ secrets.T }}"', "crates.io"),
        ("npm publish x.tgz", "npm"),
        ("npm --prefix bindings/node publish", "npm"),
        ("yarn npm publish", "npm"),
        ("pnpm publish --no-git-checks", "npm"),
        ("twine upload dist/*", "pypi"),
        ("python -m twine upload dist/*", "pypi"),
        ("python3 -m twine --no-color upload dist/*", "pypi"),
        ("pipx run twine==6.2.0 upload dist/*", "pypi"),
        ("uvx twine upload dist/*", "pypi"),
        ("uvx --from twine==6 twine upload dist/*", "pypi"),
        ("npx -p npm@10 npm publish", "npm"),
        ("sudo -u bob npm publish", "npm"),
        ('gh release create "$TAG" -n notes', "github-release"),
        ("uv publish", "pypi"),
        ("maturin upload x.whl", "pypi"),
        ('gh release create "$TAG" dist/*', "github-release"),
        ("gh -R o/r release upload v1 x", "github-release"),
        ("git -C homebrew-tap push", "tap-push"),
        ("cd homebrew-tap && git push origin main", "tap-push"),
        ("brew bump-formula-pr plasmite", "tap-push"),
        ("docker push ghcr.io/o/r:1", "other"),
        ("set -e\nif true; then\n  FOO=1 sudo -E cargo publish\nfi", "crates.io"),
        ("test -n x && cargo \\\n  publish", "crates.io"),
        ("url=$(gh release create v1)", "github-release"),
        ("bash -euc 'npm publish'", "npm"),
        ("timeout 5m npm publish", "npm"),
        ("for f in *.tgz; do npm publish $f; done", "npm"),
    ],
)
def test_a_command_that_publishes_is_known_by_what_it_runs(text: str, channel: str) -> None:
    assert published(text) == [channel]


@pytest.mark.parametrize(
    "text",
    [
        "# cargo publish",
        "true # npm publish",
        'echo "publish-crates-io rehearsal: skipping cargo publish."',
        "echo cargo publish",
        "cargo publish --dry-run",
        "cargo package",
        "npm pack && npm whoami",
        "gh release download v1",
        "gh run download 1",
        "git push origin main",
        "git -C homebrew-tap commit -m 'cargo publish'",
        "cat <<'EOF' > notes\nnpm publish\nEOF\n",
        "python3 - <<PY\ncargo publish\nPY",
        'X="cargo publish"',
        "grep 'npm publish' README.md",
    ],
)
def test_a_command_that_only_speaks_of_it_publishes_nothing(text: str) -> None:
    assert published(text) == []


def test_scripts_and_recipes_of_the_repository_are_followed() -> None:
    files = {
        "Justfile": "ship tag: build\n    @npm publish\n    ./scripts/a.sh\n\nbuild:\n    uv publish\n",
        "scripts/a.sh": "#!/usr/bin/env bash\nbash scripts/b.sh\n",
        "scripts/b.sh": "cargo publish\nbash scripts/a.sh\n",
    }
    assert published("just ship v1", files) == ["pypi", "npm", "crates.io"]
    assert published("./b.sh", {"scripts/b.sh": "#!/bin/sh\ncargo publish"}, "scripts") == ["crates.io"]
    assert published("just check", files) == []


def test_a_script_that_decides_by_its_argument_is_not_taken_to_publish() -> None:
    script = "#!/bin/sh\ncase $1 in\n  publish) cargo publish ;;\n  check) cargo package ;;\nesac\n"
    assert published("./scripts/x.sh check", {"scripts/x.sh": script}) == []


def test_a_command_knows_its_line() -> None:
    text = "a\n# b\ncat <<E\nx\nE\nc \\\n  d; e\n\nf"
    assert [(one.text, one.line) for one in commands_of(text)] == [
        ("a", 1),
        ("cat", 3),
        ("c d", 6),
        ("e", 7),
        ("f", 9),
    ]


def test_actions_are_known_by_name_whatever_their_version() -> None:
    assert published_by_action("pypa/gh-action-pypi-publish@release/v1") is Channel.PYPI
    assert published_by_action("SoftProps/action-gh-release@" + "0" * 40) is Channel.RELEASE
    assert published_by_action("actions/checkout@v4") is None


@given(st.text(alphabet="ab c'\"$(){}`\\\n;|&<>#=-E", max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    lines = [one.line for one in commands_of(text)]
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)
