"""One audit from its beginning to its end: manifests, a draft, a look at every channel, what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.audit.answer import Answer, Level, Said
from pytest_relgate.audit.contents import commit_of_crate
from pytest_relgate.audit.draft import Assumed, Draft, draft
from pytest_relgate.audit.looking import World
from pytest_relgate.audit.saying import findings, in_order, rows
from pytest_relgate.audit.trees import Manifests, of_checkout, of_github
from pytest_relgate.errors import RelgateError
from pytest_relgate.github.api import Api
from pytest_relgate.source.git import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_relgate.audit.keeping import Keeping
    from pytest_relgate.audit.looking import Seen
    from pytest_relgate.audit.tagged import Tagged
    from pytest_relgate.net.origins import Origins

COMMAND_LINE = "the command line"


def audited(
    http: Keeping,
    origins: Origins,
    tagged: Tagged,
    *,
    slug: str,
    checkout: Path,
    named: Sequence[tuple[str, str]],
    mirrors: Mapping[str, str],
) -> Answer:
    """Audit the release of a tag: of ``slug`` on GitHub, else of the checkout.

    ``named`` are channels that the command line names (kind, name); an empty name leaves the kind out.
    Raises RelgateError where there is neither.
    """
    repository, manifests = _manifests(http, origins, tagged, slug, checkout)
    drafted = draft(manifests.files, manifests.files.get, tagged, repository)
    channels = _channels(drafted, tagged, named, repository)
    seen = World(http, origins, tagged, repository, mirrors).look(channels)
    found = findings(seen, drafted.promises, repository)
    found += _of_other_commits(seen, tagged, manifests.commit)
    if manifests.problem:
        words = f"the manifests could not be read, so nothing was assumed: {manifests.problem}"
        level = Level.NOTE if named else Level.UNKNOWN  # what is named is what is asked for
        do = f"{manifests.do}; or name what to look at: --channel pypi=NAME"
        found.append(Said(level, "manifests", words, "", do))
    found = in_order(found)
    if any(kind == "github-release" and name for kind, name in named):
        repository = next(name for kind, name in named if kind == "github-release" and name)
    return Answer(
        repository=repository,
        tag=tagged.tag,
        version=tagged.version,
        commit=manifests.commit,
        rows=tuple(rows(seen, found)),
        findings=tuple(found),
        assumed=tuple(f"{one.kind} {one.name}, from {one.why}" for one in channels if not one.named),
        left_out=(*drafted.left_out, *manifests.notes),
    )


def _of_other_commits(seen: Sequence[Seen], tagged: Tagged, commit: str) -> Iterator[Said]:
    """Where the tag is another one on GitHub, and which crate was packed at another commit."""
    for one in seen if commit else ():
        where, channel = one.seen.where, one.seen.channel
        if one.seen.commit and one.seen.commit != commit:
            at = f"{tagged.tag} is at {commit[:12]} here and at {one.seen.commit[:12]} on GitHub"
            do = "type git fetch --tags --force, and find out who moved it"
            yield Said(Level.UNKNOWN, channel, f"{at}: the manifests may be another release's", where, do)
        for name, inside in one.inside.items():
            packed = commit_of_crate(inside)
            if packed and packed != commit:
                yield Said(
                    Level.NOTE, channel, f"{name} was packed at {packed[:12]}, the tag is at {commit[:12]}"
                )


def _manifests(
    http: Keeping, origins: Origins, tagged: Tagged, slug: str, checkout: Path
) -> tuple[str, Manifests]:
    if slug:
        return slug, of_github(Api(http, origins.github_api, slug), tagged.tag)
    try:
        repository = Repository.at(checkout)
    except RelgateError:
        message = f"expected a checkout, found none at {checkout}: type relgate audit OWNER/NAME {tagged.tag}"
        raise RelgateError(message) from None
    return repository.remote_slug(), of_checkout(repository, tagged.tag)


def _channels(
    drafted: Draft, tagged: Tagged, named: Sequence[tuple[str, str]], repository: str
) -> list[Assumed]:
    """What is looked at: what was drafted, with the command line's word in the place of a guess."""
    told = {kind for kind, _ in named}
    found = []
    if repository and "github-release" not in told:
        found.append(Assumed("github-release", repository, tagged.version, "the repository"))
    for kind, name in named:
        if name:
            found.append(_named(drafted, tagged, kind, name))
    return found + [one for one in drafted.channels if one.kind not in told]


def _named(drafted: Draft, tagged: Tagged, kind: str, name: str) -> Assumed:
    known = next((one for one in drafted.channels if one.kind == kind), None)
    spelled = next((one.spelled for one in drafted.channels if (one.kind, one.name) == (kind, name)), "")
    spelled = spelled or tagged.spelled(kind)
    if not spelled:
        message = f"--channel {kind}={name}: {tagged.version} has no spelling on {kind}"
        raise RelgateError(message)
    made = Assumed(kind, name, spelled, COMMAND_LINE, named=True)
    if kind == "homebrew":
        package = known.name if known else name.partition("/")[0]
        return msgspec.structs.replace(made, name=package, tap=name, formula=f"Formula/{package}.rb")
    return made
