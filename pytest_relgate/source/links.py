"""Where symbolic links of a commit lead, worked out in the commit and not on a disk."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_relgate.source.as_committed import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_relgate.source.git import Repository

_FOLLOWED = 40  # as many as Linux follows


@dataclass(frozen=True)
class Links:
    """The links of a commit: ``texts`` by path; ``paths`` are all its files and folders, the top is ``.``."""

    texts: Mapping[str, str]
    paths: frozenset[str]

    @classmethod
    def of(cls, repository: Repository, commit: str) -> Links:
        """Read them; two git processes. Raises RelgateError if there is no such commit."""
        rows = rows_of(repository.path, repository.commit_of(commit), ["."])
        links = [row.path for row in rows if row.is_link]
        texts = repository.contents(commit, links) if links else {}
        paths = {row.path for row in rows}
        for path in tuple(paths):
            while (path := posixpath.dirname(path)) and path not in paths:
                paths.add(path)
        shown = {link: text.decode("utf-8", "surrogateescape") for link, text in texts.items()}
        return cls(shown, frozenset({".", *paths}))

    def real(self, path: str) -> str:
        """The path that another one leads to.

        Empty where links lead out of the repository, to nothing, or round in circles.
        """
        for _ in range(_FOLLOWED):
            parts = path.split("/")
            heads = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
            link = next((head for head in heads if head in self.texts), "")
            if not link:
                return path if path in self.paths else ""
            rest = path[len(link) + 1 :]
            path = posixpath.normpath(posixpath.join(posixpath.dirname(link), self.texts[link], rest))
        return ""

    def below(self, places: Iterable[str]) -> dict[str, str]:
        """Each link below some places, and below what these links lead to, with the path that it leads to."""
        found: dict[str, str] = {}
        ahead = list(places)
        while ahead:
            place = ahead.pop()
            within = "" if place == "." else f"{place}/"
            for link in self.texts:
                if link not in found and (link == place or link.startswith(within)):
                    found[link] = self.real(link)
                    ahead += [found[link]] if found[link] else []
        return found
