"""``relgate init``: a first profile and the first gates, drafted from what the repository holds."""

from __future__ import annotations

import os
import shlex
import shutil
import textwrap
from typing import TYPE_CHECKING

from pytest_relgate.cli.first_checks import RELEASED, first_checks, is_out, next_target
from pytest_relgate.cli.first_facts import First, first_facts
from pytest_relgate.cli.places import checkout_of, places_of
from pytest_relgate.errors import RelgateError
from pytest_relgate.lockfile import NAME as LOCK
from pytest_relgate.planning import hidden_by
from pytest_relgate.request import PROFILE
from pytest_relgate.source.git import Repository
from pytest_relgate.source.versions import PLAIN

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

WIDTH = 80
SHOWN = 4
"""Lines of one kind."""


def init(options: argparse.Namespace) -> int:
    """Write the files, say what is in them and what to type next; return the exit status.

    Raises RelgateError, one line, where there is a profile already, no commit, or nothing to judge.
    """
    checkout = checkout_of(options.repo)
    repository = _repository(checkout)
    folder = places_of(checkout, checks=options.checks).checks
    if not folder.is_relative_to(repository.path):
        message = f"--checks: expected a folder in {repository.path}, found {folder}"
        raise RelgateError(message)
    refuse_what_is_there(folder, (PROFILE, LOCK))
    commit = repository.head()
    paths = repository.files(commit)
    kept: dict[str, bytes | None] = {}

    def read(path: str) -> bytes | None:
        if path not in kept:
            kept[path] = repository.contents(commit, [path]).get(path) if path in here else None
        return kept[path]

    here = frozenset(paths)
    tags = [tag.name for tag in repository.tags()]
    first = first_facts(paths, tags, read, slug=repository.remote_slug(), folder=repository.path.name)
    texts = first_checks(first)
    if not texts:
        message = (
            f"expected a manifest, a changelog or tests to draft gates from, found none in the commit "
            f"{commit[:12]} of {repository.path}: write a gate by hand, as docs/first-run.md does"
        )
        raise RelgateError(message)
    refuse_what_is_there(folder, tuple(texts))
    folder.mkdir(parents=True, exist_ok=True)
    place = os.path.relpath(folder, repository.path)
    for name, text in texts.items():
        with (folder / name).open("x", encoding="utf-8") as file:
            file.write(text)
        print(f"wrote {place}/{name}")
    at = "" if repository.path.samefile(".") else os.path.relpath(repository.path)
    moved = folder != places_of(checkout).checks
    for line in told(first, place, at=at, moved=moved, released=RELEASED in texts):
        print(line)
    if hidden := hidden_by(folder):
        print(f"\nThe gates may not be collected: {hidden}; name them as it says, or pin it otherwise")
    if repository.is_shallow():
        print("\nThis is a shallow clone: type git fetch --unshallow --tags before a run")
    return 0


def _repository(checkout: Path) -> Repository:
    try:
        return Repository.at(checkout)
    except RelgateError as error:
        words = str(error).partition(": name one with --release-repo")
        if not words[1]:
            raise
        message = f"{words[0]}: type git init and commit, or name one with --repo"
        raise RelgateError(message) from None


def refuse_what_is_there(folder: Path, names: tuple[str, ...]) -> None:
    """Raise RelgateError where a file is there already."""
    for name in names:
        if os.path.lexists(folder / name):
            message = f"{folder / name} is there already, and nothing was written: "
            message += (
                "look at what would run with pytest --release-plan"
                if name in (PROFILE, LOCK)
                else "move it, or name another folder with --checks"
            )
            raise RelgateError(message)


def told(first: First, place: str, *, at: str, moved: bool, released: bool) -> Iterator[str]:
    """What was found, assumed and not found, and what to type next; ``at`` is where, empty for here."""
    yield from _list("Found", _found(first))
    yield from _list("Assumed", _assumed(first))
    yield from _list("Not found, or not looked for", _not_found(first))
    yield from ("", "Next: read what was written, mend it, then")
    if at:
        yield f"  cd {shlex.quote(at)}"
    checks = f"{shlex.quote(place)} " if moved else ""
    target = next_target(first)
    yield f"  git add {shlex.quote(place)} && git commit -m 'Release gates'"
    yield f"  pytest {checks}--release-lock"
    yield f"  git add {shlex.quote(place)}/{LOCK} && git commit -m 'The plan of the release'"
    yield f"  pytest {checks}-m prerelease --release-target {target}"
    if released:
        out = first.tagged if is_out(first) else target
        yield f"  pytest {checks}-m postrelease --release-target {out}   # once it is out"


def _found(first: First) -> Iterator[tuple[str, str, str]]:
    yield "project", first.project.value, first.project.where
    for one in first.manifests[:SHOWN]:
        yield "version", one.version, one.where
    if len(first.manifests) > SHOWN:
        yield "", "", f"and {len(first.manifests) - SHOWN} more"
    if first.tagged:
        yield "tags", first.tagged, "the newest" + (", without a v" if first.spelling == PLAIN else "")
    if first.changelog:
        yield "changelog", first.changelog.value, first.changelog.where
    if first.repository.value:
        yield "repository", first.repository.value, first.repository.where


def _assumed(first: First) -> Iterator[tuple[str, str, str]]:
    for command in first.commands:
        yield "tests", command.line, command.why
    for one in first.channels:
        yield one.kind, one.name, one.why
    if not first.tagged:
        yield "tags", first.spelling.replace(PLAIN, "X.Y.Z"), "no release is tagged here"


def _not_found(first: First) -> Iterator[tuple[str, str, str]]:
    if not first.commands:
        yield "tests", "how the project's tests run: add a gate", ""
    if not first.manifests:
        yield "version", "no manifest carries it: add a gate that reads it", ""
    if not first.changelog:
        yield "changelog", "none with a section for a version", ""
    if not first.repository.value:
        yield "repository", 'where it is on GitHub: repository = "owner/name"', ""
    if not first.channels:
        yield "channels", "where a release can be had: [channels.NAME]", ""
    for words in first.apart[:SHOWN]:
        yield "left out", words, ""
    yield "workflows", "what builds and publishes a release: [workflows]", ""


def _list(title: str, rows: Iterator[tuple[str, str, str]]) -> Iterator[str]:
    found = list(rows)
    if not found:
        return
    yield from ("", title)
    width = min(WIDTH, shutil.get_terminal_size().columns)
    second = max(len(value) for _, value, where in found if where) + 2 if any(w for *_, w in found) else 0
    for name, value, where in found:
        text = f"{value:<{min(second, 34)}}{where}" if where else value
        yield from textwrap.wrap(
            text,
            width - 1,
            initial_indent=f"  {name:<12}",
            subsequent_indent=" " * 14,
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
        )
