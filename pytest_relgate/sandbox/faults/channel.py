"""Faults of what the channels serve, each for one version on one channel. SPEC S47-S52, S56-S58."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from pytest_relgate.model import Phase, State
from pytest_relgate.sandbox import artifacts
from pytest_relgate.sandbox.faults import overlay
from pytest_relgate.sandbox.faults.fault import Fault
from pytest_relgate.sandbox.faults.overlay import NEWER, cut, rebuilt
from pytest_relgate.sandbox.runs import PUBLISH

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_relgate.sandbox.faults.overlay import Overlay
    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.world import (
        Asset,
        Crate,
        Job,
        NpmPackage,
        NpmVersion,
        PypiFile,
        Release,
        Run,
        World,
    )

    Bytes = Callable[[bytes], bytes]

# -- GitHub release -------------------------------------------------------------------------------------

_ARCHIVE = "linux_amd64.tar.gz"


def _asset(change: Bytes) -> Overlay:
    def asset(one: Asset, store: Store) -> Asset:
        if not one.name.endswith(_ARCHIVE):
            return one
        raw = change(store.get(one.blob))
        blob = store.put(raw)
        return msgspec.structs.replace(one, blob=blob, size=len(raw), digest=f"sha256:{blob}")

    def in_release(one: Release, store: Store) -> Release:
        return msgspec.structs.replace(one, assets=tuple(asset(each, store) for each in one.assets))

    return overlay.release(in_release)


def _fewer_assets(one: Release, _: Store) -> Release:
    kept = tuple(each for each in one.assets if not each.name.endswith(_ARCHIVE))
    return msgspec.structs.replace(one, assets=kept)


def _more_assets(one: Release, _: Store) -> Release:
    more = msgspec.structs.replace(one.assets[0], id=one.id + 500_000, name="plasmite_windows_amd64.zip")
    return msgspec.structs.replace(one, assets=(*one.assets, more))


def _draft(one: Release, _: Store) -> Release:
    return msgspec.structs.replace(one, draft=True, published_at=None)


def _latest_before(world: World, store: Store) -> World:
    """The release before is marked as the latest: GitHub goes by dates, and its commit has a later one."""
    tag = f"v{overlay.version_of(world, store)}"
    before = next((one for one in reversed(world.releases) if one.tag != tag), None)
    releases = (
        msgspec.structs.replace(one, created_at="2036-01-01T00:00:00Z") if one is before else one
        for one in world.releases
    )
    return msgspec.structs.replace(world, releases=tuple(releases))


# -- crates.io ------------------------------------------------------------------------------------------


def _crate(change: Bytes) -> Overlay:
    def version(one: Crate, store: Store) -> Crate:
        raw = change(store.get(one.blob))
        return msgspec.structs.replace(one, blob=store.put(raw), size=len(raw))

    return overlay.crate(version)


def _newer_crate(world: World, _: Store) -> World:
    newer = msgspec.structs.replace(world.crates[-1], version=NEWER)
    return msgspec.structs.replace(world, crates=(*world.crates, newer))


# -- npm ------------------------------------------------------------------------------------------------


def _tarball(change: Bytes) -> Overlay:
    def version(one: NpmVersion, store: Store) -> NpmVersion:
        raw = change(store.get(one.blob))
        return msgspec.structs.replace(one, blob=store.put(raw), size=len(raw))

    return overlay.npm(version)


def _without_addon(raw: bytes) -> bytes:
    members = artifacts.untarred(raw)
    members.pop("package/native/linux-x64/index.node")
    return artifacts.tarred(members)


def _not_on_npm(one: NpmPackage, version: str, _: Store) -> NpmPackage:
    versions = {number: each for number, each in one.versions.items() if number != version}
    tags = {"latest": list(versions)[-1]}
    return msgspec.structs.replace(one, versions=versions, tags=tags)


def _newer_on_npm(one: NpmPackage, _: str, __: Store) -> NpmPackage:
    last = list(one.versions.values())[-1]
    newer = msgspec.structs.replace(last, manifest={**last.manifest, "version": NEWER})
    return msgspec.structs.replace(
        one, versions={**one.versions, NEWER: newer}, tags={**one.tags, "latest": NEWER}
    )


def _latest_elsewhere(one: NpmPackage, version: str, _: Store) -> NpmPackage:
    numbers = list(one.versions)
    before = numbers[numbers.index(version) - 1] if version in numbers else numbers[-1]
    return msgspec.structs.replace(one, tags={**one.tags, "latest": before, "next": version})


# -- PyPI -----------------------------------------------------------------------------------------------

_WHEEL = "manylinux_2_28_x86_64.whl"


def _wheel(change: Bytes) -> Overlay:
    def files(mine: tuple[PypiFile, ...], _: str, store: Store) -> tuple[PypiFile, ...]:
        def file(one: PypiFile) -> PypiFile:
            if not one.filename.endswith(_WHEEL):
                return one
            raw = change(store.get(one.blob))
            return msgspec.structs.replace(one, blob=store.put(raw), size=len(raw))

        return tuple(map(file, mine))

    return overlay.pypi(files)


def _fewer_wheels(mine: tuple[PypiFile, ...], _: str, __: Store) -> tuple[PypiFile, ...]:
    return tuple(one for one in mine if not one.filename.endswith(_WHEEL))


def _more_wheels(mine: tuple[PypiFile, ...], version: str, _: Store) -> tuple[PypiFile, ...]:
    wheel = next(one for one in mine if one.filename.endswith(_WHEEL))
    more = msgspec.structs.replace(wheel, filename=f"plasmite-{version}-py3-none-win_amd64.whl")
    return (*mine, more)


def _newer_on_pypi(mine: tuple[PypiFile, ...], version: str, _: Store) -> tuple[PypiFile, ...]:
    newer = (
        msgspec.structs.replace(one, version=NEWER, filename=one.filename.replace(f"-{version}", f"-{NEWER}"))
        for one in mine
    )
    return (*mine, *newer)


def _yanked(mine: tuple[PypiFile, ...], _: str, __: Store) -> tuple[PypiFile, ...]:
    return tuple(msgspec.structs.replace(one, yanked="broken on arm64") for one in mine)


# -- Homebrew -------------------------------------------------------------------------------------------


def _before(_: str, before: str) -> str:
    return before


def _without_linux_arm(text: str, _: str) -> str:
    return re.sub(r'\n *url "[^"]*_linux_arm64[^"]*"\n *sha256 "[^"]*"', "", text)


def _newer_formula(text: str, _: str) -> str:
    found = re.search(r'version "([^"]+)"', text)
    return text.replace(found[1], NEWER) if found else text


def _disabled(text: str, _: str) -> str:
    disabled = 'disable! date: "2026-01-01", because: :unsupported'
    return text.replace("  on_macos do", f"  {disabled}\n\n  on_macos do", 1)


def _other_digest(text: str, _: str) -> str:
    first = re.findall(r'sha256 "([0-9a-f]{64})"', text)[0]
    return text.replace(first, artifacts.sha256(first.encode()))


def _swapped(text: str, _: str) -> str:
    """The two branches of macOS with each other's archives."""
    marked = text.replace("_darwin_arm64", "_@").replace("_darwin_amd64", "_darwin_arm64")
    text = marked.replace("_@", "_darwin_amd64")
    first, second = re.findall(r'sha256 "([0-9a-f]{64})"', text)[:2]
    return text.replace(first, "@").replace(second, first).replace("@", second)


