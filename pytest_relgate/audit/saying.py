"""What was seen, in findings. Pure. A name that was guessed is never held against a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_relgate.audit import contents, platforms
from pytest_relgate.audit.answer import Level, Row, Said
from pytest_relgate.channels.judge import Standing
from pytest_relgate.source.artifact_rules import promised
from pytest_relgate.source.formula_rules import archives_by_platform

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_relgate.audit.draft import Promise
    from pytest_relgate.audit.inside import Inside
    from pytest_relgate.audit.looking import Seen
    from pytest_relgate.audit.platforms import Platform
    from pytest_relgate.channels.judge import Opinion

_NATIVE_KINDS = ("pypi", "npm", "crates")
_REBUILD = "publish the next version with a package for each platform that its name promises"


def findings(seen: Sequence[Seen], promises: Iterable[Promise], repository: str) -> list[Said]:
    """Say everything about every channel."""
    found = [said for one in seen for said in _of(one, repository)]
    found += _gaps(seen, promises)
    return in_order(found)


def in_order(found: Iterable[Said]) -> list[Said]:
    """Each of them once, the worst first."""
    order = list(Level)
    return sorted(dict.fromkeys(found), key=lambda said: order.index(said.level))


def rows(seen: Sequence[Seen], found: Sequence[Said]) -> list[Row]:
    """The table: a row for each channel that was looked at."""
    return [_row(one, [said.level for said in found if said.channel == one.seen.channel]) for one in seen]


def _row(one: Seen, levels: list[Level]) -> Row:
    worst = next((level for level in Level if level in levels and level is not Level.NOTE), None)
    standing = one.judgement.version.standing
    version = one.seen.version or ("not found" if standing is Standing.ABSENT else standing.value)
    return Row(
        channel=one.seen.kind,
        name=one.seen.channel.partition(" ")[2],
        version=version,
        files=len(one.seen.files),
        read=sum(bool(file.served) for file in one.seen.files),
        platforms=tuple(sorted(_held(one))),
        state=worst.value if worst else "ok",
        assumed_from="" if one.assumed.named else one.assumed.why,
        part_of=one.assumed.part_of,
        where=one.seen.where,
    )


# -- one channel ----------------------------------------------------------------------------------------


def _of(one: Seen, repository: str) -> Iterator[Said]:
    judged = one.judgement
    opinions = [judged.version, judged.flags]
    if one.seen.files or not one.seen.version:
        opinions += [judged.files, judged.digests]
    ours = one.is_of(repository)
    wrong = [_opinion(one, each) for each in opinions if each.standing is not Standing.SERVED]
    wrong += list(_packages(one))
    for said in dict.fromkeys(wrong):
        if said.level is Level.FAILED and not ours:
            words = f"{said.words}; nothing in it says that it is of {repository or 'this repository'}"
            yield _said(one, Level.UNKNOWN, words, _name_it(one))
        else:
            yield said
    for note in one.notes:
        yield _said(one, Level.NOTE, note)


def _said(one: Seen, level: Level, words: str, do: str = "") -> Said:
    return Said(level, one.seen.channel, words, one.seen.where, do)


def _name_it(one: Seen) -> str:
    kind = one.assumed.kind
    return f"name it, --channel {kind}=NAME, or leave it out, --channel {kind}="


def _opinion(one: Seen, opinion: Opinion) -> Said:
    standing, do = opinion.standing, opinion.do.partition(", or wait with")[0]
    words = opinion.words.replace("is not what was built", "differs from the checksum that is stated for it")
    if standing.wrong:
        return _said(one, Level.FAILED, words, do)
    if standing is Standing.UNKNOWN:
        return _said(one, Level.UNKNOWN, words, do)
    if one.seen.version or one.assumed.named or standing is Standing.LATE:
        return _said(one, Level.PENDING, words, do)
    if one.seen.resolved:
        words = f"{words}, though it has {one.seen.resolved}: it may never have been published there"
    elif one.seen.kind == "github-release":
        words = f"{one.seen.channel} shows no release of the tag, or a draft"
        return _said(
            one, Level.UNKNOWN, words, "leave it out where there is to be none: --channel github-release="
        )
    else:
        words = f"{one.seen.channel} was not found under the assumed name (from {one.assumed.why})"
    return _said(one, Level.UNKNOWN, words, _name_it(one))


def _packages(one: Seen) -> Iterator[Said]:
    for name, inside in one.inside.items():
        if inside.problem and one.seen.kind in _NATIVE_KINDS:
            words = f"{one.seen.channel}: {name} cannot be opened: {inside.problem}"
            yield _said(one, Level.FAILED, words, "publish the next version; nobody can install this")
        elif inside.problem or inside.partly:
            why = f": {inside.problem}" if inside.problem else ""
            yield _said(one, Level.NOTE, f"{one.seen.channel}: {name} was not looked through{why}")
        for words in platforms.lacking(promise_of(name, inside) or (), inside.parts):
            yield _said(one, Level.FAILED, f"{name}: {words}", _REBUILD)
        if one.seen.kind == "npm":
            for words in platforms.in_wrong_folders(inside.parts):
                yield _said(one, Level.FAILED, f"{name}: {words}", _REBUILD)
        if words := contents.another_version(name, inside, one.assumed.spelled):
            yield _said(one, Level.FAILED, f"{name}: {words}", "publish the next version from a clean build")
        for words in contents.notes(name, inside):
            yield _said(one, Level.NOTE, f"{one.seen.channel}: {words}")


def promise_of(name: str, inside: Inside) -> frozenset[Platform] | None:
    """The platforms that a file is for by its name, or by its package.json; None where nothing is certain."""
    if name.endswith(".whl"):
        return platforms.of_wheel(name)
    if name.endswith(".tgz") and inside.text("package.json"):
        document = inside.package_json
        return platforms.of_package(document.get("os"), document.get("cpu"))
    said = promised(name)
    return frozenset((said[0], one) for one in said[1]) if said else None


# -- what is promised and not there ---------------------------------------------------------------------


def _held(one: Seen) -> set[Platform]:
    """The platforms that a channel has something for."""
    found: set[Platform] = set()
    for name, inside in one.inside.items():
        promise = promise_of(name, inside)
        if promise is None and name.endswith((".whl", ".tgz")) and _names_a_platform(inside):
            continue  # for a system that is not known here: the form of its files is that of another
        found |= platforms.held(inside.parts)
    return found


def _names_a_platform(inside: Inside) -> bool:
    document = inside.package_json
    return bool(document.get("os") or document.get("cpu"))


def _gaps(seen: Sequence[Seen], promises: Iterable[Promise]) -> Iterator[Said]:
    """Platforms that the project is for, and a channel has nothing of. No fault by itself: pip builds."""
    held = {platform: one.seen.channel for one in seen if one.seen.kind != "pypi" for platform in _held(one)}
    said = {promise.system: promise.where for promise in promises}
    for one in seen:
        if one.seen.kind == "pypi":
            yield from _wheels_lacking(one, said, held)
        elif one.seen.kind == "homebrew" and one.seen.version:
            names = tuple(
                file.name for each in seen if each.seen.kind == "github-release" for file in each.seen.files
            )
            formula = {file.name for file in one.seen.files}
            archives = archives_by_platform(names)
            for platform, name in archives.items():
                if name not in formula and formula & set(archives.values()):
                    words = f"{one.seen.channel} has nothing for {platform}, and the release has {name}"
                    yield _said(one, Level.NOTE, words)


def _wheels_lacking(one: Seen, said: dict[str, str], held: dict[Platform, str]) -> Iterator[Said]:
    wheels = [platforms.of_wheel(file.name) for file in one.seen.files if file.name.endswith(".whl")]
    has = {platform for each in wheels for platform in each or ()}
    if not has or any(each is None or not each for each in wheels):
        return  # one is for every platform, or for one that is not known here
    systems = {system for system, _ in has}
    for system in sorted({*said, *(system for system, _ in held)} - systems):
        where = said.get(system) or next(name for (each, _), name in held.items() if each == system)
        words = f"{one.seen.channel} has no wheel for {system}, which {where} promises; {_instead(one)}"
        yield _said(one, Level.NOTE, words)
    for system, processor in sorted(held.keys() - has):
        if system in systems:
            words = f"{one.seen.channel} has no wheel for {system} on {processor}, which"
            yield _said(one, Level.NOTE, f"{words} {held[system, processor]} has; {_instead(one)}")


def _instead(one: Seen) -> str:
    sources = [(name, inside) for name, inside in one.inside.items() if not name.endswith(".whl")]
    if not sources:
        return "there is no source distribution either, so pip finds nothing there"
    name, inside = sources[0]
    if not inside.sources and not inside.parts:
        return f"pip takes {name} there, which holds neither native files nor sources to build them of"
    return f"pip builds {name} there"
