"""Lists in pages, as GitHub cuts them: ``per_page``, ``page``, and where the others are in ``Link``."""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_relgate.sandbox.twins.answers import json_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_relgate.sandbox.twins.exchange import Answer
    from pytest_relgate.sandbox.twins.github.call import Call

Item = TypeVar("Item")

CONTENT_TYPE = "application/json; charset=utf-8"
_DEFAULT, _MOST = 30, 100


def answer_json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Answer with a document, as GitHub spells JSON's content type."""
    return json_answer(document, status, headers, content_type=CONTENT_TYPE)


def page_of(call: Call, items: Sequence[Item]) -> tuple[Sequence[Item], dict[str, str]]:
    """Cut the page that was asked for; return it with the headers that point to the others.

    A number that is none, or below one, is taken as the default, and a size above 100 as 100.
    """
    size = min(_positive(call.request.asked("per_page"), _DEFAULT), _MOST)
    page = _positive(call.request.asked("page"), 1)
    last = max(1, -(-len(items) // size))
    links: dict[str, int] = {}
    if page > 1:
        links |= {"prev": min(page - 1, last)}
    if page < last:
        links |= {"next": page + 1, "last": last}
    if page > 1:
        links |= {"first": 1}
    header = ", ".join(f'<{_address(call, number)}>; rel="{rel}"' for rel, number in links.items())
    cut = items[(page - 1) * size : page * size]
    return cut, {"link": header} if header else {}


def list_page(call: Call, items: Sequence[Item], shape: Callable[[Call, Item], Any]) -> Answer:
    """Answer with a page as a JSON array."""
    cut, headers = page_of(call, items)
    return answer_json([shape(call, item) for item in cut], headers=headers)


def counted_page(call: Call, name: str, items: Sequence[Item], shape: Callable[[Call, Item], Any]) -> Answer:
    """Answer with a page in an object that says how many there are altogether."""
    cut, headers = page_of(call, items)
    document = {"total_count": len(items), name: [shape(call, i) for i in cut]}
    return answer_json(document, headers=headers)


def _positive(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else default


def _address(call: Call, page: int) -> str:
    """Address of another page. GitHub names the repository by its number there."""
    path = call.request.path
    if call.slug and "/repos/" in path:
        from pytest_relgate.sandbox.twins.github.shapes import number_of

        rest = path.partition("/repos/")[2].split("/", 2)[2]
        path = f"{call.api.removeprefix(call.request.base)}/repositories/{number_of(call.slug)}/{rest}"
    query = {name: values[-1] for name, values in call.request.query.items()} | {"page": str(page)}
    return f"{call.request.base}{path}?{urllib.parse.urlencode(query)}"
