"""Whether a channel gives out a later release of the project, or something that nobody released."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_relgate.channels.outside import Outside
from pytest_relgate.net.facts import Absent, Known, Unknown
from pytest_relgate.net.origins import PUBLIC
from pytest_relgate.profile import Profile
from pytest_relgate.source.command import git

if TYPE_CHECKING:
    from pathlib import Path

THERE = Known("there", ())
ABSENT = Absent("https://x", 404, ())
UNKNOWN = Unknown("it answered 500", "", ())


@pytest.mark.parametrize(
    ("tags", "resolved", "release", "tag", "newest"),
    [
        (["v1.0.0"], "1.0.0", None, None, True),
        (["v1.0.0"], "0.9.0", None, None, True),
        (["v1.0.0"], "", None, None, True),
        (["v1.0.0"], "banana", None, None, True),
        (["v1.0.0", "v1.1.0"], "1.1.0", None, None, False),
        (["v1.0.0", "v2.0.0-rc.1"], "2.0.0", ABSENT, ABSENT, True),
        (["v1.0.0"], "1.1.0", THERE, ABSENT, False),
        (["v1.0.0"], "1.1.0", ABSENT, THERE, False),
        (["v1.0.0"], "1.1.0", ABSENT, ABSENT, True),
        (["v1.0.0"], "1.1.0", UNKNOWN, ABSENT, None),
        (["v1.0.0"], "1.1.0", ABSENT, UNKNOWN, None),
        (["v1.0.0"], "1.1.0", UNKNOWN, THERE, False),
        ([], "1.1.0", UNKNOWN, UNKNOWN, None),
    ],
)
def test_a_checkout_that_lacks_tags_calls_no_later_release_a_rogue(
    tmp_path: Path, tags: list[str], resolved: str, release: Any, tag: Any, newest: bool | None
) -> None:
    git(tmp_path, "init", "-q")
    identity = ("user.name=a", "user.email=a@b.example")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x", settings=identity)
    for name in tags:
        git(tmp_path, "tag", name)
    asked: list[str] = []

    def answer(fact: Any) -> Any:
        def ask(name: str) -> Any:
            asked.append(name)
            assert fact is not None
            return fact

        return ask

    profile = Profile(project="demo", repository="ada/demo")
    outside = Outside(profile, "v1.0.0", "a" * 40, tmp_path, PUBLIC, {}, sandbox=True, evidence=tmp_path)
    outside.__dict__["api"] = SimpleNamespace(release=answer(release), tag_commit=answer(tag))
    assert [outside._is_newest(resolved), outside._is_newest(resolved)] == [newest, newest]
    assert asked == (
        [f"v{resolved}"] * 2 if release is not None else []
    )  # once, however often it is looked at
