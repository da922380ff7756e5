"""The code of the checks as a process loads it: from its source, and from files that git has.

Git ignores files in many ways, and Python imports whatever lies there: a folder that is a repository of its
own, a link, bytecode without source, bytecode that is older than its source. What judged is known only by
looking at what was loaded.
"""

from __future__ import annotations

import hashlib
import importlib._bootstrap_external as machinery
import marshal
import os
import sys
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec
from _pytest.assertion import rewrite

from pytest_relgate.source.as_committed import LINK
from pytest_relgate.subject import NO_GATES

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence
    from pathlib import Path

    import pytest

    from pytest_relgate.subject import Checks

CONFTEST = "conftest.py"
READ_PYC = "_read_pyc"  # of pytest's assertion rewriting
_FACTS: Any = vars(ModuleType)["__dict__"]
_INTERPRETERS = frozenset({"bash", "dash", "ksh", "node", "perl", "python", "ruby", "sh", "zsh"})
_LINKS = 40  # as many as Linux follows
_PYTHON = f"{os.__file__.rpartition('/')[0]}/"
_HEADER = 16  # bytes before the code in a file of bytecode (PEP 552)


class Loaded(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file that code or a gate was loaded from: its path as the process knows it, the sha256 of its bytes.

    ``sha256`` is empty where there is no such file any more, or its code came from other bytes.
    """

    path: str
    sha256: str


# -- from the source ------------------------------------------------------------------------------------


def load_from_source(folder: Path) -> Callable[[], None]:
    """Let code below the checks folder, and every conftest, be compiled from its source.

    Bytecode beside it (``__pycache__``) is believed by its source's size and time, and git ignores it. That
    of all other modules is used as ever. Returns what undoes this.
    """
    below = _places(folder)
    _compiled.clear()
    _stale.clear()
    _stale.update(_from_stale_bytecode(below))
    cache_of = machinery.cache_from_source

    def cache_from_source(path: Any, *args: Any, **kwargs: Any) -> str:
        name = os.fspath(path)
        if name.startswith(below) or name.endswith(CONFTEST):
            _compiled.add(name)
            raise NotImplementedError  # says to importlib that there is no place for bytecode
        return cache_of(path, *args, **kwargs)

    pytests: Any = rewrite
    read_pyc: Any = getattr(pytests, READ_PYC, None)

    def read_pyc_of_others(source: Path, *args: Any) -> Any:
        if str(source).startswith(below) or source.name == CONFTEST:
            _compiled.add(str(source))
            return None
        return read_pyc(source, *args)

    machinery.cache_from_source = cache_from_source
    prefix = sys.pycache_prefix
    if read_pyc is not None:
        setattr(pytests, READ_PYC, read_pyc_of_others)
    else:  # another pytest: no bytecode for anybody, which is slower and as true
        sys.pycache_prefix = f"{os.devnull}/none"

    def undo() -> None:
        machinery.cache_from_source = cache_of
        if read_pyc is not None:
            setattr(pytests, READ_PYC, read_pyc)
        else:
            sys.pycache_prefix = prefix

    return undo


_compiled: set[str] = set()  # what was compiled since, though nobody may have it any more
_stale: set[str] = set()  # what had been loaded before this was asked for, from bytecode of another source


def _from_stale_bytecode(below: tuple[str, ...]) -> Iterator[str]:
    """The modules below some places whose bytecode is not that of their source: plugins named with ``-p``."""
    for facts in _modules():
        path, cached = facts.get("__file__"), facts.get("__cached__")
        if isinstance(path, str) and isinstance(cached, str) and path.startswith(below) and path != cached:
            try:
                with open(path, "rb") as source, open(cached, "rb") as bytecode:
                    made = compile(source.read(), path, "exec", dont_inherit=True)
                    kept = marshal.loads(bytecode.read()[_HEADER:])  # noqa: S302  (it was run already)
            except (OSError, ValueError, EOFError, TypeError, SyntaxError):
                continue
            if made != kept:
                yield path


# -- what was loaded ------------------------------------------------------------------------------------


def loaded_below(
    folder: Path,
    items: Iterable[pytest.Item] = (),
    known: Container[str] = (),
    scripts: Iterable[str] = (),
) -> tuple[Loaded, ...]:
    """The files below the checks folder that this process has code of, or gates from; without ``known``.

    ``scripts`` are paths of scripts that it ran. Conftest files of the folders above count too. Installed
    packages do not, where an environment lies below the checks folder.
    """
    below = _places(folder)
    above = set(_upwards(below))
    lies_below = cache(lambda place: f"{os.path.realpath(place)}/".startswith(below))
    installed = tuple(
        place for place in _folders(sys.prefix, sys.base_prefix, sys.exec_prefix) if place.startswith(below)
    )
    found = [
        path
        for path in dict.fromkeys((*_files_of_modules(), *_files_of(items), *sorted(_compiled), *scripts))
        if path not in known
        and (
            (
                (path.startswith(below) or (not _is_installed(path) and lies_below(_above(path))))
                and not (installed and path.startswith(installed))
            )
            or (path.endswith(f"/{CONFTEST}") and _above(path) in above)
        )
    ]
    return tuple(Loaded(path, "" if path in _stale else _sha256(path)) for path in found)


def _is_installed(path: str) -> bool:
    """Whether a path is of Python's own modules or of installed ones: most are."""
    return path.startswith(_PYTHON) or "/site-packages/" in path


def script_of(argv: Sequence[str], cwd: Path, folder: Path) -> str:
    """The script of the checks that a command runs, by itself or through an interpreter; else empty.

    What lies in a folder of installed programs, as ``node_modules``, is no script of the checks.
    """
    interpreted = os.path.basename(argv[0]).rstrip("0123456789.") in _INTERPRETERS
    words = (word for word in argv[1:] if not word.startswith("-")) if interpreted else argv
    path = os.path.normpath(os.path.join(cwd, next(iter(words), "")))
    below = next((place for place in _places(folder) if path.startswith(place)), "")
    inside = path.removeprefix(below).split("/")
    if not below or any(part in NO_GATES or part.startswith(".") for part in inside):
        return ""
    try:
        with open(path, "rb") as handle:
            return path if interpreted or handle.read(2) == b"#!" else ""
    except OSError:
        return ""


def _places(folder: Path) -> tuple[str, ...]:
    """The beginnings of paths below a folder: as it was named, and as it is without links."""
    return _folders(os.path.abspath(folder), os.path.realpath(folder))


def _folders(*paths: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{path.rstrip('/')}/" for path in paths))


def _above(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _upwards(places: Iterable[str]) -> Iterator[str]:
    """The folders above some places."""
    for place in places:
        above = place.rstrip("/")
        while above != "/":
            above = _above(above)
            yield above


def _modules() -> Iterator[dict[str, Any]]:
    """What every module holds."""
    for module in tuple(sys.modules.values()):
        try:
            yield _FACTS.__get__(module)  # a lazy module is not to be woken, whatever its class says
        except TypeError:  # no module at all
            yield getattr(module, "__dict__", {})


def _files_of_modules() -> Iterator[str]:
    for facts in _modules():
        for name in (facts.get("__file__"), getattr(facts.get("__spec__"), "origin", None)):
            if isinstance(name, str) and name.startswith("/"):
                yield name


def _files_of(items: Iterable[pytest.Item]) -> Iterator[str]:
    last = None
    for item in items:
        if item.path is not last:
            last = item.path
            yield str(last)


def _sha256(path: str) -> str:
    try:
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError:
        return ""


# -- whether git has it ---------------------------------------------------------------------------------


def unreviewed(checks: Checks, files: Iterable[Loaded]) -> Iterator[str]:
    """Say of which of these files git has not the bytes that were loaded, as far as the digest reaches.

    ``checks`` are in a repository and as committed.
    """
    if checks.repository is None:
        return
    top = os.path.realpath(checks.repository.path)
    own = os.path.normpath(os.path.join(top, checks.path))
    for file in files:
        links, place = _trail(file.path)
        shown = os.path.relpath(place, top) if place.startswith(f"{top}/") else place
        odd = [link for link in links if f"{link}/".startswith(f"{own}/")]
        strange = [link for link in odd if checks.seen.get(os.path.relpath(link, top)) != LINK]
        if strange:
            yield f"{os.path.relpath(strange[0], top)} is a link that git does not have"
            continue
        held = _held(shown, checks)
        if not held:
            yield f"{shown} is not in git"
        elif held == shown and file.sha256 != checks.seen[shown]:
            yield f"{shown} was another when it was loaded"


def _held(path: str, checks: Checks) -> str:
    """The file of the checks that a path is, or leads into, as into a zip; empty where git has none."""
    parts = path.split("/")
    heads = ("/".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((head for head in heads if head in checks.seen), "")


def _trail(path: str) -> tuple[list[str], str]:
    """The links that a path leads through, each by its real place, and where it ends."""
    links: list[str] = []
    real, ahead = "/", path.split("/")[::-1]
    while ahead:
        part = ahead.pop()
        if part in ("", "."):
            continue
        if part == "..":
            real = _above(real)
            continue
        here = os.path.join(real, part)
        if len(links) < _LINKS and os.path.islink(here):
            links.append(here)
            target = os.readlink(here)
            real = "/" if target.startswith("/") else real
            ahead += target.split("/")[::-1]
        else:
            real = here
    return links, real
