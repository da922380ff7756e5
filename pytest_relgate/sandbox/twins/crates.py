"""The twin of crates.io: its sparse index, its API and its files, on one origin.

Paths, headers, refusals and fields are those of the rust-lang/crates.io source; the protocols are those of
the Cargo book (Registry Index, Registry Web API). One origin can hold all three because their paths never
meet: the first folder of the index has one or two letters.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from pytest_relgate.sandbox.twins import crate_documents as documents
from pytest_relgate.sandbox.twins.answers import (
    Refused,
    bearer,
    file_answer,
    http_date,
    json_answer,
    now,
    tagged,
)
from pytest_relgate.sandbox.twins.crate_file import (
    checked_package,
    dependencies_of,
    manifest_of,
    refuse,
    unframed,
)
from pytest_relgate.sandbox.twins.exchange import Answer
from pytest_relgate.sandbox.world import Crate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pytest_relgate.sandbox.store import Store
    from pytest_relgate.sandbox.twins.exchange import Request
    from pytest_relgate.sandbox.world import World

_INDEX_CACHE: Final = "public,max-age=600"
_FILE_CACHE: Final = "public,max-age=31536000,immutable"
_NO_AGENT: Final = (
    "We require that all requests include a `User-Agent` header.  To allow us to determine the impact your "
    "bot has on our service, we ask that your user agent actually identify your bot, and not just report the "
    "HTTP client library you're using.\n"
)
_OK: Final = {"ok": True}
_SHORT: Final = 3  # names of up to so many letters have a folder of their length in the index


class CratesTwin:
    """crates.io, with the crates of a store's world.

    ``gone`` gives the status (410 or 451) of names whose index file was taken away. With ``tokens`` only
    those can publish, without it every token can.
    """

    name: Final = "crates"

    def __init__(
        self,
        store: Store,
        *,
        gone: Mapping[str, int] | None = None,
        tokens: Collection[str] = (),
        clock: Callable[[], str] = now,
    ) -> None:
        self.store = store
        self._gone, self._tokens, self._clock = dict(gone or {}), frozenset(tokens), clock

    def answer(self, request: Request) -> Answer:  # noqa: PLR0911  (a line for each endpoint)
        """Answer one request."""
        method = "GET" if request.method == "HEAD" else request.method
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        try:
            match method, parts:
                case _, ["api", "v1", *rest]:
                    return self._api(request, method, rest)
                case "GET", ["config.json"]:
                    document = {"dl": f"{request.base}/crates", "api": request.base}
                    return tagged(request, json_answer(document, headers={"cache-control": _INDEX_CACHE}))
                case "GET", ["crates", name, version, "download"]:
                    return self._file(request, name, version)
                case "GET", ["crates", name, file]:
                    return self._file(request, name, file.removeprefix(f"{name}-").removesuffix(".crate"))
                case "GET", [*_, name] if parts == index_path(name).split("/"):
                    return self._index(request, name)
                case _:
                    return _absent()
        except Refused as refusal:
            return refusal.answer

    # -- the index and the files --------------------------------------------------------------------------

    def _index(self, request: Request, name: str) -> Answer:
        if (status := self._gone.get(name)) is not None:
            return Answer(status, b"", {"content-type": "text/plain"})
        versions = [crate for crate in self.store.read().crates if crate.name.lower() == name]
        if not versions:
            return _absent()
        lines = (msgspec.json.encode(documents.index_line(crate)) for crate in documents.by_age(versions))
        headers = {
            "content-type": "text/plain",
            "cache-control": _INDEX_CACHE,
            "last-modified": http_date(max(crate.created_at for crate in versions)),
        }
        return tagged(request, Answer(HTTPStatus.OK, b"".join(line + b"\n" for line in lines), headers))

    def _file(self, request: Request, name: str, version: str) -> Answer:
        crate = _find(self.store.read(), name, version)
        if crate is None or crate.name != name:
            return Answer(
                HTTPStatus.FORBIDDEN, b"", {"content-type": "application/xml"}
            )  # as its storage does
        headers = {
            "content-type": "application/gzip",
            "cache-control": _FILE_CACHE,
            "last-modified": http_date(crate.created_at),
        }
        return file_answer(request, self.store.get(crate.blob), headers)

    # -- the API ------------------------------------------------------------------------------------------

    def _api(  # noqa: C901, PLR0911, PLR0912  (a line for each endpoint)
        self, request: Request, method: str, parts: list[str]
    ) -> Answer:
        if not request.headers.get("user-agent", "").strip() and parts[-1] != "download":
            return Answer(HTTPStatus.FORBIDDEN, _NO_AGENT.encode(), {"content-type": "text/plain"})
        match method, parts:
            case "PUT", ["crates", "new"]:
                return self._publish(request)
            case "GET", ["crates"]:
                return json_answer(documents.search(self._crates(), request.asked("q"), self._package))
            case "GET", ["me"]:  # for people alone: a token that is known is told so
                self._authenticate(request)
                return refuse(
                    "this action can only be performed on the crates.io website", HTTPStatus.FORBIDDEN
                )
            case "GET", ["crates", name]:
                return json_answer(documents.crate(self._versions(name), self._package))
            case "GET", ["crates", name, "versions"]:
                listed = [documents.version(one, self._package(one)) for one in self._newest_first(name)]
                return json_answer({"versions": listed, "meta": {"total": len(listed), "next_page": None}})
            case ("GET", ["crates", name, "owners"]) | ("GET", ["crates", name, "owner_user"]):
                return json_answer({"users": [documents.owner(login) for login in self._owners(name)]})
            case (("PUT" | "DELETE"), ["crates", name, "owners"]):
                return self._change_owners(request, name, add=method == "PUT")
            case "GET", ["crates", name, version]:
                crate = self._version(name, version)
                return json_answer({"version": documents.version(crate, self._package(crate))})
            case "GET", ["crates", name, version, "download"]:
                return self._download(request, name, version)
            case "GET", ["crates", name, version, "dependencies"]:
                return json_answer({"dependencies": list(self._version(name, version).deps)})
            case "DELETE", ["crates", name, version, "yank"]:
                return self._yank(request, name, version, yanked=True)
            case "PUT", ["crates", name, version, "unyank"]:
                return self._yank(request, name, version, yanked=False)
            case _:
                return refuse("Not Found", HTTPStatus.NOT_FOUND)

    def _download(self, request: Request, name: str, version: str) -> Answer:
        """Redirect to the file; it is not looked up, as it is not at crates.io."""
        url = f"{request.base}/crates/{name}/{name}-{version}.crate"
        if "application/json" in request.headers.get("accept", ""):
            return json_answer({"url": url}, headers={"vary": "accept"})
        return Answer(HTTPStatus.FOUND, b"", {"location": url, "vary": "accept"})

    def _publish(self, request: Request) -> Answer:
        metadata, archive = unframed(request.body)
        self._authenticate(request)
        name, number = metadata["name"], metadata["vers"]
        manifest = manifest_of(archive, name, number)
        package = checked_package(manifest, metadata)
        crate = Crate(
            name=name,
            version=number,
            blob=self.store.put(archive),
            size=len(archive),
            created_at=self._clock(),
            features=manifest.get("features", {}),
            deps=dependencies_of(manifest),
            rust_version=package.get("rust-version"),
            links=package.get("links"),
        )
        self.store.change(lambda world: _with(world, crate))
        described = documents.crate(self._versions(name), self._package, minimal=True)
        warnings: dict[str, list[str]] = {"invalid_categories": [], "invalid_badges": [], "other": []}
        return json_answer({"crate": described["crate"], "warnings": warnings})

    def _yank(self, request: Request, name: str, number: str, *, yanked: bool) -> Answer:
        crate = self._version(name, number)
        self._authenticate(request)
        changed = msgspec.structs.replace(crate, yanked=yanked)

        def step(world: World) -> World:
            crates = tuple(changed if _same(one, name, number) else one for one in world.crates)
            return msgspec.structs.replace(world, crates=crates)

        self.store.change(step)
        return json_answer(_OK)

    def _change_owners(self, request: Request, name: str, *, add: bool) -> Answer:
        self._authenticate(request)
        asked = msgspec.json.decode(request.body)
        logins: list[str] = asked.get("owners", asked.get("users", []))
        owners = self._owners(name)
        for login in logins:
            if add and login in owners:
                refuse(f"`{login}` is already an owner")
            if not add and login not in owners:
                refuse(f"could not find owner with login `{login}`")
        changed = (*owners, *logins) if add else tuple(one for one in owners if one not in logins)
        if not changed:
            refuse("cannot remove all individual owners of a crate.")
        self.store.change(
            lambda world: msgspec.structs.replace(world, crate_owners={**world.crate_owners, name: changed})
        )
        words = [f"user {login} has been invited to be an owner of crate {name}" for login in logins]
        return json_answer({"msg": ",".join(words) if add else "owners successfully removed", "ok": True})

    def _authenticate(self, request: Request) -> None:
        token = bearer(request)
        if not token:
            refuse("this action requires authentication", HTTPStatus.FORBIDDEN)
        if self._tokens and token not in self._tokens:
            refuse("authentication failed", HTTPStatus.FORBIDDEN)

    # -- what there is ------------------------------------------------------------------------------------

    def _crates(self) -> tuple[Crate, ...]:
        return self.store.read().crates

    def _versions(self, name: str) -> list[Crate]:
        found = [crate for crate in self._crates() if _canonical(crate.name) == _canonical(name)]
        if not found:
            refuse(f"crate `{name}` does not exist", HTTPStatus.NOT_FOUND)
        return found

    def _version(self, name: str, number: str) -> Crate:
        self._versions(name)
        crate = _find(self.store.read(), name, number)
        if crate is None:
            refuse(f"crate `{name}` does not have a version `{number}`", HTTPStatus.NOT_FOUND)
        return crate

    def _newest_first(self, name: str) -> list[Crate]:
        return sorted(self._versions(name), key=documents.precedence, reverse=True)

    def _owners(self, name: str) -> tuple[str, ...]:
        return self.store.read().crate_owners.get(self._versions(name)[0].name, (documents.OWNER,))

    def _package(self, crate: Crate) -> dict[str, Any]:
        """Return the ``[package]`` table of the file; empty where crates.io would not have taken it."""
        try:
            manifest = manifest_of(self.store.get(crate.blob), crate.name, crate.version)
        except Refused:
            return {}
        found: dict[str, Any] = manifest.get("package", {})
        return found


def index_path(name: str) -> str:
    """Return the path of a crate's file in the index (the Cargo book, Registry Index).

    >>> index_path("plasmite"), index_path("abc"), index_path("A")
    ('pl/as/plasmite', '3/a/abc', '1/a')
    """
    lower = name.lower()
    if len(lower) < _SHORT:
        return f"{len(lower)}/{lower}"
    return f"{_SHORT}/{lower[0]}/{lower}" if len(lower) == _SHORT else f"{lower[:2]}/{lower[2:4]}/{lower}"


def _with(world: World, crate: Crate) -> World:
    """Add a version. Build metadata does not tell one version from another (crates.io's ``num_no_build``)."""
    plain = crate.version.partition("+")[0]
    for one in world.crates:
        if _canonical(one.name) != _canonical(crate.name):
            continue
        if one.name != crate.name:
            refuse(f"crate was previously named `{one.name}`")
        if one.version.partition("+")[0] == plain:
            refuse(f"crate version `{plain}` is already uploaded")
    return msgspec.structs.replace(world, crates=(*world.crates, crate))


def _find(world: World, name: str, number: str) -> Crate | None:
    return next((crate for crate in world.crates if _same(crate, name, number)), None)


def _same(crate: Crate, name: str, number: str) -> bool:
    return _canonical(crate.name) == _canonical(name) and crate.version == number


def _canonical(name: str) -> str:
    return name.lower().replace("-", "_")


def _absent() -> Answer:
    return Answer(HTTPStatus.NOT_FOUND, b"", {"content-type": "text/plain"})