# -- all together ---------------------------------------------------------------------------------------


def _partly(world: World, store: Store) -> World:
    """The publish run failed at PyPI: crates.io and npm have the version, the others have not."""
    version = overlay.version_of(world, store)
    tag = f"v{version}"

    def job(one: Job, failed: list[str]) -> Job:
        if one.name == "publish-pypi":
            failed.append(one.name)
            return msgspec.structs.replace(one, conclusion="failure")
        return msgspec.structs.replace(one, conclusion="skipped", steps=()) if failed else one

    def run(one: Run) -> Run:
        failed: list[str] = []
        jobs = tuple(job(each, failed) for each in one.jobs)
        return msgspec.structs.replace(one, conclusion="failure", jobs=jobs)

    world = overlay.each_run(
        run,
        of=lambda one: (
            one.workflow == PUBLISH
            and one.inputs.get("release_tag") == tag
            and one.inputs.get("rehearsal") == "false"
        ),
    )(world)
    world = overlay.pypi(lambda *_: ())(world, store)
    return overlay.release(lambda *_: None)(world, store)


def _fault(
    name: str,
    line: str,
    says: str,
    expect: State = State.FAILED,
    *,
    world: Overlay | None = None,
    formula: Callable[[str, str], str] | None = None,
) -> Fault:
    return Fault(name, line, Phase.POSTRELEASE, says, expect, world=world, formula=formula)


_BYTES = r"is not what was built|is served as other bytes"
_ROGUE = rf"gives {NEWER} to whoever names no version, expected|serves {NEWER}, and there is no tag of it"
_BROKEN = rf"{_BYTES}|is broken or cut short"
_FORMULA = rf"{_BYTES}|homebrew states"
_NOT_YET = r"does not have|and not yet"

