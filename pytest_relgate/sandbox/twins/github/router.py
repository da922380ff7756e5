"""Which operation a request is, and whether its caller may have it."""

from __future__ import annotations

import re
import urllib.parse
from http import HTTPStatus
from typing import TYPE_CHECKING

from pytest_relgate.sandbox.twins.github.call import Access, Caller, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_relgate.sandbox.twins.github.call import Route

# Templates whose last value may hold slashes: paths of files, and refs like tags/v1.0.0.
_GREEDY = re.compile(r"/(contents|git/ref|git/matching-refs|raw/\{ref\})/\{\w+\}$")
_VALUE = re.compile(r"\\\{(\w+)\\\}")


class Router:
    """Finds the route of a path; where several fit, the one with the most literal words."""

    def __init__(self, routes: Iterable[Route]) -> None:
        ordered = sorted(routes, key=lambda route: (route.template.count("{"), -route.template.count("/")))
        self._routes = [(_pattern(route.template), route) for route in ordered]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route and the decoded values of its template, or None."""
        wanted = "GET" if method == "HEAD" else method
        for pattern, route in self._routes:
            if route.method == wanted and (match := pattern.fullmatch(path)):
                values = {name: urllib.parse.unquote(text) for name, text in match.groupdict("").items()}
                return route, values
        return None


def _pattern(template: str) -> re.Pattern[str]:
    greedy = _GREEDY.search(template) is not None
    head, _, last = template.rpartition("/") if greedy else (template, "", "")
    spelt = _VALUE.sub(r"(?P<\1>[^/]+)", re.escape(head))
    return re.compile(f"{spelt}(?:/(?P<{last[1:-1]}>.*))?" if greedy else spelt)


def check_access(route: Route, caller: Caller) -> None:
    """Raise Problem in GitHub's words where the caller may not have what the route gives."""
    match route.needs, caller:
        case (Access.PUBLIC, _) | (_, Caller.USER):
            return
        case Access.LOGS, Caller.ANONYMOUS:
            raise Problem(HTTPStatus.FORBIDDEN, "Must have admin rights to Repository.")
        case _, Caller.ANONYMOUS:
            raise Problem(HTTPStatus.UNAUTHORIZED, "Requires authentication")
        case ((Access.SECRETS | Access.CONTENTS), Caller.WORKFLOW):
            raise Problem(HTTPStatus.FORBIDDEN, "Resource not accessible by integration")
        case _:
            return
