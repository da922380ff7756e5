"""Issues of a repository: those with a label, and opening one. Nothing is opened twice on purpose.

Listing by label asks the repository itself; the search index lags by minutes and is not asked. GitHub's REST
API, "List repository issues" and "Create an issue": pull requests are listed too, and a label is dropped
without a word where the caller may not push.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from pytest_relgate.decoding import read_json
from pytest_relgate.errors import CannotJudge
from pytest_relgate.github.api import JSON, VERSION
from pytest_relgate.net.exchange import Answer, Unreachable, Why, origin_of
from pytest_relgate.net.facts import Absent, Known, Unknown, json_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_relgate.github.api import Api
    from pytest_relgate.net.exchange import Outcome

_PAGE: Final = 100
_PAGES: Final = 20
_NEVER_LEFT: Final = frozenset({Why.NAME, Why.REFUSED, Why.TLS})
CREDENTIALS: Final = (
    "the token needs the permission to write issues: set another GH_TOKEN, or type gh auth login"
)


class Label(msgspec.Struct, frozen=True):
    """A label."""

    name: str = ""


class PullRequest(msgspec.Struct, frozen=True):
    """That an issue is a pull request. Nothing of it is read."""


class IssueFacts(msgspec.Struct, frozen=True):
    """An issue. ``state`` is open or closed; ``pull_request`` is there for what is none."""

    number: int
    html_url: str
    state: str
    title: str = ""
    body: str | None = None
    labels: tuple[Label | str, ...] = ()
    pull_request: PullRequest | None = None

    def has(self, label: str) -> bool:
        """Whether it carries the label."""
        names = (one if isinstance(one, str) else one.name for one in self.labels)
        return label.casefold() in map(str.casefold, names)


@dataclass(frozen=True)
class Filed:
    """The issue that stands for something. ``fresh`` is whether it was opened just now."""

    issue: IssueFacts
    fresh: bool


class Issues:
    """The issues of the repository that ``api`` reads."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._url = f"{api.base}/repos/{api.repository}/issues"

    def file(self, title: str, body: str, *, label: str, is_it: Callable[[IssueFacts], bool]) -> Filed:
        """Open an issue, unless one that ``is_it`` is there already, closed ones included.

        Raises CannotJudge, which says what to do, where nobody can say that it is there or where it was
        refused. Where the answer to the opening is lost, the list says whether it came through.
        """
        there = self._find(label, is_it)
        if there is not None:
            return Filed(there, fresh=False)
        outcome = self._open(title, body, label)
        match outcome:
            case Answer(status=HTTPStatus.CREATED):
                made = _issue(outcome)
                if made is not None:
                    return Filed(made, fresh=True)
            case Unreachable(why=why, words=words) if why in _NEVER_LEFT:
                message = f"nothing was filed: {words}"
                raise CannotJudge(message, do="type the same command again when this machine is online")
            case Answer(status=status) if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise self._refused(outcome)
        said = outcome.words if isinstance(outcome, Unreachable) else f"GitHub answered {outcome.status}"
        there = self._find(label, is_it)
        if there is not None:
            return Filed(there, fresh=True)
        message = f"whether it was filed is not known: {said}"
        do = "type the same command again in a minute: it looks for it first"
        raise CannotJudge(message, do=do)

    def _find(self, label: str, is_it: Callable[[IssueFacts], bool]) -> IssueFacts | None:
        """The issue, among those with the label, and among the newest: a label may have been dropped."""
        for issue in self._listed(f"labels={quote(label, safe='')}&", _PAGES):
            if is_it(issue):
                return issue
        return next(filter(is_it, self._listed("", 1)), None)

    def _listed(self, query: str, pages: int) -> Iterator[IssueFacts]:
        what = f"the issues of {self.api.repository}"
        follow = frozenset({origin_of(self.api.base)})
        for number in range(1, pages + 1):
            place = f"{self._url}?{query}state=all&sort=created&direction=desc&per_page={_PAGE}&page={number}"
            outcome = self.api.http.get(place, accept=JSON, headers=VERSION, follow=follow, fresh=True)
            match json_of(outcome, tuple[IssueFacts, ...], what, credential=CREDENTIALS):
                case Known(value=issues):
                    yield from (one for one in issues if one.pull_request is None)
                    if len(issues) < _PAGE:
                        return
                case Absent(status=status):
                    raise _no_issues(self.api.repository, status)
                case Unknown() as unknown:
                    raise unknown.error()
        if query:
            message = f"{what}: there are more than {_PAGE * pages} with this label"
            raise CannotJudge(message, do="name another label: incidents.label in relgate.toml")

    def _open(self, title: str, body: str, label: str) -> Outcome:
        document = {"title": title, "body": body, "labels": [label]}
        return self.api.http.post(self._url, msgspec.json.encode(document), accept=JSON, headers=VERSION)

    def _refused(self, answer: Answer) -> CannotJudge:
        what = "nothing was filed"
        if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return _no_issues(self.api.repository, answer.status)
        fact = text_of(answer, what, credential=CREDENTIALS)
        if isinstance(fact, Unknown):
            return fact.error()
        message = f"{what}: GitHub answered {answer.status}"
        return CannotJudge(message, do=CREDENTIALS)


def _issue(answer: Answer) -> IssueFacts | None:
    try:
        return read_json(answer.body, IssueFacts)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _no_issues(repository: str, status: int) -> CannotJudge:
    if status == HTTPStatus.GONE:
        message = f"nothing was filed: {repository} has its issues turned off"
        return CannotJudge(message, do="turn them on, or file by incidents.command of relgate.toml")
    message = f"nothing was filed: GitHub answered {status} for the issues of {repository}"
    return CannotJudge(message, do=f"see that repository in relgate.toml is right; {CREDENTIALS}")