FAULTS = (
    _fault(
        "github-absent",
        "there is no GitHub release",
        _NOT_YET,
        State.PENDING,
        world=overlay.release(lambda *_: None),
    ),
    _fault(
        "github-draft",
        "the GitHub release is still a draft",
        r"draft|does not have",
        world=overlay.release(_draft),
    ),
    _fault(
        "github-missing",
        "an asset of the GitHub release is missing",
        rf"lacks plasmite_\S+_{_ARCHIVE}, and calls itself complete",
        world=overlay.release(_fewer_assets),
    ),
    _fault(
        "github-extra",
        "the GitHub release has an asset too much",
        r"plasmite_windows_amd64\.zip is there and is not expected",
        world=overlay.release(_more_assets),
    ),
    _fault(
        "github-not-latest",
        "GitHub marks the release before as the latest",
        r"marks [0-9.]+ as the latest release",
        world=_latest_before,
    ),
    _fault("github-truncated", "an asset of the GitHub release broke off", _BROKEN, world=_asset(cut)),
    _fault(
        "github-wrong-digest",
        "an asset of the GitHub release is of another build",
        _FORMULA,
        world=_asset(rebuilt),
    ),
    _fault(
        "crates-absent",
        "crates.io does not have the version",
        _NOT_YET,
        State.PENDING,
        world=overlay.crate(lambda *_: None),
    ),
    _fault("crates-truncated", "the crate on crates.io broke off", _BROKEN, world=_crate(cut)),
    _fault("crates-wrong-digest", "the crate is of another build", _BYTES, world=_crate(rebuilt)),
    _fault(
        "crates-wrong-version",
        "crates.io has a newer version that nobody released",
        _ROGUE,
        world=_newer_crate,
    ),
    _fault(
        "crates-yanked",
        "the version on crates.io is yanked",
        r"is yanked",
        world=overlay.crate(lambda one, _: msgspec.structs.replace(one, yanked=True)),
    ),
    _fault(
        "npm-absent",
        "npm does not have the version",
        _NOT_YET,
        State.PENDING,
        world=overlay.package(_not_on_npm),
    ),
    _fault("npm-truncated", "the npm tarball broke off", _BROKEN, world=_tarball(cut)),
    _fault("npm-wrong-digest", "the npm tarball is of another build", _BYTES, world=_tarball(rebuilt)),
    _fault(
        "npm-missing",
        "the npm tarball lacks the addon for Linux on x64",
        rf"linux-x64/index\.node|{_BYTES}",
        world=_tarball(_without_addon),
    ),
    _fault(
        "npm-wrong-version",
        "npm has a newer version that nobody released",
        _ROGUE,
        world=overlay.package(_newer_on_npm),
    ),
    _fault(
        "npm-wrong-dist-tag",
        "npm's dist-tag latest stayed at the version before",
        r"whoever names no version gets still",
        State.PENDING,
        world=overlay.package(_latest_elsewhere),
    ),
    _fault(
        "npm-deprecated",
        "the version on npm is deprecated",
        r"is deprecated",
        world=overlay.npm(lambda one, _: msgspec.structs.replace(one, deprecated="use another one")),
    ),
    _fault(
        "pypi-absent",
        "PyPI does not have the version",
        _NOT_YET,
        State.PENDING,
        world=overlay.pypi(lambda *_: ()),
    ),
    _fault(
        "pypi-missing",
        "PyPI lacks the wheel for Linux on x64",
        rf"lacks .*{_WHEEL}",
        State.PENDING,
        world=overlay.pypi(_fewer_wheels),
    ),
    _fault(
        "pypi-extra",
        "PyPI has a wheel too much",
        r"win_amd64\.whl is there and is not expected",
        world=overlay.pypi(_more_wheels),
    ),
    _fault("pypi-truncated", "a wheel on PyPI broke off", _BROKEN, world=_wheel(cut)),
    _fault("pypi-wrong-digest", "a wheel on PyPI is of another build", _BYTES, world=_wheel(rebuilt)),
    _fault(
        "pypi-wrong-version",
        "PyPI has a newer version that nobody released",
        _ROGUE,
        world=overlay.pypi(_newer_on_pypi),
    ),
    _fault("pypi-yanked", "the version on PyPI is yanked", r"is yanked", world=overlay.pypi(_yanked)),
    _fault(
        "homebrew-absent", "the tap still has the version before", _NOT_YET, State.PENDING, formula=_before
    ),
    _fault(
        "homebrew-missing",
        "the formula has nothing for Linux on arm64",
        r"lacks plasmite_\S+_linux_arm64\.tar\.gz",
        formula=_without_linux_arm,
    ),
    _fault(
        "homebrew-wrong-version",
        "the formula is of a version that nobody released",
        rf"serves {NEWER}, expected",
        formula=_newer_formula,
    ),
    _fault(
        "homebrew-disabled",
        "the formula is disabled, so that Homebrew does not install it",
        r"is disabled",
        formula=_disabled,
    ),
    _fault(
        "homebrew-wrong-digest",
        "a checksum of the formula is that of no archive",
        _FORMULA,
        formula=_other_digest,
    ),
    _fault(
        "homebrew-swapped-branches",
        "the formula's branches for arm and intel are swapped",
        r"darwin_amd64: the archive under this branch is plasmite_\S+_darwin_arm64",
        formula=_swapped,
    ),
    _fault(
        "partial-publish",
        "the publish run failed half-way: some channels have the version",
        r"crates, npm of 5 serve the release; publish jobs that did not succeed: .*publish-pypi",
        world=_partly,
        formula=_before,
    ),
)
